"""The schema is where the migrations lead, every query fits it, and the rules that must never break are in it."""

from pathlib import Path

import asyncpg
import pytest

from hotline import db, office
from hotline.db import Pool
from sql import loader

QUERIES = loader.load()


@pytest.mark.parametrize("name", sorted(QUERIES))
async def test_every_query_fits_the_schema(pool: Pool, name: str) -> None:
    async with db.connection(pool) as connection:
        await connection.prepare(QUERIES[name].text)


_SHAPE = """
SELECT 'column', table_name, column_name, data_type || ' ' || is_nullable || ' ' || coalesce(column_default, '')
  FROM information_schema.columns WHERE table_schema = $1 AND table_name <> 'schema_migrations'
UNION ALL
SELECT 'constraint', c.conrelid::regclass::text, c.conname, pg_get_constraintdef(c.oid)
  FROM pg_constraint c JOIN pg_namespace n ON n.oid = c.connamespace
 WHERE n.nspname = $1 AND c.conrelid <> 0 AND c.conrelid::regclass::text NOT LIKE '%schema_migrations'
UNION ALL
SELECT 'index', tablename, indexname, indexdef
  FROM pg_indexes WHERE schemaname = $1 AND tablename <> 'schema_migrations'
UNION ALL
SELECT 'trigger', c.relname, t.tgname, pg_get_triggerdef(t.oid)
  FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE n.nspname = $1 AND NOT t.tgisinternal
"""


async def test_the_schema_is_where_the_migrations_lead(pool: Pool) -> None:
    async with db.connection(pool) as connection, connection.transaction():
        migrated = await _shape(connection, "public")
        await connection.execute("CREATE SCHEMA described; SET LOCAL search_path TO described")
        await connection.execute(loader.schema())
        described = await _shape(connection, "described")
        await connection.execute("SET LOCAL search_path TO public; DROP SCHEMA described CASCADE")

    assert described == migrated


async def _shape(connection: db.Connection, schema: str) -> set[tuple[str, ...]]:
    rows = await connection.fetch(_SHAPE, schema)
    return {tuple(str(value).replace("described.", "").replace("public.", "") for value in row) for row in rows}


async def test_every_constraint_of_ours_reads_as_a_rule() -> None:
    text = (Path(loader.__file__).parent / "schema.sql").read_text("utf-8")

    for line in text.splitlines():
        if "CHECK (" in line and not line.lstrip().startswith("CHECK"):
            assert "CONSTRAINT " in line, line


@pytest.mark.parametrize(
    ("statement", "constraint"),
    [
        ("UPDATE events SET person = 'x'", "events is append-only"),
        ("DELETE FROM events", "events is append-only"),
        ("DELETE FROM audit", "audit is append-only"),
    ],
)
async def test_what_happened_can_not_be_changed(pool: Pool, statement: str, constraint: str) -> None:
    async with db.connection(pool) as connection, connection.transaction():
        await connection.execute(
            "INSERT INTO tickets (id, version, state, type, urgency, received_at, entered_at, channel, source, title,"
            " text, opened_by) VALUES (261123100000000001, 1, 'received', 'help', 'normal', now(),"
            " now(), 'phone', 'local', 't', 't', 'a')"
        )
        await connection.execute(
            "INSERT INTO events VALUES"
            " (261123100000000001, 1, now(), 'a', 'agent', 'hotline', 'receive', '{}', '{}', 'x')"
        )
        await connection.execute("INSERT INTO audit VALUES (DEFAULT, now(), 'a', 'b', NULL, 'c', '{}')")
        with pytest.raises(asyncpg.IntegrityConstraintViolationError, match=constraint):
            await connection.execute(statement)


async def test_a_city_that_was_founded_before_keeps_its_units_as_first_versions(pool: Pool) -> None:
    former = [one for one in loader.migrations() if one.number < 19]
    (registers,) = [one for one in loader.migrations() if one.name == "registers"]
    async with db.connection(pool) as connection, connection.transaction():
        await connection.execute("CREATE SCHEMA former; SET LOCAL search_path TO former")
        for one in former:
            await connection.execute(one.text)
        await connection.execute(
            "INSERT INTO areas VALUES ('00', 'city', NULL), ('01', 'county', '00');"
            "INSERT INTO departments VALUES ('a', 'A', 'city', NULL, '00', true), ('b', 'B', 'town', 'a', '01', false);"
            "INSERT INTO categories VALUES ('01', 'kind', true, false, '20wd', 'law', true);"
            "INSERT INTO rulebook_parts VALUES ('calendar', 1, '{}', 'notice', 'x', '2026-01-01Z')"
        )
        await connection.execute(registers.text)
        rows = await connection.fetch("SELECT part, version, published_at, body FROM rulebook_parts")
        await connection.execute("SET LOCAL search_path TO public; DROP SCHEMA former CASCADE")

    bodies = {row["part"]: row["body"] for row in rows if row["version"] == 1}
    assert len({row["published_at"] for row in rows}) == 1
    assert bodies["areas"] == office.registered("areas", [{"code": "00", "name": "city"}, _COUNTY])
    assert [(row["code"], row["parent"], row["closed_from"]) for row in bodies["departments"]] == [
        ("a", "", ""),
        ("b", "a", "2000-01-01"),
    ]
    assert office.registered("categories", bodies["categories"]) == bodies["categories"]


_COUNTY = {"code": "01", "name": "county", "parent": "00"}


async def test_notices_that_were_delivered_before_there_were_places_keep_their_order(pool: Pool) -> None:
    first, second = loader.migrations()[:2]
    assert second.name == "notices"
    async with db.connection(pool) as connection, connection.transaction():
        await connection.execute("CREATE SCHEMA former; SET LOCAL search_path TO former")
        await connection.execute(first.text)
        await connection.execute(
            "INSERT INTO areas VALUES ('00', 'a'); INSERT INTO departments VALUES ('d', 'd', 'city', NULL, '00');"
            "INSERT INTO tickets (id, version, state, type, urgency, received_at, entered_at, channel, source, title,"
            " text, opened_by, grams) VALUES (261123100000000001, 1, 'received', 'help', 'normal', now(), now(),"
            " 'phone', 'local', 't', 't', 'a', '{}');"
            "INSERT INTO notices (key, ticket_id, department, kind, facts, created_at, try_at) SELECT n::text,"
            " 261123100000000001, 'd', 'k', '{}', now(), CASE WHEN n = 2 THEN now() END FROM generate_series(1, 4) n"
        )
        await connection.execute(second.text)
        rows = await connection.fetch("SELECT key, place FROM notices ORDER BY place NULLS LAST")
        following = await connection.fetchval("SELECT nextval('notice_places')")
        await connection.execute("SET LOCAL search_path TO public; DROP SCHEMA former CASCADE")

    assert [(row["key"], row["place"]) for row in rows] == [("1", 1), ("3", 2), ("4", 3), ("2", None)]
    assert following == 4
