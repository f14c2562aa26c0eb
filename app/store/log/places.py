"""What a batch knows of the conversations that it writes to, and of their members."""

from __future__ import annotations

from typing import Any, NamedTuple


class Head:
    """A conversation locked by the running batch."""

    __slots__ = (
        "advanced", "at", "closed", "flags", "high", "id", "kind", "low", "said", "seq", "size",
    )

    def __init__(self, row: Any) -> None:
        self.id: int
        self.kind: int
        self.seq: int
        self.at: int
        self.flags: int
        self.size: int
        self.said: int  # the seq of its last message
        (
            self.id, self.kind, low, high, self.seq, self.at, closed, self.flags, self.size,
            self.said,
        ) = row
        self.low: int = low or 0
        self.high: int = high or 0
        self.closed: bool = closed is not None
        self.advanced = False


class Seat(NamedTuple):
    """A member as the running batch finds them."""

    read_seq: int
    role: int
    muted_until: int
    joined_seq: int
