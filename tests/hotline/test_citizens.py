"""Callers follow their own matter with a number and a code, and learn nothing about any other."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from dispatch import actions as do
from dispatch.errors import IllegalAction, RuleBroken
from dispatch.model import Actor, Outcome, Role, TicketState
from hotline import citizens, tickets
from hotline.config import Key
from hotline.db import Pool
from hotline.desk import Desk
from hotline.errors import BadCode, NotFound, TooManyRequests
from hotline.shelf import Folder
from hotline.vault import Vault
from tests.city import AGENT, DISPATCHER, Clock, intake, small_desk

ROADS = Actor("jtj-handler", Role.HANDLER, "jtj")
INTERVIEWER = Actor("interviewer", Role.FOLLOW_UP, "hotline")
REPLY = do.Reply(
    assignment=1,
    received="学府路的坑",
    findings="查看属实",
    handling="已经补好",
    follows="请致电市交通运输局",
    genuine=True,
    solved=True,
    note="内部：施工队欠款",
)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def desk(pool: Pool, clock: Clock, tmp_path: Path) -> AsyncIterator[Desk]:
    async with small_desk(pool, clock=clock) as desk:
        desk.shelf = Folder(tmp_path)
        yield desk


async def bring(desk: Desk, **values: str) -> citizens.Pass:
    return await citizens.bring(desk, intake(phone="13800001234", name="王小明", **values), [], address="1.2.3.4")


async def handled(desk: Desk, ticket: int) -> None:
    """Let the department answer; the answer waits for review."""
    await tickets.act(desk, ticket, do.Amend(category="050901", reason="分类"), DISPATCHER)
    await tickets.act(desk, ticket, do.Dispatch(lead="jtj"), DISPATCHER)
    for action in (do.Accept(assignment=1), do.Reach(assignment=1, how="10:20 本人接听"), REPLY):
        await tickets.act(desk, ticket, action, ROADS)


async def test_number_and_code_open_the_matter_as_people_type_them(desk: Desk) -> None:
    given = await bring(desk)
    code = citizens.code_of(desk, given.ticket)
    text = str(given.ticket)

    made = await citizens.let_in(desk, f"{text[:6]} {text[6:]}", f" {code[:4].lower()}-{code[4:]} ", address="a")

    assert made == citizens.Pass(given.ticket)


async def test_a_wrong_code_and_a_number_that_is_none_look_the_same(desk: Desk) -> None:
    given = await bring(desk)
    absent = given.ticket + 1
    tries = [
        (str(given.ticket), "AAAAAAAA"),
        (str(given.ticket), ""),
        (str(absent), citizens.code_of(desk, absent)),  # the right code of a ticket that does not exist
        ("x", "AAAAAAAA"),
        ("１２３", "ü"),
    ]

    said = set()
    for number, code in tries:
        with pytest.raises(BadCode) as error:
            await citizens.let_in(desk, number, code, address="a")
        said.add(str(error.value))

    assert len(said) == 1


async def test_whoever_tries_codes_is_stopped_by_address_and_by_number(desk: Desk) -> None:
    given = await bring(desk)

    async def tries(number: int, address: str) -> int:
        for count in range(100):
            try:
                await citizens.let_in(desk, str(number), "AAAAAAAA", address=address)
            except BadCode:
                continue
            except TooManyRequests:
                return count
        return -1

    assert await tries(given.ticket, "a") == citizens.TRIES_OF_NUMBER
    assert await tries(given.ticket, "b") == 0  # from elsewhere, too
    assert await tries(given.ticket + 7, "c") == citizens.TRIES_OF_NUMBER  # whether or not the number exists


async def test_codes_differ_survive_a_new_key_and_die_with_the_old_one(desk: Desk) -> None:
    codes = {citizens.code_of(desk, 261123100000000000 + index) for index in range(500)}
    given = await bring(desk)
    code = citizens.code_of(desk, given.ticket)

    assert len(codes) == 500
    assert all(len(one) == 8 and set(one) <= set(citizens.ALPHABET) for one in codes)
    desk.vault = Vault((Key("k2", b"2" * 32), Key("k1", b"k" * 32)))
    assert (await citizens.let_in(desk, str(given.ticket), code, address="a")).ticket == given.ticket
    desk.vault = Vault((Key("k2", b"2" * 32),))
    with pytest.raises(BadCode):
        await citizens.let_in(desk, str(given.ticket), code, address="a")


async def test_a_pass_is_good_for_half_an_hour_and_can_not_be_made(desk: Desk, clock: Clock) -> None:
    given = await bring(desk)
    cookie = citizens.sealed_pass(desk, given)

    assert citizens.read_pass(desk, cookie) == given
    for forged in ("", "x", cookie[:-4] + "AAA=", "ü"):
        assert citizens.read_pass(desk, forged) is None
    clock.now += citizens.PASS_LIFE + timedelta(seconds=1)
    assert citizens.read_pass(desk, cookie) is None


async def test_an_answer_is_shown_once_it_is_approved_and_never_the_inner_note(desk: Desk) -> None:
    given = await bring(desk)
    await handled(desk, given.ticket)

    waiting = await citizens.matter(desk, given)
    await tickets.act(desk, given.ticket, do.PassReview(), INTERVIEWER)
    shown = await citizens.matter(desk, given)

    assert waiting.answers == ()
    (answer,) = shown.answers
    assert answer.parts["handling"] == "已经补好"
    assert "欠款" not in repr(shown.answers)
    assert [step for step, _ in shown.steps] == ["received", "sent", "accepted", "replied", "approved"]


async def test_an_answer_that_was_sent_back_is_not_shown(desk: Desk) -> None:
    given = await bring(desk)
    await handled(desk, given.ticket)
    await tickets.act(desk, given.ticket, do.SendBack(reason="没有写清楚"), INTERVIEWER)

    assert (await citizens.matter(desk, given)).answers == ()


async def test_a_caller_adds_takes_back_and_nothing_else(desk: Desk) -> None:
    given = await bring(desk)

    await citizens.act(desk, given, "supplement", {"text": "坑更大了"})
    shown = await citizens.matter(desk, given)
    assert [text for _, text in shown.said_later] == ["坑更大了"]
    for name in ("dispatch", "visit", "merge", "nonsense"):
        with pytest.raises(NotFound):
            await citizens.act(desk, given, name, {})
    after = await citizens.act(desk, given, "withdraw", {"reason": "已经好了"})
    assert after.outcome is Outcome.WITHDRAWN
    with pytest.raises(IllegalAction):
        await citizens.act(desk, given, "supplement", {"text": "再补一句"})


async def test_a_matter_is_rated_once_and_a_bad_rating_is_followed_up(desk: Desk) -> None:
    given = await bring(desk)
    await tickets.act(desk, given.ticket, do.Answer(text="请拨打养护热线。"), AGENT)
    (answer,) = (await citizens.matter(desk, given)).answers
    assert answer.parts == {"answer": "请拨打养护热线。"}

    after = await citizens.act(desk, given, "rate", {"level": "very_bad", "comment": "没人接"})

    assert after.state is TicketState.FOLLOW_UP
    with pytest.raises((IllegalAction, RuleBroken)):
        await citizens.act(desk, given, "rate", {"level": "good"})


async def test_a_merged_matter_follows_the_one_it_was_merged_into(desk: Desk) -> None:
    first, second = await bring(desk), await bring(desk, text="学府路同一个坑，我的车胎坏了")
    await tickets.act(desk, second.ticket, do.Merge(into=first.ticket, reason="同一件事"), DISPATCHER)

    shown = await citizens.matter(desk, second)
    assert shown.text == "学府路同一个坑，我的车胎坏了"
    assert shown.merged
    assert {offer.action for offer in shown.offers} == {"supplement"}
    with pytest.raises(NotFound):
        await citizens.act(desk, second, "withdraw", {"reason": "算了"})
    with pytest.raises(NotFound):  # nor may the first take back what is another one's, too
        await citizens.act(desk, first, "withdraw", {"reason": "算了"})
    await tickets.act(desk, first.ticket, do.Answer(text="已派人去补。"), AGENT)
    assert (await citizens.act(desk, second, "rate", {"level": "good"})).callers[1].rating == "good"


async def test_a_caller_sees_nothing_of_the_other_callers(desk: Desk) -> None:
    first, second = await bring(desk), await bring(desk, text="同一件事，我姓郑")
    await tickets.act(desk, second.ticket, do.Merge(into=first.ticket, reason="同一件事"), DISPATCHER)
    await citizens.act(desk, first, "supplement", {"text": "甲的补充"})

    shown = await citizens.matter(desk, second)

    assert shown.said_later == ()
    assert "王小明" not in repr(shown)


async def test_what_a_citizen_brings_is_never_routed_by_its_own_word(desk: Desk) -> None:
    given = await bring(desk, category="050901", source="local", reported="jtj")

    ticket = (await desk.store.file(given.ticket)).ticket

    assert (ticket.category, ticket.reported, ticket.state) == (None, None, TicketState.RECEIVED)


async def test_one_address_brings_only_so_many_matters_an_hour(desk: Desk) -> None:
    for _ in range(citizens.MATTERS_OF_ADDRESS):
        await bring(desk)

    with pytest.raises(TooManyRequests):
        await bring(desk)
