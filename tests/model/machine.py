"""The machine: all rules together. Broken connections, dying servers, repeats, comparisons."""

from __future__ import annotations

import sys
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule

from tests.model.check import check, check_search
from tests.model.choosing import WORDS, YES, N, among
from tests.model.commands import Past
from tests.model.messages import Command
from tests.model.society import POLICIES, Society
from tests.model.state import Fields
from tests.model.talk import Talk
from tests.model.trouble import WAYS, cut, die

DYING = 100  # one of so many runs ends a server: a start takes as long as several runs
BURST = st.lists(N, max_size=4)  # texts under way
BURSTS = st.lists(st.tuples(N, BURST), max_size=3)  # of several devices
CHANGES = st.sampled_from(("none", "edit", "recall", "react", "pin"))


class Machine(Talk, Society):
    """Users and devices doing anything in any order."""

    def __init__(self) -> None:
        super().__init__()
        dies = self.world.dies
        self._dies = self.world.runs % DYING == DYING // 2 if dies is None else dies

    @initialize(group=st.sampled_from((True, True, True, False)), join=POLICIES, together=YES,
                death=st.integers(1, 20), bursts=BURSTS, answers=st.integers(0, 4))
    def begin(
        self, group: bool, join: str, together: bool, death: int,
        bursts: list[tuple[int, list[int]]], answers: int,
    ) -> None:
        self._steps, self._death, self._under_way = 0, death, (bursts, answers)
        self.run.register(2, 1, 1)
        for device in self.run.devices:
            self.run.connect(device)
        one, two, three = (person.id for person in self.run.people)
        if group:
            self.run.make_group(one, {"name": "walkers", "join": join}, [two, three])
        if together:
            self.run.open_chat(one, two)
        for user in (one, two, three):  # something to change: runs are short
            for room in self.run.model.rooms_of(user)[1:]:
                said = {"message": self.text(user)}
                self.run.give(self.run.command("send", user, room, said), None)

    def teardown(self) -> None:
        try:
            if sys.exc_info()[0] is None:  # else a rule has failed, and that is the answer
                self.finish()
        finally:
            if isinstance(sys.exc_info()[1], Exception):
                self.world.dies = self._dies  # who repeats a failed run repeats its death
            super().teardown()

    def finish(self) -> None:
        """At the end every command is resolved, every device is there, and all agree."""
        if self._dies and self._steps < self._death:  # a run that was too short for it
            self.die(*self._under_way)
        for past in [past for past in self.run.past if past.places is None]:
            self.run.repeat(past, self.device(past.command.user, 0))
        for device in self.run.devices:
            self.run.connect(device)
        check(self.run, self.run.devices)

    # -- repeats ---------------------------------------------------------------------------

    def _past(self, which: int) -> Past | None:
        return among(self.run.past[-40:], which) if self.run.past else None

    @rule(which=N, via=N)
    def repeat(self, which: int, via: int) -> None:
        past = self._past(which)
        if past is not None:
            self.run.repeat(past, self.device(past.command.user, via))

    @rule(which=N, via=N, what=N)
    def contradict(self, which: int, via: int, what: int) -> None:
        past = self._past(which)
        if past is not None and past.places is not None and past.command.op != "forward":
            other = self._otherwise(past.command, what)
            self.run.contradict(past, self.device(past.command.user, via), other)

    def _otherwise(self, command: Command, what: int) -> Fields:
        """The fields of a command with one of them changed."""
        fields: dict[str, Any] = dict(command.fields)
        if "message" in fields:
            return {**fields, "message": {**fields["message"], **self.text(what)}}
        if "seqs" in fields:
            return {"seqs": [seq + 1 for seq in fields["seqs"]]}
        if "on" in fields and what % 2:
            return {**fields, "on": not fields["on"]}
        return {**fields, "seq": fields["seq"] + 1}

    # -- trouble ---------------------------------------------------------------------------

    @rule(who=N, way=st.sampled_from(WAYS))
    def disconnect(self, who: int, way: str) -> None:
        device = among(self.run.devices, who)
        if device.is_connected:
            self.run.hear(device)
            getattr(device, way)()

    @rule(who=N)
    def come_back(self, who: int) -> None:
        device = among(self.run.devices, who)
        self.run.connect(device)
        self.run.hear(device)
        device.catch_up()

    @rule(who=N, where=N, way=st.sampled_from(WAYS), via=N)
    def lose_an_ack(self, who: int, where: int, way: str, via: int) -> None:
        """The commonest case: one text, nobody knows whether it came, so it is sent again."""
        device = among(self.run.devices, who)
        cut(self.run, device, self._burst(device.user, [where]), way)
        self.run.repeat(self.run.past[-1], self.device(device.user, via))

    @rule(who=N, where=N, burst=BURST, change=CHANGES, what=N, way=st.sampled_from(WAYS))
    def cut_under_way(
        self, who: int, where: int, burst: list[int], change: str, what: int, way: str
    ) -> None:
        device = among(self.run.devices, who)
        commands = self._burst(device.user, burst)
        room = self.room(device.user, where)
        if change != "none" and room.last:
            # Of a message that was there before: the burst does not change what comes of it.
            fields: dict[str, Fields] = {
                "edit": {"message": {"content": self.text(what)["content"]}}, "recall": {},
                "react": {"emoji": "👍", "on": True}, "pin": {"on": True},
            }
            seq = {"seq": min(self.seq(room, what), room.last)}
            commands.append(
                self.run.command(change, device.user, room, seq | fields[change])
            )
        cut(self.run, device, commands, way)

    def _burst(self, user: int, where: list[int]) -> list[Command]:
        return [
            self.run.command("send", user, self.room(user, n), {"message": self.text(n)})
            for n in where
        ]

    @invariant()
    def pass_on(self) -> None:
        """Behind every step: count it; in some runs the server dies behind one of them."""
        self._steps += 1
        self.world.steps += 1
        if self._dies and self._steps == self._death:
            self.die(*self._under_way)

    def die(self, bursts: list[tuple[int, list[int]]], answers: int) -> None:
        """The server is killed, comes back, and is told to go; commands are under way each time."""
        devices = {among(self.run.devices, who): burst for who, burst in bursts}
        for gently in (False, True):
            die(self.run, [
                (device, self._burst(device.user, burst)) for device, burst in devices.items()
            ], answers, gently)

    # -- comparisons -----------------------------------------------------------------------

    @rule(chance=st.integers(0, 3))
    def compare(self, chance: int) -> None:
        if chance == 3:
            check(self.run, self.run.connected)

    @rule(who=N, word=st.sampled_from(WORDS))
    def search(self, who: int, word: str) -> None:
        check_search(self.run, self.user(who), word)
