"""The long tables of rules: a row is found, changed, added and taken away in a draft that another person publishes."""

import csv
import io
import re

import pytest
from aiohttp import FormData

from dispatch.model import Actor, Role
from hotline import drafts
from hotline.desk import Desk
from hotline.web import tables_page
from tests.web.conftest import Bring, Browser, Open

ROW = {
    "category": "010101",
    "area": "城东区",
    "owner": "",
    "lead": "市水利局",
    "co": "市城市管理局、城东区人民政府",
    "basis": "专题会议纪要5号",
    "source": "市政府专题会议",
    "do": "keep",
}


async def send(browser: Browser, path: str, **values: object) -> str:
    """Send a form of the present page."""
    return await browser.post(path, {"csrf": browser.csrf, **values})


async def test_whose_a_thing_is_is_shown_and_typed_in_words(open_browser: Open, desk: Desk) -> None:
    dispatcher = await open_browser("dispatcher")
    await dispatcher.get("/rules/catalogue/row")
    assert "private" not in dispatcher.html

    await send(dispatcher, "/rules/catalogue/row", **ROW | {"owner": "小区物业"})
    draft = await drafts.own(desk, "catalogue", Actor("dispatcher", Role.DISPATCHER, "hotline"))
    await dispatcher.get("/rules/catalogue/row?key=010101&key=01&key=estate")

    assert draft is not None
    assert "estate" in {row["owner"] for row in draft["body"]}
    assert 'value="小区物业"' in dispatcher.html


async def test_a_row_goes_into_a_draft_is_tried_published_by_another_and_then_sends_tickets(
    open_browser: Open, bring: Bring, desk: Desk
) -> None:
    sent = await bring("人行道上全是摊位，没法走", category="010101", area="01")
    dispatcher, supervisor = await open_browser("dispatcher"), await open_browser("supervisor")
    await dispatcher.get("/rules/catalogue/row")
    html = await send(dispatcher, "/rules/catalogue/row", **ROW)
    assert dispatcher.path.startswith("/rules/drafts/")
    assert "新增" in html
    assert "1 张会派往别处" in html
    assert f'href="/tickets/{sent}"' in html
    number = dispatcher.path.split("/")[3].split("?")[0]
    listed = await dispatcher.get("/rules/catalogue?q=水利局")
    assert "尚未发布" in listed
    assert (
        "市水利局"
        not in (await supervisor.get("/rules/catalogue?q=专题会议纪要")).split("<main")[1].split("<details")[0]
    )

    await supervisor.get(f"/rules/drafts/{number}")
    await send(supervisor, f"/rules/drafts/{number}", do="publish")
    assert supervisor.status == 200
    later = await bring("人行道上又是摊位", category="010101", area="01")

    file = await desk.store.file(later)
    assert [one.department for one in file.ticket.assignments] == ["slj", "cgj", "q01"]
    assert "市水利局" in await supervisor.get("/changes/catalogue/2")
    assert "第2版" in await supervisor.get("/rules/catalogue")


@pytest.mark.parametrize(
    ("path", "more"),
    [
        ("/rules/catalogue?q=三定", "/rules/catalogue?q=%E4%B8%89%E5%AE%9A&amp;page=2"),
        ("/rules/departments?q=市&all=1", "/rules/departments?q=%E5%B8%82&amp;all=1&amp;page=2"),
    ],
)
async def test_every_table_turns_its_pages_alike_and_keeps_what_was_looked_for(
    open_browser: Open, monkeypatch: pytest.MonkeyPatch, path: str, more: str
) -> None:
    monkeypatch.setattr(tables_page, "PAGE_MOST", 1)
    browser = await open_browser("dispatcher")

    first = await browser.get(path)
    second = await browser.get(f"{path}&page=2")

    assert f'rel="next" href="{more}"' in first
    assert f'href="{more.removesuffix("&amp;page=2")}">回到第一页' in second
    assert _rows(first) != _rows(second)
    assert len(_rows(first)) == len(_rows(second)) == 1


def _rows(html: str) -> list[str]:
    return re.findall(r"<tr><td.*?</tr>", html.partition("<tbody>")[2].partition("</tbody>")[0], re.DOTALL)


async def test_changes_gather_in_one_draft_and_a_row_can_be_taken_away(open_browser: Open, desk: Desk) -> None:
    dispatcher = await open_browser("dispatcher")
    await dispatcher.get("/rules/catalogue/row")
    await send(dispatcher, "/rules/catalogue/row", **ROW)
    await dispatcher.get("/rules/catalogue/row?key=010101&key=01&key=")
    assert "市水利局" in dispatcher.html
    await send(dispatcher, "/rules/catalogue/row", **{**ROW, "key": ["010101", "01", ""], "lead": "由人决定"})
    await dispatcher.get("/rules/catalogue/row?key=02&key=&key=")
    await send(dispatcher, "/rules/catalogue/row", key=["02", "", ""], do="retire", source="市政府专题会议")

    actor = Actor("dispatcher", Role.DISPATCHER, "hotline")
    (waiting,) = await drafts.waiting(desk, actor)
    found = await drafts.look(desk, waiting["id"], actor)
    assert [(before and before["category"], after and after["lead"]) for before, after in found.rows] == [
        ("02", None),
        (None, "?"),
    ]
    assert "没有单位负责" in dispatcher.html
    supervisor = await open_browser("supervisor")
    await supervisor.get(f"/rules/drafts/{waiting['id']}")
    assert "复核无误，发布" not in supervisor.html


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("category", "没有这类", "没有这个选项"),
        ("area", "火星", "没有这个选项"),
        ("lead", "市外星局", "没有这个选项"),
        ("co", "市外星局", "没有这个选项"),
        ("basis", " ", "还没有填"),
        ("source", "好", "太短"),
        ("category", "0101", "已有同样的一行"),
    ],
)
async def test_a_row_that_cannot_be_taken_comes_back_as_it_was_typed(
    open_browser: Open, field: str, value: str, told: str
) -> None:
    dispatcher = await open_browser("dispatcher")
    await dispatcher.get("/rules/catalogue/row")
    area = "" if value == "0101" else ROW["area"]

    html = await send(dispatcher, "/rules/catalogue/row", **{**ROW, "area": area, field: value})

    assert dispatcher.status == 422
    assert told in html
    assert "市水利局" in html or field == "lead"


@pytest.mark.parametrize("part", ["catalogue", "refusals", "risk_words"])
async def test_a_table_that_was_given_out_comes_in_again_as_it_was(open_browser: Open, part: str, desk: Desk) -> None:
    dispatcher = await open_browser("dispatcher")
    text = await dispatcher.get(f"/rules/{part}/file")
    columns = next(csv.reader(io.StringIO(text.lstrip("\ufeff"))))
    assert columns == list(drafts.FIELDS[part])
    await dispatcher.get(f"/rules/{part}")
    form = FormData({"csrf": dispatcher.csrf, "source": "换系统整表导入", "effective_at": ""})
    form.add_field("table", text.encode(), filename="table.csv", content_type="text/csv")

    html = await dispatcher.post(f"/rules/{part}/file", form)

    assert dispatcher.path.startswith("/rules/drafts/")
    assert "没有变动" in html
    assert len(await drafts.waiting(desk, Actor("dispatcher", Role.DISPATCHER, "hotline"))) == 1


async def test_an_older_version_becomes_a_draft(open_browser: Open) -> None:
    dispatcher, supervisor = await open_browser("dispatcher"), await open_browser("supervisor")
    await dispatcher.get("/rules/catalogue/row")
    await send(dispatcher, "/rules/catalogue/row", **ROW)
    number = dispatcher.path.split("/")[3].split("?")[0]
    await supervisor.get(f"/rules/drafts/{number}")
    await send(supervisor, f"/rules/drafts/{number}", do="publish")
    await dispatcher.get("/rules/catalogue")

    html = await send(dispatcher, "/rules/catalogue/again", version="1", source="会议纪要撤销")

    assert "恢复第1版：会议纪要撤销" in html
    assert "去掉" in html


async def test_tables_are_for_those_who_keep_rules(open_browser: Open) -> None:
    for person in ("agent", "water", "head", "caller-back"):
        browser = await open_browser(person)
        for path in ("/rules/catalogue", "/rules/catalogue/row", "/rules/catalogue/file"):
            await browser.get(path)
            assert browser.status == 403, (person, path)
        await send(browser, "/rules/catalogue/row", **ROW)
        assert browser.status == 403, person
