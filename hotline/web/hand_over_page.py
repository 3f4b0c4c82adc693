"""What a closed unit still has: its open tickets, and one form that hands those chosen over to its successor.

Its people are moved one by one where people are kept (see `people_page`).
"""

from __future__ import annotations

import secrets
from urllib.parse import urlencode

from aiohttp import web

from hotline import bulk
from hotline.edge import actor_of, desk_of, page_key, status_of
from hotline.errors import BadInput, NotFound
from hotline.store import File
from hotline.web import bulk_page, entrance, forms, frame, views, words

H = words.HAND_OVER
PATH = "/rules/departments/hand-over"


def routes() -> list[web.RouteDef]:
    """Return the addresses of this page."""
    return [web.get(PATH, choose), web.post(PATH, hand_over)]


async def choose(request: web.Request) -> web.StreamResponse:
    """Show the open tickets of a unit, with a box beside each that may be handed over among many."""
    return await _page(request, request.query.get("key", ""), {}, "")


async def _page(request: web.Request, unit: str, typed: forms.Typed, alert: str, *, status: int = 200) -> web.Response:
    actor, desk, codes = actor_of(request), desk_of(request), await frame.codes_of(request)
    entrance.only(actor, bulk.DISPATCHERS, "only dispatchers may")
    if unit not in codes.rulebook.every_department:
        raise NotFound("rules", unit[:60])
    after_due, after_id = page_key(request)
    page = await desk.store.fetch_value(
        "board_of_department", department=unit, after_due=after_due, after_id=after_id, most=bulk.MOST
    )
    board = views.board(page, codes, desk.now(), most=bulk.MOST)
    files = await bulk.files(desk, [int(line.id) for line in board.lines], actor)
    chosen = set(typed.get("ticket", ()))
    return frame.show(
        request,
        "hand_over.html",
        codes,
        status=status,
        unit=unit,
        name=codes.department(unit),
        heir=codes.department(bulk.successor(unit, codes.rulebook)),
        lines=[_line(line, files[int(line.id)], unit, chosen) for line in board.lines if int(line.id) in files],
        key=forms.first(typed, "key") or secrets.token_hex(12),
        why=forms.first(typed, "why"),
        alert=alert,
        more=f"{_address(unit)}&{urlencode({'after': board.after})}" if board.after else "",
        first=_address(unit),
        paged="after" in request.query,
    )


def _address(unit: str) -> str:
    return f"{PATH}?{urlencode({'key': unit})}"


def _line(line: views.Line, file: File, unit: str, chosen: set[str]) -> bulk_page.Line:
    value, reason = f"{file.ticket.id}@{file.ticket.version}@", bulk.kept_back(file, unit)
    duties = {one.duty.chinese for one in file.ticket.assignments if one.department == unit and one.is_open}
    return bulk_page.Line(
        line=line,
        value=value,
        unit="、".join(sorted(duties)),
        why=line.state,
        barred=words.NOT_IN_BULK[reason] if reason else "",
        is_chosen=value in chosen,
    )


async def hand_over(request: web.Request) -> web.StreamResponse:
    """Hand the chosen tickets over, and show what became of each."""
    typed = await entrance.posted(request)
    desk, actor, codes = desk_of(request), actor_of(request), await frame.codes_of(request)
    unit = forms.first(typed, "unit")
    order = bulk.HandOver(key=forms.first(typed, "key"), unit=unit, why=forms.first(typed, "why")[:500])
    try:
        results = await bulk.hand_over(desk, list(bulk_page.chosen_of(typed)), order, actor)
    except BadInput as error:
        return await _page(request, unit, typed, words.explain(error), status=status_of(error))
    heir = H.to.format(codes.department(bulk.successor(unit, codes.rulebook)))
    return await bulk_page.show_results(
        request,
        results,
        lambda _after: heir,
        bulk_page.Told(
            H.done_title,
            H.done,
            H.moved,
            H.left,
            codes.department(unit),
            f"/rules/departments/row?{urlencode({'key': unit})}",
            H.again,
            _address(unit),
        ),
    )
