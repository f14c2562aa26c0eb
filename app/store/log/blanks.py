"""An event as one of its readers sees it: what they have removed for themself says nothing."""

from __future__ import annotations

from typing import Any

from app.store.log.items import Entry
from app.store.log.said import change_of

_COLUMNS = """
    {event}.conversation_id, {event}.seq, {event}.type, {event}.sender_id, {event}.at,
    coalesce({event}.revised, {event}.body), {event}.reactions, EXISTS (
        SELECT 1 FROM removal WHERE removal.user_id = {reader}
        AND removal.conversation_id = {event}.conversation_id
        AND removal.seq = CASE WHEN {event}.type = 'edit' THEN {target} ELSE {event}.seq END
    )"""
# The message that an edit is of.
_TARGET_SQLITE = "json_extract(coalesce({event}.revised, {event}.body), '$.seq')"
_TARGET_POSTGRESQL = "(coalesce({event}.revised, {event}.body)::json ->> 'seq')::bigint"


def columns(event: str, reader: str, embedded: bool) -> str:
    """What to select of the table or alias `event` for `seen`; `reader` is SQL for the user."""
    target = (_TARGET_SQLITE if embedded else _TARGET_POSTGRESQL).format(event=event)
    return _COLUMNS.format(event=event, reader=reader, target=target)


def seen(row: tuple[Any, ...]) -> Entry:
    """The entry that these columns are."""
    found = Entry(*row)
    if not found.removed:
        return found
    if found.type == "edit":  # as the edits of a recalled message: they name it
        change = change_of(found.body)
        return found._replace(body=f'{{"seq":{change.seq if change else 0}}}', removed=False)
    return found._replace(body="", reactions=None)
