"""Supervisors and keepers of rules in a real browser: from a lamp to a ticket, papers, exemptions, a year's days."""

from __future__ import annotations

import re
from datetime import date
from typing import Any
from urllib.parse import unquote

import pytest

from dispatch import actions as do
from dispatch.model import Actor, Role, Rung
from hotline import auth, office, tickets
from hotline.web import supervision_page
from tests.city import SUPERVISOR, handler
from tests.e2e import scene
from tests.e2e.conftest import PASSWORD, House, Look, Seat
from tests.e2e.test_pages import bring, overflow

ROADS = handler("jtj")
HEAD = Actor("roads-head", Role.HEAD, "jtj")
ADMINISTRATOR = auth.Person(id="second", name="方圆", role=Role.ADMINISTRATOR, department="hotline")


@pytest.fixture
def city() -> office.City:
    return scene.long_city()


async def done(seat: Seat, ticket: str, action: str, **values: Any) -> None:
    await seat.act(ticket, action, **values)
    await seat.page.wait_for_url(f"**/tickets/{ticket}?done={action}*")


async def counted(seat: Seat) -> dict[str, int]:
    """Every number of the page that leads somewhere, by where it leads."""
    links = seat.page.locator("main a:has(.count), main a[data-count]")
    found = {}
    for link in await links.all():
        number = re.search(r"\d+", await link.inner_text())
        href = str(await link.get_attribute("href"))
        tail = re.findall(r"\d+", await link.inner_text())
        if number and href.startswith("/supervision/list"):
            found[href] = int(tail[-1])
    return found


async def lines(seat: Seat, href: str) -> int:
    """How many lines a list has over all its pages, by its own links to the next."""
    await seat.go(href)
    number = 0
    while True:
        number += int(await seat.page.locator("[data-line]").count())
        more = seat.page.locator('a[rel="next"]')
        if not await more.count():
            return number
        await more.click()
        await seat.page.wait_for_load_state()


async def test_a_lamp_leads_to_its_ticket_in_two_clicks(house: House, faults: Look) -> None:
    tickets_there = await bring(house, 3)
    house.clock.forward(days=3)
    seat = await house.sit("supervisor")
    await seat.go("/")
    await seat.page.wait_for_url("**/supervision")
    red = seat.page.locator(".total td.red a").first
    assert int(await red.inner_text()) > 0
    await seat.shot("supervision-red")

    await red.click()
    await seat.page.wait_for_url("**/supervision/list?**lamp=red*")
    await seat.page.locator("tr.red .c-title a").first.click()
    await seat.page.wait_for_url("**/tickets/*")

    number = re.search(r"/tickets/(\d+)", seat.page.url)
    assert number
    assert int(number[1]) in tickets_there
    assert "已超" in await seat.text(".ticket-head")
    assert await faults(seat) == []
    seat.check_console()


async def test_every_number_of_every_page_is_as_long_as_its_list(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervision_page, "PAGE_LINES", 4)
    there = await scene.played(house.desk, house.clock, 3)
    await bring(house, 5)
    house.clock.forward(hours=30)
    seat = await house.sit("supervisor", size="wide")
    seen: dict[str, int] = {}
    for path in (
        "/supervision",
        "/supervision?unit=q01",
        "/supervision?stage=resolution",
        "/supervision/list?of=papers",
    ):
        await seat.go(path)
        seen |= await counted(seat)
    assert there.great
    assert len(seen) > 12
    assert sum(number > 4 for number in seen.values()) > 2  # beyond one page

    for href, number in seen.items():
        assert await lines(seat, href) == number, unquote(href)
    seat.check_console()


async def test_a_paper_is_issued_answered_returned_and_settled(house: House, faults: Look) -> None:
    (number,) = await bring(house)
    ticket = str(number)
    await tickets.act(house.desk, number, do.Accept(assignment=1), ROADS)
    supervisor, roads = await house.sit("supervisor"), await house.sit("roads")

    await done(supervisor, ticket, "supervise", rung="order", demand="请三日内书面说明办理进展")
    await supervisor.go("/supervision")
    assert (await counted(supervisor))["/supervision/list?of=papers&rung=order&unit=jtj"] == 1
    await roads.go("/department")
    await roads.page.locator(f'a[href="/tickets/{ticket}"]').first.click()
    assert "请三日内书面说明办理进展" in await roads.text(".tree")
    await done(roads, ticket, "answer_order", answer="正在办")

    await supervisor.go("/supervision/list?of=answered")
    await supervisor.page.locator(".c-title a").click()
    await done(supervisor, ticket, "return_order", reason="没有说明何时办结")
    await done(roads, ticket, "answer_order", answer="已更换计价器，十一月底前办结")
    await supervisor.go(f"/tickets/{ticket}")
    await supervisor.shot("supervision-answered")
    assert await faults(supervisor) == []
    await done(supervisor, ticket, "accept_order", note="属实")
    house.clock.forward(seconds=5)  # counts of the city are a few seconds old at most

    await supervisor.go("/supervision")
    assert "/supervision/list?of=papers&rung=order&unit=jtj" not in await counted(supervisor)
    await done(supervisor, ticket, "supervise", rung="order", demand="再次督办")
    await done(supervisor, ticket, "supervise", rung="summoned", demand="到热线中心说明情况")
    await supervisor.go("/supervision/list?of=papers")
    assert "约谈督办" in await supervisor.text(".owed")
    assert await supervisor.page.locator("[data-line]").count() == 1  # the higher one took the place of the lower
    for seat in (supervisor, roads):
        seat.check_console()


@pytest.mark.parametrize(("approve", "word"), [("true", "同意"), ("false", "不同意")])
async def test_an_exemption_is_asked_for_by_the_head_and_decided(house: House, approve: str, word: str) -> None:
    (number,) = await bring(house)
    ticket = str(number)
    await tickets.act(house.desk, number, do.Accept(assignment=1), ROADS)
    supervisor, head = await house.sit("supervisor"), await house.sit("roads-head")
    await done(supervisor, ticket, "supervise", rung="order", demand="请说明")

    await done(head, ticket, "claim_exemption", ground="legacy", reason="遗留管网没有图纸")
    await supervisor.go("/supervision")
    await supervisor.page.locator('.tabs a[href="/supervision/list?of=claims"]').click()
    assert "遗留管网没有图纸" in await supervisor.text(".owed")
    await supervisor.page.locator(".c-title a").click()
    assert await supervisor.page.locator('details[open] input[value="decide_exemption"]').count() == 1
    await done(supervisor, ticket, "decide_exemption", approve=approve, answer="经核实")

    await head.go(f"/tickets/{ticket}")
    assert word in await head.text(".order")
    await supervisor.go("/supervision/list?of=claims")
    assert await supervisor.page.locator("[data-line]").count() == 0
    for seat in (supervisor, head):
        seat.check_console()


async def test_the_open_page_counts_anew_when_something_happens(house: House) -> None:
    (number,) = await bring(house)
    await tickets.act(house.desk, number, do.Accept(assignment=1), ROADS)
    seat = await house.sit("supervisor")
    await seat.go("/supervision")
    assert "/supervision/list?of=papers&rung=order&unit=jtj" not in await counted(seat)
    await seat.page.wait_for_timeout(500)  # the line to the server is open

    house.clock.forward(seconds=10)
    await tickets.act(house.desk, number, do.Supervise(assignment=1, rung=Rung.ORDER, demand="请说明"), SUPERVISOR)

    await seat.page.locator('a[href="/supervision/list?of=papers&rung=order&unit=jtj"]').first.wait_for(timeout=9000)
    await seat.shot("supervision-live")
    seat.check_console()


async def test_a_year_is_drafted_by_one_and_published_by_another(house: House, faults: Look) -> None:
    await bring(house, 2)
    await auth.create_person(house.desk, ADMINISTRATOR, PASSWORD, hasher=auth.QUICK)
    first, second = await house.sit("administrator"), await house.sit("second")
    await first.go("/rules")
    await first.page.get_by_role("link", name="工作日历").first.click()
    await first.page.locator('[name="days"]').fill("date,kind,hours\n2026-11-25,closed,\n2026-11-26,open,08:30-12:00")
    await first.page.locator('[name="source"]').fill("榕溪市政府放假通知〔2026〕9号")
    await first.page.get_by_role("button", name="提交草案").click()
    await first.page.wait_for_url("**/rules/drafts/*")
    assert "草案须由另一人复核发布" in await first.text()
    assert await first.page.get_by_role("button", name="发布").count() == 0
    assert "郑强" in await first.text()

    draft = first.page.url.partition("?")[0].removeprefix(first.base)
    await second.go("/rules")
    await second.page.locator(f'a[href="{draft}"]').click()
    await second.page.get_by_role("link", name=re.compile("影响")).click()
    assert re.search(r"如现在发布：2 张在办工单、\d+ 个到期时间", await second.text())
    await second.shot("rules-draft")
    assert await faults(second) == []
    assert await overflow(second.page) == 0
    await second.page.get_by_role("button", name="发布").click()
    await second.page.wait_for_url("**/rules?done=published")

    house.desk.forget_rules()
    rulebook = await house.desk.rulebook()
    assert {date(2026, 11, 25), date(2026, 11, 26)} <= set(rulebook.calendar.overrides)
    await second.go("/rules/calendar")
    assert "榕溪市政府放假通知" in await second.text()
    for seat in (first, second):
        seat.check_console()
