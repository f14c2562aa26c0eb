"""The list of conversations over HTTP: opened once, the latest first, paged, at constant cost."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.chat import text
from tests.support.web import Account, person, problem

BOTH_DATABASES = True

LIST = "/v2/conversations"
MAX_ID = 2**53


def friends(ada: Account, count: int) -> list[Account]:
    """New users who each wrote to ada, the first one first."""
    found = [person(ada.client, f"friend {number}") for number in range(count)]
    for friend in found:
        path = f"{LIST}/{friend.post(LIST, user=ada.id).json['id']}/messages"
        sent = friend.post(path, ref="hello", message=text(f"from {friend.name}"))
        assert sent.status_code == 201
    return found


def test_a_conversation_is_opened_once_and_is_the_same_from_both_sides(
    ada: Account, ben: Account
) -> None:
    asked = [(ada, ben), (ada, ben), (ben, ada)]
    answers = [one.post(LIST, user=other.id) for one, other in asked]
    assert [answer.status_code for answer in answers] == [201, 200, 200]
    assert len({answer.json["id"] for answer in answers}) == 1
    assert answers[0].json == {
        "id": answers[0].json["id"], "kind": "private", "last_seq": 0, "read_seq": 0,
        "last_at": answers[0].json["last_at"], "last_event": None, "last_message": None,
        "first_seq": 1, "unread": 0, "mentions": 0, "group": None, "partner_read_seq": 0,
        "user": {"id": ben.id, "name": "ben", "avatar": "", "gender": "male"},
        "pinned": False, "silent": False, "hidden": False, "draft": None,
    }
    assert answers[2].json["user"]["name"] == "ada"


@pytest.mark.parametrize("user", [0, -1, "1", None, 1.5, 2**53 + 1, 2**70, {"id": 1}])
def test_a_conversation_is_opened_with_a_users_number_only(ada: Account, user: Any) -> None:
    problem(ada.post(LIST, user=user), 400, "bad_request")
    problem(ada.post(LIST), 400, "bad_request")


def test_a_conversation_with_nobody_cannot_be_opened(ada: Account, ben: Account) -> None:
    problem(ada.post(LIST, user=MAX_ID), 404, "unknown_user")
    ben.delete("/v2/users/me")
    problem(ada.post(LIST, user=ben.id), 404, "unknown_user")
    assert ada.get(LIST).json == {"conversations": [], "next": None}


def test_the_list_is_the_latest_first_with_partner_and_last_event(ada: Account) -> None:
    one, two, three = friends(ada, 3)
    mine = f"{LIST}/{ada.post(LIST, user=one.id).json['id']}/messages"
    ada.post(mine, ref="x", message=text("the latest"))
    lines = ada.get(LIST).json["conversations"]
    assert [line["user"]["name"] for line in lines] == [one.name, three.name, two.name]
    assert lines[0]["last_event"] == {
        "op": "event", "conversation": lines[0]["id"], "seq": 2, "type": "message",
        "sender": ada.id, "at": lines[0]["last_at"], "message": text("the latest"),
    }
    assert lines[1]["last_event"]["message"] == text(f"from {three.name}")
    assert ada.get(f"{LIST}/{lines[1]['id']}").json == lines[1]


def test_pages_of_the_list_are_complete_and_without_doubles(ada: Account) -> None:
    names = [friend.name for friend in friends(ada, 8)]
    seen: list[str] = []
    query: dict[str, Any] = {"limit": 3}
    while True:
        page = ada.get(LIST, **query).json
        seen += [line["user"]["name"] for line in page["conversations"]]
        if page["next"] is None:
            break
        assert len(page["conversations"]) == 3
        query["before"] = page["next"]
    assert seen == names[::-1]


@pytest.mark.parametrize("before", [
    "", "x", "1", "1-", "-1", "1-x", "١-1", "9" * 50 + "-1", "1 -1",
])
def test_a_next_that_nobody_gave_out_is_refused(ada: Account, before: str) -> None:
    problem(ada.get(LIST, before=before), 400, "bad_request")
