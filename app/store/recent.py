"""What has happened lately, in all conversations: for processes that share a PostgreSQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from app.store.asked import Asked
from app.store.clock import POSTGRESQL
from app.store.database import Database
from app.store.items import Entry

RECENT_MS = 60_000  # older events are not told late: devices find them by `sync`
LOOKED_BACK = 1000  # events of one conversation, at most

_NOW = f"SELECT {POSTGRESQL}"
_FIRST = Asked("""
    SELECT one, (
        SELECT min(seq) FROM event
        WHERE conversation_id = one AND seq < two AND seq >= two - {looked_back} AND at >= three
    ) FROM {asked}""", "one", "two", "three", looked_back=LOOKED_BACK)
# By the index of what is no message.
_MOVED = Asked("""
    SELECT DISTINCT one FROM {asked} JOIN event
        ON conversation_id = one AND seq > two - {looked_back}
        AND (type <> 'message' OR body = '') AND type IN ('members', 'group') AND at >= three
    """, "one", "two", "three", looked_back=LOOKED_BACK)
_BETWEEN = """
    SELECT conversation_id, seq, type, sender_id, at, coalesce(revised, body), reactions
    FROM event WHERE conversation_id = ? AND seq > ? AND seq <= ? ORDER BY seq LIMIT ?"""
_SHOWS_READING = """
    SELECT login_session.id, shows_reading
    FROM login_session JOIN "user" ON "user".id = user_id
    WHERE login_session.id = ANY(?) AND revoked_at IS NULL AND expires_at > ?"""


class Recent:
    """Reads without asking who may see it. Times are the database's clock, in milliseconds."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def now(self) -> int:
        [(now,)] = self._database.rows(_NOW)
        return int(now)

    def first(self, lowest: Mapping[int, int]) -> dict[int, int]:
        """Of each conversation its first recent event below the seq given with it."""
        found = self._ask(_FIRST, lowest)
        return {conversation: first for conversation, first in found if first is not None}

    def moved(self, groups: Mapping[int, int]) -> list[int]:
        """Those of these groups (id -> last seq) that somebody came into or left lately."""
        return [group for group, in self._ask(_MOVED, groups)]

    def _ask(self, asked: Asked, seqs: Mapping[int, int]) -> list[tuple[Any, ...]]:
        since = self.now() - RECENT_MS
        rows = [(conversation, seq, since) for conversation, seq in seqs.items()]
        text, parameters = asked.about(self._database.embedded, rows)
        return self._database.rows(text, *parameters)

    def between(self, conversation: int, after: int, upto: int, limit: int) -> list[Entry]:
        """The events of a conversation behind `after`, at most `limit`, ascending."""
        return [
            Entry(*row) for row in self._database.rows(_BETWEEN, conversation, after, upto, limit)
        ]

    def shows_reading(self, sessions: Sequence[str]) -> dict[str, bool]:
        """Of those sessions that have not ended, whether their user shows what they read."""
        return dict(self._database.rows(_SHOWS_READING, list(sessions), self.now()))
