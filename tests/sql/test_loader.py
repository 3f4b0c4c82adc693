"""Named blocks become queries with numbered parameters, and a broken block is said by file and name."""

import pytest

from sql import loader


def one(statement: str) -> loader.Query:
    return loader.parse([("a.sql", f"-- name: one\n-- A sentence.\n{statement}")])["one"]


def test_a_block_is_a_name_a_sentence_and_a_statement() -> None:
    first = "-- name: first\n-- The first\n-- of all.\nSELECT 1;\n\n"
    second = "-- name: second\n-- The second.\nSELECT :id;\n"

    queries = loader.parse([("tickets.sql", "-- About tickets.\n\n" + first + second)])

    assert queries["first"] == loader.Query("first", "The first of all.", "SELECT 1", ())
    assert queries["second"] == loader.Query("second", "The second.", "SELECT $1", ("id",))


def test_the_same_name_has_the_same_number() -> None:
    query = one("SELECT :a, :b, :a")

    assert (query.text, query.parameters) == ("SELECT $1, $2, $1", ("a", "b"))


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT now()::date",  # a cast
        "SELECT '12:30', 'it''s :quoted'",  # in quotes, with a quote in them
        'SELECT 1 AS "a:b"',  # a quoted name
        "SELECT $$ :dollar $$, $x$ :tagged $x$",  # dollar quotes
        "SELECT 1 -- a remark: :this one\n  + 1",  # a remark at the end of a line
        "SELECT /* :not this */ 1",
        "SELECT (ARRAY[1, 2])[1:2]",  # a slice
    ],
)
def test_what_only_looks_like_a_parameter_stays(statement: str) -> None:
    assert one(statement) == loader.Query("one", "A sentence.", statement, ())


def test_a_parameter_may_be_cast() -> None:
    assert one("SELECT :a::int, ':b', :c").text == "SELECT $1::int, ':b', $2"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("-- name: a\n-- One.\nSELECT 1;\n-- name: a\n-- Two.\nSELECT 2;", "the name a is taken already"),
        ("-- name: a\nSELECT 1;", "a needs a sentence"),
        ("-- name: a\n-- no full stop\nSELECT 1;", "a needs a sentence"),
        ("-- name: a\n-- One.\n", "a has no statement"),
        ("-- name: a\n-- One.\n\n-- only a remark\n", "a has no statement"),
        ("-- name: Two Words\n-- One.\nSELECT 1;", "name: Two Words"),
        ("SELECT 0;\n-- name: a\n-- One.\nSELECT 1;", "before the first"),
    ],
)
def test_a_broken_block_says_where_and_why(text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=r"^b\.sql: ") as error:
        loader.parse([("b.sql", text)])

    assert problem in str(error.value)


def test_the_queries_and_migrations_of_the_package_can_be_read() -> None:
    assert all(query.name == name for name, query in loader.load().items())
    assert [migration.number for migration in loader.migrations()] == list(range(1, len(loader.migrations()) + 1))
