"""Retention: what is older than the setting allows is forgotten, a little at a time.

Within a conversation time ascends with seq, so each conversation has one cursor, `expired_seq`, up
to which its content is gone; seqs stay dense, the events stay, what they say goes.
"""

from __future__ import annotations

import gevent
import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.models import Conversation, Event
from app.store.clock import now_ms
from app.store.database import Database
from app.store.log.items import EXPIRED
from app.store.media.erasure import erase
from app.store.search.indexer import Indexer

DAY_MS = 86_400_000
PASS_SECONDS = 3600.0  # between two looks at all conversations
CONVERSATIONS_AT_ONCE = 1000  # ids that one statement looks at
EVENTS_AT_ONCE = 500  # events that one transaction forgets
PAUSE_SECONDS = 0.02  # between two transactions: others write too

# The types that carry what somebody wrote. The others say who did what, and stay.
CONTENT = ("message", "edit", "setting")

# Conversations whose first event that is not forgotten yet is older than it may be.
_DUE = """
    SELECT conversation.id FROM conversation
    JOIN event ON conversation_id = conversation.id AND seq = expired_seq + 1
    WHERE conversation.id > ? AND conversation.id <= ? AND at < ?"""
_LAST = "SELECT coalesce(max(id), 0) FROM conversation"

log = structlog.get_logger()


class Retention:
    """Forgets what is too old; every pass goes on where the one before it stopped."""

    def __init__(self, database: Database, indexer: Indexer) -> None:
        self._database = database
        self._indexer = indexer

    def run(self, days: int) -> None:
        """Forget, once an hour, what is older than `days`. Never returns."""
        while True:
            try:
                forgotten = self.forget_older(days)
                if forgotten:
                    log.info("forgotten", events=forgotten)
            except Exception:
                log.exception("retention_failed")  # the next pass tries again
            gevent.sleep(PASS_SECONDS)

    def forget_older(self, days: int) -> int:
        """Forget the content of events that are older; how many events those were."""
        return self.forget(max(0, now_ms() - days * DAY_MS))

    def forget(self, before: int) -> int:
        """Forget the content of events of before this time; how many events that were."""
        [(last,)] = self._database.rows(_LAST)
        count = 0
        for start in range(0, last, CONVERSATIONS_AT_ONCE):
            due = self._database.rows(_DUE, start, start + CONVERSATIONS_AT_ONCE, before)
            gevent.sleep(0)  # reading does not yield
            count += sum(self._forget_in(conversation, before) for conversation, in due)
        return count

    def _forget_in(self, conversation: int, before: int) -> int:
        count = 0
        while forgotten := self._forget_some(conversation, before):
            count += forgotten
            gevent.sleep(PAUSE_SECONDS)
        return count

    def _forget_some(self, conversation: int, before: int) -> int:
        """Forget the next events of a conversation, in one transaction; how many were due."""

        def work(session: Session) -> int:
            found = session.get(Conversation, conversation, with_for_update=True)
            if found is None:
                return 0  # the log of a user who has left meanwhile
            rows = session.execute(
                select(Event.seq, Event.type, Event.at)
                .where(Event.conversation_id == conversation, Event.seq > found.expired_seq)
                .order_by(Event.seq).limit(EVENTS_AT_ONCE)
            )
            due = [row for row in rows if row.at < before]
            if due:
                content = [row.seq for row in due if row.type in CONTENT]
                if content:
                    said = [row.seq for row in due if row.type == "message"]
                    self._indexer.forget(session, conversation, said)
                    erase(session.connection(), conversation, content, EXPIRED)
                found.expired_seq = due[-1].seq
            return len(due)

        return self._database.write(work)
