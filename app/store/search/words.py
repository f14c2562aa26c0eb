"""Text as search sees it: words. Pure; the one place that says what a word is.

A word is a run of letters and digits; in scripts that put no spaces between words (Chinese,
Japanese, Korean, Thai ...) each character is one, and so is each emoji. Words are compared in one
form (NFKC, casefolded), and looked for in the text as it stands, so that places are its own.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from msgspec import Struct

from app.errors import BadRequest, TooLong

WORD_CHARS = 64  # the rest of a longer word is not looked at
TEXT_WORDS = 16_000  # the rest of a longer text is not searched
QUERY_CHARS = 200
SNIPPET_CHARS = 120
SNIPPET_LEAD = 30  # of them, before the first hit
HIGHLIGHTS = 20

# Single-character scripts: radicals, signs, kana, bopomofo, Han, hangul, and South-East Asia.
_ALONE = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3031-\u303c"
    "\u3041-\u3096\u309d-\u309f\u30a1-\u30fa\u30fc-\u312f\u3131-\u318e\u31a0-\u31bf\u31f0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\ua960-\ua97c\uac00-\ud7fb\uf900-\ufaff\uff66-\uffdc"
    "\U0001b000-\U0001b16f\U00020000-\U000323af"
)
_EMOJI = "\u2600-\u27bf\U0001f000-\U0001faff"


def _marks() -> str:
    """Every combining mark of the Basic Multilingual Plane, as ranges of a character class.

    Without the variation selectors behind them: they choose a picture, not a character.
    """
    ranges: list[list[int]] = []
    for code in range(0x300, 0xFE00):
        if unicodedata.category(chr(code))[0] == "M":
            if ranges and ranges[-1][1] == code - 1:
                ranges[-1][1] = code
            else:
                ranges.append([code, code])
    return "".join(f"{chr(low)}-{chr(high)}" for low, high in ranges)


_MARKS = _marks() + "\uff9e\uff9f"  # half-width voice marks belong to the kana before them
_JAMO = "[\u1100-\u115f][\u1160-\u11a7]?[\u11a8-\u11ff]?"  # a syllable in its parts
_WORD = re.compile(
    f"{_JAMO}|[{_ALONE}][{_MARKS}]*|[{_EMOJI}]|(?:[^\\W_{_ALONE}][{_MARKS}]*)+"
)
_PLAIN_WORD = re.compile("[0-9A-Za-z]+")
_NOT_WORD = re.compile(f"[^\\w{_MARKS}{_EMOJI}]|_")
_SINGLE = re.compile(f"{_JAMO}|[{_ALONE}{_EMOJI}][{_MARKS}]*")
_TERM = re.compile('"([^"]*)"?|([^\\s"]+)')


class Word(NamedTuple):
    """A word in its one form, and where it stands in the text."""

    form: str
    start: int
    end: int


def split(text: str) -> list[Word]:
    """The words of a text, at most TEXT_WORDS."""
    found = []
    if text.isascii():
        for match in _PLAIN_WORD.finditer(text):
            found.append(Word(match[0][:WORD_CHARS].lower(), match.start(), match.end()))
            if len(found) == TEXT_WORDS:
                break
        return found
    for match in _WORD.finditer(text):
        if form := _form(match[0][:WORD_CHARS]):
            found.append(Word(form, match.start(), match.end()))
            if len(found) == TEXT_WORDS:
                break
    return found


@lru_cache(maxsize=16_384)
def _form(text: str) -> str:
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    # A sign like U+2474 unfolds into brackets and a digit: only the digit is a word.
    return _NOT_WORD.sub("", folded)[:WORD_CHARS]


class Phrase(NamedTuple):
    """Words that must follow one another; with `open`, the last is the beginning of one."""

    words: tuple[str, ...]
    open: bool


class Query(NamedTuple):
    """Phrases that must all be in a text."""

    phrases: tuple[Phrase, ...]

    def find(self, text: str) -> list[tuple[int, int]]:
        """Where the phrases stand in `text`, ascending and apart; empty unless all are in it."""
        words = split(text)
        return _joined(sorted(
            (words[start].start, words[start + len(phrase.words) - 1].end)
            for phrase, starts in zip(self.phrases, self.places(words), strict=False)
            for start in starts
        ))

    def places(self, words: Sequence[Word]) -> list[list[int]]:
        """For each phrase the words that it begins at; empty unless all are there."""
        known: dict[str, list[int]] = {}
        for index, word in enumerate(words):
            known.setdefault(word.form, []).append(index)
        found = []
        for phrase in self.phrases:
            starts = _starts(phrase, words, known)
            if not starts:
                return []
            found.append(starts)
        return found


def _starts(phrase: Phrase, words: Sequence[Word], known: dict[str, list[int]]) -> list[int]:
    """The words at which a phrase begins; `known` says where each form stands."""
    *firm, last = phrase.words
    if firm:
        starts: Sequence[int] = known.get(firm[0], ())
    elif phrase.open:
        starts = range(len(words))
    else:
        starts = known.get(last, ())
    found = []
    for start in starts:
        final = start + len(firm)
        if final >= len(words) or any(
            words[start + offset].form != form for offset, form in enumerate(firm)
        ):
            continue
        form = words[final].form
        if form == last or (phrase.open and form.startswith(last)):
            found.append(start)
    return found


def _joined(ranges: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    joined: list[tuple[int, int]] = []
    for start, end in ranges:
        if joined and start <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(end, joined[-1][1])
        else:
            joined.append((start, end))
    return joined


def parse(text: str) -> Query:
    """What a user asks for: terms, all of which must be there; a quoted one as it stands.

    The last word is the beginning of one, unless it is quoted. Nothing else is syntax. Raises
    BadRequest or TooLong.
    """
    if len(text) > QUERY_CHARS:
        raise TooLong(f"q has {len(text)} characters; {QUERY_CHARS} may be asked for.")
    phrases, bare = [], False
    for match in _TERM.finditer(text):
        if words := split(match[0]):
            phrases.append(Phrase(tuple(word.form for word in words), False))
            bare = match[2] is not None
    if not phrases:
        raise BadRequest("q has no word to look for: give at least one letter or digit.")
    last = phrases[-1]
    if bare and _SINGLE.fullmatch(last.words[-1]) is None:
        phrases[-1] = last._replace(open=True)
    return Query(tuple(dict.fromkeys(phrases)))


class Snippet(Struct):
    """A piece of a text around its first hit, and the hits in it.

    Offsets are in UTF-16 units, as JavaScript, Java and Swift's NSString count.
    """

    text: str
    highlights: list[tuple[int, int]]


def snippet(text: str, ranges: Sequence[tuple[int, int]]) -> Snippet:
    """The piece that shows the first of `ranges`; without any, how the text begins."""
    start = 0
    if len(text) > SNIPPET_CHARS:
        first = ranges[0][0] if ranges else 0
        start = max(0, min(first - SNIPPET_LEAD, len(text) - SNIPPET_CHARS))
    piece = text[start : start + SNIPPET_CHARS]
    within = [
        (max(low - start, 0), min(high - start, len(piece)))
        for low, high in ranges if low - start < len(piece)
    ][:HIGHLIGHTS]
    return Snippet(piece, [(_units(piece, low), _units(piece, high)) for low, high in within])


def _units(text: str, end: int) -> int:
    """How many UTF-16 units the first `end` characters have."""
    return end + sum(char > "\uffff" for char in text[:end])

