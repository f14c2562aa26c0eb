"""Members of a group: pages, coming, going, roles, muting; what each of them may do to another."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app import services
from app.models import Contact
from app.store.clock import now_ms
from tests.support.groups import crowd, new_group, team, told
from tests.support.web import Account, person, problem

BOTH_DATABASES = True


def roles(reader: Account, group: int) -> dict[int, str]:
    answer = reader.get(f"/v2/groups/{group}/members", limit=500)
    assert answer.json is not None
    return {line["user"]["id"]: line["role"] for line in answer.json["members"]}


def give(owner: Account, group: int, member: Account, **place: Any) -> None:
    answer = owner.patch(f"/v2/groups/{group}/members/{member.id}", **place)
    assert answer.status_code == 204, answer.text


def write(writer: Account, group: int, ref: str) -> Any:
    message = {"media": "text", "content": "hi"}
    return writer.post(f"/v2/conversations/{group}/messages", ref=ref, message=message)


def test_members_come_in_pages_with_profile_role_and_muting(
    client: FlaskClient, ada: Account, app: Flask
) -> None:
    group = new_group(ada)
    others = crowd(services.of(app).store.database, 7)
    assert ada.post(f"/v2/groups/{group}/members", users=others).json == {"joined": others}
    seen, after = [], 0
    while after is not None:
        page = ada.get(f"/v2/groups/{group}/members", limit=3, after=after).json
        assert page is not None
        seen += page["members"]
        after = page["next"]
    assert [line["user"]["id"] for line in seen] == [ada.id, *others]
    assert seen[0] == {
        "user": {"id": ada.id, "name": "ada", "avatar": "", "gender": "male"},
        "role": "owner", "muted_until": 0,
    }
    empty = ada.get(f"/v2/groups/{group}/members", after=2**53)
    assert (empty.status_code, empty.json) == (200, {"members": [], "next": None})


@pytest.mark.parametrize("query", [
    {"limit": 0}, {"limit": -1}, {"limit": 501}, {"limit": "x"}, {"after": -1}, {"after": 2**60},
])
def test_a_bad_page_is_refused(ada: Account, query: dict[str, Any]) -> None:
    group = new_group(ada)
    problem(ada.get(f"/v2/groups/{group}/members", **query), 400, "bad_request")


def test_admins_add_members_and_those_who_are_in_stay_as_they_are(client: FlaskClient) -> None:
    ada, ben, cyd, dan = team(client, "ada", "ben", "cyd", "dan")
    group = new_group(ada, ben)
    problem(ben.post(f"/v2/groups/{group}/members", users=[cyd.id]), 403, "forbidden")
    give(ada, group, ben, role="admin")
    answer = ben.post(f"/v2/groups/{group}/members", users=[cyd.id, ben.id, dan.id, cyd.id])
    assert (answer.status_code, answer.json) == (200, {"joined": [cyd.id, dan.id]})
    again = ben.post(f"/v2/groups/{group}/members", users=[cyd.id, dan.id])
    assert (again.status_code, again.json) == (200, {"joined": []})
    assert told(ada, group)[2:] == [("members", {"joined": [cyd.id, dan.id], "by": ben.id})]
    assert roles(cyd, group) == {
        ada.id: "owner", ben.id: "admin", cyd.id: "member", dan.id: "member",
    }
    assert ada.get(f"/v2/groups/{group}").json["size"] == 4


def test_members_add_others_where_the_group_is_open(client: FlaskClient) -> None:
    ada, ben, cyd, eve = team(client, "ada", "ben", "cyd", "eve")
    group = new_group(ada, ben, join="open")
    assert ben.post(f"/v2/groups/{group}/members", users=[cyd.id]).json == {"joined": [cyd.id]}
    problem(eve.post(f"/v2/groups/{group}/members", users=[eve.id]), 403, "not_a_member")


@pytest.mark.parametrize("users", [[], [0], [-1], ["1"], [2**53 + 1], [1] * 1001, None, 1])
def test_what_is_no_list_of_users_is_refused(ada: Account, users: Any) -> None:
    group = new_group(ada)
    problem(ada.post(f"/v2/groups/{group}/members", users=users), 400, "bad_request")


def test_unknown_and_deleted_users_come_into_no_group(client: FlaskClient) -> None:
    ada, ben, cyd = team(client, "ada", "ben", "cyd")
    group = new_group(ada)
    assert cyd.delete("/v2/users/me").status_code == 204
    for absent in (cyd.id, 10**9):
        users = [ben.id, absent]
        problem(ada.post(f"/v2/groups/{group}/members", users=users), 404, "unknown_user")
        problem(ada.post("/v2/groups", name="x", members=users), 404, "unknown_user")
    assert roles(ada, group) == {ada.id: "owner"}
    assert len(told(ada, group)) == 1


def test_who_has_blocked_somebody_is_not_put_into_groups_by_them(
    client: FlaskClient, app: Flask
) -> None:
    ada, ben = team(client, "ada", "ben")
    services.of(app).store.database.write(lambda session: session.add(
        Contact(user_id=ben.id, other_id=ada.id, blocked=True, at=now_ms())
    ))
    group = new_group(ada)
    problem(ada.post(f"/v2/groups/{group}/members", users=[ben.id]), 403, "blocked")
    problem(ada.post("/v2/groups", name="x", members=[ben.id]), 403, "blocked")
    assert roles(ada, group) == {ada.id: "owner"}
    own = new_group(ben)
    assert ben.post(f"/v2/groups/{own}/members", users=[ada.id]).json == {"joined": [ada.id]}


def test_admins_remove_members_and_the_owner_everybody_else(client: FlaskClient) -> None:
    ada, ben, cyd, dan, eve = team(client, "ada", "ben", "cyd", "dan", "eve")
    group = new_group(ada, ben, cyd, dan)
    path = f"/v2/groups/{group}/members"
    give(ada, group, ben, role="admin")
    give(ada, group, cyd, role="admin")
    problem(dan.delete(f"{path}/{dan.id}"), 400, "bad_request")
    problem(dan.delete(f"{path}/{ben.id}"), 403, "forbidden")
    problem(eve.delete(f"{path}/{dan.id}"), 403, "not_a_member")
    problem(ben.delete(f"{path}/{cyd.id}"), 403, "forbidden")
    problem(ben.delete(f"{path}/{ada.id}"), 403, "forbidden")
    problem(ben.delete(f"{path}/{eve.id}"), 404, "not_found")
    assert ben.delete(f"{path}/{dan.id}").status_code == 204
    problem(ben.delete(f"{path}/{dan.id}"), 404, "not_found")
    assert ada.delete(f"{path}/{cyd.id}").status_code == 204
    assert roles(ada, group) == {ada.id: "owner", ben.id: "admin"}
    assert told(ada, group)[-2:] == [
        ("members", {"removed": [dan.id]}), ("members", {"removed": [cyd.id]}),
    ]
    problem(dan.get(f"/v2/groups/{group}"), 403, "not_a_member")
    problem(dan.get(f"/v2/conversations/{group}/events"), 403, "not_a_member")
    assert ada.get(f"/v2/groups/{group}").json["size"] == 2


def test_who_leaves_is_out_and_the_last_one_disbands(client: FlaskClient) -> None:
    ada, ben = team(client, "ada", "ben")
    group = new_group(ada, ben)
    refused = problem(ada.post(f"/v2/groups/{group}/leave"), 403, "forbidden")
    assert "transfer" in refused["detail"] and "disband" in refused["detail"]
    assert ben.post(f"/v2/groups/{group}/leave").status_code == 204
    problem(ben.post(f"/v2/groups/{group}/leave"), 403, "not_a_member")
    assert told(ada, group)[-1] == ("members", {"left": [ben.id]})
    assert ada.post(f"/v2/groups/{group}/leave").status_code == 204
    problem(ada.get(f"/v2/groups/{group}"), 403, "not_a_member")


def test_the_owner_transfers_the_group_and_is_an_admin_then(client: FlaskClient) -> None:
    ada, ben, eve = team(client, "ada", "ben", "eve")
    group = new_group(ada, ben)
    path = f"/v2/groups/{group}/transfer"
    problem(ben.post(path, user=ben.id), 403, "forbidden")
    problem(ada.post(path, user=eve.id), 404, "not_found")
    assert ada.post(path, user=ada.id).status_code == 204
    assert len(told(ada, group)) == 1
    assert ada.post(path, user=ben.id).status_code == 204
    assert told(ada, group)[-1] == ("members", {"owner": ben.id})
    assert roles(ada, group) == {ada.id: "admin", ben.id: "owner"}
    assert ada.get(f"/v2/groups/{group}").json["owner"] == ben.id
    problem(ada.post(path, user=ada.id), 403, "forbidden")
    assert ada.post(f"/v2/groups/{group}/leave").status_code == 204


def test_only_the_owner_gives_and_takes_roles(client: FlaskClient) -> None:
    ada, ben, cyd = team(client, "ada", "ben", "cyd")
    group = new_group(ada, ben, cyd)
    path = f"/v2/groups/{group}/members"
    problem(ben.patch(f"{path}/{ben.id}", role="admin"), 403, "forbidden")
    give(ada, group, ben, role="admin")
    give(ada, group, ben, role="admin")
    problem(ben.patch(f"{path}/{cyd.id}", role="admin"), 403, "forbidden")
    problem(ada.patch(f"{path}/{ada.id}", role="member"), 403, "forbidden")
    problem(ada.patch(f"{path}/{10**9}", role="member"), 404, "not_found")
    give(ada, group, ben, role="member")
    assert told(ada, group)[1:] == [
        ("members", {"roles": {str(ben.id): "admin"}}),
        ("members", {"roles": {str(ben.id): "member"}}),
    ]


def test_admins_mute_members_until_a_time(client: FlaskClient) -> None:
    ada, ben, cyd = team(client, "ada", "ben", "cyd")
    group = new_group(ada, ben, cyd)
    give(ada, group, ben, role="admin")
    until = now_ms() + 3_600_000
    problem(cyd.patch(f"/v2/groups/{group}/members/{cyd.id}", muted_until=0), 403, "forbidden")
    give(ben, group, cyd, muted_until=until)
    problem(write(cyd, group, "c1"), 403, "muted")
    assert cyd.get(f"/v2/groups/{group}").json["muted_until"] == until
    problem(ada.patch(f"/v2/groups/{group}/members/{ben.id}", muted_until=until), 403, "forbidden")
    give(ben, group, cyd, muted_until=0)
    assert write(cyd, group, "c1").status_code == 201
    give(ben, group, cyd, muted_until=now_ms() - 1)
    assert write(cyd, group, "c2").status_code == 201
    assert told(ada, group)[2:4] == [
        ("members", {"muted": {str(cyd.id): until}}), ("members", {"muted": {str(cyd.id): 0}}),
    ]


@pytest.mark.parametrize("place", [
    {}, {"role": "owner"}, {"role": 1}, {"muted_until": -1}, {"muted_until": 2**53 + 1},
    {"muted_until": "x"}, {"role": "admin", "muted_until": 0}, {"draft": "x"},
])
def test_what_is_no_place_is_refused(ada: Account, ben: Account, place: dict[str, Any]) -> None:
    group = new_group(ada, ben)
    answer = ada.patch(f"/v2/groups/{group}/members/{ben.id}", **place)
    problem(answer, 400, "bad_request")
    assert len(told(ada, group)) == 1


def test_a_new_member_sees_the_history_from_the_join_on(client: FlaskClient) -> None:
    ada, ben = team(client, "ada", "ben")
    group = new_group(ada)
    assert write(ada, group, "a1").status_code == 201
    ada.post(f"/v2/groups/{group}/members", users=[ben.id])
    assert write(ada, group, "a2").status_code == 201
    assert [name for name, _ in told(ben, group)] == ["members", "message"]
    [line] = ben.get("/v2/conversations").json["conversations"]
    assert (line["last_seq"], line["read_seq"]) == (4, 2)


def test_a_group_with_open_history_shows_it_all(client: FlaskClient) -> None:
    ada, ben = team(client, "ada", "ben")
    group = new_group(ada)
    assert write(ada, group, "a1").status_code == 201
    ada.post(f"/v2/groups/{group}/members", users=[ben.id])
    ada.patch(f"/v2/groups/{group}", open_history=True)
    assert [name for name, _ in told(ben, group)] == ["group", "message", "members", "group"]
    ada.patch(f"/v2/groups/{group}", open_history=False)
    assert [name for name, _ in told(ben, group)] == ["members", "group", "group"]


def test_who_comes_back_sees_nothing_of_the_time_between(client: FlaskClient) -> None:
    ada, ben = team(client, "ada", "ben")
    group = new_group(ada, ben)
    ada.delete(f"/v2/groups/{group}/members/{ben.id}")
    assert write(ada, group, "secret").status_code == 201
    ada.post(f"/v2/groups/{group}/members", users=[ben.id])
    assert told(ben, group) == [("members", {"joined": [ben.id], "by": ada.id})]
    assert write(ben, group, "b1").status_code == 201


def test_a_deleted_account_leaves_its_groups(client: FlaskClient) -> None:
    ada, ben, cyd = team(client, "ada", "ben", "cyd")
    group, alone = new_group(ada, ben, cyd), new_group(ada)
    give(ada, group, cyd, role="admin")
    assert ada.delete("/v2/users/me").status_code == 204
    assert roles(ben, group) == {ben.id: "member", cyd.id: "owner"}
    assert told(ben, group)[-1] == ("members", {"left": [ada.id], "owner": cyd.id})
    assert ben.get(f"/v2/groups/{group}").json["owner"] == cyd.id
    assert cyd.delete("/v2/users/me").status_code == 204
    assert roles(ben, group) == {ben.id: "owner"}
    other = person(client, "dan")
    problem(other.get(f"/v2/groups/{alone}"), 403, "not_a_member")
    dan_group = new_group(other, ben)
    assert ben.delete("/v2/users/me").status_code == 204
    assert roles(other, dan_group) == {other.id: "owner"}
    assert told(other, dan_group)[-1] == ("members", {"left": [ben.id]})
