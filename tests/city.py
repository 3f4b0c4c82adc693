"""A tiny city for tests: nine units, five areas, ten kinds of matters, founded in some hundredths of a second.

Its codes mean what they mean in the demonstration city, so that a test can move from one to the other. Its people's
passwords are hashed as cheaply as argon2 allows.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from aiohttp.test_utils import TestClient, TestServer
from argon2 import PasswordHasher

from dispatch.model import Actor, Role
from dispatch.rulebook import DEFAULT_ALLOWANCES, Policy, Rulebook
from hotline import embedded, office, tickets
from hotline.app import make_application
from hotline.calendar_seed import default_calendar
from hotline.config import Config, Key, read
from hotline.db import Pool, connection
from hotline.desk import Desk
from hotline.errors import Unavailable
from hotline.live import Live
from hotline.predictor import Predictor
from hotline.store import Store
from hotline.vault import Vault

NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)  # a Monday, 10:00 in Fujian
AGENT = Actor("agent", Role.AGENT, "hotline")
DISPATCHER = Actor("dispatcher", Role.DISPATCHER, "hotline")
SUPERVISOR = Actor("supervisor", Role.SUPERVISOR, "hotline")
PASSWORD = "correct horse"
_HASH = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)

_AREAS = (
    ("00", "榕溪市", None),
    ("01", "城东区", "00"),
    ("0101", "东门街道", "01"),
    ("0102", "学府街道", "01"),
    ("02", "江口县", "00"),
)
_DEPARTMENTS = (
    ("hotline", "12345热线中心", "hotline", None, "00"),
    ("jtj", "市交通运输局", "city", None, "00"),
    ("cgj", "市城市管理局", "city", None, "00"),
    ("jyj", "市教育局", "city", None, "00"),
    ("jwj", "市纪委监委", "city", None, "00"),
    ("water", "市自来水公司", "utility", None, "00"),
    ("q01", "城东区人民政府", "county", None, "01"),
    ("q0101", "东门街道办事处", "town", "q01", "0101"),
    ("q02", "江口县人民政府", "county", None, "02"),
)
_CATEGORIES = (
    ("01", "科教文体"),
    ("0102", "教育管理"),
    ("010203", "招生考试"),
    ("05", "城乡建设"),
    ("0509", "道路"),
    ("050901", "路面养护"),
    ("050902", "路灯"),
    ("0510", "社区"),
    ("051001", "楼道堆物"),
    ("051002", "夜间噪声"),
    ("051003", "热线建议"),
    ("13", "纪检"),
    ("130200", "举报干部"),
)
_CATALOGUE: tuple[tuple[str, str, str, str, list[str], str], ...] = (
    ("0102", "", "", "jyj", [], "教育法第十五条"),
    ("0509", "", "", "jtj", [], "公路法第八条"),
    ("050902", "", "", "cgj", ["@county"], "市政照明管理"),
    ("0510", "", "", "@county", ["cgj"], "属地管理"),
    ("051001", "0101", "", "q0101", [], "街道职责清单"),
    ("051002", "", "", "?", ["cgj"], "须看噪声来源"),
    ("051003", "", "", "hotline", [], "热线直接答复"),
    ("13", "", "", "jwj", [], "纪检监察"),
)


@cache
def small_city() -> office.City:
    """Return the city: 0102 is departmental, 13 is sensitive, 050901 has a legal period of twenty working days."""
    names = ("category", "area", "owner", "lead", "co", "basis")
    return office.City(
        areas=tuple({"code": code, "name": name, "parent": parent} for code, name, parent in _AREAS),
        departments=tuple(
            dict(zip(("code", "name", "level", "parent", "area"), unit, strict=True)) for unit in _DEPARTMENTS
        ),
        categories=tuple(
            {
                "code": code,
                "name": name,
                "departmental": code == "0102",
                "sensitive": code == "13",
                "statutory": "20wd" if code == "050901" else None,
                "basis": "法" if code == "050901" else "",
            }
            for code, name in _CATEGORIES
        ),
        parts={
            "calendar": default_calendar().to_mapping(),
            "allowances": [
                {name: getattr(rule, name) for name in ("kind", "basis", "type", "urgency", "category")}
                | {"allowance": str(rule.allowance)}
                for rule in DEFAULT_ALLOWANCES
            ],
            "catalogue": [dict(zip(names, row, strict=True)) for row in _CATALOGUE],
            "policy": asdict(Policy()),
            "risk_words": [{"word": "跳楼", "risk": "self_harm", "level": "critical"}],
            "refusals": [{"code": "litigation", "name": "应通过诉讼解决", "tell": "请向法院起诉。", "basis": "办法"}],
        },
    )


async def found_small_city(desk: Desk) -> Rulebook:
    """Enter the city into the desk's database."""
    return await office.found(desk, small_city(), by="test")


@dataclass
class Clock:
    """The service's clock in the hands of the test."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **much: float) -> None:
        self.now += timedelta(**much)


@asynccontextmanager
async def small_desk(
    pool: Pool, *, clock: Callable[[], datetime] | None = None, redis: str | None = None
) -> AsyncIterator[Desk]:
    """Give a desk in the city; without a clock it is NOW and stays so."""
    live = await Live.open(redis)
    desk = Desk(Store(pool), Vault((Key("k1", b"k" * 32),)), live, Predictor(), clock or Clock())
    await found_small_city(desk)
    yield desk
    await live.close()


def intake(**values: Any) -> tickets.Intake:
    """Return a complaint from the street of the university; `values` are whatever a test minds."""
    return tickets.read_intake({"text": "学府路有个大坑", "type": "complaint", "area": "0102", **values})


def handler(department: str) -> Actor:
    return Actor(f"{department}-handler", Role.HANDLER, department)


PEOPLE: Mapping[str, tuple[Role, str]] = {
    "agent": (Role.AGENT, "hotline"),
    "dispatcher": (Role.DISPATCHER, "hotline"),
    "interviewer": (Role.FOLLOW_UP, "hotline"),
    "supervisor": (Role.SUPERVISOR, "hotline"),
    "analyst": (Role.ANALYST, "hotline"),
    "administrator": (Role.ADMINISTRATOR, "hotline"),
    "roads": (Role.HANDLER, "jtj"),
    "roads-head": (Role.HEAD, "jtj"),
    "city": (Role.HANDLER, "cgj"),
    "county": (Role.HANDLER, "q01"),
    "town": (Role.HANDLER, "q0101"),
}


async def until(holds: Callable[[], Awaitable[object]], *, seconds: float = 20) -> None:
    """Wait until `holds` gives something true; raises TimeoutError."""
    async with asyncio.timeout(seconds):
        while True:
            if await holds():
                return
            await asyncio.sleep(0.01)


def home_of(urls: embedded.Urls) -> Path:
    """Return the folder of embedded servers."""
    return Path(urls.database.partition("host=")[2]).parent


async def kill_postgres(home: Path, pool: Pool) -> None:
    """Kill the server without a word and wait until it is gone: a backend may answer once more."""
    os.kill(int((home / "postgres/postmaster.pid").read_text().splitlines()[0]), signal.SIGKILL)
    await until(lambda: _is_away(pool))


async def _is_away(pool: Pool) -> bool:
    try:
        async with connection(pool) as lent:
            await lent.fetchval("SELECT 1")
    except Unavailable:
        return True
    return False


async def add_people(desk: Desk, people: Mapping[str, tuple[Role, str]] = PEOPLE) -> None:
    """Let everybody log in with PASSWORD."""
    for id_, (role, department) in people.items():
        await desk.store.execute("put_person", id=id_, name=id_, role=role, department=department, password_hash=_HASH)


@dataclass
class House:
    """The running service over HTTP, with whoever has logged in."""

    client: TestClient[Any, Any]
    desk: Desk
    tokens: dict[str, str] = field(default_factory=dict)
    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)

    async def log_in(self, *people: str) -> None:
        for id_ in people:
            response = await self.client.post("/api/v1/sessions", json={"person": id_, "password": PASSWORD})
            self.tokens[id_] = (await response.json())["token"]

    async def ask(self, who: str, method: str, path: str, body: Any = None, status: int | None = 200) -> Any:
        """Ask with the person's bearer token and return the JSON; `status` None takes any, kept in `self.status`."""
        headers = {"Authorization": f"Bearer {self.tokens[who]}"}
        content = {"data": body} if isinstance(body, bytes) else {"json": body}
        async with self.client.request(method, f"/api/v1{path}", headers=headers, **content) as response:
            answer = await response.json()
            self.status, self.headers = response.status, response.headers
        assert status in (None, response.status), answer
        return answer

    async def open(self, who: str = "agent", **values: Any) -> str:
        values = {"text": "学府路有个大坑", "type": "complaint", "area": "0102"} | values
        return str((await self.ask(who, "POST", "/tickets", values, 201))["id"])

    async def act(self, who: str, ticket: str, action: str, status: int | None = 200, **data: Any) -> Any:
        return await self.ask(who, "POST", f"/tickets/{ticket}/actions", {"action": action, **data}, status)

    async def see(self, who: str, ticket: str, status: int | None = 200) -> Any:
        return await self.ask(who, "GET", f"/tickets/{ticket}", status=status)


@asynccontextmanager
async def open_house(desk: Desk, config: Config | None = None) -> AsyncIterator[House]:
    """Serve the desk over HTTP with all of PEOPLE logged in."""
    await add_people(desk)
    async with TestClient(TestServer(make_application(desk, config or read({})))) as client:
        house = House(client, desk)
        await house.log_in(*PEOPLE)
        yield house
