"""What administrators edit: areas, departments, categories and the dated parts of the rulebook.

Published versions never change; a new one takes their place. A rulebook with problems is not published. The
demonstration city comes in through the same functions.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from importlib import resources
from typing import Any

from dispatch.rulebook import DEFAULT_ALLOWANCES, DEFAULT_LADDER, LadderRule, Policy, Rulebook, problems
from dispatch.worktime import Allowance
from hotline.calendar_seed import default_calendar
from hotline.desk import Desk
from hotline.errors import BadInput
from hotline.store import Transaction


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
    async with desk.store.transaction() as transaction:
        await transaction.execute("put_areas", areas=[_rooted(area) for area in city.areas])
        await transaction.execute("put_departments", departments=[_rooted(unit) for unit in city.departments])
        for category in city.categories:
            if category["statutory"]:
                Allowance.parse(category["statutory"])
        await transaction.execute("put_categories", categories=city.categories)
        for part, body in city.parts.items():
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
    desk.forget_rules()
    return rulebook


async def _sound(transaction: Transaction, at: datetime) -> Rulebook:
    """Return the rules that are about to be committed; raises BadInput when they have problems: then none are kept."""
    rulebook = await transaction.rulebook(at)
    if found_problems := problems(rulebook):
        raise BadInput("rulebook", rulebook.version, "has problems", "; ".join(found_problems[:20]))
    return rulebook


def _rooted(row: Mapping[str, Any]) -> dict[str, Any]:
    """An empty superior in a file means none."""
    return {**row, "parent": row["parent"] or None}


def _source(part: str, body: Any) -> str:  # noqa: ANN401 - the part's JSON
    return str(body["source"]) if part == "calendar" else "随软件提供的默认值"


async def publish(desk: Desk, part: str, body: Any, *, source: str, by: str) -> int:  # noqa: ANN401 - the part's JSON
    """Publish the next version of one part of the rulebook and return its number; the change leaves a trace.

    For the first version and for calendars; what else changes is drafted by one person and published by another (see
    `drafts`). Raises BadInput when the rules would have problems: then nothing is changed.
    """
    async with desk.store.transaction() as transaction:
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

    The rules are held against each other as they will be when the version comes into force.
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
    return version
