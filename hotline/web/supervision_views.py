"""What the supervisors' pages print, made ready: cells that are links to what they count, and lines of lists.

Pure: counts and rows in, text out. A number and its link are made in one place, so that they cannot part.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import urlencode

from dispatch.model import ClockKind, ExemptionGround, Rung, Stage, Urgency
from hotline import supervision
from hotline.supervision import Filter, Lamps, Overview
from hotline.web import views, words
from hotline.web.forms import Codes

S = words.SUPERVISION
LIST = "/supervision/list"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A number that leads to exactly what it counts; nothing leads nowhere."""

    number: int
    href: str
    tone: str = ""
    label: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CountRow:
    """One unit or one stage with its cells; `href` shows it closer, where there is more to see."""

    name: str
    href: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tab:
    """A list of work with its number."""

    name: str
    href: str
    number: int | None
    current: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """The overview, ready to print; `quiet` units have nothing running."""

    title: str
    up: str
    at: str
    total: CountRow
    stages: tuple[CountRow, ...]
    units: tuple[CountRow, ...]
    quiet: int


class Line(NamedTuple):
    """One line of a list: a duty, a paper, a claim, or a request; what is the same is drawn once."""

    href: str
    number: tuple[str, str, str]
    title: str
    urgency: str
    urgency_code: str
    unit: str
    what: str
    said: str
    at: str
    lamp: views.Lamp
    left: str
    due: str


@lru_cache(maxsize=10_000)
def href(of: str = "duties", **chosen: str) -> str:
    """Return the address of a list; what is empty is left out."""
    return f"{LIST}?{urlencode({'of': of} | {name: value for name, value in chosen.items() if value})}"


def tabs(seen: Overview, current: str) -> tuple[Tab, ...]:
    """Return the lists of what wants a supervisor, each with its number."""
    numbers = {"soon": seen.lamps().soon, "answered": seen.answered} | dict(seen.work)
    lists = (
        Tab(name=name, href=href(of), number=numbers.get(of, 0), current=of == current)
        for of, name in S.lists.items()
        if of in numbers
    )
    return (Tab(name=S.overview, href="/supervision", number=None, current=not current), *lists)


def board(seen: Overview, codes: Codes, unit: str, stage: Stage | None) -> Board:
    """Return the city, or one unit with those below it, in all stages or in one."""
    rulebook = codes.rulebook
    below = supervision.trees(rulebook)
    tops = below[unit] if unit else supervision.top_units(rulebook)
    trees = {top: (top,) if unit else below[top] for top in tops}
    rows = [(_worst_first(seen.lamps(trees[top], stage)), top) for top in tops]
    shown = [top for _rank, top in sorted(rows) if _is_busy(seen, trees[top], stage)]
    everything = tuple(code for tree in trees.values() for code in tree)
    return Board(
        title=codes.department(unit) if unit else S.city,
        up="/supervision" if unit or stage else "",
        at=words.exact(seen.at),
        total=CountRow(name=S.total, href="", cells=_cells(seen, everything, unit, stage)),
        stages=tuple(_stage_rows(seen, everything, unit)),
        units=tuple(_unit_row(seen, codes, top, trees[top], stage, inside=bool(unit)) for top in shown),
        quiet=len(tops) - len(shown),
    )


def _worst_first(lamps: Lamps) -> tuple[int, int, int]:
    return -lamps.red, -lamps.yellow, -lamps.all


def _is_busy(seen: Overview, units: Sequence[str], stage: Stage | None) -> bool:
    return bool(seen.lamps(units, stage).all or any(seen.papers_of(units, rung) for rung in supervision.PAPERS))


def _unit_row(
    seen: Overview, codes: Codes, top: str, tree: Sequence[str], stage: Stage | None, *, inside: bool
) -> CountRow:
    chosen = {"unit": top, "stage": stage or ""}
    drill = f"/supervision?{urlencode({name: value for name, value in chosen.items() if value})}"
    closer = drill if not inside and len(tree) > 1 else ""
    return CountRow(
        name=codes.department(top), href=closer, cells=_cells(seen, tree, top, stage, only="1" if inside else "")
    )


def _stage_rows(seen: Overview, units: Sequence[str], unit: str) -> Iterator[CountRow]:
    for stage in Stage:
        closer = f"/supervision?{urlencode({'unit': unit, 'stage': stage} if unit else {'stage': stage})}"
        lamps = _lamp_cells(seen.lamps(units, stage), {"unit": unit, "stage": stage})
        yield CountRow(name=stage.chinese, href=closer, cells=tuple(lamps))


def _cells(seen: Overview, units: Sequence[str], unit: str, stage: Stage | None, *, only: str = "") -> tuple[Cell, ...]:
    chosen = {"unit": unit, "only": only}
    lamps = _lamp_cells(seen.lamps(units, stage), chosen | {"stage": stage or ""})
    papers = (
        Cell(number=seen.papers_of(units, rung), href=href("papers", rung=rung, **chosen), label=rung.chinese)
        for rung in supervision.PAPERS
    )
    return (*lamps, *papers)


def _lamp_cells(lamps: Lamps, chosen: Mapping[str, str]) -> Iterator[Cell]:
    for lamp, label in S.lamps.items():
        yield Cell(number=getattr(lamps, lamp), href=href(lamp=lamp, **chosen), tone=lamp, label=label)
    yield Cell(number=lamps.all, href=href(**chosen), label=S.running)


def title(of: str, chosen: Filter, codes: Codes, unit: str) -> str:
    """Return what a list shows, in words."""
    parts = [codes.department(unit) if unit else "", chosen.stage.chinese if chosen.stage else ""]
    parts.append(S.lamps[chosen.lamp] if chosen.lamp else chosen.rung.chinese if chosen.rung else "")
    return " · ".join((S.titles[of], *filter(None, parts)))


def duty_lines(rows: Iterable[Mapping[str, Any]], codes: Codes, now: datetime) -> tuple[Line, ...]:
    """Return the lines of duties."""
    return tuple(_line(row, codes, now, ClockKind.of(row["kind"]).chinese, "", "") for row in rows)


def paper_lines(of: str, rows: Iterable[Mapping[str, Any]], codes: Codes, now: datetime) -> tuple[Line, ...]:
    """Return the lines of papers, claims and requests, each leading to the form that settles it."""
    return tuple(_line(row, codes, now, *_told(of, row, codes)) for row in rows)


def _told(of: str, row: Mapping[str, Any], codes: Codes) -> tuple[str, str, str]:
    """What the line is, what was said, and the form on the ticket's page that settles it."""
    if of == "requests":
        return views.asked_for(row, codes), row["said"], f"decide-{row['number']}"
    rung = Rung.of(row["rung"]).chinese
    match of:
        case "answered":
            return rung, row["answer"], f"accept_order-{row['number']}"
        case "claims":
            return (
                rung,
                f"{ExemptionGround.of(row['ground']).chinese}：{row['said']}",
                f"decide_exemption-{row['number']}",
            )
        case "rungs":
            return f"{rung} → {words.NOTICES.get(row['finding'], '')}", row["said"], f"supervise-{row['assignment']}"
        case _:
            return rung, row["said"], "assignments"


def _line(row: Mapping[str, Any], codes: Codes, now: datetime, what: str, said: str, form: str) -> Line:
    due, urgency = row["due_at"], Urgency.of(row["urgency"])
    return Line(
        href=f"/tickets/{row['id']}" + (f"#{form}" if form else ""),
        number=views.number(row["id"]),
        title=words.shortened(row["title"]),
        urgency="" if urgency is Urgency.NORMAL else urgency.chinese,
        urgency_code=urgency.value,
        unit=codes.department(row["department"]),
        what=what,
        said=said,
        at=words.short_moment(row.get("at") or row.get("received_at")),
        lamp=views.lamp(due, now, row.get("warns_at")),
        left=words.left(due, now) if due else "",
        due=words.moment(due) if due else "",
    )
