"""Who may see whether a user is online, and when they were last."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import bindparam, update
from sqlalchemy.orm import Session

from app.models import User
from app.models.user import FRIEND
from app.store.asked import Asked
from app.store.database import Database

# Both show it, neither blocks the other, and they are contacts or share a private conversation.
_VISIBLE = Asked("""
    SELECT asked.one, asked.two, them.seen_at
    FROM {asked}
    JOIN "user" AS me ON me.id = asked.one
    JOIN "user" AS them ON them.id = asked.two
    LEFT JOIN contact AS mine ON mine.user_id = asked.one AND mine.other_id = asked.two
    LEFT JOIN contact AS theirs ON theirs.user_id = asked.two AND theirs.other_id = asked.one
    WHERE me.shows_presence AND them.shows_presence AND them.deleted_at IS NULL
        AND NOT coalesce(mine.blocked, FALSE) AND NOT coalesce(theirs.blocked, FALSE)
        AND (mine.state = {friend} OR EXISTS (
            SELECT 1 FROM conversation
            WHERE low_id = CASE WHEN asked.one < asked.two THEN asked.one ELSE asked.two END
                AND high_id = CASE WHEN asked.one < asked.two THEN asked.two ELSE asked.one END
        ))""", "one", "two", friend=FRIEND)


class Sightings:
    """`user.seen_at`: when a user's last socket closed."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def visible(self, pairs: Sequence[tuple[int, int]]) -> dict[tuple[int, int], int | None]:
        """Those (watcher, user) in which the watcher may see the user, with the user's seen_at.

        One statement; at most a few hundred pairs.
        """
        found = _VISIBLE.read(self._database, pairs)
        return {(one, two): seen_at for one, two, seen_at in found}

    def save(self, seen: Mapping[int, int]) -> None:
        """Note when these users were last there (milliseconds since 1970): one transaction."""
        # In the order of their ids, as everybody locks users: no deadlock.
        rows = [{"user": user, "seen": at} for user, at in sorted(seen.items())]
        statement = update(User).where(
            User.id == bindparam("user"), User.deleted_at.is_(None)
        ).values(seen_at=bindparam("seen"))

        def work(session: Session) -> None:
            session.connection().execute(statement, rows)

        self._database.write(work)
