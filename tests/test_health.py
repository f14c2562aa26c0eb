"""What an operator's tools ask: does it live, can it store, which version is it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

import config as configuration
from app import create_app, services
from app.health import VERSION
from tests.support.web import problem


@pytest.fixture
def empty_app(tmp_path: Path) -> Iterator[Flask]:
    """An application whose database has no tables yet."""
    made = create_app(configuration.load({
        "HICHAT_ENV": "testing", "HICHAT_DATA_DIR": str(tmp_path),
    }))
    yield made
    services.of(made).store.database.close()


@pytest.fixture
def homeless_app(tmp_path: Path) -> Iterator[Flask]:
    """An application whose database cannot be opened."""
    made = create_app(configuration.load({
        "HICHAT_ENV": "testing", "HICHAT_DATA_DIR": str(tmp_path),
        "HICHAT_DATABASE_URL": f"sqlite:///{tmp_path}/nowhere/hichat.db",
    }))
    yield made
    services.of(made).store.database.close()


def test_a_process_that_answers_lives_whatever_its_database_does(
    client: FlaskClient, empty_app: Flask, homeless_app: Flask
) -> None:
    for asked in (client, empty_app.test_client(), homeless_app.test_client()):
        answer = asked.get("/healthz")
        assert (answer.status_code, answer.json) == (200, {"status": "ok"})


def test_it_is_ready_when_it_can_store(client: FlaskClient) -> None:
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json) == (200, {"status": "ready"})


def test_it_is_not_ready_without_the_schema_and_says_how_to_make_it(empty_app: Flask) -> None:
    found = problem(empty_app.test_client().get("/readyz"), 503, "unavailable")
    assert "run `flask --app wsgi hichat prepare`" in found["detail"]
    assert found["retry"] is True


def test_the_command_that_it_names_makes_it_ready(empty_app: Flask) -> None:
    done = empty_app.test_cli_runner().invoke(args=["hichat", "prepare"])
    assert done.output == "The database is migrated.\n"
    assert empty_app.test_client().get("/readyz").status_code == 200
    assert empty_app.test_cli_runner().invoke(args=["hichat", "prepare"]).output == ""


def at_revision(app: Flask, revision: str) -> None:
    """Make the database, and have it say that it is of that version."""
    app.test_cli_runner().invoke(args=["hichat", "prepare"])
    services.of(app).store.database.write(lambda session: session.execute(
        text("UPDATE alembic_version SET version_num = :revision"), {"revision": revision}
    ).close())


def test_it_is_ready_over_a_later_schema_as_in_an_upgrade(empty_app: Flask) -> None:
    at_revision(empty_app, "9999")
    assert empty_app.test_client().get("/readyz").status_code == 200


def test_it_is_not_ready_over_an_earlier_schema(empty_app: Flask) -> None:
    at_revision(empty_app, "0001")
    problem(empty_app.test_client().get("/readyz"), 503, "unavailable")


def test_an_older_version_is_not_prepared_over_a_later_schema(empty_app: Flask) -> None:
    at_revision(empty_app, "9999")
    refused = empty_app.test_cli_runner().invoke(args=["hichat", "prepare"])
    assert refused.exit_code == 1
    assert "The database is of a later version of HiChat" in refused.output
    assert "restore the backup" in refused.output


def test_it_is_not_ready_when_the_database_cannot_be_opened(homeless_app: Flask) -> None:
    found = problem(homeless_app.test_client().get("/readyz"), 503, "unavailable")
    assert found["detail"] == "The database does not answer."


def test_it_is_not_ready_while_it_drains_but_lives(app: Flask, client: FlaskClient) -> None:
    services.of(app).drain()
    problem(client.get("/readyz"), 503, "draining")
    assert client.get("/healthz").status_code == 200


def test_it_says_which_version_it_is(client: FlaskClient) -> None:
    answer = client.get("/version").json
    assert answer is not None
    assert answer.keys() == {"name", "version", "python"}
    assert (answer["name"], answer["version"]) == ("HiChat", VERSION)


def test_it_says_what_it_allows(tmp_path: Path) -> None:
    made = create_app(configuration.load({
        "HICHAT_ENV": "testing", "HICHAT_DATA_DIR": str(tmp_path),
        "HICHAT_PASSWORD_MIN_CHARS": "12", "HICHAT_MAX_CONTENT_CHARS": "500",
        "HICHAT_EDIT_SECONDS": "60", "HICHAT_RECALL_SECONDS": "0",
    }))
    found = made.test_client().get("/v2/limits").json
    services.of(made).store.database.close()
    assert found is not None
    assert abs(found.pop("at") - time.time() * 1000) < 60_000
    assert found == {
        "password_min_chars": 12, "max_content_chars": 500,
        "edit_seconds": 60, "recall_seconds": 0,
    }
