"""The seed's dialect, `/v1`: its one message object in, the same object out, notices as text.

Keys are matched without regard to case, an exact match wins. Errors are plain text without
braces, because the seed's client takes every frame with a `}` for a message.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import Struct

from app.chat.codec import TEXT, frame
from app.chat.frames import (
    BROADCAST,
    GROUP,
    PRIVATE,
    Address,
    Broadcast,
    Command,
    Event,
    Outgoing,
    Send,
    To,
    WireError,
    bad_json,
    encode,
)
from app.chat.messages import MAX_ID, Attachment, Line, Media, Message, Told
from app.errors import BadRequest

HEARTBEAT = 0  # a Type beside the kinds of conversation
MEDIA: dict[int, Media] = {1: "text", 2: "emoji", 3: "audio", 4: "image", 5: "file"}
NUMBERS = {name: number for number, name in MEDIA.items()} | {"video": 5}


class SeedMessage(Struct, forbid_unknown_fields=True, rename={
    "user_id": "userId", "target_id": "TargetId", "type": "Type", "media": "Media",
    "content": "Content", "file_url": "Url", "description": "Desc", "create_time": "CreateTime",
}):
    """What comes in, with the seed's exact keys. `url` and `Url` are two fields."""

    type: int
    media: int = 1
    target_id: int = 0
    user_id: Any = None  # overwritten: the sender is who the token says
    content: str = ""
    url: Line = ""
    file_url: Line = ""
    description: Line = ""
    amount: int | float = 0
    create_time: int | float = 0


class SeedEvent(Struct, rename={
    "user_id": "userId", "target_id": "TargetId", "type": "Type", "media": "Media",
    "content": "Content", "file_url": "Url", "description": "Desc", "create_time": "CreateTime",
    "id": "Id", "seq": "Seq",
}):
    """What goes out: exactly the keys that the web client reads, and ours beside them."""

    user_id: int
    target_id: int
    type: int
    media: int
    content: str
    url: str
    file_url: str
    description: str
    amount: int
    create_time: int
    id: str
    seq: int


_exact = msgspec.json.Decoder(SeedMessage)
_object = msgspec.json.Decoder(dict[str, Any])
_keys = {info.encode_name.lower(): info.encode_name for info in msgspec.structs.fields(SeedMessage)}
_keys |= {"url": "url", "pic": "url"}  # any spelling but the exact `Url` means the picture
_names = frozenset(info.encode_name for info in msgspec.structs.fields(SeedMessage))


class V1:
    """The dialect of an existing client; frozen by the seed's contract.

    `address` gives an upload's, for the readers of a conversation.
    """

    echoes = True  # that client does not draw its own group messages

    def __init__(self, address: Callable[[str, int], str]) -> None:
        self._address = address

    def parse(self, text: str) -> Command | None:
        """A command, or None for a heartbeat, which is not answered."""
        try:
            seed = _exact.decode(text)
        except msgspec.ValidationError:
            seed = _lenient(text)
        except (msgspec.DecodeError, RecursionError) as error:
            raise bad_json(error) from None
        if seed.type == HEARTBEAT:
            return None
        return _command(seed)

    def event(self, event: Event, message: Message | None, to: Address) -> bytes | None:
        if message is None:
            return None
        return frame(TEXT, encode(self.seed_event(event, message, to)))

    def other(self, item: Outgoing) -> bytes | None:
        if isinstance(item, WireError):
            notice = f"{item.code}: {item.message}"
            return frame(TEXT, notice.translate(_BRACES).encode())
        return None


    def seed_event(self, event: Event, message: Message, to: Address) -> SeedEvent:
        """The seed's message object for an event of the log."""
        file, number = message.attachment, NUMBERS[message.media]
        if file is None:
            file = _NO_FILE
        assert isinstance(file, Attachment)  # the log tells all of it
        if file.id:
            file = _as_seen(file, number, self._address(file.id, event.conversation))
        return SeedEvent(
            event.sender, to.target(event.sender), to.kind, number, message.content,
            file.url, file.file_url, file.description, file.amount, message.sent_at or event.at,
            f"{event.conversation}-{event.seq}", event.seq,
        )


_BRACES = {ord("{"): "(", ord("}"): ")"}
_NO_FILE = Attachment()


def _as_seen(file: Attachment, number: int, address: str) -> Attachment:
    """An upload where the seed's client looks for it: files, and anything else that has a name."""
    if number == NUMBERS["file"]:
        return Attachment(
            file_url=address, description=file.description or file.name,
            amount=file.amount or file.size,
        )
    seconds = -(-(file.duration or 0) // 1000)
    return Attachment(
        url=address, description=file.description, amount=file.amount or seconds
    )


def _lenient(text: str) -> SeedMessage:
    """Parse again, matching keys without regard to case; keys that nobody knows are ignored."""
    try:
        given = _object.decode(text)
    except msgspec.ValidationError as error:
        raise BadRequest(f"{error}.") from None
    except (msgspec.DecodeError, RecursionError) as error:
        raise bad_json(error) from None
    try:
        found: dict[str, Any] = {}
        for key, value in given.items():
            name = key if key in _names else _keys.get(key.lower())
            if name is not None and value is not None and (key == name or name not in given):
                found[name] = value
        if found.get("Type") == HEARTBEAT:
            return SeedMessage(HEARTBEAT)  # whatever else it holds
        return msgspec.convert(found, SeedMessage)
    except msgspec.ValidationError as error:
        raise BadRequest(f"{error}.") from None


def _command(seed: SeedMessage) -> Send | Broadcast:
    media = MEDIA.get(seed.media)
    if media is None:
        raise BadRequest("Media must be 1 text, 2 emoji, 3 voice, 4 picture or 5 file.")
    if seed.type != BROADCAST and (
        seed.type not in (PRIVATE, GROUP) or not 1 <= seed.target_id <= MAX_ID
    ):
        raise BadRequest("Type must be 0, 1, 2 or 3, and TargetId a user or a group.")
    if not (0 <= seed.amount <= MAX_ID and 0 <= seed.create_time <= MAX_ID):
        raise BadRequest(f"Amount and CreateTime go from 0 to {MAX_ID}.")
    message = Told(media, seed.content, sent_at=int(seed.create_time) or None)
    if seed.url or seed.file_url or seed.description or seed.amount:
        message.attachment = Attachment(
            url=seed.url, file_url=seed.file_url, description=seed.description,
            amount=int(seed.amount),
        )
    if seed.type == BROADCAST:
        return Broadcast("", message)
    if seed.type == GROUP:
        return Send("", message, conversation=seed.target_id)
    return Send("", message, to=To(seed.target_id))
