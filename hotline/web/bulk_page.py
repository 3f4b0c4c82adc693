"""The dispatcher's page for many tickets: what waits for dispatch, boxes to choose, one act, its results."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from aiohttp import web

from dispatch.errors import RuleBroken
from dispatch.model import Ticket, TicketState
from hotline import bulk
from hotline.edge import actor_of, desk_of, page_key, status_of
from hotline.errors import BadInput
from hotline.store import File
from hotline.web import entrance, forms, frame, views, words
from hotline.web.forms import Codes

B = words.BULK
_CHOSEN = re.compile(r"([1-9]\d{17})@([1-9]\d{0,8})@([A-Za-z0-9_-]{0,40})", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A ticket that waits; `value` is what the box sends, `barred` why it has none."""

    line: views.Line
    value: str
    unit: str
    why: str
    barred: str
    is_chosen: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What became of one ticket, in words."""

    href: str
    number: tuple[str, ...]
    title: str
    is_done: bool
    text: str


@dataclass(frozen=True, slots=True)
class Told:
    """The words of a page of results, and whence it came: what was done, and where one goes on."""

    title: str
    summary: str
    done: str
    left: str
    back: str
    back_href: str
    again: str
    again_href: str


_TOLD = Told(B.done_title, B.done, B.sent, B.left, words.W.queue, "/queue", B.again, "/queue/bulk")


def routes() -> list[web.RouteDef]:
    """Return the addresses of this page."""
    return [web.get("/queue/bulk", choose), web.post("/queue/bulk", dispatch)]


async def choose(request: web.Request) -> web.StreamResponse:
    """Show what waits for dispatch, with a box beside each ticket that may be dispatched among many."""
    return await _page(request, {}, "")


async def _page(request: web.Request, typed: forms.Typed, alert: str, *, status: int = 200) -> web.Response:
    actor, desk, codes = actor_of(request), desk_of(request), await frame.codes_of(request)
    entrance.only(actor, bulk.DISPATCHERS, "only dispatchers may")
    after_due, after_id = page_key(request)
    page = await desk.store.fetch_value(
        "board_of_state", state=TicketState.RECEIVED, after_due=after_due, after_id=after_id, most=bulk.MOST
    )
    board = views.board(page, codes, desk.now(), most=bulk.MOST)
    files = await bulk.files(desk, [int(line.id) for line in board.lines], actor)
    chosen = set(typed.get("ticket", ()))
    return frame.show(
        request,
        "bulk.html",
        codes,
        status=status,
        lines=[_line(line, files[int(line.id)], codes, chosen) for line in board.lines if int(line.id) in files],
        codes=codes,
        key=forms.first(typed, "key") or secrets.token_hex(12),
        lead=forms.first(typed, "lead"),
        category=forms.first(typed, "category"),
        why=forms.first(typed, "why") or B.why_default,
        alert=alert,
        more=f"/queue/bulk?{urlencode({'after': board.after})}" if board.after else "",
        paged="after" in request.query,
    )


def _line(line: views.Line, file: File, codes: Codes, chosen: set[str]) -> Line:
    first, reason = bulk.suggested(file, codes.rulebook), bulk.barred(file)
    unit = first["department"] if first else ""
    value = f"{file.ticket.id}@{file.ticket.version}@{unit}"
    return Line(
        line=line,
        value=value,
        unit=codes.department(unit),
        why=words.ground(first, codes.leaf(first["category"])) if first else "",
        barred=words.NOT_IN_BULK[reason] if reason else "",
        is_chosen=value in chosen,
    )


async def dispatch(request: web.Request) -> web.StreamResponse:
    """Dispatch the chosen tickets, and show what became of each."""
    typed = await entrance.posted(request)
    desk, codes = desk_of(request), await frame.codes_of(request)
    together = forms.first(typed, "do") == "together"
    try:
        order = _order(typed, codes, together=together)
        results = await bulk.dispatch(desk, list(chosen_of(typed)), order, actor_of(request))
    except BadInput as error:
        return await _page(request, typed, words.explain(error), status=status_of(error))
    return await show_results(
        request,
        results,
        lambda after: B.sent_to.format(codes.department(after.lead.department)) if after.lead else "",
        _TOLD,
    )


async def show_results(
    request: web.Request, results: Sequence[bulk.Result], where: Callable[[Ticket], str], told: Told
) -> web.Response:
    """Show what became of each ticket of many; `where` says where one is afterwards."""
    codes = await frame.codes_of(request)
    files = await bulk.files(desk_of(request), [one.ticket for one in results], actor_of(request))
    done = sum(one.after is not None for one in results)
    return frame.show(
        request,
        "bulk_done.html",
        codes,
        results=[_result(one, files.get(one.ticket), where, codes) for one in results],
        summary=told.summary.format(done, len(results) - done),
        told=told,
    )


def chosen_of(typed: forms.Typed) -> Iterable[bulk.Chosen]:
    """Yield the tickets whose boxes were ticked; raises BadInput for what no page offers."""
    for text in typed.get("ticket", ()):
        found = _CHOSEN.fullmatch(text)
        if found is None:
            raise BadInput("tickets", text[:60], "is unknown", "what the page offers")
        yield bulk.Chosen(int(found[1]), int(found[2]), found[3])


def _order(typed: forms.Typed, codes: Codes, *, together: bool) -> bulk.Order:
    why, key = forms.first(typed, "why").strip()[:500], forms.first(typed, "key")
    if not together:
        return bulk.Order(key=key, why=why, fixed=words.W.category_fixed)
    lead = codes.code("department", forms.first(typed, "lead").strip())
    category = codes.code("category", forms.first(typed, "category").strip())
    if not lead:
        raise BadInput("lead", "", "is missing", "the unit")
    if category and category not in codes.rulebook.categories:
        raise BadInput("category", category, "is unknown")
    return bulk.Order(key=key, lead=lead, category=category, why=why, fixed=words.W.category_fixed)


def _result(one: bulk.Result, file: File | None, where: Callable[[Ticket], str], codes: Codes) -> Result:
    return Result(
        href=f"/tickets/{one.ticket}",
        number=views.number(one.ticket),
        title=words.shortened(file.matter.title) if file else "",
        is_done=one.after is not None,
        text=where(one.after) if one.after else _why_not(one.error, codes),
    )


def _why_not(error: Exception | None, codes: Codes) -> str:
    if isinstance(error, RuleBroken) and "department" in error.facts:
        named = {**error.facts, "department": codes.department(error.facts["department"])}
        error = RuleBroken(error.ticket_id, error.rule, named)
    return words.explain(error) if error else ""
