"""What the others tell comes in through one connection to a server, subscribed to what nodes need.

Not redis-py's PubSub: that one reconnects by itself and says nothing, and what was published
meanwhile is lost unnoticed. Here the end of a connection is the end of `_serve`, and a new one
counts when all its subscriptions are confirmed.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Collection, Iterable

import gevent
import structlog
from gevent.event import Event
from redis.connection import AbstractConnection
from redis.exceptions import ResponseError
from redis.exceptions import TimeoutError as NothingHeard

from app.cluster.servers import AWAY, Connect

AT_ONCE = 1000  # channels in one command
TURN = 100  # letters read before the other greenlets get their turn: reading need not yield
SILENCE = 4.0  # seconds without anything (not even our own ticks) that end a connection
PAUSE = 0.5  # seconds between two attempts

log = structlog.get_logger()


class Subscriber:
    """Gives `heard` each letter; calls `changed` when the connection is lost and when it stands.

    `heard` must not raise.
    """

    def __init__(
        self, connect: Connect, sharded: bool, heard: Callable[[bytes], None],
        changed: Callable[[], None], lost: Callable[[], None],
    ) -> None:
        """`lost` is called when channels may have moved to another server: `ask` for them there."""
        self._connect = connect
        self._sharded = sharded
        self._lost = lost
        self._heard = heard
        self._changed = changed
        self._connection: AbstractConnection | None = None
        self._asked: dict[str, Event | None] = {}  # channel -> set when confirmed; None: it is
        self._unconfirmed = 0
        self._orders: deque[tuple[str, list[str]]] = deque()
        self._order = Event()
        self.stands = False

    @property
    def channels(self) -> Collection[str]:
        """All that are subscribed to, or about to be."""
        return self._asked.keys()

    def ask(self, channels: Iterable[str]) -> None:
        """Subscribe to those that are not confirmed yet; once more, if they were asked for."""
        asked = self._asked
        missing = [name for name in channels if name not in asked or asked[name] is not None]
        for channel in missing:
            if channel not in asked:
                self._expect(channel)
        self._give("SUBSCRIBE", missing)

    def _expect(self, channel: str) -> None:
        self._asked[channel] = Event()
        self._unconfirmed += 1

    def wait(self, channels: Iterable[str], seconds: float) -> bool:
        """Wait until all are confirmed; False: they are not, in time, or nobody has asked."""
        until = time.monotonic() + seconds
        for channel in channels:
            if channel not in self._asked:
                return False
            confirmed = self._asked[channel]
            if confirmed is not None:
                confirmed.wait(max(0.0, until - time.monotonic()))
                if self._asked.get(channel, confirmed) is not None:
                    return False
        return True

    def leave(self, channels: Collection[str]) -> None:
        """Hear of these no more."""
        for channel in channels:
            self._unconfirmed -= self._asked.pop(channel, None) is not None
        self._stand()
        self._give("UNSUBSCRIBE", list(channels))

    def _give(self, command: str, channels: list[str]) -> None:
        # Without a connection, all that is asked for goes into the first order of the next.
        if channels and self._connection is not None:
            self._orders.append((command, channels))
            self._order.set()

    # -- the greenlets: one reads, one writes ------------------------------------------------

    def run(self) -> None:
        """Stay connected. Never returns."""
        while True:
            try:
                self._serve()
            except AWAY as error:
                if self.stands:
                    log.warning("subscription_lost", error=str(error))
            self.lose()
            self._lost()
            gevent.sleep(PAUSE)

    def order(self) -> None:
        """Write what `ask` and `leave` have ordered. Never returns."""
        while True:
            self._order.wait()
            if not self._orders:  # the connection was lost since
                self._order.clear()
                continue
            command, channels = self._orders.popleft()
            while self._orders and self._orders[0][0] == command:  # many connect at once
                channels += self._orders.popleft()[1]
            connection = self._connection
            try:
                for start in range(0, len(channels), AT_ONCE):
                    if connection is not None and connection is self._connection:
                        self._send(connection, command, channels[start : start + AT_ONCE])
            except AWAY:
                pass  # the reader finds the connection closed
            if connection is not None and connection is not self._connection:
                connection.disconnect()  # redis-py opens one that was closed meanwhile again

    def _send(self, connection: AbstractConnection, command: str, channels: list[str]) -> None:
        if self._sharded:  # channels of one command would have to be of one slot
            commands = [(f"S{command}", channel) for channel in channels]
            connection.send_packed_command(connection.pack_commands(commands))
        else:
            connection.send_command(command, *channels)

    def _serve(self) -> None:
        connection = self._connect()
        connection.connect()
        self._connection = connection
        self._give("SUBSCRIBE", list(self._asked))
        heard_at, turn = time.monotonic(), 0
        while True:
            try:
                reply = connection.read_response(disconnect_on_error=False)
            except NothingHeard:
                if time.monotonic() - heard_at > SILENCE:
                    raise
                continue
            except ResponseError:  # MOVED, or the cluster is down
                if not self._sharded:
                    raise
                self._lost()
                continue
            heard_at = time.monotonic()
            self._take(reply)
            turn += 1
            if turn % TURN == 0:
                gevent.sleep(0)

    def _take(self, reply: list[bytes]) -> None:
        kind, channel, data = reply
        if kind == b"message" or kind == b"smessage":
            self._heard(data)
        elif kind == b"subscribe" or kind == b"ssubscribe":
            self._confirm(channel.decode())
        elif kind == b"sunsubscribe" and self._asked.get(channel.decode(), self) is None:
            self._expect(channel.decode())  # the server has given its slot away
            self._lost()

    def _confirm(self, channel: str) -> None:
        confirmed = self._asked.get(channel)
        if confirmed is None:
            return
        self._asked[channel] = None
        self._unconfirmed -= 1
        confirmed.set()
        self._stand()

    def _stand(self) -> None:
        """A connection stands from the moment at which all that is still asked for is confirmed."""
        if self._connection is not None and not self.stands and not self._unconfirmed:
            self.stands = True
            self._changed()

    def lose(self) -> None:
        """End the connection."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.disconnect()
        self._orders.clear()
        self._order.clear()
        asked, self._asked = self._asked, {channel: Event() for channel in self._asked}
        self._unconfirmed = len(asked)
        for confirmed in asked.values():
            if confirmed is not None:
                confirmed.set()  # whoever waits finds another one, and waits no more
        if self.stands:
            self.stands = False
            self._changed()
