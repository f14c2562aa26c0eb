"""Applications in front of running servers of two workers, which their test clients ask."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import quote

from flask import Flask
from redis import Redis
from sqlalchemy import Engine, MetaData, text
from werkzeug import Request

from app import services
from tests.support import topology
from tests.support.application import beside
from tests.support.client import UNHURRIED
from tests.support.server import Server, running

OF_ONE_CONNECTION = {"connection", "transfer-encoding"}  # headers that are not passed on


class Fronts:
    """The application of a server without settings, and of one with some.

    A start takes long, so tests with the same settings have the same server, emptied before each.
    """

    def __init__(self) -> None:
        self._made: dict[frozenset[tuple[str, str]], tuple[Flask, ExitStack]] = {}

    def empty(self, settings: dict[str, str]) -> Flask:
        """The one with these settings: nobody is there. No number is given a second time."""
        key = frozenset(settings.items())
        if key not in self._made:
            self._let_go(settings)
            self._made[key] = _start(settings)
            topology.at_end(self._made[key][1].close)
        made = self._made[key][0]
        _empty(made)
        return made

    def _let_go(self, settings: dict[str, str]) -> None:
        """Make room for a server with settings."""
        for key in [key for key in self._made if key and settings]:
            self._made.pop(key)[1].close()


_fronts = Fronts()
empty = _fronts.empty


def _start(settings: dict[str, str]) -> tuple[Flask, ExitStack]:
    stack = ExitStack()
    folder = Path(stack.enter_context(TemporaryDirectory()))
    server = stack.enter_context(running(folder, **settings))
    return stack.enter_context(front(server)), stack


@contextmanager
def front(server: Server) -> Iterator[Flask]:
    """The application of a running server, whose test client asks the server."""
    with beside(server) as made:
        made.wsgi_app = _asking(server)  # type: ignore[method-assign]  # as in app/__init__.py
        yield made


def tables_of(engine: Engine) -> list[str]:
    """The tables of a database, quoted, each behind those that it refers to."""
    tables = MetaData()
    tables.reflect(engine, only=lambda name, _: name != "alembic_version")
    return [f'"{table.name}"' for table in tables.sorted_tables]


def _empty(app: Flask) -> None:
    """Take away all rows, all files and what the rate limits have counted."""
    found = services.of(app)
    names = ", ".join(tables_of(found.store.database.engine))
    found.store.database.write(lambda session: session.execute(text(f"TRUNCATE {names}")).close())
    for folder in ("media", "scratch", "uploads"):
        for path in (found.config.data_path / folder).rglob("*"):
            if path.is_file():
                path.unlink()
    with Redis.from_url(found.config.redis_url) as redis:
        for key in redis.scan_iter(f"LIMITS:*{app.config['RATELIMIT_KEY_PREFIX']}*"):
            redis.delete(key)


def _asking(server: Server) -> Callable[..., Iterable[bytes]]:
    """A WSGI application that passes each request on, from the address that it says it is from."""

    def ask(environ: dict[str, Any], start_response: Callable[..., object]) -> Iterable[bytes]:
        request = Request(environ)
        path = quote(environ["PATH_INFO"], encoding="latin-1")
        query = f"?{environ['QUERY_STRING']}" if environ["QUERY_STRING"] else ""
        connection = HTTPConnection(
            "127.0.0.1", server.port, timeout=UNHURRIED,
            source_address=(request.remote_addr or "127.0.0.1", 0),
        )
        try:
            connection.request(
                request.method, path + query, request.get_data(), dict(request.headers)
            )
            found = connection.getresponse()
            headers = [
                (name, value) for name, value in found.getheaders()
                if name.lower() not in OF_ONE_CONNECTION
            ]
            start_response(f"{found.status} {found.reason}", headers)
            return [found.read()]
        finally:
            connection.close()

    return ask
