"""Hostile texts on `/v2`: each gets one error frame, and the socket lives on."""

from __future__ import annotations

import json

import pytest

from tests.hostile.texts import NESTED, send_text
from tests.support.bystanders import Bystanders
from tests.support.client import Person


def check_answer(person: Person, text: str, code: str, ref: str | None) -> None:
    """The text gets one error frame, and the socket serves the next command."""
    with person.device() as device:
        device.send_text(text)
        answer = device.receive()
        assert (answer["op"], answer["code"], answer["ref"]) == ("error", code, ref), answer
        assert answer["retry"] is False
        assert 0 < len(answer["message"]) < 300
        device.send(op="sync", ref="next", cursors={})
        assert device.receive()["ref"] == "next"


@pytest.mark.parametrize("text", [
    "", " ", "hello", "{", '{"op":"send"', "'op'", '{"op":"sync","cursors":{}}}', '{"op":"send",}',
    "\ufeff{}", "\0", "{\0}", "undefined",
])
def test_text_that_is_no_json(alice: Person, text: str) -> None:
    check_answer(alice, text, "bad_json", None)


@pytest.mark.parametrize("text", ["null", "5", '"send"', "[]", "true", "{}", '{"ref":5}'])
def test_json_that_is_no_command(alice: Person, text: str) -> None:
    check_answer(alice, text, "bad_request", None)


@pytest.mark.parametrize("spoilt", [
    {"to": 14}, {"to": {"user": "14"}}, {"to": {"user": 1.5}}, {"to": {"user": -1}},
    {"to": {"user": 0}}, {"to": {"user": 2**53 + 1}}, {"to": {"user": True}}, {"to": []},
    {"to": {"user": 1, "group": 2}}, {"conversation": "12"}, {"conversation": 12}, {"to": None},
    {"message": "hi"}, {"message": None}, {"message": {"media": 1, "content": "x"}},
    {"message": {"media": "smell", "content": "x"}}, {"message": {"media": "text"}},
    {"message": {"media": "text", "content": 5}}, {"message": {"media": "text", "content": ""}},
    {"message": {"media": "text", "content": "x", "sender": 1}},
    {"message": {"media": "text", "content": "x", "reply_to": "7"}},
])
def test_wrong_types(alice: Person, spoilt: dict[str, object]) -> None:
    good = {"op": "send", "ref": "r", "to": {"user": 1},
            "message": {"media": "text", "content": "x"}}
    check_answer(alice, json.dumps({**good, **spoilt}), "bad_request", "r")


@pytest.mark.parametrize("ref", ["5", "null", '""', f'"{"r" * 65}"', "[]", "{}"])
def test_a_ref_that_is_none_is_not_repeated(alice: Person, ref: str) -> None:
    check_answer(alice, send_text("1", ref=ref), "bad_request", None)


@pytest.mark.parametrize("text", [
    '{"op":"send","ref":"r"}', '{"op":"send","ref":"r","to":{"user":1}}',
    '{"op":"send","ref":"r","to":{},"message":{"media":"text","content":"x"}}',
    '{"op":"send","ref":"r","message":{"media":"text","content":"x"}}',
    '{"op":"send","ref":"r","to":{"user":1},"message":{"content":"x"}}',
    '{"op":"sync","ref":"r"}', '{"op":"read","ref":"r"}', '{"op":"read","ref":"r","seq":1}',
    '{"ref":"r"}',
])
def test_missing_fields(alice: Person, text: str) -> None:
    check_answer(alice, text, "bad_request", "r")


@pytest.mark.parametrize("op", ['"dance"', '""', '"SEND"', "5", "null", "[]", '"send\\u0000"'])
def test_unknown_op(alice: Person, op: str) -> None:
    check_answer(alice, f'{{"op":{op},"ref":"r"}}', "unknown_op", "r")


@pytest.mark.parametrize("content", ['"\\ud800"', '"\\udc00 x"', '"\\ud83d\\ud83d"', '"x\\ud83d"'])
def test_a_lone_surrogate(alice: Person, content: str) -> None:
    # What a browser sends that cut an emoji in two: without the ref it would ask for ever.
    check_answer(alice, send_text("1", content=content), "bad_json", "r")


def test_nul(alice: Person) -> None:
    check_answer(alice, send_text("1", content='"a\\u0000b"'), "bad_request", "r")
    check_answer(alice, send_text("1", content='"a\0b"'), "bad_json", "r")
    check_answer(alice, send_text("1", ref='"a\\u0000b"'), "bad_request", "a\0b")


@pytest.mark.parametrize(("text", "code", "ref"), [
    pytest.param("[" * 100_000, "bad_request", None, id="unfinished array"),
    pytest.param(NESTED, "bad_request", None, id="array"),
    pytest.param('{"a":' * 20_000, "bad_json", None, id="unfinished object"),
    pytest.param(send_text("1", more=f'"x":{NESTED},'), "bad_json", "r", id="unknown field"),
    pytest.param(send_text(NESTED), "bad_request", "r", id="user"),
    pytest.param(send_text("1", ref=NESTED), "bad_request", None, id="ref"),
    pytest.param(send_text("1", content='{"a":' * 20_000), "bad_request", "r", id="content"),
])
def test_a_hundred_thousand_nested_brackets(
    alice: Person, text: str, code: str, ref: str | None
) -> None:
    check_answer(alice, text, code, ref)


@pytest.mark.parametrize("number", [
    pytest.param("9" * 5000, id="integer"), pytest.param("-" + "9" * 5000, id="negative"),
    pytest.param("1" * 5000 + ".5", id="fraction"), pytest.param("1e999", id="exponent"),
])
def test_a_number_of_5000_digits(alice: Person, number: str) -> None:
    check_answer(alice, send_text(number), "bad_request", "r")
    check_answer(alice, send_text("1", ref=number), "bad_request", None)
    read = f'{{"op":"read","ref":"r","conversation":1,"seq":{number}}}'
    check_answer(alice, read, "bad_request", "r")
    check_answer(alice, number, "bad_request", None)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "+1", "01", ".5"])
def test_nan_and_other_numbers_that_json_has_not(alice: Person, number: str) -> None:
    check_answer(alice, send_text(number), "bad_json", "r")


def test_an_unknown_target(alice: Person) -> None:
    check_answer(alice, send_text("999999999"), "unknown_user", "r")
    message = '"message":{"media":"text","content":"x"}'
    check_answer(
        alice, f'{{"op":"send","ref":"r","conversation":999999999,{message}}}', "not_a_member", "r"
    )
    check_answer(
        alice, '{"op":"read","ref":"r","conversation":999999999,"seq":1}', "not_a_member", "r"
    )


def test_someone_elses_conversation_is_as_unknown_as_none(
    alice: Person, bystanders: Bystanders
) -> None:
    carol = bystanders.people[0]
    theirs = carol.get("/v2/conversations")["conversations"][0]["id"]
    message = '"message":{"media":"text","content":"x"}'
    check_answer(
        alice, f'{{"op":"send","ref":"r","conversation":{theirs},{message}}}', "not_a_member", "r"
    )
    with alice.device() as device:
        assert device.sync(**{f"c{theirs}": 0}) == []
    assert alice.request("GET", f"/v2/conversations/{theirs}/events").status_code == 403


def test_someone_elses_user_id_in_the_payload_changes_nothing(
    alice: Person, bob: Person, bystanders: Bystanders
) -> None:
    other = bystanders.people[0].id
    more = f'"sender":{other},"userId":{other},"user":{other},'
    with alice.device() as a, bob.device() as b:
        a.send_text(send_text(str(bob.id), more=more))
        a.expect("ack", ref="r")
        assert b.receive()["sender"] == alice.id
