"""The agent's workspace: the form for a caller, the earlier tickets of a number, and opening a ticket."""

from __future__ import annotations

import secrets
from collections.abc import Mapping

from aiohttp import web

from dispatch import actions as do
from dispatch.errors import DispatchError
from hotline import tickets
from hotline.edge import (
    actor_of,
    desk_of,
    status_of,
)
from hotline.errors import BadInput
from hotline.web import entrance, forms, frame, views, words
from hotline.web.forms import Codes


async def intake(request: web.Request) -> web.StreamResponse:
    """Show an empty form for a caller."""
    entrance.only(actor_of(request), tickets.OPENERS, "only the hotline takes matters in")
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
    codes = await frame.codes_of(request)
    lines, problem = await _earlier(request, forms.first(typed, "phone"), codes)
    shown = dict(errors)
    if problem and "phone" not in shown and "do" in typed:
        shown["phone"] = problem
    return frame.show(
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
    typed = await entrance.posted(request)
    codes = await frame.codes_of(request)
    lines, _ = await _earlier(request, forms.first(typed, "phone"), codes)
    return frame.show(request, "_earlier.html", codes, lines=lines)


async def open_ticket(request: web.Request) -> web.StreamResponse:
    """Open a ticket; the same page sent twice opens one. With an answer given, close it at once."""
    typed = await entrance.posted(request)
    actor, desk, codes = actor_of(request), desk_of(request), await frame.codes_of(request)
    entrance.only(actor, tickets.OPENERS, "only the hotline takes matters in")
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
    raise frame.go(f"/tickets/{opened.ticket_id}?done={done}")


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
