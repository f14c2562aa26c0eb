"""One statement about what many greenlets ask for at the same time.

For PostgreSQL, where a statement costs more than what it is about: when thousands connect at once,
their sessions and conversations are read by the dozen.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from typing import Generic, TypeVar

import gevent
from gevent.event import AsyncResult

BUSY = 3  # keys in one statement say that others are on their way:
REST = 0.02  # seconds that they have to catch the next one

KeyT = TypeVar("KeyT")
ValueT = TypeVar("ValueT")


class Gathered(Generic[KeyT, ValueT]):
    """While one statement is on its way, those who come gather for the next one.

    So what is read is read after it was asked for.
    """

    def __init__(
        self, ask: Callable[[Sequence[KeyT]], Mapping[KeyT, ValueT]], at_once: int
    ) -> None:
        """`ask` is told at most `at_once` keys, each once."""
        self._ask = ask
        self._at_once = at_once
        self._waiting: dict[KeyT, AsyncResult[ValueT | None]] = {}
        self._busy = False

    def get(self, key: KeyT) -> ValueT | None:
        """What was found of a key; None: nothing. Raises what `ask` raises."""
        result = self._waiting.setdefault(key, AsyncResult())
        if not self._busy:
            self._busy = True
            gevent.spawn(self._run)
        found: ValueT | None = result.get()
        return found

    def _run(self) -> None:
        busy = False
        while self._waiting:
            if busy and len(self._waiting) < self._at_once:
                gevent.sleep(REST)
            keys = list(islice(self._waiting, self._at_once))
            results = [self._waiting.pop(key) for key in keys]
            busy = len(keys) >= BUSY
            try:
                found = self._ask(keys)
                for key, result in zip(keys, results, strict=True):
                    result.set(found.get(key))
            except Exception as error:
                for result in results:
                    result.set_exception(error)
        self._busy = False
