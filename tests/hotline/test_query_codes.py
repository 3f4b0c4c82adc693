"""Query codes for callers who ring: read out once, given anew after a check, each opening only the own matter."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from dispatch import actions as do
from dispatch.model import Actor, Role
from hotline import citizens, tickets
from hotline.db import Pool, connection
from hotline.desk import Desk
from hotline.errors import BadCode, BadInput, Forbidden, NotFound
from hotline.shelf import Folder
from tests.city import AGENT, DISPATCHER, Clock, handler, intake, small_desk

MATE = Actor("mate", Role.AGENT, "hotline")
WHY: dict[str, Any] = {"reason": "诉求人忘了查询码", "checked": "number"}


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def desk(pool: Pool, clock: Clock, tmp_path: Path) -> AsyncIterator[Desk]:
    async with small_desk(pool, clock=clock) as desk:
        desk.shelf = Folder(tmp_path)
        yield desk


async def file(desk: Desk, **values: Any) -> int:
    given = {"phone": "13800001234", "name": "王小明", "text": "第一个人说的话", **values}
    return (await tickets.open_ticket(desk, intake(**given), AGENT)).ticket_id


async def join(desk: Desk, ticket: int, phone: str = "13900005678") -> int:
    after = await tickets.add_caller(desk, ticket, intake(phone=phone, name="李四"), AGENT)
    return after.callers[-1].number


async def enter(desk: Desk, issued: citizens.Issued) -> citizens.Pass:
    return await citizens.let_in(desk, str(issued.ticket), issued.code, address="a")


async def read(desk: Desk, ticket: int, caller: int = 1, actor: Actor = AGENT) -> citizens.Issued:
    cookie = citizens.to_read_out(desk, ticket, caller, AGENT)
    issued = await citizens.read_out(desk, cookie, ticket, actor)
    assert issued is not None
    return issued


async def test_the_code_that_was_read_out_opens_the_matter(desk: Desk) -> None:
    ticket = await file(desk)

    seen = await citizens.matter(desk, await enter(desk, await read(desk, ticket)))

    assert (seen.number, seen.text) == (ticket, "第一个人说的话")
    (trace,) = await desk.store.fetch("audit_of_ticket", ticket_id=ticket)
    assert (trace["what"], trace["person"], trace["facts"]["caller"]) == ("show_code", AGENT.person, 1)


async def test_a_cookie_shows_the_code_to_its_agent_for_its_ticket_and_for_ten_minutes(
    desk: Desk, clock: Clock
) -> None:
    ticket, other = await file(desk), await file(desk)
    cookie = citizens.to_read_out(desk, ticket, 1, AGENT)

    assert await citizens.read_out(desk, cookie, ticket, MATE) is None
    assert await citizens.read_out(desk, cookie, other, AGENT) is None
    assert await citizens.read_out(desk, "x", ticket, AGENT) is None
    assert await citizens.read_out(desk, citizens.sealed_pass(desk, citizens.Pass(ticket)), ticket, AGENT) is None
    clock.now += citizens.READ_OUT_LIFE + timedelta(seconds=1)
    assert await citizens.read_out(desk, cookie, ticket, AGENT) is None


async def test_a_new_code_ends_the_old_one_and_leaves_a_trace(desk: Desk) -> None:
    ticket = await file(desk)
    old = await read(desk, ticket)

    new = await citizens.issue_code(desk, ticket, 1, MATE, **WHY)
    newest = await citizens.issue_code(desk, ticket, 1, MATE, **WHY)

    assert len({old.code, new.code, newest.code}) == 3
    for ended in (old, new):
        with pytest.raises(BadCode):
            await enter(desk, ended)
    assert (await enter(desk, newest)).ticket == ticket
    trace = (await desk.store.fetch("audit_of_ticket", ticket_id=ticket))[0]
    assert (trace["what"], trace["person"], trace["reason"]) == ("issue_code", "mate", WHY["reason"])
    assert trace["facts"]["checked"] == "number"
    assert newest.code not in str(dict(trace))


@pytest.mark.parametrize(
    ("changed", "field"), [({"reason": "忘了"}, "reason"), ({"checked": ""}, "checked"), ({"checked": "x"}, "checked")]
)
async def test_there_is_no_new_code_without_a_reason_and_a_check(
    desk: Desk, changed: dict[str, str], field: str
) -> None:
    ticket = await file(desk)

    with pytest.raises(BadInput) as refused:
        await citizens.issue_code(desk, ticket, 1, AGENT, **{**WHY, **changed})

    assert refused.value.field == field


async def test_only_those_who_talk_to_callers_give_codes_and_only_to_callers(desk: Desk) -> None:
    ticket = await file(desk)

    for actor in (handler("jtj"), Actor("analyst", Role.ANALYST, "hotline")):
        with pytest.raises(Forbidden):
            await citizens.issue_code(desk, ticket, 1, actor, **WHY)
    for number, caller in ((ticket, 2), (10**17 + 1, 1)):
        with pytest.raises(NotFound):
            await citizens.issue_code(desk, number, caller, AGENT, **WHY)


async def test_a_caller_who_joined_has_a_code_of_their_own_and_reads_nothing_of_the_first(desk: Desk) -> None:
    ticket = await file(desk)
    first, second = await read(desk, ticket), await read(desk, ticket, await join(desk, ticket))

    seen = await citizens.matter(desk, await enter(desk, second))

    assert first.code != second.code
    assert (seen.title, seen.text, seen.pictures) == ("", "", ())
    assert "第一个人" not in str(seen.steps)
    given = await enter(desk, second)
    await citizens.act(desk, given, "supplement", {"text": "第二个人补充"})
    assert [text for _, text in (await citizens.matter(desk, given)).said_later] == ["第二个人补充"]
    assert (await citizens.matter(desk, await enter(desk, first))).said_later == ()
    with pytest.raises(NotFound):
        await citizens.act(desk, given, "withdraw", {"reason": "不想反映了"})
    await citizens.issue_code(desk, ticket, 1, AGENT, **WHY)
    assert (await enter(desk, second)).caller == 2  # only the first one's code was given anew


async def test_with_a_merge_every_caller_keeps_the_code_of_the_own_ticket(desk: Desk) -> None:
    ticket, into = await file(desk), await file(desk, text="另一张")
    joined = await read(desk, ticket, await join(desk, ticket))
    await tickets.act(desk, ticket, do.Merge(into=into, reason="同一件事"), DISPATCHER)

    given = await enter(desk, joined)
    await citizens.act(desk, given, "supplement", {"text": "合并后补充"})

    events = (await tickets.view(desk, into, DISPATCHER)).events
    assert events[-1]["data"]["caller"] == 3
    with pytest.raises(NotFound):
        await citizens.issue_code(desk, into, 3, AGENT, **WHY)  # theirs is that of their own ticket


async def test_what_was_given_out_is_never_changed(desk: Desk, pool: Pool) -> None:
    ticket = await file(desk)
    await citizens.issue_code(desk, ticket, 1, AGENT, **WHY)

    async with connection(pool) as raw:
        with pytest.raises(asyncpg.IntegrityConstraintViolationError, match="append-only"):
            await raw.execute("DELETE FROM code_issues")
