"""The two ways to offer messages: closed loop (what does one cost?), open loop (how long?).

A message is *done* when every delivery that it owes has arrived at the right connection and,
where the server acknowledges, its ack has arrived at the sender. Numbers never repeat in a run.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from time import perf_counter
from typing import Any

from .client import Connection, Swarm, Trouble
from .dialects import ACKED, DELIVERED, DIGITS

STALL = 10.0
"""Seconds without any message done after which a run is given up."""

DRAIN = 3.0
"""Seconds to wait for what is under way when no more is offered."""


@dataclass(slots=True)
class Pending:
    """A message under way: how many arrivals it still owes, and whose it is."""

    owes: int
    owner: Connection
    due: float


class Offer:
    """Sends numbered messages and strikes them off as their deliveries and acks come in."""

    def __init__(self, swarm: Swarm, first: int, deliveries: int, target: str) -> None:
        self.swarm = swarm
        self.first = first
        self.numbers = count(first)
        self.owes = deliveries + swarm.dialect.acks
        self.group = target == "group"
        self.pending: dict[int, Pending] = {}
        self.done = 0
        self.strays = 0
        swarm.on_payload = self.arrived

    def launch(self, owner: Connection, due: float) -> int:
        number = next(self.numbers)
        self.pending[number] = Pending(self.owes, owner, due)
        self.swarm.send(owner, (b"%010d" % number).join(owner.parts or self._compose(owner)))
        return number

    def _compose(self, owner: Connection) -> list[bytes]:
        """This sender's message around its number: all but that is the same each time."""
        to = 0 if self.group else owner.peer.member.id
        blank = self.swarm.dialect.message(owner.member, to, 0)
        owner.parts = blank.split(b"0" * DIGITS)
        return owner.parts

    def arrived(self, connection: Connection, payload: bytes) -> None:
        at = payload.find(DELIVERED)
        delivered = at >= 0
        if not delivered:
            at = payload.find(ACKED)
            if at < 0:
                self.other(connection, payload)
                return
        number = int(payload[at + 1 : at + 1 + DIGITS])
        message = self.pending.get(number)
        if message is None or not self._expected(message.owner, connection, delivered):
            self.strays += number >= self.first  # below it: the warm-up's, late and not ours
            return
        self.landed(number, message, delivered)
        message.owes -= 1
        if not message.owes:
            del self.pending[number]
            self.done += 1
            self.finished(message)

    def _expected(self, owner: Connection, connection: Connection, delivered: bool) -> bool:
        if delivered:
            return connection is not owner if self.group else connection is owner.peer
        return connection is owner

    def other(self, connection: Connection, payload: bytes) -> None:
        """No ack, no delivery: presence and the like pass; an error voids the run."""
        if b'"error"' in payload:
            raise Trouble(f"the server says {payload[:300]!r}")
        self.swarm.answer(connection, payload)

    def landed(self, number: int, message: Pending, delivered: bool) -> None:
        """One arrival, for who measures each."""

    def finished(self, message: Pending) -> None:
        """All arrivals, for who counts messages."""

    def drain(self) -> int:
        """Wait for what is under way; the number of messages that never came."""
        deadline = perf_counter() + DRAIN
        while self.pending and perf_counter() < deadline:
            self.swarm.poll(0.05)
        return len(self.pending)


class Closed(Offer):
    """`window` messages in flight per sender, always: a new one as soon as one is done."""

    running = True

    def start(self, senders: list[Connection], window: int) -> None:
        for connection in senders:
            for _ in range(window):
                self.launch(connection, 0.0)
        self.swarm.flush()

    def finished(self, message: Pending) -> None:
        if self.running:
            self.launch(message.owner, 0.0)

    def run(self, seconds: float) -> None:
        """Keep the loop going for `seconds`."""
        now = perf_counter()
        until, seen, since = now + seconds, self.done, now
        while now < until:
            self.swarm.poll(min(0.05, until - now))
            now = perf_counter()
            if self.done > seen:
                seen, since = self.done, now
            elif now - since > STALL:
                raise Trouble(f"stalled with {len(self.pending)} messages under way")


class Open(Offer):
    """Messages on a fixed schedule; each latency counts from the time it was *due*.

    If the server (or this process) falls behind, the wait is in the figures: nothing is
    offered later because an earlier answer was late. `late` is this process's own share of it.
    `beside` is what else this process has to do, a little at each call.
    """

    def __init__(
        self,
        swarm: Swarm,
        first: int,
        deliveries: int,
        target: str,
        beside: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__(swarm, first, deliveries, target)
        self.beside = beside
        self.acks: list[float] = []
        self.deliveries: list[float] = []
        self.late: list[float] = []

    def landed(self, number: int, message: Pending, delivered: bool) -> None:
        latency = perf_counter() - message.due
        (self.deliveries if delivered else self.acks).append(latency)

    def run(self, senders: list[Connection], rate: float, seconds: float) -> int:
        """Offer rate * seconds messages; returns how many never were done.

        It spins instead of sleeping: epoll's timeouts are whole milliseconds, and the load
        has a core of its own.
        """
        total = int(rate * seconds)
        begin = perf_counter() + 0.01
        offered = 0
        while offered < total:
            now = perf_counter()
            while offered < total and begin + offered / rate <= now:
                due = begin + offered / rate
                self.late.append(now - due)
                self.launch(senders[offered % len(senders)], due)
                offered += 1
            self.swarm.poll(0)
            self.beside()
        return self.drain()

    def figures(self, lost: int) -> dict[str, Any]:
        """What came of it, `lost` messages never done included."""
        total = len(self.late)
        acks = percentiles(self.acks, total - len(self.acks)) if self.swarm.dialect.acks else {}
        return {
            "messages": self.done,
            "offered": total,
            "lost": lost,
            "strays": self.strays,
            "ack_ms": acks,
            "delivery_ms": percentiles(self.deliveries, total - len(self.deliveries)),
            "late_ms": percentiles(self.late),
        }


def pair_up(swarm: Swarm) -> None:
    """Connection 2k talks to 2k+1 and the other way round."""
    for one, other in zip(swarm.connections[::2], swarm.connections[1::2], strict=False):
        one.peer, other.peer = other, one


def percentiles(latencies: list[float], lost: int = 0) -> dict[str, float]:
    """p50, p99, p99.9 and the maximum in milliseconds; lost ones count as infinitely late."""
    ordered = sorted(latencies)
    total = len(ordered) + lost

    def rank(share: float) -> float:
        position = math.ceil(share * total) - 1
        return round(ordered[position] * 1000, 3) if position < len(ordered) else math.inf

    if not total:
        return {}
    return {"p50": rank(0.5), "p99": rank(0.99), "p999": rank(0.999), "max": rank(1.0)}
