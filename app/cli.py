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
