"""What has happened lately, in all conversations: for processes that share a PostgreSQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil

from app.store.asked import Asked
from app.store.clock import POSTGRESQL
from app.store.database import Database
from app.store.log.items import Entry

RECENT_MS = 60_000  # at least: older events are not told late, devices find them by `sync`
LOOKED_BACK = 1000  # events of one conversation, at most

_NOW = f"SELECT {POSTGRESQL}"
_FIRST = Asked("""
    SELECT one, (
        SELECT min(seq) FROM event
        WHERE conversation_id = one AND seq < two AND seq >= two - {looked_back} AND at >= {now} - ?
    ) FROM {asked}""", "one", "two", looked_back=LOOKED_BACK, now=POSTGRESQL)
# By the index of what is no message.
_MOVED = Asked("""
    SELECT DISTINCT one FROM {asked} JOIN event
        ON conversation_id = one AND seq > two - {looked_back}
        AND (type <> 'message' OR body = '') AND type IN ('members', 'group') AND at >= {now} - ?
    """, "one", "two", looked_back=LOOKED_BACK, now=POSTGRESQL)
_BETWEEN = Asked("""
    SELECT conversation_id, seq, type, sender_id, at, coalesce(revised, body), reactions
    FROM {asked} JOIN event ON conversation_id = one AND seq > two AND seq <= three
    ORDER BY conversation_id, seq""", "one", "two", "three")
_SHOWS_READING = """
    SELECT login_session.id, shows_reading
    FROM login_session JOIN "user" ON "user".id = user_id
    WHERE login_session.id = ANY(?) AND revoked_at IS NULL AND expires_at > ?"""


class Recent:
    """Reads without asking who may see it. Times are the database's clock, in milliseconds."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @property
    def recent_ms(self) -> int:
        """How old an event may be that is told late: twice as old as any that is just committed."""
        return max(RECENT_MS, ceil(2000 * self._database.longest))

    def now(self) -> int:
        [(now,)] = self._database.rows(_NOW)
        return int(now)

    def first(self, lowest: Mapping[int, int]) -> dict[int, int]:
        """Of each conversation its first recent event below the seq given with it."""
        found = _FIRST.read(self._database, list(lowest.items()), before=(self.recent_ms,))
        return {conversation: first for conversation, first in found if first is not None}

    def moved(self, groups: Mapping[int, int]) -> list[int]:
        """Those of these groups (id -> last seq) that somebody came into or left lately."""
        found = _MOVED.read(self._database, list(groups.items()), behind=(self.recent_ms,))
        return [group for group, in found]

    def between(self, spans: Sequence[tuple[int, int, int]]) -> list[Entry]:
        """The events of each span (conversation, after, upto), by conversation, ascending."""
        return [Entry(*row) for row in _BETWEEN.read(self._database, spans)]

    def shows_reading(self, sessions: Sequence[str]) -> dict[str, bool]:
        """Of those sessions that have not ended, whether their user shows what they read."""
        return dict(self._database.rows(_SHOWS_READING, list(sessions), self.now()))
