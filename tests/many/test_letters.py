"""One server of Redis: what goes out to it is bounded and awaited, what comes in is confirmed."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import gevent
import pytest
from redis.connection import AbstractConnection

from app.cluster.publisher import MOST, MOST_BYTES, Count, Publisher
from tests.faults.proxy import Proxy
from tests.support.server import ROOT
from tests.support.valkey import Valkey


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    """A Valkey that refuses a channel, as one of a cluster does that does not have its slot."""
    rules = ("default", "on", "nopass", "~*", "+@all", "resetchannels", "&allowed")
    made = Valkey(tmp_path_factory.mktemp("strict"), "--user", *rules)
    made.start()
    yield made
    made.stop()


def play(port: int, script: str, tmp_path: Path) -> str:
    """What a script says that runs under gevent, with `connect` to the Redis at this port."""
    path = tmp_path / "script.py"
    path.write_text(HEAD.format(port=port) + script)
    done = subprocess.run(
        [sys.executable, str(path)], cwd=ROOT, env={"PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


HEAD = """
from gevent import monkey
monkey.patch_all()
import gevent
from app.cluster.publisher import Count, Publisher
from app.cluster.servers import Servers
from app.cluster.subscriber import Subscriber

servers = Servers("redis://127.0.0.1:{port}")
connect = lambda: servers.connect(None)
nothing = lambda *_: None

def until(holds):
    with gevent.Timeout(60):
        while not holds():
            gevent.sleep(0.01)

"""

LEAVES = """
changes = []
subscriber = Subscriber(connect, True, nothing, lambda: changes.append(subscriber.stands), nothing)
subscriber.ask(["allowed", "refused"])
for loop in (subscriber.run, subscriber.order):
    gevent.spawn(loop)
until(lambda: subscriber.wait(["allowed"], 0.01) and subscriber._connection)
assert not subscriber.stands
subscriber.leave(["refused"])
print(subscriber.stands, changes)
"""


def test_a_subscription_stands_when_what_was_not_confirmed_is_left(
    strict: Valkey, tmp_path: Path
) -> None:
    """So a server of a cluster is well again when channels that it does not have are asked for
    elsewhere.
    """
    assert play(strict.port, LEAVES, tmp_path) == "True [True]"


FLUSHES = """
count = Count()
publisher = Publisher(connect, False, count, nothing)
gevent.spawn(publisher.run)
publisher.send(["allowed"], b"first")
until(lambda: not publisher._waiting)
publisher.flush(60)
print(count)
"""


def test_a_flush_waits_for_the_letters_that_are_on_their_way(
    valkey: Valkey, tmp_path: Path
) -> None:
    wire = Proxy(valkey.port)
    wire.delay(0.2)
    try:
        assert play(wire.port, FLUSHES, tmp_path) == "Count(sent=1, dropped=0)"
    finally:
        wire.stop()


def nowhere() -> AbstractConnection:
    raise ConnectionRefusedError


@pytest.mark.parametrize(
    ("letter", "most"), [(b"x", MOST), (b"x" * 1_000_000, MOST_BYTES // 1_000_000 + 1)],
    ids=["many letters", "large letters"],
)
def test_where_redis_is_away_letters_beyond_a_bound_are_dropped_and_nobody_waits(
    letter: bytes, most: int
) -> None:
    count = Count()
    publisher = Publisher(nowhere, False, count, lambda: None)
    turns = []
    others = gevent.spawn(turns.append, "somebody else's turn")
    for _ in range(most + 7):
        publisher.send(["a"], letter)
    assert count == Count(sent=0, dropped=7)
    assert turns == []  # `send` has not waited, not even for a moment
    others.join()
    publisher.drop()
    assert count.dropped == most + 7
