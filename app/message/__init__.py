"""Blueprint `message`: the upgrade routes, conversations, history."""

from flask import Blueprint

bp = Blueprint("message", __name__)

from app.message import conversations, groups, search, seed, socket  # noqa: E402, F401  # they add their routes
