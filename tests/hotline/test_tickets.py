"""The one door: idempotent, atomic, honest about what moved, and never letting two people win the same race."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest

from dispatch import actions as do
from dispatch.errors import DispatchError, Rule, RuleBroken
from dispatch.lifecycle import step
from dispatch.model import Actor, ReturnReason, Role, Rung, TicketState, TicketType
from hotline import drafts, inbox, reports, tickets
from hotline.db import Pool
from hotline.desk import Desk
from hotline.errors import BadInput, StaleTicket, Unavailable
from hotline.pairs import grams, sample
from hotline.predictor import Judgement, Predictor
from hotline.store import RECORDED_AT_ONCE, Matter
from tests.city import AGENT, DISPATCHER, NOW, SUPERVISOR, handler, intake, small_desk


class FixedModel(Predictor):
    """A predictor that gives every text the same judgement and counts how often it is asked."""

    def __init__(self, category: str, probability: float, **more: Any) -> None:
        super().__init__()
        plain = Judgement(((category, probability),), "complaint", "normal", (), ("坑",), "fixed-1")
        self._judgement = replace(plain, **more)
        self.asked = 0

    async def judge(self, texts: Any) -> list[Judgement | None]:
        self.asked += 1
        return [self._judgement for _ in texts]


@pytest.fixture
async def desk(pool: Pool) -> AsyncIterator[Desk]:
    async with small_desk(pool) as desk:
        yield desk


async def test_the_same_outside_number_twice_is_the_same_ticket(desk: Desk) -> None:
    upstream = intake(source="province", outside_id="P-1")

    first, *others = await asyncio.gather(*(tickets.open_ticket(desk, upstream, AGENT) for _ in range(6)))

    assert {one.ticket_id for one in others} == {first.ticket_id}
    assert sum(one.is_new for one in (first, *others)) == 1


async def test_ticket_numbers_are_unique_18_digits_and_ordered_in_time(desk: Desk) -> None:
    opened = await asyncio.gather(*(tickets.open_ticket(desk, intake(), AGENT) for _ in range(250)))

    numbers = [one.ticket_id for one in opened]
    assert len(set(numbers)) == 250
    assert all(len(str(number)) == 18 and str(number).startswith("261123100000") for number in numbers)


async def test_a_confirmed_category_is_dispatched_at_intake(desk: Desk) -> None:
    opened = await tickets.open_ticket(desk, intake(category="050901"), AGENT)

    file = await desk.store.file(opened.ticket_id)
    assert file.ticket.state is TicketState.HANDLING
    assert file.matter.suggestion is not None
    assert file.matter.suggestion["trace"]["basis"]


async def test_a_kind_that_the_city_does_not_have_holds_up_no_ticket(desk: Desk) -> None:
    """A model of the shipped corpus thinks of kinds that a city with a list of its own never had."""
    desk.predictor = FixedModel("050999", 0.97)
    opened = await tickets.open_ticket(desk, intake(type="complaint"), AGENT)

    assert await tickets.judge(desk) == 1

    file = await desk.store.file(opened.ticket_id)
    assert (file.ticket.category, file.matter.judged) == (None, True)
    assert file.matter.suggestion is not None
    assert file.matter.suggestion["trace"]["reason"] == "no_category"


@pytest.mark.parametrize(
    "judged",
    [
        {"type": "report"},  # the form on the web asks nobody for a type
        {"risks": ("secret",), "risk_words": ("绝密",)},
    ],
)
async def test_what_the_model_takes_for_a_report_or_a_secret_is_left_to_a_person(
    desk: Desk, judged: dict[str, Any]
) -> None:
    desk.predictor = FixedModel("050901", 0.99, **judged)
    opened = await tickets.open_ticket(desk, intake(type=None), AGENT)

    await tickets.judge(desk)

    file = await desk.store.file(opened.ticket_id)
    assert file.ticket.state is TicketState.RECEIVED
    assert file.matter.suggestion is not None
    assert file.matter.suggestion["trace"]["reason"] == "guarded"
    assert file.matter.suggestion["candidates"][0]["department"] == "jtj"


async def test_words_of_a_secret_keep_the_machine_from_sending_what_an_agent_files(desk: Desk) -> None:
    words = [{"word": "绝密文件", "risk": "secret", "level": "urgent"}]
    number = await drafts.draft(desk, "risk_words", words, SUPERVISOR, source="保密要求")
    await drafts.publish(desk, number, replace(SUPERVISOR, person="other"))

    opened = await tickets.open_ticket(desk, intake(text="路边有一袋绝密文件", category="050901"), AGENT)

    file = await desk.store.file(opened.ticket_id)
    assert file.ticket.state is TicketState.RECEIVED
    assert file.matter.suggestion is not None
    assert file.matter.suggestion["trace"]["reason"] == "guarded"


async def given_back(desk: Desk, ticket_id: int, department: str) -> Matter:
    """Let the lead return the ticket with approval, and return what stands on it then."""
    asked = do.AskReturn(assignment=1, reason_code=ReturnReason.WRONG_DUTY, reason="不是", basis="三定", suggested=None)
    await tickets.act(desk, ticket_id, asked, handler(department))
    await tickets.act(desk, ticket_id, do.Decide(request=1, approve=True, answer="同意"), DISPATCHER)
    return (await desk.store.file(ticket_id)).matter


async def test_what_comes_back_waits_with_new_candidates_and_keeps_why_it_was_sent(desk: Desk) -> None:
    desk.predictor = FixedModel("050901", 0.95, categories=(("050901", 0.95), ("050902", 0.04)))
    id_ = (await tickets.open_ticket(desk, intake(), AGENT)).ticket_id
    await tickets.judge(desk)

    kept = (await given_back(desk, id_, "jtj")).suggestion

    assert kept is not None
    assert (kept["trace"]["reason"], kept["sent"]) == ("returned_it", False)
    assert [one["department"] for one in kept["candidates"]] == ["cgj", "q01"]
    assert [(one["model"], one["basis"], one["reason"]) for one in kept["earlier"]] == [("fixed-1", "公路法第八条", "")]
    assert await tickets.judge(desk) == 0  # a person sends it


async def test_candidates_follow_what_a_waiting_ticket_turns_out_to_be(desk: Desk) -> None:
    desk.predictor = FixedModel("050901", 0.5)
    id_ = (await tickets.open_ticket(desk, intake(), AGENT)).ticket_id
    await tickets.judge(desk)

    await tickets.act(desk, id_, do.Amend(category="050902", reason="是路灯"), DISPATCHER)

    kept = (await desk.store.file(id_)).matter.suggestion
    assert kept is not None
    assert [one["department"] for one in kept["candidates"]] == ["cgj", "q01", "jtj"]


async def test_the_worker_judges_in_batches_and_sends_only_what_is_sure(desk: Desk) -> None:
    opened = [(await tickets.open_ticket(desk, intake(), AGENT)).ticket_id for _ in range(5)]

    desk.predictor = model = FixedModel("050901", 0.5)
    assert await tickets.judge(desk) == 5
    assert model.asked == 1
    file = await desk.store.file(opened[0])
    assert file.ticket.state is TicketState.RECEIVED
    assert file.matter.suggestion is not None
    assert file.matter.suggestion["candidates"]

    sure = (await tickets.open_ticket(desk, intake(), AGENT)).ticket_id
    desk.predictor = FixedModel("050901", 0.99)
    await tickets.judge(desk)
    assert (await desk.store.file(sure)).ticket.state is TicketState.HANDLING
    assert await tickets.judge(desk) == 0


async def test_two_actors_racing_on_the_same_ticket_never_both_win(desk: Desk) -> None:
    for _ in range(10):
        opened = await tickets.open_ticket(desk, intake(), AGENT)
        await tickets.act(desk, opened.ticket_id, do.Amend(category="050901", reason="r"), DISPATCHER)
        rivals = [do.Dispatch(lead=lead) for lead in ("jtj", "cgj", "q01", "q02")] + [do.Withdraw(reason="r")]

        results = await asyncio.gather(
            *(tickets.act(desk, opened.ticket_id, rival, DISPATCHER, expected=2) for rival in rivals),
            return_exceptions=True,
        )

        assert sum(not isinstance(result, BaseException) for result in results) == 1
        losers = [result for result in results if isinstance(result, BaseException)]
        assert all(isinstance(result, StaleTicket | DispatchError) for result in losers)
    assert not any((await reports.invariants(desk)).values())


async def test_a_stale_page_is_told_what_changed(desk: Desk) -> None:
    opened = await tickets.open_ticket(desk, intake(), AGENT)
    await tickets.act(desk, opened.ticket_id, do.Supplement(text="又来电"), AGENT)

    with pytest.raises(StaleTicket) as stale:
        await tickets.act(desk, opened.ticket_id, do.Analyse(why="x"), DISPATCHER, expected=1)
    assert [change["action"] for change in stale.value.changes] == ["supplement"]


async def test_two_merges_crosswise_do_not_wait_for_each_other_for_ever(desk: Desk) -> None:
    one, other = [(await tickets.open_ticket(desk, intake(), AGENT)).ticket_id for _ in range(2)]

    results = await asyncio.gather(
        tickets.act(desk, one, do.Merge(into=other, reason="same"), DISPATCHER),
        tickets.act(desk, other, do.Merge(into=one, reason="same"), DISPATCHER),
        return_exceptions=True,
    )

    assert sum(isinstance(result, DispatchError) for result in results) == 1
    assert not any((await reports.invariants(desk, [one, other])).values())


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"text": "\x00坏"}, "text"),  # NUL
        ({"text": "长" * 20_001}, "text"),  # too long
        ({"text": "  "}, "text"),  # nothing said
        ({"category": "999998"}, "category"),  # unknown code
        ({"area": "77"}, "area"),
        ({"type": "grumble"}, "type"),
        ({"phone": "12"}, "phone"),
        ({"received_at": "2027-01-01T00:00:00+08:00"}, "received_at"),  # the future
        ({"received_at": "yesterday"}, "received_at"),
        ({"source": "province"}, "outside_id"),  # upstream without its number
        ({"surprise": "x"}, "surprise"),  # unknown field
        ({"confidential": "perhaps"}, "confidential"),
    ],
)
async def test_bad_input_says_which_field_and_leaves_nothing_behind(
    desk: Desk, values: dict[str, Any], field: str
) -> None:
    with pytest.raises(BadInput) as bad:
        await tickets.open_ticket(desk, intake(**values), AGENT)

    assert bad.value.field == field
    assert await desk.store.fetch("ticket_ids", after=0, most=1) == []


@pytest.mark.parametrize("phone", ["138 1234 5678", "+86 13812345678", "0086-138-1234-5678", "１３８１２３４５６７８"])
async def test_a_phone_number_is_one_number_however_it_is_written(desk: Desk, phone: str) -> None:
    opened = await tickets.open_ticket(desk, intake(phone=phone), AGENT)

    found = await tickets.tickets_of_phone(desk, "13812345678", AGENT)
    assert [row["id"] for row in found] == [opened.ticket_id]


async def test_personal_data_lie_in_no_column_in_clear(desk: Desk) -> None:
    secrets = {"name": "欧阳测试", "phone": "13812345678", "address": "幸福路12号3栋"}
    opened = await tickets.open_ticket(desk, intake(text="我的电话13812345678，路上有坑", **secrets), AGENT)
    await tickets.act(desk, opened.ticket_id, do.Supplement(text="改打 138-1234-5678"), AGENT)

    async with desk.store.pool.acquire() as connection:
        for table in ("tickets", "callers", "events", "notices", "assignments", "clocks"):
            for row in await connection.fetch(f"SELECT t::text AS row FROM {table} t"):
                for secret in (*secrets.values(), "138-1234-5678"):
                    assert secret not in row["row"], table


async def test_words_of_danger_reach_the_supervisors_at_once(desk: Desk) -> None:
    opened = await tickets.open_ticket(desk, intake(text="楼上有人要跳楼，快来"), AGENT)
    await tickets.open_ticket(desk, intake(text="路灯不亮"), AGENT)

    told = await inbox.page(desk, Actor("x", Role.SUPERVISOR, "hotline"), most=50)
    assert [(row["ticket_id"], row["kind"]) for row in told] == [(opened.ticket_id, "risk")]


async def test_a_danger_that_only_the_model_sees_reaches_the_supervisors_once_with_its_words(desk: Desk) -> None:
    desk.predictor = FixedModel("050901", 0.5, risks=("life",), risk_words=("墙裂",))
    opened = await tickets.open_ticket(desk, intake(text="教学楼的墙裂得能伸进手"), AGENT)

    await tickets.judge(desk)
    await tickets.judge(desk)

    told = await inbox.page(desk, Actor("x", Role.SUPERVISOR, "hotline"), most=50)
    (file,) = await desk.store.files([opened.ticket_id])
    assert [(row["ticket_id"], row["kind"]) for row in told] == [(opened.ticket_id, "risk_seen")]
    assert file.matter.suggestion is not None
    assert (file.matter.suggestion["risks"], file.matter.suggestion["risk_words"]) == (["life"], ["墙裂"])


async def test_the_original_words_are_shown_with_the_caller_for_a_reason(desk: Desk) -> None:
    said = "出租车闽D12345拒载，我电话13812345678"
    opened = await tickets.open_ticket(desk, intake(text=said, phone="13812345678"), AGENT)

    assert "12345拒载" not in (await desk.store.file(opened.ticket_id)).matter.text
    shown = await tickets.unmask(desk, opened.ticket_id, 1, AGENT, "核对车牌号码")
    assert shown.original == said


async def test_a_two_character_word_is_found_by_its_index(desk: Desk) -> None:
    for number in range(300):
        await tickets.open_ticket(desk, intake(text=f"第{number}件小事，门口的路灯不亮"), AGENT)
    wanted = await tickets.open_ticket(desk, intake(text="井盖没了"), AGENT)

    assert str(wanted.ticket_id) in await desk.store.search("井盖", departments=None)
    assert await desk.store.search("井盖", departments=["jtj"]) == "[]"
    async with desk.store.pool.acquire() as connection, connection.transaction():
        await connection.execute("SET LOCAL enable_seqscan = off")
        plan = await connection.fetch("EXPLAIN SELECT ticket_id FROM ticket_grams WHERE grams @> $1", grams("井盖"))
    assert "tickets_by_gram" in str(plan)


async def test_a_unit_sees_first_what_it_should_have_signed_already(desk: Desk) -> None:
    signed = (await tickets.open_ticket(desk, intake(category="050901"), DISPATCHER)).ticket_id
    waiting = (await tickets.open_ticket(desk, intake(category="050901"), DISPATCHER)).ticket_id
    (unit,) = {one.department for one in (await desk.store.file(signed)).ticket.assignments}
    await tickets.act(desk, signed, do.Accept(assignment=1), handler(unit))
    await tickets.act(desk, signed, do.Reach(assignment=1, how="10:20 致电本人手机，本人接听"), handler(unit))

    late = desk.now() + timedelta(days=2)
    key = {"after_due": datetime.min.replace(tzinfo=UTC), "after_id": 0, "most": 9}
    by_interface = await desk.store.fetch_value("board_of_department", department=unit, **key)
    shown = await desk.store.fetch_row(
        "department_page", department=unit, role="handler", units=[unit], at=late, notices=1, **key
    )

    assert [(int(line["id"]), line["owes"]) for line in orjson.loads(by_interface)] == [
        (waiting, "sign"),
        (signed, "reply"),
    ]
    assert shown is not None
    assert (shown["open"], shown["late"]) == (2, 1)
    assert shown["page"] == by_interface


async def test_the_watcher_finds_each_thing_once_and_changes_no_state(desk: Desk) -> None:
    opened = await tickets.open_ticket(desk, intake(category="050901"), AGENT)
    before = (await desk.store.file(opened.ticket_id)).ticket
    desk.clock = lambda: NOW + timedelta(days=60)

    while await tickets.look(desk):
        pass
    desk.clock = lambda: NOW + timedelta(days=61)
    while await tickets.look(desk):
        pass

    _states, _outcomes, findings = await reports.tallies(desk)
    after = (await desk.store.file(opened.ticket_id)).ticket
    late = [clock for clock in before.clocks if clock.kind.is_duty and clock.is_running]
    assert findings["overdue"] == len(late)
    assert [order.rung for order in after.orders] == [Rung.LISTED], "both rungs were due: the higher one speaks"
    assert (after.state, after.assignments) == (before.state, before.assignments)


async def test_an_event_is_never_older_than_the_one_before(desk: Desk) -> None:
    opened = await tickets.open_ticket(desk, intake(), AGENT)
    desk.clock = lambda: NOW - timedelta(minutes=5)  # a node whose clock is behind

    ticket = await tickets.act(desk, opened.ticket_id, do.Analyse(why="x"), DISPATCHER)

    assert ticket.entered_at == NOW
    assert ticket.type is TicketType.COMPLAINT


async def test_one_ticket_that_cannot_be_sent_holds_up_no_other(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    barred, other = [(await tickets.open_ticket(desk, intake(), AGENT)).ticket_id for _ in range(2)]
    desk.predictor = FixedModel("050901", 0.99)
    judged_moves = tickets._judged_moves

    def refusing(ticket: Any, *rest: Any) -> Any:
        if ticket.id == barred:
            raise RuleBroken(ticket.id, Rule.UNKNOWN_DEPARTMENT)
        return judged_moves(ticket, *rest)

    monkeypatch.setattr(tickets, "_judged_moves", refusing)

    assert await tickets.judge(desk) == 2
    assert (await desk.store.file(barred)).ticket.state is TicketState.RECEIVED
    assert (await desk.store.file(other)).ticket.state is TicketState.HANDLING


async def test_tickets_sent_together_each_have_every_event_of_a_single_one_in_its_order(desk: Desk) -> None:
    alone = (await tickets.open_ticket(desk, intake(), AGENT)).ticket_id
    desk.predictor = FixedModel("050901", 0.99)
    await tickets.judge(desk)
    together = [(await tickets.open_ticket(desk, intake(), AGENT)).ticket_id for _ in range(2 * RECORDED_AT_ONCE)]

    assert await tickets.judge(desk) == len(together)

    async def told(ticket_id: int) -> list[tuple[Any, ...]]:
        async with desk.store.pool.acquire() as connection:
            events = await connection.fetch("SELECT * FROM events WHERE ticket_id = $1 ORDER BY number", ticket_id)
            notices = await connection.fetch(
                "SELECT department, kind FROM notices WHERE ticket_id = $1 ORDER BY key", ticket_id
            )
        return [(row["number"], row["action"], row["state"], row["data"]) for row in events] + [*map(tuple, notices)]

    single = await told(alone)
    assert [action for _, action, *_ in single[:3]] == ["receive", "amend", "dispatch"]
    assert all([await told(one) == single for one in together])


async def test_of_moves_that_are_written_together_none_stays_when_one_ticket_has_moved(desk: Desk) -> None:
    rulebook = await desk.rulebook()
    quiet, busy = [(await tickets.open_ticket(desk, intake(), AGENT)).ticket_id for _ in range(2)]
    amend = do.Amend(category="050901", reason="r")
    moves = [
        (step((await desk.store.file(one)).ticket, amend, DISPATCHER, at=NOW, rulebook=rulebook), ())
        for one in (quiet, busy)
    ]
    await tickets.act(desk, busy, do.Amend(category="050902", reason="r"), DISPATCHER)

    with pytest.raises(Unavailable):
        async with desk.store.transaction() as transaction:
            await transaction.record_all(moves, rulebook=rulebook)

    assert (await desk.store.file(quiet)).ticket.category is None
    assert (await desk.store.file(busy)).ticket.category == "050902"


@pytest.mark.parametrize("length", [2, 30, 49, 50, 400])
async def test_the_sample_of_a_text_is_the_same_here_and_in_the_database(desk: Desk, length: int) -> None:
    pairs = grams("".join(chr(0x4E00 + 37 * at % 9000) for at in range(length)))

    async with desk.store.pool.acquire() as connection:
        kept = await connection.fetchval("SELECT sample_of($1::integer[])", pairs)

    assert sorted(kept) == sorted(sample(pairs))
