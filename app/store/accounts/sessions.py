"""Log-in sessions: begin, rotate, list, revoke."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from app.errors import SessionRevoked
from app.models import LoginSession, User
from app.store.clock import now_ms
from app.store.database import Database
from app.store.gathered import Gathered

SESSIONS_PER_USER = 100  # the oldest make room: a script that logs in for ever fills no table
# So long may a refresh be repeated whose answer was lost: a client waits for half of it before it
# gives an answer up.
REPEAT_MS = 60_000

_IS_LIVE = """
    SELECT shows_reading FROM login_session JOIN "user" ON "user".id = user_id
    WHERE login_session.id = ? AND user_id = ? AND revoked_at IS NULL AND expires_at > ?"""
_ARE_LIVE = """
    SELECT login_session.id, user_id, shows_reading
    FROM login_session JOIN "user" ON "user".id = user_id
    WHERE login_session.id = ANY(?) AND revoked_at IS NULL AND expires_at > ?"""
AT_ONCE = 200  # sessions in one statement


class Sessions:
    """The `login_session` table. Ids are 32 hexadecimal characters."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._live = Gathered(self._are_live, AT_ONCE)

    def begin(
        self, user_id: int, device: str, refresh_id: str, life_ms: int
    ) -> tuple[str, list[str]]:
        """Store a new session; return its id, and those of the ones that made room for it."""
        now, session_id = now_ms(), secrets.token_hex(16)

        def work(session: Session) -> list[str]:
            keep = select(LoginSession.id).where(LoginSession.user_id == user_id).order_by(
                LoginSession.used_at.desc()
            ).limit(SESSIONS_PER_USER - 1)
            ended = session.scalars(delete(LoginSession).where(
                LoginSession.user_id == user_id,
                (LoginSession.expires_at < now) | LoginSession.id.not_in(keep),
            ).returning(LoginSession.id)).all()
            session.add(LoginSession(
                id=session_id, user_id=user_id, device=device[:200], refresh_id=refresh_id,
                created_at=now, used_at=now, expires_at=now + life_ms,
            ))
            session.execute(update(User).where(User.id == user_id).values(login_at=now))
            return list(ended)

        return session_id, self._database.write(work)

    def is_live(self, session_id: str, user_id: int) -> bool:
        return self.shows_reading(session_id, user_id) is not None

    def shows_reading(self, session_id: str, user_id: int) -> bool | None:
        """Whether the user of a live session shows what they read; None: it is not live."""
        if not self._database.embedded:
            return self._live.get((session_id, user_id))
        found = self._database.rows(_IS_LIVE, session_id, user_id, now_ms())
        return bool(found[0][0]) if found else None

    def _are_live(self, asked: Sequence[tuple[str, int]]) -> dict[tuple[str, int], bool]:
        rows = self._database.rows(_ARE_LIVE, [session for session, _ in asked], now_ms())
        return {(session, user): shows for session, user, shows in rows}

    def rotate(self, session_id: str, user_id: int, old: str, life_ms: int) -> str:
        """Make the token that follows on `old` the only good refresh token; return its id.

        It is that already where `old` comes again within REPEAT_MS: this changes nothing. Raises
        SessionRevoked; an `old` that was replaced otherwise is a stolen copy, or the other one is,
        and the session ends for both.
        """
        new = _following(session_id, old)

        def work(session: Session) -> bool:
            found = session.scalar(
                select(LoginSession).where(_live(session_id, user_id)).with_for_update()
            )
            if found is None:
                return False
            now = now_ms()
            if found.refresh_id == new and now - found.used_at <= REPEAT_MS:
                return True
            if found.refresh_id != old:
                found.revoked_at = now
                return False
            found.refresh_id, found.used_at, found.expires_at = new, now, now + life_ms
            return True

        if not self._database.write(work):
            raise SessionRevoked()
        return new

    def listed(self, user_id: int) -> list[LoginSession]:
        """The user's live sessions, the latest first."""
        with self._database.read() as session:
            return list(session.scalars(select(LoginSession).where(
                LoginSession.user_id == user_id, LoginSession.revoked_at.is_(None),
                LoginSession.expires_at > now_ms(),
            ).order_by(LoginSession.used_at.desc())))

    def revoke(self, user_id: int, session_id: str) -> bool:
        """End one session of this user; False if there is no such live one."""

        def work(session: Session) -> bool:
            result: Any = session.execute(
                update(LoginSession).where(_live(session_id, user_id)).values(revoked_at=now_ms())
            )
            return bool(result.rowcount)

        return self._database.write(work)

    def revoke_others(self, user_id: int, keep: str) -> list[str]:
        """End every session of this user but `keep`; return the ids of those that ended."""

        def work(session: Session) -> list[str]:
            return list(session.scalars(update(LoginSession).where(
                LoginSession.user_id == user_id, LoginSession.id != keep,
                LoginSession.revoked_at.is_(None),
            ).values(revoked_at=now_ms()).returning(LoginSession.id)))

        return self._database.write(work)


def _following(session_id: str, refresh_id: str) -> str:
    """The id behind this one. Ids are no secret (a token is signed): a repeat must find its own."""
    return hashlib.sha256(f"{session_id} {refresh_id}".encode()).hexdigest()[:32]


def _live(session_id: str, user_id: int) -> Any:
    return (
        (LoginSession.id == session_id.replace("\0", "")) & (LoginSession.user_id == user_id)
        & LoginSession.revoked_at.is_(None) & (LoginSession.expires_at > now_ms())
    )
