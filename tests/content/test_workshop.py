"""Work beside the event loop: bounded, last in line for the CPU, and its errors are its own."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import threading
from pathlib import Path

import gevent
import pytest

from app.content.workshop import NICENESS, WAITING, Workshop, digest_of
from app.errors import BadMedia, Unavailable
from tests.support.client import PATIENCE
from tests.support.server import ROOT

REPORT = """
import os, threading
from app.content.workshop import Workshop
print(Workshop(1).run(lambda: os.getpriority(os.PRIO_PROCESS, threading.get_native_id())))
"""


def niceness() -> int:
    return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())


def test_the_loop_goes_on_while_work_is_done() -> None:
    """The work ends only when a greenlet has had its turns."""
    turns, enough = 0, threading.Event()

    def take_turns() -> None:
        nonlocal turns
        while turns < 10:
            gevent.sleep(0)
            turns += 1
        enough.set()

    gevent.spawn(take_turns)
    assert Workshop(1).run(enough.wait, PATIENCE)
    assert turns == 10


def test_what_work_returns_and_raises_comes_out_as_it_is(capfd: pytest.CaptureFixture[str]) -> None:
    workshop, mine = Workshop(1), BadMedia("This one.")

    def refuse() -> None:
        raise mine

    assert workshop.run(divmod, 7, 2) == (3, 1)
    for _ in range(2):
        with pytest.raises(BadMedia) as caught:
            workshop.run(refuse)
        assert caught.value is mine
    with pytest.raises(ZeroDivisionError):
        workshop.run(divmod, 1, 0)
    assert capfd.readouterr() == ("", "")


def test_so_many_threads_work_and_so_many_pieces_wait() -> None:
    workshop, go_on = Workshop(2), threading.Event()
    lock, working, most = threading.Lock(), 0, 0

    def work() -> int:
        nonlocal working, most
        with lock:
            working += 1
            most = max(most, working)
        assert go_on.wait(PATIENCE)
        with lock:
            working -= 1
        return 1

    waiting = [gevent.spawn(workshop.run, work) for _ in range(WAITING)]
    with gevent.Timeout(PATIENCE):
        while working < 2:
            gevent.sleep(0.01)
    with pytest.raises(Unavailable) as caught:
        workshop.run(work)
    assert caught.value.retry
    go_on.set()
    gevent.joinall(waiting, timeout=PATIENCE, raise_error=True)
    assert sum(greenlet.value for greenlet in waiting) == WAITING
    assert most == 2
    assert workshop.run(work) == 1


def test_failed_work_gives_its_place_back() -> None:
    workshop = Workshop(1)
    for _ in range(WAITING + 1):
        with pytest.raises(ZeroDivisionError):
            workshop.run(divmod, 1, 0)


def test_its_threads_come_last_and_nobody_elses() -> None:
    before = niceness()
    assert Workshop(1).run(niceness) == max(before, NICENESS) > before
    assert niceness() == before


def test_a_process_that_comes_last_already_stays_there() -> None:
    done = subprocess.run(
        ["nice", "-n", "15", sys.executable, "-c", REPORT], cwd=ROOT, text=True,
        capture_output=True, timeout=60,  # it gives way to all others
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert int(done.stdout) == niceness() + 15


@pytest.mark.parametrize("size", [0, 1, 3_000_000])
def test_a_digest_is_the_sha256_of_the_whole_file(tmp_path: Path, size: int) -> None:
    data = os.urandom(size)
    (tmp_path / "file").write_bytes(data)
    assert digest_of(tmp_path / "file") == hashlib.sha256(data).hexdigest()
