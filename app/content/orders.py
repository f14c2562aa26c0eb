"""What the workshop and its examiners say to each other."""

from __future__ import annotations

from msgspec import Struct

from app.content.sounds import Measures


class Order(Struct):
    """Look at the file `source`; what is made of it goes into `folder`.

    `declared` is its uploader's MIME type, `said` what they have measured.
    """

    source: str
    folder: str
    declared: str
    said: Measures
    most_pixels: int


class Part(Struct):
    """A file to be kept."""

    path: str
    digest: str  # SHA-256, in hex
    size: int


class Examined(Struct, tag=True, tag_field="answer"):
    """`parts` are the file as it is shown, `digest`, and its thumbnails, `small` and `large`."""

    media: str
    type: str
    measures: Measures
    parts: dict[str, Part]


class Refused(Struct, tag=True, tag_field="answer"):
    """`full`: not the file is at fault, but the disk."""

    message: str
    full: bool


Answer = Examined | Refused
