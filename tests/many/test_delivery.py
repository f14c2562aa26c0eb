"""Two people on two processes: what one says, the other hears, as if there were one process."""

from __future__ import annotations

import json
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.many.conftest import Pair
from tests.support.chat import both_talk, burst, collect, expect_silence, open_chat
from tests.support.client import Person, Socket
from tests.support.groups import new_group
from tests.test_metrics import numbers


def contents(events: list[dict]) -> list[str]:
    return [event["message"]["content"] for event in events]


def test_a_message_is_acked_here_and_heard_there_once(alice: Person, bob: Person) -> None:
    with alice.device() as a, alice.device() as other, bob.device() as b:
        ack = a.text("hi", bob.id)
        for device in (other, b):
            event = device.receive()
            assert (event["op"], event["seq"], event["at"]) == ("event", ack["seq"], ack["at"])
            assert event["message"] == {"media": "text", "content": "hi"}
        for device in (a, other, b):
            expect_silence(device)


def test_events_come_by_the_bus_and_not_out_of_the_log(
    pair: Pair, alice: Person, bob: Person
) -> None:
    with alice.device() as a, bob.device() as b:
        group = new_group(alice, bob)
        a.text("first", bob.id)
        before = [numbers(server) for server in pair]
        for number in range(20):
            a.text(str(number), bob.id)
            a.say(str(number), group)
        collect(b, 42, "event")
        after = [numbers(server) for server in pair]
    name = "hichat_events_recovered_total"
    assert [found[name] for found in after] == [found[name] for found in before]
    assert [found["hichat_bus_dropped_total"] for found in after] == [0, 0]
    letters = "hichat_bus_letters_total"
    assert after[0][letters] - before[0][letters] >= 40


def test_all_of_a_burst_is_heard_in_its_order(alice: Person, bob: Person) -> None:
    texts = [str(number) for number in range(300)]
    with alice.device() as a, bob.device() as b:
        acks = burst(a, bob.id, texts)
        assert [ack["seq"] for ack in acks] == list(range(1, 301))
        events = collect(b, 300, "event")
        assert [event["seq"] for event in events] == list(range(1, 301))
        assert contents(events) == texts
        expect_silence(b)


def test_both_talk_at_once_and_every_device_hears_one_order(
    pair: Pair, alice: Person, bob: Person
) -> None:
    """Each connection gets acks for what it said itself; the others hear all of it."""
    with alice.device() as a, bob.device() as b, alice.at(pair[1]).device() as third:
        heard = both_talk(a, b, (alice.id, bob.id), third)
        for device, own in ((a, alice.id), (b, bob.id)):
            device.send(op="sync", ref="s", cursors={})
            device.expect("synced")
            seqs = [frame["seq"] for frame in device.frames if frame["op"] == "event"]
            assert seqs == [event["seq"] for event in heard if event["sender"] != own]


def test_the_old_client_hears_each_message_once(alice: Person, bob: Person) -> None:
    with alice.device() as a, bob.seed_device() as b:
        burst(a, bob.id, [str(number) for number in range(50)])
        heard = [json.loads(b.receive_text()) for _ in range(50)]
        assert [message["Content"] for message in heard] == [str(number) for number in range(50)]
        b.expect_nothing()


def test_the_old_client_is_heard_too(alice: Person, bob: Person) -> None:
    with alice.seed_device() as a, bob.device() as b:
        a.send(userId=alice.id, TargetId=bob.id, Type=1, Media=1, Content="old")
        assert b.receive()["message"]["content"] == "old"


def test_who_comes_to_know_somebody_new_hears_the_first_message(alice: Person, bob: Person) -> None:
    with alice.device() as a, bob.device() as b:
        a.text("first", bob.id)
        assert b.receive()["seq"] == 1


def test_what_was_said_while_one_was_away_is_not_pushed_again(alice: Person, bob: Person) -> None:
    """It is in the heads of the greeting, and `sync` brings it."""
    with alice.device() as a:
        chat = a.text("one", bob.id)["conversation"]
        for _ in range(3):
            with bob.device() as b:
                head = b.frames[0]["conversations"][0]
                events = b.sync(**{f"c{chat}": 0})
                assert events[-1]["seq"] == head["last_seq"]
                seq = a.text("next", bob.id)["seq"]
                assert b.receive()["seq"] == seq
                expect_silence(b)
            a.text("missed", bob.id)


def test_read_marks_and_typing_go_across(alice: Person, bob: Person) -> None:
    with alice.device() as a, bob.device() as b, bob.device() as other:
        ack = a.text("hi", bob.id)
        chat = ack["conversation"]
        b.expect("event")
        b.send(op="read", conversation=chat, seq=1)
        receipt = {"op": "receipt", "conversation": chat, "user": bob.id, "seq": 1}
        assert a.receive() == receipt
        other.expect("receipt")
        b.send(op="typing", conversation=chat)
        assert a.receive() == {"op": "typing", "conversation": chat, "user": bob.id}
        expect_silence(a)
        assert b.receive() == receipt
        expect_silence(b)


def test_changes_of_a_message_go_across(alice: Person, bob: Person) -> None:
    with alice.device() as a, bob.device() as b:
        chat = a.text("teh", bob.id)["conversation"]
        b.expect("event", type="message")
        a.send(op="edit", ref="e", conversation=chat, seq=1, message={"content": "the"})
        assert b.expect("event", type="edit")["edit"]["message"]["content"] == "the"
        b.send(op="react", ref="r", conversation=chat, seq=1, emoji="👍", on=True)
        assert a.expect("event", type="reaction")["reaction"]["count"] == 1


def test_a_group_is_heard_from_ones_joining_to_ones_removal(alice: Person, bob: Person) -> None:
    """And nothing before or behind, though the others go on talking meanwhile."""
    with alice.device() as a, bob.device() as b:
        group = new_group(alice)
        a.expect("event", type="group")
        for _ in range(3):
            a.say("before", group)
            joined = alice.post(f"/v2/groups/{group}/members", users=[bob.id])
            assert joined.ok, joined.text
            said = [a.say(f"during {number}", group)["seq"] for number in range(5)]
            removed = alice.request("DELETE", f"/v2/groups/{group}/members/{bob.id}")
            assert removed.status_code == 204
            a.say("behind", group)
            events = collect(b, 7, "event")
            assert [event["type"] for event in events] == ["members", *["message"] * 5, "members"]
            assert [event["seq"] for event in events[1:-1]] == said
        expect_silence(b)


def test_a_new_group_reaches_its_members_everywhere(alice: Person, bob: Person) -> None:
    with alice.device() as a, bob.device() as b:
        group = new_group(alice, bob)
        assert b.receive()["group"]["created"] is True
        a.say("welcome", group)
        assert b.receive()["message"]["content"] == "welcome"
        b.say("thanks", group)
        assert a.expect("event", type="message")["message"]["content"] == "thanks"
        assert alice.request("DELETE", f"/v2/groups/{group}").status_code == 204
        assert b.receive()["group"] == {"disbanded": True}
        b.send(op="send", ref="x", conversation=group, message={"media": "text", "content": "x"})
        assert b.receive()["code"] == "not_a_member"


def test_admins_hear_elsewhere_who_asks_to_come_in(alice: Person, bob: Person) -> None:
    group = new_group(alice, join="approval")
    with alice.device() as a:
        assert bob.post(f"/v2/groups/{group}/join").status_code == 202
        assert a.receive() == {"op": "requests", "conversation": group, "count": 1}


def test_a_broadcast_reaches_everybody(pair: Pair, alice: Person, bob: Person) -> None:
    pair[0].operate("admin", alice.name)
    with alice.device() as a, bob.device() as b, bob.seed_device() as seed:
        ref = uuid.uuid4().hex
        message = {"media": "text", "content": "news"}
        assert alice.post("/v2/broadcasts", ref=ref, message=message).status_code == 201
        for device in (a, b):
            assert device.receive()["message"]["content"] == "news"
        assert json.loads(seed.receive_text())["Content"] == "news"


@pytest.mark.parametrize("count", [40])
def test_many_conversations_at_once_are_each_in_order(
    pair: Pair, alice: Person, count: int
) -> None:
    with ThreadPoolExecutor(4) as pool:
        others = list(pool.map(lambda _: Person(pair[1]), range(count)))
    with alice.device() as a:
        devices = [other.device() for other in others]
        sockets: list[Socket] = [device.__enter__() for device in devices]
        for number in range(5):
            for other in others:
                message = {"media": "text", "content": str(number)}
                a.send(op="send", ref=uuid.uuid4().hex, to={"user": other.id}, message=message)
        for socket in sockets:
            assert contents(collect(socket, 5, "event")) == ["0", "1", "2", "3", "4"]
        for device in devices:
            device.__exit__(None, None, None)


def test_one_opens_a_chat_and_the_other_finds_it(alice: Person, bob: Person) -> None:
    assert open_chat(alice, bob) == open_chat(bob, alice)
