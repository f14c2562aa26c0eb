"""The head check: no event stays untold, however late it is committed; ended sessions are found."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import SimpleNamespace

import gevent
import pytest

from app.chat.frames import PRIVATE, V2, Address
from app.chat.node import Limits, Node
from app.chat.websocket import WebSocket
from app.cluster.headcheck import NODES, Head, HeadCheck
from app.cluster.history import History
from app.errors import Unavailable
from app.store import Database, Store
from tests.many.test_follower import ANN, BERT, Book, Desk, said
from tests.many.test_follower import websocket as websocket
from tests.support.process import wait_until

LATE_MS = 30_000
EVENTS = 200
SPAN_MS = 300_000


class Records:
    """What the check reads, by a clock of its own that each check moves on."""

    late_ms = LATE_MS

    def __init__(self, rng: random.Random, commits: Sequence[tuple[int, int]] = ()) -> None:
        self.rng = rng
        self.commits = commits  # of each conversation's only event: when, and its `at`
        self.time = 0
        self.fails = 0.0  # how often it is away
        self.ended: set[str] = set()
        self.asked: list[str] = []

    def now(self) -> int:
        self.time += self.rng.randint(1000, 4250)
        return self.time

    def heads(self, since: int) -> Iterable[Head]:
        if self.rng.random() < self.fails:
            raise Unavailable()
        for chat, (committed, at) in enumerate(self.commits, 1):
            if committed <= self.time and at >= since:
                yield Head(Address(chat, PRIVATE, ANN, BERT), 1)

    def moved(self, groups: Mapping[int, int]) -> Iterable[int]:
        return ()

    def shows_reading(self, sessions: Sequence[str]) -> Mapping[str, bool]:
        self.asked += sessions
        return {session: True for session in sessions if session not in self.ended}


@contextmanager
def checking(check: HeadCheck) -> Iterator[None]:
    greenlet = gevent.spawn(check.run)
    try:
        yield
    finally:
        greenlet.kill()


@pytest.mark.parametrize("seed", range(10))
def test_every_event_is_found_however_late_it_was_committed_and_whatever_failed(
    websocket: WebSocket, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """Not one letter arrives; a transaction lasts up to LATE_MS, and the database is away at times.
    """
    for name in ("LOOK", "OFTEN", "SELDOM"):
        monkeypatch.setattr(f"app.cluster.headcheck.{name}", 0.001)
    rng = random.Random(seed)
    commits = []
    for _ in range(EVENTS):
        at = rng.randrange(SPAN_MS)
        commits.append((at + rng.choice([0, LATE_MS, rng.randint(0, LATE_MS)]), at))
    database = Records(rng, commits)
    database.fails = 0.1
    chats = range(1, EVENTS + 1)
    desk = Desk(websocket, Book([said(1, chat) for chat in chats]), BERT)
    check = HeadCheck(desk.hub, desk.follower, database, lambda: True, lambda _: True)
    with checking(check):
        wait_until(lambda: database.time > 2 * SPAN_MS or bool(gevent.sleep(0.01)))
        gevent.sleep(0.2)  # the follower's own patience
    assert sorted(event["conversation"] for event in desk.heard(BERT)) == list(chats)
    desk.close()


@pytest.mark.parametrize("database", ["postgres"], indirect=True)
@pytest.mark.parametrize("seconds", [1, 10, 60])
def test_it_looks_back_as_far_as_the_setting_lets_a_transaction_last(
    database: Database, seconds: int
) -> None:
    patient = Database(database.engine, seconds)
    assert History(Store(patient)).late_ms >= 3 * 1000 * seconds


class Room:
    """Many connected nodes, and a check that may or may not be sure of one."""

    def __init__(self, websocket: WebSocket) -> None:
        desk = Desk(websocket, Book([]))
        self.hub, self.follower = desk.hub, desk.follower
        limits = Limits(10, 10_000, 25, 30)
        for user in range(4 * NODES):
            self.hub.add(Node(websocket, limits, user, f"session-{user}", V2()))
        self.last = self.hub.nodes()[-1]
        self.database = Records(random.Random(0))
        self.sure = SimpleNamespace(now=False)
        self.check = HeadCheck(
            self.hub, self.follower, self.database, lambda: True, lambda _: self.sure.now
        )
        self.close = desk.close


def test_a_node_that_may_have_missed_its_end_is_looked_at_before_all_others(
    websocket: WebSocket,
) -> None:
    room = Room(websocket)
    room.last.doubtful = room.sure.now = True
    room.database.ended = {room.last.session}
    with checking(room.check):
        wait_until(lambda: room.last.close_code == 4500 or bool(gevent.sleep(0.01)))
        assert len(room.database.asked) <= NODES + 1
        assert room.database.asked[0] == room.last.session
    room.close()


def test_a_node_stays_doubtful_until_its_end_would_be_heard_of(websocket: WebSocket) -> None:
    room = Room(websocket)
    room.last.doubtful = True
    with checking(room.check):
        wait_until(lambda: room.database.asked != [] or bool(gevent.sleep(0.01)))
        assert room.last.doubtful
        assert room.last.session not in room.database.asked
        room.sure.now = True
        room.check.soon()
        wait_until(lambda: not room.last.doubtful or bool(gevent.sleep(0.01)))
        assert room.last.session in room.database.asked
    room.close()
