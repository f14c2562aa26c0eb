"""Acts: changes that are events of a log, on both databases."""

from __future__ import annotations

from sqlalchemy.orm import Session

from app.models.message import ACCOUNT
from app.store import Database, Store
from app.store.log.acts import own_log
from app.store.log.items import Appended
from tests.support.log import people


def test_a_user_has_one_log_of_their_own(database: Database, store: Store) -> None:
    ada, ben = people(store, 2)

    def note(user: int) -> Appended:
        def work(session: Session) -> Appended:
            return own_log(session, user).append("group", {"n": 1})

        return database.write(work)

    one, two, other = note(ada), note(ada), note(ben)
    assert (one.kind, one.low, one.high) == (ACCOUNT, ada, 0)
    assert [told.entry.seq for told in (one, two, other)] == [1, 2, 1]
    assert one.entry.conversation_id == two.entry.conversation_id != other.entry.conversation_id
    assert store.conversations.listed(ada, 10) == []
    [head] = store.conversations.heads(ada, 10)
    assert (head.kind, head.last_seq) == (ACCOUNT, 2)
