"""Fills a store with history, straight through SQLite while the server is down: to save time.

The rows are those that the server itself would have written (store/log/batch.py), one by one and
with the indexes in place, in the order in which messages arrive: many chats at the same time, so
that the rows of one chat lie scattered among the others'. What is measured goes through the
server.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from .dialects import FILLER

FIRST = 1
"""Refs of stored messages count from here, and end before those of the rounds: they are older."""

BYTES_PER_EVENT = 300
"""211 were measured, with both indexes; the rest is for what the rounds add."""

DAY_MS = 86_400_000
BENCH_CHATS = 50
THOUSAND = 1000

Chat = tuple[int, int]
Row = tuple[int, int, str, int, str, int, str]


def pairs(database: Path, users: list[int], scale: float, events: int) -> None:
    """`events` messages in turn in the chats of users 1 and 2, 3 and 4, ...: the loads' pairs."""
    chats = _chats(users)
    total = int(events * scale)
    fill(database, chats, (number % len(chats) for number in range(total)), total)


def history(database: Path, users: list[int], scale: float) -> None:
    """A million messages between users 1 and 2, a thousand between users 3 and 4.

    Eight other chats go on at the same time, as long as the million; the thousand are the latest.
    """
    rounds = int(1_000_000 * scale)
    chats = _chats(users)[:10]
    total = rounds * (len(chats) - 1) + THOUSAND
    fill(database, chats, _in_turns(rounds, len(chats)), total)


def _in_turns(rounds: int, chats: int) -> Iterator[int]:
    steady = [index for index in range(chats) if index != 1]
    for number in range(rounds):
        yield from steady
        if number >= rounds - THOUSAND:
            yield 1


def _chats(users: list[int]) -> list[Chat]:
    return list(zip(users[::2], users[1::2], strict=False))


def fill(database: Path, chats: list[Chat], arrivals: Iterable[int], total: int) -> None:
    """Open the chats, number them from 1, and store `total` messages in them as they arrive."""
    free = shutil.disk_usage(database.parent).free
    if free < total * BYTES_PER_EVENT:
        raise RuntimeError(f"{total:,} events need more disk than the {free / 2**30:.1f} GiB free")
    began = time.monotonic()
    store = sqlite3.connect(database, isolation_level=None)
    # Nobody else is here, and a broken fill is thrown away: no journal, no flush before the end.
    for pragma in ("journal_mode=OFF", "synchronous=OFF", "cache_size=-524288"):
        store.execute(f"PRAGMA {pragma}")
    store.execute("BEGIN EXCLUSIVE")
    seqs = [0] * len(chats)
    start = int(time.time() * 1000) - DAY_MS
    _open(store, chats, start)
    store.executemany(
        "INSERT INTO event (conversation_id, seq, type, sender_id, ref, at, body)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        _rows(chats, arrivals, seqs, start),
    )
    store.executemany(
        "UPDATE conversation SET last_seq = ?, last_at = ? WHERE id = ?",
        ((seq, start + total, index + 1) for index, seq in enumerate(seqs)),
    )
    store.execute("COMMIT")
    store.execute("PRAGMA journal_mode=WAL")
    store.close()
    _flush(database)
    size = database.stat().st_size
    print(
        f"  stored {total:,} events in {time.monotonic() - began:.0f} s: {size / 2**20:,.0f} MB",
        flush=True,
    )


def _open(store: sqlite3.Connection, chats: list[Chat], now: int) -> None:
    for index, users in enumerate(chats, 1):
        store.execute(
            "INSERT INTO conversation (id, kind, low_id, high_id, last_seq, last_at, created_at)"
            " VALUES (?, 1, ?, ?, 0, ?, ?)",
            (index, min(users), max(users), now, now),
        )
        store.executemany(
            "INSERT INTO member (conversation_id, user_id, read_seq) VALUES (?, ?, 0)",
            [(index, user) for user in users],
        )


def _rows(chats: list[Chat], arrivals: Iterable[int], seqs: list[int], start: int) -> Iterator[Row]:
    for number, index in enumerate(arrivals):
        seq = seqs[index] = seqs[index] + 1
        mark = f"{FIRST + number:010d}"
        body = f'{{"media":"text","content":"~{mark}~ {FILLER}"}}'
        yield index + 1, seq, "message", chats[index][seq & 1], f"^{mark}^", start + number, body


def _flush(database: Path) -> None:
    """To the disk, now: the kernel must not do it while somebody measures."""
    descriptor = os.open(database, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)
