"""The client's side of RFC 6455, just enough to offer load, and cheap.

Frames that go out are masked with a real (non-zero) key, as a browser's are, so that a server
pays for the unmasking. Frames that come in are walked one by one and never only counted by a
substring, so that a broken frame is an error here and not a good figure.
"""

from __future__ import annotations

import os
import struct

TEXT, CLOSE, PING, PONG = 1, 8, 9, 10

_KEY = bytes(byte | 1 for byte in os.urandom(4))
_pads: dict[int, int] = {}
_heads: dict[tuple[int, int], bytes] = {}


class BrokenFrame(Exception):
    """The server sent something that this client does not take for a frame."""


def request(host: str, path: str, headers: dict[str, str]) -> bytes:
    """The upgrade request, as bytes. `headers` are added to the obligatory ones."""
    fields = {
        "Host": host,
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Key": "aGljaGF0LWJlbmNoLWtleQ==",
        "Sec-WebSocket-Version": "13",
        **headers,
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"GET {path} HTTP/1.1\r\n{lines}\r\n".encode()


def frame(payload: bytes, opcode: int = TEXT) -> bytes:
    """One masked frame. Header and pad are remembered by size: refs have a fixed width."""
    size = len(payload)
    head = _heads.get((size, opcode))
    if head is None:
        head = _prepare(size, opcode)
    masked = int.from_bytes(payload, "little") ^ _pads[size]
    return head + masked.to_bytes(size, "little")


def _prepare(size: int, opcode: int) -> bytes:
    if size < 126:
        head = bytes((0x80 | opcode, 0x80 | size))
    else:
        head = struct.pack("!BBH", 0x80 | opcode, 0x80 | 126, size)
    _pads[size] = int.from_bytes((_KEY * (size // 4 + 1))[:size], "little")
    _heads[size, opcode] = head + _KEY
    return _heads[size, opcode]


def split(data: bytes) -> tuple[list[bytes], list[tuple[int, bytes]], bytes]:
    """(text payloads, control frames as (opcode, payload), what is left of an unfinished frame)."""
    texts: list[bytes] = []
    controls: list[tuple[int, bytes]] = []
    at, end = 0, len(data)
    while end - at >= 2:
        first, size = data[at], data[at + 1]
        start = at + 2
        if size == 126:
            if end - at < 4:
                break
            size = data[at + 2] << 8 | data[at + 3]
            start = at + 4
        elif size == 127:
            if end - at < 10:
                break
            size = int.from_bytes(data[at + 2 : at + 10], "big")
            start = at + 10
        elif size > 127:
            raise BrokenFrame("a masked frame from the server")
        stop = start + size
        if stop > end:
            break
        if first == 0x81 or first == 0x82:
            texts.append(data[start:stop])
        elif first & 0xF8 == 0x88:
            controls.append((first & 15, data[start:stop]))
        else:
            raise BrokenFrame(f"first byte {first:#x}: fragments and extensions were not offered")
        at = stop
    return texts, controls, data[at:]
