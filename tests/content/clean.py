"""What a picture consists of, told by readers that share nothing with the product's."""

from __future__ import annotations

import re
import struct

# All that a clean picture may consist of.
CLEAN = {
    "image/jpeg": {"c0", "c2", "c4", "da", "db", "dd", "e0"},
    "image/png": {"IHDR", "PLTE", "tRNS", "IDAT", "IEND"},
    "image/webp": {"VP8 ", "VP8L", "VP8X", "ALPH", "ANIM", "ANMF"},
    "image/gif": {"frame", "control", "NETSCAPE2.0"},
}


def parts(data: bytes, type: str) -> set[str]:
    """The names of its parts; fails where it does not end with the last of them."""
    return {
        "image/jpeg": _jpeg, "image/png": _png, "image/webp": _webp, "image/gif": _gif,
    }[type](data)


def _jpeg(data: bytes) -> set[str]:
    """Markers, outside of compressed data a segment each."""
    assert data[:2] == b"\xff\xd8" and data[-2:] == b"\xff\xd9"
    found, at = set(), 2
    while at < len(data) - 2:
        assert data[at] == 0xFF
        code = data[at + 1]
        found.add(f"{code:02x}")
        at += 2 + struct.unpack_from(">H", data, at + 2)[0]
        if code == 0xDA:
            following = re.compile(rb"\xff[^\x00\xd0-\xd7]").search(data, at)
            assert following
            at = following.start()
    return found


def _png(data: bytes) -> set[str]:
    found, at = set(), 8
    while at < len(data):
        length, name = struct.unpack_from(">I4s", data, at)
        found.add(name.decode())
        at += 12 + length
    assert at == len(data) and name == b"IEND"
    return found


def _webp(data: bytes) -> set[str]:
    assert data[:4] == b"RIFF" and struct.unpack_from("<I", data, 4)[0] + 8 == len(data)
    found, at = set(), 12
    while at < len(data):
        name, length = struct.unpack_from("<4sI", data, at)
        found.add(name.decode())
        at += 8 + length + length % 2
    assert at == len(data)
    return found


def _gif(data: bytes) -> set[str]:
    found, at = set(), 13 + (3 * (2 << (data[10] & 7)) if data[10] & 0x80 else 0)
    while data[at] != 0x3B:
        if data[at] == 0x2C:
            flags = data[at + 9]
            at += 11 + (3 * (2 << (flags & 7)) if flags & 0x80 else 0)
            found.add("frame")
        else:
            assert data[at] == 0x21
            control = data[at + 1] == 0xF9
            found.add("control" if control else data[at + 3:at + 14].decode())
            at += 2
        while data[at]:
            at += 1 + data[at]
        at += 1
    assert at == len(data) - 1
    return found
