"""Between processes: what one process stored, every process hears.

In a single process the hub itself is the bus.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Protocol

from app.chat.frames import Address, Event, Outgoing
from app.chat.messages import Message
from app.chat.node import Node


class Bus(Protocol):
    """A hint, not the truth: what it loses, clients find by `sync`."""

    late: bool  # whether it may hear of an event after a greeting has told of it

    def publish(
        self, event: Event, message: Message | None, to: Address, origin: Node | None
    ) -> None:
        """Tell the devices of an address about a stored event; `message`, if it is one."""

    def announce(self, event: Event, to: Address, origin: Node | None) -> None:
        """As `publish`, for a change. Who comes into a group by it hears it as the first event,
        who goes as the last.
        """

    def tell(self, to: Address, item: Outgoing, but: int = 0) -> None:
        """Tell the devices of an address something that is not stored in the log.

        Not those of the user `but`; a receipt not to who hides their own reading.
        """

    def enter(self, node: Node, conversations: Iterable[int]) -> None:
        """Let a node of this process hear its user and these groups, and no other groups.

        When this returns, what is stored from now on reaches it.
        """

    def greeted(self, node: Node, heads: Mapping[int, int]) -> None:
        """The node knows these conversations, that went on lately, up to these seqs.

        To be called where `late`.
        """

    def end_sessions(self, user: int, sessions: Iterable[str] | None) -> None:
        """Close the sockets of these sessions of a user; of all, if None."""

    def show_reading(self, user: int, shows: bool) -> None:
        """The user's devices see from now on what others read, or do not."""

    def forget_turns(self, users: Iterable[int]) -> None:
        """Whom these users' typing goes to is asked again."""


# The users who came or went, None if that is not known; and whether it was what they show instead.
Changed = Callable[[Collection[int] | None, bool], None]


class Leases(Protocol):
    """Which users are online, in all processes together. Only `settle` and `held` wait.

    A process renews what it holds several times in the life of a lease; the leases of one that
    died run out, and its users are offline. Between processes an implementation publishes what
    begins and ends, and each process looks at its own watchers again.
    """

    def listen(self, changed: Changed) -> None:
        """Call `changed` when something may have changed in another process."""

    def hold(self, users: Collection[int]) -> None:
        """These users have a socket in this process, or had one a moment ago."""

    def settle(self) -> None:
        """Return when what is held can be seen in every process, or cannot be soon."""

    def release(self, users: Collection[int]) -> None:
        """They have none here any more."""

    def review(self, user: int) -> None:
        """The user has changed what they show, or has blocked or befriended somebody."""

    def held(self, users: Iterable[int]) -> set[int]:
        """Those of `users` who are online anywhere."""
