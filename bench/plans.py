"""The named scenarios, and the run of one: rounds in which the competitors take turns."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict, dataclass, replace
from os import sched_setaffinity
from pathlib import Path
from typing import Any

from .accounts import Accounts
from .entries import ENTRIES, Entry
from .goals import dig
from .servers import LOAD_CORE, ROOT, Server, Start, free_port, workspace

EVERYBODY = tuple(ENTRIES)
RELAYS = tuple(name for name, entry in ENTRIES.items() if not name.endswith("_commit"))
GROUPS = tuple(name for name in RELAYS if name != "hichat_v1")
NUMBERS_PER_ROUND = 100_000_000
"""Refs are for ever: each round counts from its own start, so that none is ever repeated."""


@dataclass(frozen=True)
class Plan:
    """One scenario. `metric` is what its ratios are made of (less is better).

    `fresh` is a new server for each turn, `senders` 0 is all connections.
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

    def quick(self) -> Plan:
        """A smoke test: that it runs, not what it costs."""
        return replace(
            self,
            rounds=1,
            seconds=1.0,
            warmup=0.5,
            connections=min(self.connections, 200 if self.scenario in ("idle", "storm") else 20),
            users=20,
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
    )
}  # fmt: skip


class Field:
    """The servers of one scenario: each started at its first turn, all ended together."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self._running: dict[Start, Server] = {}
        self._accounts: dict[Start, Accounts] = {}
        self._started = 0

    def server(self, entry: Entry) -> Server:
        if entry.start not in self._running:
            self._started += 1
            folder = self.data / str(self._started)
            folder.mkdir()
            server = entry.start(free_port(), folder)
            self._running[entry.start] = server
            self._accounts[entry.start] = Accounts(server)
        return self._running[entry.start]

    def accounts(self, entry: Entry) -> Accounts:
        self.server(entry)
        return self._accounts[entry.start]

    def stop(self) -> None:
        while self._running:
            self._running.popitem()[1].stop()


def members(plan: Plan, entry: Entry, field: Field) -> list[tuple[int, str]]:
    """Peers believe any number; each of their connections is a user of its own."""
    if entry.accounts:
        return field.accounts(entry).members(plan.users, entry.dialect)
    return [(number, "") for number in range(1, plan.connections + 1)]


def turn(plan: Plan, entry: Entry, field: Field, number: int) -> dict[str, Any]:
    """One competitor's turn in one round: the result of one load process, or its `problem`."""
    group = 0
    try:
        server = field.server(entry)
        users = members(plan, entry, field)
        if entry.accounts and plan.scenario == "fanout":
            group = field.accounts(entry).group()
            if not group:
                return {"problem": "not available: the server has no groups"}
    except (OSError, RuntimeError, subprocess.CalledProcessError) as problem:
        # The report is published: it says nothing of where this machine keeps its files.
        return {"problem": str(problem).replace(f"{ROOT}/", "")}
    job = {
        "scenario": plan.scenario,
        "port": server.port,
        "pid": server.pid,
        "dialect": entry.dialect,
        "acks": entry.acks,
        "members": users,
        "connections": plan.connections,
        "seconds": plan.seconds,
        "warmup": plan.warmup,
        "window": plan.window,
        "senders": plan.senders,
        "rate": plan.rate,
        "group": group,
        "first": number * NUMBERS_PER_ROUND + 1,
    }
    return load(job)


def load(job: dict[str, Any]) -> dict[str, Any]:
    """Run the generator in its own process, on its own core."""
    try:
        done = subprocess.run(
            [sys.executable, "-m", "bench.load"],
            cwd=ROOT,
            input=json.dumps(job),
            capture_output=True,
            text=True,
            timeout=job["seconds"] + job["warmup"] + 180,
            preexec_fn=lambda: sched_setaffinity(0, {LOAD_CORE}),
        )
    except subprocess.TimeoutExpired:
        return {"problem": "the load generator did not come back"}
    if done.returncode:
        return {"problem": done.stderr.strip().splitlines()[-1]}
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def run(plan: Plan) -> dict[str, Any]:
    """All rounds of one scenario: A B C ..., A B C ..., so that a noisy minute hits all alike."""
    rounds: dict[str, list[dict[str, Any]]] = {}
    for name in plan.entries:
        absent = ENTRIES[name].missing()
        rounds[name] = [{"problem": absent}] if absent else []
    present = [name for name in plan.entries if not rounds[name]]
    with workspace() as data:
        field = Field(data)
        try:
            for number in range(plan.rounds):
                for name in present:
                    result = turn(plan, ENTRIES[name], field, number)
                    rounds[name].append(result)
                    about = f"{plan.name} {number + 1}/{plan.rounds} {name}"
                    print(f"  {about}: {brief(plan, result)}", flush=True)
                    if plan.fresh:
                        field.stop()
        finally:
            field.stop()
    return {"plan": asdict(plan), "rounds": rounds}


def brief(plan: Plan, result: dict[str, Any]) -> str:
    if "problem" in result:
        return str(result["problem"])
    shares = [
        f"{whose} {result[key]:.0%}"
        for whose, key in (
            ("server", "server_share"),
            ("load", "load_share"),
            ("others", "others_share"),
        )
        if key in result
    ]
    return f"{plan.metric} {dig(result, plan.metric):.2f} {' '.join(shares)}"
