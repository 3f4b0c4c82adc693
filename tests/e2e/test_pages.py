"""Every page as people see it: no fault that axe-core knows, nothing in the console, and whole without scripts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from dispatch import actions as do
from dispatch.model import Actor, Role
from hotline import tickets
from tests.city import DISPATCHER, handler
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


OWN_PAGES = [
    ("", "/login"),
    ("agent", "/intake"),
    ("agent", "/search?q=出租车"),
    ("dispatcher", "/queue"),
    ("dispatcher", "/queue?state=requests"),
    ("roads", "/department"),
    ("interviewer", "/follow-up"),
    ("supervisor", "/queue?state=review"),
    ("supervisor", "/supervision"),
    ("supervisor", "/rules"),
    ("administrator", "/rules/calendar"),
    ("administrator", "/rules/allowances"),
    ("administrator", "/rules/ladder"),
    ("administrator", "/rules/policy"),
    ("analyst", "/labels"),
]


@pytest.mark.parametrize(
    ("number", "size", "scheme"),
    [(0, "desk", "light"), (3, "phone", "light"), (60, "desk", "light"), (60, "wide", "dark")],
)
async def test_every_list_is_sound_at_every_size(
    house: House, faults: Look, number: int, size: str, scheme: Scheme
) -> None:
    await bring(house, number)
    for who, path in OWN_PAGES:
        seat = await house.sit(who, size=size, scheme=scheme)
        assert await seat.go(path) == 200, path
        await seat.shot(f"{size}-{scheme}-{number}-{who or 'nobody'}{path.translate(str.maketrans('/?=', '---'))}")
        assert await faults(seat) == [], path
        assert await overflow(seat.page) == 0, path
        seat.check_console()


@pytest.mark.parametrize(("size", "scheme"), [("desk", "light"), ("wide", "dark"), ("phone", "light")])
async def test_a_ticket_is_sound_at_every_size(house: House, faults: Look, size: str, scheme: Scheme) -> None:
    ticket = await in_follow_up(house)
    (fresh,) = await bring(house, category="")
    for who, path in [
        ("roads", f"/tickets/{ticket}"),
        ("dispatcher", f"/tickets/{fresh}"),
        ("supervisor", f"/tickets/{ticket}"),
        ("supervisor", f"/tickets/{ticket}/cards"),
        ("supervisor", f"/tickets/{ticket}/print"),
        ("interviewer", f"/follow-up/{ticket}"),
    ]:
        seat = await house.sit(who, size=size, scheme=scheme)
        assert await seat.go(path) == 200, path
        await seat.shot(f"{size}-{scheme}-ticket-{who}-{path.split('/')[1]}", whole=True)
        assert await faults(seat) == [], path
        assert await overflow(seat.page) == 0, path
        seat.check_console()


async def overflow(page: Page) -> int:
    """How many pixels the page is wider than the screen."""
    return int(await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))


async def test_every_page_is_whole_without_scripts(house: House) -> None:
    ticket = await in_follow_up(house)
    await bring(house, 3)
    for who, path in [
        *OWN_PAGES,
        ("dispatcher", "/queue/bulk"),
        ("roads", "/knowledge"),
        ("analyst", "/knowledge/new"),
        ("roads", f"/tickets/{ticket}"),
        ("roads", f"/tickets/{ticket}/cards"),
        ("interviewer", f"/follow-up/{ticket}"),
    ]:
        seat = await house.sit(who, script=False)
        assert await seat.go(path) == 200, path
        assert await seat.page.locator("main h1").count() == 1, path
        assert await seat.page.locator("[hidden]:visible, .needs-script:visible").count() == 0, path
