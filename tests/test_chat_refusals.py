"""What `/v2` refuses: a clear error with the ref, nothing stored, and the socket lives on."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.chat import expect_silence, open_chat, refused, text
from tests.support.client import Person
from tests.support.server import Server

LIMIT = 10_000  # characters of a content
TO_NOBODY = {"user": 2**50}


@pytest.fixture
def carol(server: Server) -> Person:
    return Person(server)


def test_a_message_to_an_unknown_user_is_refused(alice: Person) -> None:
    with alice.device() as a:
        error = refused(a, "unknown_user", op="send", to=TO_NOBODY, message=text("hi"))
        expect_silence(a)
    assert error["retry"] is False
    assert alice.get("/v2/conversations")["conversations"] == []


def test_a_message_to_a_deleted_user_is_refused_and_the_history_stays(
    alice: Person, bob: Person
) -> None:
    with alice.device() as a:
        conversation = a.text("hello", bob.id)["conversation"]
        assert bob.request("DELETE", "/v2/users/me").status_code == 204
        for target in ({"to": {"user": bob.id}}, {"conversation": conversation}):
            refused(a, "unknown_user", op="send", message=text("hi"), **target)
        change = {"conversation": conversation, "seq": 1}
        refused(a, "unknown_user", op="edit", message={"content": "hi"}, **change)
        refused(a, "unknown_user", op="recall", **change)
        refused(a, "unknown_user", op="react", emoji="👍", on=True, **change)
        refused(a, "unknown_user", op="pin", on=True, **change)
        again = {"conversation": conversation, "seqs": [1]}
        refused(a, "unknown_user", op="forward", conversation=conversation, **{"from": again})
        a.send(op="remove", ref="mine", **again)
        assert a.expect("ack")["ref"] == "mine"
    assert [event["seq"] for event in alice.history(conversation)] == [1]


def test_nobody_else_can_send_into_a_conversation_sync_it_or_mark_it_read(
    alice: Person, bob: Person, carol: Person
) -> None:
    with alice.device() as a, carol.device() as c:
        conversation = a.text("for bob only", bob.id)["conversation"]
        refused(c, "not_a_member", op="send", conversation=conversation, message=text("hi"))
        refused(c, "not_a_member", op="read", conversation=conversation, seq=1)
        c.send(op="sync", ref="s", cursors={str(conversation): 0})
        assert c.receive() == {"op": "synced", "ref": "s", "behind": {}, "gone": [conversation]}
        expect_silence(a)
    assert len(alice.history(conversation)) == 1


def test_nobody_else_reaches_a_conversation_over_http(
    alice: Person, bob: Person, carol: Person
) -> None:
    conversation = open_chat(alice, bob)
    path = f"/v2/conversations/{conversation}"
    answers = [
        carol.request("GET", path),
        carol.request("GET", f"{path}/events"),
        carol.request("POST", f"{path}/messages", json={"ref": "r", "message": text("hi")}),
        carol.request("POST", f"{path}/read", json={"seq": 0}),
    ]
    for answer in answers:
        assert (answer.status_code, answer.json()["code"]) == (403, "not_a_member")


def test_a_conversation_that_does_not_exist_is_refused_like_a_foreign_one(
    alice: Person, bob: Person, carol: Person
) -> None:
    foreign = open_chat(bob, carol)
    with alice.device() as a:
        errors = [
            refused(a, "not_a_member", op="send", ref="r", conversation=key, message=text("hi"))
            for key in (foreign, 2**50)
        ]
    assert errors[0] == errors[1]


def test_a_content_may_have_ten_thousand_characters_of_any_size_and_no_more(
    alice: Person, bob: Person
) -> None:
    with alice.device() as a, bob.device() as b:
        a.text("👋" * LIMIT, bob.id)
        assert b.expect("event")["message"]["content"] == "👋" * LIMIT
        error = refused(a, "too_long", op="send", to={"user": bob.id},
                        message=text("x" * (LIMIT + 1)))
        expect_silence(b)
    assert "10001" in error["message"] and "10000" in error["message"]


@pytest.mark.parametrize(("message", "names"), [
    ({"media": "text", "content": ""}, "content"),
    ({"media": "text"}, "content"),
    ({"media": "emoji", "content": ""}, "content"),
    ({"media": "text", "content": "a\0b"}, "content"),
    ({"media": "text", "content": 7}, "content"),
    ({"media": "text", "content": None}, "content"),
    ({"media": "hologram", "content": "x"}, "hologram"),
    ({"media": 1, "content": "x"}, "media"),
    ({"content": "x"}, "media"),
    ({"media": "text", "content": "x", "colour": "red"}, "colour"),
    ({"media": "text", "content": "x", "reply_to": 0}, "reply_to"),
    ({"media": "text", "content": "x", "reply_to": 99}, "reply_to"),
    ({"media": "text", "content": "x", "reply_to": "1"}, "reply_to"),
    ({"media": "text", "content": "x", "sent_at": -1}, "sent_at"),
    ({"media": "file", "attachment": {"size": 1}}, "size"),
    ({"media": "file", "attachment": {"amount": 2**64}}, "amount"),
    ({"media": "file", "attachment": {"url": 1}}, "url"),
    ("hello", "message"),
    (None, "message"),
])
def test_a_message_that_breaks_a_rule_is_refused_with_the_culprit_named_and_not_stored(
    alice: Person, bob: Person, message: Any, names: str
) -> None:
    with alice.device() as a:
        conversation = a.text("before", bob.id)["conversation"]
        error = refused(a, "bad_request", op="send", to={"user": bob.id}, message=message)
        assert a.text("after", bob.id)["seq"] == 2
    assert names in error["message"]
    contents = [event["message"]["content"] for event in bob.history(conversation)]
    assert contents == ["before", "after"]


@pytest.mark.parametrize("target", [
    {}, {"to": None}, {"to": {}}, {"to": {"user": 0}}, {"to": {"user": "1"}}, {"to": {"group": 1}},
    {"to": {"user": 1, "group": 2}}, {"conversation": 0}, {"conversation": "1"},
    {"conversation": 2**63}, {"conversation": 1, "to": {"user": 1}},
])
def test_a_message_must_name_exactly_one_receiver(alice: Person, target: dict[str, Any]) -> None:
    with alice.device() as a:
        refused(a, "bad_request", op="send", message=text("hi"), **target)
        expect_silence(a)
    assert alice.get("/v2/conversations")["conversations"] == []


@pytest.mark.parametrize("ref", [None, "", "r" * 65, 7, ["r"]])
def test_a_send_without_a_proper_ref_is_refused_and_not_stored(
    alice: Person, bob: Person, ref: Any
) -> None:
    with alice.device() as a:
        a.send(op="send", ref=ref, to={"user": bob.id}, message=text("hi"))
        error = a.receive()
    assert (error["op"], error["code"], error["ref"]) == ("error", "bad_request", None)
    assert "ref" in error["message"]
    assert bob.get("/v2/conversations")["conversations"] == []


def test_a_ref_with_a_nul_is_refused(alice: Person, bob: Person) -> None:
    with alice.device() as a:
        a.send(op="send", ref="a\0b", to={"user": bob.id}, message=text("hi"))
        error = a.receive()
    assert (error["op"], error["code"]) == ("error", "bad_request")


def test_a_refused_first_message_leaves_no_trace_at_its_receiver(
    alice: Person, bob: Person
) -> None:
    with alice.device() as a, bob.device() as b:
        refused(a, "bad_request", op="send", to={"user": bob.id}, message=text("hi", reply_to=1))
        expect_silence(b)
    assert bob.get("/v2/conversations")["conversations"] == []
    assert alice.get("/v2/conversations")["conversations"] == []
