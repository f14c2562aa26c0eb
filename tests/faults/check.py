"""What must not be in a history. One rule a function; a finding names the rule that was broken."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from tests.faults.history import Fields, digest
from tests.faults.story import EVER, Entry, Story


class Finding(NamedTuple):
    """`kind` is the name of a rule."""

    kind: str
    text: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.text}"


def check(history: Iterable[Fields]) -> list[Finding]:
    """All that is wrong with a history; nothing: what was promised was kept."""
    story = Story(history)
    return [Finding(rule.__name__, text) for rule in RULES for text in rule(story)]


def lost(story: Story) -> Iterator[str]:
    """What was acknowledged is in its place."""
    for send in story.sends.values():
        for place in send.acks:
            entry = story.entries.get(place.conversation, {}).get(place.seq)
            if entry is None or (entry.sender, entry.said) != (send.user, send.content):
                yield f"{send.ref} was acked at {place}, where there is {entry}"
            elif entry.at != place.at or place.conversation != send.conversation:
                yield f"{send.ref} was acked at {place}, and stored at {entry}"


def duplicated(story: Story) -> Iterator[str]:
    """What was sent, however often, is stored once; all its acks name one place."""
    for send in story.sends.values():
        if len(set(send.acks)) > 1:
            yield f"{send.ref} was acked at {send.acks}"
    for key, log in story.logs.items():
        seqs = defaultdict(list)
        for entry in log:
            if entry.said in story.contents:
                seqs[entry.said].append(entry.seq)
        for said, places in seqs.items():
            if len(places) > 1:
                yield f"{story.contents[said].ref} is in {key} at {places}"


def gap(story: Story) -> Iterator[str]:
    """A log is dense, and a device's cursor passes over nothing."""
    for key, log in story.logs.items():
        seqs = [entry.seq for entry in log]
        if seqs != list(range(1, len(seqs) + 1)):
            yield f"the log of {key} is {seqs}"
    for device, key, before, after in _cursors(story):
        if after > before + 1:
            yield f"{device} went from {before} to {after} in {key}"


def reordered(story: Story) -> Iterator[str]:
    """Time goes forwards; a device's messages keep their order; so does what is pushed to it."""
    for key, log in story.logs.items():
        ats = [entry.at for entry in log]
        if ats != sorted(ats):
            yield f"the times in {key} run backwards"
    if not story.refuses:  # else an error may have been said to a connection that was gone
        yield from _overtaken(story)
    yield from _pushed_late(story)


def _overtaken(story: Story) -> Iterator[str]:
    """What was refused is repeated later, and may be overtaken; nothing else.

    Who was removed for a while may have been refused without hearing of it.
    """
    seqs = {entry.said: entry.seq for log in story.logs.values() for entry in log}
    last: dict[tuple[str, int], int] = {}
    for send in story.sends.values():
        seq = seqs.get(send.content)
        left = (send.conversation, send.user, False) in story.changes
        if seq is None or send.failed or left:
            continue
        before = last.setdefault((send.device, send.conversation), seq)
        if seq < before:
            yield f"{send.ref} is at {seq}, and something sent before it at {before}"
        last[send.device, send.conversation] = max(seq, before)


def _pushed_late(story: Story) -> Iterator[str]:
    """Within a connection, and outside the answers to syncs, where pushes may come in between."""
    highest: dict[tuple[str, int], int] = {}
    known: set[tuple[str, int, int]] = set()
    for line in story.lines:
        if line["what"] in ("hello", "closed"):
            highest = {key: seq for key, seq in highest.items() if key[0] != line["device"]}
        elif line["what"] == "event":
            device, key, seq = line["device"], line["conversation"], line["seq"]
            if line["live"] and (device, key, seq) not in known:
                if seq < highest.get((device, key), 0):
                    yield f"{device} was told {seq} of {key} behind {highest[device, key]}"
                highest[device, key] = seq
            known.add((device, key, seq))


def phantom(story: Story) -> Iterator[str]:
    """What is in a log was sent; what was heard is in the log."""
    for key, log in story.logs.items():
        for entry in log:
            reason = _unasked(story, key, entry)
            if reason:
                yield f"{entry} in {key}: {reason}"
    for line in story.heard():
        entry = story.entries[line["conversation"]].get(line["seq"])
        heard = Entry(line["seq"], line["sender"], line["at"], line["said"])
        if entry != heard:
            yield f"{line['device']} heard {heard} in {line['conversation']}: there is {entry}"


def _unasked(story: Story, key: int, entry: Entry) -> str:
    if members := entry.body("members"):
        asked = {(key, user, True) for user in members.get("joined", ())}
        asked |= {(key, user, False) for user in members.get("removed", ())}
        return "" if asked and asked <= story.changes else "nobody asked for that"
    if entry.body("group"):
        return "" if entry.seq == 1 else "nobody asked for that"
    send = story.contents.get(entry.said)
    if send is None:
        return "nobody sent that"
    if (send.user, send.conversation) != (entry.sender, key):
        return f"{send.user} sent that to {send.conversation}"
    return "it was refused" if send.refused and not send.acks else ""


def wrong_member(story: Story) -> Iterator[str]:
    """Who is not in a conversation hears nothing of it and says nothing in it."""
    for line in story.heard():
        device, key, seq = line["device"], line["conversation"], line["seq"]
        if not story.sees(key, story.users[device], seq):
            yield f"{device} heard {seq} of {key}"
    for key, log in story.logs.items():
        for entry in log:
            if entry.said in story.contents and not story.sees(key, entry.sender, entry.seq):
                yield f"{entry.sender} wrote {entry.seq} of {key}"


def cursor_regress(story: Story) -> Iterator[str]:
    """Neither a device's cursor nor what the server greets it with ever moves back."""
    for device, key, before, after in _cursors(story):
        if after <= before:
            yield f"{device} went from {before} back to {after} in {key}"
    known: dict[tuple[str, int], int] = {}
    read: dict[tuple[str, int], int] = {}
    for line in story.lines:
        place = line.get("device", ""), line.get("conversation", 0)
        if line["what"] in ("begin", "forget"):
            read.pop(place, None)  # who comes back into a group begins anew
        elif line["what"] in ("ack", "event"):
            known[place] = max(known.get(place, 0), line["seq"])
        elif line["what"] == "receipt" and line["user"] == story.users[line["device"]]:
            read[place] = max(read.get(place, 0), line["seq"])
        elif line["what"] == "hello":
            for key, last, read_seq, _ in line["heads"]:
                place = line["device"], key
                if last < known.get(place, 0):
                    yield f"{place} is greeted with {last}, and has heard {known[place]}"
                if read_seq < read.get(place, 0):
                    yield f"{place} is greeted as having read {read_seq}, not {read[place]}"


def differ(story: Story) -> Iterator[str]:
    """In the end all devices of all members show what the log says, and no others anything."""
    shown = {
        (line["device"], line["conversation"]): line
        for line in story.lines if line["what"] == "state"
    }
    for device, user in story.users.items():
        for key, log in story.logs.items():
            spans = story.spans(key, user)
            first = spans[-1][0] if spans and spans[-1][1] == EVER else None
            state = shown.pop((device, key), None)
            expected = None if first is None else (first, len(log), digest(
                (entry.seq, entry.sender, entry.said) for entry in log if entry.seq >= first
            ))
            found = state and (state["first"], state["cursor"], state["digest"])
            if found != expected:
                yield f"{device} shows {found} of {key}, not {expected}"
    for place in shown:
        yield f"{place} shows what has no log"


def refused(story: Story) -> Iterator[str]:
    """Nothing is refused for good but what is said by somebody who was removed."""
    for line in story.lines:
        if line["what"] != "error":
            continue
        send = story.sends.get(line["ref"])
        removed = line["code"] == "not_a_member" and (
            send is None or (send.conversation, send.user, False) in story.changes
        )
        if line["code"] == "internal" or not (line["retry"] or removed):
            yield f"{line['device']} was told {line['code']} for {line['ref']!r}"


def _cursors(story: Story) -> Iterator[tuple[str, int, int, int]]:
    """Each step of each cursor: (device, conversation, from, to)."""
    cursors: dict[tuple[str, int], int] = {}
    for line in story.lines:
        if line["what"] == "begin":
            cursors[line["device"], line["conversation"]] = line["first"] - 1
        elif line["what"] == "cursor":
            place = line["device"], line["conversation"]
            yield *place, cursors.get(place, 0), line["seq"]
            cursors[place] = line["seq"]


RULES = (
    lost, duplicated, gap, reordered, phantom, wrong_member, cursor_regress, differ, refused,
)
