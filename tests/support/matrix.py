"""Rows of the authorization matrix: a route or an operation, and what each role gets of it.

Data in a row that begins with `@` is a name of the scene (scene.py): `@owner` is the owner's id,
`@own` the role's own message. An expected number is a status: allowed. A text is a refusal: the
code of its error, on `/v1` its words.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from app.errors import HiChatError
from tests.support.scene import INSIDE, OUTSIDE, ROLES, Scene

Expected = int | str
Policy = Mapping[str, Expected]

# What stands in a route's address where its row does not say otherwise.
PLACES = {
    "group": "group", "conversation": "group", "member": "plain", "user": "outsider",
    "user_id": "owner", "seq": "said", "code": "invite", "session_id": "session",
    "digest": "nowhere", "path": "nowhere",
}


class Done(str):
    """Words of `/v1` that refuse nothing: something is done, but not yet all that was asked for."""


class Row(NamedTuple):
    """One route, asked in one way. `shows` are the secrets that it may tell to anybody."""

    route: str  # method and rule
    expects: Policy
    note: str = ""  # in which way, where a route has several rows
    at: Mapping[str, str] = {}  # placeholder of the rule -> name of the scene
    query: Mapping[str, Any] | str = {}
    json: Mapping[str, Any] | None = None
    form: Mapping[str, Any] | None = None
    files: Mapping[str, tuple[str, bytes]] | None = None
    headers: Mapping[str, str] = {}
    shows: Collection[str] = ()

    def __str__(self) -> str:
        return f"{self.route} {self.note}".strip()

    @property
    def is_seed(self) -> bool:
        return " /v1/" in self.route

    @property
    def refusals(self) -> dict[str, Expected]:
        return {role: code for role, code in self.expects.items() if is_refusal(code)}

    @property
    def allowances(self) -> dict[str, Expected]:
        return {role: code for role, code in self.expects.items() if not is_refusal(code)}


def is_refusal(expected: Expected) -> bool:
    return isinstance(expected, str) and not isinstance(expected, Done)


class Request(NamedTuple):
    """One request as an HTTP client is told it."""

    method: str
    path: str
    headers: dict[str, str]
    query: dict[str, Any]
    json: Any
    form: Any
    files: Any


class Answer(NamedTuple):
    status: int
    text: str
    json: Any  # None where it is no JSON


def answer_of(status: int, text: str) -> Answer:
    try:
        return Answer(status, text, json.loads(text))
    except ValueError:
        return Answer(status, text, None)


def policy(
    inside: Expected, outside: Expected = "not_a_member", seed: bool = False, **others: Expected
) -> Policy:
    """What members get and what everybody else; `others` by role."""
    closed = ("请登录", "token失效") if seed else ("token_missing", "session_revoked")
    return {
        **dict.fromkeys(INSIDE, inside), **dict.fromkeys(OUTSIDE, outside),
        "anonymous": closed[0], "revoked": closed[1], **others,
    }


def everybody(expected: Expected, seed: bool = False, **others: Expected) -> Policy:
    """All who are logged in."""
    return policy(expected, expected, seed, **others)


def public(status: int) -> Policy:
    """Whoever asks, with or without a token."""
    return dict.fromkeys(ROLES, status)


def request_of(scene: Scene, row: Row, role: str) -> Request:
    method, _, rule = row.route.partition(" ")
    places = {**PLACES, **row.at}
    path = re.sub(
        r"<(?:\w+:)?(\w+)>", lambda found: str(scene.find(places[found[1]], role)), rule
    )
    query, headers = dict(scene.fill(row.query, role)), dict(row.headers)
    token = scene.tokens[role]
    if token and row.is_seed:
        query = {"token": token, "userId": scene.find("self", role), **query}
    elif token:
        headers["Authorization"] = f"Bearer {token}"
    return Request(
        method, path, headers, query, scene.fill(row.json, role), scene.fill(row.form, role),
        row.files,
    )


def outcome(row: Row, answer: Answer) -> Expected:
    """What an answer comes to. It must have the shape of its kind."""
    found = answer.json
    if answer.status == 101:
        return answer.status
    if row.is_seed:
        return _seed_outcome(answer)
    if answer.status < 400:
        return answer.status
    code: str = found["code"]
    assert answer.status == found["status"] == STATUSES[code], answer
    return code


def _seed_outcome(answer: Answer) -> Expected:
    found = answer.json
    if isinstance(found, list):
        return answer.status
    if "Code" in found:
        return answer.status if found["Code"] == 0 else str(found["Msg"])
    if found.get("code") == 0:
        return answer.status
    assert answer.status == (200 if "code" in found else 401), answer
    return str(found["message"])


def _statuses(error: type[HiChatError]) -> dict[str, int]:
    found = {error.code: error.status}
    for kind in error.__subclasses__():
        found |= _statuses(kind)
    return found


STATUSES = _statuses(HiChatError)
