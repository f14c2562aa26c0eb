"""`flask hichat migrate-store`: all of it, once, whatever stops it, and compared row by row."""

from __future__ import annotations

import os
import re
import signal
import sqlite3
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import closing, suppress

import psycopg
import pytest
from flask_migrate import downgrade, upgrade

from tests.support.backups import NewSite, Returned, World, command, contents, hichat, opened
from tests.support.client import PATIENCE, Person
from tests.support.postgres import new_database
from tests.support.process import wait_until
from tests.support.server import ROOT, Server

pytestmark = pytest.mark.timeout(600)  # each move is a process, and reads everything twice

MANY = 40_000  # events: as many transactions that a move can be killed between


@pytest.fixture
def site(new_site: NewSite) -> Server:
    made: Server = new_site("sqlite")
    return made


@pytest.fixture
def world(site: Server) -> World:
    with opened(site, migrated=True) as app:
        return World(app, site.folder)


@pytest.fixture
def target(postgres_url: str) -> Iterator[str]:
    with new_database(postgres_url) as url:
        yield url


def address(site: Server) -> str:
    return f"sqlite:///{site.folder / 'hichat.db'}"


def move(site: Server, target: str) -> subprocess.CompletedProcess[bytes]:
    return hichat(site, "migrate-store", address(site), target)


def on_postgres(site: Server, target: str) -> Server:
    """The same site, with the other database."""
    return Server(site.folder, HICHAT_DATABASE_URL=target)


def fill(world: World, count: int) -> None:
    """So many more events of the chat."""
    with closing(sqlite3.connect(world.folder / "hichat.db")) as connection, connection:
        [last] = connection.execute(
            "SELECT last_seq FROM conversation WHERE id = ?", (world.chat,)
        ).fetchone()
        connection.executemany(
            "INSERT INTO event (conversation_id, seq, type, sender_id, ref, at, body)"
            " VALUES (?, ?, 'message', ?, ?, ?, '{\"media\":\"text\",\"content\":\"hi\"}')",
            [(world.chat, last + n, world.ada.id, uuid.uuid4().hex, n)
             for n in range(1, count + 1)],
        )
        connection.execute(
            "UPDATE conversation SET last_seq = last_seq + ?, message_seq = last_seq + ?"
            " WHERE id = ?", (count, count, world.chat)
        )


def events(target: str) -> int:
    """How many events PostgreSQL has; 0 before it has the table."""
    with psycopg.connect(target) as connection:
        [found] = connection.execute("SELECT to_regclass('event') IS NOT NULL").fetchone()
        if not found:
            return 0
        [count] = connection.execute("SELECT count(*) FROM event").fetchone()
        return count


def test_everything_moves_and_the_server_goes_on_where_it_was(
    site: Server, world: World, target: str
) -> None:
    before = contents(site)
    for _ in range(2):  # the second time, there is nothing left but to compare
        moved = move(site, target)
        assert moved.returncode == 0, moved.stderr
        assert b"the same in both" in moved.stdout
    new = on_postgres(site, target)
    assert contents(new) == before
    new.start()
    try:
        ada = Returned(new, world.ada)
        with ada.device() as device:
            ack = device.text("on PostgreSQL", world.ben.id)
        last = max(row[1] for row in before["event"] if row[0] == world.chat)
        assert (ack["conversation"], ack["seq"]) == (world.chat, last + 1)
        assert Person(new).id == world.dan.id + 1
    finally:
        new.kill()


def test_a_move_shows_how_far_it_is_to_who_looks_on(
    site: Server, world: World, target: str
) -> None:
    screen, terminal = os.openpty()
    with subprocess.Popen(
        command("migrate-store", address(site), target), cwd=ROOT, env=site.environ,
        stdout=subprocess.DEVNULL, stderr=terminal,
    ) as moving:
        os.close(terminal)
        shown = b""
        with suppress(OSError):  # what a terminal's end is, for who reads it
            while chunk := os.read(screen, 4096):
                shown += chunk
    os.close(screen)
    assert moving.returncode == 0, shown
    for label in (b"copying", b"comparing"):
        assert re.search(label + rb"[^\r\n]*100%", shown), shown


def test_a_move_that_is_killed_goes_on_where_it_was(
    site: Server, world: World, target: str
) -> None:
    fill(world, MANY)
    before = contents(site)
    seen = 0
    for part in (0.1, 0.4, 0.7):
        process = subprocess.Popen(
            command("migrate-store", address(site), target), cwd=ROOT, env=site.environ,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        try:
            wait_until(lambda least=part * MANY: events(target) > least, 6 * PATIENCE)
        finally:
            process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL, "it was done before it could be killed"
        assert events(target) > seen
        seen = events(target)
    assert seen < len(before["event"])
    assert hichat(on_postgres(site, target), "prepare").returncode != 0, "half a store would serve"
    assert move(site, target).returncode == 0
    assert contents(on_postgres(site, target)) == before


CHANGES = {  # what somebody does to PostgreSQL: what the command says of it
    "UPDATE event SET body = body || ' ' WHERE conversation_id = {chat} AND seq = 2":
        "event, conversation_id {chat}: 8 rows in SQLite, 8 in PostgreSQL, with other contents",
    "DELETE FROM event WHERE conversation_id = {group} AND seq = 2":
        "event, conversation_id {group}: 2 rows in SQLite, 1 in PostgreSQL",
    "UPDATE member SET read_seq = read_seq + 1 WHERE conversation_id = {group} AND user_id = {ben}":
        "member, conversation_id {group}: 3 rows in SQLite, 3 in PostgreSQL, with other contents",
    "UPDATE \"user\" SET name = 'eve' WHERE id = {ben}":
        "user, id {ben}: 1 rows in SQLite, 1 in PostgreSQL, with other contents",
    "INSERT INTO removal (conversation_id, user_id, seq) VALUES ({group}, {ben}, 1)":
        "removal, conversation_id {group}: 0 rows in SQLite, 1 in PostgreSQL",
}


def test_rows_that_are_not_the_same_are_named(site: Server, world: World, target: str) -> None:
    words = {"chat": world.chat, "group": world.group, "ben": world.ben.id}
    assert move(site, target).returncode == 0
    with psycopg.connect(target) as connection:
        for change in CHANGES:
            assert connection.execute(change.format(**words)).rowcount == 1
    found = move(site, target)
    assert found.returncode == 1
    told = found.stderr.decode().splitlines()
    assert {named.format(**words) for named in CHANGES.values()} <= set(told)
    assert f"Error: {len(CHANGES)} differences" in told[-1]


def test_sqlite_that_was_written_to_between_two_runs_is_found(
    site: Server, world: World, target: str
) -> None:
    fill(world, 5)
    assert move(site, target).returncode == 0
    fill(world, 1)
    found = move(site, target)
    assert found.returncode == 1
    assert f"conversation, id {world.chat}" in found.stderr.decode()


def test_nothing_moves_while_a_server_uses_it(site: Server, world: World, target: str) -> None:
    site.start()
    try:
        with Returned(site, world.ada).device() as device:
            refused = move(site, target)
            assert device.text("still here", world.ben.id)["seq"]
    finally:
        site.kill()
    assert refused.returncode == 1
    assert b"if a server uses this database, stop it" in refused.stderr
    assert events(target) == 0
    assert move(site, target).returncode == 0


def test_an_older_schema_is_moved_as_it_is_and_then_upgraded(
    site: Server, world: World, target: str
) -> None:
    with opened(site) as app, app.app_context():
        downgrade(revision="0009")
    assert move(site, target).returncode == 0
    with opened(site) as app, app.app_context():
        upgrade()
    assert contents(on_postgres(site, target)) == contents(site)
    assert hichat(on_postgres(site, target), "prepare").stdout == b""


def test_a_database_that_is_used_is_refused(site: Server, world: World, target: str) -> None:
    used = on_postgres(site, target)
    with opened(used, migrated=True) as app:
        World(app, used.folder)
    before = contents(used)
    refused = move(site, target)
    assert refused.returncode == 1
    assert b"The database is in use" in refused.stderr
    assert contents(used) == before


@pytest.mark.parametrize(("one", "two", "said"), [
    ("postgresql://nobody@127.0.0.1:1/x", "sqlite:///x", "Give the address of the SQLite file"),
    ("sqlite:////nowhere/hichat.db", "postgresql://nobody@127.0.0.1:1/x", "There is no file"),
    ("{source}", "postgresql://nobody:secret@127.0.0.1:1/x", "The database refused it"),
])
def test_what_cannot_be_moved_is_one_line_and_status_1(
    site: Server, world: World, one: str, two: str, said: str
) -> None:
    refused = hichat(site, "migrate-store", one.format(source=address(site)), two)
    assert refused.returncode == 1
    [line] = refused.stderr.decode().splitlines()
    assert said in line and "secret" not in line
