"""The export: everything that is a user's and nothing that is not, streamed."""

from __future__ import annotations

import json
from typing import Any

import pytest
import requests
from flask import Flask
from sqlalchemy import insert

from app import services
from app.models import Conversation, Event
from tests.support.application import beside
from tests.support.chat import text
from tests.support.client import Person
from tests.support.media import uploaded
from tests.support.process import Growth
from tests.support.server import Server
from tests.support.web import Account, person, problem

EXPORT = "/v2/users/me/export"


def test_the_export_holds_all_that_is_the_users(ada: Account, ben: Account) -> None:
    ada.patch("/v2/users/me", email="ada@example.org")
    ada.post("/v2/contacts", user=ben.id)
    ben.post(f"/v2/contacts/{ada.id}/accept")
    ada.patch(f"/v2/contacts/{ben.id}", remark="Benny")
    path = f"/v2/conversations/{ada.post('/v2/conversations', user=ben.id).json['id']}"
    for number in range(450):
        writer = (ada, ben)[number % 2]
        writer.post(f"{path}/messages", ref=f"r{number}", message=text(f"第{number}"))
    ada.patch(path, draft="half", pinned=True)
    group = ada.post("/v2/groups", name="walkers", members=[ben.id]).json["id"]
    medium, _ = uploaded(ada), uploaded(ben)

    answer = ada.get(EXPORT)
    assert answer.status_code == 200
    assert "attachment" in answer.headers["Content-Disposition"]
    found = answer.json
    assert found.keys() == {
        "exported_at", "user", "settings", "sessions", "contacts", "media", "conversations",
    }
    assert found["media"] == [medium]
    assert found["user"] == ada.get("/v2/users/me").json
    assert found["settings"] == {"shows_presence": True, "shows_reading": True}
    assert found["sessions"] == ada.get("/v2/auth/sessions").json["sessions"]
    assert found["contacts"] == ada.get("/v2/contacts").json["contacts"]
    private, walkers = found["conversations"]
    assert (private["kind"], private["draft"], private["pinned"]) == ("private", "half", True)
    assert private["user"]["name"] == "ben"
    events = private["events"]
    assert [event["seq"] for event in events] == list(range(1, 451))
    assert [event["message"]["content"] for event in events] == [f"第{n}" for n in range(450)]
    assert (walkers["id"], walkers["kind"], private["group"]) == (group, "group", None)
    assert (walkers["group"]["name"], walkers["group"]["role"]) == ("walkers", "owner")
    assert [event["type"] for event in walkers["events"]] == ["group"]


def test_the_export_of_a_new_user_is_empty(ada: Account) -> None:
    found = ada.get(EXPORT).json
    assert found["contacts"] == found["media"] == found["conversations"] == []
    assert len(found["sessions"]) == 1


def test_the_export_has_no_secret_and_nothing_of_others(ada: Account, ben: Account) -> None:
    eve = person(ada.client, "eve")
    ben.patch("/v2/users/me", email="ben@example.org")
    path = f"/v2/conversations/{eve.post('/v2/conversations', user=ben.id).json['id']}"
    eve.post(f"{path}/messages", ref="r", message=text("not for ada"))
    ada.post("/v2/contacts", user=ben.id)
    ben.patch(f"/v2/contacts/{ada.id}", remark="the tall one")
    raw = ada.get(EXPORT).text
    for secret in ("not for ada", "ben@example.org", "the tall one", "argon2", "refresh",
                   ada.token, "password"):
        assert secret not in raw


def test_exports_are_limited_for_each_user(limited_app: Flask) -> None:
    ada, ben = (person(limited_app.test_client(), name) for name in ("ada", "ben"))
    for _ in range(5):
        assert ada.get(EXPORT).status_code == 200
    problem(ada.get(EXPORT), 429, "rate_limited")
    assert ben.get(EXPORT).status_code == 200


def fill(server: Server, conversation: int, sender: int, count: int) -> int:
    """Put long messages into a conversation of a stopped server; the characters they have."""
    body = json.dumps(text("x" * 10_000))

    def work(session: Any) -> None:
        session.execute(insert(Event), [
            {"conversation_id": conversation, "seq": seq, "type": "message", "sender_id": sender,
             "ref": None, "at": 1_700_000_000_000, "body": body}
            for seq in range(1, count + 1)
        ])
        session.get_one(Conversation, conversation).last_seq = count

    with beside(server) as app:
        services.of(app).store.database.write(work)
    return count * len(body)


def test_a_large_export_is_streamed_in_flat_memory_while_others_are_served(
    own_server: Server,
) -> None:
    own_server.start()
    alice, bob = Person(own_server), Person(own_server)
    conversation = alice.post("/v2/conversations", user=bob.id).json()["id"]
    own_server.terminate()
    size = fill(own_server, conversation, alice.id, 6000)
    own_server.start()
    assert alice.get("/v2/conversations")["conversations"][0]["last_seq"] == 6000
    growth = Growth(own_server)
    received, served = 0, 0
    with requests.get(
        own_server.http + EXPORT, headers=alice.headers, stream=True, timeout=30
    ) as answer:
        assert answer.headers["Transfer-Encoding"] == "chunked"
        tail = b""
        for chunk in answer.iter_content(1 << 20):
            received += len(chunk)
            tail = (tail + chunk)[-16:]
            if received > (served + 1) * 10_000_000:
                assert requests.get(own_server.http + "/healthz", timeout=10).ok
                served += 1
    assert tail.endswith(b"]}]}\n")
    assert received > size
    assert served > 3
    assert growth.most() < 24_000_000  # of 60 MB that went out


def test_a_session_that_ends_gets_no_further_page(own_server: Server) -> None:
    own_server.start()
    alice, bob = Person(own_server), Person(own_server)
    conversation = alice.post("/v2/conversations", user=bob.id).json()["id"]
    own_server.terminate()
    size = fill(own_server, conversation, alice.id, 6000)
    own_server.start()
    with requests.get(
        own_server.http + EXPORT, headers=alice.headers, stream=True, timeout=30
    ) as answer:
        chunks = answer.iter_content(1 << 16)
        next(chunks)
        assert alice.post("/v2/auth/logout").status_code == 204
        received = 0
        with pytest.raises(requests.exceptions.ChunkedEncodingError):
            for chunk in chunks:
                received += len(chunk)
    assert received < size


def test_an_export_needs_a_token(server: Server) -> None:
    answer = requests.get(f"{server.http}{EXPORT}", timeout=10)
    assert answer.status_code == 401
