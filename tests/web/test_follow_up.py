"""The dialling queue and the page of a call back: fair times, attempts that count, and redo by one button."""

from datetime import datetime, timedelta

import pytest

from dispatch import actions as do
from dispatch.model import Actor, Role, TicketState
from dispatch.worktime import ZONE
from hotline import tickets
from hotline.desk import Desk
from tests.web.conftest import Bring, Open
from tests.web.test_replies import REPLY as _REPLY

CITY = Actor("city", Role.HANDLER, "cgj")
BACK = Actor("caller-back", Role.FOLLOW_UP, "hotline")
MORNING = datetime(2026, 11, 23, 10, 0, tzinfo=ZONE)


@pytest.fixture
async def answered(desk: Desk, bring: Bring) -> int:
    """Bring one matter to where its caller is called back, on a Monday at ten."""
    desk.clock = lambda: MORNING
    ticket = await bring(category="010102")
    reply = {**_REPLY, "received": "井盖缺失", "handling": "已更换井盖", "genuine": True, "solved": True}
    for action in (do.Accept(assignment=1), do.Reach(assignment=1, how="本人接听"), do.Reply(assignment=1, **reply)):  # type: ignore[arg-type]  # values of many types
        await tickets.act(desk, ticket, action, CITY)
    await tickets.act(desk, ticket, do.PassReview(), BACK)
    return ticket


async def test_no_answer_is_one_button_and_the_caller_waits_for_another_half_of_a_day(
    open_browser: Open, answered: int, desk: Desk
) -> None:
    browser = await open_browser("caller-back")
    await browser.get("/follow-up")
    assert "现在可拨" in browser.html

    await browser.get(f"/follow-up/{answered}")
    await browser.post(f"/tickets/{answered}/act", {**browser.form("visit"), "contact": "", "do": "no_answer"})

    assert browser.path == "/follow-up?done=visit"
    assert "11-23 14:30" in browser.html
    assert "1 次" in browser.html
    assert "现在没有可以拨打的" in browser.html
    await browser.get(f"/follow-up/{answered}")
    await browser.post(f"/tickets/{answered}/act", {**browser.form("visit"), "do": "no_answer"})
    assert browser.status == 409
    assert "不能再计一次（可拨时间 2026-11-23 14:30）" in browser.html
    desk.clock = lambda: MORNING + timedelta(hours=5)
    await browser.post(f"/tickets/{answered}/act", {**browser.form("visit"), "do": "no_answer"})
    assert browser.path == "/follow-up?done=visit"


async def test_whoever_answers_is_asked_at_any_time(open_browser: Open, answered: int) -> None:
    browser = await open_browser("caller-back")
    await browser.act(answered, "visit", contact="no_answer")

    await browser.act(answered, "visit", contact="reached", solved="true", result="good")

    assert browser.path.endswith("?done=visit"), browser.html


async def test_redo_is_one_button(open_browser: Open, answered: int, desk: Desk) -> None:
    browser = await open_browser("caller-back")
    await browser.get(f"/follow-up/{answered}")

    await browser.post(f"/tickets/{answered}/act", {**browser.form("visit"), "do": "redo", "note": "井盖又丢了"})

    file = await desk.store.file(answered)
    assert (file.ticket.state, file.ticket.cycle) == (TicketState.HANDLING, 1)


async def test_the_number_to_dial_is_one_button_and_leaves_its_trace(
    open_browser: Open, answered: int, desk: Desk
) -> None:
    browser = await open_browser("caller-back")
    await browser.get(f"/follow-up/{answered}")
    assert "13800001234" not in browser.html

    given = {"csrf": browser.csrf, "caller": "1", "back": "/follow-up", "reason": "回访核实"}
    await browser.post(f"/tickets/{answered}/unmask", given)

    assert "13800001234" in browser.html
    (row,) = await desk.store.fetch("audit_of_ticket", ticket_id=answered)
    assert (row["person"], row["reason"]) == ("caller-back", "回访核实")
