"""Something of every kind on the screens, and where each screen is."""

from __future__ import annotations

import json
from dataclasses import dataclass

from app.web.assets import STATIC
from tests.support.client import Person
from tests.support.groups import new_group
from tests.web.people import befriend, chat, say, unique


@dataclass
class Place:
    private: int
    group: int
    code: str


def furnish(
    alice: Person, bob: Person, carol: Person, dan: Person, name: str = "walkers", word: str = ""
) -> Place:
    """What alice sees: a contact, a request, a block, two chats. `word` is said everywhere."""
    befriend(alice, bob)
    dan.post("/v2/contacts", user=alice.id, note=f"We met at the lake {word}")
    alice.request("PUT", f"/v2/contacts/{carol.id}/block")
    private = chat(alice, bob)
    group = new_group(
        alice, bob, carol, name=name, join="approval", announcement=f"Bring boots {word}"
    )
    dan.post(f"/v2/groups/{group}/join", note=f"It is me {word}")
    for conversation in (private, group):
        say(bob, conversation, f"see https://example.org/{word} and `code{word}`")
        seq = say(alice, conversation, f"**yes** @you {word}\n```\nblock {word}\n```")
        reaction = {"ref": unique("r"), "seq": seq, "emoji": "👍", "on": True}
        assert bob.post(f"/v2/conversations/{conversation}/reactions", **reaction).ok
    code = alice.post(f"/v2/groups/{group}/invites", uses=5).json()["code"]
    return Place(private, group, code)


def words(locale: str) -> dict[str, str]:
    """What the client says in a language, by its keys."""
    found: dict[str, str] = json.loads((STATIC / f"locales/{locale}.json").read_text())
    return found


def screens(place: Place, locale: str = "en") -> list[tuple[str, str]]:
    """Addresses, and a text by which one sees that the screen is there."""
    said = words(locale)
    return [
        ("/#/", said["list.title"]), (f"/#/c/{place.private}", "code"),
        (f"/#/c/{place.group}", "code"), ("/#/contacts", "We met at the lake"),
        ("/#/settings", said["settings.sign_out"]), (f"/#/g/{place.group}", "It is me"),
        ("/#/groups/new", said["group.create"]), (f"/#/i/{place.code}", said["group.open"]),
        ("/#/search?q=see", said["search.found.other"].replace("{count}", "2")),
    ]
