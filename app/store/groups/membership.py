"""The members of a group: listed, added, removed, given roles, muted; who leaves."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct
from sqlalchemy import select
from sqlalchemy.orm import Session, aliased

from app.errors import BadRequest, Forbidden, NotAMember
from app.models import Group, Member, User
from app.models.message import ADMIN, MEMBER, OWNER, ROLES
from app.store.database import Database
from app.store.groups.roster import GroupAct, seat, unseat
from app.store.log.items import Appended


class Seat(Struct):
    """A member of a group."""

    user: User
    role: int
    muted_until: int


class Membership:
    """The `member` rows of groups. Every change is an event; None: nothing was to be changed.

    All raise NotAMember where the asking user is not in the group.
    """

    def __init__(self, database: Database, most: int, contacts_only: bool) -> None:
        self._database = database
        self._most = most
        self._contacts_only = contacts_only

    def page(self, reader: int, group: int, limit: int, after: int) -> list[Seat]:
        """Members in the order of their ids, behind the user `after`. One statement."""
        own = aliased(Member)
        query = (
            select(User, Member.role, Member.muted_until)
            .join(Member, Member.user_id == User.id)
            .join(Group, Group.conversation_id == Member.conversation_id)
            .join(own, own.conversation_id == Member.conversation_id)
            .where(Member.conversation_id == group, Member.user_id > after)
            .where(own.user_id == reader)
            .order_by(Member.user_id).limit(limit)
        )
        with self._database.read() as session:
            found = [Seat(*row) for row in session.execute(query)]
            if not found and not (
                session.get(Member, (group, reader)) and session.get(Group, group)
            ):
                raise NotAMember()
        return found

    def add(self, user_id: int, group: int, users: Sequence[int]) -> Appended | None:
        """Bring users in; those who are in stay as they are.

        Raises Forbidden, UnknownUser, Blocked, NotAContact, GroupFull.
        """

        def work(session: Session) -> Appended | None:
            act = GroupAct(session, user_id, group)
            act.need_inviter()
            new = seat(
                session, act.conversation, users, user_id, self._most, self._contacts_only
            )
            if not new:
                return None
            return act.append("members", {"joined": new, "by": user_id}, joined=new)

        return self._database.write(work)

    def remove(self, user_id: int, group: int, other: int) -> Appended:
        """Raises Forbidden, NotFound."""

        def work(session: Session) -> Appended:
            act = GroupAct(session, user_id, group)
            if other == user_id:
                raise BadRequest("To go yourself, leave the group.")
            member = act.other(other)
            act.need_above(member)
            unseat(session, act.conversation, member)
            return act.append("members", {"removed": [other]}, left=[other])

        return self._database.write(work)

    def leave(self, user_id: int, group: int) -> Appended:
        """The last one who leaves disbands the group. Raises Forbidden for its owner."""

        def work(session: Session) -> Appended:
            act = GroupAct(session, user_id, group)
            if act.conversation.size == 1:
                return act.disband()
            if act.member.role == OWNER:
                raise Forbidden("You own this group: transfer it to a member first, or disband it.")
            unseat(session, act.conversation, act.member)
            return act.append("members", {"left": [user_id]}, left=[user_id])

        return self._database.write(work)

    def withdraw(self, user_id: int, group: int) -> Appended | None:
        """Leave for good, as the account is deleted; an owner's group passes to the next one."""

        def work(session: Session) -> Appended | None:
            try:
                act = GroupAct(session, user_id, group)
            except NotAMember:
                return None  # it was disbanded, or they were removed, meanwhile
            if act.conversation.size == 1:
                return act.disband()
            body: dict[str, object] = {"left": [user_id]}
            if act.member.role == OWNER:
                heir = _heir(act)
                _own(act, heir)
                body["owner"] = heir.user_id
            unseat(session, act.conversation, act.member)
            return act.append("members", body, left=[user_id])

        return self._database.write(work)

    def set_role(self, user_id: int, group: int, other: int, role: int) -> Appended | None:
        """Make a member an admin, or an admin a member. Raises Forbidden, NotFound."""

        def work(session: Session) -> Appended | None:
            act = GroupAct(session, user_id, group)
            act.need(OWNER)
            member = act.other(other)
            if member.role == OWNER:
                raise Forbidden("You own this group: transfer it to give this role away.")
            if member.role == role:
                return None
            member.role = role
            return act.append("members", {"roles": {str(other): ROLES[role]}})

        return self._database.write(work)

    def mute(self, user_id: int, group: int, other: int, until: int) -> Appended | None:
        """Let a member only read until a time in milliseconds; 0: write. Raises as set_role."""

        def work(session: Session) -> Appended | None:
            act = GroupAct(session, user_id, group)
            act.need()
            member = act.other(other)
            if member.role != MEMBER:
                raise Forbidden("Only members without a role can be muted.")
            if member.muted_until == until:
                return None
            member.muted_until = until
            return act.append("members", {"muted": {str(other): until}})

        return self._database.write(work)

    def transfer(self, user_id: int, group: int, other: int) -> Appended | None:
        """Give the group to another member; its owner becomes an admin. Raises as set_role."""

        def work(session: Session) -> Appended | None:
            act = GroupAct(session, user_id, group)
            act.need(OWNER)
            if other == user_id:
                return None
            _own(act, act.other(other))
            act.member.role = ADMIN
            return act.append("members", {"owner": other})

        return self._database.write(work)


def _own(act: GroupAct, member: Member) -> None:
    member.role, member.muted_until = OWNER, 0
    act.group.owner_id = member.user_id


def _heir(act: GroupAct) -> Member:
    """Who gets the group of an owner who is gone: the oldest admin, else the oldest member."""
    query = (
        select(Member)
        .where(Member.conversation_id == act.conversation.id, Member.user_id != act.user)
        .order_by(Member.role.desc(), Member.joined_seq, Member.user_id).limit(1)
    )
    return act.session.scalars(query).one()
