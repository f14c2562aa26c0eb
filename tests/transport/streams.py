"""Random streams of client frames, and what two implementations make of them."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

from hypothesis import strategies as st
from wsproto.frame_protocol import FrameProtocol, Opcode, ParseFailed

from app.chat.codec import (
    BINARY,
    CLOSE,
    CONTINUATION,
    CONTROL_OPCODES,
    PING,
    PONG,
    TEXT,
    Decoder,
    Message,
    Violation,
)
from tests.support.raw import MASK, frame

UNKNOWN_CLOSE = -1  # wsproto refused a close code; it is older than 1014
SENTINEL = frame(PING, b"the end.")  # long enough to fill in any header that was cut off


class Outcome(NamedTuple):
    """What came of a stream: (opcode, data) of each message, and the code of the refusal.

    Nothing that follows a close frame counts.
    """

    messages: list[tuple[int, str | bytes]]
    refusal: int | None


def close_payload(code: int) -> bytes:
    return code.to_bytes(2, "big")


def cut(stream: bytes, cuts: list[int]) -> list[bytes]:
    """The stream in pieces, cut at these positions."""
    places = sorted({0, len(stream), *(at for at in cuts if at < len(stream))})
    return [stream[start:stop] for start, stop in pairwise(places)]


def judge_ours(pieces: list[bytes], limit: int) -> Outcome:
    decoder = Decoder(limit)
    messages: list[Message] = []
    refusal = None
    try:
        for piece in pieces:
            messages += decoder.feed(piece)
    except Violation as violation:
        messages += decoder.done
        refusal = violation.code
    found = [(item.opcode, item.data) for item in messages]
    for number, (opcode, _) in enumerate(found):
        if opcode == CLOSE:
            return Outcome(found[: number + 1], None)
    return Outcome(found, refusal)


def judge_theirs(pieces: list[bytes]) -> Outcome:
    """wsproto's opinion, with its partial messages joined."""
    protocol = FrameProtocol(client=False, extensions=[])
    found: list[tuple[int, str | bytes]] = []
    text: list[str] = []
    data: list[bytes] = []
    try:
        for piece in pieces:
            protocol.receive_bytes(piece)
            for item in protocol.received_frames():
                if item.opcode is Opcode.CLOSE:
                    code, reason = item.payload
                    head = b"" if code == 1005 else close_payload(code)
                    return Outcome([*found, (CLOSE, head + reason.encode())], None)
                if item.opcode in CONTROL_OPCODES:
                    found.append((int(item.opcode), bytes(item.payload)))
                    continue
                if item.opcode is Opcode.TEXT:
                    text.append(item.payload)
                else:
                    data.append(bytes(item.payload))
                if item.message_finished:
                    whole = "".join(text) if item.opcode is Opcode.TEXT else b"".join(data)
                    found.append((int(item.opcode), whole))
                    text, data = [], []
    except ParseFailed as failed:
        unknown = "unknown reserved code" in str(failed)
        return Outcome(found, UNKNOWN_CLOSE if unknown else int(failed.code))
    return Outcome(found, None)


# -- what is sent --------------------------------------------------------------------------

_sizes = st.sampled_from([0, 1, 5, 124, 125, 126, 127, 300, 65_535, 65_536])
_texts = st.text(max_size=60).map(str.encode) | _sizes.map(lambda size: b"x" * size)
_bytes = st.binary(max_size=60) | _sizes.map(lambda size: b"\xfe" * size)
_spoilt = st.tuples(_texts, st.binary(max_size=4), _texts).map(b"".join)


@st.composite
def _messages(draw: st.DrawFn, opcode: int, payloads: st.SearchStrategy[bytes]) -> bytes:
    """A message in any number of fragments, with control frames between them."""
    payload = draw(payloads)
    parts = cut(payload, draw(st.lists(st.integers(1, 200), max_size=4))) or [b""]
    stream = b""
    for number, part in enumerate(parts):
        last = number == len(parts) - 1
        stream += frame(CONTINUATION if number else opcode, part, fin=last)
        if not last:
            stream += draw(st.just(b"") | _controls)
    return stream


_controls = st.builds(
    frame, st.sampled_from((PING, PONG)), st.binary(max_size=20) | st.just(b"x" * 125)
)
_odd_controls = st.builds(
    frame, st.sampled_from((PING, PONG, CLOSE)), st.sampled_from((b"", b"x", b"x" * 126)),
    fin=st.booleans(),
)
_odd_data = st.builds(
    frame, st.sampled_from((CONTINUATION, TEXT, 3, 7, 11, 15)), st.sampled_from((b"", b"x")),
    fin=st.booleans(), masked=st.sampled_from((True, True, False)),
)
_codes = st.sampled_from((0, 999, 1000, 1003, 1004, 1005, 1006, 1007, 1014, 1015, 2999, 3000, 4999))
_closes = st.builds(
    lambda code, reason: frame(CLOSE, close_payload(code) + reason),
    _codes | st.sampled_from((1000, 1000, 5000, 65_535)) | st.integers(0, 5100),
    st.sampled_from((b"", b"bye", "你好".encode(), b"\xff", b"\xe4\xbd")),
)


@st.composite
def _odd_frames(draw: st.DrawFn) -> bytes:
    """Any header at all: opcodes, reserved bits, masks, lengths written too long or too big."""
    payload = draw(_bytes | _spoilt)
    first = draw(st.sampled_from((0x01, 0x81, 0x82, 0x80, 0x89)) | st.integers(0, 255))
    masked = draw(st.sampled_from((0x80, 0x80, 0x80, 0)))
    kind = draw(st.sampled_from((0, 126, 127)))
    size = draw(st.just(len(payload)) | st.just(len(payload)) | st.integers(0, 2**64 - 1))
    if kind == 0:
        head = bytes((first, masked | min(size, 125)))
    else:
        width = 2 if kind == 126 else 8
        size = min(size, 65_535) if kind == 126 else size
        head = bytes((first, masked | kind)) + size.to_bytes(width, "big")
    return head + (MASK if masked else b"") + payload


def streams() -> st.SearchStrategy[list[bytes]]:
    """Some streams of good frames, perhaps with an odd one among them, and a last ping."""
    message = _messages(TEXT, _texts) | _messages(BINARY, _bytes)
    good = st.lists(message | _controls, max_size=3).map(b"".join)
    under_way = st.builds(frame, st.sampled_from((TEXT, BINARY)), _texts, fin=st.just(False))
    odd = (
        _odd_data | _odd_controls | _odd_frames() | _closes | _messages(TEXT, _spoilt)
        | st.binary(max_size=30) | st.just(b"")
    )
    return st.builds(
        lambda before, opened, odds, after: [
            before + opened + odd + after + SENTINEL for odd in odds
        ],
        good, st.just(b"") | under_way, st.lists(odd, min_size=1, max_size=8), good,
    )


def cuts() -> st.SearchStrategy[list[int]]:
    """Where a stream is cut: nowhere, here and there, or behind each of its first bytes."""
    return st.lists(st.integers(0, 400)) | st.integers(1, 400).map(lambda stop: list(range(stop)))
