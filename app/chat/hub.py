"""Who is connected here: user -> nodes. Offers never block, so a delivery never waits.

In a single process the hub is the bus: what is published reaches its nodes at once.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable, Iterator

import gevent

from app.chat.frames import Address, Dialect, Event, Message, Outgoing
from app.chat.node import Node
from app.errors import Close, Draining, TooManyConnections

SWEEP_SECONDS = 1.0
SWEEP_SLICE = 200  # nodes looked at before others get their turn
DRAIN_STEPS = 20
DRAIN_SPREAD = 1.0  # seconds over which a stopping process sends its clients away


class Hub:
    """The nodes of this process."""

    def __init__(self, user_connections: int, on_death: Callable[[], None]) -> None:
        self._users: dict[int, list[Node]] = {}
        self._limit = user_connections
        self._on_death = on_death
        self._sweeper: gevent.Greenlet | None = None
        self.draining = False

    def add(self, node: Node) -> None:
        """Raises Draining or TooManyConnections."""
        if self.draining:
            raise Draining()
        nodes = self._users.setdefault(node.user, [])
        if len(nodes) >= self._limit:
            raise TooManyConnections()
        nodes.append(node)
        if self._sweeper is None:
            self._sweeper = gevent.spawn(self._sweep)
            self._sweeper.link_exception(lambda _: self._on_death())

    def remove(self, node: Node) -> None:
        nodes = self._users.get(node.user, [])
        if node in nodes:
            nodes.remove(node)
        if not nodes:
            self._users.pop(node.user, None)

    def nodes(self) -> list[Node]:
        return [node for nodes in self._users.values() for node in nodes]

    def __len__(self) -> int:
        return sum(map(len, self._users.values()))

    def publish(self, event: Event, message: Message, to: Address, skip: Node | None) -> None:
        """Offer an event to every node of its address, encoded once for each dialect.

        `skip` is the connection that sent it: it gets an ack, or has drawn its own.
        """
        frames: dict[Dialect, bytes | None] = {}
        for user in to.users():
            nodes = self._users.get(user)
            if not nodes:
                continue
            # A copy: an offer can close a node, whose own greenlet then removes it.
            for node in nodes if len(nodes) == 1 else tuple(nodes):
                if node is skip:
                    continue
                dialect = node.dialect
                if dialect not in frames:
                    frames[dialect] = dialect.event(event, message, to)
                data = frames[dialect]
                if data is not None:
                    node.offer(data)

    def tell(self, users: Iterable[int], item: Outgoing) -> None:
        """Offer something that is not part of the log to every node of these users."""
        for node in self._of(users):
            data = node.dialect.other(item)
            if data is not None:
                node.offer(data)

    def end_sessions(self, user: int, sessions: Iterable[str] | None) -> None:
        """Close the sockets of these sessions of the user; of all, if None."""
        ended = None if sessions is None else set(sessions)
        for node in self._of((user,)):
            if ended is None or node.session in ended:
                node.close(Close.SESSION_REVOKED, "session ended: log in again")

    def drain(self) -> None:
        """Send everybody away with 1012, spread out so that they do not come back at once."""
        self.draining = True
        nodes = self.nodes()
        random.shuffle(nodes)
        size = len(nodes) // DRAIN_STEPS + 1
        for start in range(0, len(nodes), size):
            for node in nodes[start : start + size]:
                node.close(Close.RESTART, "server restart: reconnect")
            gevent.sleep(DRAIN_SPREAD / DRAIN_STEPS)

    def _of(self, users: Iterable[int]) -> Iterator[Node]:
        for user in users:
            # A copy: an offer can close a node, whose own greenlet then removes it.
            yield from tuple(self._users.get(user, ()))

    def _sweep(self) -> None:
        """Once a second, each node's deadlines; a node with no deadline costs nothing else."""
        while True:
            gevent.sleep(SWEEP_SECONDS)
            nodes = self.nodes()
            for start in range(0, len(nodes), SWEEP_SLICE):
                now, wall = time.monotonic(), time.time()
                for node in nodes[start : start + SWEEP_SLICE]:
                    node.check(now, wall)
                gevent.sleep(0)
