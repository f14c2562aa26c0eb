"""Uploaded files: their contents, what users call them, and the messages that carry them."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, ForeignKey, Index, Integer, String, Text, false
from sqlalchemy.orm import Mapped, mapped_column

from app.extensions import Model
from app.models.user import BigId


class Blob(Model):
    """Bytes that are kept once, whoever uploaded them; `digest` is their SHA-256 in hex.

    `refs` is how many columns of `medium` name it. `free_since` is set while that is 0: a while
    later (a backup may still read it) the bytes go, then the row.
    """

    __tablename__ = "blob"
    __table_args__ = (Index("ix_blob_free", "free_since"),)

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    size: Mapped[int] = mapped_column(BigInteger)
    refs: Mapped[int] = mapped_column(BigInteger, default=0)
    free_since: Mapped[int | None] = mapped_column(BigInteger)


class Medium(Model):
    """A file that a user has uploaded. It never changes; only who may read it does.

    `media` and `type` are of the content, whatever the uploader says. `digest` is what is shown,
    `small` and `large` are its thumbnails. Lengths are pixels and milliseconds, where they are
    known; `waveform` is up to 100 bytes of loudness in hex. `loose_since` is set while it is in no
    message: after a day it is swept. What is `public` is, or was, an avatar: it is loose since it
    became one, and once it is none any more, it is as the others.
    """

    __tablename__ = "medium"
    __table_args__ = (
        Index("ix_medium_owner", "owner_id", "created_at"),
        Index("ix_medium_loose", "loose_since"),
    )

    id: Mapped[str] = mapped_column(String(22), primary_key=True)  # 128 random bits, base64url
    owner_id: Mapped[int] = mapped_column(BigId, ForeignKey("user.id"))
    media: Mapped[str] = mapped_column(String(8))  # image, audio, video, file
    type: Mapped[str] = mapped_column(String(100))  # MIME
    name: Mapped[str] = mapped_column(String(255))
    size: Mapped[int] = mapped_column(BigInteger)  # bytes of what is shown
    width: Mapped[int | None] = mapped_column(Integer)
    height: Mapped[int | None] = mapped_column(Integer)
    duration: Mapped[int | None] = mapped_column(Integer)
    waveform: Mapped[str | None] = mapped_column(String(200))
    digest: Mapped[str] = mapped_column(String(64), ForeignKey("blob.digest"))
    small: Mapped[str | None] = mapped_column(String(64), ForeignKey("blob.digest"))
    large: Mapped[str | None] = mapped_column(String(64), ForeignKey("blob.digest"))
    public: Mapped[bool] = mapped_column(Boolean, default=False, server_default=false())
    created_at: Mapped[int] = mapped_column(BigInteger)
    loose_since: Mapped[int | None] = mapped_column(BigInteger)


class Attachment(Model):
    """The medium of a message. Who sees the message may read the medium."""

    __tablename__ = "attachment"
    __table_args__ = (
        Index("ix_attachment_medium", "medium_id", "conversation_id", "seq"),
        {"sqlite_with_rowid": False},
    )

    conversation_id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    medium_id: Mapped[str] = mapped_column(String(22))


class Upload(Model):
    """An upload under way: a resumable one, of which its file says how much is here; or a form.

    `hints` is what the client says of the file, as JSON. `medium_id` is what has become of it.
    """

    __tablename__ = "upload"
    __table_args__ = (
        Index("ix_upload_owner", "owner_id"),
        Index("ix_upload_expires", "expires_at"),
    )

    id: Mapped[str] = mapped_column(String(22), primary_key=True)
    owner_id: Mapped[int] = mapped_column(BigId, ForeignKey("user.id"))
    length: Mapped[int] = mapped_column(BigInteger)  # bytes, declared
    hints: Mapped[str] = mapped_column(Text)
    created_at: Mapped[int] = mapped_column(BigInteger)
    expires_at: Mapped[int] = mapped_column(BigInteger)
    medium_id: Mapped[str | None] = mapped_column(String(22))
