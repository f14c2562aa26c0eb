"""Blueprint `message`: the upgrade routes, conversations, history."""

from flask import Blueprint

bp = Blueprint("message", __name__)

from app.message import (  # noqa: E402, F401  # they add their routes to bp
    broadcasts,
    changes,
    conversations,
    export,
    groups,
    invites,
    joining,
    members,
    receipts,
    relation,
    search,
    seed,
    settings,
    socket,
)
