"""Forms as data: which fields each action and the intake have, what may be chosen, and their way back into actions.

A field names its kind of input, never its HTML and never its words. Reading a form gives what `dispatch.actions`
reads; whatever does not fit comes back as an error that names the field.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from functools import cached_property
from typing import Any, Literal, NamedTuple

from multidict import MultiDictProxy

from dispatch import actions as do
from dispatch.errors import BadAction
from dispatch.lifecycle import Offer
from dispatch.model import (
    Body,
    Caution,
    Channel,
    Contact,
    ExemptionGround,
    Level,
    Line,
    PauseReason,
    ReturnReason,
    Rung,
    Satisfaction,
    Term,
    Ticket,
    TicketType,
    TransferGround,
    Urgency,
)
from dispatch.rulebook import ALL_AREAS, Rulebook
from dispatch.worktime import ZONE, Allowance, Unit
from hotline.errors import BadInput, DoubtfulReply
from hotline.web import words

Kind = Literal[
    "line", "text", "choice", "radio", "truth", "tick", "department", "departments", "below", "others", "category",
    "area", "number", "date", "ticket", "phone", "doubts",
]  # fmt: skip
Typed = Mapping[str, Sequence[str]]
"""What somebody typed into a form: every value of every name."""


@dataclass(frozen=True, slots=True)
class Field:
    """One input. `choices` are the codes to choose from: a kind of terms, or a list of the rulebook by its name."""

    name: str
    kind: Kind = "text"
    needed: bool = True
    choices: type[Term] | tuple[Term, ...] | Literal["refusals", "owners"] | None = None


def _lead_and_co(*between: Field) -> tuple[Field, ...]:
    return (
        Field("lead", "department"),
        *between,
        Field("co", "departments", needed=False),
    )


OVERRIDE = Field("override", "line", needed=False)
NOTE = Field("note", needed=False)
REASON = Field("reason")
CATEGORY = Field("category", "category")

ISSUED = tuple(rung for rung in Rung if rung is not Rung.TRANSFERRED)
"""The papers of the ordinary form; handing a case over has a form of its own."""

FORMS: Mapping[str, tuple[Field, ...]] = {
    "dispatch": (*_lead_and_co(), Field("why", "line", needed=False), OVERRIDE),
    "analyse": (Field("why"),),
    "designate": (*_lead_and_co(Field("basis", "line")), OVERRIDE),
    "answer": (Field("text"), Field("knowledge", "line", needed=False)),
    "refuse": (Field("ground", "choice", choices="refusals"), Field("told")),
    "hand_over": (Field("line", "choice", choices=Line), Field("reference", "line", needed=False), NOTE),
    "withdraw": (REASON,),
    "merge": (Field("into", "ticket"), REASON),
    "unmerge": (REASON,),
    "amend": (
        Field("type", "choice", needed=False, choices=TicketType),
        Field("urgency", "choice", needed=False, choices=Urgency),
        Field("category", "category", needed=False),
        Field("area", "area", needed=False),
        Field("owner", "choice", needed=False, choices="owners"),
        Field("confidential", "truth", needed=False),
        REASON,
    ),
    "supplement": (Field("text"),),
    "accept": (),
    "contact": (Field("how"),),
    "sub_dispatch": (Field("departments", "below"), NOTE, OVERRIDE),
    "add_co": (Field("department", "department"), Field("why")),
    "reply": (
        Field("received"),
        Field("findings"),
        Field("handling"),
        Field("follows"),
        Field("genuine", "truth"),
        Field("solved", "truth"),
        NOTE,
        Field("confirmed", "doubts", needed=False),
    ),
    "recall": (REASON,),
    "ask_return": (
        Field("reason_code", "choice", choices=ReturnReason),
        REASON,
        Field("basis", "line"),
        Field("suggested", "department", needed=False),
    ),
    "ask_extension": (Field("working_days", "number"), REASON, Field("basis", "line", needed=False)),
    "ask_pause": (
        Field("pause_code", "choice", choices=PauseReason),
        Field("working_days", "number"),
        REASON,
        Field("basis", "line", needed=False),
    ),
    "resume": (REASON,),
    "inform": (Field("how"),),
    "ask_promise": (Field("until", "date"), Field("measures")),
    "ask_termination": (REASON, Field("basis", "line")),
    "decide": (Field("approve", "truth"), Field("answer")),
    "urge": (NOTE,),
    "supervise": (
        Field("rung", "choice", choices=ISSUED),
        Field("demand"),
        Field("joint", "others", needed=False),
    ),
    "answer_order": (Field("answer"),),
    "accept_order": (NOTE,),
    "return_order": (REASON,),
    "transfer": (
        Field("body", "choice", choices=Body),
        Field("ground", "choice", choices=TransferGround),
        REASON,
    ),
    "claim_exemption": (Field("ground", "choice", choices=ExemptionGround), REASON),
    "decide_exemption": (Field("approve", "truth"), Field("answer")),
    "pass_review": (NOTE,),
    "send_back": (REASON,),
    "visit": (
        Field("contact", "radio", choices=Contact),
        Field("contacted", "truth", needed=False),
        Field("genuine", "truth", needed=False),
        Field("solved", "truth", needed=False),
        Field("process", "choice", needed=False, choices=Satisfaction),
        Field("result", "choice", needed=False, choices=Satisfaction),
        Field("redo", "tick", needed=False),
        NOTE,
    ),
    "rate": (Field("level", "choice", choices=Satisfaction), Field("comment", needed=False)),
    "reopen": (REASON,),
}
"""The inputs of every action that a person may do; parts are named by hidden fields."""

INTAKE: Mapping[str, tuple[Field, ...]] = {
    "group_call": (
        Field("phone", "phone", needed=False),
        Field("name", "line", needed=False),
        Field("address", "line", needed=False),
        Field("wants_visit", "tick", needed=False),
        Field("confidential", "tick", needed=False),
    ),
    "group_matter": (
        Field("text"),
        Field("place", "line", needed=False),
        Field("area", "area", needed=False),
        Field("title", "line", needed=False),
    ),
    "group_kind": (
        Field("type", "radio", needed=False, choices=TicketType),
        Field("urgency", "radio", needed=False, choices=Urgency),
        Field("category", "category", needed=False),
        Field("owner", "choice", needed=False, choices="owners"),
        Field("reported", "department", needed=False),
        Field("channel", "choice", needed=False, choices=Channel),
    ),
}
"""The inputs of the intake, in groups named by their words."""

SENDING = frozenset({"dispatch", "designate"})
"""Actions that need a category."""
SIMPLE = frozenset({"accept"})
"""Actions of one button."""
GRAVE = frozenset({"transfer", "withdraw", "refuse", "recall", "send_back", "ask_termination", "unmerge"})
"""Actions that end something: their buttons are quieter."""
FIRST = (
    "decide",
    "accept",
    "answer_order",
    "inform",
    "accept_order",
    "decide_exemption",
    "dispatch",
    "designate",
    "pass_review",
    "visit",
    "reply",
    "contact",
    "answer",
)
"""What is most likely wanted, the likeliest first: that form is open when the page comes."""


# --- the city's codes -------------------------------------------------------------------------------------------------


class Option(NamedTuple):
    """Something to choose: its code, and its name as people read it."""

    code: str
    name: str
    href: str = ""


@dataclass(frozen=True, eq=False)
class Codes:
    """The names of a rulebook's codes, and the codes of its names; those of each rulebook are made once."""

    rulebook: Rulebook
    departments: tuple[Option, ...]
    categories: tuple[Option, ...]
    areas: tuple[Option, ...]
    _by_name: Mapping[str, Mapping[str, str]] = field(repr=False)

    @classmethod
    def of(cls, rulebook: Rulebook) -> Codes:
        """Return the codes of a rulebook; those of the rulebook used last are kept."""
        if not _LAST or _LAST[0].rulebook is not rulebook:
            _LAST[:] = [cls._made(rulebook)]
        return _LAST[0]

    @classmethod
    def last(cls) -> Codes | None:
        """Return the codes used last, for pages that must come without asking for anything."""
        return _LAST[0] if _LAST else None

    @classmethod
    def _made(cls, rulebook: Rulebook) -> Codes:
        units = [unit for unit in rulebook.departments.values() if unit.level is not Level.HOTLINE]
        names = [unit.name for unit in units]
        departments = tuple(
            Option(unit.code, unit.name if names.count(unit.name) == 1 else f"{unit.name}（{unit.code}）")
            for unit in units
        )
        leaves = [code for code in rulebook.categories if len(code) == 6]  # noqa: PLR2004 - digits of a leaf
        categories = tuple(Option(code, _path(code, rulebook)) for code in leaves)
        areas = tuple(Option(code, _place(code, rulebook)) for code in sorted(rulebook.areas))
        by_name = {
            kind: {option.name: option.code for option in options}
            for kind, options in (("department", departments), ("category", categories), ("area", areas))
        }
        return cls(rulebook, departments, categories, areas, by_name)

    def code(self, kind: str, given: str) -> str:
        """Return the code of what was typed: a code, a full name, or a part that fits one name only; else as typed."""
        names = self._by_name[kind]
        if not given or given in names.values():
            return given
        if given in names:
            return names[given]
        fitting = [code for name, code in names.items() if given in name]
        return fitting[0] if len(fitting) == 1 else given

    def name(self, kind: Literal["department", "category"], given: str) -> str:
        """Return the full name of a code, as it can be chosen; what is no code stays as it is."""
        options = self.departments if kind == "department" else self.categories
        return next((option.name for option in options if option.code == given), given)

    def department(self, code: str | None) -> str:
        unit = self.rulebook.every_department.get(code or "")
        return unit.name if unit else code or ""

    def category(self, code: str | None) -> str:
        """The category's path of names, as far as it is known."""
        return _path(code, self.rulebook) if code else ""

    def leaf(self, code: str | None) -> str:
        """The category's own name."""
        found = self.rulebook.every_category.get(code or "")
        return found.name if found else code or ""

    def area(self, code: str | None) -> str:
        return (self._places.get(code) or code) if code else ""

    @cached_property
    def owners(self) -> tuple[Option, ...]:
        """Whose a thing may be, as far as the catalogue tells it apart."""
        return tuple(Option(code, words.owner(code)) for code in self.rulebook.owners)

    @cached_property
    def _places(self) -> Mapping[str, str]:
        return {code: _place(code, self.rulebook) for code in self.rulebook.every_area}

    @property
    def city(self) -> str:
        area = self.rulebook.areas.get(ALL_AREAS)
        return area.name if area else ""


_LAST: list[Codes] = []


def _path(code: str, rulebook: Rulebook) -> str:
    names = [category.name for category in rulebook.broader(code)]
    return " / ".join(reversed(names)) or code


def _place(code: str, rulebook: Rulebook) -> str:
    names = [area.name for area in rulebook.wider(code)]
    inside = names[:-1] or names
    return " ".join(reversed(inside)) or code


# --- what a template needs to print a form ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """One input, ready to print; `value` may be several, for boxes to tick."""

    name: str
    id: str
    kind: Kind
    label: str
    hint: str
    needed: bool
    values: tuple[str, ...] = ("",)
    options: tuple[Option, ...] = ()
    error: str = ""
    example: str = ""
    starts: bool = False
    """Whether one begins to type here, as long as nothing is wrong elsewhere."""

    @property
    def is_untouched(self) -> bool:
        """Whether nothing was typed and nothing is wrong."""
        return self.values == ("",) and not self.error


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """One offered action, ready to print."""

    action: str
    id: str
    title: str
    submit: str
    hidden: tuple[tuple[str, str], ...]
    inputs: tuple[Input, ...]
    is_open: bool = False
    grave: bool = False
    error: str = ""
    pictures_error: str = ""


def form(offer: Offer, ticket: Ticket, codes: Codes, typed: Typed, error: Exception | None) -> Form:
    """Return the form of an offer; `typed` and `error` are of this very form, or empty."""
    fields_ = fields_of(offer.action, has_category=ticket.category is not None)
    doubts = _doubts(error, ticket, offer.number)
    names = {one.name for one in fields_}
    is_picture = isinstance(error, BadInput) and error.field == "pictures"
    wrong = error if isinstance(error, BadAction | BadInput) and error.field in names else None
    prefix = f"{offer.action}-{offer.number}"
    return Form(
        action=offer.action,
        id=prefix,
        title=words.action(offer.action),
        submit=words.SUBMIT.get(offer.action, words.action(offer.action)),
        hidden=((offer.subject, str(offer.number)),) if offer.subject else (),
        inputs=tuple(
            _input(
                one,
                offer,
                doubts if one.kind == "doubts" else _options_on(one, offer, ticket, codes),
                _shown(one, typed, codes),
                wrong,
            )
            for one in _asked(fields_, codes)
        ),
        is_open=bool(typed) or error is not None,
        grave=offer.action in GRAVE,
        error=words.explain(error) if error and wrong is None and not is_picture else "",
        pictures_error=words.explain(error) if error and is_picture else "",
    )


def _doubts(error: Exception | None, ticket: Ticket, number: int) -> tuple[Option, ...]:
    """Return what must be confirmed before a reply goes out; a promised day comes with the way to have it tracked."""
    if not isinstance(error, DoubtfulReply):
        return ()
    made = []
    for one in error.remarks:
        caution, until = Caution.of(str(one["caution"])), one.get("until")
        href = f"/tickets/{ticket.id}?fill=ask_promise&assignment={number}&until={until}#ask_promise-{number}"
        same = f"/tickets/{one['ticket']}" if one.get("ticket") else ""
        made.append(
            Option(caution.value, words.caution(caution, str(one["evidence"]), str(until)), href if until else same)
        )
    return tuple(made)


def fields_of(action: str, *, has_category: bool) -> tuple[Field, ...]:
    """Return the inputs of an action; whoever dispatches a ticket without a category fixes it in the same form."""
    fields_ = FORMS.get(action, ())
    return fields_ if has_category or action not in SENDING else (CATEGORY, *fields_)


def _input(
    one: Field, offer: Offer, options: tuple[Option, ...], values: tuple[str, ...], wrong: BadAction | BadInput | None
) -> Input:
    return Input(
        name=one.name,
        id=f"{offer.action}-{offer.number}-{one.name}",
        kind=one.kind,
        label=words.field(offer.action, one.name),
        hint=words.HINTS.get((offer.action, one.name), ""),
        needed=one.needed,
        values=values,
        options=options,
        error=f"{words.problem(wrong.problem)}。" if wrong and wrong.field == one.name else "",
    )


def intake(codes: Codes, typed: Typed, errors: Mapping[str, str]) -> tuple[tuple[str, tuple[Input, ...]], ...]:
    """Return the groups of the intake form with what was typed and what is wrong.

    Whose a thing is, is asked only where the city's catalogue tells by it who is responsible.
    """
    asked = {name: list(_asked(fields, codes)) for name, fields in INTAKE.items()}
    return tuple((name, tuple(_intake_input(one, codes, typed, errors) for one in asked[name])) for name in asked)


def _asked(fields: Iterable[Field], codes: Codes) -> Iterator[Field]:
    return (one for one in fields if one.choices != "owners" or codes.owners)


def _intake_input(one: Field, codes: Codes, typed: Typed, errors: Mapping[str, str]) -> Input:
    return Input(
        name=one.name,
        id=f"intake-{one.name}",
        kind=one.kind,
        label=words.field("intake", one.name),
        hint=words.HINTS.get(("intake", one.name), ""),
        needed=one.needed,
        values=_shown(one, typed, codes),
        options=_options(one, codes),
        error=errors.get(one.name, ""),
        example=words.EXAMPLES.get(one.name, ""),
        starts=one.kind == "phone" and not errors,
    )


def _shown(one: Field, typed: Typed, codes: Codes) -> tuple[str, ...]:
    """What stands in an input: as typed, and codes of units and categories by their names."""
    values = tuple(typed.get(one.name, ())) or ("",)
    if one.kind in {"department", "departments"}:
        return tuple(codes.name("department", value) for value in values)
    return tuple(codes.name("category", value) for value in values) if one.kind == "category" else values


def lists(inputs: Iterable[Input]) -> Iterator[str]:
    """Yield the lists of names that some inputs offer while one types."""
    kinds = {one.kind for one in inputs}
    if kinds & {"department", "departments"}:
        yield "departments"
    if "category" in kinds:
        yield "categories"


def _options(one: Field, codes: Codes) -> tuple[Option, ...]:
    if one.choices == "refusals":
        return tuple(Option(code, refusal.name) for code, refusal in codes.rulebook.refusals.items())
    if one.choices == "owners":
        return codes.owners
    if one.choices is not None:
        return tuple(Option(term.value, term.chinese) for term in one.choices)
    if one.kind == "area":
        return codes.areas
    return ()


def _options_on(one: Field, offer: Offer, ticket: Ticket, codes: Codes) -> tuple[Option, ...]:
    if one.kind == "below":
        return tuple(_below(ticket, offer.number, codes))
    return tuple(_others(ticket, offer.number, codes)) if one.kind == "others" else _options(one, codes)


def _others(ticket: Ticket, number: int, codes: Codes) -> Iterator[Option]:
    for one in ticket.assignments:
        if one.is_open and one.number != number:
            yield Option(str(one.number), codes.department(one.department))


def _below(ticket: Ticket, number: int, codes: Codes) -> Iterator[Option]:
    own = next(one.department for one in ticket.assignments if one.number == number)
    for option in codes.departments:
        if codes.rulebook.is_below(option.code, own):
            yield option


# --- and back ---------------------------------------------------------------------------------------------------------


def typed_of(post: MultiDictProxy[Any]) -> dict[str, tuple[str, ...]]:
    """Return what was typed, without what is the page's own; files are passed over."""
    return {
        name: tuple(value for value in post.getall(name) if isinstance(value, str))
        for name in dict.fromkeys(post)
        if name not in {"csrf", "password"}
    }


def read_action(typed: Typed, codes: Codes) -> do.Action:
    """Return the action that a form asks for; raises BadAction naming the field."""
    name = first(typed, "action")
    kind = do.ACTIONS.get(name)
    values: dict[str, object] = {}
    if kind is not None and kind.subject:
        values[kind.subject] = first(typed, kind.subject)
    for one in FORMS.get(name, ()):
        value = _value(name, one, typed, codes)
        if value is not None:
            values[one.name] = value
    return do.read(name, values)


def _value(action: str, one: Field, typed: Typed, codes: Codes) -> object:
    text = first(typed, one.name).strip()
    match one.kind:
        case "doubts":
            return list(typed.get(one.name, ()))
        case "departments" | "below":
            given = [codes.code("department", part.strip()) for part in typed.get(one.name, ()) if part.strip()]
            if one.needed and not given:
                raise BadAction(action, one.name, "is missing")
            return given
        case "others":
            return [part for part in typed.get(one.name, ()) if part]
        case "tick":
            return bool(text)
        case "department":
            text = codes.code("department", text)
        case "category":
            text = _category(action, one, text, codes)
        case "date":
            return _end_of_day(action, one.name, text)
        case "ticket":
            text = "".join(text.split())
        case _:
            pass
    absent = not text and not one.needed and one.name != "suggested"
    return None if absent else text


def _category(action: str, one: Field, text: str, codes: Codes) -> str:
    code = codes.code("category", text)
    if code and code not in codes.rulebook.categories:
        raise BadAction(action, one.name, f"{text!r} is unknown")
    return code


def read_category(typed: Typed, codes: Codes) -> str:
    """Return the category that a form for sending asked for beside, or nothing; raises BadAction for none known."""
    name = first(typed, "action")
    if name not in SENDING or CATEGORY.name not in typed:
        return ""
    code = _category(name, CATEGORY, first(typed, CATEGORY.name).strip(), codes)
    if not code:
        raise BadAction(name, CATEGORY.name, "is missing")
    return code


def _end_of_day(action: str, name: str, text: str) -> str:
    """A promised day is kept until its end."""
    if not text:
        return ""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise BadAction(action, name, f"{text!r} is not a moment") from None
    return datetime.combine(day, time(23, 59, 59), ZONE).isoformat()


def read_intake(typed: Typed, codes: Codes) -> dict[str, str]:
    """Return the values of an intake form as the service reads them; a box left empty says no."""
    values: dict[str, str] = {}
    for one in (one for group in INTAKE.values() for one in group):
        text = first(typed, one.name)
        if one.kind == "tick":
            text = "true" if text else "false"
        elif one.kind in {"category", "department"}:
            text = codes.code(one.kind, text.strip())
        values[one.name] = text
    return values


_UNITS = {told.removeprefix("个"): unit for unit, told in words.UNITS.items()} | {"日": Unit.DAYS}
_ALLOWANCE = re.compile(rf"(\d+)个?({'|'.join(_UNITS)})(?:(\(?次日起算?\)?))?", re.ASCII)


def read_allowance(name: str, text: str) -> str:
    """Return the notation of an allowance that was typed as pages show it, or as it is noted; nothing stays nothing.

    Raises BadInput for the field `name`.
    """
    plain = re.sub(r"\s", "", text).replace("（", "(").replace("）", ")")
    found = _ALLOWANCE.fullmatch(plain)
    noted = f"{found[1]}{_UNITS[found[2]]}{'+' if found[3] else ''}" if found else plain
    try:
        return str(Allowance.parse(noted)) if noted else ""
    except ValueError:
        raise BadInput(name, text, "is no allowance") from None


def first(typed: Typed, name: str) -> str:
    """The first value of a name, or nothing."""
    values = typed.get(name, ())
    return values[0] if values else ""
