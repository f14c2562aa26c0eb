"""Many rounds, each in a site of the kind that its fault needs."""

from __future__ import annotations

import shutil
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

from tests.faults.faults import FAULTS, Fault
from tests.faults.rounds import PATIENCE, Report, play
from tests.faults.sites import Site, site


def turn(number: int, topology: str = "both", name: str | None = None) -> Fault:
    """The fault of a round: each has its turn, in both topologies alternately."""
    topologies = list(FAULTS) if topology == "both" else [topology]
    faults = [
        fault for found in topologies for fault in FAULTS[found].values()
        if name in (None, fault.name)
    ]
    assert faults, f"there is no {name} in the topology {topology}"
    return faults[number % len(faults)]


class Series:
    """Sites are started when a fault first needs them, and used again.

    Histories with findings are copied into the folder `keep`. `within`: see Round.
    """

    def __init__(self, folder: Path, keep: Path, within: float = PATIENCE) -> None:
        self._folder, self._keep, self._within = folder, keep, within
        self._sites: dict[str, Site] = {}
        self._stack = ExitStack()
        self.reports: list[Report] = []

    def play(self, fault: Fault, seed: int) -> Report:
        report = play(self._site(fault.kind), fault, seed, self._folder, self._within)
        self.reports.append(report)
        if report.findings:
            self._keep.mkdir(parents=True, exist_ok=True)
            shutil.copy(report.path, self._keep)
        report.path.unlink()
        return report

    def _site(self, kind: str) -> Site:
        if kind not in self._sites:
            self._sites[kind] = self._stack.enter_context(site(kind, self._folder))
        return self._sites[kind]

    def stop(self) -> None:
        self._stack.close()

    @property
    def findings(self) -> int:
        return sum(len(report.findings) for report in self.reports)

    def summary(self) -> str:
        """A line for each fault: rounds, what went on in them, the longest way back."""
        lines = []
        for fault in sorted({str(report.fault) for report in self.reports}):
            mine = [report for report in self.reports if str(report.fault) == fault]
            counts: Counter[str] = sum((report.counts for report in mine), Counter())
            words = ", ".join(f"{count:,} {what}" for what, count in counts.items())
            wrong = sum(len(report.findings) for report in mine)
            seconds = sorted(report.seconds or float("inf") for report in mine)
            lines.append(
                f"{fault}: {len(mine)} rounds, {words}; all the same after"
                f" {seconds[len(seconds) // 2]:.2f} s (longest {seconds[-1]:.2f}); {wrong} findings"
            )
        lines.append(f"{len(self.reports)} rounds, {self.findings} findings")
        return "\n".join(lines)
