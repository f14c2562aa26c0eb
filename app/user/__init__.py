"""Blueprint `user`: accounts, sessions, profiles; and the seed's user routes."""

from flask import Blueprint

bp = Blueprint("user", __name__)

from app.user import (  # noqa: E402, F401  # they add their routes to bp
    auth,
    contacts,
    presence,
    profile,
    relation,
    seed,
)
