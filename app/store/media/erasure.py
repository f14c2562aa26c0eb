"""The one way in which content leaves the database: somebody recalls it, or it grows too old."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, delete, update

from app.models import Event, Mention, Pin, Reaction
from app.store.media.media import detach


def erase(connection: Connection, conversation: int, seqs: Sequence[int], body: str) -> None:
    """Put `body`, one of items.ERASED, in place of what these events said.

    What was put to them goes too, and their claim to files. Lock the conversation first: an edit
    must not put back what is gone. Messages are taken out of the index before (Indexer.forget).
    """
    connection.execute(
        update(Event).where(Event.conversation_id == conversation, Event.seq.in_(seqs))
        .values(body=body, revised=None, reactions=None)
    )
    for table in (Reaction, Mention, Pin):
        connection.execute(
            delete(table).where(table.conversation_id == conversation, table.seq.in_(seqs))
        )
    detach(connection, conversation, seqs)
