"""All servers of Redis between processes: which channel is where, also when that changes.

A single server has all channels. In a cluster, the slot of a channel's name decides. Where slots
are is read every two seconds, and at once when a server says that it does not have one, or is lost.
What was said meanwhile is in the log.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from functools import partial

import gevent
import structlog
from gevent.event import Event
from redis.crc import REDIS_CLUSTER_HASH_SLOTS, key_slot

from app.cluster.publisher import Count
from app.cluster.servers import AWAY, Master, Range, Servers
from app.cluster.shard import Shard

ROUND = 2.0  # seconds between two looks at where slots are
PAUSE = 0.5  # seconds, at least
WAIT = 1.0  # seconds in which subscriptions that have moved should stand again

log = structlog.get_logger()


class Shards:
    """What a Publisher and a Subscriber do, for each channel at its server."""

    def __init__(
        self, servers: Servers, own: str, tick: bytes, heard: Callable[[bytes], None],
        changed: Callable[[], None], on_death: Callable[[], None],
    ) -> None:
        """`own` begins the names of the channels on which this process hears its own `tick`.

        `heard` is given each other letter; it must not raise. `changed` is called when letters
        may have been lost until now. `on_death`: a loop of a shard has failed.
        """
        self._servers = servers
        self._own = own
        self._tick = tick
        self._heard = heard
        self._changed = changed
        self._on_death = on_death
        self._wanted: set[str] = set()
        self._ranges: Sequence[Range] = ()
        self._shards: dict[Master | None, Shard] = {}
        self._homes: list[Shard | None] = [None] * REDIS_CLUSTER_HASH_SLOTS
        self._single: Shard | None = None  # the only one, which has all slots
        self._whole = False  # whether each slot has a home
        self._lost = Event()
        self.count = Count()

    def __len__(self) -> int:
        return len(self._shards)

    def well(self) -> bool:
        """Whether what is published reaches this process, wherever it goes through."""
        return self._whole and all(shard.well() for shard in self._shards.values())

    # -- channels ----------------------------------------------------------------------------

    @property
    def channels(self) -> Collection[str]:
        """All that are subscribed to, or about to be."""
        return self._wanted

    def ask(self, channels: Iterable[str]) -> bool:
        """Subscribe; whether one of them was not asked for before."""
        new = [channel for channel in channels if channel not in self._wanted]
        self._wanted.update(new)
        self._place(new)
        return bool(new)

    def wait(self, channels: Iterable[str], seconds: float) -> bool:
        """Wait until all are confirmed; False: they are not, in time."""
        until = time.monotonic() + seconds
        return all(
            shard is not None
            and shard.subscriber.wait(some, max(0.0, until - time.monotonic()))
            for shard, some in self._split(list(channels))
        )

    def leave(self, channels: Collection[str]) -> None:
        """Hear of these no more."""
        self._wanted.difference_update(channels)
        for shard, some in self._split(channels):
            if shard is not None:
                shard.subscriber.leave(some)

    def send(self, channels: Collection[str], letter: bytes) -> None:
        """Queue a letter; never waits."""
        for shard, some in self._split(channels):
            if shard is None:
                self.count.dropped += 1
            else:
                shard.publisher.send(some, letter)

    def flush(self, seconds: float) -> None:
        """Wait until all that was sent has left, but not longer than that."""
        gevent.joinall([
            gevent.spawn(shard.publisher.flush, seconds) for shard in self._shards.values()
        ])

    def _split(
        self, channels: Collection[str]
    ) -> Iterable[tuple[Shard | None, Collection[str]]]:
        """These channels by their server; None: nobody has their slots, as far as is known."""
        if self._single is not None:
            return ((self._single, channels),)
        parts: dict[Shard | None, list[str]] = {}
        for channel in channels:
            parts.setdefault(self._home(channel), []).append(channel)
        return parts.items()

    def _home(self, channel: str) -> Shard | None:
        return self._homes[key_slot(channel.encode())]

    def _place(self, channels: Collection[str]) -> None:
        for shard, some in self._split(channels):
            if shard is not None:
                shard.subscriber.ask(some)

    # -- the greenlet that follows the slots -------------------------------------------------

    def run(self) -> None:
        """Know where the slots are. Never returns."""
        found, settled, lost = True, True, False
        while True:
            moved = False
            try:
                moved = self._arrange(self._servers.slots())
                found = True
            except AWAY as error:
                if found:
                    log.warning("redis_not_found", error=str(error))
                found = False
            if moved or lost or not settled:
                settled = self._settle()
            gevent.sleep(PAUSE)
            lost = self._lost.wait(ROUND)
            self._lost.clear()

    def _arrange(self, ranges: Sequence[Range]) -> bool:
        """Have a shard for each server, and know which has which slots; whether that is new."""
        if ranges == self._ranges:
            return False
        before, self._shards = self._shards, {}
        self._ranges, self._homes = ranges, [None] * REDIS_CLUSTER_HASH_SLOTS
        for first, last, master in ranges:
            if master not in self._shards:
                kept = master in before
                self._shards[master] = before.pop(master) if kept else self._begin(master)
            self._homes[first : last + 1] = [self._shards[master]] * (last + 1 - first)
        self._single = self._shards.get(None)
        self._whole = None not in self._homes
        for shard in self._shards.values():
            if not shard.pulse or self._home(shard.pulse) is not shard:
                names = (f"{self._own}:{number}" for number in itertools.count())
                shard.pulse = next(name for name in names if self._home(name) is shard)
        for shard in before.values():
            shard.end()
        log.info("redis_found", servers=len(self._shards), ranges=len(ranges))
        return True

    def _begin(self, master: Master | None) -> Shard:
        made = Shard(
            partial(self._servers.connect, master), master is not None, self._tick, self.count,
            self._heard, self._changed, self._lost.set,
        )
        made.begin(self._on_death)
        return made

    def _settle(self) -> bool:
        """Have each channel at its server; whether all are confirmed."""
        for shard in self._shards.values():
            subscriber = shard.subscriber
            gone = [name for name in subscriber.channels if self._home(name) is not shard]
            subscriber.leave(gone)
            subscriber.ask([shard.pulse])
        self._place(self._wanted)
        confirmed = self.wait(self._wanted, WAIT)
        if confirmed:
            self._changed()
        return confirmed
