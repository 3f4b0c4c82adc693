"""Papers for the file: a case is whole, masked, marked by its content and kept from others; a ticket prints."""

import hashlib
import json
import re
from datetime import timedelta
from typing import Any

import pytest

from dispatch import actions as do
from dispatch.model import Actor, Body, ExemptionGround, Role, Rung, TransferGround
from hotline import casefile, db, tickets
from hotline.desk import Desk
from hotline.errors import Forbidden
from tests.web.conftest import Bring, CountingStore, Open

SUPERVISOR = Actor("supervisor", Role.SUPERVISOR, "hotline")
CITY = Actor("city", Role.HANDLER, "cgj")
HEAD = Actor("head", Role.HEAD, "cgj")


@pytest.fixture
async def case(desk: Desk, bring: Bring) -> int:
    """Give a ticket whose unit ignored everything: an order answered badly, a claim rejected, a transfer."""
    ticket = await bring(category="010102", address="解放路3号院2栋501")
    for action, actor in (
        (do.Supervise(assignment=1, rung=Rung.ORDER, demand="请三日内答复"), SUPERVISOR),
        (do.AnswerOrder(order=1, answer="正在研究"), CITY),
        (do.ReturnOrder(order=1, reason="答复没有措施"), SUPERVISOR),
        (do.ClaimExemption(order=1, ground=ExemptionGround.LEGACY, reason="遗留管网无图纸"), HEAD),
        (do.DecideExemption(order=1, approve=False, answer="不属容错情形"), SUPERVISOR),
    ):
        await tickets.act(desk, ticket, action, actor)
    late = desk.now() + timedelta(days=40)
    desk.clock = lambda: late
    while await tickets.look(desk):
        pass
    transfer = do.Transfer(assignment=1, body=Body.EFFICIENCY, ground=TransferGround.NOT_CORRECTED, reason="请依规处理")
    await tickets.act(desk, ticket, transfer, SUPERVISOR)
    return ticket


async def transferred(desk: Desk, ticket: int) -> int:
    orders = (await desk.store.file(ticket)).ticket.orders
    return next(one.number for one in orders if one.rung is Rung.TRANSFERRED)


async def test_a_case_tells_everything_about_the_unit_and_nothing_about_the_caller(
    open_browser: Open, desk: Desk, case: int
) -> None:
    browser = await open_browser("supervisor")
    before = CountingStore.asked

    page = await browser.get(f"/tickets/{case}/case/{await transferred(desk, case)}")

    assert browser.status == 200
    assert CountingStore.asked - before <= 13  # the test's own look at the ticket is one
    for told in (
        "请三日内答复",
        "正在研究",
        "答复没有措施",
        "遗留管网无图纸",
        "不属容错情形",
        "请依规处理",
        "效能工作机构",
    ):
        assert told in page
    for told in ("责令改正后逾期不改", "市城市管理局", "办结时限", "挂牌督办", "流转记录", "小区门口井盖缺失"):
        assert told in page
    for secret in ("13800001234", "王小明", "2栋501"):
        assert secret not in page
    assert "<form" not in page.partition("<main")[2]


async def test_the_same_content_has_the_same_mark_whenever_it_is_printed(desk: Desk, case: int) -> None:
    order = await transferred(desk, case)
    first = await casefile.case_file(desk, case, order, SUPERVISOR)

    much_later = desk.now() + timedelta(days=3)
    desk.clock = lambda: much_later
    second = await casefile.case_file(desk, case, order, SUPERVISOR)
    await tickets.act(desk, case, do.Supplement(text="诉求人又来电催问"), SUPERVISOR)
    third = await casefile.case_file(desk, case, order, SUPERVISOR)

    assert (first.sha256, first.content) == (second.sha256, second.content)
    assert third.sha256 != first.sha256
    assert third.number == first.number == f"{case}-{order:02}"


async def test_the_mark_on_the_page_is_that_of_the_json(open_browser: Open, desk: Desk, case: int) -> None:
    browser, order = await open_browser("supervisor"), await transferred(desk, case)

    page = await browser.get(f"/tickets/{case}/case/{order}")
    given: dict[str, Any] = json.loads(await browser.get(f"/api/v1/tickets/{case}/case/{order}"))

    text = json.dumps(given["content"], ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    printed = re.search(r"<code>([0-9a-f]{64})</code>", page)
    assert printed
    assert printed[1] == given["sha256"] == hashlib.sha256(text.encode()).hexdigest()


async def test_each_look_at_a_case_is_kept(open_browser: Open, desk: Desk, case: int, pool: db.Pool) -> None:
    browser, order = await open_browser("supervisor"), await transferred(desk, case)

    await browser.get(f"/tickets/{case}/case/{order}")
    await browser.get(f"/tickets/{case}/case/{order}")

    async with db.connection(pool) as connection:
        rows = await connection.fetch("SELECT person, facts FROM audit WHERE what = 'case_file' ORDER BY id")
    assert [row["person"] for row in rows] == ["supervisor", "supervisor"]
    assert len({row["facts"]["sha256"] for row in rows}) == 1


async def test_a_case_of_a_protected_caller_names_nobody(desk: Desk, bring: Bring) -> None:
    ticket = await bring("举报井盖被盗卖", confidential="true", category="010102")
    await tickets.act(desk, ticket, do.Dispatch(lead="cgj"), SUPERVISOR)
    await tickets.act(desk, ticket, do.Supervise(assignment=1, rung=Rung.ORDER, demand="请答复"), SUPERVISOR)

    made = await casefile.case_file(desk, ticket, 1, SUPERVISOR)

    assert made.content["ticket"]["callers"] == []


@pytest.mark.parametrize("person", ["city", "head", "water", "agent", "dispatcher", "caller-back", "analyst"])
async def test_only_supervisors_see_a_case(
    open_browser: Open, desk: Desk, case: int, pool: db.Pool, person: str
) -> None:
    browser, order = await open_browser(person), await transferred(desk, case)

    for path in (f"/tickets/{case}/case/{order}", f"/api/v1/tickets/{case}/case/{order}"):
        page = await browser.get(path)
        assert browser.status == 403
        assert "遗留管网" not in page
    assert "案件材料" not in await browser.get(f"/tickets/{case}")
    async with db.connection(pool) as connection:
        assert await connection.fetchval("SELECT count(*) FROM audit WHERE what = 'case_file'") == 0


async def test_the_service_itself_keeps_cases_from_departments(desk: Desk, case: int) -> None:
    with pytest.raises(Forbidden):
        await casefile.case_file(desk, case, 1, HEAD)


async def test_a_paper_leads_the_supervisor_to_its_case(open_browser: Open, case: int) -> None:
    browser = await open_browser("supervisor")

    await browser.get(f"/tickets/{case}")

    assert f'href="/tickets/{case}/case/1"' in browser.html


@pytest.mark.parametrize("order", ["0", "99", "x"])
async def test_a_paper_that_is_not_there_has_no_case(open_browser: Open, case: int, order: str) -> None:
    browser = await open_browser("supervisor")

    await browser.get(f"/tickets/{case}/case/{order}")

    assert browser.status in {404, 422}


@pytest.mark.parametrize(("person", "status"), [("city", 200), ("supervisor", 200), ("agent", 200), ("water", 404)])
async def test_a_ticket_prints_without_forms_for_those_who_may_see_it(
    open_browser: Open, case: int, person: str, status: int
) -> None:
    browser = await open_browser(person)

    page = await browser.get(f"/tickets/{case}/print")

    assert browser.status == status
    assert "13800001234" not in page
    assert "王小明" not in page
    if status == 200:
        assert "<form" not in page.partition("<main")[2]
        assert "小区门口井盖缺失" in page
        assert f'href="/tickets/{case}/print"' in await browser.get(f"/tickets/{case}")
