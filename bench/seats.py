"""Clients that come and go, and keep what docs/protocol.md tells them to keep: cursor and refs."""

from __future__ import annotations

import json
from itertools import count
from random import Random
from time import perf_counter
from typing import Any

from .client import Connection, Swarm, Trouble
from .dialects import Member

SESSION_ENDED = 4500
PATIENCE = 5.0
"""Seconds for what is still under way at the end."""


class Seat:
    """A user on one device, who talks to one other.

    `cursor` is the seq up to which everything has been seen, `ahead` the seqs seen beyond it;
    `unacked` has the messages to be sent again when a connection has ended in between.
    """

    def __init__(self, index: int, member: Member, conversation: int) -> None:
        self.index = index
        self.member = member
        self.conversation = conversation
        self.partner = self
        self.connection: Connection | None = None
        self.sent = 0
        self.unacked: dict[str, bytes] = {}
        self.cursor = 0
        self.ahead: set[int] = set()

    @property
    def is_open(self) -> bool:
        return self.connection is not None and self.connection.state == "open"

    def saw(self, seq: int) -> None:
        if seq > self.cursor:
            self.ahead.add(seq)
        while self.cursor + 1 in self.ahead:
            self.cursor += 1
            self.ahead.remove(self.cursor)

    @property
    def owed(self) -> int:
        """Acks and messages that have not come; below zero, something was stored twice."""
        return len(self.unacked) + self.sent + self.partner.sent - self.cursor


class Seats:
    """All seats of a run on one swarm. Acks and events are counted as they come."""

    def __init__(self, swarm: Swarm, seats: list[Seat], random: Random) -> None:
        self.swarm = swarm
        self.seats = seats
        self.random = random
        self.numbers = count(1)
        self.said = self.acked = self.opened = self.ended = 0
        swarm.open(seat.member for seat in seats)
        self._by_connection = dict(zip(swarm.connections, seats, strict=True))
        for connection, seat in self._by_connection.items():
            seat.connection = connection
        swarm.on_payload, swarm.on_open, swarm.on_close = self._heard, self._greeted, self._closed

    def say(self, seat: Seat) -> None:
        """A new message. Without an open connection it waits for the next one."""
        number = next(self.numbers)
        payload = self.swarm.dialect.message(seat.member, seat.partner.member.id, number)
        seat.unacked[f"^{number:010d}^"] = payload
        seat.sent += 1
        self.said += 1
        if seat.is_open:
            assert seat.connection
            self.swarm.send(seat.connection, payload)

    def somebody_moves(self) -> None:
        """A random seat leaves, by a close frame or by a reset, and comes back at once."""
        seat = self.random.choice(self.seats)
        if seat.is_open:
            self._move(seat, politely=self.random.random() < 0.5)

    def _move(self, seat: Seat, politely: bool) -> None:
        assert seat.connection
        del self._by_connection[seat.connection]
        self.swarm.leave(seat.connection, politely)
        seat.connection = self.swarm.connect(seat.member)
        self._by_connection[seat.connection] = seat
        self.opened += 1

    def _greeted(self, connection: Connection) -> None:
        """Ask for what was missed, tell what was read, repeat what has no answer."""
        seat = self._by_connection[connection]
        self._sync(seat)
        self._tell(seat, {"op": "read", "conversation": seat.conversation, "seq": seat.cursor})
        for payload in seat.unacked.values():
            self.swarm.send(connection, payload)

    def _sync(self, seat: Seat) -> None:
        self._tell(seat, {"op": "sync", "cursors": {str(seat.conversation): seat.cursor}})

    def _tell(self, seat: Seat, command: dict[str, Any]) -> None:
        assert seat.connection
        self.swarm.send(seat.connection, json.dumps(command).encode())

    def _heard(self, connection: Connection, payload: bytes) -> None:
        seat, item = self._by_connection[connection], json.loads(payload)
        if item["op"] == "ack":
            # A repeat may be acked twice: by the connection that ended, unheard, and by this one.
            self.acked += seat.unacked.pop(item["ref"], None) is not None
            seat.saw(item["seq"])
        elif item["op"] == "event":
            seat.saw(item["seq"])
        elif item["op"] == "synced" and item["behind"]:
            self._sync(seat)
        elif item["op"] == "error":
            raise Trouble(f"the server says {payload[:300]!r}")

    def _closed(self, connection: Connection, payload: bytes) -> None:
        """The server may end a connection whose session was logged out, and no other."""
        if int.from_bytes(payload[:2], "big") != SESSION_ENDED:
            raise Trouble(f"the server closed a connection: {payload!r}")
        self.ended += 1
        self._move(self._by_connection[connection], politely=True)

    def settle(self) -> int:
        """Wait for what is under way; the number of acks and messages that never came."""
        deadline = perf_counter() + PATIENCE
        while any(seat.owed for seat in self.seats) and perf_counter() < deadline:
            self.swarm.poll(0.05)
        return sum(max(0, seat.owed) for seat in self.seats)

    def repeated(self) -> int:
        """Messages that are in the log more than once (each of two seats sees it)."""
        return sum(max(0, -seat.owed) for seat in self.seats)
