"""The JSON of what the work teaches: tickets to label, and what the nights of learning came to. It decides nothing."""

from __future__ import annotations

from aiohttp import web

from hotline import learning
from hotline.api.routes import body_of, check_origin, text_of
from hotline.edge import actor_of, desk_of, json_response, ticket_id


def routes() -> list[web.RouteDef]:
    """Return every route about learning."""
    return [
        web.get("/api/v1/labels", waiting),
        web.post("/api/v1/labels/{id}", label),
        web.get("/api/v1/lessons", lessons),
    ]


async def waiting(request: web.Request) -> web.Response:
    """Return the tickets whose label would teach the model most, the best first."""
    rows = await learning.waiting(desk_of(request), actor_of(request))
    return json_response([dict(row) | {"ticket_id": str(row["ticket_id"])} for row in rows])


async def label(request: web.Request) -> web.Response:
    """Say which category a ticket really has: {"category"}; who said so and when is kept."""
    check_origin(request)
    category = text_of(await body_of(request), "category")
    await learning.label(desk_of(request), ticket_id(request), category, actor_of(request))
    return web.Response(status=204)


async def lessons(request: web.Request) -> web.Response:
    """Return what the last nights of learning came to, the newest first."""
    return json_response([dict(row) for row in await learning.lessons(desk_of(request), actor_of(request))])
