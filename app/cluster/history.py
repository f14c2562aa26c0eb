"""The log as the follower and the head check read it: the store's rows in the core's words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import ceil

import gevent

from app.chat.catching_up import event_of
from app.chat.frames import Address, Event
from app.cluster.follower import Span
from app.cluster.headcheck import Head
from app.store import Store


class History:
    """Log and Records. All of it raises Unavailable when the database is away."""

    def __init__(self, store: Store) -> None:
        self._recent = recent = store.recent
        self.late_ms = ceil(store.database.longest * 1000)
        self.recent_ms = recent.recent_ms
        self._advanced = store.conversations.advanced
        self.now = recent.now
        self.moved = recent.moved
        self.first = recent.first
        self.shows_reading = recent.shows_reading

    def heads(self, since: int) -> Iterator[Head]:
        behind = 0
        while page := self._advanced(since, behind):
            for row in page:
                yield Head(Address(row.id, row.kind, row.low or 0, row.high or 0), row.last_seq)
            since, behind = page[-1].last_at, page[-1].id
            gevent.sleep(0)

    def between(self, spans: Sequence[Span]) -> Sequence[Event]:
        return [event_of(entry) for entry in self._recent.between(spans)]
