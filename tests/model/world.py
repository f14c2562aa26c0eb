"""The real server that all runs of a test share, and what is done to it from outside."""

from __future__ import annotations

import itertools
import os
import re
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.model.state import ADMIN, BROADCAST, Event, Room, Seat
from tests.model.wire import Http
from tests.support.client import PATIENCE, Person
from tests.support.server import ROOT, Server

# Times that no run may reach, so that the model needs no clock.
LIFE = {
    "HICHAT_ACCESS_TOKEN_SECONDS": "604800", "HICHAT_RECALL_SECONDS": "604800",
    "HICHAT_EDIT_SECONDS": "604800", "HICHAT_HEARTBEAT_SECONDS": "600",
}
_OPEN = re.compile(r'^hichat_connections\{dialect="v2"\} ([0-9.]+)$', re.MULTILINE)


class World:
    """A server over a folder of its own, one site admin, and counts of what was done."""

    def __init__(self, folder: Path) -> None:
        self.server = Server(folder, "tests.model.app:app", **LIFE)
        self.http = Http(self.server.port)
        self.runs = self.steps = self.checks = self.kills = self.restarts = self.cuts = 0
        self.dies: bool | None = None  # whether all runs from now on end a server; None: some do
        self.commands = self.repeats = self.refusals = 0
        self._refs = itertools.count()

    def begin(self) -> None:
        """Start; everybody's broadcast has begun when this returns."""
        self.server.prepare()
        self.server.start()
        self.admin = Person(self.server)
        self._make_admin()
        place = self._broadcast("the broadcast begins")
        self._key: int = place["conversation"]

    def __str__(self) -> str:
        return (
            f"{self.runs} runs, {self.steps} steps, {self.commands} commands, {self.refusals}"
            f" refused, {self.repeats} repeated, {self.cuts} cuts, {self.kills} kills,"
            f" {self.restarts} restarts, {self.checks} comparisons"
        )

    def new_ref(self) -> str:
        return f"m{next(self._refs)}"

    def broadcast(self) -> Room:
        """The broadcast as a run finds it: a log of which its users will see nothing yet."""
        last = self.http.get(self.admin.token, f"/v2/conversations/{self._key}")["last_seq"]
        gap = Event(0, "", 0, {}, {}, frozenset())
        return Room(
            BROADCAST, id=self._key, events=[gap] * last, seats={self.admin.id: Seat(role=ADMIN)}
        )

    # -- what happens to a server ----------------------------------------------------------

    def kill(self) -> None:
        """kill -9, as a power cut would."""
        self.kills += 1
        self.server.kill()

    def terminate(self, leave: Callable[[], None]) -> None:
        """TERM; `leave` is what the clients do about it."""
        process = self.server.process
        assert process is not None
        self.restarts += 1
        process.terminate()
        leave()
        process.wait(timeout=30)
        self.server.process = None

    def start(self) -> None:
        self.http.close()
        self.server.start()

    def stop(self) -> None:
        self.http.close()
        if self.server.process is not None:
            self.server.kill()

    def settle(self, connected: int) -> None:
        """Wait until ended connections have ended for the server too, and their commands."""
        deadline = time.monotonic() + PATIENCE
        while self._connections() != connected:
            assert time.monotonic() < deadline, "the server holds on to an ended connection"
            time.sleep(0.002)
        # In the line behind all that they had asked for.
        path = f"/v2/conversations/{self._key}/read"
        assert self.http.call(self.admin.token, "POST", path, {"seq": 0}).status == 200

    def _connections(self) -> int:
        found = _OPEN.search(self.http.text("/metrics"))
        assert found is not None
        return int(float(found[1]))

    # -- for the site's admin --------------------------------------------------------------

    def _make_admin(self) -> None:
        command = [sys.executable, "-m", "flask", "--app", "wsgi", "hichat", "admin"]
        subprocess.run(
            [*command, self.admin.name], cwd=ROOT, env={**os.environ, **self.server.environ},
            check=True, capture_output=True,
        )

    def _broadcast(self, content: str) -> Any:
        body = {"ref": uuid.uuid4().hex, "message": {"media": "text", "content": content}}
        answer = self.http.call(self.admin.token, "POST", "/v2/broadcasts", body)
        assert answer.status == 201, answer
        return answer.data

