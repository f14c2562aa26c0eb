"""A backup read back: into each database from each, and nothing at all where it cannot be."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask_migrate import downgrade, upgrade
from sqlalchemy import text

from app import services
from app.errors import Unavailable
from app.models.message import ACCOUNT
from app.services import Services
from app.store import Database
from app.store.archive.archive import Manifest, Refused, written
from app.store.archive.backup import write_backup
from app.store.archive.restore import restore_backup
from app.store.database import newest_revision
from tests.support.backups import (
    ODD,
    NewSite,
    Returned,
    World,
    contents,
    dump,
    hichat,
    opened,
    sites,
)
from tests.support.client import PASSWORD, Person
from tests.support.process import wait_until
from tests.support.server import Server

SECRET = "a signing key of these tests, of some length"
MANIFEST = "manifest.json"


@pytest.fixture(scope="module")
def old(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    """The world that most of these tests restore. They only read it."""
    folder = tmp_path_factory.mktemp("old")
    with sites(folder, request) as make:
        site = make("sqlite")
        with opened(site, migrated=True) as app:
            yield World(app, site.folder)


@pytest.fixture(scope="module")
def good(old: World) -> bytes:
    """A good backup of it."""
    return backed_up(old)


def backed_up(world: World) -> bytes:
    path = world.folder / "good.tar"
    with written(path) as file:
        write_backup(world.found.store.database, world.found.blobs, file, "0.1.0", SECRET)
    return path.read_bytes()


@pytest.fixture(params=["sqlite", "postgres"])
def target(request: pytest.FixtureRequest, new_site: NewSite) -> Iterator[Services]:
    """A site that was started once, and has nobody yet."""
    with opened(new_site(request.param), migrated=True) as app:
        yield services.of(app)


@pytest.fixture(params=["sqlite", "postgres"], scope="module")
def untouched(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Services]:
    """Such a site, for all that must not change it."""
    folder = tmp_path_factory.mktemp("untouched")
    with sites(folder, request) as make, opened(make(request.param), migrated=True) as app:
        yield services.of(app)


def restore(target: Services, content: bytes) -> Manifest:
    file = io.BufferedReader(io.BytesIO(content))  # type: ignore[arg-type]
    config = target.config
    manifest, _, _ = restore_backup(
        target.store.database, target.blobs, file, config.data_path, config.keep_signing_key
    )
    return manifest


def refused(target: Services, content: bytes) -> str:
    """A restore that must not be, and that must change nothing; what it says."""
    before = state(target)
    with pytest.raises(Refused) as told:
        restore(target, content)
    assert state(target) == before
    assert SECRET not in str(told.value)
    return str(told.value)


def state(target: Services) -> tuple[object, ...]:
    """All rows, and all files but the database's."""
    folder = target.config.data_path
    files = {
        str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*")
        if path.is_file() and not path.name.startswith("hichat.db")
    }
    return dump(target.store.database), target.store.database.schema(), files


def changed(good: bytes, change: Callable[[str, bytes], bytes | None]) -> bytes:
    """The tar with each member as `change` says; without it for None."""
    made = io.BytesIO()
    with tarfile.open(fileobj=io.BytesIO(good)) as old, tarfile.open(fileobj=made, mode="w") as new:
        for member in old:
            content = change(member.name, old.extractfile(member).read())  # type: ignore[union-attr]
            if content is not None:
                member.size = len(content)
                new.addfile(member, io.BytesIO(content))
    return made.getvalue()


def manifest_with(good: bytes, **fields: Any) -> bytes:
    def change(name: str, content: bytes) -> bytes:
        return json.dumps(json.loads(content) | fields).encode() if name == MANIFEST else content

    return changed(good, change)


# -- what comes back ---------------------------------------------------------------------------


@pytest.mark.parametrize("target", ["sqlite", "postgres"])
@pytest.mark.parametrize("source", ["sqlite", "postgres"])
def test_a_restored_site_is_the_same_and_serves_on_from_each_database_to_each(
    new_site: NewSite, tmp_path: Path, source: str, target: str
) -> None:
    site, new = new_site(source), new_site(target)
    with opened(site, migrated=True) as app:
        world = World(app, site.folder)
        before = dump(world.found.store.database)
    assert [name for name, rows in before.items() if not rows] == []
    file = str(tmp_path / "moved.tar.gz")
    assert hichat(site, "backup", file).returncode == 0
    restored = hichat(new, "restore", file)
    assert restored.returncode == 0, restored.stderr
    assert contents(new) == before
    media = [
        {path.relative_to(place.folder): path.read_bytes()
         for path in (place.folder / "media").rglob("*") if path.is_file()}
        for place in (site, new)
    ]
    del media[0][world.kept(world.free).relative_to(site.folder)]  # nobody refers to it
    assert media[0] == media[1]
    assert len(media[1]) == 2
    serves_on(new, world)


def serves_on(site: Server, world: World) -> None:
    """Passwords, tokens, history and search are as they were; ids go on behind those there are."""
    site.start()
    ada = Returned(site, world.ada)
    assert ada.get("/v2/users/me")["name"] == "ada"
    login = ada.post("/v2/auth/login", name="ben", password=PASSWORD)
    assert login.status_code == 200
    said = [event.get("message", {}).get("content") for event in ada.history(world.chat)]
    assert said[:4] == ["我在北京的公司喝茶", "Coffee at two?", ODD, None]
    new = Person(site)
    assert new.id == world.dan.id + 1
    with new.device() as device:
        assert device.text("first", ada.id)["seq"] == 1
    with opened(site) as app:  # nobody has written in the old conversations, nor searched
        wait_until(lambda: behind(services.of(app).store.database) == [])
    for word, seq in (("公司", 1), ("coffee", 2), ("quote", 3)):
        found = ada.get("/v2/search", q=word)
        assert ([result["seq"] for result in found["results"]], found["complete"]) == ([seq], True)
    assert ada.get("/v2/search", q="tea")["results"] == []


def behind(database: Database) -> list[int]:
    """The conversations whose words are not all in the index."""
    with database.read() as session:
        return list(session.scalars(text("""
            SELECT id FROM conversation LEFT JOIN search_place ON conversation_id = id
            WHERE coalesce(seq, 0) < last_seq AND kind <> :account"""), {"account": ACCOUNT}))


@pytest.mark.parametrize("revision", ["0008", "0003", "0001"])
def test_a_backup_of_an_older_schema_is_loaded_at_its_own_and_then_upgraded(
    app: Flask, tmp_path: Path, target: Services, revision: str
) -> None:
    world = World(app, tmp_path)
    with app.app_context():
        downgrade(revision=revision)
        older = backed_up(world)
        upgrade()
    assert restore(target, older).revision == revision
    assert target.store.database.schema() == newest_revision()
    assert dump(target.store.database) == dump(world.found.store.database)
    assert len(dump(target.store.database)["event"]) > 5


def test_a_backup_may_come_packed_or_not_and_through_a_pipe(
    new_site: NewSite, good: bytes, old: World
) -> None:
    for content in (good, gzip.compress(good)):
        site = new_site("sqlite")
        assert hichat(site, "restore", "-", input=content).returncode == 0
        assert contents(site) == dump(old.found.store.database)


def test_files_that_are_kept_there_already_stay_as_they_are(
    target: Services, good: bytes, old: World
) -> None:
    """As where the database alone moves; and a restore that was killed can be repeated."""
    source = old.folder / "source"
    source.write_bytes(b"")
    target.blobs.put(old.empty, source)
    assert "not whole" in refused(target, good[: len(good) - 8192])
    assert target.blobs.has(old.empty)
    restore(target, good)
    assert b"".join(target.blobs.read(old.shown)) == b"what is shown" * 20_000


# -- what is refused, and changes nothing ------------------------------------------------------


def test_a_database_that_is_in_use_is_refused_with_the_remedy(
    target: Services, good: bytes
) -> None:
    target.store.users.create("eve", "hash")
    told = refused(target, good)
    assert "in use" in told and "HICHAT_DATA_DIR" in told and "HICHAT_DATABASE_URL" in told


@pytest.mark.parametrize("content", [
    b"", b"hello", b"\x1f\x8b no gzip at all", bytes(4096), b"x" * 100_000,
])
def test_a_file_that_is_no_backup_is_refused(untouched: Services, content: bytes) -> None:
    told = refused(untouched, content)
    assert "no backup of HiChat" in told or "damaged" in told


def test_a_tar_of_something_else_is_refused(untouched: Services, good: bytes) -> None:
    for other in (
        changed(good, lambda name, content: None if name == MANIFEST else content),
        changed(good, lambda name, content: b"{}" if name == MANIFEST else content),
        changed(good, lambda name, content: b"\xff" if name == MANIFEST else content),
    ):
        assert "no backup of HiChat" in refused(untouched, other)


def test_a_backup_of_a_later_version_is_refused(untouched: Services, good: bytes) -> None:
    told = refused(untouched, manifest_with(good, revision="9999", version="7.0"))
    assert "HiChat 7.0" in told and "9999" in told and "or a later one" in told
    assert "a later one" in refused(untouched, manifest_with(good, hichat_backup=2))


@pytest.mark.parametrize("part", [0.001, 0.02, 0.1, 0.5, 0.9])
def test_a_backup_that_ends_too_early_is_refused(
    untouched: Services, good: bytes, part: float
) -> None:
    whole = good.rindex(b"end.json")
    for content in (good, gzip.compress(good)):
        size = min(whole, int(len(content) * part))
        told = refused(untouched, content[:size])
        assert "damaged or not whole" in told or "no backup" in told
    assert "its end is missing" in refused(untouched, good[:whole])


@pytest.mark.parametrize(("what", "instead", "name"), [
    (b"Coffee at two", b"Coffee at six", "tables/event/000001.jsonl"),
    (b"what is shown", b"what is shawn", "media/"),
    (SECRET.encode(), SECRET.upper().encode(), "secret_key"),
    (b'"half a sent"', b'"half a sent{', "tables/member/000001.jsonl"),
    (b'"half a sent"', b'"half a sen\xff"', "tables/member/000001.jsonl"),
    (b'"version": "0.1.0"', b'"version": "0.9.0"', "manifest.json"),
])
def test_a_backup_that_has_changed_is_refused_and_the_place_is_named(
    untouched: Services, good: bytes, what: bytes, instead: bytes, name: str
) -> None:
    assert what in good
    told = refused(untouched, good.replace(what, instead, 1))
    assert "damaged" in told and name in told


@pytest.mark.parametrize("lost", ["secret_key", "tables/user/000001.jsonl", "media/", "end.json"])
def test_a_backup_that_lacks_a_member_is_refused(
    untouched: Services, good: bytes, lost: str
) -> None:
    told = refused(untouched, changed(
        good, lambda name, content: None if name.startswith(lost) else content
    ))
    assert "damaged" in told or "The database refused it" in told


def test_a_failure_while_files_are_kept_leaves_nothing(
    target: Services, good: bytes, old: World
) -> None:
    last = max(old.shown, old.empty)
    in_the_way = target.config.data_path / "media" / last[:2]
    in_the_way.touch()
    before = state(target)
    with pytest.raises(Unavailable):
        restore(target, good)
    assert state(target) == before
    in_the_way.unlink()
    restore(target, good)
    assert dump(target.store.database) == dump(old.found.store.database)


def test_a_refusal_is_one_line_and_status_1(new_site: NewSite, tmp_path: Path) -> None:
    site = new_site("sqlite")
    (tmp_path / "notes").write_text("no backup")
    for name, told in (("notes", "no backup of HiChat"), ("nothing", "No such file")):
        done = hichat(site, "restore", str(tmp_path / name))
        assert done.returncode == 1
        [line] = done.stderr.decode().splitlines()
        assert line.startswith("Error: ") and told in line
