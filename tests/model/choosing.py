"""How numbers that hypothesis draws become users, devices, conversations and messages.

The numbers do not depend on the state, so that a failing run can be repeated and made smaller
although nobody knows the outcome of a cut beforehand: they are taken modulo what there is.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine

from tests.model.device import Device
from tests.model.messages import Command
from tests.model.run import Run
from tests.model.state import ADMIN, GROUP, Fields, Room
from tests.model.world import World

T = TypeVar("T")
WORDS = ("apple", "river", "苹果", "stone")
LATEST = 20  # messages of a conversation that are changed, answered and forwarded

N = st.integers(0, 2**16 - 1)
YES = st.booleans()


def among(items: Iterable[T], number: int) -> T:
    listed = list(items)
    return listed[number % len(listed)]


class Chooser(RuleBasedStateMachine):
    """One run, and what its rules choose from. `world` is set by whoever runs it."""

    world: ClassVar[World]

    def __init__(self) -> None:
        super().__init__()
        self.run = Run(self.world)
        self._texts = 0

    def teardown(self) -> None:
        for device in self.run.devices:
            device.vanish()

    def user(self, number: int) -> int:
        return among(self.run.people, number).id

    def room(self, user: int, number: int) -> Room:
        """A conversation of the user's; now and then another one, or their own log."""
        model, account = self.run.model, self.run.model.accounts[user]
        if number % 8 == 7:
            return among([*model.rooms, *([account] if account.id else [])], number // 8)
        mine = model.rooms_of(user)
        return among(mine[1:] or mine, number // 8)  # the first one is the broadcast

    def group(self, number: int) -> Room:
        """A group, mostly one that lives; where there is none, another conversation."""
        known = [room for room in self.run.model.rooms if room.kind == GROUP]
        alive = known if number % 8 == 7 else [room for room in known if room.seats]
        return among(alive or known or self.run.model.rooms, number // 8)

    def actor(self, room: Room, number: int) -> int:
        """Who acts in a group: mostly one of its admins, else anybody."""
        admins = [
            person.id for person in self.run.people
            if person.id in room.seats and room.seats[person.id].role >= ADMIN
        ]
        return among(admins, number // 4) if number % 4 and admins else self.user(number // 4)

    def seq(self, room: Room, number: int, author: int = 0) -> int:
        """One of the latest messages; now and then another event, or one that is not there.

        With `author`, mostly one of theirs.
        """
        events = [event for event in room.events[-LATEST:] if event.type == "message"]
        own = [event for event in events if event.sender == author] if number % 8 < 6 else []
        seqs = [event.seq for event in own or events]
        if number % 8 == 7 or not seqs:
            seqs = [*range(max(1, room.last - LATEST), room.last + 2)]
        return among(reversed(seqs), number // 8)

    def device(self, user: int, number: int) -> Device | None:
        """One of the user's devices; None: HTTP."""
        mine: list[Device | None] = [
            device for device in self.run.devices if device.user == user
        ]
        return among([*mine, None], number)

    def text(self, number: int) -> Fields:
        self._texts += 1
        return {"media": "text", "content": f"{among(WORDS, number)} {self._texts}"}

    def command(self, op: str, who: int, where: int, **fields: Any) -> Command:
        user = self.user(who)
        return self.run.command(op, user, self.room(user, where), fields)

    def do(self, op: str, who: int, where: int, via: int, **fields: Any) -> None:
        command = self.command(op, who, where, **fields)
        self.run.give(command, self.device(command.user, via))

    def at(self, who: int, where: int, what: int, own: bool = False) -> int:
        user = self.user(who)
        return self.seq(self.room(user, where), what, user if own else 0)
