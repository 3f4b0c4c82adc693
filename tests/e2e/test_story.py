"""One complaint from the call to the archive, every role at its own screen, agent and interviewer by keyboard."""

from __future__ import annotations

from typing import Any

import pytest

from hotline import calls, citizens, tickets
from tests.e2e.conftest import House, Seat

REPLY = {
    "received": "您反映学府路口路面塌陷的问题已收悉。",
    "findings": "经现场核查，塌陷属实，系地下管道渗漏所致。",
    "handling": "已修复管道，塌陷路面已回填压实。",
    "follows": "如有疑问请致电 0596-2000000。",
    "genuine": "true",
    "solved": "true",
}


async def done(seat: Seat, ticket: str, action: str, **values: Any) -> None:
    """Do an action by its form and see that it was done."""
    await seat.act(ticket, action, **values)
    await seat.page.wait_for_url(f"**/tickets/{ticket}?done={action}*")
    await seat.shot(f"story-{action}")


async def seats(house: House, *people: str) -> dict[str, Seat]:
    return {who: await house.sit(who) for who in people}


@pytest.mark.timeout(400)
async def test_a_complaint_from_the_call_to_the_archive(house: House) -> None:  # noqa: PLR0915 - one story, told in order
    at = await seats(house, "agent", "dispatcher", "water", "roads", "county", "town", "supervisor")

    # 受理: the telephone rings, the agent takes the call, types and saves without a mouse.
    agent = at["agent"]
    await agent.go("/intake")
    await calls.tell(house.desk, calls.Told(call="s1", event="ringing", at=house.clock.now, phone="13812345678"))
    await agent.page.locator(".call.rings").wait_for()
    await agent.page.keyboard.press("F2")
    await agent.page.wait_for_url("**/intake?call=s1")
    await agent.page.keyboard.type("学府路口路面塌陷，电动车差点掉下去，请尽快修复。")
    await agent.shot("story-intake")
    await agent.page.keyboard.press("F9")
    await agent.page.wait_for_url("**/tickets/*?done=opened*")
    ticket = agent.page.url.partition("/tickets/")[2][:18]

    # 转办: sent wrongly first, returned with approval; 研判: designated, with a co-handler.
    dispatcher = at["dispatcher"]
    await dispatcher.go("/queue")
    await dispatcher.page.locator(f'.board a[href="/tickets/{ticket}"]').click()
    await done(dispatcher, ticket, "dispatch", category="道路设施", lead="市水务集团", why="疑似水管")
    house.clock.forward(hours=1)
    returned = {"reason_code": "wrong_duty", "reason": "不是供水管道", "basis": "三定规定", "suggested": "市交通运输局"}
    await done(at["water"], ticket, "ask_return", **returned)
    await dispatcher.go("/queue?state=requests")
    await dispatcher.shot("story-requests")
    await done(dispatcher, ticket, "decide", approve="true", answer="同意")
    await done(dispatcher, ticket, "analyse", why="道路权属不清")
    await done(dispatcher, ticket, "designate", lead="市交通运输局", co="城东区人民政府", basis="联席研判")

    # 办结: sign, contact, send on, extend; the lead replies only when everybody has, and confirms what is doubted.
    roads, county, town = at["roads"], at["county"], at["town"]
    await roads.go("/department")
    await roads.page.locator(f'.board a[href="/tickets/{ticket}"]').click()
    await done(roads, ticket, "accept")
    await done(roads, ticket, "contact", how="10:20 致电本人手机，本人接听")
    await done(county, ticket, "accept")
    await done(county, ticket, "sub_dispatch", departments="q0103", note="现场围挡")
    await done(roads, ticket, "ask_extension", working_days="5", reason="需要采购管材")
    await done(dispatcher, ticket, "decide", approve="true", answer="同意")
    await roads.go(f"/tickets/{ticket}")
    assert await roads.page.locator('form.act > input[value="reply"]').count() == 0  # the gate
    for helper in (town, county):
        if helper is town:
            await done(town, ticket, "accept")
        await done(helper, ticket, "reply", **REPLY)

    # A second caller rings about the same hole: one job, two call-backs.
    await agent.go(f"/tickets/{ticket}")
    await agent.page.locator(".unmask:has(#add-phone) summary").click()
    await agent.page.locator("#add-phone").fill("13900000001")
    await agent.page.locator(".unmask:has(#add-phone) button").click()
    await agent.page.wait_for_url("**?done=caller*")

    # 督办: overdue, ordered, answered.
    for seat in at.values():
        seat.check_console()
    house.clock.forward(days=40)  # beyond every session: whoever goes on logs in again
    while await tickets.look(house.desk):
        pass
    at = await seats(house, "roads", "supervisor", "interviewer")
    roads, supervisor, interviewer = at["roads"], at["supervisor"], at["interviewer"]
    await supervisor.go(f"/tickets/{ticket}")
    assert "已超" in await supervisor.text(".ticket-head")
    await done(supervisor, ticket, "supervise", rung="summoned", demand="到热线中心说明")
    await done(roads, ticket, "answer_order", answer="管材已到，今日完工")
    await roads.act(ticket, "reply", **{**REPLY, "follows": "剩余标线将于2027年3月1日前完成。"})
    await roads.page.locator(".doubts").wait_for()
    await roads.shot("story-doubts")
    assert "409" in roads.said.pop()  # the browser notes the refusal
    await roads.page.locator('.doubts input[value="promise"]').check()
    await roads.page.locator("form.act:has(.doubts) > button:not([name])").click()
    await roads.page.wait_for_url(f"**/tickets/{ticket}?done=reply")

    # Review and follow-up by keyboard: not satisfied, done again, and then both callers are.
    await done(interviewer, ticket, "pass_review")
    await interviewer.go(f"/follow-up/{ticket}#visit-1")
    await interviewer.page.keyboard.press("F8")
    await interviewer.page.wait_for_url("**/follow-up?done=visit")
    await done(roads, ticket, "contact", how="现场见面")
    await done(roads, ticket, "reply", **REPLY)
    await done(interviewer, ticket, "pass_review")
    for caller in (1, 2):
        await interviewer.go(f"/follow-up/{ticket}#visit-{caller}")
        form = interviewer.page.locator(f"#visit-{caller} form")
        for name, value in (("contact", "reached"), ("contacted", "true"), ("solved", "true")):
            await form.locator(f'label:has(> [name="{name}"][value="{value}"])').click()
        await form.locator('[name="result"]').select_option("good")
        await interviewer.page.keyboard.press("F9")
        await interviewer.page.wait_for_url("**/follow-up?done=visit")

    # The archive, and the caller's own rating.
    await supervisor.go(f"/tickets/{ticket}")
    assert "已办结 · 实际解决" in await supervisor.text(".ticket-head")
    await supervisor.shot("story-archive", whole=True)
    citizen = await house.sit(size="phone")
    await citizen.go("/matter/find")
    await citizen.page.locator("#number").fill(ticket)
    await citizen.page.locator("#code").fill(citizens.code_of(house.desk, int(ticket)))
    await citizen.page.get_by_role("button", name="查询").click()
    await citizen.page.wait_for_url("**/matter/mine")
    assert "塌陷路面已回填压实" in await citizen.text()
    await citizen.page.locator('label:has(input[value="very_good"])').click()
    await citizen.page.get_by_role("button", name="评价").click()
    await citizen.page.wait_for_url("**/matter/mine?done=thanks")
    for seat in (roads, supervisor, interviewer, citizen):
        seat.check_console()
