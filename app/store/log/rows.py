"""How a batch gets into its tables: row by row on SQLite, all at once on PostgreSQL.

PostgreSQL takes the rows as one parameter: one text, prepared once, whatever their number, and one
round trip for the events and their heads (docs/performance.md has the figures).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection

from app.store.log.places import Head

Row = tuple[Any, ...]

_INSERT = """
    INSERT INTO event (conversation_id, seq, type, sender_id, ref, at, body)
    VALUES (?, ?, ?, ?, ?, ?, ?)"""
_ADVANCE = "UPDATE conversation SET last_seq = ?, last_at = ?, message_seq = ? WHERE id = ?"
_MENTION = "INSERT INTO mention (conversation_id, user_id, seq) VALUES (?, ?, ?)"
_MARK_READ = "UPDATE member SET read_seq = ? WHERE conversation_id = ? AND user_id = ?"

_APPEND_ALL = """
    WITH added AS (
        INSERT INTO event (conversation_id, seq, type, sender_id, ref, at, body)
        SELECT (new->>0)::bigint, (new->>1)::bigint, new->>2, (new->>3)::bigint, new->>4,
            (new->>5)::bigint, new->>6
        FROM jsonb_array_elements(%s::jsonb) AS new
    )
    UPDATE conversation SET last_seq = (now->>0)::bigint, last_at = (now->>1)::bigint,
        message_seq = (now->>2)::bigint
    FROM jsonb_array_elements(%s::jsonb) AS now WHERE conversation.id = (now->>3)::bigint"""
_MENTION_ALL = """
    INSERT INTO mention (conversation_id, user_id, seq)
    SELECT (new->>0)::bigint, (new->>1)::bigint, (new->>2)::bigint
    FROM jsonb_array_elements(%s::jsonb) AS new"""
_MARK_ALL_READ = """
    UPDATE member SET read_seq = (now->>0)::bigint
    FROM jsonb_array_elements(%s::jsonb) AS now
    WHERE conversation_id = (now->>1)::bigint AND user_id = (now->>2)::bigint"""
_encode = msgspec.json.Encoder().encode


class Rows:
    """Writes in the running transaction, straight through the driver."""

    def __init__(self, connection: Connection) -> None:
        self._embedded = connection.dialect.name == "sqlite"
        self._cursor: Any = connection.connection.cursor()

    def append(self, events: Sequence[Row], heads: Iterable[Head]) -> None:
        """Events (conversation, seq, type, sender, ref, at, body); the heads as they are now."""
        advanced = [(head.seq, head.at, head.said, head.id) for head in heads]
        if self._embedded:
            self._cursor.executemany(_INSERT, events)
            self._cursor.executemany(_ADVANCE, advanced)
        else:
            self._cursor.execute(_APPEND_ALL, (_json(events), _json(advanced)))

    def mention(self, named: Sequence[Row]) -> None:
        """(conversation, user, seq)."""
        self._many(_MENTION, _MENTION_ALL, named)

    def mark_read(self, marks: Sequence[Row]) -> None:
        """(seq, conversation, user), each user of a conversation once."""
        self._many(_MARK_READ, _MARK_ALL_READ, marks)

    def _many(self, one: str, all_at_once: str, rows: Sequence[Row]) -> None:
        if self._embedded:
            self._cursor.executemany(one, rows)
        else:
            self._cursor.execute(all_at_once, (_json(rows),))


def _json(rows: Sequence[Row]) -> str:
    return _encode(rows).decode()
