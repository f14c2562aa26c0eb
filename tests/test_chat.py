"""Two people chat on `/v2`: acks, events, repeats, several devices."""

from tests.support.client import Person


def test_a_message_is_acked_to_its_sender_and_delivered_to_its_receiver(
    alice: Person, bob: Person
) -> None:
    with alice.device() as a, bob.device() as b:
        ack = a.text("hello 你好 👋", bob.id, ref="c1")
        event = b.expect("event")
    assert ack["seq"] == 1
    assert event == {
        "op": "event", "conversation": ack["conversation"], "seq": 1, "type": "message",
        "sender": alice.id, "at": ack["at"],
        "message": {"media": "text", "content": "hello 你好 👋"},
    }


def test_a_repeated_ref_gets_the_original_ack_and_no_second_event(
    alice: Person, bob: Person
) -> None:
    with alice.device() as a, bob.device() as b:
        first = a.text("once", bob.id, ref="same")
        again = a.text("once", bob.id, ref="same")
        b.expect("event")
        b.expect_nothing()
    assert again == first
    assert len(bob.history(first["conversation"])) == 1
