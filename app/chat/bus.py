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

    def publish(
        self, event: Event, message: Message | None, to: Address, origin: Node | None
    ) -> None:
        """Tell the devices of an address about a stored event; `message`, if it is one."""

    def tell(self, to: Address, item: Outgoing) -> None:
        """Tell the devices of an address something that is not stored in the log."""

    def enter(self, node: Node, conversations: Iterable[int]) -> None:
        """Let a node of this process hear these groups and no others."""

    def join(self, conversation: int, users: Iterable[int]) -> None:
        """From now on what a group says goes to these users' devices."""

    def leave(self, conversation: int, users: Iterable[int]) -> None:
        """From now on it does not."""

    def end_sessions(self, user: int, sessions: Iterable[str] | None) -> None:
        """Close the sockets of these sessions of a user; of all, if None."""
