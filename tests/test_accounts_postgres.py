"""Accounts on PostgreSQL: the same answers as on SQLite, to hostile text too."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.support.application import application
from tests.support.postgres import new_database
from tests.support.web import log_in, person, problem, sign_up, spend


@pytest.fixture
def app(postgres_url: str, tmp_path: Path) -> Iterator[Flask]:
    with (
        new_database(postgres_url) as address,
        application(tmp_path, HICHAT_DATABASE_URL=address) as made,
    ):
        yield made


def test_a_session_goes_its_way(client: FlaskClient) -> None:
    alice = person(client, "alice")
    problem(sign_up(client, "ＡLICE"), 409, "name_taken")
    answer = alice.refresh()
    assert alice.refresh().status_code == 200, "the answer may have been lost"
    assert spend(client, answer.json["refresh_token"]).status_code == 200
    problem(alice.refresh(), 401, "session_revoked")
    again = alice.elsewhere()
    assert again.delete("/v2/users/me").status_code == 204
    problem(log_in(client, "alice"), 401, "bad_credentials")
    assert person(client, "alice").id != alice.id


def test_names_are_searched_by_code_point_in_pages(client: FlaskClient) -> None:
    alice = person(client, "alice")
    for name in ("team-z", "Team a", "team_m", "TEAM%"):
        person(client, name)
    found = alice.get("/v2/users", q="team").json["users"]
    assert [user["name"] for user in found] == ["Team a", "TEAM%", "team-z", "team_m"]
    rest = alice.get("/v2/users", q="team", after=found[1]["name"]).json["users"]
    assert rest == found[2:]


def test_the_longest_names_and_profiles_fit(client: FlaskClient) -> None:
    alice = person(client, "👋" * 32)
    change = {"avatar": "/" + "x" * 2047, "email": f"a@{'b' * 248}.org", "phone": "13912345678"}
    assert alice.patch("/v2/users/me", **change).status_code == 200
    problem(sign_up(client, "ﷺ" * 32), 400, "bad_request")
    assert log_in(client, "ﷺ" * 1000).status_code == 401


@pytest.mark.parametrize("place", ["media", "uploads", "invites"])
def test_a_nul_is_in_no_address(client: FlaskClient, place: str) -> None:
    problem(person(client, "alice").get(f"/v2/{place}/%00"), 404, "not_found")


def test_a_nul_is_in_nobodys_name(client: FlaskClient) -> None:
    alice = person(client, "alice")
    problem(log_in(client, "al\0ice"), 401, "bad_credentials")
    assert alice.get("/v2/users", q="al\0").json["users"] == []
    seed = client.post("/v1/user/login_pw", data={"name": "al\0ice", "password": "x"})
    assert seed.json == {"code": -1, "message": "用户名不存在"}
    problem(alice.delete("/v2/auth/sessions/%00"), 404, "not_found")


@pytest.mark.parametrize("number", ["9" * 16, "9" * 30])
def test_a_number_that_nobody_has_is_not_found(client: FlaskClient, number: str) -> None:
    assert person(client).get(f"/v2/users/{number}").status_code == 404
    assert client.post("/v1/user/find", data={"userId": number}).json["Code"] == -1
