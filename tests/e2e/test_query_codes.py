"""An agent reads number and code out once, and the caller follows the matter on a telephone."""

from __future__ import annotations

from tests.e2e.conftest import House, Look
from tests.e2e.test_pages import overflow


async def test_a_caller_who_rang_follows_the_matter_by_what_was_read_out(house: House, faults: Look) -> None:
    agent = await house.sit("agent")
    await agent.go("/intake")
    await agent.page.locator('[name="phone"]').fill("13812345678")
    await agent.page.locator('[name="text"]').fill("客运站门口路灯不亮，晚上很黑。")
    await agent.page.keyboard.press("F9")
    await agent.page.wait_for_url("**/tickets/*")

    receipt = agent.page.locator(".receipt")
    number, code = "".join((await receipt.locator(".number").inner_text()).split()), await agent.text(".receipt .code")
    assert await faults(agent) == []
    assert await overflow(agent.page) == 0
    await agent.shot("code-read-out")
    await agent.page.reload()
    assert await receipt.count() == 0

    caller = await house.sit(size="phone")
    await caller.go("/matter/find")
    await caller.page.locator("#number").fill(number)
    await caller.page.locator("#code").fill(code.lower())
    await caller.page.get_by_role("button", name="查询").click()
    await caller.page.wait_for_url("**/matter/mine")
    assert "路灯不亮" in await caller.text()

    phone = await house.sit("dispatcher", size="phone", scheme="dark")
    await phone.go(f"/tickets/{number}")
    await phone.page.get_by_text("补发查询码").click()
    await phone.page.locator("#code-checked").select_option("facts")
    await phone.page.locator("#code-reason").fill("诉求人忘了查询码")
    assert await overflow(phone.page) == 0
    await phone.page.get_by_role("button", name="核实无误，补发").click()
    await phone.page.locator(".receipt .code").wait_for()
    assert await faults(phone) == []
    await phone.shot("code-phone-dark")
    assert await phone.text(".receipt .code") != code
    phone.check_console()
    agent.check_console()
