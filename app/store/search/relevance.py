"""How well a message fits a query: a number that people can follow. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from app.store.search.words import Query, Word, split

WHOLE, TOGETHER = 2000, 1000  # each outweighs all that stands behind it
SHARE = 100  # of a text that consists of hits only
REPEAT, MOST_REPEATS = 5, 10


def score(query: Query, text: str) -> int:
    """The points of a text in which all phrases of `query` are.

    First whether each stands there as whole words, not only as the beginning of one; then whether
    they follow one another as in the query; then what share of the words they are, and how often
    they are there. No phrase, no points.
    """
    words = split(text)
    places = query.places(words)
    if not places:
        return 0
    covered = {
        start + offset
        for phrase, starts in zip(query.phrases, places, strict=True)
        for start in starts for offset in range(len(phrase.words))
    }
    hits = sum(map(len, places))
    return (
        WHOLE * _whole(query, words, places) + TOGETHER * _together(query, places)
        + SHARE * len(covered) // len(words) + REPEAT * min(hits, MOST_REPEATS)
    )


def _whole(query: Query, words: Sequence[Word], places: Sequence[Sequence[int]]) -> bool:
    return all(
        any(words[start + len(phrase.words) - 1].form == phrase.words[-1] for start in starts)
        for phrase, starts in zip(query.phrases, places, strict=True)
    )


def _together(query: Query, places: Sequence[Sequence[int]]) -> bool:
    """Whether the phrases stand side by side somewhere, in their order."""
    found = set(places[0])
    for phrase, following in zip(query.phrases, places[1:], strict=False):
        found = {start + len(phrase.words) for start in found} & set(following)
    return bool(found)
