"""How a device comes up to date: the greeting of a new connection, and `sync`."""

from __future__ import annotations

import time

import gevent
import msgspec

from app.chat.bus import Bus
from app.chat.frames import ACCOUNT, GROUP, Event, Head, Hello, Sync, Synced
from app.chat.node import Node
from app.errors import NotAMember
from app.store import Store
from app.store.conversations import Head as Place
from app.store.events import KEYS_AT_ONCE
from app.store.items import Entry

HELLO_CONVERSATIONS = 1000
RECENT_MS = 900_000


class CatchingUp:
    """Tells a node where its conversations are, and every event behind its cursors."""

    def __init__(self, store: Store, bus: Bus, sync_events: int, heartbeat: float) -> None:
        self._store = store
        self._bus = bus
        self._sync_events = sync_events
        self._heartbeat = heartbeat

    def greeting(self, node: Node) -> bytes:
        """What a new connection hears first: who it is and where its conversations are.

        It is in the rooms of its groups when this returns; what they say waits behind it.
        """
        heads = self._enter_rooms(node)
        more = len(heads) > HELLO_CONVERSATIONS
        listed = [_head(head) for head in heads[:HELLO_CONVERSATIONS] if head.kind != ACCOUNT]
        account = next((head for head in heads if head.kind == ACCOUNT), None)
        if account is None and more:  # it may be older than all of these
            account = self._store.conversations.account(node.user)
        own = _head(account) if account else msgspec.UNSET
        hello = Hello(node.user, node.session, self._heartbeat, listed, more, own)
        return node.dialect.other(hello) or b""

    def _enter_rooms(self, node: Node) -> list[Place]:
        """Let the node hear its groups; return the heads of its conversations."""
        found = self._store.conversations
        groups: set[int] = set()
        while True:
            # Entered, then read: what was said meanwhile is in the heads, and a group that the
            # user was removed from meanwhile is left. Whatever comes later finds the node.
            self._bus.enter(node, groups)
            heads = found.heads(node.user, HELLO_CONVERSATIONS + 1)
            more = len(heads) > HELLO_CONVERSATIONS
            groups = set(found.groups(node.user)) if more else _groups(heads)
            if groups == node.rooms:
                if self._bus.late:
                    self._bus.greeted(node, _recent(heads))
                return heads
            if node.rooms - groups:
                node.forget()  # a group that was lost meanwhile has spoken; the heads tell the rest

    def sync(self, node: Node, command: Sync) -> None:
        """Offer every event behind the cursors, page by page, as fast as the peer takes them."""
        cursors = {int(key): seq for key, seq in command.cursors.items()}
        heads = self._heads(node.user, list(cursors))
        self._store.events.check_cursors(heads, cursors)
        left, behind = self._sync_events, {}
        for conversation, head in heads.items():
            seq = cursors[conversation]
            gevent.sleep(0)  # reading a page does not yield; others have their turn in between
            while seq < head and left > 0 and not node.closing:
                entries = self._after(node.user, conversation, seq)[:left]
                if not entries:
                    break  # the rest was before this member joined, or they were removed just now
                for entry in entries:
                    self._wait_for_room(node)
                    offer(node, node.dialect.other(event_of(entry)))
                left -= len(entries)
                seq = entries[-1].seq
            if seq < head and left <= 0:
                behind[str(conversation)] = seq
        gone = [key for key in cursors if key not in heads]
        self._wait_for_room(node)
        offer(node, node.dialect.other(Synced(command.ref, behind, gone)))

    def _after(self, user: int, conversation: int, seq: int) -> list[Entry]:
        try:
            return self._store.events.after(user, conversation, seq)
        except NotAMember:
            return []

    def _heads(self, user: int, conversations: list[int]) -> dict[int, int]:
        """last_seq of those of `conversations` that the user is in."""
        heads: dict[int, int] = {}
        for start in range(0, len(conversations), KEYS_AT_ONCE):
            heads |= self._store.events.heads(user, conversations[start : start + KEYS_AT_ONCE])
            gevent.sleep(0)
        return heads

    def _wait_for_room(self, node: Node) -> None:
        while not node.has_room() and not node.closing:
            node.wait()


def event_of(entry: Entry) -> Event:
    """A stored entry as it goes out."""
    event = Event(entry.conversation_id, entry.seq, entry.type, entry.sender_id, entry.at)
    if entry.removed:
        event.removed = True
    elif not entry.body:
        event.recalled = True
    else:
        setattr(event, entry.type, msgspec.Raw(entry.body.encode()))
    if entry.reactions:
        event.reactions = msgspec.Raw(entry.reactions.encode())
    return event


def _head(head: Place) -> Head:
    return Head(head.id, head.last_seq, head.read_seq, head.joined_seq + 1)


def _recent(heads: list[Place]) -> dict[int, int]:
    """last_seq of the conversations that went on lately: the only ones that are told late."""
    since = time.time_ns() // 1_000_000 - RECENT_MS
    return {head.id: head.last_seq for head in heads if head.last_at > since}


def _groups(heads: list[Place]) -> set[int]:
    return {head.id for head in heads if head.kind == GROUP}


def offer(node: Node, data: bytes | None) -> None:
    if data is not None:
        node.offer(data)
