"""Who has read a message."""

from __future__ import annotations

from flask import Response
from msgspec import Struct

from app.auth import tokens
from app.auth.tokens import login_required
from app.chat.messages import MAX_ID
from app.http import answer, limit, number, paged
from app.message import bp
from app.services import services
from app.user.profile import Profile


class ReaderLine(Struct):
    """A member who has read the message; `read_seq` is how far they are by now."""

    user: Profile
    read_seq: int


@bp.get("/v2/conversations/<id:conversation>/messages/<id:seq>/readers")
@login_required
def readers(conversation: int, seq: int) -> Response:
    """How many have read a message, and a page of them by id: `next` is the next page's `after`."""
    size, after = limit(50, 200), number("after", 0, 0, MAX_ID)
    found = services().store.receipts.readers(tokens.current().user, conversation, seq)
    rest = [reader for reader in found if reader.id > after]
    page, following = paged(rest, size, lambda reader: reader.id)
    return answer({
        "count": len(found),
        "readers": [ReaderLine(Profile(*reader[:4]), reader.read_seq) for reader in page],
        "next": following,
    })
