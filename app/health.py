"""`healthz`: the process lives. `readyz`: it can store a message. `version`: which one it is."""

from __future__ import annotations

import platform

import structlog
from flask import Blueprint, Response

from app.errors import Draining, HiChatError, Unavailable
from app.http import answer
from app.services import services

VERSION = "0.1.0"

bp = Blueprint("health", __name__)
log = structlog.get_logger()


@bp.get("/healthz")
def healthz() -> Response:
    return answer({"status": "ok"})


@bp.get("/readyz")
def readyz() -> Response:
    """200 when the database can be read and written and has this version's schema."""
    found = services()
    if found.hub.draining:
        raise Draining()
    try:
        if not found.store.database.is_current():
            raise Unavailable("The schema is old: run `flask --app wsgi hichat prepare`.")
        found.store.database.ping()
    except HiChatError:
        raise
    except Exception:
        log.exception("not_ready")
        raise Unavailable("The database does not answer.") from None
    return answer({"status": "ready"})


@bp.get("/version")
def version() -> Response:
    return answer({"name": "HiChat", "version": VERSION, "python": platform.python_version()})
