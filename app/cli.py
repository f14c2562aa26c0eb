"""Commands for operators: `flask --app wsgi hichat ...`."""

from __future__ import annotations

import os

import click
from flask.cli import AppGroup
from flask_migrate import upgrade

from app.errors import UnknownUser
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
