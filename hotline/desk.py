"""What every function of the service works with: the ports, the rules and the one clock.

A desk is built once a process (see `app`) and handed to each use case as its first argument. Its `now` is the only
clock of the service; a simulation puts its own in its place.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from dispatch.rulebook import Rulebook
from dispatch.worktime import ZONE, Calendar
from hotline.live import Live
from hotline.predictor import Predictor
from hotline.shelf import Nowhere, Shelf
from hotline.store import Store
from hotline.vault import Vault

Answer = TypeVar("Answer")
RULES_LIVE = timedelta(seconds=5)
"""How long a process may go on with rules that another one has replaced meanwhile."""


def wall_clock() -> datetime:
    """Return the present moment, to the second: deadlines are right to the second and not beyond."""
    return datetime.now(UTC).replace(microsecond=0)


@dataclass(slots=True)
class _Round:
    """One question: as it is being answered, and as it will be asked next for those who have come meanwhile."""

    now: asyncio.Task[Any] | None = None
    next: asyncio.Task[Any] | None = None


@dataclass
class Desk:
    """The ports of one process; `calendars` are older published ones that were asked for: they never change.

    `shared` holds what several who ask at the same moment are given together.
    """

    store: Store
    vault: Vault
    live: Live
    predictor: Predictor
    clock: Callable[[], datetime] = wall_clock
    shelf: Shelf = field(default_factory=Nowhere)
    calendars: dict[str, Calendar] = field(default_factory=dict, repr=False)
    shared: dict[str, Any] = field(default_factory=dict, repr=False)
    _asking: dict[str, _Round] = field(default_factory=dict, repr=False)
    _rules: Rulebook | None = field(default=None, repr=False)
    _stamp: str = field(default="", repr=False)
    _checked: datetime | None = field(default=None, repr=False)

    def now(self) -> datetime:
        """Return the moment that the service takes for the present."""
        return self.clock()

    async def rulebook(self) -> Rulebook:
        """Return the city's rules, read again when they have changed."""
        at = wall_clock()
        if self._rules is None or self._checked is None or at - self._checked >= RULES_LIVE:
            now = self.now()
            day = now.astimezone(ZONE).date()
            stamp: str = await self.store.fetch_value("rulebook_stamp", at=now, day=day)
            if self._rules is None or stamp != self._stamp:
                self._rules, self._stamp = await self.store.rulebook(now), stamp
            self._checked = at
        return self._rules

    async def together(self, name: str, ask: Callable[[], Awaitable[Answer]]) -> Answer:
        """Return what `ask` answers, asked once for all who have come before it began.

        Nobody is given what was read before they came: whoever finds it being asked waits for the next time.
        """
        rounds = self._asking.setdefault(name, _Round())
        if rounds.next is None:
            rounds.next = asyncio.create_task(self._ask(rounds, rounds.now, ask), name=name)
        answer: Answer = await asyncio.shield(rounds.next)
        return answer

    async def _ask(
        self, rounds: _Round, before: asyncio.Task[Any] | None, ask: Callable[[], Awaitable[Answer]]
    ) -> Answer:
        if before is not None and not before.done():
            await asyncio.wait((before,))
        rounds.now, rounds.next = rounds.next, None
        return await ask()

    def forget_rules(self) -> None:
        """Read the rules anew at the next use; for whoever has just published some."""
        self._checked = None
