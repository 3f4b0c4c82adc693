"""The JSON of the knowledge base: searching, reading versions, drafting, publishing. It decides nothing."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from aiohttp import web

from hotline import knowledge
from hotline.api.routes import body_of, check_origin
from hotline.edge import actor_of, desk_of, json_response, whole
from hotline.errors import BadInput
from hotline.tickets import read_moment

_NUMBERS_MOST = 2**31 - 1
_TEXTS = ("code", "question", "answer", "department", "category", "basis", "reason")
_MOMENTS = ("valid_from", "valid_until")


def routes() -> list[web.RouteDef]:
    """Return every route about knowledge."""
    return [
        web.get("/api/v1/knowledge", search),
        web.get("/api/v1/knowledge/drafts", waiting),
        web.post("/api/v1/knowledge/drafts", draft),
        web.post("/api/v1/knowledge/drafts/{id}/publish", publish),
        web.delete("/api/v1/knowledge/drafts/{id}", take_back),
        web.get("/api/v1/knowledge/{code}", versions),
    ]


async def search(request: web.Request) -> web.Response:
    """Return the entries that contain every word of `q`, by code, after `after`; with `all` every one."""
    rows = await knowledge.search(
        desk_of(request),
        request.query.get("q", ""),
        actor_of(request),
        everything="all" in request.query,
        after=request.query.get("after", ""),
    )
    return json_response([dict(row) for row in rows])


async def versions(request: web.Request) -> web.Response:
    """Return every version of an entry, the newest first, and which of them rules now (0: none does yet)."""
    desk = desk_of(request)
    rows = [dict(row) for row in await knowledge.versions(desk, request.match_info["code"], actor_of(request))]
    return json_response({"ruling": knowledge.ruling(rows, desk.now()), "versions": rows})


async def waiting(request: web.Request) -> web.Response:
    """Return the drafts that wait for a second person."""
    return json_response([dict(row) for row in await knowledge.waiting(desk_of(request), actor_of(request))])


async def draft(request: web.Request) -> web.Response:
    """Keep an answer for a second person: {"question", "answer", "department", "category", "basis", "valid_from", …}.

    With `code` and `based_on` it is the change of that version, and with `retired` its end.
    """
    check_origin(request)
    actor, body = actor_of(request), await body_of(request)
    based_on = body.pop("based_on", 0)
    if type(based_on) is not int or not 0 <= based_on <= _NUMBERS_MOST:
        raise BadInput("version", based_on, "is no version", "the newest version, 0 for a new entry")
    return json_response(
        {"id": await knowledge.draft(desk_of(request), _entry(body), actor, based_on=based_on)}, status=201
    )


def _entry(body: dict[str, Any]) -> knowledge.Entry:
    names = [field.name for field in fields(knowledge.Entry)]
    if strange := sorted(set(body) - set(names)):
        raise BadInput(strange[0], body[strange[0]], "is unknown", ", ".join(names))
    given = {name: value for name, value in body.items() if value is not None}
    for name in _TEXTS:
        if not isinstance(given.get(name, ""), str):
            raise BadInput(name, given[name], "is not text")
    if not isinstance(given.get("retired", False), bool):
        raise BadInput("retired", given["retired"], "is neither true nor false", "true, false")
    moments = {name: read_moment(name, given[name]) for name in _MOMENTS if name in given}
    nothing = {"question": "", "answer": "", "department": ""}
    return knowledge.Entry(**{**nothing, **given, **moments})


async def publish(request: web.Request) -> web.Response:
    """Publish a draft of somebody else: the number of its version."""
    check_origin(request)
    return json_response({"version": await knowledge.publish(desk_of(request), _id(request), actor_of(request))})


async def take_back(request: web.Request) -> web.Response:
    """End a draft without publishing it."""
    check_origin(request)
    await knowledge.take_back(desk_of(request), _id(request), actor_of(request))
    return web.Response(status=204)


def _id(request: web.Request) -> int:
    return whole(request.match_info["id"], "id", _NUMBERS_MOST)
