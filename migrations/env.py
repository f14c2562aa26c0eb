"""Runs the migrations: over a connection of their own, never over the server's."""

from alembic import context
from flask import current_app
from sqlalchemy import Connection, create_engine
from sqlalchemy.pool import NullPool

from app.extensions import db
from app.store.database import prepare_sqlite
from app.store.search.wordindex import is_index_table

ADVISORY_LOCK = 0x48694368  # "HiCh": two hosts that start at once migrate one after the other


def run() -> None:
    """Bring the database to the revision asked for, in one transaction."""
    engine = create_engine(current_app.config["SQLALCHEMY_DATABASE_URI"], poolclass=NullPool)
    if engine.dialect.name == "sqlite":
        prepare_sqlite(engine, "BEGIN IMMEDIATE")
    with engine.connect() as connection:
        migrate(connection)


def migrate(connection: Connection) -> None:
    """If a transaction is running already (app/store/archive/schema.py), this is a part of it."""
    context.configure(
        connection=connection, target_metadata=db.metadata, render_as_batch=True,
        compare_type=True,
        include_name=lambda name, kind, _: kind != "table" or not is_index_table(name),
    )
    with context.begin_transaction():
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({ADVISORY_LOCK})")
        context.run_migrations()


given = context.config.attributes.get("connection")
if given is None:
    run()
else:
    migrate(given)
