"""The `websockets` library's asyncio server as its documentation shows it: a relay.

python websockets_relay.py PORT
"""

import asyncio
import json
import sys
from urllib.parse import parse_qs, urlsplit

from websockets.asyncio.server import broadcast, serve

connections = {}


async def handler(websocket):
    user = int(parse_qs(urlsplit(websocket.request.path).query)["user"][0])
    connections[user] = websocket
    try:
        await websocket.send(json.dumps({"hello": user}))
        async for text in websocket:
            await forward(user, json.loads(text))
    finally:
        if connections.get(user) is websocket:
            del connections[user]


async def forward(user, message):
    """To one user; 0 is everybody else."""
    text = json.dumps({"from": user, "ref": message["ref"], "content": message["content"]})
    if not message["to"]:
        broadcast([ws for other, ws in connections.items() if other != user], text)
    elif message["to"] in connections:
        await connections[message["to"]].send(text)


async def main():
    async with serve(handler, "127.0.0.1", int(sys.argv[1])) as server:
        await server.serve_forever()


asyncio.run(main())
