"""Who is online in all processes together: each keeps a set of its users in Redis, and a key that
shows that it lives, which ends by itself a moment after the process did.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Sequence

import gevent
import structlog
from gevent.event import Event
from redis import Redis
from redis.exceptions import RedisError
from redis.utils import str_if_bytes

from app.chat.bus import Changed
from app.cluster.letters import Names, Seen

LIFE = 8  # seconds for which a process is believed to live
RENEW = 2.0  # seconds between two signs of life
REST = 0.01  # seconds in which changes gather
PATIENCE = 1.0  # seconds that a new connection waits until the others can know of it
AT_ONCE = 1000  # users in one command or letter
AWAY = (RedisError, OSError)

log = structlog.get_logger()


class RedisLeases:
    """Leases of one of several processes; see Leases in app/chat/bus.py.

    While Redis is away, or `well` says that it is not well, a process knows its own users only.
    """

    def __init__(
        self, client: Redis, names: Names, process: str, post: Callable[[Seen], None],
        well: Callable[[], bool],
    ) -> None:
        self._client = client
        self._names = names
        self._process = process
        self._post = post
        self._well = well
        self._changed: Changed = lambda users, shows: None
        self._mine: set[int] = set()
        self._come: set[int] = set()  # and Redis does not know it yet
        self._gone: set[int] = set()
        self._others: set[str] = set()  # processes that live
        self._behind = True  # whether what Redis knows of us may be anything
        self._stopping: int | None = None  # seconds for which we are still believed in
        self._work = Event()
        self._told = Event()  # another one for each time that Redis is told

    def listen(self, changed: Changed) -> None:
        self._changed = changed

    def hold(self, users: Collection[int]) -> None:
        new = set(users) - self._mine
        if new:
            self._mine |= new
            self._gone -= new
            self._come |= new
            self._work.set()

    def settle(self) -> None:
        if self._come and self._well():
            self._told.wait(PATIENCE)

    def release(self, users: Collection[int]) -> None:
        self._mine.difference_update(users)
        self._come.difference_update(users)
        self._gone.update(users)
        self._work.set()

    def review(self, user: int) -> None:
        self._post(Seen(self._process, [user], shows=True))

    def held(self, users: Iterable[int]) -> set[int]:
        wanted = set(users)
        found = wanted & self._mine
        rest, others = list(wanted - found), list(self._others)
        if rest and others and self._well():
            pipe = self._client.pipeline(transaction=False)
            for process in others:
                pipe.smismember(self._names.online(process), rest)
            try:
                answers = pipe.execute()
            except AWAY as error:
                log.warning("presence_not_known", error=str(error))
                return found
            for answer in answers:
                found |= {user for user, there in zip(rest, answer, strict=True) if there}
        return found

    def heard(self, letter: Seen) -> None:
        """Another process has said that users came or went there."""
        if letter.by not in self._others and not letter.shows:
            self._others.add(letter.by)
        self._changed(letter.users, letter.shows)

    def stop(self, seconds: int) -> None:
        """The process ends: its users are believed to be online for so long, they come back."""
        self._stopping = max(1, seconds)
        try:
            self._leave(self._stopping)
        except AWAY as error:
            log.warning("presence_not_left", error=str(error))

    def _leave(self, seconds: int) -> None:
        self._client.expire(self._names.alive(self._process), seconds)

    # -- the greenlet ------------------------------------------------------------------------

    def run(self) -> None:
        """Tell Redis who is here, and learn who else lives. Never returns."""
        met = 0.0
        while True:
            self._work.wait(RENEW)
            self._work.clear()
            if self._stopping is None:
                try:
                    self._renew()
                    if time.monotonic() - met >= RENEW:
                        self._meet_others()
                        met = time.monotonic()
                except AWAY as error:
                    if not self._behind:
                        log.warning("presence_not_shared", error=str(error))
                    self._behind = True
            gevent.sleep(REST)

    def _renew(self) -> None:
        """Show that this process lives, and who has come to it or gone."""
        names, process = self._names, self._process
        pipe = self._client.pipeline(transaction=False)
        pipe.set(names.alive(process), 1, ex=LIFE)
        pipe.sadd(names.processes, process)
        forgotten = bool(pipe.execute()[1])  # Redis was emptied, or we were taken for dead
        if self._stopping is not None:  # meanwhile: that sign of life must not outlive us
            self._leave(self._stopping)
        anew = forgotten or self._behind
        come, gone = (set(self._mine), set()) if anew else (self._come, self._gone)
        self._come, self._gone = set(), set()
        told, self._told = self._told, Event()
        if not (come or gone or anew):
            return
        self._behind = True  # until it is done
        pipe = self._client.pipeline(transaction=False)
        if anew:
            pipe.delete(names.online(process))
        for some in _parts(come):
            pipe.sadd(names.online(process), *some)
        for some in _parts(gone):
            pipe.srem(names.online(process), *some)
        pipe.execute()
        self._behind = False
        told.set()
        if anew:
            self._changed(None, False)
        for some in _parts(come | gone) or [[]]:  # who has begun is met by the others at once
            self._post(Seen(process, some))

    def _meet_others(self) -> None:
        """Learn who lives; whoever does no more is forgotten, and their users are looked at."""
        names = self._names
        known = {str_if_bytes(name) for name in self._client.smembers(names.processes)}
        others = list(known - {self._process})
        signs = self._client.mget([names.alive(name) for name in others]) if others else []
        alive = {name for name, sign in zip(others, signs, strict=True) if sign is not None}
        for name in set(others) - alive:
            self._client.srem(names.processes, name)
            self._client.delete(names.online(name))
        ended, self._others = self._others - alive, alive
        if ended:
            self._changed(None, False)


def _parts(users: Collection[int]) -> list[Sequence[int]]:
    listed = list(users)
    return [listed[start : start + AT_ONCE] for start in range(0, len(listed), AT_ONCE)]
