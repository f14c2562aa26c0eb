"""Messages that run through workers, journals, database, disk and bus, in simulated time."""

from __future__ import annotations

from heapq import heappop, heappush
from itertools import count
from math import ceil
from random import Random
from typing import TYPE_CHECKING

from .sizing import SEVERAL, Costs, Load, Plan

if TYPE_CHECKING:
    from collections.abc import Callable

SETTLING = 2.0  # seconds that are not counted: queues fill first


class Clock:
    """Simulated time, in seconds."""

    def __init__(self) -> None:
        self.now = 0.0
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._order = count()

    def after(self, seconds: float, act: Callable[[], None]) -> None:
        heappush(self._due, (self.now + seconds, next(self._order), act))

    def run(self) -> None:
        while self._due:
            self.now, _, act = heappop(self._due)
            act()


class Cores:
    """Work in the order of its arrival, on so many cores."""

    def __init__(self, clock: Clock, cores: int) -> None:
        self._clock = clock
        self._free = [0.0] * cores  # when each is free again; a heap
        self.busy = 0.0  # seconds

    def work(self, us: float, then: Callable[[], None]) -> None:
        start = max(self._clock.now, heappop(self._free))
        done = start + us / 1e6
        heappush(self._free, done)
        self.busy += us / 1e6
        self._clock.after(done - self._clock.now, then)


class Disk:
    """One flush at a time, for all who wait when it begins."""

    def __init__(self, clock: Clock, ms: float) -> None:
        self._clock = clock
        self._ms = ms
        self._waiting: list[Callable[[], None]] = []
        self._flushing = False

    def flush(self, then: Callable[[], None]) -> None:
        self._waiting.append(then)
        if not self._flushing:
            self._begin()

    def _begin(self) -> None:
        taken, self._waiting = self._waiting, []
        self._flushing = bool(taken)
        if taken:
            self._clock.after(self._ms / 1e3, lambda: self._end(taken))

    def _end(self, taken: list[Callable[[], None]]) -> None:
        for then in taken:
            then()
        self._begin()


class Site:
    """Workers, database and bus, with the messages of a load running through them."""

    def __init__(self, load: Load, costs: Costs, made: Plan, random: Random) -> None:
        self.load, self.costs, self.made, self.random = load, costs, made, random
        self.clock = Clock()
        self.workers = [Cores(self.clock, 1) for _ in range(made.workers)]
        self.database = Cores(self.clock, made.database_cores)
        self.disk = Disk(self.clock, costs.flush_ms)
        self.bus = Cores(self.clock, made.bus_cores)
        self.waiting: list[list[float]] = [[] for _ in self.workers]  # of each committer
        self.committing = [False] * made.workers
        self.acks: list[float] = []
        self.deliveries: list[float] = []

    def run(self, messages: int) -> None:
        at = 0.0
        for _ in range(messages):
            at += self.random.expovariate(self.load.rate)
            self.clock.after(at, self._send)
        self.clock.run()

    def _send(self) -> None:
        worker, began = self.random.randrange(self.made.workers), self.clock.now

        def read() -> None:
            self.waiting[worker].append(began)
            if not self.committing[worker]:
                self._commit(worker)

        self.workers[worker].work(self.costs.read, read)

    def _commit(self, worker: int) -> None:
        """All that waits: to the database and back. What arrives meanwhile is the next batch."""
        batch, self.waiting[worker] = self.waiting[worker], []
        self.committing[worker] = bool(batch)
        if not batch:
            return
        costs, hops = self.costs, 4 * self.costs.hop_ms / 1e3  # lock and write, there and back

        def done() -> None:
            for began in batch:
                self._note(self.acks, began)
                self._tell(worker, began)
            pause = costs.gather_ms / 1e3 if len(batch) >= SEVERAL else 0.0
            self.clock.after(pause, lambda: self._commit(worker))

        def ask() -> None:
            us = costs.database + costs.row * len(batch)
            self.clock.after(hops, lambda: self.database.work(us, lambda: self.disk.flush(done)))

        self.workers[worker].work(costs.commit + costs.store * len(batch), ask)

    def _tell(self, worker: int, began: float) -> None:
        """The devices here at once, the others' through the bus."""
        group = self.random.random() < self.load.in_groups
        users = self.load.group if group else 2
        homes = {self.random.randrange(self.made.workers) for _ in range(users)} - {worker}
        frames = max(1, round(users * self.load.devices / (1 + len(homes))))
        costs = self.costs
        us = costs.publish * bool(homes) + costs.deliver * frames
        self.workers[worker].work(us, lambda: self._note(self.deliveries, began))

        def spread() -> None:
            for home in homes:
                self.clock.after(costs.hop_ms / 1e3, lambda home=home: self.workers[home].work(
                    costs.hear + costs.deliver * frames,
                    lambda: self._note(self.deliveries, began),
                ))

        if homes:
            self.clock.after(
                costs.hop_ms / 1e3, lambda: self.bus.work(costs.bus * (1 + len(homes)), spread)
            )

    def _note(self, times: list[float], began: float) -> None:
        if began > SETTLING:
            times.append(self.clock.now - began)


def percentile(times: list[float], part: float) -> float:
    """Milliseconds."""
    return sorted(times)[min(len(times) - 1, int(len(times) * part))] * 1e3


def simulate(load: Load, costs: Costs, made: Plan, messages: int, seed: int) -> dict[str, float]:
    """Milliseconds, and what part of the cores was used."""
    least = ceil(load.rate * 2 * SETTLING)
    site = Site(load, costs, made, Random(seed))
    site.run(max(messages, least))
    span = site.clock.now
    return {
        "ack p50": percentile(site.acks, 0.5), "ack p99": percentile(site.acks, 0.99),
        "delivery p50": percentile(site.deliveries, 0.5),
        "delivery p99": percentile(site.deliveries, 0.99),
        "workers' cores": sum(worker.busy for worker in site.workers) / span,
        "database's cores": site.database.busy / span, "bus's cores": site.bus.busy / span,
    }
