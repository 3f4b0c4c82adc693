"""What the pages of rules print, made ready: rows of a part with the fields that may be edited, years, and drafts.

Pure: rows and bodies in, text out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from typing import Any

import orjson

from dispatch.model import Actor, ClockKind, Rung, TicketType, Urgency
from dispatch.rulebook import Audience, Rulebook, Trigger
from dispatch.worktime import Allowance, Calendar, DayKind
from hotline.drafts import FIELDS, PUBLISHERS, Look
from hotline.web import tables_views, words
from hotline.web.forms import Codes

R = words.RULES
EDITED: Mapping[str, tuple[str, ...]] = {
    "calendar": (),
    "allowances": ("allowance", "basis"),
    "ladder": ("after", "count", "demand", "basis"),
    "policy": ("value",),
}
"""The parts that these pages keep, and the fields of their rows that may be edited."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part with the version that rules."""

    name: str
    href: str
    version: str
    source: str
    since: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """A version of a part; `rules` while it is in force."""

    number: int
    name: str
    source: str
    since: str
    rules: bool


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a row that may be edited."""

    name: str
    label: str
    value: str


@dataclass(frozen=True, slots=True)
class Entry:
    """A row of a part: what it is about, in words, and its fields."""

    about: tuple[str, ...]
    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class Month:
    """A month in weeks of (day, kind, what it is); blanks before the first day have no day."""

    name: str
    weeks: tuple[tuple[tuple[str, str, str], ...], ...]


@dataclass(frozen=True, slots=True)
class Year:
    """A year of a calendar: `published` where a notice covers it."""

    number: int
    published: bool
    source: str
    version: str
    months: tuple[Month, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A draft and what it would change."""

    id: int
    name: str
    facts: tuple[tuple[str, str], ...]
    problems: tuple[str, ...]
    changed: tuple[tables_views.Change, ...]
    tried: tables_views.Tried | None
    may_publish: bool
    is_own: bool


def name(part: str) -> str:
    """Return what a part is called."""
    return str(R.parts.get(part, part))


def parts(versions: Iterable[Mapping[str, Any]], now: datetime) -> tuple[Part, ...]:
    """Return the version of each part that rules, the newest that is in force."""
    ruling: dict[str, Mapping[str, Any]] = {}
    for row in versions:
        if (row["effective_at"] or row["published_at"]) <= now:
            ruling.setdefault(row["part"], row)
    return tuple(_part(part, ruling.get(part)) for part in (*FIELDS, *EDITED))


def versions(rows: Iterable[Mapping[str, Any]], now: datetime) -> tuple[Version, ...]:
    """Return the versions of one part, the newest first."""
    given = list(rows)
    ruling = next((row for row in given if (row["effective_at"] or row["published_at"]) <= now), None)
    return tuple(
        Version(
            number=row["version"],
            name=words.version(row["version"]),
            source=row["source"],
            since=f"{words.moment(row['effective_at'] or row['published_at'])} {row['publisher']}",
            rules=row is ruling,
        )
        for row in given
    )


def _part(part: str, row: Mapping[str, Any] | None) -> Part:
    if row is None:
        return Part(name(part), f"/rules/{part}", R.brought, "", "")
    since = words.moment(row["effective_at"] or row["published_at"])
    return Part(
        name(part), f"/rules/{part}", words.version(row["version"]), row["source"], f"{since} {row['publisher']}"
    )


def drafts(rows: Iterable[Mapping[str, Any]]) -> tuple[tuple[str, str, str, str], ...]:
    """Return the drafts that wait: address, part, source, and who drafted it when."""
    return tuple(
        (
            f"/rules/drafts/{row['id']}",
            name(row["part"]),
            row["source"],
            f"{row['drafter']} {words.moment(row['drafted_at'])}",
        )
        for row in rows
    )


def rows_of(part: str, body: Any, rulebook: Rulebook) -> list[dict[str, Any]]:  # noqa: ANN401 - the part's JSON
    """Return the rows of a part as they rule: as published, or as the program brings them."""
    if part == "policy":
        return [{"name": field, "value": value} for field, value in asdict(rulebook.policy).items()]
    if body is not None:
        return [dict(row) for row in body]
    rules = rulebook.ladder if part == "ladder" else rulebook.allowances
    return [_plain({field: getattr(rule, field) for field in rule.__slots__}) for rule in rules]


def _plain(rule: Mapping[str, Any]) -> dict[str, Any]:
    """A rule as JSON has it, allowances in their notation."""
    told = orjson.dumps(rule, default=str, option=orjson.OPT_PASSTHROUGH_DATACLASS)
    plain: dict[str, Any] = orjson.loads(told)
    return plain


def body(part: str, rows: list[dict[str, Any]]) -> Any:  # noqa: ANN401 - the part's JSON
    """Return what is drafted: the rows, or for the policy its numbers by name."""
    return {row["name"]: row["value"] for row in rows} if part == "policy" else rows


def columns(part: str) -> tuple[str, ...]:
    """Return the heads of the columns that say what a row is about."""
    return tuple(R.columns[part])


def rows(part: str, given: Iterable[Mapping[str, Any]], codes: Codes) -> tuple[Entry, ...]:
    """Return the rows of a part for the form."""
    return tuple(
        Entry(
            tuple(_about(part, row, codes)),
            tuple(
                Field(field, R.fields[field], _shown(field, row.get(field)))
                for field in EDITED[part]
                if part != "ladder" or field in _fields_of_rung(row)
            ),
        )
        for row in given
    )


def _shown(field: str, value: Any) -> str:  # noqa: ANN401 - a value of JSON
    if value is None:
        return ""
    return words.allowance(value) if field in tables_views.ALLOWANCES else str(value)


def _fields_of_rung(row: Mapping[str, Any]) -> frozenset[str]:
    """What is open to change on a rung: its moment or its count, whichever makes it come due, and its texts."""
    moment = {Trigger.OVERDUE: "after", Trigger.IGNORED: "after", Trigger.REDONE: "count", Trigger.REPEATED: "count"}
    named = {moment.get(Trigger.of(row["trigger"]), ""), "basis", "demand" if row.get("rung") else ""}
    return frozenset(named)


def _about(part: str, row: Mapping[str, Any], codes: Codes) -> Iterator[str]:
    if part == "policy":
        yield R.policy[row["name"]]
    elif part == "allowances":
        yield ClockKind.of(row["kind"]).chinese
        given = (
            TicketType.of(row["type"]).chinese if row.get("type") else "",
            Urgency.of(row["urgency"]).chinese if row.get("urgency") else "",
            codes.category(row["category"]) if row.get("category") else "",
        )
        yield "，".join(filter(None, given)) or R.otherwise
        yield words.allowance(row["allowance"])
    else:
        yield words.NOTICES.get(row["name"], row["name"])
        yield _when(row)
        yield "、".join(Audience.of(one).chinese for one in row["tells"])
        paper = Rung.of(row["rung"]).chinese if row.get("rung") else R.no_paper
        yield f"{paper}（{R.by_person}）" if row.get("by_person") else paper


def _when(row: Mapping[str, Any]) -> str:
    trigger = Trigger.of(row["trigger"])
    after = words.allowance(str(Allowance.parse(row["after"]))) if row.get("after") else ""
    count = str(row["count"]) if row.get("count") else ""
    ignored = Rung.of(row["ignored"]).chinese if row.get("ignored") else ""
    return " ".join(filter(None, (ignored, trigger.chinese, after, count)))


def year(calendar: Calendar, number: int) -> Year:
    """Return a year of a calendar, month by month."""
    return Year(
        number=number,
        published=number in calendar.published_years,
        source=calendar.source,
        version=calendar.version,
        months=tuple(_month(calendar, number, month) for month in range(1, 13)),
    )


def _month(calendar: Calendar, number: int, month: int) -> Month:
    first = date(number, month, 1)
    days: list[tuple[str, str, str]] = [("", "", "")] * first.weekday()
    day = first
    while day.month == month:
        kind = calendar.kind_of(day)
        days.append((str(day.day), kind.value, kind.chinese))
        day += timedelta(days=1)
    weeks = tuple(tuple(days[start : start + 7]) for start in range(0, len(days), 7))
    return Month(R.month.format(month), weeks)


def changed(days: Iterable[tuple[date, str, str]]) -> tuple[tuple[str, str, str], ...]:
    """Return the days that a calendar changes, from what to what."""
    return tuple((day.isoformat(), DayKind.of(was).chinese, DayKind.of(now).chinese) for day, was, now in days)


def draft(found: Look, actor: Actor, codes: Codes) -> Draft:
    """Return a draft in words."""
    row = found.draft
    effective = words.moment(row["effective_at"]) or R.at_once
    own = row["drafted_by"] == actor.person
    return Draft(
        id=row["id"],
        name=name(row["part"]),
        facts=(
            (R.source, row["source"]),
            (R.drafted, f"{row['drafter']} {words.moment(row['drafted_at'])}"),
            (R.effective, effective),
            *((R.overtaken, R.overtaken_by.format(words.version(n), words.moment(at))) for n, at in found.overtaken),
        ),
        problems=tables_views.problems(found.problems, codes),
        changed=tables_views.changes(row["part"], found.rows, codes),
        tried=tables_views.tried(found.trial, codes),
        may_publish=actor.role in PUBLISHERS and not own,
        is_own=own,
    )
