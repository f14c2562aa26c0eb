"""The upgrade routes. The request's greenlet becomes the reader of its node."""

from __future__ import annotations

import time
from collections.abc import Callable

import structlog
from flask import request

from app.auth import tokens
from app.auth.tickets import Pass
from app.chat.frames import V2, Dialect
from app.chat.node import Handler, Node
from app.chat.websocket import WebSocket
from app.errors import BadHandshake
from app.extensions import sock
from app.message import bp
from app.services import services
from app.user.seed import check_session, identify

SUBPROTOCOL = "hichat.v2"

log = structlog.get_logger()
v2 = V2()


@sock.route("/v2/socket", bp=bp)
def socket_v2(websocket: WebSocket) -> None:
    """Authenticate by bearer token or ticket, greet, then serve until the connection ends."""
    offered = websocket.offered
    if offered and SUBPROTOCOL not in offered:
        raise BadHandshake(f"Offer the subprotocol {SUBPROTOCOL}.")
    who = tokens.socket_pass(offered)
    _serve(websocket, who, v2, tokens.check_session, SUBPROTOCOL if offered else None)


@sock.route("/v1/user/SendUserMsg", bp=bp)
def socket_v1(websocket: WebSocket) -> None:
    """The seed's socket: `?token=&userId=`, no greeting, no acks."""
    _serve(websocket, identify(), services().v1, check_session, None)


def _serve(
    websocket: WebSocket, who: Pass, dialect: Dialect, check: Callable[[Pass], bool],
    subprotocol: str | None,
) -> None:
    """Be the node's reader. The order of the first steps is what makes it safe.

    In the hub, and on the bus, before the session is checked: a log-out that comes in between, in
    whatever process, finds the node.
    In the hub before the greeting is read: an event that comes in between waits behind it.
    """
    found = services()
    node = Node(websocket, found.limits, who.user, who.session, dialect, who.expires_at)
    if found.bus.late:
        node.early = []  # what is told before the greeting may be in it
    found.hub.add(node)
    try:
        found.bus.enter(node, ())
        shows = check(who)
        if node.shows_reading is None:  # else it was changed while we asked
            node.shows_reading = shows
        found.presence.enter(node)
        websocket.accept(subprotocol, found.delivery.greeting(node))
        request.environ.clear()  # the frames below hold it for as long as the socket lives
        _run(node, found.delivery.handle)
    except OSError:
        return  # the peer left between its request and the 101
    finally:
        found.hub.remove(node)
        found.presence.leave(node)


def _run(node: Node, handle: Handler) -> None:
    """Serve an accepted connection; one line in the log when it opens, one when it ends."""
    websocket, dialect, opened = node.websocket, type(node.dialect).__name__, time.monotonic()
    log.info("socket_opened", user=node.user, dialect=dialect)
    try:
        node.run(handle)
    finally:
        unsaid = "gone" if node.close_code is None else "closed by the peer"
        log.info(
            "socket_closed", user=node.user, dialect=dialect,
            code=node.close_code, reason=node.close_reason or unsaid,
            seconds=round(time.monotonic() - opened, 1), received=node.received, sent=node.sent,
            bytes_in=websocket.bytes_in, bytes_out=websocket.bytes_out,
        )
