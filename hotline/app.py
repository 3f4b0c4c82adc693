"""The only place that builds things: a desk from the settings, and the web application around it."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime

from aiohttp import web

from hotline import db, embedded, metrics, models
from hotline.api import events, knowledge, labels, monitor, rules
from hotline.api import routes as api
from hotline.config import Config, Key
from hotline.desk import Desk, wall_clock
from hotline.edge import CONFIG, DESK, errors_as_json, safe_headers, who_asks
from hotline.live import Live
from hotline.predictor import Predictor
from hotline.shelf import Folder, Nowhere, Shelf
from hotline.store import Store
from hotline.stream import Hub
from hotline.vault import Vault
from hotline.web import pages
from hotline.web.refusals import errors_as_pages


@dataclass(frozen=True, slots=True)
class Engines:
    """Where PostgreSQL and Redis are, and the keys for personal data; Redis may be missing."""

    database: str
    redis: str | None
    keys: tuple[Key, ...]


@contextmanager
def engines(config: Config, say: Callable[[str], None]) -> Iterator[Engines]:
    """Give the city's own servers, or start the embedded ones and stop them at the end."""
    if config.database_url:
        yield Engines(config.database_url, config.redis_url, config.keys)
        return
    with embedded.servers(config.home, say) as urls:
        keys = config.keys or embedded.personal_data_keys(config.home)
        yield Engines(urls.database, config.redis_url or urls.redis, keys)


@asynccontextmanager
async def open_desk(
    engines: Engines, config: Config, *, clock: Callable[[], datetime] = wall_clock
) -> AsyncIterator[Desk]:
    """Build a desk on migrated servers; everything it opened is closed at the end."""
    pool = await db.open_pool(engines.database, size=config.pool_size)
    async with db.connection(pool) as connection:
        await db.migrate(connection)
    live = await Live.open(engines.redis, database=engines.database)
    try:
        yield Desk(Store(pool), Vault(engines.keys), live, Predictor(config.models), clock, _shelf(config))
    finally:
        await live.close()
        await pool.close()


def _shelf(config: Config) -> Shelf:
    return Folder(config.attachments) if config.attachments else Nowhere()


def make_application(desk: Desk, config: Config) -> web.Application:
    """Return the web application: pages and API over one desk."""
    application = web.Application(
        middlewares=[metrics.timed, safe_headers, errors_as_json, errors_as_pages, who_asks],
        client_max_size=api.LONGEST_BODY,
    )
    application[DESK] = desk
    application[CONFIG] = config
    application[metrics.METRICS] = metrics.Metrics()
    application[events.HUB] = hub = Hub()
    application.cleanup_ctx.append(lambda _: events.hearing(hub, desk))
    application.cleanup_ctx.append(lambda _: _following(desk))
    application.on_shutdown.append(lambda _: events.let_go(hub))
    application.add_routes(api.routes())
    application.add_routes(events.routes())
    application.add_routes(monitor.routes())
    application.add_routes(rules.routes())
    application.add_routes(labels.routes())
    application.add_routes(knowledge.routes())
    application.add_routes(pages.routes())
    return application


async def _following(desk: Desk) -> AsyncIterator[None]:
    """Judge with the active model while the application lives, whichever that comes to be."""
    task = asyncio.create_task(models.keep_up(desk, f"web-{socket.gethostname()}-{os.getpid()}"))
    yield
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
