"""What open pages hear: changes as ids and kinds, numbered, each page only what its lists would show.

`announce` tells every process; a `Hub` in each web process numbers what it hears and keeps the newest thousand. The
number of a change means nothing beyond its process: a page that comes with another one's, or after too long, is told to
fetch anew, which is always right. Nothing is lost with this module but freshness: truth is in PostgreSQL.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import orjson

from dispatch.model import Actor
from hotline.errors import TooManyRequests
from hotline.live import Live

_log = logging.getLogger(__name__)
CHANNEL = "changes"
KEPT_MOST = 1000
STREAMS_MOST = 20
"""Streams of one person in one process: more are a mistake, or meant to exhaust us."""
SEAT_AGAIN_SECONDS = 60
AT_ONCE = 40
"""Changes in one message: PostgreSQL's NOTIFY takes less than 8000 bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Something that an open page may want to know. `name` is ticket, presence, notice, seen or call.

    A change of a ticket is for the hotline and for `units`; a notice or a mark only for `role` (None: all) of `units`,
    a mark only for its `person`. `kind` is a notice's kind; titles, texts and people are in none.
    """

    name: str
    id: int
    ticket: int | None = None
    kind: str = ""
    units: tuple[str, ...] = ()
    role: str | None = None
    person: str = ""

    def is_for(self, actor: Actor) -> bool:
        """Whether the lists of `actor` show this."""
        if self.person:
            return actor.person == self.person
        if self.name in {"ticket", "presence"}:
            return actor.is_hotline or actor.department in self.units
        return actor.department in self.units and self.role in (None, actor.role)

    def told(self) -> dict[str, Any]:
        """Return what the page is told: numbers as text, since they have more digits than a script can keep apart."""
        return {"id": str(self.id), "ticket": str(self.ticket) if self.ticket else None, "kind": self.kind}


def announce(live: Live, changes: Iterable[Change]) -> None:
    """Tell the pages of every process, without waiting."""
    waiting = [{name: getattr(change, name) for name in Change.__slots__} for change in changes]
    for start in range(0, len(waiting), AT_ONCE):
        live.tell(CHANNEL, orjson.dumps(waiting[start : start + AT_ONCE]))


class Hub:
    """The changes that one process heard, numbered from 1; many pages wait on it."""

    def __init__(self) -> None:
        self.is_open = True
        self._epoch = secrets.token_hex(4)
        self._newest = 0
        self._kept: deque[Change] = deque(maxlen=KEPT_MOST)
        self._news = asyncio.Event()
        self._seats = Counter[str]()

    async def hear(self, live: Live) -> None:
        """Listen until cancelled, or until `live` is closed."""
        subscription = live.subscribe(CHANNEL)
        gaps = 0
        async for message in subscription:
            if subscription.gaps != gaps:
                gaps = subscription.gaps
                self.forget()
            if message:
                self._take(message)

    def _take(self, message: bytes) -> None:
        try:
            changes = [Change(**{**one, "units": tuple(one["units"])}) for one in orjson.loads(message)]
        except (ValueError, TypeError, KeyError):
            # A process of another release says what we do not understand: our pages must ask for themselves.
            _log.warning("a change could not be understood")
            self.forget()
        else:
            self.add(changes)

    def add(self, changes: Iterable[Change]) -> None:
        """Number changes and wake whoever waits."""
        for change in changes:
            self._newest += 1
            self._kept.append(change)
        self._wake()

    def forget(self) -> None:
        """Something may have been missed: every page must fetch anew."""
        self._epoch = secrets.token_hex(4)
        self._kept.clear()
        self._wake()

    @contextmanager
    def seat(self, person: str) -> Iterator[None]:
        """Hold one of a person's streams; raises TooManyRequests when they have that many already."""
        if self._seats[person] >= STREAMS_MOST:
            raise TooManyRequests(SEAT_AGAIN_SECONDS)
        self._seats[person] += 1
        try:
            yield
        finally:
            self._seats[person] -= 1
            if not self._seats[person]:
                del self._seats[person]

    def close(self) -> None:
        """Let every page go."""
        self.is_open = False
        self._wake()

    @property
    def cursor(self) -> str:
        """Where the stream stands, as a page keeps it."""
        return f"{self._epoch}-{self._newest}"

    def since(self, cursor: str) -> Iterator[tuple[str, Change]] | None:
        """Return what came after `cursor` with its cursors; None for a gap."""
        epoch, _, text = cursor.partition("-")
        number = int(text) if text.isascii() and text.isdigit() and len(text) < _DIGITS else -1
        missed = self._newest - number
        if epoch != self._epoch or number < 0 or not 0 <= missed <= len(self._kept):
            return None
        newest = list(self._kept)[len(self._kept) - missed :]
        return ((f"{epoch}-{number + step}", change) for step, change in enumerate(newest, start=1))

    async def wait(self, cursor: str, seconds: float) -> None:
        """Wait until there is something after `cursor`, or until `seconds` are over."""
        news = self._news
        if cursor != self.cursor or not self.is_open:
            return
        try:
            await asyncio.wait_for(news.wait(), seconds)
        except TimeoutError:
            return

    def _wake(self) -> None:
        news, self._news = self._news, asyncio.Event()
        news.set()


_DIGITS = 16
