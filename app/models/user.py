"""Accounts and their sessions."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    ForeignKey,
    Index,
    Integer,
    SmallInteger,
    String,
    false,
    true,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.extensions import Model

# SQLite numbers rows by itself only where the key is declared INTEGER.
BigId = BigInteger().with_variant(Integer, "sqlite")

# Compared by code point on every database, so that a prefix is a range of the index.
NameKey = String(128).with_variant(String(128, collation="C"), "postgresql")


class User(Model):
    """An account. Deleted ones keep their row, without anything personal, for the log's sake."""

    __tablename__ = "user"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    name: Mapped[str] = mapped_column(String(64))
    name_key: Mapped[str] = mapped_column(NameKey, unique=True)  # what makes a name the same
    password_hash: Mapped[str] = mapped_column(String(255))
    avatar: Mapped[str] = mapped_column(String(2048), default="")
    gender: Mapped[str] = mapped_column(String(8), default="male")
    phone: Mapped[str] = mapped_column(String(32), default="")
    email: Mapped[str] = mapped_column(String(254), default="")
    created_at: Mapped[int] = mapped_column(BigInteger)
    updated_at: Mapped[int] = mapped_column(BigInteger)
    login_at: Mapped[int | None] = mapped_column(BigInteger)
    deleted_at: Mapped[int | None] = mapped_column(BigInteger)
    seen_at: Mapped[int | None] = mapped_column(BigInteger)  # when their last socket closed
    admin: Mapped[bool] = mapped_column(Boolean, default=False, server_default=false())
    shows_presence: Mapped[bool] = mapped_column(Boolean, default=True, server_default=true())
    shows_reading: Mapped[bool] = mapped_column(Boolean, default=True, server_default=true())


class LoginSession(Model):
    """One log-in on one device. It ends by logout, expiry, deletion or a reused refresh token."""

    __tablename__ = "login_session"
    __table_args__ = (Index("ix_login_session_user", "user_id", "expires_at"),)

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    user_id: Mapped[int] = mapped_column(BigId, ForeignKey("user.id"))
    device: Mapped[str] = mapped_column(String(200))
    refresh_id: Mapped[str] = mapped_column(String(36))  # jti of the one refresh token that is good
    created_at: Mapped[int] = mapped_column(BigInteger)
    used_at: Mapped[int] = mapped_column(BigInteger)
    expires_at: Mapped[int] = mapped_column(BigInteger)
    revoked_at: Mapped[int | None] = mapped_column(BigInteger)


# How a user stands to another one, from the user's side.
STRANGER, ASKED, ASKING, FRIEND = 0, 1, 2, 3  # ASKED: waits for us; ASKING: we wait for them


class Contact(Model):
    """One side of two users' acquaintance; the other side has a row of its own.

    There is none for a stranger who is not blocked.
    """

    __tablename__ = "contact"
    __table_args__ = (
        Index("ix_contact_other", "other_id", "user_id"),  # to forget somebody
        {"sqlite_with_rowid": False},
    )

    user_id: Mapped[int] = mapped_column(BigId, ForeignKey("user.id"), primary_key=True)
    other_id: Mapped[int] = mapped_column(BigId, ForeignKey("user.id"), primary_key=True)
    state: Mapped[int] = mapped_column(SmallInteger, default=STRANGER)
    blocked: Mapped[bool] = mapped_column(Boolean, default=False)
    remark: Mapped[str] = mapped_column(String(64), default="")
    note: Mapped[str] = mapped_column(String(200), default="")  # what they said when they asked
    at: Mapped[int] = mapped_column(BigInteger)
