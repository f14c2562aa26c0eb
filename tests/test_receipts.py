"""Read cursors on `/v2`: they move forward only, and everybody concerned is told."""

from __future__ import annotations

import pytest

from tests.support.chat import burst, expect_silence, heads, refused
from tests.support.client import Person

COUNT = 5


@pytest.fixture
def conversation(alice: Person, bob: Person) -> int:
    """Five messages of alice that bob has not read."""
    with alice.device() as a:
        found: int = burst(a, bob.id, [str(n) for n in range(COUNT)])[0]["conversation"]
    return found


def test_a_receipt_goes_to_every_device_of_both(
    alice: Person, bob: Person, conversation: int
) -> None:
    with alice.device() as a1, alice.device() as a2, bob.device() as b1, bob.device() as b2:
        b1.send(op="read", conversation=conversation, seq=3)
        for device in (a1, a2, b1, b2):
            assert device.receive() == {
                "op": "receipt", "conversation": conversation, "user": bob.id, "seq": 3,
            }
            expect_silence(device)


@pytest.mark.parametrize("lower", [0, 1, 3])
def test_a_cursor_never_falls_and_only_the_asker_hears_of_it(
    alice: Person, bob: Person, conversation: int, lower: int
) -> None:
    with alice.device() as a, bob.device() as b1, bob.device() as b2:
        b1.send(op="read", conversation=conversation, seq=3)
        for device in (a, b1, b2):
            device.expect("receipt")
        b1.send(op="read", conversation=conversation, seq=lower)
        assert b1.receive() == {
            "op": "receipt", "conversation": conversation, "user": bob.id, "seq": 3,
        }
        for device in (a, b1, b2):
            expect_silence(device)


def test_nobody_reads_what_is_not_written_yet(
    alice: Person, bob: Person, conversation: int
) -> None:
    with alice.device() as a, bob.device() as b:
        error = refused(b, "bad_request", op="read", conversation=conversation, seq=COUNT + 1)
        assert str(COUNT) in error["message"]
        for seq in (-1, 2**63, "1", None):
            refused(b, "bad_request", op="read", conversation=conversation, seq=seq)
        expect_silence(a)
    with bob.device() as b:
        assert heads(b) == {conversation: (COUNT, 0)}


def test_a_new_connection_is_greeted_with_its_own_cursor(
    alice: Person, bob: Person, conversation: int
) -> None:
    with bob.device() as b:
        b.send(op="read", conversation=conversation, seq=4)
        b.expect("receipt")
    with bob.device() as b, alice.device() as a:
        assert heads(b) == {conversation: (COUNT, 4)}
        assert heads(a) == {conversation: (COUNT, 0)}


def test_both_sides_read_at_their_own_pace(
    alice: Person, bob: Person, conversation: int
) -> None:
    with alice.device() as a, bob.device() as b:
        a.send(op="read", conversation=conversation, seq=5)
        assert b.expect("receipt")["user"] == alice.id
        b.send(op="read", conversation=conversation, seq=2)
        assert a.expect("receipt", user=bob.id)["seq"] == 2
    with alice.device() as a, bob.device() as b:
        assert (heads(a), heads(b)) == ({conversation: (COUNT, 5)}, {conversation: (COUNT, 2)})


def test_a_message_can_be_read_the_moment_it_arrives(alice: Person, bob: Person) -> None:
    with alice.device() as a, bob.device() as b:
        for seq in range(1, 20):
            a.send(op="send", ref=f"r{seq}", to={"user": bob.id},
                   message={"media": "text", "content": "hi"})
            event = b.expect("event")
            b.send(op="read", conversation=event["conversation"], seq=event["seq"])
            assert a.expect("receipt")["seq"] == seq


def test_a_cursor_that_moves_over_http_is_told_to_every_socket(
    alice: Person, bob: Person, conversation: int
) -> None:
    path = f"/v2/conversations/{conversation}/read"
    with alice.device() as a, bob.device() as b:
        for seq, current in ((2, 2), (1, 2), (5, 5)):
            answer = bob.request("POST", path, json={"seq": seq})
            assert answer.json() == {"conversation": conversation, "seq": current}
        for device in (a, b):
            assert [device.receive()["seq"] for _ in range(2)] == [2, 5]
            expect_silence(device)
