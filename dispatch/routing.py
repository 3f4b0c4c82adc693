"""Where a ticket should go: intake, suggestions, catalogue and experience give a dispatch, or a question to a person.

The catalogue 派单目录 is the rule; experience only ranks candidates where the catalogue is silent. The machine
sends alone only when it is sure, the unit is single and the matter is neither sensitive nor confidential. Every
answer carries its trace, so that 'why was this sent there' has an answer years later.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from itertools import chain

from dispatch.model import Decision, Level, RequestKind, Ticket
from dispatch.rulebook import ALL_AREAS, ASK_A_PERSON, COUNTY, HOTLINE, CatalogueRow, Rulebook, successor_of

CANDIDATES_MOST = 3


class Doubt(StrEnum):
    """Why the machine may not send alone; a person decides."""

    NO_CATEGORY = "no_category"
    PROTECTED = "protected"
    SENSITIVE = "sensitive"
    GUARDED = "guarded"
    UNSURE = "unsure"
    AREA_DOUBTED = "area_doubted"
    NO_ROW = "no_row"
    ROW_ASKS = "row_asks"
    ANSWERED_HERE = "answered_here"
    NO_COUNTY = "no_county"
    NO_UNIT = "no_unit"
    RETURNED_IT = "returned_it"
    IS_REPORTED = "is_reported"
    PUSHED_DOWN = "pushed_down"


class Ground(StrEnum):
    """Why a department might own a matter."""

    CATALOGUE = "catalogue"
    RETURNER = "returner"
    EXPERIENCE = "experience"
    AREA = "area"


@dataclass(frozen=True, slots=True)
class Experience:
    """What became of matters of one kind and place that a department was sent, older ones counting less."""

    kept: float = 0.0
    returned: float = 0.0
    rerouted: float = 0.0

    @property
    def share(self) -> float:
        """The share that the department kept; one lucky matter does not stand before ninety-five of a hundred."""
        return (self.kept + 1) / (self.kept + self.returned + self.rerouted + 2)


NO_EXPERIENCE: Mapping[str, Experience] = {}
HALVES_IN_MONTHS = 6
"""Experience of half a year ago counts half: units are merged, duties move."""
ELSEWHERE = 0.25
"""How much experience from another county counts beside that from the ticket's own."""


@dataclass(frozen=True, slots=True)
class Count:
    """How many matters of one kind from one area a department kept, returned or lost to another, in one month.

    `area` is empty where none was known; `months_ago` is 0 in the running month.
    """

    area: str
    department: str
    months_ago: int
    kept: int
    returned: int
    rerouted: int


def experience(counts: Iterable[Count], area: str | None, rulebook: Rulebook) -> dict[str, Experience]:
    """Return what each department's record is worth for a matter from `area`, by age and by place.

    Whoever took the place of a closed department or area has its record, too.
    """
    closed = rulebook.closed
    county = rulebook.county_of(successor_of(area or "", closed.areas))
    found: dict[str, Experience] = {}
    for count in counts:
        unit = successor_of(count.department, closed.departments)
        near = county is None or rulebook.county_of(successor_of(count.area, closed.areas)) is county
        weight = 0.5 ** (count.months_ago / HALVES_IN_MONTHS) * (1 if near else ELSEWHERE)
        known = found.get(unit, Experience())
        found[unit] = Experience(
            known.kept + weight * count.kept,
            known.returned + weight * count.returned,
            known.rerouted + weight * count.rerouted,
        )
    return found


@dataclass(frozen=True, slots=True)
class Suggested:
    """One category that the model thinks of, with its calibrated probability."""

    category: str
    probability: float


@dataclass(frozen=True, slots=True)
class Question:
    """What routing needs to know. `confirmed`: a person fixed the category, so no suggestion is weighed.

    `experience`: what became of such matters from such places, by department. `doubted_areas`: codes of areas where the
    model's promise was measured not to be kept; all areas whose codes begin with one of them are meant. `is_guarded`:
    what was said speaks of a report or of a secret, whatever the ticket was filed as.
    """

    ticket: Ticket
    confirmed: bool
    suggestions: tuple[Suggested, ...] = ()
    model_version: str = ""
    experience: Mapping[str, Experience] = field(default_factory=lambda: NO_EXPERIENCE)
    doubted_areas: frozenset[str] = frozenset()
    is_guarded: bool = False

    @property
    def is_doubted(self) -> bool:
        """Whether a model's guess is weighed that is not to be believed in this ticket's area."""
        return not self.confirmed and (self.ticket.area or "").startswith(tuple(self.doubted_areas))


@dataclass(frozen=True, slots=True)
class Candidate:
    """A department that might own the matter, and why: by the catalogue's basis, or by the share that it kept."""

    department: str
    category: str
    probability: float
    why: Ground
    basis: str = ""


@dataclass(frozen=True, slots=True)
class Trace:
    """Why the answer is what it is: kept on the ticket. `reason` is empty, or a `Doubt`."""

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
    question = replace(question, suggestions=in_use(question.suggestions, rulebook))
    best = _best(question)
    row = matching_row(rulebook, best.category, question.ticket.area, question.ticket.owner) if best else None
    lead = _lead(row, question.ticket, rulebook) if row else None
    reason = _why_not(question, best, row, lead, rulebook)
    trace = Trace(
        category=best.category if best else None,
        probability=best.probability if best else 0.0,
        row=row.name if row else "",
        basis=row.basis if row else "",
        rulebook=rulebook.version,
        model="" if question.confirmed else question.model_version,
        reason=reason,
    )
    if reason or lead is None or best is None or row is None:
        return AskHuman(candidates(question, rulebook), trace)
    co = tuple(_co_handlers(row, lead, best.category, question.ticket, rulebook))
    return Send(lead, co, tuple(copies(lead, rulebook)), best.category, trace)


def in_use(suggestions: Iterable[Suggested], rulebook: Rulebook) -> tuple[Suggested, ...]:
    """Return the suggestions by the city's own kinds, the likeliest first.

    A model that was trained before a kind was closed still thinks of it: then its successor is meant, if any. What the
    city never had, such as a kind of the shipped corpus, is no suggestion.
    """
    merged: dict[str, float] = {}
    for one in suggestions:
        code = successor_of(one.category, rulebook.closed.categories)
        if code in rulebook.categories:
            merged[code] = merged.get(code, 0.0) + one.probability
    ranked = sorted(merged.items(), key=lambda item: -item[1])
    return tuple(Suggested(code, min(probability, 1.0)) for code, probability in ranked)


def _co_handlers(row: CatalogueRow, lead: str, category: str, ticket: Ticket, rulebook: Rulebook) -> Iterator[str]:
    """The row's co-handlers that `lifecycle.step` would accept, each once."""
    barred = {lead, *ticket.returned_by, ticket.reported}
    for code in dict.fromkeys(_unit(one, ticket, rulebook) for one in row.co):
        if code and code not in barred and not rulebook.is_downshift(code, category):
            yield code


def _best(question: Question) -> Suggested | None:
    if question.confirmed and question.ticket.category:
        return Suggested(question.ticket.category, 1.0)
    return question.suggestions[0] if question.suggestions else None


def matching_row(rulebook: Rulebook, category: str, area: str | None, owner: str) -> CatalogueRow | None:
    """Return the most exact catalogue row for a matter: category before area before owner."""
    asked = category, area, owner
    if asked not in rulebook.matched:
        rulebook.matched[asked] = _most_exact(rulebook, category, area, owner)
    return rulebook.matched[asked]


def _most_exact(rulebook: Rulebook, category: str, area: str | None, owner: str) -> CatalogueRow | None:
    nearness = {wider.code: -steps for steps, wider in enumerate(rulebook.wider(area))} | {
        "": -len(rulebook.every_area)
    }
    owners = {owner, ""}
    for length in (6, 4, 2):
        rows = rulebook.rows_by_category.get(category[:length], ()) if len(category) >= length else ()
        fitting = [row for row in rows if row.area in nearness and row.owner in owners]
        if fitting:
            return max(fitting, key=lambda row: (nearness[row.area], bool(row.owner)))
    return None


@dataclass(frozen=True, slots=True)
class Matter:
    """What the catalogue looks at: a kind, a place, whose it is."""

    category: str
    area: str | None
    owner: str


@dataclass(frozen=True, slots=True)
class Owners:
    """Whose duty a matter is by the catalogue alone; `lead` is empty where a person decides or nobody is named."""

    lead: str
    co: tuple[str, ...]
    row: str


def owners(matter: Matter, rulebook: Rulebook) -> Owners:
    """Return whom the catalogue names for a matter, whatever else might keep the machine from sending it."""
    row = matching_row(rulebook, matter.category, matter.area, matter.owner)
    if row is None:
        return Owners("", (), "")
    lead = _resolved(row.lead, matter.area, rulebook) or ""
    if rulebook.is_downshift(lead, matter.category):
        lead = ""
    co = (_resolved(code, matter.area, rulebook) for code in row.co)
    return Owners(lead, tuple(dict.fromkeys(code for code in co if code and code != lead)), row.name)


def _lead(row: CatalogueRow, ticket: Ticket, rulebook: Rulebook) -> str | None:
    return _unit(row.lead, ticket, rulebook)


def _unit(code: str, ticket: Ticket, rulebook: Rulebook) -> str | None:
    return _resolved(code, ticket.area, rulebook)


def _resolved(code: str, area: str | None, rulebook: Rulebook) -> str | None:
    if code == COUNTY:
        county = rulebook.county_of(area)
        return county.code if county else None
    unit = rulebook.departments.get(code)
    return code if unit and unit.level is not Level.HOTLINE else None


def _why_not(
    question: Question, best: Suggested | None, row: CatalogueRow | None, lead: str | None, rulebook: Rulebook
) -> str:
    """The first reason why the machine may not send alone; empty when it may."""
    ticket = question.ticket
    if best is None:
        return Doubt.NO_CATEGORY
    reasons = (
        (ticket.hides_caller, Doubt.PROTECTED),
        (ticket.sensitive or rulebook.is_sensitive(best.category), Doubt.SENSITIVE),
        (question.is_guarded, Doubt.GUARDED),
        (best.probability < rulebook.policy.auto_dispatch_probability, Doubt.UNSURE),
        (question.is_doubted, Doubt.AREA_DOUBTED),
        (row is None, Doubt.NO_ROW),
        (row is not None and row.lead == ASK_A_PERSON, Doubt.ROW_ASKS),
        (row is not None and row.lead == HOTLINE, Doubt.ANSWERED_HERE),
        (row is not None and row.lead == COUNTY and lead is None, Doubt.NO_COUNTY),
        (lead is None, Doubt.NO_UNIT),
        (lead in ticket.returned_by, Doubt.RETURNED_IT),
        (lead is not None and lead == ticket.reported, Doubt.IS_REPORTED),
        (rulebook.is_downshift(lead, best.category), Doubt.PUSHED_DOWN),
    )
    return next((reason for holds, reason in reasons if holds), "")


def copies(lead: str, rulebook: Rulebook) -> Iterator[str]:
    """A ticket that goes straight to a town is copied to its county (Beijing regulation Art. 12)."""
    unit = rulebook.departments[lead]
    if unit.level is Level.TOWN and unit.parent:
        yield unit.parent


def candidates(question: Question, rulebook: Rulebook) -> tuple[Candidate, ...]:
    """Return owners by the catalogue first, then whom those named who returned the ticket, the experienced, the place.

    None that would be refused.
    """
    ticket = question.ticket
    barred = {*ticket.returned_by, ticket.reported}
    found: dict[str, Candidate] = {}
    for candidate in chain(
        _owners(question, rulebook),
        _named_by_returners(ticket, rulebook),
        _experienced(question, rulebook),
        _of_the_place(ticket, rulebook),
    ):
        if len(found) == CANDIDATES_MOST:
            break
        if candidate.department not in barred:
            found.setdefault(candidate.department, candidate)
    return tuple(found.values())


def _owners(question: Question, rulebook: Rulebook) -> Iterator[Candidate]:
    """Whom the catalogue names for each thought.

    Where it asks a person, the city's departments come before counties and towns: where duties overlap, they lead
    (Weifang Art. 24). Among equals the more experienced come first.
    """
    ticket, thoughts = question.ticket, question.suggestions
    if question.confirmed and ticket.category:
        thoughts = (Suggested(ticket.category, 1.0), *thoughts)
    for thought in thoughts:
        row = matching_row(rulebook, thought.category, ticket.area, ticket.owner)
        if row is None:
            continue
        units = [unit for code in (row.lead, *row.co) if (unit := _unit(code, ticket, rulebook))]
        if row.lead == ASK_A_PERSON:
            units.sort(key=lambda unit: (_is_local(unit, rulebook), -question.experience.get(unit, _NONE).share))
        for unit in units:
            if not rulebook.is_downshift(unit, thought.category):
                yield Candidate(unit, thought.category, thought.probability, Ground.CATALOGUE, row.basis)


_NONE = Experience()


def _is_local(department: str, rulebook: Rulebook) -> bool:
    return rulebook.departments[department].level in {Level.COUNTY, Level.TOWN}


def _named_by_returners(ticket: Ticket, rulebook: Rulebook) -> Iterator[Candidate]:
    """Whom those had in mind whose return was approved, the last one first."""
    for request in reversed(ticket.requests):
        granted = request.kind is RequestKind.RETURN and request.decision is Decision.APPROVED
        unit = _unit(request.suggested, ticket, rulebook) if granted and request.suggested else None
        if unit and not rulebook.is_downshift(unit, ticket.category):
            yield Candidate(unit, ticket.category or "", 0.0, Ground.RETURNER)


def _experienced(question: Question, rulebook: Rulebook) -> Iterator[Candidate]:
    """Who kept such matters and has authority in the place, the larger share first; a hint, never a rule."""
    category = question.ticket.category or (question.suggestions[0].category if question.suggestions else "")
    ranked = sorted(question.experience.items(), key=lambda item: (-item[1].share, -item[1].kept, item[0]))
    for code, experience in ranked:
        known = _unit(code, question.ticket, rulebook) and not rulebook.is_downshift(code, category)
        if known and experience.kept > 0 and _has_authority(code, question.ticket.area, rulebook):
            yield Candidate(code, category, experience.share, Ground.EXPERIENCE)


def _has_authority(department: str, area: str | None, rulebook: Rulebook) -> bool:
    """Whether a department's area is the matter's, contains it or lies in it; where none is known, any may be."""
    around = rulebook.around(area) if area else ()
    return not around or rulebook.departments[department].area in around


def _of_the_place(ticket: Ticket, rulebook: Rulebook) -> Iterator[Candidate]:
    county = rulebook.county_of(ticket.area) if ticket.area not in (None, ALL_AREAS) else None
    if county:
        yield Candidate(county.code, ticket.category or "", 0.0, Ground.AREA)
