"""`/v2/users`: oneself and others."""

from __future__ import annotations

from flask import Response, request
from msgspec import UNSET, Struct, UnsetType

from app.auth import tokens
from app.auth.tokens import login_required
from app.chat.messages import MAX_ID
from app.errors import BadRequest
from app.http import answer, body, empty, ids, limit, paged, sent
from app.models import User
from app.services import services
from app.user import accounts, bp
from app.user.presence import tell_switches

SEARCH_CHARS = 64
IDS_AT_ONCE = 200


class Profile(Struct):
    """What everybody may see of a user."""

    id: int
    name: str
    avatar: str
    gender: str


class Me(Profile):
    """What only the user sees."""

    phone: str
    email: str
    created_at: int
    shows_presence: bool
    shows_reading: bool
    admin: bool  # of the site: may write to everybody


class Changes(Struct, forbid_unknown_fields=True):
    """Any of these; a new password needs the old one."""

    name: str | UnsetType = UNSET
    avatar: str | UnsetType = UNSET
    gender: str | UnsetType = UNSET
    phone: str | UnsetType = UNSET
    email: str | UnsetType = UNSET
    password: str | UnsetType = UNSET
    current_password: str | UnsetType = UNSET
    shows_presence: bool | UnsetType = UNSET
    shows_reading: bool | UnsetType = UNSET


def profile_of(user: User) -> Profile:
    return Profile(user.id, user.name, user.avatar, user.gender)


def me_of(user: User) -> Me:
    return Me(
        user.id, user.name, user.avatar, user.gender, user.phone, user.email, user.created_at,
        user.shows_presence, user.shows_reading, user.admin,
    )


@bp.get("/v2/users/me")
@login_required
def me() -> Response:
    return answer(me_of(services().store.users.get(tokens.current().user)))


@bp.patch("/v2/users/me")
@login_required
@accounts.limit_own_guessing
def change_me() -> Response:
    who, store = tokens.current(), services().store
    given = sent(body(Changes))
    password, current = given.pop("password", None), given.pop("current_password", None)
    values = accounts.check_profile(who.user, given)
    user = store.users.get(who.user)
    if password is not None:
        accounts.check_password(password, user.name, services().config.password_min_chars)
        accounts.confirm_password(user, current)
    if values:
        user = store.users.change(who.user, **values)
        tell_switches(who.user, values)
    if password is not None:
        accounts.change_password(who, password)
    return answer(me_of(user))


@bp.delete("/v2/users/me")
@login_required
def delete_me() -> Response:
    accounts.delete_account(tokens.current().user)
    return empty()


@bp.get("/v2/users/<id:user_id>")
@login_required
def user(user_id: int) -> Response:
    return answer(profile_of(services().store.users.get(user_id)))


@bp.get("/v2/users")
@login_required
def search() -> Response:
    """Users whose name begins with `q`, by name; `next` is the `after` of the next page.

    Or those of `ids` that there are.
    """
    if "ids" in request.args:
        asked = ids("ids", IDS_AT_ONCE, MAX_ID)
        named = services().store.users.some(asked)
        return answer({"users": [profile_of(user) for user in named], "next": None})
    text = request.args.get("q", "").strip()
    if not 1 <= len(text) <= SEARCH_CHARS:
        raise BadRequest(f"q must have 1 to {SEARCH_CHARS} characters.")
    size = limit(20, 100)
    found = services().store.users.search(text, size + 1, request.args.get("after", ""))
    page, following = paged(found, size, lambda user: user.name)
    return answer({"users": [profile_of(user) for user in page], "next": following})
