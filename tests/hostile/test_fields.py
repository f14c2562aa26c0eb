"""Every field of every route and operation, with what does not belong there.

The requests are those of the authorization matrix, so a new route is spoilt here, too.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from tests.support import matrix_media, matrix_ops, matrix_v1, matrix_v2
from tests.support.client import PATIENCE
from tests.support.matrix import Request, Row, answer_of, outcome, request_of
from tests.support.matrix_ops import V1
from tests.support.scene import Scene
from tests.support.server import running

# In place of a JSON value, as text: not all of it can be had from Python.
VALUES = (
    "null", "true", "-1", "0", "1.5", "1e400", "9007199254740993", "9" * 40, '""',
    f'"{"x" * 70_000}"', '"\\u0000"', '"\\ud800"', "[]", "{}", "[[[]]]",
)
# In place of a part of an address or of a form.
TEXTS = (
    "", "-1", "0", "1.5", "9" * 15, "9" * 30, "\0", "١", "' OR 1=1 --", "x" * 2_000, "\U0001f600",
)
PLACES = ("0", "-1", "9" * 16, "9" * 17, "x", "%00", "%F0%9F", "x" * 2_000, "١")
HOLE = "here stands something else"

ROWS = {  # one for each way in which a route is asked
    (row.route, *map(tuple, (row.json or {}, row.form or {}, dict(row.query) if row.query and (
        not isinstance(row.query, str)
    ) else {}))): row
    for row in (*matrix_v2.ROWS, *matrix_v1.ROWS, *matrix_media.ROWS)
}.values()
OPS = {(op.name, *op.fields): op for op in (*matrix_ops.OPS, *matrix_ops.SEED_OPS)}.values()


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with running(tmp_path_factory.mktemp("fields")) as server:
        yield Scene(server)


@pytest.fixture(scope="module")
def session() -> Iterator[requests.Session]:
    with requests.Session() as made:
        yield made


def holes(value: Any) -> Iterator[Any]:
    """The value with each of its parts, and then all of it, replaced by HOLE."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from ({**value, key: spoilt} for spoilt in holes(item))
        yield {**value, HOLE: 1}
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from ([*value[:index], spoilt, *value[index + 1:]] for spoilt in holes(item))
    yield HOLE


def spoilt(value: Any) -> Iterator[bytes]:
    """The value as JSON, with something wrong in one of its places."""
    for broken in holes(value):
        text = json.dumps(broken)
        if broken != HOLE and isinstance(broken, dict) and HOLE in broken:
            yield text.encode()
            continue
        for wrong in VALUES:
            yield text.replace(f'"{HOLE}"', wrong).encode()


def ask(
    scene: Scene, session: requests.Session, row: Row, request: Request, data: Any = None,
) -> None:
    """The answer is one of ours, whatever it says."""
    answer = session.request(
        request.method, scene.server.http + request.path, params=request.query,
        headers=request.headers, data=request.form if data is None else data, timeout=PATIENCE,
    )
    told = (request.path[:100], str(request.query)[:100], str(data)[:200], answer.text[:200])
    assert answer.status_code < 500, told
    if row.is_seed:
        assert answer.status_code in (200, 400, 401), told
        found = answer.json()
        assert isinstance(found, list) or found.keys() & {"message", "Code"}, told
    elif answer.status_code >= 400:
        outcome(row, answer_of(answer.status_code, answer.text))


@pytest.mark.parametrize("row", [row for row in ROWS if row.json is not None], ids=str)
def test_a_body_may_say_anything(scene: Scene, session: requests.Session, row: Row) -> None:
    request = request_of(scene, row, "owner")
    for text in (b"", b"\xff{}", *spoilt(request.json)):
        ask(scene, session, row, request, text)


@pytest.mark.parametrize("row", [row for row in ROWS if row.form], ids=str)
def test_a_form_may_say_anything(scene: Scene, session: requests.Session, row: Row) -> None:
    request = request_of(scene, row, "owner")
    for name in request.form:
        for wrong in TEXTS:
            ask(scene, session, row, request, {**request.form, name: wrong})


@pytest.mark.parametrize("row", [
    row for row in ROWS if row.query and not isinstance(row.query, str)
], ids=str)
def test_a_query_may_say_anything(scene: Scene, session: requests.Session, row: Row) -> None:
    request = request_of(scene, row, "owner")
    for name in request.query:
        for wrong in TEXTS:
            ask(scene, session, row, request._replace(query={**request.query, name: wrong}))


@pytest.mark.parametrize("row", [row for row in ROWS if "<" in row.route], ids=str)
def test_an_address_may_say_anything(scene: Scene, session: requests.Session, row: Row) -> None:
    head, _, rest = row.route.partition(" ")[2].partition("<")
    tail = rest.partition(">")[2].replace("<", "").replace(">", "")
    request = request_of(scene, row, "owner")
    for wrong in PLACES:
        ask(scene, session, row, request._replace(path=head + wrong + tail), b"{}")


@pytest.mark.parametrize("op", OPS, ids=str)
def test_a_command_may_say_anything_and_its_socket_lives_on(
    scene: Scene, op: matrix_ops.Op
) -> None:
    fields = scene.fill(dict(op.fields), "owner")
    person = scene.people["owner"]
    if op.name.startswith(V1):
        with person.seed_device() as device:
            for text in spoilt(fields):
                device.connection.send(text, text=True)
            device.send(Type=2, TargetId=scene.names["plaza"], Content="the last word")
            while "the last word" not in (last := device.receive_text()):
                assert not last.startswith("internal"), last
        return
    with person.device() as device:
        for text in spoilt({"op": op.name, **fields}):
            device.connection.send(text, text=True)
        device.send(op="sync", ref="the end", cursors={})
        while (frame := device.receive()).get("ref") != "the end":
            assert frame.get("code") != "internal", frame
        assert frame["op"] == "synced"
