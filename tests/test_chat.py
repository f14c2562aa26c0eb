"""Two people chat on `/v2`: acks, events, order, repeats, several devices."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor

from tests.support.chat import (
    collect,
    expect_silence,
    heads,
    in_promised_order,
    open_chat,
    refused,
    text,
)
from tests.support.client import Person, Socket
from tests.support.log import at_once
from tests.support.server import Server

EACH = 200  # messages of each side


def test_hello_says_who_one_is_and_how_far_each_conversation_is(
    alice: Person, bob: Person
) -> None:
    with alice.device() as a:
        conversation = a.text("one", bob.id)["conversation"]
        a.text("two", bob.id)
    with bob.device() as b:
        hello = b.frames[0]
    sessions = bob.get("/v2/auth/sessions")["sessions"]
    assert hello == {
        "op": "hello", "user": bob.id, "session": sessions[0]["id"], "heartbeat": 25,
        "conversations": [{"id": conversation, "last_seq": 2, "read_seq": 0}], "more": False,
    }


def test_a_message_is_acked_to_its_sender_and_delivered_to_its_receiver(
    alice: Person, bob: Person
) -> None:
    with alice.device() as a, bob.device() as b:
        ack = a.text("hello 你好 👋", bob.id, ref="c1")
        event = b.expect("event")
    assert ack == {"op": "ack", "ref": "c1", "conversation": ack["conversation"], "seq": 1,
                   "at": ack["at"]}
    assert event == {
        "op": "event", "conversation": ack["conversation"], "seq": 1, "type": "message",
        "sender": alice.id, "at": ack["at"],
        "message": {"media": "text", "content": "hello 你好 👋"},
    }


def test_an_event_reaches_every_device_of_both_but_not_the_connection_that_sent_it(
    alice: Person, bob: Person
) -> None:
    with alice.device() as phone, alice.device() as laptop, bob.device() as b1, bob.device() as b2:
        ack = phone.text("hi", bob.id)
        events = [device.receive() for device in (laptop, b1, b2)]
        for device in (phone, laptop, b1, b2):
            expect_silence(device)
    assert [(event["op"], event["seq"]) for event in events] == [("event", ack["seq"])] * 3
    assert events[0] == events[1] == events[2]


def test_an_answer_to_a_message_never_overtakes_the_ack_of_that_message(
    alice: Person, bob: Person
) -> None:
    def echo(device: Socket) -> None:
        for _ in range(2 * EACH):
            frame = device.receive()
            if frame["op"] == "event":
                device.send(op="send", ref=uuid.uuid4().hex, to={"user": alice.id},
                            message=text("re", reply_to=frame["seq"]))

    with alice.device() as a, bob.device() as b, ThreadPoolExecutor(1) as pool:
        answering = pool.submit(echo, b)
        refs = [uuid.uuid4().hex for _ in range(EACH)]
        for ref in refs:
            a.send(op="send", ref=ref, to={"user": bob.id}, message=text("hi"))
        frames = collect(a, 2 * EACH, "ack", "event")
        answering.result()
    acked: set[int] = set()
    for frame in frames:
        if frame["op"] == "ack":
            acked.add(frame["seq"])
        else:
            assert frame["message"]["reply_to"] in acked
    assert [frame["ref"] for frame in frames if frame["op"] == "ack"] == refs


def test_three_devices_see_the_messages_of_both_sides_in_one_dense_order(
    alice: Person, bob: Person
) -> None:
    def talk(device: Socket, to: int, name: str) -> None:
        for number in range(EACH):  # the ref is the content, so that an ack tells it
            content = f"{name}-{number}-{to}"
            device.send(op="send", ref=content, to={"user": to}, message=text(content))

    def listen(device: Socket) -> list[tuple[int, str]]:
        return [
            (frame["seq"], frame["ref"] if frame["op"] == "ack" else frame["message"]["content"])
            for frame in collect(device, 2 * EACH, "ack", "event")
        ]

    with alice.device() as phone, alice.device() as laptop, bob.device() as desk:
        devices = (phone, laptop, desk)
        with ThreadPoolExecutor(5) as pool:
            seen = [pool.submit(listen, device) for device in devices]
            talks = [
                pool.submit(talk, phone, bob.id, "a"), pool.submit(talk, desk, alice.id, "b"),
            ]
            for done in talks:
                done.result()
            orders = [found.result() for found in seen]
        conversation = phone.frames[-1]["conversation"]
    orders = [in_promised_order(order) for order in orders]
    assert [seq for seq, _ in orders[0]] == list(range(1, 2 * EACH + 1))
    assert orders[0] == orders[1] == orders[2] == [
        (event["seq"], event["message"]["content"]) for event in bob.history(conversation)
    ]


def test_a_repeated_ref_gets_the_original_ack_and_no_second_event(
    alice: Person, bob: Person
) -> None:
    with alice.device() as a, bob.device() as b:
        first = a.text("once", bob.id, ref="same")
        again = a.text("once", bob.id, ref="same")
        b.expect("event")
        expect_silence(b)
    assert again == first
    assert len(bob.history(first["conversation"])) == 1


def test_a_repeat_on_a_new_connection_gets_the_original_ack(alice: Person, bob: Person) -> None:
    with alice.device() as a:
        first = a.text("once", bob.id, ref="same")
        a.text("another", bob.id)
    with alice.device() as a, bob.device() as b:
        assert a.text("once", bob.id, ref="same") == first
        expect_silence(b)
    assert len(bob.history(first["conversation"])) == 2


def test_repeats_from_two_devices_at_once_give_one_event_each(alice: Person, bob: Person) -> None:
    def talk(device: Socket) -> list[dict[str, object]]:
        return [device.text(f"{number}", bob.id, ref=f"r{number}") for number in range(50)]

    with alice.device() as phone, alice.device() as laptop, bob.device() as b:
        one, two = at_once([lambda: talk(phone), lambda: talk(laptop)])
        events = collect(b, 50, "event")
        expect_silence(b)
    assert one == two
    assert [event["seq"] for event in events] == [ack["seq"] for ack in one] == list(range(1, 51))


def test_a_ref_that_was_used_for_another_message_is_a_conflict(
    server: Server, alice: Person, bob: Person
) -> None:
    carol = Person(server)
    with alice.device() as a:
        ack = a.text("first", bob.id, ref="r")
        for to, content in ((bob, "second"), (carol, "first")):
            error = refused(a, "ref_conflict", op="send", ref="r", to={"user": to.id},
                            message=text(content))
            assert error["retry"] is False
        assert a.text("first", bob.id, ref="r") == ack
    assert len(bob.history(ack["conversation"])) == 1
    assert carol.get("/v2/conversations")["conversations"] == []


def test_a_repeat_after_the_partner_left_still_gets_the_original_ack(
    alice: Person, bob: Person
) -> None:
    with alice.device() as a:
        ack = a.text("last words", bob.id, ref="r")
        assert bob.request("DELETE", "/v2/users/me").status_code == 204
        a.send(op="send", ref="r", to={"user": bob.id}, message=text("last words"))
        assert a.receive() == ack


def test_a_message_to_a_user_and_one_to_the_conversation_land_in_the_same_log(
    alice: Person, bob: Person
) -> None:
    conversation = open_chat(bob, alice)
    with alice.device() as a, bob.device() as b:
        assert a.text("to bob", bob.id)["conversation"] == conversation
        b.send(op="send", ref="x", conversation=conversation, message=text("to the chat"))
        assert b.expect("ack")["seq"] == 2
        assert a.expect("event")["message"]["content"] == "to the chat"


def test_a_reply_names_the_message_it_answers(alice: Person, bob: Person) -> None:
    with alice.device() as a, bob.device() as b:
        asked = a.text("?", bob.id)
        b.send(op="send", ref="x", conversation=asked["conversation"],
               message=text("!", reply_to=asked["seq"]))
        assert a.expect("event")["message"] == text("!", reply_to=1)


def test_notes_to_oneself_are_stored_and_reach_ones_other_devices_once(alice: Person) -> None:
    with alice.device() as phone, alice.device() as laptop:
        ack = phone.text("milk", alice.id)
        assert laptop.expect("event")["message"]["content"] == "milk"
        expect_silence(laptop)
        expect_silence(phone)
    assert [event["seq"] for event in alice.history(ack["conversation"])] == [1]
    with alice.device() as phone:
        assert heads(phone) == {ack["conversation"]: (1, 0)}


def test_every_field_of_a_message_arrives_as_it_was_sent(alice: Person, bob: Person) -> None:
    medium = alice.upload(b"%PDF-1.7 page 2", "报告.pdf")
    message = {"media": "file", "content": "see page 2", "sent_at": 1672996855236}
    file = {"id": medium["id"], "name": "报告.pdf", "type": "application/pdf", "size": 15}
    with alice.device() as a, bob.device() as b:
        a.send(
            op="send", ref="x", to={"user": bob.id},
            message=message | {"attachment": {"id": medium["id"]}},
        )
        assert b.expect("event")["message"] == message | {"attachment": file}
