"""The process that looks at files: orders come on stdin, answers go to stdout, as lines of JSON.

It comes last for the CPU, an order has only so much of it, and what a file does to a decoder, it
does here. It ends with its stdin, and so with whoever started it.
"""

from __future__ import annotations

import hashlib
import os
import signal
import sys
from pathlib import Path

import msgspec

from app.content.kinds import kind_of
from app.content.orders import Answer, Examined, Order, Part, Refused
from app.content.pictures import prepare
from app.content.sounds import Measures, measured
from app.errors import BadMedia, StorageFull

NICENESS = 10  # where there is no better way to come last
CPU_SECONDS = 60  # for a file; the worst pictures take five
BYTES_PER_SECOND = 50_000_000  # that are read and hashed at least


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C is for the server, which ends our stdin
    step_back()
    orders = msgspec.json.Decoder(Order)
    for line in sys.stdin.buffer:
        answer = within_bounds(orders.decode(line))
        sys.stdout.buffer.write(msgspec.json.encode(answer) + b"\n")
        sys.stdout.buffer.flush()


def step_back() -> None:
    """Whoever wakes up has the CPU at once. With a low priority alone, they wait for a slice."""
    os.nice(NICENESS)
    if sys.platform == "linux":
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))


def within_bounds(order: Order) -> Answer:
    """The answer. What takes too much of the CPU ends the process, by SIGPROF."""
    size = Path(order.source).stat().st_size
    signal.setitimer(signal.ITIMER_PROF, CPU_SECONDS + size / BYTES_PER_SECOND)
    try:
        return examine(order)
    except (BadMedia, StorageFull) as error:
        return Refused(error.message, isinstance(error, StorageFull))
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def examine(order: Order) -> Examined:
    """What the file is, and what is kept of it. Raises BadMedia, StorageFull."""
    source = Path(order.source)
    kind = kind_of(source, order.declared)
    if kind.media != "image":
        measures = measured(source, kind, order.said)
        return Examined(kind.media, kind.type, measures, {"digest": _part(source)})
    made = prepare(source, Path(order.folder), kind.type, order.most_pixels)
    paths = {"digest": made.shown, "small": made.small, "large": made.large}
    return Examined(
        kind.media, kind.type, Measures(width=made.width, height=made.height),
        {name: _part(path) for name, path in paths.items() if path},
    )


def _part(path: Path) -> Part:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return Part(str(path), digest, path.stat().st_size)
