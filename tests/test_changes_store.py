"""Changes of messages on both databases: rights, windows, erasure, writers that meet."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import event, func, select, update

from app.errors import (
    Blocked,
    Forbidden,
    HiChatError,
    Muted,
    NotAContact,
    NotAMember,
    NotFound,
    Recalled,
    RefConflict,
    TooLate,
)
from app.models import Conversation, Event, Member, Mention, Pin, Reaction
from app.models.message import ADMIN, ADMINS_WRITE, LOW_BLOCKS
from app.store import Database, Store
from app.store.log.items import Appended, Draft
from app.store.log.references import replied
from tests.support.log import at_once, into, log, people, stored, to_user
from tests.support.statements import plan

DAY = 86_400
GROWING = ("event", "member", "conversation", "user", "reaction", "pin", "mention", "removal")


def edit(store: Store, user: int, key: int, seq: int, content: str, **more: Any) -> Appended:
    given = {"ref": f"edit {user} {seq} {content}", "seconds": DAY} | more
    return store.changes.edit(
        user, key, seq, given["ref"], content, None, given["seconds"], lambda message: None
    )


def react(store: Store, user: int, key: int, seq: int, emoji: str = "👍", on: bool = True) -> Any:
    return store.changes.react(user, key, seq, f"{user} {seq} {emoji} {on}", emoji, on)


def pin(store: Store, user: int, key: int, seq: int, on: bool = True) -> Appended:
    return store.changes.pin(user, key, seq, f"pin {user} {seq} {on}", on)


def recall(store: Store, user: int, key: int, seq: int, seconds: int = DAY) -> Appended:
    return store.changes.recall(user, key, seq, f"recall {user} {seq}", seconds)


@pytest.fixture
def chat(store: Store) -> tuple[int, int, int]:
    """Two users and their conversation with a message of each."""
    one, two = people(store, 2)
    first, _ = stored(store.journal.commit([to_user(one, two, "1"), to_user(two, one, "2")]))
    return one, two, first.conversation


def make_group(store: Store, owner: int, *members: int) -> int:
    return store.groups.create(owner, "walkers", members).entry.conversation_id


def set_up(store: Store, table: Any, where: Any, **values: Any) -> None:
    store.database.write(lambda session: session.execute(
        update(table).where(*where).values(**values)
    ).close())


def member(key: int, user: int) -> tuple[Any, ...]:
    return Member.conversation_id == key, Member.user_id == user


def counts(store: Store) -> list[int]:
    with store.database.read() as session:
        return [
            session.scalar(select(func.count()).select_from(table)) or 0
            for table in (Event, Reaction, Pin, Mention)
        ]


def test_a_recall_erases_content_edits_mentions_reactions_and_the_pin(
    store: Store, chat: tuple[int, int, int]
) -> None:
    one, two, key = chat
    body = f'{{"media":"text","content":"secret","mentions":[{two}]}}'
    draft = Draft(one, "m", body, conversation=key, mentions=(two,))
    seq = stored(store.journal.commit([draft]))[0].seq
    for content in ("secret a", "secret b"):
        edit(store, one, key, seq, content)
    react(store, two, key, seq)
    pin(store, two, key, seq)
    recall(store, one, key, seq)
    with store.database.read() as session:
        for found in session.scalars(select(Event).where(Event.conversation_id == key)):
            assert "secret" not in found.body + (found.revised or "")
        for table in (Reaction, Pin, Mention):
            assert session.scalar(select(func.count()).select_from(table)) == 0
    [again] = stored(store.journal.commit([draft]))
    assert (again.seq, again.fresh) == (seq, False)
    assert [entry.body for entry in log(store, two, key)][seq - 1] == ""


def test_a_ref_of_an_erased_edit_is_no_ref_of_a_message(
    store: Store, chat: tuple[int, int, int]
) -> None:
    one, _, key = chat
    edit(store, one, key, 1, "x", ref="mine")
    recall(store, one, key, 1)
    [result] = store.journal.commit([into(one, key, "y", ref="mine")])
    assert isinstance(result, HiChatError) and result.code == "ref_conflict"


@pytest.mark.parametrize(("flags", "refusal"), [
    (LOW_BLOCKS, Blocked), (LOW_BLOCKS << 1, Blocked),
])
def test_who_is_blocked_or_blocks_changes_nothing_but_takes_back_their_own(
    store: Store, chat: tuple[int, int, int], flags: int, refusal: type[HiChatError]
) -> None:
    one, _, key = chat
    set_up(store, Conversation, [Conversation.id == key], flags=flags)
    before = counts(store)
    for act in (lambda: edit(store, one, key, 1, "x"), lambda: react(store, one, key, 2),
                lambda: pin(store, one, key, 2)):
        with pytest.raises(refusal):
            act()
    assert counts(store) == before
    recall(store, one, key, 1)


def test_where_only_contacts_write_only_contacts_change(
    store: Store, chat: tuple[int, int, int]
) -> None:
    one, _, key = chat
    strict = Store(store.database, contacts_only=True).changes
    with pytest.raises(NotAContact):
        strict.react(one, key, 2, "r", "👍", True)


@pytest.mark.parametrize("mute", ["one", "all"])
def test_who_is_muted_changes_nothing_but_takes_back_their_own(store: Store, mute: str) -> None:
    owner, bob = people(store, 2)
    key = make_group(store, owner, bob)
    seq = stored(store.journal.commit([into(bob, key)]))[0].seq
    if mute == "one":
        set_up(store, Member, member(key, bob), muted_until=2**52)
    else:
        set_up(store, Conversation, [Conversation.id == key], flags=ADMINS_WRITE)
    for act in (lambda: edit(store, bob, key, seq, "x"), lambda: react(store, bob, key, seq)):
        with pytest.raises(Muted):
            act()
    react(store, owner, key, seq)
    recall(store, bob, key, seq)


def test_a_message_is_edited_and_recalled_within_its_time(
    store: Store, chat: tuple[int, int, int]
) -> None:
    one, _, key = chat
    for seconds in (0, 60):
        set_up(store, Event, [Event.seq == 1], at=Event.at - 61_000)
        with pytest.raises(TooLate):
            edit(store, one, key, 1, "x", seconds=seconds)
        with pytest.raises(TooLate):
            recall(store, one, key, 1, seconds)
    edit(store, one, key, 1, "x", seconds=1000)
    recall(store, one, key, 1, 1000)


def test_in_a_group_the_higher_role_recalls_at_any_time(store: Store) -> None:
    owner, admin, other, bob = people(store, 4)
    key = make_group(store, owner, admin, other, bob)
    for user in (admin, other):
        set_up(store, Member, member(key, user), role=ADMIN)
    seqs = [place.seq for place in stored(store.journal.commit(
        [into(user, key) for user in (owner, admin, other, bob, bob)]
    ))]
    for seq in seqs[:2]:
        with pytest.raises(Forbidden):
            recall(store, other, key, seq, 0)
    recall(store, other, key, seqs[2], 0)  # an admin's own
    recall(store, other, key, seqs[3], 0)
    recall(store, owner, key, seqs[1], 0)
    with pytest.raises(TooLate):
        recall(store, bob, key, seqs[4], 0)
    # Who has left has no role any more.
    store.database.write(lambda session: session.delete(session.get_one(Member, (key, bob))))
    recall(store, admin, key, seqs[4], 0)


def test_who_joined_later_changes_nothing_that_they_cannot_see(store: Store) -> None:
    owner, late = people(store, 2)
    key = make_group(store, owner)
    seq = stored(store.journal.commit([into(owner, key)]))[0].seq
    pin(store, owner, key, seq)

    store.membership.add(owner, key, [late])
    for act in (lambda: react(store, late, key, seq),
                lambda: store.removals.remove(late, key, [seq], "x")):
        with pytest.raises(NotFound):
            act()
    assert store.changes.pins(late, key) == []
    assert store.changes.reactors(late, key, seq, "👍", 0, 10) == []
    assert store.forwards.originals(late, key, [seq]) == {}
    [result] = store.journal.commit([Draft(late, "r", "{}", reply_to=seq, conversation=key)])
    assert isinstance(result, HiChatError) and result.code == "bad_request"
    assert [pinned.entry.seq for pinned in store.changes.pins(owner, key)] == [seq]


def test_more_users_than_are_shown_are_counted_and_listed_in_pages(store: Store) -> None:
    owner, *members = people(store, 26)
    key = make_group(store, owner, *members)
    seq = stored(store.journal.commit([into(owner, key)]))[0].seq
    for user in members:
        react(store, user, key, seq)
    react(store, members[0], key, seq, on=False)
    shown = store.events.some(owner, key, [seq])[0].reactions or ""
    listed = ",".join(str(user) for user in members[1:21])
    assert shown == f'{{"👍":{{"count":24,"users":[{listed}]}}}}'
    pages = [store.changes.reactors(owner, key, seq, "👍", after, 20)
             for after in (0, members[20])]
    assert pages == [members[1:21], members[21:]]


@pytest.mark.parametrize("database", ["postgres"], indirect=True)
def test_writers_that_meet_at_one_message_lose_nothing(
    database: Database, store: Store, chat: tuple[int, int, int]
) -> None:
    one, two, key = chat

    def put(user: int, number: int) -> Callable[[], None]:
        def work() -> None:
            own = Store(database)
            react(own, user, key, 1, chr(0x1F600 + number))
            if user == one:
                edit(own, one, key, 1, f"{user} {number}")
            store.removals.remove(user, key, [1 + number % 2], f"{user} {number}")

        return work

    at_once([put(user, number) for user in (one, two) for number in range(4)])
    [entry] = store.events.page(one, key, 1, before=2).events
    assert entry.removed
    with store.database.read() as session:
        found = session.get_one(Event, (key, 1))
        assert session.scalar(select(func.count()).select_from(Reaction)) == 8
    assert (found.reactions or "").count('"count":2') == 4
    entries = log(store, one, key)
    assert [entry.seq for entry in entries] == list(range(1, 2 + 8 + 4 + 1))


@pytest.mark.parametrize("database", ["postgres"], indirect=True)
def test_one_ref_in_two_conversations_at_once_is_stored_once(database: Database) -> None:
    store = Store(database)
    one, *others = people(store, 5)
    keys = [place.conversation for place in stored(
        store.journal.commit([to_user(one, other) for other in others])
    )]

    def put(key: int) -> Callable[[], str]:
        def work() -> str:
            try:
                Store(database).changes.react(one, key, 1, "same", "👍", True)
            except HiChatError as error:
                return error.code
            return "stored"

        return work

    answers = at_once([put(key) for key in keys])
    assert sorted(answers) == ["ref_conflict"] * 3 + ["stored"]


def test_what_is_left_of_a_recalled_message_can_be_removed_and_nothing_else(
    store: Store, chat: tuple[int, int, int]
) -> None:
    one, two, key = chat
    recall(store, one, key, 1)
    for act in (lambda: react(store, two, key, 1), lambda: pin(store, two, key, 1),
                lambda: edit(store, one, key, 1, "x")):
        with pytest.raises(Recalled):
            act()
    store.removals.remove(two, key, [1], "x")  # a tombstone can be put away
    with pytest.raises(NotAMember):
        store.removals.remove(people(store, 1)[0], key, [2], "y")
    [first, *_] = store.events.page(two, key, 5).events
    assert (first.removed, first.body) == (True, "")


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_no_change_and_no_page_reads_a_whole_table(
    database: Database, store: Store, chat: tuple[int, int, int]
) -> None:
    one, two, key = chat
    seen: list[tuple[str, Any]] = []

    @event.listens_for(database._writer, "before_cursor_execute")
    @event.listens_for(database.engine, "before_cursor_execute")
    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        seen.append((statement, parameters))

    edit(store, one, key, 1, "x")
    edit(store, one, key, 1, "y")
    react(store, two, key, 1)
    react(store, two, key, 1, on=False)
    pin(store, two, key, 1)
    store.changes.pins(two, key)
    store.changes.reactors(two, key, 1, "👍", 0, 10)
    store.forwards.stored(one, ["a", "b"])
    store.removals.remove(two, key, [1, 2], "x")
    recall(store, one, key, 1)
    kinds = ("SELECT", "UPDATE", "DELETE")
    asked = [found for found in seen if found[0].lstrip().startswith(kinds)]
    assert len(asked) > 30
    for statement, parameters in asked:
        steps = plan(database, statement, parameters)
        scans = [step for step in steps if any(step.startswith(f"SCAN {name}") for name in GROWING)]
        assert scans == [], (statement, steps)


def test_what_is_replied_to_is_looked_up_by_its_place(
    store: Store, chat: tuple[int, int, int]
) -> None:
    one, _, key = chat
    recall(store, one, key, 1)
    asked = {(key, 1), (key, 2), (key, 3), (key, 9), (10**9, 1)}
    found = store.database.append(lambda connection: replied(connection, asked))
    assert found == {
        (key, 1): ("message", True), (key, 2): ("message", False), (key, 3): ("recall", False),
    }


@pytest.mark.parametrize("ended", ["removed", "disbanded"])
def test_a_repeat_gets_the_original_place_though_its_user_is_no_member_any_more(
    store: Store, ended: str
) -> None:
    owner, one = people(store, 2)
    key = make_group(store, owner, one)
    draft = into(one, key, "1", "m")
    place = stored(store.journal.commit([draft]))[0]
    edit(store, owner, key, stored(store.journal.commit([into(owner, key)]))[0].seq, "2")
    set_up(store, Member, member(key, one), role=ADMIN)
    works: list[Callable[[], Appended]] = [
        lambda: edit(store, one, key, place.seq, "x"),
        lambda: react(store, one, key, place.seq),
        lambda: pin(store, one, key, place.seq),
        lambda: store.removals.remove(one, key, [place.seq], "removal"),
        lambda: recall(store, one, key, place.seq),
    ]
    first = [work().entry[:2] for work in works]
    if ended == "removed":
        store.membership.remove(owner, key, one)
    else:
        store.groups.disband(owner, key)
    before = counts(store)
    again = [work() for work in works]
    assert [(told.entry[:2], told.fresh) for told in again] == [(at, False) for at in first]
    [message] = stored(store.journal.commit([draft]))
    assert (message.seq, message.fresh) == (place.seq, False)
    assert counts(store) == before
    with pytest.raises(RefConflict):
        store.changes.pin(one, key, place.seq, "m", True)
    with pytest.raises(NotAMember):
        store.changes.pin(one, key, place.seq, "never used", True)


def test_edits_of_removed_messages_are_blank_for_who_removed_them_only(
    store: Store, chat: tuple[int, int, int]
) -> None:
    one, two, key = chat
    edit(store, one, key, 1, "a")
    edit(store, two, key, 2, "b")
    store.removals.remove(two, key, [1], "x")
    bodies = {user: [entry.body for entry in log(store, user, key)][2:] for user in (one, two)}
    assert bodies[two] == ['{"seq":1}', bodies[one][1]]
    assert all("content" in body for body in bodies[one])
    recall(store, two, key, 2)
    assert [entry.body for entry in log(store, two, key)][2:4] == ['{"seq":1}', '{"seq":2}']
