"""A WebSocket client made of bytes, for everything that a well-behaved one will not do."""

from __future__ import annotations

import socket
import struct
import time
from typing import Self

from tests.support.client import PATIENCE, Person

MASK = b"\x12\x34\x56\x78"


def frame(opcode: int, payload: bytes, fin: bool = True, masked: bool = True) -> bytes:
    """A client's frame, correct unless told otherwise."""
    size = len(payload)
    bit = 0x80 if masked else 0
    first = (0x80 if fin else 0) | opcode
    if size < 126:
        head = struct.pack("!BB", first, bit | size)
    elif size < 65536:
        head = struct.pack("!BBH", first, bit | 126, size)
    else:
        head = struct.pack("!BBQ", first, bit | 127, size)
    if not masked:
        return head + payload
    return head + MASK + _masked(payload)


def _masked(payload: bytes) -> bytes:
    """In one piece: byte by byte, two megabytes take as long as ten tests."""
    size = len(payload)
    mask = (MASK * (size // 4 + 1))[:size]
    return (int.from_bytes(payload) ^ int.from_bytes(mask)).to_bytes(size)


class Refused(ConnectionError):
    """The answer to the upgrade was another one than 101."""


class RawSocket:
    """One upgraded TCP connection, to the person's server or to a `port` before it."""

    def __init__(
        self, person: Person, receive_buffer: int | None = None, port: int | None = None,
        patience: float = PATIENCE,
    ) -> None:
        self.sock = socket.socket()
        self.sock.settimeout(patience)
        try:
            self._upgrade(person, receive_buffer, port or person.server.port)
        except (OSError, EOFError):
            self.sock.close()
            raise

    def _upgrade(self, person: Person, receive_buffer: int | None, port: int) -> None:
        if receive_buffer is not None:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.sock.connect(("127.0.0.1", port))
        key = "dGhlIHNhbXBsZSBub25jZQ=="
        self.sock.sendall((
            "GET /v2/socket HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
            f"Authorization: Bearer {person.token}\r\n\r\n"
        ).encode())
        self.buffer = b""
        while b"\r\n\r\n" not in self.buffer:
            self.buffer += self._more()
        head, _, self.buffer = self.buffer.partition(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 101"):
            raise Refused(head.decode(errors="replace"))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.sock.close()

    def _more(self) -> bytes:
        data = self.sock.recv(65536)
        if not data:
            raise EOFError("the server closed the connection")
        return data

    def send(self, data: bytes) -> None:
        self.sock.sendall(data)

    def receive(self) -> tuple[int, bytes]:
        """The next frame of the server: opcode and payload. Raises EOFError at the end."""
        while True:
            if len(self.buffer) >= 2:
                size, start = self.buffer[1] & 0x7F, 2
                if size == 126 and len(self.buffer) >= 4:
                    size, start = struct.unpack_from("!H", self.buffer, 2)[0], 4
                elif size == 127 and len(self.buffer) >= 10:
                    size, start = struct.unpack_from("!Q", self.buffer, 2)[0], 10
                elif size >= 126:
                    size = 1 << 62
                if len(self.buffer) >= start + size:
                    opcode, payload = self.buffer[0] & 0x0F, self.buffer[start : start + size]
                    self.buffer = self.buffer[start + size :]
                    return opcode, payload
            self.buffer += self._more()

    def close_code(self) -> int:
        """Read on to the close frame; its code."""
        while True:
            opcode, payload = self.receive()
            if opcode == 0x8:
                return int.from_bytes(payload[:2], "big")

    def wait_end(self, seconds: float = PATIENCE) -> None:
        """Read until the server has closed the TCP connection."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            try:
                if not self.sock.recv(65536):
                    return
            except ConnectionResetError:
                return
        raise AssertionError("the server keeps the connection open")

    def vanish(self) -> None:
        """Leave without a word: a reset, as from a peer that crashed."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()


