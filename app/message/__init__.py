"""Blueprint `message`: the upgrade routes, conversations, history."""

from flask import Blueprint

bp = Blueprint("message", __name__)

from app.message import changes, conversations, groups, seed, socket  # noqa: E402, F401  # they add their routes
