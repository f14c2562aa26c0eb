"""Private conversations: opened once for each pair of users, with what stands between the two."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import CTE, BigInteger, Connection, and_, column, insert, select, values

from app.models import Contact, Conversation, Member
from app.models.message import CONTACTS, HIGH_BLOCKS, LOW_BLOCKS, PRIVATE
from app.models.user import FRIEND


def flags_between(
    connection: Connection, pairs: Sequence[tuple[int, int]]
) -> dict[tuple[int, int], int]:
    """The flags of these (low, high) users' conversations, from their contacts.

    CONTACTS only where each holds the other for a friend: who is blocked may do so alone.
    """
    flags = dict.fromkeys(pairs, 0)
    friendly: set[tuple[int, int]] = set()  # on one side at least
    asked = given(BigInteger, BigInteger, [*pairs, *((high, low) for low, high in pairs)])
    same = and_(Contact.user_id == asked.c.one, Contact.other_id == asked.c.two)
    for row in connection.execute(
        select(Contact.user_id, Contact.other_id, Contact.state, Contact.blocked)
        .select_from(asked).join(Contact, same)
    ):
        pair = (min(row.user_id, row.other_id), max(row.user_id, row.other_id))
        if row.blocked:
            flags[pair] |= LOW_BLOCKS if row.user_id == pair[0] else HIGH_BLOCKS
        if row.state == FRIEND:
            flags[pair] |= CONTACTS if pair in friendly else 0
            friendly.add(pair)
    return flags


def open_pairs(
    connection: Connection, pairs: Sequence[tuple[int, int]], now: int
) -> dict[tuple[int, int], int]:
    """Open the private conversations of these (low, high) users; return their ids.

    Who blocks the other does not see the new one until there is something in it.
    """
    flags = flags_between(connection, pairs)
    returning = insert(Conversation).returning(
        Conversation.id, Conversation.low_id, Conversation.high_id
    )
    opened = connection.execute(returning, [
        {
            "kind": PRIVATE, "low_id": low, "high_id": high, "last_seq": 0, "last_at": now,
            "created_at": now, "flags": flags[low, high],
        }
        for low, high in pairs
    ])
    found = {(low or 0, high or 0): key for key, low, high in opened}
    connection.execute(insert(Member), [
        {
            "conversation_id": key, "user_id": user, "read_seq": 0,
            "hidden_seq": 0 if flags[low, high] & blocks else -1,
        }
        for (low, high), key in found.items()
        for user, blocks in {low: LOW_BLOCKS, high: HIGH_BLOCKS}.items()
    ])
    return found


def given(one: type[Any], two: type[Any], pairs: Sequence[tuple[Any, Any]]) -> CTE:
    """Pairs as a table to join from. `(a, b) IN (VALUES ...)` would make SQLite read all rows."""
    return values(column("one", one), column("two", two), name="given").data(list(pairs)).cte()
