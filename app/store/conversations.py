"""Which conversations a user has, how far they are, and what stands last in each."""

from __future__ import annotations

from typing import Any, NamedTuple

from msgspec import Struct
from sqlalchemy import Row, Select, and_, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.errors import NotAMember, UnknownUser
from app.models import Conversation, Event, Member, User
from app.models.message import ACCOUNT, GROUP, OPEN_HISTORY, PRIVATE
from app.store.database import Database
from app.store.items import Entry
from app.store.pairs import open_pairs

_HEADS = """
    SELECT conversation.id, kind, last_seq, read_seq,
        CASE WHEN flags & ? <> 0 THEN 0 ELSE joined_seq END
    FROM member JOIN conversation ON conversation.id = member.conversation_id
    WHERE member.user_id = ? ORDER BY conversation.last_at DESC, conversation.id DESC LIMIT ?"""
_ROOMS = """
    SELECT conversation.id FROM member JOIN conversation ON conversation.id = conversation_id
    WHERE member.user_id = ? AND kind = ?"""


class Head(NamedTuple):
    """How far a conversation and its reader are; the reader sees what is behind `joined_seq`."""

    id: int
    kind: int
    last_seq: int
    read_seq: int
    joined_seq: int


class Summary(Struct):
    """One line of a conversation list. `other` is the partner of a private chat."""

    id: int
    kind: int
    last_seq: int
    last_at: int
    read_seq: int
    other: User | None
    last: Entry | None


class Conversations:
    """The `conversation` and `member` tables."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def heads(self, user_id: int, limit: int) -> list[Head]:
        """The user's conversations, the latest first, their account's log among them."""
        return [Head(*row) for row in self._database.rows(_HEADS, OPEN_HISTORY, user_id, limit)]

    def groups(self, user_id: int) -> list[int]:
        """The ids of all groups that the user is in."""
        return [key for key, in self._database.rows(_ROOMS, user_id, GROUP)]

    def listed(
        self, user_id: int, limit: int, before: tuple[int, int] | None = None
    ) -> list[Summary]:
        """The user's conversations, the latest first; `before` is (last_at, id) of the last seen.

        One statement, however many conversations there are.
        """
        query = _summaries(user_id)
        if before is not None:
            at, key = before
            query = query.where(or_(
                Conversation.last_at < at, and_(Conversation.last_at == at, Conversation.id < key)
            ))
        query = query.order_by(Conversation.last_at.desc(), Conversation.id.desc()).limit(limit)
        with self._database.read() as session:
            return [_summary(row) for row in session.execute(query)]

    def get(self, user_id: int, conversation: int) -> Summary:
        """Raises NotAMember."""
        query = _summaries(user_id).where(Conversation.id == conversation)
        with self._database.read() as session:
            row = session.execute(query).first()
        if row is None:
            raise NotAMember()
        return _summary(row)

    def open_private(self, user_id: int, other_id: int) -> tuple[int, bool]:
        """The private conversation of two users and whether it is new. Raises UnknownUser."""
        low, high = sorted((user_id, other_id))

        def work(session: Session) -> tuple[int, bool]:
            found = session.scalar(select(Conversation.id).where(
                Conversation.low_id == low, Conversation.high_id == high
            ))
            if found is not None:
                return found, False
            other = session.get(User, other_id)
            if other is None or other.deleted_at is not None:
                raise UnknownUser()
            return open_pairs(session.connection(), [(low, high)])[low, high], True

        try:
            return self._database.write(work)
        except IntegrityError:
            return self._database.write(work)  # somebody opened it meanwhile: now it is there


def _summaries(user_id: int) -> Select[*tuple[Any, ...]]:
    partner = or_(
        and_(Conversation.low_id == user_id, User.id == Conversation.high_id),
        and_(Conversation.low_id != user_id, User.id == Conversation.low_id),
    )
    last = and_(
        Event.conversation_id == Conversation.id, Event.seq == Conversation.last_seq,
        Event.seq > Member.joined_seq,  # who has just registered has heard no broadcast yet
    )
    return (
        select(
            Conversation, Member.read_seq, User, Event.conversation_id, Event.seq, Event.type,
            Event.sender_id, Event.at, Event.body,
        )
        .join(Member, Member.conversation_id == Conversation.id)
        .join(User, and_(Conversation.kind == PRIVATE, partner), isouter=True)
        .join(Event, last, isouter=True)
        .where(Member.user_id == user_id, Conversation.kind != ACCOUNT)
    )


def _summary(row: Row[*tuple[Any, ...]]) -> Summary:
    conversation, read_seq, other, *last = row
    return Summary(
        conversation.id, conversation.kind, conversation.last_seq, conversation.last_at, read_seq,
        other, Entry(*last) if last[1] is not None else None,
    )
