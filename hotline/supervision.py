"""What supervisors look at: what runs against whom in the whole city, and what only they can do about it.

Reads only. Every number is counted by the same conditions by which its list is read. The counts of a city cost a walk
through an index, so those who ask at the same time share one walk, and hardly anybody waits for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from dispatch.model import Actor, ClockKind, Lamp, Role, Rung, Stage
from dispatch.rulebook import HOTLINE, Rulebook
from hotline.desk import Desk
from hotline.errors import Forbidden
from hotline.store import Row

READERS = frozenset({Role.SUPERVISOR, Role.ANALYST, Role.ADMINISTRATOR})
_FRESH, _OLDEST = timedelta(seconds=1), timedelta(seconds=4)
"""Younger counts are given as they are; older ones while a new walk is under way; the oldest wait for it."""
PAPERS = tuple(rung for rung in Rung if rung.wants_answer)
_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
_END = datetime(9999, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lamps:
    """How many duties run, by lamp; `soon` of them will be red within the next working day."""

    red: int = 0
    yellow: int = 0
    green: int = 0
    soon: int = 0

    @property
    def all(self) -> int:
        """Every duty that runs."""
        return self.red + self.yellow + self.green

    def __add__(self, other: Lamps) -> Lamps:
        """Both together."""
        return Lamps(
            red=self.red + other.red,
            yellow=self.yellow + other.yellow,
            green=self.green + other.green,
            soon=self.soon + other.soon,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """The city at one moment: duties by unit and kind, open and answered papers by unit and rung, work by its name."""

    at: datetime
    until: datetime
    duties: Mapping[str, Mapping[ClockKind, Lamps]]
    papers: Mapping[tuple[str, Rung], tuple[int, int]]
    work: Mapping[str, int]

    def lamps(self, units: Iterable[str] | None = None, stage: Stage | None = None) -> Lamps:
        """The duties of some units in one stage together; None: of all."""
        found = [
            lamps
            for unit in (self.duties if units is None else units)
            for kind, lamps in self.duties.get(unit, {}).items()
            if stage in (None, kind.stage)
        ]
        return sum(found[1:], found[0]) if found else Lamps()

    def papers_of(self, units: Iterable[str], rung: Rung) -> int:
        """The papers of one rung that are not settled, against some units."""
        return sum(sum(self.papers.get((unit, rung), (0, 0))) for unit in units)

    @property
    def answered(self) -> int:
        """The papers that wait to be checked."""
        return sum(answered for _open, answered in self.papers.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which duties or papers a list shows; None: all."""

    units: Sequence[str] | None = None
    stage: Stage | None = None
    lamp: Lamp | None = None
    rung: Rung | None = None
    soon: bool = False


Key = tuple[datetime, int, int]
FIRST: Key = (_BEGINNING, 0, 0)


def _may(actor: Actor) -> None:
    if actor.role not in READERS:
        raise Forbidden(actor.person, "look over the whole city", "it is for supervisors")


async def overview(desk: Desk, actor: Actor) -> Overview:
    """Return the counts of the city, and when they were taken: a few seconds ago at most; raises Forbidden."""
    _may(actor)
    rulebook, now = await desk.rulebook(), desk.now()
    last: Overview | None = desk.shared.get("overview")
    age = now - last.at if last else _OLDEST
    if last and timedelta(0) <= age < _FRESH:
        return last
    walk: asyncio.Task[Overview] | None = desk.shared.get("walk")
    if walk is None or walk.done():
        walk = asyncio.create_task(_kept(desk, rulebook, now))
        desk.shared["walk"] = walk
    return last if last and timedelta(0) <= age < _OLDEST else await asyncio.shield(walk)


async def _kept(desk: Desk, rulebook: Rulebook, now: datetime) -> Overview:
    counted = await _count(desk, rulebook, now)
    desk.shared["overview"] = counted
    return counted


async def _count(desk: Desk, rulebook: Rulebook, now: datetime) -> Overview:
    until = soon_until(rulebook, now)
    duties = await desk.store.fetch("duty_counts", at=now, until=until)
    papers = await desk.store.fetch("paper_counts")
    work = await desk.store.fetch_row("work_counts", approver=Role.SUPERVISOR, rungs=_personal(rulebook))
    running: dict[str, dict[ClockKind, Lamps]] = {}
    for row in duties:
        lamps = Lamps(**{name: row[name] for name in ("red", "yellow", "green", "soon")})
        running.setdefault(row["department"], {})[ClockKind.of(row["kind"])] = lamps
    return Overview(
        at=now,
        until=until,
        duties=running,
        papers={(row["department"], Rung.of(row["rung"])): (row["open"], row["answered"]) for row in papers},
        work=dict(work) if work else {},
    )


def soon_until(rulebook: Rulebook, now: datetime) -> datetime:
    """The end of the next working day, before which 'soon' ends."""
    return rulebook.calendar.add_days(now, 1, from_next_day=True)


def _personal(rulebook: Rulebook) -> list[str]:
    """The rungs that only a person may issue."""
    return [rule.name for rule in rulebook.ladder if rule.by_person]


async def duties(desk: Desk, actor: Actor, chosen: Filter, *, after: Key, most: int) -> list[Row]:
    """Return one page of the running duties, the soonest due first; raises Forbidden."""
    _may(actor)
    rulebook, now = await desk.rulebook(), desk.now()
    since, before, warned = _BEGINNING, _END, None
    if chosen.soon:
        since, before = now, soon_until(rulebook, now)
    if chosen.lamp is Lamp.RED:
        before = now
    elif chosen.lamp:
        since, warned = now, chosen.lamp is Lamp.YELLOW
    kinds = [kind for kind in ClockKind if kind.stage is chosen.stage] if chosen.stage else None
    return await desk.store.fetch(
        "duties",
        units=chosen.units,
        kinds=kinds,
        at=now,
        since=since,
        before=before,
        warned=warned,
        most=most,
        **_key(after),
    )


def _key(after: Key) -> dict[str, Any]:
    return {"after_due": after[0], "after_id": after[1], "after_number": after[2]}


async def papers(
    desk: Desk, actor: Actor, chosen: Filter, *, answered: bool | None, after: Key, most: int
) -> list[Row]:
    """Return one page of the papers that are not settled, the oldest first; raises Forbidden."""
    _may(actor)
    return await desk.store.fetch(
        "papers", units=chosen.units, rung=chosen.rung, answered=answered, most=most, **_key(after)
    )


async def work(desk: Desk, actor: Actor, name: str, *, after: Key, most: int) -> list[Row]:
    """Return one page of what waits for supervisors: `claims`, `rungs` or `requests`; raises Forbidden."""
    _may(actor)
    key = _key(after) | {"most": most}
    match name:
        case "claims":
            return await desk.store.fetch("claims", **key)
        case "rungs":
            return await desk.store.fetch("rungs_for_people", rungs=_personal(await desk.rulebook()), **key)
        case _:
            return await desk.store.fetch("requests_of_approver", approver=Role.SUPERVISOR, **key)


def units_below(rulebook: Rulebook, top: str) -> tuple[str, ...]:
    """Return a unit and everything below it."""
    return trees(rulebook).get(top, ())


def trees(rulebook: Rulebook) -> Mapping[str, tuple[str, ...]]:
    """Return each unit with everything below it, in the order of the rulebook."""
    known = rulebook.every_department
    found: dict[str, list[str]] = {code: [] for code in known}
    for code in known:
        above: str | None = code
        while above and above in known:
            found[above].append(code)
            above = known[above].parent
    return {code: tuple(tree) for code, tree in found.items()}


def top_units(rulebook: Rulebook) -> Sequence[str]:
    """Return the units that nobody is above, the hotline itself first."""
    known = rulebook.every_department
    tops = [code for code, unit in known.items() if unit.parent not in known]
    return sorted(tops, key=lambda code: (code != HOTLINE, known[code].level.value, code))
