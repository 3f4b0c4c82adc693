"""People are called back at fair times, and no answer counts only where it means something."""

import random
from datetime import datetime, timedelta

import pytest

from dispatch.visits import APART, counts, half_day, is_fair, next_call
from dispatch.worktime import ZONE


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"2026-11-{text}").replace(tzinfo=ZONE)


@pytest.mark.parametrize(
    ("tried", "now", "expected"),
    [
        ([], "23 10:00", "23 10:00"),  # nobody called yet, and it is a fair time
        ([], "23 07:00", "23 09:00"),  # too early in the day
        ([], "23 12:30", "23 14:30"),  # over lunch
        ([], "23 21:00", "24 09:00"),  # at night
        (["23 09:30"], "23 10:00", "23 14:30"),  # another half of the day, more than four hours later
        (["23 11:50"], "23 14:35", "23 15:50"),  # four hours are not over
        (["23 14:30"], "23 19:00", "24 09:00"),  # four hours are over, but it is the same half
        (["23 09:30", "23 15:00"], "23 19:30", "24 09:00"),
        (["23 09:30", "23 15:00", "24 09:00"], "24 09:10", "24 14:30"),
    ],
)
def test_the_next_call_is_fair_and_far_enough_from_the_last(tried: list[str], now: str, expected: str) -> None:
    assert next_call([at(one) for one in tried], at(now)) == at(expected)


@pytest.mark.parametrize(
    ("tried", "now", "expected"),
    [
        ([], "23 03:00", True),  # whatever the hour: that a call was unfair does not undo it
        (["23 10:00"], "23 10:05", False),
        (["23 10:00"], "23 13:59", False),
        (["23 10:00"], "23 14:00", True),
        (["23 14:00"], "23 18:30", False),  # the same half of the day
        (["23 14:00"], "24 09:00", True),
    ],
)
def test_no_answer_counts_four_hours_apart_in_another_half_of_a_day(
    tried: list[str], now: str, *, expected: bool
) -> None:
    assert counts([at(one) for one in tried], at(now)) is expected


def test_the_next_call_always_is_fair_and_counts() -> None:
    dice = random.Random(5)  # noqa: S311 - a test
    for _ in range(500):
        now = at("23 00:00") + timedelta(minutes=dice.randrange(3 * 1440))
        tried: list[datetime] = []
        for _ in range(dice.randrange(4)):
            one = now - timedelta(minutes=dice.randrange(2 * 1440))
            tried.append(one)
        then = next_call(tried, now)
        assert is_fair(then)
        assert counts(tried, then)
        assert then >= now
        assert then - now <= timedelta(days=2)


def test_halves_are_those_of_the_city() -> None:
    assert half_day(datetime.fromisoformat("2026-11-23T04:59+00:00")) == (at("23 00:00").date(), False)
    assert half_day(datetime.fromisoformat("2026-11-23T05:00+00:00")) == (at("23 00:00").date(), True)
    assert timedelta(hours=4) == APART
