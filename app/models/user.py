"""Accounts and their sessions."""

from __future__ import annotations

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from app.extensions import db

# SQLite numbers rows by itself only where the key is declared INTEGER.
BigId = BigInteger().with_variant(Integer, "sqlite")

# Compared by code point on every database, so that a prefix is a range of the index.
NameKey = String(128).with_variant(String(128, collation="C"), "postgresql")


class User(db.Model):  # type: ignore[name-defined]  # Flask-SQLAlchemy builds Model at run time
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


class LoginSession(db.Model):  # type: ignore[name-defined]
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
