"""What a device knows: its conversations, each up to a cursor. No network and no clock.

The rules are those of docs/protocol.md: an event at the cursor + 1 is shown, one below is a repeat,
one above waits for those between, and is a reason to sync.
"""

from __future__ import annotations

from tests.faults.history import Fields, digest, said


class Chat:
    """One conversation, from `first` on."""

    def __init__(self, first: int) -> None:
        self.first = first
        self.cursor = first - 1
        self.lines: dict[int, tuple[int, str]] = {}  # seq -> sender, what was said

    def take(self, seq: int, sender: int, text: str) -> list[int]:
        """Keep an event; the cursors that were reached by it."""
        if seq <= self.cursor:
            return []
        self.lines[seq] = sender, text
        reached = []
        while self.cursor + 1 in self.lines:
            self.cursor += 1
            reached.append(self.cursor)
        return reached

    @property
    def has_gap(self) -> bool:
        return any(seq > self.cursor for seq in self.lines)

    def digest(self) -> str:
        return digest((seq, *line) for seq, line in sorted(self.lines.items()))


class Replica:
    """All conversations of one device."""

    def __init__(self, user: int) -> None:
        self.user = user
        self.chats: dict[int, Chat] = {}

    def greet(self, heads: list[list[int]]) -> tuple[dict[int, int], list[int]]:
        """Learn where one may read: what is begun (conversation -> first seq), what is gone."""
        listed = {key: first for key, _, _, first in heads}
        gone = [key for key in self.chats if key not in listed]
        for key in gone:
            self.forget(key)
        begun = {
            key: first for key, first in listed.items()
            if key not in self.chats or self.chats[key].first != first
        }
        for key, first in begun.items():
            self.begin(key, first)
        return begun, gone

    def begin(self, key: int, first: int) -> None:
        self.chats[key] = Chat(first)

    def forget(self, key: int) -> None:
        self.chats.pop(key, None)

    def begins_with(self, event: Fields) -> bool:
        """Whether this is the first event that the user may see: they came in by it."""
        joined = event.get("members", {}).get("joined", ())
        created = event.get("group", {}).get("members", ())
        return self.user in joined or self.user in created

    def ends_with(self, event: Fields) -> bool:
        """Whether this is the last event that the user may see."""
        members = event.get("members", {})
        return self.user in (*members.get("removed", ()), *members.get("left", ()))

    def take(self, event: Fields) -> list[int]:
        """An event of the wire; the cursors reached. Of a conversation not known: nothing."""
        chat = self.chats.get(event["conversation"])
        return chat.take(event["seq"], event["sender"], said(event)) if chat else []

    @property
    def cursors(self) -> dict[int, int]:
        return {key: chat.cursor for key, chat in self.chats.items()}

    @property
    def gaps(self) -> list[int]:
        return [key for key, chat in self.chats.items() if chat.has_gap]
