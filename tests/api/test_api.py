"""The JSON interface: who may, what is refused with which facts, and no door that shows what another one hides."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest

from dispatch import actions as do
from hotline.db import Pool
from hotline.desk import Desk
from tests.city import PEOPLE, Clock, House, open_house, small_desk

PHONE, NAME, ADDRESS = "13812345678", "欧阳大海", "幸福路12号3栋"
CALLER = {"name": NAME, "phone": PHONE, "address": ADDRESS}
REPLY = {"received": "r", "findings": "f", "handling": "h", "follows": "w", "genuine": True, "solved": True}
DATA: dict[str, dict[str, Any]] = {
    "dispatch": {"lead": "cgj", "override": "就近"},
    "analyse": {"why": "权属不清"},
    "designate": {"lead": "q01", "basis": "联席研判"},
    "answer": {"text": "已答复"},
    "refuse": {"ground": "litigation", "told": "已告知"},
    "hand_over": {"line": "110"},
    "withdraw": {"reason": "自行解决"},
    "unmerge": {"reason": "不是一件事"},
    "amend": {"reason": "更正", "urgency": "urgent"},
    "supplement": {"text": "又来电"},
    "contact": {"how": "电话"},
    "sub_dispatch": {"departments": ["q0101"]},
    "add_co": {"department": "cgj", "why": "帮忙"},
    "reply": REPLY,
    "recall": {"reason": "派错"},
    "ask_return": {"reason_code": "wrong_duty", "reason": "不属于", "basis": "三定", "suggested": "cgj"},
    "ask_extension": {"working_days": 3, "reason": "施工"},
    "ask_promise": {"until": "2026-12-24T17:00:00+08:00", "measures": "分段施工"},
    "ask_termination": {"reason": "不配合", "basis": "条例"},
    "decide": {"approve": True, "answer": "同意"},
    "ask_pause": {"pause_code": "testing", "working_days": 3, "reason": "送检"},
    "resume": {"reason": "检验报告已出"},
    "inform": {"how": "电话"},
    "supervise": {"rung": "order", "demand": "限期"},
    "return_order": {"reason": "没有措施"},
    "transfer": {"body": "efficiency", "ground": "not_corrected", "reason": "逾期不改"},
    "claim_exemption": {"ground": "circumstance", "reason": "台风"},
    "decide_exemption": {"approve": True, "answer": "属实"},
    "recount": {"calendar": "calendar-2", "source": "通知"},
    "answer_order": {"answer": "已办"},
    "send_back": {"reason": "没有结果"},
    "visit": {"contact": "no_answer"},
    "rate": {"level": "good"},
    "reopen": {"reason": "新事实"},
}


@pytest.fixture
async def clock() -> Clock:
    return Clock()


@pytest.fixture
async def desk(pool: Pool, clock: Clock) -> AsyncIterator[Desk]:
    async with small_desk(pool, clock=clock) as desk:
        yield desk


@pytest.fixture
async def house(desk: Desk) -> AsyncIterator[House]:
    async with open_house(desk) as house:
        yield house


# --- who asks -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/me"),
        ("GET", "/tickets"),
        ("POST", "/tickets"),
        ("GET", "/tickets/261123100000000001"),
        ("POST", "/tickets/261123100000000001/actions"),
        ("POST", "/tickets/261123100000000001/callers"),
        ("POST", "/tickets/261123100000000001/callers/1/unmask"),
        ("GET", "/requests"),
        ("GET", "/search?q=路灯"),
        ("POST", "/callers/search"),
        ("GET", "/notices"),
    ],
)
async def test_every_door_is_shut_for_strangers(house: House, method: str, path: str) -> None:
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Cookie": "hotline=wrong"}, {"Authorization": "Bearer "}):
        async with house.client.request(method, f"/api/v1{path}", json={}, headers=headers) as response:
            assert response.status == 401, headers
            assert (await response.json())["error"]["code"] == "Unauthorized"


async def test_a_browser_must_send_the_sessions_own_token_and_a_bearer_need_not(house: House) -> None:
    response = await house.client.post("/api/v1/sessions", json={"person": "agent", "password": "correct horse"})
    session = await response.json()
    cookie = {"Cookie": f"hotline={session['token']}"}
    bearer = {"Authorization": f"Bearer {session['token']}"}
    cases: list[tuple[dict[str, str], int]] = [
        (cookie, 403),
        (cookie | {"X-CSRF-Token": ""}, 403),
        (cookie | {"X-CSRF-Token": "wrong"}, 403),
        (cookie | {"X-CSRF-Token": "错"}, 403),
        (cookie | {"Authorization": "Basic YTpi"}, 403),  # what a browser adds by itself is no proof
        (cookie | {"X-CSRF-Token": session["csrf"]}, 201),
        (bearer, 201),
        (cookie | bearer, 201),
    ]

    for headers, status in cases:
        async with house.client.post("/api/v1/tickets", json={"text": "路灯不亮"}, headers=headers) as answer:
            assert answer.status == status, headers
    async with house.client.get("/api/v1/me", headers=cookie) as answer:
        assert answer.status == 200  # reading needs no token


async def test_log_out_ends_the_session_however_it_was_shown(house: House) -> None:
    for how in ("bearer", "cookie"):
        response = await house.client.post("/api/v1/sessions", json={"person": "agent", "password": "correct horse"})
        session = await response.json()
        shown = (
            {"Authorization": f"Bearer {session['token']}"}
            if how == "bearer"
            else {"Cookie": f"hotline={session['token']}", "X-CSRF-Token": session["csrf"]}
        )
        async with house.client.delete("/api/v1/sessions/current", headers=shown) as answer:
            assert answer.status == 204
        async with house.client.get("/api/v1/me", headers=shown) as answer:
            assert answer.status == 401, how


async def test_a_wrong_password_and_an_unknown_person_look_the_same(house: House) -> None:
    answers = []
    for person in ("agent", "nobody"):
        async with house.client.post("/api/v1/sessions", json={"person": person, "password": "wrong"}) as answer:
            assert answer.status == 401
            answers.append(await answer.json())
    assert answers[0] == answers[1]


async def test_roles_are_told_what_they_may_do_instead(house: House) -> None:
    ticket = await house.open(category="050901")

    refused = await house.ask("roads", "POST", "/tickets", {"text": "路灯"}, 403)
    assert refused["error"]["facts"]["why"] == "only the hotline takes matters in"
    waiting = await house.open()
    refused = await house.act("agent", waiting, "dispatch", 403, lead="jtj")
    assert "answer" in refused["error"]["facts"]["allowed"]
    refused = await house.act("city", waiting, "dispatch", 404, lead="jtj")
    await house.act("dispatcher", ticket, "accept", 403, assignment=1)
    await house.ask("roads", "GET", "/requests", status=403)
    await house.ask("roads", "POST", "/callers/search", {"phone": PHONE}, 403)
    await house.ask("analyst", "POST", "/callers/search", {"phone": PHONE}, 403)
    await house.ask("roads", "POST", f"/tickets/{ticket}/callers", CALLER, 403)


# --- bad requests ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"", "body"),
        (b"{", "body"),
        (b"[]", "body"),
        (b'"text"', "body"),
        ('{"text": "路灯"}'.encode("gb18030"), "body"),  # not UTF-8
        (b'{"text": "\\ud800"}', "body"),  # half a character
        (b'{"text": "a", "text2": 1}', "text2"),
        (b"{}", "text"),
        (b'{"text": 7}', "text"),
        (b'{"text": ["a"]}', "text"),
        (b'{"text": {"a": 1}}', "text"),
        (b'{"text": "a\\u0000b"}', "text"),  # NUL
        (b'{"text": "a", "owner": "\\u0000"}', "owner"),
        (b'{"text": "a", "title": "\\u0000"}', "title"),
        (b'{"text": "a", "source": "\\u0000", "outside_id": "1"}', "source"),
        (b'{"text": "a", "confidential": 1}', "confidential"),
        (b'{"text": "a", "category": 50901}', "category"),
        (b'{"text": "a", "area": "77"}', "area"),
        (b'{"text": "a", "urgency": ["urgent"]}', "urgency"),
        (b'{"text": "a", "received_at": 1e400}', "body"),
        (b'{"text": "a", "received_at": 1764000000}', "received_at"),
        (b'{"text": "a", "received_at": "2030-01-01T00:00:00+08:00"}', "received_at"),
        (b'{"text": "a", "phone": "12"}', "phone"),
    ],
)
async def test_a_bad_body_says_which_field_and_opens_nothing(house: House, body: bytes, field: str) -> None:
    answer = await house.ask("agent", "POST", "/tickets", body, 422)

    assert answer["error"]["facts"]["field"] == field
    assert await house.desk.store.fetch("ticket_ids", after=0, most=1) == []


async def test_a_body_that_is_too_large_is_413(house: House) -> None:
    await house.ask("agent", "POST", "/tickets", {"text": "x" * 1_020_000}, 413)


async def test_a_refusal_does_not_send_back_all_that_it_was_sent(house: House) -> None:
    answer = await house.ask("agent", "POST", "/tickets", {"text": "长" * 100_000}, 422)

    assert len(orjson.dumps(answer)) < 2000


@pytest.mark.parametrize(
    ("data", "status", "field"),
    [
        ({}, 422, "action"),
        ({"action": 7}, 422, "action"),
        ({"action": "fly"}, 422, "action"),
        ({"action": "accept"}, 422, "assignment"),
        ({"action": "accept", "assignment": "one"}, 422, "assignment"),
        ({"action": "accept", "assignment": 1, "colour": "red"}, 422, "colour"),
        ({"action": "accept", "assignment": 1, "expected": "1"}, 422, "expected"),
        ({"action": "accept", "assignment": 1, "expected": True}, 422, "expected"),
        ({"action": "accept", "assignment": 1, "expected": 2**40}, 422, "expected"),  # no version is so large
        ({"action": "accept", "assignment": 1, "expected": -(2**40)}, 422, "expected"),
        ({"action": "accept", "assignment": 9}, 404, None),
        ({"action": "accept", "assignment": 10**17}, 404, None),
        ({"action": "contact", "assignment": 1, "how": "a\x00"}, 422, "how"),
        ({"action": "contact", "assignment": 1, "how": "长" * 20_001}, 422, "how"),
        ({"action": "ask_promise", "assignment": 1, "until": "0001-01-01T00:00:00+08:00", "measures": "m"}, 409, None),
        ({"action": "join", "callers": []}, 403, None),
    ],
)
async def test_a_bad_action_says_which_field_and_changes_nothing(
    house: House, data: dict[str, Any], status: int, field: str | None
) -> None:
    ticket = await house.open(category="050901")
    before = (await house.see("roads", ticket))["version"]

    answer = await house.ask("roads", "POST", f"/tickets/{ticket}/actions", data, status)

    assert answer["error"].get("facts", {}).get("field") == field
    assert (await house.see("roads", ticket))["version"] == before


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/search?q=灯", 422),  # one character
        ("/search?q=", 422),
        ("/search", 422),
        ("/search?q=a%00b", 422),
        ("/search?q=" + "长" * 51, 422),
        ("/search?q=%ED%A0%80%ED%A0%80", 200),  # half characters become signs that nothing contains
        ("/search?q=路灯&before=x", 422),
        ("/search?q=路灯&before=" + "0" * 30 + "9" * 30, 422),
        ("/search?q=%25%25", 200),  # a percent sign is a percent sign
        ("/tickets?most=0", 422),
        ("/tickets?most=201", 422),
        ("/tickets?most=５", 422),
        ("/tickets?state=lost", 422),
        ("/tickets?after=yesterday", 422),
        ("/tickets?after=2026-11-23T00:00:00,1", 422),  # no zone
        ("/tickets?after=2026-11-23T00:00:00Z,x", 422),
        ("/tickets?after=0001-01-01T00:00:00%2B08:00,1", 422),  # before every calendar
        ("/tickets?after=9999-12-31T23:00:00-08:00,1", 422),
        ("/tickets/1", 404),
        ("/tickets/26112310000000000x", 404),
        ("/tickets/999999999999999999", 404),
        ("/nothing", 404),
    ],
)
async def test_a_bad_question_is_answered_and_never_our_fault(house: House, path: str, status: int) -> None:
    await house.ask("agent", "GET", path, status=status)


@pytest.mark.parametrize("body", [{}, {"phone": "12"}, {"phone": "\x00"}, {"phone": 13812345678}, {"name": None}])
async def test_a_bad_question_for_a_caller_is_answered(house: House, body: dict[str, Any]) -> None:
    await house.ask("agent", "POST", "/callers/search", body, 422)


async def test_a_reason_to_unmask_is_a_reason(house: House) -> None:
    ticket = await house.open(**CALLER)
    door = f"/tickets/{ticket}/callers/1/unmask"

    for reason in (None, "ok", "  a  ", "\x00\x00\x00\x00\x00", 12345):
        answer = await house.ask("agent", "POST", door, {"reason": reason}, 422)
        assert answer["error"]["facts"]["field"] == "reason"
    await house.ask("agent", "POST", f"/tickets/{ticket}/callers/7/unmask", {"reason": "回拨诉求人"}, 404)
    await house.ask("agent", "POST", f"/tickets/{ticket}/callers/0/unmask", {"reason": "回拨诉求人"}, 422)
    assert await house.desk.store.fetch("audit_of_ticket", ticket_id=int(ticket)) == []
    shown = await house.ask("agent", "POST", door, {"reason": "回拨诉求人"})
    assert (shown["name"], shown["phone"], shown["address"]) == (NAME, PHONE, ADDRESS)


# --- tickets --------------------------------------------------------------------------------------------------------


async def test_ticket_numbers_are_text_because_javascript_rounds_them(house: House) -> None:
    first = await house.open(category="050901", **CALLER)
    second = await house.open(**CALLER)
    merged = await house.act("dispatcher", second, "merge", into=first, reason="同一处")
    found: list[Any] = [
        merged,
        await house.see("agent", first),
        await house.see("agent", second),
        await house.ask("dispatcher", "GET", "/tickets?state=handling"),
        await house.ask("roads", "GET", "/tickets"),
        await house.ask("agent", "GET", "/search?q=大坑"),
        await house.ask("agent", "POST", "/callers/search", {"phone": PHONE}),
        await house.ask("roads", "GET", "/notices"),
        await house.act("dispatcher", first, "supplement", 409, expected=1, text="x"),
        await house.act("dispatcher", second, "supplement", 409, text="x"),
    ]

    for answer in found:
        assert _large_numbers(answer) == [], answer


def _large_numbers(answer: Any) -> list[int]:
    """Return the numbers that a JavaScript page would round."""
    match answer:
        case dict():
            return [number for value in answer.values() for number in _large_numbers(value)]
        case list():
            return [number for value in answer for number in _large_numbers(value)]
        case bool():
            return []
        case int():
            return [answer] if abs(answer) > 2**53 else []
        case _:
            return []


async def test_the_same_outside_number_again_is_200_with_the_same_ticket(house: House) -> None:
    body = {"text": "上级转来", "source": "province", "outside_id": "P-1"}

    first = await house.ask("agent", "POST", "/tickets", body, 201)
    again = await house.ask("agent", "POST", "/tickets", body, 200)

    assert again == {"id": first["id"], "is_new": False}


async def test_a_stale_page_gets_409_with_what_changed(house: House) -> None:
    ticket = await house.open(category="050901")
    seen = (await house.see("roads", ticket))["version"]
    await house.act("agent", ticket, "supplement", text="又来电")

    answer = await house.act("roads", ticket, "accept", 409, assignment=1, expected=seen)

    facts = answer["error"]["facts"]
    assert (answer["error"]["code"], facts["actual"]) == ("stale_ticket", seen + 1)
    assert [change["action"] for change in facts["changes"]] == ["supplement"]
    await house.act("roads", ticket, "accept", assignment=1, expected=facts["actual"])


async def test_a_board_read_page_by_page_misses_no_open_assignment_while_tickets_move(house: House) -> None:
    tickets = {await house.open(category="050901") for _ in range(23)}
    others = {await house.open(category="050902", area="02") for _ in range(3)}

    seen: list[str] = []
    signed: set[str] = set()
    after = ""
    while page := await house.ask("roads", "GET", f"/tickets?most=4{after}"):
        seen += [line["id"] for line in page]
        after = f"&after={page[-1]['due_at']},{page[-1]['id']}"
        # Between two pages some are signed for, and somebody calls about another matter.
        for ticket in (page[0]["id"], max(tickets - set(seen), default=page[-1]["id"])):
            await house.act("roads", ticket, "accept", None, assignment=1)
            await house.act("agent", ticket, "supplement", text="又来电")
            signed.add(ticket)
        await house.open(category="050902", area="02")

    assert set(seen) == tickets
    assert sorted(one for one in seen if one not in signed) == sorted(
        tickets - signed
    )  # what is signed for comes again, later
    assert not others & set(seen)


# --- offered and accepted -------------------------------------------------------------------------------------------


async def test_what_is_offered_is_what_is_accepted_for_every_role_all_along_the_road(house: House) -> None:
    ticket = await house.open(**CALLER)
    tried = 0
    for turn, (who, action, data) in enumerate((*_ROAD, _END)):
        for person in list(PEOPLE)[turn % 3 :: 3]:  # a third of them at each step: all of them would take long
            seen = await house.see(person, ticket, None)
            offers = {(offer["action"], offer["number"]) for offer in seen.get("offers", ())}
            codes = [
                await _refusal(house, person, ticket, name, subject)
                for name, subject in _every_action()
                if (name, 1 if subject else 0) not in offers
            ]
            tried += len(codes)
            assert set(codes) <= {"illegal_action", "not_yours", "no_such_part", "rule_broken", "not_found"}, codes
            assert (await house.see(person, ticket, None)).get("version") == seen.get("version")
        number = next((data[part] for part in ("assignment", "request", "order", "caller") if part in data), 0)
        offers = (await house.see(who, ticket))["offers"]
        assert (action, number) in {(offer["action"], offer["number"]) for offer in offers}
        await house.act(who, ticket, action, **data)

    assert tried > 900
    assert (await house.see("supervisor", ticket))["state"] == "received"


async def _refusal(house: House, who: str, ticket: str, name: str, subject: str) -> str:
    data = DATA.get(name, {}) | ({subject: 1} if subject else {})
    answer = await house.act(who, ticket, name, None, **data)
    return str(answer["error"]["code"]) if "error" in answer else f"{who} did {name}"


_ROAD: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("dispatcher", "amend", {"category": "050901", "reason": "r"}),
    ("dispatcher", "dispatch", {"lead": "jtj", "co": ["q01"]}),
    ("roads", "accept", {"assignment": 1}),
    ("roads", "contact", {"assignment": 1, "how": "电话"}),
    ("roads", "ask_extension", {"assignment": 1, "working_days": 2, "reason": "r"}),
    ("dispatcher", "decide", {"request": 1, "approve": True, "answer": "a"}),
    ("supervisor", "supervise", {"assignment": 1, "rung": "order", "demand": "d"}),
    ("county", "accept", {"assignment": 2}),
    ("county", "reply", {"assignment": 2, **REPLY}),
    ("roads", "reply", {"assignment": 1, **REPLY}),
    ("interviewer", "pass_review", {}),
    ("interviewer", "visit", {"caller": 1, "contact": "reached", "contacted": True, "genuine": True,
                              "solved": True, "process": "good", "result": "good"}),
    ("supervisor", "reopen", {"reason": "r"}),
)  # fmt: skip


_END = ("supervisor", "recall", {"assignment": 1, "reason": "r"})


def _every_action() -> list[tuple[str, str]]:
    return [(name, action.subject) for name, action in do.ACTIONS.items() if name not in {"merge", "join", "part"}]


# --- no side door ---------------------------------------------------------------------------------------------------


async def test_no_door_shows_a_department_what_is_not_its_own_nor_anybody_a_name(house: House) -> None:
    text = f"井盖没了，我叫我自己，电话{PHONE}，身份证110101199003071233"
    theirs = await house.open(text=text, title=f"井盖 {PHONE}", category="050901", place=f"路口 {PHONE}", **CALLER)
    secret = await house.open(text="井盖被科长卖了", type="report", category="130200", reported="cgj", **CALLER)
    await house.act("dispatcher", secret, "dispatch", lead="jwj")
    await house.act("roads", theirs, "accept", assignment=1)
    await house.act("roads", theirs, "contact", assignment=1, how=f"拨打{PHONE}")
    await house.act("agent", theirs, "supplement", text=f"改打{PHONE}")

    shown: dict[str, str] = {}
    for who in PEOPLE:
        doors = [
            f"/tickets/{theirs}",
            f"/tickets/{secret}",
            "/tickets",
            "/tickets?state=handling",
            "/search?q=井盖",
            f"/search?q={NAME}",
            f"/search?q={PHONE}",
            "/requests",
            "/notices",
        ]
        answers = [await house.ask(who, "GET", door, status=None) for door in doors]
        answers.append(await house.ask(who, "POST", "/callers/search", {"phone": PHONE}, None))
        answers += [
            await house.act(who, ticket, "reply", None, assignment=1, **REPLY | {"genuine": "x"})
            for ticket in (theirs, secret)
        ]
        answers.append(await house.act(who, secret, "accept", None, assignment=1))
        shown[who] = orjson.dumps(answers[:5] + answers[7:]).decode()
        for answer in answers:
            for private in (NAME, "大海", PHONE, ADDRESS, "3栋", "110101199003071233"):
                assert private not in orjson.dumps(answer).decode().replace(f"phone={PHONE}", ""), (who, private)

    # The text and the title of what a department has no part in reach it by no door.
    for who in ("city", "county", "town"):
        assert "井盖" not in shown[who], who
    assert theirs in shown["roads"]
    assert "科长" not in shown["roads"]
    assert "科长" in shown["supervisor"]


async def test_a_ticket_of_others_and_one_that_is_not_there_look_the_same(house: House) -> None:
    theirs = await house.open(category="050901")
    nowhere = "261123100000999999"

    for path in ("/tickets/{}", "/tickets/{}/actions", "/tickets/{}/callers/1/unmask"):
        method = "GET" if path == "/tickets/{}" else "POST"
        body = {"action": "accept", "assignment": 1} if path.endswith("actions") else {"reason": "回拨诉求人"}
        answers = [
            str(await house.ask("city", method, path.format(ticket), body if method == "POST" else None, 404))
            for ticket in (theirs, nowhere)
        ]
        assert answers[0].replace(theirs, nowhere) == answers[1]


async def test_a_county_sees_what_its_towns_have_and_a_town_not_what_its_county_has(house: House) -> None:
    in_town = await house.open(category="051001", area="0101")
    in_county = await house.open(category="051001", area="0102")

    await house.see("county", in_town)
    await house.see("town", in_town)
    await house.see("county", in_county)
    await house.see("town", in_county, 404)


# --- many at once ---------------------------------------------------------------------------------------------------


async def test_of_many_who_act_on_one_version_only_one_wins(house: House) -> None:
    ticket = await house.open()
    version = (await house.see("dispatcher", ticket))["version"]

    answers = await asyncio.gather(
        *(
            house.ask(
                "dispatcher",
                "POST",
                f"/tickets/{ticket}/actions",
                {"action": "supplement", "text": str(number), "expected": version},
                None,
            )
            for number in range(8)
        )
    )

    assert sum("version" in answer for answer in answers) == 1
    assert {answer["error"]["code"] for answer in answers if "error" in answer} == {"stale_ticket"}
