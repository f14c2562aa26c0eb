"""What a batch writes: row by row on SQLite, all rows at once on PostgreSQL.

PostgreSQL takes the rows as one parameter: one text, prepared once, whatever their number
(docs/performance.md has the figures).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from app.store.database import Row, Write
from app.store.log.places import Head

_INSERT = """
    INSERT INTO event (conversation_id, seq, type, sender_id, ref, at, body)
    VALUES (?, ?, ?, ?, ?, ?, ?)"""
_ADVANCE = "UPDATE conversation SET last_seq = ?, last_at = ?, message_seq = ? WHERE id = ?"
_MENTION = "INSERT INTO mention (conversation_id, user_id, seq) VALUES (?, ?, ?)"
_MARK_READ = "UPDATE member SET read_seq = ? WHERE conversation_id = ? AND user_id = ?"

_INSERT_ALL = """
    INSERT INTO event (conversation_id, seq, type, sender_id, ref, at, body)
    SELECT (new->>0)::bigint, (new->>1)::bigint, new->>2, (new->>3)::bigint, new->>4,
        (new->>5)::bigint, new->>6
    FROM jsonb_array_elements(?::jsonb) AS new"""
_ADVANCE_ALL = """
    UPDATE conversation SET last_seq = (now->>0)::bigint, last_at = (now->>1)::bigint,
        message_seq = (now->>2)::bigint
    FROM jsonb_array_elements(?::jsonb) AS now WHERE conversation.id = (now->>3)::bigint"""
_MENTION_ALL = """
    INSERT INTO mention (conversation_id, user_id, seq)
    SELECT (new->>0)::bigint, (new->>1)::bigint, (new->>2)::bigint
    FROM jsonb_array_elements(?::jsonb) AS new"""
_MARK_ALL_READ = """
    UPDATE member SET read_seq = (now->>0)::bigint
    FROM jsonb_array_elements(?::jsonb) AS now
    WHERE conversation_id = (now->>1)::bigint AND user_id = (now->>2)::bigint"""


def append(events: Sequence[Row]) -> Write:
    """Events (conversation, seq, type, sender, ref, at, body)."""
    return Write(_INSERT, _INSERT_ALL, events)


def advance(heads: Iterable[Head]) -> Write:
    """The heads as they are now."""
    return Write(_ADVANCE, _ADVANCE_ALL, [
        (head.seq, head.at, head.said, head.id) for head in heads
    ])


def mention(named: Sequence[Row]) -> Write:
    """(conversation, user, seq)."""
    return Write(_MENTION, _MENTION_ALL, named)


def mark_read(marks: Sequence[Row]) -> Write:
    """(seq, conversation, user), each user of a conversation once."""
    return Write(_MARK_READ, _MARK_ALL_READ, marks)
