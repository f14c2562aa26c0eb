"""What of an event's body search reads; whatever else stands there is passed over."""

from __future__ import annotations

import msgspec
from msgspec import Struct


class File(Struct):
    name: str = ""
    description: str = ""


class Said(Struct):
    """What of a message can be searched. A recalled or forgotten one says nothing."""

    media: str = ""
    content: str = ""
    attachment: File | None = None

    def text(self) -> str:
        file = self.attachment or File()
        return "\n".join(part for part in (self.content, file.name, file.description) if part)


class Change(Struct):
    """The body of an `edit` or a `recall`."""

    seq: int
    message: Said | None = None


_said = msgspec.json.Decoder(Said)
_change = msgspec.json.Decoder(Change)


def said(body: str) -> Said:
    """What the body of a message says; nothing, if it is none."""
    try:
        return _said.decode(body)
    except msgspec.MsgspecError:
        return Said()


def change_of(body: str) -> Change | None:
    """What the body of an edit or a recall says; None, if it is neither."""
    try:
        return _change.decode(body)
    except msgspec.MsgspecError:
        return None


def said_by(body: str, edited: bool) -> Said:
    """What a message says by this body: its own, or an edit's."""
    if not edited:
        return said(body)
    change = change_of(body)
    return (change.message if change else None) or Said()
