"""What every test may ask for: a real PostgreSQL and Redis, a migrated and empty database, and nothing but loopback.

One PostgreSQL and one Redis serve the whole run; they start when the first test asks for them. Tests commit for real,
and afterwards every table is emptied in one batch, which costs a millisecond or two where a fresh database costs
hundreds.
"""

import os
import socket
from collections.abc import AsyncIterator, Iterator

import asyncpg
import pytest
import redis.asyncio

from hotline import db, embedded


@pytest.fixture(scope="session")
def _servers() -> Iterator[embedded.Urls]:
    with embedded.temporary() as urls:
        yield urls


@pytest.fixture(scope="session")
async def _migrated(_servers: embedded.Urls) -> str:
    connection = await asyncpg.connect(_servers.database)
    await db.migrate(connection)
    await connection.close()
    return _servers.database


@pytest.fixture(scope="session")
async def _session_pool(_migrated: str) -> AsyncIterator[db.Pool]:
    pool = await db.open_pool(_migrated)
    yield pool
    await pool.close()


@pytest.fixture(scope="session")
async def _emptying(_session_pool: db.Pool) -> str:
    """Return the batch that empties every table but the record of migrations.

    As `replica` the session passes over triggers and foreign keys: append-only tables can be emptied, in any order.
    """
    async with db.connection(_session_pool) as connection:
        tables = await connection.fetch(
            "SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables"
            " WHERE schemaname NOT IN ('pg_catalog', 'information_schema') AND tablename <> 'schema_migrations'"
        )
    deletes = "".join(f"DELETE FROM {table['name']};" for table in tables)
    return f"BEGIN; SET LOCAL session_replication_role = replica; {deletes} COMMIT;"


@pytest.fixture
async def database_url(_migrated: str, _session_pool: db.Pool, _emptying: str) -> AsyncIterator[str]:
    """Give the address of the migrated, empty database; it is emptied again afterwards."""
    yield _migrated
    async with db.connection(_session_pool) as connection:
        await connection.execute(_emptying)


@pytest.fixture
def pool(database_url: str, _session_pool: db.Pool) -> db.Pool:
    """Give a pool on the migrated, empty database."""
    assert database_url
    return _session_pool


@pytest.fixture
async def redis_url(_servers: embedded.Urls) -> AsyncIterator[str]:
    """Give the address of an empty Redis; it is flushed afterwards."""
    if _servers.redis is None:
        pytest.skip("no redis-server or valkey-server on PATH, and no package of this Python carries one")
    yield _servers.redis
    client = redis.asyncio.from_url(_servers.redis)
    await client.flushall()
    await client.aclose()


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide the developer's own settings: a test that needs one says so."""
    for name in list(os.environ):
        if name.startswith("HOTLINE_") and not name.startswith(("HOTLINE_TEST_", "HOTLINE_SHARED_", "HOTLINE_ORACLE_")):
            monkeypatch.delenv(name)


@pytest.fixture(autouse=True, scope="session")
def _only_loopback() -> Iterator[None]:
    """Refuse every connection that leaves the machine."""
    patch = pytest.MonkeyPatch()
    connect, connect_ex = socket.socket.connect, socket.socket.connect_ex

    def guarded_connect(self: socket.socket, address: object, /) -> None:
        _refuse_far(self, address)
        connect(self, address)  # type: ignore[arg-type]  # whatever socket itself takes

    def guarded_connect_ex(self: socket.socket, address: object, /) -> int:
        _refuse_far(self, address)
        return connect_ex(self, address)  # type: ignore[arg-type]  # the same

    patch.setattr(socket.socket, "connect", guarded_connect)
    patch.setattr(socket.socket, "connect_ex", guarded_connect_ex)
    yield
    patch.undo()


def _refuse_far(used: socket.socket, address: object) -> None:
    if used.family not in {socket.AF_INET, socket.AF_INET6} or not isinstance(address, tuple):
        return
    if not str(address[0]).startswith(("127.", "::1", "localhost")):
        raise RuntimeError(f"a test tried to reach {address[0]}: tests use loopback only")
