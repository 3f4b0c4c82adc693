"""Working calendars: a year's notice read from a file, published, and every running clock counted by it.

A published calendar moves the running deadlines that it touches, each by an event on its ticket, and the departments
concerned are told what changed; what stopped stays as it was. The run may be cut off at any moment and goes on with
the next one. From 1 November on the administrators hear that the next year has no notice yet.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime

from dispatch import actions as do
from dispatch.deadlines import keep_clocks
from dispatch.lifecycle import Decided, step
from dispatch.model import MACHINE, Clock, Ticket
from dispatch.rulebook import Rulebook
from dispatch.worktime import ZONE, Calendar, Window, Windows
from hotline import alarms, office
from hotline.desk import RULES_LIVE, Desk
from hotline.errors import BadInput
from hotline.store import Notice
from hotline.tickets import not_before, tell_pages

AT_ONCE = 200
ALARM_FROM = (11, 1)
"""The month and day from which a next year without a notice is an alarm; it usually appears in November."""
KINDS = ("holiday", "workday", "closed", "open")
"""What a line of a calendar file may say of a day: by the State Council's notice, or by the city itself."""


# --- reading ----------------------------------------------------------------------------------------------------------


def read_days(calendar: Calendar, text: str, *, source: str) -> Calendar:
    """Return `calendar` with the days of a CSV text: `date,kind,hours`; the years that it names are replaced whole.

    `kind` is holiday or workday (of the notice; their year counts as published), closed or open (the city's own);
    `hours` of an open day are such as `08:30-12:00 14:30-17:30`. Raises BadInput naming the line.
    """
    rows = list(_rows(text))
    years = {day.year for day, kind, _hours in rows if kind in {"holiday", "workday"}}
    kept = {"holidays": calendar.holidays, "workdays": calendar.workdays}
    days = {name: {day for day in found if day.year not in years} for name, found in kept.items()}
    overrides = {day: windows for day, windows in calendar.overrides.items() if day.year not in years}
    for day, kind, hours in rows:
        if kind in {"closed", "open"}:
            overrides[day] = hours
        else:
            days[f"{kind}s"].add(day)
    return _calendar(
        calendar,
        source,
        holidays=frozenset(days["holidays"]),
        workdays=frozenset(days["workdays"]),
        published_years=calendar.published_years | years,
        overrides=overrides,
    )


def _calendar(calendar: Calendar, source: str, **changed: object) -> Calendar:
    mapping = calendar.to_mapping()
    try:
        made = replace(calendar, source=source, **changed)  # type: ignore[arg-type]  # fields by their names
        return Calendar.from_mapping({**made.to_mapping(), "version": f"cn-{max(made.published_years)}"})
    except ValueError as error:
        raise BadInput("calendar", mapping["version"], f"contradicts itself: {error}") from error


def _rows(text: str) -> Iterator[tuple[date, str, Windows]]:
    for number, row in enumerate(csv.DictReader(io.StringIO(text.lstrip("\ufeff"))), 2):
        try:
            day, kind = date.fromisoformat((row["date"] or "").strip()), (row["kind"] or "").strip()
            hours = tuple(Window.parse(*part.split("-")) for part in (row.get("hours") or "").split())
        except (KeyError, ValueError, TypeError) as error:
            problem = f"cannot be read in line {number}: {error}"
            raise BadInput("calendar", ",".join(filter(None, row.values())), problem, "date,kind,hours") from error
        if kind not in KINDS or (kind == "open") != bool(hours):
            raise BadInput(
                "calendar", kind, f"is no kind of a day in line {number}", f"{', '.join(KINDS)}; open: hours"
            )
        yield day, kind, hours


def changed_days(before: Calendar, after: Calendar) -> Iterator[tuple[date, str, str]]:
    """Yield every day that is something else in `after`, with the codes of what it was and what it is."""
    named = {*before.holidays, *before.workdays, *before.overrides, *after.holidays, *after.workdays, *after.overrides}
    for day in sorted(named):
        was, now = before.kind_of(day), after.kind_of(day)
        if was is not now or before.windows(day) != after.windows(day):
            yield day, was.value, now.value


# --- publishing and counting anew -------------------------------------------------------------------------------------


async def publish(desk: Desk, calendar: Calendar, *, by: str) -> int:
    """Publish a calendar and return its number; running clocks are counted by it within seconds, by the workers."""
    return await office.publish(desk, "calendar", calendar.to_mapping(), source=calendar.source, by=by)


@dataclass
class Recounting:
    """The run that follows a publication: where it is, and what it did so far."""

    done: str = ""
    version: str = ""
    since: datetime | None = None
    after: int = 0
    again: bool = True
    tickets: int = 0
    moved: int = 0


async def recount(desk: Desk, run: Recounting, *, most: int = AT_ONCE) -> int:
    """Take the next tickets of the run that a newly published calendar wants; return how many were looked at.

    A process goes over all of them once at its start and after each publication, and a second time after the rules
    have reached every process, for what these did meanwhile by the old ones.
    """
    rulebook = await desk.rulebook()
    version = rulebook.calendar_version
    if run.done == version:
        return 0
    if run.version != version:
        run.version, run.since, run.after, run.again, run.tickets, run.moved = version, desk.now(), 0, True, 0, 0
    rows = await desk.store.fetch("tickets_by_other_calendars", calendar=version, after=run.after, most=most)
    for ticket in await desk.store.many([row["ticket_id"] for row in rows]):
        if _recounted(ticket, rulebook, desk.now()) is not None:
            run.moved += await _recount(desk, ticket.id, rulebook)
            run.tickets += 1
    if rows:
        run.after = rows[-1]["ticket_id"]
        return len(rows)
    await _end_pass(desk, run, rulebook)
    return 0


async def _end_pass(desk: Desk, run: Recounting, rulebook: Rulebook) -> None:
    if run.again and run.since and desk.now() - run.since >= 2 * RULES_LIVE:
        run.again, run.after = False, 0
    elif not run.again:
        run.done = run.version
        if run.tickets:
            await desk.store.execute(
                "record_audit",
                at=desk.now(),
                person=MACHINE.person,
                what="recount",
                ticket_id=None,
                reason=rulebook.calendar.source,
                facts={"calendar": run.version, "tickets": run.tickets, "moved": run.moved},
            )


def _recounted(ticket: Ticket, rulebook: Rulebook, now: datetime) -> Decided | None:
    """The event that counts a ticket anew; None where nothing would change."""
    if ticket.is_closed:
        return None
    action = do.Recount(calendar=rulebook.calendar_version, source=rulebook.calendar.source)
    at = not_before(ticket, now)
    decided = keep_clocks(step(ticket, action, MACHINE, at=at, rulebook=rulebook), rulebook)
    pairs = zip(ticket.clocks, decided.after.clocks, strict=True)
    moved = ((was.due_at, was.provisional) != (now.due_at, now.provisional) for was, now in pairs)
    return decided if any(moved) else None


async def _recount(desk: Desk, ticket_id: int, rulebook: Rulebook) -> int:
    """Count one ticket anew, locked; return how many due times moved."""
    async with desk.store.transaction() as transaction:
        ticket = (await transaction.lock(ticket_id)).ticket
        decided = _recounted(ticket, rulebook, desk.now())
        if decided is None:
            return 0
        moved = list(_moved(ticket, decided.after))
        await transaction.record(decided, notices=list(_notices(decided.after, moved)), rulebook=rulebook)
    tell_pages(desk, [decided.after], rulebook)
    return len(moved)


def _moved(before: Ticket, after: Ticket) -> Iterator[tuple[Clock, Clock]]:
    for was, now in zip(before.clocks, after.clocks, strict=True):
        if was.due_at != now.due_at:
            yield was, now


def _notices(ticket: Ticket, moved: list[tuple[Clock, Clock]]) -> Iterator[Notice]:
    """Tell each department which of its deadlines moved, from when to when."""
    units: dict[str, list[Mapping[str, object]]] = {}
    for was, now in moved:
        told = {"clock": now.kind, "was": was.due_at, "due_at": now.due_at}
        units.setdefault(now.department, []).append(told)
    for unit, clocks in units.items():
        key = f"{ticket.id}/{ticket.version}/recount/{unit}"
        yield Notice(key=key, department=unit, kind="recount", role=None, facts={"clocks": clocks, **clocks[0]})


async def preview(desk: Desk, calendar: Calendar) -> tuple[int, int]:
    """Return how many open tickets and how many due times a calendar would move if it were published now."""
    rulebook = await desk.rulebook()
    planned = replace(rulebook, calendar=calendar)
    tickets, moved, after = 0, 0, 0
    while rows := await desk.store.fetch("tickets_by_other_calendars", calendar="", after=after, most=AT_ONCE):
        for ticket in await desk.store.many([row["ticket_id"] for row in rows]):
            decided = _recounted(ticket, planned, desk.now())
            found = len(list(_moved(ticket, decided.after))) if decided else 0
            tickets, moved = tickets + bool(found), moved + found
        after = rows[-1]["ticket_id"]
    return tickets, moved


# --- a year without a notice ------------------------------------------------------------------------------------------


async def watch_years(desk: Desk) -> int:
    """Raise an alarm for a year without a notice, the next one from 1 November on; end it when it is published."""
    rulebook, today = await desk.rulebook(), desk.now().astimezone(ZONE).date()
    missing = {today.year} | ({today.year + 1} if (today.month, today.day) >= ALARM_FROM else set())
    missing -= rulebook.calendar.published_years
    for year in sorted(missing):
        await alarms.raise_alarm(desk, "calendar", str(year), {"year": year, "calendar": rulebook.calendar_version})
    for year in rulebook.calendar.published_years & {today.year, today.year + 1}:
        await alarms.end_alarm(desk, "calendar", str(year))
    return 0
