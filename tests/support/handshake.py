"""Upgrade requests made by hand: any header can be changed, added or left out."""

from __future__ import annotations

import base64
import hashlib
import socket
from typing import NamedTuple

from tests.support.client import PATIENCE
from tests.support.raw import RawSocket
from tests.support.server import Server

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
ACCEPT = base64.b64encode(
    hashlib.sha1(KEY.encode() + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()
).decode()


class Answer(NamedTuple):
    """The HTTP answer to an upgrade request. Header names are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


class HandMade(RawSocket):
    """A connection that sent one upgrade request; a WebSocket if `answer.status` is 101."""

    def __init__(
        self,
        server: Server,
        path: str = "/v2/socket",
        headers: dict[str, str | None] | None = None,
        request_line: str = "GET {path} HTTP/1.1",
        early: bytes = b"",
    ) -> None:
        fields: dict[str, str | None] = {
            "Host": f"127.0.0.1:{server.port}", "Upgrade": "websocket", "Connection": "Upgrade",
            "Sec-WebSocket-Key": KEY, "Sec-WebSocket-Version": "13", **(headers or {}),
        }
        lines = [request_line.format(path=path)]
        lines += [f"{name}: {value}" for name, value in fields.items() if value is not None]
        self.sock = socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE)
        self.sock.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + early)
        self.buffer = b""
        try:
            self.answer = self._read_answer(bodiless=request_line.startswith("HEAD"))
        except BaseException:
            self.sock.close()
            raise

    def _read_answer(self, bodiless: bool) -> Answer:
        while b"\r\n\r\n" not in self.buffer:
            self.buffer += self._more()
        head, _, self.buffer = self.buffer.partition(b"\r\n\r\n")
        first, *lines = head.decode().split("\r\n")
        pairs = (line.split(": ", 1) for line in lines)
        headers = {name.lower(): value for name, value in pairs}
        status = int(first.split()[1])
        size = 0 if bodiless or status == 101 else int(headers.get("content-length", 0))
        while len(self.buffer) < size:
            self.buffer += self._more()
        body, self.buffer = self.buffer[:size], self.buffer[size:]
        return Answer(status, headers, body)


def bearer(token: str) -> dict[str, str | None]:
    return {"Authorization": f"Bearer {token}"}


def ask(
    server: Server,
    path: str = "/v2/socket",
    headers: dict[str, str | None] | None = None,
    request_line: str = "GET {path} HTTP/1.1",
) -> Answer:
    """The answer to an upgrade request; the connection is closed."""
    with HandMade(server, path, headers, request_line) as made:
        return made.answer
