"""One server of Redis between processes: what goes out and comes in there, and whether it does."""

from __future__ import annotations

import time
from collections.abc import Callable

import gevent

from app.cluster.publisher import Count, Publisher
from app.cluster.servers import Connect
from app.cluster.subscriber import Subscriber

TICK = 0.5  # seconds between two letters to oneself
LATE = 1.6  # seconds without one: it is not well


class Shard:
    """A publisher and a subscriber over a connection each, which run until `end`."""

    def __init__(
        self, connect: Connect, sharded: bool, tick: bytes, count: Count,
        heard: Callable[[bytes], None], changed: Callable[[], None], lost: Callable[[], None],
    ) -> None:
        """`tick` is the letter by which this process hears itself. See shards.py for the calls."""
        self.publisher = Publisher(connect, sharded, count, lost)
        self.subscriber = Subscriber(connect, sharded, self._hear, self._change, lost)
        self.pulse = ""  # the channel of the tick: one that is here
        self._tick = tick
        self._heard = heard
        self._changed = changed
        self._ticked = 0.0  # when a tick came back
        self._running: list[gevent.Greenlet[[], None]] = []

    def begin(self, on_death: Callable[[], None]) -> None:
        """A process of which one of these loops fails must end."""
        for loop in (self.subscriber.run, self.subscriber.order, self.publisher.run, self._beat):
            greenlet = gevent.spawn(loop)
            greenlet.link_exception(lambda _: on_death())
            self._running.append(greenlet)

    def end(self) -> None:
        """This server has nothing for us any more."""
        gevent.killall(self._running)
        self.subscriber.lose()
        self.publisher.drop()

    def well(self) -> bool:
        """Whether what is published here reaches this process, as far as that can be known."""
        return self.subscriber.stands and time.monotonic() - self._ticked < LATE

    def _hear(self, data: bytes) -> None:
        if data == self._tick:
            self._ticked = time.monotonic()
        else:
            self._heard(data)

    def _change(self) -> None:
        self._ticked = time.monotonic() if self.subscriber.stands else 0.0
        self._changed()

    def _beat(self) -> None:
        """Show that the way is open. Never returns."""
        while True:
            self.publisher.send([self.pulse], self._tick)
            gevent.sleep(TICK)
