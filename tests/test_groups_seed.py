"""The seed's group routes, `/v1/relation`: exact words and envelopes for its own client."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.support.client import PASSWORD, Person
from tests.support.groups import new_group
from tests.support.web import Account, person

ROUTES = ("new_group", "group_list", "join_group")
GROUP_KEYS = {"ID", "Name", "OwnerId", "Type", "Image", "Desc", "CreatedAt"}


@dataclass
class Visitor:
    """A user of the seed's client."""

    client: FlaskClient
    id: int
    token: str

    def post(self, route: str, **fields: Any) -> TestResponse:
        query = {"token": self.token, "userId": self.id}
        return self.client.post(f"/v1/relation/{route}", query_string=query, data=fields)

    def make(self, name: str, **more: Any) -> Any:
        fields = {"ownerId": self.id, "cate": 1, "icon": "", "name": name, "desc": "", **more}
        return self.post("new_group", **fields).json

    def join(self, group: Any) -> Any:
        return self.post("join_group", userId=self.id, comId=group).json

    def groups(self) -> list[dict[str, Any]]:
        answer = self.post("group_list", ownerId=self.id)
        assert answer.status_code == 200
        found = answer.json
        assert found is not None
        assert found.keys() == {"Code", "Msg", "Data", "Rows", "Total"}
        assert (found["Code"], found["Total"]) == (0, len(found["Rows"]))
        return list(found["Rows"])


@pytest.fixture
def visitors(client: FlaskClient) -> list[Visitor]:
    found = []
    for name in ("amy", "bob", "cat"):
        form = {"name": name, "password": PASSWORD, "Identity": PASSWORD}
        client.post("/v1/user/new", data=form)
        answer = client.post("/v1/user/login_pw", data=form).json
        assert answer is not None
        found.append(Visitor(client, answer["userId"], answer["tokens"]))
    return found


def test_a_group_is_made_listed_and_joined_by_number_or_name(visitors: list[Visitor]) -> None:
    amy, bob, cat = visitors
    made = amy.make("徒步", cate=3, icon="/asset/a.png", desc="we walk")
    assert (made["code"], made["message"]) == (0, "建群成功")
    [row] = amy.groups()
    assert row.keys() == GROUP_KEYS
    assert {key: row[key] for key in GROUP_KEYS - {"ID", "CreatedAt"}} == {
        "Name": "徒步", "OwnerId": amy.id, "Type": 3, "Image": "/asset/a.png", "Desc": "we walk",
    }
    assert bob.groups() == []
    assert bob.join(row["ID"]) == {"code": 0, "message": "加群成功"}
    assert cat.join("徒步") == {"code": 0, "message": "加群成功"}
    assert bob.groups() == cat.groups() == [row]
    for found in (bob.join(row["ID"]), cat.join("徒步"), amy.join("徒步")):
        assert found == {"code": -1, "message": "已加过此群"}


def test_a_name_is_needed_and_must_be_free(visitors: list[Visitor]) -> None:
    amy, bob, _ = visitors
    for name in ("", "  "):
        assert amy.make(name) == {"code": -1, "message": "群名称不能为空"}
    assert amy.make("Walkers")["code"] == 0
    assert bob.make("walkers") == {"code": -1, "message": "群名称已存在"}
    assert amy.make("Walkers") == {"code": -1, "message": "群名称已存在"}
    assert (len(amy.groups()), bob.groups()) == (1, [])


@pytest.mark.parametrize("fields", [
    {"cate": "x"}, {"cate": -1}, {"cate": "9" * 16}, {"icon": "javascript:x"},
    {"desc": "x" * 2001}, {"desc": "a\0b"}, {"name": "x" * 65}, {"name": "a\0b"},
])
def test_bad_fields_make_no_group(visitors: list[Visitor], fields: dict[str, Any]) -> None:
    amy = visitors[0]
    assert amy.make(**{"name": "walkers", **fields}) == {"code": -1, "message": "参数不匹配"}
    assert amy.groups() == []


@pytest.mark.parametrize("group", ["nothing", "0", "999999", "9" * 40, "", "-1", "a\0b", "²"])
def test_an_unknown_group_is_not_joined(visitors: list[Visitor], group: str) -> None:
    assert visitors[0].join(group) == {"code": -1, "message": "没有找到群"}


def test_nobody_acts_for_another_user(visitors: list[Visitor]) -> None:
    amy, bob, _ = visitors
    amy.make("walkers")
    for answer in (
        bob.post("new_group", ownerId=amy.id, name="mine"),
        bob.post("join_group", userId=amy.id, comId="walkers"),
    ):
        assert (answer.status_code, answer.json["code"]) == (200, -1)
    answer = bob.post("group_list", ownerId=amy.id)
    assert (answer.status_code, answer.json["Code"], answer.json["Rows"]) == (200, -1, None)
    assert bob.groups() == []


@pytest.mark.parametrize("route", ROUTES)
def test_without_a_token_it_is_401_in_the_seeds_words(client: FlaskClient, route: str) -> None:
    answer = client.post(f"/v1/relation/{route}")
    assert (answer.status_code, answer.json) == (401, {"message": "请登录"})


def test_the_doors_of_v2_groups_are_respected(visitors: list[Visitor]) -> None:
    amy, bob, cat = visitors
    owner = Account(amy.client, amy.id, "amy", amy.token, "")
    closed, asking = new_group(owner, name="closed"), new_group(owner, name="x", join="approval")
    assert bob.join(closed) == {"code": -1, "message": "该群只能通过邀请加入"}
    assert bob.join(asking) == {"code": -1, "message": "已提交申请，请等待管理员同意"}
    assert bob.groups() == []
    assert bob.join("closed") == {"code": -1, "message": "没有找到群"}
    assert bob.make("closed")["code"] == 0
    new_group(owner, name="twice")
    opened = new_group(owner, name="twice", join="open")
    assert cat.join("twice") == {"code": 0, "message": "加群成功"}
    assert [row["ID"] for row in cat.groups()] == [opened]
    assert person(amy.client, "dan").post(f"/v2/groups/{opened}/join").status_code == 200


def test_a_group_of_the_seeds_client_is_talked_in_over_its_socket(
    alice: Person, bob: Person
) -> None:
    def post(user: Person, route: str, **fields: Any) -> Any:
        query = {"token": user.token, "userId": user.id}
        path = f"/v1/relation/{route}"
        return user.request("POST", path, params=query, data=fields).json()

    name = f"group of {alice.name}"
    made = post(alice, "new_group", ownerId=alice.id, cate=1, icon="", name=name, desc="")
    group = made["data"]
    with alice.seed_device() as hers, bob.seed_device() as his:
        assert post(bob, "join_group", userId=bob.id, comId=name)["code"] == 0
        his.send(userId=bob.id, TargetId=group, Type=2, Media=1, Content="我来了")
        for device in (hers, his):
            found = json.loads(device.receive_text())
            assert (found["userId"], found["TargetId"], found["Type"], found["Content"]) == (
                bob.id, group, 2, "我来了",
            )
