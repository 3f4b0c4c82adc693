"""The law of the house, as values: who may do what when, and that no state is without a way out."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatch import actions as do
from dispatch.cards import card
from dispatch.deadlines import keep_clocks
from dispatch.errors import DispatchError, IllegalAction, NotYours, Rule, RuleBroken
from dispatch.history import changes, replay
from dispatch.lifecycle import ASSIGNMENT_EDGES, TICKET_EDGES, Decided, allowed_actions, receive, step
from dispatch.model import (
    MACHINE,
    Actor,
    AssignmentState,
    Body,
    Caller,
    ClockKind,
    ClockStop,
    Contact,
    Duty,
    ExemptionGround,
    Level,
    Line,
    OrderState,
    Outcome,
    PauseReason,
    ReturnReason,
    Role,
    Rung,
    Satisfaction,
    Ticket,
    TicketState,
    TicketType,
    TransferGround,
    Urgency,
)
from dispatch.rulebook import Area, Category, Department, Rulebook
from hotline.calendar_seed import default_calendar

NOON = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)  # a Monday, 10:00 in Fujian
WATER, ROADS, COUNTY, TOWN = "water", "roads", "county", "town"

RULEBOOK = Rulebook(
    version="test",
    calendar=default_calendar(),
    areas={"00": Area("00", "city", None), "01": Area("01", "county", "00")},
    departments={
        unit.code: unit
        for unit in (
            Department("hotline", "hotline", Level.HOTLINE, None, "00"),
            Department(WATER, "water", Level.UTILITY, None, "00"),
            Department(ROADS, "roads", Level.CITY, None, "00"),
            Department(COUNTY, "county", Level.COUNTY, None, "01"),
            Department(TOWN, "town", Level.TOWN, COUNTY, "01"),
        )
    },
    categories={
        "030501": Category("030501", "road surface"),
        "010101": Category("010101", "licence", departmental=True),
        "130200": Category("130200", "discipline", sensitive=True),
    },
)

AGENT = Actor("agent", Role.AGENT, "hotline")
DISPATCHER = Actor("dispatcher", Role.DISPATCHER, "hotline")
SUPERVISOR = Actor("supervisor", Role.SUPERVISOR, "hotline")
INTERVIEWER = Actor("interviewer", Role.FOLLOW_UP, "hotline")
CITIZEN = Actor("citizen", Role.CITIZEN, "")


def handler(department: str) -> Actor:
    return Actor(f"{department}-handler", Role.HANDLER, department)


def head(department: str) -> Actor:
    return Actor(f"{department}-head", Role.HEAD, department)


EVERYBODY = (
    AGENT,
    DISPATCHER,
    SUPERVISOR,
    INTERVIEWER,
    CITIZEN,
    *(person for unit in (WATER, ROADS, COUNTY, TOWN) for person in (handler(unit), head(unit))),
)


def a_ticket(**fields: Any) -> Ticket:
    given_fields: dict[str, Any] = {
        "id": 261123100000000001,
        "version": 1,
        "state": TicketState.RECEIVED,
        "type": TicketType.COMPLAINT,
        "urgency": Urgency.NORMAL,
        "received_at": NOON,
        "entered_at": NOON,
        "category": "030501",
        "area": "01",
        "callers": (Caller(number=1),),
    }
    return keep_clocks(receive(Ticket(**(given_fields | fields)), AGENT), RULEBOOK).after


def after(ticket: Ticket, action: do.Action, actor: Actor, at: datetime = NOON) -> Ticket:
    return keep_clocks(step(ticket, action, actor, at=at, rulebook=RULEBOOK), RULEBOOK).after


def sent(*, co: tuple[str, ...] = (), **fields: Any) -> Ticket:
    return after(a_ticket(**fields), do.Dispatch(lead=WATER, co=co), DISPATCHER)


def working(**fields: Any) -> Ticket:
    accepted = after(sent(**fields), do.Accept(assignment=1), handler(WATER))
    return after(accepted, do.Reach(assignment=1, how="called"), handler(WATER))


def answer(number: int = 1, *, solved: bool = True) -> do.Reply:
    return do.Reply(
        assignment=number, received="r", findings="f", handling="h", follows="w", genuine=True, solved=solved
    )


def a_return(number: int = 1, suggested: str | None = ROADS) -> do.AskReturn:
    return do.AskReturn(
        assignment=number, reason_code=ReturnReason.WRONG_DUTY, reason="road surface", basis="三定", suggested=suggested
    )


def returned(ticket: Ticket, number: int, department: str) -> Ticket:
    asked = after(ticket, a_return(number, None), handler(department))
    return after(asked, do.Decide(request=len(asked.requests), approve=True, answer="agreed"), DISPATCHER)


def followed_up(**fields: Any) -> Ticket:
    replied = after(working(**fields), answer(), handler(WATER))
    return after(replied, do.PassReview(), INTERVIEWER)


# --- dispatch and return ------------------------------------------------------------------------------------------


def test_a_returned_ticket_remembers_who_returned_it_and_never_goes_there_again() -> None:
    ticket = returned(sent(), 1, WATER)

    assert ticket.state is TicketState.RECEIVED
    assert ticket.returned_by == (WATER,)
    with pytest.raises(RuleBroken) as refused:
        after(ticket, do.Dispatch(lead=WATER), DISPATCHER)
    assert refused.value.rule is Rule.RETURNED_BEFORE


def test_after_two_returns_the_ticket_is_analysed_and_the_designated_unit_cannot_return_it() -> None:
    ticket = returned(sent(), 1, WATER)
    ticket = returned(after(ticket, do.Dispatch(lead=ROADS), DISPATCHER), 2, ROADS)

    assert ticket.state is TicketState.ANALYSIS
    designated = after(ticket, do.Designate(lead=WATER, basis="joint analysis"), SUPERVISOR)
    with pytest.raises(RuleBroken) as refused:
        after(designated, a_return(3), handler(WATER))
    assert refused.value.rule is Rule.DESIGNATED_CANNOT_RETURN


def test_a_return_is_asked_for_inside_its_window_only() -> None:
    late = NOON + timedelta(days=2)

    with pytest.raises(RuleBroken) as refused:
        after(sent(), a_return(), handler(WATER), at=late)
    assert refused.value.rule is Rule.RETURN_WINDOW_CLOSED


def test_a_rejected_return_leaves_the_ticket_where_it_is_and_its_clock_running() -> None:
    asked = after(sent(), a_return(), handler(WATER))

    ticket = after(asked, do.Decide(request=1, approve=False, answer="it is yours"), DISPATCHER)

    assert ticket.state is TicketState.HANDLING
    assert any(clock.kind is ClockKind.REPLY for clock in ticket.running())


def test_departments_act_only_on_what_was_sent_to_them() -> None:
    with pytest.raises(NotYours):
        after(sent(), do.Accept(assignment=1), handler(ROADS))


def test_a_department_matter_is_not_pushed_down_to_a_town_without_a_named_reason() -> None:
    ticket = a_ticket(category="010101")

    with pytest.raises(RuleBroken) as refused:
        after(ticket, do.Dispatch(lead=TOWN), DISPATCHER)
    assert refused.value.rule is Rule.NAMED_REASON_NEEDED
    overridden = after(ticket, do.Dispatch(lead=TOWN, override="the bureau moved there"), DISPATCHER)
    assert overridden.state is TicketState.HANDLING


def test_a_town_that_works_on_it_comes_by_no_department_matter_through_an_amendment() -> None:
    ticket = after(a_ticket(), do.Dispatch(lead=TOWN), DISPATCHER)
    amend = do.Amend(category="010101", reason="it is a licence")

    with pytest.raises(RuleBroken) as refused:
        after(ticket, amend, DISPATCHER)

    assert (refused.value.rule, refused.value.facts) == (Rule.DEPARTMENT_MATTER, {"department": TOWN})
    recalled = after(ticket, do.Recall(assignment=1, reason="not for a town"), DISPATCHER)
    assert after(recalled, amend, DISPATCHER).category == "010101"


@pytest.mark.parametrize(
    "fields",
    [
        {"confidential": True},  # the caller asked for it
        {"type": TicketType.REPORT},  # a report is always protected
        {"sensitive": True},  # the category says so
    ],
)
def test_the_machine_never_sends_a_sensitive_matter_alone(fields: dict[str, Any]) -> None:
    with pytest.raises(RuleBroken) as refused:
        after(a_ticket(**fields), do.Dispatch(lead=WATER), MACHINE)
    assert refused.value.rule is Rule.MACHINE_MAY_NOT_DECIDE


def test_a_report_is_never_sent_to_the_unit_that_it_is_about() -> None:
    with pytest.raises(RuleBroken) as refused:
        after(a_ticket(type=TicketType.REPORT, reported=WATER), do.Dispatch(lead=WATER), DISPATCHER)
    assert refused.value.rule is Rule.REPORTED_UNIT


# --- co-handlers and lower units ----------------------------------------------------------------------------------


def test_the_lead_cannot_reply_while_a_co_handler_still_works() -> None:
    ticket = working(co=(ROADS,))

    with pytest.raises(RuleBroken) as refused:
        after(ticket, answer(), handler(WATER))
    assert refused.value.rule is Rule.CO_HANDLERS_STILL_WORKING


def test_the_lead_cannot_reply_before_it_has_spoken_to_the_caller() -> None:
    accepted = after(sent(), do.Accept(assignment=1), handler(WATER))

    with pytest.raises(RuleBroken) as refused:
        after(accepted, answer(), handler(WATER))
    assert refused.value.rule is Rule.CONTACT_MISSING


def test_a_county_sends_on_to_its_own_towns_only_and_decides_what_they_ask() -> None:
    ticket = after(a_ticket(), do.Dispatch(lead=COUNTY), DISPATCHER)
    ticket = after(ticket, do.Accept(assignment=1), handler(COUNTY))

    with pytest.raises(RuleBroken) as refused:
        after(ticket, do.SubDispatch(assignment=1, departments=(WATER,)), handler(COUNTY))
    assert refused.value.rule is Rule.NOT_A_LOWER_UNIT
    ticket = after(ticket, do.SubDispatch(assignment=1, departments=(TOWN,)), handler(COUNTY))
    ticket = after(ticket, a_return(2, None), handler(TOWN))
    with pytest.raises(NotYours):
        after(ticket, do.Decide(request=1, approve=True, answer="yes"), DISPATCHER)
    ticket = after(ticket, do.Decide(request=1, approve=True, answer="yes"), handler(COUNTY))
    assert ticket.assignments[1].state is AssignmentState.RETURNED
    assert ticket.state is TicketState.HANDLING


def test_a_unit_that_returned_it_does_not_get_it_again_from_the_county() -> None:
    ticket = returned(after(a_ticket(), do.Dispatch(lead=TOWN), DISPATCHER), 1, TOWN)
    ticket = after(ticket, do.Dispatch(lead=COUNTY), DISPATCHER)
    ticket = after(ticket, do.Accept(assignment=2), handler(COUNTY))

    with pytest.raises(RuleBroken) as refused:
        after(ticket, do.SubDispatch(assignment=2, departments=(TOWN,)), handler(COUNTY))

    assert refused.value.rule is Rule.RETURNED_BEFORE


def test_a_lower_unit_that_gave_it_back_to_its_county_does_not_get_it_again_from_the_hotline() -> None:
    ticket = after(a_ticket(), do.Dispatch(lead=COUNTY), DISPATCHER)
    ticket = after(ticket, do.Accept(assignment=1), handler(COUNTY))
    ticket = after(ticket, do.SubDispatch(assignment=1, departments=(TOWN,)), handler(COUNTY))
    ticket = after(ticket, a_return(2, None), handler(TOWN))
    ticket = after(ticket, do.Decide(request=1, approve=True, answer="yes"), handler(COUNTY))
    ticket = after(ticket, do.Recall(assignment=1, reason="wrong county"), DISPATCHER)

    with pytest.raises(RuleBroken) as refused:
        after(ticket, do.Dispatch(lead=TOWN), DISPATCHER)

    assert ticket.returned_by == (TOWN,)
    assert refused.value.rule is Rule.RETURNED_BEFORE


def test_a_lower_unit_is_due_before_the_unit_that_must_put_the_answers_together() -> None:
    ticket = after(a_ticket(), do.Dispatch(lead=COUNTY, co=(ROADS,)), DISPATCHER)
    ticket = after(ticket, do.Accept(assignment=1), handler(COUNTY))
    ticket = after(ticket, do.SubDispatch(assignment=1, departments=(TOWN,)), handler(COUNTY))

    due = {
        clock.subject: clock.due_at for clock in ticket.running() if clock.kind in {ClockKind.REPLY, ClockKind.CO_REPLY}
    }
    assert due[2] < due[1]
    assert due[3] < due[1]


# --- extension, promise, termination ------------------------------------------------------------------------------


def test_an_approved_extension_moves_the_due_time_by_its_working_days_once() -> None:
    ticket = working()
    asked = after(ticket, do.AskExtension(assignment=1, working_days=5, reason="parts"), handler(WATER))
    granted = after(asked, do.Decide(request=1, approve=True, answer="tell the caller"), DISPATCHER)

    before = next(clock.due_at for clock in ticket.running() if clock.kind is ClockKind.REPLY)
    moved = next(clock.due_at for clock in granted.running() if clock.kind is ClockKind.REPLY)
    assert moved == RULEBOOK.calendar.add_days(before, 5)
    with pytest.raises(RuleBroken) as refused:
        after(granted, do.AskExtension(assignment=1, working_days=5, reason="more"), handler(WATER))
    assert refused.value.rule is Rule.EXTENSIONS_USED_UP


def test_a_promise_replaces_the_reply_clock_and_is_tracked_to_its_date() -> None:
    until = NOON + timedelta(days=60)
    asked = after(working(), do.AskPromise(assignment=1, until=until, measures="new pipe"), handler(WATER))
    ticket = after(asked, do.Decide(request=1, approve=True, answer="tracked"), DISPATCHER)

    running = {clock.kind: clock for clock in ticket.running()}
    assert running[ClockKind.PROMISE].due_at == until
    assert ClockKind.REPLY not in running


def test_termination_is_asked_by_the_head_and_approved_by_the_hotline() -> None:
    request = do.AskTermination(assignment=1, reason="caller refuses", basis="潍坊第二十一条")
    with pytest.raises(NotYours):
        after(working(), request, handler(WATER))

    asked = after(working(), request, head(WATER))
    ticket = after(asked, do.Decide(request=1, approve=True, answer="explained"), SUPERVISOR)

    assert ticket.outcome is Outcome.TERMINATED
    assert not list(ticket.running())


# --- follow-up, redo, rating --------------------------------------------------------------------------------------


def visit(caller: int = 1, **answers: Any) -> do.Visit:
    given_answers: dict[str, Any] = {"caller": caller, "contact": Contact.REACHED} | answers
    return do.Visit(**given_answers)


def test_an_unsatisfied_caller_gets_the_work_done_again_in_a_new_cycle() -> None:
    ticket = after(followed_up(), visit(solved=False, redo=True), INTERVIEWER)

    assert ticket.state is TicketState.HANDLING
    assert ticket.cycle == 1
    assert {clock.kind for clock in ticket.running()} >= {ClockKind.REDO, ClockKind.CONTACT}


def test_three_calls_that_reach_nobody_end_the_follow_up() -> None:
    ticket = followed_up()
    for _ in range(2):
        ticket = after(ticket, visit(contact=Contact.NO_ANSWER), INTERVIEWER)
        assert ticket.state is TicketState.FOLLOW_UP
    ticket = after(ticket, visit(contact=Contact.NO_ANSWER), INTERVIEWER)

    assert ticket.outcome is Outcome.RESOLVED


def test_each_caller_of_a_matter_is_asked_before_it_closes() -> None:
    ticket = after(followed_up(callers=(Caller(number=1), Caller(number=2))), visit(1), INTERVIEWER)

    assert ticket.state is TicketState.FOLLOW_UP
    assert after(ticket, visit(2), INTERVIEWER).is_closed


def test_the_interviewer_is_never_of_the_handling_department() -> None:
    insider = Actor("insider", Role.FOLLOW_UP, WATER)

    with pytest.raises(RuleBroken) as refused:
        after(followed_up(), visit(), insider)
    assert refused.value.rule is Rule.INTERVIEWER_IS_HANDLER


def test_a_caller_who_denies_the_solution_makes_it_an_explanation() -> None:
    assert after(followed_up(), visit(solved=False), INTERVIEWER).outcome is Outcome.EXPLAINED


def test_a_bad_rating_with_a_name_is_verified_within_two_working_days() -> None:
    closed = after(followed_up(), visit(), INTERVIEWER)
    ticket = after(closed, do.Rate(caller=1, level=Satisfaction.BAD), CITIZEN)

    (clock,) = ticket.running()
    assert clock.kind is ClockKind.BAD_RATING
    assert clock.due_at == RULEBOOK.calendar.add_days(NOON, 2)


def test_a_bad_rating_without_a_name_is_only_noted() -> None:
    closed = after(followed_up(callers=(Caller(number=1, real_name=False),)), visit(), INTERVIEWER)

    assert after(closed, do.Rate(caller=1, level=Satisfaction.BAD), CITIZEN).is_closed


def test_too_many_redos_lead_to_analysis() -> None:
    ticket = followed_up()
    for _ in range(2):
        ticket = after(ticket, visit(redo=True), INTERVIEWER)
        ticket = after(ticket, do.Reach(assignment=1, how="called"), handler(WATER))
        ticket = after(after(ticket, answer(), handler(WATER)), do.PassReview(), INTERVIEWER)
    assert after(ticket, visit(redo=True), INTERVIEWER).state is TicketState.ANALYSIS


# --- supervision and merging --------------------------------------------------------------------------------------


def test_a_supervision_order_changes_no_state_and_has_a_clock() -> None:
    ticket = after(working(), do.Supervise(assignment=1, rung=Rung.ORDER, demand="report"), SUPERVISOR)

    assert ticket.state is TicketState.HANDLING
    assert any(clock.kind is ClockKind.ORDER for clock in ticket.running())
    answered = after(ticket, do.AnswerOrder(order=1, answer="done"), handler(WATER))
    assert not any(clock.kind is ClockKind.ORDER for clock in answered.running())


def test_nothing_that_a_supervisor_does_changes_a_state() -> None:
    ticket = after(
        working(co=(ROADS,)), do.Supervise(assignment=1, rung=Rung.ORDER, demand="d", joint=(2,)), SUPERVISOR
    )
    assert [(order.assignment, order.joint) for order in ticket.orders] == [(1, 1), (2, 1)]
    moves: tuple[tuple[do.Action, Actor], ...] = (
        (do.AnswerOrder(order=1, answer="tomorrow"), handler(WATER)),
        (do.ReturnOrder(order=1, reason="no date"), SUPERVISOR),
        (do.AnswerOrder(order=1, answer="on Friday"), handler(WATER)),
        (do.AcceptOrder(order=1), SUPERVISOR),
        (do.Supervise(assignment=2, rung=Rung.LISTED, demand="answer"), SUPERVISOR),
        (do.ClaimExemption(order=3, ground=ExemptionGround.LEGACY, reason="old pipes"), handler(ROADS)),
        (do.DecideExemption(order=3, approve=True, answer="so it is"), SUPERVISOR),
        (do.Transfer(assignment=2, body=Body.EFFICIENCY, ground=TransferGround.SHIRKING, reason="r"), SUPERVISOR),
    )
    for action, actor in moves:
        changed = after(ticket, action, actor)
        assert (changed.state, changed.assignments) == (ticket.state, ticket.assignments), action.name
        ticket = changed
    states = [order.state for order in ticket.orders]
    assert states == [OrderState.ACCEPTED, OrderState.ESCALATED, OrderState.OPEN, OrderState.ISSUED]
    assert [clock.subject for clock in ticket.running() if clock.kind is ClockKind.ORDER] == [3]


def test_a_rung_as_high_as_one_that_is_open_is_not_issued_again() -> None:
    ticket = after(working(), do.Supervise(assignment=1, rung=Rung.LISTED, demand="d"), SUPERVISOR)

    for rung in (Rung.ORDER, Rung.LISTED):
        with pytest.raises(RuleBroken) as refused:
            after(ticket, do.Supervise(assignment=1, rung=rung, demand="d"), SUPERVISOR)
        assert refused.value.rule is Rule.ORDERED_ALREADY


def test_a_long_extension_is_for_the_supervisor_to_decide() -> None:
    asked = after(working(), do.AskExtension(assignment=1, working_days=8, reason="r"), handler(WATER))

    with pytest.raises(NotYours):
        after(asked, do.Decide(request=1, approve=True, answer="so"), DISPATCHER)
    ticket = after(asked, do.Decide(request=1, approve=True, answer="so"), SUPERVISOR)
    assert ticket.assignments[0].extensions == 1


def test_who_was_granted_more_time_must_tell_the_caller_why() -> None:
    asked = after(working(), do.AskExtension(assignment=1, working_days=3, reason="r"), handler(WATER))
    granted = after(asked, do.Decide(request=1, approve=True, answer="so"), DISPATCHER)
    assert any(clock.kind is ClockKind.INFORM for clock in granted.running())

    told = after(granted, do.Inform(assignment=1, how="called at noon"), handler(WATER))

    assert told.requests[0].told_at == NOON
    assert not any(clock.kind is ClockKind.INFORM for clock in told.running())
    with pytest.raises(RuleBroken) as refused:
        after(told, do.Inform(assignment=1, how="again"), handler(WATER))
    assert refused.value.rule is Rule.NOTHING_TO_TELL


def test_a_second_promise_takes_the_place_of_the_first() -> None:
    ticket = working()
    for number, days in ((1, 20), (2, 30)):
        until = NOON + timedelta(days=days)
        asked = after(ticket, do.AskPromise(assignment=1, until=until, measures="m"), handler(WATER))
        ticket = after(asked, do.Decide(request=number, approve=True, answer="so"), DISPATCHER)

    (promise,) = (clock for clock in ticket.running() if clock.kind is ClockKind.PROMISE)
    assert promise.due_at == NOON + timedelta(days=30)


def test_a_department_is_urged_at_most_once_in_ten_minutes() -> None:
    ticket = after(working(), do.Urge(assignment=1), AGENT)

    with pytest.raises(RuleBroken) as refused:
        after(ticket, do.Urge(assignment=1), AGENT, at=NOON + timedelta(minutes=9))
    assert refused.value.rule is Rule.URGED_LATELY
    assert after(ticket, do.Urge(assignment=1), AGENT, at=NOON + timedelta(minutes=10)).urged_at


def test_a_merge_can_be_taken_back() -> None:
    merged = after(sent(), do.Merge(into=2, reason="same leak"), DISPATCHER)
    assert merged.outcome is Outcome.MERGED
    assert not list(merged.running())

    ticket = after(merged, do.Unmerge(reason="another street"), DISPATCHER)

    assert ticket.state is TicketState.RECEIVED
    assert any(clock.kind is ClockKind.DISPATCH for clock in ticket.running())


def test_an_unmerge_that_takes_the_last_unasked_caller_away_ends_the_follow_up() -> None:
    joined = after(followed_up(), do.Join(callers=(Caller(number=1),), origin=3), MACHINE)
    asked = after(joined, visit(1), INTERVIEWER)
    assert asked.state is TicketState.FOLLOW_UP

    ticket = after(asked, do.Part(origin=3), MACHINE)

    assert ticket.outcome is Outcome.RESOLVED


def test_an_overdue_fact_survives_a_recall_but_not_an_approved_return() -> None:
    late = NOON + timedelta(days=30)
    recalled = after(working(), do.Recall(assignment=1, reason="wrong"), DISPATCHER, at=late)
    reply = next(clock for clock in recalled.clocks if clock.kind is ClockKind.REPLY)
    assert reply.stop is ClockStop.CUT
    assert reply.is_overdue(late)

    asked = after(sent(), a_return(), handler(WATER))
    gone = after(asked, do.Decide(request=1, approve=True, answer="ok"), DISPATCHER, at=late)
    reply = next(clock for clock in gone.clocks if clock.kind is ClockKind.REPLY)
    assert reply.stop is ClockStop.VOID
    assert not reply.is_overdue(late)


def test_a_matter_without_a_category_cannot_be_sent() -> None:
    with pytest.raises(RuleBroken) as refused:
        after(a_ticket(category=None), do.Dispatch(lead=WATER), DISPATCHER)
    assert refused.value.rule is Rule.CATEGORY_NEEDED


def test_an_action_in_the_wrong_state_says_what_is_allowed() -> None:
    with pytest.raises(IllegalAction, match=r"cannot pass_review; allowed now: .*dispatch"):
        after(a_ticket(), do.PassReview(), SUPERVISOR)


def test_whoever_was_protected_stays_so_when_a_report_turns_out_to_be_a_complaint() -> None:
    report = a_ticket(type=TicketType.REPORT)

    assert after(report, do.Amend(reason="r", type=TicketType.COMPLAINT), DISPATCHER).hides_caller
    opened = do.Amend(reason="the caller agrees", type=TicketType.COMPLAINT, confidential=False)
    assert not after(report, opened, DISPATCHER).hides_caller


# --- the tables ---------------------------------------------------------------------------------------------------


def test_every_open_state_has_a_way_out() -> None:
    for state in TicketState:
        leaving = [edge for edge in (*TICKET_EDGES, *ASSIGNMENT_EDGES) if state in edge.on and edge.to - {state}]
        assert leaving, state


def test_every_action_stands_in_exactly_one_row() -> None:
    rows = [edge.action.name for edge in (*TICKET_EDGES, *ASSIGNMENT_EDGES)]

    assert sorted(rows) == sorted(do.ACTIONS)


# --- random walks -------------------------------------------------------------------------------------------------


def _data_for(ticket: Ticket, action: str, number: int, draw: Any) -> do.Action:
    units = st.sampled_from([WATER, ROADS, COUNTY, TOWN])
    at = ticket.entered_at
    data: dict[str, Any] = {
        "dispatch": {"lead": draw(units), "co": tuple(draw(st.sets(units, max_size=2))), "override": "named"},
        "analyse": {"why": "nobody"},
        "designate": {"lead": draw(units), "basis": "joint", "override": "named"},
        "answer": {"text": "so"},
        "refuse": {"ground": "court", "told": "go there"},
        "hand_over": {"line": Line.POLICE},
        "withdraw": {"reason": "solved"},
        "merge": {"into": 2, "reason": "same"},
        "unmerge": {"reason": "not the same"},
        "join": {"callers": (Caller(number=1),), "origin": 3},
        "part": {"origin": 3},
        "amend": {
            "reason": "wrong",
            "urgency": draw(st.sampled_from(Urgency)),
            "type": draw(st.sampled_from(TicketType)),
        },
        "supplement": {"text": "more"},
        "contact": {"how": "called"},
        "sub_dispatch": {"departments": (TOWN,), "override": "named"},
        "add_co": {"department": draw(units), "why": "help"},
        "reply": {
            "received": "r",
            "findings": "f",
            "handling": "h",
            "follows": "w",
            "genuine": True,
            "solved": draw(st.booleans()),
        },
        "recall": {"reason": "wrong"},
        "ask_return": {"reason_code": ReturnReason.WRONG_DUTY, "reason": "r", "basis": "b", "suggested": None},
        "ask_extension": {"working_days": draw(st.integers(1, 10)), "reason": "r"},
        "ask_promise": {"until": at + timedelta(days=draw(st.integers(1, 90))), "measures": "m"},
        "ask_termination": {"reason": "r", "basis": "b"},
        "decide": {"approve": draw(st.booleans()), "answer": "so"},
        "ask_pause": {
            "pause_code": draw(st.sampled_from(PauseReason)),
            "working_days": draw(st.integers(1, 15)),
            "reason": "r",
        },
        "resume": {"reason": "the papers are here"},
        "inform": {"how": "called at noon"},
        "supervise": {"rung": draw(st.sampled_from(sorted(set(Rung) - {Rung.TRANSFERRED}))), "demand": "report"},
        "answer_order": {"answer": "done"},
        "return_order": {"reason": "empty"},
        "transfer": {
            "body": draw(st.sampled_from(Body)),
            "ground": draw(st.sampled_from(TransferGround)),
            "reason": "does not correct itself",
        },
        "claim_exemption": {"ground": draw(st.sampled_from(ExemptionGround)), "reason": "acted in good faith"},
        "decide_exemption": {"approve": draw(st.booleans()), "answer": "so"},
        "recount": {"calendar": "calendar-2", "source": "a notice"},
        "send_back": {"reason": "empty"},
        "visit": {"contact": draw(st.sampled_from(Contact)), "redo": draw(st.booleans())},
        "rate": {"level": draw(st.sampled_from(Satisfaction))},
        "reopen": {"reason": "new facts"},
    }.get(action, {})
    kind = do.ACTIONS[action]
    return kind(**data, **({kind.subject: number} if kind.subject else {}))


def _walk(draw: Any) -> Iterator[Decided]:
    ticket, at = a_ticket(), NOON
    yield keep_clocks(receive(replace(ticket, clocks=()), AGENT), RULEBOOK)
    for _ in range(draw(st.integers(1, 25))):
        at += timedelta(minutes=draw(st.integers(0, 6000)))
        actor = draw(st.sampled_from((*EVERYBODY, MACHINE)))
        offers = allowed_actions(ticket, actor)
        if not offers:
            continue
        offer = draw(st.sampled_from(offers))
        action = _data_for(ticket, offer.action, offer.number, draw)
        try:
            decided = keep_clocks(step(ticket, action, actor, at=at, rulebook=RULEBOOK), RULEBOOK)
        except RuleBroken:
            continue
        ticket = decided.after
        yield decided


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_random_walks_keep_every_law(data: st.DataObject) -> None:
    events: list[dict[str, Any]] = []
    last = None
    for decided in _walk(data.draw):
        last = decided.after
        events.append(orjson.loads(orjson.dumps(changes(decided))))
        _hold_the_laws(last)

    assert last is not None
    assert replay(events) == last


@given(st.data())
@settings(max_examples=100, deadline=None)
def test_nobody_is_late_the_moment_a_duty_begins(data: st.DataObject) -> None:
    for decided in _walk(data.draw):
        known = {clock.number for clock in decided.before.clocks} if decided.before else set()
        for clock in decided.after.clocks:
            if clock.number not in known and clock.kind is not ClockKind.PROMISE:
                assert clock.due_at > decided.at, clock


def _hold_the_laws(ticket: Ticket) -> None:
    duties = [clock for clock in ticket.running() if clock.kind.is_duty]
    offered = {offer.action for actor in EVERYBODY for offer in allowed_actions(ticket, actor)}
    if ticket.is_closed:
        assert not list(ticket.running()), "a closed ticket has a running clock"
        assert ticket.outcome is not None
        assert not any(one.is_open for one in ticket.assignments)
    else:
        assert duties, f"nobody owes anything on a ticket in {ticket.state}"
        assert offered - {"supplement", "withdraw", "amend"}, f"no way out of {ticket.state}"
    for clock in ticket.clocks:
        assert card(ticket, clock, RULEBOOK.calendar, at=ticket.entered_at).agrees, f"no card explains {clock}"
    leads = [one for one in ticket.assignments if one.duty is Duty.LEAD and one.parent is None and one.is_live]
    assert len(leads) <= 1, "two leads"
    assert len({(clock.kind, clock.subject) for clock in ticket.running()}) == len(list(ticket.running()))
    if ticket.state in {TicketState.REVIEW, TicketState.FOLLOW_UP}:
        assert not any(one.is_open for one in ticket.assignments), "the closing gate was passed"


@given(st.data())
@settings(max_examples=40, deadline=None)
def test_what_is_not_offered_is_not_accepted(data: st.DataObject) -> None:
    for decided in list(_walk(data.draw))[-1:]:
        ticket = decided.after
        actor = data.draw(st.sampled_from(EVERYBODY))
        offered = {(offer.action, offer.number) for offer in allowed_actions(ticket, actor)}
        for name in do.ACTIONS:
            number = data.draw(st.integers(1, 3)) if do.ACTIONS[name].subject else 0
            if (name, number) in offered:
                continue
            with pytest.raises(DispatchError):
                step(ticket, _data_for(ticket, name, number, data.draw), actor, at=NOON, rulebook=RULEBOOK)
