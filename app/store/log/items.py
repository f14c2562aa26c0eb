"""What the journal is asked to store, and what comes of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from msgspec import Struct

from app.errors import HiChatError

EVERYBODY = 0  # in place of a user's id

# What stands in place of a body whose content was erased; to a repeat it is like any other body.
RECALLED = ""
EXPIRED = '{"expired":true}'  # older than the retention setting allows
ERASED = (RECALLED, EXPIRED)


class Entry(NamedTuple):
    """One stored event; `body` is what it says now, as JSON, or RECALLED.

    `reactions` is JSON too. `removed`: its reader does not want to see it any more, and the body
    is '' too.
    """

    conversation_id: int
    seq: int
    type: str
    sender_id: int
    at: int
    body: str
    reactions: str | None = None
    removed: bool = False


class Draft(Struct, gc=False):
    """An event that wants to be stored. Exactly one of `conversation` and `to_user` is set.

    `mentions` are the users it names; EVERYBODY is all of them. `medium` is the file that it
    carries; that its sender may send it has been asked.
    """

    sender: int
    ref: str | None
    body: str
    reply_to: int | None = None
    conversation: int | None = None
    to_user: int | None = None
    type: str = "message"
    mentions: tuple[int, ...] = ()
    medium: str | None = None


class Mark(Struct, gc=False):
    """A user has read a conversation up to `seq`."""

    user: int
    conversation: int
    seq: int


class Stored(Struct, gc=False):
    """Where a draft went. `fresh` is False for a repeat: nobody needs to be told again."""

    conversation: int
    kind: int
    low: int
    high: int
    seq: int
    at: int
    fresh: bool = True


class Marked(Struct, gc=False):
    """The read cursor as it is now; `moved` says whether this mark moved it.

    `size` is a group's number of members; `blocked`: one of a pair has blocked the other.
    """

    conversation: int
    kind: int
    low: int
    high: int
    seq: int
    moved: bool
    size: int = 0
    blocked: bool = False


class Appended(Struct):
    """An event that a change has left in a log, and whom it concerns beside the members.

    `joined` are members from it on, `left` no more behind it. `answered`: one of those who came had
    been waiting for the admins. `fresh` as in Stored.
    """

    entry: Entry
    kind: int
    low: int
    high: int
    joined: Sequence[int] = ()
    left: Sequence[int] = ()
    fresh: bool = True
    answered: bool = False


class Outcome(Protocol):
    """What an act comes to, with the events that it has left in logs; none if nothing changed."""

    @property
    def told(self) -> Sequence[Appended]: ...


Item = Draft | Mark
Result = Stored | Marked | HiChatError
