"""Blueprint `user`: accounts, sessions, profiles; and the seed's user routes."""

from flask import Blueprint

bp = Blueprint("user", __name__)

from app.user import auth, presence, profile, seed  # noqa: E402, F401  # they add their routes to bp
