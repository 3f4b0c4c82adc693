"""Who watches the watchers: whether workers live and keep up, told from outside, since a dead one tells nobody.

A web process takes a turn every few seconds. *Dead* is when no worker has given a sign of life; *behind* is when one
lives and clocks are looked at late: the first wants a worker started, the second a look at what holds it up. Signs of
life are timed by how long they have not changed, on a clock that never jumps. While all are dead the guard hands out
and sends what waits, so that the alarm reaches people.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic
from typing import Literal

from hotline import alarms, tickets, worker
from hotline.config import Config
from hotline.desk import Desk
from hotline.errors import Unavailable
from hotline.notify import Sender

TURN_SECONDS = 10.0
SENT_MOST = 20
"""Turns of sending that the guard takes at once in a worker's place."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Sign:
    """A worker's last sign of life."""

    worker: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Heard:
    """A sign of life, since when it has been what it is, and whether we saw it come."""

    at: datetime
    since: float
    is_alive: bool


@dataclass(frozen=True, slots=True)
class Health:
    """How the watch is: `lag` is by how much the most overdue look is late, `due` how many wait (at most 10,000)."""

    signs: Sequence[Sign]
    alive: int
    lag: timedelta
    due: int

    def state(self, lag_most: timedelta) -> Literal["well", "behind", "dead"]:
        """Return in one word what is wrong; somebody who is dead is not also called slow."""
        if not self.alive:
            return "dead"
        return "behind" if self.lag > lag_most else "well"


async def health(desk: Desk, silent_after: timedelta) -> Health:
    """Return how the watch is, judged by the clock on the wall: for whoever asks once."""
    now = desk.now()
    signs = [Sign(row["worker"], row["at"]) for row in await desk.store.fetch("heartbeats")]
    row = await desk.store.fetch_row("watch_lag", now=now)
    first, due = (row["first"], row["due"]) if row else (None, 0)
    alive = sum(now - sign.at <= silent_after for sign in signs)
    return Health(signs, alive, max(timedelta(), now - first) if first else timedelta(), due)


class Guard:
    """Raises the alarms about workers, once an episode, and takes them back."""

    def __init__(self, desk: Desk, config: Config) -> None:
        self._desk, self._config = desk, config
        self._silent = config.silent_seconds
        self._lag = timedelta(seconds=config.lag_seconds)
        self._heard: dict[str, Heard] | None = None
        self._begun = monotonic()
        self._late_turns = 0

    async def run(self) -> None:
        """Take turns until cancelled."""
        while True:
            try:
                await self.turn()
            except Unavailable as error:
                _log.warning("guard: %s", error)
            except Exception:  # noqa: BLE001 - whatever fails, the next turn comes
                _log.exception("guard failed; it is tried again")
            await asyncio.sleep(min(TURN_SECONDS, self._silent / 3))

    async def turn(self) -> None:
        """Look once, and raise or end what is to be."""
        seen = await health(self._desk, timedelta(seconds=self._silent))
        heard = self._listen(seen.signs)
        silent = {name for name, one in heard.items() if monotonic() - one.since >= self._silent}
        living = {name for name, one in heard.items() if one.is_alive and name not in silent}
        dead = len(silent) == len(heard) and monotonic() - self._begun >= self._silent
        # Not to have heard of a death is no sign of life: only such a sign ends an alarm that another process raised.
        if dead or living:
            await self._set("dead", "", is_so=dead, facts={"workers": len(heard)})
        await self._silences(set() if dead else silent, gone_on=living, known=set(heard))
        # Once may be a restart or a rush; twice in a row is a state.
        self._late_turns = self._late_turns + 1 if seen.lag > self._lag and not dead else 0
        behind = self._late_turns > 1
        if behind or seen.lag <= self._lag:
            facts = {"lag_seconds": round(seen.lag.total_seconds()), "due": seen.due}
            await self._set("behind", "", is_so=behind, facts=facts)
        later = self._desk.now() + 2 * tickets.CLAIM_FOR
        for row in await self._desk.store.fetch("looks_judged_again", later=later):
            await self._set("look", row["subject"], is_so=False, facts={})
        if dead:
            await self._stand_in()

    def _listen(self, signs: Sequence[Sign]) -> Mapping[str, Heard]:
        """Remember since when each sign of life is what it is; what was there before us proves no life."""
        before, first = self._heard or {}, self._heard is None
        fresh = (Heard(sign.at, monotonic(), is_alive=not first) for sign in signs)
        self._heard = {
            sign.worker: before[sign.worker] if sign.worker in before and before[sign.worker].at == sign.at else new
            for sign, new in zip(signs, fresh, strict=True)
        }
        return self._heard

    async def _silences(self, silent: set[str], *, gone_on: set[str], known: set[str]) -> None:
        """Raise an alarm for each silent worker while others live; end those of whoever is back or was forgotten."""
        for name in silent:
            await self._set("silent", name, is_so=True, facts={"worker": name})
        for row in await self._desk.store.fetch("open_alarms"):
            if row["kind"] == "silent" and (row["subject"] in gone_on or row["subject"] not in known):
                await self._set("silent", row["subject"], is_so=False, facts={})

    async def _set(self, kind: alarms.Kind, subject: str, *, is_so: bool, facts: Mapping[str, object]) -> None:
        if is_so and await alarms.raise_alarm(self._desk, kind, subject, facts):
            _log.error("alarm: %s %s %s", kind, subject, facts)
        elif not is_so and await alarms.end_alarm(self._desk, kind, subject):
            _log.warning("alarm is over: %s %s", kind, subject)

    async def _stand_in(self) -> None:
        """Hand out and send what waits: nobody else does."""
        while await worker.deliver(self._desk):
            pass
        sender = Sender(self._desk, self._config)
        try:
            for _ in range(SENT_MOST):
                if not await sender.turn():
                    break
        finally:
            await sender.close()
