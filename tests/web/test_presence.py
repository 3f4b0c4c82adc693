"""The piece of a ticket's page that says who else is there."""

from tests.web.conftest import Bring, Browser, Open


async def come(browser: Browser, ticket: int, **more: str) -> str:
    return await browser.post(f"/tickets/{ticket}/presence", {"csrf": browser.csrf, "tab": "abcdef1234", **more})


async def test_colleagues_are_named_and_others_are_not(open_browser: Open, bring: Bring) -> None:
    ticket = await bring(category="010102")
    city, head, dispatcher = [await open_browser(name) for name in ("city", "head", "dispatcher")]
    for browser in (city, head, dispatcher):
        await browser.get(f"/tickets/{ticket}")
        assert 'id="presence"' in browser.html
    token = {browser.client: browser.csrf for browser in (city, head, dispatcher)}

    async def said(browser: Browser, **more: str) -> str:
        return await browser.post(
            f"/tickets/{ticket}/presence", {"csrf": token[browser.client], "tab": "abcdef1234", **more}
        )

    await said(city, writing="on")
    assert "正在填写" in await said(head)
    assert "city员（" in head.html
    assert "先提交的生效" in head.html
    assert "city员（市城市管理局" in await said(dispatcher)
    page = await said(city)
    assert "head员（" in page
    assert "dispatcher" not in page
    await said(dispatcher, writing="on")
    page = await said(city)
    assert "热线工作人员正在填写" in page
    assert "dispatcher" not in page
    await said(dispatcher, gone="on")
    assert dispatcher.status == 204
    assert "热线" not in await said(city)


async def test_others_are_answered_as_if_there_were_no_ticket(open_browser: Open, bring: Bring) -> None:
    ticket = await bring(category="010102")
    water = await open_browser("water")
    await water.get("/department")
    token = water.csrf

    for number in (ticket, 999999999999999999):
        await water.post(f"/tickets/{number}/presence", {"csrf": token, "tab": "abcdef1234"})
        assert water.status == 404
    await water.post(f"/tickets/{ticket}/presence", {"tab": "abcdef1234"})
    assert water.status == 403
