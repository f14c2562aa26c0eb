"""What a user sets for a conversation of theirs, on all of their devices and on nobody else's."""

from __future__ import annotations

from typing import Any

import pytest

from app.store import Store
from app.store.conversations.settings import PINNED
from tests.support.chat import collect, expect_silence, open_chat, text
from tests.support.client import Person
from tests.support.log import people, stored, to_user
from tests.support.web import Account, person, problem

BOTH_DATABASES = True

LIST = "/v2/conversations"
NOTHING = {"pinned": False, "silent": False, "hidden": False, "draft": None}


def opened(ada: Account, ben: Account) -> str:
    return f"{LIST}/{ada.post(LIST, user=ben.id).json['id']}"


def shown(reader: Account, path: str) -> dict[str, Any]:
    line = reader.get(path).json
    return {name: line[name] for name in NOTHING}


def test_settings_are_kept_and_are_ones_own(ada: Account, ben: Account) -> None:
    path = opened(ada, ben)
    assert shown(ada, path) == NOTHING
    answer = ada.patch(path, pinned=True, draft="half a sent")
    assert answer.status_code == 200
    assert answer.json == {
        "conversation": int(path.rpartition("/")[2]), "pinned": True, "silent": False,
        "hidden": False, "draft": "half a sent",
    }
    ada.patch(path, silent=True)
    assert shown(ada, path) == {"pinned": True, "silent": True, "hidden": False,
                                "draft": "half a sent"}
    assert shown(ben, path) == NOTHING
    ada.patch(path, pinned=False, silent=False, draft="")
    assert shown(ada, path) == NOTHING


def test_a_setting_reaches_the_users_other_devices_and_nobody_else(
    alice: Person, bob: Person
) -> None:
    conversation = open_chat(alice, bob)
    with alice.device() as one, alice.device() as two, bob.device() as his:
        for _ in range(2):  # a repeat leaves no event
            alice.request("PATCH", f"{LIST}/{conversation}", json={"draft": "你好", "pinned": True})
        for device in (one, two):
            [event] = collect(device, 1, "event")
            assert (event["type"], event["sender"], event["seq"]) == ("setting", alice.id, 1)
            assert event["setting"] == {
                "conversation": conversation, "draft": "你好", "pinned": True,
            }
            expect_silence(device)
        expect_silence(his)
    with alice.device() as later:
        account = later.frames[0]["account"]["id"]
        [event] = later.sync(**{f"c{account}": 0})
        assert event["setting"]["draft"] == "你好"


def test_a_hidden_conversation_comes_back_with_its_next_message(
    alice: Person, bob: Person
) -> None:
    conversation = open_chat(alice, bob)
    path = f"{LIST}/{conversation}"
    with alice.device() as hers, bob.device() as his:
        his.say("first", conversation)
        collect(hers, 1, "event")
        answer = alice.request("PATCH", path, json={"hidden": True})
        assert answer.json()["hidden"] is True
        [event] = collect(hers, 1, "event")
        assert event["setting"] == {"conversation": conversation, "hidden": True, "last_seq": 1}
        assert alice.get(path)["hidden"] is True
        his.say("second", conversation)
        assert alice.get(path)["hidden"] is False
        assert alice.request("PATCH", path, json={"hidden": True}).json()["hidden"] is True
        assert alice.request("PATCH", path, json={"hidden": False}).json()["hidden"] is False
        assert bob.get(path)["hidden"] is False


def test_pinned_conversations_come_first_on_pages_without_doubles(ada: Account) -> None:
    paths = []
    for number in range(6):
        friend = person(ada.client, f"friend {number}")
        paths.append(opened(ada, friend))
        ada.post(f"{paths[-1]}/messages", ref=f"r{number}", message=text("hi"))
    for path in (paths[0], paths[2], paths[3]):
        ada.patch(path, pinned=True)
    seen: list[str] = []
    query: dict[str, Any] = {"limit": 2}
    while True:
        page = ada.get(LIST, **query).json
        seen += [f"{LIST}/{line['id']}" for line in page["conversations"]]
        if page["next"] is None:
            break
        query["before"] = page["next"]
    assert seen == [paths[number] for number in (3, 2, 0, 5, 4, 1)]


@pytest.mark.parametrize("fields", [
    {"pinned": "yes"}, {"pinned": None}, {"silent": 1}, {"hidden": "x"}, {"draft": 7},
    {"draft": "a\0b"}, {"color": "red"},
], ids=str)
def test_a_bad_setting_is_refused_and_changes_nothing(
    ada: Account, ben: Account, fields: dict[str, Any]
) -> None:
    path = opened(ada, ben)
    problem(ada.patch(path, **fields), 400, "bad_request")
    assert shown(ada, path) == NOTHING


def test_a_draft_is_as_long_as_a_message_at_most(ada: Account, ben: Account) -> None:
    path = opened(ada, ben)
    assert ada.patch(path, draft="文" * 10_000).status_code == 200
    problem(ada.patch(path, draft="文" * 10_001), 413, "too_long")
    assert shown(ada, path)["draft"] == "文" * 10_000


def test_nobody_sets_anything_for_anothers_conversation(
    alice: Person, bob: Person, ada: Account, ben: Account
) -> None:
    eve = person(ada.client, "eve")
    for path in (opened(ada, ben), f"{LIST}/999999"):
        problem(eve.patch(path, pinned=True), 403, "not_a_member")
    conversation = open_chat(alice, bob)
    alice.request("PATCH", f"{LIST}/{conversation}", json={"silent": True})
    with alice.device() as device:
        own = device.frames[0]["account"]["id"]
    answer = alice.request("PATCH", f"{LIST}/{own}", json={"pinned": True})
    assert answer.json()["code"] == "not_a_member"


def test_the_pins_of_a_user_are_limited(store: Store) -> None:
    from app.errors import TooMany

    ada, *others = people(store, PINNED + 2)
    places = stored(store.journal.commit([to_user(ada, other) for other in others]))
    for place in places[:PINNED]:
        store.settings.change(ada, place.conversation, {"pinned": True})
    with pytest.raises(TooMany):
        store.settings.change(ada, places[PINNED].conversation, {"pinned": True})
    again = store.settings.change(ada, places[0].conversation, {"pinned": True})
    assert again.setting.pinned and not again.told
