"""What a group is beside its log: its name and rules, and the ways into it."""

from __future__ import annotations

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, SmallInteger, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.extensions import Model
from app.models.user import BigId, NameKey

OPEN, APPROVAL, INVITE = 0, 1, 2  # join policies
POLICIES = ("open", "approval", "invite")


class Group(Model):
    """A conversation of kind GROUP. `category` is the seed's `cate`; it means nothing to us."""

    __tablename__ = "chat_group"
    __table_args__ = (Index("ix_chat_group_name", "name_key"),)

    conversation_id: Mapped[int] = mapped_column(
        BigId, ForeignKey("conversation.id"), primary_key=True, autoincrement=False
    )
    name: Mapped[str] = mapped_column(String(64))
    name_key: Mapped[str] = mapped_column(NameKey)
    avatar: Mapped[str] = mapped_column(String(2048), default="")
    description: Mapped[str] = mapped_column(Text, default="")
    announcement: Mapped[str] = mapped_column(Text, default="")
    join_policy: Mapped[int] = mapped_column(SmallInteger, default=INVITE)
    category: Mapped[int] = mapped_column(BigInteger, default=0)
    owner_id: Mapped[int] = mapped_column(BigId, ForeignKey("user.id"))


class Invite(Model):
    """A link into a group. `uses_left` falls with each use; NULL is as many as come."""

    __tablename__ = "invite"
    __table_args__ = (Index("ix_invite_conversation", "conversation_id"),)

    code: Mapped[str] = mapped_column(String(32), primary_key=True)
    conversation_id: Mapped[int] = mapped_column(BigId, ForeignKey("conversation.id"))
    user_id: Mapped[int] = mapped_column(BigId, ForeignKey("user.id"))
    expires_at: Mapped[int] = mapped_column(BigInteger)
    uses_left: Mapped[int | None] = mapped_column(Integer)
    created_at: Mapped[int] = mapped_column(BigInteger)


class JoinRequest(Model):
    """A user who waits for a group's admins."""

    __tablename__ = "join_request"
    __table_args__ = ({"sqlite_with_rowid": False},)

    conversation_id: Mapped[int] = mapped_column(
        BigId, ForeignKey("conversation.id"), primary_key=True
    )
    user_id: Mapped[int] = mapped_column(BigId, ForeignKey("user.id"), primary_key=True)
    note: Mapped[str] = mapped_column(String(200), default="")
    at: Mapped[int] = mapped_column(BigInteger)
