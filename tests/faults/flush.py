"""Faults at a flush: the n-th fsync or fdatasync of the server kills it, or fails. Needs strace."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from random import Random

from tests.faults.sites import PATIENCE, Site
from tests.support.process import wait_until

CALLS = "fsync,fdatasync"
NEAR, FAR = 5, 40  # flushes that come within a moment, and within a round


def kill_at_flush(site: Site, random: Random) -> None:
    """The worker dies on its way into a flush: nothing of that may have been acknowledged."""
    kill_at(site, random.randint(1, FAR))


def kill_at(site: Site, number: int) -> None:
    """kill -9 of the worker as it calls its n-th flush from now."""
    victim = site.server.worker()
    with injected(victim, f"signal=KILL:when={number}"):
        wait_until(lambda: victim not in site.server.workers(), PATIENCE)
    site.wait()


def flush_fails(site: Site, random: Random) -> None:
    """The disk takes nothing for a while: each flush is an I/O error."""
    with injected(site.server.worker(), f"error=EIO:when={random.randint(1, NEAR)}+"):
        time.sleep(random.uniform(0.3, 1.5))
    site.wait()


@contextmanager
def injected(pid: int, what: str) -> Iterator[None]:
    """While this lasts, strace does something to the flushes of a process."""
    install()
    with tempfile.TemporaryFile("w+") as said:
        tracer = subprocess.Popen(
            ["strace", "-f", "-o", os.devnull, "-e", f"trace={CALLS}",
             "-e", f"inject={CALLS}:{what}", "-p", str(pid)],
            stderr=said, stdin=subprocess.DEVNULL,
        )

        def attached() -> bool:
            said.seek(0)
            words = said.read()
            assert tracer.poll() is None or "attached" in words, f"strace: {words}"
            return "attached" in words

        try:
            wait_until(attached)
            yield
        finally:
            with contextlib.suppress(ProcessLookupError):
                tracer.terminate()
            tracer.wait(timeout=PATIENCE)


def install() -> None:
    """Debian's strace, if it is not there; only root can install it."""
    if shutil.which("strace"):
        return
    for command in (["apt-get", "update"], ["apt-get", "install", "-y", "strace"]):
        if os.geteuid() == 0:
            subprocess.run(command, capture_output=True, timeout=300, check=False)
    assert shutil.which("strace"), "strace is missing: apt-get install strace"
