"""When events happened: from times to seqs, by bisection.

Within a conversation `at` never falls, so the first event at or after a moment is found with one
row for each halving, and the log needs no index of times.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import gevent

from app.store.asked import Asked
from app.store.database import Database

_TIMES = Asked("""
    SELECT conversation_id, seq, at FROM {asked} JOIN event
    ON conversation_id = one AND seq = two""", "one", "two")


def times(database: Database, places: Iterable[tuple[int, int]]) -> dict[tuple[int, int], int]:
    """`at` of the events at these (conversation, seq)."""
    listed = list(places)
    if not listed:
        return {}
    return {(key, seq): at for key, seq, at in _TIMES.read(database, listed)}


def first_at(
    database: Database, ranges: Mapping[int, tuple[int, int, int]]
) -> dict[int, int]:
    """For each conversation -> (low, high, at): its first seq of low..high at or after `at`.

    high + 1 where there is none. All conversations are halved together.
    """
    open_ranges = {key: (low, high + 1) for key, (low, high, _) in ranges.items()}
    found: dict[int, int] = {}
    while open_ranges:
        middles = {key: (low + high) // 2 for key, (low, high) in open_ranges.items() if low < high}
        known = times(database, middles.items())
        for key, (low, high) in tuple(open_ranges.items()):
            if low >= high:
                found[key] = low
                del open_ranges[key]
                continue
            middle = middles[key]
            # A hole in the log (there should be none) counts as old.
            late = known.get((key, middle), -1) >= ranges[key][2]
            open_ranges[key] = (low, middle) if late else (middle + 1, high)
        gevent.sleep(0)
    return found
