"""Rows and dataclasses: the only module that runs queries. It does not know what is allowed or who is asking.

Every query is named in `sql/queries`. A ticket is written by one statement, whatever it consists of, so that it is
there as a whole or not at all.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, fields
from datetime import date, datetime
from typing import Any, TypeAlias

import asyncpg
import orjson

from dispatch.deadlines import owed_by, warns_at
from dispatch.errors import Rule, RuleBroken
from dispatch.history import build, changes
from dispatch.lifecycle import Decided
from dispatch.model import Assignment, Clock, ClockKind, Level, Ticket, TicketType, Urgency
from dispatch.rulebook import (
    AllowanceRule,
    Area,
    CatalogueRow,
    Category,
    Closed,
    Department,
    LadderRule,
    Policy,
    Refusal,
    Risk,
    RiskWord,
    Rulebook,
    inherited,
    parted,
)
from dispatch.supervision import first_look
from dispatch.worktime import ZONE, Allowance, Calendar
from hotline import db
from hotline.errors import BadInput, NotFound, Unavailable
from hotline.pairs import grams
from sql import loader

LONGEST_WORD = 50
PAGE_MOST = 200
Row: TypeAlias = asyncpg.Record


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedCaller:
    """A caller as stored: personal data only sealed, fingerprints for search."""

    reachable: bool
    real_name: bool
    wants_visit: bool
    name: bytes | None = None
    phone: bytes | None = None
    address: bytes | None = None
    phone_hash: bytes | None = None
    name_hash: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Matter:
    """What was said, and where it came from; phone and identity numbers in it are masked."""

    title: str
    text: str
    place: str
    channel: str
    source: str
    outside_id: str | None
    opened_by: str
    judged: bool
    suggestion: Mapping[str, Any] | None
    has_original: bool = False


@dataclass(frozen=True, slots=True)
class File:
    """A ticket as the lifecycle sees it, with what was said, and when the lamp of each clock turns yellow.

    Whether others were merged into it, and whether it has pictures, spares asking for them where there are none.
    """

    ticket: Ticket
    matter: Matter
    warns: Mapping[int, datetime] = field(default_factory=dict)
    has_merged: bool = True
    has_pictures: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Something to tell a department, once: `key` is unique for ever; `ticket_id` where no event carries it."""

    key: str
    department: str
    kind: str
    role: str | None
    facts: Mapping[str, Any]
    ticket_id: int | None = None


class Store:
    """The queries of the service over one pool."""

    def __init__(self, pool: db.Pool) -> None:
        self.pool = pool
        self._queries = loader.load()
        self._serials: list[int] = []

    async def fetch(self, name: str, /, **parameters: Any) -> list[asyncpg.Record]:  # noqa: ANN401 - driver values
        """Return all rows of the named query. Raises Unavailable when the database is away."""
        text, values = self._statement(name, parameters)
        async with db.connection(self.pool) as connection:
            return await connection.fetch(text, *values)

    async def fetch_row(self, name: str, /, **parameters: Any) -> asyncpg.Record | None:  # noqa: ANN401 - the same
        text, values = self._statement(name, parameters)
        async with db.connection(self.pool) as connection:
            return await connection.fetchrow(text, *values)

    async def fetch_value(self, name: str, /, **parameters: Any) -> Any:  # noqa: ANN401 - the same
        text, values = self._statement(name, parameters)
        async with db.connection(self.pool) as connection:
            return await connection.fetchval(text, *values)

    async def execute(self, name: str, /, **parameters: Any) -> None:  # noqa: ANN401 - the same
        text, values = self._statement(name, parameters)
        async with db.connection(self.pool) as connection:
            await connection.execute(text, *values)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """Begin a transaction: commits at the end, rolls back on any exception."""
        async with db.transaction(self.pool) as connection:
            yield Transaction(self, connection)

    def _statement(self, name: str, parameters: Mapping[str, Any]) -> tuple[str, list[Any]]:
        query = self._queries[name]
        if set(parameters) != set(query.parameters):
            message = f"{name} takes {', '.join(query.parameters)}; given: {', '.join(parameters)}"
            raise TypeError(message)
        return query.text, [parameters[parameter] for parameter in query.parameters]

    async def new_ticket_id(self, at: datetime) -> int:
        """Return the next 18-digit number: YYMMDDHHMMSS of `at` (already in local time), then a serial of six."""
        if not self._serials:
            first = await self.fetch_value("next_serials")
            self._serials = list(range(first + 99, first - 1, -1))
        return int(f"{at:%y%m%d%H%M%S}") * 1_000_000 + self._serials.pop()

    async def open_ticket(
        self,
        decided: Sequence[Decided],
        matter: Matter,
        caller: SealedCaller,
        *,
        original: bytes | None,
        notices: Sequence[Notice],
        rulebook: Rulebook,
    ) -> int | None:
        """Write a new ticket, durable when this returns; None when its (source, outside id) is there already."""
        ticket = decided[-1].after
        id_ = await self.fetch_value(
            "open_ticket",
            **_columns(ticket, _COLUMNS),
            received_at=ticket.received_at,
            reported=ticket.reported,
            channel=matter.channel,
            source=matter.source,
            outside_id=matter.outside_id,
            title=matter.title,
            text=matter.text,
            original_sealed=original,
            place=matter.place,
            opened_by=matter.opened_by,
            judged=matter.judged,
            suggestion=matter.suggestion,
            grams=grams(f"{matter.title} {matter.text} {matter.place}"),
            **_sealed(caller),
            assignments=[_assignment(ticket, one) for one in ticket.assignments],
            clocks=[_clock(clock, rulebook) for clock in ticket.clocks],
            events=[_event(one, changes(one)) for one in decided],
            notices=notices,
        )
        return None if id_ is None else int(id_)

    async def file(self, ticket_id: int) -> File:
        """Return one ticket with what was said; raises NotFound."""
        files = await self.files([ticket_id])
        if not files:
            raise NotFound("ticket", ticket_id)
        return files[0]

    async def many(self, ticket_ids: Sequence[int]) -> list[Ticket]:
        """Return these tickets, in the order of their numbers."""
        return [file.ticket for file in await self.files(ticket_ids)]

    async def files(self, ticket_ids: Sequence[int]) -> list[File]:
        """Return these tickets with what was said, in the order of their numbers."""
        return [_file(row) for row in await self.fetch("tickets", ids=list(ticket_ids))]

    async def path(
        self, ticket_id: int, *, with_callers: bool
    ) -> tuple[list[dict[str, Any]], Sequence[Mapping[str, Any]]]:
        """Return what happened to a ticket, the oldest first, and its callers sealed, none where not asked for."""
        row = await self.fetch_row("path_and_callers", ticket_id=ticket_id, with_callers=with_callers)
        assert row is not None  # noqa: S101 - it counts together, so there always is one
        path = orjson.loads(row["path"])
        for event in path:
            event["at"] = datetime.fromisoformat(event["at"])
        sealed = zip(*(row[name] or () for name in ("numbers", "names", "phones", "addresses")), strict=True)
        names = ("number", "name_sealed", "phone_sealed", "address_sealed")
        return path, [dict(zip(names, one, strict=True)) for one in sealed]

    async def rulebook(self, at: datetime, instead: Mapping[str, Any] | None = None) -> Rulebook:
        """Return the rules in force at a moment; raises NotFound when the city has no calendar yet.

        `instead` has bodies that take the place of published ones. Raises BadInput for one that cannot be read.
        """
        return await _read_rulebook(self.fetch, at, instead or {})

    async def rulebooks(self, at: datetime, instead: Mapping[str, Any]) -> list[Rulebook]:
        """Return the rules as they will be at a moment, and at each later one at which something else comes to rule.

        Raises as `rulebook` does.
        """
        return await _read_ahead(self.fetch, at, instead)

    async def search(
        self, words: str, *, departments: Sequence[str] | None, before: int | None = None, most: int = 50
    ) -> str:
        """Return JSON of the newest tickets that contain every word.

        `departments` None means all; else the asking department first, then the units below it: only what they have
        or had a part in is found. Raises BadInput for a word of one character, which no index can serve, or one
        that is too long.
        """
        pairs, likes = sought(words)
        page: str = await self.fetch_value(
            "search_tickets",
            grams=pairs,
            likes=likes,
            departments=None if departments is None else list(departments),
            asking=departments[0] if departments else None,
            before=before or 10**18,
            most=most,
        )
        return page


class Transaction:
    """The queries within one transaction, and the two steps of every change: lock and record."""

    def __init__(self, store: Store, connection: db.Connection) -> None:
        self._store = store
        self._connection = connection

    async def fetch(self, name: str, /, **parameters: Any) -> list[asyncpg.Record]:  # noqa: ANN401 - driver values
        text, values = self._store._statement(name, parameters)  # noqa: SLF001 - the other half of Store
        return await self._connection.fetch(text, *values)

    async def execute(self, name: str, /, **parameters: Any) -> None:  # noqa: ANN401 - driver values
        text, values = self._store._statement(name, parameters)  # noqa: SLF001 - the same
        await self._connection.execute(text, *values)

    async def lock(self, ticket_id: int) -> File:
        """Lock a ticket until the end and return it as it is then; raises NotFound.

        The lock comes first: what is read after it is what nobody else can change any more.
        """
        await self.execute("lock_ticket", id=ticket_id)
        rows = await self.fetch("tickets", ids=[ticket_id])
        if not rows:
            raise NotFound("ticket", ticket_id)
        return _file(rows[0])

    async def files(self, ticket_ids: Sequence[int]) -> list[File]:
        """Return tickets that this transaction has locked already, in the order of their numbers."""
        return [_file(row) for row in await self.fetch("tickets", ids=list(ticket_ids))]

    async def add_caller(self, ticket_id: int, number: int, caller: SealedCaller) -> None:
        """Add one caller to a ticket under the number that the lifecycle gave it."""
        await self.execute("add_caller", ticket_id=ticket_id, number=number, **_sealed(caller))

    async def tell(self, notices: Sequence[Notice], *, at: datetime) -> None:
        """Put notices into the outbox; those that were told before are passed over."""
        if notices:
            await self.execute("tell", notices=notices, at=at)

    async def rulebook(self, at: datetime) -> Rulebook:
        """Return the rules in force at a moment within this transaction; raises NotFound without a calendar."""
        return await _read_rulebook(self.fetch, at, {})

    async def rulebooks(self, at: datetime) -> list[Rulebook]:
        """Return the rules at a moment and at each later one that changes them, as this transaction sees them."""
        return await _read_ahead(self.fetch, at, {})

    async def record(self, decided: Decided, *, notices: Sequence[Notice], rulebook: Rulebook) -> None:
        """Write one event and everything that it left different.

        Raises RuleBroken when the database holds a rule that a concurrent act broke first.
        """
        text, values = self._store._statement("record", _recorded(decided, notices, rulebook))  # noqa: SLF001 - the same
        with _rules_kept(decided):
            rows = await self._connection.fetch(text, *values)
        _all_there(rows, 1)

    async def record_all(self, moves: Sequence[tuple[Decided, Sequence[Notice]]], *, rulebook: Rulebook) -> None:
        """Do as `record` does with some moves in their order, several on one way to the database and back."""
        for start in range(0, len(moves), RECORDED_AT_ONCE):
            some = moves[start : start + RECORDED_AT_ONCE]
            statements = [
                self._store._statement("record", _recorded(decided, notices, rulebook))  # noqa: SLF001 - the same
                for decided, notices in some
            ]
            with _rules_kept(some[0][0]):
                rows = await self._connection.fetchmany(statements[0][0], [values for _, values in statements])
            _all_there(rows, len(some))


RECORDED_AT_ONCE = 10
"""Moves that are made ready for the database without letting others have their turn."""


def _recorded(decided: Decided, notices: Sequence[Notice], rulebook: Rulebook) -> dict[str, Any]:
    """What `record` takes: the ticket, what the event changed of it, and the event."""
    ticket, changed = decided.after, changes(decided)
    clocks = [part for part in _changed(changed, "clocks") if isinstance(part, Clock)]
    touched = {part.number for part in _changed(changed, "assignments")}
    touched |= {owed_by(ticket, clock) for clock in clocks}
    event = _event(decided, changed)
    return {
        **_columns(ticket, (*_COLUMNS, *_LATER_COLUMNS)),
        "at": decided.at,
        "callers": _changed(changed, "callers"),
        "assignments": [_assignment(ticket, one) for one in ticket.assignments if one.number in touched],
        "requests": _changed(changed, "requests"),
        "orders": _changed(changed, "orders"),
        "clocks": [_clock(clock, rulebook) for clock in clocks],
        "notices": notices,
        **{name: event[name] for name in ("person", "role", "department", "action", "data", "changes")},
    }


@contextmanager
def _rules_kept(first: Decided) -> Iterator[None]:
    """Raise RuleBroken, about the first of what is being written, where the database refuses any of it."""
    try:
        yield
    except asyncpg.UniqueViolationError as error:
        facts = {"constraint": str(error.constraint_name)}
        raise RuleBroken(first.after.id, Rule.ALREADY_ASSIGNED, facts) from error


def _all_there(rows: Sequence[Row], number: int) -> None:
    if len(rows) < number:
        what = "the ticket's row"
        raise Unavailable(what)


def sought(words: str) -> tuple[list[int], list[str]]:
    """Return what a search by words asks for: the pairs of characters, and a pattern for each word.

    Raises BadInput for no word or more than five, a word of one character, which no index can serve, or a long one.
    """
    found = [word for word in words.lower().split() if word]
    for word in found:
        if not 1 < len(word) <= LONGEST_WORD:
            raise BadInput("words", word, "cannot be searched", f"words of 2 to {LONGEST_WORD} characters")
    if not found or len(found) > 5:  # noqa: PLR2004 - more words only make a slower query
        raise BadInput("words", words, "cannot be searched", "one to five words")
    return sorted({gram for word in found for gram in grams(word)}), [f"%{_like(word)}%" for word in found]


def _like(word: str) -> str:
    return word.replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_")


_COLUMNS = (
    "id",
    "version",
    "state",
    "type",
    "urgency",
    "category",
    "area",
    "owner",
    "confidential",
    "sensitive",
    "outcome",
    "entered_at",
)
_LATER_COLUMNS = ("cycle", "returns", "returned_by", "merged_into", "urged_at", "urges", "bad_rating_at")
"""A ticket that is being opened has their defaults."""


def _columns(ticket: Ticket, names: Iterable[str]) -> dict[str, Any]:
    return {name: getattr(ticket, name) for name in names} | {"due_at": _earliest(ticket)}


def _earliest(ticket: Ticket) -> datetime | None:
    return min((clock.due_at for clock in ticket.running() if clock.kind.is_duty), default=None)


def _assignment(ticket: Ticket, assignment: Assignment) -> dict[str, Any]:
    owed = (clock.due_at for clock in ticket.running() if owed_by(ticket, clock) == assignment.number)
    due = min(owed, default=None) if assignment.is_open else None
    return _plain(assignment) | {"due_at": due}


def _clock(clock: Clock, rulebook: Rulebook) -> dict[str, Any]:
    warned = warns_at(clock, rulebook) if clock.kind.is_duty else clock.due_at
    return _plain(clock) | {"look_at": first_look(clock, rulebook), "warns_at": warned}


def _plain(part: Any) -> dict[str, Any]:  # noqa: ANN401 - any of our dataclasses
    return {name: getattr(part, name) for name in part.__slots__}


def _changed(changed: Mapping[str, Any], part: str) -> list[Any]:
    return [value for value in changed.get(part, {}).values() if value is not None]


def _event(decided: Decided, changed: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "number": decided.after.version,
        "at": decided.at,
        "person": decided.actor.person,
        "role": decided.actor.role,
        "department": decided.actor.department,
        "action": decided.action,
        "data": {} if decided.data is None else _plain_action(decided.data),
        "changes": changed,
        "state": decided.after.state,
    }


def _plain_action(action: Any) -> dict[str, Any]:  # noqa: ANN401 - any action
    return {field.name: getattr(action, field.name) for field in fields(action)}


def _sealed(caller: SealedCaller) -> dict[str, Any]:
    return {
        "reachable": caller.reachable,
        "real_name": caller.real_name,
        "wants_visit": caller.wants_visit,
        "name_sealed": caller.name,
        "phone_sealed": caller.phone,
        "address_sealed": caller.address,
        "phone_hash": caller.phone_hash,
        "name_hash": caller.name_hash,
    }


_MATTER = tuple(part.name for part in fields(Matter))


def _file(row: asyncpg.Record) -> File:
    values = dict(row)
    for part in ("callers", "assignments", "requests", "orders", "clocks"):
        values[part] = values[part] or ()
    ticket = build(Ticket, values)
    warns = {clock["number"]: datetime.fromisoformat(clock["warns_at"]) for clock in values["clocks"]}
    matter = Matter(**{name: values[name] for name in _MATTER})
    return File(ticket, matter, warns, has_merged=row["has_merged"], has_pictures=row["has_pictures"])


Fetch: TypeAlias = Callable[..., Awaitable[list[Row]]]
REGISTERS = ("areas", "departments", "categories")
"""The parts whose rows other tables name by their codes."""


@dataclass(frozen=True, slots=True)
class _Parts:
    """What rules: the version and the body of each part, and from when the last of them does."""

    versions: Mapping[str, str]
    bodies: Mapping[str, Any]

    def with_(self, part: str, version: str, body: Any) -> _Parts:  # noqa: ANN401 - the part's JSON
        return _Parts({**self.versions, part: version}, {**self.bodies, part: body})


async def _read_rulebook(fetch: Fetch, at: datetime, instead: Mapping[str, Any]) -> Rulebook:
    parts = await _ruling(fetch, at, instead)
    return _read(parts, at.astimezone(ZONE).date(), instead)


async def _ruling(fetch: Fetch, at: datetime, instead: Mapping[str, Any]) -> _Parts:
    rows = {row["part"]: row for row in await fetch("rulebook_parts", at=at)}
    if "calendar" not in rows:
        raise NotFound("published rulebook part", "calendar")
    versions = {name: str(row["version"]) for name, row in rows.items()} | dict.fromkeys(instead, "draft")
    return _Parts(versions, {name: row["body"] for name, row in rows.items()} | dict(instead))


async def _read_ahead(fetch: Fetch, at: datetime, instead: Mapping[str, Any]) -> list[Rulebook]:
    parts = await _ruling(fetch, at, instead)
    later = await fetch("rulebook_parts_later", at=at)
    found, first = [], at.astimezone(ZONE).date()
    for since in (None, *dict.fromkeys(row["effective_at"] for row in later)):
        for row in later:
            if row["effective_at"] == since:
                parts = parts.with_(row["part"], str(row["version"]), row["body"])
        day = since.astimezone(ZONE).date() if since else first
        found.append(_read(parts, day, instead))
        found += [_read(parts, one, instead) for one in _closing_days(parts, day)]
    return found


def _closing_days(parts: _Parts, after: date) -> list[date]:
    """The days after one on which an area, a department or a category is closed."""
    rows = (row for part in REGISTERS for row in parts.bodies.get(part, ()))
    days = {date.fromisoformat(row["closed_from"]) for row in rows if row.get("closed_from")}
    return sorted(day for day in days if day > after)


def _read(parts: _Parts, day: date, instead: Mapping[str, Any]) -> Rulebook:
    try:
        return _built(parts, day)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        if not instead:
            raise
        named = ", ".join(instead)
        raise BadInput("body", named, f"cannot be read as {named}: {type(error).__name__} {error}") from error


def _built(parts: _Parts, day: date) -> Rulebook:
    bodies = parts.bodies
    given: dict[str, Any] = {}
    if "allowances" in bodies:
        given["allowances"] = tuple(map(_allowance, bodies["allowances"]))
    if "ladder" in bodies:
        given["ladder"] = tuple(build(LadderRule, _rung(row)) for row in bodies["ladder"])
    areas, closed_areas = parted(map(_area, bodies.get("areas", ())), day)
    units, closed_units = parted(map(_department, bodies.get("departments", ())), day)
    categories, closed_categories = parted(map(_category, bodies.get("categories", ())), day)
    closed = Closed(closed_areas, closed_units, closed_categories)
    catalogue = (CatalogueRow(**{**row, "co": tuple(row["co"])}) for row in bodies.get("catalogue", ()))
    return Rulebook(
        version=" ".join(f"{name}-{version}" for name, version in sorted(parts.versions.items())),
        calendar=Calendar.from_mapping(bodies["calendar"]),
        areas=areas,
        departments=units,
        categories=categories,
        closed=closed,
        catalogue=inherited(catalogue, closed),
        refusals={row["code"]: Refusal(**row) for row in bodies.get("refusals", ())},
        risk_words=tuple(map(_risk_word, bodies.get("risk_words", ()))),
        policy=Policy(**bodies.get("policy", {})),
        **given,
    )


def _area(row: Mapping[str, Any]) -> Area:
    return Area(**{**row, "parent": row["parent"] or None, "closed_from": _day(row)})


def _department(row: Mapping[str, Any]) -> Department:
    parent = row["parent"] or None
    return Department(**{**row, "level": Level.of(row["level"]), "parent": parent, "closed_from": _day(row)})


def _day(row: Mapping[str, Any]) -> date | None:
    return date.fromisoformat(row["closed_from"]) if row.get("closed_from") else None


def _rung(row: Mapping[str, Any]) -> dict[str, Any]:
    return {**row, "after": Allowance.parse(row["after"]) if row["after"] else None}


def _risk_word(row: Mapping[str, str]) -> RiskWord:
    return RiskWord(row["word"], Risk.of(row["risk"]), Urgency.of(row["level"]))


def _category(row: Mapping[str, Any]) -> Category:
    statutory = Allowance.parse(row["statutory"]) if row["statutory"] else None
    return Category(**{**row, "statutory": statutory, "closed_from": _day(row)})


def _allowance(row: Mapping[str, Any]) -> AllowanceRule:
    return AllowanceRule(
        kind=ClockKind.of(row["kind"]),
        allowance=Allowance.parse(row["allowance"]),
        basis=row["basis"],
        type=TicketType.of(row["type"]) if row.get("type") else None,
        urgency=Urgency.of(row["urgency"]) if row.get("urgency") else None,
        category=row.get("category", ""),
    )
