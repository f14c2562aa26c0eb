"""Uploaded files: who has uploaded them, who may read them, and when they go.

The bytes are with `Blobs`, by their digest; rows come first and go last. Whoever adds a file claims
its blobs (refs), then puts the bytes; a sweep dooms a blob that nobody claims, then deletes the
bytes, then the row. A claim waits while its blob is doomed, so no sweep takes what was just put.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import partial

import gevent
from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    case,
    delete,
    exists,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from app.errors import NotFound, QuotaExceeded, Unavailable
from app.models import Attachment, Blob, Conversation, Medium, Member, Upload, User
from app.models.message import GROUP, OPEN_HISTORY
from app.store.clock import now_ms
from app.store.database import Database

UNBOUNDED = 2**62  # bytes
DAY_MS = 86_400_000
LOOSE_MS = DAY_MS  # that a file may be in no message
GRACE_MS = DAY_MS  # that a blob outlives its last claim: a backup may be on its way to it
DOOMED = -1  # in place of a number of claims: its bytes are being deleted
SWEPT_AT_ONCE = 200
CLAIM_TRIES, CLAIM_PAUSE = 50, 0.1  # seconds
# What everybody may read, and is nobody's avatar any more: `loose_since` says when it was made one.
_FORMER = """
    SELECT substr(address, 11) FROM (
        SELECT '/v2/media/' || id AS address FROM medium WHERE public AND loose_since < ?
        EXCEPT SELECT avatar FROM "user" EXCEPT SELECT avatar FROM chat_group
    ) AS former"""
# A disbanded group whose messages, which nobody reads any more, carry files.
_DISBANDED = """
    SELECT id FROM conversation WHERE kind = ? AND closed_at IS NOT NULL
    AND EXISTS (SELECT 1 FROM attachment WHERE conversation_id = conversation.id) LIMIT 1"""
_CARRIED = exists(select(Attachment.seq).where(Attachment.medium_id == Medium.id))


class Media:
    """The tables `medium`, `attachment` and `blob`. Bytes of `day_bytes`, `user_bytes` a user."""

    def __init__(self, database: Database, day_bytes: int, user_bytes: int) -> None:
        self._database = database
        self._day_bytes = day_bytes
        self._user_bytes = user_bytes

    def claim_room(self, session: Session, user_id: int, size: int) -> None:
        """Whether the user may upload so many bytes more. Raises QuotaExceeded.

        In the transaction that adds them: the user's others wait for its end.
        """
        session.execute(
            select(User.id).where(User.id == user_id).with_for_update(key_share=True)
        ).close()
        recent = case((Medium.created_at > now_ms() - DAY_MS, Medium.size), else_=0)
        kept, today = session.execute(
            select(func.coalesce(func.sum(Medium.size), 0), func.coalesce(func.sum(recent), 0))
            .where(Medium.owner_id == user_id)
        ).one()
        open_bytes = session.scalar(
            select(func.coalesce(func.sum(Upload.length), 0))
            .where(Upload.owner_id == user_id, Upload.medium_id.is_(None))
        ) or 0
        if today + open_bytes + size > self._day_bytes:
            raise QuotaExceeded(
                f"You may upload {self._day_bytes} bytes in 24 hours: go on tomorrow."
            )
        if kept + open_bytes + size > self._user_bytes:
            raise QuotaExceeded(
                f"{self._user_bytes} bytes of your uploads are kept: recall some first."
            )

    def add(self, medium: Medium, sizes: Mapping[str, int], counted: int = 0) -> None:
        """Keep a new file and claim its blobs, of these sizes; then put their bytes.

        `counted` bytes of it are in its owner's account already, as an open upload.
        Raises QuotaExceeded, Unavailable.
        """

        def work(session: Session) -> None:
            self.claim_room(session, medium.owner_id, max(medium.size - counted, 0))
            for digest in sorted(_digests(medium)):
                _claim(session, digest, sizes[digest])
            session.add(medium)

        for _ in range(CLAIM_TRIES):
            try:
                return self._database.write(work)
            except _Doomed:
                gevent.sleep(CLAIM_PAUSE)
        raise Unavailable("This very file is being deleted: try again.")

    def drop(self, medium_id: str) -> None:
        """Forget a file whose bytes could not be put."""
        self._database.write(lambda session: _remove(session, [medium_id]))

    def own(self, user_id: int, medium_id: str) -> Medium | None:
        """A file that the user has uploaded; None: there is none."""
        with self._database.read() as session:
            found = session.get(Medium, medium_id)
        return found if found is not None and found.owner_id == user_id else None

    def readable(self, user_id: int | None, medium_id: str) -> Medium:
        """A file that the user may read: public, their own, or of a message that they see.

        Nobody (None) reads public ones. Raises NotFound, whatever the reason.
        """
        return self._one(_readable(user_id).where(Medium.id == medium_id))

    def readable_of(self, user_id: int, ids: Collection[str]) -> dict[str, Medium]:
        """Those of these files that the user may read, by id."""
        with self._database.read() as session:
            found = session.scalars(_readable(user_id).where(Medium.id.in_(ids)))
            return {medium.id: medium for medium in found}

    def carried(self, conversation: int, medium_id: str) -> Medium:
        """A file that a message of the conversation carries. Raises NotFound."""
        carries = exists(select(Attachment.seq).where(
            Attachment.medium_id == Medium.id, Attachment.conversation_id == conversation
        ))
        return self._one(select(Medium).where(Medium.id == medium_id, carries))

    def _one(self, query: Select[Medium]) -> Medium:
        with self._database.read() as session:
            found: Medium | None = session.scalar(query)
        if found is None:
            raise NotFound("There is no such file that you may read.")
        return found

    def size(self, digest: str) -> int:
        """Bytes of a blob that a medium names."""
        with self._database.read() as session:
            return session.get_one(Blob, digest).size

    def all_of(self, user_id: int, limit: int, after: str) -> list[Medium]:
        """The user's uploads by id, from behind the id `after`."""
        query = select(Medium).where(Medium.owner_id == user_id, Medium.id > after)
        with self._database.read() as session:
            return list(session.scalars(query.order_by(Medium.id).limit(limit)))

    def show_everybody(self, user_id: int, medium_id: str) -> bool:
        """Let a picture of the user's be an avatar, which anybody may read; whether it is one."""

        def work(session: Session) -> bool:
            shown = session.scalar(
                update(Medium).where(
                    Medium.id == medium_id, Medium.media == "image",
                    or_(Medium.owner_id == user_id, Medium.public),
                ).values(public=True, loose_since=now_ms()).returning(Medium.id)
            )
            return shown is not None

        return self._database.write(work)

    # -- the sweep -------------------------------------------------------------------------

    def retire(self, now: int) -> None:
        """Show former avatars to everybody no more: they are as any other file again."""
        before = now - LOOSE_MS
        former = [key for key, in self._database.rows_aside(_FORMER, before)]
        for start in range(0, len(former), SWEPT_AT_ONCE):
            some = update(Medium).where(
                Medium.id.in_(former[start:start + SWEPT_AT_ONCE]), Medium.loose_since < before
            ).values(public=False, loose_since=case((_CARRIED, None), else_=now))
            self._database.write(partial(Session.execute, statement=some))

    def let_go(self) -> bool:
        """Take some files of a disbanded group out of its messages; whether there were any."""
        found = self._database.rows_aside(_DISBANDED, GROUP)
        if not found:
            return False
        [(group,)] = found

        def work(session: Session) -> None:
            carriers = select(Attachment.seq).where(Attachment.conversation_id == group)
            some = session.scalars(carriers.limit(SWEPT_AT_ONCE)).all()
            detach(session.connection(), group, some)

        self._database.write(work)
        return True

    def sweep(self, now: int) -> int:
        """Forget some of the files that have been loose for too long; how many those were."""

        def work(session: Session) -> int:
            found = session.scalars(
                select(Medium.id).where(Medium.loose_since < now - LOOSE_MS, ~Medium.public)
                .order_by(Medium.loose_since).limit(SWEPT_AT_ONCE).with_for_update()
            ).all()
            _remove(session, found)
            return len(found)

        return self._database.write(work)

    def doom(self, now: int) -> list[str]:
        """Some of the blobs that nobody claims: delete their bytes, then tell `bury`."""

        def work(session: Session) -> list[str]:
            free = select(Blob.digest).where(
                Blob.free_since < now - GRACE_MS, Blob.refs.in_((0, DOOMED))
            ).order_by(Blob.free_since).limit(SWEPT_AT_ONCE).with_for_update()
            digests = list(session.scalars(free))
            session.execute(update(Blob).where(Blob.digest.in_(digests)).values(refs=DOOMED))
            return digests

        return self._database.write(work)

    def bury(self, digests: Sequence[str]) -> None:
        """The bytes of these doomed blobs are deleted."""
        self._database.write(lambda session: session.execute(
            delete(Blob).where(Blob.digest.in_(digests), Blob.refs == DOOMED)
        ).close())


def _readable(user_id: int | None) -> Select[Medium]:
    """The files that somebody may read."""
    allowed: list[ColumnElement[bool]] = [Medium.public.is_(True)]
    if user_id is not None:
        seen = (
            select(Attachment.seq)
            .join(Conversation, Conversation.id == Attachment.conversation_id)
            .join(Member, and_(
                Member.conversation_id == Attachment.conversation_id, Member.user_id == user_id
            ))
            .where(
                Attachment.medium_id == Medium.id,
                or_(
                    Conversation.flags.bitwise_and(OPEN_HISTORY) != 0,
                    Attachment.seq > Member.joined_seq,
                ),
            )
        )
        allowed += [Medium.owner_id == user_id, exists(seen)]
    return select(Medium).where(or_(*allowed))


def lock_media(connection: Connection, ids: Collection[str]) -> set[str]:
    """Those of these files that are there; no sweep takes them before the transaction ends."""
    query = select(Medium.id).where(Medium.id.in_(ids)).order_by(Medium.id).with_for_update()
    return set(connection.scalars(query))


def attach(connection: Connection, carriers: Collection[tuple[int, int, str]]) -> None:
    """Messages (conversation, seq) carry these files from now on."""
    connection.execute(insert(Attachment), [
        {"conversation_id": key, "seq": seq, "medium_id": medium} for key, seq, medium in carriers
    ])
    connection.execute(
        update(Medium).where(Medium.id.in_({medium for _, _, medium in carriers}))
        .where(~Medium.public).values(loose_since=None)
    )


def detach(connection: Connection, conversation: int, seqs: Sequence[int]) -> None:
    """These messages carry no files any more; a file that no other carries is loose from now."""
    freed = connection.scalars(
        delete(Attachment)
        .where(Attachment.conversation_id == conversation, Attachment.seq.in_(seqs))
        .returning(Attachment.medium_id)
    ).all()
    if freed:
        connection.execute(
            update(Medium).where(Medium.id.in_(set(freed)), ~Medium.public, ~_CARRIED)
            .values(loose_since=now_ms())
        )


def _digests(medium: Medium) -> set[str]:
    return {digest for digest in (medium.digest, medium.small, medium.large) if digest}


class _Doomed(Exception):
    """The bytes of a blob are being deleted."""


def _claim(session: Session, digest: str, size: int) -> None:
    """Count one more who needs a blob. Raises _Doomed."""
    dialect = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    claim = dialect.insert(Blob).values(digest=digest, size=size, refs=1)
    claim = claim.on_conflict_do_update(
        index_elements=[Blob.digest], set_={"refs": Blob.refs + 1, "free_since": None},
        where=Blob.refs != DOOMED,
    )
    if session.scalar(claim.returning(Blob.digest)) is None:
        raise _Doomed()


def _remove(session: Session, ids: Sequence[str]) -> None:
    """Forget these files, and their claims."""
    now = now_ms()
    for medium in session.scalars(select(Medium).where(Medium.id.in_(ids))).all():
        for digest in _digests(medium):
            session.execute(update(Blob).where(Blob.digest == digest).values(
                refs=Blob.refs - 1, free_since=case((Blob.refs == 1, now), else_=None)
            ))
        session.delete(medium)
