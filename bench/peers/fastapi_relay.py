"""FastAPI and uvicorn with its standard extras, and the documentation's ConnectionManager.

uvicorn fastapi_relay:app
"""

from fastapi import FastAPI, WebSocket, WebSocketDisconnect

app = FastAPI()


class ConnectionManager:
    def __init__(self):
        self.active_connections: dict[int, WebSocket] = {}

    async def connect(self, user: int, websocket: WebSocket):
        await websocket.accept()
        self.active_connections[user] = websocket
        await websocket.send_json({"hello": user})

    def disconnect(self, user: int, websocket: WebSocket):
        if self.active_connections.get(user) is websocket:
            del self.active_connections[user]

    async def forward(self, user: int, message: dict):
        """To one user; 0 is everybody else."""
        out = {"from": user, "ref": message["ref"], "content": message["content"]}
        if message["to"]:
            receiver = self.active_connections.get(message["to"])
            if receiver is not None:
                await receiver.send_json(out)
            return
        for other, receiver in list(self.active_connections.items()):
            if other != user:
                await receiver.send_json(out)


manager = ConnectionManager()


@app.websocket("/ws")
async def websocket_endpoint(websocket: WebSocket, user: int):
    await manager.connect(user, websocket)
    try:
        while True:
            await manager.forward(user, await websocket.receive_json())
    except WebSocketDisconnect:
        manager.disconnect(user, websocket)
