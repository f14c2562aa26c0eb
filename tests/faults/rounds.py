"""One round: eight devices of four users talk, a fault happens, everything must be as promised."""

from __future__ import annotations

import contextlib
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from tests.faults.check import Finding, check
from tests.faults.device import Device
from tests.faults.faults import Fault
from tests.faults.history import History, read, said
from tests.faults.sites import Site
from tests.support.client import Person

USERS = 4
RATE = 12.0  # messages a second of each device
PATIENCE = 60.0  # seconds until devices that are not the same will never be
POLL = 0.05


@dataclass
class Report:
    """What came of a round. `seconds`: from the healing until all devices were the same."""

    fault: Fault
    seed: int
    path: Path
    seconds: float | None
    counts: Counter[str] = field(default_factory=Counter)
    findings: list[Finding] = field(default_factory=list)

    def __str__(self) -> str:
        words = ", ".join(f"{count} {name}" for name, count in self.counts.items())
        end = "never" if self.seconds is None else f"after {self.seconds:.2f} s"
        lines = [f"{self.fault}, seed {self.seed}: {words}; all the same {end}"]
        return "\n".join([*lines, *(f"  {finding}" for finding in self.findings)])


class Turnstile(threading.Thread):
    """Lets a user into a group and removes them again, until it is told to stop."""

    def __init__(
        self, owner: Person, group: int, user: int, history: History, dice: random.Random
    ) -> None:
        super().__init__(daemon=True)
        self._path = f"/v2/groups/{group}/members"
        self._owner, self._group, self._user = owner, group, user
        self._history, self._random = history, dice
        self._stopped = threading.Event()

    def run(self) -> None:
        on = True
        while not self._stopped.wait(self._random.uniform(0.1, 0.5)):
            on = not on
            self._history.write("change", conversation=self._group, user=self._user, on=on)
            self._insist(on)

    def stop(self) -> None:
        self._stopped.set()
        self.join(PATIENCE)

    def _insist(self, on: bool) -> None:
        """Both requests may be repeated: one that changes nothing leaves no event."""
        while True:
            with contextlib.suppress(requests.RequestException):
                if on:
                    answer = self._owner.post(self._path, users=[self._user])
                else:
                    answer = self._owner.request("DELETE", f"{self._path}/{self._user}")
                if answer.ok or answer.status_code == 404:  # they were removed before
                    return
                if answer.status_code != 503:
                    self._history.write("error", device="turnstile", ref="", retry=False,
                                        code=answer.text)
                    return
            time.sleep(0.1)


class Round:
    """People, their conversations and devices, and what they write down."""

    def __init__(
        self, site: Site, fault: Fault, seed: int, folder: Path, within: float = PATIENCE
    ) -> None:
        """Devices that are the same later than `within` seconds behind the healing: a finding."""
        self.site, self.fault, self.seed, self.within = site, fault, seed, within
        self.random = random.Random(seed)
        self.path = folder / f"{fault.kind}-{fault.name}-{seed}.jsonl"
        self.history = History(self.path)
        self.people = [Person(site.near) for _ in range(USERS)]
        a, b, c, d = self.people
        self.group = self._make_group(a, b, c, d)
        self.chats = {self.group: [a, b, c], self._open(a, b): [a, b], self._open(c, d): [c, d]}
        self.devices = [device for person in self.people for device in self._devices(person)]
        self.turnstile = Turnstile(a, self.group, d.id, self.history, random.Random(seed + 1))

    def play(self) -> Report:
        for thread in (*self.devices, self.turnstile):
            thread.start()
        try:
            self._wait(lambda: all(device.connects for device in self.devices))
            time.sleep(self.random.uniform(0.2, 0.8))
            self.history.write("fault", name=self.fault.name, refuses=self.fault.refuses)
            self.fault.happen(self.site, self.random)
            self.history.write("fault", name=self.fault.name, healed=True)
            seconds = self._settle()
            if self.fault.aftermath:
                time.sleep(self.fault.aftermath)
                self._wait(self._is_settled)
            self._write_down()
        finally:
            self.turnstile.stop()
            for device in self.devices:
                device.leave()
            self.history.close()
        return self._report(seconds)

    # -- the beginning ---------------------------------------------------------------------

    def _open(self, one: Person, other: Person) -> int:
        answer = one.post("/v2/conversations", user=other.id)
        key: int = answer.json()["id"]
        self._place(key, "private", [one, other])
        return key

    def _make_group(self, owner: Person, *others: Person) -> int:
        members = [other.id for other in others]
        answer = owner.post("/v2/groups", name="under fire", members=members)
        key: int = answer.json()["id"]
        self._place(key, "group", [owner, *others])
        return key

    def _place(self, key: int, kind: str, people: list[Person]) -> None:
        users = [person.id for person in people]
        self.history.write("place", conversation=key, kind=kind, users=users)

    def _devices(self, person: Person) -> list[Device]:
        """One at each door."""
        names = [f"{person.id}-near", f"{person.id}-far"]
        self.history.write("user", user=person.id, devices=names)
        places = [key for key, people in self.chats.items() if person in people]
        if person is self.people[-1]:
            places.append(self.group)  # whether in it or not
        doors = (self.site.near, self.site.far)
        return [
            Device(name, person, door.port, places, RATE, self.history, self.random.getrandbits(32))
            for name, door in zip(names, doors, strict=True)
        ]

    # -- the end ---------------------------------------------------------------------------

    def _settle(self) -> float | None:
        """From now on nobody says anything new; the seconds until all devices are the same."""
        began = time.monotonic()
        for device in self.devices:
            device.hush()
        self.turnstile.stop()
        same = self._wait(self._is_settled)
        return time.monotonic() - began if same else None

    def _wait(self, holds: Callable[[], bool]) -> bool:
        deadline = time.monotonic() + PATIENCE
        while not holds():
            if time.monotonic() > deadline:
                return False
            time.sleep(POLL)
        return True

    def _is_settled(self) -> bool:
        if not all(device.is_settled for device in self.devices):
            return False
        with contextlib.suppress(requests.RequestException):
            heads = {person.id: self._heads(person) for person in self.people}
            return all(
                device.replica.cursors == heads[device.replica.user] for device in self.devices
            )
        return False

    def _heads(self, person: Person) -> dict[int, int]:
        answer = person.request("GET", "/v2/conversations", params={"limit": 200})
        if not answer.ok:
            raise requests.RequestException(answer.text)
        return {line["id"]: line["last_seq"] for line in answer.json()["conversations"]}

    def _write_down(self) -> None:
        for key, people in self.chats.items():
            events = [
                [event["seq"], event["sender"], event["at"], said(event)]
                for event in people[0].history(key)
            ]
            self.history.write("log", conversation=key, events=events)
        for device in self.devices:
            device.remember()

    def _report(self, seconds: float | None) -> Report:
        counts = Counter({
            "acked": sum(device.acked for device in self.devices),
            "heard": sum(device.heard for device in self.devices),
            "repeated": sum(device.repeated for device in self.devices),
            "reconnects": sum(device.connects - 1 for device in self.devices),
        })
        findings = check(read(self.path))
        if seconds is None:
            findings.append(Finding("differ", self._stragglers()))
        elif seconds > self.within:
            findings.append(Finding("late", f"the same after {seconds:.2f} s"))
        return Report(self.fault, self.seed, self.path, seconds, counts, findings)

    def _stragglers(self) -> str:
        late: list[Any] = [
            (device.name, device.is_settled, device.replica.cursors) for device in self.devices
        ]
        return f"after {PATIENCE:g} s: {late}"


def play(site: Site, fault: Fault, seed: int, folder: Path, within: float) -> Report:
    """A round of its own users, in a site that others may have used before."""
    return Round(site, fault, seed, folder, within).play()
