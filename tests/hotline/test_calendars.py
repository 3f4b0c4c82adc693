"""A calendar that is published moves what runs, tells whom it concerns, and rewrites nothing that is over."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from dispatch import actions as do
from dispatch.history import replay
from dispatch.model import MACHINE, Actor, Clock, ClockKind, Role
from hotline import calendars, cards, inbox, tickets
from hotline.calendar_seed import default_calendar
from hotline.db import Pool
from hotline.desk import Desk
from hotline.errors import BadInput
from tests import city
from tests.city import AGENT, DISPATCHER, handler, intake, small_desk

YEAR_2027 = "date,kind,hours\n2027-01-01,holiday,\n2027-01-02,workday,\n2027-01-03,workday,\n"
DECEMBER = datetime(2026, 12, 24, 2, 0, tzinfo=UTC)  # a Thursday, 10:00 in Fujian


@pytest.fixture
async def clock() -> city.Clock:
    return city.Clock(DECEMBER)


@pytest.fixture
async def desk(pool: Pool, clock: city.Clock) -> AsyncIterator[Desk]:
    async with small_desk(pool, clock=clock) as desk:
        yield desk


async def a_complaint(desk: Desk) -> int:
    """Return a ticket that the unit has ten working days for, counted from the next day: into 2027."""
    opened = await tickets.open_ticket(desk, intake(category="050902"), AGENT)
    return opened.ticket_id


async def reply_clock(desk: Desk, ticket: int) -> Clock:
    found = (await desk.store.file(ticket)).ticket.clocks
    return next(one for one in found if one.kind is ClockKind.REPLY)


async def run_to_the_end(desk: Desk, clock: city.Clock) -> calendars.Recounting:
    run = calendars.Recounting()
    for _ in range(50):
        while await calendars.recount(desk, run, most=2):
            pass
        if run.done:
            return run
        clock.forward(seconds=11)
    raise AssertionError("the run has no end")


def the_new_year(**changed: Any) -> Any:
    return replace(calendars.read_days(default_calendar(), YEAR_2027, source="国办发明电〔2026〕9号"), **changed)


async def test_a_published_year_moves_the_open_deadlines_that_reach_into_it(desk: Desk, clock: city.Clock) -> None:
    ids = [await a_complaint(desk) for _ in range(3)]
    before = await reply_clock(desk, ids[0])
    assert before.provisional

    await calendars.publish(desk, the_new_year(), by="administrator")
    run = await run_to_the_end(desk, clock)

    after = await reply_clock(desk, ids[0])
    assert before.due_at == datetime(2027, 1, 7, 10, 0, tzinfo=UTC)
    assert after.due_at == datetime(2027, 1, 6, 10, 0, tzinfo=UTC), (
        "1 January free, 2 and 3 January worked: a day sooner"
    )
    assert not after.provisional
    assert run.tickets == 3
    assert run.moved >= 3
    told = await inbox.page(desk, Actor("x", Role.HANDLER, "cgj"), most=50)
    recounted = [notice["facts"] for notice in told if notice["kind"] == "recount"]
    assert len(recounted) == 3
    assert datetime.fromisoformat(recounted[0]["was"]) == before.due_at
    assert datetime.fromisoformat(recounted[0]["due_at"]) == after.due_at


async def test_a_run_that_is_over_changes_nothing_more_and_leaves_one_trace(desk: Desk, clock: city.Clock) -> None:
    ticket = await a_complaint(desk)
    await calendars.publish(desk, the_new_year(), by="administrator")
    await run_to_the_end(desk, clock)
    version = (await desk.store.file(ticket)).ticket.version

    again = await run_to_the_end(desk, clock)

    assert (again.tickets, (await desk.store.file(ticket)).ticket.version) == (0, version)
    async with desk.store.pool.acquire() as connection:
        traces = await connection.fetch("SELECT facts FROM audit WHERE what = 'recount'")
    assert len(traces) == 1


async def test_what_has_stopped_is_not_rewritten(desk: Desk, clock: city.Clock) -> None:
    ticket = await a_complaint(desk)
    await tickets.act(desk, ticket, do.Withdraw(reason="solved"), DISPATCHER)
    before = (await desk.store.file(ticket)).ticket

    await calendars.publish(desk, the_new_year(), by="administrator")
    await run_to_the_end(desk, clock)

    assert (await desk.store.file(ticket)).ticket == before


async def test_a_correction_after_the_fact_makes_nobody_late_at_once(desk: Desk, clock: city.Clock) -> None:
    ticket = await a_complaint(desk)
    due = (await reply_clock(desk, ticket)).due_at
    clock.now = due - timedelta(hours=1)

    await calendars.publish(desk, the_new_year(), by="administrator")
    await run_to_the_end(desk, clock)

    after = await reply_clock(desk, ticket)
    assert after.due_at == due, "by the new calendar it would have been due yesterday"
    assert not after.is_overdue(clock.now)


async def test_the_card_of_a_moment_before_a_publication_stays_what_it_was(desk: Desk, clock: city.Clock) -> None:
    ticket = await a_complaint(desk)
    seen_at = desk.now()
    before = [cards.plain(one) for one in await cards.cards(desk, ticket, MACHINE, at=seen_at)]
    clock.forward(hours=1)

    await calendars.publish(desk, the_new_year(), by="administrator")
    await run_to_the_end(desk, clock)

    again = [cards.plain(one) for one in await cards.cards(desk, ticket, MACHINE, at=seen_at)]
    assert again == before
    now = await cards.cards(desk, ticket, MACHINE)
    assert all(one.agrees for one in now)
    reply = next(one for one in now if one.clock.kind is ClockKind.REPLY)
    assert (reply.clock.calendar, reply.calendar_source) == ("calendar-2", "国办发明电〔2026〕9号")
    rows = await desk.store.fetch("events", ticket_id=ticket, since=0)
    assert replay([row["changes"] for row in rows]) == (await desk.store.file(ticket)).ticket


async def test_a_preview_counts_what_would_move_and_moves_nothing(desk: Desk) -> None:
    ticket = await a_complaint(desk)
    before = (await desk.store.file(ticket)).ticket

    found = await calendars.preview(desk, the_new_year())

    assert found[0] == 1
    assert found[1] >= 1
    assert (await desk.store.file(ticket)).ticket == before


async def test_a_year_without_a_notice_is_an_alarm_from_november_until_it_is_published(pool: Pool) -> None:
    clock = city.Clock(datetime(2026, 10, 31, 15, 59, tzinfo=UTC))
    async with small_desk(pool, clock=clock) as desk:
        await calendars.watch_years(desk)
        assert await open_alarms(desk) == []

        clock.forward(minutes=2)  # 1 November in Fujian
        for _ in range(2):
            await calendars.watch_years(desk)
        assert await open_alarms(desk) == [("calendar", "2027")]

        await calendars.publish(desk, the_new_year(), by="administrator")
        await calendars.watch_years(desk)
        assert await open_alarms(desk) == []


async def open_alarms(desk: Desk) -> list[tuple[str, str]]:
    async with desk.store.pool.acquire() as connection:
        rows = await connection.fetch("SELECT kind, subject FROM alarms WHERE ended_at IS NULL")
    return [(row["kind"], row["subject"]) for row in rows]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("2027-13-01,holiday,", "line 2"),
        ("2027-01-01,festival,", "no kind of a day"),
        ("2027-01-01,open,", "no kind of a day"),  # an open day without hours
        ("2027-01-01,open,08:30", "line 2"),
        ("2027-01-01,holiday,\n2027-01-01,workday,", "at once"),
    ],
)
def test_a_calendar_file_that_cannot_be_meant_is_refused(line: str, problem: str) -> None:
    with pytest.raises(BadInput, match=problem):
        calendars.read_days(default_calendar(), f"date,kind,hours\n{line}\n", source="s")


def test_a_year_is_replaced_whole_and_other_years_stay() -> None:
    calendar = calendars.read_days(default_calendar(), "date,kind,hours\n2026-10-01,holiday,\n", source="s")

    assert calendar.windows(date(2026, 10, 2)), "a Friday that the new list does not name"
    assert not calendar.windows(date(2025, 10, 2))
    assert {day.year for day, _was, _now in calendars.changed_days(default_calendar(), calendar)} == {2026}


async def test_the_departments_own_people_see_the_cards_of_their_tickets_and_others_do_not(desk: Desk) -> None:
    ticket = await a_complaint(desk)

    assert await cards.cards(desk, ticket, handler("cgj"))
    with pytest.raises(Exception, match="no ticket"):
        await cards.cards(desk, ticket, handler("water"))
