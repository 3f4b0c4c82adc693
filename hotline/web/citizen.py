"""The callers' own pages, without log-in: bring a matter, follow it, add to it, take it back, rate it.

Made for telephones, for old people (a large type that stays chosen) and for screen readers; nothing needs a script. A
caller who showed number and code has a sealed pass in a cookie for half an hour; neither stands in any address.
"""

from __future__ import annotations

import re
import secrets
from typing import Any

from aiohttp import web

from dispatch.errors import BadAction, DispatchError
from dispatch.model import Satisfaction, TicketType
from hotline import citizens, pictures, tickets
from hotline.edge import CONFIG, address_of, desk_of, status_of
from hotline.errors import BadCode, BadInput, NotFound, TooManyRequests
from hotline.web import citizen_views, entrance, forms, frame, words

PASS_COOKIE = "hotline_matter"  # noqa: S105 - the name of a cookie
DONE = {"supplement": "added", "rate": "thanks", "withdraw": "taken_back"}
TYPES = tuple(one for one in TicketType if one is not TicketType.INVALID)


def routes() -> list[web.RouteDef]:
    """Return the addresses of these pages."""
    return [
        web.get("/matter", home),
        web.get("/matter/large", large),
        web.get("/matter/new", new),
        web.post("/matter/new", bring),
        web.get("/matter/find", find_page),
        web.post("/matter/find", find),
        web.get("/matter/mine", mine),
        web.post("/matter/mine", act),
        web.post("/matter/leave", leave),
        web.get("/matter/pictures/{number}", picture),
    ]


async def home(request: web.Request) -> web.StreamResponse:
    """Offer the two things that callers come for."""
    return await _show(request, "citizen.html")


async def large(request: web.Request) -> web.StreamResponse:
    """Change to the large type or back, and stay on the page."""
    here = request.query.get("next", "/matter")
    response = web.HTTPSeeOther(here if re.fullmatch(r"/(matter[a-z/]*|login)", here) else "/matter")
    if request.query.get("on"):
        response.set_cookie(frame.LARGE_COOKIE, "1", max_age=365 * 86400, samesite="Lax", httponly=True, path="/")
    else:
        response.del_cookie(frame.LARGE_COOKIE, path="/")
    raise response


# --- bring ------------------------------------------------------------------------------------------------------------


async def new(request: web.Request) -> web.StreamResponse:
    """Show the empty form."""
    typed = {"outside_id": (f"web-{secrets.token_hex(12)}",), "wants_visit": ("on",), "type": ("help",)}
    return await _form(request, typed, {})


async def _form(
    request: web.Request, typed: forms.Typed, errors: dict[str, str], *, status: int = 200, alert: str = ""
) -> web.Response:
    codes = await frame.codes_of(request)
    return await _show(
        request,
        "citizen_new.html",
        status=status,
        groups=citizen_views.groups(codes, typed, errors),
        outside_id=forms.first(typed, "outside_id"),
        errors=errors,
        alert=alert,
    )


async def bring(request: web.Request) -> web.StreamResponse:
    """Take a matter in and show its number and code; the same page sent twice brings one."""
    typed, files = await entrance.guest_posted(request)
    values = {name: forms.first(typed, name) for name in citizen_views.NAMES}
    values |= {name: "true" if values[name] else "false" for name in ("wants_visit", "confidential")}
    try:
        photos = pictures.checked(files)
        intake = tickets.read_intake({**values, "outside_id": forms.first(typed, "outside_id")})
        made = await citizens.bring(desk_of(request), intake, photos, address=address_of(request))
    except BadInput as error:
        errors = {error.field: f"{words.problem(error.problem)}。"}
        return await _form(request, typed, errors, status=status_of(error))
    except TooManyRequests as error:
        return await _form(request, typed, {}, status=status_of(error), alert=words.explain(error))
    raise _with_pass(request, made, "/matter/mine")


def _with_pass(request: web.Request, made: citizens.Pass, path: str) -> web.HTTPSeeOther:
    response = web.HTTPSeeOther(path)
    response.set_cookie(
        PASS_COOKIE,
        citizens.sealed_pass(desk_of(request), made),
        httponly=True,
        samesite="Strict",
        secure=request.app[CONFIG].cookie_secure,
        path="/matter",
    )
    return response


# --- follow -----------------------------------------------------------------------------------------------------------


async def find_page(request: web.Request) -> web.StreamResponse:
    """Ask for number and code."""
    return await _show(request, "citizen_find.html", number="", error="")


async def find(request: web.Request) -> web.StreamResponse:
    """Let somebody in who knows number and code."""
    typed, _ = await entrance.guest_posted(request)
    number, code = forms.first(typed, "number"), forms.first(typed, "code")
    try:
        made = await citizens.let_in(desk_of(request), number, code, address=address_of(request))
    except (BadCode, TooManyRequests) as error:
        page = await _show(
            request, "citizen_find.html", status=status_of(error), number=number[:40], error=words.explain(error)
        )
        if isinstance(error, TooManyRequests):
            page.headers["Retry-After"] = str(error.retry_after)
        return page
    raise _with_pass(request, made, "/matter/mine")


def _pass(request: web.Request) -> citizens.Pass:
    """Return the pass of whoever asks; without one they come to the form for number and code."""
    found = citizens.read_pass(desk_of(request), request.cookies.get(PASS_COOKIE, ""))
    if found is None:
        raise frame.go("/matter/find")
    return found


async def mine(request: web.Request) -> web.StreamResponse:
    """Show a caller's matter: where it is, what was answered, and what they may do."""
    return await _mine(request, "")


async def _mine(request: web.Request, alert: str, *, status: int = 200) -> web.Response:
    seen = await citizens.matter(desk_of(request), _pass(request))
    codes = await frame.codes_of(request)
    return await _show(
        request,
        "citizen_mine.html",
        status=status,
        page=citizen_views.page(seen, codes),
        levels=[(level.value, level.chinese) for level in Satisfaction],
        alert=alert,
        flash=words.FLASH.get(request.query.get("done", ""), ""),
    )


async def act(request: web.Request) -> web.StreamResponse:
    """Add, rate or take back; what cannot be done is said above the page."""
    typed, files = await entrance.guest_posted(request)
    desk, given, name = desk_of(request), _pass(request), forms.first(typed, "action")
    fields: dict[str, Any] = {
        one: forms.first(typed, one) for one in citizen_views.FIELDS.get(name, ()) if forms.first(typed, one)
    }
    try:
        photos = pictures.checked(files) if name == "supplement" else []
        after = await citizens.act(desk, given, name, fields)
        await citizens.add_pictures(desk, given, photos, after.version)
    except (DispatchError, BadAction, BadInput) as error:
        return await _mine(request, citizen_views.sentence(error), status=status_of(error))
    raise _with_pass(request, citizens.Pass(given.ticket), f"/matter/mine?done={DONE[name]}")


async def leave(request: web.Request) -> web.StreamResponse:
    """Forget the pass, for whoever sits at a public screen."""
    await entrance.guest_posted(request)
    response = web.HTTPSeeOther("/matter")
    response.del_cookie(PASS_COOKIE, path="/matter")
    raise response


async def picture(request: web.Request) -> web.StreamResponse:
    """Give one picture of the caller's own matter."""
    text = request.match_info["number"]
    if not re.fullmatch(r"\d{1,15}", text, re.ASCII):
        raise NotFound("picture", text[:20])
    return frame.picture(*await citizens.picture(desk_of(request), _pass(request), int(text)))


async def _show(request: web.Request, template: str, *, status: int = 200, **context: Any) -> web.Response:  # noqa: ANN401 - whatever the template prints
    return frame.show(request, template, await frame.codes_of(request), status=status, guest=True, **context)
