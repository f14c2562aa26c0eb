"""Takes away what nobody needs: loose files, blobs without claims, uploads that were given up."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path
from shutil import rmtree

import gevent
import structlog

from app.store.clock import now_ms
from app.store.media.blobs import Blobs
from app.store.media.media import Media
from app.store.media.uploads import LIFE_MS, Uploads

PASS_SECONDS = 3600.0  # between two passes
PAUSE_SECONDS = 0.05  # between two transactions: others write too
# Seconds without a change after which what lies there is nobody's: a process was killed.
FORSAKEN = {"scratch": 86_400, "uploads": LIFE_MS // 1000}

log = structlog.get_logger()


class Sweeper:
    """`data` is the data folder. Safe in several processes at once."""

    def __init__(self, media: Media, uploads: Uploads, blobs: Blobs, data: Path) -> None:
        self._media = media
        self._blobs = blobs
        self._uploads = uploads
        self._data = data

    def run(self) -> None:
        """Sweep, once an hour. Never returns."""
        while True:
            try:
                self.sweep()
            except Exception:
                log.exception("sweep_failed")  # the next pass tries again
            gevent.sleep(PASS_SECONDS)

    def sweep(self, now: int | None = None) -> None:
        """Take away what is due at `now` (milliseconds; None: now)."""
        now = now_ms() if now is None else now
        while self._media.let_go():
            gevent.sleep(PAUSE_SECONDS)
        self._media.retire(now)
        while self._media.sweep(now):
            gevent.sleep(PAUSE_SECONDS)
        while digests := self._media.doom(now):
            for digest in digests:
                self._blobs.delete(digest)
            self._media.bury(digests)
            gevent.sleep(PAUSE_SECONDS)
        while expired := self._uploads.expired(now):
            for key in expired:
                (self._data / "uploads" / key).unlink(missing_ok=True)
            self._uploads.end(expired)
            gevent.sleep(PAUSE_SECONDS)
        for folder, seconds in FORSAKEN.items():
            _clear(self._data / folder, seconds)


def _clear(folder: Path, seconds: float) -> None:
    for path in folder.glob("*"):
        with suppress(FileNotFoundError):  # its owner was faster
            if time.time() - _changed(path) > seconds:
                rmtree(path) if path.is_dir() else path.unlink()


def _changed(path: Path) -> float:
    """When a file, or the latest in a folder, was written to."""
    return max(found.stat().st_mtime for found in (path, *path.glob("*")))
