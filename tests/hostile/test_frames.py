"""Hostile frames and requests on `/v2`: a close frame that says why, or no socket at all.

What is odd but allowed is served.
"""

from __future__ import annotations

import json
import time

import jwt
import pytest

from tests.hostile.texts import send_text
from tests.support.client import Person
from tests.support.handshake import ask, bearer
from tests.support.raw import MASK, RawSocket, frame

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA


@pytest.mark.parametrize(("stream", "code"), [
    pytest.param(frame(TEXT, b"x" * 2_000_000), 1009, id="2 MB message"),
    pytest.param(
        frame(TEXT, b"x" * 70_000, fin=False) + frame(CONTINUATION, b"x" * 70_000), 1009,
        id="too long in fragments",
    ),
    pytest.param(frame(TEXT, b'{"op":"\xff"}'), 1007, id="invalid UTF-8"),
    pytest.param(frame(TEXT, b'"\xed\xa0\x80"'), 1007, id="surrogate in UTF-8"),
    pytest.param(frame(TEXT, b"{}", masked=False), 1002, id="unmasked"),
    pytest.param(frame(PING, b"x", fin=False), 1002, id="fragmented ping"),
    pytest.param(frame(PING, b"x" * 126), 1002, id="long ping"),
    pytest.param(frame(CONTINUATION, b"x"), 1002, id="nothing to continue"),
    pytest.param(frame(TEXT, b"", fin=False) + frame(TEXT, b""), 1002, id="two messages at once"),
    pytest.param(bytes((0xC1, 0x80)) + MASK, 1002, id="compressed without agreement"),
    pytest.param(frame(0x7, b""), 1002, id="unknown opcode"),
    pytest.param(frame(CLOSE, b"\x03\xed"), 1002, id="close with 1005"),
])
def test_a_broken_stream_gets_a_close_frame_and_then_the_end(
    alice: Person, stream: bytes, code: int
) -> None:
    with RawSocket(alice) as raw:
        raw.send(stream)
        assert raw.close_code() == code
        raw.wait_end()


def test_fragments_with_control_frames_between_them_are_a_message(
    alice: Person, bob: Person
) -> None:
    text = send_text(str(bob.id), content='"in 你好 parts"').encode()
    with RawSocket(alice) as raw:
        raw.receive()  # hello
        raw.send(frame(TEXT, text[:1], fin=False) + frame(PING, b"one"))
        for at in range(1, len(text)):
            raw.send(frame(CONTINUATION, text[at : at + 1], fin=False) + frame(PONG, b""))
        raw.send(frame(PING, b"two") + frame(CONTINUATION, b""))
        received = [raw.receive() for _ in range(3)]
    assert received[:2] == [(PONG, b"one"), (PONG, b"two")]
    assert json.loads(received[2][1])["op"] == "ack"


def test_a_sender_of_one_byte_at_a_time_is_served(alice: Person, bob: Person) -> None:
    with RawSocket(alice) as raw:
        raw.receive()  # hello
        for byte in frame(TEXT, send_text(str(bob.id)).encode()):
            raw.send(bytes((byte,)))
        assert json.loads(raw.receive()[1])["op"] == "ack"


def test_a_binary_frame_gets_an_error_and_the_socket_lives_on(alice: Person) -> None:
    with RawSocket(alice) as raw:
        raw.receive()  # hello
        raw.send(frame(BINARY, b"\x00\xff") + frame(TEXT, b'{"op":"sync","ref":"n","cursors":{}}'))
        answers = [json.loads(raw.receive()[1]) for _ in range(2)]
    assert [(item["op"], item.get("code")) for item in answers] == [
        ("error", "bad_request"), ("synced", None),
    ]


# -- requests that get no socket (the details are in test_handshake.py) ----------------------


def test_a_wrong_origin_and_bad_tokens_get_no_socket(alice: Person) -> None:
    key = (alice.server.folder / "secret_key").read_text()
    claims = jwt.decode(alice.token, key, algorithms=["HS256"])
    expired = jwt.encode({**claims, "exp": int(time.time()) - 5}, key, algorithm="HS256")
    foreign = jwt.encode(claims, "another key, as long as the genuine one", algorithm="HS256")
    for headers, status in (
        ({**bearer(alice.token), "Origin": "https://evil.example.org"}, 403),
        ({}, 401), (bearer("x"), 401), (bearer(expired), 401), (bearer(foreign), 401),
    ):
        assert ask(alice.server, headers=headers).status == status
