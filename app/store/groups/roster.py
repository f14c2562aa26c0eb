"""Who is in a group: places given and taken within an act, under the group's lock."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from app.errors import (
    Blocked,
    Forbidden,
    GroupFull,
    NotAContact,
    NotAMember,
    NotFound,
    UnknownUser,
)
from app.models import Contact, Conversation, Group, Invite, JoinRequest, Member, User
from app.models.group import OPEN
from app.models.message import ADMIN, GROUP, MEMBER
from app.models.user import FRIEND
from app.store.log.acts import Act
from app.store.log.items import Appended

GROUP_MEMBERS = 5_000  # where no setting says otherwise


class GroupAct(Act):
    """An act in a group. Raises NotAMember also for a conversation of another kind."""

    def __init__(self, session: Session, user_id: int, conversation: int) -> None:
        try:
            super().__init__(session, user_id, conversation)
        except UnknownUser:  # a private chat whose other user is gone
            raise NotAMember() from None
        group = session.get(Group, conversation)
        if group is None:
            raise NotAMember()
        self.group: Group = group

    def other(self, user_id: int) -> Member:
        """The place of another member. Raises NotFound."""
        found = self.session.get(Member, (self.conversation.id, user_id))
        if found is None:
            raise NotFound("This user is not in the group.")
        return found

    def need_inviter(self) -> None:
        """Raises Forbidden for who may not bring others in."""
        if not may_invite(self.group, self.member):
            raise Forbidden("Only admins may bring members into this group.")

    def need_above(self, other: Member) -> None:
        """Raises Forbidden for who is no admin, or does not stand above `other`."""
        self.need(ADMIN)
        if self.member.role <= other.role:
            raise Forbidden("Admins may do this to members only, the owner to everybody else.")

    def disband(self) -> Appended:
        """Close the group: nobody is in it any more. Its log stays, for nobody to read."""
        key = self.conversation.id
        everybody = list(self.session.scalars(
            select(Member.user_id).where(Member.conversation_id == key)
        ))
        told = self.append("group", {"disbanded": True}, left=everybody)
        self.conversation.closed_at = self.now
        self.conversation.size = 0
        self.session.flush()
        for table in (Member, Invite, JoinRequest, Group):
            self.session.execute(delete(table).where(table.conversation_id == key))
        return told


def may_invite(group: Group, member: Member | None) -> bool:
    """Admins may, and where everybody may join, every member."""
    return member is not None and (member.role >= ADMIN or group.join_policy == OPEN)


def locked(session: Session, conversation: int) -> tuple[Conversation, Group]:
    """A group, locked for somebody who is not in it yet. Raises NotAMember."""
    found = session.get(Conversation, conversation, with_for_update=True)
    group = session.get(Group, conversation)
    if found is None or group is None or found.kind != GROUP or found.closed_at is not None:
        raise NotAMember()
    return found, group


def seat(
    session: Session, group: Conversation, users: Sequence[int], by: int, most: int,
    contacts_only: bool = False,
) -> list[int]:
    """Give those of `users` who are no members yet a place, at the end of the log; return them.

    The group is locked, and gets the event that tells of them. A bounded number of statements,
    however many users. Raises UnknownUser, Blocked (by one of them), GroupFull; where
    `contacts_only`, NotAContact for one who does not hold `by` for a friend.
    """
    inside = set(session.scalars(
        select(Member.user_id)
        .where(Member.conversation_id == group.id, Member.user_id.in_(users))
    ))
    new = [user for user in dict.fromkeys(users) if user not in inside]
    if not new:
        return []
    _check_users(session, new, by)
    if contacts_only:
        _check_friends(session, new, by)
    if group.size + len(new) > most:
        raise GroupFull(
            f"A group has at most {most} members; this one has {group.size},"
            f" and {len(new)} would come."
        )
    session.execute(insert(Member), [
        {
            "conversation_id": group.id, "user_id": user, "role": MEMBER,
            "read_seq": group.last_seq, "joined_seq": group.last_seq,
        }
        for user in new
    ])
    group.size += len(new)
    session.flush()  # whoever locks the group again reads it again
    return new


def unseat(session: Session, group: Conversation, member: Member) -> None:
    """Take a member's place away."""
    session.delete(member)
    group.size -= 1


def _check_users(session: Session, users: Sequence[int], by: int) -> None:
    """Raises UnknownUser unless all of `users` are there, Blocked if one has blocked `by`."""
    # Locked: an account that is being deleted meanwhile comes before or after this.
    found = set(session.scalars(
        select(User.id).where(User.id.in_(users), User.deleted_at.is_(None))
        .order_by(User.id).with_for_update(read=True)
    ))
    absent = [user for user in users if user not in found]
    if absent:
        raise UnknownUser(f"There is no user {absent[0]}.")
    blocking = session.scalar(
        select(Contact.user_id)
        .where(Contact.user_id.in_(users), Contact.other_id == by, Contact.blocked)
        .order_by(Contact.user_id).limit(1)
    )
    if blocking is not None:
        raise Blocked(f"The user {blocking} cannot be added by you.")


def _check_friends(session: Session, users: Sequence[int], by: int) -> None:
    """Raises NotAContact. Who could be put into groups by strangers would be written to by them."""
    friends = set(session.scalars(
        select(Contact.user_id)
        .where(Contact.user_id.in_(users), Contact.other_id == by, Contact.state == FRIEND)
    ))
    for user in users:
        if user not in friends and user != by:
            raise NotAContact(f"The user {user} is no contact of yours: send them a link.")
