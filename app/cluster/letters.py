"""What processes tell each other, as it travels through Redis: JSON behind the sender's id.

Whoever can write to Redis can end sessions and forge what devices hear: it is as trusted as the
database. Unknown letters, of a later version in a rolling upgrade, are passed over.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence

import msgspec
from msgspec import Struct

from app.chat.frames import (
    BROADCAST,
    GROUP,
    Address,
    Event,
    IsTyping,
    Receipt,
    Requests,
    encode,
)

ID_CHARS = 12


class Letter(Struct, tag_field="is"):
    """What one process tells others."""


class Happened(Letter, tag="event"):
    """An event of the log."""

    to: Address
    event: Event


class Said(Letter, tag="item"):
    """Something that is not stored; not for the user `but`."""

    to: Address
    item: Receipt | IsTyping | Requests
    but: int = 0


class Ended(Letter, tag="ended"):
    """Sessions of a user; None: all."""

    user: int
    sessions: Sequence[str] | None


class Shows(Letter, tag="shows"):
    """Whether a user sees what others read, from now on."""

    user: int
    shows: bool


class Turns(Letter, tag="turns"):
    """Whom this user's typing goes to is asked again."""

    user: int


class Seen(Letter, tag="seen"):
    """Users who came or went in the process `by`; or who changed what they show, if `shows`."""

    by: str
    users: Sequence[int]
    shows: bool = False


class Tick(Letter, tag="tick"):
    """Shows its own sender that the way through Redis is open."""


AnyLetter = Happened | Said | Ended | Shows | Turns | Seen | Tick
_decoder = msgspec.json.Decoder(AnyLetter)


def new_id() -> str:
    """The id of a process, never given twice."""
    return secrets.token_hex(ID_CHARS // 2)


def pack(sender: str, letter: AnyLetter) -> bytes:
    return sender.encode() + encode(letter)


def unpack(data: bytes) -> AnyLetter:
    """Raises msgspec.MsgspecError."""
    return _decoder.decode(memoryview(data)[ID_CHARS:])


class Names:
    """The keys and channels of one installation: several may share a Redis, none a signing key."""

    def __init__(self, signing_key: str) -> None:
        self.prefix = f"hichat:{hashlib.sha256(signing_key.encode()).hexdigest()[:12]}"
        self.everybody = f"{self.prefix}:all"
        # The braces keep all keys in one slot, where Redis is a cluster: they are few. Channels,
        # where the load is, are spread.
        self.keys = f"{{{self.prefix}}}"
        self.processes = f"{self.keys}:processes"

    def user(self, user: int) -> str:
        return f"{self.prefix}:u:{user}"

    def group(self, conversation: int) -> str:
        return f"{self.prefix}:g:{conversation}"

    def channels(self, to: Address) -> list[str]:
        """Where those listen who an address is for."""
        if to.kind == GROUP:
            return [self.group(to.conversation)]
        if to.kind == BROADCAST:
            return [self.everybody]
        return [self.user(user) for user in to.users()]

    def alive(self, process: str) -> str:
        return f"{self.keys}:alive:{process}"

    def online(self, process: str) -> str:
        return f"{self.keys}:online:{process}"

    def used(self, nonce: str) -> str:
        return f"{self.keys}:used:{nonce}"
