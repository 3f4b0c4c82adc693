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
from dispatch.lifecycle import Decided, must_be_told
from dispatch.model import (
    Assignment,
    AssignmentState,
    Clock,
    ClockKind,
    ClockStop,
    Decision,
    Duty,
    Lamp,
    Order,
    OrderState,
    RequestKind,
    Ticket,
    TicketState,
)
from dispatch.reckoning import MOVING, WORK_CLOCKS, follows_calendar, granted, reckon
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
    """Return every clock of the ticket after the move, in order of their numbers.

    A helper's time lies inside that of the unit that it helps, so the outer clocks are counted first.
    """
    ticket, at = decided.after, decided.at
    wants = {(want.kind, want.subject): want for want in wanted(ticket)}
    clocks: dict[int, Clock] = {}
    for clock in sorted(
        ticket.clocks, key=lambda one: (_depth(ticket, wants.get((one.kind, one.subject))), one.number)
    ):
        want = wants.pop((clock.kind, clock.subject), None) if clock.is_running else None
        if not clock.is_running:
            clocks[clock.number] = clock
        elif want and not _has_lapsed(clock, at):
            clocks[clock.number] = _moved(clock, want, decided, clocks.values(), rulebook)
        else:
            clocks[clock.number] = _stopped(clock, decided)
    for want in _unlapsed(wants.values(), ticket, at):
        number = len(clocks) + 1
        clocks[number] = _started(want, number, decided, clocks.values(), rulebook)
    return tuple(clocks[number] for number in sorted(clocks))


def _depth(ticket: Ticket, want: Want | None) -> int:
    """How many units must put this one's answer together with others before the caller hears it."""
    depth, within = 0, want.within if want else None
    while within:
        depth, within = depth + 1, ticket.assignments[within - 1].parent
    return depth


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
        elif must_be_told(ticket, request):
            yield Want(ClockKind.INFORM, request.number, ticket.assignments[request.assignment - 1].department)
    for order in ticket.orders:
        yield from _wanted_of_order(ticket, order)


def _wanted_of_order(ticket: Ticket, order: Order) -> Iterator[Want]:
    if order.state is OrderState.OPEN:
        yield Want(ClockKind.ORDER, order.number, ticket.assignments[order.assignment - 1].department)
    elif order.state is OrderState.ANSWERED:
        yield Want(ClockKind.ORDER_REVIEW, order.number, HOTLINE)
    if order.exemption is Decision.PENDING:
        yield Want(ClockKind.EXEMPTION, order.number, HOTLINE)


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


def owed_by(ticket: Ticket, clock: Clock) -> int | None:
    """The number of the assignment whose unit owes what the clock waits for; None where the hotline owes it."""
    match clock.kind:
        case ClockKind.ORDER:
            return ticket.orders[clock.subject - 1].assignment
        case ClockKind.INFORM:
            return ticket.requests[clock.subject - 1].assignment
        case ClockKind.SIGN | ClockKind.CONTACT:
            return clock.subject
        case _:
            return clock.subject if clock.kind in WORK_CLOCKS else None


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
    ClockKind.INFORM: frozenset({"inform", "reply"}),
    ClockKind.ORDER: frozenset({"answer_order"}),
    ClockKind.ORDER_REVIEW: frozenset({"accept_order", "return_order"}),
    ClockKind.EXEMPTION: frozenset({"decide_exemption"}),
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


def _started(want: Want, number: int, decided: Decided, others: Iterable[Clock], rulebook: Rulebook) -> Clock:
    ticket, at = decided.after, decided.at
    allowance, basis = "", BY_PROMISE
    if want.until is None:
        rule = rulebook.allowance(want.kind, ticket.type, ticket.urgency, ticket.category)
        allowance, basis = str(rule.allowance), rule.basis
    clock = Clock(
        number=number,
        kind=want.kind,
        subject=want.subject,
        cycle=ticket.cycle,
        department=want.department,
        started_at=at,
        due_at=at,
        allowance=allowance,
        rule=basis,
        rules=rulebook.version,
        until=want.until,
        ceiling=_ceiling(at, want, others, rulebook),
    )
    return _counted(clock, ticket, rulebook)


BY_PROMISE = "经批准的承诺期限"


def _counted(clock: Clock, ticket: Ticket, rulebook: Rulebook) -> Clock:
    """Return the clock with its due time counted from scratch by the calendar of `rulebook`."""
    calendar, requests = rulebook.calendar, granted(ticket, clock)
    due = reckon(clock, requests, calendar)[-1].due_at
    moves = follows_calendar(clock) and (clock.until is None or bool(requests))
    return replace(
        clock,
        due_at=due,
        calendar=rulebook.calendar_version,
        provisional=moves and calendar.is_provisional(clock.counts_from, due),
    )


def _ceiling(at: datetime, want: Want, others: Iterable[Clock], rulebook: Rulebook) -> datetime | None:
    """A helper's time ends a margin before that of the unit which must put the answers together.

    Where that has passed it ends with that unit's; a helper of a unit that is late already has its own allowance.
    """
    outer = [clock for clock in others if clock.kind in WORK_CLOCKS and clock.subject == want.within]
    running = [clock.due_at for clock in outer if clock.is_running]
    if not running or want.within is None or want.until is not None:
        return None
    inner = rulebook.calendar.add_days(running[-1], -rulebook.policy.inner_margin_working_days)
    return next((bound for bound in (inner, running[-1]) if bound > at), None)


def _moved(clock: Clock, want: Want, decided: Decided, others: Iterable[Clock], rulebook: Rulebook) -> Clock:
    """Count a running clock anew where this move concerns its time; a clock that it does not concern stays as it is."""
    if decided.action == "recount":
        return _recounted(
            replace(clock, ceiling=_ceiling_kept(clock, want, decided.at, others, rulebook)), decided, rulebook
        )
    if decided.action == "amend" and clock.allowance:
        return _refitted(clock, decided, rulebook)
    if want.until != clock.until:
        return _counted(replace(clock, until=want.until, counted_from=decided.at), decided.after, rulebook)
    if clock.kind in WORK_CLOCKS and clock.subject == _rescheduled(decided):
        clock = replace(clock, ceiling=_ceiling_kept(clock, want, decided.at, others, rulebook))
        return _counted(clock, decided.after, rulebook)
    return clock


def _ceiling_kept(
    clock: Clock, want: Want, at: datetime, others: Iterable[Clock], rulebook: Rulebook
) -> datetime | None:
    """The bound as the outer clock now gives it; without a running outer clock the old one stays."""
    return _ceiling(at, want, others, rulebook) or clock.ceiling


def _rescheduled(decided: Decided) -> int | None:
    """The assignment whose time this move changed: an extension or pause granted, or a pause ended."""
    if isinstance(decided.data, do.Resume):
        return decided.data.assignment
    return next(filter(None, (_granted(decided, kind) for kind in MOVING)), None)


def _refitted(clock: Clock, decided: Decided, rulebook: Rulebook) -> Clock:
    """Count the allowance that now fits from the clock's start; what would then be past already, from the amendment."""
    ticket = decided.after
    rule = rulebook.allowance(clock.kind, ticket.type, ticket.urgency, ticket.category)
    if str(rule.allowance) == clock.allowance:
        return clock
    fitted = replace(clock, allowance=str(rule.allowance), rule=rule.basis, rules=rulebook.version, counted_from=None)
    counted = _counted(fitted, ticket, rulebook)
    if counted.due_at > decided.at:
        return counted
    return _counted(replace(fitted, counted_from=decided.at), ticket, rulebook)


def _recounted(clock: Clock, decided: Decided, rulebook: Rulebook) -> Clock:
    """Count by the calendar that was published; a correction after the fact makes nobody late, nor later."""
    if not follows_calendar(clock):
        return clock
    counted = _counted(replace(clock, floor=None), decided.after, rulebook)
    if counted.due_at < clock.due_at and counted.due_at <= decided.at:
        counted = _not_before(counted, clock, decided.at, rulebook)
    same = (counted.due_at, counted.provisional) == (clock.due_at, clock.provisional)
    return clock if same else counted


def _not_before(counted: Clock, clock: Clock, at: datetime, rulebook: Rulebook) -> Clock:
    """An earlier due time that has come already waits for the end of the next working day, or for the old one."""
    tomorrow = rulebook.calendar.add_days(at, 1, from_next_day=True)
    floor = clock.due_at if clock.due_at <= at else min(clock.due_at, tomorrow)
    return replace(counted, floor=floor, due_at=max(counted.due_at, floor))


# --- lamps ------------------------------------------------------------------------------------------------------------


def warns_at(clock: Clock, rulebook: Rulebook) -> datetime:
    """When the lamp turns yellow: at a share of the allowance or a day before due, whichever is later.

    Both are counted as the allowance itself is: an allowance in working time warns while the offices are open.
    """
    calendar, share, start = rulebook.calendar, rulebook.policy.warn_share_left, clock.counts_from
    if not follows_calendar(clock):
        return max(clock.due_at - (clock.due_at - start) * share, clock.due_at - timedelta(days=1))
    left = calendar.between(start, clock.due_at) * share
    return max(calendar.subtract(clock.due_at, left), calendar.add_days(clock.due_at, -1), start)


def lamp(clock: Clock, at: datetime, rulebook: Rulebook, warns: datetime | None = None) -> Lamp:
    """Return the colour of a clock at a moment; one that stopped in time has none, one that stopped late stays red.

    `warns` is the moment of its yellow where that was kept; otherwise it is counted anew.
    """
    if not clock.kind.is_duty or clock.stop is ClockStop.VOID:
        return Lamp.NONE
    if clock.is_overdue(at):
        return Lamp.RED
    if not clock.is_running:
        return Lamp.NONE
    return Lamp.YELLOW if at >= (warns or warns_at(clock, rulebook)) else Lamp.GREEN
