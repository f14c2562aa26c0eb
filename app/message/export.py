"""`GET /v2/users/me/export`: all that a user has here, as one JSON object, page by page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import gevent
from flask import Response
from msgspec import Struct

from app.auth import tokens
from app.auth.tickets import Pass
from app.auth.tokens import login_required
from app.chat.catching_up import event_of
from app.chat.frames import encode
from app.errors import NotAMember, SessionRevoked
from app.extensions import limiter
from app.http import JSON
from app.media.upload import line_of as line_of_medium
from app.message import bp
from app.message.conversations import KINDS, GroupPart, group_of
from app.models import User
from app.services import Services, services
from app.store.clock import now_ms
from app.store.conversations.summaries import Summary
from app.user.auth import SessionLine, session_line
from app.user.contacts import line_of
from app.user.profile import Profile, me_of

CONTACTS_AT_ONCE = 200
CONVERSATIONS_AT_ONCE = 500  # ids
EVENTS_AT_ONCE = 200
MEDIA_AT_ONCE = 200

limit_export = limiter.limit("5 per hour", key_func=tokens.user_key)


class ExportedConversation(Struct):
    """A conversation as its reader has set it; its visible events follow it."""

    id: int
    kind: str
    user: Profile | None
    group: GroupPart | None
    read_seq: int
    pinned: bool
    silent: bool
    hidden: bool
    draft: str | None


@bp.get("/v2/users/me/export")
@login_required
@limit_export
def export() -> Response:
    """Streamed; an answer that ends too early was cut off by an error or by the session's end."""
    who, found = tokens.current(), services()
    parts = _Export(found, who).parts(found.store.users.get(who.user))
    headers = {"Content-Disposition": 'attachment; filename="hichat.json"'}
    return Response(parts, content_type=JSON, headers=headers)


class _Export:
    """Written outside of the request's context, as fast as the reader takes it.

    One page is in memory at a time. Each is read under the rules of its moment: a group that
    the user has left meanwhile says no more, a session that has ended gets nothing more.
    """

    def __init__(self, found: Services, who: Pass) -> None:
        self._store = found.store
        self._addresses = found.addresses
        self._who = who

    def parts(self, user: User) -> Iterator[bytes]:
        yield b'{"exported_at":%d,"user":' % now_ms() + encode(me_of(user))
        yield b',"settings":' + encode({
            "shows_presence": user.shows_presence, "shows_reading": user.shows_reading,
        })
        yield b',"sessions":' + encode(self._sessions()) + b',"contacts":['
        yield from self._items(self._contacts())
        yield b'],"media":['
        yield from self._items(self._media())
        yield b'],"conversations":['
        yield from self._conversations()
        yield b"]}\n"

    def _items(self, pages: Iterable[list[Any]]) -> Iterator[bytes]:
        """The items of an array. Others have their turn after each page: reading does not yield."""
        comma = b""
        for page in pages:
            if page:
                yield comma + b",".join(map(encode, page))
                comma = b","
            gevent.sleep(0)
            if not self._store.sessions.is_live(self._who.session, self._who.user):
                raise SessionRevoked()

    def _sessions(self) -> list[SessionLine]:
        listed = self._store.sessions.listed(self._who.user)
        return [session_line(item, self._who) for item in listed]

    def _contacts(self) -> Iterator[list[Any]]:
        after = 0
        while page := self._store.contacts.listed(self._who.user, CONTACTS_AT_ONCE, after):
            yield [line_of(item) for item in page]
            after = page[-1].other.id

    def _media(self) -> Iterator[list[Any]]:
        """The user's uploads, with addresses that a browser can save them from for a while."""
        after = ""
        while page := self._store.media.all_of(self._who.user, MEDIA_AT_ONCE, after):
            yield [line_of_medium(item, self._who.user, self._addresses) for item in page]
            after = page[-1].id

    def _conversations(self) -> Iterator[bytes]:
        comma = b""
        for conversation in self._ids():
            try:
                found = self._store.conversations.get(self._who.user, conversation)
            except NotAMember:
                continue  # left meanwhile, or the user's own log: it says how things came about
            yield comma + encode(_line(found))[:-1] + b',"events":['
            yield from self._items(self._events(found))
            yield b"]}"
            comma = b","
            gevent.sleep(0)

    def _ids(self) -> Iterator[int]:
        after = 0
        while page := self._store.conversations.ids(
            self._who.user, after, CONVERSATIONS_AT_ONCE
        ):
            yield from page
            after = page[-1]

    def _events(self, found: Summary) -> Iterator[list[Any]]:
        """What is in the conversation now; what comes meanwhile is not waited for."""
        after, more = 0, True
        while more and after < found.last_seq:
            try:
                page = self._store.events.page(
                    self._who.user, found.id, EVENTS_AT_ONCE, after=after
                )
            except NotAMember:
                return
            yield [event_of(entry) for entry in page.events]
            after, more = (page.events[-1].seq, page.more) if page.events else (after, False)


def _line(item: Summary) -> ExportedConversation:
    return ExportedConversation(
        item.id, KINDS[item.kind], Profile(*item.other) if item.other else None,
        group_of(item), item.read_seq, item.pinned, item.silent, item.hidden, item.draft,
    )
