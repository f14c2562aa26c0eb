"""`GET /v2/search`: its shape, its errors, and that nobody finds another's messages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.support.application import application
from tests.support.chat import text
from tests.support.client import Person
from tests.support.web import Account, person, problem

SEARCH = "/v2/search"


@pytest.fixture
def chat(ada: Account, ben: Account) -> int:
    """A conversation of ada and ben in which they speak of tea."""
    found: int = ada.post("/v2/conversations", user=ben.id).json["id"]
    for number, content in enumerate(("Tea at one?", "我在北京的公司喝茶", "no, coffee")):
        say(ada, found, content, f"r{number}")
    return found


def say(who: Account, conversation: int, content: str, ref: str) -> None:
    sent = who.post(f"/v2/conversations/{conversation}/messages", ref=ref, message=text(content))
    assert sent.status_code == 201


def test_a_hit_is_the_message_with_a_snippet_and_its_highlights(
    ada: Account, ben: Account, chat: int
) -> None:
    answer = ben.get(SEARCH, q="公司")
    assert answer.status_code == 200
    [result] = answer.json["results"]
    event = ben.get(f"/v2/conversations/{chat}/events").json["events"][1]
    assert result == {
        "conversation": chat, "seq": 2, "sender": ada.id, "at": event["at"],
        "message": event["message"],
        "snippet": {"text": "我在北京的公司喝茶", "highlights": [[5, 7]]},
    }
    assert (answer.json["next"], answer.json["complete"]) == (None, True)
    assert ben.get(SEARCH, q="TEA").json["results"][0]["snippet"]["highlights"] == [[0, 3]]


def test_pages_go_on_where_the_last_one_ended(ada: Account, ben: Account, chat: int) -> None:
    for number in range(7):
        say(ben, chat, f"more tea {number}", f"m{number}")
    seqs, cursor = [], {}
    for _ in range(5):
        page = ada.get(SEARCH, q="tea", limit=3, **cursor).json
        seqs += [result["seq"] for result in page["results"]]
        if page["next"] is None:
            break
        cursor = {"cursor": page["next"]}
    assert seqs == [10, 9, 8, 7, 6, 5, 4, 1]


@pytest.mark.parametrize("query", [
    {}, {"q": ""}, {"q": "  "}, {"q": '"*"'}, {"q": "\0"},
    *({"q": "x", name: value} for name, values in {
        "limit": ("0", "101", "-1", "many"), "media": ("smell", ""), "sender": ("ada", "-1", "0"),
        "after": ("now", "-1"), "before": ("9" * 30, "1.5"), "conversation": ("0", "x"),
        "cursor": ("", "1-2", "1-2-3-4", "-1-2-3", "1-2-٣", f"{'9' * 50}-1-1", f"{2**53 + 1}-1-1"),
    }.items() for value in values),
])
def test_a_search_that_makes_no_sense_is_refused(
    ben: Account, chat: int, query: dict[str, str]
) -> None:
    problem(ben.get(SEARCH, **query), 400, "bad_request")


@pytest.mark.parametrize("length", [201, 5000])
def test_a_query_has_a_longest_length(ben: Account, length: int) -> None:
    problem(ben.get(SEARCH, q="x" * length), 413, "too_long")


def test_any_cursor_is_only_a_place_in_ones_own_results(
    client: FlaskClient, ben: Account, chat: int
) -> None:
    eve = person(client, "eve")
    for cursor in ("0-0-0", f"{2**53}-{2**53}-{2**53}", f"1-{chat}-1", f"{2**53}-{chat}-2"):
        assert eve.get(SEARCH, q="tea", cursor=cursor).json["results"] == []
        assert ben.get(SEARCH, q="tea", cursor=cursor).status_code == 200
    assert ben.get(SEARCH, q="tea", cursor="0-0-0").json["results"] == []


def test_a_stranger_finds_nothing(client: FlaskClient, chat: int) -> None:
    eve = person(client, "eve")
    for query in ({"q": "tea"}, {"q": "茶"}, {"q": "tea", "sender": 1}, {"q": "te"}):
        assert eve.get(SEARCH, **query).json == {"results": [], "next": None, "complete": True}
    problem(eve.get(SEARCH, q="tea", conversation=chat), 403, "not_a_member")
    problem(client.get(f"{SEARCH}?q=tea"), 401, "token_missing")


def test_a_server_without_search_says_how_to_have_it(tmp_path: Path) -> None:
    with application(tmp_path, HICHAT_SEARCH="off") as app:
        ada = person(app.test_client(), "ada")
        found = problem(ada.get(SEARCH, q="tea"), 501, "search_off")
        assert "HICHAT_SEARCH=on" in found["detail"]
        chat = ada.post("/v2/conversations", user=ada.id).json["id"]
        say(ada, chat, "tea", "r")  # messages do not care


def test_what_is_sent_over_a_socket_is_found_at_once(alice: Person, bob: Person) -> None:
    with alice.device() as device:
        ack = device.text("明天去公司吗", bob.id)
    found: dict[str, Any] = bob.get(SEARCH, q="公")
    assert [(hit["conversation"], hit["seq"]) for hit in found["results"]] == [
        (ack["conversation"], ack["seq"])
    ]
    assert found["complete"]
