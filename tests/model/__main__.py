"""The model test for as long as one likes.

    python -m tests.model --steps 100000 --seed 1

Prints its seeds, so that a failure can be had again. `tests/test_model.py` makes 200 runs of it.
"""

from __future__ import annotations

import argparse
import sys
import time

from tests.model.play import new_world, play

RUNS = 20  # with one seed


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.model", description=__doc__)
    parser.add_argument("--steps", type=int, default=100_000)
    parser.add_argument("--length", type=int, default=50, help="steps of a run")
    parser.add_argument("--seed", type=int, default=time.time_ns() % 10**6)
    options = parser.parse_args(arguments)
    number = options.seed
    with new_world() as world:
        while world.steps < options.steps:
            print(f"seed {number}: ", end="", flush=True)
            play(world, RUNS, options.length, number)
            print(world, flush=True)
            number += 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
