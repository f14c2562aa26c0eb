"""The codec: what is a message, what is a refusal, and that wsproto judges the same.

The differential fuzz at the end feeds both with the same random stream, cut at random places.
"""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from wsproto.frame_protocol import FrameProtocol

from app.chat import codec
from app.chat.codec import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    PONG,
    TEXT,
    Decoder,
    Message,
    Violation,
)
from tests.support.raw import MASK, frame
from tests.transport.streams import (
    UNKNOWN_CLOSE,
    Outcome,
    close_payload,
    cut,
    cuts,
    judge_ours,
    judge_theirs,
    streams,
)

LIMIT = 1000


def refusal(data: bytes, limit: int = LIMIT) -> int:
    """The close code with which a stream is refused."""
    with pytest.raises(Violation) as caught:
        Decoder(limit).feed(data)
    return caught.value.code


# -- messages ------------------------------------------------------------------------------


def test_a_message_comes_out_with_its_last_byte_wherever_the_stream_is_cut() -> None:
    stream = frame(TEXT, "hello 你好".encode()) + frame(BINARY, b"x" * 200) + frame(PING, b"")
    whole = Decoder(LIMIT).feed(stream)
    assert [(item.opcode, item.data) for item in whole] == [
        (TEXT, "hello 你好"), (BINARY, b"x" * 200), (PING, b""),
    ]
    for at in range(1, len(stream)):
        decoder = Decoder(LIMIT)
        assert decoder.feed(stream[:at]) + decoder.feed(stream[at:]) == whole
    decoder = Decoder(LIMIT)
    assert [item for byte in stream for item in decoder.feed(bytes((byte,)))] == whole


def test_control_frames_between_fragments_come_out_before_the_message() -> None:
    stream = (
        frame(TEXT, b"one ", fin=False) + frame(PING, b"p") + frame(CONTINUATION, b"", fin=False)
        + frame(PONG, b"q") + frame(CONTINUATION, b"two")
    )
    assert Decoder(LIMIT).feed(stream) == [
        Message(PING, b"p"), Message(PONG, b"q"), Message(TEXT, "one two"),
    ]


def test_a_character_may_be_cut_by_fragments() -> None:
    euro = "€".encode()
    stream = frame(TEXT, euro[:1], fin=False) + frame(CONTINUATION, euro[1:])
    assert Decoder(LIMIT).feed(stream) == [Message(TEXT, "€")]


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65_535, 65_536, 70_000])
def test_a_payload_of_any_size_survives_both_ways(size: int) -> None:
    payload = bytes(i % 251 for i in range(size))
    assert Decoder(size).feed(frame(BINARY, payload))[0].data == payload
    client = FrameProtocol(client=True, extensions=[])
    client.receive_bytes(codec.frame(BINARY, payload))
    parts = list(client.received_frames())
    assert b"".join(bytes(part.payload) for part in parts) == payload
    assert parts[-1].message_finished


# -- refusals ------------------------------------------------------------------------------


@pytest.mark.parametrize("stream", [
    pytest.param(frame(TEXT, b"x", masked=False), id="unmasked"),
    pytest.param(bytes((0xC1, 0x80)) + MASK, id="reserved bit 1"),
    pytest.param(bytes((0xA1, 0x80)) + MASK, id="reserved bit 2"),
    pytest.param(bytes((0x91, 0x80)) + MASK, id="reserved bit 3"),
    pytest.param(frame(0x3, b""), id="unknown data opcode"),
    pytest.param(frame(0xB, b""), id="unknown control opcode"),
    pytest.param(frame(PING, b"", fin=False), id="fragmented ping"),
    pytest.param(frame(PING, b"x" * 126), id="long ping"),
    pytest.param(frame(CONTINUATION, b"x"), id="nothing to continue"),
    pytest.param(frame(TEXT, b"", fin=False) + frame(TEXT, b""), id="message within a message"),
    pytest.param(frame(CLOSE, b"\x03"), id="half a close code"),
    pytest.param(bytes((0x82, 0xFE, 0, 125)) + MASK + b"x" * 125, id="length in 2 bytes, not 1"),
    pytest.param(
        bytes((0x82, 0xFF)) + (65_535).to_bytes(8, "big") + MASK + b"x" * 65_535,
        id="length in 8 bytes, not 2",
    ),
    pytest.param(bytes((0x82, 0xFF)) + (2**63).to_bytes(8, "big"), id="length beyond 63 bits"),
])
def test_what_breaks_the_protocol_is_refused_with_1002(stream: bytes) -> None:
    assert refusal(stream, limit=70_000) == 1002


@pytest.mark.parametrize("stream", [
    pytest.param(frame(TEXT, b"\xff"), id="no UTF-8"),
    pytest.param(frame(TEXT, b"\xed\xa0\x80"), id="surrogate"),
    pytest.param(frame(TEXT, b"\xc0\x80"), id="overlong NUL"),
    pytest.param(frame(TEXT, b"\xf4\x90\x80\x80"), id="beyond Unicode"),
    pytest.param(frame(TEXT, b"\xe2\x82"), id="unfinished character"),
    pytest.param(
        frame(TEXT, b"\xe2", fin=False) + frame(CONTINUATION, b"\x28\xa1"), id="across fragments"
    ),
    pytest.param(frame(CLOSE, close_payload(1000) + b"\xff"), id="close reason"),
])
def test_text_that_is_no_utf8_is_refused_with_1007(stream: bytes) -> None:
    assert refusal(stream) == 1007


def test_a_message_of_the_limit_passes_and_one_byte_more_is_refused_with_1009() -> None:
    assert Decoder(LIMIT).feed(frame(BINARY, b"x" * LIMIT))[0].data == b"x" * LIMIT
    assert refusal(frame(BINARY, b"x" * (LIMIT + 1))) == 1009
    halves = frame(BINARY, b"x" * 600, fin=False) + frame(CONTINUATION, b"x" * 401)
    assert refusal(halves) == 1009


def test_a_length_over_the_limit_is_refused_before_its_payload_is_there() -> None:
    assert refusal(frame(BINARY, b"x" * (LIMIT + 1))[:4]) == 1009
    assert refusal(bytes((0x82, 0xFF)) + (2**62).to_bytes(8, "big")) == 1009


def test_what_was_whole_before_a_refusal_is_not_lost() -> None:
    decoder = Decoder(LIMIT)
    with pytest.raises(Violation):
        decoder.feed(frame(TEXT, b"good") + frame(TEXT, b"\xff"))
    assert decoder.done == [Message(TEXT, "good")]


def test_only_close_codes_that_may_travel_are_taken() -> None:
    taken = {code for code in range(5001) if judge_ours([close(code)], LIMIT).refusal is None}
    assert taken == {*range(1000, 1015), *range(3000, 5000)} - {1004, 1005, 1006}


def close(code: int) -> bytes:
    return frame(CLOSE, close_payload(code))


def test_a_close_reason_is_cut_to_what_a_control_frame_holds_between_characters() -> None:
    made = codec.close_frame(1009, "€" * 100)
    assert made[1] <= 125
    assert made[4:].decode() == "€" * 41


# -- the differential fuzz -----------------------------------------------------------------


def check_like_wsproto(found: list[bytes], places: list[int]) -> None:
    for stream in found:
        pieces = cut(stream, places)
        ours, theirs = judge_ours(pieces, 1 << 20), judge_theirs(pieces)
        assert agree(ours, theirs), f"{stream.hex()}\nours: {ours}\nwsproto: {theirs}"


def agree(ours: Outcome, theirs: Outcome) -> bool:
    """The same messages and the same refusal, but for three stated differences."""
    if ours == theirs:
        return True
    if ours.refusal == 1009:  # wsproto knows no limit
        return ours.messages == theirs.messages
    if theirs.refusal == 1007:  # wsproto judges text as it comes in, we when it is whole
        late = ours.messages[len(theirs.messages):]
        same = ours.messages[: len(theirs.messages)] == theirs.messages
        return same and all(opcode >= CLOSE for opcode, _ in late)
    if theirs.refusal == UNKNOWN_CLOSE and ours.refusal is None:  # 1014 is newer than wsproto
        *before, (opcode, data) = ours.messages
        return before == theirs.messages and (opcode, data[:2]) == (CLOSE, close_payload(1014))
    if theirs.refusal == UNKNOWN_CLOSE:
        return ours.messages == theirs.messages and ours.refusal in (1002, 1007)
    return False


@settings(max_examples=200, deadline=None)
@given(streams(), cuts())
def test_random_streams_are_judged_as_by_wsproto(found: list[bytes], places: list[int]) -> None:
    check_like_wsproto(found, places)


@pytest.mark.long
@pytest.mark.timeout(1800)
@settings(max_examples=20_000, deadline=None)
@given(streams(), cuts())
def test_many_random_streams_are_judged_as_by_wsproto(
    found: list[bytes], places: list[int]
) -> None:
    check_like_wsproto(found, places)
