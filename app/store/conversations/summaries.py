"""The lines of a conversation list: what stands last in each, and how much is unread."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from msgspec import Struct

from app.models.message import ACCOUNT, ADMIN, GROUP, HIGH_BLOCKS, LOW_BLOCKS, PRIVATE
from app.store.asked import Asked
from app.store.database import Database
from app.store.log.blanks import columns, seen
from app.store.log.items import Entry
from app.store.log.rights import FLOOR

COUNTED = 999  # what `unread` and `mentions` count up to
WALK = 2000  # events of a conversation that are looked at to count them; the newest
PASSED = 500  # events that are passed over for the last message that was not removed
_BEHIND = """AND (
    pinned < ? OR pinned = ? AND (last_at < ? OR last_at = ? AND conversation.id < ?))"""
# The page first: what is joined to it and counted for it is paid for its lines only. The last
# message is the last that its reader has not removed, within PASSED events.
_PAGE = """
    WITH listed AS MATERIALIZED (
        SELECT conversation.id, kind, size, last_seq, last_at,
            {floor} AS joined_seq,
            read_seq, role, message_seq, flags, member.user_id AS reader,
            pinned, silent, last_seq <= hidden_seq AS hidden, draft,
            CASE WHEN kind <> {private} THEN 0 WHEN low_id = member.user_id THEN high_id
                ELSE low_id END AS other
        FROM member JOIN conversation ON conversation.id = member.conversation_id
        WHERE member.user_id = ? AND kind <> {account} {where}
        ORDER BY pinned DESC, last_at DESC, conversation.id DESC LIMIT ?
    ), page AS MATERIALIZED (
        SELECT listed.*, CASE WHEN NOT EXISTS (
            SELECT 1 FROM removal WHERE removal.user_id = reader
            AND removal.conversation_id = listed.id AND removal.seq = message_seq
        ) THEN message_seq ELSE (
            SELECT event.seq FROM event WHERE event.conversation_id = listed.id
                AND event.seq < message_seq AND event.seq >= message_seq - {passed}
                AND type = 'message' AND NOT EXISTS (
                    SELECT 1 FROM removal WHERE removal.user_id = reader
                    AND removal.conversation_id = listed.id AND removal.seq = event.seq)
            ORDER BY event.seq DESC LIMIT 1
        ) END AS shown_seq FROM listed
    )
    SELECT page.id, kind, size, last_seq, last_at, page.joined_seq, page.read_seq, page.role,
        chat_group.name, chat_group.avatar,
        partner.id, partner.name, partner.avatar, partner.gender,
        CASE WHEN partner.shows_reading AND me.shows_reading
            AND flags & {blocks} = 0 THEN theirs.read_seq END,
        {final}, {said}, page.pinned, page.silent, page.hidden, page.draft,
        CASE WHEN kind = {group} AND page.role >= {admin} THEN (
            SELECT count(*) FROM join_request JOIN "user" AS asking ON asking.id = user_id
            WHERE join_request.conversation_id = page.id AND asking.deleted_at IS NULL
        ) END
    FROM page JOIN "user" AS me ON me.id = page.reader
    LEFT JOIN "user" AS partner ON partner.id = page.other
    LEFT JOIN member AS theirs
        ON theirs.conversation_id = page.id AND theirs.user_id = page.other
    LEFT JOIN chat_group ON chat_group.conversation_id = page.id
    LEFT JOIN event AS final ON final.conversation_id = page.id AND final.seq = last_seq
        AND last_seq > page.joined_seq
    LEFT JOIN event AS said ON said.conversation_id = page.id AND said.seq = shown_seq
        AND shown_seq > page.joined_seq
    ORDER BY page.pinned DESC, last_at DESC, page.id DESC"""


class Lists(NamedTuple):
    """Statements that read lines: the latest, those behind a line, one."""

    latest: str
    older: str
    one: str


def _lists(embedded: bool) -> Lists:
    final, said = (columns(name, "page.reader", embedded) for name in ("final", "said"))
    return Lists(*(
        _PAGE.format(
            where=where, floor=FLOOR, private=PRIVATE, account=ACCOUNT, group=GROUP, admin=ADMIN,
            blocks=LOW_BLOCKS | HIGH_BLOCKS, passed=PASSED, final=final, said=said,
        )
        for where in ("", _BEHIND, "AND conversation.id = ?")
    ))


_SQLITE, _POSTGRESQL = _lists(embedded=True), _lists(embedded=False)
_KEPT = """NOT EXISTS (
    SELECT 1 FROM removal WHERE removal.user_id = ?
    AND removal.conversation_id = asked.id AND removal.seq = event.seq)"""
# Messages of others behind `walk`; messages behind `start` that name the reader or everybody.
# Without those that the reader has removed.
_COUNTS = Asked("""
    SELECT asked.id, (
        SELECT count(*) FROM (
            SELECT 1 FROM event
            WHERE conversation_id = asked.id AND seq > asked.walk AND type = 'message'
                AND sender_id <> ? AND {kept} LIMIT {counted}
        ) AS unread
    ), (
        SELECT count(*) FROM (
            SELECT seq FROM (
                SELECT seq FROM mention WHERE conversation_id = asked.id AND user_id = 0
                    AND seq > asked.start ORDER BY seq DESC LIMIT {counted}
            ) AS everybody UNION SELECT seq FROM (
                SELECT seq FROM mention WHERE conversation_id = asked.id AND user_id = ?
                    AND seq > asked.start ORDER BY seq DESC LIMIT {counted}
            ) AS one
        ) AS named JOIN event ON conversation_id = asked.id AND event.seq = named.seq
        WHERE sender_id <> ? AND {kept}
    ) FROM {asked}""", "id", "start", "walk", counted=COUNTED, kept=_KEPT)


class Partner(NamedTuple):
    """The other user of a private conversation."""

    id: int
    name: str
    avatar: str
    gender: str


class Summary(Struct):
    """One line of a conversation list. `other` is the partner of a private chat.

    `seen_seq` is the partner's read cursor, where both sides show theirs. `name` and `avatar` are
    a group's; `requests` is how many wait for its admins, for these. `pinned`, `silent`, `hidden`
    and `draft` are the reader's settings. `unread` and `mentions` end at COUNTED.
    """

    id: int
    kind: int
    size: int
    last_seq: int
    last_at: int
    joined_seq: int
    read_seq: int
    role: int
    name: str | None
    avatar: str | None
    other: Partner | None
    seen_seq: int | None
    last: Entry | None
    message: Entry | None
    pinned: bool
    silent: bool
    hidden: bool
    draft: str | None
    requests: int | None
    unread: int = 0
    mentions: int = 0


def summaries(
    database: Database, user_id: int, limit: int, before: tuple[int, int, int] | None = None,
    conversation: int | None = None,
) -> list[Summary]:
    """The user's conversations: the pinned ones, then the others; of each the latest first.

    From behind `before`: (pinned, last_at, id) of a line. Two statements, however many they are.
    """
    lists = _SQLITE if database.embedded else _POSTGRESQL
    page, values = lists.latest, list[object]()
    if before is not None:
        pinned, at, key = bool(before[0]), *before[1:]
        page, values = lists.older, [pinned, pinned, at, at, key]
    if conversation is not None:
        page, values = lists.one, [conversation]
    rows = database.rows(page, user_id, *values, limit)
    lines = [_summary(row) for row in rows]
    _count(database, user_id, lines)
    return lines


def _summary(row: tuple[Any, ...]) -> Summary:
    """A row of _PAGE."""
    partner, last, message = row[10:15], row[15:23], row[23:31]
    pinned, silent, hidden, draft, requests = row[31:]
    return Summary(*(
        *row[:10], Partner(*partner[:4]) if partner[0] is not None else None, partner[4],
        seen(last) if last[0] is not None else None,
        seen(message) if message[0] is not None else None,
        bool(pinned), bool(silent), bool(hidden), draft, requests,
    ))


def _count(database: Database, user_id: int, lines: Sequence[Summary]) -> None:
    """Fill in what is unread: beside the event loop, where there is much to look at."""
    behind = {
        line.id: (line, start) for line in lines
        if line.last_seq > (start := max(line.read_seq, line.joined_seq))
    }
    if not behind:
        return
    asked = [
        (key, start, max(start, line.last_seq - WALK)) for key, (line, start) in behind.items()
    ]
    steps = sum(line.last_seq - walk for (line, _), (_, _, walk) in zip(
        behind.values(), asked, strict=True
    ))
    ask = database.rows if steps <= WALK else database.rows_aside
    text, parameters = _COUNTS.about(database.embedded, asked)
    for key, unread, mentions in ask(text, *[user_id] * 5, *parameters):
        line, _ = behind[key]
        line.unread, line.mentions = unread, min(mentions, COUNTED)
