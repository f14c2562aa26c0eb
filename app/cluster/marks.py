"""Which tickets were used, in all processes together."""

from __future__ import annotations

from collections.abc import Callable

import structlog
from redis import Redis
from redis.exceptions import RedisError

from app.cluster.letters import Names

log = structlog.get_logger()


class RedisMarks:
    """`mark` is for app/auth/tickets.py. Without Redis each process knows its own marks only."""

    def __init__(self, client: Redis, names: Names, well: Callable[[], bool]) -> None:
        self._client = client
        self._names = names
        self._well = well

    def mark(self, nonce: str, seconds: int) -> bool:
        """Whether nobody has marked this nonce before, within so many seconds."""
        if not self._well():
            return True
        try:
            return bool(self._client.set(self._names.used(nonce), 1, nx=True, ex=seconds))
        except (RedisError, OSError) as error:
            log.warning("ticket_not_marked", error=str(error))
            return True
