"""What every request passes, pages and API alike: who asks, how long it took, and errors as answers.

Translates and calls; decides nothing. An error of the core or the service becomes a status and its facts here and
nowhere else; the words for people are the web's.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Awaitable, Callable, Mapping
from datetime import MAXYEAR, UTC, datetime
from typing import Any

import orjson
from aiohttp import web

from dispatch.errors import BadAction, DispatchError, IllegalAction, NoSuchPart, NotYours, RuleBroken
from dispatch.model import Actor, TicketState
from dispatch.worktime import ZONE
from hotline import auth
from hotline.config import Config
from hotline.desk import Desk
from hotline.errors import (
    BadCode,
    BadInput,
    BadSignature,
    CallTaken,
    DoubtfulReply,
    Forbidden,
    HotlineError,
    NotFound,
    NotInBulk,
    StaleTicket,
    TooManyRequests,
    Unavailable,
)

DESK = web.AppKey("desk", Desk)
CONFIG = web.AppKey("config", Config)
SESSION = web.RequestKey("session", auth.Session)
BY_COOKIE = web.RequestKey("by_cookie", bool)
TOKEN = web.RequestKey("token", str)
COOKIE = "hotline"
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_log = logging.getLogger(__name__)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TICKET_NUMBER = re.compile(r"[1-9]\d{17}", re.ASCII)

STATUS: Mapping[type[Exception], int] = {
    BadInput: 422,
    BadAction: 422,
    NoSuchPart: 404,
    NotFound: 404,
    Forbidden: 403,
    NotYours: 403,
    IllegalAction: 409,
    RuleBroken: 409,
    StaleTicket: 409,
    NotInBulk: 409,
    CallTaken: 409,
    DoubtfulReply: 409,
    BadSignature: 401,
    BadCode: 403,
    TooManyRequests: 429,
    auth.BadLogin: 401,
    auth.TooManyTries: 429,
    Unavailable: 503,
}
"""The status that each refusal has; whatever is not named here is our own fault, 500."""


def desk_of(request: web.Request) -> Desk:
    return request.app[DESK]


def address_of(request: web.Request) -> str:
    """Return from where somebody asks: behind proxies of ours what the outermost of them saw, else the connection."""
    trusted = request.app[CONFIG].proxies
    address = request.remote or ""
    for hop in reversed(
        [part.strip() for part in request.headers.get("X-Forwarded-For", "").split(",") if part.strip()]
    ):
        if address not in trusted:
            break
        address = hop
    return address[:60]


def session_of(request: web.Request) -> auth.Session | None:
    """Return who is logged in, or None; set by the middleware before any handler."""
    return request.get(SESSION)


def actor_of(request: web.Request) -> Actor:
    """Return who asks; raises HTTPUnauthorized for somebody who has not logged in."""
    session = session_of(request)
    if session is None:
        raise web.HTTPUnauthorized
    return session.actor


def facts_of(error: Exception) -> dict[str, Any]:
    """Return an error as plain facts: its code, its sentence and its fields."""
    facts: dict[str, Any] = {"code": getattr(error, "code", "error"), "message": str(error)}
    names = getattr(error, "__dataclass_fields__", ())
    if names:
        facts["facts"] = {name: getattr(error, name) for name in names}
    if isinstance(error, BadInput) and len(repr(error.value)) > LONGEST_VALUE:
        facts["facts"]["value"] = f"{str(error.value)[:LONGEST_VALUE]}…"
    return facts


LONGEST_VALUE = 200
"""Characters of a bad value that an answer repeats; the asker has the rest."""


def status_of(error: Exception) -> int:
    return next((status for kind, status in STATUS.items() if isinstance(error, kind)), 500)


def ticket_id(request: web.Request) -> int:
    """Return the ticket number in the address; raises NotFound for what cannot be one."""
    text = request.match_info["id"]
    if not _TICKET_NUMBER.fullmatch(text):
        raise NotFound("ticket", text[:40])
    return int(text)


def whole(text: str, name: str, most: int) -> int:
    """Return a number from 1 to `most`; raises BadInput for anything but plain digits."""
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(most)) and 0 < int(text) <= most):
        raise BadInput(name, text, "is no such number", f"1 to {most}")
    return int(text)


def moment_of(text: str, name: str) -> datetime | None:
    """Return the moment of a query, in Shanghai where it names no zone; None for an empty one; raises BadInput."""
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text.replace(" ", "+", 1) if "T" in text else text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=ZONE)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise BadInput(name, text, "is no moment", "2026-11-23T17:00:00+08:00") from None


def state_of(code: str) -> TicketState:
    """Return a ticket state by its code; raises BadInput."""
    try:
        return TicketState.of(code)
    except ValueError:
        raise BadInput("state", code, "is unknown", ", ".join(TicketState)) from None


def page_key(request: web.Request) -> tuple[datetime, int]:
    """Read the key of the last line of the page before: its due time and its ticket number, joined by a comma."""
    return read_page_key(request.query.get("after", ""))


def read_page_key(text: str) -> tuple[datetime, int]:
    """Return the moment and the number of a key; the beginning of all for an empty one; raises BadInput."""
    if not text:
        return _EPOCH, 0
    due, _, number = text.partition(",")
    try:
        moment = datetime.fromisoformat(due.replace(" ", "+"))
    except ValueError:
        raise BadInput("after", text, "is no key of a page", "due_at,id of its last line") from None
    if moment.tzinfo is None:
        raise BadInput("after", text, "has no time zone", "due_at,id of its last line")
    if not 1 < moment.year < MAXYEAR:
        raise BadInput("after", text, "lies outside every calendar", "due_at,id of its last line")
    return moment, whole(number, "after", 10**18)


def json_response(value: Any, *, status: int = 200) -> web.Response:  # noqa: ANN401 - whatever orjson takes
    try:
        body = orjson.dumps(value, default=str, option=orjson.OPT_STRICT_INTEGER)
    except orjson.JSONEncodeError:
        body = orjson.dumps(_numbers_as_text(orjson.loads(orjson.dumps(value, default=str))))
    return web.Response(body=body, status=status, content_type="application/json")


def _numbers_as_text(value: Any) -> Any:  # noqa: ANN401 - any JSON
    """Ticket numbers have more digits than a page's script can keep apart, wherever they stand."""
    if isinstance(value, dict):
        return {name: _numbers_as_text(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_numbers_as_text(part) for part in value]
    return str(value) if isinstance(value, int) and abs(value) >= _EXACT_IN_SCRIPTS else value


_EXACT_IN_SCRIPTS = 2**53


@web.middleware
async def who_asks(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Find the session of the cookie or the bearer token; a database that is away is no log-out."""
    if request.path in _FOR_MONITORS:
        return await handler(request)
    token = request.cookies.get(COOKIE, "")
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    # Only a bearer token proves that no browser sent the request by itself: Basic it adds like a cookie.
    is_bearer = scheme == "Bearer" and bool(given)
    request[BY_COOKIE] = not is_bearer and bool(token)
    token = given if is_bearer else token
    request[TOKEN] = token
    session = await auth.session_of(desk_of(request), token) if token else None
    if session:
        request[SESSION] = session
    return await handler(request)


_FOR_MONITORS = frozenset({"/metrics", "/healthz"})
"""Nobody is logged in there, and they must answer while the database, with its sessions, is away."""


@web.middleware
async def errors_as_json(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer what went wrong under /api with a status and facts."""
    if not request.path.startswith("/api/"):
        return await handler(request)
    try:
        return await handler(request)
    except web.HTTPException as error:
        return json_response({"error": {"code": error.reason, "message": error.text}}, status=error.status)
    except (HotlineError, DispatchError, BadAction) as error:
        response = json_response({"error": facts_of(error)}, status=status_of(error))
        if isinstance(error, Unavailable | auth.TooManyTries | TooManyRequests):
            response.headers["Retry-After"] = str(error.retry_after)
        return response
    except Exception:  # noqa: BLE001 - the last line of defence; it is logged whole
        _log.exception("%s %s failed", request.method, request.path)
        return json_response({"error": {"code": "internal", "message": "our own fault; it was logged"}}, status=500)


@web.middleware
async def safe_headers(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let no page be framed, sniffed, cached by others, or run a script that is not ours."""
    response = await handler(request)
    if not response.prepared:
        for name, value in SAFE_HEADERS.items():
            response.headers.setdefault(name, value)
    return response


POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
SAFE_HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}
"""What every answer carries; a stream sets them itself, since it begins before the middleware sees it."""
