"""Registers the users of a run with HiChat, over its own HTTP interface."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlencode

from .servers import Server

PASSWORD = "correct horse bench staple"
AT_ONCE = 8


def post(port: int, path: str, body: bytes, headers: dict[str, str]) -> dict[str, Any]:
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", body, headers)
    with urllib.request.urlopen(request, timeout=60) as answer:
        found: dict[str, Any] = json.load(answer)
        return found


def post_json(port: int, path: str, body: dict[str, Any], token: str = "") -> dict[str, Any]:
    headers = {"Content-Type": "application/json"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    return post(port, path, json.dumps(body).encode(), headers)


def credentials(index: int) -> dict[str, str]:
    """Of the run's user number `index`."""
    return {"name": f"bench{index}", "password": PASSWORD}


class Accounts:
    """The users of one running server: registered once, whatever the number of rounds."""

    def __init__(self, server: Server) -> None:
        self.port = server.port
        self._users: list[tuple[int, str]] = []
        self._v1: list[tuple[int, str]] = []
        self._group = 0

    def members(self, count: int, dialect: str) -> list[tuple[int, str]]:
        """(id, token) of `count` users; `/v1` has tokens of its own, from its own login."""
        with ThreadPoolExecutor(AT_ONCE) as pool:
            self._users += pool.map(self._register, range(len(self._users), count))
            if dialect == "v1":
                self._v1 += pool.map(self._login, range(len(self._v1), count))
        return (self._v1 if dialect == "v1" else self._users)[:count]

    def _register(self, index: int) -> tuple[int, str]:
        answer = post_json(self.port, "/v2/auth/register", credentials(index))
        return answer["user"]["id"], answer["access_token"]

    def _login(self, index: int) -> tuple[int, str]:
        form = urlencode(credentials(index)).encode()
        answer = post(self.port, "/v1/user/login_pw", form, {})
        return answer["userId"], answer["tokens"]

    def group(self) -> int:
        """The conversation of one group with all users in it; 0 if the server has no groups."""
        if not self._group:
            _, token = self._users[0]
            others = [user for user, _ in self._users[1:]]
            body = {"name": "bench", "members": others}
            try:
                self._group = post_json(self.port, "/v2/groups", body, token)["id"]
            except urllib.error.HTTPError as problem:
                if problem.code not in (404, 405):
                    raise RuntimeError(problem.read().decode(errors="replace")) from problem
        return self._group
