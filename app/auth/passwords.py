"""argon2id in a bounded thread pool: 30 ms of a core each, and never on the event loop."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections import Counter
from collections.abc import Callable
from typing import Any, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from gevent.lock import BoundedSemaphore
from gevent.threadpool import ThreadPool

from app.errors import RateLimited

T = TypeVar("T")
AT_ONCE = 4
WAITING = 200  # passwords that may wait for a thread
# The seed's: md5 of the password, $, and a salt that it does not use.
SEED_HASH = re.compile(r"[0-9a-f]{32}\$[^$]*")


class Passwords:
    """Hashes and checks passwords. Parameters: 19 MiB, 2 passes, 1 lane (OWASP's for argon2id)."""

    def __init__(self, threads: int) -> None:
        self._hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
        self._threads = threads
        self._pool: ThreadPool | None = None
        self._places = BoundedSemaphore(WAITING)
        self._guesses: Counter[str] = Counter()
        self._decoy = self._hasher.hash("nobody's password")

    def hash(self, password: str) -> str:
        """Raises RateLimited when too many wait already."""
        return self._run(self._hasher.hash, password)

    def check(self, stored: str | None, password: str, guesser: str) -> bool:
        """Whether `password` is the one of `stored`. None (no such user) takes just as long.

        Raises RateLimited when this guesser has AT_ONCE guesses under way: failures are counted
        when they are known, so many guesses at once would all pass a limit on failures.
        """
        if self._guesses[guesser] >= AT_ONCE:
            raise RateLimited()
        self._guesses[guesser] += 1
        try:
            return self._run(self._verify, stored, password)
        finally:
            self._guesses[guesser] -= 1
            if not self._guesses[guesser]:
                del self._guesses[guesser]

    def needs_rehash(self, stored: str) -> bool:
        """Whether a checked hash is of an older kind and should be replaced."""
        return _is_seed_hash(stored) or self._hasher.check_needs_rehash(stored)

    def _run(self, work: Callable[..., T], *args: Any) -> T:
        if not self._places.acquire(blocking=False):
            raise RateLimited()
        try:
            if self._pool is None:
                self._pool = ThreadPool(self._threads)
            return self._pool.apply(work, args)
        finally:
            self._places.release()

    def _verify(self, stored: str | None, password: str) -> bool:
        if stored is not None and _is_seed_hash(stored):
            digest = hashlib.md5(password.encode(), usedforsecurity=False).hexdigest()
            return hmac.compare_digest(digest, stored.partition("$")[0])
        try:
            matches = self._hasher.verify(stored or self._decoy, password)
        except (VerificationError, InvalidHashError):
            return False
        return matches and stored is not None


def _is_seed_hash(stored: str) -> bool:
    return SEED_HASH.fullmatch(stored) is not None
