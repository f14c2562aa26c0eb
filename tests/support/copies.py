"""Copies of the scene, in which every act can be undone: on SQLite a file, on PostgreSQL all rows.

The copy of a file is asked in this process. The copy of rows has a server of two workers.
"""

from __future__ import annotations

import io
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg
from flask import Flask
from sqlalchemy import create_engine
from werkzeug.test import TestResponse

import config as configuration
from app import create_app, services
from tests.support import topology
from tests.support.application import DATABASE
from tests.support.fronts import front, tables_of
from tests.support.matrix import Answer, Request, answer_of
from tests.support.scene import SETTINGS, Scene
from tests.support.server import running
from tests.support.valkey import Valkey

Renew = Callable[[], None]


class Copy:
    """An application over a copy of the scene; `renew` undoes whatever was done there."""

    def __init__(self, app: Flask, renew: Renew) -> None:
        self.renew = renew
        self._client = app.test_client()

    def ask(self, request: Request) -> Answer:
        answer: TestResponse = self._client.open(
            request.path, method=request.method, query_string=request.query,
            headers=request.headers, json=request.json, data=_form(request),
        )
        with suppress(UnicodeDecodeError):
            return answer_of(answer.status_code, answer.text)
        return answer_of(answer.status_code, answer.data.decode("latin-1"))


@contextmanager
def copied(scene: Scene, folder: Path) -> Iterator[Copy]:
    """A copy of the scene as it is now, with its key and its files."""
    shutil.copy(scene.server.folder / "secret_key", folder)
    shutil.copytree(scene.server.folder / "media", folder / "media")
    with (_served if topology.MANY else _in_process)(scene, folder) as (app, renew):
        yield Copy(app, renew)


@contextmanager
def _in_process(scene: Scene, folder: Path) -> Iterator[tuple[Flask, Renew]]:
    snapshot, database = folder / "snapshot.db", folder / DATABASE
    with (
        closing(sqlite3.connect(scene.server.folder / DATABASE)) as here,
        closing(sqlite3.connect(snapshot)) as there,
    ):
        here.backup(there)
    app = create_app(configuration.load({
        "HICHAT_ENV": "testing", "HICHAT_DATA_DIR": str(folder), "HICHAT_RATE_LIMITS": "off",
        **SETTINGS,
    }))

    def renew() -> None:
        services.of(app).store.database.close()
        for name in (f"{DATABASE}-wal", f"{DATABASE}-shm"):
            database.with_name(name).unlink(missing_ok=True)
        shutil.copy(snapshot, database)

    renew()
    yield app, renew
    services.of(app).store.database.close()


@contextmanager
def _served(scene: Scene, folder: Path) -> Iterator[tuple[Flask, Renew]]:
    rows = Rows(scene.server.environ["HICHAT_DATABASE_URL"])
    valkey = Valkey(folder)  # its own: with the same key, the scene's devices would hear it
    valkey.start()
    try:
        with (
            running(folder, HICHAT_REDIS_URL=valkey.url, **SETTINGS) as server,
            psycopg.connect(server.environ["HICHAT_DATABASE_URL"]) as connection,
            front(server) as app,
        ):

            def renew() -> None:
                rows.put(connection)

            renew()
            yield app, renew
    finally:
        valkey.stop()


class Rows:
    """All rows of a PostgreSQL database, to be put into one with the same tables."""

    def __init__(self, url: str) -> None:
        engine = create_engine(configuration.with_driver(url))
        names = tables_of(engine)
        engine.dispose()
        with psycopg.connect(url) as connection:
            self._rows = {name: _read(connection, name) for name in names}
            self._last = connection.execute(_LAST).fetchall()

    def put(self, connection: psycopg.Connection[Any]) -> None:
        """In the place of those that are there."""
        with connection.transaction(), connection.cursor() as cursor:
            for name in reversed(self._rows):  # of so few, it takes a tenth of what TRUNCATE does
                cursor.execute(f"DELETE FROM {name}")
            for name, rows in self._rows.items():
                with cursor.copy(f"COPY {name} FROM STDIN") as copy:
                    copy.write(rows)
            for name, last in self._last:
                cursor.execute("SELECT setval(%s, %s)", (name, last))


_LAST = """
    SELECT quote_ident(sequencename), last_value FROM pg_sequences WHERE last_value IS NOT NULL"""


def _read(connection: psycopg.Connection[Any], name: str) -> bytes:
    with connection.cursor().copy(f"COPY {name} TO STDOUT") as copy:
        return b"".join(copy)


def _form(request: Request) -> Any:
    """The form, with its files as the test client takes them."""
    if request.files is None:
        return request.form
    files = {key: (io.BytesIO(data), name) for key, (name, data) in request.files.items()}
    return {**(request.form or {}), **files}
