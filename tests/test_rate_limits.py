"""Rate limits: guessing is bounded, right log-ins are not counted, a fast talker is slowed down."""

from __future__ import annotations

import socket
import time
from pathlib import Path

import pytest
import requests
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.support.client import PASSWORD, PATIENCE, Person
from tests.support.server import Server, running
from tests.support.web import log_in, person, problem, sign_up

GUESSES = 10  # a minute, for one account from one address
SIGN_UPS = 120  # a minute, from one address
BURST = 100  # messages: ten seconds' worth of ten
SEED_WORDS = "请求过于频繁，请稍后再试"


@pytest.fixture
def limited(limited_app: Flask) -> FlaskClient:
    return limited_app.test_client()


def assert_limited(answer: TestResponse) -> None:
    assert problem(answer, 429, "rate_limited")["retry"] is True
    assert 0 < int(answer.headers["Retry-After"]) <= 3600


def guess(client: FlaskClient, name: str, times: int, **options: object) -> None:
    for _ in range(times):
        problem(log_in(client, name, "a guess", **options), 401, "bad_credentials")


def from_address(address: str) -> dict[str, dict[str, str]]:
    return {"environ_overrides": {"REMOTE_ADDR": address}}


def test_guesses_at_an_account_from_an_address_are_limited(limited: FlaskClient) -> None:
    person(limited, "alice")
    guess(limited, "alice", GUESSES)
    assert_limited(log_in(limited, "alice", "a guess"))
    assert_limited(log_in(limited, "alice"))
    assert_limited(log_in(limited, "Ａlice"))


def test_a_limited_account_is_open_from_elsewhere_and_so_are_the_others(
    limited: FlaskClient,
) -> None:
    person(limited, "alice")
    person(limited, "bob")
    guess(limited, "alice", GUESSES)
    assert log_in(limited, "bob").status_code == 200
    assert log_in(limited, "alice", **from_address("127.0.0.7")).status_code == 200


def test_right_log_ins_are_not_counted(limited: FlaskClient) -> None:
    person(limited, "alice")
    for _ in range(GUESSES + 5):
        assert log_in(limited, "alice").status_code == 200


def test_a_name_that_nobody_has_is_limited_like_any_other(limited: FlaskClient) -> None:
    guess(limited, "nobody", GUESSES)
    assert_limited(log_in(limited, "nobody", "a guess"))


def test_another_name_in_the_address_or_label_of_the_body_opens_no_way_around(
    limited: FlaskClient,
) -> None:
    person(limited, "alice")
    for number in range(GUESSES):
        guess(limited, "alice", 1, query_string={"name": f"decoy-{number}"})
    assert_limited(log_in(limited, "alice", "a guess", query_string={"name": "decoy"}))
    data = b'{"name":"alice","password":"a guess"}'
    form = "application/x-www-form-urlencoded"
    assert_limited(limited.post("/v2/auth/login", data=data, content_type=form))


BROKEN = b"{" * 100
TOO_LONG = b"name=" + b"x" * 200_000
FORM = "application/x-www-form-urlencoded"


@pytest.mark.parametrize(("path", "data", "type_", "status"), [
    ("/v2/auth/login", BROKEN, "application/json", 400),
    ("/v2/auth/login", TOO_LONG, "application/json", 413),
    ("/v1/user/login_pw", TOO_LONG, FORM, 200),
    ("/v2/conversations/1/forwards", BROKEN, "application/json", 400),
    ("/v2/conversations/1/forwards", TOO_LONG, "application/json", 413),
])
def test_a_request_that_cannot_be_read_makes_nobody_forget_what_was_counted(
    limited: FlaskClient, path: str, data: bytes, type_: str, status: int
) -> None:
    alice = person(limited, "alice")
    guess(limited, "alice", GUESSES)
    for _ in range(3):  # where several processes serve, each gets one, or nearly each
        answer = alice.request("POST", path, data=data, content_type=type_)
        assert answer.status_code == status
    for _ in range(3):
        assert_limited(log_in(limited, "alice", "a guess"))


def test_a_body_whose_chunks_are_none_makes_nobody_forget_either(tmp_path: Path) -> None:
    wrong = {"name": "nobody", "password": "a guess"}
    with running(tmp_path, HICHAT_RATE_LIMITS="on") as server:
        def guessed() -> int:
            found = requests.post(f"{server.http}/v2/auth/login", json=wrong, timeout=PATIENCE)
            return found.status_code

        assert {guessed() for _ in range(GUESSES)} == {401}
        assert guessed() == 429
        for _ in range(4):  # where several processes serve, each gets one, or nearly each
            with socket.create_connection(("127.0.0.1", server.port), PATIENCE) as made:
                made.sendall(
                    b"POST /v2/auth/login HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
                    b"Content-Type: application/json\r\n\r\nzz\r\n"
                )
                assert made.recv(4096).startswith(b"HTTP/1.1 400 ")
        assert {guessed() for _ in range(4)} == {429}


def test_many_accounts_from_one_address_are_limited(limited: FlaskClient) -> None:
    for number in range(100):
        problem(log_in(limited, f"user-{number}", "a guess"), 401, "bad_credentials")
    assert_limited(log_in(limited, "user-100", "a guess"))
    other = from_address("127.0.0.7")
    problem(log_in(limited, "user-100", "a guess", **other), 401, "bad_credentials")


def test_guessing_the_current_password_of_a_session_is_limited_by_account(
    limited: FlaskClient,
) -> None:
    alice, bob = person(limited, "alice"), person(limited, "bob")
    wrong = {"password": "a new password", "current_password": "a guess"}
    for number in range(GUESSES):
        answer = alice.patch("/v2/users/me", name=f"alice-{number}", **wrong)
        problem(answer, 401, "bad_credentials")
    assert_limited(alice.patch("/v2/users/me", **wrong))
    right = {"password": "a new password", "current_password": PASSWORD}
    assert bob.patch("/v2/users/me", **right).status_code == 200


def test_v1_says_so_in_its_own_envelope_at_status_200(limited: FlaskClient) -> None:
    person(limited, "alice")
    fields = {"name": "alice", "password": "a guess"}
    for number in range(GUESSES):
        answer = limited.post(
            "/v1/user/login_pw", data=fields, query_string={"name": f"decoy-{number}"}
        )
        assert answer.json == {"code": -1, "message": "密码错误"}
    answer = limited.post("/v1/user/login_pw", data=fields)
    assert (answer.status_code, answer.json) == (200, {"code": -1, "message": SEED_WORDS})


def test_sign_ups_from_an_address_are_limited(limited: FlaskClient) -> None:
    for _ in range(SIGN_UPS):
        problem(sign_up(limited, "", "x"), 400, "bad_request")
    assert_limited(sign_up(limited, "alice"))
    fields = {"name": "alice", "password": "x", "Identity": "x"}
    answer = limited.post("/v1/user/new", data=fields)
    assert (answer.status_code, answer.json) == (200, {"code": -1, "message": SEED_WORDS})


def test_a_socket_that_talks_too_fast_is_told_so_and_lives_on(own_server: Server) -> None:
    own_server.environ |= {"HICHAT_RATE_LIMITS": "on", "HICHAT_MESSAGES_PER_SECOND": "10"}
    own_server.start()
    alice, bob = Person(own_server), Person(own_server)
    message = {"media": "text", "content": "hi"}
    with alice.device() as fast, bob.device() as slow:
        for number in range(BURST + 20):
            fast.send(op="send", ref=f"c{number}", to={"user": bob.id}, message=message)
        answer = fast.expect("error")
        assert (answer["code"], answer["retry"]) == ("rate_limited", True)
        refused = answer["ref"]
        assert refused in {f"c{number}" for number in range(BURST, BURST + 20)}
        slow.text("I talk while she waits", alice.id)
        while answer["op"] != "ack":
            time.sleep(0.1)  # what a tenth of a second gives back: one message
            fast.send(op="send", ref=refused, to={"user": bob.id}, message=message)
            while (answer := fast.receive()).get("ref") != refused:
                pass


def test_a_user_who_writes_too_fast_over_http_is_limited_and_others_are_not(
    slow_client: FlaskClient,
) -> None:
    alice, bob = person(slow_client, "alice"), person(slow_client, "bob")
    opened = alice.post("/v2/conversations", user=bob.id)
    path = f"/v2/conversations/{opened.json['id']}/messages"
    message = {"media": "text", "content": "hi"}
    for number in range(59):  # a minute's worth, with the opening
        assert alice.post(path, ref=f"c{number}", message=message).status_code == 201
    assert_limited(alice.post(path, ref="c59", message=message))
    assert bob.post(path, ref="c0", message=message).status_code == 201
