"""Two users' rows about each other, in one transaction that both of their logs hear of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from msgspec import Struct
from sqlalchemy import and_, func, inspect, or_, select
from sqlalchemy.orm import Session

from app.errors import Blocked, TooMany, UnknownUser
from app.models import Contact, Conversation, User
from app.models.message import CONTACTS, HIGH_BLOCKS, LOW_BLOCKS
from app.models.user import ASKED, ASKING, FRIEND, STRANGER
from app.store.clock import clock, now_ms
from app.store.log.acts import own_log
from app.store.log.items import Appended
from app.store.log.pairs import flags_between, open_pairs

CONTACTS_PER_USER = 5000  # friends, requests and blocked ones together
OPEN_REQUESTS = 500  # that a user has sent, and likewise received
STATES = {STRANGER: "none", ASKED: "asked", ASKING: "asking", FRIEND: "friend"}

_FLAGS = LOW_BLOCKS | HIGH_BLOCKS | CONTACTS


class ContactInfo(Struct):
    """One side of an acquaintance, with the other user."""

    contact: Contact
    other: User


class Change(Struct):
    """A contact after a change, and the events that it left: none if nothing has changed."""

    info: ContactInfo
    told: Sequence[Appended]

    @property
    def is_own(self) -> bool:
        """Whether the asking user's own side has changed; the other's is not their business."""
        return any(told.low == self.info.contact.user_id for told in self.told)


class Acquaintance:
    """`mine` and `theirs`: change them, then `save`. Raises UnknownUser.

    Whoever is blocked changes only their own side: to them it looks as if the other had not
    answered yet, or had agreed.
    """

    def __init__(self, session: Session, user_id: int, other_id: int) -> None:
        self.session = session
        self.pair = (min(user_id, other_id), max(user_id, other_id))
        users = lock_users(session, self.pair)
        if len(users) < 2:
            raise UnknownUser()
        self.other = users[other_id]
        self.conversation = self._lock_conversations()
        self.mine = _row(session, user_id, other_id)
        self.theirs = _row(session, other_id, user_id)
        self._before = (_values(self.mine), _values(self.theirs))

    def _lock_conversations(self) -> Conversation | None:
        """Lock the two users' logs and their conversation, in the journal's order; return it."""
        private = and_(Conversation.low_id == self.pair[0], Conversation.high_id == self.pair[1])
        logs = and_(Conversation.low_id.in_(self.pair), Conversation.high_id.is_(None))
        found = self.session.scalars(
            select(Conversation).where(or_(private, logs))
            .order_by(Conversation.id).with_for_update()
        ).all()
        return next((item for item in found if item.high_id is not None), None)

    def check_own_block(self) -> None:
        """Raises Blocked if it is the asking user who blocks."""
        if self.mine.blocked:
            raise Blocked("You have blocked this user: unblock them first.")

    def check_requests(self) -> None:
        """Raises TooMany; the same whether or not the other one would get to see the request."""
        if self.mine.state != STRANGER:
            return
        if self._count(self.mine, Contact.state == ASKING) >= OPEN_REQUESTS:
            raise TooMany(f"You have {OPEN_REQUESTS} open requests: withdraw some first.")
        if self._count(self.theirs, Contact.state == ASKED) >= OPEN_REQUESTS:
            raise TooMany("This user takes no more requests for now.")

    def befriend(self) -> None:
        self.mine.state, self.mine.note = FRIEND, ""
        if not self.theirs.blocked:
            self.theirs.state, self.theirs.note = FRIEND, ""

    def part(self) -> None:
        """End a friendship, or a request. A block stays."""
        for row in (self.mine, self.theirs):
            row.state, row.note = STRANGER, ""
            row.remark = row.remark if row.blocked else ""

    def save(self) -> Change:
        """Write what has changed, tell each side of its own, keep the conversation in step."""
        sides = zip((self.mine, self.theirs), self._before, strict=True)
        changed = [row for row, before in sides if _values(row) != before]
        for row in changed:
            self._keep(row)
        if changed:
            self.session.flush()
            self._keep_conversation()
        told = [
            own_log(self.session, row.user_id).append("contact", said(row)) for row in changed
        ]
        return Change(ContactInfo(self.mine, self.other), told)

    def _keep(self, row: Contact) -> None:
        new: bool = inspect(row).transient
        if row.state != STRANGER or row.blocked:
            row.at = now_ms()
            if new:
                self._check_room(row)
                self.session.add(row)
        elif not new:
            self.session.delete(row)

    def _check_room(self, row: Contact) -> None:
        if self._count(row) < CONTACTS_PER_USER:
            return
        if row is self.theirs:
            raise TooMany("This user takes no more requests for now.")
        raise TooMany(f"You have {CONTACTS_PER_USER} contacts, requests and blocked users.")

    def _count(self, side: Contact, *conditions: Any) -> int:
        """How many rows the side's user has."""
        return self.session.scalar(
            select(func.count()).select_from(Contact)
            .where(Contact.user_id == side.user_id, *conditions)
        ) or 0

    def _keep_conversation(self) -> None:
        """The flags that the journal asks, as the rows are now; friends have a conversation."""
        connection = self.session.connection()
        if self.conversation is not None:
            now = flags_between(connection, [self.pair])[self.pair]
            self.conversation.flags = self.conversation.flags & ~_FLAGS | now
        elif self.mine.state == FRIEND:
            open_pairs(connection, [self.pair], clock(connection))


def lock_users(session: Session, users: Iterable[int]) -> dict[int, User]:
    """Lock those of `users` that are there, in the order of their ids: nobody deadlocks."""
    found = session.scalars(
        select(User).where(User.id.in_(list(users)), User.deleted_at.is_(None))
        .order_by(User.id).with_for_update()
    )
    return {user.id: user for user in found}


def said(row: Contact) -> dict[str, Any]:
    """What a user's own log says of a contact: all of it, as it is now."""
    return {
        "user": row.other_id, "state": STATES[row.state], "blocked": row.blocked,
        "remark": row.remark, "note": row.note,
    }


def _row(session: Session, user_id: int, other_id: int) -> Contact:
    """What a user has of another one; for a stranger, a row that is not stored yet."""
    return session.get(Contact, (user_id, other_id)) or Contact(
        user_id=user_id, other_id=other_id, state=STRANGER, blocked=False, remark="", note="", at=0
    )


def _values(row: Contact) -> tuple[int, bool, str, str]:
    return row.state, row.blocked, row.remark, row.note
