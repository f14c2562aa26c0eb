"""What a user ought to see of the model, in the words of the wire."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tests.model.state import ACCOUNT, ADMIN, GROUP, PRIVATE, ROLES, Event, Fields, Model, Room

OWN = ("contact", "setting", "removal")  # types of events that stand in a user's own log


def plain(event: Fields) -> Fields:
    """An event of the wire without what only the server's clock knows."""
    found = {key: value for key, value in event.items() if key != "at"}
    for part in ("message", "edit"):
        if part in found:
            found[part] = {key: value for key, value in found[part].items() if key != "edited_at"}
    return found


def as_told(room: Room, event: Event) -> Fields:
    """An event as it was pushed."""
    return _event(room, event) | {event.type: event.told}


def as_read(room: Room, event: Event, user: int) -> Fields:
    """An event as it reads now."""
    found = _event(room, event)
    if (user, event.seq) in room.removed:
        return found | {"removed": True}
    if event.type == "message" and event.forgotten:
        return found | {"recalled": True}
    found[event.type] = event.body
    if event.type == "edit" and (user, event.body["seq"]) in room.removed:
        found["edit"] = {"seq": event.body["seq"]}
    if event.reactions:
        found["reactions"] = _reactions(event)
    return found


def _event(room: Room, event: Event) -> Fields:
    return {"op": "event", "conversation": room.id, "seq": event.seq, "type": event.type,
            "sender": event.sender}


def _reactions(event: Event) -> Fields:
    return {emoji: {"count": len(users), "users": sorted(users)}
            for emoji, users in event.reactions.items()}


def log(user: int, room: Room) -> list[Fields]:
    """All that a member can read of a conversation."""
    return [as_read(room, event, user) for event in room.events[room.floor(user):]]


def chat(user: int, room: Room) -> tuple[Fields, set[int]]:
    """A conversation as a device shows it: its messages by seq, and which are pinned."""
    lines: dict[Any, Any] = {}
    for event in room.events[room.floor(user):]:
        if event.type == "message":
            seen = as_read(room, event, user)
            gone = next((why for why in ("removed", "recalled") if why in seen), "")
            lines[event.seq] = (
                event.sender, seen.get("message"), gone, seen.get("reactions", {})
            )
    return lines, {seq for seq in room.pins if seq in lines}


def heads(model: Model, user: int) -> set[tuple[int, int, int, int]]:
    """What a connection is greeted with: (id, last_seq, read_seq, first_seq)."""
    return {
        (room.id, room.last, room.seats[user].read, room.floor(user) + 1)
        for room in model.rooms_of(user)
    }


def lines(model: Model, user: int) -> dict[int, Fields]:
    """The list of conversations, by id."""
    return {room.id: _line(model, user, room) for room in model.rooms_of(user)}


def _line(model: Model, user: int, room: Room) -> Fields:
    seat, floor = room.seats[user], room.floor(user)
    seen = room.events[floor:]
    messages = [event for event in seen
                if event.type == "message" and (user, event.seq) not in room.removed]
    behind = [event for event in messages if event.seq > seat.read and event.sender != user]
    return {
        "id": room.id, "kind": room.kind, "user": None, "group": None, "partner_read_seq": None,
        "last_seq": room.last, "read_seq": seat.read, "first_seq": floor + 1,
        "unread": len(behind), "mentions": sum(_names(event, user) for event in behind),
        "last_event": as_read(room, seen[-1], user) if seen else None,
        "last_message": as_read(room, messages[-1], user) if messages else None,
        "pinned": seat.pinned, "silent": seat.silent, "draft": seat.draft,
        "hidden": room.last <= seat.hidden, **_particulars(model, user, room),
    }


def _particulars(model: Model, user: int, room: Room) -> Fields:
    if room.kind == GROUP:
        role = room.seats[user].role
        return {"group": {
            "id": room.id, "name": room.group["name"], "avatar": "", "size": len(room.seats),
            "role": ROLES[role], "requests": len(room.requests) if role >= ADMIN else None,
        }}
    if room.kind != PRIVATE:
        return {}
    other = room.other(user)
    blocked = model.blocks(user, other) or model.blocks(other, user)
    return {"user": other, "partner_read_seq": None if blocked else room.seats[other].read}


def _names(event: Event, user: int) -> bool:
    """Whether a message still mentions somebody."""
    return user in event.body.get("mentions", ()) or event.body.get("mention_all", False)


def group(user: int, room: Room) -> Fields:
    """A group as a member sees it."""
    seat = room.seats[user]
    owner = next(member for member, seat in room.seats.items() if ROLES[seat.role] == "owner")
    return {**room.group, "id": room.id, "owner": owner, "size": len(room.seats),
            "role": ROLES[seat.role], "muted_until": seat.muted_until}


def members(room: Room) -> list[tuple[int, str, int]]:
    return [(user, ROLES[seat.role], seat.muted_until)
            for user, seat in sorted(room.seats.items())]


def contacts(model: Model, user: int) -> list[tuple[int, str, bool, str, str]]:
    return sorted(
        (other, row.state, row.blocked, row.remark, row.note)
        for (owner, other), row in model.contacts.items() if owner == user
    )


def holding(model: Model, user: int, word: str) -> set[tuple[int, int]]:
    """Where a search for a word must find something."""
    return {
        (room.id, event["seq"]) for room in model.rooms_of(user) for event in log(user, room)
        if word in event.get("message", {}).get("content", "").split()
    }


def own_log(model: Model, user: int) -> list[Fields]:
    return log(user, model.accounts[user])


def rooms_with_log(model: Model, user: int) -> Iterable[Room]:
    """The conversations of a user that have an id, the own log among them."""
    account = model.accounts[user]
    return [*model.rooms_of(user), *([account] if account.id else [])]


def hears(user: int, room: Room, event: Event) -> bool:
    """Whether an event was to be pushed to a user's devices."""
    return user in event.hearers if room.kind != ACCOUNT else room.users == (user,)
