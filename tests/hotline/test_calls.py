"""Calls: told by signed messages, in one agent's hand at a time, and never let go without a word."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from typing import Any

import orjson
import pytest
from aiohttp.test_utils import TestClient, TestServer

from dispatch.model import Actor, Role
from hotline import calls, config, db, tickets
from hotline.app import make_application
from hotline.db import Pool
from hotline.desk import Desk
from hotline.errors import BadInput, BadSignature, CallTaken, Forbidden, NotFound
from tests.city import NOW, Clock, add_people, intake, small_desk

PHONE = "13800001234"
PEOPLE = {"agent": (Role.AGENT, "hotline"), "second": (Role.AGENT, "hotline"), "roads": (Role.HANDLER, "jtj")}
AGENT = Actor("agent", Role.AGENT, "hotline", "agent")
SECOND = Actor("second", Role.AGENT, "hotline", "second")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def desk(pool: Pool, clock: Clock) -> AsyncIterator[Desk]:
    async with small_desk(pool, clock=clock) as desk:
        await add_people(desk, PEOPLE)
        yield desk


async def ring(
    desk: Desk, call: str = "c1", *, phone: str = PHONE, extension: str = "", event: str = "ringing"
) -> None:
    await calls.tell(desk, calls.Told(call=call, event=event, at=desk.now(), phone=phone, extension=extension))


async def test_a_call_shows_its_number_to_the_agents_and_is_stored_sealed(desk: Desk) -> None:
    await ring(desk)

    (shown,) = await calls.at_hand(desk, AGENT)
    stored = await desk.store.fetch_row("call", id="c1")

    assert shown.phone == PHONE
    assert stored is not None
    assert PHONE.encode() not in stored["phone_sealed"]


async def test_a_call_told_twice_or_in_another_order_is_one_call(desk: Desk, clock: Clock) -> None:
    await ring(desk, event="ended")
    clock.forward(seconds=3)
    await ring(desk)
    await ring(desk)
    await ring(desk, event="ended")

    (shown,) = await calls.at_hand(desk, AGENT)

    assert (shown.rang_at, shown.ended_at) == (NOW, NOW)


async def test_two_agents_who_take_a_call_at_once_get_it_once(desk: Desk) -> None:
    await ring(desk)

    came = await asyncio.gather(
        *(calls.take(desk, "c1", who) for who in (AGENT, SECOND, AGENT, SECOND)), return_exceptions=True
    )

    assert sum(isinstance(one, CallTaken) for one in came) == 2
    assert sum(one is None for one in came) == 2


async def test_whoever_fell_silent_is_shown_and_can_be_relieved_with_the_draft(desk: Desk, clock: Clock) -> None:
    await ring(desk)
    await calls.take(desk, "c1", AGENT)
    await calls.keep_draft(desk, "call-c1", {"text": ["路灯不亮"]}, AGENT)
    with pytest.raises(CallTaken):
        await calls.take(desk, "c1", SECOND)
    assert await calls.at_hand(desk, SECOND) == []

    clock.now += calls.SILENT_AFTER + timedelta(seconds=1)
    (shown,) = await calls.at_hand(desk, SECOND)
    await calls.take(desk, "c1", SECOND)
    draft = await calls.draft(desk, "call-c1", SECOND)

    assert (shown.is_silent, shown.holder) == (True, "agent")
    assert draft is not None
    assert draft.typed == {"text": ["路灯不亮"]}
    with pytest.raises(CallTaken):
        await calls.keep_draft(desk, "call-c1", {"text": ["晚到的字"]}, AGENT)
    assert await calls.draft(desk, "call-c1", AGENT) is None


async def test_a_draft_says_that_its_agent_is_there(desk: Desk, clock: Clock) -> None:
    await ring(desk)
    await calls.take(desk, "c1", AGENT)
    clock.now += calls.SILENT_AFTER
    await calls.keep_draft(desk, "call-c1", {}, AGENT)
    clock.forward(seconds=5)

    with pytest.raises(CallTaken):
        await calls.take(desk, "c1", SECOND)


async def test_a_call_rings_only_where_somebody_sits_at_its_extension(desk: Desk) -> None:
    await calls.sit(desk, "8001", AGENT)
    await ring(desk, extension="8001")
    await ring(desk, "c2", extension="8002")

    assert [one.id for one in await calls.at_hand(desk, AGENT)] == ["c1", "c2"]
    assert [one.id for one in await calls.at_hand(desk, SECOND)] == ["c2"]


async def test_a_missed_call_is_there_for_everybody(desk: Desk) -> None:
    await calls.sit(desk, "8001", AGENT)
    await ring(desk, extension="8001")
    await ring(desk, event="ended", extension="8001")

    (shown,) = await calls.at_hand(desk, SECOND)

    assert shown.agent is None


async def test_whoever_changes_seats_leaves_the_old_one(desk: Desk) -> None:
    await calls.sit(desk, "8001", AGENT)
    await calls.sit(desk, "8001", SECOND)
    await calls.sit(desk, "8002", SECOND)

    assert await calls.extension_of(desk, SECOND) == "8002"
    assert await calls.extension_of(desk, AGENT) == ""


async def test_the_time_to_the_saved_ticket_is_the_agents_own_and_the_call_is_done(desk: Desk, clock: Clock) -> None:
    await ring(desk)
    await calls.take(desk, "c1", AGENT)
    clock.forward(seconds=90)
    opened = await tickets.open_ticket(desk, intake(outside_id="call-c1"), AGENT)

    assert await calls.finish(desk, "c1", opened.ticket_id, SECOND) is None
    assert await calls.finish(desk, "c1", opened.ticket_id, AGENT) == timedelta(seconds=90)
    assert await calls.day_of(desk, AGENT) == calls.Day(1, 90.0)
    assert await calls.day_of(desk, SECOND) == calls.Day(0, 0.0)
    assert await calls.at_hand(desk, AGENT) == []
    with pytest.raises(NotFound):
        await calls.take(desk, "c1", SECOND)


async def test_a_withheld_or_unreadable_number_rings_all_the_same(desk: Desk) -> None:
    await ring(desk, phone="")
    await ring(desk, "c2", phone="anonymous")

    assert [one.phone for one in await calls.at_hand(desk, AGENT)] == ["", ""]


async def test_drafts_of_a_day_ago_are_forgotten(desk: Desk, clock: Clock) -> None:
    await calls.keep_draft(desk, "web-old", {"text": ["旧"]}, AGENT)
    clock.now += calls.KEPT_FOR + timedelta(seconds=1)
    await calls.keep_draft(desk, "web-new", {"text": ["新"]}, AGENT)

    assert [one.id for one in await calls.drafts(desk, AGENT)] == ["web-new"]


async def test_departments_have_nothing_to_do_with_calls(desk: Desk) -> None:
    await ring(desk)

    with pytest.raises(Forbidden):
        await calls.at_hand(desk, Actor("roads", Role.HANDLER, "jtj"))


# --- what the telephone system sends ----------------------------------------------------------------------------------

SECRET = b"0123456789abcdef"


@pytest.mark.parametrize(
    ("seconds", "secret", "body"),
    [
        (-301, SECRET, b"{}"),  # too long ago: somebody repeats what was heard
        (301, SECRET, b"{}"),
        (0, b"another secret!!", b"{}"),
        (0, SECRET, b"{ }"),  # another body than was signed
    ],
)
def test_a_message_must_be_signed_now_by_whoever_knows_the_secret(seconds: int, secret: bytes, body: bytes) -> None:
    sent_at = int(NOW.timestamp()) + seconds
    signed = calls.signature(secret, sent_at, b"{}")

    with pytest.raises(BadSignature):
        calls.check_signature(SECRET, str(sent_at), signed, body, NOW)
    calls.check_signature(SECRET, str(int(NOW.timestamp())), _signed(b"{}"), b"{}", NOW)


def _signed(body: bytes) -> str:
    return calls.signature(SECRET, int(NOW.timestamp()), body)


@pytest.mark.parametrize("given", ["", "ü", "00"])
def test_a_message_without_a_signature_is_refused(given: str) -> None:
    with pytest.raises(BadSignature):
        calls.check_signature(SECRET, str(int(NOW.timestamp())), given, b"{}", NOW)


@pytest.mark.parametrize(
    "values",
    [
        {"call": "a b"},
        {"event": "sneezed"},
        {"extension": "x1"},
        {"at": "yesterday"},
        {"phone": 13800001234},
    ],
)
def test_a_message_that_cannot_be_read_says_what_is_wrong(values: Mapping[str, Any]) -> None:
    good = {"call": "c1", "event": "ringing", "at": NOW.isoformat()}

    with pytest.raises(BadInput) as error:
        calls.read_told({**good, **values})

    assert error.value.field == next(iter(values))


async def test_the_telephone_system_rings_over_http(desk: Desk) -> None:
    settings = config.read({"HOTLINE_CTI_SECRET": SECRET.decode()})
    body = orjson.dumps({"call": "c1", "event": "ringing", "phone": PHONE, "at": NOW.isoformat()})
    headers = {"X-Hotline-Time": str(int(NOW.timestamp())), "X-Hotline-Signature": _signed(body)}

    async with TestClient(TestServer(make_application(desk, settings))) as client:
        statuses = [
            (await client.post("/api/v1/cti", data=body, headers=headers)).status,
            (await client.post("/api/v1/cti", data=body, headers=headers)).status,
            (await client.post("/api/v1/cti", data=body)).status,
        ]

    assert statuses == [204, 204, 401]
    assert len(await calls.at_hand(desk, AGENT)) == 1


async def test_every_look_for_a_number_leaves_a_trace_without_the_number(desk: Desk) -> None:
    await tickets.tickets_of_phone(desk, PHONE, AGENT)

    async with db.connection(desk.store.pool) as connection:
        (row,) = await connection.fetch("SELECT person, what, facts FROM audit WHERE ticket_id IS NULL")

    assert (row["person"], row["what"]) == ("agent", "search_phone")
    assert PHONE not in str(row["facts"])
