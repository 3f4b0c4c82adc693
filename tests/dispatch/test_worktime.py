"""The working calendar, against an oracle that counts the slow way, and against the traps that others fell into.

The oracle takes its days from `chinese_calendar.is_workday` and walks them one by one; it uses nothing of `worktime`.
`HOTLINE_ORACLE_CASES=200000` makes it thorough.
"""

# ruff: noqa: S311 - seeded cases are to be repeated, not to be secret

from __future__ import annotations

import json
import os
import pickle
import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from itertools import pairwise
from zoneinfo import ZoneInfo

import chinese_calendar
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatch.worktime import MOST, ZONE, Allowance, Calendar, Unit, Window, Windows
from hotline.calendar_seed import OFFICE_HOURS, OFFICE_WEEK, ROUND_THE_CLOCK, default_calendar, notices

CASES = int(os.environ.get("HOTLINE_ORACLE_CASES", "20000"))
BEIJING = timezone(timedelta(hours=8))
ONE_DAY, ONE_SECOND = timedelta(days=1), timedelta(seconds=1)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZONE)


def hours(*stretches: str) -> Windows:
    return tuple(Window.parse(*stretch.split("-")) for stretch in stretches)


FIRST_DAY, LAST_DAY = date(2004, 1, 1), date(2026, 12, 31)
SEED = default_calendar()
# What was published when these tests were written; a later release of the data knows more.
OFFICE = replace(
    SEED,
    holidays=frozenset(day for day in SEED.holidays if day <= LAST_DAY),
    workdays=frozenset(day for day in SEED.workdays if day <= LAST_DAY),
    published_years=frozenset(year for year in SEED.published_years if year <= LAST_DAY.year),
)
NIGHT_AND_DAY = Calendar(version="always", source="test", week=ROUND_THE_CLOCK)
LATE_SHIFT = Calendar(version="late", source="test", week=(hours("16:00-24:00"),) * 5 + ((),) * 2)
ODD = Calendar(
    version="odd",
    source="test",
    week=(hours("00:00-02:00:01", "08:30:30-12:00", "13:59:59-24:00"),) * 5 + (hours("09:00-12:00"), ()),
    holidays=OFFICE.holidays,
    workdays=OFFICE.workdays,
    overrides={
        date(2026, 2, 25): (),  # a local day of mourning
        date(2026, 2, 26): hours("10:00-10:00:01"),  # one second
        date(2026, 3, 1): hours("08:00-09:00", "09:00-24:00"),  # a Sunday, in two windows that touch
    },
)
CALENDARS = (OFFICE, NIGHT_AND_DAY, LATE_SHIFT, ODD)


# The oracle: naive local datetimes, a day at a time.

OPEN = {
    day: bool(chinese_calendar.is_workday(day))
    for day in map(date.fromordinal, range(FIRST_DAY.toordinal(), LAST_DAY.toordinal() + 1))
}
OPENINGS = (timedelta(hours=8, minutes=30), timedelta(hours=14, minutes=30))
HALF_DAY = timedelta(hours=3, minutes=30)


class BeyondData(Exception):
    """The walk left the years that are published."""


def is_open(day: date) -> bool:
    if day not in OPEN:
        raise BeyondData
    return OPEN[day]


def midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day)  # noqa: DTZ001 - the oracle counts in local time


def walk(moment: datetime, step: int) -> Iterator[tuple[datetime, datetime]]:
    """Yield the windows of the day of `moment` and of all days after or before it."""
    day = moment.date()
    while True:
        if is_open(day):
            for opening in OPENINGS[::step]:
                yield midnight(day) + opening, midnight(day) + opening + HALF_DAY
        day += step * ONE_DAY


def slow_add(start: datetime, amount: timedelta) -> datetime:
    for opening, closing in walk(start, 1):
        free = closing - max(opening, start)
        if free >= amount:
            return max(opening, start) + amount
        amount -= max(free, timedelta(0))
    raise AssertionError


def slow_subtract(moment: datetime, amount: timedelta) -> datetime:
    for opening, closing in walk(moment, -1):
        free = min(closing, moment) - opening
        if free >= amount:
            return min(closing, moment) - amount
        amount -= max(free, timedelta(0))
    raise AssertionError


def slow_between(start: datetime, end: datetime) -> timedelta:
    total = timedelta(0)
    for opening, closing in walk(start, 1):
        if opening >= end:
            return total
        total += max(min(closing, end) - max(opening, start), timedelta(0))
    raise AssertionError


def slow_workday(day: date, n: int) -> date:
    while n:
        day += ONE_DAY
        n -= is_open(day)
    return day


def slow_same_time(start: datetime, n: int) -> datetime:
    opening = next(opening for opening, closing in walk(start, 1) if closing >= start)
    begin = max(opening, start)
    return midnight(slow_workday(begin.date(), n)) + (begin - midnight(begin.date()))


def slow_end(day: date) -> datetime:
    return midnight(day) + timedelta(hours=18)


def slow_first_moment(start: datetime) -> datetime:
    return midnight(slow_workday(start.date(), 1)) + OPENINGS[0]


def slow_day_of_rest_moved(day: date) -> date:
    return day if is_open(day) else slow_workday(day, 1)


ORACLE: dict[str, tuple[int, Callable[[datetime, int], datetime]]] = {
    "min": (600, lambda start, n: start + timedelta(minutes=n)),
    "h": (240, lambda start, n: start + timedelta(hours=n)),
    "d": (90, lambda start, n: start + timedelta(days=n)),
    "wh": (120, lambda start, n: slow_add(start, timedelta(hours=n))),
    "wd": (30, slow_same_time),
    "min+": (600, lambda start, n: slow_first_moment(start) + timedelta(minutes=n)),
    "h+": (240, lambda start, n: slow_first_moment(start) + timedelta(hours=n)),
    "d+": (90, lambda start, n: slow_end(slow_day_of_rest_moved(start.date() + n * ONE_DAY))),
    "wh+": (120, lambda start, n: slow_add(slow_first_moment(start), timedelta(hours=n))),
    "wd+": (30, lambda start, n: slow_end(slow_workday(start.date(), n))),
}
KINDS = len(ORACLE) + 3


def random_start(rng: random.Random) -> datetime:
    """Draw a local second of 2004 to 2026; every fourth is an edge of the office hours or of the day."""
    day = FIRST_DAY + timedelta(days=rng.randrange(len(OPEN)))
    edge = rng.choice((*OPENINGS, *(opening + HALF_DAY for opening in OPENINGS), timedelta(0)))
    return midnight(day) + (edge if rng.random() < 0.25 else timedelta(seconds=rng.randrange(86_400)))


def in_some_zone(rng: random.Random, moment: datetime) -> datetime:
    zones: tuple[tzinfo, ...] = (ZONE, BEIJING, UTC, ZoneInfo("America/New_York"))
    return moment.replace(tzinfo=BEIJING).astimezone(rng.choice(zones))


def naive(moment: datetime) -> datetime:
    return moment.astimezone(BEIJING).replace(tzinfo=None)


def known_cases(seed: str, draw: Callable[[random.Random], Callable[[], None]]) -> None:
    """Run as many cases as this kind is owed; one that leaves the published years is drawn again."""
    rng, owed = random.Random(seed), CASES // KINDS + 1
    while owed:
        case = draw(rng)
        try:
            case()
        except BeyondData:
            continue
        owed -= 1


@pytest.mark.parametrize("notation", ORACLE)
def test_every_unit_ends_where_a_walk_through_the_days_ends(notation: str) -> None:
    most, slow_due = ORACLE[notation]

    def draw(rng: random.Random) -> Callable[[], None]:
        start, n = random_start(rng), rng.randint(1, most)

        def case() -> None:
            expected = slow_due(start, n)
            allowance = Allowance.parse(f"{n}{notation}")
            assert naive(OFFICE.due(in_some_zone(rng, start), allowance)) == expected, (start, str(allowance))

        return case

    known_cases(notation, draw)


def test_any_number_of_working_seconds_ends_where_a_walk_ends() -> None:
    def draw(rng: random.Random) -> Callable[[], None]:
        start, amount = random_start(rng), timedelta(seconds=rng.randint(1, 7 * 3600 * 15))

        def case() -> None:
            expected = slow_add(start, amount)
            assert naive(OFFICE.add(in_some_zone(rng, start), amount)) == expected, (start, amount)

        return case

    known_cases("add", draw)


def test_going_back_ends_where_a_walk_back_ends() -> None:
    def draw(rng: random.Random) -> Callable[[], None]:
        moment, amount = random_start(rng), timedelta(seconds=rng.randint(1, 7 * 3600 * 15))

        def case() -> None:
            expected = slow_subtract(moment, amount)
            assert naive(OFFICE.subtract(in_some_zone(rng, moment), amount)) == expected, (moment, amount)

        return case

    known_cases("subtract", draw)


def test_the_working_time_between_two_moments_is_what_a_walk_adds_up() -> None:
    def draw(rng: random.Random) -> Callable[[], None]:
        start = random_start(rng)
        end = start + timedelta(seconds=rng.randrange(60 * 86_400))

        def case() -> None:
            expected = slow_between(start, end)
            one, other = in_some_zone(rng, start), in_some_zone(rng, end)
            assert (OFFICE.between(one, other), OFFICE.between(other, one)) == (expected, -expected), (start, end)

        return case

    known_cases("between", draw)


def test_each_single_second_of_a_strange_spring_is_counted_once() -> None:
    first, days = midnight(date(2026, 2, 9)), 28
    second_is_worked = bytearray(days * 86_400)
    for number in range(days):
        for window in ODD.windows((first + number * ONE_DAY).date()):
            for second in range(window.opens, window.closes):
                second_is_worked[number * 86_400 + second] = 1
    rng = random.Random(4)

    for _ in range(max(CASES // 10, 1000)):
        start, amount = rng.randrange(14 * 86_400), rng.randint(1, 60_000)
        end = naive(ODD.add((first + start * ONE_SECOND).replace(tzinfo=ZONE), amount * ONE_SECOND)) - first

        stop = end // ONE_SECOND
        assert second_is_worked.count(1, start, stop) == amount
        assert second_is_worked[stop - 1]  # the first moment with so much work, not a later one


def test_every_day_since_2004_is_the_day_that_the_notices_say() -> None:
    assert {day: OFFICE.is_workday(day) for day in OPEN} == OPEN


# The laws.


def any_case(calendar: Calendar, rng: random.Random) -> tuple[datetime, timedelta]:
    start = at("2026-01-01") + timedelta(microseconds=rng.randrange(300 * 86_400 * 10**6))
    if rng.random() < 0.3:
        start = calendar.next_opening(start)
    amount = timedelta(microseconds=rng.randrange(40 * 3600 * 10**6))
    return start, amount if rng.random() < 0.7 else timedelta(seconds=amount // ONE_SECOND)


@pytest.mark.parametrize("calendar", CALENDARS, ids=lambda calendar: calendar.version)
def test_the_laws_hold_for_every_calendar(calendar: Calendar) -> None:
    rng = random.Random(12345)
    for _ in range(1000):
        start, amount = any_case(calendar, rng)
        more = any_case(calendar, rng)[1]
        later = start + any_case(calendar, rng)[1]
        end = calendar.add(start, amount)

        assert calendar.between(start, end) == amount
        assert calendar.between(end, start) == -amount
        assert calendar.add(end, more) == calendar.add(start, amount + more)
        assert calendar.subtract(calendar.subtract(end, more), amount) == calendar.subtract(end, amount + more)
        assert calendar.between(calendar.subtract(start, amount), start) == amount
        assert calendar.subtract(end, amount) == (calendar.next_opening(start) if amount else end)
        assert calendar.add(start, -amount) == calendar.subtract(start, amount)
        assert calendar.add(start, amount) <= calendar.add(later, amount)
        assert calendar.add(start, amount) <= calendar.add(start, amount + more)
        assert calendar.between(start, later) <= later - start


@pytest.mark.parametrize("calendar", CALENDARS, ids=lambda calendar: calendar.version)
def test_a_later_start_is_never_due_earlier_whatever_the_unit(calendar: Calendar) -> None:
    rng = random.Random(5)
    for _ in range(300):
        start, step = any_case(calendar, rng)
        for unit in Unit:
            for from_next_day in (False, True):
                allowance = Allowance(rng.randint(1, 20), unit, from_next_day)
                more = replace(allowance, amount=allowance.amount + 1)
                assert start < calendar.due(start, allowance) <= calendar.due(start + step, allowance)
                assert calendar.due(start, allowance) <= calendar.due(start, more)


@pytest.mark.parametrize("calendar", CALENDARS, ids=lambda calendar: calendar.version)
def test_the_slices_of_the_card_are_the_time_that_counted(calendar: Calendar) -> None:
    rng = random.Random(6)
    for _ in range(300):
        start, amount = any_case(calendar, rng)
        end = start + 5 * amount
        slices = calendar.slices(start, end)

        assert sum((closing - opening for opening, closing in slices), timedelta(0)) == calendar.between(start, end)
        assert all(start <= opening < closing <= end for opening, closing in slices)
        assert all(earlier[1] <= later[0] for earlier, later in pairwise(slices))


@given(n=st.integers(-40, 40), start=st.datetimes(datetime(2005, 1, 1), datetime(2026, 9, 30)))  # noqa: DTZ001
def test_so_many_working_days_there_and_back_is_the_same_moment(n: int, start: datetime) -> None:
    opened = OFFICE.next_opening(start.replace(tzinfo=ZONE))

    assert OFFICE.add_days(OFFICE.add_days(opened, n), -n) == opened


# The traps, one remark a row.


@pytest.mark.parametrize(
    ("calendar", "start", "allowance", "due"),
    [
        (OFFICE, "2026-11-23 11:00:00", "2wh", "2026-11-23 15:30:00"),  # over lunch: 12:00 to 14:30 does not count
        (OFFICE, "2026-11-23 12:40:00", "2wh", "2026-11-23 16:30:00"),  # received during lunch
        (OFFICE, "2026-11-23 11:00:00", "1wh", "2026-11-23 12:00:00"),  # fills the morning: ends at its closing
        (OFFICE, "2026-11-23 10:59:59", "1wh", "2026-11-23 11:59:59"),  # one second left of the morning
        (OFFICE, "2026-11-23 11:00:01", "1wh", "2026-11-23 14:30:01"),  # one second carried over lunch
        (OFFICE, "2026-11-23 17:00:01", "1wh", "2026-11-24 08:30:01"),  # one second carried over the night
        (OFFICE, "2026-11-23 18:00:00", "2wh", "2026-11-24 10:30:00"),  # exactly at closing: nothing of today is left
        (OFFICE, "2026-11-23 08:30:00", "2wh", "2026-11-23 10:30:00"),  # exactly at opening
        (OFFICE, "2026-11-23 03:00:00", "2wh", "2026-11-23 10:30:00"),  # before opening
        (OFFICE, "2026-11-23 23:59:59", "2wh", "2026-11-24 10:30:00"),  # the last second of the day
        (OFFICE, "2026-11-21 10:00:00", "2wh", "2026-11-23 10:30:00"),  # received on a Saturday
        (OFFICE, "2026-11-20 17:00:00", "2wh", "2026-11-23 09:30:00"),  # over a weekend
        (OFFICE, "2026-09-20 10:00:00", "1wh", "2026-09-20 11:00:00"),  # 调休: this Sunday is worked
        (OFFICE, "2026-09-19 10:00:00", "1wh", "2026-09-20 09:30:00"),  # the Saturday before it is not
        (OFFICE, "2026-09-18 09:00:00", "1wd", "2026-09-20 09:00:00"),  # the next working day is that Sunday
        (OFFICE, "2026-02-14 17:00:00", "2wh", "2026-02-24 09:30:00"),  # a worked Saturday, then 9 days of 春节
        (OFFICE, "2026-02-13 09:00:00", "3wd", "2026-02-25 09:00:00"),  # Saturday counts, 春节 does not
        (OFFICE, "2026-02-16 09:00:00", "1wd", "2026-02-25 08:30:00"),  # received in 春节: counts from 24 February
        (OFFICE, "2026-02-16 09:00:00", "1wd+", "2026-02-24 18:00:00"),  # 次日起: 24 February is day 1
        (OFFICE, "2026-09-30 09:00:00", "3wd+", "2026-10-10 18:00:00"),  # over 国庆: 8, 9 and the worked Saturday 10
        (OFFICE, "2020-01-23 17:30:00", "1wd+", "2020-02-03 18:00:00"),  # the notice of 2020 that prolonged 春节
        (OFFICE, "2018-12-28 09:00:00", "1wd", "2018-12-29 09:00:00"),  # the notice for 2019 reached back into 2018
        (OFFICE, "2018-12-29 09:00:00", "1wd", "2019-01-02 09:00:00"),  # and made the last Monday of 2018 free
        (OFFICE, "2026-11-23 09:00:00", "1wd+", "2026-11-24 18:00:00"),  # 'within one working day' is all of tomorrow
        (OFFICE, "2026-11-23 23:00:00", "1wd+", "2026-11-24 18:00:00"),  # late in the evening is still today
        (OFFICE, "2026-11-24 00:00:00", "1wd+", "2026-11-25 18:00:00"),  # midnight sharp is the new day
        (OFFICE, "2026-11-23 18:00:00", "1wd", "2026-11-24 18:00:00"),  # closing to closing, as an extension counts
        (OFFICE, "2026-11-23 18:00:01", "1wd", "2026-11-25 08:30:00"),  # a second later, the count opens tomorrow
        (OFFICE, "2026-11-23 12:00:00", "1wd", "2026-11-24 12:00:00"),  # the morning's closing keeps its time
        (OFFICE, "2026-11-23 13:00:00", "1wd", "2026-11-24 14:30:00"),  # received during lunch
        (OFFICE, "2026-11-20 17:00:00", "24h", "2026-11-21 17:00:00"),  # clock hours run through the weekend
        (OFFICE, "2026-11-20 17:00:00", "24h+", "2026-11-24 08:30:00"),  # 次日起: from Monday's opening
        (OFFICE, "2026-11-20 17:00:00", "2wh+", "2026-11-23 10:30:00"),  # likewise, in working hours
        (OFFICE, "2026-11-23 09:00:00", "10min", "2026-11-23 09:10:00"),  # urgent
        (OFFICE, "2026-11-23 23:55:00", "10min", "2026-11-24 00:05:00"),  # urgent, over midnight
        (OFFICE, "2026-07-02 09:00:00", "60d", "2026-08-31 09:00:00"),  # a petition: plain days
        (OFFICE, "2026-07-02 09:00:00", "60d+", "2026-08-31 18:00:00"),  # the 60th day ends with the office hours
        (OFFICE, "2026-07-01 09:00:00", "60d+", "2026-08-31 18:00:00"),  # the 60th day is a Sunday: the Monday after
        (OFFICE, "2026-08-05 09:00:00", "60d+", "2026-10-08 18:00:00"),  # the 60th day is in 国庆: the day after it
        (OFFICE, "2024-02-28 17:00:00", "1wd", "2024-02-29 17:00:00"),  # leap day
        (OFFICE, "2024-02-29 09:00:00", "60d", "2024-04-29 09:00:00"),  # from a leap day
        (OFFICE, "2026-12-31 17:00:00", "2wh", "2027-01-01 09:30:00"),  # into a year without a notice: Monday to Friday
        (NIGHT_AND_DAY, "2026-11-23 23:30:00", "1wh", "2026-11-24 00:30:00"),  # open all night: no gap at midnight
        (NIGHT_AND_DAY, "2026-11-23 22:00:00", "2wh", "2026-11-24 00:00:00"),  # ends exactly at 24:00
        (NIGHT_AND_DAY, "2026-11-21 00:00:00", "48wh", "2026-11-23 00:00:00"),  # a weekend, worked
        (NIGHT_AND_DAY, "2026-11-23 09:00:00", "1wd+", "2026-11-25 00:00:00"),  # the day ends at 24:00
        (NIGHT_AND_DAY, "2026-11-24 00:00:00", "1wd", "2026-11-25 00:00:00"),  # midnight belongs to the day that opens
        (LATE_SHIFT, "2026-11-23 23:00:00", "2wh", "2026-11-24 17:00:00"),  # a window to 24:00, then closed
        (LATE_SHIFT, "2026-11-20 23:00:00", "1wh", "2026-11-21 00:00:00"),  # Friday 24:00, not a Saturday's time
        (LATE_SHIFT, "2026-11-21 00:00:00", "1wd", "2026-11-24 00:00:00"),  # Friday 24:00 and a day: Monday 24:00
        (ODD, "2026-02-24 23:59:59", "1wh", "2026-02-27 00:59:58"),  # a closed day, a day of one second, seconds apart
        (ODD, "2026-02-28 12:00:00", "2wh", "2026-02-28 15:59:59"),  # 调休: a whole day's hours, not a Saturday's half
        (ODD, "2026-02-27 20:00:00", "2wd", "2026-03-01 20:00:00"),  # a worked Saturday, then a Sunday opened locally
        (ODD, "2026-03-06 20:00:00", "1wd", "2026-03-07 12:00:00"),  # Saturday has other hours: its closing
        (ODD, "2026-03-06 01:00:00", "1wd", "2026-03-07 09:00:00"),  # Saturday has other hours: its opening
    ],
)
def test_a_trap_that_others_fell_into(calendar: Calendar, start: str, allowance: str, due: str) -> None:
    assert calendar.due(at(start), Allowance.parse(allowance)) == at(due)


def test_going_back_a_working_day_from_closing_is_the_closing_before() -> None:
    assert OFFICE.add_days(at("2026-11-23 18:00:00"), -1) == at("2026-11-20 18:00:00")
    assert OFFICE.add_days(at("2026-11-22 12:00:00"), -1) == at("2026-11-19 18:00:00")  # Sunday is Friday's closing
    assert OFFICE.add_days(at("2026-02-24 08:30:00"), -1) == at(
        "2026-02-14 08:30:00"
    )  # over 春节 to the worked Saturday


def test_no_working_days_from_a_closed_moment_is_the_next_opening() -> None:
    assert OFFICE.add_days(at("2026-11-21 12:00:00"), 0) == at("2026-11-23 08:30:00")
    assert OFFICE.add_days(at("2026-11-23 09:15:00"), 0) == at("2026-11-23 09:15:00")
    with pytest.raises(ValueError, match="day 1 is the next working day"):
        OFFICE.add_days(at("2026-11-23 09:15:00"), 0, from_next_day=True)


def test_nothing_added_is_the_moment_itself_even_at_night() -> None:
    assert OFFICE.add(at("2026-11-21 12:00:00"), timedelta(0)) == at("2026-11-21 12:00:00")
    assert OFFICE.subtract(at("2026-11-21 12:00:00"), timedelta(0)) == at("2026-11-21 12:00:00")


def test_at_a_closing_the_office_is_closed_and_at_an_opening_it_is_open() -> None:
    assert OFFICE.next_opening(at("2026-11-23 12:00:00")) == at("2026-11-23 14:30:00")
    assert OFFICE.next_opening(at("2026-11-23 11:59:59")) == at("2026-11-23 11:59:59")
    assert OFFICE.next_opening(at("2026-11-23 08:30:00")) == at("2026-11-23 08:30:00")


def test_the_working_day_after_a_day_is_found_in_both_directions() -> None:
    assert OFFICE.nth_workday(date(2026, 2, 13), 2) == date(2026, 2, 24)
    assert OFFICE.nth_workday(date(2026, 2, 24), -2) == date(2026, 2, 13)
    assert OFFICE.nth_workday(date(2026, 2, 15), 0) == date(2026, 2, 15)


def test_the_card_of_a_deadline_over_lunch_and_a_weekend_has_a_slice_for_every_window() -> None:
    slices = OFFICE.slices(at("2026-11-20 11:00:00"), at("2026-11-23 09:00:00"))

    assert slices == (
        (at("2026-11-20 11:00:00"), at("2026-11-20 12:00:00")),
        (at("2026-11-20 14:30:00"), at("2026-11-20 18:00:00")),
        (at("2026-11-23 08:30:00"), at("2026-11-23 09:00:00")),
    )
    assert OFFICE.slices(at("2026-11-23 09:00:00"), at("2026-11-20 11:00:00")) == ()


def test_night_and_day_has_no_gap_at_midnight() -> None:
    (_, first_end), (second_begin, _) = NIGHT_AND_DAY.slices(at("2026-11-23 12:00:00"), at("2026-11-24 12:00:00"))

    assert first_end == second_begin == at("2026-11-24 00:00:00")
    assert NIGHT_AND_DAY.next_opening(first_end) == first_end


def test_a_moment_of_any_zone_is_the_same_moment() -> None:
    noon_in_shanghai = at("2026-11-23 11:00:00")

    for zone in (UTC, ZoneInfo("America/New_York"), ZoneInfo("Europe/Berlin")):
        due = OFFICE.add(noon_in_shanghai.astimezone(zone), timedelta(hours=2))
        assert due == at("2026-11-23 15:30:00")
        assert due.tzinfo is ZONE
    # 20:00 UTC on a Sunday is 04:00 on Monday in Shanghai.
    assert OFFICE.is_workday(datetime(2026, 11, 22, 20, tzinfo=UTC))


def test_no_hour_is_lost_when_other_countries_change_their_clocks() -> None:
    for day in ("2026-03-08", "2026-03-29", "2026-10-25", "2026-11-01"):
        start = at(f"{day} 00:00:00")
        assert NIGHT_AND_DAY.due(start, Allowance.parse("24wh")) == start + ONE_DAY
        assert (start + ONE_DAY).astimezone(UTC) - start.astimezone(UTC) == ONE_DAY


def test_shanghai_keeps_one_offset_in_all_years_that_are_counted() -> None:
    offsets = {at(f"{year}-{month:02}-01").utcoffset() for year in range(1992, 2100) for month in range(1, 13)}

    assert offsets == {timedelta(hours=8)}


@pytest.mark.parametrize(
    "ask",
    [
        lambda moment: OFFICE.add(moment, ONE_SECOND),
        lambda moment: OFFICE.subtract(moment, ONE_SECOND),
        lambda moment: OFFICE.between(moment, moment),
        lambda moment: OFFICE.slices(moment, moment),
        lambda moment: OFFICE.add_days(moment, 1),
        OFFICE.next_opening,
        lambda moment: OFFICE.due(moment, Allowance.parse("1h")),
        lambda moment: OFFICE.is_provisional(moment, moment),
        OFFICE.is_workday,
    ],
)
def test_a_moment_without_a_zone_is_refused(ask: Callable[[datetime], object]) -> None:
    with pytest.raises(ValueError, match="has no zone"):
        ask(datetime(2026, 11, 23, 9))  # noqa: DTZ001 - the fault itself


# What is provisional.


@pytest.mark.parametrize(
    ("start", "due", "provisional"),
    [
        ("2026-11-23 09:00:00", "2026-12-14 18:00:00", False),  # all of it is published
        ("2026-12-14 09:00:00", "2027-01-05 18:00:00", True),  # reaches into 2027
        ("2026-12-21 09:00:00", "2026-12-27 23:59:59", False),  # the last moment that no notice for 2027 can reach
        ("2026-12-21 09:00:00", "2026-12-28 00:00:00", True),  # a notice may move the last days of December, as in 2018
        ("2027-03-01 09:00:00", "2027-03-02 18:00:00", True),  # all of it in 2027
        ("2003-12-31 09:00:00", "2004-01-02 18:00:00", True),  # from before the first notice
        ("2025-12-30 09:00:00", "2026-01-06 18:00:00", False),  # a border between published years
    ],
)
def test_a_deadline_is_provisional_while_a_notice_may_move_it(start: str, due: str, *, provisional: bool) -> None:
    assert OFFICE.is_provisional(at(start), at(due)) is provisional


def test_a_published_year_makes_the_deadline_final_and_may_move_it() -> None:
    start, allowance = at("2026-12-30 09:00:00"), Allowance.parse("2wd+")
    published = replace(
        OFFICE,
        version="cn-2027",
        holidays=OFFICE.holidays | {date(2027, 1, 1)},
        published_years=OFFICE.published_years | {2027},
    )

    before, after = OFFICE.due(start, allowance), published.due(start, allowance)

    assert (before, OFFICE.is_provisional(start, before)) == (at("2027-01-01 18:00:00"), True)
    assert (after, published.is_provisional(start, after)) == (at("2027-01-04 18:00:00"), False)


def test_only_an_allowance_that_follows_the_calendar_can_be_moved_by_it() -> None:
    follows = {str(unit): Allowance(1, unit).follows_calendar for unit in Unit}

    assert follows == {"min": False, "h": False, "wh": True, "wd": True, "d": False}
    assert all(Allowance(1, unit, from_next_day=True).follows_calendar for unit in Unit)


# A calendar that has not been entered.


def test_a_calendar_that_never_opens_is_refused_in_both_directions() -> None:
    never = Calendar(version="never", source="test", week=((),) * 7)

    asks: tuple[Callable[[], object], ...] = (
        lambda: never.add(at("2026-11-23 09:00:00"), ONE_SECOND),
        lambda: never.subtract(at("2026-11-23 09:00:00"), ONE_SECOND),
        lambda: never.add_days(at("2026-11-23 09:00:00"), 1),
        lambda: never.add_days(at("2026-11-23 09:00:00"), -1),
        lambda: never.add_days(at("2026-11-23 09:00:00"), 1, from_next_day=True),
        lambda: never.next_opening(at("2026-11-23 09:00:00")),
        lambda: never.due(at("2026-11-23 09:00:00"), Allowance.parse("60d+")),
    )
    for ask in asks:
        with pytest.raises(ValueError, match="closed for more than 60 days"):
            ask()
    assert never.between(at("2026-11-01 09:00:00"), at("2026-11-23 09:00:00")) == timedelta(0)


def closed_in_summer(days: int) -> Calendar:
    return replace(NIGHT_AND_DAY, overrides={date(2026, 6, 1) + number * ONE_DAY: () for number in range(days)})


def test_an_opening_within_sixty_days_is_still_counted() -> None:
    calendar = closed_in_summer(59)

    assert calendar.add(at("2026-05-31 23:00:00"), timedelta(hours=2)) == at("2026-07-30 01:00:00")
    assert calendar.subtract(at("2026-07-30 01:00:00"), timedelta(hours=2)) == at("2026-05-31 23:00:00")
    assert calendar.add_days(at("2026-05-31 23:00:00"), 1) == at("2026-07-30 23:00:00")


def test_an_opening_after_more_than_sixty_days_is_a_calendar_not_entered() -> None:
    calendar = closed_in_summer(60)

    for late in (False, True):
        with pytest.raises(ValueError, match="closed for more than 60 days"):
            calendar.add(
                at("2026-07-31 01:00:00" if late else "2026-05-31 23:00:00"), timedelta(hours=-2 if late else 2)
            )
    with pytest.raises(ValueError, match="closed for more than 60 days"):
        calendar.add_days(at("2026-05-31 23:00:00"), 1)
    # Who starts in the middle of it waits for sixty days and no more.
    assert calendar.add(at("2026-06-01 00:00:00"), ONE_SECOND) == at("2026-07-31 00:00:01")


def test_a_year_that_begins_or_ends_in_a_long_closure_is_a_calendar_not_entered() -> None:
    shut = {date(2025, 10, 1) + number * ONE_DAY: () for number in range(182)}

    for start, amount in (("2026-01-15 12:00:00", ONE_SECOND), ("2025-12-15 12:00:00", -ONE_SECOND)):
        with pytest.raises(ValueError, match="closed for more than 60 days"):
            replace(NIGHT_AND_DAY, overrides=shut).add(at(start), amount)


def test_years_outside_the_table_are_refused() -> None:
    with pytest.raises(ValueError, match="from 1992 to 2099"):
        OFFICE.add(at("1991-06-01 09:00:00"), ONE_SECOND)
    with pytest.raises(ValueError, match="from 1992 to 2099"):
        replace(OFFICE).add(at("2090-01-01 09:00:00"), timedelta(days=4000))


def test_the_answer_does_not_depend_on_what_was_asked_before() -> None:
    rng = random.Random(8)
    for _ in range(30):
        start, n = random_start(rng).replace(tzinfo=ZONE), rng.randint(-300, 300)
        fresh = replace(OFFICE)

        assert fresh.add(start, timedelta(hours=n)) == OFFICE.add(start, timedelta(hours=n))
        assert fresh.add_days(start, n) == OFFICE.add_days(start, n)


# Values.


@given(st.builds(Allowance, st.integers(1, MOST), st.sampled_from(Unit), st.booleans()))
def test_an_allowance_is_written_as_it_is_read(allowance: Allowance) -> None:
    assert Allowance.parse(str(allowance)) == allowance


@pytest.mark.parametrize(
    "text", ["", "5", "wd", "0wd", "-1wd", "05wd", "5 wd", "5WD", "1.5h", "5wd++", "五wd", "10000d"]
)
def test_an_allowance_that_nobody_can_mean_is_refused_and_the_notation_named(text: str) -> None:
    with pytest.raises(ValueError, match="min, h, wh, wd, d, then"):
        Allowance.parse(text)


def test_an_amount_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="allowed is 1 to"):
        Allowance(0, Unit.HOURS)


@pytest.mark.parametrize("times", [("12:00", "08:30"), ("08:30", "08:30"), ("22:00", "02:00"), ("22:00", "24:01")])
def test_a_window_that_leaves_its_day_is_refused(times: tuple[str, str]) -> None:
    with pytest.raises(ValueError, match="not a stretch of one day"):
        Window.parse(*times)


@pytest.mark.parametrize("time", ["8:30", "08:60", "25:00", "0830", "08:30:60", "", "noon"])
def test_a_time_that_is_no_time_is_refused(time: str) -> None:
    with pytest.raises(ValueError, match="not a time of day"):
        Window.parse(time, "24:00")


def test_a_calendar_that_contradicts_itself_is_refused() -> None:
    with pytest.raises(ValueError, match="7 days"):
        replace(OFFICE, week=OFFICE_WEEK[:5])
    with pytest.raises(ValueError, match="overlap"):
        replace(OFFICE, overrides={date(2026, 1, 2): hours("08:00-12:00", "11:59:59-18:00")})
    with pytest.raises(ValueError, match="2026-10-01 is a holiday and a make-up workday"):
        replace(OFFICE, workdays=OFFICE.workdays | {date(2026, 10, 1)})


@pytest.mark.parametrize("calendar", CALENDARS, ids=lambda calendar: calendar.version)
def test_a_calendar_survives_the_database_and_another_process(calendar: Calendar) -> None:
    calendar.between(at("2025-01-01"), at("2027-01-01"))

    assert Calendar.from_mapping(json.loads(json.dumps(calendar.to_mapping()))) == calendar
    assert pickle.loads(pickle.dumps(calendar)) == calendar  # noqa: S301 - our own bytes
    assert hash(replace(calendar)) == hash(calendar)
    assert "_known" not in repr(calendar)


def test_two_versions_with_other_days_are_different_calendars() -> None:
    assert replace(OFFICE, overrides={date(2026, 1, 2): ()}) != OFFICE


def test_the_windows_of_a_stored_calendar_are_words_that_people_can_read() -> None:
    stored = ODD.to_mapping()

    assert stored["week"][0] == [["00:00", "02:00:01"], ["08:30:30", "12:00"], ["13:59:59", "24:00"]]
    assert stored["overrides"]["2026-02-25"] == []
    assert stored["holidays"] == sorted(stored["holidays"])


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"zone": "Asia/Tokyo"}, "has the keys"),  # an unknown key is not dropped in silence
        ({"week": None}, "cannot be read"),
        ({"week": [["08:30"]] * 7}, "unpack"),
        ({"holidays": ["2026-02-30"]}, "day is out of range"),
        ({"overrides": []}, "cannot be read"),
        ({"published_years": ["soon"]}, "soon"),
    ],
)
def test_a_stored_calendar_that_was_spoilt_is_refused(change: dict[str, object], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        Calendar.from_mapping(OFFICE.to_mapping() | change)


def test_a_stored_calendar_without_a_key_is_refused() -> None:
    stored = OFFICE.to_mapping()
    del stored["published_years"]

    with pytest.raises(ValueError, match="published_years"):
        Calendar.from_mapping(stored)


# The seed.


def test_the_first_calendar_knows_every_year_since_2004_that_is_published() -> None:
    assert set(range(2004, 2027)) <= SEED.published_years
    assert SEED.version == f"cn-{max(SEED.published_years)}"
    assert SEED.windows(date(2026, 9, 20)) == OFFICE_HOURS  # the Sunday that is worked


def test_the_notice_of_the_last_year_is_named_and_a_new_release_of_the_data_asks_for_the_next() -> None:
    assert notices()[2026] == "国办发明电〔2025〕7号"
    assert notices()[2020] == "国办发明电〔2019〕16号＋国办发明电〔2020〕1号"  # changed while it ran
    assert notices()[max(SEED.published_years)] in SEED.source


def test_an_office_that_opens_on_saturdays_is_closed_on_a_holiday_saturday() -> None:
    calendar = replace(OFFICE, week=(*OFFICE_WEEK[:5], hours("09:00-12:00"), ()))

    assert calendar.is_workday(date(2026, 2, 7))
    assert not calendar.is_workday(date(2026, 2, 21))
