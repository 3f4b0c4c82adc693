"""Time: it asks what is due, calls the service and sleeps. What a deadline means is not its business.

Several workers may run; none shares a row with another, and one that dies loses nothing. A turn that fails is
logged and tried again: one bad moment never stops supervision.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta
from time import time

from hotline import calendars, learning, models, tickets
from hotline.config import Config
from hotline.desk import Desk
from hotline.errors import Unavailable
from hotline.notify import Sender
from hotline.stream import Change, announce

_log = logging.getLogger(__name__)
IDLE_SECONDS = 1.0
LEARN_SECONDS = 300.0
DELIVER_SECONDS = 0.25
"""An idle turn of handing out reads two pages; people see their notices that much sooner."""
_INTO_SECOND = 0.002
BEAT_SECONDS = 10.0
YEARS_SECONDS = 3600.0
FORGET_AFTER = timedelta(days=1)
"""A worker of which nothing was heard for so long will not come back under its name."""


async def run(desk: Desk, name: str, config: Config) -> None:
    """Work until cancelled."""
    sender, recounting = Sender(desk, config), calendars.Recounting()
    try:
        await asyncio.gather(
            _repeat("judge", lambda: tickets.judge(desk)),
            _repeat("look", lambda: tickets.look(desk), pause=until_next_second),
            _repeat("deliver", lambda: deliver(desk), pause=lambda: DELIVER_SECONDS),
            _repeat("send", sender.turn),
            _repeat("recount", lambda: calendars.recount(desk, recounting)),
            _repeat("years", lambda: calendars.watch_years(desk), pause=lambda: YEARS_SECONDS),
            _repeat("beat", lambda: beat(desk, name), pause=lambda: BEAT_SECONDS),
            models.keep_up(desk, name),
            _repeat("learn", lambda: learning.nightly(desk, config.models, name), pause=lambda: LEARN_SECONDS),
        )
    finally:
        await sender.close()
        with contextlib.suppress(Unavailable):
            await desk.store.execute("leave", worker=name)


def until_next_second() -> float:
    """Return the seconds until the service's clock moves on: it counts whole seconds, so nothing is due before."""
    return 1.0 - time() % 1.0 + _INTO_SECOND


async def _repeat(
    what: str, turn: Callable[[], Awaitable[int]], *, pause: Callable[[], float] = lambda: IDLE_SECONDS
) -> None:
    """Take turns without a pause while there is work, and rest when there is none or when a turn fails."""
    while True:
        try:
            busy = await turn() > 0
        except Unavailable as error:
            _log.warning("%s: %s", what, error)
            busy = False
        except Exception:  # noqa: BLE001 - a turn may fail in any way and must not stop the others
            _log.exception("%s failed; it is tried again", what)
            busy = False
        if not busy:
            await asyncio.sleep(pause())


async def deliver(desk: Desk, *, most: int = 200) -> int:
    """Put waiting notices in their order and on their way, and tell the open pages.

    One statement: a notice and its deliveries are there as a whole, whenever a worker dies. What pages are told is only
    that they may ask; a notice is in its department's list in any case.
    """
    rows = await desk.store.fetch("place_notices", now=desk.now(), most=most)
    announce(
        desk.live,
        (
            Change(
                name="notice",
                id=row["id"],
                ticket=row["ticket_id"],
                kind=row["kind"],
                units=(row["department"],),
                role=row["role"],
            )
            for row in rows
        ),
    )
    return len(rows)


async def beat(desk: Desk, name: str) -> int:
    """Say that this worker is alive, and how late the most overdue look is."""
    now = desk.now()
    look_at = await desk.store.fetch_value("next_look")
    lag = max(0.0, (now - look_at).total_seconds()) if look_at else 0.0
    await desk.store.execute("beat", worker=name, at=now, lag_seconds=lag, forget_before=now - FORGET_AFTER)
    return 0
