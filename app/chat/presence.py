"""Who is online, and who wants to know.

A user is online from their first socket until `grace` seconds behind their last one: a device that
changes its network tells nobody. Nothing is read or written where a socket opens; one greenlet
does all that follows, for many users in one statement.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

import gevent
import structlog
from gevent.event import Event

from app.chat.bus import Changed, Leases
from app.chat.frames import IsOnline
from app.chat.node import Node
from app.errors import Unavailable

RENEW = 20.0  # seconds between two renewals of every lease of this process
TURN = 1.0  # seconds between two looks at who has left
REST = 0.05  # seconds in which a storm of changes gathers
PAIRS = 500  # of a watcher and a user, looked up in one statement
SAVED = 500  # users whose last sight is written in one transaction
WATCHES = 400_000  # of all connections of this process together

Visible = Callable[[Sequence[tuple[int, int]]], Mapping[tuple[int, int], int | None]]
log = structlog.get_logger()


class LocalLeases:
    """The leases where there is one process: they end with it."""

    def __init__(self) -> None:
        self._held: set[int] = set()

    def hold(self, users: Collection[int]) -> None:
        self._held.update(users)

    def settle(self) -> None:
        """It can be seen already."""

    def release(self, users: Collection[int]) -> None:
        self._held.difference_update(users)

    def held(self, users: Iterable[int]) -> set[int]:
        return self._held.intersection(users)

    def listen(self, changed: Changed) -> None:
        """There is no other process."""

    def review(self, user: int) -> None:
        """Nor anybody else to look again."""


class Presence:
    """The users who are here, and the connections that watch users.

    `visible` says, of pairs (watcher, user), which may be seen and when the user was last there;
    `save` stores that.
    """

    def __init__(
        self, leases: Leases, visible: Visible, save: Callable[[Mapping[int, int]], None],
        grace: float, on_death: Callable[[], None],
    ) -> None:
        self._leases = leases
        self._visible = visible
        self._save = save
        self._grace = grace
        self._on_death = on_death
        self._sockets: dict[int, int] = {}  # user -> how many are open here
        self._left: dict[int, tuple[float, int]] = {}  # user -> when (monotonic, wall ms), in order
        self._watchers: dict[int, set[Node]] = {}  # user -> who watches them
        self._watches: dict[Node, dict[int, bool]] = {}  # -> user -> what it was told last
        self._watched = 0  # entries in all of `_watches`
        self._changed: set[int] = set()  # users who came, went, or changed what they show
        self._reviewed: set[int] = set()  # users for whom all that they watch is looked at again
        self._wake = Event()
        self._renewed = 0.0
        self._greenlet: gevent.Greenlet | None = None
        leases.listen(self._heard)

    # -- sockets -----------------------------------------------------------------------------

    def enter(self, node: Node) -> None:
        """A socket has opened. Costs no statement; among several processes they may know of it."""
        user = node.user
        node.present = True
        count = self._sockets[user] = self._sockets.get(user, 0) + 1
        if count == 1:
            self._left.pop(user, None)
            self._leases.hold((user,))
            if user in self._watchers:
                self._changed.add(user)
                self._wake.set()
        if self._greenlet is None:
            self._greenlet = gevent.spawn(self._run)
            self._greenlet.link_exception(lambda _: self._on_death())
        self._leases.settle()

    def leave(self, node: Node) -> None:
        """A socket is gone, and with it what it watched."""
        self._unwatch(node)
        if not node.present:
            return
        user, node.present = node.user, False
        self._sockets[user] -= 1
        if not self._sockets[user]:
            del self._sockets[user]
            self._left[user] = time.monotonic(), time.time_ns() // 1_000_000

    def review(self, user: int) -> None:
        """The user has changed what they show, or has blocked or befriended somebody."""
        self._leases.review(user)
        self._heard((user,), True)

    def _heard(self, users: Collection[int] | None, shows: bool) -> None:
        """Users have come, gone or (`shows`) changed what they show: look at them again."""
        if not self._watches:
            return
        if shows and users is not None:
            self._changed.update(users)
            self._reviewed.update(users)
        else:
            known = self._watchers.keys()
            self._changed.update(known if users is None else known & users)
        self._wake.set()

    def flush(self) -> None:
        """The process stops: note when everybody who is or was here was last there."""
        now = time.time_ns() // 1_000_000
        seen = {user: at for user, (_, at) in self._left.items()}
        seen |= dict.fromkeys(self._sockets, now)
        users = list(seen)
        try:
            for start in range(0, len(users), SAVED):
                self._save({user: seen[user] for user in users[start : start + SAVED]})
        except Exception:
            log.exception("seen_at_not_saved", users=len(users))

    # -- watching ----------------------------------------------------------------------------

    def watch(self, node: Node, users: Sequence[int]) -> None:
        """From now on the node hears of these users and no others; first, how they are now.

        Raises Unavailable.
        """
        wanted = dict.fromkeys(users, False)
        if self._watched - len(self._watches.get(node, ())) + len(wanted) > WATCHES:
            raise Unavailable("Too many users are watched here: ask GET /v2/presence instead.")
        self._unwatch(node)
        if wanted:
            self._watches[node] = wanted
            self._watched += len(wanted)
        for user in wanted:
            self._watchers.setdefault(user, set()).add(node)
        for state in self.states(node.user, list(wanted)):
            wanted[state.user] = state.online
            _offer(node, state)

    def states(self, watcher: int, users: Sequence[int]) -> list[IsOnline]:
        """What the watcher may see of these users: who is hidden is offline, no more."""
        if not users:
            return []
        seen = self._visible([(watcher, user) for user in users])
        online = self._leases.held(users)
        return [_state(seen, online, watcher, user) for user in users]

    def _unwatch(self, node: Node) -> None:
        watched = self._watches.pop(node, {})
        self._watched -= len(watched)
        for user in watched:
            nodes = self._watchers[user]
            nodes.discard(node)
            if not nodes:
                del self._watchers[user]

    # -- the greenlet ------------------------------------------------------------------------

    def _run(self) -> None:
        while True:
            self._wake.wait(TURN)
            self._wake.clear()
            self._renew()
            self._end_leases()
            self._tell()
            gevent.sleep(REST)

    def _renew(self) -> None:
        now = time.monotonic()
        if now - self._renewed >= RENEW:
            self._renewed = now
            self._leases.hold([*self._sockets, *self._left])

    def _end_leases(self) -> None:
        """Whoever has left for good: first it is stored, then it is told."""
        while gone := self._gone():
            try:
                self._save({user: at for user, (_, at) in gone.items()})
            except Exception:  # they stay online until it works
                log.exception("seen_at_not_saved", users=len(gone))
                return
            for user, left in gone.items():
                if self._left.get(user) == left:  # else they have come back meanwhile
                    del self._left[user]
                    self._leases.release((user,))
                    self._changed.add(user)

    def _gone(self) -> dict[int, tuple[float, int]]:
        """The first SAVED of those whose grace is over."""
        due = time.monotonic() - self._grace
        found: dict[int, tuple[float, int]] = {}
        for user, left in self._left.items():
            if left[0] > due or len(found) >= SAVED:
                break
            found[user] = left
        return found

    def _tell(self) -> None:
        """Tell every watcher of the users who changed, where it sees another thing than before."""
        changed, self._changed = self._changed, set()
        reviewed, self._reviewed = self._reviewed, set()
        pairs = {
            (node, user) for user in changed for node in self._watchers.get(user, ())
        }
        if reviewed:
            pairs |= {
                (node, user) for node, watched in self._watches.items() if node.user in reviewed
                for user in watched
            }
        listed = list(pairs)
        for start in range(0, len(listed), PAIRS):
            try:
                self._tell_some(listed[start : start + PAIRS])
            except Exception:  # presence is a hint: no reason to end the process
                log.exception("presence_not_told", pairs=len(listed) - start)
                self._changed |= {user for _, user in listed[start:]}
                return
            gevent.sleep(0)

    def _tell_some(self, pairs: Sequence[tuple[Node, int]]) -> None:
        seen = self._visible(sorted({(node.user, user) for node, user in pairs}))
        online = self._leases.held({user for _, user in pairs})
        for node, user in pairs:
            told = self._watches.get(node, {})
            state = _state(seen, online, node.user, user)
            if user in told and told[user] != state.online:
                told[user] = state.online
                _offer(node, state)


def _state(
    seen: Mapping[tuple[int, int], int | None], online: Collection[int], watcher: int, user: int
) -> IsOnline:
    if (watcher, user) not in seen:
        return IsOnline(user, False)
    return IsOnline(user, True) if user in online else IsOnline(user, False, seen[watcher, user])


def _offer(node: Node, state: IsOnline) -> None:
    data = node.dialect.other(state)
    if data is not None:
        node.offer(data)
