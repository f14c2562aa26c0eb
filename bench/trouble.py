"""Scenarios in which something is broken: the bus stands still, readers stall, a server dies."""

from __future__ import annotations

import json
import os
import signal
from time import perf_counter
from typing import Any

from . import proc
from .accounts import post_json
from .client import Connection, Swarm, Trouble
from .dialects import FILLER
from .job import Job
from .loops import Open, pair_up

PATIENCE = 60.0
DEAF_BUFFER = 4096
"""Bytes that the kernel takes for a device that does not read."""

BEHIND = 50
"""Events that each device has missed when it comes back."""


def offered(job: Job, swarm: Swarm, first: int, seconds: float) -> tuple[Open, int]:
    """Messages between pairs on the plan's schedule; how many of them were lost."""
    offer = Open(swarm, first, 1, "pair")
    return offer, offer.run(swarm.connections, job.plan.rate, seconds)


def bus_stop(job: Job) -> dict[str, Any]:
    """SIGSTOP of the bus for `seconds` under load, and the same load for a while afterwards."""
    swarm = job.swarm()
    swarm.open(job.crowd(job.plan.connections))
    pair_up(swarm)
    warm, _ = offered(job, swarm, job.first, job.plan.warmup)
    meter = proc.Meter(job.pid, job.beside)
    os.kill(job.beside["bus"], signal.SIGSTOP)
    try:  # what comes until it goes on again counts: `run` waits for the last deliveries
        stopped, lost = offered(job, swarm, next(warm.numbers), job.plan.seconds)
    finally:
        os.kill(job.beside["bus"], signal.SIGCONT)
    result = meter.stop() | stopped.figures(lost)
    after, lost = offered(job, swarm, next(stopped.numbers), job.plan.warmup)
    swarm.close()
    result["lost"] += lost
    return result | {"after_ms": after.figures(lost)["delivery_ms"], "next": next(after.numbers)}


def stalled(job: Job) -> dict[str, Any]:
    """Latencies without, and with, a second device of each user that never reads."""
    swarm = job.swarm()
    swarm.open(job.crowd(job.plan.connections))
    pair_up(swarm)
    warm, _ = offered(job, swarm, job.first, job.plan.warmup)
    before, lost = offered(job, swarm, next(warm.numbers), job.plan.seconds / 4)
    deaf = Swarm(job.port, swarm.dialect, DEAF_BUFFER)
    deaf.open(job.crowd(job.plan.connections))
    meter, least = proc.Meter(job.pid), proc.rss_bytes(job.pid)
    with proc.Peak(job.pid) as peak:
        offer, more = offered(job, swarm, next(before.numbers), job.plan.seconds)
    result = meter.stop() | offer.figures(lost + more)
    ended = len(deaf.connections) - connected(deaf)
    swarm.close()
    earlier = before.figures(lost)
    return result | {
        "before": earlier,
        "growth_mb": (peak.bytes - least) / 2**20,
        "delivery_ratio": result["delivery_ms"]["p99"] / earlier["delivery_ms"]["p99"],
        "ended": ended,
        "next": next(offer.numbers),
    }


def connected(deaf: Swarm) -> int:
    """How many of these the server still has; reads what it had sent them."""
    ended: set[Connection] = set()
    deaf.on_close = lambda connection, payload: ended.add(connection)
    deaf.on_drop = ended.add
    deadline = perf_counter() + 3
    while perf_counter() < deadline:
        deaf.poll(0.1)
    deaf.close()
    return len(deaf.connections) - len(ended)


class Comeback:
    """Devices that all lose their connection at once, and sync when they are back."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.swarm = job.swarm()
        self.places = self._talk()
        self.swarm.open(job.crowd(job.plan.connections))
        self.lost = self.back = self.done = self.events = 0
        self.first = 0.0

    def _talk(self) -> dict[int, int]:
        """Give each pair of users something to catch up; user -> their conversation."""
        found = {}
        for one, other in zip(self.job.users[::2], self.job.users[1::2], strict=True):
            key = post_json(
                self.job.port, "/v2/conversations", {"user": other.id}, one.token
            )["id"]  # fmt: skip
            for number in range(BEHIND):
                body = {"ref": f"c{number}", "message": {"media": "text", "content": FILLER}}
                path = f"/v2/conversations/{key}/messages"
                post_json(self.job.port, path, body, one.token)
            found |= {one.id: key, other.id: key}
        return found

    def run(self) -> dict[str, Any]:
        count = self.job.plan.connections
        self.swarm.on_drop, self.swarm.on_open = self._dropped, self._greeted
        self.swarm.on_payload = self._heard
        workers = [pid for pid in proc.tree(self.job.pid) if pid != self.job.pid]
        meter = proc.Meter(self.job.pid, self.job.beside)
        began = perf_counter()
        for pid in workers:
            os.kill(pid, signal.SIGKILL)
        while self.done < count:
            self.swarm.poll(0.05)
            if perf_counter() - began > PATIENCE:
                raise Trouble(f"{self.lost} fell, {self.back} came back, {self.done} caught up")
        seconds = perf_counter() - began
        result = meter.stop()
        self.swarm.close(timeout=15)
        return result | {
            "seconds_first": self.first - began,
            "seconds_all": seconds,
            "events": self.events,
            "lost": count * BEHIND - self.events,
        }

    def _dropped(self, connection: Connection) -> None:
        self.lost += 1
        self.swarm.connect(connection.member)

    def _greeted(self, connection: Connection) -> None:
        self.back += 1
        self.first = self.first or perf_counter()
        place = str(self.places[connection.member.id])
        command = {"op": "sync", "ref": "s", "cursors": {place: 0}}
        self.swarm.send(connection, json.dumps(command).encode())

    def _heard(self, connection: Connection, payload: bytes) -> None:
        if payload.startswith(b'{"op":"synced"'):
            self.done += 1
        elif payload.startswith(b'{"op":"event"'):
            self.events += 1


def comeback(job: Job) -> dict[str, Any]:
    """Seconds from kill -9 of all workers until every device is back and has what it missed."""
    return Comeback(job).run()
