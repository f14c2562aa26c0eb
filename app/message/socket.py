"""The upgrade routes. The request's greenlet becomes the reader of its node."""

from __future__ import annotations

import time

import structlog

from app.auth import tokens
from app.auth.tickets import Pass
from app.chat.frames import V2, Dialect
from app.chat.node import Node
from app.chat.seed import V1
from app.chat.websocket import WebSocket
from app.errors import BadHandshake
from app.extensions import sock
from app.message import bp
from app.services import services
from app.user.seed import identify

SUBPROTOCOL = "hichat.v2"

log = structlog.get_logger(__name__)
v1, v2 = V1(), V2()


@sock.route("/v2/socket", bp=bp)
def socket_v2(websocket: WebSocket) -> None:
    """Authenticate by bearer token or ticket, greet, then serve until the connection ends."""
    offered = websocket.offered
    if offered and SUBPROTOCOL not in offered:
        raise BadHandshake(f"Offer the subprotocol {SUBPROTOCOL}.")
    who = tokens.socket_pass(offered)
    _serve(websocket, who, v2, SUBPROTOCOL if offered else None)


@sock.route("/v1/user/SendUserMsg", bp=bp)
def socket_v1(websocket: WebSocket) -> None:
    """The seed's socket: `?token=&userId=`, no greeting, no acks."""
    _serve(websocket, identify(), v1, None)


def _serve(websocket: WebSocket, who: Pass, dialect: Dialect, subprotocol: str | None) -> None:
    found = services()
    node = Node(websocket, found.limits, who.user, who.session, dialect, who.expires_at)
    found.hub.add(node)  # before the greeting is read: what comes in between is queued behind it
    opened = time.monotonic()
    try:
        websocket.accept(subprotocol)
        log.info("socket_opened", user=who.user, dialect=type(dialect).__name__)
        found.delivery.greet(node)
        node.run(found.delivery.handle)
    except OSError:
        node.close_reason = "gone"  # between the request and the 101
    finally:
        found.hub.remove(node)
        log.info(
            "socket_closed", user=who.user, dialect=type(dialect).__name__,
            code=node.close_code, reason=node.close_reason or "gone",
            seconds=round(time.monotonic() - opened, 1), received=node.received, sent=node.sent,
            bytes_in=websocket.bytes_in, bytes_out=websocket.bytes_out,
        )
