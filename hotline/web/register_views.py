"""Areas, departments and categories in words: a tree of lines, the form of an entry, what hangs on it.

Pure: rows in, text out.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import urlencode

from dispatch.model import Level, Role
from hotline import bulk, people, supervision
from hotline.drafts import FIELDS
from hotline.errors import BadInput
from hotline.office import DEFAULTS
from hotline.register import Uses
from hotline.web import tables_views, words
from hotline.web.forms import Codes, Input, Kind, Option, Typed, first, read_allowance

R = words.RULES
CLOSING = ("closed_from", "successor")
"""The fields by which an entry is closed; a new one has none of them."""
NEEDED = frozenset({"code", "name", "level", "area"})
_OWN: Mapping[str, Kind] = {"areas": "line", "departments": "department", "categories": "category"}
_KINDS: Mapping[str, Kind] = {
    "level": "choice",
    "departmental": "tick",
    "sensitive": "tick",
    "closed_from": "date",
}
CELLS: Mapping[str, tuple[str, ...]] = {
    "areas": ("code",),
    "departments": ("code", "level", "area"),
    "categories": ("code",),
}
"""What the list shows of an entry beside its name and how it stands."""
_LEVELS = [one.value for one in Level]
DEEPEST = 4
"""Steps by which a line of the tree is moved in, at most."""

Entry = Mapping[str, Any]
"""A row of a register."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """An entry in the list: its name, how deep it stands, its cells, how it stands, and what the draft did to it."""

    href: str
    name: str
    depth: int
    cells: tuple[str, ...]
    standing: str
    mark: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Hanging:
    """What hangs on an entry: so many, in words, and where they are to be seen."""

    told: str
    href: str


def columns(part: str) -> tuple[str, ...]:
    """Return the heads of the list's columns."""
    special = (R.special,) if part == "categories" else ()
    return (R.fields["name"], *(tables_views.label(part, name) for name in CELLS[part]), *special, R.standing)


# --- the tree ---------------------------------------------------------------------------------------------------------


def parents(part: str, rows: Sequence[Entry]) -> dict[str, str]:
    """Return the code above each entry, empty where there is none."""
    known = {row["code"] for row in rows}
    if part == "categories":
        return {code: _broader(code, known) for code in known}
    return {row["code"]: row["parent"] if row["parent"] in known else "" for row in rows}


def _broader(code: str, known: Collection[str]) -> str:
    return next((code[:length] for length in range(len(code) - 2, 0, -2) if code[:length] in known), "")


def tree(part: str, rows: Sequence[Entry]) -> list[tuple[int, Entry]]:
    """Return the entries with their depths, each behind the one above it; what stands in a ring comes at the end."""
    above = parents(part, rows)
    below: dict[str, list[Entry]] = {}
    for row in sorted(rows, key=lambda row: (_rank(row), row["code"])):
        below.setdefault(above[row["code"]], []).append(row)
    found = list(_down("", 0, below))
    seen = {row["code"] for _, row in found}
    return [*found, *((0, row) for row in rows if row["code"] not in seen)]


def _rank(row: Entry) -> int:
    """The hotline first, then the city's departments, the utilities, the counties."""
    level = row.get("level")
    return _LEVELS.index(level) if level in _LEVELS else 0


def _down(code: str, depth: int, below: Mapping[str, Sequence[Entry]]) -> Iterator[tuple[int, Entry]]:
    for row in below.get(code, ()):
        yield depth, row
        yield from _down(row["code"], depth + 1, below)


def is_closed(row: Entry, day: date) -> bool:
    """Whether an entry is closed on a day."""
    return bool(row["closed_from"]) and row["closed_from"] <= day.isoformat()


def fitting(part: str, lines: Iterable[tuple[int, Entry]], text: str, codes: Codes) -> list[tuple[int, Entry]]:
    """Return the lines in which every word stands, in a code or in a name."""
    given = list(lines)
    kept = {id(row) for row in tables_views.fitting(part, (row for _, row in given), text, codes)}
    return [(depth, row) for depth, row in given if id(row) in kept]


def lines(
    part: str,
    given: Iterable[tuple[int, Entry]],
    was: Iterable[Entry],
    rows: Sequence[Entry],
    codes: Codes,
    *,
    flat: bool,
) -> list[Line]:
    """Return the lines of the list; `was` are the rows that rule. Found ones are not moved in but say what is above."""
    ruling = {row["code"]: row for row in was}
    above, names = parents(part, rows), {row["code"]: row["name"] for row in rows}
    return [
        Line(
            href=f"/rules/{part}/row?{urlencode({'key': row['code']})}",
            name=_path(row["code"], above, names) if flat else row["name"],
            depth=0 if flat else min(depth, DEEPEST),
            cells=tuple(_cells(part, row, codes, names)),
            standing=standing(part, row, codes, names),
            mark=tables_views.mark(row, ruling.get(row["code"])),
        )
        for depth, row in given
    ]


def _path(code: str, above: Mapping[str, str], names: Mapping[str, str]) -> str:
    """The names from the top down to an entry; that of the whole city says nothing."""
    found = [names[code]]
    seen = {code}
    while (code := above.get(code, "")) and code not in seen:
        seen.add(code)
        if above.get(code) or code.strip("0"):
            found.append(names[code])
    return " / ".join(reversed(found))


def _cells(part: str, row: Entry, codes: Codes, names: Mapping[str, str]) -> Iterator[str]:
    for name in CELLS[part]:
        yield tables_views.worded(part, name, row[name], codes, names)
    if part == "categories":
        yield "、".join(_special(row))


def _special(row: Entry) -> Iterator[str]:
    for name, told in R.specials.items():
        if row[name]:
            yield f"{told} {words.allowance(row[name])}" if name == "statutory" else told


def standing(part: str, row: Entry, codes: Codes, names: Mapping[str, str]) -> str:
    """Say from when an entry is closed and who takes its place; nothing for one that stays."""
    if not row["closed_from"]:
        return ""
    told = str(R.closed.format(row["closed_from"]))
    heir = tables_views.worded(part, "successor", row["successor"], codes, names)
    return f"{told}，{R.taken_by.format(heir)}" if heir else told


# --- the form of an entry ---------------------------------------------------------------------------------------------


def typed_of(part: str, row: Entry, codes: Codes) -> Typed:
    """Return an entry as it stands in the form: names where people know them."""
    typed = {name: (_shown(part, name, row.get(name), codes),) for name in FIELDS[part]}
    return typed | {
        name: ("on",) if row.get(name) else ("",) for name in ("departmental", "sensitive") if name in typed
    }


def _shown(part: str, name: str, value: Any, codes: Codes) -> str:  # noqa: ANN401 - a value of JSON
    if name in {"parent", "successor"} and value:
        return codes.name("category", value) if part == "categories" else tables_views.NAMED[part](codes, value)
    if name in tables_views.ALLOWANCES:
        return words.allowance(value or "")
    return codes.area(value) if name == "area" else str(value or "")


def inputs(
    part: str, typed: Typed, errors: Mapping[str, str], *, is_new: bool
) -> tuple[tuple[Input, ...], tuple[Input, ...]]:
    """Return the inputs of an entry with what was typed and what is wrong, and those by which it is closed."""
    shown = [name for name in FIELDS[part] if is_new or name != "code"]
    made = {name: _input(part, name, typed, errors.get(name, "")) for name in shown}
    closing = () if is_new else tuple(made[name] for name in CLOSING)
    return tuple(one for name, one in made.items() if name not in CLOSING), closing


def _input(part: str, name: str, typed: Typed, error: str) -> Input:
    return Input(
        name=name,
        id=f"row-{name}",
        kind=_OWN[part] if name in {"parent", "successor"} else _KINDS.get(name, "line"),
        label=tables_views.label(part, name),
        hint=R.closed_hint if name == "closed_from" else R.own_hints[part].get(name, ""),
        needed=name in NEEDED,
        values=(first(typed, name),),
        options=tuple(Option(one, one.chinese) for one in Level) if name == "level" else (),
        error=error,
    )


def row_of(part: str, typed: Typed, codes: Codes, rows: Iterable[Entry], code: str) -> dict[str, Any]:
    """Return the entry that was typed; raises BadInput for a code above, beside or around it that there is not.

    `rows` are those of the draft, so that one entry can name another that is as new as itself.
    """
    given = list(rows)
    row = {name: type(empty)(first(typed, name).strip()) for name, empty in DEFAULTS[part].items()}
    row["code"] = code or row["code"]
    row |= {name: read_allowance(name, row[name]) for name in tables_views.ALLOWANCES & row.keys()}
    for name in ("parent", "successor"):
        if row.get(name):
            named = row["code"] if row[name] == row["code"] else _code(part, name, row[name], codes, given)
            if named == row["code"]:
                raise BadInput(name, named, "is the entry itself", "another one")
            row[name] = named
    if "area" in row:
        row["area"] = codes.code("area", row["area"])
        if row["area"] not in codes.rulebook.areas:
            raise BadInput("area", row["area"], "is unknown" if row["area"] else "is empty")
    if row["successor"] and not row["closed_from"]:
        raise BadInput("closed_from", "", "is empty", "the day from which the successor stands in")
    return row


_OF_CODES = {"areas": "area", "departments": "department", "categories": "category"}


def _code(part: str, name: str, typed: str, codes: Codes, rows: Sequence[Entry]) -> str:
    """The code that was typed, or that of the only entry with such a name."""
    known = {row["code"] for row in rows}
    named = [row["code"] for row in rows if row["name"] == typed]
    found = typed if typed in known else codes.code(_OF_CODES[part], typed)
    if found in known:
        return found
    if len(named) != 1:
        raise BadInput(name, typed, "is ambiguous" if named else "is unknown")
    return str(named[0])


# --- what hangs on it -------------------------------------------------------------------------------------------------


def hanging(part: str, code: str, found: Uses, role: Role) -> tuple[Hanging, ...]:
    """Return what hangs on an entry, each with the page that lists it, for whoever may see that."""
    return tuple(
        Hanging(told=words.USES[name].format(number), href=_href(part, name, code, role))
        for name, number in found.some()
    )


def _href(part: str, name: str, code: str, role: Role) -> str:
    pages = {
        "catalogue": f"/rules/catalogue?{urlencode({'q': code})}",
        "allowances": "/rules/allowances",
        "below": f"/rules/{part}?{urlencode({'q': code})}",
        "departments": f"/rules/departments?{urlencode({'q': code})}",
    }
    if part == "departments" and role in bulk.DISPATCHERS:
        pages["tickets"] = f"/rules/departments/hand-over?{urlencode({'key': code})}"
    elif part == "departments" and role in supervision.READERS:
        pages["tickets"] = f"/supervision/list?{urlencode({'of': 'duties', 'unit': code, 'only': '1'})}"
    if role in people.KEEPERS:
        pages["people"] = f"/people?{urlencode({'unit': code})}"
    return pages.get(name, "")
