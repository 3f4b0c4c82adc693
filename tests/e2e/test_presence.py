"""Two people at one ticket know of each other, in real browsers."""

from __future__ import annotations

import pytest

from dispatch.model import Actor, Role
from hotline import presence
from tests.e2e.conftest import House, Look
from tests.e2e.test_pages import bring, overflow

expect = pytest.importorskip("playwright.async_api").expect


async def test_two_at_one_ticket_see_each_other_come_write_and_go(house: House, faults: Look) -> None:
    (ticket,) = await bring(house)
    roads, head = await house.sit("roads"), await house.sit("roads-head", scheme="dark")
    await roads.go(f"/tickets/{ticket}")
    await head.go(f"/tickets/{ticket}")
    here = roads.page.locator("#presence")
    await expect(here).to_contain_text("周海（")
    await expect(here).to_contain_text("也在看")

    form = await head.open_form("accept")
    assert await form.count()
    text = head.page.locator("form.act textarea, form.act input:not([type=hidden])").first
    await head.page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    await text.press_sequentially("正在写")
    await expect(here).to_contain_text("正在填写")
    await expect(here).to_contain_text("先提交的生效")
    await roads.shot("presence-writing")
    assert await faults(roads) == []
    assert await overflow(roads.page) == 0

    await head.page.close()
    await expect(here).to_be_empty(timeout=9500)
    roads.check_console()


async def test_a_supervisor_who_reads_is_not_shown_to_the_unit(house: House) -> None:
    (ticket,) = await bring(house)
    roads, chief = await house.sit("roads", size="phone"), await house.sit("supervisor")
    await roads.go(f"/tickets/{ticket}")
    await chief.go(f"/tickets/{ticket}")

    await expect(chief.page.locator("#presence")).to_contain_text("江涛（市交通运输局")
    await roads.page.wait_for_timeout(9000)
    await expect(roads.page.locator("#presence")).to_be_empty()
    assert await overflow(roads.page) == 0
    roads.check_console()
    chief.check_console()


async def test_without_a_script_nobody_is_shown_and_nothing_is_missing(house: House) -> None:
    (ticket,) = await bring(house)
    await presence.come(house.desk, ticket, Actor("roads-head", Role.HEAD, "jtj", "周海"), "abcdef1234", writing=True)
    plain = await house.sit("roads", script=False)
    await plain.go(f"/tickets/{ticket}")

    await expect(plain.page.locator("#presence")).to_be_empty()
