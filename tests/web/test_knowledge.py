"""The knowledge base without scripts: read by all, written by one, published by another, used by an agent."""

import re
from datetime import timedelta
from html import unescape

import pytest

from dispatch.model import Actor, Role
from hotline import knowledge
from hotline.desk import Desk
from tests.web.conftest import PEOPLE, Bring, Browser, CountingStore, Open

ANALYST = Actor("analyst", Role.ANALYST, "hotline")
SUPERVISOR = Actor("supervisor", Role.SUPERVISOR, "hotline")
COVER = knowledge.Entry(
    code="K1",
    question="井盖缺失找谁报修",
    answer="请说明位置，市城市管理局两小时内到场。",
    department="cgj",
    category="010102",
    basis="设施管理办法",
    reason="群众常问",
)
TYPED = {
    "question": "占道经营怎么举报",
    "answer": "请说明地点和时间，<b>由城管</b>到场处理。",
    "category": "占道经营",
    "department": "市城市管理局",
    "basis": "市容条例",
    "valid_from": "",
    "valid_until": "2099-12-31",
    "reason": "群众常问",
}


async def publish(desk: Desk, entry: knowledge.Entry = COVER) -> None:
    await knowledge.publish(desk, await knowledge.draft(desk, entry, ANALYST), SUPERVISOR)


async def draft_by_form(browser: Browser, **changed: str) -> str:
    await browser.get("/knowledge/new")
    hidden = {"csrf": browser.csrf, "code": "", "based_on": "0"}
    return await browser.post("/knowledge", {**hidden, **TYPED, **changed})


@pytest.mark.parametrize("person", PEOPLE)
async def test_all_staff_search_and_read(open_browser: Open, desk: Desk, person: str) -> None:
    await publish(desk)
    browser = await open_browser(person)
    before = CountingStore.asked

    await browser.get("/knowledge?q=井盖")
    assert COVER.question in browser.html
    await browser.get("/knowledge/K1")

    assert COVER.answer in browser.html
    assert "K1@1" in browser.html
    assert CountingStore.asked - before <= 24
    await browser.get("/knowledge?q=没有的词")
    assert "没有符合的条目" in browser.html


async def test_a_search_that_cannot_be_made_says_so(open_browser: Open) -> None:
    browser = await open_browser("agent")

    await browser.get("/knowledge?q=一")

    assert browser.status == 422
    assert "不能这样搜索" in browser.html


async def test_one_writes_and_another_publishes(open_browser: Open) -> None:
    writer, checker = await open_browser("analyst"), await open_browser("supervisor")

    await draft_by_form(writer)
    assert "草案须由另一人复核发布" in writer.html
    path = writer.path.partition("?")[0]
    await writer.post(path, {"csrf": writer.csrf, "do": "publish"})
    assert writer.status == 403

    await checker.get("/knowledge/drafts")
    assert "占道经营怎么举报" in checker.html
    ids = re.findall(r'name="id" value="(\d+)"', checker.html)
    await checker.post("/knowledge/drafts", {"csrf": checker.csrf, "id": ids})
    assert "已发布 1 条" in checker.html
    await checker.get("/knowledge?q=占道经营")
    assert "&lt;b&gt;由城管" in checker.html
    assert "有效至 2099-12-31" in checker.html


@pytest.mark.parametrize("person", ["agent", "water", "caller-back"])
@pytest.mark.parametrize("path", ["/knowledge/new", "/knowledge/drafts", "/knowledge/K1/change"])
async def test_who_keeps_no_rules_writes_no_knowledge(open_browser: Open, desk: Desk, person: str, path: str) -> None:
    await publish(desk)
    browser = await open_browser(person)

    await browser.get(path)

    assert browser.status == 403
    await browser.get("/knowledge/K1")
    assert "停用" not in browser.html


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"question": ""}, "还没有填"),
        ({"department": "没有的单位"}, "没有这个选项"),
        ({"reason": "改"}, "太短"),
        ({"valid_until": "2001-01-01"}, "须晚于现在"),
        ({"valid_until": "随便"}, "不是有效的日期时间"),
    ],
)
async def test_what_cannot_be_taken_comes_back_with_what_was_typed(
    open_browser: Open, changed: dict[str, str], sentence: str
) -> None:
    browser = await open_browser("analyst")

    await draft_by_form(browser, **changed)

    assert browser.status == 422
    assert sentence in browser.html
    assert "由城管" in browser.html


async def test_an_entry_is_changed_and_the_old_version_can_be_read(open_browser: Open, desk: Desk) -> None:
    await publish(desk)
    writer, checker = await open_browser("analyst"), await open_browser("supervisor")

    await writer.get("/knowledge/K1/change")
    assert COVER.answer in writer.html
    hidden = {"csrf": writer.csrf, "code": "K1", "based_on": "1"}
    await writer.post("/knowledge", {**hidden, **TYPED, "answer": "一小时内到场。"})
    path = writer.path.partition("?")[0]
    await checker.get(path)
    assert "<mark>一小时内到场。</mark>" in checker.html
    await checker.post(path, {"csrf": checker.csrf, "do": "publish"})

    await checker.get("/knowledge/K1")
    assert re.search(r"第2版.*一小时内到场.*第1版.*旧版本", checker.html, re.DOTALL)


async def test_an_entry_is_retired_by_two(open_browser: Open, desk: Desk) -> None:
    await publish(desk)
    writer, checker = await open_browser("analyst"), await open_browser("supervisor")

    await writer.get("/knowledge/K1")
    await writer.post("/knowledge/K1/retire", {"csrf": writer.csrf, "based_on": "1", "reason": "改"})
    assert "太短" in writer.html
    await writer.post("/knowledge/K1/retire", {"csrf": writer.csrf, "based_on": "1", "reason": "职责已调整"})
    path = writer.path.partition("?")[0]
    await checker.get(path)
    await checker.post(path, {"csrf": checker.csrf, "do": "publish"})

    await checker.get("/knowledge")
    assert COVER.question not in checker.html
    await checker.get("/knowledge?all=1")
    assert "已停用" in checker.html


async def test_a_draft_is_taken_back(open_browser: Open) -> None:
    writer = await open_browser("analyst")
    await draft_by_form(writer)

    await writer.post(writer.path.partition("?")[0], {"csrf": writer.csrf, "do": "take_back"})

    assert "没有待复核的条目" in writer.html


# --- at the agent's seat ----------------------------------------------------------------------------------------------


def typed(browser: Browser, **values: str) -> dict[str, str]:
    found = re.search(r'name="outside_id" value="([^"]*)"', browser.html)
    return {"csrf": browser.csrf, "outside_id": found[1] if found else "", "type": "consult", **values}


async def test_an_agent_answers_from_knowledge_without_a_script(open_browser: Open, desk: Desk) -> None:
    await publish(desk)
    browser = await open_browser("agent")
    await browser.get("/intake")
    said = {"text": "我家门口井盖缺失，找谁报修", "category": "井盖缺失"}

    await browser.post("/intake", typed(browser, **said, do="lookup"))
    assert 'name="use" value="K1@1"' in browser.html
    await browser.post("/intake", typed(browser, **said, use="K1@1"))
    assert unescape(browser.html).count(COVER.answer) >= 2
    knowledge_used = re.search(r'name="knowledge" value="([^"]*)"', browser.html)
    assert knowledge_used
    await browser.post("/intake", typed(browser, **said, answer=COVER.answer, knowledge=knowledge_used[1]))

    assert browser.path.endswith("?done=answered")
    assert re.search(r"引用知识.*K1@1", browser.html, re.DOTALL)


async def test_knowledge_that_ended_meanwhile_is_not_filed_as_the_answer(
    open_browser: Open, desk: Desk, bring: Bring
) -> None:
    await publish(desk)
    browser = await open_browser("agent")
    await browser.get("/intake")
    ending = knowledge.Entry(code="K1", question="", answer="", department="", retired=True, reason="职责已调整")
    await knowledge.publish(desk, await knowledge.draft(desk, ending, ANALYST, based_on=1), SUPERVISOR)

    await browser.post("/intake", typed(browser, text="井盖", answer="旧答复", knowledge="K1@1"))

    assert browser.status == 422
    assert "已变更或失效" in browser.html
    assert "旧答复" in browser.html
    assert 'name="knowledge" value=""' in browser.html
    assert await desk.store.fetch("ticket_ids", after=0, most=9) == []
    await browser.post("/intake", typed(browser, text="井盖", use="K1@1"))
    assert "已变更或失效" in browser.html


async def test_the_answer_form_of_a_ticket_names_knowledge_too(open_browser: Open, desk: Desk, bring: Bring) -> None:
    await publish(desk)
    ticket = await bring()
    browser = await open_browser("agent")

    await browser.act(ticket, "answer", text="两小时内到场", knowledge="K1@7")
    assert browser.status == 422
    await browser.act(ticket, "answer", text="两小时内到场", knowledge="K1@1")

    assert browser.path.endswith("done=answer")


async def test_the_api_writes_reads_and_suggests(open_browser: Open, desk: Desk) -> None:
    writer, checker, agent = [await open_browser(name) for name in ("analyst", "supervisor", "agent")]
    tokens = {}
    for browser in (writer, checker, agent):
        async with browser.client.get("/api/v1/me") as answer:
            tokens[browser.client] = {"X-CSRF-Token": (await answer.json())["csrf"]}

    entry = {"question": "井盖缺失找谁", "answer": "城管", "department": "cgj", "reason": "群众常问", "code": "A1"}
    async with writer.client.post("/api/v1/knowledge/drafts", json=entry, headers=tokens[writer.client]) as answer:
        assert answer.status == 201
        id_ = (await answer.json())["id"]
    async with writer.client.post("/api/v1/knowledge/drafts", json={"x": 1}, headers=tokens[writer.client]) as answer:
        assert answer.status == 422
    async with checker.client.post(f"/api/v1/knowledge/drafts/{id_}/publish", headers=tokens[checker.client]) as answer:
        assert await answer.json() == {"version": 1}
    async with agent.client.get("/api/v1/knowledge/A1") as answer:
        assert (await answer.json())["ruling"] == 1
    said = {"text": "井盖缺失找谁报修啊"}
    async with agent.client.post("/api/v1/suggestions", json=said, headers=tokens[agent.client]) as answer:
        (one,) = (await answer.json())["knowledge"]
    assert (one["code"], one["version"], one["answer"]) == ("A1", 1, "城管")


async def test_many_entries_come_in_pages(open_browser: Open, desk: Desk) -> None:
    for number in range(knowledge.PAGE_MOST + 1):
        await publish(
            desk,
            knowledge.Entry(
                code=f"N{number:03}",
                question=f"问题{number}",
                answer="答",
                department="cgj",
                valid_until=desk.now() + timedelta(days=9),
                reason="群众常问",
            ),
        )
    browser = await open_browser("agent")

    await browser.get("/knowledge")
    more = re.search(r'rel="next" href="([^"]+)"', browser.html)
    assert more
    await browser.get(unescape(more[1]))

    assert "N050" in browser.html
    assert "N049" not in browser.html
