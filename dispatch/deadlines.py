"""Which clocks run on a ticket, and when each is due: a pure function of what was decided and of the rulebook.

`wanted` says which duties are open in a state of the ticket; a move stops the clocks that are no longer wanted
and starts those that are missing. So no open ticket is without a running clock and no closed one has any, by
construction. A clock starts with the event that makes the duty, never when a department deigns to sign.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from dispatch import actions as do
from dispatch.lifecycle import WORK_CLOCKS, Decided
from dispatch.model import (
    Assignment,
    AssignmentState,
    Clock,
    ClockKind,
    ClockStop,
    Duty,
    RequestKind,
    Ticket,
    TicketState,
)
from dispatch.rulebook import HOTLINE, Rulebook


@dataclass(frozen=True, slots=True)
class Want:
    """A duty that is open now: a clock of `kind` must run for `subject`, against `department`."""

    kind: ClockKind
    subject: int
    department: str
    until: datetime | None = None
    within: int | None = None


def keep_clocks(decided: Decided, rulebook: Rulebook) -> Decided:
    """Return `decided` with the clocks of the ticket after the move.

    Raises LookupError when the rulebook has no allowance for a duty, ValueError when its calendar never opens.
    """
    after = replace(decided.after, clocks=due_times(decided, rulebook))
    return Decided(decided.before, after, decided.action, decided.data, decided.actor, decided.at)


def due_times(decided: Decided, rulebook: Rulebook) -> tuple[Clock, ...]:
    """Return every clock of the ticket after the move, in order of their numbers."""
    ticket, at = decided.after, decided.at
    wants = {(want.kind, want.subject): want for want in wanted(ticket)}
    clocks: list[Clock] = []
    for clock in ticket.clocks:
        if not clock.is_running:
            clocks.append(clock)
        elif wants.pop((clock.kind, clock.subject), None) and not _has_lapsed(clock, at):
            clocks.append(_moved(clock, decided, rulebook))
        else:
            clocks.append(_stopped(clock, decided))
    for want in _unlapsed(wants.values(), ticket, at):
        clocks.append(_started(want, len(clocks) + 1, decided, clocks, rulebook))
    return tuple(clocks)


_TICKET_DUTIES = {
    TicketState.RECEIVED: ClockKind.DISPATCH,
    TicketState.ANALYSIS: ClockKind.ANALYSIS,
    TicketState.REVIEW: ClockKind.REVIEW,
    TicketState.FOLLOW_UP: ClockKind.FOLLOW_UP,
}
"""What the hotline itself owes in each state; in handling the departments owe."""


def wanted(ticket: Ticket) -> Iterator[Want]:
    """The duties that are open in this state of the ticket; leads come before those whose time lies inside theirs."""
    if ticket.is_closed:
        return
    if kind := _TICKET_DUTIES.get(ticket.state):
        yield Want(ClockKind.BAD_RATING if ticket.bad_rating_at else kind, 0, HOTLINE)
    for assignment in sorted(ticket.assignments, key=lambda one: one.duty is Duty.CO):
        if assignment.is_open:
            yield from _wanted_of(ticket, assignment)
    for request in ticket.requests:
        if request.is_pending:
            yield Want(ClockKind.DECIDE, request.number, _sender(ticket, request.assignment))
    for order in ticket.orders:
        if order.is_open:
            yield Want(ClockKind.ORDER, order.number, ticket.assignments[order.assignment - 1].department)


def _wanted_of(ticket: Ticket, assignment: Assignment) -> Iterator[Want]:
    number, department = assignment.number, assignment.department
    if assignment.state is AssignmentState.SENT:
        yield Want(ClockKind.SIGN, number, department)
    if not assignment.designated and assignment.sent_cycle == ticket.cycle:
        yield Want(ClockKind.RETURN_WINDOW, number, department)
    is_lead = assignment.duty is Duty.LEAD and assignment.parent is None
    if is_lead and assignment.contacted_at is None and any(caller.reachable for caller in ticket.callers):
        yield Want(ClockKind.CONTACT, number, department)
    if assignment.promised_for is not None:
        yield Want(ClockKind.PROMISE, number, department, until=assignment.promised_for)
    elif is_lead:
        redo = assignment.sent_cycle < ticket.cycle
        yield Want(ClockKind.REDO if redo else ClockKind.REPLY, number, department)
    else:
        within = assignment.parent or (ticket.lead.number if ticket.lead else None)
        kind = ClockKind.REPLY if assignment.duty is Duty.LEAD else ClockKind.CO_REPLY
        yield Want(kind, number, department, within=within)


def _sender(ticket: Ticket, assignment: int) -> str:
    parent = ticket.assignments[assignment - 1].parent
    return ticket.assignments[parent - 1].department if parent else HOTLINE


# --- stopping -------------------------------------------------------------------------------------------------------

_ENDS = frozenset({"answer", "refuse", "hand_over", "merge"})
FULFILLED_BY: dict[ClockKind, frozenset[str]] = {
    ClockKind.DISPATCH: _ENDS | {"dispatch", "analyse"},
    ClockKind.SIGN: frozenset({"accept"}),
    ClockKind.RETURN_WINDOW: frozenset(),
    ClockKind.DECIDE: frozenset({"decide"}),
    ClockKind.ANALYSIS: _ENDS | {"designate"},
    ClockKind.CONTACT: frozenset({"contact"}),
    ClockKind.REPLY: frozenset({"reply"}),
    ClockKind.CO_REPLY: frozenset({"reply"}),
    ClockKind.PROMISE: frozenset({"reply"}),
    ClockKind.REDO: frozenset({"reply"}),
    ClockKind.REVIEW: frozenset({"pass_review", "send_back"}),
    ClockKind.FOLLOW_UP: frozenset({"visit"}),
    ClockKind.ORDER: frozenset({"answer_order"}),
    ClockKind.BAD_RATING: frozenset({"visit"}),
}
"""The moves that fulfil each duty; any other move that ends it takes the duty away."""


def _has_lapsed(clock: Clock, at: datetime) -> bool:
    """A window that is past simply closes; a duty that is past goes on running, late."""
    return not clock.kind.is_duty and at > clock.due_at


def _unlapsed(wants: Iterable[Want], ticket: Ticket, at: datetime) -> Iterator[Want]:
    """Leave out the return windows that have had their time: each assignment gets one, from when it was sent."""
    return (want for want in wants if want.kind.is_duty or ticket.assignments[want.subject - 1].sent_at == at)


def _stopped(clock: Clock, decided: Decided) -> Clock:
    at = decided.at
    if not clock.kind.is_duty:
        return replace(clock, stopped_at=min(at, clock.due_at), stop=ClockStop.VOID)
    if decided.action in FULFILLED_BY[clock.kind]:
        return replace(clock, stopped_at=at, stop=ClockStop.DONE)
    # Time in a return dispute counts for the unit, unless the return is approved: then it was never its duty.
    excused = at <= clock.due_at or _is_approved_return(decided, clock)
    return replace(clock, stopped_at=at, stop=ClockStop.VOID if excused else ClockStop.CUT)


def _is_approved_return(decided: Decided, clock: Clock) -> bool:
    request = _granted(decided, RequestKind.RETURN)
    return request is not None and clock.kind in _OF_ASSIGNMENTS and _is_below(decided.after, clock.subject, request)


_OF_ASSIGNMENTS = WORK_CLOCKS | {ClockKind.SIGN, ClockKind.CONTACT}


def _is_below(ticket: Ticket, number: int | None, top: int) -> bool:
    while number:
        if number == top:
            return True
        number = ticket.assignments[number - 1].parent
    return False


def _granted(decided: Decided, kind: RequestKind) -> int | None:
    """The assignment whose request of `kind` this very move approved."""
    if not isinstance(decided.data, do.Decide) or not decided.data.approve:
        return None
    request = decided.after.requests[decided.data.request - 1]
    return request.assignment if request.kind is kind else None


# --- starting and moving ----------------------------------------------------------------------------------------------


def _started(want: Want, number: int, decided: Decided, others: list[Clock], rulebook: Rulebook) -> Clock:
    ticket, at = decided.after, decided.at
    if want.until is not None:
        allowance, basis, due, shifts = "", "经批准的承诺期限", want.until, False
    else:
        rule = rulebook.allowance(want.kind, ticket.type, ticket.urgency, ticket.category)
        allowance, basis, due = str(rule.allowance), rule.basis, rulebook.calendar.due(at, rule.allowance)
        due = _inside(due, at, want, others, rulebook)
        shifts = rule.allowance.follows_calendar
    return Clock(
        number=number,
        kind=want.kind,
        subject=want.subject,
        cycle=ticket.cycle,
        department=want.department,
        started_at=at,
        due_at=due,
        allowance=allowance,
        rule=f"{basis}（{rulebook.version}）",
        provisional=shifts and rulebook.calendar.is_provisional(at, due),
    )


def _inside(due: datetime, at: datetime, want: Want, others: list[Clock], rulebook: Rulebook) -> datetime:
    """A helper's time ends a margin before that of the unit which must put the answers together."""
    outer = [clock.due_at for clock in others if clock.kind in WORK_CLOCKS and clock.subject == want.within]
    if not outer or want.within is None:
        return due
    inner = rulebook.calendar.add_days(outer[-1], -rulebook.policy.inner_margin_working_days)
    return min(due, inner if inner > at else outer[-1])


def _moved(clock: Clock, decided: Decided, rulebook: Rulebook) -> Clock:
    """An approved extension adds its working days; an amended ticket gets the allowance that now fits."""
    if clock.kind in WORK_CLOCKS and clock.subject == _granted(decided, RequestKind.EXTENSION):
        return _extended(clock, decided, rulebook)
    if decided.action == "amend" and clock.allowance and decided.before is not None:
        return _refitted(clock, decided, rulebook)
    return clock


def _extended(clock: Clock, decided: Decided, rulebook: Rulebook) -> Clock:
    granted = next(
        request
        for request in reversed(decided.after.requests)
        if request.kind is RequestKind.EXTENSION and request.decided_at == decided.at
    )
    due = rulebook.calendar.add_days(clock.due_at, granted.working_days or 0)
    return replace(clock, due_at=due, provisional=rulebook.calendar.is_provisional(clock.started_at, due))


def _refitted(clock: Clock, decided: Decided, rulebook: Rulebook) -> Clock:
    """Count the new allowance from the clock's start; what would then be past already, from the amendment."""
    ticket, before = decided.after, decided.before
    rule = rulebook.allowance(clock.kind, ticket.type, ticket.urgency, ticket.category)
    if before is None or str(rule.allowance) == clock.allowance:
        return clock
    due = rulebook.calendar.due(clock.started_at, rule.allowance)
    if due <= decided.at:
        due = rulebook.calendar.due(decided.at, rule.allowance)
    return replace(
        clock,
        due_at=due,
        allowance=str(rule.allowance),
        rule=f"{rule.basis}（{rulebook.version}）",
        provisional=rule.allowance.follows_calendar and rulebook.calendar.is_provisional(clock.started_at, due),
    )


# --- lamps ------------------------------------------------------------------------------------------------------------


def warns_at(clock: Clock, share_left: float) -> datetime:
    """When the lamp turns yellow: at `share_left` of the allowance, or 24 hours before due, whichever is later."""
    whole = clock.due_at - clock.started_at
    return max(clock.due_at - whole * share_left, clock.due_at - timedelta(days=1))
