"""GET /metrics: for Prometheus, with the bearer token of HOTLINE_METRICS_TOKEN; without one there is no such page."""

from __future__ import annotations

import hmac
from datetime import timedelta

from aiohttp import web
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4

from hotline import metrics
from hotline.edge import CONFIG, desk_of
from hotline.errors import NotFound


def routes() -> list[web.RouteDef]:
    """Return the route of the metrics."""
    return [web.get("/metrics", read)]


async def read(request: web.Request) -> web.Response:
    """Return the metrics of this process and of the watch, in the text format of Prometheus."""
    config = request.app[CONFIG]
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    if config.metrics_token is None:
        raise NotFound("page", "metrics")
    if scheme != "Bearer" or not hmac.compare_digest(given.encode("utf-8", "replace"), config.metrics_token.encode()):
        return web.Response(status=401, text="a bearer token is needed\n")
    watch = await metrics.watch(desk_of(request), timedelta(seconds=config.silent_seconds))
    body = request.app[metrics.METRICS].requests() + watch
    return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_PLAIN_0_0_4})
