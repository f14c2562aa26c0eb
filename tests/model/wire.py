"""Commands as requests and as frames; one answer for both."""

from __future__ import annotations

import http.client
import json
import select
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from tests.model.messages import Command
from tests.model.state import Fields
from tests.support.client import PATIENCE

PATHS = {
    "send": "messages", "edit": "edits", "recall": "recalls", "react": "reactions", "pin": "pins",
    "remove": "removals", "forward": "forwards",
}
ON_SOCKETS = tuple(PATHS)


@dataclass(frozen=True)
class Answer:
    """What the server said: the code of a refusal, else none. `status` 0: over a socket."""

    code: str
    data: Any
    status: int = 0


class Http:
    """One connection that is kept alive, for whoever has a token."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._connection: http.client.HTTPConnection | None = None

    def call(
        self, token: str, method: str, path: str, body: Fields | None = None, **query: Any
    ) -> Answer:
        """One request. Any answer that is none of ours (a 500, HTML) fails at once."""
        connection = self._connected()
        headers = {"Authorization": f"Bearer {token}"}
        address = f"{path}?{urlencode(query)}" if query else path
        connection.request(method, address, json.dumps(body or {}).encode(), headers)
        response = connection.getresponse()
        text = response.read()
        if response.status >= 500:
            raise AssertionError(f"{method} {path}: {response.status} {text!r}")
        data = json.loads(text) if text else {}
        return Answer(data["code"] if response.status >= 400 else "", data, response.status)

    def get(self, token: str, path: str, **query: Any) -> Any:
        answer = self.call(token, "GET", path, **query)
        assert not answer.code, answer
        return answer.data

    def text(self, path: str) -> str:
        connection = self._connected()
        connection.request("GET", path)
        return connection.getresponse().read().decode()

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _connected(self) -> http.client.HTTPConnection:
        """The connection, a new one if the server has ended it."""
        found = self._connection
        if found is not None and (
            found.sock is None or select.select([found.sock], [], [], 0)[0]
        ):
            self.close()
        if self._connection is None:
            self._connection = http.client.HTTPConnection(
                "127.0.0.1", self._port, timeout=PATIENCE
            )
        return self._connection


def frame_of(command: Command) -> Fields:
    """A command as a socket takes it."""
    place = {"to": {"user": command.to_user}} if command.to_user else {
        "conversation": command.room.id
    }
    return {"op": command.op, "ref": command.ref, **place, **command.fields}


def request_of(command: Command) -> tuple[str, Fields]:
    """A command as HTTP takes it: path and body of a POST."""
    body = {"ref": command.ref, **command.fields}
    if command.op == "broadcast":
        return "/v2/broadcasts", body
    return f"/v2/conversations/{command.room.id}/{PATHS[command.op]}", body


def places(answer: Answer) -> list[tuple[int, int, int]]:
    """Where a command was stored: (conversation, seq, at) of each event that it left."""
    found = answer.data.get("forwarded", [answer.data])
    return [(place["conversation"], place["seq"], place["at"]) for place in found]
