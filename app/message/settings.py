"""`PATCH /v2/conversations/{id}`: what a user sets for themself, on all of their devices."""

from __future__ import annotations

from functools import partial

from flask import Response
from msgspec import UNSET, Struct, UnsetType

from app.auth import tokens
from app.auth.tokens import login_required
from app.chat.messages import check_nul
from app.errors import TooLong
from app.extensions import limiter
from app.http import answer, body, sent
from app.message import bp
from app.services import services

# Each change is an event: a client tells a draft when its author pauses, not for each letter.
limit_settings = limiter.shared_limit(
    "120 per minute; 10000 per day", "settings", key_func=tokens.user_key
)


class Changes(Struct, forbid_unknown_fields=True):
    """Any of these; `draft` null or empty: there is none."""

    pinned: bool | UnsetType = UNSET
    silent: bool | UnsetType = UNSET
    hidden: bool | UnsetType = UNSET
    draft: str | UnsetType | None = UNSET


@bp.patch("/v2/conversations/<id:conversation>")
@login_required
@limit_settings
def change_settings(conversation: int) -> Response:
    given, found = body(Changes), services()
    if isinstance(given.draft, str):
        _check_draft(given.draft, found.config.max_content_chars)
        given.draft = given.draft or None
    changed = found.delivery.perform(partial(
        found.store.settings.change, tokens.current().user, conversation, sent(given)
    ))
    return answer(changed.setting)


def _check_draft(draft: str, most: int) -> None:
    """Raises TooLong, BadRequest."""
    if len(draft) > most:
        raise TooLong(f"The draft has {len(draft)} characters; {most} are kept.")
    check_nul("draft", draft)
