"""HiChat with one more route, which tells what is alive in the worker.

`gunicorn -c gunicorn.conf.py tests.support.probe:app`
"""

from __future__ import annotations

from gevent import monkey

monkey.patch_all()

import gc  # noqa: E402

import greenlet  # noqa: E402
from flask import Response, jsonify  # noqa: E402

from app import create_app, services  # noqa: E402
from tests.support.statements import queries, traced  # noqa: E402

tracing = traced()  # for as long as the process lives
statements = tracing.__enter__()
app = create_app()


@app.get("/probe")
def probe() -> Response:
    """Live greenlets, known connections, database connections that somebody holds."""
    gc.collect()
    found = services.of(app)
    alive = [item for item in gc.get_objects() if isinstance(item, greenlet.greenlet) and item]
    held = found.store.database.engine.pool.checkedout()
    return jsonify(greenlets=len(alive), nodes=len(found.hub), held=held)


@app.get("/queries")
def asked() -> Response:
    """What the database was asked to read since this was asked last."""
    found = queries(statements)
    statements.clear()
    return jsonify(found)
