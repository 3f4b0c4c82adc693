"""The page of a ticket's deadline cards, now or at any past moment; it prints as it stands."""

from __future__ import annotations

from aiohttp import web

from dispatch.worktime import ZONE
from hotline import cards
from hotline.edge import actor_of, desk_of, moment_of, ticket_id
from hotline.web import card_views, frame, views


async def deadline_cards(request: web.Request) -> web.StreamResponse:
    """Show why each deadline of a ticket is what it is, the open ones first."""
    desk, codes = desk_of(request), await frame.codes_of(request)
    at = moment_of(request.query.get("at", ""), "at")
    made = await cards.cards(desk, ticket_id(request), actor_of(request), at=at)
    ordered = sorted(made, key=lambda one: (not one.clock.is_running, not one.clock.kind.is_duty, one.clock.due_at))
    shown_at = (at or desk.now()).astimezone(ZONE).replace(tzinfo=None).isoformat(timespec="seconds")
    told = [card_views.tell(one, codes) for one in ordered]
    return frame.show(
        request,
        "cards.html",
        codes,
        id=str(ticket_id(request)),
        number=views.number(ticket_id(request)),
        at=shown_at,
        cards=told,
        calendars=tuple(dict.fromkeys(one.calendar for one in told)),
    )
