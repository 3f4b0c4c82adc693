"""Answers that a unit vouches for: written by one, published by another, never overwritten, offered while true."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import asyncpg
import pytest

from dispatch import actions as do
from dispatch.model import Actor, Role
from hotline import advice, knowledge, tickets
from hotline.db import Pool, connection
from hotline.desk import Desk
from hotline.errors import BadInput, Forbidden, NotFound
from hotline.knowledge import Entry, Index
from tests.city import AGENT, NOW, Clock, handler, intake, small_desk

ONE = Actor("one", Role.ANALYST, "hotline")
OTHER = Actor("other", Role.SUPERVISOR, "hotline")
LAMP = Entry(
    code="K1",
    question="路灯不亮报给谁修",
    answer="请说明灯杆编号，四十八小时内修复。",
    department="cgj",
    category="050902",
    basis="照明管理办法",
    reason="群众常问",
)


@pytest.fixture
async def clock() -> Clock:
    return Clock()


@pytest.fixture
async def desk(pool: Pool, clock: Clock) -> AsyncIterator[Desk]:
    async with small_desk(pool, clock=clock) as desk:
        yield desk


async def published(desk: Desk, entry: Entry = LAMP, based_on: int = 0) -> str:
    """Publish an entry and return its code."""
    id_ = await knowledge.draft(desk, entry, ONE, based_on=based_on)
    await knowledge.publish(desk, id_, OTHER)
    row, _ = await knowledge.drafted(desk, id_, ONE)
    return str(row["code"])


async def offered(desk: Desk, said: str, category: str = "") -> list[str]:
    kinds = [(category, 1.0)] if category else []
    return [one.reference for one in await knowledge.offer(desk, said, kinds)]


async def test_what_one_writes_another_publishes_and_then_it_is_offered(desk: Desk) -> None:
    id_ = await knowledge.draft(desk, LAMP, ONE)
    assert await offered(desk, "家门口的路灯不亮，报给谁修啊") == []
    with pytest.raises(Forbidden):
        await knowledge.publish(desk, id_, replace_role(ONE, Role.SUPERVISOR))

    assert await knowledge.publish(desk, id_, OTHER) == 1

    assert await offered(desk, "家门口的路灯不亮，报给谁修啊") == ["K1@1"]
    with pytest.raises(NotFound):
        await knowledge.publish(desk, id_, OTHER)


def replace_role(actor: Actor, role: Role) -> Actor:
    return replace(actor, role=role)


@pytest.mark.parametrize("actor", [AGENT, handler("cgj")])
async def test_agents_and_departments_read_and_do_not_write(desk: Desk, actor: Actor) -> None:
    await published(desk)

    assert len(await knowledge.search(desk, "路灯", actor)) == 1
    with pytest.raises(Forbidden):
        await knowledge.draft(desk, LAMP, actor)
    with pytest.raises(Forbidden):
        await knowledge.search(desk, "路灯", Actor("1", Role.CITIZEN, ""))


async def test_a_change_is_a_new_version_and_the_old_one_stays(desk: Desk) -> None:
    code = await published(desk)

    await published(desk, replace(LAMP, code=code, answer="现在二十四小时内修复。"), based_on=1)

    rows = await knowledge.versions(desk, code, AGENT)
    assert [(row["version"], row["answer"]) for row in rows] == [(2, "现在二十四小时内修复。"), (1, LAMP.answer)]
    assert await offered(desk, LAMP.question) == [f"{code}@2"]
    assert [row["version"] for row in await knowledge.search(desk, "路灯", AGENT, everything=True)] == [2]


async def test_an_entry_without_a_code_gets_the_next_number(desk: Desk) -> None:
    first, second = [await published(desk, replace(LAMP, code="")) for _ in range(2)]

    assert int(second[1:]) == int(first[1:]) + 1


async def test_the_database_lets_nobody_overwrite_a_version(desk: Desk, pool: Pool) -> None:
    await published(desk)

    async with connection(pool) as raw:
        with pytest.raises(asyncpg.IntegrityConstraintViolationError, match="append-only"):
            await raw.execute("UPDATE knowledge SET answer = '改了'")


async def test_a_version_of_tomorrow_leaves_todays_in_force(desk: Desk, clock: Clock) -> None:
    code = await published(desk)
    await published(desk, replace(LAMP, code=code, answer="新规定", valid_from=NOW + timedelta(days=1)), based_on=1)

    assert await offered(desk, LAMP.question) == [f"{code}@1"]

    clock.now = NOW + timedelta(days=1)
    assert await offered(desk, LAMP.question) == [f"{code}@2"]


async def test_what_is_past_its_time_is_marked_and_not_offered(desk: Desk, clock: Clock) -> None:
    code = await published(desk, replace(LAMP, valid_until=NOW + timedelta(hours=1)))
    assert await offered(desk, LAMP.question) == [f"{code}@1"]

    clock.now = NOW + timedelta(hours=1)

    assert await offered(desk, LAMP.question) == []
    assert await knowledge.search(desk, "路灯", AGENT) == []
    assert len(await knowledge.search(desk, "路灯", AGENT, everything=True)) == 1


async def test_what_was_retired_is_not_offered_and_may_be_written_anew(desk: Desk) -> None:
    code = await published(desk)
    ending = Entry(code=code, question="", answer="", department="", retired=True, reason="职责已调整")

    await published(desk, ending, based_on=1)

    assert await offered(desk, LAMP.question) == []
    assert (await knowledge.versions(desk, code, AGENT))[0]["answer"] == LAMP.answer
    with pytest.raises(BadInput, match="retired already"):
        await knowledge.draft(desk, ending, ONE, based_on=2)
    await published(desk, replace(LAMP, code=code), based_on=2)
    assert await offered(desk, LAMP.question) == [f"{code}@3"]


async def test_of_two_who_change_an_entry_the_second_is_told(desk: Desk) -> None:
    code = await published(desk)
    await knowledge.draft(desk, replace(LAMP, code=code, answer="一"), ONE, based_on=1)

    with pytest.raises(BadInput, match="has a draft that waits"):
        await knowledge.draft(desk, replace(LAMP, code=code, answer="二"), OTHER, based_on=1)
    with pytest.raises(BadInput, match="rules no more"):
        await knowledge.draft(desk, replace(LAMP, code=code), ONE, based_on=0)


async def test_a_draft_whose_time_ran_out_is_not_published(desk: Desk, clock: Clock) -> None:
    id_ = await knowledge.draft(desk, replace(LAMP, valid_until=NOW + timedelta(hours=1)), ONE)
    clock.now = NOW + timedelta(hours=2)

    with pytest.raises(BadInput, match="lies in the past"):
        await knowledge.publish(desk, id_, OTHER)
    assert await knowledge.publish_some(desk, [id_, 99], OTHER) != []


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"question": " "}, "question"),
        ({"answer": "好" * 5001}, "answer"),
        ({"department": "nobody"}, "department"),
        ({"category": "999999"}, "category"),
        ({"reason": "改"}, "reason"),
        ({"answer": "a\x00b"}, "answer"),
        ({"valid_until": NOW}, "valid_until"),
        ({"code": "k 1"}, "code"),
    ],
)
async def test_what_cannot_be_taken_names_its_field(desk: Desk, changed: dict[str, object], field: str) -> None:
    with pytest.raises(BadInput) as refused:
        await knowledge.draft(desk, replace(LAMP, **changed), ONE)  # type: ignore[arg-type]

    assert refused.value.field == field


async def test_a_chosen_category_offers_its_entries_whatever_the_words(desk: Desk) -> None:
    code = await published(desk)

    assert await offered(desk, "想问一下", "050902") == [f"{code}@1"]
    assert await offered(desk, "想问一下", "050901") == []


def test_rare_words_count_for_more_than_what_every_question_says() -> None:
    rows = [
        (f"K{n}", f"{what}怎么办理要什么材料", "") for n, what in enumerate(("居住证", "护照", "社保卡", "户口迁移"))
    ]

    best = Index(rows).best("我想问问护照怎么办理要什么材料", (), 2)

    assert best[0][0] == "K1"
    assert best[0][1] > best[1][1] + 0.1
    assert Index([]).best("护照", (), 3) == []


async def test_a_suggestion_holds_the_knowledge_that_fits(desk: Desk) -> None:
    await published(desk)

    found = await advice.suggest(desk, advice.read({"text": "路灯不亮该报给谁修"}), AGENT)

    assert [(one.reference, one.answer) for one in found.knowledge] == [("K1@1", LAMP.answer)]


async def test_an_answer_keeps_the_version_that_it_used(desk: Desk) -> None:
    await published(desk)
    opened = await tickets.open_ticket(desk, intake(category="", text="路灯不亮报给谁修"), AGENT)

    await tickets.act(desk, opened.ticket_id, do.Answer(text="四十八小时内", knowledge="K1@1"), AGENT)

    seen = await tickets.view(desk, opened.ticket_id, AGENT)
    assert seen.events[-1]["data"] == {"text": "四十八小时内", "knowledge": "K1@1"}


@pytest.mark.parametrize("named", ["K1@2", "K2@1", "K1", "@1", "K1@1'"])
async def test_an_answer_refers_to_nothing_that_is_not_in_force(desk: Desk, named: str) -> None:
    await published(desk)
    opened = await tickets.open_ticket(desk, intake(category=""), AGENT)

    with pytest.raises(BadInput, match="not in force"):
        await tickets.act(desk, opened.ticket_id, do.Answer(text="四十八小时内", knowledge=named), AGENT)

    assert len((await tickets.view(desk, opened.ticket_id, AGENT)).events) == 1


# --- files ------------------------------------------------------------------------------------------------------------

FILE = """编号,问题,答复,分类,单位,依据,生效日期,失效日期
K1,路灯不亮报给谁修,四十八小时内修复,路灯,市城市管理局,办法,2026-01-01,
K2,招生什么时候报名,六月网上报名,010203,jyj,,,2027-06-30
,没有编号的问题,答复,,jyj,,,
K4,单位写错,答复,,不存在,,,
K1,编号重复,答复,,jyj,,,
"""


async def test_a_file_is_compared_drafted_and_known_again(desk: Desk) -> None:
    found = await knowledge.compare(desk, FILE, reason="年度更新")
    assert [one.what for one in found] == ["new", "new", "new", "rejected", "rejected"]

    drafted = await knowledge.take_in(desk, found, ONE)
    told = await knowledge.publish_some(desk, drafted, OTHER)

    assert [error for _, error in told] == [None, None, None]
    rows = await knowledge.versions(desk, "K2", AGENT)
    assert knowledge.day_ends("2027-06-30", "valid_until") == rows[0]["valid_until"]
    again = await knowledge.compare(desk, FILE.replace("六月网上", "五月网上"), reason="年度更新")
    assert [(one.what, one.based_on) for one in again[:3]] == [("same", 1), ("changed", 1), ("same", 1)]


async def test_a_file_without_its_columns_is_refused(desk: Desk) -> None:
    with pytest.raises(BadInput, match="lack"):
        await knowledge.compare(desk, "题目,回答\n1,2\n", reason="年度更新")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_a_file_is_read_as_offices_save_it(tmp_path: Path, encoding: str) -> None:
    file = tmp_path / "answers.csv"
    file.write_bytes(FILE.encode(encoding))

    assert knowledge.text_of(file) == FILE


def test_a_file_that_is_not_there_or_no_text_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "answers.csv"
    with pytest.raises(BadInput, match="is not there"):
        knowledge.text_of(file)
    file.write_bytes(b"\xff\xff\xff")
    with pytest.raises(BadInput, match="neither UTF-8 nor"):
        knowledge.text_of(file)
