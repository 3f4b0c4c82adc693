"""The callers' pages over HTTP: forms carry a token, addresses nothing, and nobody learns of other matters."""

import re

import pytest

from dispatch import actions as do
from hotline import citizens, tickets
from hotline.desk import Desk
from hotline.web.frame import GUEST_COOKIE
from tests.web.conftest import DISPATCHER, Bring, Browser, CountingStore, Open


async def enter(browser: Browser, desk: Desk, ticket: int) -> None:
    await browser.get("/matter/find")
    given = {"csrf": browser.csrf, "number": str(ticket), "code": citizens.code_of(desk, ticket)}
    await browser.post("/matter/find", given)


@pytest.mark.parametrize("path", ["/matter/new", "/matter/find", "/matter/mine", "/matter/leave"])
async def test_a_form_without_the_token_of_our_own_page_is_refused(open_browser: Open, path: str) -> None:
    browser = await open_browser("")
    await browser.get("/matter/new")

    for token in ("", "x" * 64):
        await browser.post(path, {"csrf": token, "text": "路灯不亮", "number": "1", "code": "x"})
        assert browser.status == 403


async def test_a_token_is_of_one_browser_only(open_browser: Open) -> None:
    one, other = await open_browser(""), await open_browser("")
    await one.get("/matter/find")
    await other.get("/matter/find")

    assert one.csrf != other.csrf
    await other.post("/matter/find", {"csrf": one.csrf, "number": "1", "code": "x"})
    assert other.status == 403


async def test_the_cookies_are_out_of_reach_of_scripts_and_other_sites(
    open_browser: Open, bring: Bring, desk: Desk
) -> None:
    browser, ticket = await open_browser(""), await bring()
    await browser.get("/matter/find")
    assert "HttpOnly" in browser.headers["Set-Cookie"]
    assert GUEST_COOKIE in browser.headers["Set-Cookie"]

    given = {"csrf": browser.csrf, "number": str(ticket), "code": citizens.code_of(desk, ticket)}
    await browser.post("/matter/find", given, follow=False)

    assert {"HttpOnly", "SameSite=Strict", "Path=/matter"} <= set(re.split(r";\s*", browser.headers["Set-Cookie"]))
    assert str(ticket) not in browser.headers["Location"]
    assert str(ticket) not in browser.headers["Set-Cookie"]


async def test_without_a_pass_there_is_no_matter_and_no_picture(open_browser: Open) -> None:
    browser = await open_browser("")

    for path in ("/matter/mine", "/matter/pictures/1"):
        await browser.get(path)
        assert browser.path == "/matter/find"


async def test_a_caller_sees_no_person_no_phone_and_no_inner_word(open_browser: Open, bring: Bring, desk: Desk) -> None:
    ticket = await bring(category="010102")
    await tickets.act(desk, ticket, do.Urge(assignment=1, note="领导批示尽快"), DISPATCHER)
    browser = await open_browser("")

    await enter(browser, desk, ticket)

    assert "井盖缺失" in browser.html
    assert "市城市管理局" in browser.html
    for secret in ("王小明", "王*", "1380000", "领导批示", "dispatcher", "派单员"):
        assert secret not in browser.html


async def test_a_pass_opens_nothing_of_the_offices_pages(open_browser: Open, bring: Bring, desk: Desk) -> None:
    browser, ticket = await open_browser(""), await bring()
    await enter(browser, desk, ticket)

    for path in (f"/tickets/{ticket}", "/queue", "/search?q=井盖", f"/tickets/{ticket}/pictures/1"):
        await browser.get(path)
        assert browser.path.startswith("/login")


async def test_a_matter_sent_twice_is_one_and_shows_the_same_code(open_browser: Open, desk: Desk) -> None:
    browser = await open_browser("")
    await browser.get("/matter/new")
    given = {"csrf": browser.csrf, "outside_id": "web-abc", "type": "help", "text": "路灯不亮", "wants_visit": "on"}

    await browser.post("/matter/new", given)
    first = re.findall(r"<dd[^>]*>(.*?)</dd>", browser.html)
    await browser.post("/matter/new", given)

    assert re.findall(r"<dd[^>]*>(.*?)</dd>", browser.html) == first
    assert len(first) == 2


async def test_what_cannot_be_taken_is_said_and_nothing_typed_is_lost(open_browser: Open) -> None:
    browser = await open_browser("")
    await browser.get("/matter/new")

    await browser.post(
        "/matter/new", {"csrf": browser.csrf, "outside_id": "web-1", "type": "help", "text": "灯坏了", "phone": "12"}
    )

    assert browser.status == 422
    assert "不是有效的电话号码" in browser.html
    assert "灯坏了" in browser.html


async def test_no_page_of_the_callers_asks_the_database_more_than_it_must(
    open_browser: Open, bring: Bring, desk: Desk
) -> None:
    browser, ticket = await open_browser(""), await bring(category="010102")
    await enter(browser, desk, ticket)

    for path in ("/matter", "/matter/new", "/matter/find", "/matter/mine"):
        CountingStore.asked = 0
        await browser.get(path)
        assert browser.status == 200
        assert CountingStore.asked <= 6, path
