"""Hot statements that are asked about many things at once: members, messages, pairs of users."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from sqlalchemy import Connection

from app.store.database import Database, Row, run

Numbers = Sequence[tuple[int, ...]]
_encode = msgspec.json.Encoder().encode


class Asked:
    """A SELECT from `{asked}`: rows of whole numbers, as a table `asked` with these columns.

    One text, prepared once, whatever their number: the rows are one parameter, of PostgreSQL one
    for each column. `words` are what else the template names.
    """

    def __init__(self, template: str, *columns: str, **words: object) -> None:
        values = ", ".join(
            f"json_extract(value, '$[{place}]') AS {name}" for place, name in enumerate(columns)
        )
        arrays = ", ".join("?::bigint[]" for _ in columns)
        table = f"(SELECT {values} FROM json_each(?)) AS asked"  # noqa: S608  # names of ours
        self._sqlite = template.format(asked=table, **words)
        self._postgresql = template.format(
            asked=f"unnest({arrays}) AS asked ({', '.join(columns)})", **words
        )

    def about(self, embedded: bool, rows: Numbers) -> tuple[str, list[object]]:
        """The text for Database.rows and the parameters for these rows, of which there is one."""
        if embedded:
            return self._sqlite, [_encode(rows).decode()]
        return self._postgresql, [list(column) for column in zip(*rows, strict=True)]

    def read(
        self, database: Database, rows: Numbers,
        before: Sequence[object] = (), behind: Sequence[object] = (),
    ) -> list[Row]:
        """What a reader finds about these rows, of which there is one at least.

        Further parameters of the template stand `before` and `behind` the table.
        """
        text, parameters = self.about(database.embedded, rows)
        return database.rows(text, *before, *parameters, *behind)

    def run(self, connection: Connection, rows: Numbers) -> list[Row]:
        """What a running transaction finds about these rows, of which there is one at least."""
        text, parameters = self.about(connection.dialect.name == "sqlite", rows)
        return run(connection, text, *parameters)
