"""The pages over HTTP: they read requests, call the service and print templates; they decide nothing.

Every page works without scripts. Every form carries the session's token. An error becomes a plain Chinese page with
the right status; what was typed is never lost with it.
"""

from __future__ import annotations

import hashlib
import logging
import re
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib import resources
from typing import Any
from urllib.parse import urlencode

import jinja2
from aiohttp import web

from dispatch import actions as do
from dispatch.errors import BadAction, DispatchError, RuleBroken
from dispatch.lifecycle import HOLDERS, INTERVIEWERS
from dispatch.model import Actor, Role, TicketState
from hotline import auth, tickets
from hotline.edge import (
    CONFIG,
    COOKIE,
    actor_of,
    desk_of,
    page_key,
    session_of,
    state_of,
    status_of,
    ticket_id,
)
from hotline.errors import BadInput, Forbidden, HotlineError, NotFound, StaleTicket, Unavailable
from hotline.store import PAGE_MOST
from hotline.web import forms, views, words
from hotline.web.forms import Codes

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

PAGE_LINES = 50
NOTICES_SHOWN = 12
CALL_ROLES = tickets.UNSEALERS - HOLDERS
QUEUES = (TicketState.RECEIVED, TicketState.ANALYSIS, TicketState.REVIEW, TicketState.FOLLOW_UP)
REQUESTS = "requests"
_log = logging.getLogger(__name__)


def routes() -> list[web.AbstractRouteDef]:
    """Return every route of the pages."""
    return [
        web.get("/", start),
        web.get("/login", login_page),
        web.post("/login", log_in),
        web.post("/logout", log_out),
        web.get("/queue", queue),
        web.get("/department", department),
        web.get("/follow-up", follow_up),
        web.get("/follow-up/{id}", visit),
        web.get("/intake", intake),
        web.post("/intake", open_ticket),
        web.post("/intake/earlier", earlier),
        web.get("/search", search),
        web.get("/tickets/{id}", ticket),
        web.get("/tickets/{id}/{form:act|unmask|callers}", back_to_ticket),
        web.post("/tickets/{id}/act", act),
        web.post("/tickets/{id}/unmask", unmask),
        web.post("/tickets/{id}/callers", add_caller),
        web.get("/healthz", healthz),
        web.get("/static/{name}", static),
    ]


# --- printing ---------------------------------------------------------------------------------------------------------


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


def _environment() -> jinja2.Environment:
    made = jinja2.Environment(
        loader=jinja2.PackageLoader("hotline.web", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.globals["w"] = words.W
    made.globals["asset"] = lambda name: f"/static/{name}?v={ASSETS[name].version}"
    return made


TEMPLATES = _environment()
for _name in TEMPLATES.list_templates():
    TEMPLATES.get_template(_name)  # compiled once, when the process starts; a template that is wrong stops it


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """What every page has around it."""

    city: str = ""
    links: tuple[tuple[str, str, bool], ...] = ()
    who: str = ""
    csrf: str = ""
    flash: str = ""
    query: str = ""


_LINKS: tuple[tuple[str, str, frozenset[Role]], ...] = (
    ("/intake", words.W.intake, tickets.OPENERS),
    ("/queue", words.W.queue, frozenset(Role) - HOLDERS),
    ("/department", words.W.department, HOLDERS),
    ("/follow-up", words.W.follow_up, INTERVIEWERS),
)
_STARTS = {
    Role.AGENT: "/intake",
    Role.HANDLER: "/department",
    Role.HEAD: "/department",
    Role.FOLLOW_UP: "/follow-up",
}


def _layout(request: web.Request, codes: Codes | None) -> Layout:
    session = session_of(request)
    if session is None:
        return Layout(city=codes.city if codes else "")
    unit = codes.department(session.department) if codes else ""
    return Layout(
        city=codes.city if codes else "",
        links=tuple(
            (href, label, request.path.startswith(href)) for href, label, roles in _LINKS if session.role in roles
        ),
        who=f"{unit} {Role.of(session.role).chinese} {session.name}".strip(),
        csrf=session.csrf,
        flash=words.FLASH.get(request.query.get("done", ""), ""),
        query=request.query.get("q", ""),
    )


def _print(
    request: web.Request,
    template: str,
    codes: Codes | None,
    /,
    *,
    status: int = 200,
    **context: Any,  # noqa: ANN401 - whatever the template prints
) -> web.Response:
    text = TEMPLATES.get_template(template).render(layout=_layout(request, codes), **context)
    return web.Response(text=text, status=status, content_type="text/html", headers={"Cache-Control": "no-store"})


async def _codes(request: web.Request) -> Codes:
    return Codes.of(await desk_of(request).rulebook())


def _go(path: str) -> web.HTTPSeeOther:
    return web.HTTPSeeOther(path)


# --- errors -----------------------------------------------------------------------------------------------------------


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
        if isinstance(error, Unavailable | auth.TooManyTries):
            response.headers["Retry-After"] = str(error.retry_after)
        return response
    except Exception:  # noqa: BLE001 - the last line of defence; it is logged whole
        _log.exception("%s %s failed", request.method, request.path)
        return await _error_page(request, 500, words.CODES["internal"])


async def _ask_log_in(request: web.Request) -> web.StreamResponse:
    if request.method in {"GET", "HEAD"}:
        raise _go(f"/login?{urlencode({'next': request.path_qs})}" if request.path != "/" else "/login")
    return await _error_page(request, 401, words.CODES["401"])


async def _error_page(request: web.Request, status: int, sentence: str) -> web.Response:
    typed = await _typed(request) if request.method == "POST" and request.path != "/login" else {}
    return _print(
        request,
        "error.html",
        Codes.last(),
        status=status,
        sentence=sentence,
        kept=_kept(typed),
        retry=request.path if typed and status >= 500 else "",  # noqa: PLR2004 - not the asker's fault
        typed=typed,
    )


async def _typed(request: web.Request) -> forms.Typed:
    try:
        return forms.typed_of(await request.post())
    except (ValueError, web.HTTPException):  # too large, or no form at all: there is nothing to give back
        return {}


def _kept(typed: forms.Typed) -> list[tuple[str, str]]:
    """What was typed, for people to read and copy; codes and the page's own values are left out."""
    hidden = {"action", "expected", "back", "outside_id", "do", "resume", "assignment", "request", "order", "caller"}
    action = forms.first(typed, "action")
    return [
        (words.field(action, name), value)
        for name, values in typed.items()
        for value in values
        if name in words.FIELDS and name not in hidden and value
    ]


# --- who --------------------------------------------------------------------------------------------------------------


async def start(request: web.Request) -> web.StreamResponse:
    """Lead everybody to their own first page."""
    raise _go(_STARTS.get(actor_of(request).role, "/queue"))


async def login_page(request: web.Request) -> web.StreamResponse:
    """Show the log-in."""
    if session_of(request) is not None:
        raise _go(_inside(request.query.get("next", "")))
    return _print(request, "login.html", await _codes(request), next=request.query.get("next", ""), person="", error="")


async def log_in(request: web.Request) -> web.StreamResponse:
    """Begin a session and go where the person wanted to."""
    post = await request.post()
    _check_same_site(request)
    person, password, then = (str(post.get(name, "")) for name in ("person", "password", "next"))
    try:
        token, _ = await auth.log_in(desk_of(request), person, password, address=request.remote or "")
    except (auth.BadLogin, auth.TooManyTries) as error:
        page = _print(
            request,
            "login.html",
            await _codes(request),
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
    await _posted(request)
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


async def _posted(request: web.Request) -> dict[str, tuple[str, ...]]:
    """Return what a logged-in person typed; raises Forbidden for a form that is not of their own page."""
    actor = actor_of(request)
    post = await request.post()
    session = session_of(request)
    if session is None or not auth.check_csrf(session, str(post.get("csrf", ""))):
        raise Forbidden(actor.person, "change anything from another site", "the CSRF token is missing or wrong")
    return forms.typed_of(post)


def _only(actor: Actor, roles: frozenset[Role], why: str) -> None:
    if actor.role not in roles:
        raise Forbidden(actor.person, "open this page", why)


# --- boards -----------------------------------------------------------------------------------------------------------


async def queue(request: web.Request) -> web.StreamResponse:
    """Show what the hotline has to do, a tab a state, and the requests that wait for a decision."""
    actor, desk, codes = actor_of(request), desk_of(request), await _codes(request)
    _only(actor, frozenset(Role) - HOLDERS, "this page is for the hotline")
    chosen = request.query.get("state", TicketState.RECEIVED.value)
    counts = {row["state"]: row["tickets"] for row in await desk.store.fetch("state_counts")}
    asked = views.asked(await desk.store.fetch_value("pending_requests", most=PAGE_MOST), codes)
    tabs = [
        (f"/queue?state={state.value}", state.chinese, str(counts.get(state.value, 0)), state.value == chosen)
        for state in QUEUES
    ]
    shown = f"{len(asked)}+" if len(asked) == PAGE_MOST else str(len(asked))
    tabs.append((f"/queue?state={REQUESTS}", words.W.requests_tab, shown, chosen == REQUESTS))
    board = None if chosen == REQUESTS else await _board_of(request, state_of(chosen), codes)
    return _print(
        request,
        "queue.html",
        codes,
        tabs=tabs,
        board=board,
        asked=asked,
        more=_more(f"/queue?state={chosen}", board),
        paged="after" in request.query,
        first=f"/queue?state={chosen}",
    )


async def _board_of(request: web.Request, state: TicketState, codes: Codes, base: str = "/tickets/") -> views.Board:
    desk = desk_of(request)
    after_due, after_id = page_key(request)
    page = await desk.store.fetch_value(
        "board_of_state", state=state, after_due=after_due, after_id=after_id, most=PAGE_LINES
    )
    return views.board(page, codes, desk.now(), most=PAGE_LINES, base=base)


def _more(path: str, board: views.Board | None, name: str = "after") -> str:
    if board is None or not board.after:
        return ""
    return f"{path}{'&' if '?' in path else '?'}{urlencode({name: board.after})}"


async def department(request: web.Request) -> web.StreamResponse:
    """Show what a department owes, the soonest due first, and what it was told lately."""
    actor, desk, codes = actor_of(request), desk_of(request), await _codes(request)
    _only(actor, HOLDERS, "this page is for departments")
    after_due, after_id = page_key(request)
    now, unit = desk.now(), actor.department
    page = await desk.store.fetch_value(
        "board_of_department", department=unit, after_due=after_due, after_id=after_id, most=PAGE_LINES
    )
    board = views.board(page, codes, now, most=PAGE_LINES)
    counts = await desk.store.fetch_row("department_counts", department=unit, at=now)
    told = await desk.store.fetch("notices_of_department", department=unit, role=actor.role, most=NOTICES_SHOWN)
    return _print(
        request,
        "department.html",
        codes,
        unit=codes.department(unit),
        board=board,
        counts=dict(counts) if counts else {"open": 0, "late": 0},
        notices=views.notices(map(dict, told)),
        more=_more("/department", board),
        paged="after" in request.query,
    )


async def follow_up(request: web.Request) -> web.StreamResponse:
    """Show whom to call back, the soonest due first."""
    codes = await _codes(request)
    _only(actor_of(request), INTERVIEWERS, "this page is for follow-up")
    board = await _board_of(request, TicketState.FOLLOW_UP, codes, base="/follow-up/")
    return _print(
        request,
        "follow_up.html",
        codes,
        board=board,
        more=_more("/follow-up", board),
        paged="after" in request.query,
    )


async def search(request: web.Request) -> web.StreamResponse:
    """Find tickets by number, by phone, or by words."""
    actor, desk, codes = actor_of(request), desk_of(request), await _codes(request)
    text = request.query.get("q", "").strip()
    digits = re.sub(r"[\s-]|^\+?86(?=1)", "", text)
    if re.fullmatch(r"[1-9]\d{17}", digits, re.ASCII):
        raise _go(f"/tickets/{digits}")
    board, title, problem = views.Board((), ""), words.W.by_words, ""
    try:
        if re.fullmatch(r"1\d{10}|0\d{9,11}|\d{7,8}", digits, re.ASCII) and actor.role in CALL_ROLES:
            title = words.W.by_phone
            rows = await tickets.tickets_of_phone(desk, text, actor)
            board = views.Board(views.earlier(rows, codes, desk.now()), "")
        elif text:
            board = await _found(request, text, actor, codes)
    except BadInput as error:
        problem = words.explain(error)
    return _print(
        request,
        "search.html",
        codes,
        status=422 if problem else 200,
        board=board,
        title=title,
        problem=problem,
        searched=bool(text),
        more=_more(f"/search?{urlencode({'q': text})}", board, "before"),
    )


async def _found(request: web.Request, text: str, actor: Actor, codes: Codes) -> views.Board:
    desk = desk_of(request)
    before = request.query.get("before", "")
    page = await tickets.search(
        desk,
        text,
        actor,
        before=int(before) if re.fullmatch(r"\d{1,18}", before, re.ASCII) else None,
        most=PAGE_LINES,
    )
    return views.found(page, codes, desk.now(), most=PAGE_LINES)


# --- one ticket -------------------------------------------------------------------------------------------------------


async def ticket(request: web.Request) -> web.StreamResponse:
    """Show one ticket; a suggested unit in the address fills the form for sending."""
    return await _ticket_page(request, _filled(request))


def _filled(request: web.Request) -> views.Attempt:
    action, query = request.query.get("fill", ""), request.query
    if action not in forms.SENDING:
        return views.NOTHING
    return views.Attempt(action=action, typed={name: (query[name],) for name in ("lead", "category") if name in query})


async def back_to_ticket(request: web.Request) -> web.StreamResponse:
    """Lead whoever asks again for the address of a sent form to the ticket itself."""
    raise _go(f"/tickets/{ticket_id(request)}")


async def visit(request: web.Request) -> web.StreamResponse:
    """Show one ticket to whoever calls its callers back: what was said, what was answered, and the questions."""
    _only(actor_of(request), INTERVIEWERS, "this page is for follow-up")
    return await _ticket_page(request, views.NOTHING, template="visit.html")


async def _ticket_page(
    request: web.Request, attempt: views.Attempt, *, template: str = "ticket.html", status: int = 200
) -> web.Response:
    actor, desk, codes = actor_of(request), desk_of(request), await _codes(request)
    seen = await tickets.view(desk, ticket_id(request), actor)
    page = views.page(seen, actor, codes, desk.now(), attempt)
    typed = attempt.typed or {}
    tried = f"{attempt.action}-{attempt.number}"
    shown = any(form.id == tried for group in page.groups for form in group.forms)
    return _print(
        request,
        template,
        codes,
        status=status,
        page=page,
        codes=codes,
        alert=words.explain(attempt.error) if attempt.error else "",
        alert_at=tried if shown else "",
        kept=[] if shown else _kept(typed),
        back="/follow-up" if template == "visit.html" else "",
    )


async def act(request: web.Request) -> web.StreamResponse:
    """Do an action and show the ticket as it is then; what cannot be done comes back with what was typed."""
    typed = await _posted(request)
    name = forms.first(typed, "action")
    subject = do.ACTIONS[name].subject if name in do.ACTIONS else ""
    part = forms.first(typed, subject) if subject else ""
    attempt = views.Attempt(action=name, number=int(part) if part.isdecimal() else 0, typed=typed)
    if "resume" in typed:
        return await _ticket_page(request, attempt)
    codes = await _codes(request)
    try:
        await _do(request, typed, codes)
    except StaleTicket as error:
        return _stale_page(request, codes, error, typed)
    except (DispatchError, BadAction, BadInput) as error:
        failed = views.Attempt(action=name, number=attempt.number, typed=typed, error=_named(error, codes))
        return await _ticket_page(request, failed, status=status_of(error))
    back = forms.first(typed, "back")
    path = back if back == "/follow-up" else f"/tickets/{ticket_id(request)}"
    raise _go(f"{path}?done={name}")


def _named(error: Exception, codes: Codes) -> Exception:
    """Return the error with the unit that it speaks of by its name."""
    if not isinstance(error, RuleBroken) or "department" not in error.facts:
        return error
    facts = {**error.facts, "department": codes.department(error.facts["department"])}
    return RuleBroken(error.ticket_id, error.rule, facts)


async def _do(request: web.Request, typed: forms.Typed, codes: Codes) -> None:
    """Do what a form asks for; a form for sending may fix the category first."""
    desk, actor, id_ = desk_of(request), actor_of(request), ticket_id(request)
    expected = _version(typed)
    action = forms.read_action(typed, codes)
    category = forms.read_category(typed, codes)
    if category:
        amend = do.Amend(category=category, reason=words.W.category_fixed)
        expected = (await tickets.act(desk, id_, amend, actor, expected=expected)).version
    await tickets.act(desk, id_, action, actor, expected=expected)


def _version(typed: forms.Typed) -> int:
    text = forms.first(typed, "expected")
    if not re.fullmatch(r"\d{1,9}", text, re.ASCII):
        raise BadInput("expected", text, "is no version", "the whole number that the page carries")
    return int(text)


def _stale_page(request: web.Request, codes: Codes, error: StaleTicket, typed: forms.Typed) -> web.Response:
    changes = [
        (words.moment(change["at"]), words.action(str(change["action"])), Role.of(str(change["role"])).chinese)
        for change in error.changes
        if isinstance(change["at"], datetime)
    ]
    return _print(
        request,
        "stale.html",
        codes,
        status=409,
        id=str(error.ticket_id),
        number=views.number(error.ticket_id),
        changes=changes,
        typed={name: values for name, values in typed.items() if name != "expected"},
        kept=_kept(typed),
    )


async def unmask(request: web.Request) -> web.StreamResponse:
    """Show one caller in clear on this one answer, after the reason has been kept."""
    typed = await _posted(request)
    number = forms.first(typed, "caller")
    template = "visit.html" if forms.first(typed, "back") == "/follow-up" else "ticket.html"
    try:
        person = await tickets.unmask(
            desk_of(request),
            ticket_id(request),
            int(number) if re.fullmatch(r"\d{1,6}", number, re.ASCII) else 0,
            actor_of(request),
            forms.first(typed, "reason"),
        )
    except BadInput as error:
        return await _ticket_page(request, views.Attempt(error=error), template=template, status=status_of(error))
    return await _ticket_page(request, views.Attempt(clear=person), template=template)


async def add_caller(request: web.Request) -> web.StreamResponse:
    """Add one more caller to an open matter."""
    typed = await _posted(request)
    id_ = ticket_id(request)
    try:
        given = {name: forms.first(typed, name) for name in ("phone", "name", "address")}
        intake_ = tickets.read_intake({"text": "-", **given})
        await tickets.add_caller(desk_of(request), id_, intake_, actor_of(request))
    except (DispatchError, BadInput) as error:
        return await _ticket_page(request, views.Attempt(typed=typed, error=error), status=status_of(error))
    raise _go(f"/tickets/{id_}?done=caller")


# --- intake -----------------------------------------------------------------------------------------------------------


async def intake(request: web.Request) -> web.StreamResponse:
    """Show an empty form for a caller."""
    _only(actor_of(request), tickets.OPENERS, "only the hotline takes matters in")
    new: forms.Typed = {
        "outside_id": (f"web-{secrets.token_hex(12)}",),
        "wants_visit": ("on",),
        "urgency": ("normal",),
        "channel": ("phone",),
        "phone": (request.query.get("phone", ""),),
    }
    return await _intake_page(request, new, {})


async def _intake_page(
    request: web.Request, typed: forms.Typed, errors: Mapping[str, str], *, status: int = 200
) -> web.Response:
    codes = await _codes(request)
    lines, problem = await _earlier(request, forms.first(typed, "phone"), codes)
    shown = dict(errors)
    if problem and "phone" not in shown and "do" in typed:
        shown["phone"] = problem
    return _print(
        request,
        "intake.html",
        codes,
        status=status,
        groups=[(getattr(words.W, group), inputs) for group, inputs in forms.intake(codes, typed, shown)],
        codes=codes,
        outside_id=forms.first(typed, "outside_id"),
        answer=forms.first(typed, "answer"),
        lines=lines,
        errors=shown,
    )


async def _earlier(request: web.Request, phone: str, codes: Codes) -> tuple[tuple[views.Line, ...] | None, str]:
    """Return the earlier tickets of a number, or why there can be none; nothing for no number."""
    if not phone.strip():
        return None, ""
    desk = desk_of(request)
    try:
        rows = await tickets.tickets_of_phone(desk, phone, actor_of(request))
    except BadInput as error:
        return None, f"{words.problem(error.problem)}。"
    return views.earlier(rows, codes, desk.now()), ""


async def earlier(request: web.Request) -> web.StreamResponse:
    """Return the earlier tickets of a number as a piece of the page, for the script that asks while one types."""
    typed = await _posted(request)
    codes = await _codes(request)
    lines, _ = await _earlier(request, forms.first(typed, "phone"), codes)
    return _print(request, "_earlier.html", codes, lines=lines)


async def open_ticket(request: web.Request) -> web.StreamResponse:
    """Open a ticket; the same page sent twice opens one. With an answer given, close it at once."""
    typed = await _posted(request)
    actor, desk, codes = actor_of(request), desk_of(request), await _codes(request)
    _only(actor, tickets.OPENERS, "only the hotline takes matters in")
    if forms.first(typed, "do") == "lookup":
        return await _intake_page(request, typed, {})
    values: dict[str, str] = {**forms.read_intake(typed, codes), "outside_id": forms.first(typed, "outside_id")}
    answer = forms.first(typed, "answer").strip()
    category = values["category"]
    try:
        if answer:
            # A confirmed category would be sent at once, and what was sent cannot be answered any more.
            _check_category(category, codes)
            values["category"] = ""
        opened = await tickets.open_ticket(desk, tickets.read_intake(values), actor)
    except BadInput as error:
        errors = {error.field: f"{words.problem(error.problem)}。"}
        return await _intake_page(request, typed, errors, status=status_of(error))
    done = "opened" if opened.is_new else "known"
    if answer and opened.is_new:
        done = await _answer(request, opened.ticket_id, category, answer)
    raise _go(f"/tickets/{opened.ticket_id}?done={done}")


def _check_category(category: str, codes: Codes) -> None:
    if category and category not in codes.rulebook.categories:
        raise BadInput("category", category, "is unknown")


async def _answer(request: web.Request, ticket_id: int, category: str, text: str) -> str:
    desk, actor = desk_of(request), actor_of(request)
    try:
        if category:
            amend = do.Amend(category=category, reason=words.W.category_fixed)
            await tickets.act(desk, ticket_id, amend, actor)
        await tickets.act(desk, ticket_id, do.Answer(text=text), actor)
    except DispatchError:
        return "not_answered"
    return "answered"


# --- the rest ---------------------------------------------------------------------------------------------------------


async def healthz(request: web.Request) -> web.StreamResponse:
    """Say in one word whether the service can do its work."""
    try:
        await desk_of(request).store.fetch("heartbeats")
    except Unavailable as error:
        return web.Response(text="unavailable\n", status=503, headers={"Retry-After": str(error.retry_after)})
    return web.Response(text="ok\n")


async def static(request: web.Request) -> web.StreamResponse:
    """Give a file of ours, to be kept as long as its address."""
    asset = ASSETS.get(request.match_info["name"])
    if asset is None:
        raise NotFound("page", request.match_info["name"][:40])
    return web.Response(
        body=asset.body,
        content_type=asset.type,
        charset="utf-8",
        headers={"Cache-Control": "public, max-age=31536000, immutable"},
    )
