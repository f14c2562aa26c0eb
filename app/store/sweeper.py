"""Takes away what nobody needs: loose files, blobs without claims, uploads that were given up."""

from __future__ import annotations

import time
from pathlib import Path
from shutil import rmtree

import gevent
import structlog

from app.store.blobs import Blobs
from app.store.media import Media
from app.store.uploads import Uploads
from app.store.users import now_ms

PASS_SECONDS = 3600.0  # between two passes
PAUSE_SECONDS = 0.05  # between two transactions: others write too
SCRATCH_SECONDS = 86_400  # after which a file under way is nobody's: its process was killed

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
        self._clear_scratch()

    def _clear_scratch(self) -> None:
        for path in (self._data / "scratch").glob("*"):
            try:
                old = time.time() - path.stat().st_mtime > SCRATCH_SECONDS
            except FileNotFoundError:
                continue  # its owner was faster
            if old:
                rmtree(path, ignore_errors=True)
