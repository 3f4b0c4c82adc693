"""Who else is at a ticket, and who may know of it."""

import asyncio
from collections.abc import AsyncIterator
from time import time
from typing import Any

import pytest

from dispatch import actions as do
from dispatch.model import Actor, Role
from hotline import presence, tickets
from hotline.db import Pool
from hotline.desk import Desk
from hotline.errors import BadInput, NotFound
from hotline.live import Live
from hotline.presence import Here
from hotline.stream import CHANNEL
from tests.city import intake, small_desk

AGENT = Actor("agent", Role.AGENT, "hotline", "林晓")
CHIEF = Actor("chief", Role.SUPERVISOR, "hotline", "黄敏")
ROADS = Actor("roads", Role.HANDLER, "jtj", "江涛")
MATE = Actor("mate", Role.HEAD, "jtj", "周海")
LAMPS = Actor("lamps", Role.HANDLER, "cgj", "许静")
TAB, OTHER_TAB = "tab00001", "tab00002"


@pytest.fixture(params=["redis", "none"])
async def desk(pool: Pool, redis_url: str, request: pytest.FixtureRequest) -> AsyncIterator[Desk]:
    """Give a desk with Redis, and one without."""
    async with small_desk(pool, redis=redis_url if request.param == "redis" else None) as desk:
        yield desk


async def bring(desk: Desk, **values: Any) -> int:
    """Open a ticket that the roads' unit leads; a protected one is sent there by a person."""
    opened = await tickets.open_ticket(desk, intake(category="050901", **values), AGENT)
    if (await desk.store.file(opened.ticket_id)).ticket.lead is None:
        await tickets.act(desk, opened.ticket_id, do.Dispatch(lead="jtj"), CHIEF)
    return opened.ticket_id


async def come(desk: Desk, ticket: int, actor: Actor, *, writing: bool = False, tab: str = TAB) -> list[Here]:
    return await presence.come(desk, ticket, actor, tab, writing=writing)


async def test_people_of_one_office_see_each_other_and_never_themselves(desk: Desk) -> None:
    ticket = await bring(desk)
    assert await come(desk, ticket, ROADS) == []
    assert await come(desk, ticket, ROADS, tab=OTHER_TAB) == []

    (one,) = await come(desk, ticket, MATE, writing=True)
    (other,) = await come(desk, ticket, ROADS)

    assert (one.name, one.role, one.writing) == ("江涛", "handler", False)
    assert (other.name, other.writing) == ("周海", True)


async def test_the_hotline_sees_everybody(desk: Desk) -> None:
    ticket = await bring(desk, confidential=True)
    await come(desk, ticket, ROADS)

    (one,) = await come(desk, ticket, AGENT)

    assert (one.name, one.department) == ("江涛", "jtj")


async def test_a_unit_does_not_learn_who_of_the_hotline_reads_its_ticket(desk: Desk) -> None:
    ticket = await bring(desk)
    await come(desk, ticket, CHIEF)

    assert await come(desk, ticket, ROADS) == []
    await come(desk, ticket, CHIEF, writing=True)
    (one,) = await come(desk, ticket, ROADS)

    assert one == Here(person="", name="", role="", department="hotline", writing=True)


@pytest.mark.parametrize("values", [{"confidential": True}, {"type": "report"}, {"reported": "water"}])
async def test_on_a_protected_matter_a_unit_learns_of_its_own_people_only(desk: Desk, values: dict[str, Any]) -> None:
    ticket = await bring(desk, **values)
    await come(desk, ticket, CHIEF, writing=True)
    await come(desk, ticket, MATE)

    (one,) = await come(desk, ticket, ROADS)

    assert one.person == "mate"


async def test_who_may_not_see_the_ticket_is_answered_as_if_there_were_none(desk: Desk) -> None:
    ticket = await bring(desk)
    await come(desk, ticket, ROADS)

    for number in (ticket, 10**17 + 1):
        with pytest.raises(NotFound):
            await come(desk, number, LAMPS)
        with pytest.raises(NotFound):
            await presence.leave(desk, number, LAMPS, TAB)
    with pytest.raises(NotFound):
        await come(desk, ticket, Actor(str(ticket), Role.CITIZEN, ""))
    with pytest.raises(BadInput):
        await come(desk, ticket, ROADS, tab="x")


async def test_who_closes_the_page_is_gone_at_once(desk: Desk) -> None:
    ticket = await bring(desk)
    await come(desk, ticket, AGENT)

    await presence.leave(desk, ticket, AGENT, TAB)

    assert await come(desk, ticket, CHIEF) == []


async def test_who_falls_silent_is_gone_soon(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    ticket = await bring(desk)
    await come(desk, ticket, AGENT)
    assert presence.GONE_AFTER_SECONDS + 8 < 30  # and the other page asks every eight seconds

    monkeypatch.setattr("hotline.live.time", lambda: time() + presence.GONE_AFTER_SECONDS + 1)

    assert await come(desk, ticket, CHIEF) == []


async def test_pages_are_told_only_where_somebody_else_is(desk: Desk) -> None:
    ticket = await bring(desk)
    heard = desk.live.subscribe(CHANNEL)
    await come(desk, ticket, AGENT)
    await come(desk, ticket, AGENT)
    assert heard._unread.empty()

    await come(desk, ticket, CHIEF)
    await come(desk, ticket, CHIEF)
    await come(desk, ticket, CHIEF, writing=True)
    await presence.leave(desk, ticket, CHIEF, TAB)
    await asyncio.sleep(0)

    assert heard._unread.qsize() == 3
    assert "林晓".encode() not in await anext(heard)


async def test_two_processes_see_each_other_through_redis(pool: Pool, redis_url: str) -> None:
    async with small_desk(pool, redis=redis_url) as desk:
        ticket = await bring(desk)
        other = Desk(desk.store, desk.vault, await Live.open(redis_url), desk.predictor, desk.clock)
        await come(desk, ticket, AGENT)

        (one,) = await come(other, ticket, CHIEF)
        await presence.leave(desk, ticket, AGENT, TAB)

        assert one.person == "agent"
        assert await come(other, ticket, CHIEF) == []
        await other.live.close()
