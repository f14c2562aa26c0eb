"""Uploads under way: the resumable ones, who may go on with them and until when; and forms."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from app.errors import NotFound, TooMany
from app.models import Upload
from app.store.clock import now_ms
from app.store.database import Database
from app.store.media.media import Media

LIFE_MS = 3 * 86_400_000  # of a resumable one, from its beginning to its end, finished or not
OPEN_UPLOADS = 20  # that a user may have at once
EXPIRED_AT_ONCE = 200


class Uploads:
    """The `upload` table. Open uploads count, by their declared length, as what is kept."""

    def __init__(self, database: Database, media: Media) -> None:
        self._database = database
        self._media = media

    def begin(self, user_id: int, length: int, hints: str, life: int = LIFE_MS) -> Upload:
        """`life`: milliseconds until it counts no more. Raises TooMany, QuotaExceeded."""
        now = now_ms()
        upload = Upload(
            id=secrets.token_urlsafe(16), owner_id=user_id, length=length, hints=hints,
            created_at=now, expires_at=now + life,
        )

        def work(session: Session) -> None:
            self._media.claim_room(session, user_id, length)
            count = session.scalar(select(func.count()).select_from(Upload).where(
                Upload.owner_id == user_id, Upload.medium_id.is_(None), Upload.expires_at > now
            )) or 0
            if count >= OPEN_UPLOADS:
                raise TooMany(
                    f"{OPEN_UPLOADS} uploads of yours are under way: wait for one, or end it."
                )
            session.add(upload)

        self._database.write(work)
        return upload

    def get(self, user_id: int, upload_id: str) -> Upload:
        """An upload of the user's. Raises NotFound, also for one that has expired."""
        with self._database.read() as session:
            found = session.get(Upload, upload_id)
        if found is None or found.owner_id != user_id or found.expires_at <= now_ms():
            raise NotFound("There is no such upload, or it has expired: begin a new one.")
        return found

    def finish(self, upload_id: str, medium_id: str) -> None:
        """The upload has become this medium; it stays known until it expires."""
        self._database.write(lambda session: session.execute(
            update(Upload).where(Upload.id == upload_id).values(medium_id=medium_id)
        ).close())

    def end(self, upload_ids: Sequence[str]) -> None:
        self._database.write(lambda session: session.execute(
            delete(Upload).where(Upload.id.in_(upload_ids))
        ).close())

    def expired(self, now: int) -> list[str]:
        """Some of those that have expired: delete their files, then `end` them."""
        query = select(Upload.id).where(Upload.expires_at <= now).limit(EXPIRED_AT_ONCE)
        with self._database.read() as session:
            return list(session.scalars(query))
