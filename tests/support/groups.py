"""Groups over HTTP, as tests say them again and again."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy import insert
from sqlalchemy.orm import Session

from app.models import User
from app.store import Database
from app.store.clock import now_ms
from tests.support.client import Person
from tests.support.web import Account, person

Somebody = Person | Account


def team(client: FlaskClient, *names: str) -> list[Account]:
    """New users over Flask's test client."""
    return [person(client, name) for name in names]


def new_group(owner: Somebody, *members: Somebody, **settings: Any) -> int:
    """A group over HTTP; its id."""
    ids = [member.id for member in members]
    answer = owner.post("/v2/groups", **{"name": "walkers", "members": ids, **settings})
    assert answer.status_code == 201, answer.text
    found = answer.json() if isinstance(owner, Person) else answer.json
    return int(found["id"])


def told(reader: Account, group: int) -> list[tuple[str, Any]]:
    """What a group's log says, without its messages: (type, body) of each event."""
    page = reader.get(f"/v2/conversations/{group}/events", limit=500)
    assert page.status_code == 200, page.text
    assert page.json is not None
    events = page.json["events"]
    return [(event["type"], event[event["type"]]) for event in events]


def crowd(database: Database, count: int) -> list[int]:
    """The ids of new users, made in one transaction."""

    def work(session: Session) -> Sequence[int]:
        now = now_ms()
        return session.scalars(insert(User).returning(User.id), [
            {
                "name": name, "name_key": name, "password_hash": "", "created_at": now,
                "updated_at": now,
            }
            for name in (uuid.uuid4().hex for _ in range(count))
        ]).all()

    return sorted(database.write(work))
