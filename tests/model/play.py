"""Runs of the machine, as many as are asked for."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hypothesis import HealthCheck, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.model.machine import Machine
from tests.model.world import World

# A run is as long as its server takes; that is nothing that hypothesis should complain of.
PLAIN = settings(
    deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True,
)


@contextmanager
def new_world() -> Iterator[World]:
    with tempfile.TemporaryDirectory(prefix="hichat-model-") as folder:
        world = World(Path(folder))
        try:
            world.begin()
            yield world
        finally:
            world.stop()


def play(world: World, runs: int, steps: int, number: int | None = None) -> None:
    """So many runs of so many steps: always the same ones, or those of the seed `number`.

    Raises what went wrong, after the shortest run that shows it was printed.
    """

    class Played(Machine):
        pass

    Played.world = world
    if number is not None:
        seed(number)(Played)
    run_state_machine_as_test(Played, settings=settings(
        PLAIN, max_examples=runs, stateful_step_count=steps, derandomize=number is None
    ))
