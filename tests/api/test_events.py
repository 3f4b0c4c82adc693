"""Open pages hear what changes: in order, each once, only what their lists show, and a gap is said, never hidden."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import orjson
import pytest

from dispatch.model import Actor, Role
from hotline import auth, db, stream, tickets, worker
from hotline.api import events
from hotline.live import Live
from hotline.stream import Change, Hub
from tests.city import AGENT, House, handler, intake, open_house, small_desk


@pytest.fixture
async def house(pool: db.Pool) -> AsyncIterator[House]:
    async with small_desk(pool) as desk, open_house(desk) as house:
        yield house


@dataclass
class Event:
    name: str
    id: str
    data: dict[str, Any]


@asynccontextmanager
async def stream_of(house: House, who: str, last: str = "") -> AsyncIterator[AsyncIterator[Event]]:
    headers = {"Authorization": f"Bearer {house.tokens[who]}"} | ({"Last-Event-ID": last} if last else {})
    async with house.client.get("/api/v1/live", headers=headers) as response:
        assert response.status == 200
        assert response.content_type == "text/event-stream"
        assert "unsafe-inline" not in response.headers["Content-Security-Policy"]
        yield _events(response.content)


async def _events(content: Any) -> AsyncIterator[Event]:
    while block := (await content.readuntil(b"\n\n")).decode():
        fields = dict(line.split(": ", 1) for line in block.strip().splitlines() if not line.startswith(":"))
        if "event" in fields:
            yield Event(fields["event"], fields["id"], orjson.loads(fields["data"]))


async def next_of(heard: AsyncIterator[Event]) -> Event:
    return await asyncio.wait_for(anext(heard), 5)


async def silent(heard: AsyncIterator[Event]) -> bool:
    try:
        await asyncio.wait_for(anext(heard), 0.7)
    except TimeoutError:
        return True
    return False


async def test_a_page_hears_of_its_tickets_and_notices_as_ids_and_kinds_only(house: House) -> None:
    async with stream_of(house, "roads") as heard:
        assert (await next_of(heard)).name == "hello"
        ticket = await house.open(text="张三家门口塌陷", name="张三", phone="13912345678", category="050901")
        await worker.deliver(house.desk)

        first, second = await next_of(heard), await next_of(heard)

    assert (first.name, first.data) == ("ticket", {"id": ticket, "ticket": None, "kind": ""})
    assert second.name == "notice"
    assert second.data == {"id": second.data["id"], "ticket": ticket, "kind": "assigned"}
    assert int(second.id.partition("-")[2]) > int(first.id.partition("-")[2])


async def test_a_department_hears_nothing_of_what_its_list_does_not_show(house: House) -> None:
    async with stream_of(house, "city") as elsewhere, stream_of(house, "dispatcher") as hotline:
        for heard in (elsewhere, hotline):
            await next_of(heard)
        await house.open(category="050901")  # for the roads
        await worker.deliver(house.desk)

        assert (await next_of(hotline)).name == "ticket"
        assert await silent(elsewhere)


async def test_the_hotline_hears_notices_of_its_own_role_only(house: House) -> None:
    async with stream_of(house, "dispatcher") as dispatcher, stream_of(house, "supervisor") as supervisor:
        for heard in (dispatcher, supervisor):
            await next_of(heard)
        await house.open(text="有人要跳楼")
        await worker.deliver(house.desk)

        assert [(await next_of(supervisor)).name for _ in range(2)] == ["ticket", "notice"]
        assert (await next_of(dispatcher)).name == "ticket"
        assert await silent(dispatcher)


async def test_whoever_comes_back_is_told_what_was_missed_and_nothing_twice(house: House) -> None:
    async with stream_of(house, "agent") as heard:
        last = (await next_of(heard)).id
    opened = [await house.open() for _ in range(3)]

    async with stream_of(house, "agent", last) as heard:
        told = [await next_of(heard) for _ in range(3)]
        assert [one.data["id"] for one in told] == opened
    async with stream_of(house, "agent", told[1].id) as heard:
        assert (await next_of(heard)).data["id"] == opened[2]
        assert await silent(heard)


@pytest.mark.parametrize("last", ["0badcafe-3", "x", "-1", "99999999999999999999"], ids=str)
async def test_whoever_comes_with_another_streams_number_must_fetch_anew(house: House, last: str) -> None:
    async with stream_of(house, "agent", last) as heard:
        assert (await next_of(heard)).name == "anew"
        ticket = await house.open()
        assert (await next_of(heard)).data["id"] == ticket


async def test_whoever_was_away_for_too_long_must_fetch_anew(house: House) -> None:
    async with stream_of(house, "agent") as heard:
        last = (await next_of(heard)).id
    stream.announce(house.desk.live, [Change(name="ticket", id=n) for n in range(stream.KEPT_MOST + 1)])
    await asyncio.sleep(0.05)

    async with stream_of(house, "agent", last) as heard:
        assert (await next_of(heard)).name == "anew"


async def test_a_lost_line_between_processes_is_a_gap_for_every_page(house: House) -> None:
    async with stream_of(house, "agent") as heard:
        await next_of(heard)
        house.desk.live._missed()

        assert (await next_of(heard)).name == "anew"


@pytest.mark.parametrize("said", [b"no JSON", b"[1]", b'[{"name": "ticket", "id": 1, "units": [], "new": 1}]'])
async def test_what_another_release_says_is_a_gap_and_not_the_end(house: House, said: bytes) -> None:
    async with stream_of(house, "agent") as heard:
        await next_of(heard)
        await house.desk.live.publish(stream.CHANNEL, said)
        assert (await next_of(heard)).name == "anew"

        ticket = await house.open()
        assert (await next_of(heard)).data["id"] == ticket


async def test_without_a_log_in_there_is_no_stream(house: House) -> None:
    async with house.client.get("/api/v1/live") as response:
        assert response.status == 401


async def test_one_person_cannot_hold_all_the_streams(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "STREAMS_MOST", 2)
    async with stream_of(house, "roads"), stream_of(house, "roads"), stream_of(house, "city"):
        await house.ask("roads", "GET", "/live", None, 429)
        assert int(house.headers["Retry-After"]) > 0


async def test_a_stream_ends_with_its_session_and_keeps_none_alive(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "HEARTBEAT_SECONDS", 0.3)
    async with stream_of(house, "roads") as heard:
        await next_of(heard)
        assert (await next_of(heard)).name == "alive"
        await auth.log_out(house.desk, house.tokens["roads"])

        while (last := await next_of(heard)).name == "alive":
            pass
        assert last.name == "bye"


async def test_what_one_process_does_the_pages_of_another_hear_without_redis(
    house: House, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = await Live.open(None, database=database_url), await Live.open(None, database=database_url)
    hub = Hub()
    hearing = asyncio.create_task(hub.hear(here))
    before = hub.cursor
    async with asyncio.timeout(10):
        while hub.cursor == before:
            stream.announce(there, [Change(name="ticket", id=7, units=("jtj",))])
            await asyncio.sleep(0.05)

    heard = hub.since(before)
    assert heard is not None
    assert next(heard)[1] == Change(name="ticket", id=7, units=("jtj",))
    assert here.carrier == there.carrier == "postgresql"
    await there.close()
    await here.close()
    await hearing


@pytest.mark.parametrize(
    ("actor", "reported"),
    [(handler(unit), reported) for unit in ("jtj", "cgj", "q01", "q0101", "q02") for reported in (None, "q01")],
)
async def test_departments_hear_of_exactly_the_tickets_that_they_may_see(
    house: House, actor: Actor, reported: str | None
) -> None:
    rulebook = await house.desk.rulebook()
    opened = await tickets.open_ticket(house.desk, intake(category="051001", area="0101", reported=reported), AGENT)
    ticket = (await house.desk.store.file(opened.ticket_id)).ticket
    change = Change(name="ticket", id=ticket.id, units=tickets.seers(ticket, rulebook))

    assert change.is_for(actor) == tickets.may_see(ticket, actor, rulebook)
    assert change.is_for(Actor("x", Role.ANALYST, "hotline"))


# --- what is new ------------------------------------------------------------------------------------------------------


async def test_notices_are_new_until_they_were_before_somebodys_eyes(house: House) -> None:
    await house.log_in("roads-head")
    for _ in range(3):
        await house.open(category="050901")
    await worker.deliver(house.desk)

    new = await house.ask("roads", "GET", "/notices/unread")
    assert new["unread"] == 3
    assert (await house.ask("roads", "POST", "/notices/seen", {"place": new["newest"]}))["unread"] == 0
    # A mark is a person's own, and never goes back.
    assert (await house.ask("roads-head", "GET", "/notices/unread"))["unread"] == 3
    assert (await house.ask("roads", "POST", "/notices/seen", {"place": 0}))["unread"] == 0
    assert all(row["seen_at"] for row in await house.ask("roads", "GET", "/notices"))

    await house.open(category="050901")
    await worker.deliver(house.desk)
    assert (await house.ask("roads", "GET", "/notices/unread"))["unread"] == 1


async def test_nobody_marks_what_is_not_there_yet_nor_what_is_others(house: House) -> None:
    await house.ask("roads", "POST", "/notices/seen", {"place": 2**40})
    await house.open(category="050901")
    await worker.deliver(house.desk)

    assert (await house.ask("roads", "GET", "/notices/unread"))["unread"] == 1
    await house.ask("city", "POST", "/notices/seen", {"place": 2**40})
    assert [row["seen_at"] for row in await house.ask("roads", "GET", "/notices")] == [None]


@pytest.mark.parametrize("place", [-1, "1", None, 1.5, True, 2**62])
async def test_a_place_is_a_whole_number(house: House, place: object) -> None:
    await house.ask("roads", "POST", "/notices/seen", {"place": place}, 422)


async def test_marking_tells_the_other_pages_of_the_same_person(house: House) -> None:
    async with stream_of(house, "roads") as heard, stream_of(house, "roads-head") as other:
        for one in (heard, other):
            await next_of(one)
        await house.ask("roads", "POST", "/notices/seen", {"place": 0})

        assert (await next_of(heard)).name == "seen"
        assert await silent(other)
