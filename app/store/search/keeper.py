"""Keeps the index of words near the log, in a greenlet of its own, when there is little to do."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

import gevent
import structlog

from app.store.search.indexer import STEP_EVENTS, Indexer

QUIET_PAUSE = 0.03  # seconds between two steps while nothing is being stored
# While messages come in they wait for what a step computes: steps are short then, and behind each
# comes a pause of so many times what it took. The less there is left of the machine, the longer.
BUSY_EVENTS, BUSY_PAUSES = 50, 30
LOOK_PAUSE = 0.5
FAILED_PAUSE = 30.0
TOUCHED = 50_000  # ids that are remembered; with more, all conversations are looked at

log = structlog.get_logger()


class Keeper:
    """Hears which conversations have grown, and has them indexed later.

    It begins with the first commit that is noted, where somebody hears of its death: else a
    search brings the index up. If not `enabled`, it only empties the index. The ids are in memory
    only: after a start, one look at all conversations finds what a crash left behind.
    """

    def __init__(
        self, indexer: Indexer, enabled: bool = True, on_death: Callable[[], None] | None = None
    ) -> None:
        self._indexer = indexer
        self._enabled = enabled
        self._on_death = on_death
        self._greenlet: gevent.Greenlet | None = None
        self._touched: set[int] = set()
        self._commits = 0
        self._lost = True  # whether conversations may lack something that `_touched` does not say

    def note(self, conversations: Iterable[int]) -> None:
        """A transaction is committed that may have added to these. Once per batch, and cheap."""
        if self._on_death is None:
            return
        if self._greenlet is None:
            work = self._run if self._enabled else self._switch_off
            self._greenlet = gevent.spawn(work)
            on_death = self._on_death
            self._greenlet.link_exception(lambda _: on_death())
        if self._enabled:
            self._commits += 1
            self._touched.update(conversations)
            if len(self._touched) > TOUCHED:
                self._lost = True
                self._touched.clear()

    def _run(self) -> None:
        while not self._indexer.database.closed:
            try:
                self._work_off()
                gevent.sleep(LOOK_PAUSE)
            except Exception:
                # The log has everything; a search, or the next look, brings the index up.
                log.exception("indexing_failed")
                self._lost = True
                gevent.sleep(FAILED_PAUSE)

    def _work_off(self) -> None:
        if self._lost:
            self._lost = False
            for found in self._indexer.behind():
                self._index(found)
        elif self._touched:
            found, self._touched = list(self._touched), set()
            self._index(found)

    def _index(self, left: list[int]) -> None:
        most = BUSY_EVENTS
        while left and not self._indexer.database.closed:
            commits, began = self._commits, time.monotonic()
            _, left = self._indexer.step(left, most)
            took = time.monotonic() - began
            gevent.sleep(QUIET_PAUSE)
            busy = self._commits != commits
            most = BUSY_EVENTS if busy else STEP_EVENTS
            if busy:
                gevent.sleep(min(BUSY_PAUSES * took, FAILED_PAUSE))

    def _switch_off(self) -> None:
        try:
            self._indexer.clear()
        except Exception:
            log.exception("index_not_emptied")
