"""Contacts over HTTP: asked, accepted, refused, removed, named, blocked; every device hears."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.chat import collect, expect_silence, refused, text
from tests.support.client import Person
from tests.support.web import Account, person, problem

BOTH_DATABASES = True

CONTACTS = "/v2/contacts"


def lines(reader: Account, **query: Any) -> list[tuple[str, str, bool]]:
    """(name, state, blocked) of each contact."""
    answer = reader.get(CONTACTS, **query)
    assert answer.status_code == 200, answer.text
    return [
        (line["user"]["name"], line["state"], line["blocked"]) for line in answer.json["contacts"]
    ]


def befriend(one: Account, other: Account) -> None:
    assert one.post(CONTACTS, user=other.id).status_code == 201
    assert other.post(f"{CONTACTS}/{one.id}/accept").status_code == 200


def block(one: Account, other: Account) -> None:
    assert one.request("PUT", f"{CONTACTS}/{other.id}/block").status_code == 200


def unblock(one: Account, other: Account) -> None:
    assert one.delete(f"{CONTACTS}/{other.id}/block").status_code == 204


# -- requests ------------------------------------------------------------------------------


def test_a_request_shows_its_note_to_the_one_who_is_asked(ada: Account, ben: Account) -> None:
    answer = ada.post(CONTACTS, user=ben.id, note="we met in 北京")
    assert answer.status_code == 201
    assert answer.json == {
        "user": {"id": ben.id, "name": "ben", "avatar": "", "gender": "male"},
        "state": "asking", "blocked": False, "remark": "", "note": "", "at": answer.json["at"],
    }
    [line] = ben.get(CONTACTS).json["contacts"]
    assert (line["user"]["name"], line["state"], line["note"]) == ("ada", "asked", "we met in 北京")


def test_an_acceptance_makes_both_friends_and_opens_their_conversation(
    ada: Account, ben: Account
) -> None:
    befriend(ada, ben)
    assert lines(ada) == [("ben", "friend", False)]
    assert lines(ben) == [("ada", "friend", False)]
    for reader, other in ((ada, ben), (ben, ada)):
        [line] = reader.get("/v2/conversations").json["conversations"]
        assert line["user"]["id"] == other.id


def test_who_asks_the_one_who_has_asked_accepts(ada: Account, ben: Account) -> None:
    ada.post(CONTACTS, user=ben.id)
    answer = ben.post(CONTACTS, user=ada.id)
    assert (answer.status_code, answer.json["state"]) == (201, "friend")
    assert lines(ada) == [("ben", "friend", False)]


def test_a_refused_request_is_gone_on_both_sides_and_may_be_repeated(
    ada: Account, ben: Account
) -> None:
    ada.post(CONTACTS, user=ben.id)
    assert ben.post(f"{CONTACTS}/{ada.id}/refuse").status_code == 204
    assert lines(ada) == lines(ben) == []
    assert ada.post(CONTACTS, user=ben.id).status_code == 201


def test_a_request_can_be_taken_back(ada: Account, ben: Account) -> None:
    ada.post(CONTACTS, user=ben.id)
    assert ada.delete(f"{CONTACTS}/{ben.id}").status_code == 204
    assert lines(ben) == []
    problem(ben.post(f"{CONTACTS}/{ada.id}/accept"), 404, "not_found")


def test_every_change_may_be_repeated(ada: Account, ben: Account) -> None:
    steps = [
        (ada, "POST", CONTACTS, {"user": ben.id, "note": "first"}, [201, 200]),
        (ben, "POST", f"{CONTACTS}/{ada.id}/accept", None, [200, 200]),
        (ada, "PATCH", f"{CONTACTS}/{ben.id}", {"remark": "Benny"}, [200, 200]),
        (ada, "PUT", f"{CONTACTS}/{ben.id}/block", None, [200, 200]),
        (ada, "DELETE", f"{CONTACTS}/{ben.id}/block", None, [204, 204]),
        (ada, "DELETE", f"{CONTACTS}/{ben.id}", None, [204, 204]),
        (ben, "POST", f"{CONTACTS}/{ada.id}/refuse", None, [204, 204]),
    ]
    for who, method, path, body, statuses in steps:
        found = [who.request(method, path, json=body) for _ in statuses]
        assert [answer.status_code for answer in found] == statuses, path
        assert found[0].data == found[1].data


def test_a_refusal_that_comes_after_the_acceptance_ends_no_friendship(
    ada: Account, ben: Account
) -> None:
    befriend(ada, ben)
    problem(ben.post(f"{CONTACTS}/{ada.id}/refuse"), 404, "not_found")
    assert lines(ben) == [("ada", "friend", False)]


def test_nobody_accepts_a_request_of_their_own(ada: Account, ben: Account) -> None:
    ada.post(CONTACTS, user=ben.id)
    for verb in ("accept", "refuse"):
        problem(ada.post(f"{CONTACTS}/{ben.id}/{verb}"), 404, "not_found")
    assert lines(ben) == [("ada", "asked", False)]


def test_a_removed_friend_is_gone_on_both_sides(ada: Account, ben: Account) -> None:
    befriend(ada, ben)
    ben.delete(f"{CONTACTS}/{ada.id}")
    assert lines(ada) == lines(ben) == []


def test_a_remark_is_seen_by_its_author_only(ada: Account, ben: Account) -> None:
    befriend(ada, ben)
    ada.patch(f"{CONTACTS}/{ben.id}", remark=" 阿本 👩🏽‍🚀 ")
    assert ada.get(CONTACTS).json["contacts"][0]["remark"] == "阿本 👩🏽‍🚀"
    assert ben.get(CONTACTS).json["contacts"][0]["remark"] == ""
    problem(ada.patch(f"{CONTACTS}/{person(ada.client, 'eve').id}", remark="x"), 404, "not_found")


# -- blocks --------------------------------------------------------------------------------


def test_a_blocked_users_request_reaches_nobody_and_looks_like_any_other(
    ada: Account, ben: Account
) -> None:
    block(ada, ben)
    eve = person(ada.client, "eve")
    one, other = ben.post(CONTACTS, user=ada.id), eve.post(CONTACTS, user=ada.id)
    assert one.status_code == other.status_code == 201
    assert {**one.json, "at": 0} == {**other.json, "at": 0}
    assert lines(ada) == [("ben", "none", True), ("eve", "asked", False)]
    assert lines(ben) == [("ada", "asking", False)]
    assert ben.get(f"/v2/users/{ada.id}").json == eve.get(f"/v2/users/{ada.id}").json
    unblock(ada, ben)
    assert ben.post(CONTACTS, user=ada.id).status_code == 200  # asked before, as they know
    assert ("ben", "asked", False) in lines(ada)


def test_a_block_changes_nothing_that_the_other_side_sees(ada: Account, ben: Account) -> None:
    befriend(ada, ben)
    before = ben.get(CONTACTS).json
    block(ada, ben)
    assert ben.get(CONTACTS).json == before
    assert lines(ada) == [("ben", "friend", True)]
    assert lines(ada, state="blocked") == [("ben", "friend", True)]
    unblock(ada, ben)
    assert lines(ada) == [("ben", "friend", False)]


def test_a_request_that_a_blocked_user_accepts_becomes_friendship_with_the_end_of_the_block(
    ada: Account, ben: Account
) -> None:
    ada.post(CONTACTS, user=ben.id)
    block(ada, ben)
    assert ben.post(f"{CONTACTS}/{ada.id}/accept").json["state"] == "friend"
    assert lines(ada) == [("ben", "asking", True)]
    unblock(ada, ben)
    assert lines(ada) == [("ben", "friend", False)]


def test_who_blocks_somebody_neither_asks_nor_accepts_them(ada: Account, ben: Account) -> None:
    ben.post(CONTACTS, user=ada.id)
    block(ada, ben)
    problem(ada.post(CONTACTS, user=ben.id), 403, "blocked")
    problem(ada.post(f"{CONTACTS}/{ben.id}/accept"), 403, "blocked")


def test_a_blocked_user_may_open_the_conversation_and_the_other_does_not_see_it(
    ada: Account, ben: Account
) -> None:
    block(ada, ben)
    assert ben.post("/v2/conversations", user=ada.id).status_code == 201
    [line] = ada.get("/v2/conversations").json["conversations"]
    assert line["hidden"]
    [line] = ben.get("/v2/conversations").json["conversations"]
    assert not line["hidden"]


def test_a_blocked_sender_is_told_so_and_nobody_hears_them(alice: Person, bob: Person) -> None:
    with alice.device() as hers, bob.device() as his:
        his.text("before", alice.id)
        hers.expect("event", type="message")
        assert alice.request("PUT", f"/v2/contacts/{bob.id}/block").ok
        hers.expect("event", type="contact")
        refused(his, "blocked", op="send", to={"user": alice.id}, message=text("now"))
        found = refused(hers, "blocked", op="send", to={"user": bob.id}, message=text("you?"))
        assert "unblock" in found["message"]
        assert alice.request("DELETE", f"/v2/contacts/{bob.id}/block").ok
        hers.expect("event", type="contact")
        his.text("after", alice.id)
        assert hers.expect("event")["message"] == text("after")


def test_a_block_holds_before_the_two_have_ever_spoken(alice: Person, bob: Person) -> None:
    alice.request("PUT", f"/v2/contacts/{bob.id}/block")
    with bob.device() as his:
        refused(his, "blocked", op="send", to={"user": alice.id}, message=text("hi"))
    assert alice.get("/v2/conversations")["conversations"] == []


# -- every device --------------------------------------------------------------------------


def test_both_users_devices_hear_of_a_request_and_its_acceptance(
    alice: Person, bob: Person
) -> None:
    with alice.device() as hers, bob.device() as his, bob.device() as other:
        alice.post(CONTACTS, user=bob.id, note="hello")
        [event] = collect(hers, 1, "event")
        assert event["contact"] == {
            "user": bob.id, "state": "asking", "blocked": False, "remark": "", "note": "",
        }
        for device in (his, other):
            [event] = collect(device, 1, "event")
            assert (event["type"], event["seq"], event["sender"]) == ("contact", 1, bob.id)
            assert event["contact"] == {
                "user": alice.id, "state": "asked", "blocked": False, "remark": "",
                "note": "hello",
            }
        bob.post(f"{CONTACTS}/{alice.id}/accept")
        for device in (hers, his, other):
            assert collect(device, 1, "event")[0]["contact"]["state"] == "friend"


def test_a_device_that_was_away_learns_of_contacts_by_sync(alice: Person, bob: Person) -> None:
    alice.post(CONTACTS, user=bob.id)
    bob.post(f"{CONTACTS}/{alice.id}/accept")
    alice.request("PATCH", f"{CONTACTS}/{bob.id}", json={"remark": "Bobby"})
    with alice.device() as device:
        account = device.frames[0]["account"]
        assert account["last_seq"] == 3
        events = device.sync(**{f"c{account['id']}": 0})
        assert [event["contact"]["state"] for event in events] == ["asking", "friend", "friend"]
        assert events[-1]["contact"]["remark"] == "Bobby"


def test_nobody_hears_of_a_block_or_of_what_a_blocked_user_does(
    alice: Person, bob: Person
) -> None:
    with alice.device() as hers, bob.device() as his:
        alice.request("PUT", f"{CONTACTS}/{bob.id}/block")
        assert collect(hers, 1, "event")[0]["contact"]["blocked"]
        expect_silence(his)
        bob.post(CONTACTS, user=alice.id)
        assert collect(his, 1, "event")[0]["contact"]["state"] == "asking"
        expect_silence(hers)


def test_a_repeat_leaves_no_event(alice: Person, bob: Person) -> None:
    with alice.device() as hers, bob.device() as his:
        for _ in range(3):
            assert alice.post(CONTACTS, user=bob.id).ok
        collect(hers, 1, "event")
        collect(his, 1, "event")
        expect_silence(hers)
        expect_silence(his)


# -- bad input -----------------------------------------------------------------------------


@pytest.mark.parametrize("body", [
    {}, {"user": 0}, {"user": -1}, {"user": "1"}, {"user": None}, {"user": 2**53 + 1},
    {"user": 2, "note": "x" * 201}, {"user": 2, "note": 1}, {"user": 2, "note": "a\0b"},
    {"user": 2, "extra": 1},
], ids=str)
def test_a_bad_request_is_refused_and_changes_nothing(
    ada: Account, ben: Account, body: dict[str, Any]
) -> None:
    problem(ada.post(CONTACTS, **body), 400, "bad_request")
    assert lines(ada) == []


def test_half_of_a_surrogate_pair_is_refused(ada: Account, ben: Account) -> None:
    answer = ada.request(
        "POST", CONTACTS, data=b'{"user":%d,"note":"\\ud800"}' % ben.id,
        content_type="application/json",
    )
    assert answer.status_code == 400
    assert lines(ada) == []


@pytest.mark.parametrize("remark", ["x" * 65, "a\0b", None, 7])
def test_a_bad_remark_is_refused(ada: Account, ben: Account, remark: Any) -> None:
    befriend(ada, ben)
    problem(ada.patch(f"{CONTACTS}/{ben.id}", remark=remark), 400, "bad_request")
    assert ada.get(CONTACTS).json["contacts"][0]["remark"] == ""


def test_nobody_is_their_own_contact_nor_a_strangers(ada: Account) -> None:
    problem(ada.post(CONTACTS, user=ada.id), 400, "bad_request")
    problem(ada.request("PUT", f"{CONTACTS}/{ada.id}/block"), 400, "bad_request")
    for path, method in (("", "DELETE"), ("/block", "PUT"), ("/accept", "POST")):
        for other in (0, 10**9, 10**15):
            answer = ada.request(method, f"{CONTACTS}/{other}{path}")
            problem(answer, 404, "unknown_user")


@pytest.mark.parametrize("query", [
    {"limit": 0}, {"limit": 501}, {"limit": "x"}, {"after": -1}, {"after": 2**53 + 1},
    {"state": "enemy"}, {"state": ""},
], ids=str)
def test_a_bad_page_is_refused(ada: Account, query: dict[str, Any]) -> None:
    problem(ada.get(CONTACTS, **query), 400, "bad_request")


def test_the_list_is_paged_and_filtered(ada: Account) -> None:
    others = [person(ada.client, f"user {number}") for number in range(5)]
    for other in others[:3]:
        befriend(ada, other)
    others[3].post(CONTACTS, user=ada.id)
    ada.post(CONTACTS, user=others[4].id)
    seen, after = [], 0
    while after is not None:
        page = ada.get(CONTACTS, limit=2, after=after).json
        seen += [line["user"]["id"] for line in page["contacts"]]
        after = page["next"]
    assert seen == [other.id for other in others]
    assert [len(lines(ada, state=state)) for state in ("friend", "asked", "asking", "blocked")] == [
        3, 1, 1, 0,
    ]


def test_a_deleted_account_is_in_nobodys_contacts(alice: Person, bob: Person) -> None:
    alice.post(CONTACTS, user=bob.id)
    bob.post(f"{CONTACTS}/{alice.id}/accept")
    with alice.device() as hers:
        assert bob.request("DELETE", "/v2/users/me").status_code == 204
        event = hers.expect("event", type="contact")
        assert event["contact"] == {
            "user": bob.id, "state": "none", "blocked": False, "remark": "", "note": "",
        }
    assert alice.get(CONTACTS) == {"contacts": [], "next": None}
