"""What looks at files is a process of its own: last in line for the CPU, bounded, replaceable."""

from __future__ import annotations

import hashlib
import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import gevent
import pytest

from app.content import examiner
from app.content.orders import Examined, Order
from app.content.sounds import Measures
from app.content.workshop import WAITING, Workshop
from app.errors import BadMedia, StorageFull, Unavailable
from tests.content.conftest import PIXELS, Put
from tests.support import files
from tests.support.client import UNHURRIED
from tests.support.disks import some_bytes, tmpfs
from tests.support.process import wait_until


@pytest.fixture
def workshop() -> Workshop:
    return Workshop(1)


def order(source: Path, **said: int) -> Order:
    folder = source.parent / "made"
    folder.mkdir(exist_ok=True)
    return Order(str(source), str(folder), "", Measures(**said), PIXELS)


def examiners() -> set[int]:
    """The processes that this one has started and that live."""
    found = map(int, Path(f"/proc/self/task/{os.getpid()}/children").read_text().split())
    return {pid for pid in found if b"examiner" in Path(f"/proc/{pid}/cmdline").read_bytes()}


@pytest.fixture
def slow(put: Put) -> Iterator[Order]:
    """What never ends, and costs nothing: a pipe without a writer."""
    source = put(b"").parent / "pipe"
    os.mkfifo(source)
    yield order(source)


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def test_it_says_what_a_file_is_and_what_is_to_be_kept(workshop: Workshop, put: Put) -> None:
    for data, media, type in (
        (files.picture("JPEG"), "image", "image/jpeg"), (files.ogg(), "audio", "audio/ogg"),
        (files.HTML, "file", "application/octet-stream"), (some_bytes(3_000_000), "file", ""),
    ):
        found = workshop.examine(order(put(data)))
        assert found.media == media
        assert found.type == (type or found.type)
        for part in found.parts.values():
            kept = Path(part.path).read_bytes()
            assert (part.digest, part.size) == (digest(kept), len(kept))
        assert found.parts.keys() == ({"digest", "small"} if media == "image" else {"digest"})


def test_what_its_sender_has_measured_counts_where_the_file_does_not_tell(
    workshop: Workshop, put: Put
) -> None:
    assert workshop.examine(order(put(files.webm(None)), duration=4_321)).measures.duration == 4_321
    assert workshop.examine(order(put(files.webm(500)), duration=4_321)).measures.duration == 500


def test_a_refusal_comes_out_as_it_is_and_the_next_file_is_looked_at(
    workshop: Workshop, put: Put, tmp_path: Path
) -> None:
    before = examiners()
    with pytest.raises(BadMedia, match="ends too early"):
        workshop.examine(order(put(files.picture("JPEG")[:-200])))
    mine = examiners() - before
    with tmpfs(tmp_path / "full", "4k") as full, pytest.raises(StorageFull):
        source = put(files.encoded(files.pattern(900, 900), "PNG"))
        workshop.examine(Order(str(source), str(full), "", Measures(), PIXELS))
    assert workshop.examine(order(put(files.picture("PNG")))).media == "image"
    assert examiners() - before == mine


def test_the_loop_goes_on_while_it_works(workshop: Workshop, slow: Order) -> None:
    work = gevent.spawn(workshop.examine, slow)
    for _ in range(10):
        gevent.sleep(0.01)
    assert not work.ready()
    release(slow, work)
    assert work.get().media == "file"


def release(slow: Order, *works: gevent.Greenlet) -> None:
    """Let the examiners that wait for a pipe see its end."""
    with gevent.Timeout(UNHURRIED):
        while not all(work.ready() for work in works):
            with suppress(OSError):  # nobody reads just now
                os.close(os.open(slow.source, os.O_WRONLY | os.O_NONBLOCK))
            gevent.sleep(0.01)


def test_so_many_examiners_work_and_so_many_orders_wait(put: Put, slow: Order) -> None:
    before, workshop = examiners(), Workshop(2)
    waiting = [gevent.spawn(workshop.examine, slow) for _ in range(2)]
    good = order(put(files.picture("PNG")))
    waiting += [gevent.spawn(workshop.examine, good) for _ in range(WAITING - 2)]
    with gevent.Timeout(UNHURRIED):
        while len(examiners() - before) < 2:
            gevent.sleep(0.01)
    with pytest.raises(Unavailable) as caught:
        workshop.examine(good)
    assert caught.value.retry
    assert len(examiners() - before) == 2
    release(slow, *waiting)
    gevent.joinall(waiting, raise_error=True)
    assert all(isinstance(greenlet.value, Examined) for greenlet in waiting)


def test_it_comes_last_for_the_cpu_and_the_server_does_not(workshop: Workshop, put: Put) -> None:
    before = examiners()
    workshop.examine(order(put(files.picture("PNG"))))
    [pid] = examiners() - before
    assert os.sched_getscheduler(pid) == os.SCHED_IDLE
    assert os.getpriority(os.PRIO_PROCESS, pid) > os.getpriority(os.PRIO_PROCESS, 0)
    assert os.sched_getscheduler(0) == os.SCHED_OTHER


@pytest.mark.parametrize(("sign", "error"), [
    (signal.SIGSEGV, BadMedia), (signal.SIGPROF, BadMedia), (signal.SIGKILL, Unavailable),
    (signal.SIGTERM, Unavailable),
])
def test_an_examiner_that_dies_takes_its_file_with_it_and_nothing_else(
    workshop: Workshop, put: Put, slow: Order, sign: signal.Signals, error: type[Exception]
) -> None:
    before = examiners()
    work = gevent.spawn(workshop.examine, slow)
    with gevent.Timeout(UNHURRIED):
        while not examiners() - before:
            gevent.sleep(0.01)
    [pid] = examiners() - before
    started(pid)
    os.kill(pid, sign)
    with pytest.raises(error):
        work.get(timeout=UNHURRIED)
    assert workshop.examine(order(put(files.picture("PNG")))).media == "image"


def started(pid: int) -> None:
    """It is at work: it has the policy that it takes before its first order."""
    with gevent.Timeout(UNHURRIED):
        while os.sched_getscheduler(pid) != os.SCHED_IDLE:
            gevent.sleep(0.01)


def test_who_gives_up_does_not_leave_their_answer_to_the_next(
    workshop: Workshop, put: Put, slow: Order
) -> None:
    with pytest.raises(gevent.Timeout), gevent.Timeout(0.3):
        workshop.examine(slow)
    assert workshop.examine(order(put(files.picture("PNG")))).type == "image/png"


def test_what_takes_too_much_of_the_cpu_is_ended(put: Put) -> None:
    """In a process of its own: it would end this one."""
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGPROF, signal.SIG_DFL)
        examiner.CPU_SECONDS = 0.1
        examiner.examine = lambda order: sum(iter(lambda: 1, 0))  # for ever
        examiner.within_bounds(order(put(b"x")))
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == -signal.SIGPROF


def test_examiners_end_with_whoever_started_them(put: Put) -> None:
    before, workshop = examiners(), Workshop(1)
    workshop.examine(order(put(files.picture("PNG"))))
    assert len(examiners() - before) == 1
    del workshop
    wait_until(lambda: examiners() <= before, UNHURRIED)
