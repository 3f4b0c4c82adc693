"""Working time 工作时间: how long an allowance lasts, and when it ends.

The calendar of a city is its normal week (several windows a day, to the second, up to 24:00), the public holidays,
the make-up workdays 调休 and its own local overrides, in Asia/Shanghai. It counts; it does not know which allowance
applies to a ticket, nor what pauses a clock: that is `deadlines`. All moments are aware datetimes in any zone; the
answers are in Asia/Shanghai. A naive moment is refused with ValueError.

How the units count, for a `start`:

========  ==========================================================================================================
`30min`   clock minutes from the start, day and night
`2h`      clock hours, likewise
`2wh`     working hours; closed time does not count
`5wd`     the same time of day 5 working days later
`60d`     the same time of day 60 calendar days later
========  ==========================================================================================================

A start outside office hours counts from the next opening. With a trailing `+` the count begins the day after, 次日起:

========  ==========================================================================================================
`5wd+`    the end of office hours on the 5th working day after the day of the start
`60d+`    the end of office hours on the 60th day after the day of the start; if that is a day of rest, on the next
          working day (Civil Code 民法典 Art. 201 and 203)
`2wh+`    2 working hours from the first opening of the next working day; likewise `30min+` and `2h+`
========  ==========================================================================================================
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cache
from itertools import accumulate, pairwise
from operator import sub
from typing import Any, Self, assert_never
from zoneinfo import ZoneInfo

from dispatch.model import Term

ZONE = ZoneInfo("Asia/Shanghai")
# Summer time was last kept in 1991. From 1992 on a day has 24 hours, so wall time may be added up.
FIRST_YEAR, LAST_YEAR = 1992, 2099
LONGEST_CLOSED_DAYS = 60
# The notice for a year may move the last days of the year before it: 29 December 2018 was worked, 31 December was free.
NOTICE_REACHES_BACK = timedelta(days=4)
MOST = 9_999

_NOTHING = timedelta(0)
_DAY_SECONDS = 86_400
_TIME = re.compile(r"([01][0-9]|2[0-4]):([0-5][0-9])(?::([0-5][0-9]))?")


class Unit(Term):
    """What an allowance is counted in."""

    MINUTES = "min", "分钟"
    HOURS = "h", "小时"
    WORKING_HOURS = "wh", "工作小时"
    WORKING_DAYS = "wd", "个工作日"
    DAYS = "d", "日"


class DayKind(Term):
    """What a day is in a calendar, and why."""

    WORKDAY = "workday", "工作日"
    MAKE_UP = "make_up", "调休上班"
    SPECIAL = "special", "另有安排"
    WEEKEND = "weekend", "周末"
    HOLIDAY = "holiday", "节假日"
    CLOSED = "closed", "另行放假"


_UNITS = {unit.value: unit for unit in Unit}
_ALLOWANCE = re.compile(rf"([1-9][0-9]{{0,3}})({'|'.join(_UNITS)})(\+?)")


@dataclass(frozen=True, slots=True)
class Allowance:
    """How long somebody may take 时限: `30min`, `2h`, `2wh`, `5wd`, `60d`; a `+` counts from the next day 次日起."""

    amount: int
    unit: Unit
    from_next_day: bool = False

    def __post_init__(self) -> None:
        """Refuse an amount that no rule can mean."""
        if not 1 <= self.amount <= MOST:
            raise ValueError(f"an allowance of {self.amount} {self.unit} is impossible: allowed is 1 to {MOST}")

    @classmethod
    @cache
    def parse(cls, text: str) -> Self:
        """Return the allowance that `text` notes; `str()` is the way back. A city has some dozens of them: kept.

        Raises ValueError naming what is allowed.
        """
        found = _ALLOWANCE.fullmatch(text)
        if found is None:
            raise ValueError(
                f"{text!r} is not an allowance: a whole number from 1 to {MOST}, then one of {', '.join(_UNITS)},"
                " then + to count from the next day (examples: 30min, 2h, 2wh, 5wd+, 60d)"
            )
        amount, unit, plus = found.groups()
        return cls(int(amount), _UNITS[unit], from_next_day=bool(plus))

    def __str__(self) -> str:
        """Return the notation."""
        return f"{self.amount}{self.unit}{'+' if self.from_next_day else ''}"

    @property
    def follows_calendar(self) -> bool:
        """Whether another calendar could give another due time; clock time and plain days never change."""
        return self.from_next_day or self.unit in (Unit.WORKING_HOURS, Unit.WORKING_DAYS)


@dataclass(frozen=True, slots=True, order=True)
class Window:
    """One stretch of office hours within a day, in seconds after midnight; `closes` may be 24:00 (86,400)."""

    opens: int
    closes: int

    def __post_init__(self) -> None:
        """Refuse a window that is empty or leaves its day."""
        if not 0 <= self.opens < self.closes <= _DAY_SECONDS:
            raise ValueError(
                f"office hours from {_clock(self.opens)} to {_clock(self.closes)} are not a stretch of one day:"
                " hours past midnight are two windows, to 24:00 and from 00:00"
            )

    @classmethod
    def parse(cls, opens: str, closes: str) -> Self:
        """Return the window between two times such as 08:30, 14:30:15 or 24:00."""
        return cls(_seconds(opens), _seconds(closes))

    def to_pair(self) -> list[str]:
        """Return the two times as text, the way back from `parse`."""
        return [_clock(self.opens), _clock(self.closes)]


Windows = tuple[Window, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Table:
    """Every window of some whole years, in order; `worked[i]` is the working time before `openings[i]`."""

    first_year: int
    last_year: int
    days: list[date]
    openings: list[datetime]
    closings: list[datetime]
    worked: list[timedelta]
    long_closures: tuple[tuple[date, date], ...]

    @classmethod
    def of(cls, calendar: Calendar, first_year: int, last_year: int) -> _Table:
        """Return the table of `calendar` from 1 January of one year to 31 December of another."""
        begin, end = date(first_year, 1, 1), date(last_year, 12, 31)
        every_day = map(date.fromordinal, range(begin.toordinal(), end.toordinal() + 1))
        hours = {day: windows for day in every_day if (windows := calendar.windows(day))}
        openings = [_moment(day, window.opens) for day, windows in hours.items() for window in windows]
        closings = [_moment(day, window.closes) for day, windows in hours.items() for window in windows]
        lengths = map(sub, closings, openings)
        closures = (pair for pair in pairwise((begin, *hours, end)) if (pair[1] - pair[0]).days > LONGEST_CLOSED_DAYS)
        return cls(
            first_year=first_year,
            last_year=last_year,
            days=list(hours),
            openings=openings,
            closings=closings,
            worked=list(accumulate(lengths, initial=_NOTHING)),
            long_closures=tuple(closures),
        )

    def worked_until(self, moment: datetime) -> timedelta:
        """Return the working time from the first day of the table to `moment`."""
        index = bisect_right(self.openings, moment) - 1
        if index < 0:
            return _NOTHING
        return self.worked[index] + (min(moment, self.closings[index]) - self.openings[index])

    def refuse_long_closure(self, first: date, last: date) -> None:
        """Raise ValueError if counting from `first` to `last` had to step over a closure that cannot be meant."""
        for closed, opened in self.long_closures:
            if (min(opened, last) - max(closed, first)).days > LONGEST_CLOSED_DAYS:
                raise _closed_for_ever(max(closed, first))


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """One version of a city's working calendar 工作日历; equal by value.

    `week` has the windows of Monday to Sunday. The first of these that names a day gives its windows: `overrides` (an
    empty one closes the day), `holidays` (closed), `workdays` (make-up days 调休, with the hours of the week's first
    open day), `week`. `published_years` are those whose State Council notice is in here; `source` says which.
    """

    version: str
    source: str
    week: tuple[Windows, ...]
    holidays: frozenset[date] = frozenset()
    workdays: frozenset[date] = frozenset()
    published_years: frozenset[int] = frozenset()
    overrides: Mapping[date, Windows] = field(default_factory=dict, hash=False)
    # The years asked for so far: derived, so no part of the value; replaced whole, so several threads may ask at once.
    _known: _Table | None = field(default=None, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Refuse a calendar that contradicts itself."""
        if len(self.week) != 7:  # noqa: PLR2004 - the days of a week
            raise ValueError(f"a week has 7 days, Monday first; here are {len(self.week)}")
        both = self.holidays & self.workdays
        if both:
            raise ValueError(f"{min(both)} is a holiday and a make-up workday at once")
        for name, windows in (*enumerate(self.week, 1), *self.overrides.items()):
            if any(later.opens < earlier.closes for earlier, later in pairwise(windows)):
                raise ValueError(f"the office hours of {name} overlap or are not in order")
        object.__setattr__(self, "overrides", dict(self.overrides))

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any]) -> Self:
        """Return the calendar that `to_mapping` described.

        Raises ValueError for an unknown or a missing key and for a value that cannot be read.
        """
        keys = ("version", "source", "week", "holidays", "workdays", "published_years", "overrides")
        if set(mapping) != set(keys):
            raise ValueError(
                f"a calendar has the keys {', '.join(keys)}; here are {', '.join(sorted(mapping)) or 'none'}"
            )
        try:
            return cls(
                version=str(mapping["version"]),
                source=str(mapping["source"]),
                week=tuple(_windows(pairs) for pairs in mapping["week"]),
                holidays=_days(mapping["holidays"]),
                workdays=_days(mapping["workdays"]),
                published_years=frozenset(int(year) for year in mapping["published_years"]),
                overrides={date.fromisoformat(day): _windows(pairs) for day, pairs in mapping["overrides"].items()},
            )
        except (TypeError, AttributeError) as error:
            raise ValueError(f"the calendar cannot be read: {error}") from error

    def to_mapping(self) -> dict[str, Any]:
        """Return plain values for JSON: days as ISO text in order, windows as pairs such as ["08:30", "12:00"]."""
        return {
            "version": self.version,
            "source": self.source,
            "week": [_pairs(windows) for windows in self.week],
            "holidays": [day.isoformat() for day in sorted(self.holidays)],
            "workdays": [day.isoformat() for day in sorted(self.workdays)],
            "published_years": sorted(self.published_years),
            "overrides": {day.isoformat(): _pairs(windows) for day, windows in sorted(self.overrides.items())},
        }

    def windows(self, day: date) -> Windows:
        """Return the office hours of `day`, in order; none if it is closed. A moment stands for its day in Shanghai."""
        if isinstance(day, datetime):
            day = _in_shanghai(day).date()
        local = self.overrides.get(day)
        if local is not None:
            return local
        if day in self.holidays:
            return ()
        if day in self.workdays:
            return next(filter(None, self.week), ())
        return self.week[day.weekday()]

    def kind_of(self, day: date) -> DayKind:
        """Return what `day` is; the order of what decides is that of `windows`."""
        if day in self.overrides:
            return DayKind.SPECIAL if self.overrides[day] else DayKind.CLOSED
        if day in self.holidays:
            return DayKind.HOLIDAY
        if day in self.workdays:
            return DayKind.MAKE_UP
        return DayKind.WORKDAY if self.week[day.weekday()] else DayKind.WEEKEND

    def is_workday(self, day: date) -> bool:
        """Whether the offices open at all on `day`."""
        return bool(self.windows(day))

    def nth_workday(self, day: date, n: int) -> date:
        """Return the n-th working day after `day`, which itself does not count; before it for a negative `n`."""
        table = self._table(day.year, day.year)
        if n > 0:
            while (index := bisect_right(table.days, day) + n - 1) >= len(table.days):
                table = self._grown(table, day, later=True)
        else:
            while (index := bisect_left(table.days, day) + n) < 0:
                table = self._grown(table, day, later=False)
        found = table.days[index] if n else day
        table.refuse_long_closure(min(day, found), max(day, found))
        return found

    def next_opening(self, moment: datetime) -> datetime:
        """Return `moment` if the offices are open, else the next opening; at a closing they are closed."""
        moment = _in_shanghai(moment)
        table = self._table(moment.year, moment.year)
        index = bisect_right(table.openings, moment) - 1
        if index >= 0 and moment < table.closings[index]:
            return moment
        while (index := bisect_left(table.openings, moment)) >= len(table.openings):
            table = self._grown(table, moment.date(), later=True)
        table.refuse_long_closure(moment.date(), table.openings[index].date())
        return table.openings[index]

    def add(self, start: datetime, amount: timedelta) -> datetime:
        """Return the moment `amount` of working time after `start`: the first by which so much has been worked.

        So an amount that fills a window ends at its closing, nothing added is `start` itself, and a negative amount is
        subtracted. A start outside office hours counts from the next opening. Raises ValueError if the calendar never
        opens again within 60 days: then the calendar has not been entered.
        """
        start = _in_shanghai(start)
        if amount <= _NOTHING:
            return self.subtract(start, -amount) if amount else start
        table = self._table(start.year, start.year)
        while (total := table.worked_until(start) + amount) > table.worked[-1]:
            table = self._grown(table, start.date(), later=True)
        index = bisect_left(table.worked, total) - 1
        table.refuse_long_closure(start.date(), table.openings[index].date())
        return table.openings[index] + (total - table.worked[index])

    def subtract(self, moment: datetime, amount: timedelta) -> datetime:
        """Return the last moment from which `amount` of working time was left until `moment`; the mirror of `add`."""
        moment = _in_shanghai(moment)
        if amount <= _NOTHING:
            return self.add(moment, -amount) if amount else moment
        table = self._table(moment.year, moment.year)
        while (left := table.worked_until(moment) - amount) < _NOTHING:
            table = self._grown(table, moment.date(), later=False)
        index = bisect_right(table.worked, left) - 1
        table.refuse_long_closure(table.openings[index].date(), moment.date())
        return table.openings[index] + (left - table.worked[index])

    def between(self, start: datetime, end: datetime) -> timedelta:
        """Return the working time from `start` to `end`; negative if `end` is earlier."""
        start, end = _in_shanghai(start), _in_shanghai(end)
        table = self._table(min(start.year, end.year), max(start.year, end.year))
        return table.worked_until(end) - table.worked_until(start)

    def slices(self, start: datetime, end: datetime) -> tuple[tuple[datetime, datetime], ...]:
        """Return the stretches that `between` counts, one per window and in order; none if `end` is not later."""
        start, end = _in_shanghai(start), _in_shanghai(end)
        table = self._table(min(start.year, end.year), max(start.year, end.year))
        touched = range(max(bisect_right(table.openings, start) - 1, 0), bisect_left(table.openings, end))
        stretches = ((max(start, table.openings[index]), min(end, table.closings[index])) for index in touched)
        return tuple((opening, closing) for opening, closing in stretches if opening < closing)

    def add_days(self, start: datetime, n: int, *, from_next_day: bool = False) -> datetime:
        """Return the moment `n` working days after `start`.

        With `from_next_day`, the end of office hours on the n-th working day after the day of `start`; `n` is then at
        least 1. Without, the same time of day n working days later, or earlier for a negative `n`. Opening and closing
        themselves are still office hours here, so a day after 18:00 sharp is 18:00; a start outside office hours counts
        from the next opening, or from the closing before it when going back. Where the last day has other hours, the
        time moves to the next opening of that day or else to its closing.
        """
        start = _in_shanghai(start)
        if not from_next_day:
            day, since_midnight = self._nearest_open(start, later=n >= 0)
            return self._at(self.nth_workday(day, n), since_midnight)
        if n < 1:
            raise ValueError(f"day 1 is the next working day, so {n} working days from the next day is impossible")
        return self._end_of(self.nth_workday(start.date(), n))

    def due(self, start: datetime, allowance: Allowance) -> datetime:
        """Return when `allowance` ends for somebody whose clock starts at `start`; see the module for the units."""
        start, amount, from_next_day = _in_shanghai(start), allowance.amount, allowance.from_next_day
        match allowance.unit:
            case Unit.MINUTES:
                return self._first_moment(start, from_next_day=from_next_day) + timedelta(minutes=amount)
            case Unit.HOURS:
                return self._first_moment(start, from_next_day=from_next_day) + timedelta(hours=amount)
            case Unit.WORKING_HOURS:
                return self.add(self._first_moment(start, from_next_day=from_next_day), timedelta(hours=amount))
            case Unit.WORKING_DAYS:
                return self.add_days(start, amount, from_next_day=from_next_day)
            case Unit.DAYS:
                due = start + timedelta(days=amount)
                return self._end_of(self._workday_from(due.date())) if from_next_day else due
            case _:
                assert_never(allowance.unit)

    def is_provisional(self, start: datetime, due: datetime) -> bool:
        """Whether a notice that is not in this calendar may still move `due`.

        That is so for every year without a notice that the count touches, and for the last four days of the year before
        it. Ask it only for an allowance that follows the calendar: clock time and plain days are never provisional.
        """
        first = _in_shanghai(min(start, due)).year
        last = (_in_shanghai(max(start, due)) + NOTICE_REACHES_BACK).year
        return not self.published_years.issuperset(range(first, last + 1))

    def _first_moment(self, start: datetime, *, from_next_day: bool) -> datetime:
        if not from_next_day:
            return start
        day = self.nth_workday(start.date(), 1)
        return _moment(day, self.windows(day)[0].opens)

    def _workday_from(self, day: date) -> date:
        return day if self.is_workday(day) else self.nth_workday(day, 1)

    def _end_of(self, day: date) -> datetime:
        return _moment(day, self.windows(day)[-1].closes)

    def _at(self, day: date, since_midnight: timedelta) -> datetime:
        """Return that time of an open day, moved into its windows."""
        for window in self.windows(day):
            if since_midnight <= timedelta(seconds=window.closes):
                return _moment(day, 0) + max(since_midnight, timedelta(seconds=window.opens))
        return self._end_of(day)

    def _nearest_open(self, moment: datetime, *, later: bool) -> tuple[date, timedelta]:
        """Return the open day of `moment`, or of the nearest open moment, and the time since midnight.

        A moment at 24:00 belongs to the day that it ends, unless the next one opens at 00:00.
        """
        table = self._table(moment.year, moment.year)
        while not later and not (table.openings and table.openings[0] <= moment):
            table = self._grown(table, moment.date(), later=False)
        index = bisect_right(table.openings, moment) - 1
        if index >= 0 and (not later or moment <= table.closings[index]):
            moment, day = min(moment, table.closings[index]), table.openings[index].date()
        else:
            moment = self.next_opening(moment)
            day = moment.date()
        return day, moment - _moment(day, 0)

    def _table(self, first: int, last: int) -> _Table:
        """Return a table of at least these years."""
        known = self._known
        if known and known.first_year <= first and last <= known.last_year:
            return known
        if first < FIRST_YEAR or last > LAST_YEAR:
            raise ValueError(f"working time is counted from {FIRST_YEAR} to {LAST_YEAR}; asked was {first} to {last}")
        if known:
            first, last = min(first, known.first_year), max(last, known.last_year)
        table = _Table.of(self, first, last)
        object.__setattr__(self, "_known", table)
        return table

    def _grown(self, table: _Table, start: date, *, later: bool) -> _Table:
        """Return a table twice as long to one side, for a count from `start` that has come to the edge of this one."""
        years = table.last_year - table.first_year + 1
        if later:
            edge, reached = date(table.last_year, 12, 31), max([start, *table.days[-1:]])
            first, last = table.first_year, max(min(table.last_year + years, LAST_YEAR), table.last_year + 1)
        else:
            edge, reached = date(table.first_year, 1, 1), min([start, *table.days[:1]])
            first, last = min(max(table.first_year - years, FIRST_YEAR), table.first_year - 1), table.last_year
        if abs(edge - reached).days > LONGEST_CLOSED_DAYS:
            raise _closed_for_ever(reached)
        return self._table(first, last)


def _closed_for_ever(day: date) -> ValueError:
    return ValueError(f"the calendar is closed for more than {LONGEST_CLOSED_DAYS} days on end around {day}: enter it")


def _in_shanghai(moment: datetime) -> datetime:
    if moment.tzinfo is ZONE:
        return moment
    if moment.utcoffset() is None:
        raise ValueError(f"{moment.isoformat()} has no zone: a moment must be aware, or nobody knows when it was")
    return moment.astimezone(ZONE)


def _moment(day: date, seconds: int) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=ZONE) + timedelta(seconds=seconds)


def _seconds(text: str) -> int:
    found = _TIME.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is not a time of day: 00:00 to 24:00, with seconds if need be (08:30, 14:30:15)")
    hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return hours * 3600 + minutes * 60 + seconds


def _clock(seconds: int) -> str:
    minutes, second = divmod(seconds, 60)
    return f"{minutes // 60:02}:{minutes % 60:02}" + (f":{second:02}" if second else "")


def _pairs(windows: Windows) -> list[list[str]]:
    return [window.to_pair() for window in windows]


def _windows(pairs: Iterable[tuple[str, str]]) -> Windows:
    return tuple(Window.parse(opens, closes) for opens, closes in pairs)


def _days(texts: Iterable[str]) -> frozenset[date]:
    return frozenset(date.fromisoformat(text) for text in texts)
