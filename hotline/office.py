"""What administrators edit: the dated parts of the rulebook, areas, departments and categories among them.

Published versions never change; a new one takes their place. A rulebook with problems is not published. A code of an
area, a department or a category stays for ever: it is closed, never taken away. The demonstration city comes in through
the same functions.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime
from importlib import resources
from typing import Any

from dispatch.model import Level
from dispatch.rulebook import DEFAULT_ALLOWANCES, DEFAULT_LADDER, LadderRule, Policy, Rulebook, problems
from dispatch.worktime import Allowance
from hotline.calendar_seed import default_calendar
from hotline.desk import Desk
from hotline.errors import BadInput
from hotline.store import REGISTERS, Transaction

DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "areas": {"code": "", "name": "", "parent": "", "closed_from": "", "successor": ""},
    "departments": {
        "code": "",
        "name": "",
        "level": "",
        "parent": "",
        "area": "",
        "closed_from": "",
        "successor": "",
    },
    "categories": {
        "code": "",
        "name": "",
        "departmental": False,
        "sensitive": False,
        "statutory": "",
        "basis": "",
        "closed_from": "",
        "successor": "",
    },
}
"""The columns of areas, departments and categories, and what stands where nothing was given."""


@dataclass(frozen=True, slots=True)
class City:
    """Everything that a city starts from, as plain rows."""

    areas: tuple[Mapping[str, Any], ...]
    departments: tuple[Mapping[str, Any], ...]
    categories: tuple[Mapping[str, Any], ...]
    parts: Mapping[str, Any]


def demonstration_city() -> City:
    """Return the city that the package carries: invented places and units, the real duties and periods."""
    rules = {row["category"]: row for row in _rows("category_rules.csv")}
    return City(
        areas=tuple(_rows("city/areas.csv")),
        departments=tuple(_rows("city/departments.csv")),
        categories=tuple(_category(row, rules.get(row["code"], {})) for row in _rows("categories.csv")),
        parts={
            "calendar": default_calendar().to_mapping(),
            "allowances": [_allowance(rule) for rule in DEFAULT_ALLOWANCES],
            "ladder": [rung(rule) for rule in DEFAULT_LADDER],
            "catalogue": [{**row, "co": row["co"].split()} for row in _rows("city/catalogue.csv")],
            "policy": asdict(Policy()),
            "refusals": list(_rows("refusals.csv")),
            "risk_words": list(_rows("risk_words.csv")),
        },
    )


def _rows(name: str) -> Iterator[dict[str, str]]:
    text = (resources.files("hotline") / "data" / name).read_text("utf-8")
    yield from csv.DictReader(text.splitlines())


def _category(row: Mapping[str, str], rule: Mapping[str, str]) -> dict[str, Any]:
    return {
        "code": row["code"],
        "name": row["name"],
        "departmental": rule.get("departmental") == "1",
        "sensitive": rule.get("sensitive") == "1",
        "statutory": rule.get("statutory") or None,
        "basis": rule.get("basis", ""),
    }


def _allowance(rule: Any) -> dict[str, Any]:  # noqa: ANN401 - dispatch.rulebook.AllowanceRule
    return {
        "kind": rule.kind,
        "allowance": str(rule.allowance),
        "basis": rule.basis,
        "type": rule.type,
        "urgency": rule.urgency,
        "category": rule.category,
    }


def rung(rule: LadderRule) -> dict[str, Any]:
    """Return a rung of the ladder as plain values, the way it is published."""
    return asdict(rule) | {"after": str(rule.after) if rule.after else None}


async def is_founded(desk: Desk) -> bool:
    """Whether the city has rules yet."""
    return bool(await desk.store.fetch("rulebook_parts", at=desk.now()))


async def found(desk: Desk, city: City, *, by: str) -> Rulebook:
    """Enter a city's areas, departments, categories and first rules; raises BadInput when the rules have problems."""
    registers = {"areas": city.areas, "departments": city.departments, "categories": city.categories}
    parts = {**{part: registered(part, rows) for part, rows in registers.items()}, **city.parts}
    async with desk.store.transaction() as transaction:
        for part, body in parts.items():
            await transaction.fetch(
                "publish_part",
                part=part,
                body=body,
                source=_source(part, body),
                published_by=by,
                published_at=desk.now(),
                drafted_by=None,
                effective_at=None,
            )
        rulebook = await _sound(transaction, desk.now())
        for part in REGISTERS:
            await transaction.execute(f"put_{part}", rows=parts[part])
    desk.forget_rules()
    return rulebook


def registered(part: str, rows: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - what is hoped to be the part's JSON
    """Return the rows of areas, departments or categories with every column, empty where nothing was given.

    Raises BadInput for what are no such rows, and for two rows with one code.
    """
    columns = DEFAULTS[part]
    if not isinstance(rows, list | tuple) or not all(isinstance(row, Mapping) for row in rows):
        raise BadInput("body", part, f"cannot be read as {part}: a list of rows")
    if strange := sorted({str(name) for row in rows for name in row} - set(columns)):
        raise BadInput("body", ", ".join(strange)[:100], "has other columns", ", ".join(columns))
    found = [{name: row.get(name) or empty for name, empty in columns.items()} for row in rows]
    for row in found:
        _check_entry(part, row)
    if twice := next(_repeated(row["code"] for row in found), None):
        raise BadInput("code", str(twice), "has a row already", "one row for each code")
    return found


_CODES: Mapping[str, str] = {
    "areas": r"[^\s@?/,，、]{1,40}",
    "departments": r"[^\s@?/,，、]{1,40}",
    "categories": r"(\d\d){1,3}",
}
"""What a code may look like; `@` and `?` mean something in the dispatch catalogue."""
LONGEST_NAME = 60


def _check_entry(part: str, row: Mapping[str, Any]) -> None:
    for name, empty in DEFAULTS[part].items():
        if not isinstance(row[name], type(empty)):
            raise BadInput(name, str(row[name])[:40], "is of another kind", type(empty).__name__)
    if not re.fullmatch(_CODES[part], row["code"], re.ASCII):
        raise BadInput("code", row["code"][:60], "is no code", _CODES[part])
    if not row["name"].strip() or len(row["name"]) > LONGEST_NAME or not row["name"].isprintable():
        raise BadInput("name", row["name"][:60], "is no name", f"1 to {LONGEST_NAME} characters")
    for name, read in (("closed_from", date.fromisoformat), ("statutory", Allowance.parse), ("level", Level.of)):
        try:
            if row.get(name) or (name == "level" and part == "departments"):
                read(row[name])
        except (ValueError, LookupError) as error:
            raise BadInput(name, row[name][:40], "cannot be read") from error


def _repeated(codes: Iterable[str]) -> Iterator[str]:
    seen: set[str] = set()
    for code in codes:
        if code in seen:
            yield code
        seen.add(code)


async def _sound(transaction: Transaction, at: datetime) -> Rulebook:
    """Return the rules that are about to be committed; raises BadInput when they have problems: then none are kept.

    What is known to come later counts, too: a later version of another part, a day on which a code is closed.
    """
    rulebook, *later = await transaction.rulebooks(at)
    found_problems = dict.fromkeys(problem for one in (rulebook, *later) for problem in problems(one))
    if found_problems:
        raise BadInput("rulebook", rulebook.version, "has problems", "; ".join([*found_problems][:20]))
    return rulebook


def _source(part: str, body: Any) -> str:  # noqa: ANN401 - the part's JSON
    return str(body["source"]) if part == "calendar" else "随软件提供的默认值"


async def publish(desk: Desk, part: str, body: Any, *, source: str, by: str) -> int:  # noqa: ANN401 - the part's JSON
    """Publish the next version of one part of the rulebook and return its number; the change leaves a trace.

    For the first version and for calendars; what else changes is drafted by one person and published by another (see
    `drafts`). Raises BadInput when the rules would have problems: then nothing is changed.
    """
    async with desk.store.transaction() as transaction:
        await transaction.execute("lock_rules")
        version = await publish_version(transaction, part, body, source=source, by=by, at=desk.now())
    desk.forget_rules()
    return version


async def publish_version(  # noqa: PLR0913 - what a version consists of
    transaction: Transaction,
    part: str,
    body: Any,  # noqa: ANN401 - the part's JSON
    *,
    source: str,
    by: str,
    at: datetime,
    drafted_by: str | None = None,
    effective_at: datetime | None = None,
) -> int:
    """Write the next version of one part with its trace, and return its number; raises BadInput if it has problems.

    The rules are held against each other as they will be from when the version comes into force. Areas, departments
    and categories are entered at once, so that whatever comes later can name their codes.
    """
    rows = await transaction.fetch(
        "publish_part",
        part=part,
        body=body,
        source=source,
        published_by=by,
        published_at=at,
        drafted_by=drafted_by,
        effective_at=effective_at,
    )
    version: int = rows[0]["version"]
    facts = {"part": part, "version": version, "drafted_by": drafted_by, "effective_at": effective_at}
    await transaction.execute(
        "record_audit", at=at, person=by, what="publish", ticket_id=None, reason=source, facts=facts
    )
    await _sound(transaction, max(at, effective_at or at))
    if part in REGISTERS:
        await transaction.execute(f"put_{part}", rows=body)
    return version
