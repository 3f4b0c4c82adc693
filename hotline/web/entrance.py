"""Who comes in: log-in, log-out, everybody's first page, and the token that every sent form must carry."""

from __future__ import annotations

import hmac

from aiohttp import web
from multidict import MultiDictProxy

from dispatch.model import Actor, Role
from hotline import auth, pictures
from hotline.edge import (
    CONFIG,
    COOKIE,
    actor_of,
    address_of,
    desk_of,
    session_of,
    status_of,
)
from hotline.errors import Forbidden
from hotline.web import forms, frame, words

LARGEST_UPLOAD = (pictures.MOST_AT_ONCE * pictures.LARGEST) + 2_000_000


async def start(request: web.Request) -> web.StreamResponse:
    """Lead everybody to their own first page."""
    raise frame.go(frame.STARTS.get(actor_of(request).role, "/queue"))


async def login_page(request: web.Request) -> web.StreamResponse:
    """Show the log-in."""
    if session_of(request) is not None:
        raise frame.go(_inside(request.query.get("next", "")))
    return frame.show(
        request,
        "login.html",
        await frame.codes_of(request),
        guest=True,
        next=request.query.get("next", ""),
        person="",
        error="",
    )


async def log_in(request: web.Request) -> web.StreamResponse:
    """Begin a session and go where the person wanted to."""
    post = await request.post()
    _check_same_site(request)
    check_guest(request, str(post.get("csrf", "")))
    person, password, then = (str(post.get(name, "")) for name in ("person", "password", "next"))
    try:
        token, _ = await auth.log_in(desk_of(request), person, password, address=address_of(request))
    except (auth.BadLogin, auth.TooManyTries) as error:
        page = frame.show(
            request,
            "login.html",
            await frame.codes_of(request),
            status=status_of(error),
            guest=True,
            next=then,
            person=person,
            error=words.explain(error),
        )
        if isinstance(error, auth.TooManyTries):
            page.headers["Retry-After"] = str(error.retry_after)
        return page
    # Who still has the password that somebody else chose is led to where to choose another.
    response = web.HTTPSeeOther("/me" if await auth.is_given(desk_of(request), person) else _inside(then))
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


def check_guest(request: web.Request, token: str) -> None:
    """Refuse a form that did not come from our own page: its token fits the cookie that the page set."""
    cookie = request.cookies.get(frame.GUEST_COOKIE, "")
    right = frame.guest_token(request, cookie)
    if not cookie or not hmac.compare_digest(right.encode(), token.encode("utf-8", "replace")):
        raise Forbidden("-", "send this form", "the CSRF token is missing or wrong")


async def posted(request: web.Request) -> dict[str, tuple[str, ...]]:
    """Return what a logged-in person typed; raises Forbidden for a form that is not of their own page."""
    typed, _ = await posted_with_files(request)
    return typed


Files = list[tuple[str, bytes]]


async def posted_with_files(request: web.Request) -> tuple[dict[str, tuple[str, ...]], Files]:
    """Return what a logged-in person typed, and the files beside it as (name, content)."""
    actor = actor_of(request)
    post = await _post(request)
    session = session_of(request)
    if session is None or not auth.check_csrf(session, str(post.get("csrf", ""))):
        raise Forbidden(actor.person, "change anything from another site", "the CSRF token is missing or wrong")
    return forms.typed_of(post), _files(post)


async def guest_posted(request: web.Request) -> tuple[dict[str, tuple[str, ...]], Files]:
    """Return what somebody without log-in typed, and the files beside it; raises Forbidden as `posted` does."""
    post = await _post(request)
    check_guest(request, str(post.get("csrf", "")))
    return forms.typed_of(post), _files(post)


Post = MultiDictProxy[str | bytes | bytearray | web.FileField]


async def _post(request: web.Request) -> Post:
    """Read a form; one with files may be larger than anything else that we take."""
    if request.content_type == "multipart/form-data":
        request._client_max_size = LARGEST_UPLOAD  # noqa: SLF001 - aiohttp knows one bound for a whole application
    found: Post = await request.post()
    return found


def _files(post: Post) -> Files:
    given = (value for name in ("pictures", "table") for value in post.getall(name, ()))
    sent = (value for value in given if isinstance(value, web.FileField) and value.filename)
    return [(one.filename, one.file.read()) for one in sent]


def only(actor: Actor, roles: frozenset[Role], why: str) -> None:
    if actor.role not in roles:
        raise Forbidden(actor.person, "open this page", why)
