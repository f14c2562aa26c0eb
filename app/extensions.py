"""The Flask extensions, unbound; `create_app` binds them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import flask_sock
from flask_jwt_extended import JWTManager
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy.orm import DeclarativeBase

from app.chat.websocket import WebSocket

# flask_sock looks this name up in its own module for each upgrade, and offers no other way to
# name the transport. Ours replaces simple-websocket's server (see app/chat/websocket.py).
flask_sock.Server = WebSocket


class Base(DeclarativeBase):
    """What all tables share: one metadata for the migrations."""


db = SQLAlchemy(model_class=Base)
# Flask-SQLAlchemy builds the tables' base at run time, out of ours: ours is what types see.
if TYPE_CHECKING:
    Model = Base
else:
    Model = db.Model
jwt = JWTManager()
sock = flask_sock.Sock()
limiter = Limiter(key_func=get_remote_address)
