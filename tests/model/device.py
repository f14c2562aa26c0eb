"""A device on a real socket: it shows what it is pushed, and syncs what it missed."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

from tests.model.state import Fields
from tests.model.views import OWN, plain
from tests.model.wire import Answer, Http
from tests.support.client import Person
from tests.support.raw import RawSocket, frame
from tests.support.reducer import Chat

TEXT, CLOSE, PING, PONG = 0x1, 0x8, 0x9, 0xA
LOST = 1006  # the connection ended without a close frame


class Device:
    """One installation of a client. What it shows and its cursors outlive its connections."""

    def __init__(self, person: Person, http: Http) -> None:
        self.person = person
        self.user = person.id
        self._http = http
        self._socket: RawSocket | None = None
        self.hello: Fields = {}
        self.heard: list[Fields] = []  # events pushed to this connection
        self.acked: set[tuple[int, int]] = set()  # events of its own, which were acked instead
        self.answers: dict[str, Fields] = {}  # acks and errors of this connection, by ref
        self.chats: dict[int, Chat] = {}
        self.cursors: dict[int, int] = {}
        self.removed: set[tuple[int, int]] = set()
        self.account = 0  # the id of the own log
        self._stale: set[int] = set()  # conversations of which it does not know the beginning
        self._refs = 0

    @property
    def is_connected(self) -> bool:
        return self._socket is not None

    # -- the connection --------------------------------------------------------------------

    def connect(self) -> None:
        self._socket = RawSocket(self.person)
        self.heard, self.acked, self.answers = [], set(), {}
        self.hello = self._receive()
        assert self.hello["op"] == "hello", self.hello
        listed = {head["id"]: head.get("first_seq", 1) for head in self.hello["conversations"]}
        if "account" in self.hello:
            self.account = self.hello["account"]["id"]
            listed[self.account] = 1
        for key in self.cursors.keys() - listed.keys():
            self._forget(key)
        for key, first in listed.items():
            self._begin(key, first)

    def vanish(self) -> None:
        """Leave by a reset: what the server has not read yet is lost."""
        if self._socket is not None:
            self._socket.vanish()
            self._socket = None

    def hang_up(self) -> None:
        """Leave by an end of stream, without a word."""
        assert self._socket is not None
        self._socket.sock.close()
        self._socket = None

    def leave(self) -> None:
        """Leave with a close frame, and hear the server's."""
        assert self._socket is not None
        self._socket.send(frame(CLOSE, (1000).to_bytes(2)))
        assert self.listen_to_the_end() == 1000

    def listen_to_the_end(self) -> int:
        """Hear all that still comes; the close code."""
        code = LOST
        assert self._socket is not None
        try:
            while code == LOST:
                opcode, payload = self._socket.receive()
                if opcode == CLOSE:
                    code = int.from_bytes(payload[:2])
                elif opcode == TEXT:
                    self._take(json.loads(payload))
        except (EOFError, ConnectionResetError):
            pass
        self._socket.sock.close()
        self._socket = None
        return code

    def send(self, command: Fields) -> None:
        assert self._socket is not None
        self._socket.send(frame(TEXT, json.dumps(command).encode()))

    def ask(self, command: Fields) -> Answer:
        """Send a command; its ack or its error. What is pushed before it is heard."""
        self.send(command)
        while True:
            found = self._receive()
            if found.get("ref") == command["ref"]:
                break
            self._take(found)
        if found["op"] == "error":
            return Answer(found["code"], found)
        if command["op"] == "remove":  # the answer names a place in the own log
            self.account = found["conversation"]
            self._begin(self.account, 1)
        self._take(found)
        return Answer("", found)

    def mark(self, key: int, seq: int) -> Answer:
        """Move the read cursor; where it is then."""
        self.pump()
        self._refs += 1
        ref = f"read {self._refs}"
        self.send({"op": "read", "ref": ref, "conversation": key, "seq": seq})
        while True:
            found = self._receive()
            if found["op"] == "error" and found["ref"] == ref:
                return Answer(found["code"], found)
            if found["op"] == "receipt":
                assert (found["conversation"], found["user"]) == (key, self.user), found
                return Answer("", found)
            self._take(found)

    def listen(self) -> None:
        """Hear the next frame."""
        self._take(self._receive())

    def _receive(self) -> Fields:
        assert self._socket is not None
        while True:
            opcode, payload = self._socket.receive()
            if opcode == TEXT:
                found: Fields = json.loads(payload)
                return found
            assert opcode == PING, f"the server ended the connection: {payload!r}"
            self._socket.send(frame(PONG, payload))

    # -- what it makes of what it hears ----------------------------------------------------

    def everything(self) -> dict[int, list[Fields]]:
        """What a device that knows nothing gets by a sync of all that it was greeted with."""
        found: dict[int, list[Fields]] = {key: [] for key in self.cursors}

        def take(event: Fields) -> None:
            if event["op"] == "event":
                found[event["conversation"]].append(event)
                self._apply(event)

        self._sync(dict.fromkeys(found, 0), take)
        return found

    def pump(self) -> None:
        """Hear everything that was pushed until now."""
        self._sync({}, self._take)

    def catch_up(self) -> None:
        """Sync every conversation from where this device is, when it has heard everything."""
        for key in sorted(self._stale):
            line = self._http.call(self.person.token, "GET", f"/v2/conversations/{key}")
            if line.code:
                self._forget(key)
            else:
                self._begin(key, line.data["first_seq"])
        self._stale.clear()
        self._sync(dict(self.cursors), self._apply)

    def show(self, key: int) -> tuple[Any, Any]:
        """A conversation as this device shows it, in the words of views.chat."""
        chat = deepcopy(self.chats.get(key, Chat()))
        seqs = [seq for place, seq in self.removed if place == key and seq in chat.lines]
        chat.take_removals([{
            "type": "removal", "removal": {"conversation": key, "seqs": seqs}
        }], key)
        lines = {
            seq: (line.sender, line.message and plain({"message": line.message})["message"],
                  line.gone, line.reactions)
            for seq, line in chat.lines.items()
        }
        return lines, chat.pins

    def _sync(self, cursors: dict[int, int], take: Any) -> None:
        left: Any = {str(key): seq for key, seq in cursors.items()}
        while True:
            self._refs += 1
            ref = f"sync {self._refs}"
            self.send({"op": "sync", "ref": ref, "cursors": left})
            while (found := self._receive()).get("ref") != ref:
                take(found)
            assert found["op"] == "synced", found
            for key in found.get("gone", ()):
                self._forget(key)
            left = found["behind"]
            if not left:
                return

    def _take(self, found: Fields) -> None:
        """A frame that was pushed."""
        if found["op"] == "ack":
            self.answers[found["ref"]] = found
            if found["conversation"] not in self.cursors:
                self._stale.add(found["conversation"])
        elif found["op"] == "event":
            self.heard.append(found)
            self._apply(found)
            if found["type"] in ("group", "members"):
                self._react(found["conversation"], found[found["type"]])
        elif found["op"] == "error":
            self.answers[found["ref"]] = found
        else:
            assert found["op"] in ("receipt", "requests"), found  # these are not stored

    def _apply(self, event: Fields) -> None:
        """Show an event, if it is the next one: else the next sync tells what is missing."""
        if event["op"] != "event":
            return
        key, seq = event["conversation"], event["seq"]
        if event["type"] in OWN:
            self.account = key
        if key not in self.cursors and seq == 1:
            self._begin(key, 1)
        if key not in self.cursors:
            self._stale.add(key)
        elif seq == self.cursors[key] + 1:
            self.cursors[key] = seq
            self.chats[key].take([event])
            if event["type"] == "removal":
                place = event["removal"]["conversation"]
                self.removed |= {(place, removed) for removed in event["removal"]["seqs"]}

    def _react(self, key: int, change: Fields) -> None:
        """What a change of a group means to this device when it is pushed; later, the heads do."""
        if self.user in (*change.get("removed", ()), *change.get("left", ())) or (
            "disbanded" in change
        ):
            self._forget(key)
        elif "open_history" in change:
            self._stale.add(key)  # more of its past can be read, or less

    def _begin(self, key: int, first: int) -> None:
        """Know a conversation that can be read from `first` on."""
        if key not in self.chats or self.chats[key].since != first - 1:
            self.chats[key] = Chat(since=first - 1)
            self.cursors[key] = first - 1

    def _forget(self, key: int) -> None:
        self.chats.pop(key, None)
        self.cursors.pop(key, None)
        self._stale.discard(key)
