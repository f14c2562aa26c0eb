"""The closed vocabulary of `/v2`: commands that come in, frames that go out.

The only parser and the only encoder of this dialect. `seed.py` is its twin for `/v1`. Sizes: ids
are whole numbers from 1 to 2**53, `at` is milliseconds since 1970 by the server's clock.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Protocol

import msgspec
from msgspec import Meta, Struct

from app.chat.codec import TEXT, frame
from app.chat.messages import Id, Media, Message, Seq, check_nul
from app.errors import BadJSON, BadRequest, HiChatError, UnknownOp

MAX_CURSORS = 10_000
FORWARDED_AT_ONCE, REMOVED_AT_ONCE = 50, 100
MAX_WATCHED = 200  # users whose presence one connection hears, or one request asks for

Ref = Annotated[str, Meta(min_length=1, max_length=64)]
CursorKey = Annotated[str, Meta(pattern=r"^[1-9][0-9]{0,15}\Z")]


class To(Struct, forbid_unknown_fields=True):
    user: Id


class Command(Struct, tag_field="op"):
    """What a client may ask for over the socket."""


class Send(Command, tag="send"):
    ref: Ref
    message: Message
    conversation: Id | None = None
    to: To | None = None


class Sync(Command, tag="sync"):
    cursors: Annotated[dict[CursorKey, Seq], Meta(max_length=MAX_CURSORS)]
    ref: Ref | None = None


class Read(Command, tag="read"):
    conversation: Id
    seq: Seq
    ref: Ref | None = None


class Broadcast(Command, tag="broadcast"):
    """A message to everybody: on `/v1` Type 3, on `/v2` over HTTP."""

    ref: Ref
    message: Message


class Revision(Struct, forbid_unknown_fields=True):
    """What an edit changes: the content. `media` may be named, but stays what it was."""

    content: str
    media: Media | None = None


class Edit(Command, tag="edit"):
    ref: Ref
    conversation: Id
    seq: Id
    message: Revision


class Recall(Command, tag="recall"):
    ref: Ref
    conversation: Id
    seq: Id


class React(Command, tag="react"):
    ref: Ref
    conversation: Id
    seq: Id
    emoji: str
    on: bool


class Pin(Command, tag="pin"):
    ref: Ref
    conversation: Id
    seq: Id
    on: bool


class Remove(Command, tag="remove"):
    """Messages that the user deletes for themself."""

    ref: Ref
    conversation: Id
    seqs: Annotated[list[Id], Meta(min_length=1, max_length=REMOVED_AT_ONCE)]


Change = Edit | Recall | React | Pin | Remove  # of a message that is in the log


class Source(Struct, forbid_unknown_fields=True):
    conversation: Id
    seqs: Annotated[list[Id], Meta(min_length=1, max_length=FORWARDED_AT_ONCE)]


class Forward(Command, tag="forward", rename={"source": "from"}):
    """Messages of `source` that are copied into `conversation`."""

    ref: Ref
    conversation: Id
    source: Source


class Typing(Command, tag="typing"):
    conversation: Id


class Watch(Command, tag="watch"):
    users: Annotated[list[Id], Meta(max_length=MAX_WATCHED)]


Part = msgspec.Raw | msgspec.UnsetType
Flag = bool | msgspec.UnsetType


class Event(Struct, tag_field="op", tag="event"):
    """One entry of a conversation's log, as it goes out on the socket and over HTTP.

    What it says stands in the field that its `type` names. A message that was recalled, or that
    its reader has removed, says nothing any more.
    """

    conversation: int
    seq: int
    type: str
    sender: int
    at: int
    message: Part = msgspec.UNSET
    group: Part = msgspec.UNSET
    members: Part = msgspec.UNSET
    edit: Part = msgspec.UNSET
    recall: Part = msgspec.UNSET
    reaction: Part = msgspec.UNSET
    pin: Part = msgspec.UNSET
    removal: Part = msgspec.UNSET
    reactions: Part = msgspec.UNSET
    recalled: Flag = msgspec.UNSET
    removed: Flag = msgspec.UNSET
    contact: Part = msgspec.UNSET
    setting: Part = msgspec.UNSET


class Head(Struct, omit_defaults=True):
    """How far a conversation and its reader are, who sees the events from `first_seq` on."""

    id: int
    last_seq: int
    read_seq: int
    first_seq: int = 1


class Hello(Struct, tag_field="op", tag="hello"):
    user: int
    session: str
    heartbeat: float
    conversations: list[Head]
    more: bool = False  # there are further conversations: page through GET /v2/conversations
    account: Head | msgspec.UnsetType = msgspec.UNSET  # the user's own log, once there is one


class Place(Struct):
    """Where in a log something stands."""

    conversation: int
    seq: int
    at: int


class Ack(Struct, tag_field="op", tag="ack"):
    """The place of what was asked for; of a forward that of its last copy, and those of all."""

    ref: str
    conversation: int
    seq: int
    at: int
    forwarded: list[Place] | msgspec.UnsetType = msgspec.UNSET


class Synced(Struct, tag_field="op", tag="synced", omit_defaults=True):
    ref: str | None
    behind: dict[str, int]
    gone: list[int] = []  # conversations that are not the user's


class Receipt(Struct, tag_field="op", tag="receipt"):
    conversation: int
    user: int
    seq: int


class IsTyping(Struct, tag_field="op", tag="typing"):
    conversation: int
    user: int


class IsOnline(Struct, tag_field="op", tag="presence", omit_defaults=True):
    """`seen_at` is when a user who is offline was last there, where the reader may know it."""

    user: int
    online: bool
    seen_at: int | None = None


class Requests(Struct, tag_field="op", tag="requests"):
    """How many wait for the admins of a group, as those hear it when it changes."""

    conversation: int
    count: int


class WireError(Struct, tag_field="op", tag="error"):
    ref: str | None
    code: str
    message: str
    retry: bool


Outgoing = Event | Hello | Ack | Synced | Receipt | IsTyping | IsOnline | Requests | WireError


class Dialect(Protocol):
    """How one protocol version reads commands and writes frames; None: it has no such frame.

    `parse` raises BadJSON, BadRequest or UnknownOp.
    """

    echoes: bool  # whether a connection gets back what it has sent to a group

    def parse(self, text: str) -> Command | None: ...

    def event(self, event: Event, message: Message | None, to: Address) -> bytes | None: ...

    def other(self, item: Outgoing) -> bytes | None: ...


# Kinds of conversation, the first three as the seed's Type.
PRIVATE, GROUP, BROADCAST, ACCOUNT = 1, 2, 3, 4


class Address(Struct, frozen=True):
    """Whom an event of a conversation goes to.

    Private: two users (perhaps the same one twice). Account: its owner, in `low`. Group: whoever
    is in its room. Broadcast: everybody.
    """

    conversation: int
    kind: int
    low: int
    high: int

    def users(self) -> tuple[int, ...]:
        """The users of a private conversation or an account."""
        return (self.low, self.high) if self.high and self.low != self.high else (self.low,)

    def target(self, sender: int) -> int:
        """What a message from `sender` is for, as `/v1` says it: a user, or a group."""
        if self.kind != PRIVATE:
            return self.conversation
        return self.high if sender == self.low else self.low


_encoder = msgspec.json.Encoder()
_commands = msgspec.json.Decoder(Send | Sync | Read | Change | Forward | Typing | Watch)
_anything = msgspec.json.Decoder()
encode = _encoder.encode
_ref = re.compile(r'"ref"\s*:\s*"([^"\\\x00-\x1f]{1,64})"')


class V2:
    """The product's own dialect, described in docs/protocol.md."""

    echoes = False

    def parse(self, text: str) -> Command | None:
        try:
            command: Command = _commands.decode(text)
            return command
        except msgspec.ValidationError as error:
            reason = str(error)
            raise UnknownOp() if reason.endswith("`$.op`") else BadRequest(f"{reason}.") from None
        except (msgspec.DecodeError, RecursionError) as error:
            raise bad_json(error) from None

    def event(self, event: Event, message: Message | None, to: Address) -> bytes | None:
        return frame(TEXT, encode(event))

    def other(self, item: Outgoing) -> bytes | None:
        return frame(TEXT, encode(item))


def bad_json(error: Exception) -> BadJSON:
    """The answer to text that is no JSON at all; it never repeats that text."""
    if isinstance(error, RecursionError):
        return BadJSON("The JSON is nested too deeply.")
    reason = str(error)
    if reason == "Input data was truncated":
        reason = "it ends too early, or has half of a surrogate pair"
    return BadJSON(f"The text is no valid JSON: {reason}.")


def find_ref(text: str | bytes) -> str | None:
    """The `ref` of a command that was refused, so that its error can carry it."""
    try:
        found: Any = _anything.decode(text)
        ref = found.get("ref") if isinstance(found, dict) else None
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        # Half an emoji makes a text no JSON; its sender must hear of it, or would ask for ever.
        seen = _ref.search(text) if isinstance(text, str) else None
        return seen.group(1) if seen else None
    return ref if isinstance(ref, str) and 0 < len(ref) <= 64 else None


def wire_error(error: HiChatError, ref: str | None = None) -> WireError:
    return WireError(ref, error.code, error.message, error.retry)


def check_ref(ref: str) -> None:
    """Raises BadRequest."""
    check_nul("ref", ref)
