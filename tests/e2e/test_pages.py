"""Every page as people see it: no fault that axe-core knows, nothing in the console, and whole without scripts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from dispatch import actions as do
from dispatch.model import Actor, Role
from hotline import config, office, tickets
from hotline.app import make_application
from tests.city import DISPATCHER, handler
from tests.e2e import scene
from tests.e2e.conftest import House, Look, Scheme

if TYPE_CHECKING:
    from playwright.async_api import Page


LONG = "榕溪市城东区学府街道幸福里社区和谐家园小区业主委员会筹备组及周边三个小区的居民代表" * 2
TEXT = "客运站出租车不打表、拒载，从客运站到学府路要价六十元，多次遇到，要求查处并退还多收的车费。" * 4
REPLY: dict[str, Any] = {
    "received": "您反映客运站出租车不打表、拒载的问题已收悉。",
    "findings": "经调取客运站监控和计价器记录，该出租车未打表、多收车费属实。",
    "handling": "已责令退还多收的车费，对驾驶员停班教育并立案查处。",
    "follows": "如有疑问请致电 0596-2000000 市交通运输局运输科。",
}


async def bring(house: House, number: int = 1, **values: str) -> list[int]:
    """Bring some matters before the hotline; the first has long names and long texts."""
    opened = []
    for index in range(number):
        given = {
            "text": TEXT if index == 0 else f"第{index}次反映：客运站出租车不打表，要求查处。",
            "title": LONG[:80] if index == 0 else "",
            "type": "complaint",
            "area": "0103",
            "phone": "13812345678",
            "name": "欧阳建国",
            "address": "幸福里12号3栋501室",
            "category": "050401",
            **values,
        }
        opened.append((await tickets.open_ticket(house.desk, tickets.read_intake(given), DISPATCHER)).ticket_id)
        house.clock.forward(minutes=7)
    return opened


async def in_follow_up(house: House) -> int:
    """Bring one matter to where its callers are called back."""
    (ticket,) = await bring(house)
    roads = handler("jtj")
    for action in (
        do.Accept(assignment=1),
        do.Reach(assignment=1, how="10:20 致电本人手机，本人接听"),
        do.Reply(assignment=1, genuine=True, solved=True, **REPLY),
    ):
        await tickets.act(house.desk, ticket, action, roads)
    await tickets.act(house.desk, ticket, do.PassReview(), Actor("interviewer", Role.FOLLOW_UP, "hotline"))
    return ticket


@pytest.fixture
def city() -> office.City:
    return scene.long_city()


async def test_an_address_that_names_an_action_of_a_folded_unit_opens_it(house: House, faults: Look) -> None:
    (number,) = await bring(house, category="050401")
    await tickets.act(house.desk, number, do.AddCo(assignment=1, department="q01", why="职责"), DISPATCHER)
    seat = await house.sit("supervisor")

    await seat.go(f"/tickets/{number}#supervise-2")

    form = seat.page.locator("#supervise-2")
    assert await form.locator("select, textarea, input:not([type=hidden])").first.is_visible()
    assert not await seat.page.locator("#supervise-1").is_visible()
    assert await faults(seat) == []
    assert await overflow(seat.page) == 0
    await seat.shot("ticket-units")
    seat.check_console()


async def test_no_page_is_forgotten(house: House) -> None:
    assert scene.missing(make_application(house.desk, config.read({}))) == set()


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("number", "size", "scheme"),
    [(0, "desk", "light"), (3, "phone", "dark"), (40, "desk", "light"), (40, "wide", "dark")],
)
async def test_every_page_is_sound_at_every_size(
    house: House, faults: Look, number: int, size: str, scheme: Scheme
) -> None:
    """No fault that axe-core knows, nothing wider than the screen or in the console, and never a page without words."""
    there, found = await scene.played(house.desk, house.clock, number), []
    for who, path in scene.pages(there):
        seat = await scene.sit(house, there, who, size=size, scheme=scheme)
        status = await seat.go(path)
        assert status == 200 or (who, path) in scene.OTHERS, (path, status)
        await seat.shot(f"{number}-{scene.name_of(who, path, size, scheme)}")
        found += [(who, path, fault) for fault in await faults(seat)]
        found += [(who, path, "too wide")] if await overflow(seat.page) else []
        found += [(who, path, said) for said in seat.said if "Failed to load resource" not in said or status == 200]
        assert len(await seat.text()) > 5, path
        await house.contexts.pop().close()
    assert found == []


@pytest.mark.timeout(400)
async def test_every_page_is_whole_without_scripts(house: House) -> None:
    """One heading, nothing that only a script could use, and every form of our own carries its token."""
    there = await scene.played(house.desk, house.clock, 3)
    for who, path in scene.pages(there):
        seat = await scene.sit(house, there, who, script=False)
        await seat.go(path)
        assert await seat.page.locator("main h1").count() == 1, path
        assert await seat.page.locator("[hidden]:visible, .needs-script:visible").count() == 0, path
        assert await seat.page.locator("form[method=post]:not(:has(input[name=csrf]))").count() == 0, path
        assert await seat.page.locator("[style], [onclick], script:not([src]), style").count() == 0, path
        await house.contexts.pop().close()


async def overflow(page: Page) -> int:
    """How many pixels the page is wider than the screen."""
    return int(await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))


async def test_what_has_the_focus_is_seen(house: House) -> None:
    """Whoever goes by the tab key sees where they are, on every stop of a page."""
    ticket = await in_follow_up(house)
    seat = await house.sit("supervisor")
    await seat.go(f"/tickets/{ticket}")
    for _ in range(30):
        await seat.page.keyboard.press("Tab")
        width = await seat.page.evaluate(
            "(() => { const seen = [document.activeElement, document.activeElement.nextElementSibling].filter(Boolean);"
            " return Math.max(...seen.map(one => parseFloat(getComputedStyle(one).outlineWidth) || 0)) })()"
        )
        assert width >= 2, await seat.page.evaluate("document.activeElement.outerHTML")
