"""The calendar that a new installation starts with: Fujian office hours and the State Council's notices so far.

The days come from the `chinesecalendar` package, which carries what was published (2004–2026 in its release 1.11); a
later release brings the next year with it. The notice numbers, for the record, come from `data/calendar/notices.csv`.
Administrators change and import later versions in `office`; this only makes the first one.
"""

from __future__ import annotations

import csv
from functools import cache
from importlib.metadata import version
from pathlib import Path

import chinese_calendar

from dispatch.worktime import Calendar, Window, Windows

OFFICE_HOURS: Windows = (Window.parse("08:30", "12:00"), Window.parse("14:30", "18:00"))
OFFICE_WEEK: tuple[Windows, ...] = (OFFICE_HOURS,) * 5 + ((),) * 2
ROUND_THE_CLOCK: tuple[Windows, ...] = ((Window.parse("00:00", "24:00"),),) * 7

_NOTICES = Path(__file__).with_name("data") / "calendar" / "notices.csv"


@cache
def default_calendar() -> Calendar:
    """Return the first calendar: version `cn-2026` while 2026 is the last year with a notice."""
    # Holidays that fall on a weekend are among them: they close an office whose own week has a Saturday.
    holidays, workdays = frozenset(chinese_calendar.holidays), frozenset(chinese_calendar.workdays)
    years = frozenset(day.year for day in holidays)
    return Calendar(
        version=f"cn-{max(years)}",
        source=_source(max(years)),
        week=OFFICE_WEEK,
        holidays=holidays,
        workdays=workdays,
        published_years=years,
    )


def notices() -> dict[int, str]:
    """Return the numbers of the State Council's holiday notices by year, a later change after a plus sign."""
    with _NOTICES.open(encoding="utf-8", newline="") as file:
        return {
            int(row["year"]): "＋".join(filter(None, (row["notice"], row["changed_by"])))
            for row in csv.DictReader(file)
        }


def _source(last_year: int) -> str:
    notice, release = notices().get(last_year, "文号待补"), version("chinesecalendar")
    return f"国务院办公厅历年节假日安排通知，至{last_year}年（{notice}）；数据取自 chinesecalendar {release}"
