"""The addresses of the pages; each workspace has a module beside this one.

Every page works without scripts. Every form carries the session's token. An error becomes a plain Chinese page with
the right status; what was typed is never lost with it.
"""

from __future__ import annotations

from aiohttp import web

from hotline.edge import (
    desk_of,
)
from hotline.errors import NotFound, Unavailable
from hotline.web import (
    boards,
    bulk_page,
    card_page,
    case_page,
    citizen,
    entrance,
    frame,
    hand_over_page,
    inbox_page,
    knowledge_page,
    labels_page,
    people_page,
    presence_page,
    register_page,
    rules_page,
    seat,
    supervision_page,
    tables_page,
    ticket_page,
)


def routes() -> list[web.AbstractRouteDef]:
    """Return every route of the pages."""
    return [
        web.get("/", entrance.start),
        web.get("/login", entrance.login_page),
        web.post("/login", entrance.log_in),
        web.post("/logout", entrance.log_out),
        web.get("/queue", boards.queue),
        web.get("/department", boards.department),
        web.get("/follow-up", boards.follow_up),
        web.get("/follow-up/{id}", ticket_page.visit),
        web.get("/intake", seat.intake),
        web.post("/intake", seat.open_ticket),
        web.post("/intake/earlier", seat.earlier),
        web.get("/intake/calls", seat.calls_now),
        web.post("/intake/take", seat.take),
        web.post("/intake/finish", seat.finish),
        web.post("/intake/seat", seat.sit),
        web.post("/intake/draft", seat.keep_draft),
        web.post("/intake/drop", seat.drop_draft),
        web.post("/intake/advice", seat.advise),
        web.get("/supervision", supervision_page.overview),
        web.get("/supervision/list", supervision_page.listed),
        *bulk_page.routes(),
        *hand_over_page.routes(),
        *presence_page.routes(),
        *knowledge_page.routes(),
        *people_page.routes(),
        web.get("/labels", labels_page.labels),
        web.post("/labels", labels_page.label),
        web.get("/rules", rules_page.overview),
        *register_page.routes(),
        *tables_page.routes(),
        web.get("/rules/drafts/{id}", rules_page.draft),
        web.post("/rules/drafts/{id}", rules_page.end),
        web.get("/rules/{part}", rules_page.part),
        web.post("/rules/{part}", rules_page.edit),
        web.get("/search", boards.search),
        web.post("/search", boards.look_for),
        web.get("/notices", inbox_page.notices),
        web.post("/notices/seen", inbox_page.mark),
        web.get("/tickets/{id}", ticket_page.ticket),
        web.get("/tickets/{id}/cards", card_page.deadline_cards),
        web.get("/tickets/{id}/case/{order}", case_page.case_file),
        web.get("/tickets/{id}/print", case_page.printed),
        web.get("/tickets/{id}/{form:act|unmask|callers|code}", ticket_page.back_to_ticket),
        web.post("/tickets/{id}/code", ticket_page.issue_code),
        web.get("/tickets/{id}/pictures/{number}", ticket_page.picture),
        web.post("/tickets/{id}/pictures/drop", ticket_page.drop_pictures),
        web.post("/tickets/{id}/act", ticket_page.act),
        web.post("/tickets/{id}/unmask", ticket_page.unmask),
        web.post("/tickets/{id}/callers", ticket_page.add_caller),
        *citizen.routes(),
        web.get("/healthz", healthz),
        web.get("/static/{name}", static),
    ]


async def healthz(request: web.Request) -> web.StreamResponse:
    """Say in one word whether the service can do its work."""
    try:
        await desk_of(request).store.fetch("heartbeats")
    except Unavailable as error:
        return web.Response(text="unavailable\n", status=503, headers={"Retry-After": str(error.retry_after)})
    return web.Response(text="ok\n")


async def static(request: web.Request) -> web.StreamResponse:
    """Give a file of ours, to be kept as long as its address."""
    asset = frame.ASSETS.get(request.match_info["name"])
    if asset is None:
        raise NotFound("page", request.match_info["name"][:40])
    return web.Response(
        body=asset.body,
        content_type=asset.type,
        charset="utf-8",
        headers={"Cache-Control": "public, max-age=31536000, immutable"},
    )
