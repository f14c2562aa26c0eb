"""Accounts: create, find, change, delete."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Collection
from typing import TypeVar

from sqlalchemy import delete, insert, literal, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.errors import NameTaken, UnknownUser
from app.models import Contact, Conversation, Event, LoginSession, Member, User
from app.models.message import ACCOUNT, ADMIN, MEMBER, ONE_BROADCAST, PRIVATE
from app.store.clock import now_ms
from app.store.database import Database

T = TypeVar("T")
NOBODY = "\x01"
_BROADCAST = select(Conversation.id).where(ONE_BROADCAST)
CHANGEABLE = frozenset(("name", "avatar", "gender", "phone", "email", "password_hash"))
SWITCHES = frozenset(("shows_presence", "shows_reading"))


def name_key(name: str) -> str:
    """What makes two names the same: compatibility forms and case do not count."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    return folded.replace("\0", NOBODY)  # PostgreSQL's text cannot hold NUL; no name has either


class Users:
    """The `user` table."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, name: str, password_hash: str) -> User:
        """Raises NameTaken."""
        now = now_ms()
        user = User(
            name=name, name_key=name_key(name), password_hash=password_hash, avatar="",
            gender="male", phone="", email="", created_at=now, updated_at=now,
        )

        def work(session: Session) -> User:
            session.add(user)
            session.flush()
            _enter_broadcast(session, user.id)
            return user

        return self._unique(work)

    def get(self, user_id: int) -> User:
        """Raises UnknownUser, also for a deleted one."""
        with self._database.read() as session:
            user = session.get(User, user_id)
        if user is None or user.deleted_at is not None:
            raise UnknownUser()
        return user

    def some(self, user_ids: Collection[int]) -> list[User]:
        """Those of them that there are, by id."""
        query = select(User).where(User.id.in_(user_ids), User.deleted_at.is_(None))
        with self._database.read() as session:
            return list(session.scalars(query.order_by(User.id)))

    def by_name(self, name: str) -> User | None:
        with self._database.read() as session:
            return session.scalar(
                select(User).where(User.name_key == name_key(name), User.deleted_at.is_(None))
            )

    def search(self, prefix: str, limit: int, after: str = "") -> list[User]:
        """Users whose name begins with `prefix`, by name, from behind the name `after`."""
        key = name_key(prefix)
        query = select(User).where(
            User.deleted_at.is_(None), User.name_key >= key, User.name_key < key + "\U0010ffff"
        )
        if after:
            query = query.where(User.name_key > name_key(after))
        with self._database.read() as session:
            return list(session.scalars(query.order_by(User.name_key).limit(limit)))

    def first(self, limit: int) -> list[User]:
        """The users with the lowest ids."""
        query = select(User).where(User.deleted_at.is_(None)).order_by(User.id).limit(limit)
        with self._database.read() as session:
            return list(session.scalars(query))

    def change(self, user_id: int, **values: str | bool) -> User:
        """Set some of CHANGEABLE and SWITCHES. Raises NameTaken, UnknownUser."""
        assert values.keys() <= CHANGEABLE | SWITCHES
        changed: dict[str, str | int] = {**values, "updated_at": now_ms()}
        if "name" in values:
            changed["name_key"] = name_key(str(values["name"]))

        def work(session: Session) -> None:
            session.execute(
                update(User).where(User.id == user_id, User.deleted_at.is_(None)).values(**changed)
            )

        self._unique(work)
        return self.get(user_id)

    def delete(self, user_id: int) -> None:
        """Forget the person: name and data go, sessions end, private chats can't be answered.

        Their settings, drafts and own log go too, and what has come of contacts since the others
        were told (leaving.py).
        """
        now = now_ms()

        def work(session: Session) -> None:
            session.execute(update(User).where(User.id == user_id).values(
                name="", name_key=f"\x7fdeleted-{user_id}", password_hash="", avatar="",
                gender="male", phone="", email="", updated_at=now, deleted_at=now, admin=False,
                seen_at=None,
            ))
            session.execute(update(LoginSession).where(
                LoginSession.user_id == user_id, LoginSession.revoked_at.is_(None)
            ).values(revoked_at=now))
            own = Conversation.id.in_(
                select(Member.conversation_id).where(Member.user_id == user_id)
            ) & Conversation.kind.in_((PRIVATE, ACCOUNT))
            # In the journal's order: an UPDATE would lock them as it finds them.
            session.execute(
                select(Conversation.id).where(own).order_by(Conversation.id).with_for_update()
            ).close()
            session.execute(update(Conversation).where(own).values(closed_at=now, flags=0))
            session.execute(delete(Member).where(
                Member.user_id == user_id, Member.conversation_id.in_(_BROADCAST)
            ))
            for side in (Contact.user_id, Contact.other_id):
                session.execute(delete(Contact).where(side == user_id))
            session.execute(update(Member).where(
                Member.user_id == user_id,
                or_(Member.draft.is_not(None), Member.pinned, Member.silent, Member.hidden_seq >= 0)
            ).values(draft=None, pinned=False, silent=False, hidden_seq=-1))
            _delete_log(session, user_id)

        self._database.write(work)

    def set_admin(self, name: str, admin: bool) -> User:
        """Make somebody a site admin, or not. Raises UnknownUser."""

        def work(session: Session) -> User:
            user: User | None = session.scalar(
                update(User).where(User.name_key == name_key(name), User.deleted_at.is_(None))
                .values(admin=admin).returning(User)
            )
            if user is None:
                raise UnknownUser()
            session.execute(
                update(Member)
                .where(Member.user_id == user.id, Member.conversation_id.in_(_BROADCAST))
                .values(role=ADMIN if admin else MEMBER)
            )
            return user

        return self._database.write(work)

    def _unique(self, work: Callable[[Session], T]) -> T:
        try:
            return self._database.write(work)
        except IntegrityError:
            raise NameTaken() from None


def _enter_broadcast(session: Session, user_id: int) -> None:
    """Who registers hears what is said to everybody from now on."""
    place = select(
        Conversation.id, literal(user_id), Conversation.last_seq, Conversation.last_seq
    ).where(ONE_BROADCAST)
    columns = ("conversation_id", "user_id", "read_seq", "joined_seq")
    session.execute(insert(Member).from_select(columns, place))


def _delete_log(session: Session, user_id: int) -> None:
    """The user's own log: nobody else reads it."""
    log = session.scalar(select(Conversation.id).where(
        Conversation.low_id == user_id, Conversation.high_id.is_(None)
    ).with_for_update())
    if log is not None:
        for key in (Event.conversation_id, Member.conversation_id, Conversation.id):
            session.execute(delete(key.class_).where(key == log))
