"""The bus between processes: nodes here are told by the hub, the others through Redis."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping

import gevent
import msgspec
import structlog

from app.chat.frames import PRIVATE, Address, Event, IsTyping, Outgoing, Receipt, Requests
from app.chat.hub import Hub
from app.chat.membership import CHANGES, comings
from app.chat.messages import Message
from app.chat.node import Node
from app.cluster.follower import Follower, Log
from app.cluster.headcheck import HeadCheck, Records
from app.cluster.letters import (
    ID_CHARS,
    AnyLetter,
    Ended,
    Happened,
    Names,
    Said,
    Seen,
    Shows,
    Tick,
    Turns,
    new_id,
    pack,
    unpack,
)
from app.cluster.servers import Servers
from app.cluster.shards import Shards

WAIT = 1.0  # seconds that a new connection waits for its subscriptions
TIDY = 5.0  # seconds between two looks at what nobody here needs any more

log = structlog.get_logger()


class RedisBus:
    """Bus of a process among several. See bus.py in app/chat for what the methods promise."""

    late = True

    def __init__(
        self, servers: Servers, names: Names, hub: Hub, history: Log, records: Records,
        on_death: Callable[[], None],
    ) -> None:
        """`on_death`: what is done all the time for a server of Redis is done no more."""
        self.process = new_id()
        self._me = self.process.encode()
        self._names = names
        self._hub = hub
        self.follower = Follower(hub, history, self._follow_group)
        self._check = HeadCheck(hub, self.follower, records, self.well, self._hears)
        self.shards = Shards(
            servers, f"{names.everybody}:{self.process}", pack(self.process, Tick()), self._heard,
            self._check.soon, on_death,
        )
        self._seen: Callable[[Seen], None] = lambda _: None
        self._idle: set[str] = set()  # channels that nobody here needed at the last look

    def loops(self) -> tuple[Callable[[], None], ...]:
        """What runs as long as the process does, each in a greenlet of its own."""
        self.shards.ask([self._names.everybody])
        return self.shards.run, self.follower.run, self._check.run, self._tidy

    def well(self) -> bool:
        """Whether what is published reaches this process, as far as that can be known."""
        return self.shards.well()

    def on_seen(self, seen: Callable[[Seen], None]) -> None:
        """Who is told when users come and go elsewhere."""
        self._seen = seen

    def post(self, letter: AnyLetter) -> None:
        """Tell all other processes."""
        self._post([self._names.everybody], letter)

    # -- from here ---------------------------------------------------------------------------

    def publish(
        self, event: Event, message: Message | None, to: Address, origin: Node | None
    ) -> None:
        self._post(self._names.channels(to), Happened(to, event))
        self.follower.push(event, to, message, origin)

    def announce(self, event: Event, to: Address, origin: Node | None) -> None:
        channels = self._names.channels(to)
        if event.type in CHANGES:  # who comes in does not hear the group yet
            channels += [self._names.user(user) for user in comings(event).came]
        self._post(channels, Happened(to, event))
        self.follower.push(event, to, None, origin)

    def tell(self, to: Address, item: Outgoing, but: int = 0) -> None:
        assert isinstance(item, Receipt | IsTyping | Requests)
        self._hub.tell(to, item, but)
        if to.kind != PRIVATE:
            self._post(self._names.channels(to), Said(to, item, but))
            return
        for user in to.users():  # each on their own channel: a process may listen to both
            alone = Address(to.conversation, PRIVATE, user, 0)
            self._post([self._names.user(user)], Said(alone, item, but))

    def enter(self, node: Node, conversations: Iterable[int]) -> None:
        groups = list(conversations)
        self._hub.enter(node, groups)
        channels = [self._names.user(node.user), *map(self._names.group, groups)]
        self.shards.ask(channels)
        if not self.well():
            node.doubtful = True
        elif not self.shards.wait(channels, WAIT):
            node.doubtful = True
            self._check.soon()

    def _hears(self, node: Node) -> bool:
        """Whether letters to the node's user come to this process, now."""
        return self.shards.wait([self._names.user(node.user)], 0.0)

    def greeted(self, node: Node, heads: Mapping[int, int]) -> None:
        self._hub.greeted(node, heads)

    def end_sessions(self, user: int, sessions: Iterable[str] | None) -> None:
        ended = None if sessions is None else list(sessions)
        self._hub.end_sessions(user, ended)
        self._post([self._names.user(user)], Ended(user, ended))

    def show_reading(self, user: int, shows: bool) -> None:
        self._hub.show_reading(user, shows)
        self._post([self._names.user(user)], Shows(user, shows))

    def forget_turns(self, users: Iterable[int]) -> None:
        for user in users:
            self._hub.forget_turns([user])
            self._post([self._names.user(user)], Turns(user))

    def _post(self, channels: Collection[str], letter: AnyLetter) -> None:
        self.shards.send(channels, pack(self.process, letter))

    # -- from elsewhere ----------------------------------------------------------------------

    def _heard(self, data: bytes) -> None:
        if data[:ID_CHARS] == self._me:
            return
        try:
            self._take(unpack(data))
        except msgspec.MsgspecError as error:
            log.warning("letter_not_understood", error=str(error))
        except Exception:
            log.exception("letter_failed")
            self._check.soon()

    def _take(self, letter: AnyLetter) -> None:
        if isinstance(letter, Happened):
            self.follower.push(letter.event, letter.to, None, None)
        elif isinstance(letter, Said):
            self._hub.tell(letter.to, letter.item, letter.but)
        elif isinstance(letter, Ended):
            self._hub.end_sessions(letter.user, letter.sessions)
        elif isinstance(letter, Shows):
            self._hub.show_reading(letter.user, letter.shows)
        elif isinstance(letter, Turns):
            self._hub.forget_turns([letter.user])
        elif isinstance(letter, Seen):
            self._seen(letter)

    # -- connections and subscriptions -------------------------------------------------------

    def _follow_group(self, conversation: int) -> None:
        """Somebody has come into a group: from now on this process hears it."""
        channels = [self._names.group(conversation)]
        if self._hub.has_room(conversation) and self.shards.ask(channels):
            gevent.spawn(self._check_when_heard, channels)

    def _check_when_heard(self, channels: list[str]) -> None:
        self.shards.wait(channels, WAIT)
        self._check.soon()

    def _tidy(self) -> None:
        """Leave the channels that were not needed at two looks: many come back at once.

        Never returns.
        """
        while True:
            gevent.sleep(TIDY)
            users, rooms = self._hub.present()
            needed = {*map(self._names.user, users), *map(self._names.group, rooms)}
            idle = set(self.shards.channels) - needed - {self._names.everybody}
            leaving = idle & self._idle
            self._idle = idle - leaving
            self.shards.leave(leaving)
