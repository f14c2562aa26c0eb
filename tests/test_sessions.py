"""Sessions: refresh with rotation, kinds of token, logging out, one line for each device."""

import base64
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_jwt_extended import create_access_token
from sqlalchemy import update

from app import services
from app.models import LoginSession
from tests.support.web import Account, log_in, person, problem, sign_up, spend

BOTH_DATABASES = True


def test_a_refresh_gives_a_new_pair_of_the_same_session(client: FlaskClient) -> None:
    alice = person(client)
    answer = alice.refresh()
    assert answer.status_code == 200
    assert answer.json is not None
    assert answer.json.keys() == {"access_token", "refresh_token"}
    assert answer.json["refresh_token"] != alice.refresh_token
    renewed = Account(client, alice.id, alice.name, *answer.json.values())
    assert renewed.is_logged_in()
    assert len(renewed.get("/v2/auth/sessions").json["sessions"]) == 1
    assert renewed.refresh().status_code == 200


def test_a_refresh_token_may_come_in_the_body_and_counts_before_the_bearer(
    client: FlaskClient,
) -> None:
    alice = person(client)
    answer = alice.post("/v2/auth/refresh", refresh_token=alice.refresh_token)
    assert answer.status_code == 200
    problem(alice.post("/v2/auth/refresh", refresh_token=alice.token), 401, "token_invalid")
    problem(alice.post("/v2/auth/refresh", refresh_token=7), 400, "bad_request")
    problem(client.post("/v2/auth/refresh"), 401, "token_missing")


def renewed(alice: Account) -> Account:
    """The same device with the pair that its refresh token gives."""
    answer = alice.refresh()
    assert answer.status_code == 200, answer.text
    return Account(alice.client, alice.id, alice.name, *answer.json.values())


def pass_by(app: Flask, seconds: int) -> None:
    """As if every session had been refreshed so long ago."""
    services.of(app).store.database.write(lambda session: session.execute(
        update(LoginSession).values(used_at=LoginSession.used_at - seconds * 1000)
    ).close())


def test_who_lost_the_answer_to_a_refresh_asks_again_and_stays_logged_in(
    app: Flask, client: FlaskClient
) -> None:
    alice = person(client)
    renewed(alice)  # nobody hears of these
    pass_by(app, 50)
    again = renewed(renewed(alice))
    assert again.is_logged_in()
    assert len(again.get("/v2/auth/sessions").json["sessions"]) == 1


def test_a_refresh_token_that_comes_again_later_ends_the_session_for_both_who_hold_it(
    app: Flask, client: FlaskClient
) -> None:
    alice = person(client)
    new = renewed(alice)
    pass_by(app, 70)
    problem(alice.refresh(), 401, "session_revoked")
    problem(new.refresh(), 401, "session_revoked")
    problem(alice.get("/v2/users/me"), 401, "session_revoked")


def test_a_refresh_token_comes_again_no_more_once_the_one_behind_it_was_used(
    client: FlaskClient,
) -> None:
    alice = person(client)
    newest = renewed(renewed(alice))
    problem(alice.refresh(), 401, "session_revoked")
    problem(newest.refresh(), 401, "session_revoked")


def test_who_steals_a_spent_refresh_token_in_time_is_found_out_by_the_next(
    app: Flask, client: FlaskClient
) -> None:
    alice = person(client)
    hers, thiefs = renewed(alice), renewed(alice)
    newest = renewed(hers)
    pass_by(app, 70)
    problem(thiefs.refresh(), 401, "session_revoked")
    problem(newest.get("/v2/users/me"), 401, "session_revoked")


def test_a_stolen_refresh_token_does_not_touch_the_other_devices(client: FlaskClient) -> None:
    alice = person(client)
    phone = alice.elsewhere()
    renewed(renewed(alice))
    problem(alice.refresh(), 401, "session_revoked")
    assert phone.is_logged_in()
    assert phone.refresh().status_code == 200


def test_an_access_token_cannot_refresh_and_a_refresh_token_opens_nothing(
    client: FlaskClient,
) -> None:
    alice = person(client)
    problem(spend(client, alice.token), 401, "token_invalid")
    swapped = Account(client, alice.id, alice.name, alice.refresh_token, alice.token)
    problem(swapped.get("/v2/users/me"), 401, "token_invalid")
    answer = client.get("/v1/user/list", query_string={
        "token": alice.refresh_token, "userId": alice.id,
    })
    assert (answer.status_code, answer.json) == (401, {"message": "token失效"})
    assert alice.is_logged_in()


def _segment(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


@pytest.mark.parametrize("token", [
    "x", "a.b.c", "é.é.é", "..", _segment("[" * 5000) + ".e30.x",
    _segment('{"alg":"none"}') + "." + _segment('{"sub":"1","sid":"x","exp":9999999999}') + ".",
    _segment('{"alg":"HS256"}') + "." + _segment("[" * 5000) + "." + _segment("x" * 32),
])
def test_what_is_no_token_of_this_server_is_invalid(client: FlaskClient, token: str) -> None:
    stranger = Account(client, 1, "stranger", token, token)
    problem(stranger.get("/v2/users/me"), 401, "token_invalid")
    problem(stranger.refresh(), 401, "token_invalid")


def test_a_missing_token_and_an_expired_one_are_told_apart(
    client: FlaskClient, app: Flask
) -> None:
    missing = client.get("/v2/users/me")
    problem(missing, 401, "token_missing")
    assert missing.headers["WWW-Authenticate"] == "Bearer"
    with app.app_context():
        old = create_access_token(
            "1", expires_delta=timedelta(seconds=-1), additional_claims={"sid": "x"}
        )
    answer = Account(client, 1, "alice", old, old).get("/v2/users/me")
    assert problem(answer, 401, "token_expired")["retry"] is True


def test_logging_out_ends_all_tokens_of_this_session_at_once(client: FlaskClient) -> None:
    alice = person(client)
    phone = alice.elsewhere()
    assert alice.post("/v2/auth/logout").status_code == 204
    problem(alice.get("/v2/users/me"), 401, "session_revoked")
    problem(alice.refresh(), 401, "session_revoked")
    problem(alice.post("/v2/auth/logout"), 401, "session_revoked")
    assert phone.is_logged_in()


def test_each_device_has_a_line_and_one_of_them_is_the_current_one(client: FlaskClient) -> None:
    alice = person(client)
    phone = alice.elsewhere("HiChat for phones/1.0")
    lines = phone.get("/v2/auth/sessions").json["sessions"]
    assert [line["current"] for line in lines].count(True) == 1
    by_device = {line["device"]: line for line in lines}
    assert by_device["HiChat for phones/1.0"]["current"] is True
    for line in lines:
        assert line.keys() == {"id", "device", "created_at", "used_at", "expires_at", "current"}
        assert line["created_at"] <= line["used_at"] < line["expires_at"]
    assert len(alice.get("/v2/auth/sessions").json["sessions"]) == 2


def test_one_can_end_another_session_of_ones_own_and_nobody_elses(client: FlaskClient) -> None:
    alice, bob = person(client, "alice"), person(client, "bob")
    phone = alice.elsewhere()
    lines = alice.get("/v2/auth/sessions").json["sessions"]
    other = next(line["id"] for line in lines if not line["current"])
    problem(bob.delete(f"/v2/auth/sessions/{other}"), 404, "not_found")
    assert phone.is_logged_in()
    assert alice.delete(f"/v2/auth/sessions/{other}").status_code == 204
    problem(phone.get("/v2/users/me"), 401, "session_revoked")
    problem(alice.delete(f"/v2/auth/sessions/{other}"), 404, "not_found")
    problem(alice.delete("/v2/auth/sessions/nonsense"), 404, "not_found")
    assert alice.is_logged_in()
    assert [line["current"] for line in alice.get("/v2/auth/sessions").json["sessions"]] == [True]


def test_a_ticket_is_for_who_is_logged_in(client: FlaskClient) -> None:
    problem(client.post("/v2/auth/ticket"), 401, "token_missing")
    alice = person(client)
    first, second = (alice.post("/v2/auth/ticket").json for _ in range(2))
    assert first.keys() == {"ticket", "expires_in"}
    assert first["expires_in"] == 30
    assert len(first["ticket"]) >= 32
    assert first["ticket"] != second["ticket"]


def test_a_very_long_device_name_is_cut(client: FlaskClient) -> None:
    sign_up(client, "alice")
    answer = log_in(client, "alice", headers={"User-Agent": "x" * 5000})
    assert answer.json is not None
    headers = {"Authorization": f"Bearer {answer.json['access_token']}"}
    lines = client.get("/v2/auth/sessions", headers=headers).json
    assert lines is not None
    assert "x" * 200 in [line["device"] for line in lines["sessions"]]
