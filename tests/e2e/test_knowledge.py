"""Knowledge in a real browser: two keys at the agent's seat, and its pages at every size."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dispatch.model import Actor, Role
from hotline import knowledge
from tests.e2e.conftest import House, Look, Scheme
from tests.e2e.test_pages import overflow

ANALYST = Actor("analyst", Role.ANALYST, "hotline")
SUPERVISOR = Actor("supervisor", Role.SUPERVISOR, "hotline")


async def fill(house: House) -> None:
    """Publish the demonstration's entries."""
    found = await knowledge.compare(house.desk, knowledge.demonstration(), reason="演示城市的知识库")
    assert [one.problem for one in found if one.problem] == []
    drafted = await knowledge.take_in(house.desk, found, ANALYST)
    await knowledge.publish_some(house.desk, drafted, SUPERVISOR)


async def test_an_answer_of_the_knowledge_takes_two_keys(house: House, faults: Look) -> None:
    await fill(house)
    agent = await house.sit("agent")
    await agent.go("/intake")
    page = agent.page

    await page.locator('[name="text"]').fill("我的身份证丢了，想问问怎么补办，要不要回户籍地？")
    await page.locator("#advice-list .use-answer").first.wait_for()
    await agent.shot("seat-knowledge")
    await page.keyboard.press("F4")

    assert (await page.locator('[name="answer"]').input_value()).startswith("请本人带户口簿")
    assert "引用知识 K0001@1" in await agent.text("#answer-from")
    assert await faults(agent) == []
    assert await overflow(page) == 0
    await page.keyboard.press("F9")
    await page.wait_for_url("**/tickets/*")
    assert "已登记并当场答复" in await agent.text(".flash")
    assert "K0001@1" in await agent.text(".rest")
    agent.check_console()


async def test_the_same_key_again_offers_the_next_answer_until_one_is_changed(house: House) -> None:
    await fill(house)
    agent = await house.sit("agent")
    await agent.go("/intake")
    page, answer = agent.page, agent.page.locator('[name="answer"]')
    await page.locator('[name="text"]').fill("身份证丢了怎么补办，居住证怎么办")
    await page.locator("#advice-list .use-answer").nth(1).wait_for()

    await page.keyboard.press("F4")
    first = await answer.input_value()
    await page.keyboard.press("F4")
    second = await answer.input_value()
    await answer.press_sequentially("请带好证件。")
    await page.keyboard.press("F4")

    assert first != second
    assert await answer.input_value() == f"{second}请带好证件。"
    await answer.fill("")
    assert not await page.locator("#answer-from").is_visible()
    assert await page.locator("#intake-knowledge").input_value() == ""


@pytest.mark.parametrize(
    ("size", "scheme"), [("desk", "light"), ("desk", "dark"), ("phone", "light"), ("phone", "dark")]
)
async def test_the_pages_of_knowledge_are_sound_at_every_size(
    house: House, faults: Look, size: str, scheme: Scheme
) -> None:
    await fill(house)
    (row,) = await knowledge.search(house.desk, "K0018", SUPERVISOR)
    changed = knowledge.Entry(
        **{name: row[name] for name in ("code", "question", "category", "department", "basis")},
        answer=row["answer"] * 2,
        reason="按新的规定修改",
    )
    id_ = await knowledge.draft(house.desk, changed, ANALYST, based_on=1)
    await knowledge.publish(house.desk, id_, SUPERVISOR)
    id_ = await knowledge.draft(house.desk, replace(changed, answer="另定"), ANALYST, based_on=2)
    keeper = await house.sit("supervisor", size=size, scheme=scheme)

    for name, path in {
        "list": "/knowledge?q=身份证",
        "all": "/knowledge?all=1",
        "entry": "/knowledge/K0018",
        "form": "/knowledge/K0018/change",
        "drafts": "/knowledge/drafts",
        "draft": f"/knowledge/drafts/{id_}",
    }.items():
        assert await keeper.go(path) == 200
        await keeper.shot(f"knowledge-{name}-{size}-{scheme}", whole=name != "all")
        assert await overflow(keeper.page) == 0, path
        assert await faults(keeper) == [], path
    keeper.check_console()
