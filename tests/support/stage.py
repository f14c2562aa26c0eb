"""Where the matrix is played: the scene's server, with everybody's devices."""

from __future__ import annotations

import json
import uuid
from contextlib import ExitStack
from typing import Any
from urllib.parse import urlencode

import requests
from sqlalchemy import Table, select
from sqlalchemy.orm import Session

from app import services
from app.extensions import db
from app.store import Database
from tests.support import handshake, seed
from tests.support.application import beside
from tests.support.chat import expect_silence
from tests.support.client import PATIENCE
from tests.support.matrix import Answer, Expected, Request, answer_of
from tests.support.matrix_ops import OK, V1, Op
from tests.support.scene import CONNECTED, Scene

# What changes by itself: when one was last seen.
UNSTEADY = {"user": {"seen_at"}}


def dump(database: Database) -> dict[str, list[dict[str, Any]]]:
    """Every row of every table, sorted, but for what changes by itself."""
    with database.read() as session:
        return {
            table.name: _rows(session, table) for table in db.metadata.sorted_tables
            if table.name != "indexed"
        }


def _rows(session: Session, table: Table) -> list[dict[str, Any]]:
    unsteady = UNSTEADY.get(table.name, ())
    columns = [column for column in table.columns if column.name not in unsteady]
    rows = session.execute(select(*columns).order_by(*table.primary_key)).mappings()
    return [dict(row) for row in rows]


class Live:
    """The scene's own server, on which every role has a device of each kind."""

    def __init__(self, scene: Scene, stack: ExitStack) -> None:
        self.scene = scene
        app = stack.enter_context(beside(scene.server))
        self.database = services.of(app).store.database
        people = scene.people
        self.devices = {role: stack.enter_context(people[role].device()) for role in CONNECTED}
        self.seeds = {role: stack.enter_context(people[role].seed_device()) for role in CONNECTED}
        self._http = stack.enter_context(requests.Session())

    def ask(self, request: Request) -> Answer:
        answer = self._http.request(
            request.method, self.scene.server.http + request.path, params=request.query,
            headers=request.headers, json=request.json, data=request.form, files=request.files,
            timeout=PATIENCE,
        )
        return answer_of(answer.status_code, answer.text)

    def upgrade(self, request: Request) -> Answer:
        """Ask for a socket."""
        path = f"{request.path}?{urlencode(request.query)}"
        found = handshake.ask(self.scene.server, path, dict(request.headers))
        return answer_of(found.status, found.body.decode())

    def perform(self, op: Op, role: str) -> Expected:
        """What an operation comes to."""
        fields = self.scene.fill(dict(op.fields), role)
        if op.name.startswith(V1):
            return self._perform_seed(op, fields, role)
        device = self.devices[role]
        device.send(op=op.name, **fields)
        if op.name == "typing":  # it has no answer: the question behind it has
            device.send(op="sync", ref=uuid.uuid4().hex, cursors={})
        frame = device.receive()
        events = []
        while frame["op"] == "event":
            events.append(frame)
            frame = device.receive()
        if frame["op"] == "error":
            if op.name == "typing":
                device.expect("synced")
            assert frame["ref"] == fields.get("ref"), frame
            return str(frame["code"])
        return _result(op, frame, events)

    def _perform_seed(self, op: Op, fields: dict[str, Any], role: str) -> Expected:
        """`/v1` does not answer what it allows: the user's other device hears of it."""
        device = self.seeds[role]
        device.send_text(json.dumps(fields))
        if op.expects[role] != OK:
            return seed.line(device).partition(":")[0]
        if fields["Type"]:
            self.devices[role].expect("event", sender=self.scene.people[role].id)
        else:
            seed.expect_silence(device)
        return OK

    def expect_silence(self) -> None:
        """Nobody has heard anything."""
        for device in self.devices.values():
            expect_silence(device)
        for device in self.seeds.values():
            seed.expect_silence(device)

    def settle(self, op: Op, role: str) -> None:
        """Let everybody hear what was done: what the same connection says next comes behind it."""
        word, plaza = uuid.uuid4().hex, self.scene.names["plaza"]
        own = self.devices[role]
        if op.name.startswith(V1):
            self.seeds[role].send(Type=2, TargetId=plaza, Media=1, Content=word)
        else:
            own.say(word, plaza)
        for device in (*self.devices.values(), *self.seeds.values()):
            if device is not own or op.name.startswith(V1):
                while word not in device.receive_text():
                    pass

    def heard(self) -> list[tuple[str, list[str]]]:
        """Who has heard what they must not, on any device."""
        found = []
        for devices in (self.devices, self.seeds):
            for role, device in devices.items():
                leaks = self.scene.leaks(role, "\n".join(device.texts))
                found += [(role, leaks)] if leaks else []
        return found


def _result(op: Op, frame: dict[str, Any], events: list[dict[str, Any]]) -> Expected:
    if op.name == "sync":
        assert frame["op"] == "synced"
        assert bool(events) != bool(frame.get("gone")), (events, frame)
        return OK if events else "gone"
    if op.name == "watch":
        assert frame["op"] == "presence"
        return OK if frame["online"] else "offline"
    assert frame["op"] == {"read": "receipt", "typing": "synced"}.get(op.name, "ack"), frame
    return OK
