"""Several workers at once: each thing is found and told once, and one bad moment stops nobody."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta

import orjson
import pytest

from dispatch import actions as do
from dispatch.errors import DispatchError
from dispatch.model import Actor
from hotline import reports, stream, tickets, worker
from hotline.config import read
from hotline.db import Pool
from hotline.desk import Desk
from hotline.errors import Unavailable
from hotline.guard import Guard
from tests.city import AGENT, DISPATCHER, NOW, SUPERVISOR, Clock, handler, intake, small_desk, until


@pytest.fixture
async def clock() -> Clock:
    return Clock()


@pytest.fixture
async def desk(pool: Pool, clock: Clock) -> AsyncIterator[Desk]:
    async with small_desk(pool, clock=clock) as desk:
        yield desk


async def open_some(desk: Desk, number: int) -> list[int]:
    opened = await asyncio.gather(*(tickets.open_ticket(desk, intake(category="050901"), AGENT) for _ in range(number)))
    return [one.ticket_id for one in opened]


# --- turns ----------------------------------------------------------------------------------------------------------


async def test_a_turn_that_fails_is_tried_again_and_stops_no_other(caplog: pytest.LogCaptureFixture) -> None:
    turns: Counter[str] = Counter()

    def turn(name: str, *failures: Exception) -> Callable[[], Awaitable[int]]:
        waiting = list(failures)

        async def take() -> int:
            turns[name] += 1
            if waiting:
                raise waiting.pop(0)
            return 0

        return take

    working = [
        asyncio.create_task(worker._repeat(name, take, pause=lambda: 0.001))
        for name, take in (
            ("poisoned", turn("poisoned", ValueError("a bad row"), Unavailable("the database"))),
            ("healthy", turn("healthy")),
        )
    ]
    await until(lambda: _answer(min(turns["poisoned"], turns["healthy"]) >= 4))
    for task in working:
        task.cancel()
    ended = await asyncio.gather(*working, return_exceptions=True)

    assert all(isinstance(end, asyncio.CancelledError) for end in ended)
    assert "poisoned failed; it is tried again" in caplog.text
    assert "poisoned: the database cannot be reached" in caplog.text


async def test_a_busy_turn_is_followed_at_once_by_the_next() -> None:
    left = 200

    async def take() -> int:
        nonlocal left
        await asyncio.sleep(0)
        left -= 1
        return left

    working = asyncio.create_task(worker._repeat("busy", take, pause=lambda: 60))
    await until(lambda: _answer(left == 0), seconds=5)
    working.cancel()


async def test_a_whole_worker_judges_looks_delivers_and_says_that_it_lives(desk: Desk, clock: Clock) -> None:
    (ticket,) = await open_some(desk, 1)
    clock.forward(days=60)
    alive = asyncio.create_task(worker.run(desk, "w1", read({})))
    try:
        await until(lambda: desk.store.fetch("heartbeats"))
        await until(lambda: _found(desk))
        await until(lambda: _all_delivered(desk))
    finally:
        alive.cancel()
        await asyncio.gather(alive, return_exceptions=True)

    assert {key[0] for key in await _found(desk)} == {ticket}


# --- notices --------------------------------------------------------------------------------------------------------


async def test_workers_at_once_deliver_each_notice_once(desk: Desk) -> None:
    await open_some(desk, 60)
    page = desk.live.subscribe(stream.CHANNEL)

    delivered = await asyncio.gather(*(worker.deliver(desk, most=20) for _ in range(4)))
    delivered += [await worker.deliver(desk) for _ in range(4)]

    await desk.live.publish(stream.CHANNEL, b"the end")
    heard: list[int] = []
    while (message := await anext(page)) != b"the end":
        heard += [one["id"] for one in orjson.loads(message) if one["name"] == "notice"]
    assert sum(delivered) == 60
    assert len(heard) == len(set(heard)) == 60
    assert await _undelivered(desk) == []


async def test_notices_are_handed_out_in_one_order_whoever_does_it(desk: Desk) -> None:
    writing = asyncio.gather(*(open_some(desk, 20) for _ in range(3)))
    seen: list[int] = []
    while not writing.done() or await _undelivered(desk):
        await asyncio.gather(*(worker.deliver(desk, most=7) for _ in range(3)))
        async with desk.store.pool.acquire() as connection:
            places = await connection.fetch("SELECT place FROM notices WHERE place IS NOT NULL ORDER BY place")
        # What was there before is still the beginning: nothing came in before it.
        assert [row["place"] for row in places][: len(seen)] == seen
        seen = [row["place"] for row in places]

    assert len(seen) == len(set(seen)) == 60


async def test_a_notice_whose_worker_died_in_the_middle_is_delivered_by_the_next(desk: Desk) -> None:
    await open_some(desk, 1)
    async with desk.store.pool.acquire() as dying:
        began = dying.transaction()
        await began.start()
        query = desk.store._queries["place_notices"]
        assert len(await dying.fetch(query.text, *({"now": NOW, "most": 10}[name] for name in query.parameters))) == 1
        assert await worker.deliver(desk) == 0  # the order is being written just now
        await began.rollback()

    assert await worker.deliver(desk) == 1
    assert await worker.deliver(desk) == 0


# --- looks ----------------------------------------------------------------------------------------------------------


async def test_three_workers_find_each_of_many_due_clocks_exactly_once(desk: Desk, clock: Clock) -> None:
    await open_some(desk, 110)
    async with desk.store.pool.acquire() as connection:
        due = await connection.fetchval("SELECT count(*) FROM clocks WHERE stopped_at IS NULL")
    clock.forward(days=60)

    assert due == 330
    looked = await asyncio.gather(*(_look_until_done(desk) for _ in range(3)))

    assert sum(looked) == due
    found = await _found(desk)
    assert len(found) == len(set(found))
    async with desk.store.pool.acquire() as connection:
        late = await connection.fetchval(
            "SELECT count(*) FROM clocks WHERE stopped_at IS NULL AND due_at < $1", clock()
        )
        overdue = await connection.fetchval("SELECT count(*) FROM findings WHERE finding LIKE 'overdue 2%'")
        twice = await connection.fetch("SELECT key FROM notices GROUP BY key HAVING count(*) > 1")
    assert overdue == late
    assert twice == []


async def _look_until_done(desk: Desk) -> int:
    total = 0
    while number := await tickets.look(desk, most=25):
        total += number
    return total


async def test_a_worker_that_dies_after_claiming_loses_nothing(desk: Desk, clock: Clock) -> None:
    await open_some(desk, 3)
    clock.forward(days=60)
    claimed = await desk.store.fetch("claim_due_clocks", now=clock(), most=100, again=clock() + tickets.CLAIM_FOR)
    assert await tickets.look(desk) == 0
    assert await _found(desk) == []

    clock.forward(minutes=3)
    assert await tickets.look(desk) == len(claimed)
    assert len(await _found(desk)) > 0


async def test_a_clock_that_cannot_be_judged_holds_up_no_other_and_is_an_alarm_until_it_can(
    desk: Desk, clock: Clock
) -> None:
    ids = await open_some(desk, 5)
    first = await desk.store.fetch_value("next_look")
    async with desk.store.pool.acquire() as connection:
        poisoned = await connection.fetchrow(
            "UPDATE clocks SET kind = 'a mistake', look_at = $1 WHERE (ticket_id, number) = ("
            " SELECT ticket_id, number FROM clocks WHERE kind = 'sign' LIMIT 1) RETURNING ticket_id, number",
            first - timedelta(days=1),  # the first in every claim
        )
    clock.forward(days=60)
    await _look_until_done(desk)
    assert poisoned
    mistaken = (poisoned["ticket_id"], poisoned["number"])
    alarms = {(row["kind"], row["subject"]) for row in await desk.store.fetch("open_alarms")}
    assert ("look", f"{mistaken[0]}/{mistaken[1]}") in alarms
    assert all(subject.startswith(f"{mistaken[0]}/") for _kind, subject in alarms)
    found = await _found(desk)
    assert {key[0] for key in found} >= set(ids) - {mistaken[0]}
    assert mistaken not in {key[:2] for key in found}

    watching = Guard(desk, read({}))
    await watching.turn()
    assert await desk.store.fetch("open_alarms") != []
    async with desk.store.pool.acquire() as connection:
        await connection.execute("UPDATE clocks SET kind = 'sign' WHERE (ticket_id, number) = ($1, $2)", *mistaken)
    clock.forward(minutes=1)
    await _look_until_done(desk)
    await watching.turn()

    assert await desk.store.fetch("open_alarms") == []
    assert mistaken in {key[:2] for key in await _found(desk)}


async def test_looking_while_tickets_are_acted_on_never_deadlocks(desk: Desk, clock: Clock) -> None:
    ids = await open_some(desk, 25)
    roads = handler("jtj")
    clock.forward(days=60)
    moves: list[tuple[do.Action, Actor]] = [
        (do.Accept(assignment=1), roads),
        (do.Reach(assignment=1, how="called"), roads),
        (do.Supplement(text="又来电"), AGENT),
        (do.Urge(assignment=1), SUPERVISOR),
        (do.Recall(assignment=1, reason="r"), DISPATCHER),
    ]

    async def work(ticket: int) -> None:
        for action, actor in moves:
            with contextlib.suppress(DispatchError):
                await tickets.act(desk, ticket, action, actor)

    async with asyncio.timeout(30):
        await asyncio.gather(*(_look_until_done(desk) for _ in range(3)), *(work(ticket) for ticket in ids))
    clock.forward(minutes=5)
    await _look_until_done(desk)

    assert not any((await reports.invariants(desk, ids)).values())
    found = await _found(desk)
    assert len(found) == len(set(found))


# --- heartbeat ------------------------------------------------------------------------------------------------------


async def test_a_heartbeat_says_when_and_how_late(desk: Desk, clock: Clock) -> None:
    await worker.beat(desk, "w1")
    assert [(row["worker"], row["at"], row["lag_seconds"]) for row in await desk.store.fetch("heartbeats")] == [
        ("w1", NOW, 0.0)
    ]

    await open_some(desk, 1)
    look_at = await desk.store.fetch_value("next_look")
    clock.now = look_at + timedelta(minutes=7)
    await worker.beat(desk, "w1")

    (row,) = await desk.store.fetch("heartbeats")
    assert (row["at"], row["lag_seconds"]) == (clock.now, 420.0)


async def _answer(value: object) -> object:
    return value


async def _all_delivered(desk: Desk) -> bool:
    return not await _undelivered(desk)


async def _undelivered(desk: Desk) -> list[int]:
    async with desk.store.pool.acquire() as connection:
        return [row["id"] for row in await connection.fetch("SELECT id FROM notices WHERE delivered_at IS NULL")]


async def _found(desk: Desk) -> list[tuple[int, int, str]]:
    async with desk.store.pool.acquire() as connection:
        rows = await connection.fetch("SELECT ticket_id, clock, finding FROM findings")
    return [(row["ticket_id"], row["clock"], row["finding"]) for row in rows]
