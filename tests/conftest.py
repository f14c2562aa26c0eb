"""Fixtures: the application for HTTP tests, a real server for everything with a socket."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_migrate import upgrade

import config as configuration
from app import create_app, services
from app.store import Database, Store
from tests.support.client import Person
from tests.support.postgres import Postgres, new_database
from tests.support.server import Server
from tests.support.web import Account, person


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Flask]:
    """An application over a migrated SQLite database of its own, without rate limits."""
    made = create_app(configuration.load({
        "HICHAT_ENV": "testing", "HICHAT_DATA_DIR": str(tmp_path), "HICHAT_RATE_LIMITS": "off",
    }))
    with made.app_context():
        upgrade()
    yield made
    services.of(made).store.database.close()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One real server for all tests that only talk to it."""
    made = Server(tmp_path_factory.mktemp("server"))
    made.prepare()
    made.start()
    yield made
    if made.process is not None:
        made.terminate()


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[Server]:
    """A prepared server that a test may start, kill and reconfigure as it likes."""
    made = Server(tmp_path)
    made.prepare()
    yield made
    if made.process is not None:
        made.kill()


@pytest.fixture
def alice(server: Server) -> Person:
    return Person(server)


@pytest.fixture
def bob(server: Server) -> Person:
    return Person(server)


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A PostgreSQL server to make databases in: TEST_DATABASE_URL, or one that is started here."""
    given = os.environ.get("TEST_DATABASE_URL")
    if given:
        yield given
        return
    made = Postgres()
    try:
        made.start()
        yield made.url
    finally:
        made.stop()


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """An empty, migrated database of each kind that HiChat runs on."""
    with ExitStack() as stack:
        url = ""
        if request.param == "postgres":
            url = stack.enter_context(new_database(request.getfixturevalue("postgres_url")))
        made = create_app(configuration.load({
            "HICHAT_ENV": "testing", "HICHAT_DATA_DIR": str(tmp_path), "HICHAT_DATABASE_URL": url,
        }))
        with made.app_context():
            upgrade()
        found = services.of(made).store.database
        stack.callback(found.close)
        yield found


@pytest.fixture
def store(database: Database) -> Store:
    return Store(database)


@pytest.fixture
def ada(client: FlaskClient) -> Account:
    return person(client, "ada")


@pytest.fixture
def ben(client: FlaskClient) -> Account:
    return person(client, "ben")
