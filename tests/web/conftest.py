"""Fixtures: one Chromium for all tests, desks of people at it, each checked when it closes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from playwright.sync_api import Browser

from tests.support.browser import Desk, chromium
from tests.support.chat import open_chat
from tests.support.client import Person
from tests.support.server import Server

NewDesk = Callable[..., Desk]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with chromium() as made:
        yield made


@pytest.fixture
def desk_of(
    request: pytest.FixtureRequest, browser: Browser, server: Server
) -> Iterator[NewDesk]:
    """Makes desks: `desk_of(person)`, logged in; `desk_of()`, nobody; `at=` another server."""
    if "own_server" in request.fixturenames:
        request.getfixturevalue("own_server")  # begun before the desks, it ends behind them
    with ExitStack() as stack:
        def make(person: Person | None = None, at: Server = server, **options: object) -> Desk:
            made = Desk(browser, at, person, **options)
            stack.callback(made.close)
            return made

        yield make


@pytest.fixture
def chat(alice: Person, bob: Person) -> int:
    """The private conversation of alice and bob."""
    return open_chat(alice, bob)


@pytest.fixture
def own(own_server: Server) -> tuple[Server, Person, Person, int]:
    """A server that a test may stop, with two people and their conversation."""
    return own_server, *two_people(own_server)


def two_people(server: Server, **settings: str) -> tuple[Person, Person, int]:
    """Start a server with these settings, for two people; and their conversation."""
    server.environ |= settings
    server.start()
    one, other = Person(server), Person(server)
    return one, other, open_chat(one, other)
