"""`/v2/broadcasts`: messages to everybody, by the site's admins."""

from __future__ import annotations

from flask import Response

from app.auth import tokens
from app.auth.tokens import login_required
from app.chat.frames import Broadcast
from app.http import body
from app.message import bp
from app.message.conversations import Post, limit_writing, placed
from app.services import services


@bp.post("/v2/broadcasts")
@login_required
@limit_writing
def broadcast() -> Response:
    """Store one message for everybody: 201, or 200 with the place of the first for a repeat."""
    given = body(Post)
    stored = services().delivery.broadcast(
        tokens.current().user, Broadcast(given.ref, given.message)
    )
    return placed(given.ref, stored.conversation, stored.seq, stored.at, stored.fresh)
