"""What a device makes of the events it gets: a small reference for the tests.

Two devices are in the same state when their reducers are equal, however the events came.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Line:
    """One message as a device shows it; `message` is None once it says nothing any more."""

    sender: int
    message: dict[str, Any] | None
    gone: str = ""  # why: recalled, removed
    reactions: dict[str, Any] = field(default_factory=dict)


@dataclass
class Chat:
    """One conversation on one device, which sees the messages behind `since`."""

    lines: dict[int, Line] = field(default_factory=dict)
    pins: set[int] = field(default_factory=set)
    since: int = 0

    def take(self, events: Iterable[dict[str, Any]]) -> Chat:
        """Apply events in the order given: pushes, a sync, or pages of the history."""
        for event in events:
            # A change of what was said before one came is for those who have it.
            if event.get(event["type"], {}).get("seq", event["seq"]) > self.since:
                getattr(self, f"_{event['type']}", lambda event: None)(event)
        return self

    def take_removals(self, events: Iterable[dict[str, Any]], conversation: int) -> Chat:
        """Apply those events of the user's own log that say what they have removed here."""
        for event in events:
            if event["type"] == "removal" and event["removal"]["conversation"] == conversation:
                for seq in event["removal"]["seqs"]:
                    self._empty(seq, "removed")
        return self

    def _message(self, event: dict[str, Any]) -> None:
        gone = next((why for why in ("removed", "recalled") if event.get(why)), "")
        assert bool(gone) != ("message" in event), event
        self.lines[event["seq"]] = Line(
            event["sender"], event.get("message"), gone, dict(event.get("reactions", {}))
        )

    def _edit(self, event: dict[str, Any]) -> None:
        change = event["edit"]
        line = self.lines[change["seq"]]
        if "message" in change and not line.gone:
            line.message = {
                **change["message"], "edited_at": change["edited_at"], "edited_seq": event["seq"],
            }

    def _recall(self, event: dict[str, Any]) -> None:
        self._empty(event["recall"]["seq"], "recalled")
        self.pins.discard(event["recall"]["seq"])

    def _reaction(self, event: dict[str, Any]) -> None:
        change = event["reaction"]
        line = self.lines[change["seq"]]
        if line.gone:
            return
        line.reactions.pop(change["emoji"], None)
        if change["count"]:
            line.reactions[change["emoji"]] = {
                "count": change["count"], "users": change["users"],
            }

    def _pin(self, event: dict[str, Any]) -> None:
        change = event["pin"]
        (self.pins.add if change["on"] else self.pins.discard)(change["seq"])

    def _empty(self, seq: int, why: str) -> None:
        line = self.lines[seq]
        line.message, line.reactions = None, {}
        line.gone = line.gone if line.gone == "removed" else why
