"""A real cluster of Valkey servers: three masters, and a replica of the first."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from redis import Redis
from redis.crc import REDIS_CLUSTER_HASH_SLOTS

from tests.support.process import wait_until
from tests.support.server import free_port
from tests.support.valkey import START_SECONDS, Valkey

MASTERS = 3
NODE_TIMEOUT_MS = 1000  # silence after which the others take a master for dead


class Member(Valkey):
    """One server of a cluster. It remembers its id and its slots when it is started again."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.bus_port = free_port()
        super().__init__(
            folder, "--cluster-enabled", "yes", "--cluster-port", str(self.bus_port),
            "--cluster-node-timeout", str(NODE_TIMEOUT_MS), "--cluster-announce-ip", "127.0.0.1",
        )

    def ask(self, *words: str | int) -> Any:
        """One command to this server, and its answer as redis-py reads it."""
        with Redis(port=self.port, decode_responses=True, protocol=2) as client:
            return client.execute_command(*words)

    def id(self) -> str:
        return str(self.ask("CLUSTER", "MYID"))

    def channels(self) -> set[str]:
        """What is subscribed to here, each channel at the server that has its slot."""
        return set(self.ask("PUBSUB", "SHARDCHANNELS"))

    def leads(self) -> bool:
        return bool(self.ask("ROLE")[0] == "master")

    def agrees(self, count: int) -> bool:
        info = self.ask("CLUSTER", "INFO")
        return "cluster_state:ok" in info and f"cluster_known_nodes:{count}" in info


class ValkeyCluster:
    """Its masters have the slots in three equal parts, in their order."""

    def __init__(self, folder: Path) -> None:
        self.masters = [Member(folder / f"master-{number}") for number in range(MASTERS)]
        self.replica = Member(folder / "replica")
        self.members = [*self.masters, self.replica]

    @property
    def url(self) -> str:
        """The address of one of them: the others are found through it."""
        return self.masters[-1].url

    def leaders(self) -> list[Member]:
        """The masters of now: a replica may have taken over."""
        return [member for member in self.members if member.leads()]

    def start(self) -> None:
        """Start all, and wait until they agree who they are."""
        each = REDIS_CLUSTER_HASH_SLOTS // MASTERS + 1
        for number, member in enumerate(self.members):
            member.start()
            member.ask("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
            if number < MASTERS:
                last = min((number + 1) * each, REDIS_CLUSTER_HASH_SLOTS) - 1
                member.ask("CLUSTER", "ADDSLOTSRANGE", number * each, last)
            member.ask(
                "CLUSTER", "MEET", "127.0.0.1", self.members[0].port, self.members[0].bus_port
            )
        self.wait()
        self.replica.ask("CLUSTER", "REPLICATE", self.masters[0].id())
        self.wait()
        wait_until(lambda: self.replica.ask("ROLE")[3] == "connected")

    def wait(self) -> None:
        """Wait until all agree."""
        count = len(self.members)
        wait_until(lambda: all(one.agrees(count) for one in self.members), START_SECONDS)

    def move(self, slot: int, origin: Member, to: Member) -> None:
        """Give a slot, in which there are no keys, to another master."""
        to.ask("CLUSTER", "SETSLOT", slot, "IMPORTING", origin.id())
        origin.ask("CLUSTER", "SETSLOT", slot, "MIGRATING", to.id())
        for member in (to, origin):
            member.ask("CLUSTER", "SETSLOT", slot, "NODE", to.id())

    def stop(self) -> None:
        for member in self.members:
            member.stop()
