"""RFC 6455 frames: bytes in, messages out, and back. Pure: no socket, no clock, no greenlet.

Written by hand because this is the hottest code there is; held to the standard by all Autobahn
cases and a differential fuzz against wsproto (`tests/transport`).
"""

from __future__ import annotations

import struct

from msgspec import Struct
from websockets.speedups import apply_mask

from app.errors import Close

Buffer = bytes | bytearray

CONTINUATION, TEXT, BINARY = 0x0, 0x1, 0x2
CLOSE, PING, PONG = 0x8, 0x9, 0xA
DATA_OPCODES = frozenset((CONTINUATION, TEXT, BINARY))
CONTROL_OPCODES = frozenset((CLOSE, PING, PONG))
FIN = 0x80
MASK = 0x80

_unpack_u16 = struct.Struct("!H").unpack_from
_unpack_u64 = struct.Struct("!Q").unpack_from
_pack_u16 = struct.Struct("!BBH").pack
_pack_u64 = struct.Struct("!BBQ").pack

_SHORT = {  # the two header bytes of every short frame
    opcode: [bytes((FIN | opcode, size)) for size in range(126)]
    for opcode in DATA_OPCODES | CONTROL_OPCODES
}


class Violation(Exception):
    """The peer broke the protocol; the connection must be closed with `code`."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class Message(Struct, frozen=True, gc=False):
    """One whole message, or one control frame. Text is `str`, everything else `bytes`."""

    opcode: int
    data: str | bytes


def frame(opcode: int, payload: bytes) -> bytes:
    """One unmasked, final frame, as a server sends it."""
    size = len(payload)
    if size < 126:
        return _SHORT[opcode][size] + payload
    if size < 65536:
        return _pack_u16(FIN | opcode, 126, size) + payload
    return _pack_u64(FIN | opcode, 127, size) + payload


def close_frame(code: int, reason: str = "") -> bytes:
    """A close frame; the reason is cut to the 123 bytes that a control frame leaves for it."""
    text = reason.encode()[:123].decode(errors="ignore").encode()
    return frame(CLOSE, code.to_bytes(2, "big") + text)


class Decoder:
    """Turns what arrives from a client into messages.

    `feed` takes any slice of the stream and returns the messages that it completed. It raises
    Violation as soon as the stream can no longer be valid; `done` then holds the messages that
    were complete before. Memory is bounded by `limit` (bytes of one message) plus one slice.
    """

    __slots__ = ("_limit", "_opcode", "_parts", "_rest", "done")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._rest: Buffer = b""
        self._opcode = 0  # of the fragmented message under way; 0: none
        self._parts: bytearray | None = None
        self.done: list[Message] = []

    def feed(self, data: bytes) -> list[Message]:
        """Take `data` from the stream; return the messages now complete, in order."""
        rest = self._rest
        if rest:
            # Grown in place: a peer that sends byte by byte costs one append each.
            rest = rest if isinstance(rest, bytearray) else bytearray(rest)
            rest += data
            buffer: Buffer = rest
        else:
            buffer = data
        done: list[Message] = []
        self.done = done
        position = 0 if self._opcode else self._take_plain(buffer, done)
        while position < len(buffer):
            end = self._take(buffer, position, done)
            if not end:
                break
            position = end
        if position == len(buffer):
            self._rest = b""
        elif position:
            self._rest = buffer[position:]
        else:
            self._rest = buffer
        return done

    def _take_plain(self, buffer: Buffer, done: list[Message]) -> int:
        """Take what nearly every frame is: whole, final, masked, text, below 64 KiB.

        Returns where it met anything else, which `_take` then looks at.
        """
        start, available = 0, len(buffer)
        while available - start >= 8 and buffer[start] == FIN | TEXT:
            size = buffer[start + 1] - MASK
            body = start + 6
            if size == 126:
                size = buffer[start + 2] << 8 | buffer[start + 3]
                body = start + 8
                if size < 126:
                    break
            elif not 0 <= size < 126:
                break
            end = body + size
            if end > available or size > self._limit:
                break
            payload = apply_mask(buffer[body:end], bytes(buffer[body - 4 : body]))
            done.append(Message(TEXT, _text(payload)))
            start = end
        return start

    def _take(self, buffer: Buffer, start: int, done: list[Message]) -> int:
        """Take one frame at `start`; return where the next begins, or 0 if bytes are missing."""
        available = len(buffer) - start
        if available < 2:
            return 0
        first = buffer[start]
        second = buffer[start + 1]
        size = second & 0x7F
        opcode = first & 0x0F
        self._check_header(first, second, opcode, size)
        body = start + 6
        if size == 126:
            if available < 4:
                return 0
            size = _unpack_u16(buffer, start + 2)[0]
            _check_minimal(size, 126)
            body = start + 8
        elif size == 127:
            if available < 10:
                return 0
            size = _unpack_u64(buffer, start + 2)[0]
            _check_minimal(size, 65536)
            body = start + 14
        if size > self._limit:
            raise Violation(Close.TOO_BIG, f"a message may have {self._limit} bytes")
        end = body + size
        if len(buffer) < end:
            return 0
        payload = apply_mask(buffer[body:end], bytes(buffer[body - 4 : body]))
        if first == FIN | TEXT and not self._opcode:
            done.append(Message(TEXT, _text(payload)))
        elif opcode in DATA_OPCODES:
            self._fragment(opcode, first & FIN, payload, done)
        else:
            done.append(_control(opcode, payload))
        return end

    def _check_header(self, first: int, second: int, opcode: int, size: int) -> None:
        if not second & MASK:
            raise Violation(Close.PROTOCOL_ERROR, "client frames must be masked")
        if first & 0x70:
            raise Violation(Close.PROTOCOL_ERROR, "reserved bits are set without an extension")
        if opcode in CONTROL_OPCODES:
            if size > 125 or not first & FIN:
                raise Violation(Close.PROTOCOL_ERROR, "a control frame is short and unfragmented")
        elif opcode not in DATA_OPCODES:
            raise Violation(Close.PROTOCOL_ERROR, f"unknown opcode {opcode}")
        elif (opcode == CONTINUATION) != bool(self._opcode):
            raise Violation(Close.PROTOCOL_ERROR, "fragments are out of order")

    def _fragment(self, opcode: int, fin: int, payload: bytes, done: list[Message]) -> None:
        """Add one data frame to the message under way; complete it at the final frame."""
        if self._parts is None:
            self._opcode = opcode
            self._parts = bytearray()
        if len(self._parts) + len(payload) > self._limit:
            raise Violation(Close.TOO_BIG, f"a message may have {self._limit} bytes")
        self._parts += payload
        if not fin:
            return
        whole = bytes(self._parts)
        opcode, self._opcode, self._parts = self._opcode, 0, None
        done.append(Message(opcode, _text(whole) if opcode == TEXT else whole))


def _check_minimal(size: int, least: int) -> None:
    if size < least or size >> 63:
        raise Violation(Close.PROTOCOL_ERROR, "a length is written in as few bytes as it needs")


def _text(payload: bytes) -> str:
    try:
        return str(payload, "utf-8")
    except UnicodeDecodeError:
        raise Violation(Close.BAD_TEXT, "text must be UTF-8") from None


def _control(opcode: int, payload: bytes) -> Message:
    if opcode == CLOSE and payload:
        if len(payload) == 1:
            raise Violation(Close.PROTOCOL_ERROR, "a close code has two bytes")
        _check_close_code(_unpack_u16(payload)[0])
        _text(payload[2:])
    return Message(opcode, payload)


def _check_close_code(code: int) -> None:
    """Codes that may travel: 1000 to 1014 less the reserved ones, and 3000 to 4999."""
    if not (3000 <= code <= 4999 or (1000 <= code <= 1014 and code not in (1004, 1005, 1006))):
        raise Violation(Close.PROTOCOL_ERROR, f"close code {code} may not be sent")
