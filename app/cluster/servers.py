"""Where Redis is: one server, or the masters of a cluster, of which each has some of the slots."""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from redis import BlockingConnectionPool, ConnectionPool
from redis.connection import AbstractConnection, Connection, SSLConnection
from redis.crc import REDIS_CLUSTER_HASH_SLOTS, key_slot
from redis.exceptions import ClusterDownError, MovedError, ReadOnlyError, RedisError, ResponseError
from redis.exceptions import ConnectionError as NotConnected

TIMEOUT = 1.0  # seconds for anything that Redis is asked
CONNECTIONS = 8  # of one pool
AWAY = (RedisError, OSError)
# No retries: what fails is done without, and who needs it again tries again.
PATIENCE = {
    "protocol": 2, "socket_timeout": TIMEOUT, "socket_connect_timeout": TIMEOUT,
    "socket_keepalive": True,
}

Master = tuple[str, int]  # host and port; None: the server of the address, the only one
Connect = Callable[[], AbstractConnection]


class Range(NamedTuple):
    """Slots `first` to `last`, and who has them."""

    first: int
    last: int
    master: Master | None


ALL = [Range(0, REDIS_CLUSTER_HASH_SLOTS - 1, None)]


class Servers:
    """The servers that one address leads to."""

    def __init__(self, url: str) -> None:
        pool = ConnectionPool.from_url(url, **PATIENCE)
        self._made_of: type[AbstractConnection] = pool.connection_class
        self._options = pool.connection_kwargs
        self._known: Sequence[Range] = ()
        self._answered: Master | None = None  # who told last: a dead one costs a second each time

    def connect(self, master: Master | None) -> AbstractConnection:
        """A connection that is not opened yet. It waits for nothing longer than a second."""
        options = self._options
        if master is not None:
            options = {**options, "host": master[0], "port": master[1]}
        return self._made_of(**options)

    def slots(self) -> Sequence[Range]:
        """Who has which slots, by slot. Any of the servers may tell.

        A single server is not asked again. Raises RedisError or OSError when all are away.
        """
        if self._known == ALL:
            return ALL
        error: Exception = NotConnected("Redis is away")
        masters = (part.master for part in self._known)
        for master in dict.fromkeys((self._answered, *masters, None)):
            try:
                self._known = self._ask(master)
                self._answered = master
                return self._known
            except AWAY as away:
                error = away
        raise error

    def _ask(self, master: Master | None) -> Sequence[Range]:
        connection = self.connect(master)
        try:
            connection.connect()
            if not self._known and not _in_cluster(connection):
                return ALL
            connection.send_command("CLUSTER", "SLOTS")
            answer = connection.read_response()
        finally:
            connection.disconnect()
        if not answer:
            raise NotConnected("no server of the Redis cluster has slots: assign them")
        asked = getattr(connection, "host", "")  # a master without an address is where it is
        return sorted(
            Range(first, last, ((host or b"").decode().strip("?") or asked, port))
            for first, last, (host, port, *_), *_ in answer
        )


def _in_cluster(connection: AbstractConnection) -> bool:
    """HELLO is allowed to every user, and known since there are users."""
    connection.send_command("HELLO")
    try:
        facts = connection.read_response()
    except ResponseError as error:
        if "unknown command" in str(error):
            return False
        raise
    return bool(facts[facts.index(b"mode") + 1] == b"cluster")


class Home(Connection):
    """A connection that goes to where one slot is, each time that it is opened."""

    def __init__(self, servers: Servers, slot: int, **options: Any) -> None:
        super().__init__(**options)
        self._servers = servers
        self._slot = slot

    def _connect(self) -> socket.socket:
        for first, last, master in self._servers.slots():
            if first <= self._slot <= last:
                if master is not None:
                    self.host, self.port = master
                made: socket.socket = super()._connect()
                return made
        raise NotConnected(f"no server of the Redis cluster has slot {self._slot}")

    def read_response(self, *args: Any, **options: Any) -> Any:
        try:
            return super().read_response(*args, **options)
        except (MovedError, ReadOnlyError, ClusterDownError):
            self.disconnect()  # the slot may be elsewhere when it is opened again
            raise


class SafeHome(Home, SSLConnection):
    """The same over TLS."""


def home_of(key: str, url: str) -> BlockingConnectionPool:
    """Connections to where this key is, and every key with the same hash tag."""
    return BlockingConnectionPool.from_url(
        url, connection_class=SafeHome if url.startswith("rediss:") else Home,
        max_connections=CONNECTIONS, timeout=TIMEOUT, servers=Servers(url),
        slot=key_slot(key.encode()), **PATIENCE,
    )
