"""Commands for operators: `flask --app wsgi hichat ...`."""

from __future__ import annotations

import os

import click
from flask.cli import AppGroup
from flask_migrate import upgrade

from app.services import services

commands = AppGroup("hichat", help="Operate HiChat.")


@commands.command()
def prepare() -> None:
    """Bring the database to this version's schema; does nothing if it is there already."""
    os.umask(0o077)
    if not services().store.database.is_current():
        upgrade()
        click.echo("The database is migrated.")


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
