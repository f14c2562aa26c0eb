"""How a device comes up to date: the greeting of a new connection, and `sync`."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

import gevent
import msgspec

from app.chat.bus import Bus
from app.chat.frames import ACCOUNT, GROUP, Event, Head, Hello, Sync, Synced
from app.chat.node import STEP, Node
from app.store import Store
from app.store.conversations.conversations import Head as Place
from app.store.log.items import Entry
from app.store.log.missed import KEYS_AT_ONCE, SPAN_EVENTS, Reach, Span, check_cursors

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
        reaches = self._reaches(node.user, list(cursors))
        check_cursors(reaches, cursors)
        gone = [key for key in cursors if key not in reaches]
        known = {key: max(cursors[key], reaches[key].floor) for key in sorted(reaches)}
        lacking = {key: seq for key, seq in known.items() if seq < reaches[key].last}
        left = self._sync_events
        while lacking and left > 0 and not node.closing:
            left -= self._tell_some(node, lacking, reaches, min(left, SPAN_EVENTS))
        behind = {str(key): seq for key, seq in lacking.items()}
        self._wait_for_room(node)
        offer(node, node.dialect.other(Synced(command.ref, behind, gone)))

    def _tell_some(
        self, node: Node, lacking: dict[int, int], reaches: Mapping[int, Reach], most: int
    ) -> int:
        """Offer the next events of the first conversations in `lacking`, and move it on.

        How many there were. Of a conversation that has none any more nothing is lacking: the
        member was removed just now. The ids in `lacking` ascend, as those of the page do.
        """
        gevent.sleep(0)  # reading need not yield; others have their turn in between
        spans: list[Span] = []
        for key, seq in lacking.items():
            spans.append((key, seq, min(reaches[key].last, seq + most)))
            most -= spans[-1][2] - seq
            if not most:
                break
        page = self._store.missed.read(node.user, spans)
        for entry in page.events:
            self._wait_for_room(node)
            offer(node, node.dialect.other(event_of(entry)))
        told = {entry.conversation_id: entry.seq for entry in page.events}
        cut = page.events[-1].conversation_id if page.more else None
        for key, _, _ in spans:
            lacking[key] = told.get(key, reaches[key].last)
            if lacking[key] >= reaches[key].last:
                del lacking[key]
            if key == cut:
                break
        return len(page.events)

    def _reaches(self, user: int, conversations: Sequence[int]) -> dict[int, Reach]:
        """Of those of `conversations` that the user is in."""
        reaches: dict[int, Reach] = {}
        for start in range(0, len(conversations), KEYS_AT_ONCE):
            some = conversations[start : start + KEYS_AT_ONCE]
            reaches |= self._store.missed.reaches(user, some)
            gevent.sleep(0)
        return reaches

    def _wait_for_room(self, node: Node) -> None:
        if node.queued > STEP:
            gevent.sleep(0)  # the sender's turn: it shows whether the peer takes what it gets
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
