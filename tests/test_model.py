"""Random operations on a real server, against the reference model: 200 runs, always the same.

What is done and compared is in `tests/model/`, with an entry point for as many steps as one likes.
"""

from __future__ import annotations

import pytest

from tests.model.play import new_world, play

RUNS = 200
STEPS = 20  # of a run


@pytest.mark.timeout(900)  # a failing run is made smaller first
def test_every_device_sees_what_the_reference_model_says_whatever_happens_to_it() -> None:
    with new_world() as world:
        play(world, RUNS, STEPS)
        print(world)
    assert world.runs >= RUNS
    assert world.checks >= RUNS, "runs ended without a comparison"
    for count in (world.commands, world.repeats, world.cuts, world.kills, world.restarts):
        assert count > 0, f"this proved too little: {world}"
