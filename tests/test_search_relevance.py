"""`sort=relevance`: the best of the newest first, by a score that can be told, page by page."""

from __future__ import annotations

import random

import pytest

from app.store import Store
from app.store.search import search
from app.store.search.relevance import score
from app.store.search.search import Filters, Rank, Spot
from app.store.search.words import parse
from tests.support.chat import text
from tests.support.log import people
from tests.support.said import find, say, seqs
from tests.support.web import Account, problem


@pytest.mark.parametrize(("q", "better", "worse"), [
    ("tea", "green tea for all of us here", "teapot"),  # a whole word above a beginning
    ("green tea", "a cup of green tea, please, thanks", "tea green"),  # as they stand in q
    ("green tea", "tea green", "green teapots"),  # whole words above neighbours
    ("公 司", "这是我们的公司", "公家的司机"),
    ("tea", "tea", "tea for two"),  # more of the text
    ("tea", "tea and tea and more tea", "tea and milk and more honey"),  # more often
    ("公司", "公司", "我在北京的公司工作"),
])
def test_what_fits_better_has_more_points(q: str, better: str, worse: str) -> None:
    assert score(parse(q), better) > score(parse(q), worse) > 0


def test_what_does_not_match_has_no_points() -> None:
    assert score(parse("green tea"), "tea") == score(parse("tea"), "") == 0


def test_the_best_come_first_and_of_equals_the_newest(store: Store) -> None:
    ada, bob = people(store, 2)
    say(store, ada, bob, "tea", "teapots", "tea", "so much for the tea", "coffee")
    assert seqs(find(store, ada, "tea")) == [4, 3, 2, 1]
    found = store.search.best(ada, Filters(parse("tea")), 10)
    assert [result.entry.seq for result in found.results] == [3, 1, 4, 2]
    assert (found.next, found.complete) == (None, True)
    assert found.results[0].snippet.highlights == [(0, 3)]


def ranked(store: Store, user: int, limit: int, spot: Spot | None = None) -> list[list[Rank]]:
    """The pages of a search for `tea` among few candidates, grouped by their windows."""
    windows: list[list[Rank]] = [[]]
    for _ in range(1000):
        found = store.search.best(user, Filters(parse("tea")), limit, spot)
        assert len(found.results) <= limit
        windows[-1] += [result.rank() for result in found.results]
        if found.next is None:
            return windows
        if found.next.last is None:
            windows.append([])
        spot = found.next
    raise AssertionError("the pages do not end")


@pytest.mark.parametrize("limit", [1, 3, 100])
def test_pages_have_every_candidate_once_then_go_on_to_those_before(
    store: Store, monkeypatch: pytest.MonkeyPatch, limit: int
) -> None:
    monkeypatch.setattr(search, "CANDIDATES", 8)
    chance = random.Random(1)
    ada, bob, eve = people(store, 3)
    said = ("tea", "teapot", "much tea", "tea tea", "coffee")
    for _ in range(15):
        say(store, chance.choice((bob, eve)), ada, *chance.choices(said, k=2))
    newest = [result.rank() for result in find(store, ada, "tea").results]
    windows = ranked(store, ada, limit)
    assert [sorted(rank[1:] for rank in window) for window in windows] == [
        sorted(rank[1:] for rank in newest[start : start + 8])
        for start in range(0, len(newest), 8)
    ]
    assert all(window == sorted(window, reverse=True) for window in windows)


def test_what_is_said_between_two_pages_does_not_move_the_candidates(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "CANDIDATES", 5)
    ada, bob = people(store, 2)
    say(store, ada, bob, *["much tea", "tea"] * 5)
    expected = [rank.seq for window in ranked(store, ada, 2) for rank in window]
    first = store.search.best(ada, Filters(parse("tea")), 2)
    say(store, ada, bob, *["tea"] * 5)
    rest = [rank.seq for window in ranked(store, ada, 2, first.next) for rank in window]
    assert [result.entry.seq for result in first.results] + rest == expected


def test_relevance_is_asked_for_over_http_and_paged_by_its_cursor(
    ada: Account, ben: Account
) -> None:
    chat = ada.post("/v2/conversations", user=ben.id).json["id"]
    for number, content in enumerate(("tea", "teapot", "tea for two", "tea")):
        ada.post(f"/v2/conversations/{chat}/messages", ref=str(number), message=text(content))
    order, cursor = [], {}
    for _ in range(2):
        page = ben.get("/v2/search", q="tea", sort="relevance", limit=2, **cursor).json
        order += [result["seq"] for result in page["results"]]
        cursor = {"cursor": page["next"]}
    assert (order, page["next"], page["complete"]) == ([4, 1, 3, 2], None, True)
    newest = ben.get("/v2/search", q="tea", sort="newest", limit=1).json
    assert newest == ben.get("/v2/search", q="tea", limit=1).json
    for query in (
        {"q": "tea", "sort": "best"}, {"q": "tea", "sort": ""},
        {"sort": "relevance", "media": "text"},
        {"q": "tea", "sort": "relevance", "cursor": "1-2-3-4"},
        {"q": "tea", "cursor": "1-2-3-4-5-6-7"},
        {"q": "tea", "sort": "relevance", "cursor": f"1-2-3-4-5-6-{2**53 + 1}"},
    ):
        problem(ben.get("/v2/search", **query), 400, "bad_request")
