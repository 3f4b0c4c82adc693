"""The ground of `hotline bench pages`: a city that has lived for two weeks, each of its open tickets there many times.

The tickets come from the simulation, through the service: many departments, every state, returns, papers, calls in
vain. One in three is a long story of fifteen events and more. Copies keep everything but their number and when they
are due, so boards, counts and lists are what so many different tickets would make them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from dispatch import actions as do
from hotline import db, simulation, tickets
from hotline.app import Engines, open_desk
from hotline.config import Config
from hotline.desk import Desk

Say = Callable[[str], None]
DAYS, SOME_DAYS = 14, 4
MANY = 10_000
"""Open tickets from which on it is worth while to wait until the city has lived for all these days."""
FIRST = 500_000_000_000_000_000
"""The number of the first copy; the service's own numbers begin with the year."""
LONG = 16
"""Events of a long story."""
ONE_LONG_IN = 3
FRESH = 12
"""Matters that have just come in, for people to send."""
COPIED_AT_ONCE = 20_000
_PARTS = (
    *("tickets", "ticket_grams", "callers", "assignments", "requests", "orders", "clocks", "events", "findings"),
    "notices",
)


@dataclass(frozen=True, slots=True)
class Shown:
    """An open ticket of the city: where it stands, how much has happened, and who leads."""

    id: int
    state: str
    events: int
    lead: str | None


async def fill(engines: Engines, config: Config, desk: Desk, number: int, say: Say) -> None:
    """Let the city of `desk` live until now, with its model, and copy what is open until `number` tickets are."""
    async with open_desk(engines, config, clock=simulation.simulated_now) as past:
        past.predictor = desk.predictor
        days = DAYS if number >= MANY else SOME_DAYS
        report = simulation.Report(days=days, tickets_per_day=min(24, 8 + number // 50), seed=1)
        city = simulation.City(past, await past.rulebook(), report, simulation.stories())
        await city.live(desk.now() - timedelta(days=days), say)
        await _come_in(past)
        open_ = await desk.store.fetch("bench_open")
        for row in open_[::ONE_LONG_IN]:
            await _talk(past, row["id"], LONG - row["version"])
    await _copy(desk, [row["id"] for row in open_], number - len(open_), say)


async def _come_in(desk: Desk) -> None:
    for story in simulation.stories()[:: len(simulation.stories()) // FRESH]:
        said = {"text": story.text, "type": story.type.value, "name": "陈志强", "phone": "13800000000"}
        await tickets.open_ticket(desk, tickets.read_intake(said), simulation.AGENT)
    while await tickets.judge(desk):
        pass


async def _talk(desk: Desk, ticket_id: int, times: int) -> None:
    """Let the caller ring again and again."""
    for time in range(times):
        said = f"诉求人第{time + 1}次来电补充：情况仍未改变，早晚高峰更为明显，望尽快到现场查看并电话告知处理进展。"
        await tickets.act(desk, ticket_id, do.Supplement(text=said), simulation.AGENT)


async def _copy(desk: Desk, templates: Sequence[int], number: int, say: Say) -> None:
    async with desk.store.transaction() as transaction:
        await transaction.execute("bench_without_checks")
        for start in range(0, number, COPIED_AT_ONCE):
            some = {"first": FIRST, "start": start, "number": min(COPIED_AT_ONCE, number - start)}
            for part in _PARTS:
                await transaction.execute(f"bench_spread_{part}", **some, templates=list(templates))
            say(f"{start + some['number']} of {number} tickets copied")
    await desk.store.pool.expire_connections()  # for the session that checked nothing
    async with db.connection(desk.store.pool) as connection:
        await connection.execute("VACUUM ANALYZE", timeout=1200)


async def shown(desk: Desk, most: int) -> list[Shown]:
    """Return open tickets from all over the city, the same ones each time."""
    return [Shown(**row) for row in await desk.store.fetch("bench_shown", most=most)]
