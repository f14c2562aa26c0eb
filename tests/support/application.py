"""The application for everything that needs no socket: in this process, or in a server's workers.

With TEST_TOPOLOGY=many its test client speaks to a running server of two workers (fronts.py); the
application itself is then a hand in that server's database and folder.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from flask import Flask
from flask_migrate import upgrade

import config as configuration
from app import create_app, services
from app.extensions import limiter
from tests.support.passwords import cheapen
from tests.support.postgres import has_tables
from tests.support.server import Server

DATABASE = "hichat.db"

cheapen()


@contextmanager
def application(folder: Path, **settings: str) -> Iterator[Flask]:
    """One over an empty, migrated database; `settings` are further environment variables.

    An empty setting is none. Rate limits, where they are on, begin anew. A server of two workers
    has a folder of its own.
    """
    from tests.support import fronts, topology  # which ask here for their applications

    given = {name: value for name, value in settings.items() if value}
    if topology.MANY:
        yield fronts.empty(given)
        return
    with in_process(folder, **given) as made:
        yield made


@contextmanager
def beside(server: Server) -> Iterator[Flask]:
    """The server's application once more, in this process, to look into its database.

    Writing is for who knows that the server does not: SQLite has one writer.
    """
    made = create_app(configuration.load(server.environ))
    try:
        yield made
    finally:
        services.of(made).store.database.close()


@contextmanager
def in_process(folder: Path, **settings: str) -> Iterator[Flask]:
    """One in this process, whatever the topology."""
    config = configuration.load({
        "HICHAT_ENV": "testing", "HICHAT_DATA_DIR": str(folder), "HICHAT_RATE_LIMITS": "off",
        **settings,
    })
    made = create_app(config)
    try:
        if config.embedded:
            lay_tables(folder)
        with made.app_context():
            if not config.embedded and not has_tables(config.database_url):
                upgrade()
            if config.rate_limits:
                limiter.reset()
        yield made
    finally:
        services.of(made).store.database.close()


def lay_tables(folder: Path) -> None:
    """A migrated SQLite file without rows, if there is none: a copy, for the migrations take long.

    What they do is the subject of tests/test_migrations.py.
    """
    path = folder / DATABASE
    if not path.exists():
        path.write_bytes(_migrated())


@cache
def _migrated() -> bytes:
    with TemporaryDirectory() as folder:
        app = create_app(configuration.load({"HICHAT_ENV": "testing", "HICHAT_DATA_DIR": folder}))
        with app.app_context():
            upgrade()
        services.of(app).store.database.close()
        return (Path(folder) / DATABASE).read_bytes()
