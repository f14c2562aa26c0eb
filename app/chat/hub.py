"""Who is connected here: user -> nodes, group -> nodes. Offers never block: no delivery waits.

In a single process the hub is the bus: what is published reaches its nodes at once.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import partial

import gevent

from app.chat.frames import BROADCAST, GROUP, Address, Dialect, Event, Outgoing, Receipt
from app.chat.membership import comings
from app.chat.messages import Message
from app.chat.node import Node
from app.errors import Close, Draining, TooManyConnections

SWEEP_SECONDS = 1.0
SWEEP_SLICE = 200  # nodes looked at before others get their turn
DRAIN_STEPS = 20
DRAIN_SPREAD = 1.0  # seconds over which a stopping process sends its clients away


class Hub:
    """The nodes of this process."""

    late = False

    def __init__(self, user_connections: int, on_death: Callable[[], None]) -> None:
        self._users: dict[int, list[Node]] = {}
        self._rooms: dict[int, set[Node]] = {}  # of the groups that have somebody here
        self._limit = user_connections
        self._on_death = on_death
        self._sweeper: gevent.Greenlet | None = None
        self.draining = False
        self.closed: Counter[int] = Counter()  # ended nodes by close code, 0: lost

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
        if node.websocket.accepted:
            self.closed[node.close_code or 0] += 1
        nodes = self._users.get(node.user, [])
        if node in nodes:
            nodes.remove(node)
        if not nodes:
            self._users.pop(node.user, None)
        for conversation in tuple(node.rooms):
            self._exit(node, conversation)

    def enter(self, node: Node, conversations: Iterable[int]) -> None:
        """Let a node hear these groups and no others."""
        wanted = set(conversations)
        for conversation in node.rooms - wanted:
            self._exit(node, conversation)
        for conversation in wanted:
            self._enter(node, conversation)

    def _enter(self, node: Node, conversation: int) -> None:
        self._rooms.setdefault(conversation, set()).add(node)
        node.rooms.add(conversation)

    def _exit(self, node: Node, conversation: int) -> None:
        node.rooms.discard(conversation)
        node.turns.pop(conversation, None)
        room = self._rooms.get(conversation, set())
        room.discard(node)
        if not room:
            self._rooms.pop(conversation, None)

    def present(self) -> tuple[Collection[int], Collection[int]]:
        """The users, and the groups, that somebody here is of."""
        return self._users.keys(), self._rooms.keys()

    def has_room(self, conversation: int) -> bool:
        return conversation in self._rooms

    def hears(self, to: Address) -> bool:
        """Whether anybody here is of an address."""
        return any(self._groups(to))

    def nodes(self) -> list[Node]:
        return [node for nodes in self._users.values() for node in nodes]

    @property
    def users(self) -> int:
        return len(self._users)

    def __len__(self) -> int:
        return sum(map(len, self._users.values()))

    def publish(
        self, event: Event, message: Message | None, to: Address, origin: Node | None,
        among: Iterable[Collection[Node]] | None = None,
    ) -> None:
        """Offer an event to every node of its address (or `among` these), encoded once for each
        dialect.

        Not to `origin`, which sent it: it gets an ack, or has drawn its own.
        """
        frames: dict[Dialect, bytes | None] = {}
        for nodes in self._groups(to) if among is None else among:
            for node in nodes:
                dialect = node.dialect
                if node is origin and not (dialect.echoes and to.kind == GROUP):
                    continue
                if dialect not in frames:
                    frames[dialect] = dialect.event(event, message, to)
                data = frames[dialect]
                if data is not None:
                    node.offer(data)

    def announce(self, event: Event, to: Address, origin: Node | None) -> None:
        """As `publish`, for a change. Who comes by it hears it, who goes nothing behind it."""
        self._move(event, partial(self.publish, event, None, to, origin))

    def publish_late(
        self, event: Event, message: Message | None, to: Address, origin: Node | None
    ) -> None:
        """As both, for an event that some have heard of already, because it comes from elsewhere.

        It goes to those whose greeting did not tell of it, which some still wait for.
        """
        seq, conversation = event.seq, event.conversation

        def tell() -> None:
            ready = []
            for nodes in self._groups(to):
                for node in nodes:
                    if node.early is not None:
                        node.early.append((event, message, to))
                    elif seq > node.greeted.get(conversation, 0):
                        ready.append(node)
            self.publish(event, message, to, origin, (ready,))

        self._move(event, tell)

    def greeted(self, node: Node, heads: Mapping[int, int]) -> None:
        """Tell the node what came while it was greeted, and was said behind these seqs.

        Nothing of a group that it was in for a moment: its greeting does not name it.
        """
        early, node.early, node.greeted = node.early or (), None, heads
        for event, message, to in early:
            left = to.kind == GROUP and to.conversation not in node.rooms
            if not left and event.seq > heads.get(event.conversation, 0):
                self.publish(event, message, to, None, ((node,),))

    def _move(self, event: Event, tell: Callable[[], None]) -> None:
        """Let in who comes by an event, tell it, let go who goes."""
        moved = comings(event)
        for user in moved.came:
            for node in self._users.get(user, ()):
                self._enter(node, event.conversation)
        tell()
        went = moved.went
        for node in tuple(self._rooms.get(event.conversation, ())) if went != () else ():
            if went is None or node.user in went:
                self._exit(node, event.conversation)

    def tell(self, to: Address, item: Outgoing, but: int = 0) -> None:
        """Offer something that is not part of the log to every node of an address.

        Not to those of the user `but`; a receipt not to who hides their own reading.
        """
        reader = item.user if isinstance(item, Receipt) else None
        frames: dict[Dialect, bytes | None] = {}
        for nodes in self._groups(to):
            for node in nodes:
                dialect, user = node.dialect, node.user
                if user == but or not (
                    reader is None or user == reader or node.shows_reading
                ):
                    continue
                if dialect not in frames:
                    frames[dialect] = dialect.other(item)
                data = frames[dialect]
                if data is not None:
                    node.offer(data)

    def _groups(self, to: Address) -> Iterable[Collection[Node]]:
        """The nodes of an address. An offer never yields, so nobody comes or goes meanwhile."""
        if to.kind == GROUP:
            return (self._rooms.get(to.conversation, ()),)
        if to.kind == BROADCAST:
            return self._users.values()
        return [self._users.get(user, ()) for user in to.users()]

    def end_sessions(self, user: int, sessions: Iterable[str] | None) -> None:
        """Close the sockets of these sessions of the user; of all, if None."""
        ended = None if sessions is None else set(sessions)
        for node in self._users.get(user, ()):
            if ended is None or node.session in ended:
                node.close(Close.SESSION_REVOKED, "session ended: log in again")

    def show_reading(self, user: int, shows: bool) -> None:
        for node in self._users.get(user, ()):
            node.shows_reading = shows

    def forget_turns(self, users: Iterable[int]) -> None:
        for user in users:
            for node in self._users.get(user, ()):
                node.turns.clear()

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
