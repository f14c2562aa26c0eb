"""HTTP in one shape: JSON bodies checked against a schema, answers and problems as JSON.

`/v2` errors are `application/problem+json` (RFC 9457) with a stable `code`. `/v1` keeps the
seed's envelope, which its client reads only at status 200.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar, overload

import msgspec
import structlog
from flask import Flask, Response, request
from limits.errors import StorageError
from msgspec import UNSET, Struct, structs
from werkzeug.exceptions import HTTPException, InternalServerError
from werkzeug.routing import IntegerConverter, WebsocketMismatch

from app.errors import (
    BadJSON,
    BadRequest,
    HiChatError,
    NotFound,
    RateLimited,
    TooLong,
    Unauthorized,
    Unavailable,
    UpgradeRequired,
)

T = TypeVar("T")
Place = TypeVar("Place", int, str)
JSON = "application/json"
PROBLEM = "application/problem+json"
SEED_PREFIX = "/v1/"
SEED_WORDS = {RateLimited.code: "请求过于频繁，请稍后再试"}

log = structlog.get_logger()
_encoder = msgspec.json.Encoder()


class IdConverter(IntegerConverter):
    """`<id:name>` in a route: a number that the database can hold; any other address is a 404."""

    regex = "[0-9]{1,16}"


def answer(value: Any, status: int = 200) -> Response:
    """`value` (msgspec structs, dicts, lists) as a JSON response."""
    return Response(_encoder.encode(value), status, content_type=JSON)


def empty() -> Response:
    return Response(status=204)


def body(schema: type[T]) -> T:
    """The request's JSON body as `schema`. Raises BadJSON or BadRequest."""
    try:
        return msgspec.json.decode(_data() or b"{}", type=schema)
    except msgspec.ValidationError as error:
        raise BadRequest(f"{error}.") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise BadJSON() from None


def _data() -> bytes:
    """The body. Raises BadRequest, or an HTTPException of Werkzeug's."""
    try:
        return request.get_data()
    except HTTPException:
        raise
    except Exception:  # gunicorn's: chunks that are none
        raise BadRequest("The body cannot be read: its length and its chunks do not fit.") from None


def asked(find: Callable[[], T], instead: T) -> T:
    """What a rate limit wants to know of the request; `instead`, where the view will refuse it.

    A limit never raises: Flask-Limiter takes that for the end of its storage, and from then on the
    process counts anew, by itself, whatever it limits.
    """
    try:
        return find()
    except Exception:  # whatever a body can be
        return instead


def sent(given: Struct) -> dict[str, Any]:
    """The fields of a body that the client has sent: those that are not UNSET."""
    return {key: value for key, value in structs.asdict(given).items() if value is not UNSET}


def field(name: str) -> str:
    """A form field (or, as Go reads a DELETE, one of the query string)."""
    return request.form.get(name) or request.args.get(name, "")


def whole(text: str) -> int | None:
    """The whole number, of at most 15 digits, that a text is; None if it is none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else None


@overload
def number(name: str, default: int, low: int, high: int) -> int: ...


@overload
def number(name: str, default: None, low: int, high: int) -> int | None: ...


def number(name: str, default: int | None, low: int, high: int) -> int | None:
    """A whole number of the query string. Raises BadRequest outside of low..high."""
    text = request.args.get(name)
    if text is None:
        return default
    if text.isascii() and text.isdigit() and len(text) < 20 and low <= int(text) <= high:
        return int(text)
    raise BadRequest(f"{name} must be a whole number from {low} to {high}.")


def ids(name: str, most: int, high: int) -> list[int]:
    """The ids of a query string, `1,2,3`, each once: 1 to `most` of them. Raises BadRequest."""
    parts = request.args.get(name, "").split(",", most)
    if len(parts) > most or not all(
        part.isascii() and part.isdigit() and len(part) < 17 and 1 <= int(part) <= high
        for part in parts
    ):
        raise BadRequest(f"{name} must be 1 to {most} ids, separated by commas.")
    return list(dict.fromkeys(map(int, parts)))


def limit(default: int, most: int) -> int:
    """The page size that was asked for. Raises BadRequest."""
    return number("limit", default, 1, most)


def paged(
    found: Sequence[T], size: int, place: Callable[[T], Place]
) -> tuple[Sequence[T], Place | None]:
    """The page, and the place behind which the next one begins; None where this is the last.

    `found` has one more than the page's `size`, if there are so many.
    """
    page = found[:size]
    return page, place(page[-1]) if len(found) > size else None


def problem(error: HiChatError) -> Response:
    """An error as a response, in the envelope of the route's version."""
    if request.path.startswith(SEED_PREFIX):
        return _seed_problem(error)
    return _problem(error.status, error.code, error.message, error.retry, error.headers)


def _problem(
    status: int, code: str, detail: str, retry: bool, headers: Mapping[str, str]
) -> Response:
    content = {
        "type": "about:blank", "title": code.replace("_", " "), "status": status, "code": code,
        "detail": detail, "retry": retry,
    }
    response = Response(_encoder.encode(content), status, content_type=PROBLEM)
    response.headers.update(headers)
    return response


def _seed_problem(error: HiChatError) -> Response:
    """A business error at status 200, where the seed's client reads it; else `{"message"}`."""
    words = SEED_WORDS.get(error.code, error.message)
    upgrade = "websocket" in request.headers.get("Upgrade", "").lower()
    if upgrade or error.status >= 500 or isinstance(error, Unauthorized | UpgradeRequired):
        response = answer({"message": words}, error.status)
        response.headers.update(error.headers)
        return response
    return answer({"code": -1, "message": words})


def register_errors(app: Flask) -> None:
    """Make every way to fail come out in the one shape."""

    @app.before_request
    def _no_nul() -> None:
        if "\0" in request.path:  # which PostgreSQL's text cannot hold: it names nothing
            raise NotFound()

    @app.errorhandler(HiChatError)
    def _ours(error: HiChatError) -> Response:
        return problem(error)

    @app.errorhandler(WebsocketMismatch)
    def _no_upgrade(_error: WebsocketMismatch) -> Response:
        return problem(UpgradeRequired())

    @app.errorhandler(HTTPException)
    def _http(error: HTTPException) -> Response:
        return _from_werkzeug(error)

    # Redis died while a limit was asked for; or behind the view, where a failed guess is counted,
    # and what is raised goes to the handler of 500 only. What was not counted is not answered.
    @app.errorhandler(StorageError)
    def _uncounted(_error: StorageError) -> Response:
        return problem(Unavailable("The server cannot tell you now: try again in a moment."))

    @app.errorhandler(InternalServerError)
    def _behind_the_view(error: InternalServerError) -> Response:
        failed = error.original_exception
        return _uncounted(failed) if isinstance(failed, StorageError) else _from_werkzeug(error)

    @app.errorhandler(Exception)
    def _unexpected(error: Exception) -> Response:
        log.exception("request_failed", method=request.method, path=request.path)
        return problem(HiChatError())


def _from_werkzeug(error: HTTPException) -> Response:
    status = error.code or 500
    if error.response is not None:
        return error.response  # type: ignore[return-value]  # routing made it: a redirect
    known: dict[int, type[HiChatError]] = {413: TooLong, 429: RateLimited}
    if status in known:
        return problem(known[status]())
    if status == 400:
        return problem(BadRequest(error.description or ""))
    if request.path.startswith(SEED_PREFIX):
        return answer({"message": error.name}, status)
    if status == 404:
        return problem(NotFound())
    allow = {name: value for name, value in error.get_headers() if name.lower() == "allow"}
    code = error.name.lower().replace(" ", "_")
    return _problem(status, code, error.description or "", status >= 500, allow)
