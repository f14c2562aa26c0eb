"""`/v2/auth`: register, log in, refresh, log out, tickets, sessions."""

from __future__ import annotations

from typing import Annotated

from flask import Response
from msgspec import Meta, Struct

from app.auth import tokens
from app.auth.tickets import LIFE_SECONDS, Pass
from app.auth.tokens import DAY_MS, login_required
from app.errors import NotFound, SessionRevoked
from app.http import answer, body, empty
from app.models import LoginSession, User
from app.services import services
from app.user import accounts, bp
from app.user.profile import Me, me_of

Text = Annotated[str, Meta(max_length=1000)]


class Credentials(Struct):
    name: Text
    password: Text


class Refresh(Struct):
    refresh_token: str | None = None


class LoggedIn(Struct):
    user: Me
    access_token: str
    refresh_token: str


class Tokens(Struct):
    access_token: str
    refresh_token: str


class SessionLine(Struct):
    """One device that is logged in. Times are milliseconds since 1970."""

    id: str
    device: str
    created_at: int
    used_at: int
    expires_at: int
    current: bool


@bp.post("/v2/auth/register")
@accounts.limit_sign_up
def register() -> Response:
    given = body(Credentials)
    shortest = services().config.password_min_chars
    user = accounts.register(given.name, given.password, shortest)
    return _logged_in(user, 201)


@bp.post("/v2/auth/login")
@accounts.limit_guessing
def login() -> Response:
    given = body(Credentials)
    return _logged_in(accounts.log_in(given.name, given.password), 200)


@bp.post("/v2/auth/refresh")
def refresh() -> Response:
    """Exchange a refresh token, which is then used up, for a new pair of tokens.

    It comes in the body or as the bearer. Who has lost the answer asks again, at once.
    """
    who, old = tokens.read_refresh_token(body(Refresh).refresh_token or tokens.bearer())
    found = services()
    life = found.config.session_days * DAY_MS
    try:
        new = found.store.sessions.rotate(who.session, who.user, old, life)
    except SessionRevoked:
        found.bus.end_sessions(who.user, [who.session])
        raise
    return answer(Tokens(*tokens.tokens(who.user, who.session, new)))


@bp.post("/v2/auth/logout")
@login_required
def logout() -> Response:
    who = tokens.current()
    _end(who.user, who.session)
    return empty()


@bp.post("/v2/auth/ticket")
@login_required
def ticket() -> Response:
    issued = services().tickets.issue(tokens.current())
    return answer({"ticket": issued, "expires_in": LIFE_SECONDS})


@bp.get("/v2/auth/sessions")
@login_required
def sessions() -> Response:
    who = tokens.current()
    listed = services().store.sessions.listed(who.user)
    return answer({"sessions": [session_line(item, who) for item in listed]})


@bp.delete("/v2/auth/sessions/<session_id>")
@login_required
def end_session(session_id: str) -> Response:
    if not _end(tokens.current().user, session_id):
        raise NotFound("You have no such session.")
    return empty()


def _end(user: int, session: str) -> bool:
    found = services()
    ended = found.store.sessions.revoke(user, session)
    found.bus.end_sessions(user, [session])
    return ended


def session_line(item: LoginSession, who: Pass) -> SessionLine:
    return SessionLine(
        item.id, item.device, item.created_at, item.used_at, item.expires_at,
        item.id == who.session,
    )


def _logged_in(user: User, status: int) -> Response:
    return answer(LoggedIn(me_of(user), *tokens.begin_session(user)), status)
