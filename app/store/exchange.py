"""Statements to PostgreSQL that go together: one write, one wait, one wake-up at either end.

psycopg's own pipeline writes each statement by itself and looks at the socket around each: half of
what a batch of messages cost (docs/performance.md). libpq's own can wait; here it does. What is
Python in it, and what is SQL, is still translated by psycopg.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from itertools import count
from typing import Any, NamedTuple

from psycopg import errors, generators
from psycopg.abc import PQGen
from psycopg.adapt import PyFormat, Transformer
from psycopg.connection import Connection
from psycopg.pq import ExecStatus, TransactionStatus
from psycopg.pq.abc import PGresult
from psycopg.types.numeric import Int8Dumper

Statement = tuple[str, Sequence[object]]
"""Its text, with a `?` for each parameter, and those."""
Row = tuple[Any, ...]

_BEGIN: Statement = ("BEGIN", ())
_COMMIT: Statement = ("COMMIT", ())
_SYNC = int(ExecStatus.PIPELINE_SYNC)
_DONE = int(ExecStatus.COMMAND_OK)
_FAILED = int(ExecStatus.FATAL_ERROR)
_IDLE = int(TransactionStatus.IDLE)


class _Asked(NamedTuple):
    text: str
    values: Sequence[Any]
    types: tuple[int, ...]


class Exchange:
    """The hot statements of one connection. Each is prepared at its first use, and stays so."""

    def __init__(self, connection: Connection[Any]) -> None:
        self._connection = connection
        self._pgconn = connection.pgconn
        translating = connection.cursor()
        translating.adapters.register_dumper(int, Int8Dumper)  # whatever it is: one type, one plan
        self._translator = Transformer(translating)
        self._prepared: dict[tuple[str, tuple[int, ...]], bytes] = {}
        self._numbers = count()

    def within(self, *statements: Statement) -> list[list[Row]]:
        """As `run`, in the transaction, which begins here if it has not yet."""
        if self._pgconn.transaction_status == _IDLE:
            return self.run(_BEGIN, *statements)[1:]
        return self.run(*statements)

    def commit(self, *statements: Statement) -> None:
        """The last ones of the transaction, and its COMMIT."""
        self.within(*statements, _COMMIT)

    def run(self, *statements: Statement) -> list[list[Row]]:
        """What each of them finds. Raises psycopg's error of the first that failed; those behind
        it were not run. Anything else that is raised ends the connection.
        """
        asked = [self._translated(*statement) for statement in statements]
        try:
            results = self._connection.wait(self._talk(asked))
        except BaseException:
            self._connection.close()  # nobody knows what it would say next
            raise
        for result in results:
            if result.status == _FAILED:
                raise errors.error_from_result(result, self._connection.info.encoding)
        return [self._rows(result) for result in results]

    def _translated(self, text: str, parameters: Sequence[object]) -> _Asked:
        values = self._translator.dump_sequence(parameters, [PyFormat.TEXT] * len(parameters))
        return _Asked(text, values, self._translator.types or ())

    def _talk(self, asked: Sequence[_Asked]) -> PQGen[list[PGresult]]:
        """The result of each, as far as it came; of what could not be prepared, the reason."""
        self._pgconn.enter_pipeline_mode()
        new = [self._send(statement) for statement in asked]
        self._pgconn.pipeline_sync()
        yield from generators.send(self._pgconn)
        answers: list[PGresult] = []
        while True:
            [answer] = yield from generators.fetch_many(self._pgconn)
            if answer.status == _SYNC:
                break
            answers.append(answer)
        self._pgconn.exit_pipeline_mode()
        return list(self._matched(asked, new, iter(answers)))

    def _send(self, asked: _Asked) -> bytes | None:
        """Put it into libpq's buffer; the name under which it is prepared there, if it is new."""
        name = self._prepared.get((asked.text, asked.types))
        new = None
        if name is None:
            name = new = b"hichat_%d" % next(self._numbers)
            self._pgconn.send_prepare(name, _numbered(asked.text), asked.types)
        self._pgconn.send_query_prepared(name, asked.values)
        return new

    def _matched(
        self, asked: Sequence[_Asked], new: Sequence[bytes | None], answers: Iterator[PGresult]
    ) -> Iterator[PGresult]:
        for statement, name in zip(asked, new, strict=True):
            answer = next(answers)
            if name and answer.status == _DONE:
                self._prepared[statement.text, statement.types] = name
                answer = next(answers)
            elif name:
                next(answers)  # it was not run
            yield answer

    def _rows(self, result: PGresult) -> list[Row]:
        self._translator.set_pgresult(result)
        return self._translator.load_rows(0, result.ntuples, tuple)


@cache
def _numbered(text: str) -> bytes:
    """As PostgreSQL names its parameters: $1, $2."""
    first, *rest = text.split("?")
    places = count(1)
    return (first + "".join(f"${next(places)}{part}" for part in rest)).encode()
