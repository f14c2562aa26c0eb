"""What waits for all slow connections of a process together: a bound over all queues.

Only a connection whose write is held up counts. So a message to thousands, offered to all of their
queues before the first is written, counts for nobody who reads.
"""

from __future__ import annotations

import sys
from typing import Protocol

STUCK = 1.0  # seconds in which a write has not moved on: those connections go first
SPARED = 7 / 8  # of the bound: down to this they go, so that they are not sorted for each frame


class Slow(Protocol):
    """A connection whose write is held up."""

    @property
    def stuck_for(self) -> float:
        """Seconds since its write has last moved on."""

    def give_up(self) -> None:
        """Drop what waits, which is a `note` of 0, and close: it comes back and syncs."""


class Backlog:
    """How much waits for whom. Sizes are bytes."""

    def __init__(self, most: int = sys.maxsize) -> None:
        self._most = most
        self._waiting: dict[Slow, int] = {}
        self.size = 0

    def is_large(self) -> bool:
        """Whether producers that can wait should."""
        return self.size * 2 > self._most

    def note(self, slow: Slow, size: int) -> None:
        """So much waits for this connection now. Above the bound, the most loaded give up."""
        self.size += size - self._waiting.pop(slow, 0)
        if size:
            self._waiting[slow] = size
            if self.size > self._most:
                self._relieve()

    def _relieve(self) -> None:
        """First those that take nothing at all, and of these first the most loaded."""

        def weight(one: Slow) -> tuple[bool, int]:
            return one.stuck_for > STUCK, self._waiting[one]

        for one in sorted(self._waiting, key=weight, reverse=True):
            if self.size <= self._most * SPARED:
                break
            one.give_up()
