"""Which conversations a user has, how far they are, and what stands last in each."""

from __future__ import annotations

from typing import Any, NamedTuple

from msgspec import Struct
from sqlalchemy import Row, Select, and_, false, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.errors import NotAContact, NotAMember, UnknownUser
from app.models import Conversation, Event, Member, User
from app.models.message import ACCOUNT, CONTACTS, GROUP, OPEN_HISTORY, PRIVATE
from app.store.database import Database
from app.store.items import Entry
from app.store.pairs import flags_between, open_pairs

_HEADS = """
    SELECT conversation.id, kind, last_seq, read_seq,
        CASE WHEN flags & ? <> 0 THEN 0 ELSE joined_seq END
    FROM member JOIN conversation ON conversation.id = member.conversation_id
    WHERE member.user_id = ? ORDER BY conversation.last_at DESC, conversation.id DESC LIMIT ?"""
_IDS = """
    SELECT conversation_id FROM member WHERE user_id = ? AND conversation_id > ?
    ORDER BY conversation_id LIMIT ?"""
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
    pinned: bool = False
    silent: bool = False
    hidden: bool = False
    draft: str | None = None


# The user's own settings, in the order in which a Summary ends.
_SETTINGS = (
    Member.pinned, Member.silent, Conversation.last_seq <= Member.hidden_seq, Member.draft
)


class Conversations:
    """The `conversation` and `member` tables."""

    def __init__(self, database: Database, contacts_only: bool = False) -> None:
        self._database = database
        self._contacts_only = contacts_only

    def heads(self, user_id: int, limit: int) -> list[Head]:
        """The user's conversations, the latest first, their account's log among them."""
        return [Head(*row) for row in self._database.rows(_HEADS, OPEN_HISTORY, user_id, limit)]

    def ids(self, user_id: int, after: int, limit: int) -> list[int]:
        """The user's conversations, their own log too, behind the id `after`: none is missed."""
        return [key for key, in self._database.rows(_IDS, user_id, after, limit)]

    def groups(self, user_id: int) -> list[int]:
        """The ids of all groups that the user is in."""
        return [key for key, in self._database.rows(_ROOMS, user_id, GROUP)]

    def listed(
        self, user_id: int, limit: int, before: tuple[int, int, int] | None = None
    ) -> list[Summary]:
        """The user's conversations: the pinned ones, then the others; of each the latest first.

        `before` is (pinned, last_at, id) of the last seen.

        One statement, however many conversations there are.
        """
        query = _summaries(user_id)
        if before is not None:
            pinned, at, key = before
            behind = or_(
                Conversation.last_at < at, and_(Conversation.last_at == at, Conversation.id < key)
            )
            same = Member.pinned if pinned else Member.pinned.is_(False)
            others = Member.pinned.is_(False) if pinned else false()
            query = query.where(or_(others, and_(same, behind)))
        query = query.order_by(
            Member.pinned.desc(), Conversation.last_at.desc(), Conversation.id.desc()
        ).limit(limit)
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
        """The private conversation of two users and whether it is new.

        Raises UnknownUser; NotAContact for a new one that the policy forbids.
        """
        low, high = sorted((user_id, other_id))

        def work(session: Session) -> tuple[int, bool]:
            found = session.scalar(select(Conversation.id).where(
                Conversation.low_id == low, Conversation.high_id == high
            ))
            if found is not None:
                return found, False
            # Locked: a block, or a deletion, that comes meanwhile must find the conversation.
            alive = session.scalars(
                select(User.id).where(User.id.in_((low, high)), User.deleted_at.is_(None))
                .order_by(User.id).with_for_update(read=True)
            )
            if other_id not in alive.all():
                raise UnknownUser()
            connection = session.connection()
            pair = (low, high)
            if self._contacts_only and low != high and not (
                flags_between(connection, [pair])[pair] & CONTACTS
            ):
                raise NotAContact()
            return open_pairs(connection, [pair])[pair], True

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
        Event.conversation_id == Conversation.id, Event.seq == Conversation.last_seq
    )
    return (
        select(
            Conversation, Member.read_seq, User, Event.conversation_id, Event.seq, Event.type,
            Event.sender_id, Event.at, Event.body,
            *_SETTINGS,
        )
        .join(Member, Member.conversation_id == Conversation.id)
        .join(User, and_(Conversation.kind == PRIVATE, partner), isouter=True)
        .join(Event, last, isouter=True)
        .where(Member.user_id == user_id, Conversation.kind != ACCOUNT)
    )


def _summary(row: Row[*tuple[Any, ...]]) -> Summary:
    conversation, read_seq, other, *last = row[:-len(_SETTINGS)]
    return Summary(
        conversation.id, conversation.kind, conversation.last_seq, conversation.last_at, read_seq,
        other, Entry(*last) if last[1] is not None else None, *row[-len(_SETTINGS):],
    )
