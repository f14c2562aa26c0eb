"""The run of one scenario: rounds in which the competitors take turns."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict
from os import sched_setaffinity
from pathlib import Path
from typing import Any

from .accounts import Accounts
from .entries import ENTRIES, Entry
from .goals import dig
from .job import Job
from .plans import Plan
from .servers import LOAD_CORE, ROOT, Server, free_port, workspace

NUMBERS_PER_ROUND = 100_000_000
"""Refs are for ever: each round counts from its own start, so that none is ever repeated.

The numbers below the first round's are those of history that was stored beforehand (fill.py).
"""


class Field:
    """The servers of one scenario: each started at its first turn, all ended together."""

    def __init__(self, plan: Plan, data: Path) -> None:
        self.plan = plan
        self.data = data
        self._running: dict[object, Server] = {}
        self._accounts: dict[object, Accounts] = {}
        self._started = 0

    def server(self, entry: Entry) -> Server:
        if entry.house not in self._running:
            self._started += 1
            folder = self.data / str(self._started)
            folder.mkdir()
            server = self._running[entry.house] = entry.start(free_port(), folder)
            self._accounts[entry.house] = Accounts(server)
            if entry.fill:
                self._fill(entry, server, folder)
        return self._running[entry.house]

    def _fill(self, entry: Entry, server: Server, folder: Path) -> None:
        """Give the store its history while the server is down. Tokens outlive a restart."""
        assert entry.fill
        users = self._accounts[entry.house].members(self.plan.users, "v2")
        server.stop()
        del self._running[entry.house]
        entry.fill(folder / "hichat" / "hichat.db", [user for user, _ in users], self.plan.scale)
        self._running[entry.house] = entry.start(server.port, folder)

    def accounts(self, entry: Entry) -> Accounts:
        self.server(entry)
        return self._accounts[entry.house]

    def stop(self) -> None:
        while self._running:
            self._running.popitem()[1].stop()


def members(plan: Plan, entry: Entry, field: Field) -> list[tuple[int, str]]:
    """Peers believe any number; each of their connections is a user of its own."""
    if entry.accounts:
        return field.accounts(entry).members(plan.users, entry.dialect)[entry.skip :]
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
    first = (number + 1) * NUMBERS_PER_ROUND + 1
    return load(Job(
        plan, server.port, server.pid, entry.dialect, entry.acks, users, group, first, server.beside
    ))  # fmt: skip


def load(job: Job) -> dict[str, Any]:
    """Run the generator in its own process, on its own core."""
    try:
        done = subprocess.run(
            [sys.executable, "-m", "bench.load"],
            cwd=ROOT,
            input=job.dump(),
            capture_output=True,
            text=True,
            timeout=job.plan.seconds + job.plan.warmup + 180,
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
        field = Field(plan, data)
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
