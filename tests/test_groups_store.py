"""The rules of groups that only the database can keep, on SQLite and on PostgreSQL."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from sqlalchemy import event, func, select

from app.errors import (
    GroupFull,
    HiChatError,
    InviteExpired,
    NameTaken,
    NotAContact,
    NotAMember,
)
from app.models import Event, Member
from app.models.group import OPEN
from app.models.message import ADMIN, MEMBER, OWNER
from app.store import Database, Store
from app.store.log.items import Appended, Stored
from tests.support.groups import crowd
from tests.support.log import at_once, into, log, people
from tests.support.statements import plan

only_postgres = pytest.mark.parametrize("database", ["postgres"], indirect=True)
only_sqlite = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
WEEK_MS = 604_800_000


def new_group(store: Store, owner: int, *members: int, **details: Any) -> int:
    return store.groups.create(owner, "walkers", members, **details).entry.conversation_id


def attempt(work: Callable[[], Any]) -> Any:
    """What comes of `work`: its result, or the error that it raises."""
    try:
        return work()
    except HiChatError as error:
        return error


def members(store: Store, reader: int, group: int) -> dict[int, int]:
    """The role of each member."""
    return {seat.user.id: seat.role for seat in store.membership.page(reader, group, 10_000, 0)}


def test_a_group_lives_through_all_that_can_happen_to_it(store: Store) -> None:
    ada, ben, cyd = people(store, 3)
    group = new_group(store, ada, ben)
    code = store.invites.create(ada, group, WEEK_MS, 1).code
    assert store.invites.redeem(cyd, code).told
    store.groups.change(ada, group, {"join": "approval", "admins_only": True, "name": "徒步"})
    store.membership.set_role(ada, group, ben, ADMIN)
    store.membership.remove(ben, group, cyd)
    assert store.joining.join(cyd, group, "sorry").waits
    assert [item.note for item in store.joining.requests(ben, group, 10, 0)] == ["sorry"]
    store.joining.answer(ben, group, cyd, True)
    store.membership.mute(ben, group, cyd, 7)
    store.membership.transfer(ada, group, ben)
    store.membership.leave(ada, group)
    assert members(store, ben, group) == {ben: 2, cyd: 0}
    info = store.groups.get(cyd, group)
    assert (info.group.name, info.group.owner_id, info.size, info.muted_until) == (
        "徒步", ben, 2, 7,
    )
    assert [entry.seq for entry in log(store, ben, group)] == list(range(1, 10))
    last = store.groups.disband(ben, group)
    assert sorted(last.left) == [ben, cyd]
    with pytest.raises(NotAMember):
        store.groups.get(ben, group)
    assert store.conversations.groups(cyd) == []


def test_a_group_passes_to_the_oldest_admin_then_to_the_oldest_member(store: Store) -> None:
    ada, ben, cyd, dan, eve = people(store, 5)
    group = new_group(store, ada, ben)
    for user in (eve, dan, cyd):
        store.membership.add(ada, group, [user])
    for user in (dan, cyd):
        store.membership.set_role(ada, group, user, ADMIN)
    heirs = []
    for user in (ada, dan, cyd, ben):
        told = store.membership.withdraw(user, group)
        assert told is not None
        heirs.append(json.loads(told.entry.body)["owner"])
    assert heirs == [dan, cyd, ben, eve]
    last = store.membership.withdraw(eve, group)
    assert last is not None
    assert json.loads(last.entry.body) == {"disbanded": True}
    assert store.membership.withdraw(eve, group) is None


@only_postgres
def test_the_last_use_of_a_link_is_for_one_only(store: Store) -> None:
    ada, *others = people(store, 9)
    group = new_group(store, ada)
    code = store.invites.create(ada, group, WEEK_MS, 3).code
    results = at_once(
        partial(attempt, partial(store.invites.redeem, user, code)) for user in others
    )
    refused = [item for item in results if isinstance(item, InviteExpired)]
    assert len(refused) == len(others) - 3, results
    assert len(members(store, ada, group)) == store.groups.get(ada, group).size == 4
    [invite] = store.invites.listed(ada, group)
    assert invite.uses_left == 0


@only_postgres
def test_a_group_does_not_grow_beyond_its_limit_when_many_come_at_once(database: Database) -> None:
    store = Store(database, group_members=5)
    ada, *others = people(store, 12)
    group = new_group(store, ada, join_policy=OPEN)
    works = [partial(store.joining.join, user, group) for user in others[:6]]
    works += [
        partial(store.membership.add, ada, group, others[at : at + 2]) for at in range(6, 11, 2)
    ]
    results = at_once(partial(attempt, work) for work in works)
    refused = [item for item in results if isinstance(item, HiChatError)]
    assert refused and all(isinstance(item, GroupFull) for item in refused), results
    size = store.groups.get(ada, group).size
    assert size == len(members(store, ada, group)) <= 5
    seqs = [entry.seq for entry in log(store, ada, group)]
    assert seqs == list(range(1, len(seqs) + 1))


@only_postgres
def test_a_removal_and_a_message_have_one_order(database: Database, store: Store) -> None:
    ada, ben = people(store, 2)
    for _ in range(5):
        group = new_group(store, ada, ben)
        writers = [Store(database) for _ in range(6)]

        def send(writer: Store, group: int = group) -> list[Any]:
            return [writer.journal.commit([into(ben, group)])[0] for _ in range(5)]

        works: list[Callable[[], Any]] = [partial(send, writer) for writer in writers]
        *sent, removal = at_once([*works, partial(store.membership.remove, ada, group, ben)])
        results = [result for many in sent for result in many]
        stored = [result for result in results if isinstance(result, Stored)]
        assert all(isinstance(r, Stored | NotAMember) for r in results), results
        assert all(place.seq < removal.entry.seq for place in stored)
        entries = log(store, ada, group)
        assert [entry.seq for entry in entries] == list(range(1, len(stored) + 3))
        assert entries[removal.entry.seq - 1].type == "members"


@only_postgres
def test_whoever_registers_while_the_broadcast_begins_is_in_it(
    database: Database, store: Store
) -> None:
    [ada] = people(store, 1)
    store.users.set_admin(store.users.get(ada).name, True)
    works: list[Callable[[], Any]] = [partial(people, store, 3) for _ in range(6)]
    works += [partial(store.broadcasts.conversation, ada) for _ in range(3)]
    results = at_once(works)
    assert len(set(results[6:])) == 1
    with database.read() as session:
        inside = set(session.scalars(
            select(Member.user_id).where(Member.conversation_id == results[6])
        ))
    assert inside == {ada, *(user for many in results[:6] for user in many)}


@pytest.fixture
def statements(database: Database) -> list[tuple[str, Any]]:
    """What is asked of the database, in SQL, with its parameters."""
    seen: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if statement != "BEGIN":
            seen.append((statement, parameters))

    for engine in {database._writer, database.engine}:
        event.listen(engine, "before_cursor_execute", note)
    return seen


def test_a_thousand_members_come_in_by_one_event_and_as_many_statements_as_ten(
    database: Database, store: Store, statements: list[tuple[str, Any]]
) -> None:
    ada, *others = crowd(database, 1011)
    group = new_group(store, ada)
    counts = []
    for users in (others[:10], others[10:]):
        statements.clear()
        told = store.membership.add(ada, group, users)
        assert told is not None and len(told.joined) == len(users)
        counts.append(len(statements))
    assert counts[0] == counts[1] < 20
    assert len(members(store, ada, group)) == store.groups.get(ada, group).size == 1011
    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(Event)) == 3


def test_a_page_of_members_is_one_statement(
    database: Database, store: Store, statements: list[tuple[str, Any]]
) -> None:
    ada, *others = crowd(database, 300)
    group = new_group(store, ada, *others)
    statements.clear()
    assert len(store.membership.page(others[0], group, 100, others[50])) == 100
    assert len(statements) == 1


@only_sqlite
def test_nothing_about_groups_reads_a_whole_table(
    database: Database, store: Store, statements: list[tuple[str, Any]]
) -> None:
    ada, ben, cyd, dan = people(store, 4)
    store.users.set_admin(store.users.get(ada).name, True)
    store.broadcasts.conversation(ada)  # which does, once in the life of a server
    statements.clear()
    group = new_group(store, ada, ben, unique=True, join_policy=1)
    code = store.invites.create(ada, group, WEEK_MS, None).code
    store.invites.card(cyd, code)
    store.invites.redeem(cyd, code)
    store.invites.listed(ada, group)
    store.joining.join(dan, group)
    store.joining.requests(ada, group, 10, 0)
    store.joining.answer(ada, group, dan, True)
    store.membership.add(ada, group, [dan, cyd])
    store.membership.page(ben, group, 10, 1)
    store.groups.listed(ben, 10)
    store.groups.find(cyd, "walkers")
    store.groups.find(cyd, str(group))
    store.groups.change(ada, group, {"name": "x"})
    store.membership.remove(ada, group, dan)
    store.users.create("eve", "hash")
    store.users.set_admin("eve", True)
    store.broadcasts.conversation(ada)
    store.membership.withdraw(ada, group)
    store.groups.disband(ben, group)
    store.users.delete(dan)
    growing = ("event", "member", "conversation", "user", "chat_group", "contact", "invite",
               "join_request")
    checked = 0
    for statement, parameters in statements:
        if isinstance(parameters, list) or not statement.lstrip().startswith(
            ("SELECT", "UPDATE", "DELETE", "INSERT INTO member")
        ):
            continue
        steps = plan(database, statement, parameters)
        scans = [step for step in steps if any(step == f"SCAN {name}" for name in growing)]
        assert scans == [], (statement, steps)
        checked += 1
    assert checked > 50


def test_by_the_policy_contacts_only_friends_put_each_other_into_groups(
    database: Database
) -> None:
    store = Store(database, contacts_only=True)
    ada, ben, eve = people(store, 3)
    with pytest.raises(NotAContact):
        new_group(store, eve, ada)
    group = new_group(store, eve)
    store.contacts.ask(eve, ada)
    with pytest.raises(NotAContact):
        store.membership.add(eve, group, [ada])
    store.contacts.befriend(ada, eve)
    store.membership.add(eve, group, [ada])
    code = store.invites.create(eve, group, WEEK_MS, None).code
    assert store.invites.redeem(ben, code).told is not None  # who comes by themself needs no friend
    assert members(store, eve, group) == {eve: OWNER, ada: MEMBER, ben: MEMBER}
    assert members(store, eve, new_group(store, eve, ada)) == {eve: OWNER, ada: MEMBER}


@only_postgres
def test_of_many_who_ask_for_one_name_at_once_one_gets_it(store: Store) -> None:
    owners = people(store, 8)

    def create(owner: int, name: str) -> Appended:
        return store.groups.create(owner, name, [], unique=True, join_policy=OPEN)

    results = at_once([
        partial(attempt, partial(create, owner, "Walkers")) for owner in owners
    ])
    assert sum(isinstance(result, Appended) for result in results) == 1
    assert sum(isinstance(result, NameTaken) for result in results) == 7
    assert isinstance(attempt(partial(create, owners[0], "walkers")), NameTaken)
    create(owners[0], "others")
