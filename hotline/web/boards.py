"""The lists: what the hotline and the departments have to do, whom to call back, and what a search finds."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from urllib.parse import urlencode

from aiohttp import web

from dispatch.lifecycle import HOLDERS, INTERVIEWERS
from dispatch.model import Actor, Role, TicketState
from hotline import bulk, tickets
from hotline.desk import Desk
from hotline.edge import (
    actor_of,
    desk_of,
    page_key,
    state_of,
)
from hotline.errors import BadInput
from hotline.store import PAGE_MOST
from hotline.web import entrance, forms, frame, views, words
from hotline.web.forms import Codes

PAGE_LINES = 50
NOTICES_SHOWN = 12
COUNTED_MOST = 1_000
"""Beyond this a tab says 'and more': nobody counts a thousand by eye, and to count on costs as much as there are."""
CALL_ROLES = tickets.UNSEALERS - HOLDERS
QUEUES = (TicketState.RECEIVED, TicketState.ANALYSIS, TicketState.REVIEW, TicketState.FOLLOW_UP)
REQUESTS = "requests"


async def queue(request: web.Request) -> web.StreamResponse:
    """Show what the hotline has to do, a tab a state, and the requests that wait for a decision."""
    actor, desk, codes = actor_of(request), desk_of(request), await frame.codes_of(request)
    entrance.only(actor, frozenset(Role) - HOLDERS, "this page is for the hotline")
    chosen = request.query.get("state", TicketState.RECEIVED.value)
    counts, waiting = await desk.together("queues", lambda: _counted(desk))
    page = await desk.together(REQUESTS, lambda: _requests(desk)) if chosen == REQUESTS else "[]"
    tabs = [
        (f"/queue?state={state.value}", state.chinese, _up_to(counts[state.value]), state.value == chosen)
        for state in QUEUES
    ]
    tabs.append((f"/queue?state={REQUESTS}", words.W.requests_tab, _up_to(waiting), chosen == REQUESTS))
    board = None if chosen == REQUESTS else await _board_of(request, state_of(chosen), codes)
    return frame.show(
        request,
        "queue.html",
        codes,
        tabs=tabs,
        board=board,
        asked=views.asked(page, codes),
        may_bulk=actor.role in bulk.DISPATCHERS and chosen == TicketState.RECEIVED,
        more=_more(f"/queue?state={chosen}", board),
        paged="after" in request.query,
        first=f"/queue?state={chosen}",
    )


async def _counted(desk: Desk) -> tuple[Mapping[str, int], int]:
    """How many tickets are in each queue, and how many requests wait, as far as they are counted."""
    rows = await desk.store.fetch("state_counts", states=list(QUEUES), most=COUNTED_MOST)
    waiting: int = await desk.store.fetch_value("pending_requests_count", most=COUNTED_MOST)
    return {row["state"]: row["tickets"] for row in rows}, waiting


def _up_to(number: int) -> str:
    return f"{number}+" if number == COUNTED_MOST else str(number)


async def _board_of(request: web.Request, state: TicketState, codes: Codes, base: str = "/tickets/") -> views.Board:
    desk, after = desk_of(request), page_key(request)
    # When something happens, many ask for the first page at the same moment; they read it together.
    first = "after" not in request.query
    page = await (
        desk.together(f"queue {state}", lambda: _lines(desk, state, *after)) if first else _lines(desk, state, *after)
    )
    return views.board(page, codes, desk.now(), most=PAGE_LINES, base=base)


async def _lines(desk: Desk, state: TicketState, after_due: datetime, after_id: int) -> str:
    page: str = await desk.store.fetch_value(
        "board_of_state", state=state, after_due=after_due, after_id=after_id, most=PAGE_LINES
    )
    return page


async def _requests(desk: Desk) -> str:
    page: str = await desk.store.fetch_value("pending_requests", most=PAGE_MOST)
    return page


def _more(path: str, board: views.Board | None, name: str = "after") -> str:
    if board is None or not board.after:
        return ""
    return f"{path}{'&' if '?' in path else '?'}{urlencode({name: board.after})}"


async def department(request: web.Request) -> web.StreamResponse:
    """Show what a department owes, the soonest due first, and what it was told lately."""
    actor, desk, codes = actor_of(request), desk_of(request), await frame.codes_of(request)
    entrance.only(actor, HOLDERS, "this page is for departments")
    after_due, after_id = page_key(request)
    now, unit = desk.now(), actor.department
    row = await desk.store.fetch_row(
        "department_page",
        department=unit,
        role=actor.role,
        units=tickets.units_seen(actor, codes.rulebook),
        at=now,
        after_due=after_due,
        after_id=after_id,
        most=PAGE_LINES,
        notices=NOTICES_SHOWN,
    )
    assert row is not None  # noqa: S101 - it counts together, so there always is one
    board = views.board(row["page"], codes, now, most=PAGE_LINES)
    return frame.show(
        request,
        "department.html",
        codes,
        unit=codes.department(unit),
        board=board,
        counts={"open": row["open"], "late": row["late"]},
        notices=views.told_lately(row["told"]),
        more=_more("/department", board),
        paged="after" in request.query,
    )


async def follow_up(request: web.Request) -> web.StreamResponse:
    """Show whom to call back: who may be called now, the soonest due first, then who later."""
    codes = await frame.codes_of(request)
    entrance.only(actor_of(request), INTERVIEWERS, "this page is for follow-up")
    after_due, after_id = page_key(request)
    desk = desk_of(request)
    rows = await desk.store.fetch("visit_queue", after_due=after_due, after_id=after_id, most=PAGE_LINES)
    found = views.dialling([dict(row) for row in rows], codes, desk.now(), most=PAGE_LINES)
    return frame.show(
        request,
        "follow_up.html",
        codes,
        found=found,
        more=f"/follow-up?{urlencode({'after': found.after})}" if found.after else "",
        paged="after" in request.query,
    )


_TICKET = re.compile(r"[1-9]\d{17}", re.ASCII)
_PHONE = re.compile(r"1\d{10}|0\d{9,11}|\d{7,8}", re.ASCII)


def _digits(text: str) -> str:
    return re.sub(r"[\s-]|^\+?86(?=1)", "", text)


async def look_for(request: web.Request) -> web.StreamResponse:
    """Look for what was typed: a ticket's number leads there, words to their page; a phone stands in no address."""
    typed = await entrance.posted(request)
    text = forms.first(typed, "q").strip()
    if _TICKET.fullmatch(_digits(text)):
        raise frame.go(f"/tickets/{_digits(text)}")
    actor = actor_of(request)
    if not _PHONE.fullmatch(_digits(text)) or actor.role not in CALL_ROLES:
        raise frame.go(f"/search?{urlencode({'q': text})}")
    desk, codes = desk_of(request), await frame.codes_of(request)
    rows = await tickets.tickets_of_phone(desk, text, actor)
    board = views.Board(views.earlier(rows, codes, desk.now()), "")
    return _found_page(request, codes, board, title=words.W.by_phone, searched=True)


async def search(request: web.Request) -> web.StreamResponse:
    """Find tickets by words; a phone number in the address is not looked for: it would stay in logs."""
    actor, codes = actor_of(request), await frame.codes_of(request)
    text = request.query.get("q", "").strip()
    board, problem = views.Board((), ""), ""
    try:
        if _PHONE.fullmatch(_digits(text)) and actor.role in CALL_ROLES:
            problem = words.W.phone_by_form
        elif text:
            board = await _found(request, text, actor, codes)
    except BadInput as error:
        problem = words.explain(error)
    more = _more(f"/search?{urlencode({'q': text})}", board, "before")
    return _found_page(request, codes, board, title=words.W.by_words, searched=bool(text), problem=problem, more=more)


def _found_page(  # noqa: PLR0913 - what was found, and how it is told
    request: web.Request,
    codes: Codes,
    board: views.Board,
    *,
    title: str,
    searched: bool,
    problem: str = "",
    more: str = "",
) -> web.Response:
    return frame.show(
        request,
        "search.html",
        codes,
        status=422 if problem else 200,
        board=board,
        title=title,
        problem=problem,
        searched=searched,
        more=more,
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
