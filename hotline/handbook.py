"""The parts of the documents that the code knows best, written from it: `python -m hotline.handbook`.

A generated part stands in docs/ between `<!-- generated: NAME -->` and `<!-- end -->`; `BLOCKS` names them all. The
prose around them is people's. A test holds that what is committed is what this writes. Reads tables, decides nothing.
"""

from __future__ import annotations

import argparse
import dataclasses
import inspect
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import MISSING, dataclass, fields
from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from aiohttp import web

from dispatch import actions as do
from dispatch import errors as refusals
from dispatch.deadlines import FULFILLED_BY, wanted
from dispatch.lifecycle import ASSIGNMENT_EDGES, TICKET_EDGES, Edge
from dispatch.model import (
    OPEN_ASSIGNMENTS,
    Assignment,
    AssignmentState,
    Caller,
    ClockKind,
    Duty,
    Order,
    Request,
    RequestKind,
    Role,
    Rung,
    Term,
    Ticket,
    TicketState,
    TicketType,
    Urgency,
)
from dispatch.rulebook import DEFAULT_ALLOWANCES, DEFAULT_LADDER, LadderRule, Policy, Trigger
from dispatch.worktime import Allowance, Unit
from hotline import cli, edge, exchange, office, reports, tickets
from hotline.api import events, labels, monitor, rules
from hotline.api import routes as api
from hotline.config import SETTINGS
from hotline.errors import HotlineError

DOCS = Path(__file__).parents[1] / "docs"
_BLOCK = re.compile(r"(<!-- generated: ([a-z-]+) -->\n)(.*?)(<!-- end -->)", re.DOTALL)
_THEN = datetime(2026, 3, 2, tzinfo=UTC)
"""Any moment does: the sample tickets below are asked only which clocks they want."""


def rewrite(text: str) -> str:
    """Return a document with every generated part as it should be; raises KeyError for a part that nobody writes."""
    return _BLOCK.sub(lambda found: f"{found[1]}{BLOCKS[found[2]]()}\n{found[4]}", text)


def blocks_in(text: str) -> tuple[str, ...]:
    """Return the names of the generated parts of a document."""
    return tuple(found[2] for found in _BLOCK.finditer(text))


def main() -> int:
    """Rewrite every document of the checkout and say which ones changed."""
    if not DOCS.is_dir():
        sys.stderr.write(f"there is no folder {DOCS}: run this in a checkout\n")
        return 1
    for file in sorted(DOCS.rglob("*.md")):
        before = file.read_text("utf-8")
        after = rewrite(before)
        if after != before:
            file.write_text(after, "utf-8")
            sys.stdout.write(f"written: {file.relative_to(DOCS.parent)}\n")
    return 0


# --- words and tables ---------------------------------------------------------------------------------------------


def _table(headings: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    lines = [list(headings)]
    lines += [["---"] * len(lines[0])]
    lines += [[" ".join(cell.split()).replace("|", r"\|") for cell in row] for row in rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _code(text: object) -> str:
    return f"`{text}`"


def _codes(terms: Iterable[object], most: int = 20) -> str:
    named = [_code(term) for term in terms]
    return ", ".join(named[:most]) or "–"


def _term(term: Term) -> str:
    return f"`{term}` {term.chinese}"


def _in_order(terms: Iterable[Any], kind: type[Term]) -> list[Any]:
    """Sets in the order in which the code lists their members, so that the document does not shiver."""
    found = set(terms)
    return [term for term in kind if term in found]


def _sentence(thing: object) -> str:
    """The first sentence, or line, of what it says about itself."""
    return (inspect.getdoc(thing) or "").split("\n\n", maxsplit=1)[0].replace("\n", " ")


_UNIT_WORDS = {
    Unit.MINUTES: "minutes",
    Unit.HOURS: "hours, day and night",
    Unit.WORKING_HOURS: "working hours",
    Unit.WORKING_DAYS: "working days",
    Unit.DAYS: "calendar days",
}


def _in_words(allowance: Allowance) -> str:
    later = ", counted from the next day" if allowance.from_next_day else ""
    unit = _UNIT_WORDS[allowance.unit]
    unit = re.sub(r"s\b", "", unit, count=1) if allowance.amount == 1 else unit
    return f"`{allowance}`: {allowance.amount} {unit}{later}"


# --- the life of a ticket -----------------------------------------------------------------------------------------


def _ticket_states() -> str:
    return _table(
        ("state", "工单状态", "clocks that run"),
        (
            (_code(state), state.chinese, _codes(dict.fromkeys(want.kind for want in wanted(sample(state)))))
            for state in TicketState
        ),
    )


def sample(state: TicketState) -> Ticket:
    """Return a ticket in `state`; in handling with a lead, a co-handler, a pending request and an open order."""
    handled = state is TicketState.HANDLING
    lead = Assignment(number=1, department="a", duty=Duty.LEAD, state=AssignmentState.SENT, sent_at=_THEN)
    helper = dataclasses.replace(lead, number=2, department="b", duty=Duty.CO)
    request = Request(number=1, kind=RequestKind.RETURN, assignment=1, asked_by="x", asked_at=_THEN, reason="x")
    order = Order(number=1, assignment=1, rung=Rung.ORDER, issued_by="x", issued_at=_THEN, demand="x")
    return Ticket(
        id=1,
        version=1,
        state=state,
        type=TicketType.HELP,
        urgency=Urgency.NORMAL,
        received_at=_THEN,
        entered_at=_THEN,
        callers=(Caller(number=1),),
        assignments=(lead, helper) if handled else (),
        requests=(request,) if handled else (),
        orders=(order,) if handled else (),
    )


def _ticket_diagram() -> str:
    arrows = _arrows((*TICKET_EDGES, *ASSIGNMENT_EDGES), TicketState, "on", "to")
    return _diagram(TicketState, "received", "receive 登记", arrows, ends=(TicketState.CLOSED,))


def _assignment_diagram() -> str:
    arrows = _arrows(ASSIGNMENT_EDGES, AssignmentState, "part", "part_to")
    ends = (AssignmentState.RETURNED, AssignmentState.WITHDRAWN)
    starts = (do.Dispatch, do.Designate, do.SubDispatch, do.AddCo)
    return _diagram(AssignmentState, "sent", "<br/>".join(map(_label, starts)), arrows, ends=ends)


def _label(action: type[do.Action]) -> str:
    return f"{action.name} {action.chinese}"


Arrows = Mapping[tuple[Term, Term], list[str]]


def _arrows(edges: Iterable[Edge[Any]], kind: type[Term], before: str, after: str) -> Arrows:
    """Return which actions lead from where to where; that one may leave the state as it is, the table says."""
    arrows: dict[tuple[Term, Term], list[str]] = {}
    for one in edges:
        if one.by == {Role.MACHINE}:  # the echo of a move of another ticket; the prose says what it does
            continue
        starts, ends = (_in_order(getattr(one, name), kind) for name in (before, after))
        for start, end in product(starts, ends):
            if start is not end and not _only_granted(one, start, end):
                arrows.setdefault((start, end), []).append(_label(one.action))
    return arrows


def _only_granted(one: Edge[Any], start: Term, end: Term) -> bool:
    """A decision signs nothing: it leaves an open assignment as it is, or ends it."""
    return one.action is do.Decide and {start, end} <= OPEN_ASSIGNMENTS


def _diagram(kind: type[Term], first: str, birth: str, arrows: Arrows, *, ends: Iterable[Term]) -> str:
    lines = ["```mermaid", "stateDiagram-v2"]
    lines += [f'    state "{term.chinese} {term}" as {term}' for term in kind]
    lines += [f"    [*] --> {first}: {birth}"]
    lines += [f"    {start} --> {end}: {'<br/>'.join(labels)}" for (start, end), labels in arrows.items()]
    lines += [f"    {term} --> [*]" for term in ends]
    return "\n".join([*lines, "```"])


def _ticket_actions() -> str:
    return _table(
        ("action", "操作", "in state", "leads to", "who"),
        (
            (
                _code(one.action.name),
                one.action.chinese,
                _codes(_in_order(one.on, TicketState)),
                _leads_to(one),
                _codes(_in_order(one.by, Role)),
            )
            for one in TICKET_EDGES
        ),
    )


def _leads_to(one: Edge[Any]) -> str:
    if not one.to:
        return "the state stays"
    return "see below" if one.by == {Role.MACHINE} else _codes(_in_order(one.to, TicketState))


def _assignment_actions() -> str:
    return _table(
        ("action", "操作", "assignment in state", "leads to", "the ticket", "who"),
        (
            (
                _code(one.action.name),
                one.action.chinese,
                _codes(_in_order(one.part, AssignmentState)),
                _codes(_in_order(one.part_to, AssignmentState)) if one.part_to else "the state stays",
                _ticket_of(one),
                _codes(_in_order(one.by, Role)),
            )
            for one in ASSIGNMENT_EDGES
        ),
    )


def _ticket_of(one: Edge[Any]) -> str:
    leads_to = f" → {_codes(_in_order(one.to, TicketState))}" if one.to else ""
    return f"{_codes(_in_order(one.on, TicketState))}{leads_to}"


def _clocks() -> str:
    return _table(
        ("clock", "时限", "stage", "fulfilled by", "when nothing more exact fits"),
        (
            (
                _code(kind),
                kind.chinese,
                f"{kind.stage} {kind.stage.chinese}",
                _fulfilled_by(kind),
                _general_allowance(kind),
            )
            for kind in ClockKind
        ),
    )


def _fulfilled_by(kind: ClockKind) -> str:
    return _codes(name for name in do.ACTIONS if name in FULFILLED_BY[kind]) if FULFILLED_BY[kind] else "it just closes"


def _general_allowance(kind: ClockKind) -> str:
    rules = (rule for rule in DEFAULT_ALLOWANCES if rule.kind is kind and not rule.type and not rule.urgency)
    return next((_in_words(rule.allowance) for rule in rules), "the promised date")


def _allowances() -> str:
    return _table(
        ("clock", "for", "allowance", "basis"),
        (
            (
                _term(rule.kind),
                ", ".join(_term(fit) for fit in (rule.type, rule.urgency) if fit) or "everything else",
                _in_words(rule.allowance),
                rule.basis,
            )
            for rule in DEFAULT_ALLOWANCES
        ),
    )


_POLICY_WORDS = {
    "returns_before_analysis": "after so many approved returns by leads a ticket goes to joint analysis",
    "extensions_most": "approved extensions of one assignment, in one cycle",
    "extension_working_days_most": "working days that one extension may ask for",
    "extension_apply_working_days_before": "working days before due by which a normal ticket's extension is asked for",
    "extension_dispatcher_working_days_most": "working days of extension or pause that a dispatcher may grant;"
    " more is for the supervisor, or for the head of the unit that sent it on",
    "pauses_most": "approved pauses of one assignment, in one cycle",
    "pause_working_days_most": "working days that one pause may ask for",
    "visits_most": "attempts to reach a caller before follow-up goes on without them",
    "redos_most": "redos before a dissatisfied caller's matter goes to joint analysis instead",
    "urge_every_minutes": "minutes between two urgings of one ticket",
    "inner_margin_working_days": "working days by which a helper's time ends before that of the unit it helps",
    "auto_dispatch_probability": "probability of the category from which the machine may send alone",
    "warn_share_left": "share of the allowance left when 'due soon' is found; at the earliest a working day, or"
    " 24 hours, before due",
}


def _policy() -> str:
    return _table(
        ("name", "default", "what it is"),
        ((_code(one.name), str(one.default), _POLICY_WORDS[one.name]) for one in fields(Policy)),
    )


def _ladder() -> str:
    return _table(
        ("rung", "when", "which", "tells", "paper", "basis"),
        (
            (
                _code(rule.name),
                _when(rule),
                ", ".join(
                    [*(clock.chinese for clock in rule.clocks), *([rule.urgency.chinese] if rule.urgency else [])]
                )
                or "every duty",
                ", ".join(one.chinese for one in rule.tells),
                (f"{_term(rule.rung)}{', a person decides' if rule.by_person else ''}" if rule.rung else "–"),
                rule.basis,
            )
            for rule in DEFAULT_LADDER
        ),
    )


def _when(rule: LadderRule) -> str:
    match rule.trigger:
        case Trigger.WARNS:
            return "when the lamp turns yellow"
        case Trigger.OVERDUE:
            return f"{_in_words(rule.after)} after due" if rule.after else "at due"
        case Trigger.REDONE:
            return f"at redo {rule.count}"
        case Trigger.REPEATED:
            return f"when it was raised {rule.count} times more"
        case Trigger.IGNORED:
            return f"when {_term(rule.ignored) if rule.ignored else 'a paper'} is not answered in time"


def _rules() -> str:
    return _table(("rule", "what people read"), ((_code(rule), rule.chinese) for rule in refusals.Rule))


def _refusals() -> str:
    rows = office.demonstration_city().parts["refusals"]
    return _table(("code", "不予受理情形", "basis"), ((_code(row["code"]), row["name"], row["basis"]) for row in rows))


# --- words --------------------------------------------------------------------------------------------------------


def vocabularies() -> list[type[Term]]:
    """Return every list of codes of the pure core, by module and there as written."""
    return sorted(
        (kind for kind in Term.__subclasses__() if kind.__module__.startswith("dispatch.")),
        key=lambda kind: kind.__module__,
    )


def _terms() -> str:
    return "\n\n".join(
        f"### {kind.__name__}\n\n{_sentence(kind)}\n\n"
        + _table(("code", "中文"), ((_code(term), term.chinese) for term in kind))
        for kind in vocabularies()
    )


def _action_terms() -> str:
    rows = ((_code(name), action.chinese, _sentence(action)) for name, action in do.ACTIONS.items())
    return _table(("action", "操作", "what it is"), rows)


# --- configuration ------------------------------------------------------------------------------------------------


def _settings() -> str:
    rows = ((_code(one.name), one.default, _code(one.example), one.sentence) for one in SETTINGS)
    return _table(("variable", "default", "example", "what it is"), rows)


@dataclass(frozen=True, slots=True)
class Command:
    """One command of the command line, with its arguments as it is typed."""

    name: str
    does: str
    arguments: tuple[tuple[str, str], ...]


def commands() -> Iterator[Command]:
    """Yield every command in the order of the help."""
    for actions in cli._parser()._actions:  # noqa: SLF001 - argparse has no public way to ask what it was told
        if isinstance(actions, argparse._SubParsersAction):  # noqa: SLF001 - the same
            does = {one.dest: one.help or "" for one in actions._choices_actions}  # noqa: SLF001 - the same
            for name, parser in actions.choices.items():
                typed = tuple(_typed(one) for one in parser._actions if one.dest != "help")  # noqa: SLF001 - the same
                yield Command(name, does[name], typed)


def _typed(one: argparse.Action) -> tuple[str, str]:
    name = one.option_strings[0] if one.option_strings else ""
    takes_value = one.nargs != 0
    choices = "|".join(map(str, one.choices)) if one.choices else ""
    value = choices or str(one.metavar or one.dest).upper().replace("-", "_") if takes_value else ""
    shown = " ".join(filter(None, (name, value)))
    return (shown if one.required else f"[{shown}]"), one.help or ""


def _commands() -> str:
    return _table(
        ("command", "what it does", "arguments"),
        (
            (
                _code(f"hotline {command.name}"),
                command.does,
                "; ".join(f"`{typed}`{f' {said}' if said else ''}" for typed, said in command.arguments) or "–",
            )
            for command in commands()
        ),
    )


# --- the interface ------------------------------------------------------------------------------------------------


def _routes() -> str:
    rows = ((_code(f"{one.method} {one.path}"), _sentence(one.handler)) for one in _route_defs())
    return _table(("route", "what it does"), rows)


def _route_defs() -> Iterator[web.RouteDef]:
    yield from api.routes()
    yield from events.routes()
    yield from monitor.routes()
    yield from rules.routes()
    yield from labels.routes()


_INTAKE_WORDS = {
    "text": "what the caller says",
    "title": "made from the first line of the text if not given",
    "type": "what the caller wants; `help` if not given",
    "urgency": "how soon harm may come; `normal` if not given",
    "category": "a code that a person confirmed: then the ticket is routed at once",
    "area": "a code of the city's areas",
    "place": "where it is, in words",
    "owner": "who owns the thing it is about, where the catalogue asks for that",
    "channel": "how it reached the hotline; `phone` if not given",
    "source": "who sent it on; `local` if not given, and then no number is needed",
    "outside_id": "the number that the source gave it",
    "received_at": "when it reached the hotline or whoever sent it on; not in the future",
    "confidential": "no department may see the caller",
    "reported": "the department that a report is about: it never sees the ticket",
    "name": "of the caller",
    "phone": "of the caller; blanks, hyphens and +86 are understood",
    "address": "of the caller, exact",
    "wants_visit": "whether the caller wants to be called back; true if not given",
}


def _intake_fields() -> str:
    hints = get_type_hints(tickets.Intake)
    rows = (
        (
            _code(one.name),
            _kind(hints[one.name]),
            f"{tickets.LONGEST[one.name]:,}" if one.name in tickets.LONGEST else "–",
            _INTAKE_WORDS[one.name],
        )
        for one in fields(tickets.Intake)
    )
    return _table(("field", "kind", "characters at most", "what it is"), rows)


def _action_fields() -> str:
    return _table(
        ("action", "must have", "may have"),
        (
            (
                _code(name),
                ", ".join(_field(action, one) for one in fields(action) if _is_needed(one)) or "–",
                ", ".join(_field(action, one) for one in fields(action) if not _is_needed(one)) or "–",
            )
            for name, action in do.ACTIONS.items()
            if action not in (do.Join, do.Part)
        ),
    )


def _is_needed(one: dataclasses.Field[Any]) -> bool:
    return one.default is MISSING and one.default_factory is MISSING


def _field(action: type[do.Action], one: dataclasses.Field[Any]) -> str:
    return f"`{one.name}` ({_kind(get_type_hints(action)[one.name])})"


_KINDS = {str: "text", int: "number", bool: "true or false", datetime: "moment"}


def _kind(hint: Any) -> str:  # noqa: ANN401 - a type form
    if get_origin(hint) in (Union, UnionType):
        return f"{_kind(next(one for one in get_args(hint) if one is not NoneType))} or null"
    if get_origin(hint) is tuple:
        return f"list of {_kind(get_args(hint)[0])}"
    return _KINDS[hint] if hint in _KINDS else str(hint.__name__)


def errors() -> list[type[Any]]:
    """Return every class of error that has a code of its own, by code; all are dataclasses."""
    found: list[type[Any]] = [refusals.BadAction]
    for base in (HotlineError, refusals.DispatchError):
        found += _below(base)
    return sorted((one for one in found if one.__module__.startswith(("hotline.", "dispatch."))), key=code_of)


def code_of(error: type[Any]) -> str:
    """Return the code by which machines know an error."""
    return str(getattr(error, "code", ""))


def _below(base: type[Any]) -> Iterator[type[Any]]:
    for heir in base.__subclasses__():
        yield heir
        yield from _below(heir)


def _errors() -> str:
    return _table(
        ("code", "status", "facts", "what it means"),
        (
            (
                _code(code_of(error)),
                _status(error),
                _codes(one.name for one in fields(error)),
                _meaning(error),
            )
            for error in errors()
        ),
    )


_OF_COMMANDS = frozenset({"bad_configuration", "migration_refused", "server_failed"})
"""Errors of starting: nobody is listening yet."""


def _status(error: type[Any]) -> str:
    return "command line only" if code_of(error) in _OF_COMMANDS else str(edge.STATUS.get(error, 500))


_MEANINGS = {
    "not_found": "There is no such thing, or it is not the asker's to see; which, is not said.",
    "too_many_tries": "Too many tries to log in with one name from one address.",
}


def _meaning(error: type[Any]) -> str:
    return _MEANINGS.get(code_of(error)) or _sentence(error)


# --- operations ---------------------------------------------------------------------------------------------------


def _columns() -> str:
    rows = ((_code(name), "、".join(others)) for name, others in exchange.COLUMNS.items())
    return _table(("field", "headings that are understood, besides the field's own name"), rows)


def _headings() -> str:
    return "、".join(exchange.HEADINGS)


def _invariants() -> str:
    return "\n".join(f"- {sentence}" for sentence in reports.INVARIANTS)


BLOCKS: Mapping[str, Callable[[], str]] = {
    "ticket-states": _ticket_states,
    "ticket-diagram": _ticket_diagram,
    "ticket-actions": _ticket_actions,
    "assignment-diagram": _assignment_diagram,
    "assignment-actions": _assignment_actions,
    "clocks": _clocks,
    "allowances": _allowances,
    "policy": _policy,
    "ladder": _ladder,
    "rules": _rules,
    "refusals": _refusals,
    "terms": _terms,
    "action-terms": _action_terms,
    "settings": _settings,
    "commands": _commands,
    "routes": _routes,
    "intake-fields": _intake_fields,
    "action-fields": _action_fields,
    "errors": _errors,
    "import-columns": _columns,
    "export-headings": _headings,
    "invariants": _invariants,
}


if __name__ == "__main__":
    sys.exit(main())
