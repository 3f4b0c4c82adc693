"""A small city with one person a role, its pages over real HTTP, and a count of the queries that each page makes."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import asdict, dataclass, field
from html import unescape
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer
from aiohttp.web import Application, Request
from argon2 import PasswordHasher

from dispatch.model import Actor, Role
from dispatch.rulebook import Policy
from hotline import db, office, tickets
from hotline.app import make_application
from hotline.calendar_seed import default_calendar
from hotline.config import Key, read
from hotline.desk import Desk
from hotline.live import Live
from hotline.predictor import Predictor
from hotline.store import Store
from hotline.vault import Vault

PASSWORD = "geheim-12345"
HASH = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
PEOPLE = {
    "agent": ("agent", "hotline"),
    "dispatcher": ("dispatcher", "hotline"),
    "caller-back": ("follow_up", "hotline"),
    "supervisor": ("supervisor", "hotline"),
    "analyst": ("analyst", "hotline"),
    "water": ("handler", "slj"),
    "city": ("handler", "cgj"),
    "head": ("head", "cgj"),
    "east": ("handler", "q01"),
}
DISPATCHER = Actor("dispatcher", Role.DISPATCHER, "hotline")


def small_city() -> office.City:
    """Return a city of four units, two areas and four kinds of matters; one of them a person must dispatch."""
    units = (
        ("hotline", "12345热线中心", "hotline", None),
        ("slj", "市水利局", "city", None),
        ("cgj", "市城市管理局", "city", None),
        ("q01", "城东区人民政府", "county", None),
        ("z0101", "东门街道办事处", "town", "q01"),
    )
    kinds = {"01": "城市管理", "0101": "市容环卫", "010101": "占道经营", "010102": "井盖缺失", "010103": "噪声扰民"}
    kinds |= {"02": "纪检监察", "0201": "作风", "020101": "举报干部"}
    return office.City(
        areas=(
            {"code": "00", "name": "榕溪市", "parent": None},
            {"code": "01", "name": "城东区", "parent": "00"},
            {"code": "0101", "name": "东门街道", "parent": "01"},
        ),
        departments=tuple(
            {"code": code, "name": name, "level": level, "parent": parent, "area": "00" if code != "q01" else "01"}
            for code, name, level, parent in units
        ),
        categories=tuple(
            {"code": c, "name": n, "departmental": False, "sensitive": c[:2] == "02", "statutory": None, "basis": ""}
            for c, n in kinds.items()
        ),
        parts={
            "calendar": default_calendar().to_mapping(),
            "allowances": office.demonstration_city().parts["allowances"],
            "catalogue": [
                {"category": "0101", "area": "", "owner": "", "lead": "cgj", "co": [], "basis": "三定规定"},
                {"category": "02", "area": "", "owner": "", "lead": "slj", "co": [], "basis": "三定规定"},
                {"category": "010103", "area": "", "owner": "", "lead": "?", "co": ["cgj"], "basis": "须看噪声来源"},
            ],
            "policy": asdict(Policy()),
            "refusals": [{"code": "litigation", "name": "应通过诉讼解决", "tell": "请向法院起诉。", "basis": "办法"}],
        },
    )


class CountingStore(Store):
    """A store that knows how many queries it was asked for."""

    asked = 0

    def _statement(self, name: str, parameters: Any) -> tuple[str, list[Any]]:
        type(self).asked += 1
        return super()._statement(name, parameters)


@pytest.fixture
async def desk(pool: db.Pool) -> AsyncIterator[Desk]:
    """Give a desk in the small city, with its people."""
    desk = Desk(CountingStore(pool), Vault((Key("test", b"k" * 32),)), await Live.open(None), Predictor())
    await office.found(desk, small_city(), by="test")
    async with db.connection(pool) as connection:
        await connection.executemany(
            "INSERT INTO people (id, name, role, department, password_hash) VALUES ($1, $2, $3, $4, $5)",
            [(name, f"{name}员", role, unit, HASH) for name, (role, unit) in PEOPLE.items()],
        )
    yield desk
    await desk.live.close()


@pytest.fixture
async def application(desk: Desk) -> Application:
    return make_application(desk, read({}))


@dataclass
class Browser:
    """A person's browser: follows links and forms as they are printed, without scripts."""

    client: TestClient[Request, Application]
    status: int = 0
    html: str = ""
    path: str = ""
    headers: Any = field(default_factory=dict)

    async def get(self, path: str, *, follow: bool = True) -> str:
        return await self._keep(self.client.get(path, allow_redirects=follow))

    async def post(self, path: str, values: Any, *, follow: bool = True) -> str:
        return await self._keep(self.client.post(path, data=values, allow_redirects=follow))

    async def _keep(self, asking: Any) -> str:
        async with asking as answer:
            self.status, self.html, self.headers = answer.status, await answer.text(), answer.headers
            self.path = str(answer.url.relative())
        return self.html

    async def log_in(self, person: str) -> str:
        return await self.try_log_in(person)

    async def try_log_in(self, person: str, password: str = PASSWORD, *, then: str = "", follow: bool = True) -> str:
        """Fill in the form of the log-in as it is printed."""
        await self.get("/login")
        given = {"csrf": self.csrf, "person": person, "password": password, "next": then}
        return await self.post("/login", given, follow=follow)

    def form(self, action: str) -> dict[str, str]:
        """Return the hidden values of the form of an action on the present page."""
        for text in re.findall(r"<form.*?</form>", self.html, re.DOTALL):
            hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', text))
            if hidden.get("action") == action:
                return {name: unescape(value) for name, value in hidden.items()}
        pytest.fail(f"no form for {action} on {self.path}")

    @property
    def csrf(self) -> str:
        found = re.search(r'name="csrf" value="([^"]+)"', self.html)
        return found[1] if found else ""

    async def act(self, ticket_id: int, action: str, **values: object) -> str:
        """Fill in the form of an action on the ticket's page and send it."""
        await self.get(f"/tickets/{ticket_id}")
        return await self.post(f"/tickets/{ticket_id}/act", {**self.form(action), **values})


Open = Callable[[str], Awaitable[Browser]]


@pytest.fixture
async def open_browser(application: Application) -> AsyncIterator[Open]:
    """Give a function that opens a browser for a person, logged in; '' for nobody."""
    server = TestServer(application)
    clients = []

    async def opened(person: str) -> Browser:
        client: TestClient[Request, Application] = TestClient(server)
        await client.start_server()
        clients.append(client)
        browser = Browser(client)
        if person:
            await browser.log_in(person)
        return browser

    yield opened
    for client in clients:
        await client.close()
    await server.close()


Bring = Callable[..., Awaitable[int]]


@pytest.fixture
def bring(desk: Desk) -> Bring:
    """Give a function that brings a matter before the hotline and returns its ticket's number."""

    async def opened(text: str = "小区门口井盖缺失，夜里很危险。", **values: Any) -> int:
        values = {"phone": "13800001234", "name": "王小明", **values}
        given = tickets.read_intake({"text": text, **values})
        return (await tickets.open_ticket(desk, given, DISPATCHER)).ticket_id

    return opened
