"""HiChat with a route that lets a background greenlet of the worker that answers fail.

`gunicorn -c gunicorn.conf.py tests.many.mortal:app`
"""

from __future__ import annotations

from gevent import monkey

monkey.patch_all()

import os  # noqa: E402
from typing import Any, NoReturn  # noqa: E402

import gevent  # noqa: E402
from flask import Response, jsonify  # noqa: E402

from app import create_app, services  # noqa: E402
from app.chat.frames import PRIVATE, Address  # noqa: E402
from app.store.log.items import Mark  # noqa: E402

app = create_app()


def fail(*_: Any) -> NoReturn:
    raise RuntimeError("a fault in the program")


@app.post("/fail/<part>")
def let_fail(part: str) -> Response:
    """A moment after the answer, which is the id of the process."""
    gevent.spawn_later(0.5, {"committer": committer_fails, "follower": follower_fails}[part])
    return jsonify(os.getpid())


def committer_fails() -> None:
    journal = services.of(app).delivery.journal
    journal._commit = fail
    journal.submit(Mark(0, 0, 0), fail, 0)  # wakes it up


def follower_fails() -> None:
    cluster = services.of(app).cluster
    assert cluster is not None
    follower = cluster.bus.follower
    follower._next = fail  # type: ignore[method-assign]
    follower.expect(Address(0, PRIVATE, 0, 0), 1)  # wakes it up
