"""Edits, recalls, reactions and pins: over the socket and over HTTP, by the same rules."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from tests.support.chat import expect_silence, open_chat, refused, text
from tests.support.client import Person
from tests.support.media import uploaded
from tests.support.web import Account, problem

BOTH_DATABASES = True

LIST = "/v2/conversations"
TOO_LONG = 10_001


@pytest.fixture
def chat(ada: Account, ben: Account) -> str:
    """The path of a conversation of ada and ben: 1 and 2 are ada's, 3 is ben's."""
    path = f"{LIST}/{ada.post(LIST, user=ben.id).json['id']}"
    for who, content in ((ada, "one"), (ada, "two"), (ben, "three")):
        say(who, path, text(content))
    return path


def say(who: Account, path: str, message: dict[str, Any], ref: str = "") -> int:
    answer = who.post(f"{path}/messages", ref=ref or uuid.uuid4().hex, message=message)
    assert answer.status_code == 201, answer.text
    return int(answer.json["seq"])


def change(who: Account, path: str, kind: str, **fields: Any) -> Any:
    fields.setdefault("ref", uuid.uuid4().hex)
    return who.post(f"{path}/{kind}", **fields)


def events(who: Account, path: str) -> list[dict[str, Any]]:
    found = who.get(f"{path}/events", limit=500).json["events"]
    assert [event["seq"] for event in found] == list(range(1, len(found) + 1))
    return list(found)


def make_group(owner: Account, *members: Account) -> str:
    made = owner.post("/v2/groups", name="walkers", members=[who.id for who in members])
    return f"{LIST}/{made.json['id']}"


# -- edits ---------------------------------------------------------------------------------


def test_an_edit_is_an_event_and_the_message_says_it_from_then_on(
    alice: Person, bob: Person
) -> None:
    with alice.device() as hers, alice.device() as other, bob.device() as his:
        place = hers.text("helo", bob.id)
        key, seq = place["conversation"], place["seq"]
        other.expect("event"), his.expect("event")
        hers.send(op="edit", ref="e1", conversation=key, seq=seq, message={"content": "hello"})
        ack = hers.receive()
        assert (ack["op"], ack["ref"], ack["conversation"], ack["seq"]) == ("ack", "e1", key, 2)
        for device in (other, his):
            event = device.receive()
            assert (event["seq"], event["type"], event["sender"]) == (2, "edit", alice.id)
            said = event["edit"]
            assert (said["seq"], said["message"]) == (1, text("hello"))
        expect_silence(hers)
    [message, edit] = bob.history(key)
    assert message["message"] == text("hello", edited_at=said["edited_at"], edited_seq=2)
    assert edit == event


def test_a_repeated_edit_is_stored_once(ada: Account, ben: Account, chat: str) -> None:
    first = change(ada, chat, "edits", ref="e", seq=1, message={"content": "won"})
    again = change(ada, chat, "edits", ref="e", seq=1, message={"content": "won"})
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json == again.json
    other = change(ada, chat, "edits", ref="e", seq=1, message={"content": "other"})
    problem(other, 409, "ref_conflict")
    problem(change(ada, chat, "edits", ref="e", seq=2, message={"content": "won"}), 409,
            "ref_conflict")
    assert len(events(ben, chat)) == 4


def test_of_several_edits_the_last_one_counts_and_each_names_those_before(
    ada: Account, ben: Account, chat: str
) -> None:
    for content in ("a", "b", "c"):
        change(ada, chat, "edits", ref=content, seq=1, message={"content": content})
    found = events(ben, chat)
    assert (found[0]["message"]["content"], found[0]["message"]["edited_seq"]) == ("c", 6)
    assert [event["edit"]["message"]["content"] for event in found[3:]] == ["a", "b", "c"]
    assert [event["edit"].get("earlier", []) for event in found[3:]] == [[], [4], [4, 5]]


def test_a_message_can_be_edited_a_hundred_times(ada: Account, ben: Account, chat: str) -> None:
    for number in range(100):
        answer = change(ada, chat, "edits", seq=1, message={"content": str(number)})
        assert answer.status_code == 201
    problem(change(ada, chat, "edits", seq=1, message={"content": "101"}), 409, "too_many")
    change(ada, chat, "recalls", seq=1)
    edits = [event["edit"] for event in events(ben, chat) if event["type"] == "edit"]
    assert edits == [{"seq": 1}] * 100


def test_an_edit_changes_the_content_only(ada: Account, ben: Account, chat: str) -> None:
    sent = {
        "media": "image", "content": "caption", "reply_to": 1, "mentions": [ben.id],
        "attachment": {"id": uploaded(ada)["id"]}, "sent_at": 5,
    }
    seq = say(ada, chat, sent)
    sent = events(ben, chat)[seq - 1]["message"]
    assert sent["attachment"]["type"] == "image/png"
    assert change(ada, chat, "edits", seq=seq, message={"content": ""}).status_code == 201
    message = events(ben, chat)[seq - 1]["message"]
    for name in ("edited_at", "edited_seq"):
        assert message.pop(name)
    assert message == sent | {"content": ""}


@pytest.mark.parametrize(("fields", "status", "code"), [
    ({"message": {"content": "x" * TOO_LONG}}, 413, "too_long"),
    ({"message": {"content": ""}}, 400, "bad_request"),
    ({"message": {"content": "a\0b"}}, 400, "bad_request"),
    ({"message": {"content": 5}}, 400, "bad_request"),
    ({"message": {"content": "x", "media": "image"}}, 400, "bad_request"),
    ({"message": {"content": "x", "media": "smell"}}, 400, "bad_request"),
    ({"message": {"content": "x", "reply_to": 2}}, 400, "bad_request"),
    ({"message": {}}, 400, "bad_request"),
    ({"ref": "a\0b"}, 400, "bad_request"), ({"ref": ""}, 400, "bad_request"),
    ({"ref": "x" * 65}, 400, "bad_request"), ({"seq": 0}, 400, "bad_request"),
    ({"seq": -1}, 400, "bad_request"), ({"seq": 2**60}, 400, "bad_request"),
    ({"seq": 99}, 404, "not_found"), ({"seq": 3}, 403, "forbidden"),
])
def test_an_edit_that_may_not_be_changes_nothing(
    ada: Account, ben: Account, chat: str, fields: dict[str, Any], status: int, code: str
) -> None:
    before = events(ben, chat)
    asked = {"seq": 1, "message": {"content": "changed"}} | fields
    problem(change(ada, chat, "edits", **asked), status, code)
    assert events(ben, chat) == before


# -- recalls -------------------------------------------------------------------------------


def test_a_recalled_message_says_nothing_any_more_anywhere(
    ada: Account, ben: Account, chat: str
) -> None:
    seq = say(ada, chat, text("secret", mentions=[ben.id]), ref="the-message")
    change(ada, chat, "edits", ref="the-edit", seq=seq, message={"content": "secret too"})
    change(ben, chat, "reactions", seq=seq, emoji="👍", on=True)
    change(ben, chat, "pins", seq=seq, on=True)
    told = change(ada, chat, "recalls", ref="r", seq=seq)
    assert told.status_code == 201
    found = events(ben, chat)
    assert found[seq - 1].keys() == {
        "op", "conversation", "seq", "type", "sender", "at", "recalled",
    }
    assert found[seq - 1]["recalled"] is True
    assert (found[-1]["type"], found[-1]["recall"]) == ("recall", {"seq": seq})
    assert "secret" not in ben.get(f"{chat}/events", limit=500).text
    assert ben.get(f"{chat}/pins").json == {"pins": []}
    # Repeats still get their places.
    for kind, fields in (
        ("messages", {"ref": "the-message", "message": text("secret", mentions=[ben.id])}),
        ("edits", {"ref": "the-edit", "seq": seq, "message": {"content": "secret too"}}),
        ("recalls", {"ref": "r", "seq": seq}),
    ):
        assert ada.post(f"{chat}/{kind}", **fields).status_code == 200
    assert len(events(ben, chat)) == len(found)


def test_nothing_can_be_done_to_a_recalled_message(
    ada: Account, ben: Account, chat: str
) -> None:
    change(ada, chat, "recalls", seq=1)
    before = events(ben, chat)
    for kind, fields in (
        ("recalls", {}), ("edits", {"message": {"content": "x"}}),
        ("reactions", {"emoji": "👍", "on": True}), ("pins", {"on": True}),
        ("pins", {"on": False}),
    ):
        problem(change(ada, chat, kind, seq=1, **fields), 410, "recalled")
    reply = ben.post(f"{chat}/messages", ref="re", message=text("re", reply_to=1))
    problem(reply, 410, "recalled")
    source = {"conversation": int(chat.split("/")[-1]), "seqs": [2, 1]}
    problem(ben.post(f"{chat}/forwards", **{"ref": "f", "from": source}), 410, "recalled")
    assert events(ben, chat) == before


def test_nobody_recalls_anothers_message_in_a_private_chat(
    ada: Account, ben: Account, chat: str
) -> None:
    problem(change(ben, chat, "recalls", seq=1), 403, "forbidden")
    problem(change(ada, chat, "recalls", seq=4), 404, "not_found")
    assert events(ada, chat)[0]["message"] == text("one")


def test_a_groups_admins_recall_what_its_members_say(ada: Account, ben: Account) -> None:
    path = make_group(ada, ben)
    theirs, own = say(ben, path, text("spam")), say(ada, path, text("rules"))
    assert change(ada, path, "recalls", seq=theirs).status_code == 201
    problem(change(ben, path, "recalls", seq=own), 403, "forbidden")
    assert [event.get("recalled", False) for event in events(ben, path)[1:3]] == [True, False]


# -- reactions -----------------------------------------------------------------------------


def test_reactions_stand_beside_the_message_and_each_is_an_event(
    alice: Person, bob: Person
) -> None:
    with alice.device() as hers, bob.device() as his:
        key = hers.text("lunch?", bob.id)["conversation"]
        his.expect("event")
        his.send(op="react", ref="r1", conversation=key, seq=1, emoji="👍", on=True)
        assert his.receive()["seq"] == 2
        event = hers.receive()
        assert (event["type"], event["sender"], event["reaction"]) == ("reaction", bob.id, {
            "seq": 1, "emoji": "👍", "on": True, "count": 1, "users": [bob.id],
        })
        hers.send(op="react", ref="r1", conversation=key, seq=1, emoji="👍", on=True)
        hers.send(op="react", ref="r2", conversation=key, seq=1, emoji="👩‍🚀", on=True)
        hers.expect("ack", ref="r2")
        [message, *_] = bob.history(key)
        assert message["reactions"] == {
            "👍": {"count": 2, "users": sorted([alice.id, bob.id])},
            "👩‍🚀": {"count": 1, "users": [alice.id]},
        }
        for device, ref, emoji in ((his, "off", "👍"), (hers, "off", "👍"), (hers, "o", "👩‍🚀")):
            device.send(op="react", ref=ref, conversation=key, seq=1, emoji=emoji, on=False)
            device.expect("ack", ref=ref)
    assert all("reactions" not in event for event in bob.history(key))


def test_the_same_reaction_twice_counts_once(ada: Account, ben: Account, chat: str) -> None:
    for ref in ("a", "a", "b"):
        change(ben, chat, "reactions", ref=ref, seq=1, emoji="🎉", on=True)
    change(ben, chat, "reactions", seq=1, emoji="👀", on=False)
    found = events(ada, chat)
    assert found[0]["reactions"] == {"🎉": {"count": 1, "users": [ben.id]}}
    problem(change(ben, chat, "reactions", ref="a", seq=1, emoji="🎉", on=False), 409,
            "ref_conflict")
    query = {"seq": 1, "emoji": "🎉"}
    assert ada.get(f"{chat}/reactions", **query).json == {"users": [ben.id], "next": None}
    for nobody in ({"after": ben.id}, {"emoji": "👀"}, {"seq": 2}):
        assert ada.get(f"{chat}/reactions", **query | nobody).json["users"] == []
    for bad in ({"seq": 0}, {"emoji": ""}, {"emoji": "x" * 33}, {"limit": 0}, {"after": -1}):
        problem(ada.get(f"{chat}/reactions", **query | bad), 400, "bad_request")
    problem(ada.get(f"{chat}/reactions", emoji="🎉"), 400, "bad_request")


def test_a_user_puts_five_emoji_to_a_message_and_a_message_takes_twenty(
    ada: Account, ben: Account, chat: str
) -> None:
    emoji = [chr(0x1F600 + number) for number in range(6)]
    for one in emoji[:5]:
        assert change(ada, chat, "reactions", seq=1, emoji=one, on=True).status_code == 201
    problem(change(ada, chat, "reactions", seq=1, emoji=emoji[5], on=True), 409, "too_many")
    assert change(ada, chat, "reactions", seq=1, emoji=emoji[0], on=False).status_code == 201
    assert change(ada, chat, "reactions", seq=1, emoji=emoji[5], on=True).status_code == 201
    assert events(ben, chat)[0]["reactions"].keys() == set(emoji[1:])


@pytest.mark.parametrize(("fields", "status", "code"), [
    ({"emoji": ""}, 400, "bad_request"), ({"emoji": "x" * 33}, 400, "bad_request"),
    ({"emoji": "a\nb"}, 400, "bad_request"), ({"emoji": "\0"}, 400, "bad_request"),
    ({"emoji": "a b"}, 400, "bad_request"), ({"emoji": "\u202e"}, 400, "bad_request"),
    ({"emoji": 5}, 400, "bad_request"), ({"on": "yes"}, 400, "bad_request"),
    ({"seq": 99}, 404, "not_found"), ({"seq": 4}, 404, "not_found"),
])
def test_a_reaction_that_may_not_be_changes_nothing(
    ada: Account, ben: Account, chat: str, fields: dict[str, Any], status: int, code: str
) -> None:
    change(ada, chat, "pins", seq=1, on=True)  # 4: an event that is no message
    before = events(ben, chat)
    asked = {"seq": 1, "emoji": "👍", "on": True} | fields
    problem(change(ada, chat, "reactions", **asked), status, code)
    assert events(ben, chat) == before


# -- pins ----------------------------------------------------------------------------------


def test_both_users_of_a_private_chat_pin(ada: Account, ben: Account, chat: str) -> None:
    for who, seq, on in ((ada, 3, True), (ben, 1, True), (ada, 1, True), (ben, 3, False)):
        assert change(who, chat, "pins", seq=seq, on=on).status_code == 201
    [pin] = ada.get(f"{chat}/pins").json["pins"]
    assert (pin["seq"], pin["user"], pin["event"]["message"]) == (1, ben.id, text("one"))
    assert [event["pin"] for event in events(ben, chat)[3:]] == [
        {"seq": 3, "on": True}, {"seq": 1, "on": True}, {"seq": 1, "on": True},
        {"seq": 3, "on": False},
    ]


def test_in_a_group_only_admins_pin(ada: Account, ben: Account) -> None:
    path = make_group(ada, ben)
    seq = say(ben, path, text("pin me"))
    problem(change(ben, path, "pins", seq=seq, on=True), 403, "forbidden")
    assert change(ada, path, "pins", seq=seq, on=True).status_code == 201
    assert [pin["seq"] for pin in ben.get(f"{path}/pins").json["pins"]] == [seq]


def test_a_conversation_has_at_most_fifty_pins(ada: Account, ben: Account, chat: str) -> None:
    for number in range(4, 52):
        say(ada, chat, text(str(number)))
    for seq in range(1, 51):
        assert change(ada, chat, "pins", seq=seq, on=True).status_code == 201
    problem(change(ada, chat, "pins", seq=51, on=True), 409, "too_many")
    assert change(ada, chat, "pins", seq=50, on=True).status_code == 201  # it is one of them
    assert change(ada, chat, "pins", seq=1, on=False).status_code == 201
    assert change(ada, chat, "pins", seq=51, on=True).status_code == 201


# -- who may ------------------------------------------------------------------------------


def test_a_stranger_changes_nothing_and_learns_nothing(alice: Person, bob: Person) -> None:
    eve = Person(alice.server)
    key = open_chat(alice, bob)
    with alice.device() as hers, eve.device() as device:
        hers.say("between us", key)
        for command in (
            {"op": "edit", "message": {"content": "x"}}, {"op": "recall"},
            {"op": "react", "emoji": "👍", "on": True}, {"op": "pin", "on": True},
        ):
            for conversation in (key, 10**12):
                for seq in (1, 99):
                    refused(device, "not_a_member", conversation=conversation, seq=seq, **command)
        expect_silence(hers)
    path = f"{LIST}/{key}"
    source = {"conversation": key, "seqs": [1]}
    own = f"{LIST}/{open_chat(eve, alice)}"
    for answer in (
        eve.post(f"{path}/edits", ref="1", seq=1, message={"content": "x"}),
        eve.post(f"{path}/recalls", ref="2", seq=1),
        eve.post(f"{path}/reactions", ref="3", seq=1, emoji="👍", on=True),
        eve.post(f"{path}/pins", ref="4", seq=1, on=True),
        eve.post(f"{path}/removals", ref="5", seqs=[1]),
        eve.post(f"{own}/forwards", **{"ref": "6", "from": source}),
        eve.request("GET", f"{path}/pins"),
        eve.request("GET", f"{path}/reactions", params={"seq": 1, "emoji": "👍"}),
    ):
        assert (answer.status_code, answer.json()["code"]) == (403, "not_a_member"), answer.url
    assert len(alice.history(key)) == 1


@pytest.mark.parametrize("command", [
    {"op": "edit", "seq": 1}, {"op": "edit", "message": "x"}, {"op": "recall"},
    {"op": "react", "seq": 1, "emoji": "👍"}, {"op": "react", "seq": 1, "on": True},
    {"op": "pin", "seq": "1", "on": True}, {"op": "pin", "seq": 1, "on": 1},
    {"op": "recall", "seq": -1}, {"op": "recall", "seq": 2**64},
])
def test_a_command_with_wrong_fields_is_refused_with_its_ref(
    alice: Person, bob: Person, command: dict[str, Any]
) -> None:
    with alice.device() as hers:
        key = hers.text("hi", bob.id)["conversation"]
        refused(hers, "bad_request", conversation=key, **command)
        hers.send(conversation=key, **command)  # without a ref
        assert hers.receive()["code"] == "bad_request"
    assert len(alice.history(key)) == 1
