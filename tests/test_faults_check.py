"""The checker of histories finds each planted fault, and nothing where there is none."""

from __future__ import annotations

import json
from collections.abc import Callable
from copy import deepcopy

import pytest

from tests.faults.check import RULES, check
from tests.faults.history import Fields, digest

ANN, BEN, CAT = 1, 2, 3
CHAT, GROUP = 10, 20
SAID = {"a1": "hello", "a2": "are you there", "b1": "yes", "a3": "to all"}
CHAT_LOG = [[1, ANN, 100, "hello"], [2, ANN, 100, "are you there"], [3, BEN, 101, "yes"]]


def members(**change: list[int]) -> str:
    return f"members {json.dumps(change)}"


GROUP_LOG = [
    [1, ANN, 90, 'group {"created": true, "members": [1, 3]}'],
    [2, ANN, 95, members(removed=[CAT])],
    [3, ANN, 96, "to all"],
    [4, ANN, 97, members(joined=[CAT])],
]
LOGS = {CHAT: CHAT_LOG, GROUP: GROUP_LOG}


def line(what: str, device: str = "", **fields: object) -> Fields:
    return {"t": 0.0, "what": what, **({"device": device} if device else {}), **fields}


def send(device: str, ref: str, key: int, again: bool = False) -> Fields:
    return line("send", device, ref=ref, conversation=key, content=SAID[ref], again=again)


def ack(device: str, ref: str, key: int, seq: int, at: int) -> Fields:
    return line("ack", device, ref=ref, conversation=key, seq=seq, at=at)


def event(device: str, key: int, seq: int, live: bool = True) -> Fields:
    _, sender, at, said = LOGS[key][seq - 1]
    return line(
        "event", device, conversation=key, seq=seq, sender=sender, at=at, said=said, live=live
    )


def cursors(device: str, key: int, *seqs: int) -> list[Fields]:
    return [line("cursor", device, conversation=key, seq=seq) for seq in seqs]


def begin(device: str, key: int, first: int = 1) -> Fields:
    return line("begin", device, conversation=key, first=first)


def hello(device: str, *heads: list[int]) -> Fields:
    return line("hello", device, heads=list(heads))


def state(device: str, key: int, first: int = 1) -> Fields:
    log = LOGS[key]
    shown = digest((seq, sender, said) for seq, sender, _, said in log if seq >= first)
    return line("state", device, conversation=key, first=first, cursor=len(log), digest=shown)


def good() -> list[Fields]:
    """Ann writes to Ben and to a group, from which Cat is removed and comes back."""
    return [
        line("place", conversation=CHAT, kind="private", users=[ANN, BEN]),
        line("place", conversation=GROUP, kind="group", users=[ANN, CAT]),
        *(line("user", user=user, devices=[f"{user}-near"]) for user in (ANN, BEN, CAT)),
        hello("1-near", [CHAT, 0, 0, 1], [GROUP, 1, 0, 1]),
        begin("1-near", CHAT), begin("1-near", GROUP),
        event("1-near", GROUP, 1, live=False), *cursors("1-near", GROUP, 1),
        hello("2-near", [CHAT, 0, 0, 1]), begin("2-near", CHAT),
        hello("3-near", [GROUP, 1, 0, 1]), begin("3-near", GROUP),
        event("3-near", GROUP, 1, live=False), *cursors("3-near", GROUP, 1),
        send("1-near", "a1", CHAT), send("1-near", "a2", CHAT),
        ack("1-near", "a1", CHAT, 1, 100), *cursors("1-near", CHAT, 1),
        ack("1-near", "a2", CHAT, 2, 100), *cursors("1-near", CHAT, 2),
        event("2-near", CHAT, 1), *cursors("2-near", CHAT, 1),
        event("2-near", CHAT, 2), *cursors("2-near", CHAT, 2),
        line("receipt", "2-near", conversation=CHAT, user=BEN, seq=2),
        line("fault", name="cut", refuses=False),
        send("2-near", "b1", CHAT), line("closed", "2-near", why="reset"),
        hello("2-near", [CHAT, 3, 2, 1]), send("2-near", "b1", CHAT, again=True),
        ack("2-near", "b1", CHAT, 3, 101), *cursors("2-near", CHAT, 3),
        event("1-near", CHAT, 3), *cursors("1-near", CHAT, 3),
        line("change", conversation=GROUP, user=CAT, on=False),
        event("1-near", GROUP, 2), *cursors("1-near", GROUP, 2),
        event("3-near", GROUP, 2), *cursors("3-near", GROUP, 2),
        line("forget", "3-near", conversation=GROUP),
        send("1-near", "a3", GROUP), ack("1-near", "a3", GROUP, 3, 96),
        *cursors("1-near", GROUP, 3),
        line("change", conversation=GROUP, user=CAT, on=True),
        event("1-near", GROUP, 4), *cursors("1-near", GROUP, 4),
        event("3-near", GROUP, 4), begin("3-near", GROUP, 4), *cursors("3-near", GROUP, 4),
        *(line("log", conversation=key, events=deepcopy(log)) for key, log in LOGS.items()),
        state("1-near", CHAT), state("1-near", GROUP), state("2-near", CHAT),
        state("3-near", GROUP, first=4),
    ]


History = list[Fields]


def kinds(history: History) -> set[str]:
    return {finding.kind for finding in check(history)}


def find(history: History, what: str, **fields: object) -> Fields:
    """The first line that says this."""
    wanted = {"what": what, **fields}.items()
    return next(line for line in history if wanted <= line.items())


def log(history: History, key: int) -> list[list[object]]:
    found: list[list[object]] = find(history, "log", conversation=key)["events"]
    return found


def test_a_history_of_promises_kept_has_no_findings() -> None:
    assert check(good()) == []


# -- faults, each planted in the good history ------------------------------------------------


def acked_but_another_text_is_there(history: History) -> None:
    log(history, CHAT)[1][3] = "something else"


def acked_but_not_there(history: History) -> None:
    log(history, CHAT).pop()


def acked_at_two_places(history: History) -> None:
    history.append(ack("1-near", "a1", CHAT, 2, 100))


def stored_twice(history: History) -> None:
    log(history, CHAT).append([4, ANN, 102, "hello"])


def a_seq_is_missing_in_the_log(history: History) -> None:
    del log(history, CHAT)[1]


def a_cursor_passes_over_an_event(history: History) -> None:
    history.remove(find(history, "cursor", device="2-near", conversation=CHAT, seq=2))


def times_run_backwards(history: History) -> None:
    for line in history:
        if line.get("conversation") == CHAT and line.get("seq") == 3 and "at" in line:
            line["at"] = 99
    log(history, CHAT)[2][2] = 99


def a_later_message_is_stored_first(history: History) -> None:
    one, other = find(history, "send", ref="a1"), find(history, "send", ref="a2")
    index, after = history.index(one), history.index(other)
    history[index], history[after] = other, one


def a_push_overtakes_another(history: History) -> None:
    one = find(history, "event", device="2-near", seq=1)
    other = find(history, "event", device="2-near", seq=2)
    index, after = history.index(one), history.index(other)
    history[index], history[after] = other, one


def nobody_sent_it(history: History) -> None:
    log(history, CHAT).append([4, BEN, 102, "no sender says so"])


def heard_but_not_stored(history: History) -> None:
    history.append({**event("1-near", CHAT, 3), "seq": 4, "said": "rolled back"})


def heard_otherwise_than_stored(history: History) -> None:
    find(history, "event", device="1-near", conversation=CHAT, seq=3)["said"] = "no"


def stored_under_another_name(history: History) -> None:
    for line in history:
        if line["what"] == "event" and line["said"] == "yes":
            line["sender"] = ANN
    log(history, CHAT)[2][1] = ANN


def refused_and_stored(history: History) -> None:
    history.remove(find(history, "ack", ref="b1"))
    history.append(line("error", "2-near", ref="b1", code="blocked", retry=False))


def someone_came_in_unasked(history: History) -> None:
    history.remove(find(history, "change", user=CAT, on=True))


def a_stranger_hears_a_chat(history: History) -> None:
    history.append(event("3-near", CHAT, 1))


def a_removed_member_hears_on(history: History) -> None:
    history.append(event("3-near", GROUP, 3))


def a_removed_member_writes(history: History) -> None:
    history.insert(0, line("user", user=CAT, devices=["3-far"]))
    history.append(line(
        "send", "3-far", ref="c1", conversation=GROUP, content="still here", again=False
    ))
    log(history, GROUP)[2] = [3, CAT, 96, "still here"]


def a_cursor_moves_back(history: History) -> None:
    history += cursors("2-near", CHAT, 2)


def the_server_forgets_a_head(history: History) -> None:
    history.append(hello("1-near", [CHAT, 2, 0, 1]))


def the_server_forgets_what_was_read(history: History) -> None:
    history.append(hello("2-near", [CHAT, 3, 1, 1]))


def a_device_shows_something_else(history: History) -> None:
    find(history, "state", device="2-near")["digest"] = "0"


def a_device_stays_behind(history: History) -> None:
    find(history, "state", device="2-near")["cursor"] = 2


def a_device_shows_nothing(history: History) -> None:
    history.remove(find(history, "state", device="2-near"))


def a_device_shows_what_is_not_its_users(history: History) -> None:
    history.append(state("3-near", CHAT))


def a_member_is_refused(history: History) -> None:
    history.append(line("error", "1-near", ref="a1", code="not_a_member", retry=False))


def the_server_has_an_error_of_its_own(history: History) -> None:
    history.append(line("error", "1-near", ref="a1", code="internal", retry=True))


PLANTED: list[tuple[str, Callable[[History], None]]] = [
    ("lost", acked_but_another_text_is_there),
    ("lost", acked_but_not_there),
    ("duplicated", acked_at_two_places),
    ("duplicated", stored_twice),
    ("gap", a_seq_is_missing_in_the_log),
    ("gap", a_cursor_passes_over_an_event),
    ("reordered", times_run_backwards),
    ("reordered", a_later_message_is_stored_first),
    ("reordered", a_push_overtakes_another),
    ("phantom", nobody_sent_it),
    ("phantom", heard_but_not_stored),
    ("phantom", heard_otherwise_than_stored),
    ("phantom", stored_under_another_name),
    ("phantom", refused_and_stored),
    ("phantom", someone_came_in_unasked),
    ("wrong_member", a_stranger_hears_a_chat),
    ("wrong_member", a_removed_member_hears_on),
    ("wrong_member", a_removed_member_writes),
    ("cursor_regress", a_cursor_moves_back),
    ("cursor_regress", the_server_forgets_a_head),
    ("cursor_regress", the_server_forgets_what_was_read),
    ("differ", a_device_shows_something_else),
    ("differ", a_device_stays_behind),
    ("differ", a_device_shows_nothing),
    ("differ", a_device_shows_what_is_not_its_users),
    ("refused", a_member_is_refused),
    ("refused", the_server_has_an_error_of_its_own),
]


@pytest.mark.parametrize(("kind", "plant"), PLANTED, ids=lambda item: getattr(item, "__name__", ""))
def test_a_planted_fault_is_found(kind: str, plant: Callable[[History], None]) -> None:
    history = good()
    plant(history)
    assert kind in kinds(history)


def test_a_fault_is_planted_for_every_rule() -> None:
    assert {kind for kind, _ in PLANTED} == {rule.__name__ for rule in RULES}


def test_what_was_refused_for_a_while_may_be_overtaken() -> None:
    history = good()
    a_later_message_is_stored_first(history)
    history.append(line("error", "1-near", ref="a1", code="unavailable", retry=True))
    history.append(line("error", "1-near", ref="a2", code="unavailable", retry=True))
    assert check(history) == []


def test_a_removed_member_may_be_refused() -> None:
    history = good()
    history.append(line("error", "3-near", ref="", code="not_a_member", retry=False))
    assert check(history) == []


def test_what_a_removed_member_says_may_be_overtaken() -> None:
    history = good()
    a_later_message_is_stored_first(history)
    history.append(line("change", conversation=CHAT, user=ANN, on=False))
    assert check(history) == []
