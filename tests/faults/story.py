"""A history as its rules look at it: who sent what, what was answered, who was where."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from tests.faults.history import Fields

EVER = 1 << 60


class Place(NamedTuple):
    conversation: int
    seq: int
    at: int


class Entry(NamedTuple):
    """An event of a log at the end."""

    seq: int
    sender: int
    at: int
    said: str

    def body(self, type: str) -> Fields:
        """Of an event of this type; of any other, nothing."""
        word, _, rest = self.said.partition(" ")
        found: Fields = json.loads(rest) if word == type and rest.startswith("{") else {}
        return found


@dataclass
class Send:
    """A message, however often it was sent."""

    device: str
    user: int
    ref: str
    conversation: int
    content: str
    acks: list[Place] = field(default_factory=list)
    failed: bool = False  # it was refused once, and repeated later
    refused: bool = False  # for good


class Story:
    """All of a history. `lines` keeps what was said in its order."""

    def __init__(self, lines: Iterable[Fields]) -> None:
        self.lines = list(lines)
        self.users: dict[str, int] = {}  # device -> user
        self.places: dict[int, list[int]] = {}  # conversation -> users at the beginning
        self.sends: dict[str, Send] = {}  # by ref, in the order of the first sending
        self.changes: set[tuple[int, int, bool]] = set()
        self.logs: dict[int, list[Entry]] = {}
        self.refuses = False
        for line in self.lines:
            getattr(self, f"_{line['what']}", lambda _: None)(line)
        self.entries = {
            key: {entry.seq: entry for entry in log} for key, log in self.logs.items()
        }
        self.contents = {send.content: send for send in self.sends.values()}
        self._spans: dict[tuple[int, int], list[tuple[int, int]]] = {}

    def _user(self, line: Fields) -> None:
        self.users |= dict.fromkeys(line["devices"], line["user"])

    def _place(self, line: Fields) -> None:
        self.places[line["conversation"]] = line["users"]

    def _fault(self, line: Fields) -> None:
        self.refuses = self.refuses or line.get("refuses", False)

    def _change(self, line: Fields) -> None:
        self.changes.add((line["conversation"], line["user"], line["on"]))

    def _send(self, line: Fields) -> None:
        user = self.users[line["device"]]
        self.sends.setdefault(line["ref"], Send(
            line["device"], user, line["ref"], line["conversation"], line["content"]
        ))

    def _ack(self, line: Fields) -> None:
        place = Place(line["conversation"], line["seq"], line["at"])
        self.sends[line["ref"]].acks.append(place)

    def _error(self, line: Fields) -> None:
        send = self.sends.get(line["ref"])
        if send is not None:
            send.failed = send.failed or line["retry"]
            send.refused = not line["retry"]

    def _log(self, line: Fields) -> None:
        self.logs[line["conversation"]] = [Entry(*event) for event in line["events"]]

    def heard(self) -> Iterator[Fields]:
        return (line for line in self.lines if line["what"] == "event")

    def spans(self, conversation: int, user: int) -> list[tuple[int, int]]:
        """The seqs that a user may see, from the event that let them in to that which ended it."""
        if (conversation, user) not in self._spans:
            self._spans[conversation, user] = self._find_spans(conversation, user)
        return self._spans[conversation, user]

    def _find_spans(self, conversation: int, user: int) -> list[tuple[int, int]]:
        if user not in self.places[conversation]:
            return []
        found = [(1, EVER)]
        for entry in self.logs[conversation]:
            members = entry.body("members")
            if user in (*members.get("removed", ()), *members.get("left", ())):
                found[-1] = (found[-1][0], entry.seq)
            elif user in members.get("joined", ()):
                found.append((entry.seq, EVER))
        return found

    def sees(self, conversation: int, user: int, seq: int) -> bool:
        return any(first <= seq <= last for first, last in self.spans(conversation, user))
