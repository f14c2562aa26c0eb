"""Pages of other hosts: which of them a browser lets read our answers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from tests.support.application import application

OLD_CLIENT = "https://old.example.org"
ALLOWED = "Access-Control-Allow-Origin"


@pytest.fixture(scope="module")
def listed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlaskClient]:
    """A server that lets the pages of one further host use it."""
    folder = tmp_path_factory.mktemp("listed")
    with application(folder, HICHAT_ALLOWED_ORIGINS=f"{OLD_CLIENT}/") as app:
        yield app.test_client()


def test_a_listed_page_reads_answers_and_errors(listed: FlaskClient) -> None:
    for path in ("/version", "/v2/users/me", "/v1/user/list", "/nowhere"):
        answer = listed.get(path, headers={"Origin": OLD_CLIENT})
        assert answer.headers[ALLOWED] == OLD_CLIENT
        assert "Origin" in answer.vary
    form = {"name": "ann", "password": "p", "Identity": "p"}
    made = listed.post("/v1/user/new", data=form, headers={"Origin": OLD_CLIENT})
    assert (made.json["code"], made.headers[ALLOWED]) == (0, OLD_CLIENT)


@pytest.mark.parametrize(("path", "method"), [
    ("/v1/user/delete", "DELETE"), ("/v2/users/me", "PATCH"), ("/v2/contacts/7/block", "PUT"),
    ("/v2/uploads/x", "HEAD"), ("/v2/conversations/7/messages", "POST"),
])
def test_a_browser_that_asks_first_is_told_what_a_listed_page_may_send(
    listed: FlaskClient, path: str, method: str
) -> None:
    answer = listed.options(path, headers={
        "Origin": OLD_CLIENT, "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": "authorization,content-type",
    })
    assert answer.status_code == 200
    assert answer.headers[ALLOWED] == OLD_CLIENT
    assert method in answer.access_control_allow_methods
    assert {"Authorization", "Content-Type"} <= set(answer.access_control_allow_headers)
    assert not answer.access_control_allow_credentials


@pytest.mark.parametrize("origin", [
    "https://evil.example.org", "http://old.example.org", f"{OLD_CLIENT}.evil.org", "null", "",
])
def test_a_page_that_is_not_listed_reads_nothing(listed: FlaskClient, origin: str) -> None:
    for answer in (
        listed.get("/version", headers={"Origin": origin}),
        listed.options("/v2/users/me", headers={"Origin": origin}),
    ):
        assert not [name for name, _ in answer.headers if name.startswith("Access-Control")]


def test_any_page_may_where_all_are_listed(tmp_path: Path) -> None:
    with application(tmp_path, HICHAT_ALLOWED_ORIGINS="*") as app:
        answer = app.test_client().get("/version", headers={"Origin": OLD_CLIENT})
        assert answer.headers[ALLOWED] == OLD_CLIENT


def test_no_page_is_told_anything_where_none_is_listed(client: FlaskClient) -> None:
    answer = client.get("/version", headers={"Origin": OLD_CLIENT})
    assert not [name for name, _ in answer.headers if name.startswith("Access-Control")]
    assert "Origin" not in answer.vary
