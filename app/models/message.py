"""Conversations, their members and their log."""

from __future__ import annotations

from sqlalchemy import BigInteger, ForeignKey, Index, SmallInteger, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.extensions import db
from app.models.user import BigId

PRIVATE, GROUP, BROADCAST = 1, 2, 3  # the seed's Type


class Conversation(db.Model):  # type: ignore[name-defined]  # see models/user.py
    """A log and whom it is for. `last_seq` is the highest seq in it: seqs are 1..last_seq.

    A private one has its two users, ordered, in `low_id` and `high_id` (equal: notes to oneself),
    and exists once for each pair.
    """

    __tablename__ = "conversation"
    __table_args__ = (UniqueConstraint("low_id", "high_id", name="uq_conversation_pair"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    kind: Mapped[int] = mapped_column(SmallInteger)
    low_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("user.id"))
    high_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("user.id"))
    last_seq: Mapped[int] = mapped_column(BigInteger, default=0)
    last_at: Mapped[int] = mapped_column(BigInteger)
    closed_at: Mapped[int | None] = mapped_column(BigInteger)  # nobody can write any more
    created_at: Mapped[int] = mapped_column(BigInteger)


class Member(db.Model):  # type: ignore[name-defined]
    """A user in a conversation. `read_seq` never falls and never passes `last_seq`."""

    __tablename__ = "member"
    __table_args__ = (
        Index("ix_member_user", "user_id", "conversation_id"),
        {"sqlite_with_rowid": False},
    )

    conversation_id: Mapped[int] = mapped_column(
        BigId, ForeignKey("conversation.id"), primary_key=True
    )
    user_id: Mapped[int] = mapped_column(BigId, ForeignKey("user.id"), primary_key=True)
    read_seq: Mapped[int] = mapped_column(BigInteger, default=0)


class Event(db.Model):  # type: ignore[name-defined]
    """One entry of a log. (conversation, seq) is dense; (sender, ref) is unique for ever.

    `body` is the message as JSON (app/chat/frames.Message). `ref` is NULL for `/v1`, which has
    none. No foreign keys: the journal has just read the conversation under its lock, and a check
    per row would be paid for every message. Rows stand in the order of their arrival: appending
    dirties half the pages that a table clustered by conversation would (docs/performance.md).
    """

    __tablename__ = "event"
    __table_args__ = (
        Index(
            "uq_event_ref", "ref", "sender_id", unique=True,
            sqlite_where=db.text("ref IS NOT NULL"), postgresql_where=db.text("ref IS NOT NULL"),
        ),
    )

    conversation_id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    type: Mapped[str] = mapped_column(String(16))
    sender_id: Mapped[int] = mapped_column(BigInteger)
    ref: Mapped[str | None] = mapped_column(String(64))
    at: Mapped[int] = mapped_column(BigInteger)
    body: Mapped[str] = mapped_column(Text)
