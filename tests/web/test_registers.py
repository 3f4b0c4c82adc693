"""Areas, departments and categories on pages: found in a tree, changed, closed, and published by a second person."""

import asyncio
import csv
import io
import re
from datetime import date, datetime, timedelta
from html import unescape

import pytest
from aiohttp import FormData

from dispatch import actions as do
from dispatch.errors import RuleBroken
from dispatch.model import Actor, Role
from dispatch.rulebook import problems
from dispatch.worktime import ZONE
from hotline import auth, drafts, people, tickets
from hotline.desk import Desk
from hotline.errors import BadInput
from tests.web.conftest import Bring, Browser, CountingStore, Open

PARTS = ("areas", "departments", "categories")
DISPATCHER = Actor("dispatcher", Role.DISPATCHER, "hotline")
SUPERVISOR = Actor("supervisor", Role.SUPERVISOR, "hotline")
UNIT = {"name": "市园林局", "level": "city", "parent": "", "area": "00", "source": "机构改革方案", "do": "keep"}


async def send(browser: Browser, path: str, **values: object) -> str:
    """Send a form of the present page."""
    return await browser.post(path, {"csrf": browser.csrf, **values})


async def close(browser: Browser, part: str, code: str, *, day: date | None = None, successor: str = "") -> str:
    """Fill in the form of an entry as it is printed, with the day from which it is closed: today, if none is given."""
    html = await browser.get(f"/rules/{part}/row?key={code}")
    form = html.partition("<main")[2]
    typed = dict(re.findall(r'<input[^>]*name="(\w+)"[^>]*value="([^"]*)"', form))
    typed |= {"level": level[0]} if (level := re.findall(r'<option value="(\w+)" selected', form)) else {}
    typed = {name: unescape(value) for name, value in typed.items() if name not in {"departmental", "sensitive"}}
    given = {"closed_from": str(day or datetime.now(ZONE).date()), "successor": successor, "source": "机构改革方案"}
    return await browser.post(f"/rules/{part}/row", {**typed, **given, "do": "keep"})


async def publish(browser: Browser, number: str) -> str:
    await browser.get(f"/rules/drafts/{number}")
    return await send(browser, f"/rules/drafts/{number}", do="publish")


async def lead_of(desk: Desk, id_: int) -> str:
    lead = (await desk.store.file(id_)).ticket.lead
    assert lead
    return lead.department


def drafted(browser: Browser) -> str:
    """The number of the draft that a page shows."""
    assert browser.path.startswith("/rules/drafts/"), browser.html
    return browser.path.split("/")[3].split("?")[0]


@pytest.mark.parametrize("part", PARTS)
async def test_a_register_is_shown_as_a_tree_in_few_queries(open_browser: Open, part: str) -> None:
    browser = await open_browser("dispatcher")
    before = CountingStore.asked

    html = await browser.get(f"/rules/{part}")

    assert browser.status == 200
    assert CountingStore.asked - before <= 12
    assert "deep-1" in html
    assert f'href="/rules/{part}"' in await browser.get("/rules")


async def test_an_entry_is_found_with_what_is_above_it(open_browser: Open) -> None:
    browser = await open_browser("dispatcher")

    html = await browser.get("/rules/areas?q=东门")

    assert "城东区 / 东门街道" in html
    assert "江口县" not in html.partition("<table")[2].partition("</table")[0]


async def test_a_new_unit_is_drafted_by_one_published_by_another_and_then_gets_tickets(
    open_browser: Open, bring: Bring, desk: Desk
) -> None:
    dispatcher, supervisor = await open_browser("dispatcher"), await open_browser("supervisor")
    await dispatcher.get("/rules/departments/row")
    html = await send(dispatcher, "/rules/departments/row", code="ylj", **UNIT)
    assert "市园林局（ylj）" in html
    number = drafted(dispatcher)
    assert "ylj" not in await supervisor.get("/rules/departments?q=园林局")
    assert "ylj" not in (await desk.rulebook()).departments

    await publish(dispatcher, number)
    assert dispatcher.status == 403
    await publish(supervisor, number)

    id_ = await bring(category="010103")
    sent = await tickets.act(desk, id_, do.Dispatch(lead="ylj", why="职责"), DISPATCHER)
    assert sent.assignments[-1].department == "ylj"
    assert "承办单位 第2版" in await supervisor.get("/changes")
    assert "市园林局" in await supervisor.get("/changes/departments/2")


async def test_a_renamed_unit_shows_both_names_before_it_is_published(open_browser: Open, desk: Desk) -> None:
    dispatcher, supervisor = await open_browser("dispatcher"), await open_browser("supervisor")
    await dispatcher.get("/rules/departments/row?key=cgj")
    assert 'name="code"' not in dispatcher.html

    html = await send(dispatcher, "/rules/departments/row", key="cgj", **{**UNIT, "name": "市综合执法局"})

    assert "<del>市城市管理局</del>" in html
    assert "<ins>市综合执法局</ins>" in html
    await publish(supervisor, drafted(dispatcher))
    assert (await desk.rulebook()).departments["cgj"].name == "市综合执法局"


async def test_a_unit_in_use_is_closed_only_for_a_successor(open_browser: Open, bring: Bring, desk: Desk) -> None:
    await bring(category="010101")
    dispatcher, supervisor = await open_browser("dispatcher"), await open_browser("supervisor")
    html = await dispatcher.get("/rules/departments/row?key=cgj")
    assert "1 张在办工单" in html
    assert "2 名人员" in html
    assert 'href="/rules/catalogue?q=cgj"' in html

    html = await close(dispatcher, "departments", "cgj")

    assert "单位“市城市管理局”还有 1 张在办工单、2 名人员，停用须写明由谁承接" in html
    assert "单位“市城市管理局”停用后，派单目录还有 2 行写着它，须写明由谁承接" in html
    number = drafted(dispatcher)
    assert "复核无误，发布" not in await supervisor.get(f"/rules/drafts/{number}")
    with pytest.raises(BadInput, match="a successor is needed"):
        await drafts.publish(desk, int(number), SUPERVISOR)
    assert "cgj" in (await desk.rulebook()).departments


async def test_a_closed_unit_gets_no_new_ticket_and_those_of_before_keep_its_name(
    open_browser: Open, bring: Bring, desk: Desk
) -> None:
    old, waiting = await bring(category="010101"), await bring(category="010103")
    dispatcher, supervisor = await open_browser("dispatcher"), await open_browser("supervisor")
    await close(dispatcher, "departments", "cgj", successor="市水利局")
    await publish(supervisor, drafted(dispatcher))
    assert supervisor.path == "/rules?done=published"

    new = await bring("又有占道经营", category="010101")

    assert await lead_of(desk, new) == "slj"
    with pytest.raises(RuleBroken):
        await tickets.act(desk, waiting, do.Dispatch(lead="cgj", why="职责"), DISPATCHER)
    page = await dispatcher.get(f"/tickets/{waiting}")
    assert "lead=slj" in page  # judged before, when it was a candidate
    assert "lead=cgj" not in page
    assert '<option value="市水利局">' in page
    assert '<option value="市城市管理局">' not in page
    assert "市城市管理局" in await dispatcher.get(f"/tickets/{old}")
    city = Actor("city", Role.HANDLER, "cgj")
    assert (await tickets.act(desk, old, do.Accept(assignment=1), city)).assignments[0].accepted_at
    assert "市城市管理局" in await supervisor.get("/supervision")


async def test_a_unit_that_closes_later_works_until_then(open_browser: Open, bring: Bring, desk: Desk) -> None:
    dispatcher, supervisor = await open_browser("dispatcher"), await open_browser("supervisor")
    day = desk.now().astimezone(ZONE).date() + timedelta(days=3)
    await close(dispatcher, "departments", "cgj", day=day, successor="市水利局")
    await publish(supervisor, drafted(dispatcher))

    before = await bring(category="010101")
    assert f"{day} 起停用，由市水利局承接" in await supervisor.get("/rules/departments?q=cgj")
    now = desk.now()
    desk.clock = lambda: now + timedelta(days=3)
    desk.forget_rules()
    after = await bring("又有占道经营", category="010101")

    assert [await lead_of(desk, one) for one in (before, after)] == ["cgj", "slj"]


async def test_a_closed_kind_and_a_closed_place_are_offered_no_more(
    open_browser: Open, bring: Bring, desk: Desk
) -> None:
    old = await bring(category="010103", area="0101")
    dispatcher, supervisor = await open_browser("dispatcher"), await open_browser("supervisor")
    for part, code, heir in (("categories", "010103", "占道经营"), ("areas", "0101", "城东区")):
        await close(dispatcher, part, code, successor=heir)
        await publish(supervisor, drafted(dispatcher))
        assert supervisor.path == "/rules?done=published", supervisor.html

    agent = await open_browser("agent")
    form = await agent.get("/intake")
    assert "占道经营" in form
    assert "噪声扰民" not in form
    assert "城东区 东门街道" not in form
    assert "城东区 东门街道" not in await agent.get("/matter/new")
    for given in ({"category": "010103"}, {"area": "0101"}):
        with pytest.raises(BadInput, match="is unknown"):
            await bring(**given)
    page = await dispatcher.get(f"/tickets/{old}")
    assert "噪声扰民" in page
    assert "东门街道" in page


async def test_what_stands_below_is_not_left_without_a_superior(open_browser: Open, desk: Desk) -> None:
    dispatcher = await open_browser("dispatcher")

    html = await close(dispatcher, "departments", "q01", successor="市水利局")

    assert "单位“东门街道办事处”：上级“城东区人民政府”已停用" in html
    with pytest.raises(BadInput):
        await drafts.publish(desk, int(drafted(dispatcher)), SUPERVISOR)


async def test_a_code_that_was_published_cannot_go(open_browser: Open, desk: Desk) -> None:
    dispatcher = await open_browser("dispatcher")
    rows = [row for row in await drafts.base(desk, "departments") if row["code"] != "z0101"]
    number = await drafts.draft(desk, "departments", rows, DISPATCHER, source="机构改革方案")

    assert "单位“东门街道办事处”不能删除" in await dispatcher.get(f"/rules/drafts/{number}")
    with pytest.raises(BadInput, match="its code is gone"):
        await drafts.publish(desk, number, SUPERVISOR)
    await dispatcher.get("/rules/departments/row?key=cgj")
    await send(dispatcher, "/rules/departments/row", key="cgj", do="drop", source="机构改革方案")
    assert dispatcher.status == 422


async def test_an_entry_that_is_only_in_the_draft_can_be_dropped(open_browser: Open) -> None:
    dispatcher = await open_browser("dispatcher")
    await dispatcher.get("/rules/areas/row")
    await send(dispatcher, "/rules/areas/row", code="02", name="江口县", parent="00", source="区划调整批复")
    assert "不新增了" in await dispatcher.get("/rules/areas/row?key=02")

    html = await send(dispatcher, "/rules/areas/row", key="02", do="drop", source="区划调整批复")

    assert "没有变动" in html


async def test_one_new_entry_can_stand_below_another(open_browser: Open, desk: Desk) -> None:
    dispatcher, supervisor = await open_browser("dispatcher"), await open_browser("supervisor")
    html = await dispatcher.get("/rules/areas/row")
    for code, name, above in (("02", "江口县", "00"), ("0201", "江口镇", "江口县")):
        html = await send(dispatcher, "/rules/areas/row", code=code, name=name, parent=above, source="区划调整批复")

    assert "<ins>江口县</ins>" in html
    await publish(supervisor, drafted(dispatcher))
    assert [one.name for one in (await desk.rulebook()).wider("0201")] == ["江口镇", "江口县", "榕溪市"]


async def test_a_statutory_time_is_shown_and_typed_in_words(open_browser: Open, desk: Desk) -> None:
    dispatcher = await open_browser("dispatcher")
    await dispatcher.get("/rules/categories/row")

    await send(
        dispatcher, "/rules/categories/row", **{**UNIT, "code": "0103", "name": "绿化", "statutory": "20个工作日"}
    )
    draft = await drafts.own(desk, "categories", Actor("dispatcher", Role.DISPATCHER, "hotline"))
    await dispatcher.get("/rules/categories/row?key=0103")

    assert draft is not None
    assert "20wd" in {row["statutory"] for row in draft["body"]}
    assert 'value="20个工作日"' in dispatcher.html


@pytest.mark.parametrize(
    ("part", "typed", "told"),
    [
        ("departments", {"name": " "}, "不能为空"),
        ("departments", {"code": "市 局"}, "编码不合格式"),
        ("departments", {"code": "cgj"}, "已有同样的一行"),
        ("departments", {"parent": "市外星局"}, "没有这个选项"),
        ("departments", {"area": "火星"}, "没有这个选项"),
        ("departments", {"level": ""}, "读不懂"),
        ("departments", {"source": "好"}, "太短"),
        ("categories", {"code": "0103a", "name": "绿化"}, "编码不合格式"),
        ("categories", {"code": "0103", "name": "绿化", "statutory": "二十天"}, "应当写作"),
        ("areas", {"code": "02", "name": "江口县", "parent": "02"}, "不能是它自己"),
    ],
)
async def test_an_entry_that_cannot_be_taken_comes_back_as_it_was_typed(
    open_browser: Open, part: str, typed: dict[str, str], told: str
) -> None:
    dispatcher = await open_browser("dispatcher")
    await dispatcher.get(f"/rules/{part}/row")

    html = await send(dispatcher, f"/rules/{part}/row", **{"code": "ylj", **UNIT, **typed})

    assert dispatcher.status == 422
    assert told in html
    assert typed.get("code", "ylj") in html


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-8", "gb18030"])
async def test_a_register_that_was_given_out_comes_in_again_as_it_was(
    open_browser: Open, part: str, encoding: str
) -> None:
    dispatcher = await open_browser("dispatcher")
    text = (await dispatcher.get(f"/rules/{part}/file")).lstrip("\ufeff")
    assert next(csv.reader(io.StringIO(text))) == list(drafts.FIELDS[part])
    await dispatcher.get(f"/rules/{part}")
    form = FormData({"csrf": dispatcher.csrf, "source": "换系统整表导入", "effective_at": ""})
    form.add_field("table", text.encode(encoding), filename="table.csv", content_type="text/csv")

    html = await dispatcher.post(f"/rules/{part}/file", form)

    assert dispatcher.path.startswith("/rules/drafts/")
    assert "没有变动" in html


async def test_of_two_drafts_from_one_version_only_the_first_is_published(desk: Desk) -> None:
    rows = await drafts.base(desk, "areas")
    both = [
        await drafts.draft(desk, "areas", [*rows, _area(code)], DISPATCHER, source="区划调整批复")
        for code in ("02", "03")
    ]

    results = await asyncio.gather(*(drafts.publish(desk, id_, SUPERVISOR) for id_ in both), return_exceptions=True)

    assert sorted(type(one).__name__ for one in results) == ["BadInput", "int"]
    assert len({"02", "03"} & set((await desk.rulebook()).areas)) == 1


async def test_what_two_publish_at_once_does_not_contradict_itself(desk: Desk) -> None:
    """A unit is closed while the catalogue comes to name it: whoever is second is refused."""
    rows = await drafts.base(desk, "catalogue")
    catalogue = [*rows, {**rows[0], "category": "010101", "lead": "z0101", "basis": "街道职责清单"}]
    day = str(desk.now().astimezone(ZONE).date())
    closing = [
        {**row, "closed_from": day} if row["code"] == "z0101" else row for row in await drafts.base(desk, "departments")
    ]
    both = [
        await drafts.draft(desk, part, body, DISPATCHER, source="机构改革方案")
        for part, body in (("catalogue", catalogue), ("departments", closing))
    ]

    results = await asyncio.gather(*(drafts.publish(desk, id_, SUPERVISOR) for id_ in both), return_exceptions=True)

    assert sorted(type(one).__name__ for one in results) == ["BadInput", "int"]
    assert problems(await desk.rulebook()) == ()


def _area(code: str) -> dict[str, str]:
    return {"code": code, "name": f"第{code}区", "parent": "00"}


async def closed_for(open_browser: Open, code: str, successor: str) -> Browser:
    """Close a unit by two people, and give the browser of the dispatcher."""
    dispatcher, supervisor = await open_browser("dispatcher"), await open_browser("supervisor")
    await close(dispatcher, "departments", code, successor=successor)
    await publish(supervisor, drafted(dispatcher))
    return dispatcher


def chosen(browser: Browser) -> dict[str, object]:
    """The form of a hand-over with every box ticked."""
    form = browser.html.partition('id="bulk"')[2]
    hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form))
    return {**hidden, "ticket": re.findall(r'name="ticket" value="([^"]+)"', form), "why": "机构改革方案第七条"}


HAND_OVER = "/rules/departments/hand-over"


async def test_what_a_closed_unit_has_is_handed_to_its_successor_by_a_named_person(
    open_browser: Open, bring: Bring, desk: Desk
) -> None:
    lead, helped = await bring(category="010102"), await bring(category="020101")
    await tickets.act(desk, lead, do.Accept(assignment=1), Actor("city", Role.HANDLER, "cgj"))
    other = await bring(category="010103")
    await tickets.act(desk, other, do.Dispatch(lead="q01", co=("cgj",), why="职责"), DISPATCHER)
    dispatcher = await closed_for(open_browser, "cgj", "slj")
    await dispatcher.get("/rules/departments/row?key=cgj")
    assert f'href="{HAND_OVER}?key=cgj"' in dispatcher.html

    await dispatcher.get(f"{HAND_OVER}?key=cgj")
    assert f'href="/tickets/{helped}"' not in dispatcher.html
    assert "移交给市水利局" in dispatcher.html
    sent = chosen(dispatcher)
    await dispatcher.post(HAND_OVER, sent)

    assert "已移交 2 张，未移交 0 张" in dispatcher.html
    assert await lead_of(desk, lead) == "slj"
    (_, _, co) = (await desk.store.file(other)).ticket.assignments
    assert (co.department, co.duty.value, co.state.value) == ("slj", "co", "sent")
    page = await dispatcher.get(f"/tickets/{lead}")
    assert page.count("机构改革方案第七条") >= 2
    assert "dispatcher员" in page
    await dispatcher.post(HAND_OVER, sent)  # the same page sent again does nothing twice
    assert "已移交 2 张" in dispatcher.html
    assert len((await desk.store.file(lead)).ticket.assignments) == 2
    assert "本单位没有在办工单" in await dispatcher.get(f"{HAND_OVER}?key=cgj")


async def test_what_must_be_looked_at_by_itself_stays_with_the_closed_unit(
    open_browser: Open, bring: Bring, desk: Desk
) -> None:
    secret = await bring(category="010102", confidential="true")
    await tickets.act(desk, secret, do.Dispatch(lead="cgj", why="职责"), DISPATCHER)
    designated = await bring(category="010103")
    await tickets.act(desk, designated, do.Analyse(why="职责不清"), DISPATCHER)
    await tickets.act(desk, designated, do.Designate(lead="cgj", basis="会议纪要"), DISPATCHER)
    dispatcher = await closed_for(open_browser, "cgj", "slj")

    await dispatcher.get(f"{HAND_OVER}?key=cgj")
    assert chosen(dispatcher)["ticket"] == []
    assert "保密事项，须逐张办理" in dispatcher.html
    assert "指定承办的，须逐张办理" in dispatcher.html
    await dispatcher.post(HAND_OVER, {**chosen(dispatcher), "ticket": [f"{secret}@2@", f"{designated}@3@"]})

    assert "已移交 0 张，未移交 2 张" in dispatcher.html
    assert {await lead_of(desk, secret), await lead_of(desk, designated)} == {"cgj"}


async def test_what_a_county_sent_on_is_the_countys_to_send_again(open_browser: Open, bring: Bring, desk: Desk) -> None:
    ticket, county = await bring(category="010103", area="01"), Actor("east", Role.HANDLER, "q01")
    for action, actor in (
        (do.Dispatch(lead="q01", why="属地"), DISPATCHER),
        (do.Accept(assignment=1), county),
        (do.SubDispatch(assignment=1, departments=("z0101",)), county),
    ):
        await tickets.act(desk, ticket, action, actor)
    browser = await open_browser("dispatcher")

    assert "请上级单位另派" in await browser.get(f"{HAND_OVER}?key=z0101")
    assert "已派给下级单位，须逐张办理" in await browser.get(f"{HAND_OVER}?key=q01")


@pytest.mark.parametrize("person", ["city", "head", "water", "agent", "caller-back", "analyst"])
async def test_only_dispatchers_and_supervisors_hand_tickets_over(
    open_browser: Open, bring: Bring, desk: Desk, person: str
) -> None:
    ticket = await bring(category="010102")
    dispatcher, browser = await closed_for(open_browser, "cgj", "slj"), await open_browser(person)
    await dispatcher.get(f"{HAND_OVER}?key=cgj")
    await browser.get("/notices")

    await browser.post(HAND_OVER, {**chosen(dispatcher), "csrf": browser.csrf})
    assert browser.status == 403
    await browser.get(f"{HAND_OVER}?key=cgj")

    assert browser.status == 403
    assert await lead_of(desk, ticket) == "cgj"


async def test_nothing_is_handed_over_without_a_reason_or_from_a_unit_that_is_in_use(
    open_browser: Open, bring: Bring, desk: Desk
) -> None:
    ticket = await bring(category="010102")
    browser = await open_browser("supervisor")
    await browser.get(f"{HAND_OVER}?key=cgj")
    assert "停用并写明承接单位" in browser.html
    assert "移交给" not in browser.html
    await browser.post(HAND_OVER, chosen(browser))
    assert browser.status == 422
    assert "没有停用，或没有承接单位" in browser.html

    dispatcher = await closed_for(open_browser, "cgj", "slj")
    await dispatcher.get(f"{HAND_OVER}?key=cgj")
    await dispatcher.post(HAND_OVER, {**chosen(dispatcher), "why": "改"})

    assert dispatcher.status == 422
    assert "太短" in dispatcher.html
    assert await lead_of(desk, ticket) == "cgj"


async def test_nobody_new_joins_a_closed_unit(open_browser: Open, desk: Desk) -> None:
    dispatcher, supervisor = await open_browser("dispatcher"), await open_browser("supervisor")
    await close(dispatcher, "departments", "cgj", successor="slj")
    await publish(supervisor, drafted(dispatcher))
    somebody = auth.Person("new-one", "新人", Role.HANDLER, "cgj")

    with pytest.raises(BadInput, match="department"):
        await people.add(desk, somebody, Actor("boss", Role.ADMINISTRATOR, "hotline"), reason="补充人手")


async def test_registers_are_for_those_who_keep_rules(open_browser: Open) -> None:
    for person in ("agent", "water", "head", "caller-back"):
        browser = await open_browser(person)
        for part in PARTS:
            for path in (f"/rules/{part}", f"/rules/{part}/row", f"/rules/{part}/row?key=01", f"/rules/{part}/file"):
                await browser.get(path)
                assert browser.status == 403, (person, path)
            await send(browser, f"/rules/{part}/row", code="99", **UNIT)
            assert browser.status == 403, person


async def test_a_form_without_the_token_changes_nothing(open_browser: Open, desk: Desk) -> None:
    dispatcher = await open_browser("dispatcher")

    await dispatcher.post("/rules/areas/row", {"csrf": "x", "code": "02", "name": "江口县", "source": "区划调整批复"})

    assert dispatcher.status == 403
    assert await drafts.waiting(desk, DISPATCHER) == []
