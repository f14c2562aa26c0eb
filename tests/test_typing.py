"""Typing: the other members hear of it, at once or not at all."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.support.chat import expect_silence, open_chat, refused
from tests.support.client import Person, Socket
from tests.support.server import Server


def group_of(owner: Person, *members: int) -> int:
    answer = owner.post("/v2/groups", name="writers", members=list(members))
    assert answer.status_code == 201, answer.text
    return int(answer.json()["id"])


def type_in(device: Socket, conversation: int) -> None:
    device.send(op="typing", conversation=conversation)


def test_the_partner_hears_it_on_every_device_and_nobody_else(
    server: Server, alice: Person, bob: Person
) -> None:
    eve = Person(server)
    chat = open_chat(alice, bob)
    with alice.device() as a1, alice.device() as a2, bob.device() as b1, bob.device() as b2, \
            eve.device() as e, bob.seed_device() as seed:
        type_in(a1, chat)
        for device in (b1, b2):
            assert device.receive() == {"op": "typing", "conversation": chat, "user": alice.id}
        for device in (a1, a2, b1, b2, e):
            expect_silence(device)
        a1.text("now", bob.id)
        assert "now" in seed.receive_text()  # and nothing before it
    assert alice.history(chat)[-1]["seq"] == 1


def test_the_other_members_of_a_group_hear_it(
    server: Server, alice: Person, bob: Person
) -> None:
    carol = Person(server)
    group = group_of(alice, bob.id, carol.id)
    with alice.device() as a, alice.device() as other, bob.device() as b, carol.device() as c:
        type_in(a, group)
        for device in (b, c):
            assert device.receive() == {"op": "typing", "conversation": group, "user": alice.id}
        for device in (a, other):
            expect_silence(device)


def test_more_than_one_in_two_seconds_is_dropped_for_each_conversation(
    alice: Person, bob: Person
) -> None:
    chat, group = open_chat(alice, bob), group_of(alice, bob.id)
    with alice.device() as a, bob.device() as b:
        began = time.monotonic()
        for _ in range(20):
            type_in(a, chat)
            type_in(a, group)
        assert [b.receive()["conversation"] for _ in range(2)] == [chat, group]
        expect_silence(a)
        expect_silence(b)
        while True:  # until one is let through again
            type_in(a, chat)
            a.send(op="sync", ref="s", cursors={})
            a.expect("synced")
            b.send(op="sync", ref="s", cursors={})
            if b.receive()["op"] == "typing":
                break
        assert time.monotonic() - began >= 2


def test_a_group_of_more_than_200_members_does_not_hear_it(
    server: Server, alice: Person, bob: Person
) -> None:
    with ThreadPoolExecutor(4) as pool:
        crowd = [person.id for person in pool.map(lambda _: Person(server), range(199))]
    large, small = group_of(alice, bob.id, *crowd), group_of(alice, bob.id, *crowd[:198])
    with alice.device() as a, bob.device() as b:
        type_in(a, large)
        type_in(a, small)
        assert b.receive()["conversation"] == small
        expect_silence(a)
        expect_silence(b)


def test_a_stranger_is_refused_and_heard_by_nobody(
    server: Server, alice: Person, bob: Person
) -> None:
    eve = Person(server)
    chat, group = open_chat(alice, bob), group_of(alice, bob.id)
    with eve.device() as e, alice.device() as a, bob.device() as b:
        for conversation in (chat, group, 10**9):
            refused(e, "not_a_member", op="typing", conversation=conversation)
        type_in(e, chat)  # too soon again: no second answer
        for device in (a, b, e):
            expect_silence(device)


@pytest.mark.parametrize("conversation", [0, -1, 2**53 + 1, "1", None, 1.5])
def test_a_conversation_is_a_number(alice: Person, conversation: object) -> None:
    with alice.device() as a:
        refused(a, "bad_request", op="typing", conversation=conversation)


def test_notes_to_oneself_have_no_audience(alice: Person) -> None:
    notes = open_chat(alice, alice)
    with alice.device() as one, alice.device() as two:
        type_in(one, notes)
        expect_silence(one)
        expect_silence(two)


def test_a_deleted_partner_is_typed_to_no_more(alice: Person, bob: Person) -> None:
    chat = open_chat(alice, bob)
    assert bob.request("DELETE", "/v2/users/me").status_code == 204
    with alice.device() as a:
        refused(a, "unknown_user", op="typing", conversation=chat)


def test_where_only_contacts_write_only_contacts_are_typed_to(own_server: Server) -> None:
    own_server.environ["HICHAT_CONTACT_POLICY"] = "contacts"
    own_server.start()
    ann, bert = Person(own_server), Person(own_server)

    def befriend() -> None:
        assert ann.post("/v2/contacts", user=bert.id).ok
        assert bert.post(f"/v2/contacts/{ann.id}/accept").ok

    befriend()
    chat = open_chat(ann, bert)
    with ann.device() as a, bert.device() as b:
        assert bert.request("DELETE", f"/v2/contacts/{ann.id}").ok
        a.expect("event", type="contact")
        refused(a, "not_a_contact", op="typing", conversation=chat)
        befriend()
        type_in(a, chat)
        assert b.expect("typing")["user"] == ann.id
