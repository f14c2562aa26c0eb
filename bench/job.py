"""What one turn of the load generator is told: the plan, and the server that it is offered to."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any

from .client import Swarm
from .dialects import Member, make
from .plans import Plan


@dataclass
class Job:
    """`pid` is the server's root, `members` are (id, token), `first` is the first message's number.

    `beside`: the roots of its database and bus, where they are processes of their own.

    It travels as JSON, into a process of its own.
    """

    plan: Plan
    port: int
    pid: int
    dialect: str
    acks: bool
    members: list[tuple[int, str]]
    group: int = 0
    first: int = 1
    beside: dict[str, int] = field(default_factory=dict)

    @cached_property
    def users(self) -> list[Member]:
        return [Member(*pair) for pair in self.members]

    def crowd(self, count: int) -> list[Member]:
        """`count` connections' users; where users are fewer, each gets several connections."""
        return [self.users[index % len(self.users)] for index in range(count)]

    def swarm(self) -> Swarm:
        return Swarm(self.port, make(self.dialect, self.acks, self.group))

    def dump(self) -> str:
        return json.dumps(asdict(self))

    @staticmethod
    def read(text: str) -> Job:
        fields: dict[str, Any] = json.loads(text)
        return Job(**{**fields, "plan": Plan(**fields["plan"])})
