"""What Redis has lost is found in the database: events that nobody told here, and ended sessions.

Looked at every second while Redis is not well, and soon after; else now and then, because a letter
can be lost without a sign. The index by time (`event.at`) makes it one short statement.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol

import gevent
import structlog
from gevent.event import Event

from app.chat.frames import GROUP, Address
from app.chat.hub import Hub
from app.cluster.follower import Follower
from app.errors import Close

LOOK = 0.25  # seconds between two looks at whether it is time
OFTEN, SELDOM = 1.0, 4.0  # seconds between two checks
AFTERWARDS = 5.0  # seconds for which it goes on often, once all is well
# An event is seen only when it is committed, which is behind its `at`: so far is looked back, and
# now and then further, because a transaction may last that long.
SLACK_MS, DEEP_SLACK_MS = 3_000, 30_000
DEEP = 8  # every so many checks
NODES = 500  # whose sessions one statement asks for, and one check
AFTER_TROUBLE = 4 * NODES  # and one check while Redis is not well, and soon after

log = structlog.get_logger()


class Head(NamedTuple):
    """A conversation that went on, and the seq of its last event."""

    to: Address
    last: int


class Records(Protocol):
    """What is read of the database. All raise when it is away. Times are its clock's, in ms."""

    def now(self) -> int: ...

    def heads(self, since: int) -> Iterable[Head]:
        """The conversations with events of this time or later."""

    def moved(self, groups: Mapping[int, int]) -> Iterable[int]:
        """Those of these groups (id -> last seq) that somebody came into or left lately."""

    def shows_reading(self, sessions: Sequence[str]) -> Mapping[str, bool]:
        """Of those sessions that have not ended, whether their user shows what they read."""


class HeadCheck:
    """Compares the log with what was told here, and the nodes with their sessions."""

    def __init__(
        self, hub: Hub, follower: Follower, records: Records, well: Callable[[], bool]
    ) -> None:
        self._hub = hub
        self._follower = follower
        self._records = records
        self._well = well
        self._soon = Event()
        self._often_until = 0.0
        self._covered: int | None = None  # up to this time all is told that concerns nodes here
        self._checks = 0
        self._next_node = 0

    def soon(self) -> None:
        """Check now, and often for a while: something may have been lost."""
        self._often_until = time.monotonic() + AFTERWARDS
        self._soon.set()

    def run(self) -> None:
        """Check when it is time. Never returns."""
        checked = 0.0
        while True:
            asked = self._soon.wait(LOOK)
            now = time.monotonic()
            if not self._well():
                self._often_until = now + AFTERWARDS
            often = now < self._often_until
            if asked or now - checked >= (OFTEN if often else SELDOM):
                self._soon.clear()
                checked = now
                try:
                    self._check(often)
                except Exception:  # the next one looks further back
                    self._often_until = now + AFTERWARDS
                    log.exception("head_check_failed")
                    gevent.sleep(OFTEN)

    def _check(self, often: bool) -> None:
        now = self._records.now()
        self._checks += 1
        deep = self._covered is None or self._checks % DEEP == 0
        since = now - DEEP_SLACK_MS if deep else now - SLACK_MS
        if self._covered is not None:
            since = min(since, self._covered)
        strange = {}  # groups that nobody here is in, as far as this process has heard
        for head in self._records.heads(since):
            if self._hub.hears(head.to):
                self._follower.expect(*head)
                continue
            key = head.to.conversation
            if head.to.kind == GROUP and self._follower.is_behind(key, head.last):
                strange[key] = head
        if strange:
            lasts = {key: head.last for key, head in strange.items()}
            for key in self._records.moved(lasts):
                self._follower.expect(*strange[key])
        self._covered = now - SLACK_MS
        self._follower.turn()
        self._check_sessions(AFTER_TROUBLE if often else NODES)

    def _check_sessions(self, count: int) -> None:
        """Close sockets of ended sessions: look at the next `count` nodes, NODES at once."""
        nodes = self._hub.nodes()
        first = self._next_node if self._next_node < len(nodes) else 0
        self._next_node = first + count
        for start in range(first, min(first + count, len(nodes)), NODES):
            some = [(node, node.shows_reading) for node in nodes[start : start + NODES]]
            live = self._records.shows_reading([node.session for node, _ in some])
            for node, shown in some:
                if node.session not in live:
                    node.close(Close.SESSION_REVOKED, "session ended: log in again")
                elif node.shows_reading is shown:  # else it was changed while we asked
                    node.shows_reading = live[node.session]
            gevent.sleep(0)
