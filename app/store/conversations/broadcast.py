"""The broadcast: one conversation of everybody, that site admins write in."""

from __future__ import annotations

from sqlalchemy import case, insert, literal, select, text
from sqlalchemy.orm import Session

from app.errors import Forbidden
from app.models import Conversation, Member, User
from app.models.message import ADMIN, ADMINS_WRITE, BROADCAST, MEMBER, ONE_BROADCAST
from app.store.clock import clock
from app.store.database import Database

_ASKED = f"""
    SELECT admin, (SELECT id FROM conversation WHERE {ONE_BROADCAST})
    FROM "user" WHERE id = ? AND deleted_at IS NULL"""  # noqa: S608  # a constant of ours


class Broadcasts:
    """The one conversation of kind BROADCAST."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def conversation(self, user_id: int) -> int:
        """Its id, for a site admin who wants to write; it begins here. Raises Forbidden."""
        found = self._database.rows(_ASKED, user_id)
        if not found or not found[0][0]:
            raise Forbidden("Only the site's admins may write to everybody.")
        key: int | None = found[0][1]
        return key if key is not None else self._database.write(_begin)


def _begin(session: Session) -> int:
    """The broadcast's id; everybody who is there becomes a member. Later ones as they register."""
    if session.connection().dialect.name == "postgresql":
        # An account that is being opened is done before this, or finds the conversation after it.
        session.execute(text('LOCK TABLE "user" IN SHARE ROW EXCLUSIVE MODE'))
    key = session.scalar(select(Conversation.id).where(ONE_BROADCAST))
    if key is not None:
        return key
    now = clock(session.connection())
    conversation = Conversation(
        kind=BROADCAST, last_at=now, created_at=now, last_seq=0, flags=ADMINS_WRITE
    )
    session.add(conversation)
    session.flush()
    everybody = select(
        literal(conversation.id), User.id, case((User.admin, ADMIN), else_=MEMBER), literal(0),
    ).where(User.deleted_at.is_(None))
    columns = ("conversation_id", "user_id", "role", "read_seq")
    session.execute(insert(Member).from_select(columns, everybody))
    return conversation.id
