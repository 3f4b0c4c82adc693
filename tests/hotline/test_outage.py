"""Servers go away and come back: callers are told when to try again, and nothing that was acknowledged is lost."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from hotline import db, embedded, reports, tickets, worker
from hotline.db import Pool
from hotline.errors import Unavailable
from tests.city import House, home_of, kill_postgres, open_house, small_desk, until


@dataclass
class Servers:
    """Durable servers of this module's own, which a test may kill."""

    urls: embedded.Urls
    home: Path
    stack: ExitStack

    async def restart(self) -> None:
        await asyncio.to_thread(self.stack.enter_context, embedded.servers(self.home, lambda _: None))


@pytest.fixture(scope="module")
def servers() -> Any:
    with embedded.temporary(durable=True) as urls, ExitStack() as stack:
        yield Servers(urls, home_of(urls), stack)


@asynccontextmanager
async def house_on(servers: Servers) -> AsyncIterator[tuple[House, Pool]]:
    """Serve a fresh database on the module's servers."""
    pool = await db.open_pool(servers.urls.database, size=6)
    async with db.connection(pool) as connection:
        await connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    await pool.expire_connections()
    async with db.connection(pool) as connection:
        await db.migrate(connection)
    async with small_desk(pool, redis=servers.urls.redis) as desk, open_house(desk) as house:
        yield house, pool
    await pool.close()


async def test_without_a_database_every_door_says_when_to_try_again_and_then_works_by_itself(
    servers: Servers,
) -> None:
    async with house_on(servers) as (house, pool):
        ticket = await house.open(category="050901")
        await kill_postgres(servers.home, pool)

        doors: list[tuple[str, str, str, Any]] = [
            ("agent", "POST", "/tickets", {"text": "路灯不亮"}),
            ("agent", "GET", f"/tickets/{ticket}", None),
            ("dispatcher", "GET", "/tickets?state=received", None),
            ("roads", "GET", "/tickets", None),
            ("roads", "POST", f"/tickets/{ticket}/actions", {"action": "accept", "assignment": 1}),
            ("dispatcher", "GET", "/requests", None),
            ("agent", "GET", "/search?q=路灯", None),
            ("agent", "POST", "/callers/search", {"phone": "13812345678"}),
            ("roads", "GET", "/notices", None),
            ("agent", "POST", f"/tickets/{ticket}/callers/1/unmask", {"reason": "回拨诉求人"}),
        ]
        began = monotonic()
        for who, method, path, body in doors:
            answer = await house.ask(who, method, path, body, 503)
            assert answer["error"]["code"] == "unavailable", path
            assert int(house.headers["Retry-After"]) > 0
        response = await house.client.post("/api/v1/sessions", json={"person": "agent", "password": "x" * 8})
        assert (response.status, response.headers["Retry-After"]) == (503, "2")
        with pytest.raises(Unavailable):
            await worker.deliver(house.desk)
        assert monotonic() - began < 5

        await servers.restart()
        assert (await house.see("agent", ticket))["state"] == "handling"
        await house.act("roads", ticket, "accept", assignment=1)
        await house.open()


async def test_an_acknowledged_ticket_outlives_a_kill_in_the_middle_of_the_rush(servers: Servers) -> None:
    async with house_on(servers) as (house, pool):
        acknowledged: list[int] = []
        refused: list[int] = []

        async def call(number: int) -> None:
            body = {"text": f"第{number}个电话", "source": "rush", "outside_id": str(number)}
            answer = await house.ask("agent", "POST", "/tickets", body, None)
            if house.status == 201 or "id" in answer:
                acknowledged.append(int(answer["id"]))
            else:
                refused.append(number)
                assert answer["error"]["code"] == "unavailable"

        async def agent(first: int) -> None:
            for number in range(first, 3000, 6):
                await call(number)
                if refused:
                    return

        rush = asyncio.gather(*(agent(first) for first in range(6)))
        await until(lambda: _is_true(len(acknowledged) > 60))
        await kill_postgres(servers.home, pool)
        await rush
        await servers.restart()

        assert refused
        broken = await reports.invariants(house.desk, acknowledged)
        assert not any(broken.values()), broken
        # Whoever tries again gets one ticket, whether the first try was written or not.
        for number in refused:
            for _ in range(2):
                again = await house.ask(
                    "agent", "POST", "/tickets", {"text": "x", "source": "rush", "outside_id": str(number)}, None
                )
                assert house.status in (200, 201)
                assert again["id"]


async def test_without_redis_everything_goes_on_and_nobody_is_logged_out(servers: Servers) -> None:
    if servers.urls.redis is None:
        pytest.skip("no redis-server or valkey-server on PATH, and no package of this Python carries one")
    async with house_on(servers) as (house, _):
        assert house.desk.live.connected
        ticket = await house.open(category="050901")
        os.kill(_redis_of(servers.home), signal.SIGKILL)

        began = monotonic()
        for turn in range(5):
            await house.act("agent", ticket, "supplement", text=f"补充{turn}")
            assert (await house.see("roads", ticket))["version"] >= turn
        await house.log_in("town")
        await house.ask("town", "GET", "/me")
        while await tickets.look(house.desk):
            pass
        assert await worker.deliver(house.desk) > 0
        assert monotonic() - began < 5
        assert not house.desk.live.connected


def _redis_of(home: Path) -> int:
    """Return the pid of the Redis whose socket lies in `home`."""
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            command = (folder / "cmdline").read_bytes()
            is_ours = str((folder / "cwd").readlink()).startswith(str(home)) or str(home).encode() in command
            if b"redis" in command.split(b"\0")[0] and is_ours:
                return int(folder.name)
    raise AssertionError("no redis-server of ours is running")


async def test_a_query_that_the_operator_ends_is_unavailable_and_not_our_fault(pool: Pool) -> None:
    async with small_desk(pool) as desk, open_house(desk) as house, pool.acquire() as operator:
        ticket = await house.open(category="050901")
        await operator.execute("BEGIN")
        await operator.execute("SELECT 1 FROM tickets WHERE id = $1 FOR UPDATE", int(ticket))
        waiting = asyncio.create_task(house.act("roads", ticket, "accept", 503, assignment=1))
        await until(lambda: _end_waiting(operator))

        await waiting
        await operator.execute("ROLLBACK")
        await house.act("roads", ticket, "accept", assignment=1)


async def _end_waiting(operator: Any) -> bool:
    ended = await operator.fetch(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = 'hotline'"
    )
    return bool(ended)


async def _is_true(value: object) -> object:
    return value
