"""JSON Web Tokens: made at log-in, checked at every request and every upgrade.

A token names its user (`sub`, and `userId` for the seed's client) and its session (`sid`). A
session that was revoked makes all its tokens worthless at once.
"""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import jwt as pyjwt
from flask import Response, current_app, request
from flask_jwt_extended import (
    create_access_token,
    create_refresh_token,
    get_jwt,
    jwt_required,
)

from app.auth.tickets import Pass
from app.errors import SessionRevoked, TokenExpired, TokenInvalid, Unauthorized
from app.extensions import jwt
from app.http import problem
from app.models import User
from app.services import services

DAY_MS = 86_400_000
TICKET_PREFIX = "ticket."

login_required = jwt_required()


def begin_session(user: User) -> tuple[str, str]:
    """Log a user in on the device that asks; return an access and a refresh token."""
    refresh_id = uuid.uuid4().hex
    return tokens(user.id, _begin(user, refresh_id, services().config.session_days), refresh_id)


def begin_seed_session(user: User) -> str:
    """Log a user in on `/v1`; return the one token that such a client has."""
    days = services().config.v1_token_days
    return _access(user.id, _begin(user, "", days), timedelta(days=days))


def _begin(user: User, refresh_id: str, days: int) -> str:
    found = services()
    session, ended = found.store.sessions.begin(
        user.id, request.user_agent.string, refresh_id, days * DAY_MS
    )
    if ended:
        found.bus.end_sessions(user.id, ended)
    return session


def tokens(user: int, session: str, refresh_id: str) -> tuple[str, str]:
    """An access and a refresh token of a session."""
    config = services().config
    refresh = create_refresh_token(
        str(user), expires_delta=timedelta(days=config.session_days),
        additional_claims={"sid": session, "rid": refresh_id},
    )
    return _access(user, session, timedelta(seconds=config.access_token_seconds)), refresh


def _access(user: int, session: str, life: timedelta) -> str:
    return create_access_token(
        str(user), expires_delta=life, additional_claims={"sid": session, "userId": user}
    )


def current() -> Pass:
    """Who is asking, behind `login_required`."""
    return _pass(get_jwt())


def user_key() -> str:
    """Whose budget a rate limit counts, behind `login_required`: the asking user's."""
    return f"user:{current().user}"


def read_token(token: str) -> Pass:
    """Whose access token this is; the session is still to be checked (`check_session`).

    Raises TokenExpired, TokenInvalid.
    """
    return _read(token, "access")[0]


def read_refresh_token(token: str) -> tuple[Pass, str]:
    """Whose refresh token this is, and its id within the session, still to be checked.

    Raises TokenExpired, TokenInvalid.
    """
    who, claims = _read(token, "refresh")
    return who, str(claims.get("rid"))


def _read(token: str, kind: str) -> tuple[Pass, dict[str, Any]]:
    # As Flask-JWT-Extended does for HTTP, at half the cost: a storm of reconnects comes here.
    try:
        claims = pyjwt.decode(token, current_app.config["JWT_SECRET_KEY"], algorithms=["HS256"])
        who = _pass(claims)
    except pyjwt.ExpiredSignatureError:
        raise TokenExpired() from None
    except (pyjwt.PyJWTError, KeyError, ValueError):
        raise TokenInvalid() from None
    if claims.get("type") != kind:
        raise TokenInvalid()
    return who, claims


def bearer() -> str:
    """The token in the Authorization header. Raises Unauthorized."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Unauthorized()
    return token.strip()


def check_session(who: Pass) -> bool:
    """Whether the user shows what they read. Raises SessionRevoked when the session has ended."""
    shows = services().store.sessions.shows_reading(who.session, who.user)
    if shows is None:
        raise SessionRevoked()
    return shows


def logged_in() -> Pass:
    """Who is asking, by the bearer token. Raises Unauthorized and its kin."""
    who = read_token(bearer())
    check_session(who)
    return who


def socket_pass(offered: list[str]) -> Pass:
    """Who opens a `/v2` socket: by a bearer token, or by a ticket among the subprotocols.

    Raises Unauthorized and its kin; the session is still to be checked.
    """
    for name in offered:
        if name.startswith(TICKET_PREFIX):
            entry = services().tickets.redeem(name.removeprefix(TICKET_PREFIX))
            if entry is None:
                raise TokenInvalid("The ticket is unknown, used or older than 30 seconds.")
            return entry
    return read_token(bearer())


def _pass(claims: dict[str, Any]) -> Pass:
    return Pass(int(claims["sub"]), str(claims["sid"]), float(claims["exp"]))


@jwt.token_in_blocklist_loader
def _is_revoked(_header: dict[str, Any], claims: dict[str, Any]) -> bool:
    try:
        entry = _pass(claims)
    except (KeyError, ValueError):
        return True
    return not services().store.sessions.is_live(entry.session, entry.user)


@jwt.unauthorized_loader
def _missing(_reason: str) -> Response:
    return problem(Unauthorized())


@jwt.invalid_token_loader
def _invalid(_reason: str) -> Response:
    return problem(TokenInvalid())


@jwt.expired_token_loader
def _expired(_header: dict[str, Any], _claims: dict[str, Any]) -> Response:
    return problem(TokenExpired())


@jwt.revoked_token_loader
def _revoked(_header: dict[str, Any], _claims: dict[str, Any]) -> Response:
    return problem(SessionRevoked())
