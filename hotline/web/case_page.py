"""Papers for the file, without forms: a case against a unit 移交材料, and the ticket as the filed 工单."""

from __future__ import annotations

from aiohttp import web

from hotline import casefile, tickets
from hotline.edge import actor_of, desk_of, ticket_id, whole
from hotline.web import case_views, frame, views, words

_ORDERS_MOST = 10**6


async def case_file(request: web.Request) -> web.StreamResponse:
    """Show the case that one paper belongs to, to supervisors; each look is kept."""
    desk, codes = desk_of(request), await frame.codes_of(request)
    number = whole(request.match_info["order"], "order", _ORDERS_MOST)
    made = await casefile.case_file(desk, ticket_id(request), number, actor_of(request))
    return frame.show(
        request,
        "case.html",
        codes,
        case=case_views.tell(made, codes),
        printed=words.exact(desk.now()),
    )


async def printed(request: web.Request) -> web.StreamResponse:
    """Show a ticket in one column, as it is filed; callers stay masked."""
    actor, desk, codes = actor_of(request), desk_of(request), await frame.codes_of(request)
    seen = await tickets.view(desk, ticket_id(request), actor)
    now = desk.now()
    page = views.page(seen, actor, codes, now)
    return frame.show(
        request,
        "print.html",
        codes,
        page=page,
        clocks=case_views.clock_rows(page),
        printed=words.exact(now),
    )
