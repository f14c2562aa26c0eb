"""Edits of what their reader has removed for themself: they say no more than the message does."""

from __future__ import annotations

from collections.abc import Sequence

from app.store.database import Database
from app.store.items import Entry
from app.store.said import change_of

_REMOVED = """
    SELECT conversation_id, seq FROM {pairs} JOIN removal
    ON conversation_id = {one} AND seq = {two} WHERE user_id = ?"""
_REMOVED_SQLITE = _REMOVED.format(
    pairs="json_each(?)", one="json_extract(value, '$[0]')", two="json_extract(value, '$[1]')"
)
_REMOVED_POSTGRESQL = _REMOVED.format(
    pairs="unnest(?::bigint[], ?::bigint[]) AS given (one, two)", one="one", two="two"
)


def blanked(database: Database, user_id: int, entries: Sequence[Entry]) -> list[Entry]:
    """`entries` as this reader may see them. A statement more, only where there are edits."""
    targets: dict[int, tuple[int, int]] = {}  # of the edits: where their messages stand
    for index, entry in enumerate(entries):
        if entry.type == "edit" and (change := change_of(entry.body)) is not None:
            targets[index] = entry.conversation_id, change.seq
    found = list(entries)
    gone = _removed(database, user_id, sorted(set(targets.values()))) if targets else ()
    for index, (key, seq) in targets.items():
        if (key, seq) in gone:
            found[index] = found[index]._replace(body=f'{{"seq":{seq}}}')
    return found


def _removed(
    database: Database, user_id: int, places: Sequence[tuple[int, int]]
) -> set[tuple[int, int]]:
    """Those of these (conversation, seq) that the user has removed."""
    if database.embedded:
        text = "[" + ",".join(f"[{key},{seq}]" for key, seq in places) + "]"
        rows = database.rows(_REMOVED_SQLITE, text, user_id)
    else:
        keys, seqs = (list(column) for column in zip(*places, strict=True))
        rows = database.rows(_REMOVED_POSTGRESQL, keys, seqs, user_id)
    return {(key, seq) for key, seq in rows}
