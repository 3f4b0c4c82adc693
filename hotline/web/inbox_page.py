"""The page of notices: what a person's department and role were told, and what of it is new to them."""

from __future__ import annotations

import re
from urllib.parse import urlencode

from aiohttp import web

from hotline import inbox
from hotline.edge import actor_of, desk_of
from hotline.web import entrance, forms, frame, views

PAGE_LINES = 50


async def notices(request: web.Request) -> web.StreamResponse:
    """Show notices, the newest first."""
    actor, desk = actor_of(request), desk_of(request)
    text = request.query.get("before", "")
    before = int(text) if re.fullmatch(r"\d{1,18}", text, re.ASCII) else inbox.FAR
    rows = await inbox.page(desk, actor, before=before, most=PAGE_LINES)
    new = await inbox.unread(desk, actor)
    more = urlencode({"before": rows[-1]["id"]}) if len(rows) == PAGE_LINES else ""
    return frame.show(
        request,
        "notices.html",
        await frame.codes_of(request),
        notices=views.notices(map(dict, rows)),
        new=f"{new.unread}+" if new.unread == inbox.COUNTED_MOST else str(new.unread),
        newest=new.newest,
        more=f"/notices?{more}" if more else "",
        paged=bool(text),
    )


async def mark(request: web.Request) -> web.StreamResponse:
    """Remember what the person has had before them, and show the page again."""
    text = forms.first(await entrance.posted(request), "place")
    if re.fullmatch(r"\d{1,18}", text, re.ASCII):
        await inbox.mark(desk_of(request), actor_of(request), int(text))
    raise frame.go("/notices")
