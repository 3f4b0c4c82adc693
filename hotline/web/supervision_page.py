"""The supervisors' workspace 督办台: lamps over the whole city, and lists of exactly what each number counts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar
from urllib.parse import urlencode

from aiohttp import web

from dispatch.model import Lamp, Rung, Stage, Term
from hotline import supervision
from hotline.edge import actor_of, desk_of, read_page_key, whole
from hotline.errors import BadInput, NotFound
from hotline.store import Row
from hotline.supervision import Filter, Key
from hotline.web import frame, supervision_views, words
from hotline.web.forms import Codes

PAGE_LINES = 50
_LISTS = frozenset(words.SUPERVISION.titles)
_CLOCKS_MOST = 10**6
Code = TypeVar("Code", bound=Term)


async def overview(request: web.Request) -> web.StreamResponse:
    """Show the lamps of the city, or of one unit and those below it."""
    codes = await frame.codes_of(request)
    seen = await supervision.overview(desk_of(request), actor_of(request))
    unit = _unit(request.query, codes)
    stage = _code(Stage, request.query.get("stage", ""), "stage")
    return frame.show(
        request,
        "supervision.html",
        codes,
        tabs=supervision_views.tabs(seen, ""),
        board=supervision_views.board(seen, codes, unit, stage),
        stage=stage.chinese if stage else "",
    )


async def listed(request: web.Request) -> web.StreamResponse:
    """Show the duties, papers, claims or requests that one number counts."""
    desk, actor, codes, query = desk_of(request), actor_of(request), await frame.codes_of(request), request.query
    of = query.get("of", "duties")
    if of not in _LISTS:
        raise NotFound("list", of[:40])
    seen, chosen = await supervision.overview(desk, actor), _filter(query, of, codes)
    after, now = _key(query.get("after", "")), desk.now()
    if of in {"duties", "soon"}:
        rows = await supervision.duties(desk, actor, chosen, after=after, most=PAGE_LINES)
        lines, name = supervision_views.duty_lines(map(dict, rows), codes, now), "due_at"
    elif of in {"papers", "answered"}:
        answered = True if of == "answered" else None
        rows = await supervision.papers(desk, actor, chosen, answered=answered, after=after, most=PAGE_LINES)
        lines, name = supervision_views.paper_lines(of, map(dict, rows), codes, now), "at"
    else:
        rows = await supervision.work(desk, actor, of, after=after, most=PAGE_LINES)
        lines, name = supervision_views.paper_lines(of, map(dict, rows), codes, now), "at"
    first = f"{request.path}?{urlencode({key: value for key, value in query.items() if key != 'after'})}"
    return frame.show(
        request,
        "supervision_list.html",
        codes,
        tabs=supervision_views.tabs(seen, of),
        title=supervision_views.title(of, chosen, codes, _unit(query, codes)),
        lines=lines,
        more=_more(first, rows, name),
        first=first,
        paged="after" in query,
    )


def _filter(query: Mapping[str, str], of: str, codes: Codes) -> Filter:
    unit, rulebook = _unit(query, codes), codes.rulebook
    below = supervision.units_below(rulebook, unit) if unit else None
    return Filter(
        units=(unit,) if unit and query.get("only") else below,
        stage=_code(Stage, query.get("stage", ""), "stage"),
        lamp=_code(Lamp, query.get("lamp", ""), "lamp"),
        rung=_code(Rung, query.get("rung", ""), "rung"),
        soon=of == "soon",
    )


def _unit(query: Mapping[str, str], codes: Codes) -> str:
    unit = query.get("unit", "")
    if unit and unit not in codes.rulebook.every_department:
        raise NotFound("department", unit[:40])
    return unit


def _code(kind: type[Code], text: str, name: str) -> Code | None:
    try:
        return kind.of(text) if text else None
    except ValueError:
        raise BadInput(name, text[:40], "is unknown", ", ".join(kind)) from None


def _key(text: str) -> Key:
    """Read the key of the last line of the page before: a moment, a ticket, and a number within it."""
    if not text:
        return supervision.FIRST
    rest, _, number = text.rpartition(",")
    return *read_page_key(rest), whole(number, "after", _CLOCKS_MOST)


def _more(first: str, rows: list[Row], name: str) -> str:
    if len(rows) < PAGE_LINES:
        return ""
    last = rows[-1]
    key = f"{last[name].isoformat()},{last['id']},{last['clock' if name == 'due_at' else 'number']}"
    return f"{first}&{urlencode({'after': key})}"
