"""What was recalled or forgotten is in no file any more, not only in no answer."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import text

from app.store import Database, Store
from app.store.log.items import Draft
from tests.support.log import people, stored

SECRET = b"the zebra crosses at noon"
LENGTHS = (1, 400)  # in a page of its table, and over pages of its own


def content(times: int) -> str:
    return SECRET.decode() * times


def occurrences(database: Database) -> int:
    """How often the secret is in the database and its WAL, once that has been written back."""
    path = Path(database.engine.url.database or "")
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0
    connection.close()
    return sum(
        found.read_bytes().count(SECRET) for found in path.parent.glob(f"{path.name}*")
    )


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize("way", ["recalled", "forgotten"])
def test_the_text_of_an_erased_message_leaves_the_database_file(
    database: Database, store: Store, way: str
) -> None:
    assert database.write(lambda session: session.scalar(text("PRAGMA secure_delete"))) == 1
    one, two = people(store, 2)
    places = stored(store.journal.commit([
        Draft(one, None, json.dumps({"media": "text", "content": content(times)}), to_user=two)
        for times in LENGTHS for _ in range(5)
    ]))
    for number, place in enumerate(places):
        store.changes.edit(
            one, place.conversation, place.seq, f"e{number}", content(2), None, 60,
            lambda message: None,
        )
    assert occurrences(database) > 2000
    if way == "forgotten":
        store.retention.forget(places[-1].at + 60_000)
    else:
        for number, place in enumerate(places):
            store.changes.recall(one, place.conversation, place.seq, f"r{number}", 60)
    assert occurrences(database) == 0
