"""What the pages of people and of changes print, made ready. Pure: rows in, text out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from dispatch.model import Role
from hotline.auth import STAFF
from hotline.changes import KINDS
from hotline.people import Known
from hotline.web import words
from hotline.web.forms import Codes, Input, Kind, Option, Typed, first

P = words.PEOPLE
FIELDS: Mapping[str, Kind] = {"person": "line", "name": "line", "role": "choice", "department": "department"}
"""What is written of somebody, and by which kind of input."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Somebody in the list; `mark` is empty for those who may simply log in."""

    href: str
    id: str
    name: str
    role: str
    unit: str
    mark: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change: who made it when, what it was about, and each thing that it left different."""

    at: str
    who: str
    what: str
    about: str
    href: str
    facts: tuple[str, ...]
    reason: str


def lines(rows: Iterable[Mapping[str, Any]], codes: Codes) -> tuple[Line, ...]:
    """Return the lines of the list."""
    return tuple(
        Line(
            href=f"/people/{row['id']}",
            id=row["id"],
            name=row["name"],
            role=Role.of(row["role"]).chinese,
            unit=codes.department(row["department"]),
            mark=_mark(active=row["active"], given=row["password_until"] is not None),
        )
        for row in rows
    )


def _mark(*, active: bool, given: bool) -> str:
    if not active:
        return str(P.left)
    return str(P.given_mark) if given else ""


def facts(known: Known, codes: Codes) -> tuple[tuple[str, str], ...]:
    """Return what is known of somebody."""
    one = known.person
    return (
        (P.labels["person"], one.id),
        (P.labels["name"], one.name),
        (P.labels["role"], one.role.chinese),
        (P.labels["department"], codes.department(one.department)),
        (P.state, _mark(active=known.active, given=known.given) or P.may_log_in),
    )


def typed_of(known: Known) -> Typed:
    """Return somebody as they stand in the form."""
    one = known.person
    return {"name": (one.name,), "role": (one.role,), "department": (one.department,)}


def inputs(
    typed: Typed, codes: Codes, errors: Mapping[str, str], *, names: Iterable[str] = FIELDS
) -> tuple[Input, ...]:
    """Return the inputs of somebody with what was typed and what is wrong."""
    return tuple(_input(name, FIELDS[name], first(typed, name), codes, errors.get(name, "")) for name in names)


def _input(name: str, kind: Kind, value: str, codes: Codes, error: str) -> Input:
    return Input(
        name=name,
        id=f"people-{name}",
        kind=kind,
        label=P.labels[name],
        hint=P.hints.get(name, ""),
        needed=True,
        values=(codes.department(value) if kind == "department" else value,),
        options=roles() if kind == "choice" else (),
        error=error,
    )


def roles() -> tuple[Option, ...]:
    """Return the roles that somebody may have."""
    return tuple(Option(role, role.chinese) for role in STAFF)


def kinds() -> tuple[Option, ...]:
    """Return the kinds of changes to choose from."""
    return tuple(Option(kind, P.kinds[kind]) for kind in KINDS)


def unit_of(given: str, codes: Codes) -> str:
    """Return the code of a unit as it was typed, the hotline's own among them; else as typed."""
    known = codes.rulebook.every_department
    named = next((unit.code for unit in known.values() if given in {unit.code, unit.name}), None)
    return named or codes.code("department", given)


# --- changes ----------------------------------------------------------------------------------------------------------


def changes(rows: Iterable[Mapping[str, Any]], codes: Codes) -> tuple[Change, ...]:
    """Return the lines of who changed what."""
    return tuple(_change(row, codes) for row in rows)


def _change(row: Mapping[str, Any], codes: Codes) -> Change:
    told = row["facts"]
    about, href = _about(row["what"], told)
    return Change(
        at=words.moment(row["at"]),
        who=row["name"],
        what=P.kinds[row["what"]],
        about=about,
        href=href,
        facts=tuple(_different(told, codes)),
        reason=row["reason"],
    )


def _about(what: str, told: Mapping[str, Any]) -> tuple[str, str]:
    if what == "publish":
        name = words.RULES.parts.get(told["part"], told["part"])
        return f"{name} {words.version(told['version'])}", f"/changes/{told['part']}/{told['version']}"
    if what == "recount":
        return words.version(told["calendar"]), ""
    if "person" in told:
        return told["person"], f"/people/{told['person']}"
    return f"{P.contact} {told['contact']}", ""


def _different(told: Mapping[str, Any], codes: Codes) -> Iterator[str]:
    """What is different, each field in words: before and after, or only what there is."""
    if "moved" in told:
        yield words.RULES.moved_done.format(told["tickets"], told["moved"])
    before, after = told.get("before") or {}, told.get("after") or {}
    for field in ("name", "role", "department"):
        old, new = (_worded(field, side.get(field), codes) for side in (before, after))
        if old != new:
            yield f"{P.labels[field]}：{old} → {new}" if old and new else f"{P.labels[field]}：{old or new}"


def _worded(field: str, value: str | None, codes: Codes) -> str:
    if not value:
        return ""
    if field == "role":
        return Role.of(value).chinese
    return codes.department(value) if field == "department" else value
