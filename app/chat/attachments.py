"""A message that carries an upload, as the log tells it."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import structs

from app.chat.messages import Attachment, Message, Told, medium_of
from app.errors import BadRequest
from app.models import Medium

Find = Callable[[str], Medium | None]
TAKES = {"emoji": ("image",), "image": ("image",), "audio": ("audio",), "video": ("video",)}
MISSING = ""  # in place of an upload's id: it is none of the sender's


def described(message: Message, find: Find) -> tuple[Told, str | None]:
    """The message with what the server knows of its file, and the id of that.

    `find` gives the sender's own uploads. A `/v1` client names a file by its address; what is none
    of its uploads stays an address. Raises BadRequest for a file that does not fit the media.
    """
    file = message.attachment
    if isinstance(file, Attachment):
        key = medium_of(file.url) or medium_of(file.file_url)
        medium = find(key) if key else None
        if medium is None:
            return _told(message, file), None
        kept = _attachment(medium)
        kept.description, kept.amount = file.description, file.amount
        return _told(message, kept), medium.id
    assert file is not None
    medium = find(file.id)
    if medium is None:
        # The journal refuses it, unless this is the repeat of a message that was erased since.
        return _told(message, Attachment(file.id)), MISSING
    takes = TAKES.get(message.media, () if message.media == "text" else (medium.media,))
    if medium.media not in takes:
        raise BadRequest(
            f"This upload is of the media {medium.media}: send it as that, or as a file."
        )
    return _told(message, _attachment(medium)), medium.id


def _told(message: Message, file: Attachment) -> Told:
    return Told(**structs.asdict(message) | {"attachment": file})


def _attachment(medium: Medium) -> Attachment:
    return Attachment(
        medium.id, medium.name, medium.type, medium.size, medium.width, medium.height,
        medium.duration, medium.waveform,
    )
