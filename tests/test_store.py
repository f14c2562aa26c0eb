"""What else the store promises, on SQLite and on PostgreSQL: accounts, sessions, pages, schema."""

from __future__ import annotations

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, event

from app.errors import BadRequest, NameTaken, NotAMember, SessionRevoked, UnknownUser
from app.extensions import db
from app.models import User
from app.store import Database, Store
from app.store.database import Contested, newest_revision
from app.store.search.wordindex import is_index_table
from app.user.accounts import check_name
from tests.support.log import contents, people, stored, to_user

HOUR = 3_600_000


# -- the schema ----------------------------------------------------------------------------


def test_the_migrations_make_exactly_what_the_models_say(database: Database) -> None:
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={
            "compare_type": True,
            "include_name": lambda name, kind, _: kind != "table" or not is_index_table(name),
        })
        assert compare_metadata(context, db.metadata) == []


def test_a_migrated_database_is_current_and_answers(database: Database) -> None:
    assert database.schema() == newest_revision()
    database.ping()


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_behind_a_commit_that_fails_messages_are_stored(database: Database, store: Store) -> None:
    alice, bob = people(store, 2)

    def work(connection: Connection) -> None:
        for statement in (
            "PRAGMA defer_foreign_keys = ON",  # so that it is the COMMIT that is refused
            "INSERT INTO member (conversation_id, user_id, joined_seq, read_seq, role, muted_until)"
            " VALUES (1000000, 1000000, 0, 0, 0, 0)",
        ):
            connection.exec_driver_sql(statement).close()

    with pytest.raises(Contested):
        database.append(work)
    stored(store.journal.commit([to_user(alice, bob)]))


# -- accounts ------------------------------------------------------------------------------


def test_a_name_exists_once_whatever_its_case_or_form(store: Store) -> None:
    user = store.users.create("Ａda Straße", "hash")
    for same in ("Ａda Straße", "ada strasse", "ADA STRASSE"):
        with pytest.raises(NameTaken):
            store.users.create(same, "hash")
        found = store.users.by_name(same)
        assert found is not None and found.id == user.id


def test_a_user_cannot_take_anothers_name_by_renaming(store: Store) -> None:
    store.users.create("ada", "hash")
    bob = store.users.create("bob", "hash")
    with pytest.raises(NameTaken):
        store.users.change(bob.id, name="ADA")
    assert store.users.change(bob.id, name="BOB", email="b@example.org").name == "BOB"


def test_a_deleted_users_name_is_free_and_nothing_of_them_is_left(store: Store) -> None:
    ada = store.users.create("ada", "hash")
    store.users.change(ada.id, email="a@example.org", phone="13800138000", avatar="/a.png")
    store.users.delete(ada.id)
    with pytest.raises(UnknownUser):
        store.users.get(ada.id)
    assert store.users.by_name("ada") is None
    assert store.users.search("ada", 10) == []
    with store.database.read() as session:
        left = session.get_one(User, ada.id)
    assert (left.name, left.email, left.phone, left.avatar, left.password_hash) == ("",) * 5
    assert store.users.create("ada", "hash").id != ada.id


@pytest.mark.parametrize("name", ["ﷺ" * 32, "👩🏽‍🚀" * 8, "ß" * 32, "漢" * 32, "ΐ" * 32], ids=ascii)
def test_every_name_that_the_rules_accept_can_be_stored(store: Store, name: str) -> None:
    try:
        accepted = check_name(name)
    except BadRequest:
        return  # the rules refuse it in words: nothing is to be stored
    user = store.users.create(accepted, "hash")
    found = store.users.by_name(name)
    assert found is not None and found.id == user.id


def test_a_search_takes_percent_and_underscore_for_themselves(store: Store) -> None:
    for name in ("a_b", "axb", "a%b", "a\\b", "%", "_", "other"):
        store.users.create(name, "hash")
    assert _names(store, "a_") == ["a_b"]
    assert _names(store, "a%") == ["a%b"]
    assert _names(store, "a\\") == ["a\\b"]
    assert _names(store, "%") == ["%"]
    assert _names(store, "_") == ["_"]


def test_a_search_is_by_prefix_in_any_script_and_sorted_by_code_point(store: Store) -> None:
    for name in ("Zoe", "zoé", "zo", "Zo-1", "李雷", "李明", "azo"):
        store.users.create(name, "hash")
    assert _names(store, "ZO") == ["zo", "Zo-1", "Zoe", "zoé"]
    assert _names(store, "李") == ["李明", "李雷"]


def test_a_search_goes_on_behind_the_last_user_seen(store: Store) -> None:
    for number in range(25):
        store.users.create(f"user {number:02}", "hash")
    seen: list[str] = []
    after = ""
    while page := store.users.search("user", 10, after):
        seen += [user.name for user in page]
        after = page[-1].name
    assert seen == [f"user {number:02}" for number in range(25)]


def _names(store: Store, prefix: str) -> list[str]:
    return [user.name for user in store.users.search(prefix, 100)]


# -- sessions ------------------------------------------------------------------------------


def test_only_the_latest_refresh_token_is_good_and_an_older_one_ends_the_session(
    store: Store,
) -> None:
    user, = people(store, 1)
    session, _ = store.sessions.begin(user, "phone", "first", HOUR)
    second = store.sessions.rotate(session, user, "first", HOUR)
    third = store.sessions.rotate(session, user, second, HOUR)
    assert len({"first", second, third}) == 3
    assert store.sessions.is_live(session, user)
    with pytest.raises(SessionRevoked):
        store.sessions.rotate(session, user, "first", HOUR)
    assert not store.sessions.is_live(session, user)
    with pytest.raises(SessionRevoked):
        store.sessions.rotate(session, user, third, HOUR)


def test_a_session_is_live_for_its_user_until_it_is_revoked_once(store: Store) -> None:
    alice, bob = people(store, 2)
    session, _ = store.sessions.begin(alice, "x" * 500, "r", HOUR)
    assert store.sessions.is_live(session, alice)
    assert not store.sessions.is_live(session, bob)
    assert not store.sessions.revoke(bob, session)
    assert store.sessions.revoke(alice, session)
    assert not store.sessions.revoke(alice, session)
    assert not store.sessions.is_live(session, alice)


def test_a_session_ends_by_itself(store: Store) -> None:
    user, = people(store, 1)
    session, _ = store.sessions.begin(user, "phone", "r", -1)
    assert not store.sessions.is_live(session, user)
    assert store.sessions.listed(user) == []


def test_all_other_sessions_of_a_user_can_be_ended(store: Store) -> None:
    alice, bob = people(store, 2)
    first, second, third = (store.sessions.begin(alice, "d", "r", HOUR)[0] for _ in range(3))
    foreign, _ = store.sessions.begin(bob, "d", "r", HOUR)
    assert sorted(store.sessions.revoke_others(alice, second)) == sorted([first, third])
    assert [line.id for line in store.sessions.listed(alice)] == [second]
    assert store.sessions.is_live(foreign, bob)


def test_a_deleted_account_has_no_session_left(store: Store) -> None:
    user, = people(store, 1)
    session, _ = store.sessions.begin(user, "phone", "r", HOUR)
    store.users.delete(user)
    assert not store.sessions.is_live(session, user)


# -- pages ---------------------------------------------------------------------------------


@pytest.fixture
def chat(store: Store) -> tuple[int, int, int]:
    """Two users and their conversation of ten messages, "1" to "10"."""
    alice, bob = people(store, 2)
    places = stored(store.journal.commit([to_user(alice, bob, str(n)) for n in range(1, 11)]))
    return alice, bob, places[0].conversation


@pytest.mark.parametrize(("after", "before", "seqs", "more"), [
    (None, None, [8, 9, 10], True), (0, None, [1, 2, 3], True), (7, None, [8, 9, 10], False),
    (10, None, [], False), (99, None, [], False), (None, 8, [5, 6, 7], True),
    (None, 4, [1, 2, 3], False), (None, 1, [], False), (None, 99, [8, 9, 10], True),
])
def test_a_page_is_ascending_and_knows_whether_there_is_more(
    store: Store, chat: tuple[int, int, int],
    after: int | None, before: int | None, seqs: list[int], more: bool,
) -> None:
    _, bob, conversation = chat
    page = store.events.page(bob, conversation, 3, after, before)
    assert ([entry.seq for entry in page.events], page.more) == (seqs, more)


def test_nobody_else_reads_a_page(store: Store, chat: tuple[int, int, int]) -> None:
    carol, = people(store, 1)
    with pytest.raises(NotAMember):
        store.events.page(carol, chat[2], 3)
    assert store.missed.reaches(carol, [chat[2]]) == {}
    assert store.missed.reaches(chat[0], [chat[2], 10**9]) == {chat[2]: (10, 0)}


@pytest.mark.parametrize(("start", "stop", "newest_first", "expected"), [
    (0, 2, False, "1 2 3"), (0, 2, True, "10 9 8"), (4, 4, False, "5"), (9, 20, False, "10"),
    (-2, -1, False, "9 10"), (-2, -1, True, "2 1"), (0, -1, False, "1 2 3 4 5 6 7"),
    (10, 20, False, ""), (5, 4, False, ""), (-50, 0, False, "1"), (0, -11, False, ""),
])
def test_an_index_counts_from_the_chosen_end_and_a_negative_one_from_the_other(
    store: Store, chat: tuple[int, int, int],
    start: int, stop: int, newest_first: bool, expected: str,
) -> None:
    alice, bob, _ = chat
    for reader, other in ((alice, bob), (bob, alice)):
        found = store.events.by_index(reader, other, start, stop, newest_first, limit=7)
        assert " ".join(contents(found)) == expected


def test_the_list_is_the_latest_first_with_partner_and_last_event(store: Store) -> None:
    alice, *others = people(store, 5)
    for other in others:
        stored(store.journal.commit([to_user(other, alice, f"from {other}")]))
    empty, new = store.conversations.open_private(alice, alice)
    assert new
    lines = store.conversations.listed(alice, 3)
    lines += store.conversations.listed(alice, 3, (0, lines[-1].last_at, lines[-1].id))
    assert [line.other.id for line in lines if line.other] == [alice, *reversed(others)]
    assert lines[0].id == empty and lines[0].last is None
    assert contents(line.last for line in lines[1:] if line.last) == [
        f"from {other}" for other in reversed(others)
    ]


# -- what has advanced -------------------------------------------------------------------------


def test_what_has_advanced_since_a_moment_is_told_in_the_order_of_time_page_by_page(
    store: Store,
) -> None:
    ada, *others = people(store, 4)
    places = [stored(store.journal.commit([to_user(ada, other)]))[0] for other in others]
    again, = stored(store.journal.commit([to_user(ada, others[0])]))
    everything = store.conversations.advanced(0)
    assert [(found.id, found.last_seq) for found in everything] == [
        (places[1].conversation, 1), (places[2].conversation, 1), (places[0].conversation, 2),
    ] or len({found.last_at for found in everything}) < 3  # at one moment: by id
    assert [found.last_at for found in everything] == sorted(f.last_at for f in everything)
    assert {(found.low, found.high) for found in everything} == {
        (min(ada, other), max(ada, other)) for other in others
    }
    since = store.conversations.advanced(again.at)
    assert places[0].conversation in {found.id for found in since}
    assert store.conversations.advanced(again.at + 1) == []
    first, second = store.conversations.advanced(0, limit=2)
    rest = store.conversations.advanced(second.last_at, second.id)
    assert [first, second, *rest] == everything


# -- the journal ---------------------------------------------------------------------------


def test_a_batch_over_several_conversations_is_one_transaction(
    database: Database, store: Store
) -> None:
    ada, bob, eve = people(store, 3)
    store.journal.commit([to_user(ada, bob), to_user(ada, eve)])
    commits = []
    event.listen(database._writer, "commit", commits.append)
    results = store.journal.commit([to_user(user, ada) for user in (bob, eve, bob, eve)])
    assert [stored.seq for stored in results] == [2, 2, 3, 3]
    assert len(commits) == 1
