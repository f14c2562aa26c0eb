"""The rules of accounts, shared by `/v1` and `/v2`."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from functools import partial
from typing import Any

from flask import g, request
from msgspec import Struct

from app.auth import tokens
from app.auth.tickets import Pass
from app.chat.messages import medium_of
from app.errors import BadCredentials, BadRequest
from app.extensions import limiter
from app.http import SEED_PREFIX, asked, body, field
from app.models import User
from app.services import services
from app.store.accounts.users import name_key

NAME_CHARS = 32
KEY_CHARS = 128  # of models.User.name_key
PASSWORD_CHARS = 128
EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s.]+(\.[^@\s.]+)+")
PHONE = re.compile(r"1[3-9]\d{9}")
GENDERS = ("male", "famale")  # the seed's spelling, frozen with its contract
SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:", re.I)


def check_name(name: str) -> str:
    """The name as it is stored. Raises BadRequest that says the rule."""
    name = unicodedata.normalize("NFC", name)
    if not 1 <= len(name) <= NAME_CHARS:
        raise BadRequest(f"A name has 1 to {NAME_CHARS} characters.")
    if name != name.strip() or not printable(name):
        raise BadRequest("A name has no spaces at its ends and no invisible characters.")
    if len(name_key(name)) > KEY_CHARS:  # one character can stand for eighteen
        raise BadRequest("This name is too long once its ligatures are written out.")
    return name


def printable(text: str) -> bool:
    """No control, format (such as right-to-left marks), private or unassigned characters."""
    return not any(unicodedata.category(char).startswith("C") for char in text)


def check_password(password: str, name: str, shortest: int) -> None:
    """Raises BadRequest that says the rule."""
    if not shortest <= len(password) <= PASSWORD_CHARS:
        raise BadRequest(f"A password has {shortest} to {PASSWORD_CHARS} characters.")
    if shortest > 1 and password.casefold() == name.casefold():
        raise BadRequest("The password must not be the name.")


def check_profile(user_id: int, values: dict[str, Any]) -> dict[str, Any]:
    """Check what a user wants to change of themselves. Raises BadRequest that says the rule."""
    if "name" in values:
        values["name"] = check_name(values["name"])
    if values.get("email") and (
        len(values["email"]) > 254 or not EMAIL.fullmatch(values["email"])
        or not printable(values["email"])
    ):
        raise BadRequest("email must look like name@example.org.")
    if values.get("phone") and not PHONE.fullmatch(values["phone"]):
        raise BadRequest("phone must be a Chinese mobile number, 11 digits from 13 to 19.")
    if "gender" in values and values["gender"] not in GENDERS:
        raise BadRequest(f"gender must be one of {', '.join(GENDERS)}.")
    avatar = values.get("avatar", "")
    scheme = SCHEME.match(avatar)
    if len(avatar) > 2048 or not printable(avatar) or (
        scheme and scheme.group().lower() not in ("http:", "https:")
    ):
        raise BadRequest("avatar must be an http(s) address or a path, of at most 2048 characters.")
    if avatar:
        values["avatar"] = _shown(user_id, avatar)
    return values


def _shown(user_id: int, avatar: str) -> str:
    """An avatar as it is stored; an upload becomes readable for everybody. Raises BadRequest."""
    medium = medium_of(avatar)
    if medium is None:
        return avatar
    if not services().store.media.show_everybody(user_id, medium):
        raise BadRequest("avatar must be a picture, and an upload of your own.")
    return f"/v2/media/{medium}"


def register(name: str, password: str, shortest: int) -> User:
    """Open an account. Raises BadRequest, NameTaken, RateLimited."""
    name = check_name(name)
    check_password(password, name, shortest)
    found = services()
    return found.store.users.create(name, found.passwords.hash(password))


def log_in(name: str, password: str) -> User:
    """Raises BadCredentials for a wrong name as for a wrong password, after the same time.

    Raises RateLimited when there are too many guesses at once.
    """
    found = services()
    user = found.store.users.by_name(name)
    guesser = f"{name_key(name)}@{request.remote_addr}"
    if not found.passwords.check(user.password_hash if user else None, password, guesser):
        g.bad_credentials = True
        raise BadCredentials()
    assert user is not None
    if found.passwords.needs_rehash(user.password_hash):
        found.store.users.change(user.id, password_hash=found.passwords.hash(password))
    return user


def confirm_password(user: User, password: str | None) -> None:
    """Raises BadRequest without the current password, BadCredentials with a wrong one.

    Raises RateLimited as `log_in`.
    """
    if password is None:
        raise BadRequest("current_password is needed to set a new password.")
    if not services().passwords.check(user.password_hash, password, f"user:{user.id}"):
        g.bad_credentials = True
        raise BadCredentials("The current password is wrong.")


def change_password(who: Pass, new: str) -> None:
    """Set a new password; every other session of the user ends. Raises RateLimited."""
    found = services()
    found.store.users.change(who.user, password_hash=found.passwords.hash(new))
    ended = found.store.sessions.revoke_others(who.user, keep=who.session)
    found.bus.end_sessions(who.user, ended)


def delete_account(user_id: int) -> None:
    """Delete the account, end its sessions and sockets. Its messages stay, without a name.

    What was cut short is done again by asking again (store/groups/leaving.py).
    """
    found = services()
    _leave_groups(user_id)
    leaving = found.store.leaving
    while found.delivery.perform(partial(leaving.part, user_id)).more:
        pass
    while leaving.shorten_log(user_id):
        pass  # each step is a transaction of its own: others write in between
    found.store.users.delete(user_id)
    _leave_groups(user_id)  # those that somebody has put them into meanwhile: from here nobody can
    found.bus.end_sessions(user_id, None)


def _leave_groups(user_id: int) -> None:
    """And wait for none. A transaction each: a member of thousands holds nobody up."""
    found = services()
    for group in found.store.conversations.groups(user_id):
        found.delivery.change(partial(found.store.membership.withdraw, user_id, group))
    for group in found.store.joining.asked(user_id):
        found.delivery.request(partial(found.store.joining.withdraw, user_id, group))


# -- limits on guessing: only failed attempts count ----------------------------------------


class Named(Struct):
    name: str


def _named() -> str:
    """The account of a log-in: by the name that the view will read, and no other."""
    seed = request.path.startswith(SEED_PREFIX)
    name = asked(lambda: field("name") if seed else body(Named).name, "")
    return f"name:{name_key(name)[:64]}"


def _failed(_response: Any) -> bool:
    return bool(g.get("bad_credentials"))


def _limit_failures(account: Callable[[], str]) -> Callable[[Any], Any]:
    def decorate(view: Any) -> Any:
        for rule, key in (
            ("10 per minute; 50 per hour", lambda: f"{account()}@{request.remote_addr}"),
            ("200 per hour", account),
            ("100 per minute; 1000 per hour", lambda: request.remote_addr or ""),
        ):
            view = limiter.shared_limit(rule, "login", key_func=key, deduct_when=_failed)(view)
        return view

    return decorate


# Failed log-ins are bounded: of an address, of an account, and of both together.
limit_guessing = _limit_failures(_named)
limit_own_guessing = _limit_failures(tokens.user_key)  # behind login_required

limit_sign_up = limiter.shared_limit("120 per minute; 2000 per day", "register")
