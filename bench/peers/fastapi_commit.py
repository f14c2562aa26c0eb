"""FastAPI, SQLAlchemy's asyncio extension and aiosqlite: commit, then acknowledge, then send.

DATABASE=/path/to/file uvicorn fastapi_commit:app
"""

import os
from contextlib import asynccontextmanager

from fastapi import FastAPI, WebSocket, WebSocketDisconnect
from fastapi_relay import manager
from sqlalchemy import event
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

# SQLite has one writer at a time: with one connection the others do not spin on its lock. That
# is a little cheaper than the default pool, and the peer is to have what suits it best.
engine = create_async_engine(
    "sqlite+aiosqlite:///" + os.environ["DATABASE"], pool_size=1, max_overflow=0
)
Session = async_sessionmaker(engine, expire_on_commit=False)


@event.listens_for(engine.sync_engine, "connect")
def durable(connection, record):
    """Write-ahead log, and every commit is flushed to the disk: what HiChat does, too."""
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.close()


class Base(DeclarativeBase):
    pass


class Message(Base):
    __tablename__ = "message"
    id: Mapped[int] = mapped_column(primary_key=True)
    sender: Mapped[int]
    receiver: Mapped[int]
    ref: Mapped[str]
    content: Mapped[str]


@asynccontextmanager
async def lifespan(app: FastAPI):
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    yield
    await engine.dispose()


app = FastAPI(lifespan=lifespan)


async def store(user: int, message: dict):
    async with Session() as session:
        session.add(
            Message(
                sender=user,
                receiver=message["to"],
                ref=message["ref"],
                content=message["content"],
            )
        )
        await session.commit()


@app.websocket("/ws")
async def websocket_endpoint(websocket: WebSocket, user: int):
    await manager.connect(user, websocket)
    try:
        while True:
            message = await websocket.receive_json()
            await store(user, message)
            await websocket.send_json({"ack": message["ref"]})
            await manager.forward(user, message)
    except WebSocketDisconnect:
        manager.disconnect(user, websocket)
