"""The page of many tickets without scripts, and its JSON."""

import re
from typing import Any

import pytest

from dispatch import actions as do
from hotline import tickets
from hotline.desk import Desk
from hotline.errors import NotInBulk
from hotline.web import words
from tests.web.conftest import DISPATCHER, Bring, Browser, CountingStore, Open

CANDIDATE = {"department": "cgj", "category": "010102", "probability": 0.5, "why": "catalogue", "basis": "三定规定"}


async def suggest(desk: Desk, ticket: int) -> None:
    before = (await desk.store.file(ticket)).matter.suggestion or {}
    async with desk.store.transaction() as transaction:
        kept = [{"id": ticket, "suggestion": {**before, "candidates": [CANDIDATE]}}]
        await transaction.execute("mark_judged", judged=kept)


def boxes(browser: Browser) -> list[str]:
    return re.findall(r'name="ticket" value="([^"]+)"', browser.html)


def hidden(browser: Browser) -> dict[str, str]:
    form = browser.html.partition('id="bulk"')[2]
    found = re.search(r'name="key" value="([^"]*)"', form)
    return {"csrf": browser.csrf, "key": found[1] if found else ""}


async def test_chosen_tickets_go_to_their_suggestions_and_each_says_what_became_of_it(
    open_browser: Open, bring: Bring, desk: Desk
) -> None:
    good, other = await bring(title="好的一张"), await bring(title="变化的一张")
    for ticket in (good, other):
        await suggest(desk, ticket)
    secret = await bring(title="保密的一张", confidential="true")
    browser = await open_browser("dispatcher")
    await browser.get("/queue")
    assert "/queue/bulk" in browser.html
    before = CountingStore.asked
    await browser.get("/queue/bulk")
    assert CountingStore.asked - before <= 12
    assert "保密事项，须逐张办理" in browser.html
    chosen = boxes(browser)
    assert len(chosen) == 2

    await tickets.act(desk, other, do.Supplement(text="再说"), DISPATCHER)
    sent = {**hidden(browser), "do": "each", "ticket": [*chosen, f"{secret}@1@"], "why": "批量派单"}
    await browser.post("/queue/bulk", sent)

    assert browser.status == 200
    assert "已派 1 张，未派 2 张" in browser.html
    assert "派给市城市管理局" in browser.html
    assert "您打开页面之后" in browser.html
    await browser.post("/queue/bulk", sent)  # the same page sent again
    assert "已派 1 张，未派 2 张" in browser.html
    assert (await desk.store.file(good)).ticket.version == 3


async def test_all_go_to_one_unit_by_its_name(open_browser: Open, bring: Bring, desk: Desk) -> None:
    tickets_ = [await bring() for _ in range(2)]
    browser = await open_browser("supervisor")
    await browser.get("/queue/bulk")
    sent = {**hidden(browser), "do": "together", "ticket": boxes(browser), "why": ""}

    await browser.post("/queue/bulk", {**sent, "lead": ""})
    assert browser.status == 422
    assert "主办单位：还没有填" in browser.html
    assert browser.html.count(" checked") >= 2
    await browser.post("/queue/bulk", {**sent, "lead": "水利局", "category": "井盖缺失"})

    leads = [(await desk.store.file(one)).ticket.lead for one in tickets_]
    assert [lead and lead.department for lead in leads] == ["slj", "slj"]


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"ticket": []}, "还没有填"),
        ({"ticket": ["7"]}, "没有这个选项"),
        ({"key": ""}, "页面已过期"),
    ],
)
async def test_what_cannot_be_taken_says_so(
    open_browser: Open, bring: Bring, changed: dict[str, Any], sentence: str
) -> None:
    await bring()
    browser = await open_browser("dispatcher")
    await browser.get("/queue/bulk")

    await browser.post("/queue/bulk", {**hidden(browser), "do": "each", "ticket": boxes(browser), **changed})

    assert browser.status == 422
    assert sentence in browser.html


@pytest.mark.parametrize("person", ["agent", "analyst", "water", "caller-back"])
async def test_only_those_who_dispatch_come_here(open_browser: Open, person: str) -> None:
    browser = await open_browser(person)

    await browser.get("/queue/bulk")

    assert browser.status == 403
    await browser.get("/queue")
    assert "/queue/bulk" not in browser.html


def test_every_reason_to_be_left_out_has_a_sentence() -> None:
    for reason, sentence in words.NOT_IN_BULK.items():
        assert sentence in words.explain(NotInBulk(7, reason))


async def test_the_api_dispatches_many(open_browser: Open, bring: Bring, desk: Desk) -> None:
    good, secret = await bring(), await bring(confidential="true")
    browser = await open_browser("dispatcher")
    await browser.get("/queue")
    body = {
        "key": "from-a-robot-1",
        "tickets": [{"id": str(good), "expected": 1}, {"id": str(secret), "expected": 1}],
        "lead": "cgj",
        "category": "010102",
    }
    token = {"X-CSRF-Token": browser.csrf}

    for _ in range(2):
        async with browser.client.post("/api/v1/tickets/bulk", json=body, headers=token) as answer:
            assert answer.status == 200
            first, second = (await answer.json())["results"]
        assert first == {"id": str(good), "done": True, "state": "handling", "version": 3, "lead": "cgj"}
        assert (second["done"], second["error"]["code"]) == (False, "not_in_bulk")
    for wrong in ({"key": "x"}, {"tickets": 7}, {"tickets": [{"id": "7"}]}, {"tickets": ["x"]}, {"strange": 1}):
        async with browser.client.post("/api/v1/tickets/bulk", json={**body, **wrong}, headers=token) as answer:
            assert answer.status == 422, wrong
