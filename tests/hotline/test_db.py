"""The database goes away, comes back, and is migrated exactly once."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import pytest

from hotline import db, embedded
from hotline.errors import MigrationRefused, Unavailable
from sql import loader


@pytest.fixture
async def empty(database_url: str) -> AsyncIterator[db.Connection]:
    """Give a connection to a second, truly empty database on the same server."""
    operator = await asyncpg.connect(database_url)
    await operator.execute("CREATE DATABASE empty")
    connection = await asyncpg.connect(database_url.replace("/hotline?", "/empty?"))
    yield connection
    await connection.close()
    await operator.execute("DROP DATABASE empty")
    await operator.close()


def migrations(monkeypatch: pytest.MonkeyPatch, *texts: str) -> None:
    made = tuple(loader.Migration(n, f"step_{n}", text, f"hash of {text}") for n, text in enumerate(texts, start=1))
    monkeypatch.setattr(loader, "migrations", lambda: made)


async def test_a_value_of_json_and_a_moment_come_back_as_they_went(pool: db.Pool) -> None:
    noon = datetime(2026, 5, 3, 12, tzinfo=UTC)

    async with db.connection(pool) as connection:
        row = await connection.fetchrow("SELECT $1::jsonb AS fact, $2::timestamptz AS at", {"路": [1, None]}, noon)

    assert row is not None
    assert (row["fact"], row["at"]) == ({"路": [1, None]}, noon)
    assert row["at"].tzinfo == UTC


async def test_a_transaction_that_fails_leaves_nothing(pool: db.Pool) -> None:
    with pytest.raises(asyncpg.DivisionByZeroError):
        async with db.transaction(pool) as connection:
            await connection.execute("CREATE TABLE left_behind (); SELECT 1 / 0")

    async with db.connection(pool) as connection:
        assert await connection.fetchval("SELECT to_regclass('left_behind')") is None


async def test_migrating_twice_changes_nothing_the_second_time(
    empty: db.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    migrations(monkeypatch, "CREATE TABLE one ()", "CREATE TABLE two ()")

    assert await db.migrate(empty) == ("0001_step_1", "0002_step_2")
    assert await db.migrate(empty) == ()


async def test_a_migration_that_fails_is_undone_and_the_earlier_ones_stay(
    empty: db.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    migrations(monkeypatch, "CREATE TABLE one ()", "CREATE TABLE two (); SELECT 1 / 0")

    with pytest.raises(asyncpg.DivisionByZeroError):
        await db.migrate(empty)

    assert await empty.fetchval("SELECT to_regclass('two')") is None
    assert await empty.fetchval("SELECT array_agg(number) FROM schema_migrations") == [1]


async def test_a_changed_file_a_newer_database_and_a_file_that_was_passed_over_are_refused(
    empty: db.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    migrations(monkeypatch, "CREATE TABLE one ()", "CREATE TABLE two ()", "CREATE TABLE three ()")
    await db.migrate(empty)
    await empty.execute("DELETE FROM schema_migrations WHERE number = 1")

    migrations(monkeypatch, "CREATE TABLE one ()", "CREATE TABLE another ()")
    with pytest.raises(MigrationRefused) as refused:
        await db.migrate(empty)

    changed, newer, passed_over = sorted(refused.value.problems)
    assert changed == "0001_step_1.sql was passed over by a later one"
    assert newer == "0002_step_2.sql has changed since it was applied: restore the file"
    assert passed_over == "it has 0003_step_3, which this release does not know: run the newer release"


async def test_two_processes_that_start_at_once_migrate_once(
    empty: db.Connection, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    migrations(monkeypatch, "SELECT pg_sleep(0.1); CREATE TABLE one ()")
    other = await asyncpg.connect(database_url.replace("/hotline?", "/empty?"))

    applied = await asyncio.gather(db.migrate(empty), db.migrate(other))

    await other.close()
    assert sorted(map(len, applied)) == [0, 1]


async def test_the_pool_recovers_by_itself_after_the_server_was_killed_in_the_middle() -> None:
    with embedded.temporary(with_redis=False) as urls:
        home = Path(urls.database.partition("host=")[2]).parent
        pool = await db.open_pool(urls.database, size=4)
        assert await asyncio.gather(*[_answer(pool) for _ in range(4)]) == [42] * 4

        os.kill(_postmaster(home), signal.SIGKILL)
        away = await _until_unavailable(pool)
        assert (away.what, away.retry_after) == ("the database", 2)

        with embedded.servers(home, _silent, durable=False, with_redis=False):
            assert await asyncio.gather(*[_answer(pool) for _ in range(4)]) == [42] * 4
            await pool.close()


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://hotline@127.0.0.1:1/hotline",  # nobody listens
        "postgresql://hotline@127.0.0.1:1,127.0.0.1:2/hotline",  # nor on any of several
        "postgresql:///hotline?host=/nowhere",  # no such socket
    ],
)
async def test_a_server_that_is_not_there_is_unavailable(address: str) -> None:
    with pytest.raises(Unavailable):
        await db.open_pool(address)


async def test_a_session_that_its_operator_ends_is_unavailable_and_the_next_call_works(pool: db.Pool) -> None:
    with pytest.raises(Unavailable):
        async with db.connection(pool) as connection:
            await connection.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    assert await _answer(pool) == 42


async def test_a_mistake_of_ours_is_not_called_unavailable(pool: db.Pool) -> None:
    with pytest.raises(asyncpg.InterfaceError, match="expects 1 argument"):
        async with db.connection(pool) as connection:
            await connection.fetchval("SELECT $1::int", 1, 2)
    with pytest.raises(FileNotFoundError):
        async with db.transaction(pool):
            os.stat("/nowhere")  # noqa: PTH116 (any error of the body that is an OSError)


def _silent(_: str) -> None:
    pass


def _postmaster(home: Path) -> int:
    return int((home / "postgres/postmaster.pid").read_text().splitlines()[0])


async def _until_unavailable(pool: db.Pool) -> Unavailable:
    # A backend outlives its killed postmaster by some milliseconds and may answer once more.
    while True:
        try:
            await _answer(pool)
        except Unavailable as away:
            return away


async def _answer(pool: db.Pool) -> object:
    async with db.connection(pool) as connection:
        return await connection.fetchval("SELECT 42")
