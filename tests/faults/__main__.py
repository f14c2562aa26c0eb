"""Rounds of faults for as long as one likes.

    python -m tests.faults --rounds 1000 --seed 1
    python -m tests.faults --flushes 50              one process dies at its 1st flush, its 2nd ...
    python -m tests.faults --rounds 50 --within 5    on a machine that does nothing else

Round n has the seed `seed + n`, and the fault whose turn that is, so `--rounds 1` with the seed of
a round plays it again. Histories of rounds in which something was wrong stay in `--keep`. All of it
runs in a network namespace of its own, which takes root.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from tests.faults import cable
from tests.faults.faults import FAULTS, death_at_flush
from tests.faults.rounds import PATIENCE
from tests.faults.series import Series, turn


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.faults", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    names = sorted({name for faults in FAULTS.values() for name in faults})
    parser.add_argument("--rounds", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=time.time_ns() % 10**6)
    parser.add_argument("--topology", choices=["both", *FAULTS], default="both")
    parser.add_argument("--fault", choices=names, help="this one only")
    parser.add_argument("--flushes", type=int, default=0, help="rounds of this sweep, no others")
    parser.add_argument("--within", type=float, default=PATIENCE, metavar="SECONDS",
                        help="all devices must be the same so soon after the healing")
    parser.add_argument("--keep", type=Path, default=Path("instance/faults"))
    options = parser.parse_args(arguments)
    cable.move_out()
    with tempfile.TemporaryDirectory(prefix="hichat-faults-") as folder:
        series = Series(Path(folder), options.keep, options.within)
        try:
            for number in range(options.flushes or options.rounds):
                seed = options.seed + number
                fault = turn(seed, options.topology, options.fault)
                if options.flushes:
                    fault = death_at_flush(number + 1)
                print(series.play(fault, seed), flush=True)
        finally:
            series.stop()
    print(series.summary())
    return 1 if series.findings else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
