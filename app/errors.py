"""One tree of errors: each is an HTTP problem and a wire error. And the close codes."""

from __future__ import annotations

from typing import ClassVar


class HiChatError(Exception):
    """An answer that is not the one hoped for. The message is for people, the code for programs.

    `status` is the HTTP status; `retry` says whether the same request may succeed later.
    """

    code: ClassVar[str] = "internal"
    status: ClassVar[int] = 500
    retry: ClassVar[bool] = False
    default: ClassVar[str] = "Something went wrong on the server."

    def __init__(self, message: str = "") -> None:
        super().__init__(message or self.default)
        self.message = message or self.default
        self.headers: dict[str, str] = {}  # of the HTTP answer


class BadJSON(HiChatError):
    code, status = "bad_json", 400
    default = "The text is no valid JSON."


class BadRequest(HiChatError):
    code, status = "bad_request", 400
    default = "The request does not have the form that this operation takes."


class UnknownOp(BadRequest):
    code = "unknown_op"
    default = (
        "Unknown op: use one of send, sync, read, edit, recall, react, pin, remove, forward,"
        " typing, watch."
    )


class TooLong(HiChatError):
    code, status = "too_long", 413
    default = "Too long."


class BadHandshake(BadRequest):
    code = "bad_handshake"
    default = "This is no valid WebSocket handshake."


class UpgradeRequired(BadRequest):
    code, status = "upgrade_required", 426
    default = "This address speaks WebSocket version 13 only: connect with a WebSocket client."

    def __init__(self, message: str = "") -> None:
        super().__init__(message)
        self.headers = {
            "Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13",
        }


class NoSocket(HiChatError):
    code, status = "no_socket", 501
    default = "This server cannot upgrade connections: run it with gunicorn's gevent worker."


class Unauthorized(HiChatError):
    code, status = "token_missing", 401
    default = "Log in: send an access token."

    def __init__(self, message: str = "") -> None:
        super().__init__(message)
        self.headers = {"WWW-Authenticate": "Bearer"}


class TokenInvalid(Unauthorized):
    code = "token_invalid"
    default = "The token is not valid: log in again."


class TokenExpired(Unauthorized):
    code, retry = "token_expired", True
    default = "The token has expired: refresh it."


class SessionRevoked(Unauthorized):
    code = "session_revoked"
    default = "This session has ended: log in again."


class BadCredentials(Unauthorized):
    code = "bad_credentials"
    default = "Wrong name or password."


class Forbidden(HiChatError):
    code, status = "forbidden", 403
    default = "You may not do this."


class BadOrigin(Forbidden):
    code = "bad_origin"
    default = (
        "Sockets from this web origin are not allowed: list it in HICHAT_ALLOWED_ORIGINS."
    )


class NotAMember(Forbidden):
    code = "not_a_member"
    default = "You are not a member of this conversation, or it does not exist."


class Blocked(Forbidden):
    code = "blocked"
    default = "This user does not take messages from you."


class NotAContact(Forbidden):
    code = "not_a_contact"
    default = "Only contacts write to each other here: send a contact request first."


class Muted(Forbidden):
    code = "muted"
    default = "You may only read here for now."


class InviteOnly(Forbidden):
    code = "invite_only"
    default = "This group takes members by invitation only: ask one of its admins for a link."


class TooLate(Forbidden):
    code = "too_late"
    default = "It is too late for this."


class TooManyMembers(Forbidden):
    code = "too_many_members"
    default = "Groups of more than 200 members do not tell who has read a message."


class SearchOff(HiChatError):
    code, status = "search_off", 501
    default = "This server keeps no index to search: its operator can set HICHAT_SEARCH=on."


class NotFound(HiChatError):
    code, status = "not_found", 404
    default = "There is nothing here."


class UnknownUser(NotFound):
    code = "unknown_user"
    default = "There is no such user."


class UnknownMedia(NotFound):
    code = "unknown_media"
    default = "There is no such upload of yours: upload the file first."


class BadMedia(HiChatError):
    code, status = "bad_media", 422
    default = "This file cannot be taken."


class StorageFull(HiChatError):
    code, status, retry = "storage_full", 507, True
    default = "The server has no room for this file now: try again later."


class QuotaExceeded(Forbidden):
    code = "quota_exceeded"
    default = "You have uploaded as much as this server allows."


class Recalled(HiChatError):
    code, status = "recalled", 410
    default = "This message has been recalled."


class TooMany(HiChatError):
    code, status = "too_many", 409
    default = "There are too many of these already: take some away first."


class BadRange(HiChatError):
    code, status = "bad_range", 416

    def __init__(self, size: int) -> None:
        super().__init__(f"The file has {size} bytes: ask for some of them.")
        self.headers = {"Content-Range": f"bytes */{size}"}


class WrongOffset(HiChatError):
    code, status = "wrong_offset", 409

    def __init__(self, offset: int) -> None:
        super().__init__(f"{offset} bytes are here: go on from there.")
        self.headers = {"Upload-Offset": str(offset)}


class NotFinished(HiChatError):
    code, status = "not_finished", 409
    default = "Not all of this upload is here yet."


class Locked(HiChatError):
    code, status, retry = "locked", 423, True
    default = "Another request is writing to this upload: try again."


class TusVersion(HiChatError):
    code, status = "tus_version", 412

    def __init__(self, version: str) -> None:
        super().__init__(f"Send the header Tus-Resumable: {version}.")
        self.headers = {"Tus-Version": version}


class WrongType(HiChatError):
    code, status = "wrong_type", 415


class TooSlow(HiChatError):
    code, status, retry = "too_slow", 408, True
    default = "The body did not arrive in time."


class NameTaken(HiChatError):
    code, status = "name_taken", 409
    default = "This name is taken: choose another one."


class GroupFull(HiChatError):
    code, status = "group_full", 409
    default = "This group is full."


class InviteExpired(HiChatError):
    code, status = "invite_expired", 410
    default = "This invitation has expired: ask for a new one."


class RefConflict(HiChatError):
    code, status = "ref_conflict", 409
    default = "This ref was used for another message: use a new ref."


class RateLimited(HiChatError):
    code, status, retry = "rate_limited", 429, True
    default = "Too many requests: wait a little and try again."


class Unavailable(HiChatError):
    code, status, retry = "unavailable", 503, True
    default = "The server cannot store this now: repeat it with the same ref."


class TooManyConnections(HiChatError):
    code, status, retry = "too_many_connections", 429, True
    default = "You have too many open connections: close one and try again."


class Draining(Unavailable):
    code = "draining"
    default = "The server is restarting: reconnect in a moment."


class Close:
    """WebSocket close codes. 4000 to 4499 mean come back, 4500 to 4999 do not."""

    NORMAL = 1000
    PROTOCOL_ERROR = 1002
    BAD_TEXT = 1007
    TOO_BIG = 1009
    RESTART = 1012
    RESYNC = 4000
    TOKEN_EXPIRED = 4001
    SESSION_REVOKED = 4500
