"""The only code that touches a session or a statement."""

from __future__ import annotations

from app.store.conversations import Conversations
from app.store.database import Database
from app.store.events import Events
from app.store.groups import Groups
from app.store.indexer import Indexer
from app.store.journal import JournalStore
from app.store.keeper import Keeper
from app.store.search import Search
from app.store.sessions import Sessions
from app.store.users import Users


class Store:
    """What the rest of the program may ask of the database."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.users = Users(database)
        self.sessions = Sessions(database)
        self.conversations = Conversations(database)
        self.events = Events(database)
        self.groups = Groups(database)
        self.indexer = Indexer(database)
        self.keeper = Keeper(self.indexer)
        self.search = Search(database, self.indexer)
        self.journal = JournalStore(database, self.keeper.note)


__all__ = ["Database", "Store"]
