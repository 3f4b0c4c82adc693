"""Calling back by keyboard."""

from __future__ import annotations

from dispatch.model import TicketState
from tests.e2e.conftest import House, Look
from tests.e2e.test_pages import in_follow_up, overflow


async def test_a_caller_is_called_back_by_keyboard(house: House, faults: Look) -> None:
    first, second = await in_follow_up(house), await in_follow_up(house)
    seat = await house.sit("interviewer")
    await seat.go("/follow-up")
    await seat.page.locator(f'a[href^="/follow-up/{first}"]').click()
    await seat.page.wait_for_url(f"**/follow-up/{first}*")
    await seat.shot("follow-up-page")

    await seat.page.keyboard.press("F2")
    await seat.page.wait_for_url("**/follow-up?done=visit")
    assert "时间未到" in await seat.text()
    await seat.shot("follow-up-queue")
    assert await faults(seat) == []
    assert await overflow(seat.page) == 0
    await seat.page.locator(f'a[href^="/follow-up/{second}"]').click()
    await seat.page.wait_for_url(f"**/follow-up/{second}*")
    await seat.page.keyboard.press("F8")
    await seat.page.wait_for_url("**/follow-up?done=visit")

    assert (await house.desk.store.file(second)).ticket.state is TicketState.HANDLING
    seat.check_console()
