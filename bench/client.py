"""Many WebSocket connections on one epoll, in one thread, without a framework.

Written by hand because the generator must never be the bottleneck: it takes 2 to 5 us per
message (a send, a delivery, an ack), less than any server here. Nothing in it blocks but the
connect, which on the loopback returns at once while the server's accept queue has room.
"""

from __future__ import annotations

import select
import socket
import struct
from collections.abc import Callable, Iterable
from time import perf_counter

from . import wire
from .dialects import Dialect, Member

CHUNK = 65536
PORTS_PER_SOURCE = 20_000
"""Connections from one 127.0.0.x before the next address is taken: ephemeral ports are 28,000."""

OPENING = 48
"""Handshakes under way at once: below the smallest accept queue among the servers (100)."""

ABRUPT = struct.pack("ii", 1, 0)
"""SO_LINGER: what was not sent is thrown away, and the peer gets a reset."""


NORMAL = b"\x03\xe8"
"""The payload of a close frame: 1000."""


class Trouble(Exception):
    """The server refused, hung up, or did not answer in time: the run is void."""


class Connection:
    """One socket. `peer` is whom it talks to, `out` what waits for the next flush."""

    __slots__ = ("index", "member", "out", "parts", "peer", "rest", "sock", "state")

    def __init__(self, index: int, member: Member, sock: socket.socket) -> None:
        self.index = index
        self.member = member
        self.sock = sock
        self.rest = b""
        self.out: list[bytes] = []
        self.state = "upgrading"
        self.peer: Connection = self
        self.parts: list[bytes] = []


class Swarm:
    """The connections of one run. `on_payload(connection, payload)` gets all but the greetings.

    `on_open(connection)` is called at the hello; `on_close(connection, close frame's payload)`
    when the server closes first, `on_drop(connection)` when it ends without a word: both void the
    run unless a scenario has its own idea of them.
    """

    def __init__(self, port: int, dialect: Dialect, receive_buffer: int = 0) -> None:
        self.port = port
        self.dialect = dialect
        self.receive_buffer = receive_buffer  # of its sockets, in bytes; 0: the kernel's choice
        self.connections: list[Connection] = []
        self.on_payload: Callable[[Connection, bytes], None] = lambda connection, payload: None
        self.on_open: Callable[[Connection], None] = lambda connection: None
        self.on_close: Callable[[Connection, bytes], None] = refuse_close
        self.on_drop: Callable[[Connection], None] = refuse_drop
        self._poller = select.epoll()
        self._by_fd: dict[int, Connection] = {}
        self._dirty: list[Connection] = []
        self._opening = 0
        self._closing = False

    def open(self, members: Iterable[Member], timeout: float = 60.0) -> float:
        """Connect all, at most OPENING at a time; seconds from the first SYN to the last hello."""
        began = perf_counter()
        for member in members:
            while self._opening >= OPENING:
                self._wait_for_opening(began + timeout)
            self.connect(member)
        while self._opening:
            self._wait_for_opening(began + timeout)
        return perf_counter() - began

    def _wait_for_opening(self, deadline: float) -> None:
        if perf_counter() > deadline:
            raise Trouble(f"{self._opening} connections got no hello in time")
        self.poll(0.1)

    def connect(self, member: Member) -> Connection:
        """Begin one connection; its upgrade and greeting go on in `poll`."""
        index = len(self.connections)
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.settimeout(10)
        if self.receive_buffer:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self.receive_buffer)
        if index >= PORTS_PER_SOURCE:
            sock.bind((f"127.0.0.{1 + index // PORTS_PER_SOURCE}", 0))
        sock.connect(("127.0.0.1", self.port))
        path, headers = self.dialect.upgrade(member)
        sock.send(wire.request(f"127.0.0.1:{self.port}", path, headers))
        sock.setblocking(False)
        connection = Connection(index, member, sock)
        self.connections.append(connection)
        self._by_fd[sock.fileno()] = connection
        self._poller.register(sock.fileno(), select.EPOLLIN)
        self._opening += 1
        return connection

    def send(self, connection: Connection, payload: bytes, opcode: int = wire.TEXT) -> None:
        """Queue one frame for the next flush."""
        if not connection.out:
            self._dirty.append(connection)
        connection.out.append(wire.frame(payload, opcode))

    def flush(self) -> None:
        """One send per connection for all that was queued: as a client's event loop would."""
        dirty, self._dirty = self._dirty, []
        for connection in dirty:
            data = b"".join(connection.out)
            connection.out = []
            try:
                sent = connection.sock.send(data)
            except BlockingIOError:
                sent = 0
            except OSError:
                self._drop(connection)
                continue
            if sent < len(data):
                connection.out.append(data[sent:])
                self._dirty.append(connection)

    def poll(self, timeout: float) -> None:
        """Read what has come, hand it on, write what that caused."""
        for fd, _ in self._poller.poll(timeout):
            self._read(self._by_fd[fd])
        if self._dirty:
            self.flush()

    def _read(self, connection: Connection) -> None:
        try:
            data = connection.sock.recv(CHUNK)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._drop(connection)
            return
        if connection.rest:
            data = connection.rest + data
        if connection.state == "upgrading":
            data = self._upgraded(connection, data)
        if not data:
            return
        if connection.state == "upgrading":
            connection.rest = data
            return
        texts, controls, connection.rest = wire.split(data)
        for opcode, payload in controls:
            self._control(connection, opcode, payload)
        if connection.state == "greeting":
            texts = self._greeted(connection, texts)
        if connection.state == "leaving":
            return
        on_payload = self.on_payload
        for payload in texts:
            on_payload(connection, payload)

    def _upgraded(self, connection: Connection, data: bytes) -> bytes:
        """Check the 101, return what came behind it. Incomplete: the state stays."""
        head, found, rest = data.partition(b"\r\n\r\n")
        if not found:
            return data
        if not head.startswith(b"HTTP/1.1 101"):
            raise Trouble(f"upgrade refused: {data[:300].decode(errors='replace')}")
        connection.state = "greeting"
        if not self.dialect.greets:
            self._is_open(connection)
        return rest

    def _greeted(self, connection: Connection, texts: list[bytes]) -> list[bytes]:
        """Frames up to the hello are ours; what is behind it belongs to the scenario."""
        for position, payload in enumerate(texts):
            if self.dialect.ready(payload):
                self._is_open(connection)
                return texts[position + 1 :]
            self.answer(connection, payload)
        return []

    def _is_open(self, connection: Connection) -> None:
        connection.state = "open"
        self._opening -= 1
        self.on_open(connection)

    def answer(self, connection: Connection, payload: bytes) -> None:
        """Give the dialect its say on a frame that no scenario knows."""
        reply = self.dialect.answer(payload)
        if reply is not None:
            self.send(connection, reply)

    def _control(self, connection: Connection, opcode: int, payload: bytes) -> None:
        if opcode == wire.PING:
            self.send(connection, payload, wire.PONG)
        elif opcode == wire.CLOSE and not self._closing and connection.state != "leaving":
            self.on_close(connection, payload)

    def leave(self, connection: Connection, politely: bool) -> None:
        """End an open connection: by a close frame, or by a reset. What still comes is ignored."""
        connection.state = "leaving"
        self.connections.remove(connection)
        if politely:
            self.send(connection, NORMAL, wire.CLOSE)
        else:
            connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, ABRUPT)
            self._drop(connection)

    def _drop(self, connection: Connection) -> None:
        self._by_fd.pop(connection.sock.fileno(), None)
        connection.sock.close()
        connection.out = []
        state, connection.state = connection.state, "dropped"
        if not self._closing and state not in ("leaving", "dropped"):
            self.on_drop(connection)

    def close(self, timeout: float = 5.0) -> None:
        """Say goodbye, so that the server closes first and no port is left in TIME_WAIT here."""
        self._closing = True
        self.on_payload = lambda connection, payload: None
        for connection in self._by_fd.values():
            self.send(connection, NORMAL, wire.CLOSE)
        deadline = perf_counter() + timeout
        while self._by_fd and perf_counter() < deadline:
            self.poll(0.05)
        for connection in self._by_fd.values():
            connection.sock.close()
        self._poller.close()


def refuse_close(connection: Connection, payload: bytes) -> None:
    raise Trouble(f"the server closed a connection: {payload!r}")


def refuse_drop(connection: Connection) -> None:
    raise Trouble(f"the server dropped a connection of user {connection.member.id}")
