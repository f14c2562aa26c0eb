"""The one place that appends to the log: a batch of commands becomes one transaction.

A batch that lost a race for a unique key (a repeated ref, a conversation that another process
opened) has not happened, and runs again with the repeats looked up first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import structlog
from sqlalchemy import Connection

from app.errors import Unavailable
from app.store.database import Contested, Database, Failed
from app.store.log.batch import Batch
from app.store.log.items import Item, Result

PAIRS_KEPT = 100_000
LOST_RACES = 10

log = structlog.get_logger()


class JournalStore:
    """Commits batches. Used by one committer greenlet at a time."""

    def __init__(
        self, database: Database, contacts_only: bool = False,
        note: Callable[[Iterable[int]], None] = lambda _: None,
    ) -> None:
        self._database = database
        self._contacts_only = contacts_only
        self._note = note  # told which conversations each batch was in
        self._pairs: dict[tuple[int, int], int] = {}  # private conversations; ids never change

    def commit(self, batch: Sequence[Item]) -> list[Result]:
        """Store `batch`; one result for each item, in order. Never raises for a bad item."""
        try:
            return self._commit(batch)
        except Failed:
            log.exception("journal_failed", items=len(batch))
            return [Unavailable() for _ in batch]
        except Exception:
            # One item that the database cannot take must not cost the others theirs.
            if len(batch) > 1:
                log.warning("journal_split", items=len(batch), exc_info=True)
                return [result for item in batch for result in self.commit([item])]
            log.exception("journal_refused")
            return [Unavailable("The database cannot store this message.")]

    def _commit(self, batch: Sequence[Item]) -> list[Result]:
        # Repeats are rare: they are looked up only when the unique key has refused the batch.
        for attempt in range(LOST_RACES):
            look_up = attempt > 0

            def transaction(connection: Connection, look_up: bool = look_up) -> Batch:
                # Made anew for each run: a deadlock rolls one back and runs it again.
                return Batch(connection, batch, self._pairs, look_up, self._contacts_only)

            try:
                done = self._database.append(transaction, Batch.writes)
            except Contested:
                continue
            self._remember(done.opened)
            self._note(done.heads)
            return done.results
        raise Contested("a unique key was contested too often")

    def _remember(self, pairs: dict[tuple[int, int], int]) -> None:
        """Keep pairs that are committed. Ids never change, so nothing here can be stale."""
        if len(self._pairs) + len(pairs) > PAIRS_KEPT:
            self._pairs.clear()
        self._pairs.update(pairs)
