"""A group's settings: who may change them, what a change says, what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.support.groups import new_group, team, told
from tests.support.web import Account, problem

BOTH_DATABASES = True

SETTINGS = {
    "name": "登山者", "avatar": "https://example.org/a.png", "description": "we walk",
    "announcement": "Sunday, 8:00", "join": "approval", "open_history": True,
}


def test_a_group_is_made_with_the_settings_it_is_given(ada: Account, ben: Account) -> None:
    group = new_group(ada, ben, **SETTINGS)
    expected = SETTINGS | {
        "id": group, "owner": ada.id, "size": 2, "admins_only": False, "muted_until": 0,
    }
    assert ada.get(f"/v2/groups/{group}").json == expected | {"role": "owner"}
    assert ben.get(f"/v2/groups/{group}").json == expected | {"role": "member"}


def test_a_change_is_one_event_that_says_what_has_changed(ada: Account, ben: Account) -> None:
    group = new_group(ada, ben, announcement="old")
    answer = ada.patch(
        f"/v2/groups/{group}", announcement="old", join="open", admins_only=True, name="climbers"
    )
    assert answer.status_code == 200
    assert answer.json == ada.get(f"/v2/groups/{group}").json
    assert answer.json is not None
    assert (answer.json["name"], answer.json["join"]) == ("climbers", "open")
    assert told(ben, group)[1:] == [
        ("group", {"join": "open", "admins_only": True, "name": "climbers"})
    ]


def test_a_change_to_what_is_so_already_leaves_no_event(ada: Account, ben: Account) -> None:
    group = new_group(ada, ben)
    for fields in ({}, {"name": "walkers"}, {"join": "invite", "open_history": False}):
        assert ada.patch(f"/v2/groups/{group}", **fields).status_code == 200
    assert len(told(ada, group)) == 1


def test_members_and_strangers_change_nothing(client: FlaskClient) -> None:
    ada, ben, eve = team(client, "ada", "ben", "eve")
    group = new_group(ada, ben)
    problem(ben.patch(f"/v2/groups/{group}", name="mine"), 403, "forbidden")
    problem(eve.patch(f"/v2/groups/{group}", name="mine"), 403, "not_a_member")
    problem(ben.delete(f"/v2/groups/{group}"), 403, "forbidden")
    problem(eve.delete(f"/v2/groups/{group}"), 403, "not_a_member")
    problem(eve.patch("/v2/groups/999999", name="mine"), 403, "not_a_member")
    assert len(told(ada, group)) == 1


def test_an_admin_changes_settings_but_does_not_disband(ada: Account, ben: Account) -> None:
    group = new_group(ada, ben)
    assert ada.patch(f"/v2/groups/{group}/members/{ben.id}", role="admin").status_code == 204
    assert ben.patch(f"/v2/groups/{group}", name="climbers").status_code == 200
    problem(ben.delete(f"/v2/groups/{group}"), 403, "forbidden")


@pytest.mark.parametrize("fields", [
    {"name": ""}, {"name": "x" * 65}, {"name": " x"}, {"name": "a\u202eb"}, {"name": "a\0b"},
    {"name": "ﷺ" * 64}, {"name": None}, {"name": 7}, {"avatar": "javascript:x"},
    {"avatar": "/" + "x" * 2048}, {"description": "x" * 2001}, {"announcement": "a\0b"},
    {"join": "closed"}, {"join": 0}, {"open_history": "yes"}, {"owner": 7}, {"category": 1},
])
def test_a_setting_that_breaks_a_rule_is_refused_and_changes_nothing(
    ada: Account, fields: dict[str, Any]
) -> None:
    problem(ada.post("/v2/groups", **{"name": "x", **fields}), 400, "bad_request")
    group = new_group(ada)
    before = ada.get(f"/v2/groups/{group}").json
    problem(ada.patch(f"/v2/groups/{group}", **({"avatar": "/a.png"} | fields)), 400, "bad_request")
    assert ada.get(f"/v2/groups/{group}").json == before


@pytest.mark.parametrize("body", [
    b'{"name":"\\ud800"}', b'{"name":"x","members":[0]}', b'{"name":"x","members":"all"}',
    b'{"name":"x","members":[9007199254740993]}', b"[]", b"{",
])
def test_what_is_no_group_at_all_is_refused(ada: Account, body: bytes) -> None:
    answer = ada.request("POST", "/v2/groups", data=body)
    assert answer.status_code == 400
    listed = ada.get("/v2/conversations").json
    assert listed is not None
    assert listed["conversations"] == []


def test_only_admins_write_where_members_only_read(ada: Account, ben: Account) -> None:
    group = new_group(ada, ben)
    ada.patch(f"/v2/groups/{group}", admins_only=True)
    message = {"media": "text", "content": "hi"}
    path = f"/v2/conversations/{group}/messages"
    problem(ben.post(path, ref="b1", message=message), 403, "muted")
    assert ada.post(path, ref="a1", message=message).status_code == 201
    ada.patch(f"/v2/groups/{group}", admins_only=False)
    assert ben.post(path, ref="b1", message=message).status_code == 201


def test_a_disbanded_group_is_gone_for_everybody(ada: Account, ben: Account) -> None:
    group = new_group(ada, ben, join="open")
    code = ada.post(f"/v2/groups/{group}/invites").json
    assert code is not None
    assert ada.delete(f"/v2/groups/{group}").status_code == 204
    for reader in (ada, ben):
        for path in (f"/v2/groups/{group}", f"/v2/groups/{group}/members",
                     f"/v2/conversations/{group}", f"/v2/conversations/{group}/events"):
            problem(reader.get(path), 403, "not_a_member")
        message = {"media": "text", "content": "hi"}
        refused = reader.post(f"/v2/conversations/{group}/messages", ref="r", message=message)
        problem(refused, 403, "not_a_member")
        problem(reader.post(f"/v2/groups/{group}/join"), 403, "not_a_member")
        problem(reader.get(f"/v2/invites/{code['code']}"), 404, "not_found")
        problem(reader.post(f"/v2/invites/{code['code']}"), 404, "not_found")
        listed = reader.get("/v2/conversations").json
        assert listed is not None
        assert listed["conversations"] == []
    problem(ada.delete(f"/v2/groups/{group}"), 403, "not_a_member")


def test_no_other_kind_of_conversation_is_a_group(client: FlaskClient) -> None:
    ada, ben, eve = team(client, "ada", "ben", "eve")
    opened = ada.post("/v2/conversations", user=ben.id).json
    assert opened is not None
    chat = f"/v2/groups/{opened['id']}"
    problem(ada.get(chat), 403, "not_a_member")
    problem(ada.patch(chat, name="x"), 403, "not_a_member")
    problem(ada.delete(chat), 403, "not_a_member")
    problem(ada.get(f"{chat}/members"), 403, "not_a_member")
    problem(ada.post(f"{chat}/members", users=[eve.id]), 403, "not_a_member")
    problem(ada.delete(f"{chat}/members/{ben.id}"), 403, "not_a_member")
    problem(ada.patch(f"{chat}/members/{ben.id}", role="admin"), 403, "not_a_member")
    problem(ada.post(f"{chat}/leave"), 403, "not_a_member")
    problem(ada.post(f"{chat}/transfer", user=ben.id), 403, "not_a_member")
    problem(ada.post(f"{chat}/invites"), 403, "not_a_member")
    problem(ada.get(f"{chat}/invites"), 403, "not_a_member")
    problem(ada.get(f"{chat}/requests"), 403, "not_a_member")
    problem(eve.post(f"{chat}/join"), 403, "not_a_member")
