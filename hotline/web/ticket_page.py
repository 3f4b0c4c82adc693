"""One ticket: the page, its forms, and what becomes of a form that was sent."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime

from aiohttp import web

from dispatch import actions as do
from dispatch.errors import BadAction, DispatchError, RuleBroken
from dispatch.lifecycle import INTERVIEWERS
from dispatch.model import Actor, Role, Ticket
from hotline import citizens, pictures, tickets
from hotline.edge import (
    CONFIG,
    actor_of,
    desk_of,
    status_of,
    ticket_id,
)
from hotline.errors import BadInput, DoubtfulReply, NotFound, StaleTicket
from hotline.web import entrance, forms, frame, refusals, views, words
from hotline.web.forms import Codes


async def ticket(request: web.Request) -> web.StreamResponse:
    """Show one ticket; a suggested unit in the address fills the form for sending.

    To whoever has just filed it for a caller also the query code to read out, once.
    """
    cookie = request.cookies.get(READ_OUT_COOKIE, "")
    if not cookie:
        return await _ticket_page(request, _filled(request))
    issued = await citizens.read_out(desk_of(request), cookie, ticket_id(request), actor_of(request))
    page = await _ticket_page(request, _filled(request), issued=issued)
    page.del_cookie(READ_OUT_COOKIE, path=f"/tickets/{ticket_id(request)}")
    return page


READ_OUT_COOKIE = "hotline_read_out"


async def to_read_out(request: web.Request, to: web.HTTPSeeOther, id_: int, caller: int) -> web.HTTPSeeOther:
    """Let the page that somebody is led to show a caller's query code once, and send it where the city wants that."""
    if request.app[CONFIG].gateways.sms_codes:
        await citizens.write_to_caller(desk_of(request), id_, caller)
    text = citizens.to_read_out(desk_of(request), id_, caller, actor_of(request))
    life, secure = int(citizens.READ_OUT_LIFE.total_seconds()), request.app[CONFIG].cookie_secure
    to.set_cookie(
        READ_OUT_COOKIE, text, max_age=life, httponly=True, samesite="Lax", secure=secure, path=f"/tickets/{id_}"
    )
    return to


async def issue_code(request: web.Request) -> web.StreamResponse:
    """Give a caller a new query code and show it on this one answer."""
    typed = await entrance.posted(request)
    number = forms.first(typed, "caller")
    try:
        issued = await citizens.issue_code(
            desk_of(request),
            ticket_id(request),
            int(number) if re.fullmatch(r"\d{1,6}", number, re.ASCII) else 0,
            actor_of(request),
            reason=forms.first(typed, "reason"),
            checked=forms.first(typed, "checked"),
        )
    except BadInput as error:
        said = words.explain(error)
        return await _ticket_page(request, views.NOTHING, code_error=said, status=status_of(error))
    if request.app[CONFIG].gateways.sms_codes:
        await citizens.write_to_caller(desk_of(request), issued.ticket, issued.caller)
    return await _ticket_page(request, views.NOTHING, issued=issued, is_reissued=True)


def _filled(request: web.Request) -> views.Attempt:
    action, query = request.query.get("fill", ""), request.query
    if action == "ask_promise" and query.get("assignment", "").isdecimal():
        typed = {"until": (query.get("until", ""),)}
        return views.Attempt(action=action, number=int(query["assignment"]), typed=typed)
    if action not in forms.SENDING:
        return views.NOTHING
    return views.Attempt(action=action, typed={name: (query[name],) for name in ("lead", "category") if name in query})


async def back_to_ticket(request: web.Request) -> web.StreamResponse:
    """Lead whoever asks again for the address of a sent form to the ticket itself."""
    raise frame.go(f"/tickets/{ticket_id(request)}")


async def visit(request: web.Request) -> web.StreamResponse:
    """Show one ticket to whoever calls its callers back: what was said, what was answered, and the questions."""
    entrance.only(actor_of(request), INTERVIEWERS, "this page is for follow-up")
    return await _ticket_page(request, views.NOTHING, template="visit.html")


async def _ticket_page(  # noqa: PLR0913 - a page, and what was just tried on it
    request: web.Request,
    attempt: views.Attempt,
    *,
    template: str = "ticket.html",
    status: int = 200,
    issued: citizens.Issued | None = None,
    is_reissued: bool = False,
    code_error: str = "",
) -> web.Response:
    actor, desk, codes = actor_of(request), desk_of(request), await frame.codes_of(request)
    seen = await tickets.view(desk, ticket_id(request), actor)
    page = views.page(seen, actor, codes, desk.now(), attempt)
    shown_pictures = await pictures.of(desk, seen.file, actor)
    typed = attempt.typed or {}
    tried = f"{attempt.action}-{attempt.number}"
    shown = any(form.id == tried for group in page.groups for form in group.forms)
    return frame.show(
        request,
        template,
        codes,
        status=status,
        page=page,
        issued=issued,
        is_reissued=is_reissued,
        code_error=code_error,
        code_callers=_callers_with_codes(seen, actor),
        codes=codes,
        alert=words.explain(attempt.error) if attempt.error else "",
        alert_at=tried if shown else "",
        kept=[] if shown else refusals.kept(typed),
        pictures=views.pictures(shown_pictures, page.id, codes),
        waiting=sum(not one.event for one in shown_pictures),
        back="/follow-up" if template == "visit.html" else "",
    )


def _callers_with_codes(seen: tickets.View, actor: Actor) -> list[int]:
    """Whom the actor may give a new code; callers who came with a merge have that of their own ticket."""
    if actor.role not in citizens.TALKERS:
        return []
    return [one.number for one in seen.file.ticket.callers if one.origin is None]


async def act(request: web.Request) -> web.StreamResponse:
    """Do an action and show the ticket as it is then; what cannot be done comes back with what was typed."""
    typed, files = await entrance.posted_with_files(request)
    name = forms.first(typed, "action")
    typed = typed | _SHORT.get((name, forms.first(typed, "do")), {})
    subject = do.ACTIONS[name].subject if name in do.ACTIONS else ""
    part = forms.first(typed, subject) if subject else ""
    attempt = views.Attempt(action=name, number=int(part) if part.isdecimal() else 0, typed=typed)
    template = "visit.html" if forms.first(typed, "back") == "/follow-up" else "ticket.html"
    if "resume" in typed:
        return await _ticket_page(request, attempt, template=template)
    codes = await frame.codes_of(request)
    try:
        # Kept before anything may be refused, so that nobody has to choose them twice.
        await pictures.add(desk_of(request), ticket_id(request), pictures.checked(files), actor_of(request))
        after = await _do(request, typed, codes)
        await pictures.send(desk_of(request), after.id, after.version, actor_of(request))
    except StaleTicket as error:
        return _stale_page(request, codes, error, typed)
    except (DispatchError, BadAction, BadInput, DoubtfulReply) as error:
        failed = views.Attempt(action=name, number=attempt.number, typed=typed, error=_named(error, codes))
        return await _ticket_page(request, failed, template=template, status=status_of(error))
    back = forms.first(typed, "back")
    path = back if back == "/follow-up" else f"/tickets/{ticket_id(request)}"
    raise frame.go(f"{path}?done={name}")


_SHORT: Mapping[tuple[str, str], dict[str, tuple[str, ...]]] = {
    ("visit", "no_answer"): {"contact": ("no_answer",)},
    ("visit", "redo"): {"contact": ("reached",), "redo": ("on",)},
}
"""What a button beside the form's own one says at once."""


def _named(error: Exception, codes: Codes) -> Exception:
    """Return the error with the unit that it speaks of by its name."""
    if not isinstance(error, RuleBroken) or "department" not in error.facts:
        return error
    facts = {**error.facts, "department": codes.department(error.facts["department"])}
    return RuleBroken(error.ticket_id, error.rule, facts)


async def _do(request: web.Request, typed: forms.Typed, codes: Codes) -> Ticket:
    """Do what a form asks for; a form for sending may fix the category first."""
    desk, actor, id_ = desk_of(request), actor_of(request), ticket_id(request)
    expected = _version(typed)
    action = forms.read_action(typed, codes)
    category = forms.read_category(typed, codes)
    amend = [do.Amend(category=category, reason=words.W.category_fixed)] if category else []
    return await tickets.act_in_turn(desk, id_, [*amend, action], actor, expected=expected)


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
    return frame.show(
        request,
        "stale.html",
        codes,
        status=409,
        id=str(error.ticket_id),
        number=views.number(error.ticket_id),
        changes=changes,
        typed={name: values for name, values in typed.items() if name != "expected"},
        kept=refusals.kept(typed),
    )


async def unmask(request: web.Request) -> web.StreamResponse:
    """Show one caller in clear on this one answer, after the reason has been kept."""
    typed = await entrance.posted(request)
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
    typed = await entrance.posted(request)
    id_ = ticket_id(request)
    try:
        given = {name: forms.first(typed, name) for name in ("phone", "name", "address")}
        intake_ = tickets.read_intake({"text": "-", **given})
        after = await tickets.add_caller(desk_of(request), id_, intake_, actor_of(request))
    except (DispatchError, BadInput) as error:
        return await _ticket_page(request, views.Attempt(typed=typed, error=error), status=status_of(error))
    raise await to_read_out(request, frame.go(f"/tickets/{id_}?done=caller"), id_, after.callers[-1].number)


async def drop_pictures(request: web.Request) -> web.StreamResponse:
    """Forget the pictures that were chosen and not sent."""
    await entrance.posted(request)
    await pictures.drop(desk_of(request), ticket_id(request), actor_of(request))
    raise frame.go(f"/tickets/{ticket_id(request)}")


async def picture(request: web.Request) -> web.StreamResponse:
    """Give one picture of a ticket to whoever may see it."""
    text = request.match_info["number"]
    if not re.fullmatch(r"\d{1,15}", text, re.ASCII):
        raise NotFound("picture", text[:20])
    found = await pictures.picture(desk_of(request), ticket_id(request), int(text), actor_of(request))
    return frame.picture(*found)
