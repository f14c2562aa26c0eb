"""The seed's contacts, as its own client asks for them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from tests.support.application import application
from tests.support.web import Account, person

BOTH_DATABASES = True

ADDED = {"code": 0, "message": "添加好友成功"}
USER_KEYS = {
    "ID", "CreatedAt", "UpdatedAt", "Name", "Avatar", "Gender", "Phone", "Email", "Identity",
    "ClientIp", "ClientPort", "LoginTime", "HeartBeatTime", "LoginOutTime", "IsLoginOut",
    "DeviceInfo",
}


def ask(who: Account, path: str, **form: Any) -> Any:
    query = {"token": who.token, "userId": who.id}
    answer = who.client.post(f"/v1/relation/{path}", query_string=query, data=form)
    assert answer.status_code == 200, answer.text
    return answer.json


def add(who: Account, target: Any) -> Any:
    return ask(who, "add", userId=who.id, targetName=target)


def names(who: Account) -> list[str]:
    found = ask(who, "list", userId=who.id)
    assert (found["Code"], found["Total"]) == (0, len(found["Rows"]))
    return [row["Name"] for row in found["Rows"]]


def test_adding_by_name_makes_both_friends_at_once(ada: Account, ben: Account) -> None:
    assert ask(ada, "list", userId=ada.id) == {
        "Code": 0, "Msg": "", "Data": None, "Rows": [], "Total": 0,
    }
    assert add(ada, "ben") == ADDED
    assert names(ada) == ["ben"]
    assert names(ben) == ["ada"]
    [row] = ask(ada, "list", userId=ada.id)["Rows"]
    assert row.keys() == USER_KEYS
    assert row["ID"] == ben.id


def test_adding_by_number_is_the_same(ada: Account, ben: Account) -> None:
    assert add(ada, ben.id) == ADDED
    assert add(person(ada.client, "eve"), str(ada.id)) == ADDED
    assert names(ada) == ["ben", "eve"]


def test_a_name_may_be_a_number_that_is_nobodys(ada: Account) -> None:
    person(ada.client, "13800138000")
    assert add(ada, "13800138000") == ADDED


def test_friends_are_not_added_again_from_either_side(ada: Account, ben: Account) -> None:
    add(ada, "ben")
    for who, target in ((ada, "ben"), (ada, ben.id), (ben, "ada")):
        assert add(who, target) == {"code": -1, "message": "该好友已经存在"}


def test_nobody_adds_themself(ada: Account) -> None:
    for target in ("ada", ada.id):
        assert add(ada, target) == {"code": -1, "message": "不能添加自己"}


@pytest.mark.parametrize("target", ["", " ", "nobody", "0", "-1", "999999", "9" * 30, "a\0b", "١"])
def test_an_unknown_target_is_an_error_with_words(ada: Account, target: str) -> None:
    found = add(ada, target)
    assert found["code"] == -1 and found["message"]
    assert names(ada) == []


def test_nobody_adds_or_lists_for_another(ada: Account, ben: Account) -> None:
    person(ada.client, "eve")
    assert ask(ada, "add", userId=ben.id, targetName="eve")["code"] == -1
    assert ask(ada, "list", userId=ben.id)["Code"] == -1
    assert names(ada) == names(ben) == []


def test_both_hear_of_it_in_v2_and_have_a_conversation(ada: Account, ben: Account) -> None:
    add(ada, "ben")
    for who in (ada, ben):
        [line] = who.get("/v2/contacts").json["contacts"]
        assert line["state"] == "friend"
        assert len(who.get("/v2/conversations").json["conversations"]) == 1


def test_adding_somebody_who_has_asked_is_an_acceptance(ada: Account, ben: Account) -> None:
    ben.post("/v2/contacts", user=ada.id)
    assert add(ada, "ben") == ADDED
    assert names(ben) == ["ada"]


def test_who_is_blocked_sees_no_difference_and_is_nobodys_friend(
    ada: Account, ben: Account
) -> None:
    ada.request("PUT", f"/v2/contacts/{ben.id}/block")
    assert add(ben, "ada") == ADDED
    assert names(ben) == ["ada"]
    assert names(ada) == []
    [line] = ben.get("/v2/conversations").json["conversations"]
    answer = ben.post(
        f"/v2/conversations/{line['id']}/messages", ref="r",
        message={"media": "text", "content": "hi"},
    )
    assert (answer.status_code, answer.json["code"]) == (403, "blocked")
    assert add(ada, "ben")["code"] == -1  # ada blocks them


@pytest.fixture
def strict(tmp_path: Path) -> Iterator[Flask]:
    """An application where only contacts write to each other."""
    with application(tmp_path, HICHAT_CONTACT_POLICY="contacts") as made:
        yield made


def test_by_the_policy_contacts_adding_asks_first(strict: Flask) -> None:
    ada, ben = (person(strict.test_client(), name) for name in ("ada", "ben"))
    for _ in range(2):
        assert add(ada, "ben") == {"code": 0, "message": "好友申请已发送"}
    assert names(ada) == names(ben) == []
    assert add(ben, "ada") == ADDED
    assert names(ada) == ["ben"]
    assert add(ada, "ben") == {"code": -1, "message": "该好友已经存在"}


def test_by_the_policy_contacts_only_friends_open_conversations_and_write(strict: Flask) -> None:
    ada, ben = (person(strict.test_client(), name) for name in ("ada", "ben"))
    refused = ada.post("/v2/conversations", user=ben.id)
    assert (refused.status_code, refused.json["code"]) == (403, "not_a_contact")
    assert ada.post("/v2/conversations", user=ada.id).status_code == 201  # notes to oneself
    add(ada, "ben")
    add(ben, "ada")
    path = f"/v2/conversations/{ada.post('/v2/conversations', user=ben.id).json['id']}/messages"
    message = {"media": "text", "content": "hi"}
    assert ada.post(path, ref="1", message=message).status_code == 201
    ben.delete(f"/v2/contacts/{ada.id}")
    after = ada.post(path, ref="2", message=message)
    assert (after.status_code, after.json["code"]) == (403, "not_a_contact")
    assert ada.post(path, ref="1", message=message).status_code == 200  # a repeat stays true
