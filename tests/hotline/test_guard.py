"""A silent worker is itself an alarm: raised from outside, once an episode, and dead is told from behind."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from dispatch.model import Actor, Role
from hotline import alarms, contacts, db, guard, inbox, serving, tickets, worker
from hotline.config import Gateways, read
from hotline.contacts import Contact
from hotline.desk import Desk, wall_clock
from hotline.guard import Guard
from hotline.web import words
from tests.city import AGENT, Clock, add_people, intake, open_house, small_desk
from tests.hotline.test_notify import a_peer

CONFIG = read({})
METRICS = "m3trics"
SILENT = CONFIG.silent_seconds


@pytest.fixture
async def clock() -> Clock:
    return Clock()


@pytest.fixture
async def desk(pool: db.Pool, clock: Clock) -> AsyncIterator[Desk]:
    async with small_desk(pool, clock=clock) as desk:
        yield desk


@pytest.fixture
def passing(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> Any:
    """Let time pass, for the clock on the wall and for the one that never jumps."""
    spent = 1000.0
    monkeypatch.setattr(guard, "monotonic", lambda: spent)

    def forward(seconds: float, *, wall: float | None = None) -> None:
        nonlocal spent
        spent += seconds
        clock.forward(seconds=seconds if wall is None else wall)

    return forward


async def raised(desk: Desk) -> list[str]:
    return [row["kind"] for row in await desk.store.fetch("open_alarms")]


async def told(desk: Desk) -> list[str]:
    rows = await inbox.page(desk, Actor("x", Role.ADMINISTRATOR, "hotline"), most=50)
    return [row["kind"] for row in rows]


async def test_when_no_worker_gives_a_sign_of_life_the_administrators_are_told_once(desk: Desk, passing: Any) -> None:
    watching = Guard(desk, CONFIG)
    await worker.beat(desk, "w1")
    await watching.turn()
    assert await raised(desk) == []

    passing(SILENT + 1)
    for _ in range(3):
        await watching.turn()
        await Guard(desk, CONFIG).turn()  # another web process, started just now
        passing(30)
    assert await raised(desk) == ["dead"]
    assert await told(desk) == ["alarm_dead"]

    await worker.beat(desk, "w1")
    await watching.turn()
    assert await raised(desk) == []
    passing(SILENT + 1)
    await watching.turn()
    assert await told(desk) == ["alarm_dead", "alarm_dead"]  # another episode


async def test_an_alarm_stands_on_the_administrators_page_and_leads_to_no_ticket(desk: Desk) -> None:
    async with open_house(desk) as house:
        await alarms.raise_alarm(desk, "behind", "", {"lag_seconds": 99})
        (notice,) = await house.ask("administrator", "GET", "/notices")
        assert (notice["kind"], notice["ticket_id"]) == ("alarm_behind", None)
        async with house.client.get("/notices", cookies={"hotline": house.tokens["administrator"]}) as response:
            page = await response.text()
        assert words.NOTICES["alarm_behind"] in page
        assert "/tickets/" not in page
        assert await house.ask("supervisor", "GET", "/notices") == []


async def test_without_any_worker_since_we_started_it_is_an_alarm_too(desk: Desk, passing: Any) -> None:
    watching = Guard(desk, CONFIG)
    await watching.turn()
    assert await raised(desk) == []
    passing(SILENT)
    await watching.turn()

    assert await raised(desk) == ["dead"]


async def test_one_silent_worker_among_others_is_named_until_it_is_back_or_leaves(desk: Desk, passing: Any) -> None:
    watching = Guard(desk, CONFIG)
    for name in ("w1", "w2"):
        await worker.beat(desk, name)
    await watching.turn()
    passing(SILENT)
    await worker.beat(desk, "w1")
    await watching.turn()
    (alarm,) = await desk.store.fetch("open_alarms")
    assert (alarm["kind"], alarm["subject"]) == ("silent", "w2")

    await desk.store.execute("leave", worker="w2")
    await watching.turn()
    assert await raised(desk) == []


async def test_a_jump_of_the_clock_is_no_silence(desk: Desk, passing: Any) -> None:
    watching = Guard(desk, CONFIG)
    await worker.beat(desk, "w1")
    await watching.turn()
    passing(5, wall=7200)
    await watching.turn()
    passing(5, wall=-14400)
    await watching.turn()

    assert await raised(desk) == []


async def test_behind_is_not_dead_and_dead_is_not_called_behind(desk: Desk, clock: Clock, passing: Any) -> None:
    watching = Guard(desk, CONFIG)
    await tickets.open_ticket(desk, intake(category="050901"), AGENT)
    clock.now = await desk.store.fetch_value("next_look") + timedelta(minutes=10)
    for _ in range(2):
        await worker.beat(desk, "w1")
        await watching.turn()
        passing(10)
    assert await raised(desk) == ["behind"]
    (alarm,) = await desk.store.fetch("open_alarms")
    assert alarm["facts"]["lag_seconds"] >= 600
    assert alarm["facts"]["due"] >= 1

    while await tickets.look(desk):
        pass
    await worker.beat(desk, "w1")
    await watching.turn()
    assert await raised(desk) == []

    clock.forward(days=30)
    for _ in range(3):
        passing(SILENT + 1)
        await watching.turn()
    assert await raised(desk) == ["dead"]


async def test_while_all_workers_are_dead_the_alarm_still_reaches_people(desk: Desk, passing: Any) -> None:
    await add_people(desk)
    async with a_peer() as peer:
        contact = Contact(channel="webhook", address=peer.url, person="administrator")
        await contacts.enter(desk, contact, by="t")
        watching = Guard(desk, replace(CONFIG, gateways=Gateways(webhook_secret=b"x" * 16)))
        await watching.turn()
        passing(SILENT)
        await watching.turn()

        assert [b"alarm_dead" in body for body in peer.bodies] == [True]


async def test_the_guard_outlives_whatever_fails(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    watching = Guard(desk, replace(CONFIG, silent_seconds=0))
    turns = 0

    async def turn() -> None:
        nonlocal turns
        turns += 1
        if turns == 1:
            raise ZeroDivisionError

    monkeypatch.setattr(watching, "turn", turn)
    running = asyncio.create_task(watching.run())
    async with asyncio.timeout(5):
        while turns < 3:  # noqa: ASYNC110 - the turns are the event
            await asyncio.sleep(0.01)
    running.cancel()


async def test_a_worker_that_stops_says_so(desk: Desk) -> None:
    working = asyncio.create_task(worker.run(desk, "w1", CONFIG))
    async with asyncio.timeout(10):
        while not await desk.store.fetch("heartbeats"):  # noqa: ASYNC110 - another task's work
            await asyncio.sleep(0.01)
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)

    assert await desk.store.fetch("heartbeats") == []


async def test_a_worker_long_forgotten_is_no_worker(desk: Desk, clock: Clock) -> None:
    await worker.beat(desk, "w1")
    clock.forward(days=2)
    await worker.beat(desk, "w2")

    assert [row["worker"] for row in await desk.store.fetch("heartbeats")] == ["w2"]


# --- hotline check ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("beats", "late", "status", "word"),
    [
        (True, False, 0, "worker w1"),
        (False, False, 1, "no worker is alive"),
        (True, True, 1, "alive but behind"),
        (False, True, 1, "no worker is alive"),
    ],
)
async def test_check_says_how_the_watch_is_and_exits_by_it(  # noqa: PLR0913, PLR0917 - rows of a table
    pool: db.Pool, database_url: str, tmp_path: Path, beats: bool, late: bool, status: int, word: str
) -> None:
    async with small_desk(pool, clock=wall_clock) as desk:
        opened = await tickets.open_ticket(desk, intake(category="050901"), AGENT)
        if late:
            async with pool.acquire() as connection:
                await connection.execute(
                    "UPDATE clocks SET look_at = $1 WHERE ticket_id = $2 AND stopped_at IS NULL",
                    desk.now() - timedelta(hours=1),
                    opened.ticket_id,
                )
        if beats:
            await worker.beat(desk, "w1")
    key = "1:MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
    config = read({"HOTLINE_DATABASE_URL": database_url, "HOTLINE_KEYS": key, "HOTLINE_HOME": str(tmp_path)})
    said: list[str] = []

    assert await asyncio.to_thread(serving.check, config, said.append) == status
    assert any(word in line for line in said), said


# --- metrics ----------------------------------------------------------------------------------------------------------


async def metrics_of(client: Any, token: str = METRICS) -> tuple[int, str]:
    async with client.get("/metrics", headers={"Authorization": f"Bearer {token}"}) as response:
        return response.status, await response.text()


async def test_prometheus_reads_the_watch_and_the_requests_and_nothing_of_people(desk: Desk, clock: Clock) -> None:
    config = replace(CONFIG, metrics_token=METRICS)
    async with open_house(desk, config) as house:
        ticket = await house.open(category="050901", name="张三", phone="13912345678", text="学府路大坑")
        await house.see("roads", ticket)
        await house.ask("roads", "GET", "/search?q=学府路", None)
        await worker.beat(desk, "w1")
        clock.now = await desk.store.fetch_value("next_look") + timedelta(seconds=90)
        await alarms.raise_alarm(desk, "look", "x", {})
        status, text = await metrics_of(house.client)

    assert status == 200
    values = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    assert values["hotline_watch_lag_seconds"] == "90.0"
    assert float(values["hotline_due_looks"]) >= 1
    assert float(values['hotline_worker_beat_age_seconds{worker="w1"}']) > 0
    assert values['hotline_alarms_open{kind="look"}'] == "1.0"
    assert values['hotline_deliveries{state="waiting"}'] == "0.0"
    assert values["hotline_notices_waiting"] == "2.0"
    assert values["hotline_database_up"] == "1.0"
    seen = 'hotline_request_seconds_count{method="GET",route="/api/v1/tickets/{id}",status="200"}'
    assert values[seen] == "1.0"
    assert not any(word in text for word in (ticket, "学府", "张三", "1391234", "roads"))


async def test_metrics_are_for_whoever_has_the_token_and_otherwise_not_there(desk: Desk) -> None:
    async with open_house(desk, replace(CONFIG, metrics_token=METRICS)) as house:
        assert (await metrics_of(house.client, "wrong"))[0] == 401
        assert (await metrics_of(house.client, house.tokens["administrator"]))[0] == 401
    async with open_house(desk) as house:
        assert (await metrics_of(house.client))[0] == 404
