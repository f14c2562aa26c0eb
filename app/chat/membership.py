"""Who comes into a group and who goes by an event of its log, read from the event itself."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec import Struct

from app.chat.frames import Event

CHANGES = ("members", "group")  # the types of events that may bring somebody in or out


class Comings(Struct, frozen=True):
    """`came` hear the event and what follows; `went` hear nothing behind it. None: everybody."""

    came: Sequence[int] = ()
    went: Sequence[int] | None = ()


class _Members(Struct):
    joined: list[int] = []
    left: list[int] = []
    removed: list[int] = []


class _Group(Struct):
    members: list[int] = []
    disbanded: bool = False


_NOBODY = Comings()
_members = msgspec.json.Decoder(_Members)
_group = msgspec.json.Decoder(_Group)


def comings(event: Event) -> Comings:
    """Whom an event brings into its group, and whom it takes out of it."""
    if event.type == "members" and isinstance(event.members, msgspec.Raw):
        found = _members.decode(event.members)
        return Comings(found.joined, (*found.left, *found.removed))
    if event.type == "group" and isinstance(event.group, msgspec.Raw):
        group = _group.decode(event.group)
        return Comings(group.members, None if group.disbanded else ())
    return _NOBODY
