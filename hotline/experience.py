"""What became of earlier matters: counted anew each night, read when a ticket is routed. A hint, never a rule.

What a count is worth, by its age and its place, is decided by `dispatch.routing`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from dispatch.routing import Count, Experience, experience
from dispatch.rulebook import Rulebook
from dispatch.worktime import ZONE
from hotline.desk import Desk
from hotline.store import Row, Store, Transaction

REMEMBERED = timedelta(days=2 * 365)
RECENT = timedelta(minutes=1)
"""How long a process may go on with counts that were made anew meanwhile: they are a hint, and change once a night."""
_KEPT = "experience"


@dataclass(frozen=True, slots=True)
class Known:
    """The counts of some categories."""

    counts: Mapping[str, tuple[Count, ...]]

    def of(self, category: str | None, area: str | None, rulebook: Rulebook) -> dict[str, Experience]:
        """Return each department's experience with such a matter from such a place."""
        return experience(self.counts.get(category or "", ()), area, rulebook)


async def known(desk: Desk, categories: Iterable[str], reader: Store | Transaction | None = None) -> Known:
    """Return what is known of some categories, asked of `reader` in one query for those that were not asked lately."""
    at, asked = desk.now(), sorted(set(categories))
    kept: dict[str, tuple[datetime, tuple[Row, ...]]] = desk.shared.setdefault(_KEPT, {})
    if missing := [code for code in asked if code not in kept or not timedelta(0) <= at - kept[code][0] < RECENT]:
        rows = await (reader or desk.store).fetch("experience", categories=missing, since=_month(at - REMEMBERED))
        for code in missing:
            kept[code] = at, tuple(row for row in rows if row["category"] == code)
    return Known({code: tuple(_count(row, at) for row in kept[code][1]) for code in asked})


def _count(row: Row, at: datetime) -> Count:
    ago = max(0, _months(_month(at)) - _months(row["month"]))
    return Count(row["area"], row["department"], ago, row["kept"], row["returned"], row["rerouted"])


async def count_anew(desk: Desk) -> None:
    """Count everything again, in one transaction: who reads meanwhile sees the old counts whole."""
    async with desk.store.transaction() as transaction:
        await transaction.execute("forget_experience")
        await transaction.execute("count_experience", since=desk.now() - REMEMBERED)
    desk.shared.pop(_KEPT, None)


def _month(at: datetime) -> date:
    return at.astimezone(ZONE).date().replace(day=1)


def _months(month: date) -> int:
    return month.year * 12 + month.month
