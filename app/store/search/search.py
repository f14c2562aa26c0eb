"""Searching one's own conversations: the newest hits first.

That is what people expect of a messenger: they look for what was said lately, they know about when
it was, and the next page goes on where this one ended. A rank by how rare the words are would
put short messages of years ago on top, and would have to look at every hit before it shows one.

Conversations are looked at in the order of how new their next hit can be, shelf by shelf
(wordindex.py), until the page is full: a common word is found in the first few, a rare one costs
a look at each. Every look is bounded, and so is their number in one search; `next` goes on.

Who asks for the best first gets the newest CANDIDATES in the order of their score (relevance.py),
page by page, and behind them those before. Without words the log itself is looked through
(logsearch.py), stretch by stretch.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import gevent
from msgspec import Struct

from app.errors import NotAMember, SearchOff
from app.models.message import ACCOUNT
from app.store.database import Database
from app.store.log.dates import first_at, times
from app.store.log.items import Entry
from app.store.log.rights import FLOOR
from app.store.log.said import said
from app.store.search.indexer import Indexer
from app.store.search.logsearch import LogSearch, cost, floor_of_stretch
from app.store.search.relevance import score
from app.store.search.wordindex import Ask, Hit, Span, floor_of_shelf
from app.store.search.words import Query, Snippet, snippet

CATCH_UP = 2000  # events that one search may index first
LOOKS = 2000  # at shelves, in one search
CHARS = 500_000  # of messages that one search compares
SLICE = 4000  # of them, after which others get their turn
CANDIDATES = 500  # messages of which the best come first
MOST_HITS = 101  # that one look brings
FIRST_LOOKS, MOST_LOOKS = 4, 64  # at once: the first often suffice

_PLACES = f"""
    SELECT conversation.id, last_seq, last_at, coalesce(search_place.seq, 0), {FLOOR}
    FROM member JOIN conversation ON conversation.id = member.conversation_id
    LEFT JOIN search_place ON search_place.conversation_id = conversation.id
    WHERE user_id = ? AND kind <> ?"""  # noqa: S608  # a constant of ours
_PLACE = f"{_PLACES} AND member.conversation_id = ?"


class Key(NamedTuple):
    """The place of a message among the results, which descend."""

    at: int
    conversation: int
    seq: int


class Rank(NamedTuple):
    """The place of a message among those that are ordered by their score; it descends, too."""

    score: int
    at: int
    conversation: int
    seq: int


class Spot(NamedTuple):
    """Where a page of the best begins: the candidates come before `end`, what is left of them
    behind `last`; None: nothing of them has been shown.
    """

    end: Key
    last: Rank | None


class Filters(NamedTuple):
    """Which messages; None is any, and so is a query without phrases. `after` <= at < `before`."""

    query: Query
    conversation: int | None = None
    sender: int | None = None
    media: str | None = None
    after: int | None = None
    before: int | None = None


class Result(Struct):
    """A message that was found, as it is now; the score counts where it was asked for."""

    entry: Entry
    snippet: Snippet
    score: int = 0

    def key(self) -> Key:
        return Key(self.entry.at, self.entry.conversation_id, self.entry.seq)

    def rank(self) -> Rank:
        return Rank(self.score, *self.key())


class Found(Struct):
    """A page of results. `next` begins the page behind it, if there may be one.

    Not `complete`: some of the newest messages are not in the index yet.
    """

    results: list[Result]
    next: Key | None
    complete: bool


class Best(Struct):
    """As Found, of a search for the best."""

    results: list[Result]
    next: Spot | None
    complete: bool


class Place(NamedTuple):
    """A conversation of the user, who sees what is behind `floor`."""

    id: int
    last_seq: int
    last_at: int
    indexed_seq: int
    floor: int


class Search:
    """Finds messages for members only."""

    def __init__(self, database: Database, indexer: Indexer, enabled: bool = True) -> None:
        self._database = database
        self._indexer = indexer
        self._enabled = enabled

    def find(
        self, user_id: int, filters: Filters, limit: int, until: Key | None = None
    ) -> Found:
        """At most `limit` messages, those before the key `until` if given.

        Raises NotAMember, SearchOff.
        """
        return self._found(user_id, filters, limit, until, ranked=False)

    def best(
        self, user_id: int, filters: Filters, limit: int, spot: Spot | None = None
    ) -> Best:
        """Of the newest CANDIDATES (fewer, where they are long) the best `limit`, from `spot` on.

        `next` leads through all of them, then to the candidates before. Raises as `find`.
        """
        found = self._found(user_id, filters, CANDIDATES, spot.end if spot else None, ranked=True)
        left = sorted(found.results, key=Result.rank, reverse=True)
        if spot is not None and spot.last is not None:
            left = [result for result in left if result.rank() < spot.last]
        following = Spot(found.next, None) if found.next else None
        if len(left) > limit:
            newest = found.results[0].key()  # later ones would push the oldest candidates out
            end = spot.end if spot else newest._replace(seq=newest.seq + 1)
            following = Spot(end, left[limit - 1].rank())
        return Best(left[:limit], following, found.complete)

    def _found(
        self, user_id: int, filters: Filters, limit: int, until: Key | None, ranked: bool
    ) -> Found:
        if not filters.query.phrases:
            # The log is its own index, and lacks nothing.
            places = [
                place._replace(indexed_seq=place.last_seq)
                for place in self._places(user_id, filters.conversation)
            ]
            complete = True
        else:
            places, complete = self._indexed(user_id, filters)
        walk = _Walk(self._database, self._indexer, user_id, filters, limit, ranked)
        walk.begin(places, _end(filters.before, until))
        results, following = walk.run()
        return Found(results, following, complete)

    def _indexed(self, user_id: int, filters: Filters) -> tuple[list[Place], bool]:
        """Where to look for words, and whether all of it is in the index by now."""
        if not self._enabled:
            raise SearchOff()
        places = self._places(user_id, filters.conversation)
        behind = [place for place in places if place.indexed_seq < place.last_seq]
        if not behind:
            return places, True
        behind.sort(key=lambda place: place.last_at, reverse=True)
        complete = self._indexer.catch_up([place.id for place in behind], CATCH_UP)
        # Read again, behind all that waited: who was removed meanwhile finds nothing.
        return self._places(user_id, filters.conversation), complete

    def _places(self, user_id: int, conversation: int | None) -> list[Place]:
        if conversation is None:
            rows = self._database.rows(_PLACES, user_id, ACCOUNT)
        else:
            rows = self._database.rows(_PLACE, user_id, ACCOUNT, conversation)
            if not rows:
                raise NotAMember()
        return [Place(*row) for row in rows]


class _Walk:
    """One search on its way back in time."""

    def __init__(
        self, database: Database, indexer: Indexer, user_id: int, filters: Filters, limit: int,
        ranked: bool,
    ) -> None:
        self._database = database
        self._words = bool(filters.query.phrases)
        self._index = indexer.index if self._words else LogSearch(database)
        self._ranked = ranked
        self._filters = filters
        self._ask = Ask(user_id, filters.query, filters.sender, filters.media)
        self._limit = limit
        self._floors: dict[int, int] = {}
        self._heap: list[tuple[int, int, int]] = []  # negated Key of the newest that may be left
        self._results: list[Result] = []
        self._looks = LOOKS
        self._chars = CHARS

    def begin(self, places: Sequence[Place], end: Key | None) -> None:
        """Start in every conversation at its head, or where the key `end` cuts it."""
        self._floors = {place.id: place.floor for place in places}
        heads = {place.id: Key(place.last_at, place.id, place.indexed_seq) for place in places}
        if end is not None:
            cut = [place for place in places if place.last_at >= end.at]
            heads |= self._cut(cut, end)
        for head in heads.values():
            self._push(head)

    def _cut(self, places: Sequence[Place], end: Key) -> dict[int, Key]:
        """The newest event before `end` in each of these conversations."""
        firsts = first_at(self._database, {
            place.id: (
                place.floor + 1, place.indexed_seq, end.at + (place.id <= end.conversation)
            )
            for place in places
        })
        lasts = {key: seq - 1 for key, seq in firsts.items()}
        if end.conversation in lasts:
            lasts[end.conversation] = min(lasts[end.conversation], end.seq - 1)
        known = times(self._database, lasts.items())
        return {key: Key(known.get((key, seq), 0), key, seq) for key, seq in lasts.items()}

    def run(self) -> tuple[list[Result], Key | None]:
        """The results, and where to go on."""
        width = FIRST_LOOKS
        while self._heap and not self._is_full():
            if self._looks <= 0 or self._chars <= 0:
                return self._interrupted()
            self._look(min(width, self._looks))
            width = min(2 * width, MOST_LOOKS)
            gevent.sleep(0)
        found = self._results[: self._limit]
        return found, found[-1].key() if len(self._results) > self._limit else None

    def _is_full(self) -> bool:
        """Whether nothing that is left can come before the page's end, or before `after`."""
        newest = self._newest()
        if self._filters.after is not None and newest.at < self._filters.after:
            return True
        return len(self._results) > self._limit and self._results[self._limit].key() > newest

    def _newest(self) -> Key:
        """The greatest key that may be left."""
        at, conversation, seq = self._heap[0]
        return Key(-at, -conversation, -seq)

    def _interrupted(self) -> tuple[list[Result], Key]:
        newest = self._newest()
        return (
            [result for result in self._results if result.key() > newest][: self._limit],
            newest._replace(seq=newest.seq + 1),
        )

    def _look(self, width: int) -> None:
        keys: list[Key] = []
        while self._heap and len(keys) < width and (not keys or not self._is_full()):
            keys.append(self._newest())
            heapq.heappop(self._heap)
        spans = [self._span(key) for key in keys]
        self._looks -= len(spans) if self._words else sum(map(cost, spans))
        most = min(self._limit + 1, MOST_HITS)
        emptied = []
        for key, span, hits in zip(
            keys, spans, self._index.look(spans, self._ask, most), strict=True
        ):
            if self._chars <= 0:
                self._push(key)  # for the next page
                continue
            self._take(key, hits)
            if len(hits) == most:
                self._push(Key(hits[-1].at, key.conversation, hits[-1].seq - 1))
            elif span.low - 1 > self._floors[key.conversation]:
                emptied.append((span.conversation, span.low - 1))
        known = times(self._database, emptied)
        for conversation, seq in emptied:
            self._push(Key(known.get((conversation, seq), 0), conversation, seq))
        self._results.sort(key=Result.key, reverse=True)
        del self._results[self._limit + 1 :]

    def _span(self, key: Key) -> Span:
        floor = floor_of_shelf if self._words else floor_of_stretch
        low = max(self._floors[key.conversation] + 1, floor(key.seq))
        return Span(key.conversation, low, key.seq)

    def _push(self, key: Key) -> None:
        if key.seq > self._floors[key.conversation]:
            heapq.heappush(self._heap, (-key.at, -key.conversation, -key.seq))

    def _take(self, key: Key, hits: Iterable[Hit]) -> None:
        """Keep those that match as they are now: the index may remember what they were."""
        filters = self._filters
        for hit in hits:
            if filters.after is not None and hit.at < filters.after:
                break
            message = said(hit.body)
            if filters.media not in (None, message.media) or not message.media:
                continue
            if filters.sender not in (None, hit.sender):
                continue
            text = message.text()
            before, self._chars = self._chars, self._chars - len(text)
            if before // SLICE != self._chars // SLICE:
                gevent.sleep(0)
            ranges = filters.query.find(text)
            if ranges or not self._words:
                entry = Entry(
                    key.conversation, hit.seq, "message", hit.sender, hit.at, hit.body
                )
                points = score(filters.query, text) if self._ranked else 0
                self._results.append(Result(entry, snippet(text, ranges), points))


def _end(before: int | None, until: Key | None) -> Key | None:
    """The key that all results come before."""
    ends = [Key(before, 0, 0)] if before is not None else []
    return min([*ends, until]) if until is not None else ends[0] if ends else None
