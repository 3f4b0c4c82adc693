"""Who else is at a ticket, as a piece of its page that a script asks for every few seconds."""

from __future__ import annotations

from aiohttp import web

from dispatch.model import Role
from dispatch.rulebook import HOTLINE
from hotline import presence
from hotline.edge import actor_of, desk_of, ticket_id
from hotline.web import entrance, forms, frame, words
from hotline.web.forms import Codes

P = words.PRESENCE


def routes() -> list[web.RouteDef]:
    """Return the address of this piece."""
    return [web.post("/tickets/{id}/presence", come)]


async def come(request: web.Request) -> web.StreamResponse:
    """Keep that the page is open, or closed, and return who else is there."""
    typed = await entrance.posted(request)
    desk, actor, id_, tab = desk_of(request), actor_of(request), ticket_id(request), forms.first(typed, "tab")
    if forms.first(typed, "gone"):
        await presence.leave(desk, id_, actor, tab)
        return web.Response(status=204)
    found = await presence.come(desk, id_, actor, tab, writing=bool(forms.first(typed, "writing")))
    codes = await frame.codes_of(request)
    present = [(_sentence(one, actor.department, codes), one.writing) for one in found]
    is_busy = any(one.writing for one in found)
    return frame.show(request, "_present.html", codes, present=present, is_busy=is_busy)


def _sentence(one: presence.Here, own: str, codes: Codes) -> str:
    sentence: str = P.writing if one.writing else P.looking
    return sentence.format(_who(one, own, codes))


def _who(one: presence.Here, own: str, codes: Codes) -> str:
    """Somebody as the reader may know them: by name among colleagues and for the hotline, else by the unit alone."""
    if one.name:
        unit = "" if one.department == own else f"{codes.department(one.department)} "
        return str(P.known.format(name=one.name, unit=unit, role=Role.of(one.role).chinese))
    return str(P.hotline if one.department == HOTLINE else P.someone.format(codes.department(one.department)))
