"""Commands for operators: `flask --app wsgi hichat ...`.

A server loads this module, too: the commands that need Alembic import it themselves.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, BinaryIO

import click
from flask.cli import AppGroup

from app.errors import HiChatError, UnknownUser
from app.health import VERSION
from app.services import services
from app.store.archive.archive import Refused, written
from app.store.database import newest_revision
from config import with_driver

DIFFERENCES_TOLD = 20

commands = AppGroup("hichat", help="Operate HiChat.")


@commands.command()
def prepare() -> None:
    """Bring the database to this version's schema; does nothing if it is there already."""
    os.umask(0o077)
    found, wanted = services().store.database.schema(), newest_revision()
    if found > wanted:
        raise click.ClickException(
            f"The database is of a later version of HiChat (schema {found}, not {wanted}): start"
            " that version, or restore the backup that you made before it."
        )
    if found < wanted:
        from flask_migrate import upgrade

        upgrade()
        click.echo("The database is migrated.")


@commands.command()
@click.argument("name")
@click.option("--revoke", is_flag=True, help="Take the role away.")
def admin(name: str, revoke: bool) -> None:
    """Make NAME an admin of this site, who may write to everybody; at once, without a log-in."""
    os.umask(0o077)
    try:
        user = services().store.users.set_admin(name, not revoke)
    except UnknownUser:
        raise click.ClickException(f"There is no user {name}.") from None
    click.echo(f"{user.name} is {'no admin any more' if revoke else 'an admin now'}.")


@commands.command()
def forget() -> None:
    """Forget now what is older than HICHAT_RETENTION_DAYS; a running server does so by itself."""
    os.umask(0o077)
    found = services()
    days = found.config.retention_days
    if not days:
        click.echo("HICHAT_RETENTION_DAYS is 0: everything is kept.")
        return
    click.echo(f"{found.store.retention.forget_older(days)} events are forgotten.")


@commands.command()
@click.argument("file")
def backup(file: str) -> None:
    """Write everything to FILE, while the server runs; `-` is standard output.

    A tar file; compressed if the name ends in .gz or .tgz. Status 1: it failed, or files that
    should be in it are not.
    """
    from app.store.archive.backup import write_backup

    os.umask(0o077)
    found = services()
    secret = None if found.config.secret_key else found.config.signing_key()
    target = nullcontext(sys.stdout.buffer) if file == "-" else written(Path(file))
    with _told(file), target as archive:
        manifest, end = write_backup(
            found.store.database, found.blobs, archive, VERSION, secret
        )
    click.echo(f"{file}: {manifest.rows} rows, {end.files} files.", err=True)
    if secret is None:
        click.echo("The signing key is not in it: keep HICHAT_SECRET_KEY, too.", err=True)
    _tell_files(end.missing, "was not there, and is not in the backup")
    _tell_files(end.damaged, "is not what it was, and will not be restored")
    if end.missing or end.damaged:
        sys.exit(1)


@commands.command()
@click.argument("file")
def restore(file: str) -> None:
    """Read the backup FILE (`-` is standard input) into an empty database, of whichever kind."""
    from app.store.archive.restore import restore_backup

    os.umask(0o077)
    found, config = services(), services().config
    keep = config.keep_signing_key if not config.secret_key else lambda key: None
    with _told(file), _opened(file) as archive:
        manifest, end, secret = restore_backup(
            found.store.database, found.blobs, archive, config.data_path, keep
        )
    click.echo(f"{manifest.rows} rows, {end.files - len(end.damaged)} files.")
    if secret and config.secret_key:
        click.echo("The key in the backup was not taken: HICHAT_SECRET_KEY is set. If they differ,"
                   " everybody has to log in again.")
    elif not secret and not config.secret_key:
        click.echo("There is no signing key in the backup: set HICHAT_SECRET_KEY to what it was, or"
                   " everybody has to log in again.")
    _tell_files(end.missing, "was not in the backup")
    _tell_files(end.damaged, "was damaged already when the backup was made")


@commands.command()
@click.argument("sqlite_url")
@click.argument("postgres_url")
def migrate_store(sqlite_url: str, postgres_url: str) -> None:
    """Move everything from SQLITE_URL to the empty database POSTGRES_URL, while no server runs.

    Whatever stops it, the same command goes on where it was. At the end every row of both is
    compared. Status 1: it failed, or they are not the same.
    """
    from app.store.archive.moving import Move, from_sqlite, to_postgresql

    os.umask(0o077)
    with (
        _told("SQLite"), from_sqlite(sqlite_url) as source,
        to_postgresql(with_driver(postgres_url)) as target,
    ):
        move = Move(source, target)
        if not move.moved:
            with _bar("copying", move.rows) as bar:
                move.copy(lambda _, rows: bar.update(rows))
        with _bar("comparing", move.rows) as bar:
            differences = move.compare(lambda _, rows: bar.update(rows))
        for difference in differences[:DIFFERENCES_TOLD]:
            click.echo(str(difference), err=True)
        if differences:
            raise Refused(
                f"{len(differences)} differences. If a server was running, or somebody has written"
                " to one of the two: empty the PostgreSQL database and begin again."
            )
        if not move.moved:
            move.finish()
    click.echo(f"{move.rows} rows, the same in both. Set HICHAT_DATABASE_URL and start.")


def _bar(label: str, rows: int) -> Any:
    return click.progressbar(length=rows, label=label, file=sys.stderr, width=0)


@contextmanager
def _told(file: str) -> Iterator[None]:
    """What went wrong, in a line, and status 1. TERM ends it as Ctrl-C does, tidily."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    try:
        yield
    except (Refused, HiChatError) as error:
        raise click.ClickException(str(error)) from None
    except OSError as error:
        raise click.ClickException(f"{file}: {error.strerror or error}") from None


@contextmanager
def _opened(file: str) -> Iterator[BinaryIO]:
    if file == "-":
        yield sys.stdin.buffer
    else:
        with open(file, "rb") as opened:
            yield opened


def _tell_files(digests: list[str], what: str) -> None:
    for digest in digests:
        click.echo(f"The file {digest} {what}.", err=True)
