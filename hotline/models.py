"""Which model every running process judges with: it follows the active one of its folder and says what it has.

A model that is refused leaves the one in use where it is; `hotline check` shows who uses what and why not. Trains and
activates nothing.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta
from time import monotonic

from hotline.desk import Desk
from hotline.errors import Unavailable
from hotline.store import Row

_log = logging.getLogger(__name__)
LOOK_EVERY_SECONDS = 2.0
SAY_EVERY_SECONDS = 60.0
SILENT_AFTER = timedelta(minutes=3)
"""A process that said nothing for so long is gone, and what it used no longer matters."""


async def keep_up(desk: Desk, process: str) -> None:
    """Follow the active model until cancelled, and keep what `process` uses where `hotline check` reads it."""
    said = 0.0
    while True:
        try:
            changed = await desk.predictor.refresh()
            if changed or monotonic() - said >= SAY_EVERY_SECONDS:
                await _say(desk, process)
                said = monotonic()
        except Unavailable as error:
            _log.warning("model: %s", error)
        except Exception:  # noqa: BLE001 - whatever a folder may hold, the model in use stays in use
            _log.exception("following the active model failed; it is tried again")
        await asyncio.sleep(LOOK_EVERY_SECONDS)


async def _say(desk: Desk, process: str) -> None:
    predictor = desk.predictor
    if predictor.version or predictor.fault:
        await desk.store.execute(
            "put_model_in_use", process=process, at=desk.now(), version=predictor.version, fault=predictor.fault[:500]
        )


async def in_use(desk: Desk) -> list[Row]:
    """Return what the living processes use, by their names."""
    return await desk.store.fetch("models_in_use", since=desk.now() - SILENT_AFTER)
