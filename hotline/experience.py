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
from hotline.store import Store, Transaction

REMEMBERED = timedelta(days=2 * 365)


@dataclass(frozen=True, slots=True)
class Known:
    """The counts of some categories."""

    counts: Mapping[str, tuple[Count, ...]]

    def of(self, category: str | None, area: str | None, rulebook: Rulebook) -> dict[str, Experience]:
        """Return each department's experience with such a matter from such a place."""
        return experience(self.counts.get(category or "", ()), area, rulebook)


async def known(reader: Store | Transaction, categories: Iterable[str], at: datetime) -> Known:
    """Return what is known of some categories, in one query."""
    asked = sorted(set(categories))
    since = _month(at - REMEMBERED)
    rows = await reader.fetch("experience", categories=asked, since=since) if asked else []
    counts: dict[str, list[Count]] = {}
    for row in rows:
        ago = _months(_month(at)) - _months(row["month"])
        counts.setdefault(row["category"], []).append(
            Count(row["area"], row["department"], max(0, ago), row["kept"], row["returned"], row["rerouted"])
        )
    return Known({category: tuple(found) for category, found in counts.items()})


async def count_anew(desk: Desk) -> None:
    """Count everything again, in one transaction: who reads meanwhile sees the old counts whole."""
    async with desk.store.transaction() as transaction:
        await transaction.execute("forget_experience")
        await transaction.execute("count_experience", since=desk.now() - REMEMBERED)


def _month(at: datetime) -> date:
    return at.astimezone(ZONE).date().replace(day=1)


def _months(month: date) -> int:
    return month.year * 12 + month.month
