"""The pool, its transactions and the migrations; the one place where a driver's failure becomes `Unavailable`.

Knows no table but its own `schema_migrations`, and not who is asking or what is allowed. `timestamptz` come back as
aware UTC datetimes, `json` and `jsonb` as Python values.
"""

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Literal, TypeAlias
from urllib.parse import urlsplit

import asyncpg
import orjson
from asyncpg.connect_utils import SessionAttribute
from asyncpg.pool import PoolConnectionProxy

from hotline.errors import MigrationRefused, Unavailable
from sql import loader

Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"
Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]"

# Seconds that a request waits for a free connection, and that one statement of a request may take.
_ACQUIRE_SECONDS = 10
_STATEMENT_SECONDS = 60
_CONNECT_SECONDS = 10
# More than the service has queries, so that none is ever prepared twice on a connection.
_STATEMENTS_KEPT = 500
# Any fixed number does, as long as every release uses the same: "12345" and the year of the first.
_MIGRATION_LOCK = 12345_2026

# A migration may rewrite a table of years.
_MIGRATION_SECONDS = 24 * 3600

_GONE = (
    asyncpg.PostgresConnectionError,  # 08: the connection is lost or was never made
    asyncpg.CannotConnectNowError,  # 57P03: starting up, shutting down, recovering
    asyncpg.AdminShutdownError,  # 57P01: stopped by its operator
    asyncpg.CrashShutdownError,  # 57P02: stopped because a sibling process crashed
    asyncpg.TooManyConnectionsError,  # 53300
    asyncpg.ReadOnlySQLTransactionError,  # 25006: after a failover we still talk to the former primary
    ConnectionError,  # refused, reset
    TimeoutError,  # no free connection within _ACQUIRE_SECONDS, no answer within _STATEMENT_SECONDS
)
_NOT_REACHED = (
    *_GONE,
    OSError,  # no such socket, name not resolved, no route; only while connecting: a body may have files of its own
    asyncpg.TargetServerAttributeNotMatched,  # among several hosts none is the primary at the moment
)


_SESSION = {
    "application_name": "hotline",
    "jit": "off",
    # Many ask at once: a count that took every processor for itself would keep all others waiting.
    "max_parallel_workers_per_gather": "0",
    # Every query is written so that its plan does not hang on its values. To plan it anew for each costs more than half
    # of what a ticket's page takes of the database.
    "plan_cache_mode": "force_generic_plan",
}


class _Connection(asyncpg.Connection):
    """A connection that costs no round trip when it is given back: we set nothing in a session that would stay."""

    def get_reset_query(self) -> str:
        return ""


async def open_pool(url: str, *, size: int = 10) -> Pool:
    """Return a pool of at most `size` connections to `url`; raises Unavailable if the server does not answer.

    With several hosts in the URL only a primary is taken, so that the pool follows a failover by itself.
    """
    several = "," in urlsplit(url).netloc and "target_session_attrs=" not in url
    with _translated(_NOT_REACHED):
        pool: Pool = await asyncpg.create_pool(
            url,
            min_size=min(2, size),
            max_size=size,
            init=_prepare_connection,
            connection_class=_Connection,
            timeout=_CONNECT_SECONDS,
            command_timeout=_STATEMENT_SECONDS,
            statement_cache_size=_STATEMENTS_KEPT,
            max_cached_statement_lifetime=0,
            server_settings=_SESSION,
            target_session_attrs=SessionAttribute.primary if several else None,
        )
        return pool


async def connect(url: str) -> Connection:
    """Return one connection outside any pool, for whoever must keep it; raises Unavailable."""
    with _translated(_NOT_REACHED):
        return await asyncpg.connect(
            url, timeout=_CONNECT_SECONDS, command_timeout=_CONNECT_SECONDS, connection_class=_Connection
        )


async def notify(connection: Connection, channel: str, payload: str) -> None:
    """Tell everybody who listens to `channel`; PostgreSQL takes less than 8000 bytes."""
    with driver_errors():
        await connection.execute("SELECT pg_notify($1, $2)", channel, payload)


async def listen(connection: Connection, channel: str, heard: Callable[[str], None], lost: Callable[[], None]) -> None:
    """Call `heard` with each payload from now on, and `lost` when the connection ends."""
    with driver_errors():
        await connection.add_listener(channel, lambda _connection, _pid, _channel, payload: heard(str(payload)))
    connection.add_termination_listener(lambda _connection: lost())


@asynccontextmanager
async def connection(pool: Pool) -> AsyncIterator[Connection]:
    """Lend a connection outside any transaction; raises Unavailable for whatever the server's absence does."""
    with _translated(_NOT_REACHED):
        lent = await pool.acquire(timeout=_ACQUIRE_SECONDS)
    try:
        with driver_errors():
            try:
                yield lent
            finally:
                await pool.release(lent)
    except Unavailable as away:
        # What one connection lost, the idle ones have lost too, or they lead to a former primary: the next call
        # connects anew. A slow answer says nothing about the others.
        if not isinstance(away.__cause__, TimeoutError):
            await pool.expire_connections()
        raise


@asynccontextmanager
async def transaction(pool: Pool, *, read_only: bool = False) -> AsyncIterator[Connection]:
    """Lend a connection in a transaction that commits at the end and rolls back on any exception.

    Read committed: rows are locked where it matters, not guessed at. A read-only one sees a single snapshot.
    """
    isolation: Literal["repeatable_read", "read_committed"] = "repeatable_read" if read_only else "read_committed"
    async with connection(pool) as lent, lent.transaction(isolation=isolation, readonly=read_only):
        yield lent


@contextmanager
def driver_errors() -> Iterator[None]:
    """Turn every way in which a connected server can go away into `Unavailable`; other errors pass as they are."""
    with _translated(_GONE):
        yield


@contextmanager
def _translated(gone: tuple[type[Exception], ...]) -> Iterator[None]:
    try:
        yield
    except gone as error:
        raise Unavailable("the database") from error
    except (asyncpg.InterfaceError, asyncpg.InternalClientError) as error:
        # asyncpg has one class for our misuse and for a connection that closed under us. The second text comes when the
        # server's farewell is read but not yet its end of file: state 2 is 'consuming an error'.
        if "clos" in str(error) or "another operation (2)" in str(error):
            raise Unavailable("the database") from error
        raise


async def migrate(connection: Connection) -> Sequence[str]:
    """Bring the database to this release and return the names of what was applied, none if it is there already.

    Forward only. Each migration is one transaction; an advisory lock lets several processes start at once. Raises
    MigrationRefused, before anything is done, if an applied file has changed or the database is of a newer release.
    """
    with driver_errors():
        await connection.execute("SELECT pg_advisory_lock($1)", _MIGRATION_LOCK, timeout=_MIGRATION_SECONDS)
        try:
            return await _migrate_locked(connection)
        finally:
            if not connection.is_closed():
                await connection.execute("SELECT pg_advisory_unlock($1)", _MIGRATION_LOCK)


async def _migrate_locked(connection: Connection) -> Sequence[str]:
    await connection.execute(
        "CREATE TABLE IF NOT EXISTS schema_migrations ("
        " number integer PRIMARY KEY, name text NOT NULL, sha256 text NOT NULL,"
        " applied_at timestamptz NOT NULL DEFAULT now())"
    )
    applied = {
        row["number"]: (row["name"], row["sha256"])
        for row in await connection.fetch("SELECT number, name, sha256 FROM schema_migrations ORDER BY number")
    }
    migrations = loader.migrations()
    if problems := _problems(applied, migrations):
        raise MigrationRefused(problems)
    pending = [migration for migration in migrations if migration.number not in applied]
    for migration in pending:
        async with connection.transaction():
            await connection.execute(migration.text, timeout=_MIGRATION_SECONDS)
            await connection.execute(
                "INSERT INTO schema_migrations (number, name, sha256) VALUES ($1, $2, $3)",
                migration.number,
                migration.name,
                migration.sha256,
            )
    return tuple(f"{migration.number:04}_{migration.name}" for migration in pending)


def _problems(applied: dict[int, tuple[str, str]], migrations: Sequence[loader.Migration]) -> tuple[str, ...]:
    known = {migration.number: migration for migration in migrations}
    problems = []
    for number, (name, sha256) in applied.items():
        if number not in known:
            problems.append(f"it has {number:04}_{name}, which this release does not know: run the newer release")
        elif known[number].sha256 != sha256:
            problems.append(f"{number:04}_{known[number].name}.sql has changed since it was applied: restore the file")
    missing = [number for number in known if number not in applied and number < max(applied, default=0)]
    problems += [f"{number:04}_{known[number].name}.sql was passed over by a later one" for number in missing]
    return tuple(problems)


async def _prepare_connection(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    for kind in ("json", "jsonb"):
        await connection.set_type_codec(
            kind, schema="pg_catalog", encoder=_json_text, decoder=orjson.loads, format="text"
        )


def _json_text(value: object) -> str:
    return orjson.dumps(value).decode()
