"""Blueprint `media`: uploads, and reading what was uploaded."""

from flask import Blueprint

bp = Blueprint("media", __name__)

from app.media import seed, serve, tus, upload  # noqa: E402, F401  # they add their routes
