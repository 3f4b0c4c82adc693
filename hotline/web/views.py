"""What the templates print, made ready: lines of boards, lamps, the parts and the path of a ticket as text.

Pure: rows and values in, text out; the moment is an argument. No template computes a date, looks a name up or asks
what somebody may do.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from functools import cache, lru_cache
from types import NoneType, UnionType
from typing import Any, Literal, NamedTuple, Union, get_args, get_origin, get_type_hints

import orjson

from dispatch import actions as do
from dispatch import deadlines, visits
from dispatch.lifecycle import HOLDERS
from dispatch.model import (
    Actor,
    Assignment,
    AssignmentState,
    Caution,
    Channel,
    Clock,
    ClockKind,
    Duty,
    Order,
    Outcome,
    Request,
    RequestKind,
    ReturnReason,
    Role,
    Term,
    Ticket,
    TicketState,
    TicketType,
    Urgency,
)
from dispatch.model import Lamp as Colour
from dispatch.rulebook import Risk
from hotline import register, tickets
from hotline.pictures import Shown
from hotline.store import File
from hotline.web import forms, words
from hotline.web.forms import Codes

Lamp = Literal["red", "yellow", "green", "none"]
SOON = timedelta(hours=24)


class Mark(NamedTuple):
    """A small label; `tone` is empty, or how loud it is."""

    text: str
    tone: str = ""


class Line(NamedTuple):
    """One line of a board; what is the same is drawn once."""

    id: str
    href: str
    number: tuple[str, str, str]
    title: str
    type: str
    urgency: str
    urgency_code: str
    area: str
    category: str
    state: str
    received: str
    due: str = ""
    owes: str = ""
    marks: tuple[Mark, ...] = ()
    lamp: Lamp = "none"
    left: str = ""


_TELLS_TIME = Line._fields.index("lamp")
"""From here on a line hangs on the moment at which it is shown."""
LINES_KEPT = 8_192
"""Lines of lists that are not made again as long as their tickets stay as they are."""


@dataclass(frozen=True, slots=True)
class Board:
    """A page of lines; `after` is the key of the next one, empty at the end."""

    lines: tuple[Line, ...]
    after: str


def lamp(due: datetime | None, now: datetime, warns: datetime | None = None) -> Lamp:
    """The lamp of a line: red past due, yellow from `warns` on; where no clock says when, within a day of due."""
    if due is None:
        return "none"
    if now > due:
        return "red"
    return "yellow" if now >= (warns or due - SOON) else "green"


def number(ticket_id: int | str) -> tuple[str, str, str]:
    """The 18 digits in the groups of their meaning: day, time, serial."""
    text = str(ticket_id)
    return text[:6], text[6:12], text[12:]


def board(page: str, codes: Codes, now: datetime, *, most: int, base: str = "/tickets/") -> Board:
    """Return the lines of a page that came as JSON."""
    rows = orjson.loads(page)
    lines = tuple(_line(row, codes, now, base) for row in rows)
    after = f"{rows[-1]['due_at']},{rows[-1]['id']}" if len(rows) == most and rows[-1].get("due_at") else ""
    return Board(lines, after)


def found(page: str, codes: Codes, now: datetime, *, most: int) -> Board:
    """Return the lines of a page of search results; the next page comes before the last number."""
    rows = orjson.loads(page)
    lines = tuple(_line(row, codes, now, "/tickets/") for row in rows)
    return Board(lines, str(rows[-1]["id"]) if len(rows) == most else "")


def earlier(rows: Iterable[Mapping[str, Any]], codes: Codes, now: datetime) -> tuple[Line, ...]:
    """Return the earlier tickets of a number; of a protected one only that it is there."""
    lines = []
    for row in rows:
        title = words.W.sealed if row["sealed"] else row["title"]
        lines.append(_line({**row, "title": title}, codes, now, "/tickets/"))
    return tuple(lines)


def _line(row: Mapping[str, Any], codes: Codes, now: datetime, base: str) -> Line:
    standing, due, warns = _standing(codes, base, tuple(row), tuple(row.values()))
    return Line._make((*standing, lamp(due, now, warns), words.left(due, now) if due else ""))


_Standing = tuple[tuple[Any, ...], datetime | None, datetime | None]


@lru_cache(LINES_KEPT)
def _standing(codes: Codes, base: str, names: tuple[str, ...], values: tuple[Any, ...]) -> _Standing:
    """Return what stands in a line while nothing happens to its ticket, when it is due and from when on it warns."""
    row = dict(zip(names, values, strict=True))
    due, urgency = _moment(row.get("due_at")), row.get("urgency", "normal")
    line = Line(
        id=str(row["id"]),
        href=f"{base}{row['id']}",
        number=number(row["id"]),
        title=words.shortened(row["title"]),
        type=_TYPES[row["type"]],
        urgency=_URGENCIES[urgency],
        urgency_code=urgency,
        area=codes.area(row.get("area")),
        category=codes.leaf(row.get("category")),
        state=_state_of(row),
        received=words.short_moment(_moment(row.get("received_at"))),
        due=words.moment(due),
        owes=words.duty(ClockKind.of(row["owes"])) if row.get("owes") else "",
        marks=tuple(_marks(row)),
    )
    return line[:_TELLS_TIME], due, _moment(row.get("warns_at"))


_TYPES = {one.value: one.chinese for one in TicketType}
_URGENCIES = {one.value: "" if one is Urgency.NORMAL else one.chinese for one in Urgency}
_STATES = {one.value: one.chinese for one in TicketState}


def _state_of(row: Mapping[str, Any]) -> str:
    if "duty" in row:
        return AssignmentState.of(row["state"]).chinese
    outcome = row.get("outcome")
    state = _STATES[row["state"]] if "state" in row else ""
    return f"{state}·{Outcome.of(outcome).chinese}" if outcome else state


def _marks(row: Mapping[str, Any]) -> Iterator[Mark]:
    if row.get("duty") == Duty.CO:
        yield Mark(text=Duty.CO.chinese)
    if row.get("cycle"):
        yield Mark(text=MARKS["redo"].format(row["cycle"]), tone="loud")
    if row.get("returns"):
        yield Mark(text=MARKS["returns"].format(row["returns"]), tone="loud")
    for name in ("designated", "sensitive", "confidential"):
        if row.get(name):
            yield Mark(text=MARKS[name], tone="loud" if name == "confidential" else "")


MARKS = words.MARKS


def _moment(value: Any) -> datetime | None:  # noqa: ANN401 - a moment, its text, or nothing
    return value if isinstance(value, datetime) else datetime.fromisoformat(value) if value else None


class Dial(NamedTuple):
    """One caller to call back, and from when on a call is fair and counts."""

    href: str
    number: tuple[str, str, str]
    title: str
    type: str
    urgency: str
    urgency_code: str
    area: str
    caller: int
    attempts: int
    lamp: Lamp
    left: str
    due: str
    marks: tuple[Mark, ...]
    when: str
    is_now: bool


@dataclass(frozen=True, slots=True)
class Dialling:
    """A page of the dialling queue: who may be called now, and who later; `after` is the key of the next page."""

    now: tuple[Dial, ...]
    later: tuple[Dial, ...]
    after: str


def dialling(rows: Sequence[Mapping[str, Any]], codes: Codes, now: datetime, *, most: int) -> Dialling:
    """Return the callers of a page, those who may be called now first, the others by when they may."""
    dials = sorted(((visits.next_call(row["tried"], now), index) for index, row in enumerate(rows)))
    lines = [(at, _dial(rows[index], codes, now, at)) for at, index in dials]
    tickets_there = len({row["id"] for row in rows})
    after = f"{rows[-1]['due_at'].isoformat()},{rows[-1]['id']}" if tickets_there == most and rows[-1]["due_at"] else ""
    return Dialling(
        tuple(line for at, line in lines if at <= now), tuple(line for at, line in lines if at > now), after
    )


def _dial(row: Mapping[str, Any], codes: Codes, now: datetime, at: datetime) -> Dial:
    due, is_now = row["due_at"], at <= now
    marks = [Mark(text=MARKS["bad"], tone="alarm")] if row["is_bad"] else []
    return Dial(
        href=f"/follow-up/{row['id']}#visit-{row['number']}",
        number=number(row["id"]),
        title=words.shortened(row["title"]),
        type=_TYPES[row["type"]],
        urgency=_URGENCIES[row["urgency"]],
        urgency_code=row["urgency"],
        area=codes.area(row["area"]),
        caller=row["number"],
        attempts=len(row["tried"]),
        lamp=lamp(due, now),
        left=words.left(due, now) if due else "",
        due=words.moment(due),
        marks=(*marks, *_marks(row)),
        when="" if is_now else words.short_moment(at),
        is_now=is_now,
    )


class Asked(NamedTuple):
    """One line of what the hotline must decide."""

    href: str
    number: tuple[str, str, str]
    title: str
    unit: str
    kind: str
    asked: str
    reason: str
    urgency: str
    urgency_code: str


def asked(page: str, codes: Codes) -> tuple[Asked, ...]:
    """Return the undecided requests that came as JSON."""
    return tuple(_asked(codes, tuple(row), tuple(row.values())) for row in orjson.loads(page))


@lru_cache(LINES_KEPT)
def _asked(codes: Codes, names: tuple[str, ...], values: tuple[Any, ...]) -> Asked:
    row = dict(zip(names, values, strict=True))
    return Asked(
        href=f"/tickets/{row['id']}#decide-{row['number']}",
        number=number(row["id"]),
        title=words.shortened(row["title"]),
        unit=codes.department(row["department"]),
        kind=asked_for(row, codes),
        asked=words.short_moment(_moment(row["asked_at"])),
        reason=row["reason"],
        urgency="" if row["urgency"] == Urgency.NORMAL else Urgency.of(row["urgency"]).chinese,
        urgency_code=row["urgency"],
    )


def asked_for(row: Mapping[str, Any], codes: Codes) -> str:
    """Return what was asked for, in a few words."""
    kind = RequestKind.of(row["kind"])
    more = []
    if row.get("reason_code"):
        more.append(ReturnReason.of(row["reason_code"]).chinese)
    if row.get("working_days"):
        more.append(words.working_days(row["working_days"]))
    if row.get("until"):
        more.append(words.day(_moment(row["until"])))
    if row.get("suggested"):
        more.append(words.suggested(codes.department(row["suggested"])))
    return "，".join((kind.chinese, *more))


@dataclass(frozen=True, slots=True)
class NoticeLine:
    """One notice; an alarm of the system's own leads to no ticket and has no number, a sealed ticket no title."""

    href: str
    text: str
    at: str
    number: tuple[str, str, str]
    title: str
    seen: bool


def notices(rows: Iterable[Mapping[str, Any]]) -> tuple[NoticeLine, ...]:
    """Return the notices of a department, worded."""
    return tuple(
        NoticeLine(
            href=f"/tickets/{row['ticket_id']}" if row["ticket_id"] else "",
            text=words.NOTICES.get(row["kind"], words.W.notices),
            at=words.short_moment(row["created_at"]),
            number=number(row["ticket_id"]) if row["ticket_id"] else ("", "", ""),
            title=words.shortened(row["title"]) if row["title"] else "",
            seen=row["seen_at"] is not None,
        )
        for row in rows
    )


def told_lately(page: str) -> tuple[NoticeLine, ...]:
    """Return notices that came as JSON, worded."""
    return notices({**row, "created_at": _moment(row["created_at"])} for row in orjson.loads(page))


# --- the ticket page --------------------------------------------------------------------------------------------------

Pair = tuple[str, str]


def pictures(shown: Sequence[Shown], ticket_id: str, codes: Codes) -> tuple[Pair, ...]:
    """Return the pictures that were sent, each with whose it is."""
    return tuple(
        (
            f"/tickets/{ticket_id}/pictures/{one.id}",
            f"{codes.department(one.department) or one.role.chinese} {one.name or words.picture(number)}",
        )
        for number, one in enumerate(shown, start=1)
        if one.event
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class CallerCard:
    """A caller, masked, withheld or in clear."""

    number: int
    name: str
    phone: str
    address: str
    withheld: bool
    is_clear: bool
    original: str
    may_unmask: bool
    facts: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockLine:
    """A deadline, running or stopped."""

    kind: str
    unit: str
    started: str
    due: str
    left: str
    lamp: Lamp
    allowance: str
    rule: str
    version: str
    provisional: bool
    ended: str


@dataclass(frozen=True, slots=True)
class OrderPart:
    """A paper of supervision; `case` leads to what is known of the case, for those who may see it."""

    title: str
    facts: tuple[Pair, ...]
    case: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """An assignment with everything below it."""

    number: int
    unit: str
    duty: str
    state: str
    state_code: str
    is_live: bool
    designated: bool
    facts: tuple[Pair, ...]
    requests: tuple[tuple[str, tuple[Pair, ...]], ...]
    orders: tuple[OrderPart, ...]
    children: tuple[Card, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One event of the path."""

    number: int
    at: str
    what: str
    who: str
    facts: tuple[Pair, ...]
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A unit that might own the matter."""

    unit: str
    category: str
    probability: str
    why: str
    lead: str
    category_code: str
    category_path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Why:
    """Why the ticket went where it went, or why a person must say."""

    reason: str
    facts: tuple[Pair, ...]
    candidates: tuple[Candidate, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """The forms for one part of the ticket; or, without forms of its own, several such parts, folded."""

    title: str
    forms: tuple[forms.Form, ...]
    parts: tuple[Group, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A ticket as one person may see it, ready to print."""

    id: str
    number: tuple[str, str, str]
    version: int
    title: str
    state: str
    state_code: str
    outcome: str
    lamp: Lamp
    left: str
    marks: tuple[Mark, ...]
    said: str
    has_original: bool
    facts: tuple[Pair, ...]
    callers: tuple[CallerCard, ...]
    running: tuple[ClockLine, ...]
    stopped: tuple[ClockLine, ...]
    assignments: tuple[Card, ...]
    answers: tuple[tuple[str, str, tuple[Pair, ...]], ...]
    why: Why | None
    path: tuple[Step, ...]
    merged: tuple[Line, ...]
    merged_into: str
    groups: tuple[Group, ...]
    offered: frozenset[str]
    may_add_caller: bool
    lists: tuple[str, ...]
    """Of names that an input of a form chooses from; they are most of such a page, and a page without them is short."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """What somebody typed into which form of the page, and what came of it."""

    action: str = ""
    number: int = 0
    typed: forms.Typed | None = None
    error: Exception | None = None
    clear: tickets.Person | None = None


NOTHING = Attempt()


def page(seen: tickets.View, actor: Actor, codes: Codes, now: datetime, attempt: Attempt = NOTHING) -> Page:
    """Return the ticket page of one person."""
    ticket, matter = seen.file.ticket, seen.file.matter
    due = min((clock.due_at for clock in ticket.running() if clock.kind.is_duty), default=None)
    clocks = sorted(ticket.clocks, key=lambda clock: (not clock.kind.is_duty, clock.due_at))
    lines = [_clock(clock, codes, now, seen.file.warns.get(clock.number)) for clock in clocks]
    offered, case = frozenset(offer.action for offer in seen.offers), actor.role is Role.SUPERVISOR
    groups = _groups(seen, codes, attempt)
    return Page(
        id=str(ticket.id),
        number=number(ticket.id),
        version=ticket.version,
        title=matter.title,
        state=ticket.state.chinese,
        state_code=ticket.state.value,
        outcome=ticket.outcome.chinese if ticket.outcome else "",
        lamp=_worst(line.lamp for line, clock in zip(lines, clocks, strict=True) if clock.is_running),
        left=words.left(due, now) if due else "",
        marks=tuple(_ticket_marks(ticket)),
        said=matter.text,
        has_original=matter.has_original,
        facts=tuple(_ticket_facts(seen, codes, actor)),
        callers=tuple(_caller(person, seen, actor, attempt.clear) for person in seen.callers),
        running=tuple(line for line, clock in zip(lines, clocks, strict=True) if clock.is_running),
        stopped=tuple(line for line, clock in zip(lines, clocks, strict=True) if not clock.is_running),
        assignments=tuple(_card(one, ticket, codes, case=case) for one in ticket.assignments if one.parent is None),
        answers=tuple(_answers(seen, codes)),
        why=_why(seen.file, codes, candidates=bool(offered & {"dispatch", "designate"})),
        path=tuple(step(event, ticket, codes) for event in seen.events),
        merged=tuple(_merged(row) for row in seen.merged),
        merged_into=str(ticket.merged_into) if ticket.merged_into else "",
        groups=groups,
        offered=offered,
        may_add_caller=actor.is_hotline and not ticket.is_closed,
        lists=tuple(forms.lists(one for form in _every_form(groups) for one in form.inputs)),
    )


_ORDER: Sequence[Lamp] = ("red", "yellow", "green", "none")


def _worst(lamps: Iterable[Lamp]) -> Lamp:
    return min(lamps, key=_ORDER.index, default="none")


def _ticket_marks(ticket: Ticket) -> Iterator[Mark]:
    if ticket.urgency is not Urgency.NORMAL:
        yield Mark(text=ticket.urgency.chinese, tone="alarm")
    if ticket.confidential:
        yield Mark(text=MARKS["confidential"], tone="loud")
    if ticket.sensitive:
        yield Mark(text=MARKS["sensitive"])
    if ticket.cycle:
        yield Mark(text=MARKS["redo"].format(ticket.cycle), tone="loud")
    if ticket.returns:
        yield Mark(text=MARKS["returns"].format(ticket.returns), tone="loud")


def _ticket_facts(seen: tickets.View, codes: Codes, actor: Actor) -> Iterator[Pair]:
    ticket, matter = seen.file.ticket, seen.file.matter
    name = words.FIELDS
    yield name["type"], ticket.type.chinese
    yield name["category"], codes.category(ticket.category) or words.NOT_YET
    yield name["area"], codes.area(ticket.area) or words.NOT_YET
    if matter.place:
        yield name["place"], matter.place
    if ticket.owner:
        yield name["owner"], words.owner(ticket.owner)
    yield name["received_at"], words.moment(ticket.received_at)
    channel = Channel.of(matter.channel).chinese
    outside = matter.outside_id if matter.source != tickets.LOCAL else None
    yield name["channel"], f"{channel}（{matter.source} {outside}）" if outside else channel
    if ticket.reported and actor.role not in HOLDERS:
        yield name["reported"], codes.department(ticket.reported)
    if ticket.returned_by:
        yield words.RETURNED_BY, "、".join(codes.department(one) for one in ticket.returned_by)


def _caller(person: tickets.Person, seen: tickets.View, actor: Actor, clear: tickets.Person | None) -> CallerCard:
    is_clear = clear is not None and clear.number == person.number
    shown = clear if clear is not None and is_clear else person
    caller = next(one for one in seen.file.ticket.callers if one.number == person.number)
    facts = [words.rated(caller.rating.chinese)] if caller.rating else []
    if caller.visited:
        facts.append(words.VISITED)
    if caller.attempts:
        facts.append(words.attempts(caller.attempts))
    if not caller.wants_visit:
        facts.append(words.NO_VISIT)
    if caller.origin:
        facts.append(words.from_ticket(caller.origin))
    return CallerCard(
        number=person.number,
        name=shown.name,
        phone=shown.phone,
        address=shown.address,
        withheld=person.withheld,
        is_clear=is_clear,
        original=shown.original,
        may_unmask=not person.withheld and tickets.may_see_caller(seen.file.ticket, actor),
        facts=tuple(facts),
    )


_LAMPS: Mapping[Colour, Lamp] = {
    Colour.RED: "red",
    Colour.YELLOW: "yellow",
    Colour.GREEN: "green",
    Colour.NONE: "none",
}


def _clock(clock: Clock, codes: Codes, now: datetime, warns: datetime | None) -> ClockLine:
    late = clock.is_overdue(now)
    ended = ""
    if clock.stop:
        ended = f"{words.moment(clock.stopped_at)} {clock.stop.chinese}" + (words.LATE if late else "")
    return ClockLine(
        kind=clock.kind.chinese,
        unit=codes.department(clock.department),
        started=words.moment(clock.started_at),
        due=words.moment(clock.due_at),
        left=words.left(clock.due_at, now) if clock.is_running else "",
        lamp=_LAMPS[deadlines.lamp(clock, now, codes.rulebook, warns)],
        allowance=words.allowance(clock.allowance),
        rule=clock.rule,
        version=clock.rules,
        provisional=clock.provisional,
        ended=ended,
    )


def _card(one: Assignment, ticket: Ticket, codes: Codes, *, case: bool) -> Card:
    w = words.W
    times = (
        (w.sent, one.sent_at),
        (w.accepted, one.accepted_at),
        (w.contacted, one.contacted_at),
        (w.replied, one.replied_at),
        (w.promised, one.promised_for),
    )
    return Card(
        number=one.number,
        unit=codes.department(one.department),
        duty=one.duty.chinese,
        state=one.state.chinese,
        state_code=one.state.value,
        is_live=one.is_live,
        designated=one.designated,
        facts=tuple((label, words.moment(at)) for label, at in times if at),
        requests=tuple(_request(asked, codes) for asked in ticket.requests if asked.assignment == one.number),
        orders=tuple(_paper(paper, ticket, case=case) for paper in ticket.orders if paper.assignment == one.number),
        children=tuple(_card(child, ticket, codes, case=case) for child in ticket.children(one.number)),
    )


def _request(one: Request, codes: Codes) -> tuple[str, tuple[Pair, ...]]:
    row = {
        "kind": one.kind,
        "reason_code": one.reason_code,
        "working_days": one.working_days,
        "until": one.until,
        "suggested": one.suggested,
    }
    facts = [(words.moment(one.asked_at), one.reason)]
    if one.pause_code:
        facts.append((words.FIELDS["pause_code"], one.pause_code.chinese))
    if one.basis:
        facts.append((words.FIELDS["basis"], one.basis))
    facts.append(
        (words.W.decision, " ".join(filter(None, (one.decision.chinese, words.moment(one.decided_at), one.answer))))
    )
    if one.ended_at:
        facts.append((words.W.resumed, words.moment(one.ended_at)))
    if one.told_at:
        facts.append((words.W.told, words.moment(one.told_at)))
    return f"{words.W.requests} {one.number} · {asked_for(row, codes)}", tuple(facts)


def _paper(one: Order, ticket: Ticket, *, case: bool) -> OrderPart:
    return OrderPart(*order(one), f"/tickets/{ticket.id}/case/{one.number}" if case else "")


def order(one: Order) -> tuple[str, tuple[Pair, ...]]:
    """Return a paper's title and its facts."""
    w = words.W
    facts = [(words.moment(one.issued_at), one.demand)]
    if one.body and one.ground:
        facts.append((one.body.chinese, one.ground.chinese))
    if one.answered_at:
        facts.append((f"{words.moment(one.answered_at)} {w.replied}", one.answer))
    if one.remark:
        facts.append((w.order_remark, one.remark))
    if one.exemption and one.exemption_ground:
        facts.append(
            (f"{w.exemption} {one.exemption.chinese}", f"{one.exemption_ground.chinese}：{one.exemption_reason}")
        )
        facts += [(w.exemption_answer, one.exemption_answer)] if one.exemption_answer else []
    joint = words.JOINT if one.joint else ""
    return f"{joint}{one.rung.chinese} {one.number} · {one.state.chinese}", tuple(facts)


REPLY_PARTS = ("received", "findings", "handling", "follows", "genuine", "solved")


def _answers(seen: tickets.View, codes: Codes) -> Iterator[tuple[str, str, tuple[Pair, ...]]]:
    """The newest answer of every unit, the lead's first, without internal notes."""
    newest: dict[int, Mapping[str, Any]] = {}
    for event in seen.events:
        if event["action"] == "reply":
            newest[event["data"]["assignment"]] = event
    for assignment in sorted(seen.file.ticket.assignments, key=lambda one: (one.parent or 0, one.duty is Duty.CO)):
        event = newest.get(assignment.number, {})
        if event and assignment.is_live:
            data = {name: event["data"].get(name) for name in REPLY_PARTS}
            facts = tuple(told("reply", data, seen.file.ticket, codes))
            yield codes.department(assignment.department), words.moment(event["at"]), facts


def _why(file: File, codes: Codes, *, candidates: bool) -> Why | None:
    suggestion = file.matter.suggestion
    if not suggestion:
        return None
    trace = suggestion.get("trace", {})
    facts: list[Pair] = []
    if trace.get("category"):
        facts.append((words.FIELDS["category"], codes.category(trace["category"])))
        facts.append((words.W.probability, _share(trace["probability"])))
    facts.append((words.WHY["row"], _matched(trace.get("row", ""), codes)))
    facts += [(words.WHY[name], trace.get(name, "")) for name in ("basis", "model")]
    facts.append((words.WHY["rulebook"], words.versions(trace.get("rulebook", ""))))
    if suggestion.get("risks"):
        named = "、".join(Risk.of(risk).chinese for risk in suggestion["risks"])
        said = "、".join(suggestion.get("risk_words", ()))
        facts.append((words.WHY["risks"], f"{named}（{said}）" if said else named))
    for name in ("evidence", "type_evidence", "urgency_evidence"):
        facts.append((words.WHY[name], "、".join(map(str, suggestion.get(name, ())))))
    found = suggestion.get("candidates", ()) if candidates else ()
    thoughts = list(register.still_open(found, file.ticket, codes.rulebook))
    return Why(
        reason=words.doubt(trace),
        facts=tuple((label, value) for label, value in facts if value),
        candidates=tuple(_candidate(one, codes) for one in thoughts[:3]),
    )


def _matched(row: str, codes: Codes) -> str:
    """The row of the catalogue that matched, as a trace names it, in words: kind, place and owner."""
    category, _, where = row.partition("/")
    area, _, owner = where.partition("/")
    place = codes.area(area) if area != "*" else words.RULES.everywhere
    return " / ".join(filter(None, (codes.category(category), place, words.owner(owner) if owner != "*" else "")))


def _candidate(one: Mapping[str, Any], codes: Codes) -> Candidate:
    return Candidate(
        unit=codes.department(one["department"]),
        category=codes.leaf(one["category"]),
        probability=_share(one["probability"]),
        why=words.ground(one, codes.leaf(one["category"])),
        lead=one["department"],
        category_path=codes.category(one["category"]),
        category_code=one["category"],
    )


def _share(probability: float) -> str:
    """A guess as a share; what a person fixed is no guess."""
    return f"{probability:.0%}" if 0 < probability < 1 else ""


def step(event: Mapping[str, Any], ticket: Ticket, codes: Codes) -> Step:
    """Return one event of the path in words."""
    role = Role.of(event["role"])
    unit = codes.department(event["department"])
    who = (
        role.chinese
        if role in {Role.MACHINE, Role.CITIZEN}
        else f"{unit} {role.chinese} {event['name'] or event['person']}"
    )
    return Step(
        number=event["number"],
        at=words.moment(event["at"]),
        what=words.action(event["action"]),
        who=who,
        facts=tuple(told(event["action"], event["data"], ticket, codes)),
        state=TicketState.of(event["state"]).chinese,
    )


def told(action: str, data: Mapping[str, Any], ticket: Ticket, codes: Codes) -> Iterator[Pair]:
    """Yield the data of an event in words, without what was left empty."""
    hints = _hints(action)
    for name in sorted(data, key=list(hints).index if set(data) <= set(hints) else None):
        text = _told(action, name, data[name], hints.get(name, str), ticket, codes)
        if text:
            yield words.field(action, name), text


@cache
def _hints(action: str) -> Mapping[str, Any]:
    """The types of an action's fields, in the order in which they are told."""
    if action not in do.ACTIONS:
        return {}
    hints = get_type_hints(do.ACTIONS[action])
    return {field.name: hints[field.name] for field in fields(do.ACTIONS[action])}


_UNITS = frozenset({"lead", "co", "department", "departments", "suggested"})


def _told(action: str, name: str, value: Any, hint: Any, ticket: Ticket, codes: Codes) -> str:  # noqa: ANN401 - JSON
    if value in (None, "", []) or name == "callers" or (name == "redo" and not value):
        return ""
    if name in _UNITS:
        return "、".join(codes.department(code) for code in ([value] if isinstance(value, str) else value))
    if isinstance(value, bool):
        return words.truth(value, decides=name == "approve")
    if name == "confirmed":
        return "、".join(Caution.of(code).chinese for code in value)
    if name in {"assignment", "request", "order", "caller"}:
        return _part(name, value, ticket, codes)
    return _code(action, name, value, codes) or _plain(value, hint)


def _code(action: str, name: str, value: Any, codes: Codes) -> str:  # noqa: ANN401 - JSON
    if name == "ground" and value in codes.rulebook.refusals:
        return codes.rulebook.refusals[value].name
    if action != "amend":
        return ""
    named = {"category": codes.category, "area": codes.area, "owner": words.owner}
    return named[name](value) if name in named else ""


def _plain(value: Any, hint: Any) -> str:  # noqa: ANN401 - JSON and a type form
    if get_origin(hint) in (Union, UnionType):
        hint = next(one for one in get_args(hint) if one is not NoneType)
    if isinstance(hint, type) and issubclass(hint, Term):
        return hint.of(value).chinese
    if hint is datetime:
        return words.moment(_moment(value))
    return str(value)


def _part(name: str, value: int, ticket: Ticket, codes: Codes) -> str:
    if name == "caller":
        return f"{words.GROUPS[name]} {value}"
    if name == "request":
        kinds = {one.number: one.kind.chinese for one in ticket.requests}
        return f"{value} · {kinds.get(value, '')}"
    if name == "order":
        return str(value)
    units = {one.number: codes.department(one.department) for one in ticket.assignments}
    return f"{value} · {units.get(value, '')}"


def _merged(row: Mapping[str, Any]) -> Line:
    return Line(
        id=str(row["id"]),
        href=f"/tickets/{row['id']}",
        number=number(row["id"]),
        title=row["title"],
        type="",
        urgency="",
        urgency_code="normal",
        area="",
        category="",
        state="",
        received=words.moment(row["received_at"]),
    )


# --- the forms of the page --------------------------------------------------------------------------------------------


def _groups(seen: tickets.View, codes: Codes, attempt: Attempt) -> tuple[Group, ...]:
    ticket = seen.file.ticket
    made: dict[tuple[str, int], list[forms.Form]] = {}
    tried = (attempt.action, attempt.number)
    for offer in seen.offers:
        if offer.action not in forms.FORMS:
            continue
        mine = tried == (offer.action, offer.number)
        typed, error = (attempt.typed or {}, attempt.error) if mine else ({}, None)
        made.setdefault((offer.subject, offer.number), []).append(forms.form(offer, ticket, codes, typed, error))
    groups = {
        key: Group(_group_title(key, ticket, codes), tuple(sorted(found, key=_rank))) for key, found in made.items()
    }
    quiet = [group for (subject, _), group in groups.items() if subject == "assignment" and _first(group) == _LAST]
    folded = [Group(words.UNITS_OF_TICKET, (), tuple(quiet))] if len(quiet) > 1 else []
    shown = sorted((group for group in groups.values() if not folded or group not in quiet), key=_first)
    return (*_with_first_open(shown), *folded)


def _every_form(groups: Iterable[Group]) -> Iterator[forms.Form]:
    for group in groups:
        yield from group.forms
        yield from _every_form(group.parts)


def _first(group: Group) -> int:
    return min(map(_rank, group.forms))


def _with_first_open(groups: Sequence[Group]) -> Iterator[Group]:
    """Open the likeliest form, unless one was tried: then that one is open."""
    for index, group in enumerate(groups):
        first, *others = group.forms
        likely = index == 0 and first.action in forms.FIRST
        yield Group(group.title, (replace(first, is_open=first.is_open or likely), *others))


def _rank(form: forms.Form) -> int:
    """Where a form stands: what was tried comes first, then what is likely wanted."""
    if form.is_open:
        return -1
    return forms.FIRST.index(form.action) if form.action in forms.FIRST else _LAST


_LAST = len(forms.FIRST)
"""The rank of what is seldom wanted."""


def _group_title(key: tuple[str, int], ticket: Ticket, codes: Codes) -> str:
    subject, part = key
    name = words.GROUPS[subject]
    match subject:
        case "assignment":
            one = next(one for one in ticket.assignments if one.number == part)
            standing = one.duty.chinese if one.is_live else f"{one.duty.chinese} {one.state.chinese}"
            return f"{name} {part} · {codes.department(one.department)}（{standing}）"
        case "request":
            asked_for = next(one for one in ticket.requests if one.number == part)
            return f"{name} {part} · {asked_for.kind.chinese}"
        case "":
            return name
        case _:
            return f"{name} {part}"
