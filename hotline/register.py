"""What hangs on an area, a department or a category: looked up before one is closed, and shown beside it.

Whatever has open tickets, people, rules or anything else hanging on it is closed only for a successor.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from dispatch.model import Ticket
from dispatch.rulebook import Rulebook, successor_of
from hotline.store import REGISTERS, Fetch

Row = Mapping[str, Any]
"""An entry as JSON."""
KINDS: Mapping[str, str] = {"areas": "area", "departments": "department", "categories": "category"}
"""What one entry of each register is called where a problem is told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Uses:
    """How many of each hang on a code.

    Open tickets, people, addresses of notices, answers of the knowledge base; rows of the dispatch catalogue and of the
    allowances; what stands below it in the same register; departments of an area.
    """

    tickets: int = 0
    people: int = 0
    contacts: int = 0
    knowledge: int = 0
    catalogue: int = 0
    allowances: int = 0
    below: int = 0
    departments: int = 0

    def some(self) -> Iterator[tuple[str, int]]:
        """Yield the name and number of each that there is."""
        for name in self.__slots__:
            if number := getattr(self, name):
                yield name, number


def still_open(candidates: Iterable[Row], ticket: Ticket, rulebook: Rulebook) -> Iterator[Row]:
    """Yield the candidates that were found for a ticket before something was closed, with successors in their places.

    None that is closed for nothing, none that has returned the ticket since or that it is about, and each department
    once.
    """
    closed, seen = rulebook.closed, {*ticket.returned_by, ticket.reported}
    for one in candidates:
        unit = successor_of(one["department"], closed.departments)
        category = successor_of(one["category"], closed.categories)
        if unit in rulebook.departments and category not in closed.categories and unit not in seen:
            seen.add(unit)
            yield {**one, "department": unit, "category": category}


async def uses(fetch: Fetch, part: str, codes: Sequence[str], bodies: Mapping[str, Any]) -> dict[str, Uses]:
    """Return what hangs on each of some codes of a part, with the bodies of the parts of the rulebook that count."""
    rows = await fetch(f"uses_of_{part}", codes=list(codes))
    counted = {name: Counter(found) for name, found in _named(part, bodies)}
    return {
        row["code"]: Uses(
            **{name: row[name] for name in ("tickets", "people", "contacts", "knowledge")},
            **{name: some[row["code"]] for name, some in counted.items()},
        )
        for row in rows
    }


def _named(part: str, bodies: Mapping[str, Any]) -> Iterator[tuple[str, Iterable[str]]]:
    """Yield what names codes of a part, each row once for every code that it names."""
    catalogue = bodies.get("catalogue", ())
    own = [row for row in bodies.get(part, ()) if not row["closed_from"]]
    if part == "areas":
        yield "catalogue", (row["area"] for row in catalogue)
        yield "departments", (row["area"] for row in bodies.get("departments", ()) if not row["closed_from"])
        yield "below", (row["parent"] for row in own)
    elif part == "departments":
        yield "catalogue", (code for row in catalogue for code in {row["lead"], *row["co"]})
        yield "below", (row["parent"] for row in own)
    else:
        yield "catalogue", (row["category"] for row in catalogue)
        yield "allowances", (row.get("category", "") for row in bodies.get("allowances", ()))
        yield "below", (code[:length] for code in (row["code"] for row in own) for length in range(2, len(code), 2))


async def hindrances(
    fetch: Fetch, part: str, after: Sequence[Row], bodies: Mapping[str, Any], at: datetime
) -> list[str]:
    """Say why the entries of a part may not become what they would at a moment; empty for every other part.

    No code goes, nothing in use is closed without a successor, and no version that is known to come into force later
    undoes what this one changes. `bodies` are those of all parts that rule then without it. What the catalogue says of
    closed areas and departments is the rulebook's own problem (`dispatch.rulebook.problems`).
    """
    if part not in REGISTERS:
        return []
    later = [row["version"] for row in await fetch("rulebook_parts_later", at=at) if row["part"] == part]
    told = [f"{part}: version {version} comes into force later and would undo this" for version in later]
    kind, kept = KINDS[part], {row["code"] for row in after}
    given = [row["code"] for row in await fetch("codes_given", part=part)]
    told += [f"{kind} {code}: its code is gone" for code in sorted(given) if code not in kept]
    was = {row["code"]: row for row in bodies.get(part, ())}
    closing = [
        row["code"] for row in after if row["closed_from"] and not row["successor"] and was.get(row["code"]) != row
    ]
    if closing:
        for code, found in (await uses(fetch, part, closing, {**bodies, part: after})).items():
            some = found.some() if part == "categories" else replace(found, catalogue=0).some()
            if hanging := " ".join(f"{name}={number}" for name, number in some):
                told.append(f"{kind} {code}: a successor is needed, {hanging}")
    return told
