"""The scenario `soak`: a steady chat of people who come and go. Does the server's memory grow?"""

from __future__ import annotations

from random import Random
from statistics import linear_regression, median
from time import perf_counter
from typing import Any

from . import proc
from .accounts import post_json
from .client import Trouble
from .errands import Errands
from .job import Job
from .loops import STALL
from .seats import Seat, Seats

MOVES = 20.0
"""Connections that end, and begin again, per second."""

SAMPLES = 120
"""Readings of the server's memory: one in five seconds of ten minutes."""

WARM_RATE = 4
"""Times the rate at which the warm-up offers messages.

A minute of it writes some 50 MB, and SQLite's cache of 32 MB is full of the pages that it wrote. At
four times the rate the queues and batches are still short: what a greater burst leaves behind in
the allocator could hide a growth afterwards.
"""

MOST = 2000
"""Messages without an ack at which no more are offered: the table then shows fewer messages.

A server that is behind for a while must not be buried; what it keeps then is not what leaks.
"""

MB = 2**20


class Pace:
    """How many are due by now, at so many a second."""

    def __init__(self, rate: float, begin: float) -> None:
        self.rate = rate
        self.begin = begin
        self.done = 0

    def due(self, now: float) -> int:
        fresh = int((now - self.begin) * self.rate) - self.done
        self.done += fresh
        return fresh


class Soak:
    """All that goes on at the same time."""

    def __init__(self, job: Job) -> None:
        self.pid = job.pid
        self.swarm = job.swarm()
        self.random = Random(job.first)
        self.seats = Seats(self.swarm, seated(job), self.random)
        self.errands = Errands(job.port, self.seats.seats, Random(job.first + 1))
        self._seen = 0, perf_counter()

    def run(self, rate: float, seconds: float) -> list[int]:
        """`seconds` of chat; the server's memory SAMPLES times."""
        now = perf_counter()
        until, found = now + seconds, list[int]()
        messages, moves = Pace(rate, now), Pace(MOVES, now)
        samples = Pace(SAMPLES / seconds, now)
        while now < until:
            for _ in range(min(messages.due(now), MOST - self.under_way)):
                self.seats.say(self.random.choice(self.seats.seats))
            for _ in range(moves.due(now)):
                self.seats.somebody_moves()
            if samples.due(now):
                found.append(proc.rss_bytes(self.pid))
                self.check()
            self.swarm.poll(0.002)
            now = perf_counter()
        return found

    @property
    def under_way(self) -> int:
        return self.seats.said - self.seats.acked

    def counts(self) -> dict[str, int]:
        """What has been done so far."""
        return {
            "messages": self.seats.acked,
            "moves": self.seats.opened,
            "ended": self.seats.ended,
            "logins": self.errands.logins,
            "readings": self.errands.readings,
        }

    def check(self) -> None:
        """Raises Trouble when nothing comes any more."""
        self.errands.check()
        now, acked = perf_counter(), self.seats.acked
        if acked > self._seen[0]:
            self._seen = acked, now
        elif now - self._seen[1] > STALL:
            raise Trouble(f"stalled with {self.under_way} messages under way")


def seated(job: Job) -> list[Seat]:
    """The job's users in pairs, each pair with its conversation."""
    seats: list[Seat] = []
    for one, other in zip(job.users[::2], job.users[1::2], strict=False):
        opened = post_json(job.port, "/v2/conversations", {"user": other.id}, one.token)
        for member in (one, other):
            seats.append(Seat(len(seats), member, opened["id"]))
        seats[-1].partner, seats[-2].partner = seats[-2], seats[-1]
    return seats[: job.plan.connections]


def soak(job: Job) -> dict[str, Any]:
    """Memory after the warm-up (median of the second tenth) and at the end (of the last tenth)."""
    soak = Soak(job)
    soak.errands.start()
    soak.run(job.plan.rate * WARM_RATE, job.plan.warmup)
    before = soak.counts()
    meter = proc.Meter(job.pid)
    samples = soak.run(job.plan.rate, job.plan.seconds)
    result = meter.stop()
    counts = {name: count - before[name] for name, count in soak.counts().items()}
    soak.errands.finish()
    lost, repeated = soak.seats.settle(), soak.seats.repeated()
    soak.swarm.close()
    if not counts["messages"]:
        raise Trouble("no message was acknowledged")
    rates = {
        "rate": counts["messages"] / result["wall"],
        "cpu_us": result["server_cpu"] * 1e6 / counts["messages"],
    }
    found = growth(samples, job.plan.seconds)
    return result | found | counts | rates | {"lost": lost, "strays": repeated}


def growth(samples: list[int], seconds: float) -> dict[str, Any]:
    tenth, half = len(samples) // 10, len(samples) // 2
    early, late = median(samples[tenth : 2 * tenth]), median(samples[-tenth:])
    minutes = [index * seconds / len(samples) / 60 for index in range(len(samples))]
    slope, _ = linear_regression(minutes[half:], samples[half:])
    return {
        "rss_early": early,
        "rss_late": late,
        "growth_percent": (late - early) * 100 / early,
        "slope_kb_minute": slope / 1024,
        "rss_mb": [round(size / MB, 2) for size in samples],
    }
