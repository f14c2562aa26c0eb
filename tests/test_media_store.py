"""The rules of uploads that only the database can keep, on SQLite and on PostgreSQL."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from msgspec.structs import replace
from sqlalchemy import select

from app.errors import HiChatError, NotFound, QuotaExceeded, TooMany
from app.models import Blob, Medium
from app.store import Database, Store
from app.store.clock import now_ms
from app.store.media.media import DAY_MS
from app.store.media.uploads import LIFE_MS, OPEN_UPLOADS
from tests.support.log import at_once, people, stored, to_user

only_postgres = pytest.mark.parametrize("database", ["postgres"], indirect=True)
MEGABYTE = 1_000_000
DIGEST = "ab" * 32


@pytest.fixture
def small_store(database: Database) -> Store:
    """One in which a user uploads ten megabytes a day."""
    return Store(database, day_bytes=10 * MEGABYTE)


def medium(owner: int, digest: str = DIGEST, size: int = MEGABYTE) -> Medium:
    now = now_ms()
    return Medium(
        id=secrets.token_urlsafe(16), owner_id=owner, media="image", type="image/png", name="a.png",
        size=size, digest=digest, public=False, created_at=now, loose_since=now,
    )


def add(store: Store, found: Medium) -> str:
    store.media.add(found, {found.digest: found.size})
    return found.id


def attempt(work: Callable[[], Any]) -> Any:
    """What comes of `work`: its result, or the error that it raises."""
    try:
        return work()
    except HiChatError as error:
        return type(error)


@only_postgres
def test_files_that_come_at_once_fill_a_quota_and_no_more(small_store: Store) -> None:
    [ada] = people(small_store, 1)
    media = [medium(ada, secrets.token_hex(32), 3 * MEGABYTE) for _ in range(8)]
    found = at_once(partial(attempt, partial(add, small_store, each)) for each in media)
    assert found.count(QuotaExceeded) == 5


@only_postgres
def test_uploads_that_begin_at_once_fill_a_quota_and_no_more(small_store: Store) -> None:
    [ada] = people(small_store, 1)
    begin = partial(small_store.uploads.begin, ada, 3 * MEGABYTE, "{}")
    assert at_once([partial(attempt, begin)] * 8).count(QuotaExceeded) == 5


@only_postgres
def test_so_many_uploads_are_open_and_no_more(store: Store) -> None:
    [ada] = people(store, 1)
    begin = partial(store.uploads.begin, ada, MEGABYTE, "{}")
    for _ in range(OPEN_UPLOADS - 3):
        begin()
    assert at_once([partial(attempt, begin)] * 8).count(TooMany) == 5


def test_an_upload_that_has_expired_is_open_no_more(store: Store) -> None:
    """As one by a form whose process has died."""
    [ada] = people(store, 1)
    for life in (0, LIFE_MS):
        for _ in range(OPEN_UPLOADS):
            store.uploads.begin(ada, MEGABYTE, "", life)
    with pytest.raises(TooMany):
        store.uploads.begin(ada, MEGABYTE, "")


@only_postgres
def test_every_claim_of_a_blob_is_counted(store: Store, database: Database) -> None:
    ada, bob = people(store, 2)
    keys = at_once([partial(add, store, medium(user)) for user in (ada, bob) * 4])

    def claims() -> tuple[int, bool] | None:
        with database.read() as session:
            blob = session.get(Blob, DIGEST)
            return (blob.refs, blob.free_since is not None) if blob else None

    assert claims() == (8, False)
    for key in keys[1:]:
        store.media.drop(key)
    assert claims() == (1, False)
    store.media.drop(keys[0])
    assert claims() == (0, True)
    assert store.media.doom(now_ms()) == []
    assert store.media.doom(now_ms() + 2 * DAY_MS) == [DIGEST]
    store.media.bury([DIGEST])
    assert claims() is None


def test_who_may_read_is_asked_of_many_files_in_one_statement(store: Store) -> None:
    ada, bob, eve = people(store, 3)
    carried, loose, shown = (add(store, medium(ada)) for _ in range(3))
    theirs = add(store, medium(bob))
    store.media.show_everybody(ada, shown)
    draft = replace(to_user(ada, bob), medium=carried)
    [place] = stored(store.journal.commit([draft]))
    everything = [carried, loose, shown, theirs, "A" * 22]
    for user, readable in (
        (ada, {carried, loose, shown}), (bob, {carried, shown, theirs}), (eve, {shown}),
    ):
        assert store.media.readable_of(user, everything).keys() == readable
        for key in everything:
            found = attempt(partial(store.media.readable, user, key))
            assert (found is not NotFound) == (key in readable)
    assert store.media.carried(place.conversation, carried).id == carried



def test_a_former_avatar_is_as_any_other_file_again(store: Store, database: Database) -> None:
    ada, bob = people(store, 2)
    now, later = (add(store, medium(ada)) for _ in range(2))
    for key in (now, later):
        assert store.media.show_everybody(ada, key)
        store.users.change(ada, avatar=f"/v2/media/{key}")
    draft = replace(to_user(ada, bob), medium=now)
    stored(store.journal.commit([draft]))

    def state(key: str) -> tuple[bool, bool]:
        with database.read() as session:
            found = session.scalars(select(Medium).where(Medium.id == key)).one()
            return found.public, found.loose_since is not None

    store.media.retire(now_ms())
    assert (state(now), state(later)) == ((True, True), (True, True))
    store.media.retire(now_ms() + 2 * DAY_MS)
    assert (state(now), state(later)) == ((False, False), (True, True))
    store.users.change(ada, avatar="")
    store.media.retire(now_ms() + 2 * DAY_MS)
    assert state(later) == (False, True)
    assert store.media.sweep(now_ms() + 9 * DAY_MS) == 1
    assert attempt(partial(store.media.readable, ada, later)) is NotFound
    assert store.media.readable(bob, now).id == now
