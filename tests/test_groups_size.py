"""Large groups: filled to the limit over HTTP, and what a message to one costs."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

import gevent
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, func, select
from werkzeug.test import EnvironBuilder

from app import services
from app.chat.delivery import Delivery, Rules
from app.chat.frames import V2, Address, Event, Send
from app.chat.hub import Hub
from app.chat.messages import Message
from app.chat.node import Limits, Node
from app.chat.presence import LocalLeases, Presence
from app.chat.websocket import WebSocket
from app.models import Event as Row
from app.store import Database, Store
from tests.support.application import application
from tests.support.groups import crowd, new_group, told
from tests.support.web import Account, person, problem

LIMIT = 5000
RULES = Rules(
    max_content_chars=100, messages_per_second=None, sync_events=100, heartbeat=25, edit_seconds=0,
    recall_seconds=0,
)


def test_a_group_takes_5000_members_and_not_one_more(
    client: FlaskClient, app: Flask, ada: Account, ben: Account
) -> None:
    users = crowd(services.of(app).store.database, LIMIT - 1)
    group = new_group(ada)
    path = f"/v2/groups/{group}/members"
    for start in range(0, len(users), 1000):
        some = users[start : start + 1000]
        assert ada.post(path, users=some).json == {"joined": some}
    assert ada.get(f"/v2/groups/{group}").json["size"] == LIMIT
    assert len(told(ada, group)) == 6
    code = ada.post(f"/v2/groups/{group}/invites").json["code"]
    ada.patch(f"/v2/groups/{group}", join="open")
    refused = problem(ada.post(path, users=[users[0], ben.id]), 409, "group_full")
    assert "5000" in refused["detail"]
    problem(ben.post(f"/v2/groups/{group}/join"), 409, "group_full")
    problem(ben.post(f"/v2/invites/{code}"), 409, "group_full")
    assert ada.get(f"/v2/groups/{group}").json["size"] == LIMIT
    assert len(told(ada, group)) == 7
    assert count(ada, path) == LIMIT
    assert ada.delete(f"{path}/{users[0]}").status_code == 204
    assert ben.post(f"/v2/groups/{group}/join").status_code == 200
    problem(ada.post(path, users=[users[0]]), 409, "group_full")
    assert ada.delete(f"/v2/groups/{group}").status_code == 204


def count(reader: Account, path: str) -> int:
    """The members of a group, page by page."""
    total, after = 0, 0
    while after is not None:
        page: Any = reader.get(path, limit=500, after=after).json
        total += len(page["members"])
        after = page["next"]
    return total


def test_the_limit_is_a_setting_and_no_group_is_made_larger(tmp_path: Path) -> None:
    with application(tmp_path, HICHAT_GROUP_MEMBERS="3") as app:
        ada = person(app.test_client(), "ada")
        users = crowd(services.of(app).store.database, 3)
        problem(ada.post("/v2/groups", name="x", members=users), 409, "group_full")
        assert ada.get("/v2/conversations").json == {"conversations": [], "next": None}
        assert ada.post("/v2/groups", name="x", members=users[:2]).status_code == 201
        many = list(range(1, 1002))
        problem(ada.post("/v2/groups", name="x", members=many), 400, "bad_request")


def test_making_groups_has_a_rate_of_its_own(limited_app: Flask) -> None:
    ada, ben = (person(limited_app.test_client(), name) for name in ("ada", "ben"))
    answers = [ada.post("/v2/groups", name="x").status_code for _ in range(61)]
    assert answers == [201] * 60 + [429]
    group = new_group(ben)
    assert ben.post(f"/v2/groups/{group}/members", users=[ada.id]).status_code == 200


def upgrade_request(connection: socket.socket) -> dict[str, Any]:
    """The WSGI environment of a WebSocket handshake."""
    return EnvironBuilder("/v2/socket", headers={
        "Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    }).get_environ() | {"gunicorn.socket": connection}


class Counting(V2):
    """The product's dialect, that counts what it encodes."""

    def __init__(self) -> None:
        self.encoded = 0

    def event(self, event: Event, message: Message | None, to: Address) -> bytes | None:
        self.encoded += 1
        return super().event(event, message, to)


def test_a_message_to_a_group_of_1000_is_one_row_and_one_encode(
    database: Database, store: Store
) -> None:
    deaths: list[bool] = []
    hub = Hub(256, lambda: deaths.append(True))
    presence = Presence(
        LocalLeases(), store.sightings.visible, store.sightings.save, 10,
        lambda: deaths.append(True),
    )
    delivery = Delivery(store, hub, RULES, presence, lambda: deaths.append(True))
    dialect, limits = Counting(), Limits(100, 1_000_000, 25, 30)
    users = crowd(database, 1000)
    here, there = socket.socketpair()
    websocket = WebSocket(upgrade_request(here))  # one for all of them: nobody reads or writes yet
    nodes = [Node(websocket, limits, user, "", dialect) for user in users]
    for node in nodes:
        hub.add(node)
    made = delivery.change(lambda: store.groups.create(users[0], "all", users[1:]))
    assert made is not None
    assert (dialect.encoded, {len(node.queue) for node in nodes}) == (1, {1})
    statements = []
    note = lambda *found: statements.append(found[2])  # noqa: E731
    event.listen(database._writer, "before_cursor_execute", note)
    command = Send("r", Message("text", "hello"), made.entry.conversation_id)
    place = delivery.send(users[0], command)
    event.remove(database._writer, "before_cursor_execute", note)
    assert (dialect.encoded, {len(node.queue) for node in nodes}) == (2, {2})
    frames = [node.queue.queue[-1] for node in nodes]
    assert all(frame is frames[0] for frame in frames)
    assert json.loads(frames[0][frames[0].index(b"{"):])["seq"] == place.seq == 2
    assert len(statements) < 5
    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(Row)) == 2
    for node in nodes:
        hub.remove(node)
    here.close()
    there.close()
    gevent.sleep(0)
    assert deaths == []
