"""Fixtures: the application for HTTP tests, a real server for everything with a socket."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app import services
from app.store import Database, Store
from tests.support import topology
from tests.support.application import application
from tests.support.backups import NewSite, sites
from tests.support.client import Person
from tests.support.postgres import new_database
from tests.support.s3 import S3Server
from tests.support.served import over_two_workers
from tests.support.server import Server, running
from tests.support.web import Account, person

DATABASES = ("sqlite", "postgres")
# What takes minutes, the longest first: begun last, one would go on when all others are done.
LONG = ("test_model", "test_faults", "test_kill")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A module that says `BOTH_DATABASES = True` has its tests run on each.

    Several workers have one database: PostgreSQL.
    """
    if topology.MANY or "database_url" not in metafunc.fixturenames:
        return
    if getattr(metafunc.module, "BOTH_DATABASES", False):
        metafunc.parametrize("database_url", DATABASES, indirect=True)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if topology.MANY:
        left_out = [item for item in items if not over_two_workers(item)]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if over_two_workers(item)]
    items.sort(key=lambda item: LONG.index(item.path.stem) if item.path.stem in LONG else len(LONG))


def pytest_sessionfinish() -> None:
    topology.stop()


@pytest.fixture
def database_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """Where an application of this test keeps its rows: HICHAT_DATABASE_URL.

    Empty where it is the topology that says so.
    """
    if getattr(request, "param", "sqlite") == "sqlite":
        yield ""
        return
    server, template = request.getfixturevalue("postgres_template")
    with new_database(server, template) as url:
        yield url


@pytest.fixture
def app(tmp_path: Path, database_url: str) -> Iterator[Flask]:
    """An application over an empty, migrated database, without rate limits."""
    with application(tmp_path, HICHAT_DATABASE_URL=database_url) as made:
        yield made


@pytest.fixture
def limited_app(tmp_path: Path, database_url: str) -> Iterator[Flask]:
    """The same with the rate limits of a first start."""
    settings = {"HICHAT_RATE_LIMITS": "on", "HICHAT_DATABASE_URL": database_url}
    with application(tmp_path, **settings) as made:
        yield made


@pytest.fixture
def slow_client(tmp_path: Path) -> Iterator[FlaskClient]:
    """Of an application that takes sixty messages a minute from a user."""
    settings = {"HICHAT_RATE_LIMITS": "on", "HICHAT_MESSAGES_PER_SECOND": "1"}
    with application(tmp_path, **settings) as made:
        yield made.test_client()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One real server for all tests that only talk to it."""
    with running(tmp_path_factory.mktemp("server")) as made:
        yield made


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
def postgres_url() -> str:
    """A PostgreSQL server to make databases in: TEST_DATABASE_URL, or one that is started here."""
    return topology.postgres_url()


@pytest.fixture(scope="session")
def postgres_template(postgres_url: str) -> tuple[str, str]:
    """The server's address, and the name of a migrated database there, to be copied."""
    return postgres_url, topology.template()


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """One S3 server, with a bucket, for all tests that only talk to it."""
    made = S3Server(tmp_path_factory.mktemp("s3"))
    try:
        made.start()
        yield made
    finally:
        made.stop()


@pytest.fixture(params=DATABASES)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """An empty, migrated database of each kind that HiChat runs on."""
    with ExitStack() as stack:
        url = ""
        if request.param == "postgres":
            server, template = request.getfixturevalue("postgres_template")
            url = stack.enter_context(new_database(server, template))
        made = stack.enter_context(application(tmp_path, HICHAT_DATABASE_URL=url))
        yield services.of(made).store.database


@pytest.fixture
def store(database: Database) -> Store:
    return Store(database)


@pytest.fixture
def new_site(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[NewSite]:
    """Makes sites: a folder each, and a database, `sqlite` or `postgres`, without any table."""
    with sites(tmp_path, request) as make:
        yield make


@pytest.fixture
def ada(client: FlaskClient) -> Account:
    return person(client, "ada")


@pytest.fixture
def ben(client: FlaskClient) -> Account:
    return person(client, "ben")
