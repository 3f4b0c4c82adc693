"""An open page in a real browser: new notices are counted without a reload, and it says when it is stale."""

from __future__ import annotations

import re
from typing import Any

import pytest

from dispatch import actions as do
from dispatch.model import Role
from hotline import auth, tickets, worker
from hotline.api import events
from tests.city import AGENT, SUPERVISOR, intake
from tests.e2e.conftest import PASSWORD, House, Look, Seat

MENU = 'nav a[href="/notices"]'


async def wait_for(seat: Seat, selector: str, words: str) -> None:
    await seat.page.locator(selector).filter(has_text=re.compile(words)).first.wait_for()


async def open_one(house: House, **values: Any) -> int:
    return (await tickets.open_ticket(house.desk, intake(category="050901", **values), AGENT)).ticket_id


async def test_new_notices_are_counted_while_the_page_is_open_and_marked_on_all_pages(
    house: House, faults: Look
) -> None:
    ticket = await open_one(house)
    unit = (await house.desk.store.file(ticket)).ticket.assignments[0].department
    handler = auth.Person(id="handler", name="江涛", role=Role.HANDLER, department=unit)
    await auth.create_person(house.desk, handler, PASSWORD, hasher=auth.QUICK)
    first, second = await house.sit("handler"), await house.sit("handler")
    for seat in (first, second):
        await seat.go("/department")
        await wait_for(seat, MENU, r"^提醒$")

    await worker.deliver(house.desk)
    for seat in (first, second):
        await wait_for(seat, MENU, r"^提醒 \(1\)$")
    await open_one(house)
    await worker.deliver(house.desk)
    for seat in (first, second):
        await wait_for(seat, MENU, r"^提醒 \(2\)$")

    await first.go("/notices")
    await first.shot("notices")
    assert await faults(first) == []
    await first.page.get_by_role("button", name="全部标为已看").click()
    for seat in (first, second):
        await wait_for(seat, MENU, r"^提醒$")
        seat.check_console()


async def test_a_page_says_that_its_line_is_lost_and_that_it_is_back(house: House) -> None:
    seat = await house.sit("agent")
    await seat.go("/search")
    await wait_for(seat, MENU, r"^提醒$")
    await seat.page.evaluate("document.addEventListener('live:lost', () => { window.wasLost = true })")

    await seat.page.context.set_offline(True)
    await wait_for(seat, "#live", "连接断开了")
    assert await seat.page.evaluate("window.wasLost")
    await seat.shot("live-lost")
    await seat.page.context.set_offline(False)

    await wait_for(seat, "#live", "连接断开过")


async def test_a_line_that_falls_silent_is_lost_too(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """As when a cable is pulled: the browser notices nothing for minutes."""
    monkeypatch.setattr(events, "HEARTBEAT_SECONDS", 3600.0)
    seat = await house.sit("agent")
    await seat.page.clock.install()
    await seat.go("/search")
    await seat.page.clock.run_for(1000)
    await wait_for(seat, MENU, r"^提醒$")
    await seat.page.wait_for_timeout(500)

    await seat.page.clock.run_for(41_000)
    await wait_for(seat, "#live", "连接断开了")
    await seat.page.clock.run_for(7_000)
    await wait_for(seat, "#live", "连接断开过")
    seat.check_console()


async def test_a_ticket_that_moves_while_it_is_read_says_so(house: House, faults: Look) -> None:
    ticket = await open_one(house)
    seat = await house.sit("supervisor")
    await seat.go(f"/tickets/{ticket}")
    await wait_for(seat, MENU, r"^提醒")
    await seat.page.wait_for_timeout(500)

    await tickets.act(house.desk, ticket, do.Urge(assignment=1), SUPERVISOR)

    await wait_for(seat, "#live", "这张工单刚刚有了新变化")
    await seat.shot("live-moved")
    assert await faults(seat) == []
    await seat.page.locator("#live a").click()
    await seat.page.locator("#live").wait_for(state="hidden")
    seat.check_console()
