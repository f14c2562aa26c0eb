"""What a round writes down: one JSON object a line, with `t`, seconds since the round began.

| `what` | other fields |
|---|---|
| `user` | `user`, `devices`: their names |
| `place` | `conversation`, `kind`, `users`: who is in it from the beginning |
| `fault` | `name`; `refuses`: messages may be refused meanwhile; `healed`: it is over |
| `change` | `conversation`, `user`, `on`: a user shall come in, or be removed |
| `hello` | `device`, `heads`: [[conversation, last_seq, read_seq, first_seq], ...] |
| `closed` | `device`, `why` |
| `send` | `device`, `ref`, `conversation`, `content`, `again`: it is a repeat |
| `ack` | `device`, `ref`, `conversation`, `seq`, `at` |
| `error` | `device`, `ref`, `code`, `retry` |
| `event` | `device`, `conversation`, `seq`, `sender`, `at`, `said`; `live`: no sync is under way |
| `receipt` | `device`, `conversation`, `user`, `seq` |
| `begin`, `forget` | `device`, `conversation`; `first`: the lowest seq that it may see |
| `cursor` | `device`, `conversation`, `seq`: it has all up to here |
| `state` | `device`, `conversation`, `first`, `cursor`, `digest`: what it shows at the end |
| `log` | `conversation`, `events`: the log at the end: [[seq, sender, at, said], ...] |

`said` is the content of a message; of any other event, its type and its body.
"""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

Fields = dict[str, Any]


class History:
    """A file that many threads write to, line by line."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._began = time.monotonic()
        self._lock = threading.Lock()
        self._file = path.open("w")

    def write(self, what: str, **fields: Any) -> None:
        with self._lock:
            t = round(time.monotonic() - self._began, 4)
            self._file.write(json.dumps({"t": t, "what": what, **fields}) + "\n")

    def close(self) -> None:
        self._file.close()


def read(path: Path) -> list[Fields]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def said(event: Fields) -> str:
    """What an event of the wire says, in one line."""
    if event["type"] == "message":
        content: str = event["message"]["content"]
        return content
    return f"{event['type']} {json.dumps(event[event['type']], sort_keys=True)}"


def digest(lines: Iterable[tuple[int, int, str]]) -> str:
    """Of what a device shows of a conversation: (seq, sender, said) in the order of seqs."""
    return hashlib.sha256(json.dumps(list(lines)).encode()).hexdigest()[:16]
