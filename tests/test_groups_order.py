"""Acts in the line of the messages: what is committed first is told first."""

from __future__ import annotations

from collections.abc import Sequence

import gevent
import pytest
from flask import Flask
from gevent.event import Event

from app import services
from app.chat.journal import Journal
from app.errors import Forbidden
from tests.support.web import Account


def test_nothing_is_committed_between_an_act_and_what_is_told_of_it() -> None:
    happened: list[str] = []
    deaths: list[bool] = []

    def commit(batch: Sequence[str]) -> list[str]:
        happened.append("commit " + " ".join(batch))
        gevent.sleep(0)  # as the disk does: others have their turn
        return list(batch)

    def act(name: str) -> str:
        happened.append(f"commit {name}")
        gevent.sleep(0)
        happened.append(f"tell {name}")
        return name

    journal: Journal[str, str] = Journal(commit, lambda: deaths.append(True))

    def send(name: str) -> None:
        journal.submit(name, lambda found: happened.append(f"tell {found}"), 1)

    send("one")
    acts = [gevent.spawn(journal.perform, lambda n=n: act(f"act-{n}")) for n in range(3)]
    while not all(done.ready() for done in acts):
        send("more")
        gevent.sleep(0)
    assert [done.get() for done in acts] == ["act-0", "act-1", "act-2"]
    for n in range(3):
        at = happened.index(f"commit act-{n}")
        assert happened[at + 1] == f"tell act-{n}", happened
    assert journal.call("last", 1) == "last"
    assert happened.index("tell one") < happened.index("commit last")
    assert deaths == []


def test_an_act_that_is_refused_stops_nobody() -> None:
    journal: Journal[str, str] = Journal(list, lambda: None)

    def refuse() -> None:
        raise Forbidden("no")

    for _ in range(2):
        with pytest.raises(Forbidden):
            journal.perform(refuse)
    assert journal.perform(lambda: 7) == 7
    assert journal.call("still here", 1) == "still here"


def test_what_users_do_about_each_other_and_their_settings_waits_in_that_line(
    app: Flask, ada: Account, ben: Account
) -> None:
    key = ada.post("/v2/conversations", user=ben.id).json["id"]
    contact, page = f"/v2/contacts/{ben.id}", ada.get("/v2/conversations").json
    seed = {"token": ada.token, "userId": ada.id}
    form = {"userId": ada.id, "targetName": ben.name}
    line_is_free = Event()
    journal = services.of(app).delivery.journal
    holding = gevent.spawn(journal.perform, line_is_free.wait)
    acts = [
        gevent.spawn(app.test_client().open, path, method=method, **{
            "headers": {"Authorization": f"Bearer {ada.token}"}, **options,
        })
        for method, path, options in (
            ("PATCH", f"/v2/conversations/{key}", {"json": {"draft": "hello"}}),
            ("POST", "/v2/contacts", {"json": {"user": ben.id}}),
            ("PUT", f"{contact}/block", {}), ("DELETE", f"{contact}/block", {}),
            ("POST", "/v1/relation/add", {"query_string": seed, "data": form}),
        )
    ]
    assert gevent.joinall(acts, timeout=1) == []
    assert ada.get("/v2/conversations").json == page
    assert ada.get("/v2/contacts").json["contacts"] == []
    line_is_free.set()
    holding.get()
    assert [act.get().status_code for act in acts] == [200, 201, 200, 204, 200]
