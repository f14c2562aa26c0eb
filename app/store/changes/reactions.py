"""The reactions to one message: a row for each, and their summary in the message's own row.

A page shows the summary and costs no further statement; it is changed under the conversation's
lock, together with the rows.
"""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Select, delete, select

from app.errors import TooMany
from app.models import Event, Reaction
from app.store.log.acts import Act

EMOJI_OF_MESSAGE = 20  # different ones
EMOJI_OF_USER = 5  # on one message
USERS_SHOWN = 20  # of those who put an emoji to a message: the lowest ids

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(dict[str, dict[str, Any]]).decode


def change_reaction(act: Act, found: Event, emoji: str, on: bool) -> dict[str, Any]:
    """Change the rows of a reaction; return how many have put this emoji now, and who."""
    session, key, seq = act.session, found.conversation_id, found.seq
    summary = _decode(found.reactions or "{}")
    mine = set(session.scalars(select(Reaction.emoji).where(
        Reaction.conversation_id == key, Reaction.seq == seq,
        Reaction.emoji.in_(list(summary)), Reaction.user_id == act.user,
    )))
    count = summary.get(emoji, {"count": 0})["count"]
    if on and emoji not in mine:
        if len(mine) >= EMOJI_OF_USER:
            raise TooMany(f"A user puts at most {EMOJI_OF_USER} emoji to a message.")
        if emoji not in summary and len(summary) >= EMOJI_OF_MESSAGE:
            raise TooMany(f"A message takes at most {EMOJI_OF_MESSAGE} different emoji.")
        session.add(Reaction(conversation_id=key, seq=seq, emoji=emoji, user_id=act.user))
        count += 1
    elif not on and emoji in mine:
        session.execute(delete(Reaction).where(
            Reaction.conversation_id == key, Reaction.seq == seq, Reaction.emoji == emoji,
            Reaction.user_id == act.user,
        ))
        count -= 1
    session.flush()
    users = list(session.scalars(reactors(key, seq, emoji).limit(USERS_SHOWN)))
    state = {"count": count, "users": users}
    summary[emoji] = state
    if not count:
        del summary[emoji]
    found.reactions = _encode(summary).decode() if summary else None
    return state


def reactors(conversation: int, seq: int, emoji: str) -> Select[int]:
    return (
        select(Reaction.user_id)
        .where(
            Reaction.conversation_id == conversation, Reaction.seq == seq, Reaction.emoji == emoji
        )
        .order_by(Reaction.user_id)
    )
