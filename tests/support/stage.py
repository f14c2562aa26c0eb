"""Where the matrix is played: the scene's server with everybody's devices, and copies of it."""

from __future__ import annotations

import io
import json
import shutil
import sqlite3
import uuid
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import requests
from flask import Flask
from werkzeug.test import TestResponse

import config as configuration
from app import create_app, services
from tests.support import handshake, seed
from tests.support.chat import expect_silence
from tests.support.client import PATIENCE
from tests.support.matrix import Answer, Expected, Request
from tests.support.matrix_ops import OK, V1, Op
from tests.support.scene import CONNECTED, Scene

DATABASE = "hichat.db"
# What changes by itself: the index of words, which is behind the log, and when one was last seen.
UNSTEADY = {"conversation": {"indexed_seq"}, "user": {"seen_at"}}


def dump(database: Path) -> dict[str, list[dict[str, Any]]]:
    """Every row of every table, but for what changes by itself."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        tables = [name for name, in connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table'"
            " AND name NOT LIKE 'sqlite%' AND name NOT LIKE 'search%' AND name <> 'indexed'"
        )]
        return {table: _rows(connection, table) for table in tables}


def _rows(connection: sqlite3.Connection, table: str) -> list[dict[str, Any]]:
    cursor = connection.execute(f'SELECT * FROM "{table}"')
    names = [column[0] for column in cursor.description]
    unsteady = UNSTEADY.get(table, ())
    return [
        {name: value for name, value in zip(names, row, strict=True) if name not in unsteady}
        for row in cursor
    ]


class Live:
    """The scene's own server, on which every role has a device of each kind."""

    def __init__(self, scene: Scene, stack: ExitStack) -> None:
        self.scene = scene
        self.database = scene.server.folder / DATABASE
        self.snapshot = scene.server.folder / "snapshot.db"
        with (
            closing(sqlite3.connect(self.database)) as here,
            closing(sqlite3.connect(self.snapshot)) as there,
        ):
            here.backup(there)
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

    def drain(self) -> None:
        """Let everybody hear what was done."""
        for device in self.devices.values():
            ref = uuid.uuid4().hex
            device.send(op="sync", ref=ref, cursors={})
            device.expect("synced", ref=ref)
        for device in self.seeds.values():
            device.send_text("no JSON at all")
            while "bad_json" not in device.receive_text():
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


class Copy:
    """An application of its own over a copy of the scene, which can be had anew."""

    def __init__(self, live: Live, folder: Path) -> None:
        self._snapshot = live.snapshot
        self._database = folder / DATABASE
        shutil.copy(live.scene.server.folder / "secret_key", folder)
        shutil.copytree(live.scene.server.folder / "media", folder / "media")
        shutil.copy(self._snapshot, self._database)
        self.app: Flask = create_app(configuration.load({
            "HICHAT_ENV": "testing", "HICHAT_DATA_DIR": str(folder), "HICHAT_RATE_LIMITS": "off",
        }))
        self._client = self.app.test_client()

    def close(self) -> None:
        services.of(self.app).store.database.close()

    def renew(self) -> None:
        """Undo whatever was done here."""
        self.close()
        for name in (f"{DATABASE}-wal", f"{DATABASE}-shm"):
            self._database.with_name(name).unlink(missing_ok=True)
        shutil.copy(self._snapshot, self._database)

    def ask(self, request: Request) -> Answer:
        answer: TestResponse = self._client.open(
            request.path, method=request.method, query_string=request.query,
            headers=request.headers, json=request.json, data=_form(request),
        )
        with suppress(UnicodeDecodeError):
            return answer_of(answer.status_code, answer.text)
        return answer_of(answer.status_code, answer.data.decode("latin-1"))


def _form(request: Request) -> Any:
    """The form, with its files as the test client takes them."""
    if request.files is None:
        return request.form
    files = {key: (io.BytesIO(data), name) for key, (name, data) in request.files.items()}
    return {**(request.form or {}), **files}


def answer_of(status: int, text: str) -> Answer:
    try:
        return Answer(status, text, json.loads(text))
    except ValueError:
        return Answer(status, text, None)


