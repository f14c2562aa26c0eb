"""Drafts for the journal, and what the log says afterwards."""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from app.store import Store
from app.store.log.events import Entry
from app.store.log.items import Draft, Result, Stored

T = TypeVar("T")


def people(store: Store, count: int) -> list[int]:
    """The ids of new users."""
    return [store.users.create(uuid.uuid4().hex, "hash").id for _ in range(count)]


def body(content: str) -> str:
    return json.dumps({"media": "text", "content": content})


def to_user(sender: int, user: int, content: str = "hi", ref: str | None = None) -> Draft:
    """A text for a user; without `ref`, one that was never used."""
    return Draft(sender, ref or uuid.uuid4().hex, body(content), to_user=user)


def into(sender: int, conversation: int, content: str = "hi", ref: str | None = None) -> Draft:
    """A text for a conversation; without `ref`, one that was never used."""
    return Draft(sender, ref or uuid.uuid4().hex, body(content), conversation=conversation)


def stored(results: Iterable[Result]) -> list[Stored]:
    """All results, each of which must be a place in the log."""
    found = list(results)
    assert all(isinstance(item, Stored) for item in found), found
    return [item for item in found if isinstance(item, Stored)]


def log(store: Store, user: int, conversation: int) -> list[Entry]:
    """The whole log of a conversation, page by page."""
    entries: list[Entry] = []
    while True:
        after = entries[-1].seq if entries else 0
        page = store.events.page(user, conversation, 500, after=after)
        entries += page.events
        if not page.more:
            return entries


def contents(entries: Iterable[Entry]) -> list[str]:
    return [json.loads(entry.body)["content"] for entry in entries]


def at_once(works: Iterable[Callable[[], T]]) -> list[T]:
    """Run each in a thread of its own, all let go at the same moment; their results, in order."""
    listed = list(works)
    gate = threading.Barrier(len(listed))

    def run(work: Callable[[], T]) -> T:
        gate.wait(timeout=30)
        return work()

    with ThreadPoolExecutor(len(listed)) as pool:
        return list(pool.map(run, listed))
