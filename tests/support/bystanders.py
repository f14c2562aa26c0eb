"""Two other users who chat while something bad happens beside them."""

from __future__ import annotations

import itertools
from contextlib import ExitStack

from tests.support.client import Person, Socket
from tests.support.server import Server


class Bystanders:
    """Two users with one device each, connected all the while."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.workers = server.workers()
        self.people = (Person(server), Person(server))
        self._numbers = itertools.count(1)
        self._stack = ExitStack()
        self.devices: tuple[Socket, ...] = tuple(
            self._stack.enter_context(person.device()) for person in self.people
        )

    def chat_on(self) -> None:
        """Each writes to the other; acks and events come in order, from the same workers."""
        for writer, reader in ((0, 1), (1, 0)):
            number = next(self._numbers)
            ack = self.devices[writer].text(f"line {number}", self.people[reader].id)
            event = self.devices[reader].receive()
            assert ack["seq"] == event["seq"] == number
            assert event["message"]["content"] == f"line {number}"
        assert self.server.workers() == self.workers, "a worker died and was replaced"

    def leave(self) -> None:
        self._stack.close()
