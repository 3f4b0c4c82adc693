"""The supervisors' workspace: every number leads to exactly what it counts, and nobody else sees either."""

import re
from datetime import timedelta
from html import unescape

import pytest

from dispatch import actions as do
from dispatch.model import Actor, ExemptionGround, Role, Rung
from hotline import db, tickets
from hotline.desk import Desk
from hotline.web import boards, supervision_page
from tests.web.conftest import Bring, Browser, CountingStore, Open

SUPERVISOR = Actor("supervisor", Role.SUPERVISOR, "hotline")
CITY = Actor("city", Role.HANDLER, "cgj")
HEAD = Actor("head", Role.HEAD, "cgj")


@pytest.fixture
async def busy(desk: Desk, bring: Bring) -> list[int]:
    """Give a city with duties of every colour, papers open, answered and claimed, and requests for the supervisor."""
    sent = [await bring(f"第{number}处井盖缺失", category="010102") for number in range(6)]
    opened = [await bring(f"第{number}处噪声", category="010103") for number in range(3)]
    for ticket in sent[:4]:
        await tickets.act(desk, ticket, do.Accept(assignment=1), CITY)
        await tickets.act(desk, ticket, do.Supervise(assignment=1, rung=Rung.ORDER, demand="请三日内答复"), SUPERVISOR)
    await tickets.act(desk, sent[0], do.AnswerOrder(order=1, answer="已安排人员处理"), CITY)
    await tickets.act(
        desk, sent[1], do.ClaimExemption(order=1, ground=ExemptionGround.LEGACY, reason="遗留管网无图纸"), HEAD
    )
    late = desk.now() + timedelta(days=1, hours=5)
    desk.clock = lambda: late
    opened.append(await bring("刚刚来的噪声", category="010103"))
    return sent + opened


def numbers(html: str) -> list[tuple[str, int]]:
    """Every number of a page with the list that it leads to."""
    found = re.findall(r'<a href="([^"]+)" data-count="(\d+)">', html)
    found += re.findall(r'<a href="(/supervision/list[^"]+)"[^>]*>[^<]*<span class="count[^"]*">(\d+)</span>', html)
    return [(unescape(href), int(number)) for href, number in found]


async def length(browser: Browser, href: str) -> int:
    """Count the lines of a list over all its pages."""
    lines, html = 0, await browser.get(href)
    while True:
        assert browser.status == 200, href
        lines += html.count("data-line")
        more = re.search(r'rel="next" href="([^"]+)"', html)
        if not more:
            return lines
        html = await browser.get(unescape(more[1]))


@pytest.mark.parametrize("lines", [50, 2])
@pytest.mark.parametrize(
    "path",
    ["/supervision", "/supervision?stage=resolution", "/supervision?unit=cgj", "/supervision?unit=q01&stage=intake"],
)
async def test_every_number_is_as_long_as_its_list(
    open_browser: Open, busy: list[int], monkeypatch: pytest.MonkeyPatch, path: str, lines: int
) -> None:
    assert busy
    monkeypatch.setattr(supervision_page, "PAGE_LINES", lines)
    browser = await open_browser("supervisor")

    page = await browser.get(path)

    told = numbers(page)
    assert told
    for href, number in told:
        assert await length(browser, href) == number, href


async def test_the_city_shows_lamps_papers_and_work(open_browser: Open, busy: list[int]) -> None:
    browser = await open_browser("supervisor")

    page = await browser.get("/supervision")

    lists = {href.partition("of=")[2]: number for href, number in numbers(page) if href.count("=") == 1}
    assert lists == {"soon": lists["soon"], "answered": 1, "claims": 1, "rungs": 0, "requests": 0} | {
        "duties": lists["duties"]
    }
    assert lists["soon"] > 0
    city = dict(numbers(page))
    assert city["/supervision/list?of=duties&lamp=red&unit=hotline"] == 3
    assert city["/supervision/list?of=papers&rung=order&unit=cgj"] == 4
    assert len(busy) == 10


async def test_the_lamp_of_a_line_is_the_lamp_of_the_ticket(
    open_browser: Open, bring: Bring, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticket, began = await bring(category="010103", urgency="urgent"), desk.now()
    browser = await open_browser("supervisor")
    seen = []
    monkeypatch.setattr(boards, "PAGE_LINES", 50)

    for minutes in (0, 7, 8, 11):
        desk.clock = lambda at=began + timedelta(minutes=minutes): at  # type: ignore[misc]
        own = re.search(r'class="ticket-head (\w+)"', await browser.get(f"/tickets/{ticket}"))
        queue = re.search(r'<tr class="(\w+)">', await browser.get("/queue?state=received"))
        line = re.search(r'<tr class="(\w+)" data-line>', await browser.get("/supervision/list?of=duties"))
        assert own
        assert queue
        assert line
        assert own[1] == queue[1] == line[1]
        seen.append(own[1])

    assert seen == ["green", "green", "yellow", "red"]


async def test_a_rung_that_only_a_person_may_issue_waits_in_its_list(
    open_browser: Open, busy: list[int], desk: Desk, pool: db.Pool
) -> None:
    ticket = busy[2]
    await tickets.act(desk, ticket, do.Supervise(assignment=1, rung=Rung.LISTED, demand="挂牌"), SUPERVISOR)
    late = desk.now() + timedelta(days=9)
    desk.clock = lambda: late
    while await tickets.look(desk):
        pass
    browser = await open_browser("supervisor")

    page = await browser.get("/supervision/list?of=rungs")

    assert f"/tickets/{ticket}#supervise-" in page
    assert dict(numbers(page))["/supervision/list?of=rungs"] == await length(browser, "/supervision/list?of=rungs")
    async with db.connection(pool) as connection:
        found = await connection.fetchval("SELECT count(*) FROM findings WHERE finding LIKE 'listed_ignored%'")
    assert found >= 1


@pytest.mark.parametrize("person", ["water", "city", "head", "east", "agent", "dispatcher", "caller-back"])
@pytest.mark.parametrize("path", ["/supervision", "/supervision/list?of=duties", "/supervision/list?of=claims"])
async def test_nobody_else_looks_over_the_whole_city(
    open_browser: Open, busy: list[int], person: str, path: str
) -> None:
    browser = await open_browser(person)

    page = await browser.get(path)

    assert browser.status == 403
    assert "data-count" not in page
    assert not any(str(ticket) in page for ticket in busy)
    assert "督办台" not in await browser.get("/notices")


@pytest.mark.parametrize("person", ["supervisor", "analyst"])
async def test_supervisors_and_analysts_look_over_the_city_in_few_queries(
    open_browser: Open, busy: list[int], person: str
) -> None:
    browser = await open_browser(person)

    for path in (
        "/supervision",
        "/supervision/list?of=duties",
        "/supervision/list?of=papers",
        "/supervision/list?of=soon",
    ):
        before = CountingStore.asked
        await browser.get(path)
        assert browser.status == 200
        assert CountingStore.asked - before <= 12, path
    assert busy


@pytest.mark.parametrize(
    "path",
    [
        "/supervision?unit=x",
        "/supervision?stage=x",
        "/supervision/list?of=x",
        "/supervision/list?lamp=x",
        "/supervision/list?rung=x",
        "/supervision/list?after=x",
        "/supervision/list?after=2026-01-01T00:00:00%2B08:00,7,x",
    ],
)
async def test_an_address_that_makes_no_sense_is_refused_in_words(open_browser: Open, path: str) -> None:
    browser = await open_browser("supervisor")

    await browser.get(path)

    assert browser.status in {404, 422}
