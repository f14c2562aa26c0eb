"""The bus between processes: nodes here are told by the hub, the others through Redis."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence

import gevent
import msgspec
import structlog
from redis.connection import AbstractConnection

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
from app.cluster.publisher import Publisher
from app.cluster.subscriber import Subscriber

TICK = 0.5  # seconds between two letters to oneself
LATE = 1.6  # seconds without one: Redis is not well
WAIT = 1.0  # seconds that a new connection waits for its subscriptions
TIDY = 10  # ticks between two looks at what nobody here needs any more

TICKED = msgspec.json.encode(Tick())

log = structlog.get_logger()


class RedisBus:
    """Bus of a process among several. See bus.py in app/chat for what the methods promise."""

    late = True

    def __init__(
        self, connect: Callable[[], AbstractConnection], names: Names, hub: Hub, history: Log,
        records: Records,
    ) -> None:
        """`connect` makes a connection to Redis that waits for nothing longer than a second."""
        self.process = new_id()
        self._me = self.process.encode()
        self._names = names
        self._hub = hub
        self.publisher = Publisher(connect)
        self._subscriber = Subscriber(connect, self._heard, self._changed)
        self.follower = Follower(hub, history, self._follow_group)
        self._check = HeadCheck(hub, self.follower, records, self.well)
        self._seen: Callable[[Seen], None] = lambda _: None
        self._ticked = 0.0  # when a tick of ours came back
        self._idle: set[str] = set()  # channels that nobody here needed at the last look

    def loops(self) -> tuple[Callable[[], None], ...]:
        """What runs as long as the process does, each in a greenlet of its own."""
        self._subscriber.ask([self._names.everybody, self._own_channel()])
        return (
            self._subscriber.run, self._subscriber.order, self.publisher.run, self.follower.run,
            self._check.run, self._tick,
        )

    def well(self) -> bool:
        """Whether what is published reaches this process, as far as that can be known."""
        return self._subscriber.stands and time.monotonic() - self._ticked < LATE

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
        self._subscriber.ask(channels)
        if self.well() and not self._subscriber.wait(channels, WAIT):
            self._check.soon()

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

    def _post(self, channels: Sequence[str], letter: AnyLetter) -> None:
        self.publisher.send(channels, pack(self.process, letter))

    # -- from elsewhere ----------------------------------------------------------------------

    def _heard(self, data: bytes) -> None:
        if data[:ID_CHARS] == self._me:
            if data[ID_CHARS:] == TICKED:
                self._ticked = time.monotonic()
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

    def _changed(self) -> None:
        """The subscription was lost, or stands again: what was said meanwhile is in the log."""
        self._ticked = time.monotonic() if self._subscriber.stands else 0.0
        self._check.soon()

    def _follow_group(self, conversation: int) -> None:
        """Somebody has come into a group: from now on this process hears it."""
        channels = [self._names.group(conversation)]
        if self._hub.has_room(conversation) and self._subscriber.ask(channels):
            gevent.spawn(self._check_when_heard, channels)

    def _check_when_heard(self, channels: list[str]) -> None:
        self._subscriber.wait(channels, WAIT)
        self._check.soon()

    def _own_channel(self) -> str:
        return f"{self._names.everybody}:{self.process}"

    def _tick(self) -> None:
        """Show that the way is open, and leave what nobody needs any more. Never returns."""
        count = 0
        while True:
            self.publisher.send([self._own_channel()], self._me + TICKED)
            count += 1
            if count % TIDY == 0:
                self._tidy()
            gevent.sleep(TICK)

    def _tidy(self) -> None:
        """Leave the channels that were not needed at two looks: many come back at once."""
        users, rooms = self._hub.present()
        needed = {*map(self._names.user, users), *map(self._names.group, rooms)}
        needed |= {self._names.everybody, self._own_channel()}
        idle = set(self._subscriber.channels) - needed
        leaving = idle & self._idle
        self._idle = idle - leaving
        if leaving:
            self._subscriber.leave(leaving)
