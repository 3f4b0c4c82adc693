"""The agent's page by keyboard: a call comes by itself, the form is kept, and a crash loses nothing."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence

from hotline import calls
from hotline.predictor import Judgement, Predictor
from tests.city import AGENT
from tests.e2e.conftest import House, Look
from tests.e2e.test_pages import bring, overflow

PHONE = "13812345678"


async def ring(house: House, call: str = "c1", phone: str = PHONE) -> None:
    await calls.tell(house.desk, calls.Told(call=call, event="ringing", at=house.clock.now, phone=phone))


async def test_a_call_comes_by_itself_within_a_second_and_is_taken_by_one_key(house: House, faults: Look) -> None:
    await bring(house, 3)
    await bring(house, confidential="true", title="举报某科长")
    agent = await house.sit("agent")
    await agent.go("/intake")
    await agent.page.wait_for_timeout(500)  # the line to the server is open

    await ring(house)
    await agent.page.locator(".call.rings").wait_for(timeout=1000)
    await agent.page.keyboard.press("F2")
    await agent.page.wait_for_url("**/intake?call=c1")

    assert await agent.page.locator('[name="phone"]').input_value() == PHONE
    earlier = await agent.text("#earlier-list")
    assert "保密工单" in earlier
    assert "举报某科长" not in earlier
    assert await faults(agent) == []
    await agent.shot("seat-call")
    agent.check_console()


async def test_a_ticket_is_written_and_saved_by_keyboard_alone(house: House) -> None:
    await ring(house)
    agent = await house.sit("agent")
    await agent.go("/intake")
    keys = agent.page.keyboard
    await keys.press("F2")
    await agent.page.wait_for_url("**/intake?call=c1")
    house.clock.forward(seconds=75)

    await agent.page.locator('[name="text"]').focus()
    await keys.type("客运站门口路灯不亮，晚上很黑。")
    for _ in range(3):
        await keys.press("Tab")
    await keys.press("Control+Enter")
    await agent.page.wait_for_url("**/tickets/*")

    assert "用时 1 分 15 秒" in await agent.text(".flash")
    agent.check_console()


async def test_after_an_error_the_agent_types_on_in_the_field_that_is_wrong(house: House, faults: Look) -> None:
    await ring(house)
    agent = await house.sit("agent")
    await agent.go("/intake")
    assert await agent.page.evaluate("document.activeElement.name") == "phone"
    await agent.page.keyboard.press("F2")
    await agent.page.wait_for_url("**/intake?call=c1")
    assert await agent.page.evaluate("document.activeElement.name") == "text"

    await agent.page.locator('[name="text"]').fill("路灯不亮")
    await agent.page.locator('[name="category"]').fill("没有这一类")
    await agent.page.keyboard.press("F9")
    await agent.page.locator(".field.wrong").wait_for()

    assert await agent.page.evaluate("document.activeElement.name") == "category"
    assert await faults(agent) == []
    await agent.shot("seat-wrong")


async def test_what_was_typed_survives_a_crash_and_a_colleague_takes_over(house: House) -> None:
    await ring(house)
    agent = await house.sit("agent")
    await agent.go("/intake")
    await agent.page.keyboard.press("F2")
    await agent.page.wait_for_url("**/intake?call=c1")
    await agent.page.locator('[name="text"]').fill("正说到一半的诉求")
    await agent.page.locator("#kept:not(:empty)").wait_for()

    await agent.page.goto("about:blank")  # the browser crashes: nothing is sent any more
    house.clock.now += calls.SILENT_AFTER + calls.SILENT_AFTER
    colleague = await house.sit("agent2")
    await colleague.go("/intake")
    assert "林晓的页面没有响应" in await colleague.text("#calls")
    await colleague.shot("seat-silent")
    await colleague.page.keyboard.press("F2")
    await colleague.page.wait_for_url("**/intake?call=c1")

    assert await colleague.page.locator('[name="text"]').input_value() == "正说到一半的诉求"
    await agent.go("/intake?call=c1")
    assert "何静已接手" in await agent.text("main")


async def test_an_agent_who_was_relieved_is_told_while_typing(house: House) -> None:
    await ring(house)
    agent = await house.sit("agent")
    await agent.go("/intake")
    await agent.page.keyboard.press("F2")
    await agent.page.wait_for_url("**/intake?call=c1")
    house.clock.now += calls.SILENT_AFTER + calls.SILENT_AFTER
    colleague = await house.sit("agent2")
    await colleague.go("/intake")
    await colleague.page.keyboard.press("F2")
    await colleague.page.wait_for_url("**/intake?call=c1")

    await agent.page.locator('[name="text"]').fill("还在写")
    await agent.page.locator("#kept.alert").wait_for()

    assert "何静已接手" in await agent.text("#kept")


async def test_words_of_danger_raise_a_bar_that_hands_over(house: House, faults: Look) -> None:
    agent = await house.sit("agent")
    await agent.go("/intake")

    await agent.page.locator('[name="text"]').fill("他站在楼顶说要跳楼，已经有人围观")
    await agent.page.locator(".risk").wait_for()
    await agent.shot("seat-risk")
    assert await faults(agent) == []
    assert await overflow(agent.page) == 0
    await agent.page.get_by_role("button", name=re.compile("转 110")).click()
    await agent.page.wait_for_url("**/tickets/*")

    assert "转其他热线" in await agent.text(".ticket-head")


async def test_a_direct_answer_takes_two_keys(house: House) -> None:
    first = await house.sit("agent")
    for index in range(2):
        await first.go("/intake")
        await first.page.locator('[name="text"]').fill("出租车多收钱找谁投诉？")
        await first.page.locator('[name="category"]').fill("出租汽车服务")
        await first.page.locator("#advice-list .known" if index else "#advice-list").wait_for()
        if index:
            await first.page.keyboard.press("F4")
            assert await first.page.locator('[name="answer"]').input_value() == "请保留发票，拨打运管电话。"
        else:
            await first.page.keyboard.press("F4")
            await first.page.keyboard.type("请保留发票，拨打运管电话。")
        await first.page.keyboard.press("Control+Enter")
        await first.page.wait_for_url("**/tickets/*")
        assert "已登记并当场答复" in await first.text(".flash")
    await asyncio.sleep(0)
    first.check_console()


class Sure(Predictor):
    """A predictor that takes every matter for one about taxis."""

    async def judge(self, texts: Sequence[str]) -> list[Judgement | None]:
        categories = (("050401", 0.93), ("050402", 0.04))
        levels = (("05", 0.99), ("0504", 0.97), categories[0])
        types = (("complaint", 0.91), ("help", 0.05))
        one = Judgement(categories, "complaint", "urgent", (), ("打表",), "sure-1", levels, types)
        return [one for _ in texts]


async def test_the_form_fills_itself_and_leaves_alone_what_the_agent_touched(house: House, faults: Look) -> None:
    house.desk.predictor = Sure()
    agent = await house.sit("agent")
    await agent.go("/intake")
    page = agent.page
    await page.locator('label:has([name="urgency"][value="normal"])').click()

    await page.locator('[name="text"]').fill("学府街道客运站的出租车不打表，要求查处")
    await page.locator(".likely").wait_for()

    assert await page.locator('[name="type"][value="complaint"]').is_checked()
    assert await page.locator('[name="urgency"][value="normal"]').is_checked()  # touched
    assert (await page.locator('[name="category"]').input_value()).endswith("出租汽车服务")
    assert await page.locator('[name="area"]').input_value() != ""
    assert "市交通运输局" in await agent.text(".likely")
    await agent.shot("seat-advice")
    assert await faults(agent) == []
    agent.check_console()


async def test_a_caller_joins_a_similar_matter_by_one_key(house: House) -> None:
    house.desk.predictor = Sure()
    (ticket,) = await bring(house, text="客运站出租车不打表、乱要价，要求查处", title="")
    await ring(house, phone="13900005678")
    agent = await house.sit("agent")
    await agent.go("/intake")
    await agent.page.keyboard.press("F2")
    await agent.page.wait_for_url("**/intake?call=c1")

    await agent.page.locator('[name="text"]').fill("客运站的出租车不打表，乱要价")
    await agent.page.locator('button[name="join"]').first.wait_for()
    await agent.shot("seat-similar")
    await agent.page.keyboard.press("F8")
    await agent.page.wait_for_url(f"**/tickets/{ticket}?done=caller*")

    assert len((await house.desk.store.file(ticket)).ticket.callers) == 2
    assert await calls.at_hand(house.desk, AGENT) == []
    agent.check_console()
