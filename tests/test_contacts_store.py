"""Contacts in both databases: requests that cross, limits, flags, leaving; and what they cost."""

from __future__ import annotations

import uuid
from functools import partial
from typing import Any

import pytest
from sqlalchemy import event as sql_event
from sqlalchemy import insert, select

from app.errors import Blocked, NotAContact, TooMany, UnknownUser
from app.models import Contact, Conversation, Event, Member, User
from app.models.message import CONTACTS, HIGH_BLOCKS, LOW_BLOCKS
from app.models.user import ASKED, ASKING, FRIEND
from app.store import Database, Store
from app.store.conversations.acquaintance import CONTACTS_PER_USER, OPEN_REQUESTS
from app.store.groups.leaving import CONTACTS_AT_ONCE
from app.store.log.items import Mark
from tests.support.log import at_once, into, people, stored, to_user
from tests.support.statements import plan


def states(store: Store, user: int) -> dict[int, tuple[int, bool]]:
    found = store.contacts.listed(user, 100)
    return {item.other.id: (item.contact.state, item.contact.blocked) for item in found}


def flags(store: Store, conversation: int) -> int:
    with store.database.read() as session:
        return session.get_one(Conversation, conversation).flags


def crowd(database: Database, count: int) -> list[int]:
    """The ids of many new users, at once."""
    rows = [
        {"name": name, "name_key": name, "password_hash": "", "created_at": 0, "updated_at": 0}
        for name in (uuid.uuid4().hex for _ in range(count))
    ]
    return database.write(
        lambda session: list(session.scalars(insert(User).returning(User.id), rows))
    )


def fill(database: Database, user: int, others: list[int], state: int) -> None:
    """Contacts without their other sides."""
    rows = [
        {"user_id": user, "other_id": other, "state": state, "blocked": False, "remark": "",
         "note": "", "at": 0}
        for other in others
    ]
    database.write(lambda session: session.execute(insert(Contact), rows) and None)


# SQLite has one writer: nothing crosses there.
@pytest.mark.parametrize("database", ["postgres"], indirect=True)
def test_requests_that_cross_make_friends(store: Store) -> None:
    for _ in range(5):
        ada, ben = people(store, 2)
        at_once([partial(store.contacts.ask, ada, ben), partial(store.contacts.ask, ben, ada)])
        assert states(store, ada) == {ben: (FRIEND, False)}
        assert states(store, ben) == {ada: (FRIEND, False)}


@pytest.mark.parametrize("database", ["postgres"], indirect=True)
def test_a_block_holds_whatever_opens_the_conversation_meanwhile(store: Store) -> None:
    for _ in range(5):
        ada, ben = people(store, 2)
        at_once([
            partial(store.contacts.block, ada, ben, True),
            partial(store.conversations.open_private, ben, ada),
            partial(store.journal.commit, [to_user(ben, ada)]),
        ])
        [result] = store.journal.commit([to_user(ben, ada)])
        assert isinstance(result, Blocked)
        conversation, _ = store.conversations.open_private(ada, ben)
        assert flags(store, conversation) == LOW_BLOCKS


@pytest.mark.parametrize("database", ["postgres"], indirect=True)
def test_whatever_happens_at_once_rows_logs_and_flags_agree(store: Store) -> None:
    ada, ben, eve = people(store, 3)
    conversation, _ = store.conversations.open_private(ada, ben)
    for user in (ada, ben):
        store.contacts.ask(user, eve)
    logs = {head.id for user in (ada, ben) for head in store.conversations.heads(user, 10)}
    marks = [Mark(user, log, 1) for log in sorted(logs) for user in (ada, ben)]
    changes = [
        partial(change, one, other)
        for one, other in ((ada, ben), (ben, ada), (ada, eve), (eve, ben))
        for change in (store.contacts.ask, store.contacts.remove, store.contacts.befriend)
    ]
    for round in range(4):
        at_once([
            *changes,
            partial(store.settings.change, ada, conversation, {"draft": f"{round}"}),
            partial(store.settings.change, ben, conversation, {"hidden": bool(round % 2)}),
            partial(store.journal.commit, [*marks, to_user(ada, ben), to_user(ben, ada)]),
        ])
    rows = {user: states(store, user) for user in (ada, ben, eve)}
    for one, other in ((ada, ben), (ada, eve), (ben, eve)):
        both = [rows[one].get(other, (0, False))[0], rows[other].get(one, (0, False))[0]]
        assert sorted(both) in ([0, 0], [ASKED, ASKING], [FRIEND, FRIEND])
        key, _ = store.conversations.open_private(one, other)
        assert flags(store, key) == (CONTACTS if both == [FRIEND, FRIEND] else 0)
    with store.database.read() as session:
        for log in session.scalars(select(Conversation)):
            seqs = session.scalars(
                select(Event.seq).where(Event.conversation_id == log.id).order_by(Event.seq)
            ).all()
            assert list(seqs) == list(range(1, log.last_seq + 1))


def test_the_conversations_flags_follow_the_contacts(store: Store) -> None:
    ada, ben = people(store, 2)
    conversation, _ = store.conversations.open_private(ada, ben)
    steps: list[tuple[Any, int]] = [
        (partial(store.contacts.block, ben, ada, True), HIGH_BLOCKS),
        (partial(store.contacts.block, ada, ben, True), HIGH_BLOCKS | LOW_BLOCKS),
        (partial(store.contacts.block, ben, ada, False), LOW_BLOCKS),
        (partial(store.contacts.block, ada, ben, False), 0),
        (partial(store.contacts.ask, ada, ben), 0),
        (partial(store.contacts.accept, ben, ada), CONTACTS),
        (partial(store.contacts.block, ada, ben, True), CONTACTS | LOW_BLOCKS),
        (partial(store.contacts.remove, ben, ada), LOW_BLOCKS),
    ]
    for step, expected in steps:
        step()
        assert flags(store, conversation) == expected


def test_who_is_blocked_is_no_friend_to_the_policy(database: Database) -> None:
    store = Store(database, contacts_only=True)
    ada, ben, eve = people(store, 3)
    store.contacts.block(ada, ben, True)
    store.contacts.befriend(ben, ada)
    store.contacts.block(ada, ben, False)
    results = store.journal.commit([to_user(ben, ada), to_user(eve, ada), to_user(ada, ada)])
    assert [type(item) for item in results[:2]] == [NotAContact, NotAContact]
    stored(results[2:])
    store.contacts.befriend(ada, ben)
    stored(store.journal.commit([to_user(ben, ada)]))


def test_open_requests_are_limited_on_both_sides(database: Database, store: Store) -> None:
    ada, ben, eve = people(store, 3)
    others = crowd(database, OPEN_REQUESTS)
    fill(database, ada, others, ASKING)
    fill(database, ben, others, ASKED)
    with pytest.raises(TooMany):
        store.contacts.ask(ada, eve)
    with pytest.raises(TooMany):
        store.contacts.ask(eve, ben)
    store.contacts.block(ben, eve, True)
    with pytest.raises(TooMany):  # as for anybody: the block does not show
        store.contacts.ask(eve, ben)
    assert states(store, eve) == {}


def test_contacts_are_limited(database: Database, store: Store) -> None:
    ada, ben, eve = people(store, 3)
    fill(database, ada, crowd(database, CONTACTS_PER_USER - 1), FRIEND)
    store.contacts.block(ada, ben, True)
    store.contacts.block(ada, ben, True)
    with pytest.raises(TooMany):
        store.contacts.block(ada, eve, True)
    with pytest.raises(TooMany):
        store.contacts.befriend(eve, ada)
    assert states(store, eve) == {}
    store.contacts.block(ada, ben, False)
    store.contacts.befriend(eve, ada)


def test_who_leaves_is_gone_from_all_contacts_in_small_steps(store: Store) -> None:
    ada, *others = people(store, CONTACTS_AT_ONCE + 10)
    for number, other in enumerate(others):
        if number % 3 == 0:
            store.contacts.block(other, ada, True)
        else:
            store.contacts.befriend(ada, other)
    first = store.leaving.part(ada)
    assert first.more and len(first.told) == CONTACTS_AT_ONCE
    assert {item.low for item in first.told} == set(others[:CONTACTS_AT_ONCE])
    second = store.leaving.part(ada)
    assert not second.more and len(second.told) == len(others) - CONTACTS_AT_ONCE
    assert all(states(store, other) == {} for other in others)


def test_a_deleted_user_leaves_no_contact_no_setting_and_no_log(
    database: Database, store: Store
) -> None:
    ada, ben, eve = people(store, 3)
    store.contacts.befriend(ada, ben)
    store.contacts.ask(eve, ada)
    [place] = stored(store.journal.commit([to_user(ada, ben)]))
    [told] = store.settings.change(
        ada, place.conversation, {"draft": "secret", "pinned": True, "hidden": True}
    ).told
    store.users.delete(ada)
    assert states(store, ada) == states(store, ben) == states(store, eve) == {}
    with database.read() as session:
        log = told.entry.conversation_id
        assert session.get(Conversation, log) is None
        assert session.scalars(select(Event).where(Event.conversation_id == log)).all() == []
        left = session.get_one(Member, (place.conversation, ada))
    assert (left.draft, left.pinned, left.hidden_seq) == (None, False, -1)
    with pytest.raises(UnknownUser):
        store.contacts.ask(eve, ada)


def test_an_own_log_is_shortened_from_its_end(store: Store) -> None:
    ada, ben = people(store, 2)
    store.contacts.ask(ada, ben)
    store.contacts.remove(ada, ben)
    [head] = store.conversations.heads(ada, 10)
    assert (head.last_seq, store.leaving.shorten_log(ada)) == (2, False)
    [head] = store.conversations.heads(ada, 10)
    assert head.last_seq == 0
    assert not store.leaving.shorten_log(ada)


def test_a_user_who_was_deleted_meanwhile_is_unknown_to_every_change(store: Store) -> None:
    ada, ben = people(store, 2)
    store.users.delete(ben)
    for change in (store.contacts.ask, store.contacts.accept, store.contacts.remove):
        with pytest.raises(UnknownUser):
            change(ada, ben)
    with pytest.raises(UnknownUser):
        store.contacts.block(ada, ben, True)


def test_a_message_after_the_block_has_returned_is_refused(store: Store) -> None:
    ada, ben = people(store, 2)
    [place] = stored(store.journal.commit([to_user(ben, ada)]))
    store.contacts.block(ada, ben, True)
    for draft in (to_user(ben, ada), into(ben, place.conversation)):
        [result] = store.journal.commit([draft])
        assert isinstance(result, Blocked)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_nothing_reads_a_whole_table(database: Database, store: Store) -> None:
    seen: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        seen.append((statement, parameters))

    engines = (database._writer, database.engine)
    for engine in engines:
        sql_event.listen(engine, "before_cursor_execute", note)
    ada, ben, eve = people(store, 3)
    store.contacts.ask(ada, ben, "hi")
    store.contacts.accept(ben, ada)
    store.contacts.block(ada, ben, True)
    store.contacts.listed(ada, 10, 0, "friend")
    conversation, _ = store.conversations.open_private(ada, eve)
    store.settings.change(ada, conversation, {"pinned": True})
    store.conversations.listed(ada, 10, (1, 5, 5))
    store.leaving.part(ada)
    store.leaving.shorten_log(ada)
    store.users.delete(ada)
    for engine in engines:
        sql_event.remove(engine, "before_cursor_execute", note)
    starts = ("SELECT", "UPDATE", "DELETE", "WITH")
    asked = [item for item in seen if item[0].lstrip().startswith(starts)]
    assert len(asked) > 30
    tables = ("event", "member", "conversation", "user", "contact")
    for statement, parameters in asked:
        if isinstance(parameters, list):
            continue
        steps = plan(database, statement, parameters)
        scans = [
            step for step in steps for name in tables if step.startswith(f"SCAN {name}")
        ]
        assert scans == [], (statement, steps)
