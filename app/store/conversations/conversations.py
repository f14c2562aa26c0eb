"""Which conversations a user has, how far they are, and what stands last in each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.errors import NotAContact, NotAMember, UnknownUser
from app.models import Conversation, User
from app.models.message import ACCOUNT, CONTACTS, GROUP, PRIVATE
from app.store.asked import Asked
from app.store.clock import clock, now_ms
from app.store.conversations.summaries import Summary, summaries
from app.store.database import Database
from app.store.gathered import Gathered
from app.store.log.pairs import flags_between, open_pairs
from app.store.log.rights import FLOOR, closed, refusal_between, refusal_within

_HEADS = f"""
    SELECT conversation.id, kind, last_seq, read_seq, {FLOOR} AS floor, last_at
    FROM member JOIN conversation ON conversation.id = member.conversation_id
    WHERE member.user_id = {{user}} ORDER BY conversation.last_at DESC, conversation.id DESC
    LIMIT {{limit}}"""  # noqa: S608  # a constant of ours
_HEADS_OF_ONE = _HEADS.format(user="?", limit="?")
_HEADS_OF_MANY = Asked(
    "SELECT one, two, head.* FROM {asked} CROSS JOIN LATERAL ({heads}) AS head"
    " ORDER BY one, two, head.last_at DESC, head.id DESC",
    "one", "two", heads=_HEADS.format(user="one", limit="two"),
)
USERS_AT_ONCE = 20  # whose heads one statement reads: with a thousand each, it is long enough
_ACCOUNT = """
    SELECT conversation.id, kind, last_seq, read_seq, joined_seq, last_at
    FROM conversation JOIN member ON conversation_id = conversation.id AND user_id = low_id
    WHERE low_id = ? AND high_id IS NULL"""
_IDS = """
    SELECT conversation_id FROM member WHERE user_id = ? AND conversation_id > ?
    ORDER BY conversation_id LIMIT ?"""
_ROOMS = """
    SELECT conversation.id FROM member JOIN conversation ON conversation.id = conversation_id
    WHERE member.user_id = ? AND kind = ?"""

_SEAT = """
    SELECT kind, low_id, high_id, size, flags, closed_at, role, muted_until
    FROM member JOIN conversation ON conversation.id = conversation_id
    WHERE conversation_id = ? AND user_id = ?"""

_ADVANCED = """
    SELECT id, kind, low_id, high_id, last_seq, last_at FROM conversation
    WHERE (last_at, id) > (?, ?) ORDER BY last_at, id LIMIT ?"""


class Head(NamedTuple):
    """How far a conversation and its reader are; the reader sees what is behind `joined_seq`."""

    id: int
    kind: int
    last_seq: int
    read_seq: int
    joined_seq: int
    last_at: int


class Audience(NamedTuple):
    """Who is in a conversation beside a member: the partner of a private one, or `size` members."""

    kind: int
    other: int
    size: int


class Advance(NamedTuple):
    """How far a conversation is, and since when; `low` and `high` as in its table."""

    id: int
    kind: int
    low: int | None
    high: int | None
    last_seq: int
    last_at: int


class Conversations:
    """The `conversation` and `member` tables."""

    def __init__(self, database: Database, contacts_only: bool = False) -> None:
        self._database = database
        self._contacts_only = contacts_only
        self._heads = Gathered(self._heads_of, USERS_AT_ONCE)

    def heads(self, user_id: int, limit: int) -> list[Head]:
        """The user's conversations, the latest first, their account's log among them."""
        if not self._database.embedded:
            return self._heads.get((user_id, limit)) or []
        return [Head(*row) for row in self._database.rows(_HEADS_OF_ONE, user_id, limit)]

    def _heads_of(self, asked: Sequence[tuple[int, int]]) -> dict[tuple[int, int], list[Head]]:
        """The heads of these users, of each at most so many."""
        found: dict[tuple[int, int], list[Head]] = {}
        for user, limit, *head in _HEADS_OF_MANY.read(self._database, asked):
            found.setdefault((user, limit), []).append(Head(*head))
        return found

    def account(self, user_id: int) -> Head | None:
        """The user's own log, once there is one."""
        for row in self._database.rows(_ACCOUNT, user_id):
            return Head(*row)
        return None

    def ids(self, user_id: int, after: int, limit: int) -> list[int]:
        """The user's conversations, their own log too, behind the id `after`: none is missed."""
        return [key for key, in self._database.rows(_IDS, user_id, after, limit)]

    def groups(self, user_id: int) -> list[int]:
        """The ids of all groups that the user is in."""
        return [key for key, in self._database.rows(_ROOMS, user_id, GROUP)]

    def advanced(self, since: int, behind: int = 0, limit: int = 1000) -> list[Advance]:
        """Conversations that have advanced at `since` or later, in the order of (last_at, id).

        The next page is that from the `last_at` and `id` of the last one on. A transaction takes
        its time when it locks, so what it wrote may appear later than `last_at` says, by as long as
        the transaction took: ask again from some seconds before. Only PostgreSQL has an index for
        this.
        """
        rows = self._database.rows(_ADVANCED, since, behind, limit)
        return [Advance(*row) for row in rows]

    def listed(
        self, user_id: int, limit: int, before: tuple[int, int, int] | None = None
    ) -> list[Summary]:
        """The user's conversations: the pinned ones, then the others; of each the latest first.

        `before` is (pinned, last_at, id) of the last seen. Two statements, however many there are.
        """
        return summaries(self._database, user_id, limit, before)

    def get(self, user_id: int, conversation: int) -> Summary:
        """Raises NotAMember."""
        found = summaries(self._database, user_id, 1, conversation=conversation)
        if not found:
            raise NotAMember()
        return found[0]

    def audience(self, user_id: int, conversation: int) -> Audience:
        """Whom a member speaks to here. Raises what a message of theirs would raise."""
        for kind, low, high, size, flags, closed_at, role, muted in self._database.rows(
            _SEAT, conversation, user_id
        ):
            if kind == ACCOUNT:
                break
            if closed_at is not None:
                raise closed(kind)
            refusal = (
                refusal_between(flags, low, high, user_id, self._contacts_only)
                if kind == PRIVATE else refusal_within(flags, role, muted, now_ms())
            )
            if refusal is not None:
                raise refusal
            if kind == PRIVATE:
                return Audience(kind, high if user_id == low else low, 2)
            return Audience(kind, 0, size)
        raise NotAMember()

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
            return open_pairs(connection, [pair], clock(connection))[pair], True

        try:
            return self._database.write(work)
        except IntegrityError:
            return self._database.write(work)  # somebody opened it meanwhile: now it is there
