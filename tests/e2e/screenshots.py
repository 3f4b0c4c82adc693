"""`make screenshots`: the four pictures of the README, of a city that lived some days, taken in a real browser.

Everything is invented: the city, the people and the words, which come from the shipped corpus. Nothing is drawn by
hand, so that the pictures are what this release shows.
"""

from __future__ import annotations

import asyncio
import random
import sys
import tempfile
from datetime import datetime, timedelta
from pathlib import Path

from playwright.async_api import async_playwright

from dispatch import actions as do
from dispatch.errors import DispatchError
from dispatch.model import Actor, Role
from dispatch.worktime import ZONE
from hotline import auth, calls, citizens, config, db, embedded, office, simulation, tickets
from hotline.config import Key
from hotline.desk import Desk
from hotline.errors import HotlineError
from hotline.live import Live
from hotline.predictor import Predictor
from hotline.shelf import Folder
from hotline.store import Store
from hotline.vault import Vault
from hotline.web import forms
from tests.city import AGENT, DISPATCHER, Clock
from tests.e2e.conftest import PASSWORD, PEOPLE, House, Seat, chromium_path, served

PICTURES = Path(__file__).parents[2] / "docs" / "pictures"
NOW = datetime(2026, 11, 23, 10, 20, tzinfo=ZONE)
MATTERS = 160
PHONE = "13800000000"
NAMES = ("陈志强", "林秀英", "黄建国", "吴丽华", "郑阿明", "欧阳娜")


async def main() -> int:
    """Let the city live, take the pictures, and say where they are."""
    path = chromium_path()
    if path is None:
        print("no chromium, chromium-browser or google-chrome on PATH", file=sys.stderr)  # noqa: T201 - a command
        return 1
    PICTURES.mkdir(parents=True, exist_ok=True)
    with embedded.temporary() as urls, tempfile.TemporaryDirectory() as home:
        clock = Clock(NOW - timedelta(days=6))
        desk = await _desk(urls.database, clock, Path(home))
        await _live_some_days(desk, clock)
        async with async_playwright() as driver:
            browser = await driver.chromium.launch(executable_path=path, args=["--no-sandbox", "--lang=zh-CN"])
            async with served(desk, clock, browser, config.read({"HOTLINE_HOME": home})) as house:
                await _take(house)
            await browser.close()
        await desk.store.pool.close()
        await desk.live.close()
    return 0


async def _desk(url: str, clock: Clock, home: Path) -> Desk:
    pool = await db.open_pool(url)
    async with db.connection(pool) as connection:
        await db.migrate(connection)
    live = await Live.open(None)
    desk = Desk(Store(pool), Vault((Key("k1", b"k" * 32),)), live, Predictor(), clock, Folder(home / "pictures"))
    await office.found(desk, office.demonstration_city(), by="screenshots")
    for id_, (name, role, department) in PEOPLE.items():
        person = auth.Person(id=id_, name=name, role=role, department=department)
        await auth.create_person(desk, person, PASSWORD, hasher=auth.QUICK)
    return desk


async def _live_some_days(desk: Desk, clock: Clock) -> None:
    """Let matters come in over six days, the older ones further on their way."""
    dice = random.Random(12345)  # noqa: S311 - an invented city
    told = dice.sample(simulation.stories(), MATTERS)
    for index, story in enumerate(told):
        clock.now = NOW - timedelta(days=6) * (1 - index / MATTERS)
        given = {
            "text": story.text,
            "type": story.type,
            "urgency": story.urgency,
            "area": story.area or "0103",
            "category": story.category,
            "name": dice.choice(NAMES),
            "phone": PHONE if index % 40 == 7 else f"139{dice.randrange(10**8):08}",
        }
        opened = await tickets.open_ticket(desk, tickets.read_intake(given), AGENT)
        await _move_on(desk, clock, opened.ticket_id, steps=dice.randrange(1 + 4 * (MATTERS - index) // MATTERS))
    clock.now = NOW


async def _move_on(desk: Desk, clock: Clock, ticket_id: int, *, steps: int) -> None:
    lead = (await desk.store.file(ticket_id)).ticket.lead
    if lead is None:
        return
    worker = Actor(f"{lead.department}-1", Role.HANDLER, lead.department)
    moves: list[tuple[do.Action, Actor]] = [
        (do.Accept(assignment=1), worker),
        (do.Reach(assignment=1, how="电话联系本人，已说明办理安排"), worker),
        (do.Supplement(text="诉求人再次来电询问进展"), DISPATCHER),
    ]
    for action, actor in moves[:steps]:
        clock.forward(minutes=3)
        try:
            await tickets.act(desk, ticket_id, action, actor)
        except (DispatchError, HotlineError):  # a rule of the city has its reason
            return


async def _take(house: House) -> None:
    agent = await house.sit("agent")
    await _the_seat(house, agent)
    county = await house.sit("county")
    await county.go("/department")
    await _keep(county, "department")
    await county.page.locator(".board a").nth(2).click()
    await county.page.wait_for_load_state()
    await _keep(county, "ticket")
    await _the_caller(house)


async def _the_seat(house: House, agent: Seat) -> None:
    """A call in hand, the form half filled, advice and earlier tickets beside it."""
    about = {"text": "幸福里小区南门的路灯不亮，晚上很黑", "type": "help", "area": "0102", "category": "030501"}
    await tickets.open_ticket(house.desk, tickets.read_intake({**about, "phone": "13900001111"}), DISPATCHER)
    kind = forms.Codes.of(await house.desk.rulebook()).name("category", "030501")
    await calls.tell(house.desk, calls.Told(call="c1", event="ringing", at=house.clock.now, phone=PHONE))
    await calls.take(house.desk, "c1", Actor("agent", Role.AGENT, "hotline"))
    house.clock.forward(seconds=48)
    await agent.go("/intake?call=c1")
    await agent.page.locator('[name="name"]').fill("陈女士")
    await agent.page.locator('[name="category"]').fill(kind)
    await agent.page.locator('[name="place"]').fill("学府路幸福里小区南门")
    await agent.page.locator('[name="text"]').fill("学府街道幸福里小区门口的路灯坏了一个星期，晚上很黑，老人走路怕摔。")
    await agent.page.locator('button[name="join"]').first.wait_for()
    await _keep(agent, "seat")


async def _the_caller(house: House) -> None:
    """A caller's own page on a telephone."""
    intake = tickets.read_intake({"text": "学府路幸福里小区门口井盖破了，晚上没有灯，很危险。", "type": "complaint"})
    given = await citizens.bring(house.desk, intake, [], address="127.0.0.1")
    await tickets.act(house.desk, given.ticket, do.Amend(category="030501", area="0102", reason="分类"), DISPATCHER)
    await tickets.act(house.desk, given.ticket, do.Dispatch(lead="cgj"), DISPATCHER)
    caller = await house.sit(size="phone")
    await caller.go("/matter/find")
    await caller.page.locator("#number").fill(str(given.ticket))
    await caller.page.locator("#code").fill(citizens.code_of(house.desk, given.ticket))
    await caller.page.get_by_role("button", name="查询").click()
    await caller.page.wait_for_url("**/matter/mine")
    await _keep(caller, "caller")


async def _keep(seat: Seat, name: str) -> None:
    file = PICTURES / f"{name}.png"
    await seat.page.screenshot(path=file)
    print(file)  # noqa: T201 - a command


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
