"""When a duty is due, counted from scratch, and every turn that led there.

The allowance from its start, then what was granted since in the order in which it was granted, then the bounds. One
function gives the moment and its history, so a deadline card can say nothing else than what is enforced. Nothing is
added up in a column: extensions and pauses are read from the requests that granted them. A pause gives back the
working time that it took; clock hours and plain days get their clock time back.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from dispatch.model import Clock, ClockKind, Request, RequestKind, Term, Ticket
from dispatch.worktime import Allowance, Calendar, Unit

WORK_CLOCKS = frozenset({ClockKind.REPLY, ClockKind.CO_REPLY, ClockKind.REDO, ClockKind.PROMISE})
"""The clocks that wait for a department's answer: only these can be extended and paused."""
MOVING = frozenset({RequestKind.EXTENSION, RequestKind.PAUSE})
"""What a department may be granted that moves its due time."""


class TurnKind(Term):
    """What brought a due time where it is."""

    COUNTED = "counted", "按时限计算"
    FIXED = "fixed", "经批准的承诺日期"
    EXTENSION = "extension", "批准延期"
    PAUSE = "pause", "暂停计时顺延"
    CEILING = "ceiling", "须早于上级时限"
    FLOOR = "floor", "不因更正当场超期"


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One step of the count: `due_at` is the due time after it.

    `request` is the number of the request that granted it; `begins` and `ends` bound a pause, `given_back` is the
    time that it returned, and `days` the working days of an extension.
    """

    kind: TurnKind
    due_at: datetime
    request: int | None = None
    days: int | None = None
    begins: datetime | None = None
    ends: datetime | None = None
    given_back: timedelta | None = None


def granted(ticket: Ticket, clock: Clock) -> tuple[Request, ...]:
    """Return the extensions and pauses that count for `clock`, in the order in which they were granted."""
    if clock.kind not in WORK_CLOCKS:
        return ()
    found = [
        request
        for request in ticket.requests
        if request.kind in MOVING and request.assignment == clock.subject and request.is_approved
    ]
    return tuple(sorted((one for one in found if _counts(one, clock)), key=lambda one: (one.decided_at, one.number)))


def _counts(request: Request, clock: Clock) -> bool:
    """Whether it was granted while this clock ran, and since its allowance began to count."""
    at = request.decided_at
    if at is None or request.cycle != clock.cycle or (clock.stopped_at and at > clock.stopped_at):
        return False
    return at > clock.counted_from if clock.counted_from else at >= clock.started_at


def reckon(clock: Clock, requests: Iterable[Request], calendar: Calendar) -> tuple[Turn, ...]:
    """Return the turns of a due time in order; the last one's `due_at` is when the duty is due.

    `requests` are those that `granted` gives. Raises ValueError if the calendar never opens again within 60 days.
    """
    turns = [_first(clock, calendar)]
    for request in requests:
        turns += _moved(turns[-1].due_at, request, clock, calendar)
    due = turns[-1].due_at
    if clock.ceiling and due > clock.ceiling:
        turns.append(Turn(kind=TurnKind.CEILING, due_at=clock.ceiling))
    if clock.floor and turns[-1].due_at < clock.floor:
        turns.append(Turn(kind=TurnKind.FLOOR, due_at=clock.floor))
    return tuple(turns)


def _first(clock: Clock, calendar: Calendar) -> Turn:
    if clock.until is not None:
        return Turn(kind=TurnKind.FIXED, due_at=clock.until)
    return Turn(kind=TurnKind.COUNTED, due_at=calendar.due(clock.counts_from, Allowance.parse(clock.allowance)))


def _moved(due: datetime, request: Request, clock: Clock, calendar: Calendar) -> Iterator[Turn]:
    if request.kind is RequestKind.EXTENSION:
        days = request.working_days or 0
        yield Turn(kind=TurnKind.EXTENSION, due_at=calendar.add_days(due, days), request=request.number, days=days)
        return
    begins, ends = request.decided_at, request.ended_at or request.until
    # A pause that was granted when the time had run out already can give nothing back.
    if begins is None or ends is None or begins >= due or ends <= begins:
        return
    due, given_back = _given_back(due, begins, ends, clock, calendar)
    yield Turn(kind=TurnKind.PAUSE, due_at=due, request=request.number, begins=begins, ends=ends, given_back=given_back)


def _given_back(
    due: datetime, begins: datetime, ends: datetime, clock: Clock, calendar: Calendar
) -> tuple[datetime, timedelta]:
    """Return the later due time and what was given back: working time, or clock time where that is what counts."""
    if not clock.allowance or Allowance.parse(clock.allowance).unit in _WORKING:
        worked = calendar.between(begins, ends)
        return calendar.add(due, worked), worked
    due, passed = due + (ends - begins), ends - begins
    if clock.allowance.endswith("d+"):  # plain days to the end of office hours: the last one is a working day
        due = calendar.due(due - timedelta(days=1), Allowance.parse("1d+"))
    return due, passed


_WORKING = frozenset({Unit.WORKING_HOURS, Unit.WORKING_DAYS})


def follows_calendar(clock: Clock) -> bool:
    """Whether another calendar could give another due time; a promised date alone never moves by itself."""
    return not clock.allowance or Allowance.parse(clock.allowance).follows_calendar
