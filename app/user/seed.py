"""The seed's user routes, `/v1/user`: frozen words and envelopes for an existing client."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import wraps
from typing import Any

from flask import Response, request

from app.auth import tokens
from app.auth.tickets import Pass
from app.errors import (
    BadCredentials,
    BadRequest,
    HiChatError,
    NameTaken,
    TokenExpired,
    Unauthorized,
    UnknownUser,
)
from app.extensions import limiter
from app.http import answer, field, whole
from app.models import User
from app.services import services
from app.user import accounts, bp

LIST_MOST = 1000
SEED_PASSWORD_CHARS = 1  # the frozen contract knows no rule but "not empty"

limit_finding = limiter.limit("600 per minute")  # of an address: there is no token


def identify() -> Pass:
    """Check `?token=&userId=`, but for the session. Raises Unauthorized with the seed's words."""
    token, user_id = request.args.get("token", ""), request.args.get("userId", "")
    if not token:
        raise Unauthorized("请登录")
    if not (user_id.isascii() and user_id.isdigit()):
        raise Unauthorized("您userId不合法")
    try:
        who = tokens.read_token(token)
    except TokenExpired:
        raise Unauthorized("授权已过期") from None
    except Unauthorized:
        raise Unauthorized("token失效") from None
    if who.user != int(user_id[:20]):
        raise Unauthorized("您的登录不合法")
    return who


def seed_user_key() -> str:
    """As tokens.user_key, behind `seed_login_required`: one budget for both versions."""
    return f"user:{identify().user}"


def check_session(who: Pass) -> bool:
    """As tokens.check_session; raises Unauthorized in the seed's words."""
    try:
        return tokens.check_session(who)
    except Unauthorized:
        raise Unauthorized("token失效") from None


def seed_login_required(view: Callable[..., Response]) -> Callable[..., Response]:
    """Give the view who is asking; 401 without a good token and its userId."""

    @wraps(view)
    def checked(*args: Any, **kwargs: Any) -> Response:
        who = identify()
        check_session(who)
        return view(who, *args, **kwargs)

    return checked


def refuse(words: str) -> Response:
    """A business error, at status 200, where the seed's client reads it."""
    return answer({"code": -1, "message": words})


def envelope(
    data: Any = None, rows: Any = None, total: Any = None, code: int = 0, msg: str = ""
) -> Response:
    """The seed's second envelope."""
    return answer({"Code": code, "Msg": msg, "Data": data, "Rows": rows, "Total": total})


def seed_user(user: User, reader: int | None) -> dict[str, Any]:
    """A user as the seed's client knows it; phone, email and log-in only for the user themself.

    Addresses and devices of users are nobody's business: those keys are there and empty. When
    somebody was here is told by presence, and only to whom they show it.
    """
    own = user.id == reader
    login = seed_time(user.login_at) if own else None
    return {
        "ID": user.id, "Name": user.name, "Avatar": user.avatar, "Gender": user.gender,
        "CreatedAt": seed_time(user.created_at), "UpdatedAt": seed_time(user.updated_at),
        "Phone": user.phone if own else "", "Email": user.email if own else "",
        "Identity": "", "ClientIp": "", "ClientPort": "", "LoginTime": login,
        "HeartBeatTime": login, "LoginOutTime": None, "IsLoginOut": False, "DeviceInfo": "",
    }


def seed_time(at: int | None) -> str | None:
    """Milliseconds since 1970 as the seed writes a time."""
    return datetime.fromtimestamp(at / 1000, UTC).isoformat() if at is not None else None


@bp.post("/v1/user/new")
@accounts.limit_sign_up
def seed_new() -> Response:
    name, password, again = field("name"), field("password"), field("Identity")
    if not name or not password or not again:
        return refuse("用户名或密码不能为空！")
    if services().store.users.by_name(name) is not None:
        return refuse("该用户已注册")
    if password != again:
        return refuse("两次密码不一致！")
    try:
        user = accounts.register(name, password, SEED_PASSWORD_CHARS)
    except NameTaken:
        return refuse("该用户已注册")
    return answer({"code": 0, "message": "新增用户成功！", "data": seed_user(user, user.id)})


@bp.post("/v1/user/login_pw")
@accounts.limit_guessing
def seed_login() -> Response:
    try:
        user = accounts.log_in(field("name"), field("password"))
    except BadCredentials:
        # The seed says which of the two was wrong; its client shows these words.
        known = services().store.users.by_name(field("name"))
        return refuse("密码错误" if known else "用户名不存在")
    token = tokens.begin_seed_session(user)
    return answer({"code": 0, "message": "登录成功", "tokens": token, "userId": user.id})


@bp.get("/v1/user/list")
@seed_login_required
def seed_list(who: Pass) -> Response:
    found = services().store.users.first(LIST_MOST)
    return answer([seed_user(user, who.user) for user in found])


@bp.post("/v1/user/updata")
@seed_login_required
def seed_update(who: Pass) -> Response:
    if field("id") != str(who.user):
        return refuse("只能修改自己的信息")
    names = {"name": "name", "email": "email", "phone": "phone", "icon": "avatar",
             "gender": "gender"}
    given = {ours: field(seed) for seed, ours in names.items() if field(seed)}
    password = field("password")
    try:
        values = accounts.check_profile(who.user, given)
        if password:
            accounts.check_password(password, "", SEED_PASSWORD_CHARS)
    except BadRequest:
        return answer({"code": -1, "message": "参数不匹配"}, 400)
    users = services().store.users
    try:
        user = users.change(who.user, **values) if values else users.get(who.user)
    except NameTaken:
        return refuse("该用户已注册")
    if password:
        accounts.change_password(who, password)
    return answer({"code": 0, "message": "修改成功", "data": user.name})


@bp.delete("/v1/user/delete")
@seed_login_required
def seed_delete(who: Pass) -> Response:
    if field("id") != str(who.user):
        return refuse("只能注销自己的账号")
    accounts.delete_account(who.user)
    return answer({"code": 0, "message": "注销账号成功"})


@bp.post("/v1/user/find")
@limit_finding
def seed_find() -> Response:
    """The one route that asks for no token: its client calls it without one."""
    try:
        user = services().store.users.get(whole(field("userId")) or 0)
    except UnknownUser:
        return envelope(code=-1, msg="用户不存在")
    return envelope(data=seed_user(user, _reader()))


def _reader() -> int | None:
    try:
        who = identify()
        check_session(who)
        return who.user
    except HiChatError:
        return None
