"""Fixtures: one Chromium for all tests, desks of people at it, each checked when it closes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from playwright.sync_api import Browser

from tests.support.browser import Desk, chromium
from tests.support.client import Person
from tests.support.server import Server

NewDesk = Callable[..., Desk]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with chromium() as made:
        yield made


@pytest.fixture
def desk_of(browser: Browser, server: Server) -> Iterator[NewDesk]:
    """Makes desks: `desk_of(person)`, logged in; `desk_of()`, nobody; `at=` another server."""
    with ExitStack() as stack:
        def make(person: Person | None = None, at: Server = server, **options: object) -> Desk:
            made = Desk(browser, at, person, **options)
            stack.callback(made.close)
            return made

        yield make
