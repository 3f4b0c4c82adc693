"""Two complaints from the call to the archive, through HTTP only: all five stages, and a protected report."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from dispatch.model import Role
from hotline import auth, config, office, tickets, worker
from hotline.app import make_application
from hotline.config import Key
from hotline.db import Pool
from hotline.desk import Desk
from hotline.live import Live
from hotline.predictor import Predictor
from hotline.store import Store
from hotline.vault import Vault

PASSWORD = "correct horse"
MONDAY = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)  # 09:00 in Fujian
PHONE = "13812345678"
PEOPLE = {
    "agent": (Role.AGENT, "hotline"),
    "dispatcher": (Role.DISPATCHER, "hotline"),
    "interviewer": (Role.FOLLOW_UP, "hotline"),
    "supervisor": (Role.SUPERVISOR, "hotline"),
    "analyst": (Role.ANALYST, "hotline"),
    "roads": (Role.HANDLER, "jtj"),
    "city": (Role.HANDLER, "cgj"),
    "county": (Role.HANDLER, "q01"),
    "town": (Role.HANDLER, "q0103"),
    "discipline": (Role.HANDLER, "jwj"),
}


@dataclass
class Clock:
    """The service's clock in the hands of the test."""

    now: datetime = MONDAY

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **much: float) -> None:
        self.now += timedelta(**much)


@dataclass
class House:
    """The running service, with everybody logged in."""

    client: TestClient[Any, Any]
    desk: Desk
    clock: Clock
    tokens: dict[str, str]

    async def log_in(self) -> None:
        for id_ in PEOPLE:
            response = await self.client.post("/api/v1/sessions", json={"person": id_, "password": PASSWORD})
            self.tokens[id_] = (await response.json())["token"]

    async def ask(self, who: str, method: str, path: str, body: Any = None, status: int = 200) -> Any:
        headers = {"Authorization": f"Bearer {self.tokens[who]}"}
        response = await self.client.request(method, f"/api/v1{path}", json=body, headers=headers)
        answer = await response.json()
        assert response.status == status, answer
        return answer

    async def open(self, who: str = "agent", status: int = 201, **intake: Any) -> str:
        return str((await self.ask(who, "POST", "/tickets", intake, status))["id"])

    async def act(self, who: str, ticket: str, action: str, status: int = 200, **data: Any) -> Any:
        return await self.ask(who, "POST", f"/tickets/{ticket}/actions", {"action": action, **data}, status)

    async def see(self, who: str, ticket: str, status: int = 200) -> Any:
        return await self.ask(who, "GET", f"/tickets/{ticket}", status=status)


@pytest.fixture
async def house(pool: Pool) -> AsyncIterator[House]:
    clock = Clock()
    live = await Live.open(None)
    desk = Desk(Store(pool), Vault((Key("k1", b"k" * 32),)), live, Predictor(), clock)
    await office.found(desk, office.demonstration_city(), by="test")
    for id_, (role, department) in PEOPLE.items():
        person = auth.Person(id=id_, name=id_, role=role, department=department)
        await auth.create_person(desk, person, PASSWORD, hasher=auth.QUICK)
    settings = config.read({"HOTLINE_HOME": "/nonexistent"})
    async with TestClient(TestServer(make_application(desk, settings))) as client:
        house = House(client, desk, clock, {})
        await house.log_in()
        yield house
    await live.close()


def kinds(seen: Any) -> set[str]:
    return {clock["kind"] for clock in seen["clocks"] if clock["stopped_at"] is None}


REPLY: dict[str, Any] = {
    "received": "您反映的道路塌陷问题已收悉。",
    "findings": "经现场核查，情况属实，系地下管道渗漏所致。",
    "handling": "已完成管道修复并回填路面。",
    "follows": "如有疑问请致电 0596-2000000。",
    "genuine": True,
    "solved": True,
}


async def test_a_complaint_from_the_call_to_the_archive(house: House) -> None:  # noqa: PLR0915 - one story, told in order
    # 受理: an agent takes the call; the caller's number is masked for everybody.
    ticket = await house.open(
        text="学府路口路面塌陷，电动车差点掉下去，我电话13812345678",
        type="complaint",
        area="0103",
        name="陈大海",
        phone=PHONE,
    )
    seen = await house.see("agent", ticket)
    assert seen["state"] == "received"
    assert "dispatch" in kinds(seen)
    assert PHONE not in str(seen)
    again = await house.ask("agent", "POST", "/callers/search", {"phone": PHONE})
    assert [row["id"] for row in again] == [ticket]

    # 转办: sent wrongly first; the unit returns it in time, with reason and basis, and it never goes back there.
    house.clock.forward(minutes=10)
    await house.act("dispatcher", ticket, "amend", category="050901", reason="道路")
    await house.act("dispatcher", ticket, "dispatch", lead="cgj")
    await house.see("roads", ticket, status=404)
    house.clock.forward(hours=1)
    asked: dict[str, Any] = {
        "reason_code": "wrong_duty",
        "reason": "非市政道路",
        "basis": "三定规定",
        "suggested": "jtj",
    }
    await house.act("city", ticket, "ask_return", assignment=1, **asked)
    await house.act("dispatcher", ticket, "decide", request=1, approve=True, answer="同意")
    refused = await house.act("dispatcher", ticket, "dispatch", status=409, lead="cgj")
    assert refused["error"]["facts"]["rule"] == "returned_before"

    # 研判: nobody agrees, so it is judged jointly and designated, with a co-handler.
    await house.act("dispatcher", ticket, "analyse", why="道路权属不清")
    assert kinds(await house.see("analyst", ticket)) == {"analysis"}
    house.clock.forward(hours=2)
    await house.act("dispatcher", ticket, "designate", lead="jtj", co=["q01"], basis="联席研判：公路属交通部门")

    # 办结: sign, contact, send on to the street, extend, and reply only when everybody has.
    await house.act("roads", ticket, "accept", assignment=2)
    late = await house.act("roads", ticket, "ask_return", status=409, assignment=2, **asked | {"suggested": None})
    assert late["error"]["facts"]["rule"] == "designated_cannot_return"
    await house.act("roads", ticket, "contact", assignment=2, how="电话联系，已说明进展")
    await house.act("county", ticket, "accept", assignment=3)
    await house.act("county", ticket, "sub_dispatch", assignment=3, departments=["q0103"], note="现场围挡")
    before = await house.see("roads", ticket)
    await house.act("roads", ticket, "ask_extension", assignment=2, working_days=5, reason="需要采购管材")
    await house.act("dispatcher", ticket, "decide", request=2, approve=True, answer="同意，请告知诉求人")
    after = await house.see("roads", ticket)
    due = {"before": before, "after": after}
    assert _reply_due(due["after"]) > _reply_due(due["before"])
    gate = await house.act("roads", ticket, "reply", status=409, assignment=2, **REPLY)
    assert gate["error"]["facts"]["rule"] == "co_handlers_still_working"
    await house.act("town", ticket, "accept", assignment=4)
    await house.act("town", ticket, "reply", assignment=4, **REPLY)
    await house.act("county", ticket, "reply", assignment=3, **REPLY)

    # A second caller rings about the same hole: one job, two call-backs.
    second = await house.open(
        text="学府路口那个坑什么时候补", type="complaint", area="0103", name="林红", phone="13900000001"
    )
    await house.act("dispatcher", second, "merge", into=int(ticket), reason="同一处塌陷")
    assert len((await house.see("agent", ticket))["callers"]) == 2
    third = await house.open(text="另一条路的坑", type="complaint", area="0103", name="王五", phone="13900000002")
    await house.act("dispatcher", third, "merge", into=int(ticket), reason="误判")
    await house.act("dispatcher", third, "unmerge", reason="不是同一条路")
    assert len((await house.see("agent", ticket))["callers"]) == 2

    # 督办: the watcher finds it overdue, the supervisor presses and orders, the unit answers.
    house.clock.forward(days=40)
    await house.log_in()
    while await tickets.look(house.desk):
        pass
    await worker.deliver(house.desk)
    told = await house.ask("roads", "GET", "/notices")
    assert {"overdue", "urge_slip", "listed"} <= {notice["kind"] for notice in told}
    await house.act("supervisor", ticket, "urge", assignment=2, note="已超期")
    await house.act("supervisor", ticket, "urge", status=409, assignment=2)
    lower = await house.act("supervisor", ticket, "supervise", 409, assignment=2, rung="order", demand="三日内办结")
    assert lower["error"]["facts"]["rule"] == "ordered_already"
    await house.act("supervisor", ticket, "supervise", assignment=2, rung="summoned", demand="到热线中心说明")
    await house.act("roads", ticket, "answer_order", order=2, answer="正在办")
    await house.act("supervisor", ticket, "return_order", order=2, reason="没有措施和期限")
    await house.act("roads", ticket, "answer_order", order=2, answer="管材已到，今日完工")
    await house.act("supervisor", ticket, "accept_order", order=2)
    await house.act("roads", ticket, "claim_exemption", order=2, ground="circumstance", reason="台风停工十日")
    await house.act("supervisor", ticket, "decide_exemption", order=2, approve=True, answer="有气象证明")
    await house.act("roads", ticket, "reply", assignment=2, **REPLY)

    # Review and follow-up: the first caller is not satisfied, so it is done again.
    await house.act("interviewer", ticket, "pass_review")
    answers: dict[str, Any] = {"contact": "reached", "contacted": True, "genuine": True, "process": "good"}
    await house.act("interviewer", ticket, "visit", caller=1, **answers, solved=False, result="bad", redo=True)
    seen = await house.see("roads", ticket)
    assert seen["cycle"] == 1
    assert "redo" in kinds(seen)
    await house.act("roads", ticket, "contact", assignment=2, how="现场见面")
    await house.act("roads", ticket, "reply", assignment=2, **REPLY)
    await house.act("interviewer", ticket, "pass_review")
    await house.act("interviewer", ticket, "visit", caller=1, **answers, solved=True, result="good")
    await house.act("interviewer", ticket, "visit", caller=2, contact="no_answer")
    house.clock.forward(hours=5)
    await house.act("interviewer", ticket, "visit", caller=2, **answers, solved=True, result="good")

    # The archive: closed, with nothing running, late for ever where it was late, and every step there.
    seen = await house.see("supervisor", ticket)
    assert (seen["state"], seen["outcome"]) == ("closed", "resolved")
    assert kinds(seen) == set()
    assert [event["number"] for event in seen["events"]] == list(range(1, seen["version"] + 1))
    late_reply = next(clock for clock in seen["clocks"] if clock["kind"] == "reply" and clock["subject"] == 2)
    assert late_reply["stopped_at"] > late_reply["due_at"]


def _reply_due(seen: Any) -> str:
    return str(next(clock["due_at"] for clock in seen["clocks"] if clock["kind"] == "reply" and clock["subject"] == 2))


async def test_a_confidential_report_never_shows_its_caller_to_a_department(house: House) -> None:
    report: dict[str, Any] = {
        "type": "report",
        "category": "130200",
        "reported": "cgj",
        "name": "郑保密",
        "phone": PHONE,
        "address": "幸福路1号",
    }
    ticket = await house.open(text="举报城管局某科长收受商户好处费，请务必为我保密", confidential=True, **report)

    # The machine does not send it, and nobody may send it to the unit that it is about.
    assert (await house.see("dispatcher", ticket))["state"] == "received"
    refused = await house.act("dispatcher", ticket, "dispatch", status=409, lead="cgj")
    assert refused["error"]["facts"]["rule"] == "reported_unit"
    await house.act("dispatcher", ticket, "dispatch", lead="jwj")

    # The handling unit sees the matter and never the caller, whatever reason it gives; the reported one sees nothing.
    seen = await house.see("discipline", ticket)
    assert seen["callers"][0]["withheld"] is True
    for secret in ("郑保密", "郑", PHONE, "幸福路"):
        assert secret not in str(seen)
    unmask = f"/tickets/{ticket}/callers/1/unmask"
    await house.ask("discipline", "POST", unmask, {"reason": "需要联系举报人"}, status=403)
    await house.see("city", ticket, status=404)
    assert await house.ask("city", "GET", "/search?q=好处费") == []

    # The hotline may, for a reason that stays.
    shown = await house.ask("interviewer", "POST", unmask, {"reason": "回访举报人"})
    assert shown["phone"] == PHONE
    trace = await house.desk.store.fetch("audit_of_ticket", ticket_id=int(ticket))
    assert [(row["person"], row["reason"]) for row in trace] == [("interviewer", "回访举报人")]
