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
from app.chat.node import Node
from app.cluster.follower import Follower
from app.errors import Close

LOOK = 0.25  # seconds between two looks at whether it is time
OFTEN, SELDOM = 1.0, 4.0  # seconds between two checks
AFTERWARDS = 5.0  # seconds for which it goes on often, once all is well
# An event is seen only when it is committed, which is behind its `at`: so far is looked back, and
# now and then as far as a transaction may last.
SLACK_MS = 3_000
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

    late_ms: int  # no event is committed longer than this behind its `at`

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
        self, hub: Hub, follower: Follower, records: Records, well: Callable[[], bool],
        hears: Callable[[Node], bool],
    ) -> None:
        """`hears`: whether the end of this node's session would be heard of, from now on."""
        self._hub = hub
        self._follower = follower
        self._records = records
        self._well = well
        self._hears = hears
        self._soon = Event()
        self._often_until = 0.0
        # Up to these times all is told that concerns nodes here: unless it was committed late; and
        # certainly. Each look begins where the last one of its kind ended, whenever that was.
        self._covered: int | None = None
        self._settled: int | None = None
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
        deep = self._checks % DEEP == 0
        upto = now - (self._records.late_ms if deep else SLACK_MS)
        since = self._settled if deep else self._covered
        self._look(upto if since is None else min(upto, since))
        self._covered = now - SLACK_MS
        if deep:
            self._settled = upto
        self._checks += 1
        self._follower.turn()
        self._check_sessions(AFTER_TROUBLE if often else NODES)

    def _look(self, since: int) -> None:
        """Have the follower expect all that was said since then."""
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

    def _check_sessions(self, count: int) -> None:
        """Close sockets of ended sessions: of doubtful nodes that can be sure now, and of the next
        `count`.
        """
        nodes = self._hub.nodes()
        doubtful = [node for node in nodes if node.doubtful and self._hears(node)]
        first = self._next_node if self._next_node < len(nodes) else 0
        due = doubtful + nodes[first : first + count]
        for node in doubtful:
            node.doubtful = False  # before they are asked for: a doubt that comes meanwhile stays
        try:
            for start in range(0, len(due), NODES):
                self._check_some(due[start : start + NODES])
                gevent.sleep(0)
        except Exception:
            for node in doubtful:
                node.doubtful = True
            raise
        self._next_node = first + count

    def _check_some(self, nodes: Sequence[Node]) -> None:
        some = [(node, node.shows_reading) for node in nodes]
        live = self._records.shows_reading([node.session for node in nodes])
        for node, shown in some:
            if node.session not in live:
                node.close(Close.SESSION_REVOKED, "session ended: log in again")
            elif node.shows_reading is shown:  # else it was changed while we asked
                node.shows_reading = live[node.session]
