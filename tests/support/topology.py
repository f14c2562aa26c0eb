"""What several processes share: a PostgreSQL and a Valkey, started once for all tests that ask.

TEST_DATABASE_URL and TEST_REDIS_URL name others. With TEST_TOPOLOGY=many every `Server` is two
workers over a database of its own: the tests of the protocol pass on both.
"""

from __future__ import annotations

import atexit
import os
from collections.abc import Callable
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.support.application import in_process
from tests.support.postgres import HASTY, Postgres, name_of, new_database
from tests.support.valkey import Valkey

MANY = os.environ.get("TEST_TOPOLOGY") == "many"


_started = ExitStack()


def stop() -> None:
    """End what was started here."""
    _started.close()


def at_end(close: Callable[[], object]) -> None:
    """Have something ended before what was started until now."""
    _started.callback(close)


atexit.register(stop)  # for programs that are no tests; pytest calls it before


@cache
def postgres_url() -> str:
    """The address of a PostgreSQL in which databases can be made."""
    given = os.environ.get("TEST_DATABASE_URL")
    if given:
        return given
    made = Postgres(**HASTY)
    _started.callback(made.stop)
    made.start()
    return made.url


@cache
def redis_url() -> str:
    """The address of a Redis or Valkey; installations in it are kept apart by their keys."""
    given = os.environ.get("TEST_REDIS_URL")
    if given:
        return given
    made = Valkey(Path(_started.enter_context(TemporaryDirectory())))
    _started.callback(made.stop)
    made.start()
    return made.url


@cache
def template() -> str:
    """The name of a migrated database in that PostgreSQL, to be copied."""
    url = _started.enter_context(new_database(postgres_url()))
    folder = _started.enter_context(TemporaryDirectory())
    with in_process(Path(folder), HICHAT_DATABASE_URL=url):
        return name_of(url)


def shared() -> dict[str, str]:
    """The settings of one installation of several processes; its database goes at the end."""
    url = _started.enter_context(new_database(postgres_url(), template()))
    return {"HICHAT_DATABASE_URL": url, "HICHAT_REDIS_URL": redis_url()}


def settings() -> dict[str, str]:
    """What the chosen topology adds to every server of the tests."""
    return {**shared(), "WEB_CONCURRENCY": "2"} if MANY else {}
