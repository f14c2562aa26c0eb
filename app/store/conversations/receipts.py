"""Who has read what: for those who show what they read themselves."""

from __future__ import annotations

from typing import NamedTuple

from app.errors import Forbidden, NotAMember, NotFound, TooManyMembers
from app.models.message import GROUP, HIGH_BLOCKS, LOW_BLOCKS, PRIVATE
from app.store.database import Database
from app.store.log.rights import FLOOR

TOLD_MEMBERS = 200  # larger groups do not tell who has read a message, nor who is typing

_SHOWS = 'SELECT shows_reading FROM "user" WHERE id = ?'
_MESSAGE = f"""
    SELECT kind, size, flags, shows_reading, sender_id
    FROM member JOIN conversation ON conversation.id = member.conversation_id
    JOIN "user" ON "user".id = member.user_id
    LEFT JOIN event ON event.conversation_id = conversation.id AND event.seq = ?
        AND event.type = 'message' AND event.seq > {FLOOR}
    WHERE member.conversation_id = ? AND member.user_id = ?"""  # noqa: S608  # a constant of ours
# Who came later has the message behind their cursor without having read it.
_READERS = """
    SELECT "user".id, name, avatar, gender, read_seq
    FROM member JOIN "user" ON "user".id = user_id
    WHERE conversation_id = ? AND user_id <> ? AND read_seq >= ? AND joined_seq < ?
        AND shows_reading AND deleted_at IS NULL ORDER BY user_id"""


class Reader(NamedTuple):
    """Who has read a message, and how far their cursor is by now."""

    id: int
    name: str
    avatar: str
    gender: str
    read_seq: int


class Receipts:
    """The members' read cursors; the journal moves them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def shown(self, user_id: int) -> bool:
        """Whether the user shows others what they read."""
        return any(shows for shows, in self._database.rows(_SHOWS, user_id))

    def readers(self, user_id: int, conversation: int, seq: int) -> list[Reader]:
        """Everybody who has read a message but its sender, by id; those who hide it left out.

        Raises NotAMember, NotFound, Forbidden for who hides it, and TooManyMembers.
        """
        found = self._database.rows(_MESSAGE, seq, conversation, user_id)
        if not found:
            raise NotAMember()
        kind, size, flags, shows, sender = found[0]
        if sender is None:
            raise NotFound(f"There is no message {seq} here.")
        if not shows:
            raise Forbidden(
                "You hide what you read, so you do not see what others have read:"
                " set shows_reading to true."
            )
        if kind not in (PRIVATE, GROUP) or size > TOLD_MEMBERS:
            raise TooManyMembers()
        if kind == PRIVATE and flags & (LOW_BLOCKS | HIGH_BLOCKS):
            return []
        rows = self._database.rows(_READERS, conversation, sender, seq, seq)
        return [Reader(*row) for row in rows]
