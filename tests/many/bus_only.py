"""HiChat without the looks into the database that make up for what Redis loses.

What one server does here and a client of another sees has come by the bus: nothing else is left.
So it has all the patience with Redis that a busy machine needs.
`gunicorn -c gunicorn.conf.py tests.many.bus_only:app`
"""

from __future__ import annotations

from gevent import monkey

monkey.patch_all()

import gevent  # noqa: E402

from app import create_app  # noqa: E402
from app.cluster import bus, servers, shard  # noqa: E402
from app.cluster.headcheck import HeadCheck  # noqa: E402

PATIENCE = 60.0  # seconds


def rest(_check: HeadCheck) -> None:
    while True:
        gevent.sleep(3600)


HeadCheck.run = rest  # type: ignore[method-assign]
bus.WAIT = shard.LATE = PATIENCE
servers.PATIENCE |= {"socket_timeout": PATIENCE, "socket_connect_timeout": PATIENCE}
app = create_app()
