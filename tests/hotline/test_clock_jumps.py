"""Clocks of machines step back and forward (NTP), and differ between workers: no finding is repeated, none is lost."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from hotline import db, tickets, worker
from hotline.desk import Desk
from tests.city import AGENT, NOW, Clock, intake, small_desk

HOUR = timedelta(hours=1)


@pytest.fixture
async def clock() -> Clock:
    return Clock()


@pytest.fixture
async def desk(pool: db.Pool, clock: Clock) -> AsyncIterator[Desk]:
    async with small_desk(pool, clock=clock) as desk:
        for _ in range(6):
            await tickets.open_ticket(desk, intake(category="050901"), AGENT)
        yield desk


async def look_at_all(desk: Desk, *, most: int = 7) -> int:
    total = 0
    while number := await tickets.look(desk, most=most):
        total += number
    return total


async def found(desk: Desk) -> Counter[tuple[int, int, str]]:
    async with desk.store.pool.acquire() as connection:
        rows = await connection.fetch("SELECT ticket_id, clock, split_part(finding, ' ', 1) AS name FROM findings")
    return Counter((row["ticket_id"], row["clock"], row["name"]) for row in rows)


async def told(desk: Desk) -> Counter[tuple[int, str, str, str | None]]:
    """Return the notices of the watcher, without their due times: one that was told for a second time counts twice."""
    async with desk.store.pool.acquire() as connection:
        rows = await connection.fetch(
            "SELECT ticket_id, key, kind, department, role FROM notices WHERE key LIKE '%/clock/%'"
        )
    return Counter(
        (row["ticket_id"], row["key"].split("/")[2] + row["kind"], row["department"], row["role"]) for row in rows
    )


async def papers(desk: Desk) -> Counter[tuple[int, int, str]]:
    async with desk.store.pool.acquire() as connection:
        rows = await connection.fetch("SELECT ticket_id, assignment, rung FROM orders")
    return Counter((row["ticket_id"], row["assignment"], row["rung"]) for row in rows)


Walk = Callable[[int], timedelta]
STEP = timedelta(minutes=20)
STEPS = 3 * 24 * 8  # eight days


def steady(turn: int) -> timedelta:
    return STEP * turn


def two_hours_back_each_day(turn: int) -> timedelta:
    return STEP * turn - 2 * HOUR * (turn // 72 % 2)


def two_hours_ahead_now_and_then(turn: int) -> timedelta:
    return STEP * turn + 2 * HOUR * (turn % 50 < 3)


def wild(turn: int) -> timedelta:
    return STEP * turn + 2 * HOUR * random.Random(turn).choice((-1, 0, 1))  # noqa: S311 - a clock gone wild


async def live(desk: Desk, clock: Clock, walk: Walk) -> None:
    for turn in range(STEPS):
        clock.now = NOW + walk(turn)
        await look_at_all(desk)
    clock.now = NOW + STEP * STEPS + 3 * HOUR
    await look_at_all(desk)


@pytest.mark.parametrize(
    "walk",
    [
        two_hours_back_each_day,
        two_hours_ahead_now_and_then,
        wild,
    ],
)
async def test_a_clock_that_jumps_finds_what_a_steady_one_does_each_once(
    pool: db.Pool, clock: Clock, desk: Desk, walk: Walk
) -> None:
    await live(desk, clock, walk)
    jumped, said, issued = await found(desk), await told(desk), await papers(desk)

    async with pool.acquire() as connection:
        due = await connection.fetch("SELECT ticket_id, number, due_at FROM clocks WHERE kind = 'sign'")
    past = {(row["ticket_id"], row["number"]) for row in due if row["due_at"] < clock.now}
    assert past
    assert past <= {key[:2] for key in jumped}
    assert set(jumped.values()) == {1}
    assert set(said.values()) == {1}
    assert set(issued.values()) <= {1}
    # What a steady clock finds on the same tickets later is nothing new.
    await look_at_all(desk)
    assert await found(desk) == jumped


async def test_overdue_facts_are_the_same_whether_the_clock_jumped_or_not(desk: Desk, clock: Clock) -> None:
    """Warnings that come too late are left out by rule; everything from due on is the same set."""
    results = []
    for walk in (steady, two_hours_back_each_day, wild):
        clock.now = NOW
        ticket = (await tickets.open_ticket(desk, intake(category="050901"), AGENT)).ticket_id
        await live(desk, clock, walk)
        results.append(
            {(number, name) for id_, number, name in await found(desk) if id_ == ticket and name != "due_soon"}
        )

    assert results[0]
    assert results[0] == results[1] == results[2]


@pytest.mark.parametrize("jump", [-2 * HOUR, 2 * HOUR, timedelta(days=-2)], ids=str)
async def test_a_jump_between_claim_and_act_loses_and_repeats_nothing(
    desk: Desk, clock: Clock, jump: timedelta
) -> None:
    clock.forward(days=5)
    at = clock()
    claimed = await desk.store.fetch("claim_due_clocks", now=at, most=4, again=at + tickets.CLAIM_FOR)
    assert len(claimed) == 4  # and their worker dies

    clock.now = at + jump
    await look_at_all(desk)
    clock.now = at + max(jump, timedelta()) + tickets.CLAIM_FOR * 2
    await look_at_all(desk)

    names = await found(desk)
    assert {(row["ticket_id"], row["number"]) for row in claimed} <= {key[:2] for key in names}
    assert set(names.values()) == {1}
    assert set((await told(desk)).values()) == {1}


@pytest.mark.parametrize("apart", [2 * HOUR, timedelta(seconds=15), timedelta(seconds=1)], ids=str)
async def test_two_workers_whose_clocks_differ_share_the_work_and_repeat_nothing(
    desk: Desk, clock: Clock, apart: timedelta
) -> None:
    ahead = replace(desk, clock=lambda: clock() + apart)
    for _ in range(6 * 24):
        clock.forward(hours=1)
        # Together: the one that is ahead sees what the other has claimed as due already.
        await asyncio.gather(look_at_all(desk, most=3), look_at_all(ahead, most=3))
    clock.forward(hours=3)
    await look_at_all(desk)

    names = await found(desk)
    assert len({key[:2] for key in names}) >= 6
    assert set(names.values()) == {1}
    assert set((await told(desk)).values()) == {1}
    assert set((await papers(desk)).values()) <= {1}


@pytest.mark.parametrize("jump", [-2 * HOUR, 2 * HOUR], ids=str)
async def test_notices_are_handed_out_once_whatever_the_clock_does(desk: Desk, clock: Clock, jump: timedelta) -> None:
    clock.forward(days=5)
    await look_at_all(desk)
    clock.now += jump

    delivered = [await worker.deliver(desk, most=5) for _ in range(200)]

    async with desk.store.pool.acquire() as connection:
        assert sum(delivered) == await connection.fetchval("SELECT count(*) FROM notices WHERE place IS NOT NULL")
        assert await connection.fetchval("SELECT count(*) FROM notices WHERE place IS NULL") == 0


def test_the_service_counts_whole_seconds_and_its_watcher_wakes_when_they_begin() -> None:
    pauses = [worker.until_next_second() for _ in range(100)]

    assert all(0 < pause <= 1.01 for pause in pauses)
