"""How many processes a load needs, counted from what their work costs."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

CONNECTIONS = 20_000  # of a worker: HICHAT_MAX_CONNECTIONS
SEVERAL = 3  # messages: such a batch says that others are on their way (app/chat/journal.py)
FULL = 0.6  # of a core: what a process is planned to use; the rest is for bursts


@dataclass(frozen=True)
class Costs:
    """CPU microseconds on one core of the machine of docs/performance.md, unless it says otherwise.

    Where it says "assumed", it is not measured; docs/scale.md says where the others are from.
    """

    read: float = 7.0  # a worker: read a message, check it, ack it; with its share of gevent
    commit: float = 600.0  # a worker: a batch, whatever is in it
    store: float = 11.0  # a worker: a message of a batch
    database: float = 850.0  # PostgreSQL: a batch
    row: float = 22.0  # PostgreSQL: a message of a batch; 12, and 10 for the index of heads
    publish: float = 15.0  # a worker: tell the bus of an event
    bus: float = 2.3  # Valkey: take an event, or give it to a process
    hear: float = 25.0  # a worker: an event from the bus, decoded and encoded for its devices
    deliver: float = 11.0  # a worker: a frame to a device
    gather_ms: float = 8.0  # a worker: how long the batch behind one of several messages gathers
    flush_ms: float = 2.0  # the database's disk, until a flush is there (assumed)
    hop_ms: float = 0.3  # the network between two machines, one way (assumed)
    device_kb: float = 27.0  # memory of a worker for each connection
    worker_mb: float = 110.0  # and without any


@dataclass(frozen=True)
class Load:
    """What users do, at the busiest time of a day."""

    users: int  # online
    devices: float = 1.3  # connections of each
    minutes: float = 1.0  # between two messages of a user
    in_groups: float = 0.3  # of the messages
    group: int = 30  # members of a group who are online

    @property
    def rate(self) -> float:
        """Messages per second."""
        return self.users / (60 * self.minutes)

    @property
    def deliveries(self) -> float:
        """Frames of a message, on average: to the others' devices, and the sender's other ones."""
        private, group = 2 * self.devices - 1, self.group * self.devices - 1
        return private * (1 - self.in_groups) + group * self.in_groups


@dataclass(frozen=True)
class Plan:
    """Processes, each on a core of its own."""

    workers: int
    database_cores: int
    bus_cores: int


def reached(users: int, workers: int) -> float:
    """Of so many workers, those that have a device of at least one of so many users."""
    return workers * (1 - (1 - 1 / workers) ** users)


def listeners(load: Load, workers: int) -> float:
    """The processes beside the sender's that hear an event, on average."""
    private = reached(2, workers) * (1 - load.in_groups)
    return max(0.0, private + reached(load.group, workers) * load.in_groups - 1)


def batch_of(load: Load, costs: Costs, workers: int) -> float:
    """Messages in a batch: those that arrive while the one before it is on its way, and gathers."""
    way = (costs.flush_ms + 4 * costs.hop_ms) / 1e3 + (costs.commit + costs.database) / 1e6
    batch = load.rate / workers * way
    if batch >= SEVERAL:
        batch += load.rate / workers * costs.gather_ms / 1e3
    return max(1.0, batch)


def plan(load: Load, costs: Costs) -> Plan:
    """The fewest workers that hold all connections and stay below FULL, and what is behind them."""
    workers = ceil(load.users * load.devices / CONNECTIONS)
    while used(load, costs, workers) > FULL:
        workers = workers + max(1, workers // 50)
    batch = batch_of(load, costs, workers)
    database = load.rate * (costs.row + costs.database / batch) / 1e6
    bus = load.rate * costs.bus * (1 + listeners(load, workers)) / 1e6
    return Plan(workers, ceil(database / FULL), ceil(bus / FULL))


def used(load: Load, costs: Costs, workers: int) -> float:
    """What part of its core each of so many workers needs."""
    batch = batch_of(load, costs, workers)
    message = costs.read + costs.store + costs.commit / batch + costs.publish
    message += listeners(load, workers) * costs.hear + load.deliveries * costs.deliver
    return load.rate * message / 1e6 / workers
