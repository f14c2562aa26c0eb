"""What the tests of the web client do with people, beside their desks."""

from __future__ import annotations

import copy
import uuid

import requests

from tests.support.client import PASSWORD, PATIENCE, Person


def unique(text: str) -> str:
    """A text that no other test uses."""
    return f"{text} {uuid.uuid4().hex[:8]}"


def elsewhere(person: Person, device: str = "another device") -> Person:
    """The same person, signed in on one more device, which calls itself so."""
    answer = requests.post(
        f"{person.server.http}/v2/auth/login", json={"name": person.name, "password": PASSWORD},
        headers={"User-Agent": device}, timeout=PATIENCE,
    )
    assert answer.ok, answer.text
    same = copy.copy(person)
    same.token, same.refresh_token = answer.json()["access_token"], answer.json()["refresh_token"]
    return same


def befriend(one: Person, other: Person) -> None:
    assert one.post("/v2/contacts", user=other.id, note="").status_code == 201
    assert other.post(f"/v2/contacts/{one.id}/accept").status_code == 200


def say(writer: Person, conversation: int, content: str) -> int:
    """Write a text into a conversation; its seq."""
    answer = writer.post(
        f"/v2/conversations/{conversation}/messages", ref=uuid.uuid4().hex,
        message={"media": "text", "content": content},
    )
    assert answer.status_code == 201, answer.text
    return int(answer.json()["seq"])


def chat(one: Person, other: Person) -> int:
    """The private conversation of two people; its id."""
    return int(one.post("/v2/conversations", user=other.id).json()["id"])
