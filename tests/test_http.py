"""HTTP's one shape: whatever comes in, what goes out is an answer or a clear problem."""

import pytest
from flask.testing import FlaskClient

from tests.support.web import log_in, person, problem

NAME_AND = b'{"name":"alice","password":'


@pytest.mark.parametrize("data", [
    b"NaN", b"-Infinity", b'{"name":NaN,"password":"x"}', b"hello", b"{", b'{"name":"alice",}',
    b"\xff\xfe", b'{"name":"\xff","password":"12345678"}', b'{"name":"a\0b","password":"x"}',
    b'{"name":"\\ud800","password":"12345678"}', b'{"name":"\\udc00\\ud800","password":"x"}',
    b'{"name":"\xed\xa0\x80","password":"12345678"}', NAME_AND + b'"x"} {}',
    b'{"other":' + b"[" * 100_000 + b"]" * 100, b'{"other":' + b'{"a":' * 20_000,
])
@pytest.mark.parametrize("path", ["/v2/auth/register", "/v2/auth/login"])
def test_a_body_that_is_no_json_is_bad_json(client: FlaskClient, path: str, data: bytes) -> None:
    problem(client.post(path, data=data, content_type="application/json"), 400, "bad_json")


@pytest.mark.parametrize("data", [
    b"", b"{}", b"[]", b"null", b"7", b'"text"', b"[" * 100_000, b"5" * 5000, NAME_AND + b"null}",
    NAME_AND + b"12345678}", NAME_AND + b"[]}", NAME_AND + b"5" * 5000 + b"}",
    NAME_AND + b"[" * 100_000, NAME_AND + b'"' + b"x" * 1001 + b'"}', b'{"password":"12345678"}',
])
@pytest.mark.parametrize("path", ["/v2/auth/register", "/v2/auth/login"])
def test_a_body_of_another_form_is_a_bad_request(
    client: FlaskClient, path: str, data: bytes
) -> None:
    problem(client.post(path, data=data, content_type="application/json"), 400, "bad_request")


def test_an_escaped_nul_in_a_name_is_refused(client: FlaskClient) -> None:
    data = b'{"name":"al\\u0000ice","password":"12345678"}'
    found = problem(client.post("/v2/auth/register", data=data), 400, "bad_request")
    assert "invisible" in found["detail"]


@pytest.mark.parametrize("path", ["/v2/auth/register", "/v2/auth/login"])
def test_a_body_over_the_limit_is_too_long(client: FlaskClient, path: str) -> None:
    answer = client.post(path, data=b"x" * 131_073, content_type="application/json")
    problem(answer, 413, "too_long")


@pytest.mark.parametrize("content_type", [
    "application/json", "application/x-www-form-urlencoded", "text/plain", "",
])
def test_a_body_is_json_whatever_its_label_says(client: FlaskClient, content_type: str) -> None:
    """curl and urllib label what they post as a form unless they are told otherwise."""
    for path, status in (("/v2/auth/register", 201), ("/v2/auth/login", 200)):
        answer = client.post(
            path, data=NAME_AND + b'"12345678"}', content_type=content_type
        )
        assert answer.status_code == status, answer.text


@pytest.mark.parametrize("path", ["/nowhere", "/v2", "/v2/", "/v2/nowhere", "/v2/users/x", "/a\0b"])
def test_an_unknown_address_is_not_found(client: FlaskClient, path: str) -> None:
    problem(person(client).get(path), 404, "not_found")


@pytest.mark.parametrize("number", ["0", "9" * 16, "9" * 25, "9" * 5000, "１", "-1"])
def test_a_number_that_nobody_has_is_not_found(client: FlaskClient, number: str) -> None:
    alice = person(client)
    assert alice.get(f"/v2/users/{number}").status_code == 404
    for path in (f"/v2/conversations/{number}", f"/v2/conversations/{number}/events"):
        assert alice.get(path).status_code in (403, 404), path


def test_a_wrong_method_names_the_right_ones(client: FlaskClient) -> None:
    answer = client.put("/v2/auth/login")
    problem(answer, 405, "method_not_allowed")
    assert set(answer.headers["Allow"].split(", ")) == {"OPTIONS", "POST"}


def test_a_socket_address_without_an_upgrade_says_what_it_wants(client: FlaskClient) -> None:
    answer = client.get("/v2/socket")
    problem(answer, 426, "upgrade_required")
    assert answer.headers["Upgrade"] == "websocket"
    assert client.get("/v1/user/SendUserMsg").status_code == 426


def test_answers_are_json_and_their_errors_are_problems(client: FlaskClient) -> None:
    alice = person(client, "alice")
    assert alice.get("/v2/users/me").content_type == "application/json"
    found = problem(log_in(client, "alice", "a wrong one"), 401, "bad_credentials")
    assert found == {
        "type": "about:blank", "title": "bad credentials", "status": 401,
        "code": "bad_credentials", "detail": "Wrong name or password.", "retry": False,
    }
