"""People over Flask's test client, for everything that needs no socket."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.support.client import PASSWORD

PROBLEM = "application/problem+json"


@dataclass
class Account:
    """A registered user, as one device of theirs is logged in."""

    client: FlaskClient
    id: int
    name: str
    token: str
    refresh_token: str

    def request(self, method: str, path: str, **options: Any) -> TestResponse:
        headers = {"Authorization": f"Bearer {self.token}"}
        return self.client.open(path, method=method, headers=headers, **options)

    def get(self, path: str, **query: Any) -> TestResponse:
        return self.request("GET", path, query_string=query)

    def post(self, path: str, **fields: Any) -> TestResponse:
        return self.request("POST", path, json=fields)

    def patch(self, path: str, **fields: Any) -> TestResponse:
        return self.request("PATCH", path, json=fields)

    def delete(self, path: str) -> TestResponse:
        return self.request("DELETE", path)

    def refresh(self) -> TestResponse:
        """Spend the refresh token."""
        return spend(self.client, self.refresh_token)

    def elsewhere(self, device: str = "another device") -> Account:
        """The same user, logged in on one more device."""
        answer = log_in(self.client, self.name, headers={"User-Agent": device})
        return account(self.client, answer)

    def is_logged_in(self) -> bool:
        return self.get("/v2/users/me").status_code == 200


def sign_up(client: FlaskClient, name: str, password: str = PASSWORD) -> TestResponse:
    return client.post("/v2/auth/register", json={"name": name, "password": password})


def log_in(
    client: FlaskClient, name: str, password: str = PASSWORD, **options: Any
) -> TestResponse:
    return client.post("/v2/auth/login", json={"name": name, "password": password}, **options)


def spend(client: FlaskClient, refresh_token: str) -> TestResponse:
    headers = {"Authorization": f"Bearer {refresh_token}"}
    return client.post("/v2/auth/refresh", headers=headers)


def account(client: FlaskClient, answer: TestResponse) -> Account:
    """The account of a good answer to register or login."""
    assert answer.status_code in (200, 201), answer.text
    found = answer.json
    assert found is not None
    return Account(
        client, found["user"]["id"], found["user"]["name"], found["access_token"],
        found["refresh_token"],
    )


def person(client: FlaskClient, name: str = "alice") -> Account:
    """A new user."""
    return account(client, sign_up(client, name))


def problem(answer: TestResponse, status: int, code: str) -> dict[str, Any]:
    """Assert that an answer is this problem, in the shape of RFC 9457; return it."""
    assert answer.status_code == status, answer.text
    assert answer.content_type == PROBLEM
    found = answer.json
    assert found is not None
    assert found.keys() == {"type", "title", "status", "code", "detail", "retry"}
    assert (found["status"], found["code"]) == (status, code)
    assert found["detail"]
    return dict(found)
