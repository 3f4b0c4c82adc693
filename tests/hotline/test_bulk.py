"""Many tickets dispatched by one act: each by the rules of one, whole or not at all, and never twice."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from dispatch import actions as do
from dispatch.errors import NoSuchPart, Rule, RuleBroken
from dispatch.model import TicketState
from hotline import bulk, tickets
from hotline.bulk import Chosen, Order
from hotline.db import Pool
from hotline.desk import Desk
from hotline.errors import BadInput, Forbidden, NotFound, NotInBulk, StaleTicket
from tests.city import AGENT, DISPATCHER, handler, intake, small_desk

ROADS: Mapping[str, Any] = {
    "department": "jtj", "category": "050901", "probability": 0.4, "why": "catalogue", "basis": "公路法",
}  # fmt: skip
EACH = Order(key="k1234567", why="批量", fixed="派单时确定分类")
TOGETHER = replace(EACH, lead="cgj", category="050902")


@pytest.fixture
async def desk(pool: Pool) -> AsyncIterator[Desk]:
    async with small_desk(pool) as desk:
        yield desk


async def waiting(desk: Desk, *, candidate: Mapping[str, Any] | None = ROADS, **values: Any) -> Chosen:
    """Open a ticket that waits for a dispatcher with a suggestion, and return it as the page shows it."""
    opened = await tickets.open_ticket(desk, intake(category="", **values), AGENT)
    trace = {"candidates": [candidate] if candidate else [], "risks": []}
    before = (await desk.store.file(opened.ticket_id)).matter.suggestion or {}
    async with desk.store.transaction() as transaction:
        kept = [{"id": opened.ticket_id, "suggestion": {**trace, **before}}]
        await transaction.execute("mark_judged", judged=kept)
    return Chosen(opened.ticket_id, 1, candidate["department"] if candidate else "")


async def lead_of(desk: Desk, chosen: Chosen) -> str | None:
    lead = (await desk.store.file(chosen.ticket)).ticket.lead
    return lead.department if lead else None


async def test_each_goes_to_its_first_suggestion_with_its_category(desk: Desk) -> None:
    chosen = [await waiting(desk) for _ in range(3)]

    results = await bulk.dispatch(desk, chosen, EACH, DISPATCHER)

    assert [one.error for one in results] == [None] * 3
    assert [await lead_of(desk, one) for one in chosen] == ["jtj"] * 3
    events = (await tickets.view(desk, chosen[0].ticket, DISPATCHER)).events
    assert [event["action"] for event in events] == ["receive", "amend", "dispatch"]
    assert {event["person"] for event in events[1:]} == {DISPATCHER.person}


async def test_all_go_to_one_unit_and_a_category_is_given_only_where_there_is_none(desk: Desk) -> None:
    without = await waiting(desk, candidate=None)
    known = await waiting(desk)
    await tickets.act(desk, known.ticket, do.Amend(category="050901", reason="已核"), DISPATCHER)

    await bulk.dispatch(desk, [without, replace(known, expected=2)], TOGETHER, DISPATCHER)

    files = [await desk.store.file(one.ticket) for one in (without, known)]
    assert [file.ticket.category for file in files] == ["050902", "050901"]
    assert [file.ticket.lead and file.ticket.lead.department for file in files] == ["cgj", "cgj"]


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"confidential": True}, "confidential"),
        ({"type": "report"}, "report"),
        ({"reported": "cgj"}, "report"),
        ({"text": "他说要跳楼"}, "risk"),
    ],
)
async def test_what_must_be_looked_at_by_itself_is_refused(desk: Desk, values: dict[str, Any], reason: str) -> None:
    bad, good = await waiting(desk, **values), await waiting(desk)

    first, second = await bulk.dispatch(desk, [bad, good], TOGETHER, DISPATCHER)

    assert isinstance(first.error, NotInBulk)
    assert first.error.reason == reason
    assert second.error is None
    assert await lead_of(desk, bad) is None


async def test_no_unit_is_suggested_that_returned_it(desk: Desk) -> None:
    chosen = await waiting(desk)
    file = await desk.store.file(chosen.ticket)
    back = replace(file, ticket=replace(file.ticket, returned_by=("jtj",)))

    assert bulk.suggested(file, await desk.rulebook()) == ROADS
    assert bulk.suggested(back, await desk.rulebook()) is None


async def test_a_sensitive_matter_is_refused(desk: Desk) -> None:
    opened = await tickets.open_ticket(desk, intake(category="130200", type="complaint"), AGENT)

    (result,) = await bulk.dispatch(desk, [Chosen(opened.ticket_id, 1)], TOGETHER, DISPATCHER)

    assert isinstance(result.error, NotInBulk)
    assert result.error.reason == "sensitive"


async def test_without_a_suggestion_or_with_another_than_was_shown_nothing_is_sent(desk: Desk) -> None:
    chosen = [await waiting(desk, candidate=None), replace(await waiting(desk), lead="cgj")]

    results = await bulk.dispatch(desk, chosen, EACH, DISPATCHER)

    reasons = [one.error.reason for one in results if isinstance(one.error, NotInBulk)]
    assert reasons == ["no_suggestion", "other_suggestion"]


async def test_a_ticket_that_moved_since_the_page_was_drawn_is_refused(desk: Desk) -> None:
    moved, still = await waiting(desk), await waiting(desk)
    await tickets.act(desk, moved.ticket, do.Supplement(text="又打来电话"), AGENT)

    results = await bulk.dispatch(desk, [moved, still], EACH, DISPATCHER)

    assert isinstance(results[0].error, StaleTicket)
    assert results[1].error is None


async def test_every_rule_of_one_ticket_holds_and_nothing_is_half_done(desk: Desk) -> None:
    """The category is fixed only together with the dispatch."""
    chosen = await waiting(desk)

    (result,) = await bulk.dispatch(desk, [chosen], replace(EACH, lead="nobody", category="050901"), DISPATCHER)

    assert isinstance(result.error, RuleBroken)
    assert result.error.rule is Rule.UNKNOWN_DEPARTMENT
    ticket = (await desk.store.file(chosen.ticket)).ticket
    assert (ticket.version, ticket.category, ticket.state) == (1, None, TicketState.RECEIVED)


async def test_the_same_order_again_does_nothing_twice(desk: Desk) -> None:
    chosen = [await waiting(desk) for _ in range(2)]

    both = await asyncio.gather(*(bulk.dispatch(desk, chosen, EACH, DISPATCHER) for _ in range(2)))
    again = await bulk.dispatch(desk, chosen, EACH, DISPATCHER)

    assert [one.error for results in (*both, again) for one in results] == [None] * 6
    assert [(await desk.store.file(one.ticket)).ticket.version for one in chosen] == [3, 3]
    (other,) = await bulk.dispatch(desk, chosen[:1], replace(EACH, key="another-1"), DISPATCHER)
    assert isinstance(other.error, StaleTicket)


async def test_a_number_that_is_no_ticket_hinders_no_other(desk: Desk) -> None:
    good = await waiting(desk)

    results = await bulk.dispatch(desk, [Chosen(10**17 + 1, 1), good], EACH, DISPATCHER)

    assert isinstance(results[0].error, NotFound)
    assert results[1].error is None


async def test_only_dispatchers_and_only_so_many(desk: Desk) -> None:
    chosen = await waiting(desk)
    many = [Chosen(10**17 + number, 1) for number in range(bulk.MOST + 1)]

    for actor in (AGENT, handler("cgj")):
        with pytest.raises(Forbidden):
            await bulk.dispatch(desk, [chosen], EACH, actor)
    for given, order in ((many, EACH), ([], EACH), ([chosen, chosen], EACH), ([chosen], replace(EACH, key="k"))):
        with pytest.raises(BadInput):
            await bulk.dispatch(desk, given, order, DISPATCHER)
    assert await lead_of(desk, chosen) is None


async def test_several_actions_are_all_done_or_none(desk: Desk) -> None:
    chosen = await waiting(desk)
    actions = [do.Supplement(text="补充"), do.Accept(assignment=1)]

    with pytest.raises(NoSuchPart):
        await tickets.act_in_turn(desk, chosen.ticket, actions, DISPATCHER)

    assert (await desk.store.file(chosen.ticket)).ticket.version == 1
