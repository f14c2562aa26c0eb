"""The rules of the journal's store, on SQLite and on PostgreSQL: dense, once, in order."""

from __future__ import annotations

from itertools import combinations

import pytest
from sqlalchemy import update

from app.chat.journal import BATCH
from app.errors import BadRequest, HiChatError, NotAMember, RefConflict, UnknownUser
from app.models import Conversation
from app.models.message import PRIVATE
from app.store import Store
from app.store.clock import now_ms
from app.store.log.items import Draft, Mark, Marked, Stored
from tests.support.log import body, contents, into, log, people, stored, to_user


def test_a_batch_gets_dense_seqs_in_its_own_order(store: Store) -> None:
    alice, bob = people(store, 2)
    batch = [to_user(*pair, str(n)) for n, pair in enumerate([(alice, bob), (bob, alice)] * 10)]
    places = stored(store.journal.commit(batch))
    assert [place.seq for place in places] == list(range(1, 21))
    assert len({place.conversation for place in places}) == 1
    entries = log(store, alice, places[0].conversation)
    assert contents(entries) == [str(n) for n in range(20)]
    assert [entry.sender_id for entry in entries] == [alice, bob] * 10


def test_every_conversation_of_a_batch_is_dense_by_itself(store: Store) -> None:
    users = people(store, 4)
    pairs = list(combinations(users, 2))
    for _ in range(3):
        stored(store.journal.commit([to_user(*pair) for pair in pairs * 2]))
    for low, high in pairs:
        conversation, new = store.conversations.open_private(high, low)
        assert not new
        assert [entry.seq for entry in log(store, low, conversation)] == [1, 2, 3, 4, 5, 6]


def test_a_repeat_within_a_batch_gets_the_same_place_and_is_not_fresh(store: Store) -> None:
    alice, bob = people(store, 2)
    draft = to_user(alice, bob, ref="r")
    first, again, other = stored(store.journal.commit([draft, draft, to_user(alice, bob)]))
    assert (first.fresh, again.fresh) == (True, False)
    assert (again.seq, again.at, other.seq) == (first.seq, first.at, 2)


def test_a_repeat_in_a_later_batch_gets_the_original_place_even_after_a_restart(
    store: Store,
) -> None:
    alice, bob = people(store, 2)
    first, = stored(store.journal.commit([to_user(alice, bob, ref="r")]))
    restarted = Store(store.database)
    new, again = stored(
        restarted.journal.commit([to_user(bob, alice), to_user(alice, bob, ref="r")])
    )
    assert (again.seq, again.at, again.fresh) == (1, first.at, False)
    assert (new.seq, new.fresh) == (2, True)


def test_a_repeat_may_name_the_conversation_where_the_first_named_the_user(store: Store) -> None:
    alice, bob = people(store, 2)
    first, = stored(store.journal.commit([to_user(alice, bob, ref="r")]))
    again, = stored(store.journal.commit([into(alice, first.conversation, ref="r")]))
    assert (again.seq, again.fresh) == (1, False)


def test_a_ref_of_another_message_is_a_conflict_within_a_batch_and_across(store: Store) -> None:
    alice, bob, carol = people(store, 3)
    place, conflict = store.journal.commit(
        [to_user(alice, bob, "a", ref="r"), to_user(alice, bob, "b", ref="r")]
    )
    assert isinstance(place, Stored) and isinstance(conflict, RefConflict)
    later = store.journal.commit(
        [to_user(alice, bob, "b", ref="r"), to_user(alice, carol, "a", ref="r")]
    )
    assert [type(item) for item in later] == [RefConflict, RefConflict]
    assert contents(log(store, alice, place.conversation)) == ["a"]


def test_a_ref_belongs_to_its_sender(store: Store) -> None:
    alice, bob = people(store, 2)
    batch = [to_user(alice, bob, ref="r"), to_user(bob, alice, ref="r")]
    assert [place.fresh for place in stored(store.journal.commit(batch))] == [True, True]


def test_drafts_without_a_ref_are_never_repeats(store: Store) -> None:
    alice, bob = people(store, 2)
    draft = Draft(alice, None, body("hi"), to_user=bob)
    places = stored([*store.journal.commit([draft, draft]), *store.journal.commit([draft])])
    assert [place.seq for place in places] == [1, 2, 3]


def test_a_full_batch_is_repeated_whole(store: Store) -> None:
    alice, bob = people(store, 2)
    batch = [to_user(alice, bob, str(n)) for n in range(BATCH)]
    first = stored(store.journal.commit(batch))
    again = stored(store.journal.commit(batch))
    assert [place.seq for place in again] == [place.seq for place in first]
    assert not any(place.fresh for place in again)


def test_a_full_batch_may_open_a_conversation_with_each_message(store: Store) -> None:
    pairs = list(combinations(people(store, 64), 2))[:BATCH]
    places = stored(store.journal.commit([to_user(*pair) for pair in pairs]))
    assert {place.seq for place in places} == {1}
    assert len({place.conversation for place in places}) == len(pairs)


def test_unknown_users_and_foreign_conversations_are_refused(store: Store) -> None:
    alice, bob, carol = people(store, 3)
    place, = stored(store.journal.commit([to_user(alice, bob)]))
    results = store.journal.commit([
        to_user(alice, 10**9), into(carol, place.conversation), into(alice, 10**9),
        into(bob, place.conversation),
    ])
    assert [type(item) for item in results] == [UnknownUser, NotAMember, NotAMember, Stored]


def test_nobody_writes_to_a_deleted_account(store: Store) -> None:
    alice, bob, carol = people(store, 3)
    place, = stored(store.journal.commit([to_user(alice, bob)]))
    store.users.delete(bob)
    results = store.journal.commit([
        to_user(alice, bob), into(alice, place.conversation), to_user(carol, bob),
    ])
    assert [type(item) for item in results] == [UnknownUser] * 3
    assert len(log(store, alice, place.conversation)) == 1


def test_a_repeat_gets_its_place_even_after_the_receiver_is_gone(store: Store) -> None:
    alice, bob = people(store, 2)
    first, = stored(store.journal.commit([to_user(alice, bob, ref="r")]))
    store.users.delete(bob)
    again, = stored(store.journal.commit([to_user(alice, bob, ref="r")]))
    assert (again.seq, again.at, again.fresh) == (first.seq, first.at, False)


def test_a_refused_draft_opens_no_conversation(store: Store) -> None:
    alice, bob, carol, dora = people(store, 4)
    stored(store.journal.commit([to_user(alice, bob, ref="used")]))
    reply = to_user(alice, dora)
    reply.reply_to = 5
    results = store.journal.commit([to_user(alice, carol, ref="used"), reply])
    assert [type(item) for item in results] == [RefConflict, BadRequest]
    assert store.conversations.heads(carol, 10) == []
    assert store.conversations.heads(dora, 10) == []


def test_a_reply_may_refer_to_what_stands_before_it_only(store: Store) -> None:
    alice, bob = people(store, 2)
    batch = [to_user(alice, bob), to_user(bob, alice), to_user(bob, alice)]
    batch[1].reply_to, batch[2].reply_to = 1, 3
    results = store.journal.commit(batch)
    assert [type(item) for item in results] == [Stored, Stored, BadRequest]


def test_time_does_not_run_backwards_within_a_conversation(store: Store) -> None:
    alice, bob = people(store, 2)
    place, = stored(store.journal.commit([to_user(alice, bob)]))
    ahead = now_ms() + 3_600_000
    store.database.write(
        lambda session: session.execute(update(Conversation).values(last_at=ahead)).close()
    )
    later, = stored(store.journal.commit([to_user(bob, alice)]))
    assert place.at < ahead == later.at


def test_a_mark_moves_the_cursor_forward_only(store: Store) -> None:
    alice, bob, carol = people(store, 3)
    place = stored(store.journal.commit([to_user(alice, bob) for _ in range(9)]))[0]
    key = place.conversation
    results = store.journal.commit([
        Mark(bob, key, 5), Mark(bob, key, 3), Mark(bob, key, 9), Mark(bob, key, 10),
        Mark(carol, key, 1), Mark(alice, key, 0),
    ])
    cursors = [(item.seq, item.moved) for item in results if isinstance(item, Marked)]
    assert cursors == [(5, True), (5, False), (9, True), (0, False)]
    assert [type(item) for item in results[3:5]] == [BadRequest, NotAMember]
    assert [head[:5] for head in store.conversations.heads(bob, 10)] == [(key, PRIVATE, 9, 9, 0)]
    assert [head[:5] for head in store.conversations.heads(alice, 10)] == [(key, PRIVATE, 9, 0, 0)]


def test_a_batch_may_mix_messages_marks_repeats_and_refusals(store: Store) -> None:
    alice, bob, carol = people(store, 3)
    first, = stored(store.journal.commit([to_user(alice, bob, "1", ref="one")]))
    key = first.conversation
    results = store.journal.commit([
        Mark(bob, key, 2), to_user(bob, alice, "2"), Mark(bob, key, 2),
        to_user(alice, bob, "1", ref="one"), to_user(alice, bob, "x", ref="one"),
        to_user(carol, carol, "note"), into(carol, key), into(alice, key, "3"), Mark(alice, key, 3),
    ])
    assert [type(item) for item in results] == [
        BadRequest, Stored, Marked, Stored, RefConflict, Stored, NotAMember, Stored, Marked,
    ]
    assert contents(log(store, bob, key)) == ["1", "2", "3"]
    assert [head[:5] for head in store.conversations.heads(bob, 10)] == [(key, PRIVATE, 3, 2, 0)]


@pytest.mark.parametrize("bad", [
    Draft(0, "nul-in-body", body("x").replace("x", "\0")),
    Draft(0, "nul-\0-in-ref", body("x")),
    Draft(0, "surrogate", body("x").replace("x", "\ud800")),
    Draft(0, "no-body", None),  # type: ignore[arg-type]
    Draft(0, "r" * 65, body("long ref")),
    Draft(0, "type", body("x"), type="t" * 17),
    Draft(0, "huge-reply", body("x"), reply_to=2**70),
], ids=lambda draft: repr(draft.ref)[:20])
def test_an_item_that_the_database_refuses_does_not_cost_the_others_theirs(
    store: Store, bad: Draft
) -> None:
    alice, bob = people(store, 2)
    bad.sender, bad.to_user = alice, bob
    one, middle, two = store.journal.commit([to_user(alice, bob), bad, to_user(bob, alice)])
    place, other = stored([one, two])
    entries = log(store, bob, place.conversation)
    assert [entry.seq for entry in entries] == list(range(1, len(entries) + 1))
    assert {place.seq, other.seq} <= {entry.seq for entry in entries}
    assert isinstance(middle, HiChatError) == (len(entries) == 2)


@pytest.mark.parametrize("huge", [2**63, 2**70])
def test_ids_that_no_database_can_hold_do_not_cost_the_others_theirs(
    store: Store, huge: int
) -> None:
    alice, bob = people(store, 2)
    results = store.journal.commit([
        to_user(alice, huge), into(alice, huge), Mark(alice, huge, 1), to_user(alice, bob),
    ])
    assert all(isinstance(item, HiChatError) for item in results[:3])
    assert isinstance(results[3], Stored)
