"""What is said, changed and taken back in a log, and what a search of it finds."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy.orm import Session

from app.models import Event
from app.store import Database, Store
from app.store.log.acts import Act
from app.store.log.items import Appended
from app.store.search.search import Filters, Found, Key
from app.store.search.words import Query, parse
from tests.support.log import stored, to_user


def say(store: Store, sender: int, other: int, *contents: str) -> tuple[int, list[int]]:
    """Texts from one user to another; their conversation and seqs."""
    places = stored(store.journal.commit([to_user(sender, other, text) for text in contents]))
    return places[0].conversation, [place.seq for place in places]


def edit(database: Database, user: int, conversation: int, seq: int, content: str) -> None:
    """As an edit does: the event that tells it, and what the message says now."""
    message = {"media": "text", "content": content}

    def work(session: Session) -> Appended:
        act = Act(session, user, conversation)
        session.get_one(Event, (conversation, seq)).revised = json.dumps(message)
        return act.append("edit", {"seq": seq, "message": message})

    database.write(work)


def recall(database: Database, user: int, conversation: int, seq: int) -> None:
    """As a recall does."""

    def work(session: Session) -> Appended:
        act = Act(session, user, conversation)
        session.get_one(Event, (conversation, seq)).revised = '{"recalled":true}'
        return act.append("recall", {"seq": seq})

    database.write(work)


def find(store: Store, user: int, q: str, limit: int = 50, until: Key | None = None,
         **filters: Any) -> Found:
    return store.search.find(user, Filters(parse(q), **filters), limit, until)


def filtered(store: Store, user: int, limit: int = 50, until: Key | None = None,
             **filters: Any) -> Found:
    """A search without words."""
    return store.search.find(user, Filters(Query(()), **filters), limit, until)


def seqs(found: Found) -> list[int]:
    return [result.entry.seq for result in found.results]


def entries(database: Database, conversation: int, seq: int) -> int:
    """How many messages the index itself finds by any word of this (not yet changed) body."""
    if database.embedded:
        # Every word of every message: the vocabulary of the index, instance by instance.
        with database.engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA query_only = OFF")
            connection.exec_driver_sql(
                "CREATE VIRTUAL TABLE IF NOT EXISTS temp.vocabulary"
                " USING fts5vocab('main', 'search', 'instance')"
            )
            found = connection.exec_driver_sql(
                "SELECT count(*) FROM temp.vocabulary WHERE doc = ?", (conversation << 32 | seq,)
            ).scalar_one()
            connection.exec_driver_sql("PRAGMA query_only = ON")
            return int(found)
    with database.read() as session:
        return int(session.connection().exec_driver_sql(
            "SELECT coalesce(sum(length(words)), 0) FROM search"
            " WHERE conversation_id = %s AND seq = %s", (conversation, seq)
        ).scalar_one())
