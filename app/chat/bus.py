"""Between processes: what one process stored, every process hears.

In a single process the hub itself is the bus.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from app.chat.frames import Address, Event, Message, Outgoing
from app.chat.node import Node


class Bus(Protocol):
    """A hint, not the truth: what it loses, clients find by `sync`."""

    def publish(self, event: Event, message: Message, to: Address, skip: Node | None) -> None:
        """Tell the devices of an address about a stored event."""

    def tell(self, users: Iterable[int], item: Outgoing) -> None:
        """Tell the devices of users something that is not stored in the log."""

    def end_sessions(self, user: int, sessions: Iterable[str] | None) -> None:
        """Close the sockets of these sessions of a user; of all, if None."""
