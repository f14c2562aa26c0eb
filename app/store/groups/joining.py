"""Ways into a group that begin outside of it: walking in, and asking its admins."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.errors import Forbidden, InviteOnly, NotAMember, NotFound, RateLimited
from app.models import Conversation, Group, JoinRequest, Member, User
from app.models.group import INVITE, OPEN
from app.models.message import ADMIN
from app.store.clock import now_ms
from app.store.database import Database
from app.store.groups.roster import GroupAct, locked, seat
from app.store.log.acts import Act
from app.store.log.items import Appended

REQUESTS = 1_000  # that may wait in one group

_ASKED = "SELECT conversation_id FROM join_request WHERE user_id = ?"
_COUNT = """
    SELECT count(*) FROM join_request JOIN "user" ON id = user_id
    WHERE conversation_id = ? AND deleted_at IS NULL"""
_ADMINS = "SELECT user_id FROM member WHERE conversation_id = ? AND role >= ?"


class Asking(Struct):
    """A user who waits for a group's admins. `at` is milliseconds since 1970."""

    user: User
    note: str
    at: int


class Joined(Struct):
    """What came of a request to join: `told` of a new member, if there is one."""

    group: int
    told: Sequence[Appended] = ()
    waits: bool = False  # for the admins
    changed: bool = False  # how many wait for them, and no event says so


class Waiting(Struct):
    """How many wait for the admins of a group, and who these are."""

    count: int
    admins: list[int]


class Joining:
    """The `join_request` table, and groups that are open."""

    def __init__(self, database: Database, most: int) -> None:
        self._database = database
        self._most = most

    def join(self, user_id: int, group: int, note: str = "") -> Joined:
        """Come in, or ask to. Raises NotAMember (no such group), InviteOnly, GroupFull."""

        def work(session: Session) -> Joined:
            conversation, found = locked(session, group)
            if session.get(Member, (group, user_id)) is not None:
                return Joined(group)
            if found.join_policy == INVITE:
                raise InviteOnly()
            if found.join_policy == OPEN:
                seat(session, conversation, [user_id], user_id, self._most)
                return Joined(group, [tell_joined(session, user_id, group, user_id)])
            return Joined(group, waits=True, changed=_ask(session, user_id, group, note))

        return self._database.write(work)

    def withdraw(self, user_id: int, group: int) -> Joined:
        """Wait no more. Who waits for nothing learns nothing, not even whether there is a group."""

        def work(session: Session) -> Joined:
            session.get(Conversation, group, with_for_update=True)  # as who answers the request
            asked = session.get(JoinRequest, (group, user_id))
            if asked is not None:
                session.delete(asked)
            return Joined(group, changed=asked is not None)

        return self._database.write(work)

    def asked(self, user_id: int) -> list[int]:
        """The groups whose admins the user waits for."""
        return [group for group, in self._database.rows_aside(_ASKED, user_id)]

    def waiting(self, group: int) -> Waiting:
        [(count,)] = self._database.rows(_COUNT, group)
        admins = self._database.rows(_ADMINS, group, ADMIN)
        return Waiting(count, [user for user, in admins])

    def requests(self, user_id: int, group: int, limit: int, after: int) -> list[Asking]:
        """Who waits, in the order of their ids. Raises NotAMember, Forbidden."""
        query = (
            select(User, JoinRequest.note, JoinRequest.at)
            .join(JoinRequest, JoinRequest.user_id == User.id)
            .where(JoinRequest.conversation_id == group, JoinRequest.user_id > after)
            .where(User.deleted_at.is_(None))
            .order_by(JoinRequest.user_id).limit(limit)
        )
        with self._database.read() as session:
            need_admin(session, user_id, group)
            return [Asking(*row) for row in session.execute(query)]

    def answer(self, user_id: int, group: int, other: int, accept: bool) -> Joined:
        """Let a user who waits in, or not. Raises NotAMember, Forbidden, NotFound, GroupFull."""

        def work(session: Session) -> Joined:
            act = GroupAct(session, user_id, group)
            act.need()
            asked = session.get(JoinRequest, (group, other))
            if asked is None:
                raise NotFound("This user does not wait for an answer.")
            if not accept:
                session.delete(asked)
                return Joined(group, changed=True)
            # It is they who asked to come: no block of theirs is in the way.
            new = seat(session, act.conversation, [other], other, self._most)
            told = act.append("members", {"joined": new, "by": user_id}, joined=new)
            return Joined(group, [told])

        return self._database.write(work)


def tell_joined(session: Session, user_id: int, group: int, by: int) -> Appended:
    """Append the event of a user who came in by themself."""
    act = Act(session, user_id, group)
    return act.append("members", {"joined": [user_id], "by": by}, joined=[user_id])


def need_admin(session: Session, user_id: int, group: int) -> None:
    """For reading. Raises NotAMember, Forbidden."""
    member = session.get(Member, (group, user_id))
    if member is None or session.get(Group, group) is None:
        raise NotAMember()
    if member.role < ADMIN:
        raise Forbidden()


def _ask(session: Session, user_id: int, group: int, note: str) -> bool:
    """Wait for the admins; False: the user did. The group is locked: a second request finds it."""
    asked = session.get(JoinRequest, (group, user_id))
    if asked is not None:
        asked.note = note
        return False
    waiting = session.scalar(
        select(func.count()).select_from(JoinRequest).where(JoinRequest.conversation_id == group)
    )
    if (waiting or 0) >= REQUESTS:
        raise RateLimited(f"{REQUESTS} users already wait for this group's admins: try later.")
    session.add(JoinRequest(conversation_id=group, user_id=user_id, note=note, at=now_ms()))
    return True
