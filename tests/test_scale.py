"""The model of docs/scale.md: what it simulates agrees with what it counts, and the table runs."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import pytest

from bench.simulation import simulate
from bench.sizing import CONNECTIONS, FULL, Costs, Load, Plan, plan, used
from tests.support.server import ROOT

COSTS = Costs()


@pytest.mark.parametrize("users", [10_000, 200_000])
def test_simulated_cores_are_as_busy_as_counted_ones(users: int) -> None:
    load = Load(users)
    made = plan(load, COSTS)
    found = simulate(load, COSTS, made, 2000, seed=1)
    counted = used(load, COSTS, made.workers) * made.workers
    assert found["workers' cores"] == pytest.approx(counted, rel=0.35)
    assert found["database's cores"] < made.database_cores
    assert found["bus's cores"] < made.bus_cores


def test_a_message_takes_its_flush_and_its_ways_at_least() -> None:
    load, slow = Load(1000), replace(COSTS, flush_ms=20.0, hop_ms=5.0)
    found = simulate(load, slow, Plan(2, 1, 1), 500, seed=1)
    assert found["ack p50"] > 20 + 4 * 5
    assert found["delivery p99"] > found["ack p50"]


def test_a_plan_holds_all_connections_and_leaves_room() -> None:
    for users in (10_000, 100_000, 1_000_000):
        load = Load(users)
        made = plan(load, COSTS)
        assert made.workers * CONNECTIONS >= users * load.devices
        assert used(load, COSTS, made.workers) <= FULL


def test_too_few_workers_are_told_by_their_queues() -> None:
    load = Load(300_000)
    enough = simulate(load, COSTS, plan(load, COSTS), 2000, seed=1)
    few = simulate(load, COSTS, replace(plan(load, COSTS), workers=1), 2000, seed=1)
    assert few["ack p99"] > 5 * enough["ack p99"]


def test_the_same_seed_prints_the_same_table() -> None:
    command = [sys.executable, "-m", "bench.scale", "--users", "1000", "--messages", "500"]
    one, two = (
        subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
        for _ in range(2)
    )
    assert one == two
    assert one.splitlines()[-1].startswith("| 1,000 | 17 | 209 | 1 | 1 | 1 |")
