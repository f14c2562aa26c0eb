"""The only code that touches a session or a statement."""

from __future__ import annotations

from app.store.contacts import Contacts
from app.store.conversations import Conversations
from app.store.database import Database
from app.store.events import Events
from app.store.groups import Groups
from app.store.journal import JournalStore
from app.store.leaving import Leaving
from app.store.retention import Retention
from app.store.sessions import Sessions
from app.store.settings import Settings
from app.store.users import Users


class Store:
    """What the rest of the program may ask of the database."""

    def __init__(self, database: Database, contacts_only: bool = False) -> None:
        self.database = database
        self.users = Users(database)
        self.sessions = Sessions(database)
        self.conversations = Conversations(database, contacts_only)
        self.events = Events(database)
        self.groups = Groups(database)
        self.journal = JournalStore(database, contacts_only)
        self.contacts = Contacts(database)
        self.settings = Settings(database)
        self.leaving = Leaving(database)
        self.retention = Retention(database)


__all__ = ["Database", "Store"]
