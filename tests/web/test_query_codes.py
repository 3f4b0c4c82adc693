"""The query code on the agent's page: shown once, in no address, given anew with a check."""

import re

from hotline.desk import Desk
from tests.web.conftest import Bring, Browser, CountingStore, Open
from tests.web.test_pages import open_by_form

CODE = re.compile(r'class="code">([0-9A-Z]{4} [0-9A-Z]{4})<')


def code_in(page: str) -> str:
    found = CODE.search(page)
    return found[1] if found else ""


async def follow(browser: Browser, ticket: str, code: str) -> str:
    await browser.get("/matter/find")
    return await browser.post("/matter/find", {"csrf": browser.csrf, "number": ticket, "code": code})


async def test_an_agent_reads_the_code_out_once_and_the_caller_follows_the_matter(
    open_browser: Open, desk: Desk
) -> None:
    agent, caller = await open_browser("agent"), await open_browser("")

    before = CountingStore.asked
    await open_by_form(agent, phone="13800001234", text="路口井盖缺失", type="help", category="井盖缺失")
    code, ticket = code_in(agent.html), agent.path[9:27]
    assert code
    assert code not in agent.path
    assert CountingStore.asked - before <= 24  # three pages: the form, what it does, the ticket
    await agent.get(f"/tickets/{ticket}")
    assert code_in(agent.html) == ""

    await follow(caller, ticket, code)
    assert caller.path == "/matter/mine"
    assert "路口井盖缺失" in caller.html


async def test_a_new_code_is_given_after_a_check(open_browser: Open, bring: Bring) -> None:
    ticket = await bring()
    agent, caller = await open_browser("agent"), await open_browser("")
    await agent.get(f"/tickets/{ticket}")
    form = {"csrf": agent.csrf, "caller": "1", "checked": "facts", "reason": "诉求人忘了查询码"}

    await agent.post(f"/tickets/{ticket}/code", {**form, "reason": "忘"})
    assert agent.status == 422
    assert "太短" in agent.html
    await agent.post(f"/tickets/{ticket}/code", form)

    assert "原来的查询码已失效" in agent.html
    await follow(caller, str(ticket), code_in(agent.html))
    assert caller.path == "/matter/mine"


async def test_a_caller_who_joined_reads_nothing_of_the_first(open_browser: Open, bring: Bring) -> None:
    ticket = await bring(text="第一个人说的话", title="第一个人的标题")
    agent, caller = await open_browser("agent"), await open_browser("")
    await agent.get(f"/tickets/{ticket}")

    await agent.post(f"/tickets/{ticket}/callers", {"csrf": agent.csrf, "phone": "13900005678", "name": "李四"})
    code = code_in(agent.html)
    await follow(caller, str(ticket), code)

    assert caller.path == "/matter/mine"
    assert "第一个人" not in caller.html
    assert "与他人共同反映" in caller.html


async def test_departments_and_analysts_have_no_such_form(open_browser: Open, bring: Bring) -> None:
    ticket = await bring(category="010102")
    for person in ("city", "analyst"):
        browser = await open_browser(person)
        await browser.get(f"/tickets/{ticket}")
        assert "补发查询码" not in browser.html
        await browser.post(
            f"/tickets/{ticket}/code",
            {"csrf": browser.csrf, "caller": "1", "checked": "facts", "reason": "诉求人忘了查询码"},
        )
        assert browser.status == 403


async def test_the_api_gives_a_new_code(open_browser: Open, bring: Bring) -> None:
    ticket = await bring()
    agent, caller = await open_browser("agent"), await open_browser("")
    await agent.get("/queue")
    body = {"reason": "诉求人忘了查询码", "checked": "document"}
    path = f"/api/v1/tickets/{ticket}/callers/1/code"

    async with agent.client.post(path, json=body, headers={"X-CSRF-Token": agent.csrf}) as answer:
        assert answer.status == 201
        code = (await answer.json())["code"]

    await follow(caller, str(ticket), code)
    assert caller.path == "/matter/mine"
