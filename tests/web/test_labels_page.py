"""The analyst's page of labels: one click sets one, and what the nights taught stands below."""

from hotline.desk import Desk
from tests.web.conftest import Bring, Open

TOLD = {"newest": 12, "needed": 100, "drift": {"classes": {"moved": [{"class": "01", "before": 0.2, "now": 0.5}]}}}


async def test_one_click_labels_a_ticket_and_the_last_nights_are_told(
    open_browser: Open, bring: Bring, desk: Desk
) -> None:
    ticket = await bring()
    guesses = [["010101", 0.4], ["010103", 0.3], ["000000", 0.2]]  # the last is none of the city's kinds
    asked = [{"key": str(ticket), "reason": "disagreement", "worth": 1.2, "guesses": guesses}]
    await desk.store.execute("ask_labels", asked=asked, at=desk.now())
    night = {"champion": "m1", "challenger": "", "verdict": "too_few", "activated": False, "facts": TOLD}
    await desk.store.execute("record_lesson", at=desk.now(), **night)
    browser = await open_browser("analyst")

    await browser.get("/labels")
    assert "新旧模型意见不一" in browser.html
    assert "没有训练新模型：最近几周可用来比较的办结工单只有 12 件，至少需要 100 件。" in browser.html
    assert "20% → 50%" in browser.html
    assert [value in browser.html for value in ('value="010103"', 'value="000000"')] == [True, False]
    await browser.post("/labels", {"csrf": browser.csrf, "ticket": str(ticket), "guess": "010103"})

    assert "标注已保存" in browser.html
    assert "现在没有需要标注的工单" in browser.html
    (row,) = [row for row in await desk.store.fetch("learned_tickets", most=9) if row["labelled"]]
    assert (row["id"], row["category"]) == (int(ticket), "010103")
