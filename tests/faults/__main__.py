"""Rounds of faults for as long as one likes.

    python -m tests.faults --rounds 1000 --seed 1

Round n has the seed `seed + n`, and the fault whose turn that is, so `--rounds 1` with the seed of
a round plays it again. Histories of rounds in which something was wrong stay in `--keep`.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from tests.faults.faults import FAULTS
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
    parser.add_argument("--keep", type=Path, default=Path("instance/faults"))
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="hichat-faults-") as folder:
        series = Series(Path(folder), options.keep)
        try:
            for number in range(options.seed, options.seed + options.rounds):
                fault = turn(number, options.topology, options.fault)
                print(series.play(fault, number), flush=True)
        finally:
            series.stop()
    print(series.summary())
    return 1 if series.findings else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
