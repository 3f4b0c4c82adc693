"""The law of the house: which action may be done in which state, by whom, and what becomes of the ticket.

Two tables, one for moves of the ticket and one for moves of an assignment, and one interpreter, `step`. What is
offered (`allowed_actions`) and what is accepted (`step`) read the same rows. Clocks are not started here: see
`deadlines`. Pure: the moment and the rulebook are arguments.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar

from dispatch import actions as do
from dispatch.errors import IllegalAction, NoSuchPart, NotYours, Rule, RuleBroken
from dispatch.model import (
    LIVE_ASSIGNMENTS,
    OPEN_ASSIGNMENTS,
    Actor,
    Assignment,
    AssignmentState,
    Caller,
    ClockKind,
    Contact,
    Decision,
    Duty,
    Level,
    Order,
    OrderState,
    Outcome,
    Request,
    RequestKind,
    Role,
    Rung,
    Ticket,
    TicketState,
    Urgency,
)
from dispatch.reckoning import MOVING, WORK_CLOCKS
from dispatch.rulebook import Rulebook
from dispatch.worktime import Allowance, Unit

A = TypeVar("A", bound=do.Action)


@dataclass(frozen=True, slots=True)
class Decided:
    """What an action makes of a ticket; `before` is None for a ticket that was just received."""

    before: Ticket | None
    after: Ticket
    action: str
    data: do.Action | None
    actor: Actor
    at: datetime


@dataclass(frozen=True, slots=True)
class Move(Generic[A]):
    """One action about to be done: everything that an effect may look at."""

    ticket: Ticket
    action: A
    actor: Actor
    at: datetime
    rulebook: Rulebook

    @property
    def assignment(self) -> Assignment:
        """The assignment acted on, through a request or an order where the action names one of those."""
        return _subject_assignment(self.ticket, self.action.subject, self.action.number)

    def broken(self, rule: Rule, **facts: str) -> RuleBroken:
        """The error that says which rule forbids this move."""
        return RuleBroken(self.ticket.id, rule, facts)


@dataclass(frozen=True, slots=True)
class Edge(Generic[A]):
    """One row of the law.

    `on` → `to`: ticket states before and after (`to` empty: the state stays). `part` → `part_to`: the same for the
    assignment acted on. `by`: the roles; a department's people act only on what was sent to their department.
    `ready`: a rule that must hold whatever the data are, so that nothing is offered that would be refused.
    """

    action: type[A]
    on: frozenset[TicketState]
    by: frozenset[Role]
    effect: Callable[[Move[A]], Ticket]
    to: frozenset[TicketState] = frozenset()
    part: frozenset[AssignmentState] = frozenset()
    part_to: frozenset[AssignmentState] = frozenset()
    ready: Callable[[Ticket, int, Actor], Rule | None] | None = None


@dataclass(frozen=True, slots=True, order=True)
class Offer:
    """An action that the actor may do now, on the part `number` of kind `subject` ('' and 0: the ticket)."""

    action: str
    subject: str = ""
    number: int = 0


def receive(ticket: Ticket, actor: Actor) -> Decided:
    """Return the first event of a new ticket, which must be version 1 in state received."""
    return Decided(before=None, after=ticket, action="receive", data=None, actor=actor, at=ticket.entered_at)


def step(ticket: Ticket, action: do.Action, actor: Actor, *, at: datetime, rulebook: Rulebook) -> Decided:
    """Return what `action` by `actor` at the moment `at` makes of `ticket`; clocks are not touched.

    Raises IllegalAction when no state concerned allows it, NotYours when the role or department may not,
    NoSuchPart when it names a part that is not there, and RuleBroken when a rule of the city forbids it.
    """
    edge = EDGE_OF[type(action)]
    number = action.number
    _find_part(ticket, action.subject, number)
    if ticket.state not in edge.on or not _part_fits(edge, ticket, number):
        raise IllegalAction(ticket.id, ticket.state, action.name, _names(ticket, actor))
    if not _is_theirs(edge, ticket, number, actor):
        raise NotYours(ticket.id, action.name, actor.role, actor.department, _names(ticket, actor))
    broken = edge.ready(ticket, number, actor) if edge.ready else None
    if broken:
        raise RuleBroken(ticket.id, broken)
    after = edge.effect(Move(ticket, action, actor, at, rulebook))
    after = replace(after, version=ticket.version + 1)
    if after.state is not ticket.state:
        after = replace(after, entered_at=at)
    return Decided(before=ticket, after=after, action=action.name, data=action, actor=actor, at=at)


def allowed_actions(ticket: Ticket, actor: Actor) -> tuple[Offer, ...]:
    """Return everything that `actor` may do to `ticket` now, in the order of the tables."""
    return tuple(
        Offer(edge.action.name, edge.action.subject, number)
        for edge in (*TICKET_EDGES, *ASSIGNMENT_EDGES)
        if ticket.state in edge.on and actor.role in edge.by
        for number in _parts(ticket, edge.action.subject)
        if _part_fits(edge, ticket, number)
        and _is_theirs(edge, ticket, number, actor)
        and not (edge.ready and edge.ready(ticket, number, actor))
    )


def _names(ticket: Ticket, actor: Actor) -> tuple[str, ...]:
    return tuple(dict.fromkeys(offer.action for offer in allowed_actions(ticket, actor)))


# --- parts of a ticket ------------------------------------------------------------------------------------------


def _parts(ticket: Ticket, subject: str) -> Iterator[int]:
    match subject:
        case "assignment":
            yield from (assignment.number for assignment in ticket.assignments)
        case "request":
            yield from (request.number for request in ticket.requests if request.is_pending)
        case "order":
            yield from (order.number for order in ticket.orders)
        case "caller":
            yield from (caller.number for caller in ticket.callers)
        case _:
            yield 0


def _find_part(ticket: Ticket, subject: str, number: int) -> None:
    if number not in _parts(ticket, subject):
        raise NoSuchPart(ticket.id, subject, number)


def _subject_assignment(ticket: Ticket, subject: str, number: int) -> Assignment:
    if subject == "request":
        number = _nth(ticket.requests, number).assignment
    elif subject == "order":
        number = _nth(ticket.orders, number).assignment
    return _nth(ticket.assignments, number)


P = TypeVar("P", Assignment, Request, Order, Caller)


def _nth(parts: Iterable[P], number: int) -> P:
    return next(part for part in parts if part.number == number)


def _swap(parts: tuple[P, ...], changed: P) -> tuple[P, ...]:
    return tuple(changed if part.number == changed.number else part for part in parts)


def _with(ticket: Ticket, changed: Assignment) -> Ticket:
    return replace(ticket, assignments=_swap(ticket.assignments, changed))


def _part_fits(edge: Edge[Any], ticket: Ticket, number: int) -> bool:
    if not edge.part:
        return True
    return _subject_assignment(ticket, edge.action.subject, number).state in edge.part


def _is_theirs(edge: Edge[Any], ticket: Ticket, number: int, actor: Actor) -> bool:
    """Departments act only on what was sent to them; the hotline's own roles act on all."""
    if actor.role not in edge.by:
        return False
    subject = edge.action.subject
    if subject == "request":
        return _decides(ticket, _nth(ticket.requests, number), actor)
    if actor.role in HOLDERS and subject in {"assignment", "order"}:
        return _subject_assignment(ticket, subject, number).department == actor.department
    return True


def _decides(ticket: Ticket, request: Request, actor: Actor) -> bool:
    """Whoever sent the assignment decides its requests: the hotline, or the unit that sent it on.

    What the city reserves for a higher role (`approver`) is decided by that role only.
    """
    assignment = _nth(ticket.assignments, request.assignment)
    if request.approver and actor.role is not request.approver:
        return False
    if assignment.parent is None:
        return actor.role not in HOLDERS
    return actor.role in HOLDERS and actor.department == _nth(ticket.assignments, assignment.parent).department


# --- rules that hold whatever the data are ------------------------------------------------------------------------


def _nothing_pending(ticket: Ticket, number: int, _actor: Actor) -> Rule | None:
    return Rule.REQUEST_PENDING if any(ticket.pending(number)) else None


def _may_return(ticket: Ticket, number: int, actor: Actor) -> Rule | None:
    if _nth(ticket.assignments, number).designated:
        return Rule.DESIGNATED_CANNOT_RETURN
    window = any(clock.kind is ClockKind.RETURN_WINDOW and clock.subject == number for clock in ticket.running())
    return _nothing_pending(ticket, number, actor) if window else Rule.RETURN_WINDOW_CLOSED


def _is_lead(ticket: Ticket, number: int, _actor: Actor) -> Rule | None:
    return None if ticket.lead and ticket.lead.number == number else Rule.ONLY_THE_LEAD


def _may_ask_as_lead(ticket: Ticket, number: int, actor: Actor) -> Rule | None:
    return _is_lead(ticket, number, actor) or _nothing_pending(ticket, number, actor)


def _may_amend(ticket: Ticket, _number: int, actor: Actor) -> Rule | None:
    """Once a department works on it, only the hotline's dispatchers may say that it is something else."""
    late = ticket.state is not TicketState.RECEIVED and actor.role not in DISPATCHERS
    return Rule.ONLY_BEFORE_DISPATCH if late else None


def _may_reply(ticket: Ticket, number: int, actor: Actor) -> Rule | None:
    """The closing gate: whoever helps must have answered, and the lead must have spoken to the caller."""
    assignment = _nth(ticket.assignments, number)
    helpers = list(ticket.children(number))
    is_lead = assignment.duty is Duty.LEAD and assignment.parent is None
    if is_lead:
        helpers += [other for other in ticket.assignments if other.duty is Duty.CO and other.parent is None]
    if any(helper.is_open for helper in helpers):
        return Rule.CO_HANDLERS_STILL_WORKING
    if is_lead and assignment.contacted_at is None and any(caller.reachable for caller in ticket.callers):
        return Rule.CONTACT_MISSING
    return _nothing_pending(ticket, number, actor)


def _is_unhandled_by(ticket: Ticket, number: int, actor: Actor) -> Rule | None:
    if any(assignment.department == actor.department for assignment in ticket.assignments):
        return Rule.INTERVIEWER_IS_HANDLER
    return Rule.ALREADY_VISITED if _nth(ticket.callers, number).visited else None


def _may_rate(ticket: Ticket, number: int, _actor: Actor) -> Rule | None:
    if ticket.outcome not in {Outcome.ANSWERED, Outcome.RESOLVED, Outcome.EXPLAINED}:
        return Rule.NOTHING_TO_RATE
    return Rule.ALREADY_RATED if _nth(ticket.callers, number).rating else None


def _may_pause(ticket: Ticket, number: int, actor: Actor) -> Rule | None:
    return Rule.PAUSED_ALREADY if _open_pause(ticket, number) else _nothing_pending(ticket, number, actor)


def _is_paused(ticket: Ticket, number: int, _actor: Actor) -> Rule | None:
    return None if _open_pause(ticket, number) else Rule.NOT_PAUSED


def _open_pause(ticket: Ticket, number: int) -> Request | None:
    return next((one for one in ticket.requests if one.assignment == number and one.is_open_pause), None)


def _owes_telling(ticket: Ticket, number: int, _actor: Actor) -> Rule | None:
    untold = (must_be_told(ticket, request) for request in ticket.requests if request.assignment == number)
    return None if any(untold) else Rule.NOTHING_TO_TELL


def must_be_told(ticket: Ticket, request: Request) -> bool:
    """Whether the caller must still hear why it takes longer (Beijing Art. 15); the lead tells, helpers do not."""
    if request.kind not in _LONGER or not request.is_approved or request.told_at or request.cycle != ticket.cycle:
        return False
    assignment = _nth(ticket.assignments, request.assignment)
    is_lead = assignment.duty is Duty.LEAD and assignment.parent is None
    return is_lead and assignment.is_open and any(caller.reachable for caller in ticket.callers)


_LONGER = MOVING | {RequestKind.PROMISE}


def _may_answer_order(ticket: Ticket, number: int, _actor: Actor) -> Rule | None:
    return None if _nth(ticket.orders, number).is_open else Rule.NOTHING_TO_ANSWER


def _may_check_order(ticket: Ticket, number: int, _actor: Actor) -> Rule | None:
    return None if _nth(ticket.orders, number).state is OrderState.ANSWERED else Rule.NOT_ANSWERED


def _may_return_order(ticket: Ticket, number: int, actor: Actor) -> Rule | None:
    """What was answered on a closed matter can be found wanting, but not be asked for again."""
    return Rule.NOT_ANSWERED if ticket.is_closed else _may_check_order(ticket, number, actor)


def _may_claim(ticket: Ticket, number: int, _actor: Actor) -> Rule | None:
    return Rule.CLAIMED_ALREADY if _nth(ticket.orders, number).exemption else None


def _has_claim(ticket: Ticket, number: int, _actor: Actor) -> Rule | None:
    return None if _nth(ticket.orders, number).exemption is Decision.PENDING else Rule.NO_CLAIM


def _was_merged(ticket: Ticket, _number: int, _actor: Actor) -> Rule | None:
    return None if ticket.outcome is Outcome.MERGED else Rule.NOT_MERGED


def _was_answered(ticket: Ticket, _number: int, _actor: Actor) -> Rule | None:
    return Rule.IS_MERGED if ticket.outcome is Outcome.MERGED else None


# --- effects: dispatch --------------------------------------------------------------------------------------------


def _dispatch(move: Move[do.Dispatch]) -> Ticket:
    action, ticket = move.action, move.ticket
    if move.actor.role is Role.MACHINE and (ticket.sensitive or ticket.hides_caller):
        raise move.broken(Rule.MACHINE_MAY_NOT_DECIDE)
    for department in (action.lead, *action.co):
        if department in ticket.returned_by:
            raise move.broken(Rule.RETURNED_BEFORE, department=department)
    return _send_out(move, action.lead, action.co, override=action.override, designated=False)


def _designate(move: Move[do.Designate]) -> Ticket:
    """Designation binds even a unit that returned the ticket: that is what the joint analysis is for."""
    action = move.action
    return _send_out(move, action.lead, action.co, override=action.override, designated=True)


def _send_out(move: Move[Any], lead: str, co: tuple[str, ...], *, override: str, designated: bool) -> Ticket:
    ticket = move.ticket
    if ticket.category is None:
        raise move.broken(Rule.CATEGORY_NEEDED)
    for assignment in ticket.assignments:
        if assignment.is_live and (assignment == ticket.lead or assignment.department == lead):
            ticket = _drop(ticket, assignment.number)
    still = {one.department for one in ticket.assignments if one.parent is None and _still_counts(ticket, one)}
    ticket = _send(move, ticket, lead, Duty.LEAD, override=override, designated=designated)
    for department in dict.fromkeys(co):
        if department != lead and department not in still:
            ticket = _send(move, ticket, department, Duty.CO, override=override)
    return replace(ticket, state=TicketState.HANDLING)


def _send(  # noqa: PLR0913 - a move, where to, and the marks of a new assignment
    move: Move[Any],
    ticket: Ticket,
    department: str,
    duty: Duty,
    *,
    override: str,
    parent: int | None = None,
    designated: bool = False,
) -> Ticket:
    _check_target(move, ticket, department, override)
    assignment = Assignment(
        number=len(ticket.assignments) + 1,
        department=department,
        duty=duty,
        state=AssignmentState.SENT,
        sent_at=move.at,
        parent=parent,
        designated=designated,
        sent_cycle=ticket.cycle,
    )
    return replace(ticket, assignments=(*ticket.assignments, assignment))


def _check_target(move: Move[Any], ticket: Ticket, department: str, override: str) -> None:
    unit = move.rulebook.departments.get(department)
    if unit is None or unit.level is Level.HOTLINE:
        raise move.broken(Rule.UNKNOWN_DEPARTMENT, department=department)
    if department == ticket.reported:
        raise move.broken(Rule.REPORTED_UNIT, department=department)
    if any(one.department == department and _still_counts(ticket, one) for one in ticket.assignments):
        raise move.broken(Rule.ALREADY_ASSIGNED, department=department)
    if move.rulebook.is_downshift(department, ticket.category):
        if move.actor.role not in {Role.DISPATCHER, Role.SUPERVISOR}:
            raise move.broken(Rule.DEPARTMENT_MATTER, department=department)
        if not override:
            raise move.broken(Rule.NAMED_REASON_NEEDED, department=department)


def _still_counts(ticket: Ticket, assignment: Assignment) -> bool:
    """Who answered in an earlier cycle may be asked again in a redo."""
    return assignment.is_open or (assignment.is_live and assignment.sent_cycle == ticket.cycle)


def _drop(ticket: Ticket, number: int, state: AssignmentState = AssignmentState.WITHDRAWN) -> Ticket:
    """Take an assignment and everything below it away; what they asked for needs no decision any more."""
    for child in list(ticket.children(number)):
        if child.is_live:
            ticket = _drop(ticket, child.number)
    ticket = _with(ticket, replace(_nth(ticket.assignments, number), state=state))
    requests = tuple(
        replace(one, decision=Decision.MOOT) if one.assignment == number and one.is_pending else one
        for one in ticket.requests
    )
    orders = tuple(
        replace(one, lapsed=True) if one.assignment == number and one.is_open else one for one in ticket.orders
    )
    return replace(ticket, requests=requests, orders=orders)


def _analyse(move: Move[do.Analyse]) -> Ticket:
    return replace(move.ticket, state=TicketState.ANALYSIS)


def _sub_dispatch(move: Move[do.SubDispatch]) -> Ticket:
    ticket, own = move.ticket, move.assignment
    if not move.action.departments:
        raise move.broken(Rule.UNKNOWN_DEPARTMENT)
    for department in dict.fromkeys(move.action.departments):
        known = department in move.rulebook.departments
        if not known or not move.rulebook.is_below(department, own.department):
            raise move.broken(Rule.NOT_A_LOWER_UNIT, department=department)
        if department in ticket.returned_by:
            raise move.broken(Rule.RETURNED_BEFORE, department=department)
        ticket = _send(move, ticket, department, own.duty, override=move.action.override, parent=own.number)
    return ticket


def _add_co(move: Move[do.AddCo]) -> Ticket:
    department = move.action.department
    if department in move.ticket.returned_by:
        raise move.broken(Rule.RETURNED_BEFORE, department=department)
    return _send(move, move.ticket, department, Duty.CO, override="")


def _recall(move: Move[do.Recall]) -> Ticket:
    ticket = _drop(move.ticket, move.assignment.number)
    return ticket if ticket.lead else replace(ticket, state=TicketState.RECEIVED)


# --- effects: the end of a ticket -----------------------------------------------------------------------------------


def _close(ticket: Ticket, outcome: Outcome) -> Ticket:
    for assignment in ticket.assignments:
        if assignment.is_open:
            ticket = _drop(ticket, assignment.number)
    orders = tuple(replace(order, lapsed=True) if order.is_open else order for order in ticket.orders)
    requests = tuple(replace(one, decision=Decision.MOOT) if one.is_pending else one for one in ticket.requests)
    return replace(
        ticket, state=TicketState.CLOSED, outcome=outcome, orders=orders, requests=requests, bad_rating_at=None
    )


def _answer(move: Move[do.Answer]) -> Ticket:
    return _close(move.ticket, Outcome.ANSWERED)


def _refuse(move: Move[do.Refuse]) -> Ticket:
    return _close(move.ticket, Outcome.NOT_ACCEPTED)


def _hand_over(move: Move[do.HandOver]) -> Ticket:
    return _close(move.ticket, Outcome.HANDED_OVER)


def _withdraw(move: Move[do.Withdraw]) -> Ticket:
    return _close(move.ticket, Outcome.WITHDRAWN)


def _merge(move: Move[do.Merge]) -> Ticket:
    if move.action.into == move.ticket.id:
        raise move.broken(Rule.MERGE_INTO_ITSELF)
    return replace(_close(move.ticket, Outcome.MERGED), merged_into=move.action.into)


def _unmerge(move: Move[do.Unmerge]) -> Ticket:
    return replace(move.ticket, state=TicketState.RECEIVED, outcome=None, merged_into=None)


def _reopen(move: Move[do.Reopen]) -> Ticket:
    ticket = replace(move.ticket, outcome=None)
    return _redo(ticket) if ticket.lead else replace(ticket, state=TicketState.RECEIVED)


# --- effects: facts that change no state --------------------------------------------------------------------------


def _join(move: Move[do.Join]) -> Ticket:
    ticket = move.ticket
    first = max((caller.number for caller in ticket.callers), default=0) + 1
    joined = tuple(
        replace(caller, number=first + index, origin=move.action.origin, visited=False, attempts=0)
        for index, caller in enumerate(move.action.callers)
    )
    return replace(ticket, callers=(*ticket.callers, *joined))


def _part(move: Move[do.Part]) -> Ticket:
    """When only callers who were asked already are left, there is nobody to wait for any more."""
    callers = tuple(caller for caller in move.ticket.callers if caller.origin != move.action.origin)
    ticket = replace(move.ticket, callers=callers)
    if ticket.state is TicketState.FOLLOW_UP and all(caller.visited for caller in callers):
        return _close(ticket, _outcome(ticket))
    return ticket


def _amend(move: Move[do.Amend]) -> Ticket:
    """Whoever was protected stays so, also when a report turns out to be something else, unless it is said openly.

    A town that works on it does not come by a department's duty in this way: it is recalled first.
    """
    given, ticket = move.action, move.ticket
    category = given.category or ticket.category
    if not move.rulebook.is_departmental(ticket.category) and (town := _town_given(move, ticket, category)):
        raise move.broken(Rule.DEPARTMENT_MATTER, department=town)
    return replace(
        ticket,
        type=given.type or ticket.type,
        urgency=given.urgency or ticket.urgency,
        category=category,
        area=given.area or ticket.area,
        owner=given.owner or ticket.owner,
        confidential=ticket.hides_caller if given.confidential is None else given.confidential,
        sensitive=ticket.sensitive or move.rulebook.is_sensitive(category),
    )


def _town_given(move: Move[do.Amend], ticket: Ticket, category: str | None) -> str | None:
    """The town that would have a department's duty if that were the category; None if none would."""
    open_ = (one.department for one in ticket.assignments if one.is_open)
    return next((town for town in open_ if move.rulebook.is_downshift(town, category)), None)


def _supplement(move: Move[do.Supplement]) -> Ticket:
    """Only the event keeps what was said; whoever is named must be one of the callers."""
    if move.action.caller is not None:
        _find_part(move.ticket, "caller", move.action.caller)
    return move.ticket


def _unchanged(move: Move[Any]) -> Ticket:
    ticket: Ticket = move.ticket
    return ticket


# --- effects: the work of a department ------------------------------------------------------------------------------


def _accept(move: Move[do.Accept]) -> Ticket:
    return _with(move.ticket, replace(move.assignment, state=AssignmentState.ACCEPTED, accepted_at=move.at))


def _reach(move: Move[do.Reach]) -> Ticket:
    """A lower unit that speaks to the caller has done so for the units above it, too."""
    ticket, number = move.ticket, move.assignment.number
    while True:
        assignment = _nth(ticket.assignments, number)
        ticket = _with(ticket, replace(assignment, contacted_at=assignment.contacted_at or move.at))
        if assignment.parent is None:
            return ticket
        number = assignment.parent


def _reply(move: Move[do.Reply]) -> Ticket:
    assignment = replace(move.assignment, state=AssignmentState.REPLIED, replied_at=move.at, solved=move.action.solved)
    ticket = _told(_unpaused(_with(move.ticket, assignment), assignment.number, move.at), assignment.number, move.at)
    is_lead = assignment.duty is Duty.LEAD and assignment.parent is None
    return replace(ticket, state=TicketState.REVIEW) if is_lead else ticket


def _unpaused(ticket: Ticket, number: int, at: datetime) -> Ticket:
    """End the running pause of an assignment; one whose time was up already has ended by itself."""
    pause = _open_pause(ticket, number)
    if pause is None or pause.until is None or pause.until <= at:
        return ticket
    return replace(ticket, requests=_swap(ticket.requests, replace(pause, ended_at=at)))


def _told(ticket: Ticket, number: int, at: datetime) -> Ticket:
    """Note that the caller of the lead `number` knows everything that was granted until now."""
    requests = tuple(
        replace(one, told_at=at) if one.assignment == number and must_be_told(ticket, one) else one
        for one in ticket.requests
    )
    return replace(ticket, requests=requests)


def _resume(move: Move[do.Resume]) -> Ticket:
    ticket = _unpaused(move.ticket, move.action.assignment, move.at)
    if ticket is move.ticket:
        raise move.broken(Rule.NOT_PAUSED)
    return ticket


def _inform(move: Move[do.Inform]) -> Ticket:
    return _told(move.ticket, move.action.assignment, move.at)


def _ask(move: Move[Any], kind: RequestKind, reason: str, **more: Any) -> Ticket:  # noqa: ANN401 - fields of Request
    request = Request(
        number=len(move.ticket.requests) + 1,
        kind=kind,
        assignment=move.assignment.number,
        asked_by=move.actor.person,
        asked_at=move.at,
        reason=reason,
        cycle=move.ticket.cycle,
        **more,
    )
    return replace(move.ticket, requests=(*move.ticket.requests, request))


def _ask_return(move: Move[do.AskReturn]) -> Ticket:
    action = move.action
    window = next(
        clock
        for clock in move.ticket.running()
        if clock.kind is ClockKind.RETURN_WINDOW and clock.subject == action.assignment
    )
    if move.at > window.due_at:
        raise move.broken(Rule.RETURN_WINDOW_CLOSED, until=window.due_at.isoformat())
    if action.suggested and action.suggested not in move.rulebook.departments:
        raise move.broken(Rule.UNKNOWN_DEPARTMENT, department=action.suggested)
    return _ask(
        move,
        RequestKind.RETURN,
        action.reason,
        reason_code=action.reason_code,
        basis=action.basis,
        suggested=action.suggested,
    )


def _ask_extension(move: Move[do.AskExtension]) -> Ticket:
    policy, action = move.rulebook.policy, move.action
    if move.assignment.extensions >= policy.extensions_most:
        raise move.broken(Rule.EXTENSIONS_USED_UP, most=str(policy.extensions_most))
    most = _extension_most(move)
    if action.working_days > most:
        raise move.broken(Rule.EXTENSION_TOO_LONG, most=str(most))
    due = _in_time(move)
    last = move.rulebook.calendar.add_days(move.at, policy.extension_apply_working_days_before)
    if last > due and move.ticket.urgency is Urgency.NORMAL:
        raise move.broken(Rule.TOO_LATE_TO_EXTEND, due=due.isoformat())
    return _ask(
        move,
        RequestKind.EXTENSION,
        action.reason,
        basis=action.basis,
        working_days=action.working_days,
        approver=_approver(move, action.working_days, policy.extension_dispatcher_working_days_most),
    )


def _extension_most(move: Move[do.AskExtension]) -> int:
    """Return the working days that may be asked for: no more than the allowance itself has, where it has days."""
    most = move.rulebook.policy.extension_working_days_most
    for clock in move.ticket.running():
        if clock.kind in WORK_CLOCKS and clock.subject == move.action.assignment and clock.allowance:
            allowance = Allowance.parse(clock.allowance)
            most = min(most, allowance.amount) if allowance.unit is Unit.WORKING_DAYS else most
    return most


def _in_time(move: Move[Any]) -> datetime:
    """Return when the answer is due; raises RuleBroken when that has passed, for then nothing can be asked for."""
    due = work_due(move.ticket, move.action.assignment)
    if due is None or move.at >= due:
        raise move.broken(Rule.TOO_LATE_TO_EXTEND, due=due.isoformat() if due else "")
    return due


def _approver(move: Move[Any], working_days: int, dispatcher_most: int) -> Role | None:
    """Who must decide: a long one is for the supervisor, or for the head of the unit that sent it on."""
    if working_days <= dispatcher_most:
        return None
    return Role.SUPERVISOR if move.assignment.parent is None else Role.HEAD


def work_due(ticket: Ticket, assignment: int) -> datetime | None:
    """When the assignment's answer is due by its running clock; None when it owes none."""
    return next(
        (clock.due_at for clock in ticket.running() if clock.kind in WORK_CLOCKS and clock.subject == assignment), None
    )


def _ask_pause(move: Move[do.AskPause]) -> Ticket:
    policy, action = move.rulebook.policy, move.action
    ticket, number = move.ticket, action.assignment
    used = [one for one in ticket.requests if one.kind is RequestKind.PAUSE and one.assignment == number]
    if sum(one.is_approved and one.cycle == ticket.cycle for one in used) >= policy.pauses_most:
        raise move.broken(Rule.PAUSES_USED_UP, most=str(policy.pauses_most))
    if action.working_days > policy.pause_working_days_most:
        raise move.broken(Rule.PAUSE_TOO_LONG, most=str(policy.pause_working_days_most))
    _in_time(move)
    return _ask(
        move,
        RequestKind.PAUSE,
        action.reason,
        pause_code=action.pause_code,
        basis=action.basis,
        working_days=action.working_days,
        approver=_approver(move, action.working_days, policy.extension_dispatcher_working_days_most),
    )


def _ask_promise(move: Move[do.AskPromise]) -> Ticket:
    if move.action.until <= move.at:
        raise move.broken(Rule.PROMISE_IN_THE_PAST)
    _in_time(move)
    return _ask(move, RequestKind.PROMISE, move.action.measures, until=move.action.until)


def _ask_termination(move: Move[do.AskTermination]) -> Ticket:
    return _ask(move, RequestKind.TERMINATION, move.action.reason, basis=move.action.basis)


# --- effects: decisions ---------------------------------------------------------------------------------------------


def _decide(move: Move[do.Decide]) -> Ticket:
    action, request = move.action, _nth(move.ticket.requests, move.action.request)
    decided = replace(
        request,
        decision=Decision.APPROVED if action.approve else Decision.REJECTED,
        decided_at=move.at,
        decided_by=move.actor.person,
        answer=action.answer,
    )
    ticket = replace(move.ticket, requests=_swap(move.ticket.requests, decided))
    return GRANTS[request.kind](ticket, decided, move) if action.approve else ticket


def _grant_return(ticket: Ticket, request: Request, move: Move[do.Decide]) -> Ticket:
    """Whoever gave it back, to the hotline or to the unit above, is remembered: nobody sends it there again."""
    assignment = _nth(ticket.assignments, request.assignment)
    ticket = _drop(ticket, assignment.number, AssignmentState.RETURNED)
    ticket = replace(ticket, returned_by=tuple(sorted({*ticket.returned_by, assignment.department})))
    if assignment.duty is Duty.CO or assignment.parent is not None:
        return ticket
    returns = ticket.returns + 1
    disputed = returns >= move.rulebook.policy.returns_before_analysis
    return replace(ticket, returns=returns, state=TicketState.ANALYSIS if disputed else TicketState.RECEIVED)


def _grant_extension(ticket: Ticket, request: Request, _move: Move[do.Decide]) -> Ticket:
    assignment = _nth(ticket.assignments, request.assignment)
    return _with(ticket, replace(assignment, extensions=assignment.extensions + 1))


def _grant_pause(ticket: Ticket, request: Request, move: Move[do.Decide]) -> Ticket:
    """The time stands still from the decision on; where nobody ends the pause, it ends after the days asked for."""
    until = move.rulebook.calendar.add_days(move.at, request.working_days or 0)
    return replace(ticket, requests=_swap(ticket.requests, replace(request, until=until)))


def _grant_promise(ticket: Ticket, request: Request, _move: Move[do.Decide]) -> Ticket:
    return _with(ticket, replace(_nth(ticket.assignments, request.assignment), promised_for=request.until))


def _grant_termination(ticket: Ticket, _request: Request, _move: Move[do.Decide]) -> Ticket:
    return _close(ticket, Outcome.TERMINATED)


GRANTS: dict[RequestKind, Callable[[Ticket, Request, Move[do.Decide]], Ticket]] = {
    RequestKind.RETURN: _grant_return,
    RequestKind.EXTENSION: _grant_extension,
    RequestKind.PAUSE: _grant_pause,
    RequestKind.PROMISE: _grant_promise,
    RequestKind.TERMINATION: _grant_termination,
}


# --- effects: supervision -------------------------------------------------------------------------------------------
# None of these changes the state of the ticket or of an assignment: a test holds that.


def _urge(move: Move[do.Urge]) -> Ticket:
    last = move.ticket.urged_at
    if last and move.at - last < timedelta(minutes=move.rulebook.policy.urge_every_minutes):
        raise move.broken(Rule.URGED_LATELY, last=last.isoformat())
    return replace(move.ticket, urged_at=move.at, urges=move.ticket.urges + 1)


def _supervise(move: Move[do.Supervise]) -> Ticket:
    """Issue one paper for each assignment; a lower one that is still open gives way to it."""
    action, ticket = move.action, move.ticket
    if action.rung is Rung.TRANSFERRED:
        raise move.broken(Rule.TRANSFER_HAS_ITS_OWN_FORM)
    numbers = tuple(dict.fromkeys((action.assignment, *action.joint)))
    first = len(ticket.orders) + 1
    for number in numbers:
        if number not in _parts(ticket, "assignment") or not _nth(ticket.assignments, number).is_live:
            raise NoSuchPart(ticket.id, "assignment", number)
        ticket = _ordered(move, ticket, number, action.rung, action.demand, joint=first if len(numbers) > 1 else None)
    return ticket


def _ordered(move: Move[Any], ticket: Ticket, number: int, rung: Rung, demand: str, **more: Any) -> Ticket:  # noqa: ANN401 - fields of Order
    unsettled = [one for one in ticket.orders if one.assignment == number and one.state in _UNSETTLED]
    if rung.wants_answer and any(one.rung.height >= rung.height for one in unsettled):
        raise move.broken(Rule.ORDERED_ALREADY, order=str(unsettled[-1].number))
    for lower in unsettled:
        if rung.wants_answer:
            ticket = replace(ticket, orders=_swap(ticket.orders, replace(lower, escalated=True)))
    order = Order(
        number=len(ticket.orders) + 1,
        assignment=number,
        rung=rung,
        issued_by=move.actor.person,
        issued_at=move.at,
        demand=demand,
        **more,
    )
    return replace(ticket, orders=(*ticket.orders, order))


_UNSETTLED = frozenset({OrderState.OPEN, OrderState.ANSWERED})


def _transfer(move: Move[do.Transfer]) -> Ticket:
    action = move.action
    return _ordered(
        move,
        move.ticket,
        action.assignment,
        Rung.TRANSFERRED,
        action.reason,
        body=action.body,
        ground=action.ground,
    )


def _change_order(move: Move[Any], **changed: Any) -> Ticket:  # noqa: ANN401 - fields of Order
    order = replace(_nth(move.ticket.orders, move.action.order), **changed)
    return replace(move.ticket, orders=_swap(move.ticket.orders, order))


def _answer_order(move: Move[do.AnswerOrder]) -> Ticket:
    return _change_order(move, answered_at=move.at, answer=move.action.answer)


def _accept_order(move: Move[do.AcceptOrder]) -> Ticket:
    return _change_order(move, accepted_at=move.at, remark=move.action.note)


def _return_order(move: Move[do.ReturnOrder]) -> Ticket:
    """The answer stays in the events; the order waits for a better one, with a clock of its own."""
    order = _nth(move.ticket.orders, move.action.order)
    return _change_order(move, answered_at=None, answer="", returned=order.returned + 1, remark=move.action.reason)


def _claim_exemption(move: Move[do.ClaimExemption]) -> Ticket:
    return _change_order(
        move,
        exemption=Decision.PENDING,
        exemption_ground=move.action.ground,
        exemption_reason=move.action.reason,
    )


def _decide_exemption(move: Move[do.DecideExemption]) -> Ticket:
    decision = Decision.APPROVED if move.action.approve else Decision.REJECTED
    return _change_order(move, exemption=decision, exemption_answer=move.action.answer)


# --- effects: review, follow-up, rating -----------------------------------------------------------------------------


def _pass_review(move: Move[do.PassReview]) -> Ticket:
    callers = tuple(
        replace(caller, visited=caller.visited or not (caller.wants_visit and caller.reachable))
        for caller in move.ticket.callers
    )
    ticket = replace(move.ticket, callers=callers, state=TicketState.FOLLOW_UP)
    return _close(ticket, _outcome(ticket)) if all(caller.visited for caller in callers) else ticket


def _outcome(ticket: Ticket, *, denied: bool = False) -> Outcome:
    """Resolved only where the lead says so and no caller said otherwise."""
    return Outcome.RESOLVED if ticket.lead and ticket.lead.solved and not denied else Outcome.EXPLAINED


def _send_back(move: Move[do.SendBack]) -> Ticket:
    return _redo(move.ticket)


def _redo(ticket: Ticket) -> Ticket:
    """Open the lead's work again in a new cycle; the answers given before stay in the events."""
    lead = ticket.lead
    if lead is None:
        return replace(ticket, state=TicketState.RECEIVED)
    reopened = replace(
        lead,
        state=AssignmentState.ACCEPTED,
        replied_at=None,
        contacted_at=None,
        solved=None,
        promised_for=None,
        extensions=0,
    )
    callers = tuple(replace(caller, attempts=0, visited=False) for caller in ticket.callers)
    return replace(
        _with(ticket, reopened),
        state=TicketState.HANDLING,
        cycle=ticket.cycle + 1,
        callers=callers,
        bad_rating_at=None,
    )


def _visit(move: Move[do.Visit]) -> Ticket:
    action, ticket = move.action, move.ticket
    if action.redo:
        spent = ticket.cycle >= move.rulebook.policy.redos_most
        if spent or ticket.lead is None:
            return replace(ticket, state=TicketState.ANALYSIS, bad_rating_at=None)
        return _redo(ticket)
    caller = _nth(ticket.callers, action.caller)
    attempts = caller.attempts + (action.contact is Contact.NO_ANSWER)
    reached = action.contact is not Contact.NO_ANSWER
    done = reached or attempts >= move.rulebook.policy.visits_most
    ticket = replace(ticket, callers=_swap(ticket.callers, replace(caller, attempts=attempts, visited=done)))
    if not all(each.visited for each in ticket.callers):
        return ticket
    return _close(ticket, _outcome(ticket, denied=action.solved is False))


def _rate(move: Move[do.Rate]) -> Ticket:
    """A bad rating with a name opens the follow-up again: contacted and verified within 2 working days."""
    ticket, action = move.ticket, move.action
    caller = replace(_nth(ticket.callers, action.caller), rating=action.level)
    must_verify = action.level.is_bad and caller.real_name
    caller = replace(caller, visited=caller.visited and not must_verify, attempts=0 if must_verify else caller.attempts)
    ticket = replace(ticket, callers=_swap(ticket.callers, caller))
    if not must_verify:
        return ticket
    return replace(ticket, state=TicketState.FOLLOW_UP, outcome=None, bad_rating_at=move.at)


# --- the tables -------------------------------------------------------------------------------------------------------

HOLDERS = frozenset({Role.HANDLER, Role.HEAD})
AGENTS = frozenset({Role.AGENT, Role.DISPATCHER, Role.SUPERVISOR})
DISPATCHERS = frozenset({Role.DISPATCHER, Role.SUPERVISOR})
INTERVIEWERS = frozenset({Role.FOLLOW_UP, Role.SUPERVISOR})
SUPERVISORS = frozenset({Role.SUPERVISOR})
SENDERS = DISPATCHERS | {Role.MACHINE}
CITIZEN = frozenset({Role.CITIZEN})

S, P_ = TicketState, AssignmentState
NEW = frozenset({S.RECEIVED})
UNSENT = frozenset({S.RECEIVED, S.ANALYSIS})
HANDLING = frozenset({S.HANDLING})
OPEN = frozenset(S) - {S.CLOSED}
BEFORE_REPLY = frozenset({S.RECEIVED, S.ANALYSIS, S.HANDLING})
CLOSED = frozenset({S.CLOSED})
ANSWERED = HANDLING | {S.REVIEW}
GONE = frozenset({P_.WITHDRAWN})
SENT, WORKING, REPLIED = frozenset({P_.SENT}), frozenset({P_.ACCEPTED}), frozenset({P_.REPLIED})

TICKET_EDGES: tuple[Edge[Any], ...] = (
    Edge(do.Dispatch, NEW, SENDERS, _dispatch, to=HANDLING),
    Edge(do.Analyse, NEW, SENDERS, _analyse, to=frozenset({S.ANALYSIS})),
    Edge(do.Designate, frozenset({S.ANALYSIS}), DISPATCHERS, _designate, to=HANDLING),
    Edge(do.Answer, UNSENT, AGENTS, _answer, to=CLOSED),
    Edge(do.Refuse, UNSENT, AGENTS, _refuse, to=CLOSED),
    Edge(do.HandOver, UNSENT, AGENTS, _hand_over, to=CLOSED),
    Edge(do.Withdraw, OPEN, AGENTS | CITIZEN, _withdraw, to=CLOSED),
    Edge(do.Merge, BEFORE_REPLY, DISPATCHERS, _merge, to=CLOSED),
    Edge(do.Unmerge, CLOSED, DISPATCHERS, _unmerge, to=NEW, ready=_was_merged),
    Edge(do.Amend, BEFORE_REPLY, AGENTS | {Role.MACHINE}, _amend, ready=_may_amend),
    Edge(do.Supplement, OPEN, AGENTS | CITIZEN, _supplement),
    Edge(do.Recount, OPEN, frozenset({Role.MACHINE}), _unchanged),
    Edge(do.Join, OPEN, frozenset({Role.MACHINE}), _join),
    Edge(do.Part, frozenset(S), frozenset({Role.MACHINE}), _part, to=CLOSED | {S.FOLLOW_UP}),
    Edge(do.PassReview, frozenset({S.REVIEW}), INTERVIEWERS, _pass_review, to=frozenset({S.FOLLOW_UP, S.CLOSED})),
    Edge(do.SendBack, frozenset({S.REVIEW}), INTERVIEWERS, _send_back, to=HANDLING),
    Edge(
        do.Visit,
        frozenset({S.FOLLOW_UP}),
        INTERVIEWERS,
        _visit,
        to=frozenset({S.FOLLOW_UP, S.HANDLING, S.ANALYSIS, S.CLOSED}),
        ready=_is_unhandled_by,
    ),
    Edge(do.Rate, CLOSED, CITIZEN | INTERVIEWERS, _rate, to=CLOSED | {S.FOLLOW_UP}, ready=_may_rate),
    Edge(do.Reopen, CLOSED, SUPERVISORS, _reopen, to=HANDLING | NEW, ready=_was_answered),
)

ASSIGNMENT_EDGES: tuple[Edge[Any], ...] = (
    Edge(do.Accept, HANDLING, HOLDERS, _accept, part=SENT, part_to=WORKING),
    Edge(do.Reach, HANDLING, HOLDERS, _reach, part=WORKING),
    Edge(do.SubDispatch, HANDLING, HOLDERS, _sub_dispatch, part=WORKING),
    Edge(do.AddCo, HANDLING, HOLDERS | DISPATCHERS, _add_co, part=OPEN_ASSIGNMENTS, ready=_is_lead),
    Edge(
        do.Reply, HANDLING, HOLDERS, _reply, to=HANDLING | {S.REVIEW}, part=WORKING, part_to=REPLIED, ready=_may_reply
    ),
    Edge(do.AskReturn, HANDLING, HOLDERS, _ask_return, part=OPEN_ASSIGNMENTS, ready=_may_return),
    Edge(do.AskExtension, HANDLING, HOLDERS, _ask_extension, part=WORKING, ready=_nothing_pending),
    Edge(do.AskPause, HANDLING, HOLDERS, _ask_pause, part=WORKING, ready=_may_pause),
    Edge(do.Resume, HANDLING, HOLDERS | DISPATCHERS, _resume, part=WORKING, ready=_is_paused),
    Edge(do.Inform, HANDLING, HOLDERS, _inform, part=WORKING, ready=_owes_telling),
    Edge(do.AskPromise, HANDLING, HOLDERS, _ask_promise, part=WORKING, ready=_may_ask_as_lead),
    Edge(do.AskTermination, HANDLING, frozenset({Role.HEAD}), _ask_termination, part=WORKING, ready=_may_ask_as_lead),
    Edge(
        do.Decide,
        HANDLING,
        DISPATCHERS | HOLDERS,
        _decide,
        to=HANDLING | UNSENT | CLOSED,
        part=OPEN_ASSIGNMENTS,
        part_to=OPEN_ASSIGNMENTS | {P_.RETURNED, P_.WITHDRAWN},
    ),
    Edge(
        do.Recall,
        HANDLING,
        DISPATCHERS,
        _recall,
        to=HANDLING | NEW,
        part=OPEN_ASSIGNMENTS,
        part_to=frozenset({P_.WITHDRAWN}),
    ),
    Edge(do.Urge, HANDLING, AGENTS, _urge, part=OPEN_ASSIGNMENTS),
    Edge(do.Supervise, OPEN, SUPERVISORS | {Role.MACHINE}, _supervise, part=LIVE_ASSIGNMENTS),
    Edge(do.AnswerOrder, OPEN, HOLDERS, _answer_order, part=LIVE_ASSIGNMENTS, ready=_may_answer_order),
    Edge(do.AcceptOrder, frozenset(S), SUPERVISORS, _accept_order, ready=_may_check_order),
    Edge(do.ReturnOrder, OPEN, SUPERVISORS, _return_order, part=LIVE_ASSIGNMENTS, ready=_may_return_order),
    Edge(do.Transfer, frozenset(S), SUPERVISORS, _transfer),
    Edge(do.ClaimExemption, frozenset(S), HOLDERS, _claim_exemption, ready=_may_claim),
    Edge(do.DecideExemption, frozenset(S), SUPERVISORS, _decide_exemption, ready=_has_claim),
)

EDGE_OF: dict[type[do.Action], Edge[Any]] = {edge.action: edge for edge in (*TICKET_EDGES, *ASSIGNMENT_EDGES)}
