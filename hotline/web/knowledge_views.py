"""What the pages of knowledge print, made ready: lines, an entry with its versions, forms, and what a draft changes.

Pure: rows in, text out; the moment is an argument.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dispatch.model import Actor
from hotline import knowledge
from hotline.drafts import DRAFTERS, PUBLISHERS
from hotline.web import words
from hotline.web.forms import Codes, Input, Kind, Typed, first

K = words.KNOWLEDGE
FIELDS: Mapping[str, Kind] = {
    "question": "line",
    "answer": "text",
    "category": "category",
    "department": "department",
    "basis": "line",
    "valid_from": "date",
    "valid_until": "date",
}
"""What is written of an entry, and by which kind of input."""
NEEDED = frozenset({"question", "answer", "department"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """An entry in the list; `mark` says why it is not in force, and is empty when it is."""

    href: str
    question: str
    answer: str
    facts: str
    mark: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One version of an entry, in words."""

    number: str
    mark: str
    tone: str
    question: str
    answer: str
    facts: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """An entry: the version that is shown first, the others, and what the reader may do with it."""

    code: str
    newest: int
    shown: Version
    others: tuple[Version, ...]
    may_change: bool
    may_retire: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A draft and what it would change: (field, before, after, whether they differ)."""

    id: int
    code: str
    title: str
    facts: tuple[tuple[str, str], ...]
    changes: tuple[tuple[str, str, str, bool], ...]
    may_publish: bool
    may_take_back: bool
    is_own: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A draft in the list of those that wait."""

    id: int
    href: str
    code: str
    question: str
    facts: str
    may_publish: bool


def status(row: Mapping[str, Any], now: datetime, ruling: int | None = None) -> str:
    """Return how a version stands; `ruling` is the one that rules, None where only that one can be meant."""
    if row["valid_from"] > now:
        return "coming"
    if ruling is not None and row["version"] != ruling:
        return "past"
    if row["retired"]:
        return "retired"
    return "ended" if row["valid_until"] and row["valid_until"] <= now else "ruling"


def lines(rows: Iterable[Mapping[str, Any]], codes: Codes, now: datetime) -> tuple[Line, ...]:
    """Return the lines of the list."""
    return tuple(_line(row, codes, status(row, now)) for row in rows)


def _line(row: Mapping[str, Any], codes: Codes, how: str) -> Line:
    until = K.valid_until.format(words.last_day(row["valid_until"])) if row["valid_until"] else ""
    facts = (row["code"], codes.department(row["department"]), codes.leaf(row["category"]), row["basis"], until)
    return Line(
        href=f"/knowledge/{row['code']}",
        question=row["question"],
        answer=row["answer"],
        facts=" · ".join(fact for fact in facts if fact),
        mark="" if how == "ruling" else K.marks[how],
    )


def page(rows: Sequence[Mapping[str, Any]], actor: Actor, codes: Codes, now: datetime) -> Page:
    """Return an entry; the version that rules comes first, before any rules the newest."""
    ruling = knowledge.ruling(rows, now)
    shown = next((row for row in rows if row["version"] == ruling), rows[0])
    newest = rows[0]
    writes = actor.role in DRAFTERS
    return Page(
        code=shown["code"],
        newest=newest["version"],
        shown=_version(shown, codes, status(shown, now, ruling)),
        others=tuple(_version(row, codes, status(row, now, ruling)) for row in rows if row is not shown),
        may_change=writes,
        may_retire=writes and not newest["retired"],
    )


def _version(row: Mapping[str, Any], codes: Codes, how: str) -> Version:
    published = K.published.format(row["drafter"], row["publisher"], words.moment(row["published_at"]))
    starts = K.valid_from.format(words.day(row["valid_from"]))
    ends = K.valid_until.format(words.last_day(row["valid_until"])) if row["valid_until"] else K.no_end
    facts = (
        (K.unit, codes.department(row["department"])),
        (K.category, codes.category(row["category"])),
        (K.basis, row["basis"]),
        (K.valid, f"{starts}，{ends}"),
        (K.reference, knowledge.reference(row["code"], row["version"])),
        (K.reason, f"{row['reason']}（{published}）"),
    )
    return Version(
        number=K.version.format(row["version"]),
        mark=K.marks[how],
        tone="" if how == "ruling" else "loud",
        question=row["question"],
        answer=row["answer"],
        facts=tuple((name, fact) for name, fact in facts if fact),
    )


# --- forms ------------------------------------------------------------------------------------------------------------


def typed_of(row: Mapping[str, Any]) -> Typed:
    """Return a version as it stands in the form."""
    plain = {name: (str(row[name] or ""),) for name in FIELDS}
    return plain | {"valid_from": ("",), "valid_until": (words.last_day(row["valid_until"]),)}


def inputs(typed: Typed, codes: Codes, errors: Mapping[str, str]) -> tuple[Input, ...]:
    """Return the inputs of an entry with what was typed and what is wrong."""
    return tuple(_input(name, kind, first(typed, name), codes, errors.get(name, "")) for name, kind in FIELDS.items())


def _input(name: str, kind: Kind, value: str, codes: Codes, error: str) -> Input:
    if kind in {"category", "department"}:
        value = codes.name("category" if kind == "category" else "department", value)
    return Input(
        name=name,
        id=f"knowledge-{name}",
        kind=kind,
        label=K.labels[name],
        hint=K.hints.get(name, ""),
        needed=name in NEEDED,
        values=(value,),
        error=error,
    )


# --- drafts -----------------------------------------------------------------------------------------------------------


def waiting(rows: Iterable[Mapping[str, Any]], actor: Actor, codes: Codes) -> tuple[Waiting, ...]:
    """Return the drafts that wait."""
    return tuple(_waiting(row, actor, codes) for row in rows)


def _waiting(row: Mapping[str, Any], actor: Actor, codes: Codes) -> Waiting:
    who = f"{row['drafter']} {words.moment(row['drafted_at'])}"
    facts = (_title(row), codes.department(row["department"]), row["reason"], who)
    return Waiting(
        id=row["id"],
        href=f"/knowledge/drafts/{row['id']}",
        code=row["code"],
        question=row["question"],
        facts=" · ".join(facts),
        may_publish=actor.role in PUBLISHERS and row["drafted_by"] != actor.person,
    )


def _title(row: Mapping[str, Any]) -> str:
    if row["retired"]:
        return str(K.ends)
    return str(K.changing if row["based_on"] else K.is_new)


def draft(row: Mapping[str, Any], before: Mapping[str, Any] | None, actor: Actor, codes: Codes) -> Draft:
    """Return a draft beside the version that it changes."""
    own, is_open = row["drafted_by"] == actor.person, row["ended_at"] is None
    return Draft(
        id=row["id"],
        code=row["code"],
        title=_title(row),
        facts=((K.reason, row["reason"]), (K.drafted, f"{row['drafter']} {words.moment(row['drafted_at'])}")),
        changes=tuple(_changes(row, before, codes)),
        may_publish=is_open and actor.role in PUBLISHERS and not own,
        may_take_back=is_open and (own or actor.role in PUBLISHERS),
        is_own=own,
    )


def _changes(
    row: Mapping[str, Any], before: Mapping[str, Any] | None, codes: Codes
) -> Iterator[tuple[str, str, str, bool]]:
    for name in (*FIELDS, "retired"):
        was, will = (_shown(name, one, codes) if one else "" for one in (before, row))
        if was or will:
            yield K.labels[name], was, will, was != will


def _shown(name: str, row: Mapping[str, Any], codes: Codes) -> str:
    value = row[name]
    match name:
        case "category":
            return codes.category(value)
        case "department":
            return codes.department(value)
        case "valid_from":
            return words.day(value) or K.from_now
        case "valid_until":
            return words.last_day(value) or K.no_end
        case "retired":
            return words.truth(value) if value else ""
        case _:
            return str(value)
