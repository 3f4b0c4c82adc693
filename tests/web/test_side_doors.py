"""No side door: whatever a person asks, by any route there is, they meet only tickets that their own list shows.

A small city with one ticket of every kind that somebody must not see. Its titles, texts, places, callers and numbers
are unlike anything else, so that they are known again wherever they come out: pages, JSON, headers, redirects, errors,
streams, files and logs. The routes are read off the application: one that is new is asked, too, or the test says so.
"""

from __future__ import annotations

import asyncio
import html
import itertools
import logging
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiohttp.web import Application

from dispatch import actions as do
from dispatch.model import Actor, Contact, Role, Rung
from hotline import calls, citizens, db, drafts, exchange, pictures, tickets, vault, worker
from hotline.desk import Desk
from hotline.drafts import FIELDS
from hotline.shelf import Folder
from tests.hotline.test_pictures import jpeg
from tests.web.conftest import DISPATCHER, HASH, Browser, CountingStore, Open

AGENT = Actor("agent", Role.AGENT, "hotline")
SUPERVISOR = Actor("supervisor", Role.SUPERVISOR, "hotline")
FOLLOW_UP = Actor("caller-back", Role.FOLLOW_UP, "hotline")
ANALYST = Actor("analyst", Role.ANALYST, "hotline")
CITY, EAST, WATER, TOWN = (
    Actor(name, Role.HANDLER, unit)
    for name, unit in (("city", "cgj"), ("east", "q01"), ("water", "slj"), ("town", "z0101"))
)
NOWHERE = "261123235959999999"
RINGING = "13922220000"
INNER, DEMAND, ASKED = "onlyamongstaff", "paperdemand", "askedreason"
SURNAMES = "赵钱孙周吴冯陈褚卫蒋沈韩"

LISTS: Mapping[str, frozenset[str]] = {
    "city": frozenset({"ordinary", "secret", "answered"}),
    "head": frozenset({"ordinary", "secret", "answered"}),
    "east": frozenset({"ordinary"}),
    "town": frozenset({"report"}),
    "water": frozenset({"foreign", "sensitive", "sunk"}),
}
"""What each department's list shows; the hotline's lists show all. `east` is above `town`; the report is on it."""
CALLERS: Mapping[str, frozenset[str]] = {
    "city": frozenset({"ordinary", "answered", "merged", "sunk"}),
    "head": frozenset({"ordinary", "answered", "merged", "sunk"}),
    "east": frozenset({"ordinary", "merged", "sunk"}),
    "water": frozenset({"foreign", "sensitive"}),
}
"""Whose masked callers they see: who works on it, not of what is protected; with a merge its callers came along."""
TALKERS = ("agent", "dispatcher", "caller-back", "supervisor")
HOTLINE = (*TALKERS, "analyst", "administrator")
EVERYBODY = (*HOTLINE, *LISTS, "")


@dataclass
class Matter:
    """A ticket and the words by which it is known again."""

    key: str
    number: int
    id: int = 0

    @property
    def words(self) -> tuple[str, ...]:
        return f"{self.key}title", f"{self.key}words", f"{self.key}place"

    @property
    def name(self) -> str:
        return f"{SURNAMES[self.number]}大{self.number}"

    @property
    def phone(self) -> str:
        return f"1380011{self.number:02}{self.number:02}"

    @property
    def address(self) -> str:
        return f"{self.key}street77号{self.key}door"

    @property
    def clear(self) -> tuple[str, ...]:
        """What nobody sees without a reason."""
        return self.name, self.phone, f"{self.key}door", f"{self.key}.jpg"

    @property
    def masked(self) -> tuple[str, ...]:
        """What those see who talk to callers or work for them."""
        return vault.mask_name(self.name), vault.mask_phone(self.phone), f"{self.key}street"


@dataclass
class Town:
    """All matters by their key, and what fills the addresses."""

    matters: dict[str, Matter] = field(default_factory=dict)
    draft: int = 0

    def of(self, person: str) -> frozenset[str]:
        return frozenset(self.matters) if person in HOTLINE else LISTS.get(person, frozenset())

    def callers_of(self, person: str) -> frozenset[str]:
        return frozenset(self.matters) if person in TALKERS else CALLERS.get(person, frozenset())


@pytest.fixture
async def town(desk: Desk, pool: db.Pool, tmp_path: Path) -> Town:
    """Give the city with its matters, each where it makes the most trouble."""
    desk.shelf = Folder(tmp_path / "pictures")
    async with db.connection(pool) as connection:
        await connection.executemany(
            "INSERT INTO people (id, name, role, department, password_hash) VALUES ($1, $1, $2, $3, $4)",
            [("town", "handler", "z0101", HASH), ("administrator", "administrator", "hotline", HASH)],
        )
    made = Town()

    async def bring(key: str, **values: Any) -> int:
        one = made.matters[key] = Matter(key, len(made.matters))
        title, text, place = one.words
        given = {"title": title, "text": f"井盖缺失 {text}", "place": place, "name": one.name, "phone": one.phone}
        given |= {"address": one.address, "type": "complaint", "area": "01", **values}
        one.id = (await tickets.open_ticket(desk, tickets.read_intake(given), DISPATCHER)).ticket_id
        citizen = Actor(str(one.id), Role.CITIZEN, "")
        photo = pictures.checked([(f"{key}.jpg", jpeg() + key.encode())])
        await pictures.add(desk, one.id, photo, citizen, event=1)
        return one.id

    async def send(id_: int, *actions: tuple[do.Action, Actor]) -> None:
        for action, actor in actions:
            await tickets.act(desk, id_, action, actor)

    await bring("received")
    ordinary = await bring("ordinary", category="010103")
    await send(
        ordinary,
        (do.Dispatch(lead="cgj", co=("q01",), why=INNER), DISPATCHER),
        (do.Accept(assignment=1), CITY),
        (do.Supervise(assignment=1, rung=Rung.ORDER, demand=DEMAND), SUPERVISOR),
        (do.AskExtension(assignment=1, working_days=2, reason=ASKED), CITY),
    )
    await send(await bring("foreign", category="010103"), (do.Dispatch(lead="slj", why="职责"), DISPATCHER))
    secret = await bring("secret", category="010103", confidential="true")
    await send(secret, (do.Dispatch(lead="cgj", why="职责"), DISPATCHER), (do.Accept(assignment=1), CITY))
    report = await bring("report", category="010103", type="report", reported="q01")
    await send(report, (do.Dispatch(lead="z0101", why="职责"), DISPATCHER))
    await send(await bring("sensitive", category="020101"), (do.Dispatch(lead="slj", why="职责"), DISPATCHER))
    await send(await bring("merged"), (do.Merge(into=ordinary, reason="同一件事"), DISPATCHER))
    sunk = await bring("sunk", category="010103")
    await send(sunk, (do.Dispatch(lead="slj", why="职责"), DISPATCHER))
    await send(sunk, (do.Merge(into=ordinary, reason="同一件事"), DISPATCHER))
    await send(
        await bring("answered", category="010102"),
        (do.Accept(assignment=1), CITY),
        (do.Reach(assignment=1, how="已电话联系"), CITY),
        (_reply(), CITY),
        (do.PassReview(), FOLLOW_UP),
        (do.Visit(caller=1, contact=Contact.NO_ANSWER), FOLLOW_UP),
    )
    await send(await bring("closed"), (do.Answer(text="已告知"), AGENT))
    await calls.tell(desk, calls.Told(call="c1", event="ringing", at=desk.now(), phone=RINGING))
    row = await desk.store.fetch_row("rulebook_part", part="policy", version=1)
    assert row
    made.draft = await drafts.draft(desk, "policy", row["body"], ANALYST, source="市政府会议纪要〔2026〕3号")
    while await tickets.look(desk):
        pass
    await worker.deliver(desk)
    return made


def _reply() -> do.Reply:
    return do.Reply(
        assignment=1,
        received="井盖缺失",
        findings="现场查看属实",
        handling="已更换井盖",
        follows="请联系城管局",
        genuine=True,
        solved=True,
        note=INNER,
    )


# --- asking everything ------------------------------------------------------------------------------------------------

QUERIES = (
    "/queue?state=received",
    "/queue?state=analysis",
    "/queue?state=review",
    "/queue?state=follow_up",
    "/queue?state=requests",
    "/search?q=井盖",
    "/supervision?unit=cgj",
    "/supervision/list?of=duties",
    "/supervision/list?of=papers",
    "/supervision/list?of=soon",
    "/supervision/list?of=answered",
    "/supervision/list?of=claims",
    "/supervision/list?of=requests",
    "/api/v1/search?q=井盖",
    "/api/v1/tickets?state=received",
    "/api/v1/tickets?state=handling",
    "/api/v1/tickets?state=closed",
    "/intake?phone=13800110101",
    "/notices?before=9",
    "/matter/large?on=1&next=/matter",
)
STREAM = "/api/v1/live"


def routes_of(application: Application, method: str) -> list[str]:
    """Every address pattern that the application answers to `method`."""
    return sorted({r.resource.canonical for r in application.router.routes() if r.resource and r.method == method})


def filled(pattern: str, town: Town) -> Iterator[tuple[str, str]]:
    """Yield the addresses of a pattern, each with the ticket number in it, if any; fails on a name it does not know."""
    names = re.findall(r"\{(\w+)\}", pattern)
    of_ticket = bool(re.match(r"/(api/v1/)?(tickets|follow-up|labels)/\{id\}", pattern))
    ids = [str(one.id) for one in town.matters.values()] + [NOWHERE]
    known = {
        "id": ids if of_ticket else [str(town.draft), "99"],
        "number": [str(number) for number in range(1, 12)] if "pictures" in pattern else ["1"],
        "order": ["1", "2"],
        "part": ["policy", "calendar", "catalogue", "ladder", "allowances", "x"],
        "version": ["1", "9"],
        "form": ["act", "unmask", "callers", "code"],
        "name": ["hotline.css", "x"],
        "code": ["K1", "x"],
    }
    for name in names:
        assert name in known, f"say here what fills {{{name}}} of {pattern}"
    for values in itertools.product(*(known[name] for name in names)):
        address = pattern
        for name, value in zip(names, values, strict=True):
            address = address.replace(f"{{{name}}}", value)
        yield address, values[names.index("id")] if of_ticket else ""


@dataclass
class Heard:
    """All that one question brought to light, but for the number that was asked for."""

    address: str
    status: int
    text: str


async def ask(browser: Browser, method: str, address: str, asked: str = "", **more: Any) -> Heard:
    async with browser.client.request(method, address, allow_redirects=False, **more) as answer:
        body = (await answer.read()).decode("utf-8", "replace")
        heads = "\n".join(f"{name}: {value}" for name, value in answer.headers.items())
        status = answer.status
    text = html.unescape(f"{heads}\n{body}")
    # A number is printed in groups of its meaning; its digits count all the same.
    text += re.sub(r"\s+", "", re.sub(r"<[^>]+>", "", text))
    return Heard(f"{method} {address}", status, text.replace(asked, "") if asked else text)


def leaks(heard: Heard, person: str, town: Town) -> list[str]:
    """What an answer told `person` that no list of theirs would."""
    found = [word for one in town.matters.values() for word in one.clear]
    found += [RINGING] if person not in TALKERS or "/intake" not in heard.address else []
    mine, callers = town.of(person), town.callers_of(person)
    for one in town.matters.values():
        if one.key not in mine:
            found += [str(one.id), *one.words]
        if one.key not in callers:
            found += one.masked
    if "ordinary" not in mine:
        found += [INNER, DEMAND, ASKED]
    return [f"{heard.address}: {word}" for word in found if word in heard.text]


@pytest.mark.parametrize("person", EVERYBODY)
async def test_no_address_shows_what_a_list_would_not(
    open_browser: Open, application: Application, town: Town, desk: Desk, person: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Nor does any address, page or JSON, ask the database more than twelve times."""
    browser, found, seen = await open_browser(person), [], 0
    caplog.set_level(logging.DEBUG)
    questions = [one for route in routes_of(application, "GET") if route != STREAM for one in filled(route, town)]
    questions += [(query, "") for query in QUERIES]
    questions += [(f"/search?q={word}", "") for one in town.matters.values() for word in one.words[:2]]

    for address, asked in questions:
        desk.forget_rules()
        before = CountingStore.asked
        heard = await ask(browser, "GET", address, asked)
        assert CountingStore.asked - before <= 12, address
        found += [leak for leak in leaks(heard, person, town) if leak.rpartition(" ")[2] not in address]  # said again
        assert heard.status < 500, address
        seen += heard.status == 200

    assert found == [], "\n".join(found)
    assert seen > (20 if person else 4)
    assert secrets_in(caplog, town) == []


def secrets_in(kept: pytest.LogCaptureFixture, town: Town) -> list[str]:
    """What belongs into no log of ours: callers and what they said."""
    text = "\n".join(kept.handler.format(one) for one in kept.records if not one.name.startswith("aiohttp.access"))
    return [
        word for one in town.matters.values() for word in (*one.words, *one.clear, *one.masked, RINGING) if word in text
    ]


@pytest.mark.parametrize("person", [person for person in EVERYBODY if person not in HOTLINE])
async def test_a_ticket_of_others_and_no_ticket_at_all_are_the_same_by_every_route(
    open_browser: Open, application: Application, town: Town, person: str
) -> None:
    browser = await open_browser(person)
    await browser.get("/department")
    token = browser.csrf
    theirs = [one for key, one in town.matters.items() if key not in town.of(person)]

    for method in ("GET", "HEAD", "POST", "DELETE", "PUT"):
        for route in routes_of(application, method):
            if not re.match(r"/(api/v1/)?(tickets|follow-up|labels)/\{id\}", route):
                continue
            addresses = [address for address, asked in filled(route, town) if asked == NOWHERE]
            for address in addresses:
                for body in _bodies(route, token) if method == "POST" else [{}]:
                    nothing = await ask(browser, method, address, NOWHERE, **body)
                    for one in theirs:
                        there = await ask(browser, method, address.replace(NOWHERE, str(one.id)), str(one.id), **body)
                        assert _timeless(there.text) == _timeless(nothing.text), there.address
                        assert there.status == nothing.status


def _bodies(route: str, token: str) -> list[dict[str, Any]]:
    """What a form or a client may send there, whoever they are."""
    names = ["accept", "reply", "merge", "supplement", "unmerge", "dispatch", "x"]
    if route.startswith("/api/"):
        more = {"text": "y", "assignment": 1, "into": 1, "reason": "因为需要", "category": "010102"}
        bodies = [{"action": name, **more} for name in names] + [more, {}]
        bodies += [{"action": "accept", "assignment": 1, "expected": 1}, {"action": "supplement", "text": "再说"}]
        return [{"json": body, "headers": {"X-CSRF-Token": token}} for body in bodies]
    filled_in = {"csrf": token, "expected": "1", "assignment": "1", "reason": "因为需要", "caller": "1", "text": "再说"}
    return [{"data": {**filled_in, "action": name, "phone": "13900000000"}} for name in names] + [{"data": {}}]


def _timeless(text: str) -> str:
    return re.sub(r"Date: [^\n]+|Date:\w{3},\d\d\w+[\d:]+GMT|Content-Length: ?\d+|Content-Length:\d+", "", text)


# --- questions with a body --------------------------------------------------------------------------------------------


def _questions(town: Town, token: str) -> list[tuple[str, dict[str, Any]]]:
    """Everything that is asked by POST and changes nothing."""
    words = "井盖缺失 " + " ".join(one.words[1] for one in town.matters.values())
    form = {"csrf": token, "text": words, "area": "01", "category": "城市管理 / 市容环卫 / 噪声扰民"}
    json = {"headers": {"X-CSRF-Token": token}}
    asked: list[tuple[str, dict[str, Any]]] = [
        ("/intake/advice", {"data": {"csrf": token, "text": words}}),
        ("/intake/advice", {"data": form}),
        ("/api/v1/suggestions", {**json, "json": {"text": words}}),
        ("/api/v1/suggestions", {**json, "json": {"text": words, "category": "010103", "area": "01"}}),
        ("/api/v1/suggestions", {**json, "json": {"text": words, "title": "\x00", "strange": 1}}),
        ("/intake", {"data": {**form, "do": "lookup", "outside_id": "web-1"}}),
    ]
    for one in town.matters.values():
        asked += [
            ("/intake/earlier", {"data": {"csrf": token, "phone": one.phone}}),
            ("/search", {"data": {"csrf": token, "q": one.phone}}),
            ("/api/v1/callers/search", {**json, "json": {"phone": one.phone}}),
            ("/api/v1/callers/search", {**json, "json": {"name": one.name}}),
        ]
    return asked


SEALED = ("secret", "report")


@pytest.mark.parametrize("person", EVERYBODY)
async def test_what_is_asked_by_post_shows_no_more_and_seals_what_is_protected(
    open_browser: Open, town: Town, person: str, caplog: pytest.LogCaptureFixture
) -> None:
    browser = await open_browser(person)
    await browser.get("/notices" if person else "/matter/find")
    caplog.set_level(logging.DEBUG)
    sealed = [word for key in SEALED for word in town.matters[key].words]

    for address, more in _questions(town, browser.csrf):
        heard = await ask(browser, "POST", address, **more)
        sent = str(more)
        found = [leak for leak in leaks(heard, person, town) if leak.rpartition(" ")[2] not in sent]
        assert found == [], "\n".join(found)
        assert heard.status < 500, address
        assert [word for word in sealed if word in heard.text and word not in sent] == [], address
        if person in TALKERS[:2]:
            assert heard.status in {200, 303, 422}, (address, heard.status)
    assert secrets_in(caplog, town) == []


# --- counts, badges, notices ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("person", LISTS)
async def test_counts_and_badges_count_only_what_the_list_shows(open_browser: Open, town: Town, person: str) -> None:
    browser = await open_browser(person)
    own = {str(town.matters[key].id) for key in town.of(person)}

    async with browser.client.get("/api/v1/tickets") as answer:
        board = await answer.json(content_type=None)
    async with browser.client.get("/api/v1/notices") as answer:
        told = await answer.json()
    async with browser.client.get("/api/v1/notices/unread") as answer:
        unread = await answer.json()
    page = await browser.get("/department")

    assert {line["id"] for line in board} <= own
    assert {notice["ticket_id"] for notice in told} <= own
    assert unread["unread"] == len(told)
    assert int(re.findall(r"<dd>(\d+)</dd>", page)[0]) == len(board)


async def test_a_notice_names_its_matter_unless_a_caller_of_it_is_protected(open_browser: Open, town: Town) -> None:
    for person in ("city", "east", "town", "water"):
        browser = await open_browser(person)
        async with browser.client.get("/api/v1/notices") as answer:
            told = await answer.json()
        page = await browser.get("/notices")
        titles = {f"{key}title" for key in LISTS[person] - {"secret", "report"}}
        assert {notice["title"] for notice in told} - {None} == titles, person
        assert {one.words[0] for one in town.matters.values() if one.words[0] in page} == titles, person


async def test_a_matter_that_becomes_confidential_loses_its_name_in_notices_of_before(
    open_browser: Open, town: Town, desk: Desk
) -> None:
    browser = await open_browser("city")
    assert "ordinarytitle" in await browser.get("/notices")

    await tickets.act(desk, town.matters["ordinary"].id, do.Amend(reason="来电要求保密", confidential=True), DISPATCHER)

    assert "ordinarytitle" not in await browser.get("/notices")


# --- the stream -------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def hearing(browser: Browser, said: list[str]) -> AsyncIterator[None]:
    """Keep everything that an open page of this person is told meanwhile."""
    async with browser.client.get(STREAM) as answer:

        async def listen() -> None:
            while line := await answer.content.readline():
                said.append(line.decode())

        task = asyncio.create_task(listen())
        yield
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@pytest.mark.parametrize("person", [one for one in EVERYBODY if one])
async def test_an_open_page_hears_of_its_own_tickets_only_and_no_word_of_any(
    open_browser: Open, town: Town, desk: Desk, person: str
) -> None:
    browser, said = await open_browser(person), list[str]()
    closed = {"merged", "sunk", "closed"}

    async with hearing(browser, said):
        await asyncio.sleep(0.1)
        for key, one in town.matters.items():
            if key not in closed:
                await tickets.act(desk, one.id, do.Supplement(text=f"{key}later"), AGENT)
        for key in ("ordinary", "foreign", "report", "secret"):
            await tickets.act(desk, town.matters[key].id, do.Urge(assignment=1), SUPERVISOR)
        await worker.deliver(desk)
        await asyncio.sleep(0.6)

    text = "".join(said)
    heard = {key for key, one in town.matters.items() if str(one.id) in text}
    assert heard == town.of(person) - closed
    assert not any(word in text for one in town.matters.values() for word in (*one.words, *one.clear, *one.masked))
    assert "later" not in text


# --- callers ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["ordinary", "merged", "sunk", "secret", "answered", "closed"])
async def test_a_caller_sees_the_own_matter_and_nothing_of_the_others(
    open_browser: Open, application: Application, town: Town, desk: Desk, key: str
) -> None:
    browser, mine = await open_browser(""), town.matters[key]
    for other in {"ordinary", "merged"} - {key}:
        given = citizens.Pass(town.matters[other].id)
        await citizens.act(desk, given, "supplement", {"text": f"{other}later"})
        photo = pictures.checked([("later.jpg", jpeg() + f"{other}later".encode())])
        event = (await desk.store.file(town.matters["ordinary"].id)).ticket.version
        await citizens.add_pictures(desk, given, photo, event)
    await browser.get("/matter/find")
    found_by = {"csrf": browser.csrf, "number": str(mine.id), "code": citizens.code_of(desk, mine.id)}
    assert mine.words[0] in await browser.post("/matter/find", found_by)

    questions = [one for route in routes_of(application, "GET") if route != STREAM for one in filled(route, town)]
    for address, asked in questions:
        heard = await ask(browser, "GET", address, asked)
        strangers = [one for one in town.matters.values() if one is not mine]
        hidden = [word for one in strangers for word in (str(one.id), *one.words, *one.clear, *one.masked)]
        hidden += [INNER, DEMAND, ASKED, RINGING, *mine.clear[:3], *mine.masked]
        hidden += [f"{one.key}later" for one in strangers]
        assert [word for word in hidden if word in heard.text] == [], address


async def test_nobody_comes_to_another_ones_matter_by_sending_its_outside_number(
    open_browser: Open, desk: Desk
) -> None:
    """Agents' tickets are known by the number of their call, which can be guessed."""
    given = {"text": "guessedwords", "title": "guessedtitle", "outside_id": "call-1001", "phone": "13800110000"}
    await tickets.open_ticket(desk, tickets.read_intake(given), AGENT)
    browser = await open_browser("")
    await browser.get("/matter/new")

    page = await browser.post(
        "/matter/new", {"csrf": browser.csrf, "outside_id": "call-1001", "type": "help", "text": "灯坏了"}
    )

    assert "guessed" not in page
    assert "照片" in page


# --- files and monitors -----------------------------------------------------------------------------------------------


async def test_an_export_names_no_protected_caller_and_nobody_in_clear(desk: Desk, town: Town, tmp_path: Path) -> None:
    file = tmp_path / "all.csv"

    await exchange.export_file(desk, file, say=lambda _text: None)

    text = file.read_text("utf-8-sig")
    assert town.matters["ordinary"].masked[0] in text
    assert not any(word in text for one in town.matters.values() for word in one.clear)
    assert not any(word in text for key in SEALED for word in town.matters[key].masked)


async def test_every_route_that_takes_something_is_asked_here_or_changes_things(application: Application) -> None:
    """Whoever adds a route that answers a POST says here whether it only asks, or changes something."""
    asking = {address for address, _ in _questions(Town(), "")}
    posts = set(routes_of(application, "POST"))

    assert asking | {"/intake/earlier", "/search", "/api/v1/callers/search"} <= posts
    assert posts - asking - CHANGING - {"/intake/earlier", "/search", "/api/v1/callers/search"} == set()


CHANGING = {
    "/login",
    "/logout",
    "/intake/take",
    "/intake/finish",
    "/intake/seat",
    "/intake/draft",
    "/intake/drop",
    "/labels",
    "/rules/drafts/{id}",
    "/rules/{part}",
    *(f"/rules/{part}/{what}" for part in FIELDS for what in ("row", "file", "again")),
    "/queue/bulk",
    "/rules/departments/hand-over",
    "/tickets/{id}/presence",
    "/tickets/{id}/code",
    "/api/v1/tickets/{id}/callers/{number}/code",
    "/api/v1/tickets/bulk",
    "/knowledge",
    "/knowledge/drafts",
    "/knowledge/drafts/{id}",
    "/knowledge/{code}/retire",
    "/api/v1/knowledge/drafts",
    "/api/v1/knowledge/drafts/{id}/publish",
    "/notices/seen",
    "/people",
    "/people/{id}",
    "/me",
    "/tickets/{id}/act",
    "/tickets/{id}/unmask",
    "/tickets/{id}/callers",
    "/tickets/{id}/pictures/drop",
    "/matter/new",
    "/matter/find",
    "/matter/mine",
    "/matter/leave",
    "/api/v1/sessions",
    "/api/v1/tickets",
    "/api/v1/tickets/{id}/actions",
    "/api/v1/tickets/{id}/callers",
    "/api/v1/tickets/{id}/callers/{number}/unmask",
    "/api/v1/notices/seen",
    "/api/v1/cti",
    "/api/v1/labels/{id}",
    "/api/v1/drafts",
    "/api/v1/drafts/{id}/publish",
}
