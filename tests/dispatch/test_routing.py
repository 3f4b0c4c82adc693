"""Where a ticket goes: the catalogue rules, the machine is modest, and nobody gets back what they returned."""

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatch import actions as do
from dispatch.deadlines import keep_clocks
from dispatch.lifecycle import receive, step
from dispatch.model import (
    MACHINE,
    Caller,
    Decision,
    Level,
    Request,
    RequestKind,
    Ticket,
    TicketState,
    TicketType,
    Urgency,
)
from dispatch.routing import (
    AskHuman,
    Count,
    Doubt,
    Experience,
    Question,
    Send,
    Suggested,
    experience,
    matching_row,
    route,
)
from dispatch.rulebook import Area, CatalogueRow, Category, Closed, Department, Policy, Rulebook
from hotline.calendar_seed import default_calendar

NOON = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)

RULEBOOK = Rulebook(
    version="rules-7",
    calendar=default_calendar(),
    areas={
        code: Area(code, code, parent)
        for code, parent in (("00", None), ("01", "00"), ("0101", "01"), ("0102", "01"), ("02", "00"))
    },
    departments={
        unit.code: unit
        for unit in (
            Department("hotline", "hotline", Level.HOTLINE, None, "00"),
            Department("roads", "roads", Level.CITY, None, "00"),
            Department("city", "city", Level.CITY, None, "00"),
            Department("schools", "schools", Level.CITY, None, "00"),
            Department("county", "county", Level.COUNTY, None, "01"),
            Department("town", "town", Level.TOWN, "county", "0101"),
        )
    },
    categories={
        "05": Category("05", "works"),
        "0509": Category("0509", "roads"),
        "050901": Category("050901", "surface"),
        "050902": Category("050902", "lamps"),
        "050903": Category("050903", "noise"),
        "050904": Category("050904", "praise"),
        "050905": Category("050905", "stairs"),
        "050906": Category("050906", "ghost"),
        "010203": Category("010203", "exams", departmental=True),
        "130200": Category("130200", "discipline", sensitive=True),
    },
    catalogue=(
        CatalogueRow("05", "", "", "city", (), "works at large"),
        CatalogueRow("0509", "", "", "roads", (), "road law"),
        CatalogueRow("050902", "", "", "city", ("@county", "roads", "city", "hotline", "nobody"), "lamps"),
        CatalogueRow("050902", "01", "", "county", (), "lamps in the county"),
        CatalogueRow("050902", "0101", "", "town", (), "lamps in the town"),
        CatalogueRow("050902", "", "estate", "@county", (), "lamps of an estate"),
        CatalogueRow("050903", "", "", "?", ("city", "roads"), "see where it comes from"),
        CatalogueRow("050904", "", "", "hotline", (), "we answer"),
        CatalogueRow("050905", "", "", "@county", ("city",), "on the ground"),
        CatalogueRow("050906", "", "", "abolished", (), "a unit that is gone"),
        CatalogueRow("0102", "", "", "schools", ("town",), "education law"),
        CatalogueRow("010203", "0102", "", "town", (), "a row that pushes a department's duty down"),
        CatalogueRow("13", "", "", "city", (), "discipline"),
    ),
)


def a_ticket(**fields: Any) -> Ticket:
    known: dict[str, Any] = {
        "id": 261123100000000001,
        "version": 1,
        "state": TicketState.RECEIVED,
        "type": TicketType.COMPLAINT,
        "urgency": Urgency.NORMAL,
        "received_at": NOON,
        "entered_at": NOON,
        "category": "050901",
        "area": "0101",
        "callers": (Caller(number=1),),
    }
    return Ticket(**(known | fields))


def confirmed(**fields: Any) -> Send | AskHuman:
    return route(Question(a_ticket(**fields), confirmed=True), RULEBOOK)


def guessed(category: str, probability: float, **fields: Any) -> Send | AskHuman:
    asked = Question(a_ticket(category=None, **fields), False, (Suggested(category, probability),), "model-3")  # noqa: FBT003 (not confirmed)
    return route(asked, RULEBOOK)


# --- kinds that were closed since the model was trained -----------------------------------------------------------


def test_a_kind_that_was_closed_is_taken_for_its_successor() -> None:
    lamps = replace(RULEBOOK.categories["050902"], closed_from=date(2026, 1, 1), successor="050901")
    kept = {code: one for code, one in RULEBOOK.categories.items() if code != "050902"}
    rulebook = replace(RULEBOOK, categories=kept, closed=Closed(categories={"050902": lamps}))
    thoughts = (Suggested("050902", 0.6), Suggested("050901", 0.38))
    question = Question(a_ticket(category=None), confirmed=False, suggestions=thoughts, model_version="model-3")

    sent = route(question, rulebook)

    assert isinstance(sent, Send)
    assert (sent.category, sent.lead, sent.trace.probability) == ("050901", "roads", 0.98)


def test_a_kind_that_was_closed_for_nothing_is_not_thought_of() -> None:
    lamps = replace(RULEBOOK.categories["050902"], closed_from=date(2026, 1, 1))
    kept = {code: one for code, one in RULEBOOK.categories.items() if code != "050902"}
    rulebook = replace(RULEBOOK, categories=kept, closed=Closed(categories={"050902": lamps}))
    question = Question(a_ticket(category=None), confirmed=False, suggestions=(Suggested("050902", 0.99),))

    asked = route(question, rulebook)

    assert isinstance(asked, AskHuman)
    assert asked.trace.reason == "no_category"


def test_a_kind_that_the_city_does_not_have_is_not_thought_of() -> None:
    """A model of the shipped corpus knows kinds that a city with a list of its own never had."""
    thoughts = (Suggested("050999", 0.6), Suggested("050901", 0.38))

    asked = route(Question(a_ticket(category=None), confirmed=False, suggestions=thoughts), RULEBOOK)

    assert (asked.trace.category, asked.trace.probability) == ("050901", 0.38)


# --- the catalogue ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("category", "area", "owner", "basis"),
    [
        ("050901", "0101", "", "road law"),  # four digits stand for all below them
        ("050999", "0101", "", "road law"),  # also for a leaf without a row of its own
        ("051000", "0101", "", "works at large"),  # two digits where there is nothing nearer
        ("050902", "02", "", "lamps"),  # no row of this county
        ("050902", "0102", "", "lamps in the county"),  # the wider area's row
        ("050902", "0101", "", "lamps in the town"),  # the nearer area before the wider
        ("050902", "02", "estate", "lamps of an estate"),  # the owner before none
        ("050902", "0101", "estate", "lamps in the town"),  # the area before the owner
        ("050902", None, "", "lamps"),  # no area known
        ("050902", "77", "", "lamps"),  # an area that nobody knows
        ("05", "0101", "", "works at large"),  # a category of two digits
    ],
)
def test_the_most_exact_row_rules(category: str, area: str | None, owner: str, basis: str) -> None:
    row = matching_row(RULEBOOK, category, area, owner)

    assert row is not None
    assert row.basis == basis


def test_the_nearer_area_rules_however_long_its_code_is() -> None:
    """A city's codes of areas need not be longer the smaller the area is."""
    areas = {
        code: Area(code, code, parent) for code, parent in (("00", None), ("county-east", "00"), ("e1", "county-east"))
    }
    rows = (
        CatalogueRow("05", "county-east", "", "county", (), "in the county"),
        CatalogueRow("05", "e1", "", "town", (), "in the town"),
    )
    rulebook = replace(RULEBOOK, areas=areas, catalogue=rows)

    row = matching_row(rulebook, "050901", "e1", "")

    assert row is not None
    assert row.basis == "in the town"


@pytest.mark.parametrize("category", ["990101", "99", "9", ""])
def test_where_the_catalogue_is_silent_there_is_no_row(category: str) -> None:
    assert matching_row(RULEBOOK, category, "0101", "") is None


# --- sent at once ---------------------------------------------------------------------------------------------------


def test_a_confirmed_category_goes_where_the_catalogue_says() -> None:
    answer = confirmed(category="050901")

    assert isinstance(answer, Send)
    assert (answer.lead, answer.co, answer.copies, answer.category) == ("roads", (), (), "050901")


def test_the_county_is_the_one_of_the_tickets_area() -> None:
    answer = confirmed(category="050905", area="0102")

    assert isinstance(answer, Send)
    assert (answer.lead, answer.co) == ("county", ("city",))


def test_co_handlers_are_known_units_other_than_the_lead_each_once() -> None:
    answer = confirmed(category="050902", area="02")

    assert isinstance(answer, Send)
    assert (answer.lead, answer.co) == ("city", ("roads",))  # 02 has no county government, hotline never handles


def test_a_co_handler_is_neither_the_reported_unit_nor_one_that_returned_it() -> None:
    answer = confirmed(category="050902", area="02", reported="roads")
    assert isinstance(answer, Send)
    assert answer.co == ()

    answer = confirmed(category="050902", area="02", returned_by=("roads",))
    assert isinstance(answer, Send)
    assert answer.co == ()


def test_a_town_is_no_co_handler_of_a_departments_duty() -> None:
    answer = confirmed(category="010203", area="0101")

    assert isinstance(answer, Send)
    assert (answer.lead, answer.co) == ("schools", ())


def test_what_goes_straight_to_a_town_is_copied_to_its_county() -> None:
    answer = confirmed(category="050902", area="0101")

    assert isinstance(answer, Send)
    assert (answer.lead, answer.copies) == ("town", ("county",))


def test_a_sure_suggestion_is_sent_with_the_model_and_the_rule_that_matched() -> None:
    answer = guessed("050902", 0.97, area="0102")

    assert isinstance(answer, Send)
    assert answer.category == "050902"
    trace = answer.trace
    assert (trace.category, trace.probability, trace.row) == ("050902", 0.97, "050902/01/*")
    assert (trace.basis, trace.rulebook, trace.model) == ("lamps in the county", "rules-7", "model-3")
    assert trace.reason == ""


def test_a_person_who_fixed_the_category_leaves_no_model_in_the_trace() -> None:
    asked = Question(a_ticket(), confirmed=True, suggestions=(Suggested("130200", 0.99),), model_version="model-3")

    answer = route(asked, RULEBOOK)

    assert (answer.trace.model, answer.trace.category, answer.trace.probability) == ("", "050901", 1.0)


# --- asked of a person ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"category": "050903"}, "row_asks"),  # '?' in the catalogue
        ({"category": "050904"}, "answered_here"),
        ({"category": "050905", "area": None}, "no_county"),
        ({"category": "050905", "area": "00"}, "no_county"),  # the whole city is no county
        ({"category": "050906"}, "no_unit"),
        ({"category": "990101"}, "no_row"),
        ({"returned_by": ("roads",)}, "returned_it"),
        ({"reported": "roads"}, "is_reported"),
        ({"confidential": True}, "protected"),
        ({"type": TicketType.REPORT}, "protected"),
        ({"sensitive": True}, "sensitive"),
        ({"category": "130200"}, "sensitive"),  # sensitive by its category
        ({"category": "010203", "area": "0102"}, "pushed_down"),
        ({"category": None}, "no_category"),
    ],
)
def test_what_the_machine_may_not_decide_is_asked_of_a_person_with_the_reason(
    fields: dict[str, Any], reason: str
) -> None:
    answer = confirmed(**fields)

    assert isinstance(answer, AskHuman)
    assert answer.trace.reason == reason
    assert answer.trace.rulebook == "rules-7"


@pytest.mark.parametrize(
    ("probability", "is_sent"),
    [(0.9, True), (0.899, False), (0.0, False), (1.0, True)],
)
def test_a_suggestion_is_sent_from_the_citys_threshold_on(probability: float, *, is_sent: bool) -> None:
    assert isinstance(guessed("050901", probability), Send) is is_sent


@pytest.mark.parametrize(
    ("doubted", "confirmed", "reason"),
    [
        ({"01"}, False, Doubt.AREA_DOUBTED),  # the ticket's area lies below it
        ({"02"}, False, ""),
        (set(), False, ""),
        ({"01"}, True, ""),  # a person fixed the category
    ],
)
def test_a_guess_is_not_sent_in_an_area_where_the_models_promise_is_not_kept(
    doubted: set[str], *, confirmed: bool, reason: str
) -> None:
    ticket = a_ticket(area="0101", category="050901" if confirmed else None)
    guesses = (Suggested("050901", 0.99),)

    answer = route(Question(ticket, confirmed, guesses, "model-3", doubted_areas=frozenset(doubted)), RULEBOOK)

    assert answer.trace.reason == reason


def test_the_threshold_is_the_citys_own() -> None:
    bold = replace(RULEBOOK, policy=Policy(auto_dispatch_probability=0.5))

    answer = route(Question(a_ticket(category=None), False, (Suggested("050901", 0.6),)), bold)  # noqa: FBT003 (not confirmed)

    assert isinstance(answer, Send)


def test_candidates_are_owners_then_the_experienced_then_the_county_at_most_three() -> None:
    asked = Question(
        a_ticket(category="050903"),
        confirmed=True,
        experience={"schools": Experience(2, 8), "town": Experience(8, 2), "gone": Experience(9)},
    )

    answer = route(asked, RULEBOOK)

    assert isinstance(answer, AskHuman)
    assert [one.department for one in answer.candidates] == ["city", "roads", "town"]
    assert (answer.candidates[0].why, answer.candidates[0].basis) == ("catalogue", "see where it comes from")
    few = route(
        Question(a_ticket(category="990101"), confirmed=True, experience={"schools": Experience(2, 8)}), RULEBOOK
    )
    assert isinstance(few, AskHuman)
    assert [one.department for one in few.candidates] == ["schools", "county"]


def test_whom_a_returner_named_stands_behind_the_catalogue_and_before_experience_if_the_return_was_approved() -> None:
    asked = Request(
        number=1,
        kind=RequestKind.RETURN,
        assignment=1,
        asked_by="clerk",
        asked_at=NOON,
        reason="not ours",
        suggested="schools",
        decision=Decision.APPROVED,
    )
    refused = replace(asked, number=2, suggested="city", decision=Decision.REJECTED)
    returned = a_ticket(category="050902", area="02", returned_by=("city",), requests=(asked, refused))

    answer = route(Question(returned, confirmed=True, experience={"roads": Experience(9)}), RULEBOOK)

    assert isinstance(answer, AskHuman)
    assert [(one.department, one.why) for one in answer.candidates] == [("roads", "catalogue"), ("schools", "returner")]


def test_where_duties_overlap_the_citys_department_comes_first_whatever_the_experience() -> None:
    rows = (CatalogueRow("05", "", "", "?", ("@county", "roads"), "both have a duty"),)
    asked = Question(a_ticket(), confirmed=True, experience={"county": Experience(95, 1), "roads": Experience(1, 9)})

    answer = route(asked, replace(RULEBOOK, catalogue=rows))

    assert isinstance(answer, AskHuman)
    assert [one.department for one in answer.candidates] == ["roads", "county"]


def test_who_has_no_authority_in_the_place_is_no_candidate_whatever_the_experience() -> None:
    far = Department("far", "far", Level.COUNTY, None, "02")
    rulebook = replace(RULEBOOK, departments={**RULEBOOK.departments, "far": far})
    asked = Question(a_ticket(category="990101"), confirmed=True, experience={"far": Experience(95, 1)})

    here, there, nowhere = (
        route(replace(asked, ticket=replace(asked.ticket, area=area)), rulebook) for area in ("0101", "02", None)
    )

    named = [
        [one.department for one in answer.candidates]
        for answer in (here, there, nowhere)
        if isinstance(answer, AskHuman)
    ]
    assert named == [["county"], ["far"], ["far"]]


def test_whoever_took_the_place_of_a_closed_department_has_its_record() -> None:
    lamps = Department("lamps", "lamps", Level.CITY, None, "00", closed_from=date(2026, 1, 1), successor="roads")
    rulebook = replace(RULEBOOK, closed=Closed(departments={"lamps": lamps}))

    found = experience([Count("0101", "lamps", 6, 8, 2, 0), Count("0102", "roads", 0, 1, 0, 0)], "0101", rulebook)

    assert found == {"roads": Experience(5.0, 1.0, 0.0)}


def test_the_hotline_is_no_candidate_for_handling() -> None:
    asked = Question(a_ticket(category="050904"), confirmed=True, experience={"hotline": Experience(9)})

    answer = route(asked, RULEBOOK)

    assert isinstance(answer, AskHuman)
    assert "hotline" not in {one.department for one in answer.candidates}


# --- laws -----------------------------------------------------------------------------------------------------------

UNITS = tuple(RULEBOOK.departments)
questions = st.builds(
    Question,
    ticket=st.builds(
        a_ticket,
        category=st.sampled_from([None, "990101", *RULEBOOK.categories]),
        area=st.sampled_from([None, "77", *RULEBOOK.areas]),
        owner=st.sampled_from(["", "estate"]),
        type=st.sampled_from(TicketType),
        urgency=st.sampled_from(Urgency),
        confidential=st.booleans(),
        sensitive=st.booleans(),
        reported=st.sampled_from([None, *UNITS]),
        returned_by=st.lists(st.sampled_from(UNITS), unique=True).map(tuple),
    ),
    confirmed=st.booleans(),
    suggestions=st.lists(
        st.builds(Suggested, st.sampled_from(["990101", *RULEBOOK.categories]), st.floats(0, 1)), max_size=3
    ).map(tuple),
    experience=st.dictionaries(st.sampled_from(UNITS), st.builds(Experience, *[st.floats(0, 99)] * 3)),
)


@given(questions)
def test_a_ticket_never_goes_back_to_who_returned_it_nor_to_the_reported_unit(asked: Question) -> None:
    answer = route(asked, RULEBOOK)

    named = {answer.lead, *answer.co} if isinstance(answer, Send) else {one.department for one in answer.candidates}
    assert not named & {*asked.ticket.returned_by, asked.ticket.reported}
    assert isinstance(answer, Send) == (not answer.trace.reason)


@given(questions)
def test_what_routing_sends_the_law_of_the_house_accepts(asked: Question) -> None:
    answer = route(asked, RULEBOOK)
    if not isinstance(answer, Send):
        return

    received = keep_clocks(receive(replace(asked.ticket, category=answer.category), MACHINE), RULEBOOK).after
    sent = step(received, do.Dispatch(lead=answer.lead, co=answer.co), MACHINE, at=NOON, rulebook=RULEBOOK)

    assert sent.after.state is TicketState.HANDLING
