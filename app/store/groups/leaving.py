"""What goes before an account does, in steps that hold up nobody else.

An account that is half gone when the process dies is still an account, and can be deleted again.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from app.models import Contact, Conversation, Event, Member
from app.models.user import STRANGER
from app.store.conversations.acquaintance import lock_users, said
from app.store.database import Database
from app.store.log.acts import own_log
from app.store.log.items import Appended

CONTACTS_AT_ONCE = 50
EVENTS_AT_ONCE = 1000


class Parted(Struct):
    """What those who were parted from are told, and whether there are more."""

    told: Sequence[Appended]
    more: bool


class Leaving:
    """Steps of a deletion; `Users.delete` is the last one."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def part(self, user_id: int) -> Parted:
        """Remove some of the user's contacts from both sides."""

        def work(session: Session) -> Parted:
            mine = select(Contact.other_id.label("id")).where(Contact.user_id == user_id)
            theirs = select(Contact.user_id).where(Contact.other_id == user_id)
            known = mine.union(theirs).order_by("id").limit(CONTACTS_AT_ONCE)
            others = list(session.scalars(known))
            lock_users(session, [user_id, *others])
            session.execute(delete(Contact).where(
                Contact.user_id == user_id, Contact.other_id.in_(others)
            ))
            knowing = session.scalars(delete(Contact).where(
                Contact.other_id == user_id, Contact.user_id.in_(others)
            ).returning(Contact.user_id)).all()
            gone = said(Contact(
                other_id=user_id, state=STRANGER, blocked=False, remark="", note=""
            ))
            told = [own_log(session, other).append("contact", gone) for other in sorted(knowing)]
            return Parted(told, more=len(others) == CONTACTS_AT_ONCE)

        return self._database.write(work)

    def shorten_log(self, user_id: int) -> bool:
        """Delete the end of the user's own log: what is left stays dense. False: all is gone."""

        def work(session: Session) -> bool:
            log = session.scalar(select(Conversation).where(
                Conversation.low_id == user_id, Conversation.high_id.is_(None)
            ).with_for_update())
            if log is None or not log.last_seq:
                return False
            log.last_seq = max(0, log.last_seq - EVENTS_AT_ONCE)
            log.expired_seq = min(log.expired_seq, log.last_seq)
            session.execute(delete(Event).where(
                Event.conversation_id == log.id, Event.seq > log.last_seq
            ))
            session.execute(update(Member).where(
                Member.conversation_id == log.id, Member.read_seq > log.last_seq
            ).values(read_seq=log.last_seq))
            return bool(log.last_seq)

        return self._database.write(work)
