"""What a word is, what a query asks for, and what is shown of a hit."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.errors import BadRequest, TooLong
from app.store.search.words import (
    QUERY_CHARS,
    SNIPPET_CHARS,
    TEXT_WORDS,
    WORD_CHARS,
    Phrase,
    parse,
    snippet,
    split,
)

CJK = st.one_of(
    st.sampled_from("我在北京的公司工作日本語カタカナひらがな한국어"),
    *(st.characters(min_codepoint=ord(low), max_codepoint=ord(high)) for low, high in (
        ("一", "鿿"), ("㐀", "䶿"), ("ぁ", "ゖ"), ("ァ", "ヺ"), ("가", "힣"),
        ("\U00020000", "\U0002a6df"),
    )),
)
LETTERS = st.text("abcXYZéÉßñ0129дЖλΣ", min_size=1, max_size=10)
MIXED = st.lists(st.text(CJK, min_size=1, max_size=8) | LETTERS, min_size=1, max_size=12).map(
    " ".join
) | st.text(max_size=40)


def forms(text: str) -> list[str]:
    return [word.form for word in split(text)]


@pytest.mark.parametrize(("text", "expected"), [
    ("Hello, WORLD!", ["hello", "world"]),
    ("don't foo_bar v2.1", ["don", "t", "foo", "bar", "v2", "1"]),
    ("我在北京", ["我", "在", "北", "京"]), ("HiChat项目v2", ["hichat", "项", "目", "v2"]),
    ("ひらカナ々ー한국", ["ひ", "ら", "カ", "ナ", "々", "ー", "한", "국"]),
    ("ｆｕｌｌ　ｗｉｄｔｈ", ["full", "width"]), ("ｶﾞ", ["ガ"]), ("か\u3099", ["が"]),
    ("\u1112\u1161\u11ab", ["한"]), ("Straße STRASSE", ["strasse", "strasse"]),
    ("cafe\u0301 café", ["café", "café"]), ("हिन्दी", ["हिन्दी"]), ("ภาษา", ["ภ", "า", "ษ", "า"]),
    ("ok 😀👍", ["ok", "😀", "👍"]), ("⑴ ½ ①", ["1", "12", "1"]), ("...!? ， 。", []), ("", []),
])
def test_words_are_compared_in_one_form(text: str, expected: list[str]) -> None:
    assert forms(text) == expected


@settings(deadline=None)
@given(st.text(max_size=60))
def test_words_have_nothing_that_could_be_syntax_and_stand_where_they_say(text: str) -> None:
    end = 0
    for word in split(text):
        assert word.form
        assert all(char.isalnum() or ord(char) > 0x7F for char in word.form)
        assert not any(char.isspace() for char in word.form)
        assert end <= word.start < word.end <= len(text)
        end = word.end


@settings(deadline=None)
@given(st.text(CJK, min_size=1, max_size=30), MIXED, MIXED, st.data())
def test_every_piece_of_one_to_three_cjk_characters_finds_its_text(
    run: str, before: str, after: str, data: st.DataObject
) -> None:
    text = data.draw(st.sampled_from((f"{before} {run} {after}", f"{before}a{run}b{after}", run)))
    start = data.draw(st.integers(0, len(run) - 1))
    piece = run[start : start + data.draw(st.integers(1, 3))]
    ranges = parse(piece).find(text)
    assert ranges
    assert all(piece in text[low:high] for low, high in ranges)


@settings(deadline=None)
@given(MIXED)
def test_every_word_finds_its_text_bare_quoted_and_in_capitals(text: str) -> None:
    for word in split(text)[:20]:
        shown = text[word.start : word.end][:WORD_CHARS]
        for query in (shown, f'"{shown}"', word.form):
            assert any(
                low <= word.start and word.end <= high for low, high in parse(query).find(text)
            ), query
    if text.isascii():
        assert [word.form for word in split(text.upper())] == forms(text)


@settings(deadline=None)
@given(LETTERS, LETTERS)
def test_the_beginning_of_the_last_word_finds_it(one: str, two: str) -> None:
    form = forms(two)[0]
    for end in range(1, len(form) + 1):
        assert parse(f"{one} {form[:end]}").find(f"x {two}, {one}")
    assert not parse(f'"{form}"').find(form + "s")


@pytest.mark.parametrize(("q", "expected"), [
    ("hello wor", [("hello", False), ("wor", True)]), ('"hello wor"', [("hello wor", False)]),
    ("公司", [("公 司", False)]), ("公司 abc", [("公 司", False), ("abc", True)]),
    ("don't", [("don t", True)]), ('say "hi', [("say", False), ("hi", False)]),
    ("hi hi", [("hi", False), ("hi", True)]), ('"', None), ("", None), ("  ", None), ("*()", None),
    ("NEAR(a b)", [("near a", False), ("b", True)]),
    ("a OR b*", [("a", False), ("or", False), ("b", True)]),
])
def test_a_query_is_terms_and_quoted_phrases(
    q: str, expected: list[tuple[str, bool]] | None
) -> None:
    if expected is None:
        with pytest.raises(BadRequest):
            parse(q)
    else:
        assert parse(q).phrases == tuple(
            Phrase(tuple(words.split()), is_open) for words, is_open in expected
        )


def test_a_query_has_a_longest_length() -> None:
    assert parse("公" * QUERY_CHARS)
    with pytest.raises(TooLong):
        parse("a" * (QUERY_CHARS + 1))


@pytest.mark.parametrize(("q", "text", "found"), [
    ("公司", "我在公司工作", ["公司"]), ("公司", "公家的司机", []),
    ("公 司", "公家的司机", ["公", "司"]), ("北京大学", "在北京大学", ["北京大学"]),
    ("the fox", "The quick FOXES of the moor", ["The", "FOXES", "the"]),
    ('"quick fox"', "quick brown fox", []), ('"quick fox"', "the quick, fox", ["quick, fox"]),
    ("aa", "aaa aab b", ["aaa", "aab"]), ("x y", "x only", []),
])
def test_all_terms_must_be_there_and_all_their_places_are_told(
    q: str, text: str, found: list[str]
) -> None:
    assert [text[low:high] for low, high in parse(q).find(text)] == found


def test_overlapping_hits_are_one_range() -> None:
    assert parse("公司司").find("公司司") == [(0, 3)]
    assert parse("ab 公司 司机").find("公司机 ab") == [(0, 3), (4, 6)]


def test_a_long_word_and_a_long_text_are_searched_up_to_a_bound() -> None:
    word = "a" * 1000
    assert forms(word) == ["a" * WORD_CHARS]
    assert len(split("公" * (TEXT_WORDS + 5))) == len(split("a " * (TEXT_WORDS + 5))) == TEXT_WORDS


@settings(deadline=None)
@given(st.text(max_size=300), st.text(CJK, min_size=1, max_size=4), st.text(max_size=300))
def test_a_snippet_holds_its_first_hit_at_the_offsets_that_javascript_counts(
    before: str, word: str, after: str
) -> None:
    text = f"{before} {word} {after}"
    ranges = parse(word).find(text)
    shown = snippet(text, ranges)
    assert shown.text in text
    assert len(shown.text) <= SNIPPET_CHARS
    units = shown.text.encode("utf-16-le", "surrogatepass")
    pieces = [
        units[2 * low : 2 * high].decode("utf-16-le", "surrogatepass")
        for low, high in shown.highlights
    ]
    assert pieces
    first = text[ranges[0][0] : ranges[0][1]]
    assert pieces[0] == first[: len(pieces[0])]
    assert len(first) > 80 or pieces[0] == first
