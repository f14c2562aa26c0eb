"""The named scenarios."""

from __future__ import annotations

from dataclasses import dataclass, replace

from .entries import ENTRIES

EVERYBODY = tuple(
    name for name, entry in ENTRIES.items() if not entry.fill and name != "hichat_many"
)
RELAYS = tuple(name for name in EVERYBODY if not name.endswith("_commit"))
GROUPS = tuple(name for name in RELAYS if name != "hichat_v1")

QUICK = {"idle": 200, "storm": 200, "comeback": 200, "uploads": 12}
"""Connections of a smoke test, where they are not 20."""


@dataclass(frozen=True)
class Plan:
    """One scenario. `metric` is what its ratios to `base` are made of (less is better).

    Times in seconds, `rate` in messages per second, `senders` 0 is all connections. The `users`
    beyond the `connections` are those who upload. `fresh` is a
    new server for each turn; `scale` is what part of an entry's history is stored beforehand.
    """

    name: str
    title: str
    scenario: str
    metric: str
    entries: tuple[str, ...]
    connections: int
    users: int
    seconds: float = 5.0
    warmup: float = 1.0
    rounds: int = 3
    window: int = 1
    senders: int = 0
    rate: float = 0.0
    fresh: bool = False
    base: str = "hichat_v2"
    scale: float = 1.0

    def quick(self) -> Plan:
        """A smoke test: that it runs, not what it costs."""
        return replace(
            self,
            rounds=1,
            seconds=4.0 if self.scenario == "soak" else 1.0,
            warmup=0.5,
            connections=min(self.connections, QUICK.get(self.scenario, 20)),
            users=20,
            scale=0.01,
        )


PLANS = {
    plan.name: plan
    for plan in (
        Plan(
            "cost8", "Private messages, 100 connections, 8 in flight each",
            "cost", "cpu_us", EVERYBODY, 100, 100, window=8,
        ),
        Plan(
            "cost1", "Private messages, 100 connections, 1 in flight each",
            "cost", "cpu_us", EVERYBODY, 100, 100, window=1,
        ),
        Plan(
            "latency", "Private messages, 2,000 offered per second, 100 connections",
            "latency", "delivery_ms.p99", EVERYBODY, 100, 100, rate=2000.0,
        ),
        Plan(
            "uploads", "The same, while 8 users upload pictures of 12 megapixels",
            "uploads", "times", ("hichat_v2",), 100, 108, seconds=15.0, warmup=5.0, rate=2000.0,
            base="",
        ),
        Plan(
            "idle", "5,000 idle connections",
            "idle", "rss_per_connection", RELAYS, 5000, 250, warmup=2.0, fresh=True,
        ),
        Plan(
            "storm", "2,000 connections, 48 handshakes at a time",
            "storm", "cpu_us", RELAYS, 2000, 100,
        ),
        Plan(
            "fanout", "One group of 1,000 online members, 1 message in flight",
            "fanout", "cpu_us", GROUPS, 1000, 1000, senders=1,
        ),
        Plan(
            "fanout8", "One group of 1,000 online members, 8 members with 1 message in flight each",
            "fanout", "cpu_us", GROUPS, 1000, 1000, senders=8,
        ),
        Plan(
            "history", "Pages of 50 events at random places of a conversation",
            "history", "cpu_us", ("history_1k", "history_1m"), 1, 20, base="history_1k",
        ),
        Plan(
            "stored", "Private messages, 8 in flight, on an empty store and on a full one",
            "cost", "cpu_us", ("store_empty", "store_10m"), 100, 100, warmup=2.0, window=8,
            base="store_empty",
        ),
        Plan(
            "soak", "1,000 messages/s over 200 connections that come and go",
            "soak", "growth_percent", ("hichat_v2",), 200, 200, seconds=600.0, warmup=60.0,
            rounds=1, rate=1000.0, fresh=True, base="",
        ),
        Plan(
            "many", "Private messages, 1,000 offered per second: one process, and two workers",
            "latency", "server_us", ("hichat_v2", "hichat_many"), 100, 100, seconds=20.0,
            warmup=3.0, rate=1000.0, fresh=True,
        ),
        Plan(
            "bus_stop", "The same, while Valkey stands still (SIGSTOP)",
            "bus_stop", "ack_ms.p99", ("hichat_many",), 100, 100, seconds=30.0, warmup=3.0,
            rounds=1, rate=1000.0, base="",
        ),
        Plan(
            "stalled", "200 devices that do not read, beside 2,000 messages/s",
            "stalled", "delivery_ratio", ("hichat_v2",), 200, 200, seconds=40.0, warmup=2.0,
            rounds=1, rate=2000.0, fresh=True, base="",
        ),
        Plan(
            "comeback", "2,000 connections: kill -9 of all workers, all come back at once",
            "comeback", "seconds_all", ("hichat_v2", "hichat_many"), 2000, 100, fresh=True, base="",
        ),
    )
}  # fmt: skip
