"""The seed's socket: its own client, unmodified, chats over it, also with people on `/v2`."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.support.chat import collect, in_promised_order, text
from tests.support.chat import expect_silence as expect_v2_silence
from tests.support.client import Person, Socket
from tests.support.seed import expect_silence, history, line, message, private

HEARTBEAT = {"TargetId": 0, "Type": 0, "CreateTime": 1, "userId": 0, "Media": -1, "Content": ""}


def test_a_private_message_reaches_all_connections_but_the_one_that_sent_it(
    alice: Person, bob: Person
) -> None:
    with (
        alice.seed_device() as a1, alice.seed_device() as a2,
        bob.seed_device() as b1, bob.seed_device() as b2,
    ):
        a1.send(**private(bob.id, "在干嘛"))
        found = [message(device) for device in (a2, b1, b2)]
        for device in (a1, a2, b1, b2):
            expect_silence(device)
    assert found[0] == found[1] == found[2]
    assert found[0]["Content"] == "在干嘛"


def test_what_goes_out_has_exactly_the_seeds_keys_and_ours(alice: Person, bob: Person) -> None:
    with alice.seed_device() as a, bob.seed_device() as b:
        a.send(**private(bob.id, "在干嘛", CreateTime=1672996855236))
        found = message(b)
    assert found == {
        "userId": alice.id, "TargetId": bob.id, "Type": 1, "Media": 1, "Content": "在干嘛",
        "url": "", "Url": "", "Desc": "", "amount": 0, "CreateTime": 1672996855236,
        "Id": found["Id"], "Seq": 1,
    }
    assert isinstance(found["Id"], str) and found["Id"]


def test_the_sender_is_who_the_token_says_whatever_the_payload_says(
    alice: Person, bob: Person
) -> None:
    with alice.seed_device() as a, bob.seed_device() as b:
        for claimed in (bob.id, 0, -1, "x", None, [1]):
            a.send(**private(bob.id, "it is me", userId=claimed))
            assert message(b)["userId"] == alice.id


@pytest.mark.parametrize(("given", "expected"), [
    ({"CONTENT": "a"}, {"Content": "a"}),
    ({"content": "a", "media": 3, "AMOUNT": 7}, {"Content": "a", "Media": 3, "amount": 7}),
    ({"Content": "a", "Amount": 7}, {"amount": 7}),
    ({"Content": "exact", "content": "other"}, {"Content": "exact"}),
    ({"content": "other", "Content": "exact"}, {"Content": "exact"}),
    ({"Media": 5, "url": "/picture", "Url": "/file"}, {"url": "/picture", "Url": "/file"}),
    ({"Media": 5, "Url": "/file"}, {"url": "", "Url": "/file"}),
    ({"Media": 4, "url": "/picture"}, {"url": "/picture", "Url": ""}),
    ({"Media": 4, "pic": "/picture"}, {"url": "/picture", "Url": ""}),
    ({"Media": 4, "Pic": "/other", "url": "/picture"}, {"url": "/picture", "Url": ""}),
    ({"Media": 5, "DESC": "report", "createtime": 5}, {"Desc": "report", "CreateTime": 5}),
    ({"Content": "a", "Stranger": 1, "uuid": "x"}, {"Content": "a"}),
])
def test_keys_are_matched_without_regard_to_case_and_an_exact_one_wins(
    alice: Person, bob: Person, given: dict[str, Any], expected: dict[str, Any]
) -> None:
    with alice.seed_device() as a, bob.seed_device() as b:
        a.send(**{"targetid": bob.id, "TYPE": 1, **given})
        found = message(b)
    assert {key: found[key] for key in expected} == expected


@pytest.mark.parametrize("fields", [
    {"Media": 2, "Content": "/emoji/7.png"}, {"Media": 2, "url": "/emoji/7.gif"},
    {"Media": 3, "url": "/voice.mp3", "amount": 12},
    {"Media": 4, "url": "/picture.png"},
    {"Media": 5, "Url": "/report.pdf", "Desc": "Q3 报告", "amount": 1_048_576},
])
def test_voice_pictures_and_files_arrive_with_their_fields(
    alice: Person, bob: Person, fields: dict[str, Any]
) -> None:
    with alice.seed_device() as a, bob.seed_device() as b:
        a.send(**private(bob.id, **fields))
        found = message(b)
    assert {key: found[key] for key in fields} == fields


@pytest.mark.parametrize("more", [
    {}, {"TargetId": -1}, {"TargetId": -1, "Media": -1, "CreateTime": 1.5, "Content": None},
    {"TargetId": "", "Media": "", "amount": -1, "userId": "x"},
])
def test_a_heartbeat_is_not_answered_and_the_socket_lives_on(
    alice: Person, bob: Person, more: dict[str, Any]
) -> None:
    with alice.seed_device() as a, bob.seed_device() as b:
        for _ in range(3):
            a.send(**(HEARTBEAT | more))
        expect_silence(a)
        a.send(**private(bob.id, "still here"))
        assert message(b)["Content"] == "still here"
        expect_silence(b)


def test_a_message_without_a_time_of_its_own_gets_the_servers(alice: Person, bob: Person) -> None:
    with alice.seed_device() as a, bob.seed_device() as b:
        a.send(**private(bob.id, "when?", CreateTime=0))
        found = message(b)
    conversation = bob.get("/v2/conversations")["conversations"][0]["id"]
    assert found["CreateTime"] == bob.history(conversation)[0]["at"]


def test_a_receiver_who_is_offline_finds_the_message_in_the_history(
    alice: Person, bob: Person
) -> None:
    with alice.seed_device() as a, alice.seed_device() as other:
        a.send(**private(bob.id, "later"))
        sent = message(other)
        expect_silence(a)
    assert history(bob, alice.id, 0, 10)["Total"] == [json.dumps(sent, separators=(",", ":"))]


@pytest.mark.parametrize("payload", [
    private(2**50, "nobody"), private(0, "nobody"), private(-1, "x"), private(1.5, "x"),
    private("x", "x"), private(2**70, "x"), private(None, "x"),
    private(1, "to a group", Type=2), private(1, "to all", Type=3), private(1, "?", Type=9),
    private(1, "?", Media=0), private(1, "?", Media=6), private(1, "?", Media="{}"),
    private(1, ""), private(1, "x" * 10_001), private(1, "a\0b"), {}, {"Type": 1}, [], "{}", 7,
    None, {"{": "}"},
])
def test_what_cannot_be_sent_is_answered_by_a_line_without_braces_and_the_socket_lives_on(
    alice: Person, bob: Person, payload: Any
) -> None:
    with alice.seed_device() as a, bob.seed_device() as b:
        a.send_text(json.dumps(payload))
        assert line(a)
        a.send(**private(bob.id, "still here"))
        assert message(b)["Content"] == "still here"
        expect_silence(a)


def test_nothing_but_messages_is_json_on_this_socket(alice: Person, bob: Person) -> None:
    with alice.seed_device() as a, alice.device() as v2, bob.seed_device() as b:
        a.send(**private(bob.id, "one"))
        message(b)
        event = v2.expect("event")
        v2.send(op="read", conversation=event["conversation"], seq=1)
        v2.expect("receipt")
        expect_silence(a)  # neither greeting, nor ack, nor receipt
        expect_silence(b)


def test_a_v1_message_reaches_v2_with_all_that_it_says(alice: Person, bob: Person) -> None:
    with alice.seed_device() as a, bob.device() as b:
        a.send(**private(bob.id, "voice", Media=3, url="/voice.mp3", amount=12))
        event = b.expect("event")
    assert (event["type"], event["sender"], event["seq"]) == ("message", alice.id, 1)
    assert event["message"] == {
        "media": "audio", "content": "voice", "sent_at": 1672996855236,
        "attachment": {"url": "/voice.mp3", "amount": 12},
    }


@pytest.mark.parametrize(("media", "number"), [
    ("text", 1), ("emoji", 2), ("audio", 3), ("image", 4), ("file", 5), ("video", 5),
])
def test_a_v2_message_reaches_v1_as_the_media_that_it_knows(
    alice: Person, bob: Person, media: str, number: int
) -> None:
    with alice.device() as a, bob.seed_device() as b:
        a.send(op="send", ref="r", to={"user": bob.id}, message={"media": media, "content": "hi"})
        ack = a.expect("ack")
        found = message(b)
    assert (found["Media"], found["Content"], found["Seq"]) == (number, "hi", ack["seq"])
    assert (found["userId"], found["TargetId"]) == (alice.id, bob.id)
    assert found["CreateTime"] == ack["at"]


def test_three_devices_on_both_dialects_see_one_order(alice: Person, bob: Person) -> None:
    each = 100

    def see_seed(device: Socket, count: int) -> list[tuple[int, str]]:
        found = [message(device) for _ in range(count)]
        return [(item["Seq"], item["Content"]) for item in found]

    def see_v2(device: Socket) -> list[tuple[int, str]]:
        return [
            (frame["seq"], frame["ref"] if frame["op"] == "ack" else frame["message"]["content"])
            for frame in collect(device, 2 * each, "ack", "event")
        ]

    with alice.seed_device() as old, alice.device() as new, bob.seed_device() as desk:
        with ThreadPoolExecutor(4) as pool:
            seen = [pool.submit(see_v2, new), pool.submit(see_seed, desk, each),
                    pool.submit(see_seed, old, 2 * each)]
            for number in range(each):
                content = f"new-{number}-{bob.id}"  # also the ref, so that the ack tells it
                new.send(op="send", ref=content, to={"user": bob.id}, message=text(content))
                desk.send(**private(alice.id, f"desk-{number}"))
            orders = [found.result() for found in seen]
        expect_v2_silence(new)
        expect_silence(desk)
    whole, from_alice, seed_view = in_promised_order(orders[0]), *orders[1:]
    assert [seq for seq, _ in whole] == list(range(1, 2 * each + 1))
    assert seed_view == whole
    assert from_alice == [item for item in whole if item[1].startswith("new-")]
