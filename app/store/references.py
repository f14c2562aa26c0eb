"""Looking up many (conversation, ...) pairs at once: the members and messages of a batch."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import Connection

from app.store.database import spelled

Pair = tuple[int, int]


class PairQuery:
    """A hot SELECT from `{pairs}`, joined by `{one}` and `{two}`, the two numbers of each pair.

    One text, prepared once, whatever their number: the pairs are one parameter, of PostgreSQL two.
    """

    def __init__(self, template: str) -> None:
        self._sqlite = template.format(
            pairs="json_each(?)", one="json_extract(value, '$[0]')",
            two="json_extract(value, '$[1]')",
        )
        self._postgresql = spelled(template.format(
            pairs="unnest(?::bigint[], ?::bigint[]) AS given (one, two)", one="one", two="two"
        ), embedded=False)

    def rows(self, connection: Connection, pairs: Collection[Pair]) -> list[Any]:
        """The rows found, for at least one pair."""
        cursor: Any = connection.connection.cursor()
        if connection.dialect.name == "sqlite":
            text = "[" + ",".join(f"[{one},{two}]" for one, two in sorted(pairs)) + "]"
            return list(cursor.execute(self._sqlite, (text,)).fetchall())
        columns = [list(column) for column in zip(*sorted(pairs), strict=True)]
        return list(cursor.execute(self._postgresql, columns).fetchall())


_REPLIED = PairQuery("""
    SELECT conversation_id, seq, event.type, body = '' FROM {pairs} JOIN event
    ON conversation_id = {one} AND seq = {two}""")


def replied(connection: Connection, pairs: Collection[Pair]) -> dict[Pair, tuple[str, bool]]:
    """The type of each of these (conversation, seq) events, and whether it was recalled."""
    found = _REPLIED.rows(connection, pairs)
    return {(key, seq): (kind, bool(recalled)) for key, seq, kind, recalled in found}
