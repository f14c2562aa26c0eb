"""Ways into a group: open doors, requests, invite links."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update

from app import services
from app.models import Invite
from tests.support.client import Person
from tests.support.groups import new_group, team, told
from tests.support.server import Server
from tests.support.web import Account, problem

BOTH_DATABASES = True


def link(maker: Account, group: int, **terms: Any) -> str:
    answer = maker.post(f"/v2/groups/{group}/invites", **terms)
    assert answer.status_code == 201, answer.text
    assert answer.json is not None
    return str(answer.json["code"])


def is_in(user: Account, group: int) -> bool:
    return user.get(f"/v2/groups/{group}").status_code == 200


def test_anybody_walks_into_an_open_group(ada: Account, ben: Account) -> None:
    group = new_group(ada, join="open")
    answer = ben.post(f"/v2/groups/{group}/join")
    assert answer.status_code == 200
    assert answer.json == ben.get(f"/v2/groups/{group}").json
    assert ben.post(f"/v2/groups/{group}/join").status_code == 200
    assert told(ada, group)[1:] == [("members", {"joined": [ben.id], "by": ben.id})]


def test_a_group_by_invitation_says_so(ada: Account, ben: Account) -> None:
    group = new_group(ada)
    refused = problem(ben.post(f"/v2/groups/{group}/join"), 403, "invite_only")
    assert "invitation" in refused["detail"]
    problem(ben.post(f"/v2/groups/{10**9}/join"), 403, "not_a_member")
    assert len(told(ada, group)) == 1


def test_a_request_waits_for_an_admin(client: FlaskClient) -> None:
    ada, ben, cyd, dan = team(client, "ada", "ben", "cyd", "dan")
    group = new_group(ada, ben, join="approval")
    path = f"/v2/groups/{group}/requests"
    for note in ("let me in", "please"):
        answer = cyd.post(f"/v2/groups/{group}/join", note=note)
        assert (answer.status_code, answer.json) == (202, {"requested": True})
    assert dan.post(f"/v2/groups/{group}/join").status_code == 202
    assert not is_in(cyd, group)
    problem(ben.get(path), 403, "forbidden")
    problem(cyd.get(path), 403, "not_a_member")
    found = ada.get(path).json
    assert found is not None
    assert [(line["user"]["name"], line["note"]) for line in found["requests"]] == [
        ("cyd", "please"), ("dan", ""),
    ]
    first = ada.get(path, limit=1).json
    assert first is not None
    assert first["next"] == cyd.id
    rest = ada.get(path, limit=1, after=first["next"]).json
    assert rest == {"requests": [found["requests"][1]], "next": None}
    problem(ben.post(f"{path}/{cyd.id}", accept=True), 403, "forbidden")
    problem(dan.post(f"{path}/{dan.id}", accept=True), 403, "not_a_member")
    assert ada.post(f"{path}/{cyd.id}", accept=True).status_code == 204
    assert ada.post(f"{path}/{dan.id}", accept=False).status_code == 204
    assert (is_in(cyd, group), is_in(dan, group)) == (True, False)
    problem(ada.post(f"{path}/{cyd.id}", accept=True), 404, "not_found")
    problem(ada.post(f"{path}/{dan.id}", accept=True), 404, "not_found")
    assert ada.get(path).json == {"requests": [], "next": None}
    assert told(ada, group)[1:] == [("members", {"joined": [cyd.id], "by": ada.id})]


def test_who_comes_in_another_way_waits_no_more(client: FlaskClient) -> None:
    ada, ben = team(client, "ada", "ben")
    group = new_group(ada, join="approval")
    ben.post(f"/v2/groups/{group}/join")
    ada.post(f"/v2/groups/{group}/members", users=[ben.id])
    assert ada.get(f"/v2/groups/{group}/requests").json == {"requests": [], "next": None}


@pytest.mark.parametrize("fields", [{"note": "x" * 201}, {"note": "a\0b"}, {"note": 1}, {"by": 1}])
def test_a_bad_note_is_refused(ada: Account, ben: Account, fields: dict[str, Any]) -> None:
    group = new_group(ada, join="approval")
    problem(ben.post(f"/v2/groups/{group}/join", **fields), 400, "bad_request")
    assert ada.get(f"/v2/groups/{group}/requests").json == {"requests": [], "next": None}


def test_a_link_shows_its_group_and_lets_people_in(ada: Account, ben: Account) -> None:
    group = new_group(ada, description="we walk", avatar="/a.png")
    made = ada.post(f"/v2/groups/{group}/invites", expires_in=3600, uses=2).json
    assert made is not None
    assert (made["uses_left"], made["user"]) == (2, ada.id)
    assert made["expires_at"] == made["created_at"] + 3_600_000
    assert len(made["code"]) >= 20
    card = {
        "id": group, "name": "walkers", "avatar": "/a.png", "description": "we walk", "size": 1,
        "join": "invite", "expires_at": made["expires_at"], "member": False,
    }
    assert ben.get(f"/v2/invites/{made['code']}").json == card
    answer = ben.post(f"/v2/invites/{made['code']}")
    assert (answer.status_code, answer.json) == (200, ben.get(f"/v2/groups/{group}").json)
    assert ben.post(f"/v2/invites/{made['code']}").status_code == 200
    assert ben.get(f"/v2/invites/{made['code']}").json == card | {"size": 2, "member": True}
    assert told(ada, group)[1:] == [("members", {"joined": [ben.id], "by": ada.id})]
    listed = ada.get(f"/v2/groups/{group}/invites").json
    assert listed == {"invites": [made | {"uses_left": 1}]}


def test_a_link_is_used_up_and_says_so(client: FlaskClient) -> None:
    ada, ben, cyd = team(client, "ada", "ben", "cyd")
    group = new_group(ada)
    code = link(ada, group, uses=1)
    assert ben.post(f"/v2/invites/{code}").status_code == 200
    for answer in (cyd.post(f"/v2/invites/{code}"), cyd.get(f"/v2/invites/{code}")):
        assert "used up" in problem(answer, 410, "invite_expired")["detail"]
    assert not is_in(cyd, group)


def test_an_expired_link_says_so(ada: Account, ben: Account, app: Flask) -> None:
    group = new_group(ada)
    code = link(ada, group)
    services.of(app).store.database.write(lambda session: session.execute(
        update(Invite).values(expires_at=1)
    ).close())
    for answer in (ben.post(f"/v2/invites/{code}"), ben.get(f"/v2/invites/{code}")):
        assert "expired" in problem(answer, 410, "invite_expired")["detail"]
    assert ada.get(f"/v2/groups/{group}/invites").json == {"invites": []}
    assert not is_in(ben, group)


def test_a_revoked_link_is_unknown(ada: Account, ben: Account) -> None:
    group = new_group(ada)
    code = link(ada, group)
    path = f"/v2/groups/{group}/invites/{code}"
    problem(ben.delete(path), 403, "not_a_member")
    assert ada.delete(path).status_code == 204
    problem(ada.delete(path), 404, "not_found")
    problem(ben.post(f"/v2/invites/{code}"), 404, "not_found")


@pytest.mark.parametrize("code", ["x", "x" * 22, "x" * 33, "a%00b", "%F0%9F%91%8B", "a b"])
def test_a_code_that_nobody_made_is_unknown(ada: Account, code: str) -> None:
    problem(ada.get(f"/v2/invites/{code}"), 404, "not_found")
    problem(ada.post(f"/v2/invites/{code}"), 404, "not_found")


def test_links_are_made_by_admins_and_by_members_of_open_groups(client: FlaskClient) -> None:
    ada, ben, cyd, eve = team(client, "ada", "ben", "cyd", "eve")
    group = new_group(ada, ben, cyd)
    path = f"/v2/groups/{group}/invites"
    problem(ben.post(path), 403, "forbidden")
    problem(ben.get(path), 403, "forbidden")
    problem(eve.post(path), 403, "not_a_member")
    problem(eve.get(path), 403, "not_a_member")
    ada.patch(f"/v2/groups/{group}", join="open")
    code = link(ben, group)
    problem(cyd.delete(f"{path}/{code}"), 403, "forbidden")
    problem(cyd.delete(f"{path}/{'x' * 22}"), 403, "forbidden")
    ada.patch(f"/v2/groups/{group}", join="invite")
    # A link is good as long as its maker could make it.
    problem(eve.post(f"/v2/invites/{code}"), 410, "invite_expired")
    assert ben.delete(f"{path}/{code}").status_code == 204


def test_a_removed_admin_does_not_come_back_by_a_link_of_their_own(client: FlaskClient) -> None:
    ada, ben = team(client, "ada", "ben")
    group = new_group(ada, ben)
    ada.patch(f"/v2/groups/{group}/members/{ben.id}", role="admin")
    code = link(ben, group)
    ada.delete(f"/v2/groups/{group}/members/{ben.id}")
    problem(ben.post(f"/v2/invites/{code}"), 410, "invite_expired")
    assert not is_in(ben, group)


@pytest.mark.parametrize("terms", [
    {"expires_in": 59}, {"expires_in": 31_536_001}, {"expires_in": -1}, {"uses": 0}, {"uses": -1},
    {"uses": 100_001}, {"uses": "x"}, {"code": "mine"},
])
def test_a_link_with_bad_terms_is_refused(ada: Account, terms: dict[str, Any]) -> None:
    group = new_group(ada)
    problem(ada.post(f"/v2/groups/{group}/invites", **terms), 400, "bad_request")
    assert ada.get(f"/v2/groups/{group}/invites").json == {"invites": []}


def test_a_group_has_at_most_100_links(ada: Account) -> None:
    group = new_group(ada)
    codes = [link(ada, group) for _ in range(100)]
    assert len(set(codes)) == 100
    problem(ada.post(f"/v2/groups/{group}/invites"), 429, "rate_limited")
    ada.delete(f"/v2/groups/{group}/invites/{codes[0]}")
    link(ada, group)


def test_the_admins_hear_how_many_wait_and_read_it_after_a_reconnect(server: Server) -> None:
    ann, bert, cleo, *asking = (Person(server) for _ in range(7))
    group = new_group(ann, bert, cleo, join="approval")
    assert ann.request(
        "PATCH", f"/v2/groups/{group}/members/{bert.id}", json={"role": "admin"}
    ).ok
    path = f"/v2/groups/{group}"

    def waiting(reader: Person) -> Any:
        return reader.get(f"/v2/conversations/{group}")["group"]["requests"]

    def ask(user: Person) -> None:
        assert user.post(f"{path}/join", note="").status_code == 202

    with ann.device() as a, bert.device() as b, cleo.device() as c, asking[0].device() as d:

        def hear(count: int) -> None:
            for device in (a, b):
                frame = device.expect("requests")
                assert frame == {"op": "requests", "conversation": group, "count": count}
            assert (waiting(ann), waiting(bert), waiting(cleo)) == (count, count, None)

        for count, user in enumerate(asking, 1):
            ask(user)
            hear(count)
        ask(asking[0])  # again: nothing new
        assert ann.post(f"{path}/requests/{asking[0].id}", accept=True).ok
        hear(3)
        assert bert.post(f"{path}/requests/{asking[1].id}", accept=False).ok
        hear(2)
        for _ in range(2):
            assert asking[2].request("DELETE", f"{path}/join").status_code == 204
        hear(1)
        assert ann.post(f"{path}/members", users=[asking[3].id]).ok
        hear(0)
        ask(asking[1])
        hear(1)
        assert asking[1].request("DELETE", "/v2/users/me").ok
        hear(0)
        for device, heard in ((a, 10), (b, 10), (c, 0), (d, 0)):
            device.sync(**{f"c{group}": 0})
            assert sum(frame["op"] == "requests" for frame in device.frames) == heard
    stranger = Person(server)
    for there in (path, f"/v2/groups/{10**9}"):
        assert stranger.request("DELETE", f"{there}/join").status_code == 204
