"""This process among the others: all that it keeps in Redis, wired."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import gevent
from redis import Redis

from app.chat.hub import Hub
from app.cluster.bus import RedisBus
from app.cluster.follower import Log
from app.cluster.headcheck import Records
from app.cluster.leases import RedisLeases
from app.cluster.letters import Names
from app.cluster.marks import RedisMarks
from app.cluster.servers import Servers, home_of

FLUSH = 0.5  # seconds that a stopping process gives to what waits to be published


class History(Log, Records, Protocol):
    """What is read of the database."""


class Cluster:
    """The bus, the leases and the marks of one process."""

    def __init__(
        self, url: str, signing_key: str, hub: Hub, history: History, on_death: Callable[[], None]
    ) -> None:
        names = Names(signing_key)
        client = Redis(connection_pool=home_of(names.keys, url))
        self._on_death = on_death
        self.bus = RedisBus(Servers(url), names, hub, history, history, on_death)
        self.leases = RedisLeases(
            client, names, self.bus.process, self.bus.post, self.bus.well
        )
        self.bus.on_seen(self.leases.heard)
        self.marks = RedisMarks(client, names, self.bus.well)

    def start(self) -> None:
        """Connect, and do what is to be done all the time. Called once, in the process that serves.

        A process of which one of these loops ends must end too.
        """
        for loop in (*self.bus.loops(), self.leases.run):
            gevent.spawn(loop).link(lambda _: self._on_death())

    def stop(self, grace: int) -> None:
        """The process ends; its users are believed to be online for `grace` seconds."""
        self.leases.stop(grace)
        self.bus.shards.flush(FLUSH)
