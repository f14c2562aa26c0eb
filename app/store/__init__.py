"""The only code that touches a session or a statement."""

from __future__ import annotations

from collections.abc import Callable

from app.store.accounts.presence import Sightings
from app.store.accounts.sessions import Sessions
from app.store.accounts.users import Users
from app.store.changes.changes import Changes
from app.store.changes.forwards import Forwards
from app.store.changes.removals import Removals
from app.store.changes.retention import Retention
from app.store.conversations.broadcast import Broadcasts
from app.store.conversations.contacts import Contacts
from app.store.conversations.conversations import Conversations
from app.store.conversations.receipts import Receipts
from app.store.conversations.settings import Settings
from app.store.database import Database
from app.store.groups.groups import Groups
from app.store.groups.invites import Invites
from app.store.groups.joining import Joining
from app.store.groups.leaving import Leaving
from app.store.groups.membership import Membership
from app.store.groups.roster import GROUP_MEMBERS
from app.store.log.events import Events
from app.store.log.journal import JournalStore
from app.store.log.missed import Missed
from app.store.log.recent import Recent
from app.store.media.media import UNBOUNDED, Media
from app.store.media.uploads import Uploads
from app.store.search.indexer import Indexer
from app.store.search.keeper import Keeper
from app.store.search.search import Search


class Store:
    """What the rest of the program may ask of the database."""

    def __init__(
        self, database: Database, group_members: int = GROUP_MEMBERS, contacts_only: bool = False,
        searchable: bool = True, on_death: Callable[[], None] | None = None,
        day_bytes: int = UNBOUNDED, user_bytes: int = UNBOUNDED,
    ) -> None:
        """`on_death` is called if the greenlet dies that keeps the index; without it, none does."""
        self.database = database
        self.users = Users(database)
        self.sessions = Sessions(database)
        self.conversations = Conversations(database, contacts_only)
        self.events = Events(database)
        self.missed = Missed(database)
        self.groups = Groups(database, group_members, contacts_only)
        self.membership = Membership(database, group_members, contacts_only)
        self.joining = Joining(database, group_members)
        self.invites = Invites(database, group_members)
        self.broadcasts = Broadcasts(database)
        self.indexer = Indexer(database)
        self.changes = Changes(database, contacts_only, self.indexer)
        self.media = Media(database, day_bytes, user_bytes)
        self.uploads = Uploads(database, self.media)
        self.removals = Removals(database)
        self.forwards = Forwards(database)
        self.keeper = Keeper(self.indexer, searchable, on_death)
        self.search = Search(database, self.indexer, searchable)
        self.journal = JournalStore(database, contacts_only, self.keeper.note)
        self.receipts = Receipts(database)
        self.recent = Recent(database)
        self.sightings = Sightings(database)
        self.contacts = Contacts(database)
        self.settings = Settings(database)
        self.leaving = Leaving(database)
        self.retention = Retention(database, self.indexer)


__all__ = ["Database", "Store"]
