"""Who comes in: log-in, log-out, everybody's first page, and the token that every sent form must carry."""

from __future__ import annotations

from aiohttp import web

from dispatch.model import Actor, Role
from hotline import auth
from hotline.edge import (
    CONFIG,
    COOKIE,
    actor_of,
    desk_of,
    session_of,
    status_of,
)
from hotline.errors import Forbidden
from hotline.web import forms, frame, words


async def start(request: web.Request) -> web.StreamResponse:
    """Lead everybody to their own first page."""
    raise frame.go(frame.STARTS.get(actor_of(request).role, "/queue"))


async def login_page(request: web.Request) -> web.StreamResponse:
    """Show the log-in."""
    if session_of(request) is not None:
        raise frame.go(_inside(request.query.get("next", "")))
    return frame.show(
        request, "login.html", await frame.codes_of(request), next=request.query.get("next", ""), person="", error=""
    )


async def log_in(request: web.Request) -> web.StreamResponse:
    """Begin a session and go where the person wanted to."""
    post = await request.post()
    _check_same_site(request)
    person, password, then = (str(post.get(name, "")) for name in ("person", "password", "next"))
    try:
        token, _ = await auth.log_in(desk_of(request), person, password, address=request.remote or "")
    except (auth.BadLogin, auth.TooManyTries) as error:
        page = frame.show(
            request,
            "login.html",
            await frame.codes_of(request),
            status=status_of(error),
            next=then,
            person=person,
            error=words.explain(error),
        )
        if isinstance(error, auth.TooManyTries):
            page.headers["Retry-After"] = str(error.retry_after)
        return page
    response = web.HTTPSeeOther(_inside(then))
    secure = request.app[CONFIG].cookie_secure
    response.set_cookie(COOKIE, token, httponly=True, samesite="Lax", secure=secure, path="/")
    raise response


async def log_out(request: web.Request) -> web.StreamResponse:
    """End the session."""
    await posted(request)
    await auth.log_out(desk_of(request), request.cookies.get(COOKIE, ""))
    response = web.HTTPSeeOther("/login")
    response.del_cookie(COOKIE, path="/")
    raise response


def _inside(path: str) -> str:
    """Return an address of ours; anything that leads elsewhere becomes the start page."""
    fits = path.startswith("/") and not path.startswith(("//", "/\\", "/login")) and path.isprintable()
    return path if fits else "/"


def _check_same_site(request: web.Request) -> None:
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in {"same-origin", "none"}:
        raise Forbidden("-", "log in", "the form came from another site")


async def posted(request: web.Request) -> dict[str, tuple[str, ...]]:
    """Return what a logged-in person typed; raises Forbidden for a form that is not of their own page."""
    actor = actor_of(request)
    post = await request.post()
    session = session_of(request)
    if session is None or not auth.check_csrf(session, str(post.get("csrf", ""))):
        raise Forbidden(actor.person, "change anything from another site", "the CSRF token is missing or wrong")
    return forms.typed_of(post)


def only(actor: Actor, roles: frozenset[Role], why: str) -> None:
    if actor.role not in roles:
        raise Forbidden(actor.person, "open this page", why)
