"""What the messages of a batch refer to."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection

from app.store.asked import Asked

Place = tuple[int, int]

_REPLIED = Asked("""
    SELECT conversation_id, seq, type, body = '' FROM {asked} JOIN event
    ON conversation_id = one AND seq = two""", "one", "two")


def replied(connection: Connection, places: Collection[Place]) -> dict[Place, tuple[str, bool]]:
    """The type of each of these (conversation, seq) events, and whether it was recalled."""
    found = _REPLIED.run(connection, sorted(places))
    return {(key, seq): (kind, bool(recalled)) for key, seq, kind, recalled in found}
