"""Blueprint `message`: the upgrade routes, conversations, history."""

from flask import Blueprint

bp = Blueprint("message", __name__)

from app.message import (  # noqa: E402
    conversations,  # noqa: F401  # they add their routes
    groups,  # noqa: F401
    receipts,  # noqa: F401
    seed,  # noqa: F401
    socket,  # noqa: F401
)
