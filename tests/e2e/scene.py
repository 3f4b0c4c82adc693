"""Every page there is, in a city that makes each of them hard: long names, long texts, much of everything.

The list of pages is held against the application's own routes, so that a new page is looked at, too, or the tests say
that it is missing here.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from dispatch import actions as do
from dispatch.model import Actor, Contact, ExemptionGround, Role, Rung
from hotline import bench_watch, calls, citizens, drafts, knowledge, office, pictures, tickets
from hotline.drafts import FIELDS
from hotline.web.citizen import PASS_COOKIE
from tests.city import AGENT, DISPATCHER, SUPERVISOR, Clock, handler

if TYPE_CHECKING:
    from aiohttp.web import Application

    from hotline.desk import Desk
    from tests.e2e.conftest import House, Scheme, Seat

LONG_NAMES = {
    "jtj": "市交通运输局（市交通运输综合行政执法支队、市公路事业发展中心）",
    "q01": "城东区人民政府（区政务服务中心便民热线分中心）",
    "q0103": "学府街道办事处（街道综合行政执法和城市运行管理中心）",
    "shu": "市水务集团有限公司供水管网运行维护分公司",
}
TITLE = (
    "学府路与迎宾大道交叉口东北侧地下供水主管道渗漏致路面多处塌陷，危及幸福里小区业主出行安全，请尽快协调处理为盼谢谢"
)
SOLID = "学府路口路面塌陷电动车差点掉下去请尽快修复" * 143
STORY = (
    "客运站出租车不打表、拒载，从客运站到学府路要价六十元，多次遇到，要求查处并退还多收的车费。\n附近居民已多次反映。"
)
ROADS, COUNTY, TOWN = handler("jtj"), handler("q01"), handler("q0103")
HEAD = Actor("roads-head", Role.HEAD, "jtj")
FOLLOW_UP = Actor("interviewer", Role.FOLLOW_UP, "hotline")
REPLY = do.Reply(
    assignment=1,
    received="您反映客运站出租车不打表、拒载、多收车费的问题已收悉。",
    findings="经调取客运站监控和计价器记录，该出租车未打表、多收车费属实。" * 4,
    handling="已责令退还多收的车费，对驾驶员停班教育并立案查处。",
    follows="如有疑问请致电 0596-2000000 市交通运输局运输科。",
    genuine=True,
    solved=True,
    note="驾驶员已写检查",
)


def long_city() -> office.City:
    """Return the demonstration city, some units with the longest names that such offices have."""
    city = office.demonstration_city()
    units = [{**unit, "name": LONG_NAMES.get(unit["code"], unit["name"])} for unit in city.departments]
    return replace(city, departments=tuple(units))


@dataclass
class Scene:
    """The numbers that fill the addresses; all 0 in an empty city."""

    great: int = 0
    fresh: int = 0
    asked: int = 0
    confidential: int = 0
    draft: int = 0
    closing: int = 0
    answer: str = ""
    answer_draft: int = 0

    def __contains__(self, path: str) -> bool:
        """Whether everything that an address speaks of is there."""
        return all(value for name, value in vars(self).items() if f"{{{name}}}" in path)

    def filled(self, path: str) -> str:
        return path.format_map(vars(self))


PAGES: Mapping[str, tuple[tuple[str, str], ...]] = {
    "/login": (("", "/login"),),
    "/queue": (
        ("dispatcher", "/queue"),
        ("dispatcher", "/queue?state=requests"),
        ("supervisor", "/queue?state=review"),
        ("supervisor", "/queue?state=follow_up"),
    ),
    "/queue/bulk": (("dispatcher", "/queue/bulk"),),
    "/department": (("roads", "/department"), ("county", "/department")),
    "/follow-up": (("interviewer", "/follow-up"),),
    "/follow-up/{id}": (("interviewer", "/follow-up/{asked}"),),
    "/intake": (("agent", "/intake"), ("agent", "/intake?call=c1")),
    "/supervision": (("supervisor", "/supervision"), ("supervisor", "/supervision?unit=q01&stage=resolution")),
    "/supervision/list": (
        ("supervisor", "/supervision/list?of=duties"),
        ("supervisor", "/supervision/list?of=papers"),
        ("supervisor", "/supervision/list?of=claims"),
    ),
    "/labels": (("analyst", "/labels"),),
    "/rules": (("supervisor", "/rules"),),
    "/rules/areas": (("administrator", "/rules/areas"), ("administrator", "/rules/areas?q=镇")),
    "/rules/areas/row": (("administrator", "/rules/areas/row?key=01"),),
    "/rules/departments": (("administrator", "/rules/departments"),),
    "/rules/departments/row": (
        ("administrator", "/rules/departments/row?key=jtj"),
        ("supervisor", "/rules/departments/row"),
    ),
    "/rules/departments/hand-over": (("dispatcher", "/rules/departments/hand-over?key=jtj"),),
    "/rules/categories": (("administrator", "/rules/categories"),),
    "/rules/categories/row": (("administrator", "/rules/categories/row?key=0102"),),
    "/rules/catalogue": (("administrator", "/rules/catalogue"),),
    "/rules/catalogue/row": (("administrator", "/rules/catalogue/row"),),
    "/rules/risk_words": (("administrator", "/rules/risk_words"),),
    "/rules/risk_words/row": (("administrator", "/rules/risk_words/row"),),
    "/rules/refusals": (("administrator", "/rules/refusals"),),
    "/rules/refusals/row": (("administrator", "/rules/refusals/row"),),
    "/knowledge": (("agent", "/knowledge"), ("agent", "/knowledge?q=没有的词")),
    "/knowledge/new": (("analyst", "/knowledge/new"),),
    "/knowledge/drafts": (("supervisor", "/knowledge/drafts"),),
    "/knowledge/drafts/{id}": (("supervisor", "/knowledge/drafts/{answer_draft}"),),
    "/knowledge/{code}": (("roads", "/knowledge/{answer}"), ("analyst", "/knowledge/{answer}")),
    "/knowledge/{code}/change": (("analyst", "/knowledge/{answer}/change"),),
    "/rules/drafts/{id}": (("supervisor", "/rules/drafts/{draft}"), ("supervisor", "/rules/drafts/{closing}")),
    "/rules/{part}": (
        ("administrator", "/rules/calendar"),
        ("administrator", "/rules/allowances"),
        ("administrator", "/rules/ladder"),
        ("administrator", "/rules/policy"),
    ),
    "/people": (("administrator", "/people"),),
    "/people/{id}": (("administrator", "/people/roads"),),
    "/changes": (("administrator", "/changes"),),
    "/changes/{part}/{version}": (("supervisor", "/changes/policy/1"),),
    "/me": (("agent", "/me"),),
    "/search": (("agent", "/search"), ("agent", "/search?q=出租车"), ("roads", "/search?q=没有的词")),
    "/notices": (("roads", "/notices"), ("supervisor", "/notices")),
    "/tickets/{id}": (
        ("dispatcher", "/tickets/{fresh}"),
        ("roads", "/tickets/{great}"),
        ("supervisor", "/tickets/{great}"),
        ("county", "/tickets/{great}"),
        ("roads", "/tickets/{confidential}"),
    ),
    "/tickets/{id}/cards": (("supervisor", "/tickets/{great}/cards"),),
    "/tickets/{id}/case/{order}": (("supervisor", "/tickets/{great}/case/1"),),
    "/tickets/{id}/print": (("supervisor", "/tickets/{great}/print"),),
    "/matter": (("", "/matter"), ("large", "/matter")),
    "/matter/new": (("", "/matter/new"), ("large", "/matter/new")),
    "/matter/find": (("", "/matter/find"), ("large", "/matter/find")),
    "/matter/mine": (
        ("caller-great", "/matter/mine"),
        ("caller-asked", "/matter/mine"),
        ("large-asked", "/matter/mine"),
    ),
}
"""Who looks at what, by the pattern of the route; `caller-…` and `large-…` know the code of that ticket."""
OTHERS = (("agent", "/nowhere"), ("roads", "/queue"), ("roads", "/tickets/261123000000999999"))
"""What is said where there is nothing, or nothing for this person."""
NO_PAGES = {
    "/",  # leads to everybody's own first page
    "/matter/large",  # leads back
    "/tickets/{id}/{form}",  # leads to the ticket
    "/intake/calls",  # a piece of the page
    "/matter/pictures/{number}",
    "/tickets/{id}/pictures/{number}",
    *(f"/rules/{part}/file" for part in FIELDS),  # tables to keep
    "/changes/file",
    "/static/{name}",
    "/healthz",
    "/metrics",
}


def missing(application: Application) -> set[str]:
    """The patterns of pages that nobody looks at here."""
    routes = {route.resource.canonical for route in application.router.routes() if route.resource}
    answering = {one.resource.canonical for one in application.router.routes() if one.method == "GET" and one.resource}
    return {one for one in routes & answering if not one.startswith("/api/")} - set(PAGES) - NO_PAGES


def pages(scene: Scene) -> Iterator[tuple[str, str]]:
    """Yield who looks at which address, of everything that is there."""
    for who, path in (*(one for found in PAGES.values() for one in found), *OTHERS):
        key = who.partition("-")[2] if who.startswith(("caller-", "large-")) else ""
        if path in scene and (not key or getattr(scene, key)) and (scene.great or "call=" not in path):
            yield who, scene.filled(path)


async def sit(house: House, scene: Scene, who: str, **screen: Any) -> Seat:
    """Let somebody of a page's list sit down: one of the staff, or a caller, in large type or with a code."""
    kind, _, key = who.partition("-")
    if kind not in {"", "caller", "large"}:
        return await house.sit(who, **screen)
    seat = await house.sit("", **screen)
    cookies = {"hotline_large": "1"} if kind == "large" else {}
    if key:
        given_pass = citizens.Pass(getattr(scene, key), is_new=kind == "caller")
        cookies[PASS_COOKIE] = citizens.sealed_pass(house.desk, given_pass)
    given: list[Any] = [{"name": name, "value": value, "url": house.base} for name, value in cookies.items()]
    if given:
        await seat.page.context.add_cookies(given)
    return seat


# --- the city ---------------------------------------------------------------------------------------------------------


async def played(desk: Desk, clock: Clock, number: int) -> Scene:
    """Let so many tickets be there, the first of them hard ones: none, three or thousands."""
    if not number:
        return Scene()
    scene = Scene(fresh=await _open(desk, title=TITLE, text=SOLID[:3000]))
    scene.great = await _great(desk, clock)
    scene.asked = await _asked(desk, clock)
    if number > 3:  # three were just made
        scene.confidential = await _open(desk, category="050401", confidential="true", type="report")
        await tickets.act(desk, scene.confidential, do.Dispatch(lead="jtj", why="职责"), DISPATCHER)
        await bench_watch.copy(desk, scene.great, number // 2, _silent)
        await bench_watch.copy(desk, scene.fresh, number // 2, _silent, first=500_000_000_000_000_000)
        clock.forward(hours=30)
    await calls.tell(desk, calls.Told(call="c1", event="ringing", at=desk.now(), phone="13812345678"))
    await calls.take(desk, "c1", AGENT)
    body = (await desk.rulebook()).calendar.to_mapping()
    scene.draft = await drafts.draft(
        desk, "calendar", body, Actor("administrator", Role.ADMINISTRATOR, "hotline"), source="国办发明电〔2026〕7号"
    )
    scene.closing = await drafts.draft(desk, "departments", await _reformed(desk), ANALYST, source="机构改革方案第七条")
    scene.answer, scene.answer_draft = await _knowledge(desk)
    for _ in range(5):
        await tickets.look(desk)
    return scene


async def _reformed(desk: Desk) -> list[dict[str, Any]]:
    """The units after a reform: one is new, one renamed, two are closed; for one of them nobody stands in."""
    day = desk.now().date().isoformat()
    new = {"code": "slyj", "name": "市水利和园林局", "level": "city", "parent": "", "area": "00"}
    changed = {
        "slj": {"closed_from": day, "successor": "slyj"},
        "jtj": {"closed_from": day},
        "cgj": {"name": "市综合执法局"},
    }
    return [*({**row, **changed.get(row["code"], {})} for row in await drafts.base(desk, "departments")), new]


async def _knowledge(desk: Desk) -> tuple[str, int]:
    """An answer in force with the longest question there may be, and a draft that changes it."""
    entry = knowledge.Entry(
        question=(TITLE * 4)[:200],
        answer=f"{STORY}\n" * 12,
        department="jtj",
        basis="《城市道路管理条例》第二十七条",
        reason="首次编写",
    )
    await knowledge.publish(desk, await knowledge.draft(desk, entry, ANALYST), SUPERVISOR)
    (row,) = await knowledge.search(desk, "", ANALYST)
    changed = replace(entry, code=row["code"], answer=f"{STORY}\n" * 3, reason="条例已修订，答复口径随之调整")
    return row["code"], await knowledge.draft(desk, changed, ANALYST, based_on=1)


ANALYST = Actor("analyst", Role.ANALYST, "hotline")


def _silent(_text: str) -> None:
    return


async def _open(desk: Desk, **values: str) -> int:
    given = {"text": STORY, "type": "complaint", "area": "0103", "name": "欧阳建国", "phone": "13812345678"}
    given |= {"place": "学府路幸福里小区南门公交站旁", "address": "幸福里12号3栋501室", **values}
    return (await tickets.open_ticket(desk, tickets.read_intake(given), DISPATCHER)).ticket_id


async def _asked(desk: Desk, clock: Clock) -> int:
    """A matter whose answer was found good, and whose caller did not pick up the first time."""
    ticket = await _open(desk, category="050401")
    for action, actor in (
        (do.Accept(assignment=1), ROADS),
        (do.Reach(assignment=1, how="10:20 致电本人手机，本人接听"), ROADS),
        (REPLY, ROADS),
        (do.PassReview(), FOLLOW_UP),
        (do.Visit(caller=1, contact=Contact.NO_ANSWER), FOLLOW_UP),
    ):
        clock.forward(minutes=9)
        await tickets.act(desk, ticket, action, actor)
    return ticket


async def _great(desk: Desk, clock: Clock) -> int:
    """A ticket with thirty events, twelve pictures, six callers, helpers below helpers and papers in every state."""
    ticket = await _open(desk, title=TITLE, text=f"{STORY}\n{SOLID[:2900]}")
    moves: list[tuple[do.Action, Actor]] = [
        (do.Amend(category="030502", reason="按内容分类"), DISPATCHER),
        (do.Dispatch(lead="jtj", why="道路设施"), DISPATCHER),
        (do.Accept(assignment=1), ROADS),
        (do.Reach(assignment=1, how="10:20 致电本人手机，本人接听，约定下午到现场查看" * 3), ROADS),
        (do.AddCo(assignment=1, department="q01", why="涉及属地围挡"), DISPATCHER),
        (do.Accept(assignment=2), COUNTY),
        (do.SubDispatch(assignment=2, departments=("q0103",), note="现场围挡"), COUNTY),
        (do.Supervise(assignment=1, rung=Rung.ORDER, demand="请三日内书面说明办理进展" * 3), SUPERVISOR),
        (do.AnswerOrder(order=1, answer="已安排人员处理，预计三日内完成" * 4), ROADS),
        (do.Supervise(assignment=2, rung=Rung.ORDER, demand="请立即签收办理"), SUPERVISOR),
        (do.AskExtension(assignment=1, working_days=3, reason="需要采购管材" * 10), ROADS),
        (do.Decide(request=1, approve=True, answer="同意"), DISPATCHER),
    ]
    moves += [
        (do.Supplement(text=f"诉求人第{turn}次来电询问进展，" + "希望尽快" * turn), AGENT) for turn in range(1, 15)
    ]
    moves += [(do.ClaimExemption(order=2, ground=ExemptionGround.LEGACY, reason="遗留管网无图纸"), COUNTY_HEAD)]
    for action, actor in moves:
        clock.forward(minutes=11)
        await tickets.act(desk, ticket, action, actor)
    for number in range(5):
        caller = {"phone": f"1390000000{number}", "name": "司徒美丽", "address": "幸福里"}
        await tickets.add_caller(desk, ticket, tickets.read_intake({"text": "-", **caller}), AGENT)
    event = (await desk.store.file(ticket)).ticket.version
    for start in (0, 6):
        photos = pictures.checked([(f"现场照片{at}.png", _photo(at)) for at in range(start, start + 6)])
        await pictures.add(desk, ticket, photos, ROADS, event=event)
    return ticket


COUNTY_HEAD = Actor("county-head", Role.HEAD, "q01")


def _photo(number: int) -> bytes:
    """Return a real picture of one colour."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    colour = bytes((40 + 15 * number, 120, 220 - 15 * number))
    rows = b"".join(b"\0" + colour * 80 for _ in range(60))
    head = struct.pack(">IIBBBBB", 80, 60, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def name_of(who: str, path: str, size: str, scheme: Scheme) -> str:
    """The name of a picture."""
    return f"{who or 'nobody'}{path.translate(str.maketrans('/?=&', '----'))}-{size}-{scheme}"
