"""What users do over HTTP while others chat: log in anew, list conversations, read history."""

from __future__ import annotations

from random import Random
from threading import Event, Thread

from .accounts import credentials, post_json
from .client import Trouble
from .dialects import Member
from .seats import Seat
from .web import Browser

PAUSE = 0.2
READINGS_PER_LOGIN = 5


class Errands(Thread):
    """A thread beside the chat: a log-in takes 30 ms of the server, and nobody shall wait for it.

    A log-in gives the seat its next token. The session before ends a second later, and with it the
    seat's connection (4500), if it was still of that session.
    """

    def __init__(self, port: int, seats: list[Seat], random: Random) -> None:
        super().__init__(daemon=True)
        self.port = port
        self.seats = seats
        self.random = random
        self.logins = self.readings = 0
        self._over = Event()
        self._problem = ""

    def run(self) -> None:
        browser = Browser(self.port)
        old = ""
        try:
            while not self._over.wait(PAUSE):
                self._read(browser)
                if self.readings % READINGS_PER_LOGIN == 0:
                    if old:
                        browser.post("/v2/auth/logout", old)
                    old = self._log_in(self.seats[self.logins % len(self.seats)])
        except Exception as problem:  # whatever it is, the run is void
            self._problem = repr(problem)
        finally:
            browser.close()

    def _read(self, browser: Browser) -> None:
        """The list of conversations, and a page of the one."""
        seat = self.random.choice(self.seats)
        token = seat.member.token
        browser.get("/v2/conversations", token)
        before = self.random.randint(1, seat.cursor + 1)
        browser.get(f"/v2/conversations/{seat.conversation}/events?before={before}", token)
        self.readings += 1

    def _log_in(self, seat: Seat) -> str:
        """Log in on a connection of its own; returns the token that is not needed any more."""
        answer = post_json(self.port, "/v2/auth/login", credentials(seat.index))
        old, seat.member = seat.member.token, Member(seat.member.id, answer["access_token"])
        self.logins += 1
        return old

    def check(self) -> None:
        """Raises Trouble when an errand has failed."""
        if self._problem:
            raise Trouble(f"over HTTP: {self._problem}")

    def finish(self) -> None:
        self._over.set()
        self.join()
        self.check()
