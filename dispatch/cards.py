"""The deadline card 时限卡: why a deadline is what it is, for one clock at any moment, in facts that words can tell.

Made from the ticket as it was at that moment and the calendar that its clock was counted by, and from nothing else:
replaying the same events gives the same card. The due time on the card is counted again here by the very function
that is enforced (`reckoning`), so a card that disagrees with its clock shows a fault of the house (`agrees`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from dispatch.model import Clock, ClockKind, ClockStop, Request, Ticket
from dispatch.reckoning import Turn, TurnKind, granted, reckon
from dispatch.worktime import ZONE, Allowance, Calendar, DayKind, Unit


@dataclass(frozen=True, slots=True, kw_only=True)
class DayLine:
    """One day between the start and the due time: what it is, which stretches count, and the how manieth it is.

    `number` counts working days where the allowance is in working days; None for a day that is not one of them.
    """

    day: date
    kind: DayKind
    counted: tuple[tuple[datetime, datetime], ...] = ()
    number: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """Everything that an official must know about one deadline, at the moment `at`.

    `turns` lead to the due time, `requests` are those that they name; `days` is the plain count of the first turn, for
    allowances that follow the calendar. `used` is the time counted until `at` or the stop: working time where that is
    counted, else clock time. `late` is the clock time past due, `late_days` the working days that began meanwhile.
    """

    ticket: int
    clock: Clock
    at: datetime
    turns: tuple[Turn, ...]
    requests: tuple[Request, ...]
    days: tuple[DayLine, ...]
    calendar_version: str
    calendar_source: str
    paused: bool
    used: timedelta
    left: timedelta
    late: timedelta
    late_days: int

    @property
    def due_at(self) -> datetime:
        """When the duty is due, counted anew."""
        return self.turns[-1].due_at

    @property
    def agrees(self) -> bool:
        """Whether the count gives what is enforced."""
        return self.due_at == self.clock.due_at


NOTHING = timedelta(0)


def card(ticket: Ticket, clock: Clock, calendar: Calendar, *, at: datetime) -> Card:
    """Return the card of one clock of `ticket`, which must be as it was at `at`, by the calendar it was counted by.

    A return window that is past is shown as closed, whether or not the watcher has come by.
    """
    if not clock.kind.is_duty and clock.is_running and at > clock.due_at:
        clock = _closed(clock)
    requests = granted(ticket, clock)
    turns = reckon(clock, requests, calendar)
    end = min(at, clock.stopped_at) if clock.stopped_at else at
    late = end > clock.due_at and clock.kind.is_duty and clock.stop is not ClockStop.VOID
    return Card(
        ticket=ticket.id,
        clock=clock,
        at=at,
        turns=turns,
        requests=requests,
        days=tuple(_days(clock, turns[0], calendar)),
        calendar_version=calendar.version,
        calendar_source=calendar.source,
        paused=clock.is_running and any(_runs_at(turn, at) for turn in turns),
        used=_counted(clock, turns, calendar, end),
        left=max(clock.due_at - end, NOTHING) if clock.is_running else NOTHING,
        late=end - clock.due_at if late else NOTHING,
        late_days=_working_days(calendar, clock.due_at, end) if late else 0,
    )


def _closed(clock: Clock) -> Clock:
    names = (name for name in clock.__slots__ if name not in {"stopped_at", "stop"})
    return Clock(**{name: getattr(clock, name) for name in names}, stopped_at=clock.due_at, stop=ClockStop.VOID)


def _runs_at(turn: Turn, at: datetime) -> bool:
    return bool(turn.begins and turn.ends and turn.begins <= at < turn.ends)


def _counted(clock: Clock, turns: tuple[Turn, ...], calendar: Calendar, end: datetime) -> timedelta:
    """The time that counted until `end`: office hours where they are counted, without the pauses."""
    start = clock.counts_from
    used = _length(clock, calendar, start, end)
    for turn in turns:
        if turn.begins and turn.ends and turn.begins < end:
            used -= _length(clock, calendar, turn.begins, min(turn.ends, end))
    return max(used, NOTHING)


def _length(clock: Clock, calendar: Calendar, start: datetime, end: datetime) -> timedelta:
    if end <= start:
        return NOTHING
    return calendar.between(start, end) if _in_working_time(clock) else end - start


def _in_working_time(clock: Clock) -> bool:
    return not clock.allowance or Allowance.parse(clock.allowance).unit in {Unit.WORKING_HOURS, Unit.WORKING_DAYS}


def _working_days(calendar: Calendar, start: datetime, end: datetime) -> int:
    """How many working days began after the day of `start`, until `end`."""
    first, last = start.astimezone(ZONE).date(), end.astimezone(ZONE).date()
    return sum(calendar.is_workday(first + timedelta(days=n)) for n in range(1, (last - first).days + 1))


def _days(clock: Clock, first: Turn, calendar: Calendar) -> Iterator[DayLine]:
    """The days that the plain allowance was counted over; none where clock time or plain days are counted."""
    if first.kind is not TurnKind.COUNTED or clock.kind is ClockKind.PROMISE or not _in_working_time(clock):
        return
    allowance, start = Allowance.parse(clock.allowance), clock.counts_from.astimezone(ZONE)
    opening = calendar.next_opening(start) if allowance.unit is Unit.WORKING_DAYS else start
    starts_on = start.date() if allowance.from_next_day else opening.date()
    number = 0
    for n in range((first.due_at.date() - start.date()).days + 1):
        day = start.date() + timedelta(days=n)
        counts = calendar.is_workday(day) and day > starts_on
        number += counts
        in_days = allowance.unit is Unit.WORKING_DAYS
        yield DayLine(
            day=day,
            kind=calendar.kind_of(day),
            counted=() if in_days else _stretches(day, start, first.due_at, calendar, allowance),
            number=number if in_days and counts else None,
        )


def _stretches(
    day: date, start: datetime, due: datetime, calendar: Calendar, allowance: Allowance
) -> tuple[tuple[datetime, datetime], ...]:
    midnight = datetime(day.year, day.month, day.day, tzinfo=ZONE)
    if allowance.from_next_day and day == start.date():
        return ()
    return calendar.slices(max(start, midnight), min(due, midnight + timedelta(days=1)))
