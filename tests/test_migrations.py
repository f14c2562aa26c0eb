"""Migrations: one line of them, that makes the tables of the models, and leads back."""

from __future__ import annotations

import subprocess
import sys
from tempfile import TemporaryDirectory

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask
from flask_migrate import downgrade, upgrade
from sqlalchemy import inspect

from app.extensions import db
from app.store.database import newest_revision
from app.store.search.wordindex import is_index_table
from tests.support.server import ROOT

BOTH_DATABASES = True


def test_migrations_are_one_line() -> None:
    scripts = ScriptDirectory(str(ROOT / "migrations"))
    assert len(scripts.get_heads()) == 1
    assert len(scripts.get_bases()) == 1
    assert all(not script.is_merge_point for script in scripts.walk_revisions())
    assert scripts.get_current_head() == newest_revision()


def test_a_server_does_not_pay_for_what_only_migrations_need() -> None:
    asked = "import sys, gunicorn, wsgi; print({'alembic', 'redis', 'boto3'} & set(sys.modules))"
    with TemporaryDirectory() as folder:
        told = subprocess.run(
            [sys.executable, "-c", asked], cwd=ROOT, env={"HICHAT_DATA_DIR": folder},
            capture_output=True, text=True, check=True,
        )
    assert told.stdout == "set()\n"


def differences() -> list[object]:
    with db.engine.connect() as connection:
        options = {
            "compare_type": True, "compare_server_default": True,
            "include_name": lambda name, kind, _: kind != "table" or not is_index_table(name),
        }
        return list(compare_metadata(
            MigrationContext.configure(connection, opts=options), db.metadata
        ))


def test_the_migrations_make_exactly_the_tables_of_the_models(app: Flask) -> None:
    with app.app_context():
        assert differences() == []


def test_the_migrations_lead_down_to_nothing_and_up_again(app: Flask) -> None:
    with app.app_context():
        downgrade(revision="base")
        assert inspect(db.engine).get_table_names() == ["alembic_version"]
        upgrade()
        assert differences() == []
