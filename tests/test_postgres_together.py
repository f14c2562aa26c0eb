"""Several processes on one PostgreSQL do everything at once, and nobody hears of the others."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from app.store import Database, Store
from app.store.log.items import Stored
from tests.support.log import into, log, people
from tests.support.server import ROOT

PROCESSES = 4
ROUNDS = 40
PATIENCE = 150  # seconds, for all of it

pytestmark = [
    pytest.mark.parametrize("database", ["postgres"], indirect=True), pytest.mark.timeout(600)
]


def at_once(database: Database, group: int, users: list[int]) -> list[dict[str, Any]]:
    """What each process was promised."""
    url = database.engine.url.render_as_string(hide_password=False)
    command = [sys.executable, "-m", "tests.support.hammer", url]
    processes = [
        subprocess.Popen(
            [*command, *map(str, (seed, ROUNDS, group, *users))], cwd=ROOT,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for seed in range(PROCESSES)
    ]
    found = []
    for process in processes:
        said, problem = process.communicate(timeout=PATIENCE)
        assert process.returncode == 0, problem
        found.append(json.loads(said))
    return found


def test_processes_that_meet_in_every_way_leave_dense_logs_and_no_failure(
    database: Database, store: Store, tmp_path: Path
) -> None:
    users = people(store, 8)
    group = store.groups.create(users[0], "all", users[1:]).entry.conversation_id
    assert all(isinstance(result, Stored) for result in store.journal.commit(
        [into(user, group) for user in users]
    ))
    results = at_once(database, group, users)
    assert [failure for result in results for failure in result["failures"]] == []
    promised = {
        (key, seq): ref for result in results for key, seq, ref in result["places"]
    }
    assert len(promised) == sum(len(result["places"]) for result in results) > PROCESSES * ROUNDS
    with database.read() as session:
        rows = session.execute(text(
            "SELECT conversation_id, seq, ref, at FROM event ORDER BY conversation_id, seq"
        )).all()
        heads = dict(session.execute(text("SELECT id, last_seq FROM conversation")).all())
    stored = {(row.conversation_id, row.seq): row.ref for row in rows}
    assert {place: stored.get(place) for place in promised} == promised
    counted: dict[int, int] = {}
    latest: dict[int, int] = {}
    for row in rows:
        counted[row.conversation_id] = counted.get(row.conversation_id, 0) + 1
        assert row.seq == counted[row.conversation_id], "a log has a gap"
        assert row.at >= latest.get(row.conversation_id, 0), "time runs backwards"
        latest[row.conversation_id] = row.at
    assert {key: last for key, last in heads.items() if last} == counted
    assert [entry.seq for entry in log(store, users[0], group)][-1] == heads[group]
