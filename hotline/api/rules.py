"""The JSON of rules and their drafts: reading versions, drafting, looking, publishing. It decides nothing."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from hotline import drafts
from hotline.api.routes import body_of, check_origin, text_of
from hotline.edge import actor_of, desk_of, json_response, whole
from hotline.errors import BadInput
from hotline.tickets import read_moment

_NUMBERS_MOST = 2**31
_DAYS_MOST = 366


def routes() -> list[web.RouteDef]:
    """Return every route about rules."""
    return [
        web.get("/api/v1/rules", versions),
        web.get("/api/v1/rules/{part}/{version}", version),
        web.get("/api/v1/drafts", waiting),
        web.post("/api/v1/drafts", draft),
        web.get("/api/v1/drafts/{id}", look),
        web.post("/api/v1/drafts/{id}/publish", publish),
        web.delete("/api/v1/drafts/{id}", take_back),
    ]


async def versions(request: web.Request) -> web.Response:
    """Return every version of every part of the rulebook: who drafted and published it, and from when it rules."""
    return json_response([dict(row) for row in await drafts.versions(desk_of(request), actor_of(request))])


async def version(request: web.Request) -> web.Response:
    """Return one version of a part as it was published."""
    number = whole(request.match_info["version"], "version", _NUMBERS_MOST)
    row = await drafts.version(desk_of(request), request.match_info["part"], number, actor_of(request))
    return json_response(dict(row))


async def waiting(request: web.Request) -> web.Response:
    """Return the drafts that wait for a second person."""
    return json_response([dict(row) for row in await drafts.waiting(desk_of(request), actor_of(request))])


async def draft(request: web.Request) -> web.Response:
    """Keep new rules: {"part", "body", "source", "effective_at"}; `body` is the part's JSON, or a table's CSV."""
    check_origin(request)
    actor, given = actor_of(request), await body_of(request)
    part, rules, at = text_of(given, "part"), given.get("body"), given.get("effective_at")
    id_ = await drafts.draft(
        desk_of(request),
        part,
        drafts.read(part, rules) if isinstance(rules, str) else rules,
        actor,
        source=text_of(given, "source"),
        effective_at=read_moment("effective_at", at) if at else None,
    )
    return json_response({"id": id_}, status=201)


async def look(request: web.Request) -> web.Response:
    """Return a draft with its problems and changes, what overtakes it, and what a catalogue would have done of late."""
    days = whole(request.query.get("days", str(drafts.TRIED_DAYS)), "days", _DAYS_MOST)
    found = await drafts.look(desk_of(request), _id(request), actor_of(request), days=days)
    return json_response(told(found))


def told(found: drafts.Look) -> dict[str, Any]:
    """Return a look as plain values."""
    rest = {name: getattr(found, name) for name in ("problems", "added", "removed", "trial", "overtaken")}
    return {"draft": dict(found.draft), **rest}


async def publish(request: web.Request) -> web.Response:
    """Publish a draft of somebody else: its version, which rules from its date on."""
    check_origin(request)
    number = await drafts.publish(desk_of(request), _id(request), actor_of(request))
    return json_response({"version": number})


async def take_back(request: web.Request) -> web.Response:
    """End a draft without publishing it."""
    check_origin(request)
    await drafts.take_back(desk_of(request), _id(request), actor_of(request))
    return web.Response(status=204)


def _id(request: web.Request) -> int:
    text = request.match_info["id"]
    if not (text.isascii() and text.isdigit() and len(text) < len(str(_NUMBERS_MOST))):
        raise BadInput("id", text[:40], "is no number of a draft")
    return int(text)
