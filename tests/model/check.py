"""The comparison: what every device and every reader sees is what the model says."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tests.model import views
from tests.model.device import Device
from tests.model.run import Run
from tests.model.state import GROUP, Event, Fields, Room
from tests.model.views import plain

PAGE = 15  # events in a page of the history
LIST = "/v2/conversations"


def check(run: Run, devices: Iterable[Device]) -> None:
    """Compare these devices as they are, and for every user a new device, lists and histories."""
    run.world.checks += 1
    for device in devices:
        run.hear(device)
        device.catch_up()
        _compare_device(run, device)
    for person in run.people:
        _compare_new_device(run, Device(person, run.world.http))
        _compare_lists(run, person.id)
        _compare_contacts(run, person.id)


def _compare_device(run: Run, device: Device) -> None:
    rooms = list(views.rooms_with_log(run.model, device.user))
    assert device.cursors.keys() <= {room.id for room in rooms}, "shows what is not its user's"
    for room in rooms:
        cursor = device.cursors.get(room.id, 0)
        assert cursor == room.last, f"{room.kind} {room.id}: at {cursor}, not at {room.last}"
        assert device.show(room.id) == views.chat(device.user, room)


def _compare_new_device(run: Run, device: Device) -> None:
    """A device that starts anew reads everything there is, densely, and shows the same."""
    run.connect(device)
    logs = device.everything()
    for room in views.rooms_with_log(run.model, device.user):
        expected = views.log(device.user, room)
        assert [plain(event) for event in logs.pop(room.id)] == expected
    assert logs == {}, "synced what is not its user's"
    _compare_device(run, device)
    device.vanish()
    del run.started[device]


def _compare_lists(run: Run, user: int) -> None:
    page = _get(run, user, LIST, limit=200)
    lines = {line["id"]: line for line in page["conversations"]}
    places = [(line["pinned"], line["last_at"], line["id"]) for line in lines.values()]
    assert places == sorted(places, reverse=True), "another order"
    expected = views.lines(run.model, user)
    assert lines.keys() == expected.keys()
    for key, line in lines.items():
        assert _shape(line) == expected[key]
    for room in views.rooms_with_log(run.model, user):
        # By HTTP as by sync; one reader of each conversation in turn, to save time.
        turn = sorted(user for user in room.seats if user in run.model.names)
        if user == turn[run.world.checks % len(turn)]:
            _compare_history(run, user, room)
            if room.kind == GROUP:
                _compare_group(run, user, room)


def _shape(line: Fields) -> Fields:
    """A line of the list in the words of views.lines."""
    found = {key: value for key, value in line.items() if key != "last_at"}
    found["user"] = line["user"] and line["user"]["id"]
    for name in ("last_event", "last_message"):
        found[name] = line[name] and plain(line[name])
    return found


def _compare_history(run: Run, user: int, room: Room) -> None:
    """Page by page, backwards; times never run back, and all readers are told the same ones."""
    path, events, more = f"{LIST}/{room.id}/events", list[Any](), True
    while more:
        before = {"before": events[0]["seq"]} if events else {}
        page = _get(run, user, path, limit=PAGE, **before)
        events[:0] = page["events"]
        more = page["more"]
    assert [plain(event) for event in events] == views.log(user, room)
    ats = [event["at"] for event in events]
    assert ats == sorted(ats)
    for event, known in zip(events, room.events[room.floor(user):], strict=True):
        _compare_time(event, known)
    if any(event["type"] == "pin" for event in events):
        pins = _get(run, user, f"{path.removesuffix('/events')}/pins")["pins"]
        seen = views.chat(user, room)[1]
        assert {pin["seq"]: pin["user"] for pin in pins} == {
            seq: room.pins[seq] for seq in seen
        }


def _compare_time(event: Fields, known: Event) -> None:
    known.at = known.at or event["at"]
    assert event["at"] == known.at, "an event has two times"


def _compare_group(run: Run, user: int, room: Room) -> None:
    path = f"/v2/groups/{room.id}"
    assert _get(run, user, path) == views.group(user, room)
    found = [
        (member["user"]["id"], member["role"], member["muted_until"])
        for member in _get(run, user, f"{path}/members")["members"]
    ]
    assert found == views.members(room)
    if views.group(user, room)["role"] != "member":
        asking = _get(run, user, f"{path}/requests")["requests"]
        assert {line["user"]["id"]: line["note"] for line in asking} == room.requests


def _compare_contacts(run: Run, user: int) -> None:
    if not run.model.accounts[user].last:
        return  # nothing has ever happened there
    found = [
        (line["user"]["id"], line["state"], line["blocked"], line["remark"], line["note"])
        for line in _get(run, user, "/v2/contacts")["contacts"]
    ]
    assert found == views.contacts(run.model, user)


def check_search(run: Run, user: int, word: str) -> None:
    """A search finds every message of the user's that says a word now, and nothing else."""
    found: list[Any] = []
    cursor: Fields = {}
    while True:
        page = _get(run, user, "/v2/search", q=f'"{word}"', limit=5, **cursor)
        if not page["complete"]:
            found, cursor = [], {}
            continue
        found += [(line["conversation"], line["seq"]) for line in page["results"]]
        if page["next"] is None:
            break
        cursor = {"cursor": page["next"]}
    assert len(found) == len(set(found))
    assert set(found) == views.holding(run.model, user, word)


def _get(run: Run, user: int, path: str, **query: Any) -> Any:
    return run.world.http.get(run.token(user), path, **query)
