"""Acts in the line of the messages: what is committed first is told first."""

from __future__ import annotations

from collections.abc import Sequence

import gevent
import pytest

from app.chat.journal import Journal
from app.errors import Forbidden


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
