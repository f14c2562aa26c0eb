"""A device in a thread of its own: it talks, listens, comes back and repeats what has no answer."""

from __future__ import annotations

import json
import random
import threading
import time
from typing import Any

from tests.faults.history import Fields, History, said
from tests.faults.replica import Replica
from tests.support.client import Person
from tests.support.raw import RawSocket, frame

TEXT, CLOSE, PING, PONG = 0x1, 0x8, 0x9, 0xA
TICK = 0.02  # seconds that it listens before it looks at what else there is to do
UPGRADE = 3.0  # seconds until an upgrade without an answer is given up
SILENCE = 6.0  # seconds without a frame: the server pings after 2
UNANSWERED = 2.0  # seconds without an ack: ask again, on a new connection
BACKOFF = (0.05, 1.0)  # seconds: the first and the longest wait before it comes back
MOST = 20  # messages without an ack
READS = 0.2  # of the messages heard
LONG = 0.1  # of the messages said: thousands of characters


class Ended(Exception):
    """The connection is of no more use."""


class Device:
    """One installation of a client of `person`, behind the port `port`.

    `places` are the conversations that it talks in, `rate` messages a second.
    """

    def __init__(
        self, name: str, person: Person, port: int, places: list[int], rate: float,
        history: History, seed: int,
    ) -> None:
        self.name = name
        self.replica = Replica(person.id)
        self.unacked: dict[str, Fields] = {}  # ref -> the message, oldest first
        self.repeated = self.acked = self.heard = self.connects = 0
        self._person = person
        self._port = port
        self._places = places
        self._rate = rate
        self._history = history
        self._random = random.Random(seed)
        self._talking = True
        self._leaving = False
        self._socket: RawSocket | None = None
        self._greeted = False
        self._heard_at = self._next_at = 0.0
        self._asked: dict[str, float] = {}  # ref -> when it was last sent
        self._due: dict[str, float] = {}  # ref -> when to send it again, after an error
        self._syncing = ""  # the ref of the sync under way
        self._gaps: dict[int, int] = {}  # where the last sync left gaps
        self._numbers = 0
        self._trouble: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name=name)

    # -- for the round ---------------------------------------------------------------------

    def start(self) -> None:
        self._thread.start()

    def hush(self) -> None:
        """Say nothing new."""
        self._talking = False

    def leave(self) -> None:
        """End. Raises what went wrong in the thread."""
        self._leaving = True
        self._thread.join()
        if self._trouble is not None:
            raise self._trouble

    @property
    def is_settled(self) -> bool:
        """Whether it is connected and nothing is under way."""
        return self._greeted and not (self.unacked or self._syncing or self.replica.gaps)

    def remember(self) -> None:
        """Write down what it shows."""
        for key, chat in sorted(self.replica.chats.items()):
            self._write("state", conversation=key, first=chat.first, cursor=chat.cursor,
                        digest=chat.digest())

    # -- the connection --------------------------------------------------------------------

    def _run(self) -> None:
        failures = 0
        try:
            while not self._leaving:
                try:
                    self._live()
                except (OSError, EOFError, Ended) as reason:
                    failures = 0 if self._greeted else failures + 1
                    self._greeted, self._syncing = False, ""
                    self._write("closed", why=f"{type(reason).__name__} {reason}"[:200])
                    first, longest = BACKOFF
                    time.sleep(self._random.uniform(0, min(longest, first * 2**failures)))
        except BaseException as error:
            self._trouble = error

    def _live(self) -> None:
        with RawSocket(self._person, port=self._port, patience=UPGRADE) as self._socket:
            self._heard_at = time.monotonic()
            self._greet(self._listen(UPGRADE))
            while not self._leaving:
                self._repeat_refused()
                self._talk()
                found = self._listen(TICK)
                if found is not None:
                    self._take(found)
                self._check_patience()

    def _greet(self, hello: Fields | None) -> None:
        if hello is None or hello["op"] != "hello":
            raise Ended("no hello")
        self.connects += 1
        heads = [
            [head["id"], head["last_seq"], head["read_seq"], head.get("first_seq", 1)]
            for head in hello["conversations"]
        ]
        self._write("hello", heads=heads)
        begun, gone = self.replica.greet(heads)
        for key in gone:
            self._write("forget", conversation=key)
        for key, first in begun.items():
            self._write("begin", conversation=key, first=first)
        self._gaps.clear()
        self._due.clear()
        self._sync(self.replica.cursors)
        for ref in self.unacked:
            self._send(ref, again=True)
        self._greeted = True

    def _listen(self, patience: float) -> Fields | None:
        """The next frame, if one comes."""
        assert self._socket is not None
        deadline = time.monotonic() + patience
        while True:
            self._socket.sock.settimeout(max(0.001, deadline - time.monotonic()))
            try:
                opcode, payload = self._socket.receive()
            except TimeoutError:
                return None
            self._heard_at = time.monotonic()
            if opcode == TEXT:
                found: Fields = json.loads(payload)
                return found
            if opcode == CLOSE:
                raise Ended(f"closed with {int.from_bytes(payload[:2])}")
            self._put(PONG, payload)

    def _put(self, opcode: int, payload: bytes) -> None:
        assert self._socket is not None
        self._socket.sock.settimeout(UPGRADE)
        self._socket.send(frame(opcode, payload))

    def _command(self, **command: Any) -> None:
        self._put(TEXT, json.dumps(command).encode())

    def _check_patience(self) -> None:
        now = time.monotonic()
        if now - self._heard_at > SILENCE:
            raise Ended("silent")
        if any(now - at > UNANSWERED for at in self._asked.values()):
            raise Ended("unanswered")

    # -- what it says ----------------------------------------------------------------------

    def _talk(self) -> None:
        now = time.monotonic()
        if not self._talking or now < self._next_at or len(self.unacked) >= MOST:
            return
        self._next_at = now + self._random.expovariate(self._rate)
        self._numbers += 1
        ref = f"{self.name}-{self._numbers}"
        long = self._random.random() < LONG
        filling = "x" * self._random.randint(0, 6000 if long else 60)
        self.unacked[ref] = {
            "conversation": self._random.choice(self._places),
            "content": f"{ref} of {self._person.id} {filling}",
        }
        self._send(ref, again=False)

    def _send(self, ref: str, again: bool) -> None:
        what = self.unacked[ref]
        self.repeated += again
        self._asked[ref] = time.monotonic()
        self._write("send", ref=ref, **what, again=again)
        self._command(op="send", ref=ref, conversation=what["conversation"],
                      message={"media": "text", "content": what["content"]})

    def _repeat_refused(self) -> None:
        now = time.monotonic()
        for ref in [ref for ref, at in self._due.items() if at <= now]:
            del self._due[ref]
            self._send(ref, again=True)

    def _sync(self, cursors: dict[int, int]) -> None:
        self._numbers += 1
        self._syncing = f"sync {self._numbers}"
        wanted = {str(key): seq for key, seq in cursors.items()}
        self._command(op="sync", ref=self._syncing, cursors=wanted)

    # -- what it hears ---------------------------------------------------------------------

    def _take(self, found: Fields) -> None:
        getattr(self, f"_take_{found['op']}", lambda _: None)(found)
        if self.replica.gaps and not self._syncing:
            self._fill()

    def _fill(self) -> None:
        """Sync what has gaps; where a sync did not help, let a new greeting say where we are."""
        gaps = {key: self.replica.cursors[key] for key in self.replica.gaps}
        if any(self._gaps.get(key) == cursor for key, cursor in gaps.items()):
            raise Ended("a gap that sync does not fill")
        self._gaps = gaps
        self._sync(gaps)

    def _take_event(self, event: Fields) -> None:
        key, seq = event["conversation"], event["seq"]
        self.heard += 1
        self._write("event", conversation=key, seq=seq, sender=event["sender"], at=event["at"],
                    said=said(event), live=not self._syncing)
        chat = self.replica.chats.get(key)
        begun = chat is not None and (seq <= chat.cursor or seq == chat.first)
        if self.replica.begins_with(event) and not begun:
            self.replica.begin(key, seq)
            self._write("begin", conversation=key, first=seq)
        self._reached(key, self.replica.take(event))
        if self.replica.ends_with(event) and key in self.replica.chats:
            if self.replica.chats[key].cursor >= seq:
                self.replica.forget(key)
                self._write("forget", conversation=key)
        elif event["type"] == "message" and self._random.random() < READS:
            self._read(key)

    def _take_ack(self, ack: Fields) -> None:
        ref = ack["ref"]
        self._write("ack", ref=ref, conversation=ack["conversation"], seq=ack["seq"], at=ack["at"])
        self._asked.pop(ref, None)
        what = self.unacked.pop(ref, None)
        if what is None:
            return
        self.acked += 1
        chat = self.replica.chats.get(ack["conversation"])
        if chat is not None:
            reached = chat.take(ack["seq"], self.replica.user, what["content"])
            self._reached(ack["conversation"], reached)

    def _take_error(self, error: Fields) -> None:
        ref = error.get("ref") or ""
        self._write("error", ref=ref, code=error["code"], retry=error["retry"])
        self._asked.pop(ref, None)
        if ref and ref == self._syncing:
            raise Ended(f"no sync: {error['code']}")
        if ref not in self.unacked:
            return
        if error["retry"]:
            self._due[ref] = time.monotonic() + self._random.uniform(0.05, 0.4)
        else:
            del self.unacked[ref]

    def _take_synced(self, synced: Fields) -> None:
        if synced.get("ref") != self._syncing:
            return
        self._syncing = ""
        for key in synced.get("gone", ()):
            self.replica.forget(key)
            self._write("forget", conversation=key)
        if synced["behind"]:
            self._sync({int(key): seq for key, seq in synced["behind"].items()})

    def _take_receipt(self, receipt: Fields) -> None:
        self._write("receipt", conversation=receipt["conversation"], user=receipt["user"],
                    seq=receipt["seq"])

    def _reached(self, key: int, cursors: list[int]) -> None:
        for cursor in cursors:
            self._write("cursor", conversation=key, seq=cursor)

    def _read(self, key: int) -> None:
        chat = self.replica.chats.get(key)
        if chat is not None and chat.cursor >= chat.first:
            self._command(op="read", conversation=key, seq=chat.cursor)

    def _write(self, what: str, **fields: Any) -> None:
        self._history.write(what, device=self.name, **fields)
