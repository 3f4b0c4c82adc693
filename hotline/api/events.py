"""GET /api/v1/live: what changes, as server-sent events; each page hears only what its lists would show.

Events: `hello` (the stream begins), `ticket`, `presence`, `notice`, `seen`, `call`, `anew` (something may have been
missed: fetch what you show again) and `bye` (the session is over). Each carries an id; a browser sends the last one
when it comes back. `alive` comes when nothing else does, so that silence means a lost line. Ids and kinds only.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import orjson
from aiohttp import web

from hotline import auth
from hotline.desk import Desk
from hotline.edge import SAFE_HEADERS, SESSION, TOKEN, actor_of, desk_of
from hotline.errors import Unavailable
from hotline.stream import Hub

HUB = web.AppKey("hub", Hub)
HEARTBEAT_SECONDS = 15.0
BREATH_SECONDS = 0.2
"""What comes within this time goes out together."""
RETRY_MS = 2000
_HEADERS = {
    **SAFE_HEADERS,
    "Content-Type": "text/event-stream; charset=utf-8",
    "X-Accel-Buffering": "no",  # nginx would hold it back
}


def routes() -> list[web.RouteDef]:
    """Return the route of the stream."""
    return [web.get("/api/v1/live", live, allow_head=False)]


async def hearing(hub: Hub, desk: Desk) -> AsyncIterator[None]:
    """Hear changes while the application runs."""
    task = asyncio.create_task(hub.hear(desk.live), name="hub")
    yield
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def let_go(hub: Hub) -> None:
    """Let every page go, so that a server which stops need not wait for them."""
    hub.close()


async def live(request: web.Request) -> web.StreamResponse:
    """Send events until the page goes, its session ends, or we stop."""
    actor = actor_of(request)
    hub = request.app[HUB]
    with hub.seat(actor.person):
        return await _stream(request, hub)


async def _stream(request: web.Request, hub: Hub) -> web.StreamResponse:
    response = web.StreamResponse(headers=_HEADERS)
    await response.prepare(request)
    cursor = request.headers.get("Last-Event-ID", "")
    if not cursor:
        cursor = hub.cursor
        await response.write(f"retry: {RETRY_MS}\n".encode() + _event("hello", cursor))
    with contextlib.suppress(ConnectionResetError):
        await _follow(request, response, hub, cursor)
    return response


async def _follow(request: web.Request, response: web.StreamResponse, hub: Hub, cursor: str) -> None:
    while hub.is_open:
        session = await _session(request)
        if session is None:
            await response.write(_event("bye", cursor))
            return
        cursor = await _until_heartbeat(response, hub, cursor, session)
        await response.write(_event("alive", cursor))


async def _until_heartbeat(response: web.StreamResponse, hub: Hub, cursor: str, session: auth.Session) -> str:
    """Send what comes until it is time to show that the line is alive; return where the stream stands then."""
    loop = asyncio.get_running_loop()
    until = loop.time() + HEARTBEAT_SECONDS
    while hub.is_open and (left := until - loop.time()) > 0:
        cursor, text = _news(hub, cursor, session)
        if text:
            await response.write(text)
        await hub.wait(cursor, left)
        await asyncio.sleep(BREATH_SECONDS)
    return cursor


def _news(hub: Hub, cursor: str, session: auth.Session) -> tuple[str, bytes]:
    """Return where the stream stands now, and what the page is told of the way there."""
    news = hub.since(cursor)
    if news is None:
        return hub.cursor, _event("anew", hub.cursor)
    told = [(at, change) for at, change in news]
    mine = (_event(one.name, at, one.told()) for at, one in told if one.is_for(session.actor))
    return (told[-1][0] if told else cursor), b"".join(mine)


async def _session(request: web.Request) -> auth.Session | None:
    """Return the session as it is now: somebody who left, or has another role, hears no more of the old one."""
    try:
        return await auth.peek(desk_of(request), request[TOKEN])
    except Unavailable:
        return request[SESSION]


def _event(name: str, cursor: str, data: object = None) -> bytes:
    return f"id: {cursor}\nevent: {name}\ndata: ".encode() + orjson.dumps(data or {}) + b"\n\n"
