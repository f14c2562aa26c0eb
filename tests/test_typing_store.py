"""Whom a member's typing goes to, on both databases; and what is remembered of it."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from app.errors import Blocked, Muted, NotAContact, NotAMember
from app.store import Database, Store
from app.store.log.acts import own_log
from tests.support.log import people, stored, to_user


def test_who_is_blocked_or_blocks_types_to_nobody(database: Database, store: Store) -> None:
    ada, ben = people(store, 2)
    [place] = stored(store.journal.commit([to_user(ada, ben)]))
    assert store.conversations.audience(ada, place.conversation).other == ben
    database.write(lambda session: session.execute(text("UPDATE conversation SET flags = 1")))
    for user in (ada, ben):
        with pytest.raises(Blocked) as caught:
            store.conversations.audience(user, place.conversation)
        assert ("You have" in caught.value.message) == (user == ada)


def test_where_only_contacts_write_only_contacts_type(database: Database) -> None:
    store = Store(database, contacts_only=True)
    ada, ben = people(store, 2)
    notes, _ = store.conversations.open_private(ada, ada)
    chat, _ = Store(database).conversations.open_private(ada, ben)
    assert store.conversations.audience(ada, notes).other == ada
    for user in (ada, ben):
        with pytest.raises(NotAContact):
            store.conversations.audience(user, chat)
    store.contacts.ask(ada, ben, "")
    store.contacts.accept(ben, ada)
    assert store.conversations.audience(ada, chat).other == ben
    store.contacts.remove(ben, ada)
    with pytest.raises(NotAContact):
        store.conversations.audience(ada, chat)


def test_a_muted_member_types_to_nobody(database: Database, store: Store) -> None:
    ada, ben = people(store, 2)
    group = store.groups.create(ada, "quiet", [ben]).entry.conversation_id
    assert store.conversations.audience(ben, group).size == 2
    database.write(lambda session: session.execute(text(
        f"UPDATE member SET muted_until = {2**50} WHERE user_id = {ben}"
    )))
    with pytest.raises(Muted):
        store.conversations.audience(ben, group)
    assert store.conversations.audience(ada, group).size == 2
    database.write(lambda session: session.execute(text(
        "UPDATE member SET muted_until = 0"
    )))
    database.write(lambda session: session.execute(text("UPDATE conversation SET flags = 8")))
    with pytest.raises(Muted):
        store.conversations.audience(ben, group)


def test_an_accounts_log_and_a_closed_group_have_no_audience(
    database: Database, store: Store
) -> None:
    [ada] = people(store, 1)
    told = database.write(lambda session: own_log(session, ada).append("group", {}))
    group = store.groups.create(ada, "over", []).entry.conversation_id
    database.write(lambda session: session.execute(text(
        f"UPDATE conversation SET closed_at = 1 WHERE id = {group}"
    )))
    for conversation in (told.entry.conversation_id, group):
        with pytest.raises(NotAMember):
            store.conversations.audience(ada, conversation)
