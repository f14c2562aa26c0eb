"""What forwarding needs to read: the originals, and what of a forward is stored already."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select

from app.models import Event
from app.store.database import Database
from app.store.log.events import Events
from app.store.log.items import Entry


class Forwards:
    """Reads of the `event` table for messages that are copied elsewhere."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._events = Events(database)

    def originals(self, user_id: int, conversation: int, seqs: Sequence[int]) -> dict[int, Entry]:
        """Those of these messages that the user can see, as they see them. Raises NotAMember."""
        entries = self._events.some(user_id, conversation, seqs)
        return {entry.seq: entry for entry in entries if entry.type == "message"}

    def stored(self, user_id: int, refs: Sequence[str]) -> dict[str, Entry]:
        """What the user has stored under these refs, by ref."""
        query = select(Event).where(Event.ref.in_(refs), Event.sender_id == user_id)
        with self._database.read() as session:
            return {
                found.ref: Entry(
                    found.conversation_id, found.seq, found.type, found.sender_id, found.at,
                    found.body,
                )
                for found in session.scalars(query) if found.ref is not None
            }
