"""Sites to back up and to restore into, what is in one, and the two commands."""

from __future__ import annotations

import hashlib
import itertools
import secrets
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask_migrate import upgrade
from sqlalchemy import select
from sqlalchemy.orm import Session

import config as configuration
from app import create_app, services
from app.extensions import db
from app.models import Attachment, Blob, Medium, Upload
from app.store import Database
from app.store.clock import now_ms
from tests.support.chat import text
from tests.support.client import Person
from tests.support.groups import new_group, team
from tests.support.postgres import new_database
from tests.support.server import ROOT, Server
from tests.support.web import Account

NewSite = Callable[..., Server]  # kind, settings
ODD = "a\ttab, a \"quote\", a \\ and a 😀"
NOT_KEPT = {"indexed", "upload"}
DAY_MS = 86_400_000


@contextmanager
def sites(folder: Path, request: pytest.FixtureRequest) -> Iterator[NewSite]:
    """Makes sites in `folder`, which end with the block."""
    numbers = itertools.count(1)
    with ExitStack() as stack:

        def make(kind: str, **settings: str) -> Server:
            place = folder / f"site-{next(numbers)}"
            place.mkdir()
            if kind == "postgres":
                server_url = request.getfixturevalue("postgres_url")
                settings["HICHAT_DATABASE_URL"] = stack.enter_context(new_database(server_url))
            made = Server(place, **settings)
            stack.callback(lambda: made.process and made.kill())
            return made

        yield make


def hichat(site: Server, *arguments: str, **options: Any) -> subprocess.CompletedProcess[bytes]:
    """A command of the operator, as they type it."""
    return subprocess.run(
        command(*arguments), cwd=ROOT, env=site.environ, capture_output=True, timeout=120, **options
    )


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "flask", "--app", "wsgi", "hichat", *arguments]


@contextmanager
def opened(site: Server, migrated: bool = False) -> Iterator[Flask]:
    """The site's application, in this process; migrate it first, if that is asked for."""
    made = create_app(configuration.load(site.environ))
    try:
        if migrated:
            with made.app_context():
                upgrade()
        yield made
    finally:
        services.of(made).store.database.close()


def dump(database: Database) -> dict[str, list[Any]]:
    """Every row that a backup has, of every table, sorted."""
    found = {}
    with database.read() as session:
        for table in db.metadata.sorted_tables:
            if table.name in NOT_KEPT:
                continue
            statement = select(table)
            if table.name == "blob":
                statement = statement.where(table.c.refs > 0)
            found[table.name] = sorted(map(tuple, session.execute(statement)), key=repr)
    return found


def contents(site: Server) -> dict[str, list[Any]]:
    with opened(site) as app:
        return dump(services.of(app).store.database)


class World:
    """People, what they did, and a file of each kind: something in every table."""

    def __init__(self, app: Flask, folder: Path) -> None:
        self.found = services.of(app)
        self.folder = folder
        self.ada, self.ben, self.cyd, self.dan = team(
            app.test_client(), "ada", "ben", "cyd", "dan"
        )
        self.chat = int(self.ada.post("/v2/conversations", user=self.ben.id).json["id"])
        self.group = new_group(self.ada, self.ben, self.cyd, join="approval")
        self._contacts()
        self._messages()
        self._files()
        self.found.store.indexer.catch_up([self.chat, self.group], 1000)

    def _contacts(self) -> None:
        done(self.ada.post("/v2/contacts", user=self.ben.id, note="你好"))
        done(self.ben.post(f"/v2/contacts/{self.ada.id}/accept"))
        done(self.dan.post(f"/v2/groups/{self.group}/join", note="it's me"))
        done(self.ada.post(f"/v2/groups/{self.group}/invites", uses=3))
        done(self.ben.patch(f"/v2/conversations/{self.chat}", pinned=True, draft="half a sent"))

    def _messages(self) -> None:
        ada, ben = self.ada, self.ben
        chat, group = (f"/v2/conversations/{key}" for key in (self.chat, self.group))
        for content in ("我在北京的公司喝茶", "Tea at one?", ODD, "x"):
            done(ada.post(f"{chat}/messages", ref=uuid.uuid4().hex, message=text(content)))
        done(ada.post(f"{chat}/edits", ref="e", seq=2, message={"content": "Coffee at two?"}))
        done(ada.post(f"{chat}/recalls", ref="x", seq=4))
        done(ben.post(f"{chat}/reactions", ref="r", seq=1, emoji="👍", on=True))
        done(ben.post(f"{chat}/pins", ref="p", seq=1, on=True))
        done(ben.post(f"{chat}/removals", ref="d", seqs=[3]))
        done(ben.post(f"{group}/messages", ref="m", message=text("hey", mentions=[ada.id])))

    def _files(self) -> None:
        """A file in a message, an empty one, and one that nobody refers to any more."""
        self.shown = self.put(b"what is shown" * 20_000)
        self.empty = self.put(b"")
        self.free = self.put(b"nobody wants this")
        medium = self.add_file(self.shown, size=260_000)
        now = now_ms()

        def work(session: Session) -> None:
            session.add_all([
                Blob(digest=self.empty, size=0, refs=1),
                Blob(digest=self.free, size=17, refs=0, free_since=now),
            ])
            session.flush()
            session.get_one(Medium, medium).small = self.empty
            session.add_all([
                Attachment(conversation_id=self.chat, seq=1, medium_id=medium),
                Upload(
                    id="u" * 22, owner_id=self.ada.id, length=9, hints="{}", created_at=now,
                    expires_at=now + DAY_MS,
                ),
            ])

        self.found.store.database.write(work)

    def add_file(self, digest: str, size: int, loose_since: int | None = None) -> str:
        """The rows of an upload of ada's; its id."""
        key = secrets.token_urlsafe(16)

        def work(session: Session) -> None:
            session.add(Blob(digest=digest, size=size, refs=1))
            session.flush()
            session.add(Medium(
                id=key, owner_id=self.ada.id, media="file", type="text/plain", name="a.txt",
                size=size, digest=digest, created_at=now_ms(), loose_since=loose_since,
            ))

        self.found.store.database.write(work)
        return key

    def put(self, content: bytes) -> str:
        """Keep a file; its digest."""
        digest = hashlib.sha256(content).hexdigest()
        source = self.folder / "source"
        source.write_bytes(content)
        self.found.blobs.put(digest, source)
        source.unlink()
        return digest

    def kept(self, digest: str) -> Path:
        """Where the bytes of a file are."""
        [path] = (path for path in (self.folder / "media").rglob("*") if path.is_file()
                  and hashlib.sha256(path.read_bytes()).hexdigest() == digest)
        return path


class Returned(Person):
    """Somebody whose token is older than this site."""

    def __init__(self, site: Server, account: Account) -> None:
        self.server, self.id, self.name, self.token = site, account.id, account.name, account.token


def done(answer: Any) -> None:
    assert answer.status_code < 300, answer.text
