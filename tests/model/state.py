"""The reference model: conversations with their dense logs, members, contacts, own logs."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

PRIVATE, GROUP, BROADCAST, ACCOUNT = "private", "group", "broadcast", "account"
MEMBER, ADMIN, OWNER = range(3)
ROLES = ("member", "admin", "owner")
Fields = dict[str, Any]


@dataclass
class Seat:
    """A user in a conversation, who sees what is behind `joined`."""

    joined: int = 0
    read: int = 0
    role: int = MEMBER
    muted_until: int = 0
    pinned: bool = False
    silent: bool = False
    hidden: int = -1  # until last_seq passes it
    draft: str | None = None


@dataclass(eq=False)
class Event:
    """One entry of a log: `told` is what was pushed, `body` what it says now.

    `at` is learned from the server, which has the clock; 0 until then.
    """

    seq: int
    type: str
    sender: int
    body: Fields
    told: Fields
    hearers: frozenset[int]
    at: int = 0
    forgotten: bool = False  # recalled, or an edit of what was recalled
    reactions: dict[str, set[int]] = field(default_factory=dict)
    edits: list[int] = field(default_factory=list)


@dataclass(eq=False)
class Link:
    """An invite link; `left` None: without end. `gone`: nobody knows it any more."""

    code: str
    maker: int
    left: int | None
    gone: bool = False


@dataclass(eq=False)
class Room:
    """A conversation; `id` 0: it was not opened yet. `removed` are (user, seq).

    `closed`: of the two users of a private one, one is not there any more.
    """

    kind: str
    users: tuple[int, ...] = ()  # of a private one, or the owner of an account's log
    id: int = 0
    events: list[Event] = field(default_factory=list)
    seats: dict[int, Seat] = field(default_factory=dict)
    group: Fields = field(default_factory=dict)  # its settings, in the words of the wire
    requests: dict[int, str] = field(default_factory=dict)
    links: list[Link] = field(default_factory=list)
    pins: dict[int, int] = field(default_factory=dict)
    removed: set[tuple[int, int]] = field(default_factory=set)
    closed: bool = False

    @property
    def last(self) -> int:
        return len(self.events)

    def floor(self, user: int) -> int:
        """The seq behind which a member sees the log."""
        return 0 if self.group.get("open_history") else self.seats[user].joined

    def other(self, user: int) -> int:
        """The partner in a private conversation; oneself in notes to oneself."""
        return self.users[0] if user == self.users[1] else self.users[1]


@dataclass
class Contact:
    """What a user has of another one."""

    state: str = "none"
    blocked: bool = False
    remark: str = ""
    note: str = ""


def nothing(_event: Event) -> None:
    """The effect of an event that only stands in the log."""


@dataclass
class Plan:
    """An event that the model expects, and what it will have changed."""

    room: Room
    user: int
    type: str
    body: Fields
    effect: Callable[[Event], None] = nothing
    joined: tuple[int, ...] = ()
    left: tuple[int, ...] = ()


Verdict = list[Plan] | str  # what comes of a command, or the code of its refusal


class Model:
    """Everything that one run has done, as it ought to be."""

    def __init__(self, broadcast: Room) -> None:
        self.names: dict[int, str] = {}
        self.rooms: list[Room] = [broadcast]  # all that were opened, in that order
        self.pairs: dict[tuple[int, int], Room] = {}
        self.accounts: dict[int, Room] = {}
        self.contacts: dict[tuple[int, int], Contact] = {}
        self.broadcast = broadcast
        self.history: list[tuple[Room, Event]] = []  # of all logs, as it happened

    def register(self, user: int, name: str) -> None:
        """A new user, who hears what is said to everybody from now on."""
        self.names[user] = name
        self.accounts[user] = Room(ACCOUNT, (user,), seats={user: Seat()})
        last = self.broadcast.last
        self.broadcast.seats[user] = Seat(joined=last, read=last)

    def delete(self, user: int) -> None:
        """An account is gone: what it said stays, and nobody writes to it any more."""
        del self.names[user], self.accounts[user], self.broadcast.seats[user]
        for pair, room in self.pairs.items():
            room.closed = room.closed or user in pair
        for known in [known for known in self.contacts if user in known]:
            del self.contacts[known]

    def pair(self, one: int, other: int) -> Room:
        """The private conversation of two users, which may not have been opened."""
        users = (min(one, other), max(one, other))
        return self.pairs.setdefault(users, Room(PRIVATE, users))

    def contact(self, user: int, other: int) -> Contact:
        return self.contacts.get((user, other), Contact())

    def blocks(self, user: int, other: int) -> bool:
        return user != other and self.contact(user, other).blocked

    def is_in(self, user: int, room: Room) -> bool:
        return room.id != 0 and user in room.seats

    def rooms_of(self, user: int) -> list[Room]:
        return [room for room in self.rooms if user in room.seats]

    def open(self, room: Room, key: int) -> None:
        """The server has given a conversation its id."""
        assert key not in {known.id for known in self.rooms}, f"conversation {key} is another one"
        room.id = key
        self.rooms.append(room)
        for user in room.users:
            # Who blocks the other does not see it until there is something in it.
            room.seats[user] = Seat(hidden=0 if self.blocks(user, room.other(user)) else -1)

    def commit(self, plan: Plan, seq: int | None = None, at: int = 0, key: int = 0) -> Event:
        """Append what was planned, at the place that the server has named, if it has."""
        room = plan.room
        if not room.id and key:
            if room.kind == ACCOUNT:
                room.id = key
            else:
                self.open(room, key)
        assert key in (0, room.id), f"stored in {key}, not in {room.id}"
        assert seq in (None, room.last + 1), f"stored at {seq}; the log ends at {room.last}"
        for user in plan.joined:
            room.seats[user] = Seat(joined=room.last, read=room.last)
        event = Event(
            room.last + 1, plan.type, plan.user, deepcopy(plan.body), deepcopy(plan.body),
            frozenset(room.seats), at,
        )
        room.events.append(event)
        self.history.append((room, event))
        plan.effect(event)
        for user in plan.left:
            del room.seats[user]
        return event
