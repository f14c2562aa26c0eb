"""The reference for groups: who may do what, and which event it leaves."""

from __future__ import annotations

from tests.model.state import (
    ADMIN,
    GROUP,
    MEMBER,
    OWNER,
    ROLES,
    Event,
    Fields,
    Link,
    Model,
    Plan,
    Room,
    Verdict,
)

DEFAULTS = {
    "avatar": "", "description": "", "announcement": "", "join": "invite", "open_history": False,
    "admins_only": False,
}


def create(model: Model, user: int, settings: Fields, members: list[int]) -> Verdict:
    """A group of `user` and `members`, not opened yet."""
    everybody = list(dict.fromkeys([user, *members]))
    if any(model.blocks(other, user) for other in everybody):
        return "blocked"
    room = Room(GROUP, group={**DEFAULTS, **settings})
    body = {"created": True, "name": settings["name"], "members": everybody}

    def effect(_event: Event) -> None:
        room.seats[user].role = OWNER

    return [Plan(room, user, "group", body, effect, joined=tuple(everybody))]


def _need(user: int, room: Room, role: int = MEMBER) -> str:
    if room.kind != GROUP or user not in room.seats:
        return "not_a_member"
    return "" if room.seats[user].role >= role else "forbidden"


def change(model: Model, user: int, room: Room, asked: Fields) -> Verdict:
    if code := _need(user, room, ADMIN):
        return code
    changed = {name: value for name, value in asked.items() if room.group[name] != value}
    if not changed:
        return []
    return [Plan(room, user, "group", changed, lambda _event: room.group.update(changed))]


def disband(model: Model, user: int, room: Room) -> Verdict:
    return _need(user, room, OWNER) or [_disbanded(user, room)]


def _disbanded(user: int, room: Room) -> Plan:
    everybody = tuple(room.seats)
    return Plan(
        room, user, "group", {"disbanded": True}, lambda _event: room.requests.clear(),
        left=everybody,
    )


def add(model: Model, user: int, room: Room, users: list[int]) -> Verdict:
    if code := _need(user, room):
        return code
    if not _invites(user, room):
        return "forbidden"
    new = [other for other in dict.fromkeys(users) if other not in room.seats]
    if any(model.blocks(other, user) for other in new):
        return "blocked"
    return [_joined(room, user, new, user)] if new else []


def _invites(user: int, room: Room) -> bool:
    """Whether the user may bring others in."""
    seat = room.seats.get(user)
    return seat is not None and (seat.role >= ADMIN or room.group["join"] == "open")


def invite(model: Model, user: int, room: Room) -> Verdict:
    """Make a link: what is used up is forgotten then."""
    if code := _need(user, room):
        return code
    if not _invites(user, room):
        return "forbidden"
    for link in room.links:
        link.gone = link.gone or link.left == 0
    return []


def redeem(model: Model, user: int, room: Room, link: Link) -> Verdict:
    if link.gone or not room.seats:
        return "not_found"
    if user in room.seats:
        return []
    if link.left == 0 or not _invites(link.maker, room):
        return "invite_expired"
    plan = _joined(room, user, [user], link.maker)
    if link.left is not None:
        link.left -= 1
    return [plan]


def _joined(room: Room, user: int, new: list[int], by: int) -> Plan:
    def effect(_event: Event) -> None:
        for other in new:
            room.requests.pop(other, None)

    return Plan(
        room, user, "members", {"joined": new, "by": by}, effect, joined=tuple(new)
    )


def remove(model: Model, user: int, room: Room, other: int) -> Verdict:
    if code := _need(user, room):
        return code
    if other == user:
        return "bad_request"
    if other not in room.seats:
        return "not_found"
    if code := _need(user, room, ADMIN):
        return code
    if room.seats[user].role <= room.seats[other].role:
        return "forbidden"
    return [Plan(room, user, "members", {"removed": [other]}, left=(other,))]


def leave(model: Model, user: int, room: Room) -> Verdict:
    if code := _need(user, room):
        return code
    if len(room.seats) == 1:
        return [_disbanded(user, room)]
    if room.seats[user].role == OWNER:
        return "forbidden"
    return [Plan(room, user, "members", {"left": [user]}, left=(user,))]


def orphan(user: int, room: Room) -> Plan:
    """A member's account is deleted; what they own passes to the oldest admin, else member."""
    if len(room.seats) == 1:
        return _disbanded(user, room)
    if room.seats[user].role < OWNER:
        return Plan(room, user, "members", {"left": [user]}, left=(user,))
    heir = min(
        room.seats.keys() - {user},
        key=lambda other: (-room.seats[other].role, room.seats[other].joined, other),
    )

    def effect(_event: Event) -> None:
        room.seats[heir].role, room.seats[heir].muted_until = OWNER, 0

    return Plan(room, user, "members", {"left": [user], "owner": heir}, effect, left=(user,))


def set_role(model: Model, user: int, room: Room, other: int, role: int) -> Verdict:
    if code := _need(user, room, OWNER):
        return code
    if other not in room.seats:
        return "not_found"
    seat = room.seats[other]
    if seat.role == OWNER:
        return "forbidden"
    if seat.role == role:
        return []

    def effect(_event: Event) -> None:
        seat.role = role

    return [Plan(room, user, "members", {"roles": {str(other): ROLES[role]}}, effect)]


def mute(model: Model, user: int, room: Room, other: int, until: int) -> Verdict:
    if code := _need(user, room, ADMIN):
        return code
    if other not in room.seats:
        return "not_found"
    seat = room.seats[other]
    if seat.role != MEMBER:
        return "forbidden"
    if seat.muted_until == until:
        return []

    def effect(_event: Event) -> None:
        seat.muted_until = until

    return [Plan(room, user, "members", {"muted": {str(other): until}}, effect)]


def transfer(model: Model, user: int, room: Room, other: int) -> Verdict:
    if code := _need(user, room, OWNER):
        return code
    if other == user:
        return []
    if other not in room.seats:
        return "not_found"

    def effect(_event: Event) -> None:
        room.seats[other].role, room.seats[other].muted_until = OWNER, 0
        room.seats[user].role = ADMIN

    return [Plan(room, user, "members", {"owner": other}, effect)]


def join(model: Model, user: int, room: Room, note: str) -> Verdict:
    if room.kind != GROUP or not room.seats:
        return "not_a_member"
    if user in room.seats:
        return []
    if room.group["join"] == "invite":
        return "invite_only"
    if room.group["join"] == "open":
        return [_joined(room, user, [user], user)]
    room.requests[user] = note
    return []


def withdraw(model: Model, user: int, room: Room) -> Verdict:
    room.requests.pop(user, None)
    return []


def answer(model: Model, user: int, room: Room, other: int, accept: bool) -> Verdict:
    if code := _need(user, room, ADMIN):
        return code
    if other not in room.requests:
        return "not_found"
    if accept:
        return [_joined(room, user, [other], user)]
    del room.requests[other]
    return []
