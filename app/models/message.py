"""Conversations, their members and their log."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    ForeignKey,
    Index,
    SmallInteger,
    String,
    Text,
    UniqueConstraint,
    false,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.extensions import Model
from app.models.user import BigId

# Kinds of conversation. The first three are the seed's Type. An account's log has one reader, its
# owner: what they change on one device (contacts, settings) reaches their others through it.
PRIVATE, GROUP, BROADCAST, ACCOUNT = 1, 2, 3, 4

# Flags of a conversation: what the way of a message must know, kept with the rows that say why.
LOW_BLOCKS, HIGH_BLOCKS, CONTACTS = 1, 2, 4  # of a private one, from its two users' contacts
ADMINS_WRITE, OPEN_HISTORY = 8, 16  # of a group: members only read; new ones see what was before

MEMBER, ADMIN, OWNER = 0, 1, 2  # roles; a higher one may do all that a lower one may
ROLES = ("member", "admin", "owner")

ONE_BROADCAST = text(f"kind = {BROADCAST}")
UNSAID = text("type <> 'message' OR body = ''")  # changes, and what was recalled: few of all
NEVER = text("last_at < 0")


class Conversation(Model):
    """A log and whom it is for. `last_seq` is the highest seq in it: seqs are 1..last_seq.
    `message_seq` is that of its last message; 0: there is none.

    Content up to `expired_seq` is older than the retention setting allows, and forgotten.

    A private one has its two users, ordered, in `low_id` and `high_id` (equal: notes to oneself),
    and exists once for each pair. An account's log has its owner in `low_id`. There is at most one
    broadcast, which everybody is a member of.
    """

    __tablename__ = "conversation"
    __table_args__ = (
        UniqueConstraint("low_id", "high_id", name="uq_conversation_pair"),
        Index(
            "uq_conversation_broadcast", "kind", unique=True,
            sqlite_where=ONE_BROADCAST, postgresql_where=ONE_BROADCAST,
        ),
        # What has advanced since: processes ask this of each other's writes. On SQLite there is
        # one process, and the index is empty: no message pays for it.
        Index("ix_conversation_last_at", "last_at", sqlite_where=NEVER),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    kind: Mapped[int] = mapped_column(SmallInteger)
    low_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("user.id"))
    high_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("user.id"))
    last_seq: Mapped[int] = mapped_column(BigInteger, default=0)
    message_seq: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    last_at: Mapped[int] = mapped_column(BigInteger)
    closed_at: Mapped[int | None] = mapped_column(BigInteger)  # nobody can write any more
    created_at: Mapped[int] = mapped_column(BigInteger)
    flags: Mapped[int] = mapped_column(SmallInteger, default=0, server_default="0")
    size: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")  # of a group
    expired_seq: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")


class Member(Model):
    """A user in a conversation. `read_seq` never falls and never passes `last_seq`.

    Sees the events behind `joined_seq`. `pinned`, `silent`, `hidden_seq` and `draft` are the
    user's own settings; the conversation is hidden until its `last_seq` passes `hidden_seq`.
    """

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
    role: Mapped[int] = mapped_column(SmallInteger, default=MEMBER, server_default="0")
    joined_seq: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    muted_until: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    pinned: Mapped[bool] = mapped_column(Boolean, default=False, server_default=false())
    silent: Mapped[bool] = mapped_column(Boolean, default=False, server_default=false())
    hidden_seq: Mapped[int] = mapped_column(BigInteger, default=-1, server_default="-1")
    draft: Mapped[str | None] = mapped_column(Text)


class Event(Model):
    """One entry of a log. (conversation, seq) is dense; (sender, ref) is unique for ever.

    `body` is what was sent, as JSON (app/chat/frames), and never changes but to be erased
    (app/store/erasure): it is what a repeat is compared with.
    `revised` is what it says now, where that is something else (edited). `reactions` sums up the
    table below: {emoji: {count, users}}, NULL where there are none. `ref` is NULL for `/v1`, which
    has none. No foreign keys: the journal has just read the conversation under its lock, and a
    check per row would be paid for every message. Rows stand in the order of their arrival, and
    refs before senders in their index, because clients make refs that ascend: appending dirties a
    third of the pages that it otherwise would (docs/performance.md).
    """

    __tablename__ = "event"
    __table_args__ = (
        Index(
            "uq_event_ref", "ref", "sender_id", unique=True,
            sqlite_where=text("ref IS NOT NULL"), postgresql_where=text("ref IS NOT NULL"),
        ),
        Index(
            "ix_event_unsaid", "conversation_id", "seq",
            sqlite_where=UNSAID, postgresql_where=UNSAID,
        ),
    )

    conversation_id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    type: Mapped[str] = mapped_column(String(16))
    sender_id: Mapped[int] = mapped_column(BigInteger)
    ref: Mapped[str | None] = mapped_column(String(64))
    at: Mapped[int] = mapped_column(BigInteger)
    body: Mapped[str] = mapped_column(Text)
    revised: Mapped[str | None] = mapped_column(Text)
    reactions: Mapped[str | None] = mapped_column(Text)


class Reaction(Model):
    """An emoji that a user has put to a message."""

    __tablename__ = "reaction"
    __table_args__ = ({"sqlite_with_rowid": False},)

    conversation_id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    emoji: Mapped[str] = mapped_column(String(32), primary_key=True)
    user_id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)


class Pin(Model):
    """A message that stands at the top of its conversation."""

    __tablename__ = "pin"
    __table_args__ = ({"sqlite_with_rowid": False},)

    conversation_id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    user_id: Mapped[int] = mapped_column(BigId)
    at: Mapped[int] = mapped_column(BigInteger)


class Mention(Model):
    """A message that names a user; `user_id` 0 is everybody."""

    __tablename__ = "mention"
    __table_args__ = (
        Index("ix_mention_seq", "conversation_id", "seq"),  # to forget a message's
        {"sqlite_with_rowid": False},
    )

    conversation_id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    user_id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)


class Removal(Model):
    """A message that a user has deleted for themself."""

    __tablename__ = "removal"
    __table_args__ = ({"sqlite_with_rowid": False},)

    user_id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    conversation_id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
