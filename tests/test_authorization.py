"""Who may do what: every route and every operation of the sockets, asked by every role."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack

import pytest
from flask import Flask

from app.chat import frames, seed
from tests.support import matrix_media, matrix_ops, matrix_v1, matrix_v2
from tests.support.copies import Copy, copied
from tests.support.matrix import Expected, Row, outcome, request_of
from tests.support.matrix_ops import V1, Op
from tests.support.scene import CONNECTED, ROLES, SETTINGS, Scene
from tests.support.server import running
from tests.support.stage import Live, dump

ROWS = [*matrix_v2.ROWS, *matrix_v1.ROWS, *matrix_media.ROWS]
OPS = [*matrix_ops.OPS, *matrix_ops.SEED_OPS]
SOCKETS = ("GET /v2/socket", "GET /v1/user/SendUserMsg")


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with running(tmp_path_factory.mktemp("scene"), **SETTINGS) as server:
        yield Scene(server)


@pytest.fixture(scope="module")
def copy(scene: Scene, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Copy]:
    with copied(scene, tmp_path_factory.mktemp("copy")) as made:
        yield made


@pytest.fixture(scope="module")
def live(scene: Scene, copy: Copy) -> Iterator[Live]:
    """Behind the copy, which is of the scene as it was built."""
    with ExitStack() as stack:
        yield Live(scene, stack)


def routes(app: Flask) -> set[str]:
    return {
        f"{method} {rule.rule}" for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }


def differences(
    found: Mapping[str, Expected], expected: Mapping[str, Expected]
) -> dict[str, str]:
    """Of each role that gets another thing than its row says: what, and what it should get."""
    assert found.keys() == expected.keys()
    return {
        role: f"{found[role]}, not {expected[role]}" for role in found
        if found[role] != expected[role]
    }


def test_every_route_has_a_row_and_every_row_has_a_route(app: Flask) -> None:
    assert {row.route for row in ROWS} == routes(app)


def test_every_operation_of_both_sockets_has_a_row() -> None:
    ops = {command.__struct_config__.tag for command in frames.Command.__subclasses__()}
    kinds = (seed.HEARTBEAT, frames.PRIVATE, frames.GROUP, frames.BROADCAST)
    assert {op.name for op in OPS} == ops | {f"{V1}{kind}" for kind in kinds}


def test_every_row_says_what_each_role_gets() -> None:
    assert [str(row) for row in (*ROWS, *OPS) if row.expects.keys() != set(ROLES)] == []


def test_no_two_rows_have_the_same_name() -> None:
    names = [str(row) for row in (*ROWS, *OPS)]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("row", [row for row in ROWS if row.refusals], ids=str)
def test_who_may_not_is_refused_changes_nothing_and_nobody_hears_of_it(
    live: Live, row: Row
) -> None:
    before, found = dump(live.database), {}
    ask = live.upgrade if row.route in SOCKETS else live.ask
    for role in row.refusals:
        answer = ask(request_of(live.scene, row, role))
        found[role] = outcome(row, answer)
        assert live.scene.leaks(role, answer.text) == [], (role, answer)
    assert differences(found, row.refusals) == {}
    assert dump(live.database) == before
    live.expect_silence()


@pytest.mark.parametrize("row", [row for row in ROWS if row.allowances], ids=str)
def test_who_may_does_and_reads_no_more_than_is_for_them(
    live: Live, copy: Copy, row: Row
) -> None:
    found = {}
    ask = live.upgrade if row.route in SOCKETS else copy.ask
    for role in row.allowances:
        answer = ask(request_of(live.scene, row, role))
        found[role] = outcome(row, answer)
        assert live.scene.leaks(role, answer.text, row.shows) == [], (role, answer)
        if not row.route.startswith("GET "):
            copy.renew()
    assert differences(found, row.allowances) == {}


@pytest.mark.parametrize("op", [op for op in OPS if op.roles(allowed=False)], ids=str)
def test_who_may_not_over_a_socket_is_told_and_nothing_else_happens(live: Live, op: Op) -> None:
    refusals, before = op.roles(allowed=False), dump(live.database)
    found = {role: live.perform(op, role) for role in refusals}
    assert differences(found, refusals) == {}
    assert dump(live.database) == before
    live.expect_silence()


@pytest.mark.parametrize("op", [op for op in OPS if op.roles(allowed=True)], ids=str)
def test_who_may_over_a_socket_does(live: Live, op: Op) -> None:
    found = {}
    for role in (allowed := op.roles(allowed=True)):
        found[role] = live.perform(op, role)
        live.settle(op, role)
    assert differences(found, allowed) == {}


def test_no_device_has_heard_what_is_not_for_its_user(live: Live) -> None:
    assert live.heard() == []
    texts = ["\n".join(live.devices[role].texts) for role in CONNECTED]
    assert any(live.scene.texts["said"] in text for text in texts)  # there was something to hear
