"""Groups: made, found, changed, disbanded. Every change is an event in the group's log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct
from sqlalchemy import exists, func, or_, select
from sqlalchemy.orm import Session

from app.errors import NameTaken, NotAMember
from app.models import Conversation, Group, Member
from app.models.group import INVITE, POLICIES
from app.models.message import ADMINS_WRITE, GROUP, OPEN_HISTORY, OWNER
from app.store.accounts.users import name_key
from app.store.clock import clock
from app.store.database import Database
from app.store.groups.roster import GroupAct, seat
from app.store.log.acts import Act
from app.store.log.items import Appended

FLAGS = {"open_history": OPEN_HISTORY, "admins_only": ADMINS_WRITE}


class GroupInfo(Struct):
    """A group as one of its members sees it."""

    group: Group
    size: int
    flags: int
    created_at: int
    role: int
    muted_until: int


class Groups:
    """The `chat_group` table. A group has at most `most` members."""

    def __init__(self, database: Database, most: int, contacts_only: bool) -> None:
        self._database = database
        self._most = most
        self._contacts_only = contacts_only

    def create(
        self, owner: int, name: str, members: Sequence[int], open_history: bool = False,
        unique: bool = False, **details: Any,
    ) -> Appended:
        """A new group with its owner and `members` (ids of users).

        `details` are further columns of Group; `unique` asks for a name by which the owner finds
        no group yet.
        Raises UnknownUser, Blocked, NotAContact, GroupFull, NameTaken.
        """

        def work(session: Session) -> Appended:
            if unique:
                self._reserve(session, owner, name)
            now = clock(session.connection())
            conversation = Conversation(
                kind=GROUP, last_at=now, created_at=now, size=0, last_seq=0,
                flags=OPEN_HISTORY if open_history else 0,
            )
            session.add(conversation)
            session.flush()
            session.add(Group(
                conversation_id=conversation.id, name=name, name_key=name_key(name),
                owner_id=owner, **{"join_policy": INVITE, **details},
            ))
            everybody = seat(
                session, conversation, [owner, *members], owner, self._most, self._contacts_only
            )
            act = Act(session, owner, conversation.id)
            act.member.role = OWNER
            body = {"created": True, "name": name, "members": everybody}
            return act.append("group", body, joined=everybody)

        return self._database.write(work)

    def _reserve(self, session: Session, owner: int, name: str) -> None:
        """Raises NameTaken. Of two who ask for one name at once, the second waits for the first."""
        if not self._database.embedded:  # else there is one writer only
            key = func.hashtextextended(name_key(name), 0)
            session.execute(select(func.pg_advisory_xact_lock(key))).close()
        if _named(session, owner, name) is not None:
            raise NameTaken()

    def change(self, user_id: int, group: int, asked: Mapping[str, Any]) -> Appended | None:
        """Set what `asked` names in the words of the wire; None if all of it is so already.

        Names: name, avatar, description, announcement, join, open_history, admins_only. The event
        has the changed ones. Raises NotAMember, Forbidden for who is no admin.
        """

        def work(session: Session) -> Appended | None:
            act = GroupAct(session, user_id, group)
            act.need()
            changed = {name: value for name, value in asked.items() if _now(act, name) != value}
            for name, value in changed.items():
                _set(act, name, value)
            return act.append("group", changed) if changed else None

        return self._database.write(work)

    def disband(self, user_id: int, group: int) -> Appended:
        """Raises NotAMember, Forbidden for who is not the owner."""

        def work(session: Session) -> Appended:
            act = GroupAct(session, user_id, group)
            act.need(OWNER)
            return act.disband()

        return self._database.write(work)

    def get(self, user_id: int, group: int) -> GroupInfo:
        """Raises NotAMember."""
        query = _seen_by(user_id).where(Group.conversation_id == group)
        with self._database.read() as session:
            row = session.execute(query).first()
        if row is None:
            raise NotAMember()
        return GroupInfo(*row)

    def listed(self, user_id: int, limit: int) -> list[GroupInfo]:
        """The groups that a user is in, the oldest first."""
        query = _seen_by(user_id).order_by(Member.conversation_id).limit(limit)
        with self._database.read() as session:
            return [GroupInfo(*row) for row in session.execute(query)]

    def find(self, user_id: int, text: str) -> int | None:
        """The group with this number; else the one with this name, of several the most open."""
        with self._database.read() as session:
            number = int(text) if text.isascii() and text.isdigit() and len(text) < 16 else 0
            if number and session.get(Group, number) is not None:
                return number
            return _named(session, user_id, text)


def _named(session: Session, user_id: int, name: str) -> int | None:
    """The group with this name. One by invitation only has a name for its members alone."""
    inside = exists().where(
        Member.conversation_id == Group.conversation_id, Member.user_id == user_id
    )
    return session.scalar(
        select(Group.conversation_id)
        .where(Group.name_key == name_key(name), or_(Group.join_policy != INVITE, inside))
        .order_by(Group.join_policy, Group.conversation_id).limit(1)
    )


def _seen_by(user_id: int) -> Any:
    return (
        select(
            Group, Conversation.size, Conversation.flags, Conversation.created_at, Member.role,
            Member.muted_until,
        )
        .join(Conversation, Conversation.id == Group.conversation_id)
        .join(Member, Member.conversation_id == Group.conversation_id)
        .where(Member.user_id == user_id)
    )


def _now(act: GroupAct, name: str) -> Any:
    """A setting of the group as it is, in the word of the wire."""
    if name in FLAGS:
        return bool(act.conversation.flags & FLAGS[name])
    return POLICIES[act.group.join_policy] if name == "join" else getattr(act.group, name)


def _set(act: GroupAct, name: str, value: Any) -> None:
    if name in FLAGS:
        flags = act.conversation.flags
        act.conversation.flags = flags | FLAGS[name] if value else flags & ~FLAGS[name]
    elif name == "join":
        act.group.join_policy = POLICIES.index(value)
    else:
        setattr(act.group, name, value)
        if name == "name":
            act.group.name_key = name_key(value)
