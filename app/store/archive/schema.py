"""The schema that a database has: its revision, its tables, leading it to another revision."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, MetaData, Table
from sqlalchemy.exc import DBAPIError

from app.store.archive.archive import Refused
from app.store.database import MIGRATIONS, Database
from app.store.search.wordindex import is_index_table

VERSION_TABLE = "alembic_version"
REMEDY = (
    "Nothing has changed. See that it runs, that it has room, that no server uses it while you"
    " restore, and that the backup is a good one."
)


def revision(connection: Connection) -> str | None:
    """The revision of this database; None: it has no tables of ours."""
    return MigrationContext.configure(connection).get_current_revision()


def is_known(wanted: str) -> bool:
    """Whether this version's migrations lead to that revision."""
    scripts = ScriptDirectory(str(MIGRATIONS))
    return any(script.revision == wanted for script in scripts.walk_revisions())


def tables(connection: Connection) -> list[Table]:
    """The tables as they are now, those first that others refer to. Without the index of words."""
    found = MetaData()
    found.reflect(
        connection, only=lambda name, _: name != VERSION_TABLE and not is_index_table(name)
    )
    return found.sorted_tables


def upgrade(connection: Connection, wanted: str = "head") -> None:
    """Lead the database up to that revision, within the transaction that is running."""
    command.upgrade(_config(connection), wanted)


def empty(connection: Connection) -> None:
    """Take every table of ours away, within the transaction that is running."""
    command.downgrade(_config(connection), "base")


@contextmanager
def refusals(database: Database, remedy: str = REMEDY) -> Iterator[None]:
    """What the database itself does not do, as Refused."""
    driver: Any = database.engine.dialect.loaded_dbapi
    try:
        yield
    except (DBAPIError, driver.Error, OverflowError) as error:
        said = " ".join(str(getattr(error, "orig", error)).split())
        raise Refused(f"The database refused it ({said}). {remedy}") from error


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection  # for migrations/env.py
    return config
