"""Messages deleted for oneself, messages forwarded, and what the seed's client sees of it all."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.support import seed
from tests.support.chat import collect, expect_silence, open_chat, refused, text
from tests.support.client import Person
from tests.support.server import Server
from tests.support.web import Account, person, problem

LIST = "/v2/conversations"


@pytest.fixture
def chat(ada: Account, ben: Account) -> str:
    """The path of a conversation of ada and ben with messages 1 to 3 of ada's."""
    path = f"{LIST}/{ada.post(LIST, user=ben.id).json['id']}"
    for content in ("one", "two", "three"):
        ada.post(f"{path}/messages", ref=content, message=text(content))
    return path


def number(path: str) -> int:
    return int(path.split("/")[-1])


def contents(who: Account, path: str) -> list[Any]:
    found = who.get(f"{path}/events").json["events"]
    return [event.get("message", {}).get("content") for event in found]


def forward(who: Account, to: str, source: str, *seqs: int, ref: str = "") -> Any:
    origin = {"conversation": number(source), "seqs": list(seqs)}
    return who.post(f"{to}/forwards", **{"ref": ref or uuid.uuid4().hex, "from": origin})


# -- removals ------------------------------------------------------------------------------


def test_who_removes_a_message_sees_it_no_more_and_nobody_else_notices(
    ada: Account, ben: Account, chat: str
) -> None:
    ada.post(f"{chat}/reactions", ref="r", seq=2, emoji="👍", on=True)
    before = ada.get(f"{chat}/events").json
    answer = ben.post(f"{chat}/removals", ref="gone", seqs=[2, 1, 2])
    assert answer.status_code == 201 and answer.json["seq"] == 1
    again = ben.post(f"{chat}/removals", ref="gone", seqs=[1, 2])
    assert (again.status_code, again.json) == (200, answer.json)
    found = ben.get(f"{chat}/events").json["events"]
    for event in found[:2]:
        assert event.pop("removed") is True
        assert event.keys() == {"op", "conversation", "seq", "type", "sender", "at"}
    assert [event["seq"] for event in found] == [1, 2, 3, 4]
    assert found[2]["message"] == text("three")
    assert ada.get(f"{chat}/events").json == before


def test_the_users_other_devices_hear_of_a_removal(alice: Person, bob: Person) -> None:
    key = open_chat(alice, bob)
    with alice.device() as hers, alice.device() as other, bob.device() as his:
        hers.say("oops", key)
        answer = alice.post(f"{LIST}/{key}/removals", ref="x", seqs=[1])
        own = answer.json()["conversation"]
        for device in (hers, other):
            event = collect(device, 1 + (device is other), "event")[-1]
            assert (event["conversation"], event["type"]) == (own, "removal")
            assert event["removal"] == {"conversation": key, "seqs": [1]}
        his.expect("event")
        expect_silence(his)
        assert other.sync(**{f"c{own}": 0}) == [event]
        [message] = other.sync(**{f"c{key}": 0})
        assert message["removed"] is True and "message" not in message
    with alice.device() as late:
        assert late.frames[0]["account"]["id"] == own


def test_an_edit_of_what_one_has_removed_says_no_more_than_the_message(
    alice: Person, bob: Person
) -> None:
    key = open_chat(alice, bob)
    path = f"{LIST}/{key}"
    with alice.device() as hers, bob.device() as his:
        for content in ("one", "two"):
            hers.say(content, key)
        for seq in (1, 2):
            alice.post(f"{path}/edits", ref=f"e{seq}", seq=seq, message={"content": "secret"})
        bob.post(f"{path}/removals", ref="gone", seqs=[1])
        alice.post(f"{path}/edits", ref="late", seq=1, message={"content": "secret again"})
        collect(his, 6, "event")
        synced = his.sync(**{f"c{key}": 0})
        paged = bob.get(f"{path}/events")["events"]
        around = bob.get(f"{path}/events", around=3, limit=10)["events"]
        assert synced == paged == around
        assert [event.get("edit") for event in paged] == [
            None, None, {"seq": 1}, paged[3]["edit"], {"seq": 1}
        ]
        assert paged[3]["edit"]["message"]["content"] == "secret"
        hers.expect("event", seq=5)
        [full] = [event for event in hers.sync(**{f"c{key}": 4}) if event["seq"] == 5]
        assert full["edit"]["message"]["content"] == "secret again"


@pytest.mark.parametrize(("seqs", "status", "code"), [
    ([], 400, "bad_request"), ([0], 400, "bad_request"), ([-1], 400, "bad_request"),
    (["1"], 400, "bad_request"), ([1] * 101, 400, "bad_request"), ([1, 99], 404, "not_found"),
    ([1, 4], 404, "not_found"),
])
def test_a_removal_of_what_is_no_message_changes_nothing(
    ada: Account, chat: str, seqs: list[Any], status: int, code: str
) -> None:
    ada.post(f"{chat}/pins", ref="p", seq=1, on=True)  # 4: an event that is no message
    before = contents(ada, chat)
    problem(ada.post(f"{chat}/removals", ref="x", seqs=seqs), status, code)
    assert contents(ada, chat) == before


# -- forwards ------------------------------------------------------------------------------


def test_a_forward_names_its_author_and_time_and_nothing_else(
    ada: Account, ben: Account, chat: str
) -> None:
    ada.post(f"{chat}/messages", ref="4", message=text("four", reply_to=1, mentions=[ben.id]))
    ada.post(f"{chat}/edits", ref="e", seq=4, message={"content": "IV"})
    notes = f"{LIST}/{ben.post(LIST, user=ben.id).json['id']}"
    answer = forward(ben, notes, chat, 4, 1, ref="f")
    assert answer.status_code == 201
    assert [place["seq"] for place in answer.json["forwarded"]] == [1, 2]
    originals = {event["seq"]: event for event in ben.get(f"{chat}/events").json["events"]}
    copies = ben.get(f"{notes}/events").json["events"]
    assert [copy["message"] for copy in copies] == [
        text(content, forwarded={"sender": ada.id, "at": originals[seq]["at"]})
        for seq, content in ((4, "IV"), (1, "one"))
    ]
    assert {copy["sender"] for copy in copies} == {ben.id}
    # Forwarded again, it still names the first author.
    forward(ben, chat, notes, 2)
    again = ada.get(f"{chat}/events").json["events"][-1]["message"]
    assert again["forwarded"] == {"sender": ada.id, "at": originals[1]["at"]}


def test_a_repeated_forward_stores_nothing_twice(ada: Account, ben: Account, chat: str) -> None:
    notes = f"{LIST}/{ben.post(LIST, user=ben.id).json['id']}"
    first = forward(ben, notes, chat, 1, 2, ref="f")
    ada.post(f"{chat}/edits", ref="e", seq=1, message={"content": "won"})
    ada.post(f"{chat}/recalls", ref="r", seq=2)
    again = forward(ben, notes, chat, 1, 2, ref="f")
    assert (again.status_code, again.json) == (200, first.json)
    problem(forward(ben, notes, chat, 3, 1, ref="f"), 409, "ref_conflict")
    problem(forward(ben, chat, chat, 1, 2, ref="f"), 409, "ref_conflict")
    assert contents(ben, notes) == ["one", "two"]


@pytest.mark.parametrize(("source", "status", "code"), [
    ({"seqs": []}, 400, "bad_request"), ({"seqs": [1] * 51}, 400, "bad_request"),
    ({"seqs": [1, 99]}, 404, "not_found"), ({"seqs": [2]}, 404, "not_found"),
    ({"seqs": [4]}, 404, "not_found"), ({"conversation": 10**9}, 403, "not_a_member"),
    ({"conversation": -1}, 400, "bad_request"), ({"more": 1}, 400, "bad_request"),
])
def test_what_cannot_be_forwarded_changes_nothing(
    ada: Account, ben: Account, chat: str, source: dict[str, Any], status: int, code: str
) -> None:
    ada.post(f"{chat}/pins", ref="p", seq=1, on=True)  # 4: an event that is no message
    ben.post(f"{chat}/removals", ref="x", seqs=[2])
    notes = f"{LIST}/{ben.post(LIST, user=ben.id).json['id']}"
    given = {"conversation": number(chat), "seqs": [1]} | source
    problem(ben.post(f"{notes}/forwards", **{"ref": "f", "from": given}), status, code)
    assert contents(ben, notes) == []


def test_a_forward_needs_the_right_to_write_where_it_goes(
    ada: Account, ben: Account, chat: str
) -> None:
    problem(forward(ben, f"{LIST}/{10**9}", chat, 1), 403, "not_a_member")


def test_messages_are_removed_over_the_socket(alice: Person, bob: Person) -> None:
    key = open_chat(alice, bob)
    with alice.device() as hers, alice.device() as other:
        for content in ("one", "two"):
            hers.say(content, key)
            other.expect("event")
        for _ in range(2):
            hers.send(op="remove", ref="gone", conversation=key, seqs=[2, 1])
            ack = hers.receive()
            assert (ack.pop("op"), ack.pop("ref"), ack.pop("seq")) == ("ack", "gone", 1)
            assert ack.keys() == {"conversation", "at"} and ack["conversation"] != key
        event = other.receive()
        assert event["removal"] == {"conversation": key, "seqs": [1, 2]}
        expect_silence(hers)
        expect_silence(other)
        again = alice.post(f"{LIST}/{key}/removals", ref="gone", seqs=[1, 2])
        assert (again.status_code, again.json()["seq"]) == (200, 1)
        refused(hers, "not_found", op="remove", conversation=key, seqs=[3])
        refused(hers, "not_a_member", op="remove", conversation=10**9, seqs=[1])
        for seqs in ([], [0], [1] * 101, None):
            refused(hers, "bad_request", op="remove", conversation=key, seqs=seqs)
    assert [event.get("removed") for event in alice.history(key)] == [True, True]
    assert [event.get("removed") for event in bob.history(key)] == [None, None]


def test_messages_are_forwarded_over_the_socket(
    server: Server, alice: Person, bob: Person
) -> None:
    eve = Person(server)
    key, there = open_chat(alice, bob), open_chat(bob, eve)
    with bob.device() as his, bob.device() as other, eve.device() as hers:
        for content in ("one", "two"):
            alice.post(f"{LIST}/{key}/messages", ref=content, message=text(content))
            for device in (his, other):
                device.expect("event")
        source = {"conversation": key, "seqs": [2, 1]}
        acks = []
        for _ in range(2):
            his.send(**{"op": "forward", "ref": "f", "conversation": there, "from": source})
            acks.append(his.receive())
        assert acks[0] == acks[1] == {
            "op": "ack", "ref": "f", "conversation": there, "seq": 2, "at": acks[0]["at"],
            "forwarded": [
                {"conversation": there, "seq": seq, "at": place["at"]}
                for seq, place in enumerate(acks[0]["forwarded"], 1)
            ],
        }
        for device in (other, hers):
            events = [device.receive() for _ in range(2)]
            assert [event["message"]["content"] for event in events] == ["two", "one"]
            assert {event["message"]["forwarded"]["sender"] for event in events} == {alice.id}
            expect_silence(device)
        expect_silence(his)
        again = bob.post(f"{LIST}/{there}/forwards", **{"ref": "f", "from": source})
        assert again.json() == {"ref": "f", "forwarded": acks[0]["forwarded"]}
        command = {"op": "forward", "conversation": there}
        refused(his, "ref_conflict", **{
            "op": "forward", "ref": "f", "conversation": key, "from": source
        })
        refused(his, "not_found", **command, **{"from": {"conversation": key, "seqs": [3]}})
        refused(hers, "not_a_member", **command, **{"from": source})
        for seqs in ([], [0], [1] * 51):
            refused(his, "bad_request", **command, **{"from": {**source, "seqs": seqs}})
    assert len(eve.history(there)) == 2


def test_every_copy_of_a_forward_over_the_socket_counts_as_a_message(own_server: Server) -> None:
    own_server.environ |= {"HICHAT_RATE_LIMITS": "on", "HICHAT_MESSAGES_PER_SECOND": "1"}
    own_server.start()
    ann = Person(own_server)
    key = open_chat(ann, ann)
    with ann.device() as device:
        device.say("one", key)
        command = {"op": "forward", "conversation": key}
        refused(device, "rate_limited", **command, **{
            "from": {"conversation": key, "seqs": [1] * 20}
        })
    assert len(ann.history(key)) == 1


def test_a_forward_reaches_every_device_as_a_message(alice: Person, bob: Person) -> None:
    key = open_chat(alice, bob)
    with alice.device() as hers, bob.device() as his, bob.seed_device() as old:
        hers.say("news", key)
        his.expect("event"), seed.message(old)
        source = {"conversation": key, "seqs": [1]}
        assert alice.post(f"{LIST}/{key}/forwards", **{"ref": "f", "from": source}).ok
        for device in (hers, his):
            event = device.receive()
            assert (event["seq"], event["message"]["content"]) == (2, "news")
            assert event["message"]["forwarded"]["sender"] == alice.id
        assert seed.message(old)["Content"] == "news"


def test_every_copy_of_a_forward_counts_as_a_message(slow_client: FlaskClient) -> None:
    who = person(slow_client)
    notes = f"{LIST}/{who.post(LIST, user=who.id).json['id']}"
    assert who.post(f"{notes}/messages", ref="m", message=text("again")).status_code == 201
    problem(who.post(f"{notes}/forwards", ref="bad"), 400, "bad_request")
    assert forward(who, notes, notes, *[1] * 50).status_code == 201
    problem(forward(who, notes, notes, *[1] * 50), 429, "rate_limited")
    assert len(contents(who, notes)) == 50
    assert who.get(f"{notes}/events", after=50).json["events"][-1]["seq"] == 51


# -- the seed's client ---------------------------------------------------------------------


def test_the_seeds_client_is_not_disturbed_and_its_history_is_as_it_is_now(
    alice: Person, bob: Person
) -> None:
    with alice.device() as hers, bob.seed_device() as old:
        key = hers.text("helo", bob.id)["conversation"]
        for content in ("regret", "hide", "last"):
            hers.say(content, key)
        for _ in range(4):
            seed.message(old)
        for command in (
            {"op": "edit", "seq": 1, "message": {"content": "hello"}},
            {"op": "recall", "seq": 2}, {"op": "react", "seq": 1, "emoji": "👍", "on": True},
            {"op": "pin", "seq": 1, "on": True},
        ):
            hers.send(ref=command["op"], conversation=key, **command)
            hers.expect("ack", ref=command["op"])
        assert bob.post(f"{LIST}/{key}/removals", ref="x", seqs=[3]).ok
        seed.expect_silence(old)
    assert seed.contents(seed.history(bob, alice.id, 0, 99, isRev="true")) == ["hello", "last"]
    assert seed.contents(seed.history(alice, bob.id, 0, 99, isRev="true")) == [
        "hello", "hide", "last",
    ]
