"""A site with much in it, filled before its server starts: that is quicker than over sockets."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import text
from sqlalchemy.orm import Session

from app import services
from app.store import Store
from app.store.log.items import Draft, Mark
from tests.support.application import application
from tests.support.groups import crowd
from tests.support.log import stored, to_user
from tests.support.web import person

READER = "reader"
UNREAD = 60  # the last messages of the long conversation; every other five are the reader's own
AT_ONCE = 1000  # messages in one transaction
DAY_MS = 86_400_000


def fill(folder: Path, *, conversations: int, messages: int) -> int:
    """Make `reader`, to whom so many people have written, one of them at length; that conversation.

    The long one says `message 1`, `message 2`, ..., five by the reader, then five by `friend`, a
    thousand a day up to today. The others are with `person 00000`, `person 00001`, ...
    """
    with application(folder) as app:
        store = services.of(app).store
        reader = person(app.test_client(), READER).id
        friend, *others = crowd(store.database, conversations)
        called(store, friend, others)
        commit(store, [to_user(other, reader) for other in others])
        [first] = stored(store.journal.commit([to_user(reader, friend, "message 1")]))
        at_length(store, first.conversation, (reader, friend), messages)
        store.journal.commit([Mark(reader, first.conversation, messages - UNREAD)])
    return first.conversation


def commit(store: Store, drafts: list[Draft]) -> None:
    for start in range(0, len(drafts), AT_ONCE):
        stored(store.journal.commit(drafts[start : start + AT_ONCE]))


def called(store: Store, friend: int, others: list[int]) -> None:
    names = {user: f"person {number:05}" for number, user in enumerate(others)}
    names[friend] = "friend"

    def work(session: Session) -> None:
        statement = text('UPDATE "user" SET name = :name, name_key = :name WHERE id = :id')
        session.execute(statement, [{"id": user, "name": name} for user, name in names.items()])

    store.database.write(work)


EVENTS = text("""
    INSERT INTO event (conversation_id, seq, type, sender_id, ref, at, body)
    WITH RECURSIVE number(n) AS (SELECT 2 UNION ALL SELECT n + 1 FROM number WHERE n < :last)
    SELECT :chat, n, 'message', CASE n / 5 % 2 WHEN 0 THEN :one ELSE :other END, 'ref ' || n, at,
        '{"media":"text","content":"message ' || n || '"}'
    FROM number JOIN event ON conversation_id = :chat AND seq = 1""")
HEAD = text("UPDATE conversation SET last_seq = :last, message_seq = :last WHERE id = :chat")
DAYS = text("""
    UPDATE event SET at = at - :day * ((:last - seq) / 1000) WHERE conversation_id = :chat""")


def at_length(store: Store, chat: int, people: tuple[int, int], last: int) -> None:
    """The messages from the second on: the rows that the server would have written."""
    one, other = people

    def work(session: Session) -> None:
        session.execute(EVENTS, {"chat": chat, "last": last, "one": one, "other": other})
        session.execute(HEAD, {"chat": chat, "last": last})
        session.execute(DAYS, {"chat": chat, "last": last, "day": DAY_MS})

    store.database.write(work)
