"""What went wrong, as a plain Chinese page with the right status; what was typed is never lost with it."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from urllib.parse import urlencode

from aiohttp import web

from dispatch.errors import BadAction, DispatchError
from hotline import auth
from hotline.edge import (
    status_of,
)
from hotline.errors import HotlineError, TooManyRequests, Unavailable
from hotline.web import forms, frame, words
from hotline.web.forms import Codes

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
_log = logging.getLogger(__name__)


@web.middleware
async def errors_as_pages(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn what went wrong into a plain page; who is not logged in comes to the log-in and back."""
    if request.path.startswith("/api/"):
        return await handler(request)
    try:
        return await handler(request)
    except web.HTTPUnauthorized:
        return await _ask_log_in(request)
    except web.HTTPException as error:
        if error.status < 400:  # noqa: PLR2004 - redirects are answers
            raise
        return await _error_page(request, error.status, words.CODES.get(str(error.status), words.CODES["other"]))
    except (HotlineError, DispatchError, BadAction) as error:
        if status_of(error) == 500:  # noqa: PLR2004 - not an answer to what was asked
            _log.exception("%s %s failed", request.method, request.path)
        response = await _error_page(request, status_of(error), words.explain(error))
        if isinstance(error, Unavailable | auth.TooManyTries | TooManyRequests):
            response.headers["Retry-After"] = str(error.retry_after)
        return response
    except Exception:  # noqa: BLE001 - the last line of defence; it is logged whole
        _log.exception("%s %s failed", request.method, request.path)
        return await _error_page(request, 500, words.CODES["internal"])


async def _ask_log_in(request: web.Request) -> web.StreamResponse:
    if request.method in {"GET", "HEAD"}:
        raise frame.go(f"/login?{urlencode({'next': request.path_qs})}" if request.path != "/" else "/login")
    return await _error_page(request, 401, words.CODES["401"])


async def _error_page(request: web.Request, status: int, sentence: str) -> web.Response:
    typed = await _typed(request) if request.method == "POST" and request.path != "/login" else {}
    return frame.show(
        request,
        "error.html",
        Codes.last(),
        status=status,
        sentence=sentence,
        kept=kept(typed),
        retry=request.path if typed and status >= 500 else "",  # noqa: PLR2004 - not the asker's fault
        typed=typed,
    )


async def _typed(request: web.Request) -> forms.Typed:
    try:
        return forms.typed_of(await request.post())
    except (ValueError, web.HTTPException):  # too large, or no form at all: there is nothing to give back
        return {}


def kept(typed: forms.Typed) -> list[tuple[str, str]]:
    """What was typed, for people to read and copy; codes and the page's own values are left out."""
    hidden = {"action", "expected", "back", "outside_id", "do", "resume", "assignment", "request", "order", "caller"}
    action = forms.first(typed, "action")
    return [
        (words.field(action, name), value)
        for name, values in typed.items()
        for value in values
        if name in words.FIELDS and name not in hidden and value
    ]
