"""The same hostility on `/v1`: its answers are plain text without braces, and the socket lives on.

The seed's client takes every frame with a `}` in it for a message.
"""

from __future__ import annotations

import json

import pytest

from tests.hostile.texts import NESTED, seed_text
from tests.support.bystanders import Bystanders
from tests.support.client import Person
from tests.support.handshake import HandMade, ask
from tests.support.raw import frame

CONTINUATION, TEXT, BINARY, PING, PONG = 0x0, 0x1, 0x2, 0x9, 0xA
LONG = "9" * 5000


def check_notice(alice: Person, bob: Person, *texts: str) -> None:
    """Each text gets one notice that names no internals; afterwards a message gets through."""
    with alice.seed_device() as a, bob.seed_device() as b:
        for text in texts:
            a.send_text(text)
            notice = a.receive_text()
            assert "{" not in notice and "}" not in notice
            assert 0 < len(notice) < 300
            code, _, words = notice.partition(": ")
            assert code in ("bad_json", "bad_request", "unknown_user", "not_a_member"), notice
            assert words
        a.send_text(seed_text(str(bob.id), content='"the next"'))
        assert json.loads(b.receive_text())["Content"] == "the next"


def test_text_that_is_no_json(alice: Person, bob: Person) -> None:
    check_notice(alice, bob, "", " ", "hello", "{", "{\0}", '{"Type":1', '{"Type":1}}', "\ufeff{}")


def test_text_that_is_no_json_behind_a_wrong_type(alice: Person, bob: Person) -> None:
    check_notice(alice, bob, '{"Type":"1"', '{"Type":"1","Content":NaN}', '{"Type":"1"} {')


def test_json_that_is_no_message(alice: Person, bob: Person) -> None:
    check_notice(alice, bob, "null", "5", '"Type"', "[]", "{}", '{"{}":5}', '{"op":"send"}')


@pytest.mark.parametrize("text", [
    seed_text('"13"'), seed_text("1.5"), seed_text("-1"), seed_text("0"), seed_text("[]"),
    seed_text(str(2**53 + 1)), seed_text("1", content="5"), seed_text("1", content="{}"),
    seed_text("1", content='""'), seed_text("1", kind='"1"'), seed_text("1", kind="4"),
    seed_text("1", kind="-1"), seed_text("1", kind="null"), seed_text("1", media="9"),
    seed_text("1", media="-1"), seed_text("1", media='"text"'),
])
def test_wrong_types_and_values(alice: Person, bob: Person, text: str) -> None:
    check_notice(alice, bob, text)


def test_missing_fields(alice: Person, bob: Person) -> None:
    check_notice(alice, bob, '{"TargetId":1,"Content":"x"}', '{"Type":1,"Content":"x"}')


def test_a_lone_surrogate_and_nul(alice: Person, bob: Person) -> None:
    for content in ('"\\ud800"', '"\\udc00 x"', '"a\\u0000b"', '"a\0b"'):
        check_notice(alice, bob, seed_text("1", content=content))


def test_a_hundred_thousand_nested_brackets(alice: Person, bob: Person) -> None:
    check_notice(alice, bob, "[" * 100_000, NESTED, '{"Type":' * 10_000)
    check_notice(alice, bob, seed_text(NESTED), seed_text("1", kind=NESTED))
    check_notice(alice, bob, seed_text("1", content=NESTED), seed_text("1", user=NESTED))


def test_numbers_of_5000_digits_and_nan(alice: Person, bob: Person) -> None:
    for number in (LONG, f"-{LONG}", "1e999", "NaN", "Infinity"):
        check_notice(alice, bob, seed_text(number), seed_text("1", kind=number))


def test_an_unknown_target(alice: Person, bob: Person) -> None:
    check_notice(alice, bob, seed_text("999999999"), seed_text("999999999", kind="2"))


def test_a_heartbeat_is_not_answered(alice: Person, bob: Person) -> None:
    with alice.seed_device() as a:
        a.send_text(seed_text("0", kind="0", media="-1", content='""'))
        a.expect_nothing()


@pytest.mark.parametrize("key", ["userId", "UserID", "USERID"])
def test_someone_elses_user_id_is_overwritten(
    alice: Person, bob: Person, bystanders: Bystanders, key: str
) -> None:
    other = bystanders.people[0].id
    with alice.seed_device() as a, bob.seed_device() as b, bob.device() as c:
        a.send_text(seed_text(str(bob.id), user=str(other)).replace("userId", key))
        assert json.loads(b.receive_text())["userId"] == alice.id
        assert c.receive()["sender"] == alice.id


def test_someone_elses_user_id_in_the_address_gets_no_socket(alice: Person, bob: Person) -> None:
    path = f"/v1/user/SendUserMsg?token={alice.token}&userId={bob.id}"
    assert ask(alice.server, path).status == 401


# -- frames ----------------------------------------------------------------------------------


def upgraded(person: Person) -> HandMade:
    path = f"/v1/user/SendUserMsg?token={person.token}&userId={person.id}"
    made = HandMade(person.server, path)
    assert made.answer.status == 101
    return made


@pytest.mark.parametrize(("stream", "code"), [
    pytest.param(frame(TEXT, b"x" * 2_000_000), 1009, id="2 MB message"),
    pytest.param(frame(TEXT, b'{"Type":"\xff"}'), 1007, id="invalid UTF-8"),
    pytest.param(frame(TEXT, b"{}", masked=False), 1002, id="unmasked"),
    pytest.param(frame(PING, b"x", fin=False), 1002, id="fragmented ping"),
    pytest.param(frame(CONTINUATION, b"x"), 1002, id="nothing to continue"),
])
def test_a_broken_stream_gets_a_close_frame_and_then_the_end(
    alice: Person, stream: bytes, code: int
) -> None:
    with upgraded(alice) as raw:
        raw.send(stream)
        assert raw.close_code() == code
        raw.wait_end()


def test_a_binary_frame_gets_a_notice_and_the_socket_lives_on(alice: Person) -> None:
    with upgraded(alice) as raw:
        raw.send(frame(BINARY, b"{\xff}") + frame(PING, b"still here"))
        opcode, notice = raw.receive()
        assert opcode == TEXT and notice.startswith(b"bad_request: ") and b"}" not in notice
        assert raw.receive() == (PONG, b"still here")


def test_fragments_and_single_bytes_are_a_message(alice: Person, bob: Person) -> None:
    text = seed_text(str(bob.id), content='"in 你好 parts"').encode()
    stream = frame(TEXT, text[:70], fin=False) + frame(PING, b"p") + frame(CONTINUATION, text[70:])
    with bob.seed_device() as b, upgraded(alice) as raw:
        for byte in stream:
            raw.send(bytes((byte,)))
        assert json.loads(b.receive_text())["Content"] == "in 你好 parts"
        assert raw.receive() == (PONG, b"p")
