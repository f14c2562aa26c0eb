"""kill -9 at random moments: every acked message is there exactly once, in its place.

The rules and the entry point for a thousand rounds are in `tests/kill.py`.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.kill import KillTest

ROUNDS = 20
SEED = 20


@pytest.mark.timeout(300)
def test_acked_messages_survive_kills_exactly_once_in_dense_order(tmp_path: Path) -> None:
    test = KillTest(tmp_path, SEED)
    try:
        repeated = [test.round() for _ in range(ROUNDS)]
        histories = [log.person.history(test.conversation) for log in (test.writer, test.reader)]
    finally:
        test.stop()
    assert sum(repeated) > 0, "no kill came while a message was under way: this proved nothing"
    assert histories[0] == histories[1]
    assert [event["seq"] for event in histories[0]] == list(range(1, test.writer.seq + 1))
    assert {event["message"]["content"] for event in histories[0]} == test.writer.contents
