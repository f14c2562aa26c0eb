"""The WebSocket transport: the class that flask_sock gives to a route, on gunicorn's socket.

It replaces simple-websocket, whose `send` truncates under gevent and whose buffers have no bound
(docs/security.md). One greenlet may read (`receive`) while one other writes (`send`).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import socket
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import gevent

from app.chat.codec import Decoder, Message
from app.errors import BadHandshake, BadOrigin, NoSocket, UpgradeRequired

ACCEPT_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, section 1.3
READ_BYTES = 16_384  # one slice of input: what a flood can make us do before others run
SLICE_BYTES = 65_536  # one slice of output: its progress is what the send timeout watches
DEFAULT_PORTS = {"http": "80", "https": "443"}


class WebSocket:
    """One upgrade request, then one connection.

    Constructed from a WSGI environment: raises BadHandshake (400), UpgradeRequired (426) or
    BadOrigin (403) for a request that cannot become a socket. Nothing is sent before `accept`,
    so a route may still answer with an ordinary HTTP error.
    """

    mode = "gunicorn"  # read by flask_sock: end the request without an HTTP response

    __slots__ = (
        "_decoder", "_early", "_hub", "_key", "_more", "_plain", "_readable", "_sock",
        "accepted", "bytes_in", "bytes_out", "offered", "writing_since",
    )

    def __init__(
        self,
        environ: Mapping[str, Any],
        max_message_bytes: int = 131_072,
        origins: frozenset[str] = frozenset(),
    ) -> None:
        self._key = _check_handshake(environ)
        _check_origin(environ, origins)
        self._sock: socket.socket | None = environ.get("gunicorn.socket")
        if self._sock is None:
            raise NoSocket()
        self._early = _read_ahead(environ)
        # What gevent's socket wraps: a try that does not wait is cheaper there. None for TLS, whose
        # descriptor does not show what it holds.
        tls = hasattr(self._sock, "pending")
        self._plain = None if tls else getattr(self._sock, "_sock", None)
        self._more = self._plain is None  # whether the next recv does not wait for the descriptor
        self._hub = gevent.get_hub()
        self._readable = self._hub.loop.io(self._sock.fileno(), 1)
        self._decoder = Decoder(max_message_bytes)
        self.offered = _tokens(environ.get("HTTP_SEC_WEBSOCKET_PROTOCOL", ""))
        self.accepted = False
        self.writing_since: float | None = None  # monotonic; None: no write is under way
        self.bytes_in = 0
        self.bytes_out = 0

    def accept(self, subprotocol: str | None = None, greeting: bytes = b"") -> None:
        """Answer 101, with `greeting` (whole frames) behind it: now it is a WebSocket."""
        assert self._sock is not None
        digest = hashlib.sha1(self._key + ACCEPT_GUID, usedforsecurity=False).digest()
        lines = [
            b"HTTP/1.1 101 Switching Protocols", b"Upgrade: websocket", b"Connection: Upgrade",
            b"Sec-WebSocket-Accept: " + base64.b64encode(digest),
        ]
        if subprotocol is not None:
            lines.append(b"Sec-WebSocket-Protocol: " + subprotocol.encode("ascii"))
        # Without this an ack meets Nagle and the delayed ACK: 40 ms.
        self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._sock.sendall(b"\r\n".join(lines) + b"\r\n\r\n" + greeting)
        self.accepted = True

    def receive(self) -> list[Message] | None:
        """Wait for input. The messages it completed (perhaps none), or None when it ended.

        Raises codec.Violation; `completed` has what was whole before the violation.
        """
        assert self._sock is not None
        data, self._early = self._early, b""
        if not data:
            # Wait first: recv would try, fail and raise before it waits. A full slice says that
            # there is more.
            if not self._more:
                self._hub.wait(self._readable)
            try:
                data = self._sock.recv(READ_BYTES)
            except OSError:
                return None
            self._more = len(data) == READ_BYTES or self._plain is None
        if not data:
            return None
        self.bytes_in += len(data)
        return self._decoder.feed(data)

    @property
    def completed(self) -> list[Message]:
        return self._decoder.done

    def discard(self) -> bool:
        """Wait for input and throw it away; False when there is no more."""
        assert self._sock is not None
        try:
            return bool(self._sock.recv(READ_BYTES))
        except OSError:
            return False

    def send(self, data: bytes) -> None:
        """Write all of `data` (whole frames). Raises OSError when the connection is gone."""
        assert self._sock is not None
        self.bytes_out += len(data)
        try:
            sent = self._plain.send(data) if self._plain is not None else 0
        except BlockingIOError:
            sent = 0
        if sent < len(data):
            self._send_rest(memoryview(data)[sent:])

    def _send_rest(self, view: memoryview) -> None:
        """Write what the kernel's buffer did not take at once."""
        assert self._sock is not None
        for start in range(0, len(view), SLICE_BYTES):
            self.writing_since = time.monotonic()
            self._sock.sendall(view[start : start + SLICE_BYTES])
        self.writing_since = None

    def finish(self) -> None:
        """Say that nothing more will be written: the peer sees our close frame, then the end."""
        self._shutdown(socket.SHUT_WR)

    def abort(self) -> None:
        """End both directions; whoever waits on this connection wakes up."""
        self._shutdown(socket.SHUT_RDWR)

    def _shutdown(self, how: int) -> None:
        if self._sock is not None:
            with suppress(OSError):  # already gone: that is what was wanted
                self._sock.shutdown(how)

    def close(self) -> None:
        """Called by flask_sock behind every route: the node has closed, gunicorn closes the socket.

        flask_sock makes a class for each request, that keeps this object until a collection.
        """
        self._sock = None
        del self._readable, self._decoder


def _tokens(header: str) -> list[str]:
    return [item for item in (part.strip() for part in header.split(",")) if item]


def _check_handshake(environ: Mapping[str, Any]) -> bytes:
    """Check what RFC 6455, section 4.2.1 asks of the request; return its key."""
    upgrade = _tokens(environ.get("HTTP_UPGRADE", "").lower())
    connection = _tokens(environ.get("HTTP_CONNECTION", "").lower())
    if "websocket" not in upgrade or "upgrade" not in connection:
        raise UpgradeRequired()
    if environ.get("HTTP_SEC_WEBSOCKET_VERSION", "").strip() != "13":
        raise UpgradeRequired()
    if environ["REQUEST_METHOD"] != "GET" or environ.get("SERVER_PROTOCOL") == "HTTP/1.0":
        raise BadHandshake("A WebSocket handshake is a GET over HTTP/1.1.")
    key: str = environ.get("HTTP_SEC_WEBSOCKET_KEY", "").strip()
    try:
        if len(base64.b64decode(key, validate=True)) == 16:
            return key.encode("ascii")
    except (binascii.Error, ValueError):
        pass
    raise BadHandshake("Sec-WebSocket-Key must be 16 bytes in base64.")


def _check_origin(environ: Mapping[str, Any], origins: frozenset[str]) -> None:
    """A browser's page may open sockets to its own host, and to us if it is listed."""
    origin = environ.get("HTTP_ORIGIN", "").strip()
    if not origin or "*" in origins or origin in origins:
        return
    scheme, _, host = origin.partition("://")
    default = DEFAULT_PORTS.get(scheme, "")
    if not host or _with_port(host, default) != _with_port(environ.get("HTTP_HOST", ""), default):
        raise BadOrigin()


def _with_port(host: str, default: str) -> str:
    host = host.lower()
    return host if host.rpartition(":")[2].isdigit() else f"{host}:{default}"


def _read_ahead(environ: Mapping[str, Any]) -> bytes:
    """What gunicorn read beyond the request's headers: already the first frames."""
    reader = getattr(environ.get("wsgi.input"), "reader", None)
    unreader = getattr(reader, "unreader", None)
    early: bytes = unreader.take_buffered() if unreader is not None else b""
    return early
