"""flask-sock as it comes: a relay without storage.

gunicorn -k gevent -w 1 flask_sock_relay:app
"""

import json

from flask import Flask, request
from flask_sock import Sock

app = Flask(__name__)
sock = Sock(app)
connections = {}


@sock.route("/ws")
def socket(ws):
    user = int(request.args["user"])
    connections[user] = ws
    try:
        ws.send(json.dumps({"hello": user}))
        while True:
            forward(user, json.loads(ws.receive()))
    finally:
        if connections.get(user) is ws:
            del connections[user]


def forward(user, message):
    """To one user; 0 is everybody else."""
    text = json.dumps({"from": user, "ref": message["ref"], "content": message["content"]})
    if message["to"]:
        receiver = connections.get(message["to"])
        if receiver is not None:
            receiver.send(text)
        return
    for other, receiver in list(connections.items()):
        if other != user:
            receiver.send(text)
