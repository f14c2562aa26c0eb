"""The load generator's process: a job as JSON on stdin, its result as JSON on stdout.

It runs beside the server on a core of its own, reads the server's accounting from /proc at
the edges of the measuring window, and states its own CPU share, so that a reader can see
whether it was the bottleneck.
"""

from __future__ import annotations

import json
import resource
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from time import perf_counter, process_time
from typing import Any

from . import proc
from .client import Swarm, Trouble, allow_files
from .dialects import Member, make
from .loops import Closed, Open, percentiles


@dataclass
class Job:
    """What to do. Times in seconds, `rate` in messages per second, `pid` the server's root."""

    scenario: str
    port: int
    pid: int
    dialect: str
    acks: bool
    members: list[tuple[int, str]]
    connections: int
    seconds: float = 5.0
    warmup: float = 1.0
    window: int = 8
    senders: int = 0
    rate: float = 2000.0
    group: int = 0
    first: int = 1
    users: list[Member] = field(init=False)

    def __post_init__(self) -> None:
        self.users = [Member(*pair) for pair in self.members]

    def crowd(self, count: int) -> list[Member]:
        """`count` connections' users; where users are fewer, each gets several connections."""
        return [self.users[index % len(self.users)] for index in range(count)]

    def swarm(self) -> Swarm:
        return Swarm(self.port, make(self.dialect, self.acks, self.group))


class Meter:
    """The server's, our own and everybody else's CPU between `start` and `stop`."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.start()

    def start(self) -> None:
        self._server = proc.cpu_seconds(self.pid)
        self._own = process_time()
        self._machine = proc.machine_seconds()
        self._wall = perf_counter()

    def stop(self) -> dict[str, float]:
        wall = perf_counter() - self._wall
        machine = proc.machine_seconds() - self._machine
        server = proc.cpu_seconds(self.pid) - self._server
        own = process_time() - self._own
        return {
            "wall": wall,
            "server_cpu": server,
            "server_share": server / wall,
            "load_share": own / wall,
            "others_share": max(0.0, machine - server - own) / wall,
            "rss": proc.rss_bytes(self.pid),
        }


def closed(job: Job) -> dict[str, Any]:
    """Pairs, or one group: CPU per delivery while `window` messages are in flight per sender."""
    swarm = job.swarm()
    swarm.open(job.crowd(job.connections))
    group = job.scenario == "fanout"
    deliveries = job.connections - 1 if group else 1
    offer = Closed(swarm, job.first, deliveries, "group" if group else "pair")
    pair_up(swarm)
    swarm.poll(0.3)
    offer.start(swarm.connections[: job.senders or None], job.window)
    offer.run(job.warmup)
    before, meter = offer.done, Meter(job.pid)
    offer.run(job.seconds)
    result = meter.stop()
    messages = offer.done - before
    offer.running = False
    result["lost"] = offer.drain()
    swarm.close()
    if not messages:
        raise Trouble("no message was delivered")
    return result | {
        "messages": messages,
        "strays": offer.strays,
        "rate": messages / result["wall"],
        "cpu_us": result["server_cpu"] * 1e6 / messages / deliveries,
        "next": next(offer.numbers),
    }


def latency(job: Job) -> dict[str, Any]:
    """Pairs on a fixed schedule: p50, p99, p99.9 of ack and delivery from the time due."""
    swarm = job.swarm()
    swarm.open(job.crowd(job.connections))
    pair_up(swarm)
    swarm.poll(0.3)
    warm = Open(swarm, job.first, 1, "pair")
    warm.run(swarm.connections, job.rate, job.warmup)
    offer = Open(swarm, next(warm.numbers), 1, "pair")
    meter = Meter(job.pid)
    lost = offer.run(swarm.connections, job.rate, job.seconds)
    result = meter.stop()
    swarm.close()
    total = len(offer.late)
    return result | {
        "messages": offer.done,
        "offered": total,
        "lost": lost,
        "strays": offer.strays,
        "ack_ms": percentiles(offer.acks, total - len(offer.acks)) if job.acks else {},
        "delivery_ms": percentiles(offer.deliveries, total - len(offer.deliveries)),
        "late_ms": percentiles(offer.late),
        "next": next(offer.numbers),
    }


def idle(job: Job) -> dict[str, Any]:
    """The server's memory per connection that is open and silent."""
    warm = job.swarm()
    warm.open(job.crowd(50))
    warm.close()
    swarm = job.swarm()
    before = proc.rss_bytes(job.pid)
    opening = swarm.open(job.crowd(job.connections), timeout=120)
    until = perf_counter() + job.warmup
    while perf_counter() < until:
        swarm.poll(0.1)
    rss = proc.rss_bytes(job.pid)
    swarm.close(timeout=15)
    return {
        "rss_before": before,
        "rss": rss,
        "rss_per_connection": (rss - before) / job.connections,
        "rate": job.connections / opening,
    }


def storm(job: Job) -> dict[str, Any]:
    """All connect again, 48 handshakes at a time: per second, and the server's CPU for each."""
    warm = job.swarm()
    warm.open(job.crowd(50))
    warm.close()
    swarm = job.swarm()
    meter = Meter(job.pid)
    opening = swarm.open(job.crowd(job.connections))
    result = meter.stop()
    swarm.close(timeout=15)
    return result | {
        "rate": job.connections / opening,
        "cpu_us": result["server_cpu"] * 1e6 / job.connections,
    }


def pair_up(swarm: Swarm) -> None:
    """Connection 2k talks to 2k+1 and the other way round."""
    for one, other in zip(swarm.connections[::2], swarm.connections[1::2], strict=False):
        one.peer, other.peer = other, one


SCENARIOS: dict[str, Callable[[Job], dict[str, Any]]] = {
    "cost": closed,
    "fanout": closed,
    "latency": latency,
    "idle": idle,
    "storm": storm,
}


def main() -> None:
    job = Job(**json.load(sys.stdin))
    allow_files(min(job.connections + 100, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    try:
        result = SCENARIOS[job.scenario](job)
    except (Trouble, OSError) as problem:
        result = {"problem": str(problem)}
    json.dump(result, sys.stdout)


if __name__ == "__main__":
    main()
