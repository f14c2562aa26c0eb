"""Groups: made, joined, left. Every change is an event in the group's log."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import Struct
from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from app.errors import NotAMember, UnknownUser
from app.models import Conversation, Group, Member, User
from app.models.group import INVITE
from app.models.message import GROUP, MEMBER, OPEN_HISTORY, OWNER
from app.store.acts import Act
from app.store.database import Database
from app.store.items import Appended
from app.store.users import name_key, now_ms


class GroupInfo(Struct):
    """A group as its members see it."""

    group: Group
    size: int
    flags: int
    role: int


class Groups:
    """The `chat_group` table, and the members of groups."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(
        self, owner: int, name: str, members: Sequence[int], open_history: bool = False,
        **details: Any,
    ) -> Appended:
        """A new group with its owner and `members` (ids of users). Raises UnknownUser.

        `details` are further columns of Group.
        """

        def work(session: Session) -> Appended:
            now = now_ms()
            everybody = dict.fromkeys((owner, *members))
            _check_users(session, everybody)
            conversation = Conversation(
                kind=GROUP, last_at=now, created_at=now, size=len(everybody), last_seq=0,
                flags=OPEN_HISTORY if open_history else 0,
            )
            session.add(conversation)
            session.flush()
            session.add(Group(
                conversation_id=conversation.id, name=name, name_key=name_key(name),
                owner_id=owner, **{"join_policy": INVITE, **details},
            ))
            seat(session, conversation, list(everybody), 0)
            founder = session.get_one(Member, (conversation.id, owner))
            founder.role = OWNER
            act = Act(session, owner, conversation.id)
            body = {"created": True, "name": name, "members": list(everybody)}
            return act.append("group", body, joined=list(everybody))

        return self._database.write(work)

    def get(self, user_id: int, conversation: int) -> GroupInfo:
        """Raises NotAMember."""
        query = (
            select(Group, Conversation.size, Conversation.flags, Member.role)
            .join(Conversation, Conversation.id == Group.conversation_id)
            .join(Member, Member.conversation_id == Group.conversation_id)
            .where(Group.conversation_id == conversation, Member.user_id == user_id)
            .where(Conversation.closed_at.is_(None))
        )
        with self._database.read() as session:
            row = session.execute(query).first()
        if row is None:
            raise NotAMember()
        return GroupInfo(*row)


def seat(
    session: Session, conversation: Conversation, users: Sequence[int], joined_seq: int
) -> None:
    """Give these users, who are no members yet, a place; they see what is behind `joined_seq`."""
    session.execute(insert(Member), [
        {
            "conversation_id": conversation.id, "user_id": user, "role": MEMBER,
            "read_seq": joined_seq, "joined_seq": joined_seq,
        }
        for user in users
    ])


def _check_users(session: Session, users: Any) -> None:
    """Raises UnknownUser unless all of `users` are there."""
    found = set(session.scalars(
        select(User.id).where(User.id.in_(list(users)), User.deleted_at.is_(None))
    ))
    absent = sorted(set(users) - found)
    if absent:
        raise UnknownUser(f"There is no user {absent[0]}.")
