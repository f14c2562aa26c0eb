"""Group commit: one committer takes all that waits, one transaction, then every answer.

While a batch is on its way to the disk the next one gathers, so the number of flushes follows the
disk and not the number of messages.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Generic, NamedTuple, TypeVar

import gevent
import structlog
from gevent.event import AsyncResult, Event

from app.errors import HiChatError, Unavailable

ItemT = TypeVar("ItemT")
ResultT = TypeVar("ResultT")
T = TypeVar("T")

BATCH = 2000  # items in one transaction: bounds how long the first of them waits
BATCH_CHARS = 4_000_000  # of bodies in one transaction
WAITING = 50_000  # items that may wait for the committer before new ones are refused
WAITING_CHARS = 100_000_000

log = structlog.get_logger()


class Gather(NamedTuple):
    """A batch of `busy` items says that others are on their way: they have `seconds` to catch the
    next one.
    """

    busy: int
    seconds: float


EMBEDDED = Gather(8, 0.001)
SERVER = Gather(3, 0.008)  # a transaction of a database server costs as much as its messages


class Journal(Generic[ItemT, ResultT]):
    """The committer of this process. `commit` gets a batch and returns a result for each item."""

    def __init__(
        self,
        commit: Callable[[Sequence[ItemT]], Sequence[ResultT | HiChatError]],
        on_death: Callable[[], None],
        gather: Gather = EMBEDDED,
    ) -> None:
        self._commit = commit
        self._gather = gather
        self._on_death = on_death
        self._waiting: deque[tuple[ItemT, Callable[[ResultT | HiChatError], None], int]] = deque()
        self._works: deque[Callable[[], None]] = deque()
        self._chars = 0  # of the bodies that wait
        self._work = Event()
        self._greenlet: gevent.Greenlet | None = None
        self.items = 0  # committed, by this process
        self.batches = 0

    def submit(
        self, item: ItemT, answer: Callable[[ResultT | HiChatError], None], chars: int
    ) -> None:
        """Queue `item`, whose body has `chars`; `answer` is called once, after the commit."""
        if len(self._waiting) >= WAITING or self._chars > WAITING_CHARS:
            answer(Unavailable("The server is overloaded: repeat it with the same ref."))
            return
        self._waiting.append((item, answer, chars))
        self._chars += chars
        self._wake()

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    def call(self, item: ItemT, chars: int) -> ResultT:
        """Store `item` and wait for it. Raises the HiChatError that came instead of a result."""
        result: AsyncResult[ResultT | HiChatError] = AsyncResult()
        self.submit(item, result.set, chars)
        answer: ResultT | HiChatError = result.get()
        if isinstance(answer, HiChatError):
            raise answer
        return answer

    def perform(self, work: Callable[[], T]) -> T:
        """Run `work`, a transaction and what is told of it, between two batches; wait for it.

        One greenlet commits, so what it tells goes out in the order of the commits.
        """
        result: AsyncResult[T] = AsyncResult()

        def attempt() -> None:
            try:
                result.set(work())
            except Exception as error:
                result.set_exception(error)

        self._works.append(attempt)
        self._wake()
        done: T = result.get()
        return done

    def _wake(self) -> None:
        if self._greenlet is None:
            self._greenlet = gevent.spawn(self._run)
            self._greenlet.link_exception(lambda _: self._on_death())
        self._work.set()

    def call_all(
        self, items: Sequence[ItemT], weigh: Callable[[ItemT], int]
    ) -> list[ResultT | HiChatError]:
        """Store `items`, in this order, and wait for all of them."""
        results: list[AsyncResult[ResultT | HiChatError]] = []
        for item in items:
            results.append(AsyncResult())
            self.submit(item, results[-1].set, weigh(item))
        return [result.get() for result in results]

    def _run(self) -> None:
        busy = False
        while True:
            self._work.wait()
            if self._works:
                self._works.popleft()()
            if busy:
                gevent.sleep(self._gather.seconds)
            batch = self._take()
            busy = len(batch) >= self._gather.busy
            results = self._commit([item for item, _, _ in batch]) if batch else ()
            self.items += len(batch)
            self.batches += bool(batch)
            for (_, answer, _), result in zip(batch, results, strict=True):
                try:
                    answer(result)
                except Exception:
                    # It is stored; the sender will ask again. The others get their answers.
                    log.exception("answer_failed")

    def _take(self) -> list[tuple[ItemT, Callable[[ResultT | HiChatError], None], int]]:
        """What waits, up to the size of a batch."""
        waiting = self._waiting
        if len(waiting) <= BATCH and self._chars <= BATCH_CHARS:
            batch = list(waiting)
            waiting.clear()
            self._chars = 0
        else:
            batch, chars = [], 0
            while waiting and len(batch) < BATCH and chars < BATCH_CHARS:
                batch.append(waiting.popleft())
                chars += batch[-1][2]
            self._chars -= chars
        if not waiting and not self._works:
            self._work.clear()
        return batch
