"""When to call somebody back: fair times of day, and attempts far enough apart to mean that nobody can be reached.

A call that nobody answers counts only four hours after the last and in another half of a day: three calls within an
hour prove nothing. Pure: the moments are arguments, in any zone; days and halves are those of the city.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache

from dispatch.worktime import ZONE

APART = timedelta(hours=4)
NOON = time(13)
"""What is before belongs to the first half of a day: nobody is called over lunch."""
FAIR = ((time(9), time(12)), (time(14, 30), time(20, 30)))
"""When people may be called, working day or not: not at breakfast, lunch, nap or night."""
LOOK_AHEAD = timedelta(days=3)


@lru_cache(4_096)
def half_day(at: datetime) -> tuple[date, bool]:
    """Return the half of a day that a moment lies in: the day, and whether it is the second half."""
    local = at.astimezone(ZONE)
    return local.date(), local.time() >= NOON


def counts(unanswered: Sequence[datetime], at: datetime) -> bool:
    """Whether a call at `at` that nobody answers would count as one more attempt."""
    return all(at - one >= APART and half_day(one) != half_day(at) for one in unanswered)


def is_fair(at: datetime) -> bool:
    """Whether people may be called at this time of day."""
    local = at.astimezone(ZONE).time()
    return any(begin <= local < end for begin, end in FAIR)


def next_call(unanswered: Sequence[datetime], now: datetime) -> datetime:
    """Return the first moment from `now` on that is fair and counts; `now` itself if it does."""
    if is_fair(now) and counts(unanswered, now):
        return now
    openings = _openings(now.astimezone(ZONE).date())
    earliest = max([now, *(one + APART for one in unanswered)])
    for begin, end in openings:
        at = max(begin, earliest)
        if at < end and counts(unanswered, at):
            return at
    return openings[-1][1]


@lru_cache(8)
def _openings(today: date) -> Sequence[tuple[datetime, datetime]]:
    """Return when calls are fair from a day on; in UTC, in which moments are compared at a fraction of the cost."""
    days = [today + timedelta(days=ahead) for ahead in range(LOOK_AHEAD.days + 1)]
    return [(_utc(day, begin), _utc(day, end)) for day in days for begin, end in FAIR]


def _utc(day: date, at: time) -> datetime:
    return datetime.combine(day, at, ZONE).astimezone(UTC)
