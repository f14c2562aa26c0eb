"""Which tests run a second time, over two workers, a PostgreSQL and a Valkey (topology.py).

Those that speak to a server through the promised interfaces, HTTP and sockets, all but these.
"""

from __future__ import annotations

import pytest

# Whoever asks for one of these speaks to a server; `client`, `alice` and their kin do through them.
SERVERS = {"server", "own_server", "app", "limited_app", "slow_client"}
MAKERS = ("running", "application")  # what a module starts further servers with
INSIDE = {"database", "store"}  # these tests talk to the store, on both databases

# The beginning of a test's id: why it runs over one process only.
ONCE = {
    "tests/many/": "starts its workers itself",
    "tests/web/": "the browser's own side; what it says on the wire is tested here",
    "tests/transport/": "frames, below anything that workers share",
    "tests/hostile/test_fields.py": "parsers are the same in every process, and it is long",
    "tests/hostile/test_floods.py::test_a_half_open": "counts what one process holds",
    "tests/test_accounts_postgres.py": "names its own database",
    "tests/test_house.py": "reads the program, asks no server",
    "tests/test_migrations.py": "changes the tables under the server",
    "tests/test_unread_cost.py": "counts the statements of one process",
    "tests/test_blobs_disk.py": "the store's own folder",
    "tests/test_restore.py": "asks no server",
    "tests/test_authorization.py::test_every": "compares lists, asks no server",
    "tests/test_authorization.py::test_no_two": "compares lists, asks no server",
    "tests/test_conversation_list.py::test_a_page_costs": "counts the statements of one process",
    "tests/test_conversation_list.py::test_no_statement": "reads the plans of SQLite",
    "tests/test_groups_order.py": "holds the line of one process",
    "tests/test_health.py::test_it_is_not_ready_while_it_drains": "drains one process",
    "tests/test_media_refused.py::test_a_file_that_is_too_large": "changes a running process",
    "tests/test_media_refused.py::test_a_form_that_does_not_arrive": "changes a running process",
    "tests/test_media_refused.py::test_a_user_uploads_so_much": "changes a running process",
    "tests/test_media_network.py::test_a_gigabyte": "two gigabytes take much time",
    "tests/test_model.py": "a step waits for what one process holds; tests/faults does without",
    "tests/test_postgres_down.py": "names its own database",
    "tests/test_metrics.py": "the numbers are each process's own",
    "tests/test_rate_limits_redis.py::test_without_redis": "then each process counts by itself",
    "tests/test_resources.py::test_a_thousand": "counts what one process holds",
    "tests/test_resources.py::test_idle_sockets": "counts what one process holds",
}


def over_two_workers(item: pytest.Item) -> bool:
    """Whether this test runs over two workers, too."""
    if any(item.nodeid.startswith(beginning) for beginning in ONCE):
        return False
    names = set(getattr(item, "fixturenames", ()))
    if names & INSIDE:
        return False
    module = getattr(item, "module", None)
    return bool(names & SERVERS) or any(hasattr(module, name) for name in MAKERS)
