"""The greeting of a connection, for a user of many conversations."""

from __future__ import annotations

import json
import socket
from typing import Any

from werkzeug.test import EnvironBuilder

from app.chat.catching_up import HELLO_CONVERSATIONS, CatchingUp
from app.chat.frames import V2
from app.chat.hub import Hub
from app.chat.node import Limits, Node
from app.chat.websocket import WebSocket
from app.store import Database, Store
from tests.support.groups import crowd
from tests.support.log import people, stored, to_user


def hello(store: Store, user: int) -> dict[str, Any]:
    """What a new connection of this user hears first."""
    here, there = socket.socketpair()
    with here, there:
        environ = EnvironBuilder("/v2/socket", headers={
            "Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        }).get_environ() | {"gunicorn.socket": here}
        node = Node(WebSocket(environ), Limits(100, 1_000_000, 25, 30), user, "", V2())
        deaths: list[None] = []
        hub = Hub(256, lambda: deaths.append(None))
        data = CatchingUp(store, hub, 100, 25).greeting(node)
        assert deaths == []
    found: dict[str, Any] = json.loads(data[data.index(b"{"):])
    return found


def test_the_users_own_log_is_in_the_greeting_however_many_conversations_are_newer(
    store: Store, database: Database
) -> None:
    [ada] = people(store, 1)
    friends = crowd(database, HELLO_CONVERSATIONS + 1)
    assert "account" not in hello(store, ada)
    chat, _ = store.conversations.open_private(ada, friends[0])
    store.settings.change(ada, chat, {"pinned": True})
    own = hello(store, ada)["account"]
    assert (own["last_seq"], own["read_seq"]) == (1, 0)
    stored(store.journal.commit([to_user(friend, ada) for friend in friends]))
    found = hello(store, ada)
    assert found["account"] == own
    assert found["more"] is True
    assert len(found["conversations"]) == HELLO_CONVERSATIONS
    assert own["id"] not in {head["id"] for head in found["conversations"]}
