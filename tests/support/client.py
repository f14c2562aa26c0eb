"""People and their devices, over HTTP and real WebSockets."""

from __future__ import annotations

import copy
import itertools
import json
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import requests
from websockets.sync.client import ClientConnection, connect

from tests.support.server import Server

UNHURRIED = 60.0  # seconds for a request: those with pictures come last for the CPU, by design
PATIENCE = 10.0  # seconds until something that must arrive is missing
PASSWORD = "correct horse battery"


class Socket:
    """One connected device. Keeps every frame that it got."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self.frames: list[dict[str, Any]] = []
        self.texts: list[str] = []

    def send(self, **fields: Any) -> None:
        self.send_text(json.dumps(fields))

    def send_text(self, text: str) -> None:
        self.connection.send(text)

    def receive_text(self, timeout: float = PATIENCE) -> str:
        text = self.connection.recv(timeout=timeout)
        assert isinstance(text, str)
        self.texts.append(text)
        return text

    def receive(self, timeout: float = PATIENCE) -> dict[str, Any]:
        """The next frame, whatever it is."""
        found: dict[str, Any] = json.loads(self.receive_text(timeout))
        self.frames.append(found)
        return found

    def expect(self, op: str, timeout: float = PATIENCE, **fields: Any) -> dict[str, Any]:
        """The next frame with this op and these fields; others before it are passed over."""
        deadline = time.monotonic() + timeout
        while True:
            found = self.receive(max(0.01, deadline - time.monotonic()))
            if found.get("op") == op and all(found.get(k) == v for k, v in fields.items()):
                return found

    def expect_nothing(self, seconds: float = 0.3) -> None:
        try:
            text = self.receive_text(seconds)
        except TimeoutError:
            return
        raise AssertionError(f"unexpected frame: {text}")

    def expect_close(self, timeout: float = PATIENCE) -> int:
        """Read until the connection ends; return the close code (1006: without a close frame)."""
        from websockets.exceptions import ConnectionClosed

        deadline = time.monotonic() + timeout
        try:
            while True:
                self.receive_text(max(0.01, deadline - time.monotonic()))
        except ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd else 1006

    def close(self) -> None:
        self.connection.close()

    # -- what devices do ------------------------------------------------------------------

    def text(self, content: str, to: int, ref: str | None = None) -> dict[str, Any]:
        """Send a private text to a user and wait for its ack."""
        ref = ref or uuid.uuid4().hex
        message = {"media": "text", "content": content}
        self.send(op="send", ref=ref, to={"user": to}, message=message)
        return self.expect("ack", ref=ref)

    def say(self, content: str, conversation: int, ref: str | None = None) -> dict[str, Any]:
        """Send a text to a conversation and wait for its ack."""
        ref = ref or uuid.uuid4().hex
        message = {"media": "text", "content": content}
        self.send(op="send", ref=ref, conversation=conversation, message=message)
        return self.expect("ack", ref=ref)

    def sync(self, **cursors: int) -> list[dict[str, Any]]:
        """Ask for all behind the cursors (c12=0 means conversation 12), page after page."""
        left = {name.removeprefix("c"): seq for name, seq in cursors.items()}
        events: list[dict[str, Any]] = []
        for number in itertools.count():
            self.send(op="sync", ref=f"sync-{number}", cursors=left)
            while (frame := self.receive())["op"] != "synced":
                if frame["op"] == "event":
                    events.append(frame)
            left = frame["behind"]
            if not left:
                return events
        raise AssertionError("unreachable")


class Person:
    """A user, with tokens and any number of devices: newly registered, or by the door `login`."""

    def __init__(self, server: Server, name: str | None = None, door: str = "register") -> None:
        self.server = server
        self.name = name or f"user-{uuid.uuid4().hex[:12]}"
        answer = requests.post(
            f"{server.http}/v2/auth/{door}",
            json={"name": self.name, "password": PASSWORD}, timeout=PATIENCE,
        )
        assert answer.ok, answer.text
        found = answer.json()
        self.id: int = found["user"]["id"]
        self.token: str = found["access_token"]
        self.refresh_token: str = found["refresh_token"]

    def at(self, server: Server) -> Person:
        """The same person with the same session, asking another server."""
        found = copy.copy(self)
        found.server = server
        return found

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    def request(self, method: str, path: str, **options: Any) -> requests.Response:
        options.setdefault("headers", self.headers)
        options.setdefault("timeout", UNHURRIED)
        return requests.request(method, self.server.http + path, **options)

    def get(self, path: str, **query: Any) -> Any:
        answer = self.request("GET", path, params=query)
        assert answer.ok, answer.text
        return answer.json()

    def post(self, path: str, **fields: Any) -> requests.Response:
        return self.request("POST", path, json=fields)

    def upload(self, data: bytes, name: str = "file") -> dict[str, Any]:
        """Keep a file on the server; what the answer says of it."""
        answer = self.request("POST", "/v2/media", files={"file": (name, data)})
        assert answer.status_code == 201, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def history(self, conversation: int) -> list[dict[str, Any]]:
        """The whole log of a conversation, over HTTP."""
        events: list[dict[str, Any]] = []
        while True:
            after = events[-1]["seq"] if events else 0
            page = self.get(f"/v2/conversations/{conversation}/events", after=after, limit=500)
            events += page["events"]
            if not page["more"]:
                return events

    def seed_address(self) -> str:
        return f"{self.server.ws}/v1/user/SendUserMsg?token={self.token}&userId={self.id}"

    @contextmanager
    def device(self) -> Iterator[Socket]:
        """A `/v2` socket, greeted."""
        with connect(
            f"{self.server.ws}/v2/socket", additional_headers=self.headers,
            subprotocols=["hichat.v2"], open_timeout=PATIENCE, close_timeout=PATIENCE,
        ) as connection:
            socket = Socket(connection)
            socket.expect("hello")
            yield socket

    @contextmanager
    def seed_device(self) -> Iterator[Socket]:
        """A `/v1` socket, as the seed's client opens it."""
        with connect(self.seed_address(), close_timeout=PATIENCE) as connection:
            yield Socket(connection)
