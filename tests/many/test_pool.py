"""However many ask at once, a process has no more connections to PostgreSQL than it was given."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import psycopg

from tests.support import topology
from tests.support.chat import open_chat, text
from tests.support.client import Person
from tests.support.postgres import name_of
from tests.support.server import running

WORKERS, CONNECTIONS = 2, 2
PEOPLE, ASKERS, REQUESTS = 6, 24, 240

COUNT = "SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND backend_type = %s"


@contextmanager
def counting(url: str) -> Iterator[list[int]]:
    """How many connections a database has had, at every look."""
    counts: list[int] = []
    over = threading.Event()

    def look() -> None:
        with psycopg.connect(topology.postgres_url(), autocommit=True) as connection:
            while not over.wait(0.005):
                [(count,)] = connection.execute(COUNT, [name_of(url), "client backend"])
                counts.append(count)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield counts
    finally:
        over.set()
        thread.join()


def test_many_requests_and_connects_are_all_answered_by_a_few_connections(tmp_path: Path) -> None:
    settings = topology.shared() | {
        "WEB_CONCURRENCY": str(WORKERS), "HICHAT_DATABASE_CONNECTIONS": str(CONNECTIONS),
        "HICHAT_DATABASE_SECONDS": "60",
    }
    with running(tmp_path, **settings) as server:
        people = [Person(server) for _ in range(PEOPLE)]
        chats = {person: open_chat(person, people[0]) for person in people[1:]}

        def ask(number: int) -> str:
            person = people[1 + number % (PEOPLE - 1)]
            if number % 3 == 0:
                with person.device() as device:
                    return str(device.frames[0]["op"])
            if number % 3 == 1:
                return str(person.request("GET", "/v2/conversations").status_code)
            return str(person.post(
                f"/v2/conversations/{chats[person]}/messages",
                ref=uuid.uuid4().hex, message=text(str(number)),
            ).status_code)

        url = settings["HICHAT_DATABASE_URL"]
        with counting(url) as counts, ThreadPoolExecutor(ASKERS) as pool:
            answers = list(pool.map(ask, range(REQUESTS)))
    assert set(answers) == {"hello", "200", "201"}
    assert CONNECTIONS <= max(counts) <= WORKERS * CONNECTIONS
