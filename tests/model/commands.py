"""Users, devices, and commands with a ref: given to the server and to the model alike."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from tests.model.device import Device
from tests.model.messages import Command, verdict
from tests.model.state import Fields, Model, Plan, Room, Verdict
from tests.model.views import as_told, heads, hears, plain
from tests.model.wire import ON_SOCKETS, Answer, frame_of, places, request_of
from tests.model.world import World
from tests.support.client import Person

Place = tuple[int, int, int]


@dataclass
class Past:
    """A command that was given; where it was stored, as far as that is known."""

    command: Command
    places: list[Place] | None = None


class Commands:
    """Some users and their devices. Their conversations are theirs alone, but for the broadcast."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.model = Model(world.broadcast())
        self.people: list[Person] = []
        self.devices: list[Device] = []
        self.started: dict[Device, int] = {}  # how much of the history is behind a device
        self.past: list[Past] = []
        world.runs += 1

    def token(self, user: int) -> str:
        people = (*self.people, self.world.admin)
        return next(person.token for person in people if person.id == user)

    def register(self, *devices: int) -> None:
        """New users, with so many devices each."""
        for count in devices:
            person = Person(self.world.server)
            self.people.append(person)
            self.model.register(person.id, person.name)
            self.devices += [Device(person, self.world.http) for _ in range(count)]

    @property
    def connected(self) -> list[Device]:
        return [device for device in self.devices if device.is_connected]

    def connect(self, device: Device) -> None:
        """Connect a device, if it is not; it must be greeted with what the model says."""
        if device.is_connected:
            return
        device.connect()
        self.started[device] = len(self.model.history)
        found = {
            (head["id"], head["last_seq"], head["read_seq"], head.get("first_seq", 1))
            for head in device.hello["conversations"]
        }
        expected = heads(self.model, device.user)
        assert found == expected, f"greeted with {found}, not {expected}"
        self._compare_account(device)

    def _compare_account(self, device: Device) -> None:
        room, account = self.model.accounts[device.user], device.hello.get("account")
        assert (account is not None) == (room.last > 0)
        if account is not None:
            room.id = room.id or account["id"]
            assert account == {
                "id": room.id, "last_seq": room.last, "read_seq": room.seats[device.user].read
            }

    def hear(self, device: Device) -> None:
        """What was pushed to a device since it connected is what it was to hear: all, and once."""
        device.pump()
        self._learn_account(device)
        expected = {
            (room.id, event.seq): (room, event)
            for room, event in self.model.history[self.started[device]:]
            if hears(device.user, room, event)
        }
        heard = [(frame["conversation"], frame["seq"]) for frame in device.heard]
        missed = expected.keys() - device.acked - set(heard)
        assert not missed, f"not pushed: {missed}"
        assert len(heard) + len(device.acked) == len(expected), f"pushed beside: {heard}"
        for key in {key for key, _ in heard}:
            seqs = [seq for place, seq in heard if place == key]
            assert seqs == sorted(seqs), "pushed in another order"
        self.compare_pushes(device)
        device.heard, device.acked = [], set()
        self.started[device] = len(self.model.history)

    def compare_pushes(self, device: Device) -> None:
        """What a device heard says what is stored, and was for its user."""
        self._learn_account(device)
        for frame in device.heard:
            room = self._room_of(frame["conversation"], device)
            event = room.events[frame["seq"] - 1]
            assert hears(device.user, room, event), "not for this user"
            assert plain(frame) == as_told(room, event)
            event.at = event.at or frame["at"]
            assert frame["at"] == event.at

    def _learn_account(self, device: Device) -> None:
        """The id of an own log is told by its first event."""
        account = self.model.accounts[device.user]
        account.id = account.id or device.account

    def _room_of(self, key: int, device: Device) -> Room:
        account = self.model.accounts[device.user]
        return account if key == account.id else next(
            room for room in self.model.rooms if room.id == key
        )

    # -- commands with a ref ---------------------------------------------------------------

    def command(self, op: str, user: int, room: Room, fields: Fields, **more: Any) -> Command:
        return Command(op, user, self.world.new_ref(), room, fields, **more)

    def give(self, command: Command, device: Device | None) -> None:
        """Give a new command over a socket, or over HTTP, and compare what comes of it."""
        self.past.append(Past(command))
        self._give(self.past[-1], device)

    def repeat(self, past: Past, device: Device | None) -> None:
        """The same again: it is in its first place, or it is done now."""
        self.world.repeats += 1
        if past.places is None:
            self._give(past, device)
            return
        answer = self._ask(past.command, self._way(past.command, device))
        assert not answer.code, f"stored, and now refused: {answer}"
        assert answer.status in (0, 200)
        assert places(answer) == past.places, "stored in two places"

    def contradict(self, past: Past, device: Device | None, fields: Fields) -> None:
        """Another payload under a ref that is used: refused, unless the first is forgotten."""
        assert past.places is not None
        other = replace(past.command, fields=fields)
        answer = self._ask(other, self._way(other, device))
        key, seq, _ = past.places[0]
        room = next(room for room in self._logs() if room.id == key)
        if room.events[seq - 1].forgotten:
            assert places(answer) == past.places
        else:
            assert answer.code == "ref_conflict", answer

    def _logs(self) -> list[Room]:
        return [*self.model.rooms, *self.model.accounts.values()]

    def _way(self, command: Command, device: Device | None) -> Device | None:
        """How a command can be given: most by a socket or over HTTP, some only by one of them."""
        if command.to_user:
            return device or next(d for d in self.devices if d.user == command.user)
        return device if command.op in ON_SOCKETS else None

    def _ask(self, command: Command, device: Device | None) -> Answer:
        if device is not None:
            self.connect(device)
            return device.ask(frame_of(command))
        path, body = request_of(command)
        return self.world.http.call(self.token(command.user), "POST", path, body)

    def _give(self, past: Past, device: Device | None) -> None:
        self.world.commands += 1
        expected = verdict(self.model, past.command)
        device = self._way(past.command, device)
        answer = self._ask(past.command, device)
        plans = self.agree(answer, expected, 201)
        if plans is None:
            return
        past.places = places(answer)
        if device is not None:
            device.acked |= {(key, seq) for key, seq, _ in past.places}
        for plan, (key, seq, at) in zip(plans, past.places, strict=True):
            self.model.commit(plan, seq, at, key)

    def agree(self, answer: Answer, expected: Verdict, status: int) -> list[Plan] | None:
        """The answer is the expected one; the events that come of it, None if it is a refusal."""
        if isinstance(expected, str):
            assert answer.code == expected, f"expected {expected}: {answer}"
            self.world.refusals += 1
            return None
        assert not answer.code, f"nothing speaks against it: {answer}"
        assert answer.status in (0, status), answer
        return expected
