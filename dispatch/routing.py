"""Where a ticket should go: intake, suggestions, catalogue and experience give a dispatch, or a question to a person.

The catalogue 派单目录 is the rule; experience only ranks candidates where the catalogue is silent. The machine
sends alone only when it is sure, the unit is single and the matter is neither sensitive nor confidential. Every
answer carries its trace, so that 'why was this sent there' has an answer years later.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from dispatch.model import Level, Ticket
from dispatch.rulebook import ALL_AREAS, ASK_A_PERSON, COUNTY, HOTLINE, CatalogueRow, Rulebook

CANDIDATES_MOST = 3
NO_EXPERIENCE: Mapping[str, float] = {}


@dataclass(frozen=True, slots=True)
class Suggested:
    """One category that the model thinks of, with its calibrated probability."""

    category: str
    probability: float


@dataclass(frozen=True, slots=True)
class Question:
    """What routing needs to know. `confirmed`: a person fixed the category, so no suggestion is weighed.

    `experience`: share of accepted among all sent, by department, for this kind of matter and place.
    """

    ticket: Ticket
    confirmed: bool
    suggestions: tuple[Suggested, ...] = ()
    model_version: str = ""
    experience: Mapping[str, float] = field(default_factory=lambda: NO_EXPERIENCE)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A department that might own the matter, and why."""

    department: str
    category: str
    probability: float
    why: str


@dataclass(frozen=True, slots=True)
class Trace:
    """Why the answer is what it is: kept on the ticket."""

    category: str | None
    probability: float
    row: str
    basis: str
    rulebook: str
    model: str
    reason: str


@dataclass(frozen=True, slots=True)
class Send:
    """Dispatch at once: the lead, the co-handlers, and the units that get a copy."""

    lead: str
    co: tuple[str, ...]
    copies: tuple[str, ...]
    category: str
    trace: Trace


@dataclass(frozen=True, slots=True)
class AskHuman:
    """A person must decide; the best candidates first."""

    candidates: tuple[Candidate, ...]
    trace: Trace


def route(question: Question, rulebook: Rulebook) -> Send | AskHuman:
    """Return where the ticket goes, or whom a person may choose from. Never names a unit that returned it."""
    best = _best(question)
    row = matching_row(rulebook, best.category, question.ticket.area, question.ticket.owner) if best else None
    lead = _lead(row, question.ticket, rulebook) if row else None
    reason = _why_not(question, best, row, lead, rulebook)
    trace = Trace(
        category=best.category if best else None,
        probability=best.probability if best else 0.0,
        row=f"{row.category}/{row.area or '*'}/{row.owner or '*'}" if row else "",
        basis=row.basis if row else "",
        rulebook=rulebook.version,
        model="" if question.confirmed else question.model_version,
        reason=reason,
    )
    if reason or lead is None or best is None or row is None:
        return AskHuman(_candidates(question, rulebook), trace)
    co = tuple(_co_handlers(row, lead, best.category, question.ticket, rulebook))
    return Send(lead, co, tuple(copies(lead, rulebook)), best.category, trace)


def _co_handlers(row: CatalogueRow, lead: str, category: str, ticket: Ticket, rulebook: Rulebook) -> Iterator[str]:
    """The row's co-handlers that `lifecycle.step` would accept, each once."""
    barred = {lead, *ticket.returned_by, ticket.reported}
    for code in dict.fromkeys(_unit(one, ticket, rulebook) for one in row.co):
        if code and code not in barred and not _is_downshift(code, category, rulebook):
            yield code


def _best(question: Question) -> Suggested | None:
    if question.confirmed and question.ticket.category:
        return Suggested(question.ticket.category, 1.0)
    return question.suggestions[0] if question.suggestions else None


def matching_row(rulebook: Rulebook, category: str, area: str | None, owner: str) -> CatalogueRow | None:
    """Return the most exact catalogue row for a matter: category before area before owner."""
    areas = {wider.code for wider in rulebook.wider(area)} | {""}
    owners = {owner, ""}
    for length in (6, 4, 2):
        rows = rulebook.rows_by_category.get(category[:length], ()) if len(category) >= length else ()
        fitting = [row for row in rows if row.area in areas and row.owner in owners]
        if fitting:
            return max(fitting, key=lambda row: row.exactness)
    return None


def _lead(row: CatalogueRow, ticket: Ticket, rulebook: Rulebook) -> str | None:
    return _unit(row.lead, ticket, rulebook)


def _unit(code: str, ticket: Ticket, rulebook: Rulebook) -> str | None:
    if code == COUNTY:
        county = rulebook.county_of(ticket.area)
        return county.code if county else None
    unit = rulebook.departments.get(code)
    return code if unit and unit.level is not Level.HOTLINE else None


def _why_not(
    question: Question, best: Suggested | None, row: CatalogueRow | None, lead: str | None, rulebook: Rulebook
) -> str:
    """The first reason why the machine may not send alone; empty when it may. In plain Chinese, for the dispatcher."""
    ticket = question.ticket
    if best is None:
        return "没有可用的分类建议"
    reasons = (
        (ticket.hides_caller, "保密或举报事项，须人工派单"),
        (ticket.sensitive or rulebook.is_sensitive(best.category), "敏感事项，须人工派单"),
        (
            best.probability < rulebook.policy.auto_dispatch_probability,
            f"分类把握不足（{best.probability:.0%}）",
        ),
        (row is None, "派单目录没有此类事项"),
        (row is not None and row.lead == ASK_A_PERSON, f"派单目录要求人工判断：{row.basis if row else ''}"),
        (row is not None and row.lead == HOTLINE, "应由热线直接答复"),
        (row is not None and row.lead == COUNTY and lead is None, "未填写区县，无法确定属地"),
        (lead is None, "派单目录中的单位不存在"),
        (lead in ticket.returned_by, "目录中的单位已退过此单"),
        (lead is not None and lead == ticket.reported, "不得派给被举报单位"),
        (_is_downshift(lead, best.category, rulebook), "职能部门事项不得直接派镇街"),
    )
    return next((reason for holds, reason in reasons if holds), "")


def _is_downshift(lead: str | None, category: str, rulebook: Rulebook) -> bool:
    unit = rulebook.departments.get(lead or "")
    return unit is not None and unit.level is Level.TOWN and rulebook.is_departmental(category)


def copies(lead: str, rulebook: Rulebook) -> Iterator[str]:
    """A ticket that goes straight to a town is copied to its county (Beijing regulation Art. 12)."""
    unit = rulebook.departments[lead]
    if unit.level is Level.TOWN and unit.parent:
        yield unit.parent


def _candidates(question: Question, rulebook: Rulebook) -> tuple[Candidate, ...]:
    ticket = question.ticket
    barred = {*ticket.returned_by, ticket.reported}
    found: dict[str, Candidate] = {}
    thoughts = question.suggestions
    if question.confirmed and ticket.category:
        thoughts = (Suggested(ticket.category, 1.0), *thoughts)
    for thought in thoughts:
        for code, why in _owners(thought.category, ticket, rulebook):
            if code not in barred and code not in found:
                found[code] = Candidate(code, thought.category, thought.probability, why)
    for code, share in sorted(question.experience.items(), key=lambda item: -item[1]):
        if code not in barred and code not in found and _unit(code, ticket, rulebook):
            found[code] = Candidate(code, ticket.category or "", share, f"以往同类事项签收率 {share:.0%}")
    county = rulebook.county_of(ticket.area) if ticket.area not in (None, ALL_AREAS) else None
    if county and county.code not in barred and county.code not in found:
        found[county.code] = Candidate(county.code, ticket.category or "", 0.0, "属地管理")
    return tuple(found.values())[:CANDIDATES_MOST]


def _owners(category: str, ticket: Ticket, rulebook: Rulebook) -> Iterator[tuple[str, str]]:
    row = matching_row(rulebook, category, ticket.area, ticket.owner)
    if row is None:
        return
    name = rulebook.categories[category].name if category in rulebook.categories else category
    for code in (row.lead, *row.co):
        unit = _unit(code, ticket, rulebook)
        if unit:
            yield unit, f"派单目录：{name}（{row.basis}）"
