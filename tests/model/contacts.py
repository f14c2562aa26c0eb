"""The reference for what two users are to each other, and for a user's own settings."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from dataclasses import asdict

from tests.model.state import ACCOUNT, Contact, Event, Fields, Model, Plan, Room, Verdict

Act = Callable[[Contact, Contact], str | None]


def change(model: Model, user: int, other: int, act: str, text: str = "") -> Verdict:
    """One of ask, accept, refuse, remove, remark, block, unblock; each side's log hears of it."""
    if user == other:
        return "bad_request"
    mine, theirs = copy(model.contact(user, other)), copy(model.contact(other, user))
    code: str = globals()[f"_{act}"](mine, theirs, text) or ""
    if code:
        return code
    return [
        _kept(model, owner, about, row)
        for owner, about, row in ((user, other, mine), (other, user, theirs))
        if row != model.contact(owner, about)
    ]


def opens(model: Model, user: int, other: int, plans: list[Plan]) -> bool:
    """Whether a change that is done has opened the conversation of two friends."""
    friends = bool(plans) and model.contact(user, other).state == "friend"
    return friends and not model.pair(user, other).id


def parted(model: Model, user: int) -> list[Plan]:
    """Everybody who knows a user is told that they are gone."""
    return [
        _kept(model, owner, user, Contact())
        for owner, known in sorted(model.contacts) if known == user
    ]


def _kept(model: Model, owner: int, about: int, row: Contact) -> Plan:
    def effect(_event: Event) -> None:
        model.contacts[owner, about] = row
        if row.state == "none" and not row.blocked:
            del model.contacts[owner, about]

    body = {"user": about, **asdict(row)}
    return Plan(model.accounts[owner], owner, "contact", body, effect)


def _befriend(mine: Contact, theirs: Contact) -> None:
    mine.state, mine.note = "friend", ""
    if not theirs.blocked:
        theirs.state, theirs.note = "friend", ""


def _ask(mine: Contact, theirs: Contact, note: str) -> str | None:
    if mine.blocked:
        return "blocked"
    if mine.state == "friend" == theirs.state:
        return None
    if theirs.state in ("asking", "friend"):
        _befriend(mine, theirs)
        return None
    if mine.state == "none":
        mine.state = "asking"
    if theirs.state == "none" and not theirs.blocked:
        theirs.state, theirs.note = "asked", note
    return None


def _accept(mine: Contact, theirs: Contact, _text: str) -> str | None:
    if mine.state == "friend":
        return None
    if mine.state != "asked":
        return "not_found"
    if mine.blocked:
        return "blocked"
    _befriend(mine, theirs)
    return None


def _refuse(mine: Contact, theirs: Contact, _text: str) -> str | None:
    if mine.state in ("friend", "asking"):
        return "not_found"
    if mine.state == "asked":
        _part(mine, theirs)
    return None


def _remove(mine: Contact, theirs: Contact, _text: str) -> None:
    if mine.state != "none":
        _part(mine, theirs)


def _part(mine: Contact, theirs: Contact) -> None:
    for row in (mine, theirs):
        row.state, row.note = "none", ""
        row.remark = row.remark if row.blocked else ""


def _remark(mine: Contact, _theirs: Contact, text: str) -> str | None:
    if mine.state == "none" and not mine.blocked:
        return "not_found"
    mine.remark = text
    return None


def _block(mine: Contact, _theirs: Contact, _text: str) -> None:
    mine.blocked = True


def _unblock(mine: Contact, theirs: Contact, _text: str) -> None:
    mine.blocked = False
    if mine.state == "asking" and theirs.state == "friend":
        _befriend(mine, theirs)  # they have agreed meanwhile
    if mine.state == "none":
        mine.remark = ""


def settings_of(user: int, room: Room) -> Fields:
    """A user's own settings of a conversation."""
    seat = room.seats[user]
    return {"pinned": seat.pinned, "silent": seat.silent, "draft": seat.draft,
            "hidden": room.last <= seat.hidden}


def setting(model: Model, user: int, room: Room, asked: Fields) -> Verdict:
    """What a user sets for a conversation of theirs: their own log hears of it."""
    if room.kind == ACCOUNT or not model.is_in(user, room):
        return "not_a_member"
    seat = room.seats[user]
    now = settings_of(user, room)
    changed = {name: value for name, value in asked.items() if now[name] != value}
    if not changed:
        return []
    body = {"conversation": room.id, **changed}
    if "hidden" in changed:
        body["last_seq"] = room.last

    def effect(_event: Event) -> None:
        for name in changed.keys() - {"hidden"}:
            setattr(seat, name, changed[name])
        if "hidden" in changed:
            seat.hidden = room.last if changed["hidden"] else -1

    return [Plan(model.accounts[user], user, "setting", body, effect)]
