"""Load, a fault, and then: nothing lost, doubled, reordered, made up, or told to the wrong people.

What happens and what is checked is in `tests/faults/`, with an entry point for as many rounds as
one likes. Seconds are reported there; here nothing is asserted of them but that they end.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults.faults import FAULTS
from tests.faults.rounds import Report
from tests.faults.series import Series

SINGLE = (
    "cut", "half_open", "black_hole", "slow_reader", "worker_kill", "master_kill", "power_cut",
    "rolling", "flush_kill", "flush_fails", "disk_full",
)
SEED = 1


@pytest.fixture(scope="module")
def series(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Series]:
    made = Series(tmp_path_factory.mktemp("faults"), tmp_path_factory.mktemp("histories"))
    yield made
    made.stop()


def passed(report: Report) -> None:
    print(report)
    assert report.findings == [], str(report)
    assert report.counts["acked"] > 0, "nobody said anything: this proved nothing"


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", SINGLE)
def test_one_process_keeps_its_promises(series: Series, name: str) -> None:
    passed(series.play(FAULTS["single"][name], SEED))
