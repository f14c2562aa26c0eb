"""Flask-SocketIO as its documentation sets it up: each user joins a room of their own.

gunicorn -k gevent -w 1 flask_socketio_relay:app
"""

from flask import Flask, request, session
from flask_socketio import SocketIO, emit, join_room

app = Flask(__name__)
app.config["SECRET_KEY"] = "only for the benchmark"
socketio = SocketIO(app, async_mode="gevent")


@socketio.on("connect")
def connected():
    session["user"] = int(request.args["user"])
    join_room(str(session["user"]))


@socketio.on("send")
def send(message):
    forward(message)


def forward(message):
    """To one user; 0 is everybody else."""
    out = {"from": session["user"], "ref": message["ref"], "content": message["content"]}
    if message["to"]:
        emit("message", out, to=str(message["to"]))
    else:
        emit("message", out, broadcast=True, include_self=False)
