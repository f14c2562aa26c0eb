"""Statements to PostgreSQL that go together: one write, one wait, one wake-up at either end.

psycopg's own pipeline writes each statement by itself and looks at the socket around each: half of
what a batch of messages cost (docs/performance.md). libpq's own can wait; here it does. What is
Python in it, and what is SQL, is still translated by psycopg.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
# A column has another type since, or somebody has dropped what was prepared: begin anew.
_STALE = ("0A000", "26000")
_Plan = tuple[str, tuple[int, ...]]  # a text, and the types of its parameters


class _Asked(NamedTuple):
    plan: _Plan
    values: Sequence[Any]


class Exchange:
    """The hot statements of one connection. Each is prepared at its first use, and stays so."""

    def __init__(self, connection: Connection[Any]) -> None:
        self._connection = connection
        self._pgconn = connection.pgconn
        translating = connection.cursor()
        translating.adapters.register_dumper(int, Int8Dumper)  # whatever it is: one type, one plan
        self._translator = Transformer(translating)
        self._prepared: dict[_Plan, bytes] = {}
        self._numbers = count()

    def run(self, *statements: Statement) -> list[list[Row]]:
        """What each of them finds. Raises psycopg's error of the first that failed; those behind
        it were not run. Anything else that is raised ends the connection.
        """
        return [self._rows(result) for result in self._results(statements)]

    def within(self, *statements: Statement) -> list[list[Row]]:
        """As `run`, in the transaction, which begins here if it has not yet."""
        begun = self._begun()
        return self.run(*begun, *statements)[len(begun):]

    def commit(self, *statements: Statement) -> None:
        """The last ones of the transaction, and its COMMIT."""
        last = self._results([*self._begun(), *statements, _COMMIT])[-1]
        if last.command_status != b"COMMIT":  # PostgreSQL may answer a COMMIT with ROLLBACK
            raise errors.InFailedSqlTransaction("The transaction was rolled back.")

    def _begun(self) -> tuple[Statement, ...]:
        return (_BEGIN,) if self._pgconn.transaction_status == _IDLE else ()

    def _results(self, statements: Sequence[Statement]) -> list[PGresult]:
        asked = [self._translated(*statement) for statement in statements]
        try:
            answers = self._connection.wait(self._talk(asked))
        except BaseException:
            self._connection.close()  # nobody knows what it would say next
            raise
        for answer in answers:
            if answer.status == _FAILED:
                error = errors.error_from_result(answer, self._connection.info.encoding)
                if error.sqlstate in _STALE:
                    self._connection.close()
                raise error
        return answers[: len(asked)]

    def _talk(self, asked: Sequence[_Asked]) -> PQGen[list[PGresult]]:
        """The result of each, and what comes behind the last one: a COMMIT of its own may fail."""
        new: dict[_Plan, bytes] = {}
        self._pgconn.enter_pipeline_mode()
        fresh = [self._send(statement, new) for statement in asked]
        self._pgconn.pipeline_sync()
        yield from generators.send(self._pgconn)
        answers: list[PGresult] = []
        while not answers or answers[-1].status != _SYNC:
            found = yield from generators.fetch_many(self._pgconn)
            if not found:  # libpq could not read what came
                raise errors.OperationalError(self._pgconn.get_error_message())
            answers += found
        self._pgconn.exit_pipeline_mode()
        return self._matched(asked, fresh, answers, new)

    def _matched(
        self, asked: Sequence[_Asked], fresh: Sequence[bool], answers: Sequence[PGresult],
        new: Mapping[_Plan, bytes],
    ) -> list[PGresult]:
        """Without those that say how a preparation went; of one that failed, that."""
        results, behind = [], iter(answers)
        for statement, prepared_here in zip(asked, fresh, strict=True):
            answer = next(behind)
            if prepared_here and answer.status == _DONE:
                self._prepared[statement.plan] = new[statement.plan]
                answer = next(behind)
            elif prepared_here:
                next(behind)  # it was not run
            results.append(answer)
        return [*results, *behind]

    def _send(self, asked: _Asked, new: dict[_Plan, bytes]) -> bool:
        """Put it into libpq's buffer; whether it has to be prepared before."""
        known = self._prepared.get(asked.plan) or new.get(asked.plan)
        name = known or b"hichat_%d" % next(self._numbers)
        if known is None:
            new[asked.plan] = name
            text, types = asked.plan
            self._pgconn.send_prepare(name, _numbered(text), types)
        self._pgconn.send_query_prepared(name, asked.values)
        return known is None

    def _translated(self, text: str, parameters: Sequence[object]) -> _Asked:
        values = self._translator.dump_sequence(parameters, [PyFormat.TEXT] * len(parameters))
        return _Asked((text, self._translator.types or ()), values)

    def _rows(self, result: PGresult) -> list[Row]:
        self._translator.set_pgresult(result)
        rows = self._translator.load_rows(0, result.ntuples, tuple)
        self._translator.set_pgresult(None)  # else it would be kept until the next use
        return rows


@cache
def _numbered(text: str) -> bytes:
    """As PostgreSQL names its parameters: $1, $2."""
    first, *rest = text.split("?")
    places = count(1)
    return (first + "".join(f"${next(places)}{part}" for part in rest)).encode()
