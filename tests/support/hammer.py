"""One process of several that do everything at once to the same conversations of one PostgreSQL.

    python -m tests.support.hammer URL SEED ROUNDS GROUP USER...

Prints what it was promised, as JSON: the places of its messages, refusals by name, and failures:
whatever is no answer to what was asked.
"""

from __future__ import annotations

import json
import random
import sys
import uuid
from collections import Counter
from collections.abc import Callable
from typing import Any

from sqlalchemy import create_engine

from app.errors import HiChatError, Unavailable
from app.store import Database, Store
from app.store.log.items import Draft, Item, Mark, Stored
from config import with_driver
from tests.support.log import into, people, to_user

DAY = 86_400


class Hammer:
    """Random batches and acts of these users."""

    def __init__(self, store: Store, seed: int, group: int, users: list[int]) -> None:
        self.store, self.group, self.users = store, group, users
        self.random = random.Random(seed)
        self.places: list[tuple[int, int, str]] = []
        self.refused: Counter[str] = Counter()
        self.failures: list[str] = []

    def run(self, rounds: int) -> None:
        for _ in range(rounds):
            self._commit()
            self._try(self.random.choice(
                (self._change, self._change, self._meet, self._set, self._admit, self._come_and_go)
            ))

    def _commit(self) -> None:
        """Messages to several at once, in no order, some in new conversations; and cursors."""
        items: list[Item] = [self._draft() for _ in range(self.random.randint(1, 8))]
        items.append(Mark(self._one(), self.group, 1))
        for item, result in zip(items, self.store.journal.commit(items), strict=True):
            if isinstance(result, Stored) and isinstance(item, Draft):
                self.places.append((result.conversation, result.seq, item.ref or ""))
            elif isinstance(result, HiChatError):
                self._note(result)

    def _draft(self) -> Draft:
        if self.random.random() < 0.3:
            return into(self._one(), self.group)
        return to_user(*self.random.sample(self.users, 2))

    def _change(self) -> None:
        """To a message of the group's beginning: all meet there."""
        seq, ref = self.random.randint(2, 9), uuid.uuid4().hex
        changes, asked = self.store.changes, (self._one(), self.group, seq, ref)
        way = self.random.randrange(3)
        if way == 0:
            changes.react(*asked, emoji=self.random.choice("👍👎🎉"), on=self.random.random() < 0.7)
        elif way == 1:
            changes.pin(*asked, on=self.random.random() < 0.5)
        else:
            changes.edit(*asked, "edited", None, DAY, lambda _: None)

    def _meet(self) -> None:
        contacts, both = self.store.contacts, self.random.sample(self.users, 2)
        way = self.random.randrange(5)
        if way == 0:
            contacts.ask(*both)
        elif way == 1:
            contacts.befriend(*both)
        elif way == 2:
            contacts.remove(*both)
        else:
            contacts.block(*both, way == 3)

    def _set(self) -> None:
        values = {"draft": uuid.uuid4().hex, "silent": self.random.random() < 0.5}
        self.store.settings.change(self._one(), self.group, values)

    def _admit(self) -> None:
        owner, other = self.users[0], self.random.choice(self.users[1:])
        if self.random.random() < 0.5:
            self.store.membership.add(owner, self.group, [other])
        else:
            self.store.membership.remove(owner, self.group, other)

    def _come_and_go(self) -> None:
        """An account that writes, is written to, is befriended, and is deleted amid all that."""
        [guest] = people(self.store, 1)
        friends = self.random.sample(self.users, 3)
        self.store.journal.commit([to_user(guest, friend) for friend in friends])
        self.store.contacts.befriend(guest, friends[0])
        self.store.membership.add(self.users[0], self.group, [guest])
        self.store.membership.withdraw(guest, self.group)
        while self.store.leaving.part(guest).more:
            pass
        self.store.users.delete(guest)

    def _try(self, act: Callable[[], None]) -> None:
        try:
            act()
        except HiChatError as refusal:
            self._note(refusal)
        except Exception as failure:
            self.failures.append(repr(failure))

    def _note(self, refusal: HiChatError) -> None:
        """A refusal is an answer, but for the one that says that there was none."""
        self.refused[type(refusal).__name__] += 1
        if isinstance(refusal, Unavailable):
            self.failures.append(repr(refusal))

    def _one(self) -> int:
        return self.random.choice(self.users)


def main(url: str, *numbers: str) -> dict[str, Any]:
    seed, rounds, group, *users = map(int, numbers)
    database = Database(create_engine(with_driver(url)))
    hammer = Hammer(Store(database), seed, group, users)
    hammer.run(rounds)
    database.close()
    return {
        "places": hammer.places, "refused": hammer.refused, "failures": hammer.failures
    }


if __name__ == "__main__":
    print(json.dumps(main(*sys.argv[1:])))
