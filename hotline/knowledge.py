"""Knowledge: answers that a unit vouches for, in dated versions; drafted by one person, published by another.

Of the versions of an entry that are in force the highest rules; none is ever overwritten. What fits a matter that is
being typed is found by an index of the questions in memory, built anew whenever something was published anywhere, and
then read from the database, so that nothing retired or past its time is ever offered. Knows no HTML.
"""

from __future__ import annotations

import asyncio
import csv
import hashlib
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields, replace
from datetime import date, datetime, time, timedelta
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dispatch.model import Actor, Role
from dispatch.rulebook import Rulebook
from dispatch.worktime import ZONE
from hotline.desk import RULES_LIVE, Desk, wall_clock
from hotline.drafts import DRAFTERS, PUBLISHERS
from hotline.errors import BadInput, Forbidden, HotlineError, NotFound
from hotline.pairs import grams
from hotline.store import Row, sought

READERS = frozenset(Role) - {Role.CITIZEN, Role.MACHINE}
LONGEST: Mapping[str, int] = {"question": 200, "answer": 5000, "basis": 500, "reason": 500}
"""Characters that each text of an entry may have."""
SHORTEST_REASON = 4
PAGE_MOST = 50
PUBLISHED_AT_ONCE = 200
OFFERED_MOST = 3
OFFERED_FROM = 0.3
"""Fitness from which an entry is offered: the share of its question that was said, weighted by how rare the words are,
and for a matter of its category up to `KIND_WORTH` more."""
KIND_WORTH = 0.3
_CODE = re.compile(r"[A-Z0-9][A-Z0-9_.-]{0,39}")
_SHARED = "knowledge"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """An answer as somebody writes it. No `code`: a new one. No `valid_from`: from its publication on.

    `valid_until` is the first moment at which it is true no more; None: until a newer version rules.
    """

    question: str
    answer: str
    department: str
    code: str = ""
    category: str | None = None
    basis: str = ""
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    retired: bool = False
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offered:
    """An answer that fits what is being typed and is in force; `fitness` is greater for what fits better."""

    code: str
    version: int
    question: str
    answer: str
    department: str
    category: str | None
    basis: str
    valid_until: datetime | None
    fitness: float

    @property
    def reference(self) -> str:
        """Return how a ticket names this version."""
        return reference(self.code, self.version)


def reference(code: str, version: int) -> str:
    """Return how one version of an entry is named, K0001@2."""
    return f"{code}@{version}"


# --- what fits a matter -----------------------------------------------------------------------------------------------


class Index:
    """The questions of all entries by the pairs of characters in them."""

    def __init__(self, rows: Iterable[tuple[str, str, str]]) -> None:
        """Take (code, question, category) of every question; does no I/O and may run in a thread."""
        self._codes: list[str] = []
        self._kinds: dict[str, int] = {}
        kind_of: list[int] = []
        places: dict[int, list[int]] = {}
        for place, (code, question, kind) in enumerate(rows):
            self._codes.append(code)
            kind_of.append(self._kinds.setdefault(kind, len(self._kinds)))
            for gram in grams(question):
                places.setdefault(gram, []).append(place)
        self._kind_of = np.array(kind_of, dtype=np.intp)
        number = len(self._codes)
        self._places = {gram: np.array(found, dtype=np.intp) for gram, found in places.items()}
        self._worth = {gram: float(np.log1p(number / len(found))) for gram, found in places.items()}
        self._whole = np.zeros(number)
        for gram, found in self._places.items():
            self._whole[found] += self._worth[gram]

    def best(self, said: str, kinds: Sequence[tuple[str, float]], most: int) -> list[tuple[str, float]]:
        """Return the codes that fit best with their fitness; `kinds` are likely categories with their probability."""
        if not self._codes:
            return []
        fitness = self._likeness(said) + self._fitting_kinds(kinds)
        found: dict[str, float] = {}
        fitting = np.flatnonzero(fitness >= OFFERED_FROM)
        for place in fitting[np.argsort(-fitness[fitting], kind="stable")]:
            if len(found) == most:
                break
            found.setdefault(self._codes[place], round(float(fitness[place]), 3))
        return list(found.items())

    def _likeness(self, said: str) -> NDArray[np.float64]:
        """The share of each question that was said, shape (entries,)."""
        likeness = np.zeros(len(self._codes))
        for gram in grams(said):
            if gram in self._places:
                likeness[self._places[gram]] += self._worth[gram]
        return likeness / np.maximum(self._whole, 1e-9)

    def _fitting_kinds(self, kinds: Sequence[tuple[str, float]]) -> NDArray[np.float64]:
        def worth(own: str) -> float:
            return KIND_WORTH * max((share for code, share in kinds if code.startswith(own)), default=0.0)

        return np.array([worth(own) if own else 0.0 for own in self._kinds])[self._kind_of]


@dataclass(frozen=True, slots=True)
class _Shelf:
    stamp: int
    checked: datetime | None
    index: Index


async def offer(
    desk: Desk, said: str, kinds: Sequence[tuple[str, float]], *, most: int = OFFERED_MOST
) -> tuple[Offered, ...]:
    """Return the entries in force that fit what was said and its likely categories, the best first."""
    # Some more than wanted: one of them may have ended a moment ago.
    found = dict((await _index(desk)).best(said, kinds, most * 2))
    if not found:
        return ()
    rows = await desk.store.fetch("knowledge_in_force", codes=list(found), now=desk.now())
    names = {field.name for field in fields(Offered)} - {"fitness"}
    ready = [Offered(**{name: row[name] for name in names}, fitness=found[row["code"]]) for row in rows]
    return tuple(sorted(ready, key=lambda one: (-one.fitness, one.code))[:most])


async def _index(desk: Desk) -> Index:
    """The index of what was published, at most some seconds old."""
    shelf: _Shelf | None = desk.shared.get(_SHARED)
    at = wall_clock()
    if shelf and shelf.checked and timedelta(0) <= at - shelf.checked < RULES_LIVE:
        return shelf.index
    if shelf:  # others who ask meanwhile go on with the old one
        desk.shared[_SHARED] = replace(shelf, checked=at)
    stamp: int = await desk.store.fetch_value("knowledge_stamp")
    if shelf is None or stamp != shelf.stamp:
        rows = await desk.store.fetch("knowledge_questions", now=desk.now())
        plain = [(row["code"], row["question"], row["category"]) for row in rows]
        shelf = _Shelf(stamp, at, await asyncio.to_thread(Index, plain))
        desk.shared[_SHARED] = shelf
    return shelf.index


def _forget(desk: Desk) -> None:
    desk.shared.pop(_SHARED, None)


# --- reading ----------------------------------------------------------------------------------------------------------


async def search(desk: Desk, words: str, actor: Actor, *, everything: bool = False, after: str = "") -> list[Row]:
    """Return entries that contain every word, by code, at most a page; without words all. Raises BadInput.

    Without `everything` only what is in force; with it also what is retired, past its time, or not yet begun.
    """
    _may(actor, READERS, "read knowledge", "only staff may")
    page = {"after": after, "now": desk.now(), "everything": everything, "most": PAGE_MOST}
    if not words.strip():
        return await desk.store.fetch("knowledge_page", **page)
    pairs, likes = sought(words)
    return await desk.store.fetch("search_knowledge", grams=pairs, likes=likes, **page)


async def versions(desk: Desk, code: str, actor: Actor) -> list[Row]:
    """Return every version of an entry, the newest first; raises NotFound."""
    _may(actor, READERS, "read knowledge", "only staff may")
    rows = await desk.store.fetch("knowledge_versions", code=code) if _CODE.fullmatch(code) else []
    if not rows:
        raise NotFound("entry", code[:40])
    return rows


def ruling(rows: Sequence[Mapping[str, Any]], now: datetime) -> int:
    """Return which version of an entry rules, 0 for none; whether it is retired or ended is another question."""
    return max((row["version"] for row in rows if row["valid_from"] <= now), default=0)


async def waiting(desk: Desk, actor: Actor) -> list[Row]:
    """Return the drafts that wait for a second person, the oldest first."""
    _may(actor, DRAFTERS, "see drafts", _KEEPERS)
    return await desk.store.fetch("knowledge_drafts_waiting", most=PUBLISHED_AT_ONCE)


async def drafted(desk: Desk, id_: int, actor: Actor) -> tuple[Row, Row | None]:
    """Return a draft, and the version that it was made from; raises NotFound."""
    _may(actor, DRAFTERS, "see drafts", _KEEPERS)
    row = await desk.store.fetch_row("knowledge_draft", id=id_)
    if row is None:
        raise NotFound("draft", id_)
    rows = await desk.store.fetch("knowledge_versions", code=row["code"])
    return row, next((one for one in rows if one["version"] == row["based_on"]), None)


# --- writing ----------------------------------------------------------------------------------------------------------


async def draft(desk: Desk, entry: Entry, actor: Actor, *, based_on: int = 0) -> int:
    """Keep a new answer, a change or an ending for a second person to look at, and return the draft's number.

    `based_on` is the version that was changed, 0 for a new entry. Raises BadInput for what cannot be taken, also when
    somebody published or drafted another one meanwhile.
    """
    _may(actor, DRAFTERS, "draft knowledge", _KEEPERS)
    now = desk.now()
    newest = await _newest(desk, [entry.code]) if entry.code else {}
    known = newest.get(entry.code)
    if based_on != (known["version"] if known else 0):
        raise BadInput("version", based_on, "rules no more", str(known["version"] if known else 0))
    if entry.retired:
        entry = _ended(entry, known)
    _check(entry, await desk.rulebook(), now)
    code = entry.code or f"K{await desk.store.fetch_value('next_knowledge_code'):04}"
    values = {field.name: getattr(entry, field.name) for field in fields(Entry)} | {"code": code}
    row = await desk.store.fetch_row("draft_knowledge", **values, based_on=based_on, by=actor.person, at=now)
    if row is None:
        raise BadInput("code", code, "has a draft that waits")
    return int(row["id"])


def _ended(entry: Entry, known: Row | None) -> Entry:
    """The newest version as it ends: what it says stays as it was."""
    if known is None or known["retired"]:
        raise BadInput("code", entry.code, "is retired already")
    kept = {name: known[name] for name in ("question", "answer", "category", "department", "basis")}
    return replace(entry, **kept, valid_until=None)


def _check(entry: Entry, rulebook: Rulebook, now: datetime) -> None:
    for name, most in LONGEST.items():
        value: str = getattr(entry, name)
        if "\x00" in value:
            raise BadInput(name, value, "contains a NUL byte", "text without it")
        if len(value) > most:
            raise BadInput(name, value, f"has {len(value)} characters", f"at most {most}")
    for name in ("question", "answer"):
        if not getattr(entry, name).strip():
            raise BadInput(name, "", "is empty", "what callers ask, and what they are told")
    if entry.code and not _CODE.fullmatch(entry.code):
        raise BadInput("code", entry.code, "is no code of an entry", "A-Z, 0-9, '_', '.' and '-', at most 40")
    if entry.category is not None and entry.category not in rulebook.categories:
        raise BadInput("category", entry.category, "is unknown")
    if entry.department not in rulebook.departments:
        raise BadInput("department", entry.department, "is unknown")
    if entry.valid_until and entry.valid_until <= max(now, entry.valid_from or now):
        raise BadInput("valid_until", entry.valid_until.isoformat(), "lies in the past")
    if len(entry.reason.strip()) < SHORTEST_REASON:
        raise BadInput("reason", entry.reason, "is too short", "why the answer is new, changed or ended")


async def _newest(desk: Desk, codes: Sequence[str]) -> dict[str, Row]:
    rows = await desk.store.fetch("newest_knowledge", codes=list(codes))
    return {row["code"]: row for row in rows}


async def publish(desk: Desk, id_: int, actor: Actor) -> int:
    """Publish a draft and return the number of its version; who drafted it may not.

    Raises Forbidden for the drafter, NotFound when somebody was quicker, BadInput when it has become untrue meanwhile.
    """
    _may(actor, PUBLISHERS, "publish knowledge", _KEEPERS)
    at = desk.now()
    async with desk.store.transaction() as transaction:
        row = _only(await transaction.fetch("lock_knowledge_draft", id=id_), id_)
        if row["drafted_by"] == actor.person:
            raise Forbidden(actor.person, "publish their own draft", "a second person must agree")
        starts = row["valid_from"] or at
        if row["valid_until"] and row["valid_until"] <= max(at, starts):
            raise BadInput("valid_until", row["valid_until"].isoformat(), "lies in the past")
        kept = {name: row[name] for name in _KEPT}
        pairs = grams(f"{row['code']} {row['question']} {row['answer']}")
        version = row["based_on"] + 1
        made = {"version": version, "valid_from": starts, "published_by": actor.person, "published_at": at}
        if not await transaction.fetch("publish_knowledge", **kept, **made, grams=pairs):
            raise BadInput("version", row["based_on"], "rules no more")
        await transaction.execute("end_knowledge_draft", id=id_, by=actor.person, at=at, version=version)
    _forget(desk)
    return int(version)


_KEPT = (
    "code",
    "question",
    "answer",
    "category",
    "department",
    "basis",
    "valid_until",
    "retired",
    "reason",
    "drafted_by",
)


async def publish_some(desk: Desk, ids: Sequence[int], actor: Actor) -> list[tuple[int, HotlineError | None]]:
    """Publish drafts one by one; return each with what hindered it, None for those that are published."""
    _may(actor, PUBLISHERS, "publish knowledge", _KEEPERS)
    if len(ids) > PUBLISHED_AT_ONCE:
        raise BadInput("ids", len(ids), "are too many", f"at most {PUBLISHED_AT_ONCE}")
    told: list[tuple[int, HotlineError | None]] = []
    for id_ in dict.fromkeys(ids):
        try:
            await publish(desk, id_, actor)
        except (BadInput, Forbidden, NotFound) as error:
            told.append((id_, error))
        else:
            told.append((id_, None))
    return told


async def take_back(desk: Desk, id_: int, actor: Actor) -> None:
    """End a draft without publishing it: by its drafter, or by who may publish."""
    _may(actor, DRAFTERS, "take a draft back", _KEEPERS)
    async with desk.store.transaction() as transaction:
        row = _only(await transaction.fetch("lock_knowledge_draft", id=id_), id_)
        if row["drafted_by"] != actor.person and actor.role not in PUBLISHERS:
            raise Forbidden(actor.person, "take a draft back", "it is somebody else's")
        await transaction.execute("end_knowledge_draft", id=id_, by=actor.person, at=desk.now(), version=None)


_KEEPERS = "rules are kept by the hotline's leaders"


def _may(actor: Actor, roles: frozenset[Role], what: str, why: str) -> None:
    if actor.role not in roles:
        raise Forbidden(actor.person, what, why)


def _only(rows: Sequence[Row], id_: int) -> Row:
    if not rows:
        raise NotFound("draft", id_)
    return rows[0]


# --- from files -------------------------------------------------------------------------------------------------------

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "code": ("编号", "code"),
    "question": ("问题", "question"),
    "answer": ("答复", "答案", "answer"),
    "category": ("分类", "事项分类", "category"),
    "department": ("单位", "责任单位", "department"),
    "basis": ("依据", "basis"),
    "valid_from": ("生效日期", "valid_from"),
    "valid_until": ("失效日期", "有效期至", "valid_until"),
}
"""Names of columns; units and categories by code or by name, days as 2026-11-23, the last day included."""


@dataclass(frozen=True, slots=True)
class Found:
    """A row of a file: new, changed or same, or rejected with the reason; `based_on` is the version that it changes."""

    line: int
    code: str
    what: str
    entry: Entry | None = None
    based_on: int = 0
    problem: str = ""


def text_of(file: Path) -> str:
    """Return the text of a file in UTF-8, or in GB18030 as offices' spreadsheets save it; raises BadInput."""
    if not file.is_file():
        raise BadInput("file", str(file), "is not there", "a .csv file")
    content = file.read_bytes()
    for encoding in ("utf-8-sig", "gb18030"):
        with suppress(UnicodeDecodeError):
            return content.decode(encoding)
    raise BadInput("file", file.name, "is neither UTF-8 nor GB18030", "the file saved in UTF-8")


async def compare(desk: Desk, text: str, *, reason: str) -> list[Found]:
    """Hold a CSV file against what is published: what is new in it, and what cannot be taken. Raises BadInput."""
    rulebook, now = await desk.rulebook(), desk.now()
    names = _Names.of(rulebook)
    read = [_read(line, row, names, reason, rulebook, now) for line, row in _rows(text)]
    newest = await _newest(desk, [one.code for one in read])
    seen, told = set[str](), []
    for one in read:
        if one.entry and one.code in seen:
            told.append(replace(one, what="rejected", entry=None, problem="the code stands twice in the file"))
        else:
            told.append(_compared(one, newest.get(one.code)))
        seen.add(one.code)
    return told


def _rows(text: str) -> Iterator[tuple[int, dict[str, str]]]:
    reader = csv.DictReader(io.StringIO(text.lstrip("\ufeff"), newline=""))
    header = [name.strip() for name in reader.fieldnames or ()]
    chosen = {name: next((one for one in header if one in known), "") for name, known in COLUMNS.items()}
    if missing := [name for name in ("question", "answer", "department") if not chosen[name]]:
        raise BadInput("columns", ", ".join(header), f"lack {', '.join(missing)}", "编号,问题,答复,分类,单位,依据")
    for row in reader:
        plain = {(name or "").strip(): value for name, value in row.items() if isinstance(value, str)}
        yield reader.line_num, {name: plain.get(column, "").strip() for name, column in chosen.items() if column}


@dataclass(frozen=True, slots=True)
class _Names:
    """Codes of units and categories by the names that stand for one only."""

    units: Mapping[str, str]
    kinds: Mapping[str, str]

    @classmethod
    def of(cls, rulebook: Rulebook) -> _Names:
        return cls(
            _unique((one.name, one.code) for one in rulebook.departments.values()),
            _unique((one.name, one.code) for one in rulebook.categories.values()),
        )


def _unique(named: Iterable[tuple[str, str]]) -> dict[str, str]:
    codes: dict[str, set[str]] = {}
    for name, code in named:
        codes.setdefault(name, set()).add(code)
    return {name: next(iter(found)) for name, found in codes.items() if len(found) == 1}


def _read(line: int, row: Mapping[str, str], names: _Names, reason: str, rulebook: Rulebook, now: datetime) -> Found:
    # Without a code of its own a question is known again by its words.
    code = row.get("code", "").upper() or f"Q{hashlib.sha256(row['question'].encode()).hexdigest()[:10].upper()}"
    kind, unit = row.get("category", ""), row["department"]
    try:
        entry = Entry(
            code=code,
            question=row["question"],
            answer=row["answer"],
            category=names.kinds.get(kind, kind) or None,
            department=names.units.get(unit, unit),
            basis=row.get("basis", ""),
            valid_from=day_begins(row.get("valid_from", ""), "valid_from"),
            valid_until=day_ends(row.get("valid_until", ""), "valid_until"),
            reason=reason,
        )
        _check(entry, rulebook, now)
    except BadInput as error:
        return Found(line, code[:40], "rejected", problem=str(error))
    return Found(line, code, "new", entry)


_COMPARED = ("question", "answer", "category", "department", "basis", "valid_until")


def _compared(one: Found, known: Row | None) -> Found:
    if one.entry is None or known is None:
        return one
    starts = one.entry.valid_from or known["valid_from"]
    same = not known["retired"] and starts == known["valid_from"]
    same = same and all(getattr(one.entry, name) == known[name] for name in _COMPARED)
    return replace(one, what="same" if same else "changed", based_on=known["version"])


def day_begins(text: str, name: str) -> datetime | None:
    """Return when a day begins, None for no day; raises BadInput naming the field."""
    if not text:
        return None
    try:
        return datetime.combine(date.fromisoformat(text), time(), ZONE)
    except ValueError:
        raise BadInput(name, text, "is no moment", "2026-11-23") from None


def day_ends(text: str, name: str) -> datetime | None:
    """Return when a day is over, None for no day; raises BadInput naming the field."""
    starts = day_begins(text, name)
    try:
        return starts and starts + timedelta(days=1)
    except OverflowError:
        raise BadInput(name, text, "is no moment", "2026-11-23") from None


async def take_in(desk: Desk, found: Iterable[Found], actor: Actor) -> list[int]:
    """Keep what is new or changed in a file as drafts and return their numbers."""
    return [
        await draft(desk, one.entry, actor, based_on=one.based_on)
        for one in found
        if one.entry and one.what in {"new", "changed"}
    ]


def demonstration() -> str:
    """Return the entries of the demonstration city as a CSV file: invented, as everything in it."""
    return (resources.files("hotline") / "data" / "city" / "knowledge.csv").read_text("utf-8")
