import re
from collections.abc import Sequence
from datetime import timedelta

import pytest

from dispatch import actions as do
from dispatch.model import Actor, Role
from hotline import auth, db, drafts, tickets, worker
from hotline.desk import Desk
from hotline.errors import Unavailable
from hotline.predictor import Judgement, Predictor
from hotline.store import Store
from hotline.web import boards, words
from tests.web.conftest import DISPATCHER, PASSWORD, Bring, Browser, CountingStore, Open

CITY = Actor("city", Role.HANDLER, "cgj")
REPLY = {
    "received": "井盖缺失",
    "findings": "现场查看属实",
    "handling": "已更换井盖",
    "follows": "请联系城管局",
    "genuine": "true",
    "solved": "true",
}


# --- who --------------------------------------------------------------------------------------------------------------


async def test_whoever_is_not_logged_in_comes_to_the_log_in_and_back(open_browser: Open, bring: Bring) -> None:
    browser, ticket = await open_browser(""), await bring()

    await browser.get(f"/tickets/{ticket}", follow=False)

    assert browser.status == 303
    assert browser.headers["Location"] == f"/login?next=/tickets/{ticket}"
    await browser.try_log_in("agent", then=f"/tickets/{ticket}")
    assert browser.path == f"/tickets/{ticket}"


async def test_a_wrong_password_says_so_and_keeps_the_name(open_browser: Open) -> None:
    browser = await open_browser("")

    await browser.try_log_in("agent", "wrong")

    assert browser.status == 401
    assert "用户名或密码不对" in browser.html
    assert 'value="agent"' in browser.html
    assert "wrong" not in browser.html.replace("field wrong", "")


@pytest.mark.parametrize("address", ["//evil.example", "https://evil.example", "/\\evil.example", "/login?next=/login"])
async def test_the_log_in_leads_nowhere_else(open_browser: Open, address: str) -> None:
    browser = await open_browser("")

    await browser.try_log_in("agent", then=address, follow=False)

    assert browser.headers["Location"] == "/"


async def test_a_log_in_from_another_site_is_refused(open_browser: Open) -> None:
    browser = await open_browser("")

    async with browser.client.post("/login", data={}, headers={"Sec-Fetch-Site": "cross-site"}) as answer:
        assert answer.status == 403


@pytest.mark.parametrize("token", ["", "x", "ü"])
async def test_a_log_in_without_the_token_of_our_own_page_is_refused(open_browser: Open, token: str) -> None:
    browser = await open_browser("")
    await browser.get("/login")

    await browser.post("/login", {"csrf": token, "person": "agent", "password": PASSWORD, "next": ""})

    assert browser.status == 403


async def test_the_session_cookie_is_out_of_reach_of_scripts(open_browser: Open) -> None:
    browser = await open_browser("")

    await browser.try_log_in("agent", follow=False)

    assert {"HttpOnly", "SameSite=Lax"} <= set(re.split(r";\s*", browser.headers["Set-Cookie"]))


async def test_logging_out_ends_the_session(open_browser: Open) -> None:
    browser = await open_browser("agent")

    await browser.post("/logout", {"csrf": browser.csrf})
    await browser.get("/queue")

    assert browser.path.startswith("/login")


@pytest.mark.parametrize(
    ("person", "first"),
    [
        ("agent", "/intake"),
        ("dispatcher", "/queue"),
        ("supervisor", "/supervision"),
        ("analyst", "/queue"),
        ("water", "/department"),
        ("caller-back", "/follow-up"),
    ],
)
async def test_everybody_starts_at_their_own_work(open_browser: Open, person: str, first: str) -> None:
    browser = await open_browser(person)

    await browser.get("/")

    assert (browser.status, browser.path) == (200, first)


@pytest.mark.parametrize(
    ("person", "path"),
    [
        ("water", "/queue"),
        ("water", "/intake"),
        ("water", "/follow-up"),
        ("agent", "/department"),
        ("agent", "/follow-up"),
        ("analyst", "/intake"),
        ("agent", "/labels"),
        ("water", "/labels"),
    ],
)
async def test_a_page_of_another_role_says_that_it_is_not_yours(open_browser: Open, person: str, path: str) -> None:
    browser = await open_browser(person)

    await browser.get(path)

    assert browser.status == 403
    assert "您没有这项权限" in browser.html


# --- boards -----------------------------------------------------------------------------------------------------------


async def test_the_queue_shows_what_waits_with_its_count_and_lamp(open_browser: Open, bring: Bring, desk: Desk) -> None:
    ticket = await bring(category="010103")
    later = desk.now() + timedelta(days=2)
    desk.clock = lambda: later
    browser = await open_browser("dispatcher")

    await browser.get("/queue")

    assert f"/tickets/{ticket}" in browser.html
    assert re.search(r'待派单 <span class="count">1</span>', browser.html)
    assert 'class="lamp red"' in browser.html
    assert "已超 47 小时" in browser.html


async def test_an_empty_queue_says_that_it_is_empty(open_browser: Open) -> None:
    browser = await open_browser("dispatcher")

    for state in ("received", "analysis", "review", "follow_up", "requests"):
        await browser.get(f"/queue?state={state}")
        assert browser.status == 200
        assert 'class="empty"' in browser.html


async def test_a_long_queue_is_read_page_by_page(
    open_browser: Open, bring: Bring, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(boards, "PAGE_LINES", 2)
    opened = {await bring(category="010103") for _ in range(5)}
    browser = await open_browser("dispatcher")
    found, path = set(), "/queue"

    while path:
        await browser.get(path)
        found |= {int(number) for number in re.findall(r'href="/tickets/(\d+)"', browser.html)}
        link = re.search(r'rel="next" href="([^"]+)"', browser.html)
        path = link[1].replace("&amp;", "&") if link else ""

    assert found == opened


@pytest.mark.parametrize("query", ["state=closed_", "after=x", "after=2026-01-01,x", "after=x,1"])
async def test_a_queue_that_is_not_there_is_an_error_of_the_address(open_browser: Open, query: str) -> None:
    browser = await open_browser("dispatcher")

    await browser.get(f"/queue?{query}")

    assert browser.status == 422


async def test_a_department_sees_its_own_list_and_what_it_was_told(open_browser: Open, bring: Bring) -> None:
    ticket = await bring(category="010102")
    city, water = await open_browser("city"), await open_browser("water")

    await city.get("/department")
    await water.get("/department")

    assert f'href="/tickets/{ticket}"' in city.html
    assert "新派来一张工单" in city.html
    assert str(ticket) not in water.html


async def test_a_department_sees_beside_the_time_left_what_is_due_then(open_browser: Open, bring: Bring) -> None:
    ticket = await bring(category="010102")
    city = await open_browser("city")

    await city.get("/department")
    assert _due_first(city.html) == "签收"
    await city.act(ticket, "accept")
    await city.get("/department")

    assert _due_first(city.html) == "先行联系"


def _due_first(html: str) -> str:
    """What the first line of a department's list says is due next."""
    found = re.search(r'<td class="c-time"[^>]*>.*?<b>(.*?)</b></td>', html)
    return found[1] if found else ""


async def test_what_may_be_done_about_each_of_several_units_is_folded_into_one_group(
    open_browser: Open, bring: Bring, desk: Desk
) -> None:
    ticket = await bring(category="010102")
    supervisor, city = await open_browser("supervisor"), await open_browser("city")
    assert 'class="unit"' not in await supervisor.get(f"/tickets/{ticket}")  # there is but one
    await tickets.act(desk, ticket, do.AddCo(assignment=1, department="slj", why="职责"), DISPATCHER)

    page = await supervisor.get(f"/tickets/{ticket}")
    own = await city.get(f"/tickets/{ticket}")

    assert page.count("<h3>各承办单位</h3>") == 1
    assert len(re.findall(r'<details class="unit">\s*<summary>承办单 \d · \S+', page)) == 2
    assert "<h3>承办单" not in page
    assert 'class="unit"' not in own  # a unit has its own actions before its eyes


async def test_an_action_that_was_refused_stands_open_outside_the_fold(
    open_browser: Open, bring: Bring, desk: Desk
) -> None:
    ticket = await bring(category="010102")
    await tickets.act(desk, ticket, do.AddCo(assignment=1, department="slj", why="职责"), DISPATCHER)
    supervisor = await open_browser("supervisor")

    await supervisor.act(ticket, "recall", assignment="2", reason="")

    assert supervisor.status == 422
    assert re.search(r'<h3>承办单 2 · 市水利局[^<]*</h3>\s*<details id="recall-2" open>', supervisor.html)


async def test_a_request_waits_in_the_queue_of_the_dispatcher(open_browser: Open, bring: Bring) -> None:
    ticket = await bring(category="010102")
    city, dispatcher = await open_browser("city"), await open_browser("dispatcher")
    await city.act(
        ticket, "ask_return", reason_code="wrong_duty", reason="归水利局", basis="三定", suggested="市水利局"
    )

    await dispatcher.get("/queue?state=requests")

    assert f"/tickets/{ticket}#decide-1" in dispatcher.html
    assert "退单，职责不符，建议由市水利局承办" in dispatcher.html


# --- intake -----------------------------------------------------------------------------------------------------------


async def open_by_form(browser: Browser, **values: str) -> str:
    await browser.get("/intake")
    token = re.search(r'name="outside_id" value="([^"]+)"', browser.html)
    given = {"csrf": browser.csrf, "outside_id": token[1] if token else "", "wants_visit": "on", **values}
    return await browser.post("/intake", given)


async def test_an_agent_opens_a_ticket_and_sees_it(open_browser: Open) -> None:
    browser = await open_browser("agent")

    await open_by_form(
        browser, phone="138 0000 1234", name="王小明", text="路口井盖缺失", type="help", category="井盖缺失"
    )

    assert re.fullmatch(r"/tickets/\d{18}\?done=opened", browser.path)
    assert "已登记" in browser.html
    assert "市城市管理局" in browser.html
    assert "13800001234" not in browser.html


async def estates_have_a_row_of_their_own(desk: Desk) -> None:
    supervisor, other = (Actor(name, Role.SUPERVISOR, "hotline") for name in ("supervisor", "other"))
    estate = {"category": "010102", "area": "", "owner": "estate", "lead": "slj", "co": [], "basis": "物业"}
    rows = [*await drafts.base(desk, "catalogue"), estate]
    number = await drafts.draft(desk, "catalogue", rows, supervisor, source="测试目录")
    await drafts.publish(desk, number, other)


async def test_whose_a_thing_is_is_asked_where_the_catalogue_tells_by_it_who_is_responsible(
    open_browser: Open, desk: Desk
) -> None:
    browser = await open_browser("agent")
    await browser.get("/intake")
    assert 'name="owner"' not in browser.html
    await estates_have_a_row_of_their_own(desk)

    await open_by_form(browser, text="小区井盖缺失", category="井盖缺失", owner="estate")

    assert "市水利局" in browser.html
    assert "小区物业" in browser.html
    await browser.get("/intake")
    assert '<option value="estate"' in browser.html


async def test_whose_a_thing_is_is_corrected_like_its_kind_and_its_place(
    open_browser: Open, desk: Desk, bring: Bring
) -> None:
    ticket, browser = await bring(), await open_browser("dispatcher")
    await browser.get(f"/tickets/{ticket}")
    assert 'name="owner"' not in browser.html  # this catalogue goes by kind and place alone
    await estates_have_a_row_of_their_own(desk)

    await browser.act(ticket, "amend", category="井盖缺失", owner="estate", reason="在小区里面")

    assert (await desk.store.file(ticket)).ticket.owner == "estate"
    assert "小区物业" in browser.html
    await browser.act(ticket, "amend", owner="nobody", reason="在小区里面")
    assert (await desk.store.file(ticket)).ticket.owner == "estate"
    assert "权属" in browser.html


class Guessing(Predictor):
    """A predictor that thinks of one category only, as probable as it is told to be."""

    def __init__(self, probability: float, *, type: str = "complaint") -> None:  # noqa: A002 - as a judgement calls it
        super().__init__()
        self._said = Judgement((("010102", probability),), type, "normal", (), ("井盖",), "m", types=((type, 0.9),))

    async def judge(self, texts: Sequence[str]) -> list[Judgement | None]:
        return [self._said for _ in texts]


async def advised(browser: Browser, **values: str) -> str:
    await browser.get("/intake")
    return await browser.post("/intake/advice", {"csrf": browser.csrf, "text": "路口井盖缺失", **values})


async def test_the_seat_shows_no_sure_unit_for_what_the_agent_marked_confidential_or_says_a_unit_is_reported(
    open_browser: Open, desk: Desk
) -> None:
    desk.predictor, browser = Guessing(0.97), await open_browser("agent")

    assert "<b>市城市管理局</b>" in await advised(browser)
    assert words.doubt({"reason": "protected"}) in await advised(browser, confidential="on")
    assert "<b>市城市管理局</b>" not in await advised(browser, reported="市城市管理局")


async def test_a_category_is_entered_for_the_agent_only_where_the_machine_would_send_by_it(
    open_browser: Open, desk: Desk
) -> None:
    browser = await open_browser("agent")

    desk.predictor = Guessing(0.97)
    assert 'data-fill="category"' in await advised(browser)
    desk.predictor = Guessing(0.85)  # the city sends from .9 on
    unsure = await advised(browser)
    assert 'data-fill="category"' not in unsure
    assert "井盖缺失 85%" in unsure  # one click away
    desk.predictor = Guessing(0.97, type="report")
    assert 'data-fill="category"' not in await advised(browser, type="help")


async def test_a_form_sent_twice_opens_one_ticket(open_browser: Open) -> None:
    browser = await open_browser("agent")
    values = {"text": "路口井盖缺失", "outside_id": "web-0123456789abcdef"}

    await open_by_form(browser, **values)
    first = browser.path.partition("?")[0]
    await open_by_form(browser, **values)

    assert browser.path == f"{first}?done=known"


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"text": " "}, "还没有填"),
        ({"text": "好", "phone": "12"}, "不是有效的电话号码"),
        ({"text": "好", "category": "没有这一类"}, "没有这个选项"),
        ({"text": "好", "reported": "没有这个局"}, "没有这个选项"),
        ({"text": "坏\x00字"}, "无法保存的字符"),
        ({"text": "长" * 20_001}, "太长，已有20001个字"),
        ({"text": "好", "answer": "答", "category": "没有这一类"}, "没有这个选项"),
    ],
)
async def test_what_cannot_be_taken_is_said_beside_its_field_has_the_focus_and_nothing_is_lost(
    open_browser: Open, values: dict[str, str], said: str
) -> None:
    browser = await open_browser("agent")

    await open_by_form(browser, place="解放路3号院", **values)

    assert browser.status == 422
    error = re.search(rf'<p class="error" id="([\w-]+)">[^<]*{said}', browser.html)
    assert error
    assert re.findall(r'aria-describedby="([^"]*)" aria-invalid="true" autofocus', browser.html) == [error[1]]
    assert browser.html.count(" autofocus") == 1
    assert "解放路3号院" in browser.html


async def test_the_number_of_a_caller_shows_earlier_tickets_but_seals_confidential_ones(
    open_browser: Open, bring: Bring
) -> None:
    await bring("井盖又丢了")
    await bring("举报某人收钱", confidential="true")
    browser = await open_browser("agent")

    await open_by_form(browser, phone="+86 138-0000-1234", text="正在写的内容", do="lookup")

    assert "井盖又丢了" in browser.html
    assert "举报某人收钱" not in browser.html
    assert "保密工单" in browser.html
    assert "正在写的内容" in browser.html
    await browser.post("/intake/earlier", {"csrf": browser.csrf, "phone": "13800001234"})
    assert "井盖又丢了" in browser.html
    assert "<html" not in browser.html


async def test_an_agent_may_answer_at_once(open_browser: Open) -> None:
    browser = await open_browser("agent")

    await open_by_form(browser, text="井盖找谁报修", type="consult", category="井盖缺失", answer="请拨城管热线。")

    assert browser.path.endswith("?done=answered")
    assert "已办结 · 直接答复" in browser.html
    assert "请拨城管热线。" in browser.html


# --- one ticket -------------------------------------------------------------------------------------------------------


async def test_the_page_offers_what_may_be_done_and_nothing_else(open_browser: Open, bring: Bring) -> None:
    ticket = await bring(category="010102")
    city, agent, analyst = [await open_browser(person) for person in ("city", "agent", "analyst")]

    for browser in (city, agent, analyst):
        await browser.get(f"/tickets/{ticket}")

    def offered(browser: Browser) -> set[str]:
        return set(re.findall(r'name="action" value="(\w+)"', browser.html))

    assert offered(city) == {"accept", "add_co", "ask_return"}
    assert offered(agent) == {"withdraw", "supplement", "urge"}
    assert offered(analyst) == set()
    assert "您现在没有可以对此工单做的操作" in analyst.html


async def test_a_department_that_has_no_part_in_a_ticket_does_not_find_it(open_browser: Open, bring: Bring) -> None:
    ticket = await bring(category="010102")
    browser = await open_browser("water")

    await browser.get(f"/tickets/{ticket}")

    assert browser.status == 404
    assert "井盖" not in browser.html


@pytest.mark.parametrize("number", ["1", "999999999999999999", "12345678901234567x"])
async def test_a_number_that_no_ticket_has_is_not_found(open_browser: Open, number: str) -> None:
    browser = await open_browser("agent")

    await browser.get(f"/tickets/{number}")

    assert browser.status == 404
    assert "没有这个工单" in browser.html


async def test_a_ticket_is_handled_from_dispatch_to_follow_up_by_its_forms(open_browser: Open, bring: Bring) -> None:
    ticket = await bring()
    people = ("dispatcher", "city", "water", "caller-back")
    dispatcher, city, water, back = [await open_browser(person) for person in people]

    await dispatcher.act(ticket, "dispatch", category="井盖缺失", lead="市城市管理局", co="水利", why="归口")
    assert dispatcher.path.endswith("?done=dispatch"), dispatcher.html
    for browser in (city, water):
        await browser.act(ticket, "accept")
    await water.act(ticket, "reply", **REPLY)
    await city.act(ticket, "contact", how="10:20 本人接听")
    await city.act(ticket, "ask_extension", working_days="3", reason="等配件")
    await dispatcher.act(ticket, "decide", approve="true", answer="同意")
    await city.act(ticket, "reply", **REPLY)
    await back.act(ticket, "pass_review")
    await back.get("/follow-up")
    assert f'href="/follow-up/{ticket}#visit-1"' in back.html
    await back.get(f"/follow-up/{ticket}")
    assert "已更换井盖" in back.html
    answers = {"contact": "reached", "contacted": "true", "solved": "true", "process": "good", "result": "very_good"}
    await back.post(f"/tickets/{ticket}/act", {**back.form("visit"), **answers})
    assert back.path == "/follow-up?done=visit"
    await back.get(f"/tickets/{ticket}")

    assert "已办结 · 实际解决" in back.html
    for step in ("受理", "更正", "派单", "签收", "先行联系", "申请延期", "审批", "答复", "审核通过", "回访"):
        assert f"<b>{step}</b>" in back.html
    assert "非常满意" in back.html


async def test_a_broken_rule_is_told_above_its_form_and_the_typed_text_stays(open_browser: Open, bring: Bring) -> None:
    ticket = await bring(category="010103")
    browser = await open_browser("dispatcher")

    await browser.act(ticket, "dispatch", lead="没有这个局", why="写了很久的说明")

    assert browser.status == 409
    assert "没有这个承办单位" in browser.html
    assert "写了很久的说明" in browser.html
    assert re.search(r'<details id="dispatch-0" open>', browser.html)


async def test_a_missing_value_is_told_beside_its_field(open_browser: Open, bring: Bring) -> None:
    ticket = await bring(category="010102")
    browser = await open_browser("city")
    await browser.act(ticket, "accept")
    await browser.act(ticket, "contact", how="10:20 本人接听")

    await browser.act(ticket, "reply", **{**REPLY, "findings": " "})

    assert browser.status == 422
    assert '<p class="error" id="reply-1-findings-error">还没有填。</p>' in browser.html
    assert "已更换井盖" in browser.html


async def test_a_stale_page_says_what_changed_and_keeps_the_typed_text(
    open_browser: Open, bring: Bring, desk: Desk
) -> None:
    ticket = await bring(category="010103")
    browser = await open_browser("dispatcher")
    await browser.get(f"/tickets/{ticket}")
    typed = {**browser.form("dispatch"), "lead": "市水利局", "why": "写了很久的说明"}
    await tickets.act(desk, ticket, do.Supplement(text="又来电"), DISPATCHER)

    await browser.post(f"/tickets/{ticket}/act", typed)

    assert browser.status == 409
    assert "派单员 <b>补充</b>" in browser.html
    assert "写了很久的说明" in browser.html
    await browser.post(f"/tickets/{ticket}/act", {**typed, "resume": "on"})
    assert browser.status == 200
    assert "写了很久的说明" in browser.html
    assert 'value="市水利局"' in browser.html
    assert browser.form("dispatch")["expected"] == "2"


async def test_what_is_no_longer_possible_gives_the_typed_text_back(open_browser: Open, bring: Bring) -> None:
    ticket = await bring(category="010103")
    browser = await open_browser("agent")
    await browser.get(f"/tickets/{ticket}")
    typed = {**browser.form("answer"), "text": "写了很久的答复"}
    await browser.post(f"/tickets/{ticket}/act", typed)

    await browser.post(f"/tickets/{ticket}/act", {**typed, "expected": "2"})

    assert browser.status == 409
    assert "工单" in browser.html
    assert "不能直接答复" in browser.html
    assert re.search(r'class="kept".*写了很久的答复', browser.html, re.DOTALL)


async def test_the_page_says_in_words_which_row_and_which_rules_sent_it(open_browser: Open, bring: Bring) -> None:
    browser = await open_browser("dispatcher")

    await browser.get(f"/tickets/{await bring(category='010101', area='01')}")

    told = re.sub(r"<[^>]+>|\s+", " ", browser.html)
    assert re.search(r"派单目录行 +\S.* / 全市 ", told)
    assert "派单目录第1版" in told
    assert "catalogue-1" not in told


async def test_one_key_fills_the_form_with_a_candidate(open_browser: Open, bring: Bring) -> None:
    ticket = await bring(category="010103")
    browser = await open_browser("dispatcher")
    await browser.get(f"/tickets/{ticket}")
    link = re.search(r'class="fill" href="([^"#]+)', browser.html)
    assert link, "no candidates"

    await browser.get(link[1].replace("&amp;", "&"))

    assert 'value="市城市管理局"' in browser.html


async def test_callers_are_masked_until_a_reason_is_given(open_browser: Open, bring: Bring, pool: db.Pool) -> None:
    ticket = await bring(address="解放路3号院5栋")
    browser = await open_browser("agent")
    await browser.get(f"/tickets/{ticket}")
    assert "13800001234" not in browser.html
    values = {"csrf": browser.csrf, "caller": "1"}

    await browser.post(f"/tickets/{ticket}/unmask", {**values, "reason": "看"})
    assert browser.status == 422
    assert "13800001234" not in browser.html
    await browser.post(f"/tickets/{ticket}/unmask", {**values, "reason": "需要回电核实"})

    assert "13800001234" in browser.html
    assert browser.headers["Cache-Control"] == "no-store"
    async with db.connection(pool) as connection:
        assert await connection.fetchval("SELECT reason FROM audit WHERE what = 'unmask'") == "需要回电核实"


async def test_a_protected_caller_is_never_shown_to_a_department(open_browser: Open, bring: Bring, desk: Desk) -> None:
    ticket = await bring(category="010102", confidential="true")
    await tickets.act(desk, ticket, do.Dispatch(lead="cgj"), DISPATCHER)
    browser = await open_browser("city")

    await browser.get(f"/tickets/{ticket}")
    assert "诉求人信息受保护" in browser.html
    assert "/unmask" not in browser.html
    await browser.post(f"/tickets/{ticket}/unmask", {"csrf": browser.csrf, "caller": "1", "reason": "很想知道是谁举报"})

    assert browser.status == 403
    assert "王小明" not in browser.html


async def test_one_more_caller_joins_a_matter(open_browser: Open, bring: Bring) -> None:
    ticket = await bring()
    browser = await open_browser("agent")
    await browser.get(f"/tickets/{ticket}")

    await browser.post(f"/tickets/{ticket}/callers", {"csrf": browser.csrf, "phone": "13900005678", "name": "李四"})

    assert browser.path == f"/tickets/{ticket}?done=caller"
    assert "增加诉求人" in browser.html


@pytest.mark.parametrize("path", ["/tickets/{}/act", "/tickets/{}/unmask", "/tickets/{}/callers", "/intake", "/logout"])
async def test_a_form_without_the_token_of_the_session_changes_nothing(
    open_browser: Open, bring: Bring, path: str
) -> None:
    ticket = await bring()
    browser = await open_browser("agent")

    await browser.post(
        path.format(ticket), {"csrf": "guessed", "action": "answer", "text": "写了很久", "expected": "1"}
    )

    assert browser.status == 403
    assert "页面已过期" in browser.html
    assert "写了很久" in browser.html


async def test_who_was_logged_out_meanwhile_keeps_what_they_typed(open_browser: Open, bring: Bring) -> None:
    ticket = await bring()
    browser = await open_browser("agent")
    browser.client.session.cookie_jar.clear()

    await browser.post(f"/tickets/{ticket}/act", {"action": "answer", "text": "写了很久的答复"})

    assert browser.status == 401
    assert "写了很久的答复" in browser.html


@pytest.mark.parametrize("form", ["act", "unmask", "callers"])
async def test_the_address_of_a_sent_form_leads_back_to_its_ticket(open_browser: Open, bring: Bring, form: str) -> None:
    ticket = await bring()
    browser = await open_browser("agent")

    await browser.get(f"/tickets/{ticket}/{form}")

    assert (browser.status, browser.path) == (200, f"/tickets/{ticket}")


async def test_what_people_write_is_text_and_never_markup(open_browser: Open, bring: Bring) -> None:
    nasty = '<script>alert(1)</script>"><img src=x onerror=alert(2)>'
    ticket = await bring(nasty, title=nasty, place=nasty, category="010102")
    browser = await open_browser("city")

    for path in (f"/tickets/{ticket}", "/department"):
        await browser.get(path)
        assert "<script>alert" not in browser.html
        assert "<img" not in browser.html


# --- search -----------------------------------------------------------------------------------------------------------


async def test_tickets_are_found_by_word_number_and_phone(open_browser: Open, bring: Bring) -> None:
    ticket = await bring("东门街道路灯不亮")
    browser = await open_browser("agent")

    await browser.get("/search?q=路灯")
    assert f"/tickets/{ticket}" in browser.html
    await browser.post("/search", {"csrf": browser.csrf, "q": "138 0000 1234"})
    assert f"/tickets/{ticket}" in browser.html
    assert browser.path == "/search"  # the number stands in no address
    await browser.get("/search?q=13800001234")
    assert browser.status == 422
    assert f"/tickets/{ticket}" not in browser.html
    await browser.post("/search", {"csrf": browser.csrf, "q": f"{str(ticket)[:6]} {str(ticket)[6:]}"})
    assert browser.path == f"/tickets/{ticket}"
    await browser.get("/search?q=没有的词")
    assert "没有找到" in browser.html


async def test_a_department_searches_its_own_tickets_and_never_by_phone(open_browser: Open, bring: Bring) -> None:
    mine, other = await bring(category="010102"), await bring("井盖破了")
    browser = await open_browser("city")

    await browser.get("/search?q=井盖")
    assert str(mine) in browser.html
    assert str(other) not in browser.html
    await browser.post("/search", {"csrf": browser.csrf, "q": "13800001234"})
    assert str(mine) not in browser.html


async def test_a_word_that_cannot_be_searched_says_so(open_browser: Open) -> None:
    browser = await open_browser("agent")

    await browser.get("/search?q=井")

    assert browser.status == 422
    assert "每个词二至五十个字" in browser.html


# --- the frame --------------------------------------------------------------------------------------------------------


async def test_no_page_asks_more_than_twelve_queries(open_browser: Open, bring: Bring, desk: Desk) -> None:
    ticket = await bring(category="010102")
    await bring(category="010103")
    paths = {
        "dispatcher": ["/queue", "/queue?state=requests", f"/tickets/{ticket}", "/search?q=井盖", "/intake"],
        "city": ["/department", f"/tickets/{ticket}"],
        "caller-back": ["/follow-up", f"/follow-up/{ticket}"],
    }

    for person, pages_ in paths.items():
        browser = await open_browser(person)
        for path in pages_:
            desk.forget_rules()
            before = CountingStore.asked
            await browser.get(path)
            assert browser.status == 200
            assert CountingStore.asked - before <= 12, path


async def test_every_page_carries_the_policy_that_allows_no_inline_script(open_browser: Open) -> None:
    browser = await open_browser("agent")

    await browser.get("/intake")

    assert "script-src 'self'" in browser.headers["Content-Security-Policy"]
    assert browser.headers["Cache-Control"] == "no-store"


async def test_every_input_has_a_label_and_no_id_comes_twice(open_browser: Open, bring: Bring) -> None:
    ticket = await bring()
    browser = await open_browser("supervisor")

    for path in ("/intake", f"/tickets/{ticket}", "/queue", "/search"):
        await browser.get(path)
        ids = re.findall(r'\sid="([^"]+)"', browser.html)
        assert len(ids) == len(set(ids)), path
        for tag in re.findall(r"<(?:input|select|textarea)[^>]*>", browser.html):
            named = re.search(r'\sid="([^"]+)"', tag)
            labelled = named and f'for="{named[1]}"' in browser.html
            assert labelled or re.search(r'type="(hidden|radio|checkbox)"|aria-label', tag), tag


async def test_files_of_ours_may_be_kept_for_ever_and_others_are_not_found(open_browser: Open) -> None:
    browser = await open_browser("")

    await browser.get("/static/hotline.css")
    assert "immutable" in browser.headers["Cache-Control"]
    await browser.get("/static/..%2fpages.py")
    assert browser.status == 404
    await browser.get("/nothing-here")
    assert browser.status == 404
    assert "没有这个页面" in browser.html


async def test_a_database_that_is_away_gives_a_page_with_what_was_typed(
    open_browser: Open, bring: Bring, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticket = await bring()
    browser = await open_browser("agent")
    await browser.get(f"/tickets/{ticket}")
    typed = {**browser.form("answer"), "text": "写了很久的答复"}

    async def away(*_: object, **__: object) -> None:
        raise Unavailable("PostgreSQL", 3)

    monkeypatch.setattr(tickets, "act_in_turn", away)
    await browser.post(f"/tickets/{ticket}/act", typed)

    assert browser.status == 503
    assert browser.headers["Retry-After"] == "3"
    assert "请3秒后再试" in browser.html
    assert browser.html.count("写了很久的答复") == 2  # to read, and in the form that tries again
    monkeypatch.setattr(Store, "fetch", away)
    await browser.get("/healthz")
    assert browser.status == 503


async def test_health_is_told_without_a_log_in(open_browser: Open) -> None:
    browser = await open_browser("")

    await browser.get("/healthz")

    assert (browser.status, browser.html) == (200, "ok\n")


async def test_a_fault_of_ours_never_shows_its_inside(open_browser: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = await open_browser("agent")

    async def broken(*_: object) -> None:
        raise RuntimeError("password=hunter2")

    monkeypatch.setattr(auth, "session_of", broken)
    await browser.get("/queue")

    assert browser.status == 500
    assert "已经记录" in browser.html
    assert "hunter2" not in browser.html


async def test_notices_have_a_page_where_they_are_marked_as_seen(open_browser: Open, bring: Bring, desk: Desk) -> None:
    ticket = await bring(category="010101")
    await worker.deliver(desk)
    browser = await open_browser("city")

    page = await browser.get("/notices")
    assert words.NOTICES["assigned"] in page
    assert f"/tickets/{ticket}" in page
    assert f"1 {words.W.notices_new}" in page
    assert words.W.notice_unseen in page
    place = re.search(r'name="place" value="(\d+)"', page)
    assert place

    page = await browser.post("/notices/seen", {"csrf": browser.csrf, "place": place[1]})
    assert browser.path == "/notices"
    assert words.W.notices_new not in page
    assert words.W.notice_unseen not in page
    assert f"/tickets/{ticket}" not in await (await open_browser("water")).get("/notices")


async def test_the_live_script_is_a_file_and_only_for_whoever_is_logged_in(open_browser: Open) -> None:
    assert "live.js" in await (await open_browser("city")).get("/department")
    assert "live.js" not in await (await open_browser("")).get("/login")
