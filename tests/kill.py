"""The kill test: what was acknowledged is stored, in order, exactly once, whatever dies.

    python -m tests.kill --rounds 1000 --seed 1

In each round a writer sends with refs, several under way at once, and the server is killed with -9
at a random moment. It is started again, the writer reconnects, repeats what was not acked, and all
that it was ever told must be true. `tests/test_kill.py` runs a few rounds of it.
"""

from __future__ import annotations

import argparse
import itertools
import random
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from websockets.exceptions import ConnectionClosed

from tests.support.client import Person, Socket
from tests.support.server import Server

LONGEST_ROUND = 0.4  # seconds until the server is killed
MOST_UNDER_WAY = 64
LIFE = {"HICHAT_ACCESS_TOKEN_SECONDS": "86400"}  # as long as a thousand rounds may take


class Log:
    """What one person knows of the conversation: each event once, without gaps."""

    def __init__(self, person: Person) -> None:
        self.person = person
        self.seq = 0
        self.contents: set[str] = set()

    def catch_up(self, conversation: int) -> list[dict[str, Any]]:
        """Sync from the last known event on a new connection; what came new."""
        with self.person.device() as device:
            events = device.sync(**{f"c{conversation}": self.seq})
        for event in events:
            content = event["message"]["content"]
            assert event["seq"] == self.seq + 1, "the log has a gap or a repeat"
            assert content not in self.contents, f"{content} is stored twice"
            self.seq += 1
            self.contents.add(content)
        return events


class KillTest:
    """One writer, one reader, one data folder, as many kills as are asked for."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.random = random.Random(seed)
        self.server = Server(folder, **LIFE)
        self.server.prepare()
        self.server.start()
        self.writer, self.reader = Log(Person(self.server)), Log(Person(self.server))
        self.conversation = 0
        self.numbers = itertools.count(1)
        self.unacked: dict[str, str] = {}  # ref -> content
        self.acks: dict[str, dict[str, Any]] = {}  # content -> ack, of this round
        self.pushed: list[dict[str, Any]] = []  # what the reader got before the kill

    def round(self) -> int:
        """Write, kill, start, repeat, compare. Returns how many were not acked at the kill."""
        self.acks.clear()
        self.pushed.clear()
        self._write_until_killed()
        lost = len(self.unacked)
        self.server.start()
        with self.writer.person.device() as device:
            self._repeat(device)
        events = self.writer.catch_up(self.conversation)
        assert self.reader.catch_up(self.conversation) == events, "two logs of one conversation"
        self._compare(events)
        return lost

    def stop(self) -> None:
        if self.server.process is not None:
            self.server.kill()

    # -- before the kill -------------------------------------------------------------------

    def _write_until_killed(self) -> None:
        killer = threading.Timer(self.random.uniform(0, LONGEST_ROUND), self.server.kill)
        most = self.random.randint(1, MOST_UNDER_WAY)
        try:
            with self.reader.person.device() as ears, self.writer.person.device() as device:
                listener = threading.Thread(target=self._listen, args=(ears,))
                listener.start()
                killer.start()
                self._write(device, most)
        except ConnectionClosed:
            pass
        killer.join()
        listener.join()

    def _write(self, device: Socket, most: int) -> None:
        """Send for ever, with at most so many under way."""
        while True:
            while len(self.unacked) < most:
                self._send(device, f"ref-{next(self.numbers)}")
            self._take(device.receive())

    def _listen(self, ears: Socket) -> None:
        try:
            while True:
                self.pushed.append(ears.receive())
        except ConnectionClosed:
            return

    def _send(self, device: Socket, ref: str) -> None:
        filling = "x" * self.random.randint(0, 99)
        content = self.unacked.setdefault(ref, f"the text of {ref} {filling}")
        message = {"media": "text", "content": content}
        device.send(op="send", ref=ref, to={"user": self.reader.person.id}, message=message)

    def _take(self, frame: dict[str, Any]) -> None:
        assert frame["op"] == "ack", frame
        self.conversation = frame["conversation"]
        self.acks[self.unacked.pop(frame["ref"])] = frame

    # -- after the start -------------------------------------------------------------------

    def _repeat(self, device: Socket) -> None:
        """Send again, with the same refs and texts, what has no ack."""
        for ref in list(self.unacked):
            self._send(device, ref)
        while self.unacked:
            self._take(device.receive())

    def _compare(self, events: list[dict[str, Any]]) -> None:
        """Acks, pushes and the log tell the same story."""
        log = {event["seq"]: event for event in events}
        for content, ack in self.acks.items():
            event = log[ack["seq"]]
            assert event["message"]["content"] == content, "another text has the acked seq"
            assert event["at"] == ack["at"]
        assert len(self.acks) == len(events), "something is stored that nobody asked for"
        for event in self.pushed:
            assert event == log[event["seq"]], "something was delivered that is not stored"


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.kill", description=__doc__)
    parser.add_argument("--rounds", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=time.time_ns() % 10**6)
    options = parser.parse_args(arguments)
    print(f"seed {options.seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="hichat-kill-") as folder:
        test = KillTest(Path(folder), options.seed)
        try:
            for number in range(1, options.rounds + 1):
                lost = test.round()
                print(f"round {number}: {lost} repeated, {test.writer.seq} stored", flush=True)
        finally:
            test.stop()
    print(f"{options.rounds} rounds, {test.writer.seq} messages acked, every one exactly once")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
