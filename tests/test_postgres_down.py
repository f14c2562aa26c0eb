"""PostgreSQL dies, freezes, or keeps a lock for ever: refusals in time, then all goes on."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
import requests

from tests.support.client import PATIENCE, Person, Socket
from tests.support.postgres import Postgres
from tests.support.process import wait_until
from tests.support.server import ROOT, Server

pytestmark = pytest.mark.timeout(600)

SECONDS = "1"  # that PostgreSQL may take for an answer
REFUSED = {"code": "unavailable", "retry": True}


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    """One of this module's own, to be treated badly."""
    made = Postgres()
    try:
        made.start()
        yield made
    finally:
        made.stop()


@pytest.fixture(scope="module")
def site(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that all of it happens to: what it does not recover from, the next test finds."""
    made = Server(
        tmp_path_factory.mktemp("site"), HICHAT_DATABASE_URL=postgres.url,
        HICHAT_DATABASE_SECONDS=SECONDS, HICHAT_SEARCH="off",
    )
    made.prepare()
    made.start()
    yield made
    made.kill()


def send(device: Socket, to: int, ref: str) -> None:
    device.send(op="send", ref=ref, to={"user": to}, message={"media": "text", "content": ref})


def answer(device: Socket, ref: str) -> dict[str, Any]:
    """What comes of a message; much more patience than PostgreSQL is granted."""
    while True:
        frame = device.receive(3 * PATIENCE)
        if frame.get("ref") == ref and frame["op"] in ("ack", "error"):
            return frame


def until_acked(device: Socket, to: int, ref: str) -> dict[str, Any]:
    """Repeat a message, as every client does, while the server says that it is unavailable."""
    deadline = time.monotonic() + 6 * PATIENCE
    while time.monotonic() < deadline:
        send(device, to, ref)
        frame = answer(device, ref)
        if frame["op"] == "ack":
            return frame
        assert {name: frame[name] for name in REFUSED} == REFUSED
        time.sleep(0.05)
    raise AssertionError(f"{ref} is refused for ever")


def test_it_is_killed_and_started_again_while_people_write(
    postgres: Postgres, site: Server
) -> None:
    alice, bob = Person(site), Person(site)
    acks: list[dict[str, Any]] = []
    over = threading.Event()

    def write() -> None:
        with alice.device() as device:
            while not over.is_set():
                acks.append(until_acked(device, bob.id, f"m{len(acks)}"))

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(3):
            before = len(acks)
            wait_until(lambda least=before: len(acks) > least + 20, 3 * PATIENCE)
            postgres.kill()
            postgres.launch()
        before = len(acks)
        wait_until(lambda least=before: len(acks) > least + 20, 3 * PATIENCE)
    finally:
        over.set()
        writer.join()
    assert [ack["seq"] for ack in acks] == list(range(1, len(acks) + 1))
    told = bob.history(acks[0]["conversation"])
    assert [event["message"]["content"] for event in told] == [f"m{n}" for n in range(len(acks))]


def test_idle_connections_that_died_with_it_cost_nobody_a_request(
    postgres: Postgres, site: Server
) -> None:
    alice, bob = Person(site), Person(site)
    with alice.device() as device:
        until_acked(device, bob.id, "before")
        postgres.kill()
        postgres.launch()
        send(device, bob.id, "after")
        assert answer(device, "after")["op"] == "ack"
    assert alice.get("/v2/users/me")["id"] == alice.id


def test_a_frozen_one_is_refused_in_time_and_used_again_when_it_is_back(
    postgres: Postgres, site: Server
) -> None:
    alice, bob = Person(site), Person(site)
    with alice.device() as device:
        first = until_acked(device, bob.id, "before")
        postgres.signal(signal.SIGSTOP)
        try:
            send(device, bob.id, "meanwhile")
            assert requests.get(f"{site.http}/healthz", timeout=PATIENCE).ok
            frame = answer(device, "meanwhile")
            assert {name: frame[name] for name in REFUSED} == REFUSED
            reading = alice.request("GET", "/v2/users/me")
            assert (reading.status_code, reading.json()["code"]) == (503, "unavailable")
        finally:
            postgres.signal(signal.SIGCONT)
        assert until_acked(device, bob.id, "meanwhile")["seq"] == 2
    assert len(bob.history(first["conversation"])) == 2


def test_a_lock_that_nobody_gives_back_is_refused_in_time(
    postgres: Postgres, site: Server
) -> None:
    alice, bob, carol = (Person(site) for _ in range(3))
    with alice.device() as device, psycopg.connect(site.environ["HICHAT_DATABASE_URL"]) as rival:
        first = until_acked(device, bob.id, "before")
        rival.execute(
            "SELECT id FROM conversation WHERE id = %s FOR UPDATE", [first["conversation"]]
        )
        send(device, bob.id, "meanwhile")
        frame = answer(device, "meanwhile")
        assert {name: frame[name] for name in REFUSED} == REFUSED
        assert until_acked(device, carol.id, "elsewhere")["seq"] == 1
        rival.rollback()
        assert until_acked(device, bob.id, "meanwhile")["seq"] == 2


WAITING = """
import wsgi
import gevent
from app import services
database = services.of(wsgi.app).store.database
with database.alone() as holder:
    holder.exec_driver_sql("SELECT pg_advisory_xact_lock(1)")
    waiter = gevent.spawn(database.rows, "SELECT pg_advisory_xact_lock(1)")
    while not database.rows("SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"):
        gevent.sleep(0.01)
assert waiter.get(timeout=60) is not None
print("the others went on")
"""


def test_a_greenlet_that_waits_for_postgresql_holds_up_nobody(site: Server) -> None:
    done = subprocess.run(
        [sys.executable, "-c", WAITING], cwd=ROOT, env=site.environ, capture_output=True,
        text=True, timeout=60,
    )
    assert done.stdout == "the others went on\n", done.stderr


def test_a_process_that_imported_psycopg_before_gevent_patched_does_not_start(
    site: Server
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import psycopg, wsgi"], cwd=ROOT, env=site.environ,
        capture_output=True, text=True, timeout=60,
    )
    assert done.returncode == 1
    assert "psycopg was imported before gevent patched" in done.stderr
