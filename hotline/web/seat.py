"""The agent's workspace: calls, the form that is kept while it is typed, earlier tickets of a number, opening a ticket.

Everything works by plain forms; the script only makes it quicker.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from datetime import timedelta
from http import HTTPStatus

from aiohttp import web

from dispatch import actions as do
from dispatch.errors import DispatchError
from dispatch.model import Line
from hotline import advice, calls, tickets
from hotline.edge import (
    actor_of,
    desk_of,
    status_of,
)
from hotline.errors import BadInput, NotFound
from hotline.web import entrance, forms, frame, seat_views, ticket_page, views, words
from hotline.web.forms import Codes

ANSWERS_SHOWN = 3


async def intake(request: web.Request) -> web.StreamResponse:
    """Show the form: of a call that is in the agent's hand, of something begun before, or an empty one."""
    actor, desk = actor_of(request), desk_of(request)
    entrance.only(actor, tickets.OPENERS, "only the hotline takes matters in")
    new: dict[str, tuple[str, ...]] = {
        "outside_id": (f"web-{secrets.token_hex(12)}",),
        "wants_visit": ("on",),
        "urgency": ("normal",),
        "channel": ("phone",),
    }
    if "call" in request.query:
        call = await calls.in_hand(desk, request.query["call"], actor)
        new |= {"outside_id": (calls.draft_id(call.id),), "phone": (call.phone,)}
    id_ = request.query.get("draft", new["outside_id"][0])
    kept = await calls.draft(desk, id_, actor) if {"call", "draft"} & set(request.query) else None
    return await _intake_page(request, {name: tuple(some) for name, some in kept.typed.items()} if kept else new, {})


async def _intake_page(
    request: web.Request, typed: forms.Typed, errors: Mapping[str, str], *, status: int = 200
) -> web.Response:
    codes, actor, desk = await frame.codes_of(request), actor_of(request), desk_of(request)
    outside_id = forms.first(typed, "outside_id")
    lines, problem = await _earlier(request, forms.first(typed, "phone"), codes, is_call=outside_id.startswith("call-"))
    shown = dict(errors)
    if problem and "phone" not in shown and "do" in typed:
        shown["phone"] = problem
    drafts = seat_views.drafts(await calls.drafts(desk, actor), outside_id)
    return frame.show(
        request,
        "intake.html",
        codes,
        status=status,
        groups=[(getattr(words.W, group), inputs) for group, inputs in forms.intake(codes, typed, shown)],
        codes=codes,
        outside_id=outside_id,
        answer=forms.first(typed, "answer"),
        knowledge=forms.first(typed, "knowledge"),
        lines=lines,
        errors=shown,
        calls=seat_views.calls(await calls.at_hand(desk, actor), desk.now()),
        this_call=outside_id.removeprefix("call-") if outside_id.startswith("call-") else "",
        extension=await calls.extension_of(desk, actor),
        day=seat_views.day(await calls.day_of(desk, actor)),
        drafts=[one for one in drafts if "?draft=" in one.href],
        advice=await _advice(request, typed, codes),
    )


async def _earlier(
    request: web.Request, phone: str, codes: Codes, *, is_call: bool = False
) -> tuple[tuple[views.Line, ...] | None, str]:
    """Return the earlier tickets of a number, or why there can be none; nothing for no number.

    A look at the number of a call that one has taken leaves no trace of its own: taking the call has.
    """
    if not phone.strip():
        return None, ""
    desk = desk_of(request)
    try:
        rows = await tickets.tickets_of_phone(desk, phone, actor_of(request), is_traced=not is_call)
    except BadInput as error:
        return None, f"{words.problem(error.problem)}。"
    return views.earlier(rows, codes, desk.now()), ""


async def earlier(request: web.Request) -> web.StreamResponse:
    """Return the earlier tickets of a number as a piece of the page, for the script that asks while one types."""
    typed = await entrance.posted(request)
    codes = await frame.codes_of(request)
    lines, _ = await _earlier(request, forms.first(typed, "phone"), codes)
    return frame.show(request, "_earlier.html", codes, lines=lines)


# --- calls ------------------------------------------------------------------------------------------------------------


async def calls_now(request: web.Request) -> web.StreamResponse:
    """Return the calls as a piece of the page, for the script that hears of a new one."""
    actor, desk = actor_of(request), desk_of(request)
    found = await calls.at_hand(desk, actor)
    this_call = request.query.get("call", "")
    return frame.show(
        request,
        "_calls.html",
        await frame.codes_of(request),
        calls=seat_views.calls(found, desk.now()),
        this_call=this_call,
    )


async def take(request: web.Request) -> web.StreamResponse:
    """Take a call, or relieve a colleague who fell silent, and go to its form."""
    typed = await entrance.posted(request)
    call = forms.first(typed, "call")
    await calls.take(desk_of(request), call, actor_of(request))
    raise frame.go(f"/intake?call={call}")


async def finish(request: web.Request) -> web.StreamResponse:
    """Put a call away of which no ticket comes."""
    typed = await entrance.posted(request)
    await calls.finish(desk_of(request), forms.first(typed, "call"), None, actor_of(request))
    raise frame.go("/intake?done=finished")


async def sit(request: web.Request) -> web.StreamResponse:
    """Keep at which extension the agent sits."""
    typed = await entrance.posted(request)
    await calls.sit(desk_of(request), forms.first(typed, "extension"), actor_of(request))
    raise frame.go("/intake?done=seat")


async def keep_draft(request: web.Request) -> web.StreamResponse:
    """Keep what is typed; 409 with a sentence once a colleague has the call."""
    typed = await entrance.posted(request)
    await calls.keep_draft(desk_of(request), forms.first(typed, "outside_id"), typed, actor_of(request))
    return web.Response(status=204)


async def drop_draft(request: web.Request) -> web.StreamResponse:
    """Forget something that was begun."""
    typed = await entrance.posted(request)
    await calls.drop_draft(desk_of(request), forms.first(typed, "draft"), actor_of(request))
    raise frame.go("/intake?done=dropped")


# --- what is known beside the words being typed -----------------------------------------------------------------------


async def advise(request: web.Request) -> web.StreamResponse:
    """Return what is known about the words typed so far as a piece of the page."""
    typed = await entrance.posted(request)
    entrance.only(actor_of(request), tickets.OPENERS, "only the hotline takes matters in")
    codes = await frame.codes_of(request)
    return frame.show(request, "_advice.html", codes, advice=await _advice(request, typed, codes))


_ADVISED = ("text", "title", "place", "area", "owner", "type", "confidential")


async def _advice(request: web.Request, typed: forms.Typed, codes: Codes) -> seat_views.Advice:
    desk = desk_of(request)
    text = f"{forms.first(typed, 'title')}{forms.first(typed, 'text')}"
    category = codes.code("category", forms.first(typed, "category").strip())
    given = {name: forms.first(typed, name) for name in _ADVISED}
    given["reported"] = codes.code("department", forms.first(typed, "reported").strip())
    known = category in codes.rulebook.categories
    if not (text.strip() or known):
        return seat_views.Advice()
    try:
        draft = advice.read(given | {"category": category if known else ""})
    except BadInput:  # half typed, or too long: the form itself says so when it is sent
        return seat_views.Advice()
    found = await advice.suggest(desk, draft, actor_of(request))
    likely = category if known else next((code for code, _ in found.categories), "")
    rows = await desk.store.fetch("direct_answers", category=likely, most=ANSWERS_SHOWN) if likely else []
    return seat_views.suggested(found, [dict(row) for row in rows], codes)


# --- opening a ticket -------------------------------------------------------------------------------------------------


async def open_ticket(request: web.Request) -> web.StreamResponse:
    """Open a ticket; the same page sent twice opens one. With an answer given, close it at once."""
    typed = await entrance.posted(request)
    actor, desk, codes = actor_of(request), desk_of(request), await frame.codes_of(request)
    entrance.only(actor, tickets.OPENERS, "only the hotline takes matters in")
    if forms.first(typed, "do") == "lookup":
        return await _intake_page(request, typed, {})
    if forms.first(typed, "use"):
        return await _use_knowledge(request, typed)
    if forms.first(typed, "join"):
        return await _join(request, typed)
    await _still_mine(request, typed)
    values: dict[str, str] = {**forms.read_intake(typed, codes), "outside_id": forms.first(typed, "outside_id")}
    answer, line = forms.first(typed, "answer").strip(), forms.first(typed, "hand_over")
    category, used = values["category"], forms.first(typed, "knowledge").strip()
    try:
        if answer and used and not line:
            await tickets.check_knowledge(desk.store, used, desk.now())
        if answer or line:
            # A confirmed category would be sent at once, and what was sent cannot be answered any more.
            _check_category(category, codes)
            values["category"] = ""
        opened = await tickets.open_ticket(desk, tickets.read_intake(values), actor)
    except BadInput as error:
        errors = {error.field: f"{words.problem(error.problem)}。"}
        kept = {**typed, "knowledge": ("",)} if error.field == "knowledge" else typed
        return await _intake_page(request, kept, errors, status=status_of(error))
    done = "opened" if opened.is_new else "known"
    if (answer or line) and opened.is_new:
        last = do.HandOver(line=Line.of(line)) if line in set(Line) else do.Answer(text=answer, knowledge=used)
        done = await _close(request, opened.ticket_id, category, last)
    took = await _put_away(request, typed, opened.ticket_id)
    to = frame.go(f"/tickets/{opened.ticket_id}?done={done}{took}")
    raise await ticket_page.to_read_out(request, to, opened.ticket_id, 1) if opened.is_new else to


async def _use_knowledge(request: web.Request, typed: forms.Typed) -> web.Response:
    """Put an entry's answer into the form, for whoever has no script."""
    code, _, version = forms.first(typed, "use").partition("@")
    desk = desk_of(request)
    rows = await desk.store.fetch("knowledge_in_force", codes=[code], now=desk.now())
    if not rows or str(rows[0]["version"]) != version:
        errors = {"knowledge": f"{words.problem('is not in force')}。"}
        return await _intake_page(request, typed, errors, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    return await _intake_page(
        request, {**typed, "answer": (rows[0]["answer"],), "knowledge": (forms.first(typed, "use"),)}, {}
    )


async def _still_mine(request: web.Request, typed: forms.Typed) -> None:
    """Refuse the form of a call that a colleague has in hand by now; one that is done has its ticket already."""
    id_ = forms.first(typed, "outside_id")
    if id_.startswith("call-"):
        try:
            await calls.in_hand(desk_of(request), id_.removeprefix("call-"), actor_of(request))
        except NotFound:
            return


async def _join(request: web.Request, typed: forms.Typed) -> web.StreamResponse:
    """Add the caller to a matter that is there already instead of opening another ticket."""
    text = forms.first(typed, "join")
    if not re.fullmatch(r"[1-9]\d{17}", text, re.ASCII):
        raise NotFound("ticket", text[:40])
    await _still_mine(request, typed)
    given = {name: forms.first(typed, name) for name in ("phone", "name", "address")}
    wants_visit = "true" if forms.first(typed, "wants_visit") else "false"
    try:
        caller = tickets.read_intake({"text": "-", "wants_visit": wants_visit, **given})
        after = await tickets.add_caller(desk_of(request), int(text), caller, actor_of(request))
    except BadInput as error:
        errors = {error.field: f"{words.problem(error.problem)}。"}
        return await _intake_page(request, typed, errors, status=status_of(error))
    took = await _put_away(request, typed, int(text))
    to = frame.go(f"/tickets/{text}?done=caller{took}")
    raise await ticket_page.to_read_out(request, to, int(text), after.callers[-1].number)


async def _put_away(request: web.Request, typed: forms.Typed, ticket_id: int) -> str:
    """Finish the call of a form, or forget its draft; return how long it took, for the agent's own eyes."""
    desk, actor, id_ = desk_of(request), actor_of(request), forms.first(typed, "outside_id")
    took: timedelta | None = None
    if id_.startswith("call-"):
        took = await calls.finish(desk, id_.removeprefix("call-"), ticket_id, actor)
    else:
        await calls.drop_draft(desk, id_, actor)
    return f"&took={int(took.total_seconds())}" if took is not None else ""


def _check_category(category: str, codes: Codes) -> None:
    if category and category not in codes.rulebook.categories:
        raise BadInput("category", category, "is unknown")


async def _close(request: web.Request, ticket_id: int, category: str, last: do.Answer | do.HandOver) -> str:
    """Answer at once, or hand the caller over to another line; the ticket keeps that it was so."""
    desk, actor = desk_of(request), actor_of(request)
    try:
        if category:
            amend = do.Amend(category=category, reason=words.W.category_fixed)
            await tickets.act(desk, ticket_id, amend, actor)
        await tickets.act(desk, ticket_id, last, actor)
    except DispatchError:
        return "not_answered"
    return "answered" if isinstance(last, do.Answer) else last.name
