"""The long tables of rules in words: rows, forms of a row, what a change changes, and what a trial of it says.

Pure: rows in, text out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from dispatch.model import ClockKind, Level, Rung, TicketType, Urgency
from dispatch.rulebook import ASK_A_PERSON, COUNTY, HOTLINE, Audience, Risk, Trigger
from hotline.drafts import FIELDS, KEYS, Pair, Trial, key_of
from hotline.store import REGISTERS
from hotline.web import words
from hotline.web.forms import Codes, Input, Kind, Option, Typed, first

R = words.RULES
KINDS: Mapping[str, Kind] = {
    "category": "line",
    "area": "line",
    "co": "line",
    "risk": "choice",
    "level": "choice",
    "tell": "text",
}
"""Columns that are not one plain line; categories and areas are typed, since a city has thousands."""
NEEDED = frozenset({"category", "lead", "basis", "word", "risk", "level", "code", "name", "tell"})
ALLOWANCES = frozenset({"allowance", "after", "statutory"})
"""Fields that note how long somebody may take."""
SHOWN_TICKETS = 50
"""Groups of a trial that a page lists."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A row of a table: its cells in words, where it is edited, and how it stands in the own draft."""

    href: str
    cells: tuple[str, ...]
    mark: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A row that differs: what became of it, its name, and each field as (what, before, after)."""

    what: str
    name: str
    fields: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """Tickets that would have gone elsewhere: what they are about, from where to where, how many, and some of them."""

    matter: str
    before: str
    after: str
    tickets: int
    some: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """What a trial says."""

    told: str
    groups: tuple[Moved, ...]


def columns(part: str) -> tuple[str, ...]:
    """Return the heads of the columns."""
    return tuple(label(part, name) for name in FIELDS[part])


def label(part: str, name: str) -> str:
    """Return what a field is called in its part."""
    return str(R.own_fields.get(part, {}).get(name) or R.fields.get(name, name))


def rows(part: str, given: Iterable[Mapping[str, Any]], was: Iterable[Mapping[str, Any]], codes: Codes) -> list[Row]:
    """Return rows for the list; `was` are those that rule, to mark what the draft has changed."""
    ruling = {key_of(part, row): row for row in was}
    return [
        Row(
            href=f"/rules/{part}/row?{urlencode([('key', value) for value in key_of(part, row)])}",
            cells=tuple(worded(part, name, row.get(name), codes) for name in FIELDS[part]),
            mark=mark(row, ruling.get(key_of(part, row))),
        )
        for row in given
    ]


def mark(row: Mapping[str, Any], was: Mapping[str, Any] | None) -> str:
    """Return how a row of a draft stands to the one that rules."""
    if was == row:
        return ""
    return str(R.changes["new"] if was is None else R.changes["changed"])


def fitting(part: str, given: Iterable[Mapping[str, Any]], text: str, codes: Codes) -> Iterator[Mapping[str, Any]]:
    """Yield the rows in which every word stands, in a code or in its name."""
    wanted = text.lower().split()
    for row in given:
        said = " ".join(f"{row.get(name)} {worded(part, name, row.get(name), codes)}" for name in FIELDS[part]).lower()
        if all(word in said for word in wanted):
            yield row


_NO_NAMES: Mapping[str, str] = {}
SPECIAL = {COUNTY: R.of_county, ASK_A_PERSON: R.ask_a_person, HOTLINE: R.answered_here}


def worded(  # noqa: PLR0911 - each kind in its own words
    part: str,
    name: str,
    value: Any,  # noqa: ANN401 - a value of JSON
    codes: Codes,
    fresh: Mapping[str, str] = _NO_NAMES,
) -> str:
    """Return a value of a rule in words; `fresh` has names that no rules know yet."""
    if part in REGISTERS and name in {"parent", "successor"} and value:
        told = NAMED[part](codes, value)
        return fresh.get(value, value) if told == value else told
    if name == "co":
        return "、".join(codes.department(code) for code in value or ())
    if name == "area" and not value:
        return str(R.everywhere)
    if value in (None, "", [], ()):
        return ""
    if name == "category":
        return f"{codes.category(value)}（{value}）"
    if name == "area":
        return codes.area(value)
    if name == "lead":
        return str(SPECIAL.get(value) or codes.department(value))
    if name in _TERMS:
        return _TERMS[name](value)
    return words.allowance(value) if name in ALLOWANCES else str(value)


NAMED: Mapping[str, Callable[[Codes, str], str]] = {
    "areas": Codes.area,
    "departments": Codes.department,
    "categories": Codes.category,
}
"""How a code of each register is called."""


_LEVELS: Mapping[str, str] = {one.value: one.chinese for kind in (Urgency, Level) for one in kind}
_TERMS: Mapping[str, Callable[[Any], str]] = {
    "owner": words.owner,
    "risk": lambda value: Risk.of(value).chinese,
    "level": lambda value: _LEVELS[value],
    "departmental": lambda value: str(R.yes) if value else "",
    "sensitive": lambda value: str(R.yes) if value else "",
    "urgency": lambda value: Urgency.of(value).chinese,
    "rung": lambda value: Rung.of(value).chinese,
    "ignored": lambda value: Rung.of(value).chinese,
    "trigger": lambda value: Trigger.of(value).chinese,
    "tells": lambda value: "、".join(Audience.of(one).chinese for one in value),
    "clocks": lambda value: "、".join(ClockKind.of(one).chinese for one in value),
    "by_person": lambda value: str(R.by_person) if value else "",
}


# --- a row as a form --------------------------------------------------------------------------------------------------


def typed_of(part: str, row: Mapping[str, Any], codes: Codes) -> Typed:
    """Return a row as it stands in the form: names where people know them, codes where they are exact."""
    typed = {name: (str(row.get(name) or ""),) for name in FIELDS[part]}
    if part == "catalogue":
        typed["category"] = (codes.name("category", row["category"]),)
        typed["lead"] = (str(SPECIAL.get(row["lead"]) or codes.department(row["lead"])),)
        typed["area"] = (codes.area(row["area"]) if row["area"] else "",)
        typed["owner"] = (words.owner(row["owner"]),)
        typed["co"] = ("、".join(codes.department(code) for code in row["co"]),)
    return typed


def inputs(part: str, typed: Typed, errors: Mapping[str, str]) -> tuple[Input, ...]:
    """Return the inputs of a row with what was typed and what is wrong."""
    return tuple(
        Input(
            name=name,
            id=f"row-{name}",
            kind="category" if name == "category" else "department" if name == "lead" else KINDS.get(name, "line"),
            label=R.fields[name],
            hint=R.hints.get(name, ""),
            needed=name in NEEDED,
            values=(first(typed, name),),
            options=_options(name),
            error=errors.get(name, ""),
        )
        for name in FIELDS[part]
    )


def _options(name: str) -> tuple[Option, ...]:
    terms = {"risk": Risk, "level": Urgency}.get(name)
    return tuple(Option(term, term.chinese) for term in terms) if terms else ()


def row_of(part: str, typed: Typed, codes: Codes) -> dict[str, Any]:
    """Return the row that was typed; names become codes, what is neither stays as it is and is refused later."""
    row: dict[str, Any] = {name: first(typed, name).strip() for name in FIELDS[part]}
    if part == "catalogue":
        special = {name: code for code, name in SPECIAL.items()}
        row["category"] = codes.code("category", row["category"])
        row["area"] = codes.code("area", row["area"])
        row["owner"] = _OWNERS.get(row["owner"], row["owner"])
        row["lead"] = special.get(row["lead"]) or codes.code("department", row["lead"])
        row["co"] = [codes.code("department", one) for one in row["co"].replace("、", " ").split()]
    return row


_OWNERS = {name: code for code, name in words.OWNERS.items()}


# --- what changes -----------------------------------------------------------------------------------------------------


def changes(part: str, pairs: Iterable[Pair], codes: Codes) -> tuple[Change, ...]:
    """Return the rows that differ, each with the fields that do."""
    given = list(pairs)
    fresh = {row["code"]: row["name"] for _, row in given if row} if part in REGISTERS else {}
    return tuple(_change(part, pair, codes, fresh) for pair in given)


def _change(part: str, pair: Pair, codes: Codes, fresh: Mapping[str, str]) -> Change:
    before, after = pair
    row = after or before or {}
    what = "new" if before is None else "gone" if after is None else "changed"
    keys = KEYS[part] if part != "policy" else ()
    fields = (
        (
            label(part, name),
            worded(part, name, before.get(name), codes, fresh) if before else "",
            worded(part, name, after.get(name), codes, fresh) if after else "",
        )
        for name in row
        if name not in keys
        and (name != "name" or (before and after))
        and (before or {}).get(name) != (after or {}).get(name)
    )
    return Change(what=str(R.changes[what]), name=_name(part, row, codes), fields=tuple(fields))


def _name(part: str, row: Mapping[str, Any], codes: Codes) -> str:
    if part == "policy":
        return str(R.policy.get(row["name"], row["name"]))
    if part == "ladder":
        return words.NOTICES.get(row["name"], row["name"])
    if part in REGISTERS:
        return f"{row['name']}（{row['code']}）"
    if part == "refusals":
        return str(row["name"])
    if part == "allowances":
        return _duty(row, codes)
    return " / ".join(filter(None, (worded(part, name, row.get(name), codes) for name in KEYS[part])))


def _duty(row: Mapping[str, Any], codes: Codes) -> str:
    """What an allowance is for."""
    given = (
        ClockKind.of(row["kind"]).chinese,
        TicketType.of(row["type"]).chinese if row.get("type") else "",
        Urgency.of(row["urgency"]).chinese if row.get("urgency") else "",
        codes.category(row["category"]) if row.get("category") else "",
    )
    return " / ".join(filter(None, given))


def tried(trial: Trial | None, codes: Codes) -> Tried | None:
    """Return what the trial of a catalogue on the last weeks says; None for other parts."""
    if trial is None:
        return None
    groups = tuple(
        Moved(
            matter=" / ".join(
                filter(None, (codes.category(one.category), codes.area(one.area), words.owner(one.owner)))
            ),
            before=codes.department(one.before) or R.by_person,
            after=codes.department(one.after) or R.by_person,
            tickets=one.tickets,
            some=tuple((f"/tickets/{id_}", words.short(int(id_))) for id_ in one.some),
        )
        for one in trial.groups[:SHOWN_TICKETS]
    )
    told = R.tried.format(words.day(trial.since), trial.tried, trial.moved, trial.helped)
    return Tried(told=told, groups=groups)


def problems(told: Sequence[str], codes: Codes) -> tuple[str, ...]:
    """Return what contradicts itself, in words."""
    return tuple(words.rule_problem(one, codes.leaf, codes.department, codes.area) for one in told)
