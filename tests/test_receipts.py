"""Read cursors on `/v2`: they move forward only, and everybody concerned is told."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from tests.support.chat import burst, expect_silence, heads, refused
from tests.support.client import Person
from tests.support.server import Server

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


# -- groups --------------------------------------------------------------------------------


def group_of(owner: Person, *members: Person) -> int:
    answer = owner.post("/v2/groups", name="readers", members=[person.id for person in members])
    assert answer.status_code == 201, answer.text
    return int(answer.json()["id"])


def read(person: Person, conversation: int, seq: int) -> None:
    assert person.post(f"/v2/conversations/{conversation}/read", seq=seq).ok


def readers(person: Person, conversation: int, seq: int, **query: int) -> requests.Response:
    path = f"/v2/conversations/{conversation}/messages/{seq}/readers"
    return person.request("GET", path, params=query)


def test_a_receipt_of_a_group_goes_to_every_member(
    server: Server, alice: Person, bob: Person
) -> None:
    carol = Person(server)
    group = group_of(alice, bob, carol)
    with alice.device() as a, bob.device() as b, carol.device() as c:
        b.send(op="read", conversation=group, seq=1)
        for device in (a, b, c):
            assert device.receive() == {
                "op": "receipt", "conversation": group, "user": bob.id, "seq": 1,
            }
            expect_silence(device)


@pytest.fixture(scope="module")
def crowd(server: Server) -> list[int]:
    """The ids of 200 users."""
    with ThreadPoolExecutor(4) as pool:
        return [person.id for person in pool.map(lambda _: Person(server), range(200))]


def test_a_large_group_tells_receipts_to_the_readers_own_devices_only(
    server: Server, alice: Person, bob: Person, crowd: list[int]
) -> None:
    everybody = alice.post("/v2/groups", name="hall", members=[bob.id, *crowd]).json()["id"]
    just_small = alice.post("/v2/groups", name="room", members=[bob.id, *crowd[:198]]).json()["id"]
    with alice.device() as a, bob.device() as b1, bob.device() as b2:
        for conversation in (everybody, just_small):
            b1.send(op="read", conversation=conversation, seq=1)
        for device in (b1, b2):
            assert device.receive()["conversation"] == everybody
            assert device.receive()["conversation"] == just_small
        assert a.receive()["conversation"] == just_small
        expect_silence(a)
        seq = a.say("who reads this?", everybody)["seq"]
    problem = readers(alice, everybody, seq)
    assert (problem.status_code, problem.json()["code"]) == (403, "too_many_members")


def test_the_readers_of_a_message_are_counted_and_named_in_pages(
    server: Server, alice: Person, bob: Person
) -> None:
    carol, dora = Person(server), Person(server)
    group = group_of(alice, bob, carol, dora)
    with alice.device() as a:
        seq = a.say("read me", group)["seq"]
    assert readers(alice, group, seq).json() == {"count": 0, "readers": [], "next": None}
    for person in (alice, bob, carol):  # its sender is no reader
        read(person, group, seq)
    read(dora, group, seq - 1)
    found = readers(dora, group, seq).json()
    assert (found["count"], found["next"]) == (2, None)
    assert [(line["user"]["id"], line["read_seq"]) for line in found["readers"]] == [
        (bob.id, seq), (carol.id, seq),
    ]
    page = readers(alice, group, seq, limit=1).json()
    assert (page["count"], [line["user"]["name"] for line in page["readers"]]) == (2, [bob.name])
    page = readers(alice, group, seq, limit=1, after=page["next"]).json()
    assert (page["count"], page["next"]) == (2, None)
    assert [line["user"]["id"] for line in page["readers"]] == [carol.id]


def test_in_a_private_chat_the_partner_is_the_reader(
    alice: Person, bob: Person, conversation: int
) -> None:
    read(bob, conversation, 3)
    for seq, count in ((1, 1), (3, 1), (4, 0)):
        found = readers(alice, conversation, seq).json()
        assert found["count"] == count
        assert [line["user"]["id"] for line in found["readers"]] == [bob.id] * count


def test_only_members_ask_and_only_for_messages(
    server: Server, alice: Person, bob: Person, conversation: int
) -> None:
    group = group_of(alice, bob)
    eve = Person(server)
    for key, seq in ((conversation, 1), (group, 1), (10**9, 1), (2**53, 1)):
        answer = readers(eve, key, seq)
        assert (answer.status_code, answer.json()["code"]) == (403, "not_a_member")
    for key, seq in ((conversation, 0), (conversation, COUNT + 1), (conversation, 2**53),
                     (group, 1)):
        answer = readers(alice, key, seq)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert readers(alice, conversation, 1, limit=0).status_code == 400
    assert readers(alice, conversation, 1, limit=201).status_code == 400


# -- who hides what they read --------------------------------------------------------------


def hide(person: Person, hidden: bool) -> None:
    answer = person.request("PATCH", "/v2/users/me", json={"shows_reading": not hidden})
    assert answer.ok and answer.json()["shows_reading"] is not hidden


@pytest.mark.parametrize("over_http", [False, True])
def test_who_hides_reading_tells_only_their_own_devices(
    alice: Person, bob: Person, conversation: int, over_http: bool
) -> None:
    group = group_of(alice, bob)
    with alice.device() as a, bob.device() as b1:
        hide(bob, True)
        with bob.device() as b2:
            for key in (conversation, group):
                if over_http:
                    read(bob, key, 1)
                else:
                    b2.send(op="read", conversation=key, seq=1)
                for device in (b1, b2):
                    assert device.receive()["op"] == "receipt"
            expect_silence(a)
            hide(bob, False)
            b1.send(op="read", conversation=conversation, seq=2)
            assert a.expect("receipt")["seq"] == 2


def test_who_hides_reading_does_not_see_that_of_others(
    alice: Person, bob: Person, conversation: int
) -> None:
    hide(alice, True)
    with alice.device() as a, bob.device() as b:
        b.send(op="read", conversation=conversation, seq=1)
        b.expect("receipt")
        expect_silence(a)
        a.send(op="read", conversation=conversation, seq=5)
        assert a.receive()["user"] == alice.id
        hide(alice, False)
        b.send(op="read", conversation=conversation, seq=2)
        assert a.receive() == {
            "op": "receipt", "conversation": conversation, "user": bob.id, "seq": 2,
        }


def test_who_hides_reading_is_no_reader_and_may_not_ask_who_is(
    alice: Person, bob: Person, conversation: int
) -> None:
    read(bob, conversation, 3)
    hide(bob, True)
    assert readers(alice, conversation, 1).json()["count"] == 0
    answer = readers(bob, conversation, 1)
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    assert "shows_reading" in answer.json()["detail"]


@pytest.mark.parametrize("value", [1, "true", None, []])
def test_a_switch_is_true_or_false(alice: Person, value: object) -> None:
    answer = alice.request("PATCH", "/v2/users/me", json={"shows_reading": value})
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_request")
    assert alice.get("/v2/users/me")["shows_reading"] is True
