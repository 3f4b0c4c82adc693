"""What Prometheus reads: how long requests take in this process, and how the watch is, from the database.

No person, ticket or text is in any label; routes are named by their pattern, never by what was asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from time import perf_counter

from aiohttp import web
from prometheus_client import CollectorRegistry, Gauge, Histogram, generate_latest

from hotline.desk import Desk
from hotline.edge import Handler
from hotline.errors import Unavailable
from hotline.guard import health

STREAM = "/api/v1/live"
"""Its requests last as long as a page is open; that is no latency."""
_BUCKETS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10)


class Metrics:
    """The requests of one process."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._latency = Histogram(
            "hotline_request_seconds",
            "How long requests took, by the pattern of their address.",
            ("method", "route", "status"),
            buckets=_BUCKETS,
            registry=self._registry,
        )

    def requests(self) -> bytes:
        """Return what was counted, in the text format of Prometheus."""
        return generate_latest(self._registry)

    def time(self, request: web.Request, status: int, seconds: float) -> None:
        """Count one request."""
        resource = request.match_info.route.resource
        route = resource.canonical if resource else "none"
        if route != STREAM:
            # A method is whatever a client writes; only those that are routed may make a series.
            method = request.method if resource else "any"
            self._latency.labels(method, route, str(status)).observe(seconds)


METRICS = web.AppKey("metrics", Metrics)


@web.middleware
async def timed(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Time a request, whatever becomes of it."""
    began, status = perf_counter(), 500
    try:
        response = await handler(request)
        status = response.status
    except web.HTTPException as answer:
        status = answer.status
        raise
    finally:
        request.app[METRICS].time(request, status, perf_counter() - began)
    return response


async def watch(desk: Desk, silent_after: timedelta) -> bytes:
    """Return how the watch is, in the text format of Prometheus; without a database only that it is away."""
    registry = CollectorRegistry()
    _set(registry, "hotline_redis_up", "Whether Redis answered when it was last asked.", float(desk.live.connected))
    try:
        await _from_database(registry, desk, silent_after)
    except Unavailable:
        up = 0.0
    else:
        up = 1.0
    _set(registry, "hotline_database_up", "Whether PostgreSQL answers.", up)
    return generate_latest(registry)


async def _from_database(registry: CollectorRegistry, desk: Desk, silent_after: timedelta) -> None:
    now = desk.now()
    seen = await health(desk, silent_after)
    deliveries = await desk.store.fetch_row("deliveries_by_state", now=now, since=now - timedelta(days=1))
    alarms: dict[str, float] = dict.fromkeys(("dead", "silent", "behind", "delivery", "look"), 0.0)
    for row in await desk.store.fetch("open_alarms"):
        alarms[row["kind"]] += 1
    waiting = await desk.store.fetch_value("notices_waiting")
    ages = {sign.worker: (now - sign.at).total_seconds() for sign in seen.signs}
    states = {name: float(count) for name, count in (deliveries.items() if deliveries else ())}
    _set(registry, "hotline_watch_lag_seconds", "By how much the most overdue look is late.", seen.lag.total_seconds())
    _set(registry, "hotline_due_looks", "Clocks that want a look now, counted up to 10000.", float(seen.due))
    _set(registry, "hotline_workers_alive", "Workers that gave a sign of life lately.", float(seen.alive))
    _set(registry, "hotline_notices_waiting", "Notices not handed out yet, counted up to 10000.", float(waiting))
    _labelled(registry, "hotline_worker_beat_age_seconds", "Since each worker's last sign of life.", "worker", ages)
    _labelled(registry, "hotline_deliveries", "Deliveries that wait, are due, failed within a day.", "state", states)
    _labelled(registry, "hotline_alarms_open", "Alarms about the watch that are not over.", "kind", alarms)


def _set(registry: CollectorRegistry, name: str, sentence: str, value: float) -> None:
    Gauge(name, sentence, registry=registry).set(value)


def _labelled(registry: CollectorRegistry, name: str, sentence: str, label: str, values: Mapping[str, float]) -> None:
    gauge = Gauge(name, sentence, (label,), registry=registry)
    for value, number in values.items():
        gauge.labels(value).set(number)
