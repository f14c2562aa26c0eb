"""Two servers of one installation, on two ports: who is where is then no question of luck."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support import topology
from tests.support.client import Person
from tests.support.process import wait_until
from tests.support.server import Server
from tests.support.valkey import Valkey
from tests.test_metrics import numbers

Pair = tuple[Server, Server]
AGAIN = 60.0  # seconds until all is well again
BUS_ONLY = "tests.many.bus_only:app"


def all_well(pair: Pair) -> None:
    for server in pair:
        wait_until(lambda: numbers(server)["hichat_bus_well"] == 1, AGAIN)  # noqa: B023


@contextmanager
def pair_of(
    folder: Path, app: str = "wsgi:app", second: Mapping[str, str] | None = None, **settings: str
) -> Iterator[Pair]:
    """Two started servers that share a database, a Redis and a data folder.

    `second`: further settings of the second one.
    """
    one = Server(folder, app, **topology.shared() | {
        "WEB_CONCURRENCY": "1", "HICHAT_PRESENCE_GRACE_SECONDS": "1", **settings,
    })
    one.prepare()
    two = one.twin()
    two.environ |= second or {}
    try:
        one.start()
        two.start()
        all_well((one, two))
        yield one, two
    finally:
        for server in (one, two):
            if server.process is not None:
                server.kill()


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """For tests that only talk to them: what one shows of the other has come by the bus."""
    with pair_of(tmp_path_factory.mktemp("pair"), BUS_ONLY) as made:
        yield made


@pytest.fixture(scope="module")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    """One of its own for tests that do it harm."""
    made = Valkey(tmp_path_factory.mktemp("valkey"))
    made.start()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def _shaken(tmp_path_factory: pytest.TempPathFactory, valkey: Valkey) -> Iterator[Pair]:
    with pair_of(tmp_path_factory.mktemp("shaken"), HICHAT_REDIS_URL=valkey.url) as made:
        yield made


@pytest.fixture
def own_pair(_shaken: Pair, valkey: Valkey) -> Pair:
    """For tests that kill servers, or the Valkey between them: all is well again before each."""
    if valkey.process is None:
        valkey.start()
    for server in _shaken:
        if server.process is None:
            server.start()
    all_well(_shaken)
    return _shaken


@pytest.fixture
def alice(pair: Pair) -> Person:
    return Person(pair[0])


@pytest.fixture
def bob(pair: Pair) -> Person:
    """On the other server."""
    return Person(pair[1])
