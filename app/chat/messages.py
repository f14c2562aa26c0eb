"""What users say: a message and its file, in both dialects, and the rules for it.

Ids are whole numbers from 1 to 2**53, times are milliseconds since 1970.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal

from msgspec import Meta, Struct

from app.errors import BadRequest, TooLong

MAX_ID = 2**53  # what every JSON reader can hold exactly
MAX_MENTIONS = 50

Id = Annotated[int, Meta(ge=1, le=MAX_ID)]
Seq = Annotated[int, Meta(ge=0, le=MAX_ID)]
Line = Annotated[str, Meta(max_length=2048)]
Media = Literal["text", "emoji", "audio", "image", "video", "file"]
MediumId = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{22}\Z")]

_medium = re.compile(r"/v2/media/([A-Za-z0-9_-]{22})(?![A-Za-z0-9_-])")


def medium_of(address: str) -> str | None:
    """The id of the upload that an address, whole or not, signed or not, is of."""
    found = _medium.search(address)
    return found[1] if found else None


class Upload(Struct, forbid_unknown_fields=True):
    """A file that the sender has uploaded, by the id that the upload was answered with."""

    id: MediumId


class Attachment(Upload, forbid_unknown_fields=True, omit_defaults=True):
    """The file of a message: an upload as the server knows it, lengths in pixels and milliseconds.

    What a `/v1` client says of it, too: description, amount (seconds, bytes), and the addresses
    of what is no upload.
    """

    id: str = ""
    name: str = ""
    type: str = ""
    size: int = 0
    width: int | None = None
    height: int | None = None
    duration: int | None = None
    waveform: str | None = None
    url: Line = ""
    file_url: Line = ""
    description: Line = ""
    amount: Seq = 0


class Message(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """What one user tells others. `sent_at` is the sender's own clock, in milliseconds."""

    media: Media
    content: str = ""
    reply_to: Id | None = None
    attachment: Upload | None = None
    sent_at: Annotated[int, Meta(ge=0, le=MAX_ID)] | None = None
    mentions: Annotated[list[Id], Meta(max_length=MAX_MENTIONS)] | None = None
    mention_all: bool = False


class Origin(Struct, forbid_unknown_fields=True):
    """Who wrote a forwarded message first, and when."""

    sender: int
    at: int


class Told(Message):
    """A message as the log tells it, with what only the server says of it."""

    attachment: Attachment | None = None
    edited_at: int | None = None
    edited_seq: int | None = None  # of the edit that made it so
    forwarded: Origin | None = None


def check_message(message: Message, max_chars: int) -> None:
    """Rules that both dialects share. Raises BadRequest or TooLong."""
    if len(message.content) > max_chars:
        found = len(message.content)
        raise TooLong(f"The content has {found} characters; {max_chars} may be sent.")
    file = message.attachment
    check_nul("content", message.content)
    if isinstance(file, Attachment):
        check_nul("attachment", file.url + file.file_url + file.description)
    if not message.content and (message.media == "text" or (
        message.media == "emoji" and file is None
    )):
        raise BadRequest("The content is empty.")


def check_nul(name: str, text: str) -> None:
    """Raises BadRequest for what PostgreSQL's text cannot hold."""
    if "\0" in text:
        raise BadRequest(f"The {name} must not have NUL characters.")
