"""Read the named queries, the migrations and the schema from the files beside this module.

A block of a query file is `-- name: query_name`, one or more comment lines that say the query in a sentence, and the
statement. `:name` in the statement becomes `$n`, the same name always the same number; quoted text, comments and
`::casts` stay as they are. Nothing here knows a database.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable

_BLOCK = re.compile(r"^-- name: *(.*?) *$", re.MULTILINE)
_DOC = re.compile(r"(?:--.*\n)*")
_TOKEN = re.compile(
    r"""'(?:[^']|'')*' | "[^"]*" | --[^\n]* | /\*.*?\*/ | (\$\w*\$).*?\1 | ::\w+ | (?<![\w:]):(?P<name>[a-z_]\w*)""",
    re.VERBOSE | re.DOTALL,
)
_MIGRATION = re.compile(r"(\d{4})_(\w+)\.sql")


@dataclass(frozen=True, slots=True)
class Query:
    """One statement; argument `n` of the driver is `parameters[n - 1]`."""

    name: str
    doc: str
    text: str
    parameters: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Migration:
    number: int
    name: str
    text: str
    sha256: str


def load() -> Mapping[str, Query]:
    """Return all queries of the package by name; raises ValueError for a block that breaks the form above."""
    folder = resources.files("sql") / "queries"
    return parse((file.name, file.read_text("utf-8")) for file in _sql_files(folder))


def parse(files: Iterable[tuple[str, str]]) -> Mapping[str, Query]:
    """Return the queries in (file name, text) pairs by name."""
    queries: dict[str, Query] = {}
    for file, text in files:
        before, *pieces = _BLOCK.split(text)
        if re.sub(r"--.*", "", before).strip():
            raise ValueError(f"{file}: a statement stands before the first '-- name:'")
        for name, block in zip(pieces[::2], pieces[1::2], strict=True):
            if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
                raise ValueError(f"{file}: '-- name: {name}' is not a name in lower_case")
            if name in queries:
                raise ValueError(f"{file}: the name {name} is taken already")
            queries[name] = _query(file, name, block.lstrip("\n"))
    return queries


def migrations() -> tuple[Migration, ...]:
    """Return the migrations in their order; raises ValueError unless they are numbered from 1 without a gap."""
    found = []
    for file in _sql_files(resources.files("sql") / "migrations"):
        match = _MIGRATION.fullmatch(file.name)
        if match is None:
            raise ValueError(f"migrations/{file.name} is not named like 0001_first_tables.sql")
        text = file.read_text("utf-8")
        found.append(Migration(int(match[1]), match[2], text, hashlib.sha256(text.encode()).hexdigest()))
    if [migration.number for migration in found] != list(range(1, len(found) + 1)):
        raise ValueError("migrations are not numbered without a gap: " + ", ".join(f"{m.number:04}" for m in found))
    return tuple(found)


def schema() -> str:
    """Return the schema as it is after the last migration."""
    return (resources.files("sql") / "schema.sql").read_text("utf-8")


def _sql_files(folder: Traversable) -> list[Traversable]:
    if not folder.is_dir():
        return []
    return sorted((file for file in folder.iterdir() if file.name.endswith(".sql")), key=lambda file: file.name)


def _query(file: str, name: str, block: str) -> Query:
    comment = _DOC.match(block)
    lines = comment[0].splitlines() if comment else []
    doc = " ".join(line.removeprefix("--").strip() for line in lines).strip()
    statement = block[comment.end() if comment else 0 :].strip().removesuffix(";").strip()
    if not doc.endswith("."):
        raise ValueError(f"{file}: {name} needs a sentence in comment lines under its name, ending with a full stop")
    if not re.sub(r"--.*", "", statement).strip():
        raise ValueError(f"{file}: {name} has no statement")
    parameters: list[str] = []

    def numbered(token: re.Match[str]) -> str:
        parameter = token["name"]
        if parameter is None:
            return token[0]
        if parameter not in parameters:
            parameters.append(parameter)
        return f"${parameters.index(parameter) + 1}"

    return Query(name, doc, _TOKEN.sub(numbered, statement), tuple(parameters))
