"""Flask-SocketIO and Flask-SQLAlchemy: each message is committed, then acknowledged, then sent.

DATABASE=/path/to/file gunicorn -k gevent -w 1 flask_socketio_commit:app
"""

import os

from flask import session
from flask_socketio_relay import app, connected, forward, socketio
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import event
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

__all__ = ["app", "connected"]


class Base(DeclarativeBase):
    pass


app.config["SQLALCHEMY_DATABASE_URI"] = "sqlite:///" + os.environ["DATABASE"]
db = SQLAlchemy(app, model_class=Base)


class Message(db.Model):
    id: Mapped[int] = mapped_column(primary_key=True)
    sender: Mapped[int]
    receiver: Mapped[int]
    ref: Mapped[str]
    content: Mapped[str]


@socketio.on("send")
def send(message):
    db.session.add(
        Message(
            sender=session["user"],
            receiver=message["to"],
            ref=message["ref"],
            content=message["content"],
        )
    )
    db.session.commit()
    forward(message)
    return {"ack": message["ref"]}


def durable(connection, record):
    """Write-ahead log, and every commit is flushed to the disk: what HiChat does, too."""
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")


with app.app_context():
    event.listen(db.engine, "connect", durable)
    db.create_all()
