"""Load, a fault, and then: nothing lost, doubled, reordered, made up, or told to the wrong people.

What happens and what is checked is in `tests/faults/`, with an entry point for as many rounds as
one likes. Seconds are reported there; here nothing is asserted of them but that they end.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.faults import FAULTS
from tests.faults.series import Series
from tests.support.server import ROOT

SEED = 1
ROUNDS = {
    "single": (
        "cut", "half_open", "black_hole", "slow_reader", "worker_kill", "master_kill", "power_cut",
        "rolling", "flush_kill", "flush_fails", "disk_full",
    ),
    "many": (
        "half_open", "worker_kill", "master_kill", "rolling", "database_kill", "database_cut",
        "bus_kill", "bus_stop", "bus_cut",
    ),
}


@pytest.mark.timeout(600)
@pytest.mark.parametrize("topology", ROUNDS)
def test_what_was_promised_is_kept_whatever_breaks(topology: str, tmp_path: Path) -> None:
    series = Series(tmp_path, tmp_path / "histories")
    try:
        for number, name in enumerate(ROUNDS[topology]):
            print(series.play(FAULTS[topology][name], SEED + number))
    finally:
        series.stop()
    assert series.findings == 0, "\n".join(map(str, series.reports))
    assert all(report.counts["acked"] > 0 for report in series.reports), "nobody said anything"


@pytest.mark.timeout(600)
def test_what_was_promised_is_kept_when_the_network_is_pulled_for_all(tmp_path: Path) -> None:
    options = ["--fault", "pulled", "--rounds", "2", "--seed", "1", "--keep", str(tmp_path)]
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults", *options], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "single pulled: 1 rounds" in done.stdout
    assert "many pulled: 1 rounds" in done.stdout
