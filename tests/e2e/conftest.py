"""People in a real Chromium: each role at its own screen, over a served city; skipped where there is no browser.

The browser is the system's own (chromium, chromium-browser or google-chrome on PATH), driven by Playwright. Pictures
of what was seen go to `var/screens`, which git ignores. A page that writes an error to its console fails the test.
"""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pytest
from aiohttp.test_utils import TestServer

from dispatch.model import Role
from hotline import auth, config, office
from hotline.app import make_application
from hotline.config import Key
from hotline.db import Pool
from hotline.desk import Desk
from hotline.live import Live
from hotline.predictor import Predictor
from hotline.shelf import Folder
from hotline.vault import Vault
from tests.city import Clock
from tests.web.conftest import CountingStore

if TYPE_CHECKING:
    from playwright.async_api import Browser, BrowserContext, Page

SCREENS = Path(__file__).parents[2] / "var" / "screens"
PASSWORD = "correct horse"
PEOPLE: dict[str, tuple[str, Role, str]] = {
    "agent": ("林晓", Role.AGENT, "hotline"),
    "agent2": ("何静", Role.AGENT, "hotline"),
    "dispatcher": ("陈立", Role.DISPATCHER, "hotline"),
    "interviewer": ("吴芳", Role.FOLLOW_UP, "hotline"),
    "supervisor": ("黄敏", Role.SUPERVISOR, "hotline"),
    "analyst": ("苏颖", Role.ANALYST, "hotline"),
    "administrator": ("郑强", Role.ADMINISTRATOR, "hotline"),
    "roads": ("江涛", Role.HANDLER, "jtj"),
    "roads-head": ("周海", Role.HEAD, "jtj"),
    "county": ("许静", Role.HANDLER, "q01"),
    "town": ("曾勇", Role.HANDLER, "q0103"),
    "water": ("余江", Role.HANDLER, "shu"),
}
Scheme = Literal["light", "dark"]
SIZES = {"desk": (1366, 768), "wide": (1920, 1080), "phone": (390, 844)}
"""The screen that most of these offices have, a large one, and a telephone."""


def chromium_path() -> str | None:
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@pytest.fixture(scope="session")
async def chromium() -> AsyncIterator[Browser]:
    """Give the system's own browser."""
    playwright = pytest.importorskip("playwright.async_api", reason="Playwright is not installed: make e2e installs it")
    path = chromium_path()
    if path is None:
        pytest.skip("no chromium, chromium-browser or google-chrome on PATH")
    async with playwright.async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path=path, args=["--no-sandbox", "--lang=zh-CN"])
        yield browser
        await browser.close()


@dataclass
class Seat:
    """One person at a screen; `said` is what the pages wrote to the console as warnings and errors."""

    page: Page
    base: str
    who: str
    said: list[str] = field(default_factory=list)

    async def go(self, path: str) -> int:
        response = await self.page.goto(f"{self.base}{path}")
        return response.status if response else 0

    async def shot(self, name: str, *, whole: bool = False) -> None:
        """Keep a picture of what is on the screen, or of the whole page."""
        SCREENS.mkdir(parents=True, exist_ok=True)
        await self.page.screenshot(path=SCREENS / f"{name}.png", full_page=whole)

    async def text(self, selector: str = "main") -> str:
        return str(await self.page.locator(selector).first.inner_text())

    async def open_form(self, action: str) -> Any:
        """Open the form of an action on the ticket's page and return it."""
        form = self.page.locator(f'form.act:has(input[name=action][value="{action}"])').first
        folds = self.page.locator(f'details:has(form.act > input[name=action][value="{action}"])')
        fold = self.page.locator(f'details:has(> form.act > input[name=action][value="{action}"])').first
        unit = folds.first  # the outermost
        for one in (unit, fold) if await folds.count() else ():
            if await one.get_attribute("open") is None:
                await one.locator("summary").first.click()
        return form

    async def act(self, ticket: str, action: str, **values: str) -> None:
        """Fill in the form of an action as people do, and send it."""
        await self.go(f"/tickets/{ticket}")
        await fill(await self.open_form(action), values)

    def check_console(self) -> None:
        assert self.said == [], f"{self.who}: {self.said}"


async def fill(form: Any, values: dict[str, str]) -> None:
    for name, value in values.items():
        inputs = form.locator(f'[name="{name}"]')
        kind = await inputs.first.get_attribute("type")
        if kind in {"radio", "checkbox"}:
            await form.locator(f'label:has(> [name="{name}"][value="{value}"])').first.click()
        elif await inputs.first.evaluate("node => node.tagName") == "SELECT":
            await inputs.first.select_option(value)
        else:
            await inputs.first.fill(value)
    await form.locator("button:not([formnovalidate]):not(.first)").last.click()


@dataclass
class House:
    """A served city and its people."""

    base: str
    desk: Desk
    clock: Clock
    browser: Browser
    contexts: list[BrowserContext] = field(default_factory=list)

    async def sit(
        self,
        who: str = "",
        *,
        size: str = "desk",
        scheme: Scheme = "light",
        script: bool = True,
    ) -> Seat:
        """Let somebody sit down at a new screen, logged in; '' is a citizen."""
        width, height = SIZES[size]
        context = await self.browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme=scheme,
            java_script_enabled=script,
            locale="zh-CN",
            timezone_id="Asia/Shanghai",
            has_touch=size == "phone",
        )
        context.set_default_timeout(10_000)
        self.contexts.append(context)
        if who:
            token, _ = await auth.log_in(self.desk, who, PASSWORD, address="127.0.0.1")
            await context.add_cookies([{"name": "hotline", "value": token, "url": self.base}])
        seat = Seat(await context.new_page(), self.base, who or "citizen")
        seat.page.on("console", lambda said: seat.said.append(said.text) if said.type in {"error", "warning"} else None)
        seat.page.on("pageerror", lambda error: seat.said.append(str(error)))
        return seat

    async def close(self) -> None:
        for context in self.contexts:
            await context.close()


@asynccontextmanager
async def served(desk: Desk, clock: Clock, browser: Browser, settings: config.Config) -> AsyncIterator[House]:
    """Serve a desk to browsers."""
    async with TestServer(make_application(desk, settings)) as server:
        house = House(f"http://127.0.0.1:{server.port}", desk, clock, browser)
        yield house
        await house.close()


@pytest.fixture
def city() -> office.City:
    """Give the city that is served; a module may have another."""
    return office.demonstration_city()


@pytest.fixture
async def house(pool: Pool, chromium: Browser, city: office.City, tmp_path: Path) -> AsyncIterator[House]:
    """Give a city with one person a role, on a Monday at ten."""
    clock = Clock()
    live = await Live.open(None)
    desk = Desk(
        CountingStore(pool), Vault((Key("k1", b"k" * 32),)), live, Predictor(), clock, Folder(tmp_path / "pictures")
    )
    await office.found(desk, city, by="test")
    for id_, (name, role, department) in PEOPLE.items():
        person = auth.Person(id=id_, name=name, role=role, department=department)
        await auth.create_person(desk, person, PASSWORD, hasher=auth.QUICK)
    async with served(desk, clock, chromium, config.read({"HOTLINE_HOME": str(tmp_path)})) as house:
        yield house
    await live.close()


Look = Callable[["Seat"], Awaitable[list[str]]]


@pytest.fixture
def faults() -> Look:
    """Give a function that returns what axe-core finds wrong on a page (WCAG 2.1 A and AA)."""
    axe = pytest.importorskip("axe_playwright_python.async_playwright", reason="axe-core is not installed: make e2e")

    async def look(seat: Seat) -> list[str]:
        options = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}}
        found = await axe.Axe().run(seat.page, options=options)
        return [
            f"{one['id']}: {one['help']}: {[node['html'][:160] for node in one['nodes'][:3]]}"
            for one in found.response["violations"]
        ]

    return look
