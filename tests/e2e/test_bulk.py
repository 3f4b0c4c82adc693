"""Many tickets chosen by keyboard and dispatched by one act, in a real browser."""

from __future__ import annotations

from dispatch.model import TicketState
from tests.e2e.conftest import House, Look
from tests.e2e.test_pages import bring, overflow

CANDIDATE = {"department": "jtj", "category": "050401", "probability": 0.5, "why": "catalogue", "basis": "客运管理条例"}


async def suggest(house: House, tickets: list[int]) -> None:
    async with house.desk.store.transaction() as transaction:
        kept = [{"id": one, "suggestion": {"candidates": [CANDIDATE]}} for one in tickets]
        await transaction.execute("mark_judged", judged=kept)


async def test_a_dispatcher_chooses_by_keyboard_and_sends_all_at_once(house: House, faults: Look) -> None:
    tickets = await bring(house, 5, category="")
    await suggest(house, tickets)
    await bring(house, confidential="true", category="", title="保密的一张")
    seat = await house.sit("dispatcher")
    await seat.go("/queue")
    await seat.page.get_by_role("link", name="批量派单").click()
    await seat.page.wait_for_url("**/queue/bulk")
    keys, boxes = seat.page.keyboard, seat.page.locator('input[name="ticket"]')
    assert await boxes.count() == 5

    await boxes.first.focus()
    await keys.press("Space")
    for _ in range(2):
        await keys.press("Shift+ArrowDown")
    await keys.press("ArrowDown")
    assert "已选 3 张" in await seat.text("#bulk-count")
    assert await faults(seat) == []
    assert await overflow(seat.page) == 0
    await seat.shot("bulk-choose")
    await seat.page.get_by_role("button", name="按各自的首选建议派出").click()
    await seat.page.locator(".entries").wait_for()

    assert "已派 3 张，未派 0 张" in await seat.text("main")
    assert await faults(seat) == []
    await seat.shot("bulk-done")
    states = [(await house.desk.store.file(one)).ticket.state for one in tickets]
    assert states == [TicketState.HANDLING] * 3 + [TicketState.RECEIVED] * 2
    seat.check_console()


async def test_the_page_of_many_is_sound_on_a_telephone_in_the_dark_and_without_scripts(
    house: House, faults: Look
) -> None:
    await suggest(house, await bring(house, 3, category=""))
    phone = await house.sit("dispatcher", size="phone", scheme="dark")
    await phone.go("/queue/bulk")
    assert await faults(phone) == []
    assert await overflow(phone.page) == 0
    await phone.shot("bulk-phone-dark", whole=True)
    plain = await house.sit("dispatcher", script=False)
    await plain.go("/queue/bulk")
    assert await plain.page.locator("[hidden]:visible").count() == 0

    await plain.page.locator('input[name="ticket"]').first.check()
    await plain.page.locator("details:has(#bulk-lead) > summary").click()
    await plain.page.locator("#bulk-lead").fill("市城市管理局")
    await plain.page.locator("#bulk-category").fill("050401")
    await plain.page.get_by_role("button", name="派给此单位").click()

    assert "派给市城市管理局" in await plain.text("main")
