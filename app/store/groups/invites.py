"""Invite links: made by who may bring others in, good as long as their maker may."""

from __future__ import annotations

import secrets

from msgspec import Struct
from sqlalchemy import delete, func, or_, select
from sqlalchemy.orm import Session

from app.errors import InviteExpired, NotAMember, NotFound, RateLimited
from app.models import Conversation, Group, Invite, Member
from app.store.clock import now_ms
from app.store.database import Database
from app.store.groups.joining import Joined, need_admin, tell_joined
from app.store.groups.roster import GroupAct, locked, may_invite, seat

INVITES = 100  # links of one group that may be good at once
CODE_BYTES = 16  # 128 random bits: nobody finds one by trying


class Card(Struct):
    """What a link shows to who has it. `member`: they are in already."""

    group: Group
    size: int
    expires_at: int
    member: bool


class Invites:
    """The `invite` table. Times are milliseconds since 1970."""

    def __init__(self, database: Database, most: int) -> None:
        self._database = database
        self._most = most

    def create(self, user_id: int, group: int, life_ms: int, uses: int | None) -> Invite:
        """A new link. Raises NotAMember, Forbidden, RateLimited when there are too many."""

        def work(session: Session) -> Invite:
            act = GroupAct(session, user_id, group)
            act.need_inviter()
            now = now_ms()
            session.execute(delete(Invite).where(
                Invite.conversation_id == group,
                or_(Invite.expires_at <= now, Invite.uses_left == 0),
            ))
            held = session.scalar(
                select(func.count()).select_from(Invite).where(Invite.conversation_id == group)
            )
            if (held or 0) >= INVITES:
                raise RateLimited(f"A group has at most {INVITES} links: revoke one first.")
            made = Invite(
                code=secrets.token_urlsafe(CODE_BYTES), conversation_id=group, user_id=user_id,
                expires_at=now + life_ms, uses_left=uses, created_at=now,
            )
            session.add(made)
            return made

        return self._database.write(work)

    def listed(self, user_id: int, group: int) -> list[Invite]:
        """The links that have not expired, for admins. Raises NotAMember, Forbidden."""
        with self._database.read() as session:
            need_admin(session, user_id, group)
            return list(session.scalars(
                select(Invite)
                .where(Invite.conversation_id == group, Invite.expires_at > now_ms())
                .order_by(Invite.created_at, Invite.code)
            ))

    def revoke(self, user_id: int, group: int, code: str) -> None:
        """By an admin, or who has made it. Raises NotAMember, Forbidden, NotFound."""

        def work(session: Session) -> None:
            act = GroupAct(session, user_id, group)
            found = session.get(Invite, code)
            if found is None or found.conversation_id != group:
                act.need()
                raise NotFound("There is no such invitation.")
            if found.user_id != user_id:
                act.need()
            session.delete(found)

        self._database.write(work)

    def card(self, user_id: int, code: str) -> Card:
        """The group behind a link. Raises NotFound, InviteExpired."""
        with self._database.read() as session:
            found = _find(session, code)
            group = session.get(Group, found.conversation_id)
            conversation = session.get(Conversation, found.conversation_id)
            if group is None or conversation is None:
                raise _unknown()
            _check(session, found, group)
            member = session.get(Member, (found.conversation_id, user_id)) is not None
            return Card(group, conversation.size, found.expires_at, member)

    def redeem(self, user_id: int, code: str) -> Joined:
        """Come in by a link. Who is in already uses nothing up.

        Raises NotFound, InviteExpired, GroupFull.
        """

        def work(session: Session) -> Joined:
            key = _find(session, code).conversation_id
            try:
                conversation, group = locked(session, key)
            except NotAMember:
                raise _unknown() from None
            # Read again under the group's lock: the last use is for one only.
            found = session.get(Invite, code, populate_existing=True)
            if found is None:
                raise _unknown()
            if session.get(Member, (key, user_id)) is not None:
                return Joined(key)
            _check(session, found, group)
            seat(session, conversation, [user_id], user_id, self._most)
            if found.uses_left is not None:
                found.uses_left -= 1
            return Joined(key, [tell_joined(session, user_id, key, found.user_id)])

        return self._database.write(work)


def _find(session: Session, code: str) -> Invite:
    found = session.get(Invite, code)
    if found is None:
        raise _unknown()
    return found


def _check(session: Session, invite: Invite, group: Group) -> None:
    """Raises InviteExpired. A link is worth nothing once its maker could not make it any more."""
    if invite.expires_at <= now_ms():
        raise InviteExpired()
    if invite.uses_left == 0:
        raise InviteExpired("This invitation is used up: ask for a new one.")
    if not may_invite(group, session.get(Member, (invite.conversation_id, invite.user_id))):
        raise InviteExpired()


def _unknown() -> NotFound:
    return NotFound("There is no such invitation.")

