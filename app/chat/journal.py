"""Group commit: one committer takes all that waits, one transaction, then every answer.

While a batch is on its way to the disk the next one gathers, so the number of flushes follows the
disk and not the number of messages.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

import gevent
import structlog
from gevent.event import AsyncResult, Event

from app.errors import HiChatError, Unavailable

I = TypeVar("I")  # noqa: E741  # what is stored
R = TypeVar("R")  # what comes of it

BATCH = 2000  # items in one transaction: bounds how long the first of them waits
WAITING = 50_000  # items that may wait for the committer before new ones are refused

log = structlog.get_logger()


class Journal(Generic[I, R]):
    """The committer of this process. `commit` gets a batch and returns a result for each item."""

    def __init__(
        self,
        commit: Callable[[Sequence[I]], Sequence[R | HiChatError]],
        on_death: Callable[[], None],
    ) -> None:
        self._commit = commit
        self._on_death = on_death
        self._waiting: deque[tuple[I, Callable[[R | HiChatError], None]]] = deque()
        self._work = Event()
        self._greenlet: gevent.Greenlet | None = None

    def submit(self, item: I, answer: Callable[[R | HiChatError], None]) -> None:
        """Queue `item`; `answer` is called once, after the commit (or with the error)."""
        if len(self._waiting) >= WAITING:
            answer(Unavailable("The server is overloaded: repeat it with the same ref."))
            return
        if self._greenlet is None:
            self._greenlet = gevent.spawn(self._run)
            self._greenlet.link_exception(lambda _: self._on_death())
        self._waiting.append((item, answer))
        self._work.set()

    def call(self, item: I) -> R:
        """Store `item` and wait for it. Raises the HiChatError that came instead of a result."""
        result: AsyncResult[R | HiChatError] = AsyncResult()
        self.submit(item, result.set)
        answer: R | HiChatError = result.get()
        if isinstance(answer, HiChatError):
            raise answer
        return answer

    def _run(self) -> None:
        while True:
            self._work.wait()
            batch = [self._waiting.popleft() for _ in range(min(BATCH, len(self._waiting)))]
            if not self._waiting:
                self._work.clear()
            results = self._commit([item for item, _ in batch])
            for (_, answer), result in zip(batch, results, strict=True):
                try:
                    answer(result)
                except Exception:
                    # It is stored; the sender will ask again. The others get their answers.
                    log.exception("answer_failed")
