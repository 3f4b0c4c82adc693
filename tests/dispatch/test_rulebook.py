"""What a city may publish: each kind of fault is named, and the most exact allowance rules."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from dispatch.model import ClockKind, Level, TicketType, Urgency
from dispatch.rulebook import (
    DEFAULT_ALLOWANCES,
    AllowanceRule,
    Area,
    CatalogueRow,
    Category,
    Closed,
    Department,
    Rulebook,
    inherited,
    parted,
    problems,
    successor_of,
)
from dispatch.worktime import Allowance
from hotline import office
from hotline.calendar_seed import default_calendar


def allowance(kind: ClockKind, text: str, **selector: Any) -> AllowanceRule:
    return AllowanceRule(kind=kind, allowance=Allowance.parse(text), basis=text, **selector)


HEALTHY = Rulebook(
    version="test",
    calendar=default_calendar(),
    areas={"00": Area("00", "city", None), "01": Area("01", "county", "00"), "0101": Area("0101", "town", "01")},
    departments={
        unit.code: unit
        for unit in (
            Department("hotline", "hotline", Level.HOTLINE, None, "00"),
            Department("roads", "roads", Level.CITY, None, "00"),
            Department("county", "county", Level.COUNTY, None, "01"),
            Department("town", "town", Level.TOWN, "county", "0101"),
        )
    },
    categories={
        "05": Category("05", "works", sensitive=True),
        "0509": Category("0509", "roads", departmental=True, statutory=Allowance.parse("20wd"), basis="law A"),
        "050901": Category("050901", "surface", statutory=Allowance.parse("30wd"), basis="law B"),
        "050902": Category("050902", "lamps"),
        "060101": Category("060101", "noise"),
    },
    catalogue=(
        CatalogueRow("05", "", "", "roads", ("@county",), "b"),
        CatalogueRow("050902", "01", "", "county", ("town",), "b"),
        CatalogueRow("060101", "", "", "?", (), "b"),
    ),
)


def row(category: str = "05", area: str = "", owner: str = "", lead: str = "roads", *co: str) -> CatalogueRow:
    return CatalogueRow(category, area, owner, lead, co, "b")


def with_row(*rows: CatalogueRow) -> Rulebook:
    return replace(HEALTHY, catalogue=(*HEALTHY.catalogue, *rows))


def with_unit(unit: Department) -> Rulebook:
    return replace(HEALTHY, departments={**HEALTHY.departments, unit.code: unit})


def without(kind: ClockKind) -> Rulebook:
    return replace(HEALTHY, allowances=tuple(rule for rule in DEFAULT_ALLOWANCES if rule.kind is not kind))


# --- problems -----------------------------------------------------------------------------------------------------


def test_a_healthy_rulebook_and_the_shipped_city_have_no_problems() -> None:
    city = office.demonstration_city()
    shipped = Rulebook(
        version="shipped",
        calendar=default_calendar(),
        areas={one["code"]: Area(one["code"], one["name"], one["parent"] or None) for one in city.areas},
        departments={
            one["code"]: Department(
                one["code"], one["name"], Level.of(one["level"]), one["parent"] or None, one["area"]
            )
            for one in city.departments
        },
        categories={one["code"]: Category(one["code"], one["name"]) for one in city.categories},
        catalogue=tuple(CatalogueRow(**{**one, "co": tuple(one["co"])}) for one in city.parts["catalogue"]),
    )

    assert problems(HEALTHY) == ()
    assert problems(shipped) == ()


@pytest.mark.parametrize(
    ("sick", "said"),
    [
        (with_row(row("0509", lead="ghost")), "catalogue 0509: no department ghost"),
        (with_row(row("0509", "", "", "roads", "ghost")), "catalogue 0509: no department ghost"),  # as co-handler
        (with_row(row("0777")), "catalogue 0777: no such category"),
        (with_row(row("0509", "99")), "catalogue 0509: no area 99"),
        (
            with_row(row("050901", "0101", "", "town")),
            "catalogue 050901: a department's duty may not be given to town town",
        ),
        (with_row(row("0509", "", "", "roads", "?")), "catalogue 0509: ? cannot be a co-handler"),
        (with_row(row("0509", "", "", "roads", "hotline")), "catalogue 0509: hotline cannot be a co-handler"),
        (with_row(row("05")), "catalogue 05, area any, owner any: two rows"),
        (with_row(row("050902", "01")), "catalogue 050902, area 01, owner any: two rows"),
        (
            replace(HEALTHY, categories={**HEALTHY.categories, "070101": Category("070101", "new")}),
            "catalogue: nobody is responsible for category 070101",
        ),
        (
            replace(HEALTHY, catalogue=tuple(one for one in HEALTHY.catalogue if one.category != "05")),
            "catalogue: nobody is responsible for category 050902",  # only in one county is no answer for the others
        ),
        (without(ClockKind.SIGN), "allowances: no general rule for sign"),
        (
            replace(without(ClockKind.SIGN), allowances=(allowance(ClockKind.SIGN, "1wd", urgency=Urgency.URGENT),)),
            "allowances: no general rule for sign",  # a rule for the urgent only
        ),
        (
            with_unit(Department("lost", "lost", Level.TOWN, "ghost", "01")),
            "department lost: its superior ghost does not exist",
        ),
        (with_unit(Department("lost", "lost", Level.CITY, None, "99")), "department lost: no area 99"),
    ],
)
def test_each_kind_of_fault_is_named(sick: Rulebook, said: str) -> None:
    assert said in problems(sick)


def test_a_ring_of_superiors_or_areas_is_a_problem() -> None:
    """Whoever walks up a ring never arrives: the service would hang on the first ticket."""
    units = with_unit(Department("roads", "roads", Level.CITY, "roads", "00"))
    areas = replace(HEALTHY, areas={**HEALTHY.areas, "00": Area("00", "city", "01")})
    lost = replace(HEALTHY, areas={**HEALTHY.areas, "0199": Area("0199", "lost", "98")})

    assert "department roads: it stands above itself" in problems(units)
    assert "area 00: it contains itself" in problems(areas)
    assert "area 0199: the area 98 that contains it does not exist" in problems(lost)


def test_two_governments_of_one_county_are_a_problem() -> None:
    second = with_unit(Department("other", "other", Level.COUNTY, None, "01"))

    assert "area 01: two county governments, county and other" in problems(second)


# --- what is closed -----------------------------------------------------------------------------------------------

DAY = date(2026, 11, 23)


def closing(rulebook: Rulebook, kind: str, code: str, successor: str = "") -> Rulebook:
    """The rulebook with one area, department or category closed."""
    kept = dict(getattr(rulebook, kind))
    gone = replace(kept.pop(code), closed_from=DAY, successor=successor)
    closed = replace(rulebook.closed, **{kind: {**getattr(rulebook.closed, kind), code: gone}})
    catalogue = inherited(rulebook.catalogue, closed)
    rest: dict[str, Any] = {kind: kept}
    return replace(rulebook, closed=closed, catalogue=catalogue, **rest)


@pytest.mark.parametrize(
    ("kind", "code", "successor", "said"),
    [
        ("departments", "hotline", "roads", "departments: the hotline itself cannot be closed"),
        ("areas", "00", "", "areas: the city itself cannot be closed"),
        ("departments", "county", "roads", "department town: its superior county is closed"),
        ("areas", "01", "", "area 0101: the area 01 that contains it is closed"),
        ("areas", "01", "", "department county: its area 01 is closed"),
        ("categories", "05", "0601", "category 050902: its broader kind 05 is closed"),
        ("departments", "town", "ghost", "department town: its successor ghost is not in use"),
        (
            "departments",
            "roads",
            "",
            "department roads: closed without a successor, but named by 1 rows of the catalogue",
        ),
        ("areas", "01", "", "area 01: closed without a successor, but named by 1 rows of the catalogue"),
    ],
)
def test_whatever_a_closing_would_break_is_named(kind: str, code: str, successor: str, said: str) -> None:
    assert said in problems(closing(HEALTHY, kind, code, successor))


def test_a_successor_stands_in_the_catalogue_and_nothing_is_missing() -> None:
    closed = closing(HEALTHY, "departments", "town", "roads")

    assert problems(closed) == ()
    assert [one.co for one in closed.catalogue if one.area == "01"] == [("roads",)]
    assert "town" not in closed.departments
    assert closed.is_below("town", "county")


def test_what_an_area_says_of_itself_goes_before_what_it_inherits() -> None:
    closed = Closed(areas={"01": Area("01", "county", "00", DAY, "02")})
    rows = (row("05", "01", "", "roads"), row("05", "02", "", "county"), row("0601", "01", "", "roads"))

    assert [(one.category, one.area, one.lead) for one in inherited(rows, closed)] == [
        ("05", "02", "county"),
        ("0601", "02", "roads"),
    ]


def test_a_closed_kind_still_says_how_long_and_how_delicate_its_tickets_are() -> None:
    closed = closing(HEALTHY, "categories", "050901", "050902")
    before, after = (
        book.allowance(ClockKind.REPLY, TicketType.COMPLAINT, Urgency.NORMAL, "050901") for book in (HEALTHY, closed)
    )

    assert before == after
    assert closed.is_sensitive("050901")
    assert closed.is_departmental("050901")
    assert "050901" not in closed.categories


def test_a_code_is_closed_from_the_beginning_of_its_day() -> None:
    area = Area("01", "county", "00", DAY)

    assert [list(side) for side in parted([area], date(2026, 11, 22))] == [["01"], []]
    assert [list(side) for side in parted([area], DAY)] == [[], ["01"]]


@pytest.mark.parametrize(
    ("successors", "stands"),
    [
        ({}, "a"),  # open
        ({"a": ""}, "a"),  # nobody
        ({"a": "b"}, "b"),
        ({"a": "b", "b": "c"}, "c"),  # who took over was closed later
        ({"a": "b", "b": "a"}, "a"),  # a ring ends
    ],
)
def test_the_last_successor_stands_for_a_code(successors: dict[str, str], stands: str) -> None:
    closed = {code: Area(code, code, None, DAY, heir) for code, heir in successors.items()}

    assert successor_of("a", closed) == stands


# --- allowances -----------------------------------------------------------------------------------------------------

RULES = (
    allowance(ClockKind.REPLY, "5wd"),
    allowance(ClockKind.REPLY, "2wd", type=TicketType.CONSULT),
    allowance(ClockKind.REPLY, "24h", urgency=Urgency.URGENT),
    allowance(ClockKind.REPLY, "12h", urgency=Urgency.URGENT, type=TicketType.COMPLAINT),
    allowance(ClockKind.REPLY, "7wd", category="06"),
    allowance(ClockKind.REPLY, "6wd", category="0601"),
    allowance(ClockKind.SIGN, "1wd"),
)


@pytest.mark.parametrize(
    ("type_", "urgency", "category", "given"),
    [
        (TicketType.HELP, Urgency.NORMAL, None, "5wd"),  # nothing fits but the general rule
        (TicketType.CONSULT, Urgency.NORMAL, None, "2wd"),
        (TicketType.CONSULT, Urgency.URGENT, None, "24h"),  # urgency before type
        (TicketType.COMPLAINT, Urgency.URGENT, None, "12h"),  # both fit: the more exact
        (TicketType.HELP, Urgency.NORMAL, "069901", "7wd"),
        (TicketType.HELP, Urgency.NORMAL, "060101", "6wd"),  # the longer category
        (TicketType.CONSULT, Urgency.NORMAL, "060101", "6wd"),  # category before type
        (TicketType.CONSULT, Urgency.NORMAL, "0", "2wd"),  # a prefix fits its own, not what is broader
    ],
)
def test_the_most_exact_allowance_rules(type_: TicketType, urgency: Urgency, category: str | None, given: str) -> None:
    rulebook = replace(HEALTHY, allowances=RULES)

    assert rulebook.allowance(ClockKind.REPLY, type_, urgency, category).basis == given
    assert rulebook.allowance(ClockKind.SIGN, type_, urgency, category).basis == "1wd"


def test_a_duty_without_any_rule_is_said() -> None:
    rulebook = replace(HEALTHY, allowances=RULES)

    with pytest.raises(LookupError, match="no allowance for review of help, normal, category -"):
        rulebook.allowance(ClockKind.REVIEW, TicketType.HELP, Urgency.NORMAL, None)


@pytest.mark.parametrize(
    ("kind", "type_", "urgency", "category", "basis"),
    [
        (ClockKind.REPLY, TicketType.COMPLAINT, Urgency.NORMAL, "050901", "法定时限：law B"),
        (ClockKind.REPLY, TicketType.REPORT, Urgency.NORMAL, "050901", "法定时限：law B"),
        (ClockKind.REPLY, TicketType.COMPLAINT, Urgency.NORMAL, "050902", "法定时限：law A"),  # the broader kind's
        (ClockKind.REPLY, TicketType.COMPLAINT, Urgency.NORMAL, "060101", "投诉十个工作日"),  # no legal period
        (ClockKind.REPLY, TicketType.CONSULT, Urgency.NORMAL, "050901", "咨询二个工作日"),  # an enquiry is no case
        (ClockKind.REPLY, TicketType.COMPLAINT, Urgency.URGENT, "050901", "紧急事项二十四小时"),
        (ClockKind.REPLY, TicketType.REPORT, Urgency.CRITICAL, "050901", "危及生命财产二小时反馈"),
        (ClockKind.SIGN, TicketType.COMPLAINT, Urgency.NORMAL, "050901", "默认时限（各地实践）"),  # replies only
        (ClockKind.CO_REPLY, TicketType.COMPLAINT, Urgency.NORMAL, "050901", "协办在主办时限之内答复"),
    ],
)
def test_a_legal_period_binds_only_replies_to_complaints_and_reports_that_are_not_urgent(
    kind: ClockKind, type_: TicketType, urgency: Urgency, category: str, basis: str
) -> None:
    assert HEALTHY.allowance(kind, type_, urgency, category).basis == basis


# --- the trees ------------------------------------------------------------------------------------------------------


def test_what_holds_for_a_kind_holds_for_what_is_below_it() -> None:
    assert HEALTHY.is_departmental("050902")
    assert not HEALTHY.is_departmental("05")
    assert HEALTHY.is_sensitive("050901")
    assert not HEALTHY.is_sensitive("060101")
    assert not HEALTHY.is_sensitive(None)


@pytest.mark.parametrize(
    ("area", "county"),
    [("01", "county"), ("0101", "county"), ("00", None), (None, None), ("77", None)],
)
def test_an_area_belongs_to_the_county_that_contains_it(area: str | None, county: str | None) -> None:
    found = HEALTHY.county_of(area)

    assert (found.code if found else None) == county


def test_below_means_anywhere_below_and_never_oneself() -> None:
    assert HEALTHY.is_below("town", "county")
    assert not HEALTHY.is_below("county", "town")
    assert not HEALTHY.is_below("county", "county")
