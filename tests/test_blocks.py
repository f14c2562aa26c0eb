"""What a block keeps from the two, in both directions: typing, presence, receipts, changes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.chat import expect_silence, open_chat, refused, text
from tests.support.client import Person, Socket
from tests.support.groups import new_group
from tests.support.server import Server


@pytest.fixture
def chat(alice: Person, bob: Person) -> int:
    """Alice and Bob are friends and have talked: seq 1 is Alice's, 2 is Bob's."""
    assert alice.post("/v2/contacts", user=bob.id).ok
    assert bob.post(f"/v2/contacts/{alice.id}/accept").ok
    found = open_chat(alice, bob)
    for person in (alice, bob):
        message = {"ref": "first", "message": text("hello")}
        assert person.post(f"/v2/conversations/{found}/messages", **message).ok
    return found


@pytest.fixture
def a(alice: Person, chat: int) -> Iterator[Socket]:
    with alice.device() as device:
        yield device


@pytest.fixture
def b(bob: Person, chat: int) -> Iterator[Socket]:
    with bob.device() as device:
        yield device


def block(one: Person, other: Person, device: Socket) -> None:
    """`one` blocks `other`; `device` of theirs hears of it, the other's does not."""
    assert one.request("PUT", f"/v2/contacts/{other.id}/block").ok
    told = device.expect("event", type="contact")
    assert (told["contact"]["user"], told["contact"]["blocked"]) == (other.id, True)


def unblock(one: Person, other: Person, device: Socket) -> None:
    assert one.request("DELETE", f"/v2/contacts/{other.id}/block").ok
    assert device.expect("event", type="contact")["contact"]["blocked"] is False


def watch(device: Socket, user: Person) -> bool:
    device.send(op="watch", users=[user.id])
    return bool(device.expect("presence", user=user.id)["online"])


def test_typing_crosses_a_block_in_no_direction(
    alice: Person, bob: Person, chat: int, a: Socket, b: Socket
) -> None:
    typing = {"op": "typing", "conversation": chat}
    b.send(**typing)  # Bob is known as one who may: that ends with the block
    assert a.receive()["op"] == "typing"
    block(alice, bob, a)
    for device, other in ((b, a), (a, b)):
        device.send(**typing)
        assert device.receive()["code"] == "blocked"
        expect_silence(other)


def test_typing_is_heard_again_when_the_block_has_ended(
    alice: Person, bob: Person, chat: int, a: Socket, b: Socket
) -> None:
    block(alice, bob, a)
    unblock(alice, bob, a)
    for device, other in ((b, a), (a, b)):
        device.send(op="typing", conversation=chat)
        assert other.receive()["op"] == "typing"


def test_presence_crosses_a_block_in_no_direction(
    alice: Person, bob: Person, a: Socket, b: Socket
) -> None:
    people = ((a, alice, bob), (b, bob, alice))
    for device, _, other in people:
        assert watch(device, other)
    assert alice.request("PUT", f"/v2/contacts/{bob.id}/block").ok
    for device, person, other in people:
        offline = {"op": "presence", "user": other.id, "online": False}  # and not since when
        assert device.expect("presence") == offline
        assert person.get("/v2/presence", users=other.id) == {"presence": [offline]}
        assert not watch(device, other)


def test_who_comes_back_behind_a_block_is_not_seen(
    alice: Person, bob: Person, a: Socket, b: Socket
) -> None:
    block(alice, bob, a)
    for device, other in ((a, bob), (b, alice)):
        assert not watch(device, other)
    with alice.device(), bob.device():
        expect_silence(a)
        expect_silence(b)
    unblock(alice, bob, a)
    for device, other in ((a, bob), (b, alice)):
        assert device.expect("presence", user=other.id)["online"]


def test_reading_is_told_across_a_block_in_no_direction(
    alice: Person, bob: Person, chat: int, a: Socket, b: Socket
) -> None:
    block(alice, bob, a)
    for device, other in ((b, a), (a, b)):
        device.send(op="read", conversation=chat, seq=2)
        assert device.receive()["op"] == "receipt"  # one's own devices hear of it
        expect_silence(other)
    for reader in (alice, bob):
        assert reader.get(f"/v2/conversations/{chat}")["partner_read_seq"] is None
        found = reader.get(f"/v2/conversations/{chat}/messages/1/readers")
        assert found == {"count": 0, "readers": [], "next": None}


def test_nothing_is_written_across_a_block_but_ones_own_can_be_taken_back(
    alice: Person, bob: Person, chat: int, a: Socket, b: Socket
) -> None:
    block(alice, bob, a)
    for device, other, own in ((b, a, 2), (a, b, 1)):
        here = {"conversation": chat}
        refused(device, "blocked", op="send", message=text("x"), **here)
        refused(device, "blocked", op="edit", seq=own, message={"content": "x"}, **here)
        refused(device, "blocked", op="react", seq=own, emoji="!", on=True, **here)
        refused(device, "blocked", op="pin", seq=own, on=True, **here)
        expect_silence(other)
        device.send(op="recall", ref="back", seq=own, **here)
        device.expect("ack", ref="back")
        assert other.receive()["recall"] == {"seq": own}


def test_who_is_blocked_asks_and_befriends_on_their_own_side_only(
    server: Server, a: Socket, alice: Person
) -> None:
    eve = Person(server)
    block(alice, eve, a)
    assert eve.post("/v2/contacts", user=alice.id, note="please").status_code == 201
    assert eve.post("/v2/conversations", user=alice.id).status_code == 201
    query = {"token": eve.token, "userId": eve.id}
    form = {"userId": eve.id, "targetName": alice.id}
    assert eve.request("POST", "/v1/relation/add", params=query, data=form).json()["code"] == 0
    expect_silence(a)
    [row] = alice.get("/v2/contacts", state="blocked")["contacts"]
    assert (row["user"]["id"], row["state"], row["note"]) == (eve.id, "none", "")
    [hidden] = [
        line for line in alice.get("/v2/conversations")["conversations"]
        if line["user"] and line["user"]["id"] == eve.id
    ]
    assert hidden["hidden"]
    with eve.device() as e:
        assert not watch(e, alice)
        refused(e, "blocked", op="send", to={"user": alice.id}, message=text("please"))
    expect_silence(a)


def test_who_is_blocked_puts_the_other_into_no_group(
    alice: Person, bob: Person, a: Socket
) -> None:
    block(alice, bob, a)
    made = bob.post("/v2/groups", name="come", members=[alice.id])
    assert (made.status_code, made.json()["code"]) == (403, "blocked")
    group = new_group(bob)
    added = bob.post(f"/v2/groups/{group}/members", users=[alice.id])
    assert (added.status_code, added.json()["code"]) == (403, "blocked")
    expect_silence(a)


def test_in_a_group_of_both_a_block_changes_nothing(
    server: Server, alice: Person, bob: Person, a: Socket, b: Socket
) -> None:
    group = new_group(Person(server), alice, bob)
    for device in (a, b):
        device.expect("event", type="group")
    block(alice, bob, a)
    b.say("hello all", group)
    assert a.receive()["message"]["content"] == "hello all"
    b.send(op="typing", conversation=group)
    assert a.receive() == {"op": "typing", "conversation": group, "user": bob.id}
