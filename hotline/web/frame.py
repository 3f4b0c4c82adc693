"""What every page has around it: the files of ours, the templates, the layout of whoever asks, and the printing."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib import resources
from typing import Any, get_args

from aiohttp import web
from markupsafe import Markup

from dispatch.lifecycle import HOLDERS, INTERVIEWERS
from dispatch.model import Role
from hotline import drafts, knowledge, learning, people, supervision, tickets
from hotline.edge import (
    CONFIG,
    desk_of,
    session_of,
)
from hotline.web import views, words
from hotline.web.forms import Codes, Input
from hotline.web.printing import Templates


@dataclass(frozen=True, slots=True)
class Asset:
    """A file of ours that browsers may keep for ever: its address names its content."""

    body: bytes
    type: str
    version: str


_TYPES = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}


def _assets() -> dict[str, Asset]:
    found = {}
    for file in (resources.files("hotline.web") / "static").iterdir():
        kind = file.name.rpartition(".")[2]
        if kind in _TYPES:
            body = file.read_bytes()
            found[file.name] = Asset(body, _TYPES[kind], hashlib.sha256(body).hexdigest()[:12])
    return found


ASSETS = _assets()


TEMPLATES = Templates(
    "hotline.web",
    {
        "w": words.W,
        "seat_words": words.SEAT,
        "c": words.CITIZEN,
        "d": words.CARD,
        "s": words.SUPERVISION,
        "k": words.CASE,
        "r": words.RULES,
        "b": words.BULK,
        "over": words.HAND_OVER,
        "here": words.PRESENCE,
        "code_words": words.CODE,
        "kb": words.KNOWLEDGE,
        "people": words.PEOPLE,
    },
    {"asset": lambda name: f"/static/{name}?v={ASSETS[name].version}"},
)
for _name in TEMPLATES.list_templates():
    TEMPLATES.get_template(_name)  # compiled once, when the process starts; a template that is wrong stops it
_ONCE: Any = TEMPLATES.get_template("_drawn_once.html").module
_DRAWN: list[tuple[Codes, dict[str, str]]] = []


def _lists_of(codes: Codes) -> dict[str, str]:
    """Return the names of units and of categories to choose from, each list drawn once for each rulebook."""
    if not _DRAWN or _DRAWN[0][0] is not codes:
        lists = {"departments": codes.departments, "categories": codes.categories}
        _DRAWN[:] = [(codes, {name: _ONCE.datalist(name, options) for name, options in lists.items()})]
    return _DRAWN[0][1]


_INPUTS_KEPT = 4_096


@lru_cache(_INPUTS_KEPT)
def _untouched(one: Input) -> str:
    """Return an input into which nobody has typed; it is the same for everybody to whom the same is offered."""
    drawn: str = _ONCE.input(one)
    return drawn


def _drawn_input(one: Input) -> str:
    """Return an input; what somebody typed is kept nowhere."""
    return _untouched(one) if one.is_untouched else _ONCE.input(one)


TEMPLATES.globals["drawn_input"] = _drawn_input
TEMPLATES.globals["lamps"] = {colour: _ONCE.lamp(colour) for colour in get_args(views.Lamp)}
TEMPLATES.globals["lists_of"] = _lists_of


def _drawing(name: str) -> Callable[..., str]:
    """Return what draws the lines of a list: each once for all to whom the same is shown, lamp and time left included.

    A line is known again by everything that is printed of it, so none can be shown as it was before.
    """
    lines = TEMPLATES.get_template("_lines.html")

    @lru_cache(views.LINES_KEPT)
    def drawn(line: tuple[object, ...], *how: object) -> str:
        text: str = getattr(lines.module, name)(line, *how)
        return text

    # What the template drew is safe already; Markup's own join would look at each line once more.
    return lambda shown, *how: Markup("".join([drawn(line, *how) for line in shown]))  # noqa: S704 - the same


TEMPLATES.globals.update({f"drawn_{name}s": _drawing(name) for name in ("line", "dial", "owed", "request")})


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """What every page has around it."""

    city: str = ""
    links: tuple[tuple[str, str, bool], ...] = ()
    who: str = ""
    csrf: str = ""
    token: str = ""
    is_large: bool = False
    here: str = ""
    flash: str = ""
    query: str = ""


_LINKS: tuple[tuple[str, str, frozenset[Role]], ...] = (
    ("/intake", words.W.intake, tickets.OPENERS),
    ("/queue", words.W.queue, frozenset(Role) - HOLDERS),
    ("/department", words.W.department, HOLDERS),
    ("/follow-up", words.W.follow_up, INTERVIEWERS),
    ("/supervision", words.SUPERVISION.title, supervision.READERS),
    ("/knowledge", words.KNOWLEDGE.title, knowledge.READERS),
    ("/labels", words.W.labels_link, learning.LABELLERS),
    ("/rules", words.RULES.title, drafts.DRAFTERS),
    ("/people", words.PEOPLE.title, people.KEEPERS),
    ("/notices", words.W.notices_link, frozenset(Role)),
)
STARTS = {
    Role.AGENT: "/intake",
    Role.HANDLER: "/department",
    Role.HEAD: "/department",
    Role.FOLLOW_UP: "/follow-up",
    Role.SUPERVISOR: "/supervision",
}


def _layout(request: web.Request, codes: Codes | None) -> Layout:
    session = session_of(request)
    if session is None:
        return Layout(
            city=codes.city if codes else "",
            is_large=LARGE_COOKIE in request.cookies,
            here=request.path if request.method in {"GET", "HEAD"} else "/matter",
        )
    unit = codes.department(session.department) if codes else ""
    return Layout(
        city=codes.city if codes else "",
        links=tuple(
            (href, label, request.path.startswith(href)) for href, label, roles in _LINKS if session.role in roles
        ),
        who=f"{unit} {Role.of(session.role).chinese} {session.name}".strip(),
        csrf=session.csrf,
        flash=_flash(request),
        query=request.query.get("q", "") if request.path == "/search" else "",
    )


def _flash(request: web.Request) -> str:
    """What was just done; to whoever took a call also how long it was until the ticket was saved."""
    done, seconds = words.FLASH.get(request.query.get("done", ""), ""), request.query.get("took", "")
    known = done and seconds.isascii() and seconds.isdigit() and len(seconds) < _LONGEST_SPAN
    return f"{done}{words.SEAT.elapsed} {words.took(int(seconds))}。" if known else done


_LONGEST_SPAN = 6
"""Digits of the seconds of a call."""


def show(
    request: web.Request,
    template: str,
    codes: Codes | None,
    /,
    *,
    status: int = 200,
    guest: bool = False,
    **context: Any,  # noqa: ANN401 - whatever the template prints
) -> web.Response:
    """Print a page; one for a guest carries a token that fits a cookie, as others carry their session's."""
    layout = _layout(request, codes)
    cookie = request.cookies.get(GUEST_COOKIE) or secrets.token_urlsafe(18)
    if guest:
        layout = replace(layout, token=guest_token(request, cookie))
    text = TEMPLATES.get_template(template).render(layout=layout, **context)
    page = web.Response(text=text, status=status, content_type="text/html", headers={"Cache-Control": "no-store"})
    if guest and GUEST_COOKIE not in request.cookies:
        secure = request.app[CONFIG].cookie_secure
        page.set_cookie(GUEST_COOKIE, cookie, httponly=True, samesite="Lax", secure=secure, path="/")
    return page


def picture(kind: str, content: bytes) -> web.Response:
    """Return a picture that no browser takes for anything else."""
    return web.Response(body=content, content_type=kind, headers={"Content-Disposition": "inline"})


GUEST_COOKIE = "hotline_guest"
LARGE_COOKIE = "hotline_large"


def guest_token(request: web.Request, cookie: str) -> str:
    """Return what the forms of whoever has this cookie carry; nobody else can make it."""
    secret = desk_of(request).vault.secret_for("guest forms")
    return hmac.new(secret, cookie.encode("utf-8", "replace"), "sha256").hexdigest()


async def codes_of(request: web.Request) -> Codes:
    return Codes.of(await desk_of(request).rulebook())


def go(path: str) -> web.HTTPSeeOther:
    return web.HTTPSeeOther(path)
