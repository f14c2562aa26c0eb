"""HiChat's HTTP interface over one kept-alive connection."""

from __future__ import annotations

import json
from http.client import HTTPConnection, HTTPException
from typing import Any

from .client import Trouble


class Browser:
    """Asks, waits, and takes only a success for an answer."""

    def __init__(self, port: int) -> None:
        self._connection = HTTPConnection("127.0.0.1", port, timeout=30)

    def get(self, path: str, token: str) -> bytes:
        """The body as it came: whoever measures parses it later."""
        return self._ask("GET", path, token)

    def post(self, path: str, token: str) -> None:
        """A request without a body, for what it does."""
        self._ask("POST", path, token)

    def _ask(self, method: str, path: str, token: str) -> bytes:
        try:
            self._connection.request(method, path, headers={"Authorization": f"Bearer {token}"})
            answer = self._connection.getresponse()
            body = answer.read()
        except HTTPException as problem:
            raise Trouble(f"{method} {path}: {problem!r}") from problem
        if answer.status >= 300:
            raise Trouble(f"{method} {path}: {answer.status} {body[:300].decode(errors='replace')}")
        return body

    def get_json(self, path: str, token: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.get(path, token))
        return found

    def close(self) -> None:
        self._connection.close()
