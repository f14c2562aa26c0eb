"""The reference for messages: who may send, change and forward what, and what comes of it."""

from __future__ import annotations

import time
from dataclasses import dataclass

from tests.model.state import (
    ACCOUNT,
    ADMIN,
    BROADCAST,
    GROUP,
    MEMBER,
    PRIVATE,
    Event,
    Fields,
    Model,
    Plan,
    Room,
    Verdict,
)

OPS = ("send", "edit", "recall", "react", "pin", "remove", "forward", "broadcast")


@dataclass(frozen=True)
class Command:
    """Something with a ref. `to_user`: a message that names its receiver, not a conversation."""

    op: str
    user: int
    ref: str
    room: Room
    fields: Fields
    to_user: int = 0
    source: Room | None = None  # of a forward


def verdict(model: Model, command: Command) -> Verdict:
    """What the server must say to a command whose ref is new."""
    found: Verdict = globals()[f"_{command.op}"](model, command)
    return found


def refusal(model: Model, user: int, room: Room) -> str:
    """Why the user may not write here; empty if they may."""
    if room.kind == PRIVATE:
        if user not in room.users:
            return "not_a_member"
        if room.closed:
            return "unknown_user"
        other = room.other(user)
        return "blocked" if model.blocks(user, other) or model.blocks(other, user) else ""
    if room.kind == ACCOUNT or user not in room.seats:
        return "not_a_member"
    seat = room.seats[user]
    silenced = room.kind == BROADCAST or room.group.get("admins_only")
    if seat.role == MEMBER and (silenced or seat.muted_until > time.time() * 1000):
        return "muted"
    return ""


def visible(model: Model, user: int, room: Room, seq: int) -> Event | None:
    """A message that a member can see, recalled or not."""
    if not room.floor(user) < seq <= room.last:
        return None
    event = room.events[seq - 1]
    return event if event.type == "message" else None


def read(model: Model, user: int, room: Room, seq: int) -> int | str:
    """Move a read cursor: where it is then, or the code of the refusal."""
    if not model.is_in(user, room):
        return "not_a_member"
    if seq > room.last:
        return "bad_request"
    seat = room.seats[user]
    seat.read = max(seat.read, seq)
    return seat.read


def _send(model: Model, command: Command) -> Verdict:
    user, room, message = command.user, command.room, command.fields["message"]
    code = refusal(model, user, room)
    code = code or _bad_mention(user, room, message) or _bad_reply(user, room, message)
    return code or [Plan(room, user, "message", message)]


def _bad_mention(user: int, room: Room, message: Fields) -> str:
    if message.get("mention_all") and (
        room.kind == PRIVATE or room.seats[user].role < ADMIN
    ):
        return "forbidden"
    members = room.users if room.kind == PRIVATE else room.seats
    return "" if all(named in members for named in message.get("mentions", ())) else "bad_request"


def _bad_reply(user: int, room: Room, message: Fields) -> str:
    seq = message.get("reply_to")
    if seq is None:
        return ""
    floor = room.floor(user) if room.kind == GROUP else 0
    if not floor < seq <= room.last or room.events[seq - 1].type != "message":
        return "bad_request"
    return "recalled" if room.events[seq - 1].forgotten else ""


def _target(model: Model, command: Command) -> Event | str:
    """The message that a command changes, or why there is none."""
    if not model.is_in(command.user, command.room):
        return "not_a_member"
    if command.room.closed:
        return "unknown_user"
    event = visible(model, command.user, command.room, command.fields["seq"])
    if event is None:
        return "not_found"
    return "recalled" if event.forgotten else event


def _edit(model: Model, command: Command) -> Verdict:
    event, room = _target(model, command), command.room
    if isinstance(event, str):
        return event
    if event.sender != command.user:
        return "forbidden"
    if code := refusal(model, command.user, command.room):
        return code
    message = {key: value for key, value in event.body.items() if key != "edited_seq"}
    message["content"] = command.fields["message"]["content"]
    body = {"seq": event.seq, "message": message}
    if event.edits:
        body["earlier"] = list(event.edits)

    def effect(edit: Event) -> None:
        event.body = {**message, "edited_seq": edit.seq}
        event.edits.append(edit.seq)

    return [Plan(room, command.user, "edit", body, effect)]


def _recall(model: Model, command: Command) -> Verdict:
    event, room, user = _target(model, command), command.room, command.user
    if isinstance(event, str):
        return event
    if event.sender != user:
        seat, author = room.seats[user], room.seats.get(event.sender)
        above = seat.role > (author.role if author else MEMBER)
        if room.kind == PRIVATE or seat.role < ADMIN or not above:
            return "forbidden"

    def effect(_recall: Event) -> None:
        for forgotten in (event, *(room.events[seq - 1] for seq in event.edits)):
            forgotten.forgotten = True
            forgotten.body = {"seq": event.seq}
        event.reactions = {}
        room.pins.pop(event.seq, None)

    return [Plan(room, user, "recall", {"seq": event.seq}, effect)]


def _react(model: Model, command: Command) -> Verdict:
    event, asked = _target(model, command), command.fields
    if isinstance(event, str):
        return event
    if code := refusal(model, command.user, command.room):
        return code
    before = event.reactions.get(asked["emoji"], set())
    after = before | {command.user} if asked["on"] else before - {command.user}

    def effect(_reaction: Event) -> None:
        event.reactions[asked["emoji"]] = after
        if not after:
            del event.reactions[asked["emoji"]]

    body = {**asked, "count": len(after), "users": sorted(after)}
    return [Plan(command.room, command.user, "reaction", body, effect)]


def _pin(model: Model, command: Command) -> Verdict:
    event, room, user, asked = _target(model, command), command.room, command.user, command.fields
    if isinstance(event, str):
        return event
    if code := refusal(model, command.user, command.room):
        return code
    if room.kind != PRIVATE and room.seats[user].role < ADMIN:
        return "forbidden"

    def effect(_pin: Event) -> None:
        if asked["on"]:
            room.pins.setdefault(event.seq, user)
        else:
            room.pins.pop(event.seq, None)

    return [Plan(room, user, "pin", asked, effect)]


def _remove(model: Model, command: Command) -> Verdict:
    room, user, seqs = command.room, command.user, sorted(set(command.fields["seqs"]))
    if room.kind == ACCOUNT or not model.is_in(user, room):
        return "not_a_member"
    if any(visible(model, user, room, seq) is None for seq in seqs):
        return "not_found"

    def effect(_removal: Event) -> None:
        room.removed |= {(user, seq) for seq in seqs}

    body = {"conversation": room.id, "seqs": seqs}
    return [Plan(model.accounts[user], user, "removal", body, effect)]


def _forward(model: Model, command: Command) -> Verdict:
    source, user = command.source, command.user
    assert source is not None
    if not model.is_in(user, source):
        return "not_a_member"
    plans = []
    for seq in command.fields["from"]["seqs"]:
        event = visible(model, user, source, seq)
        if event is None or (user, seq) in source.removed:
            return "not_found"
        if event.forgotten:
            return "recalled"
        origin = event.body.get("forwarded", {"sender": event.sender, "at": event.at})
        copy = {"media": event.body["media"], "content": event.body["content"],
                "forwarded": origin}
        plans.append(Plan(command.room, user, "message", copy))
    return refusal(model, user, command.room) or plans


def _broadcast(model: Model, command: Command) -> Verdict:
    if command.room.seats[command.user].role < ADMIN:
        return "forbidden"
    return [Plan(command.room, command.user, "message", command.fields["message"])]
