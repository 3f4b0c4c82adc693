"""The material of a case against a unit 移交材料 (Zhangzhou Art. 21): what happened and its proof, in one document.

Everything in it comes from the ticket, its events, findings and notices; nothing is written for it. It is made as of
the last thing that happened, never as of the look at it: whoever makes it again, with nothing new, gets the same text
and so the same SHA-256, and a printed copy can be held against the archive. Callers are masked, and left out where
nobody may know them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from dispatch.cards import Card
from dispatch.model import Actor, Assignment, ClockKind, Order, Role, Ticket
from dispatch.reckoning import WORK_CLOCKS
from dispatch.rulebook import Rulebook
from dispatch.worktime import ZONE
from hotline import cards, tickets
from hotline.desk import Desk
from hotline.errors import Forbidden, NotFound

_OF_ASSIGNMENT = WORK_CLOCKS | {ClockKind.SIGN, ClockKind.CONTACT}
_OF_REQUEST = frozenset({ClockKind.INFORM})
_OF_ORDER = frozenset({ClockKind.ORDER})


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseFile:
    """The case of one unit on one ticket, `as_of` the last thing that happened; the hash is over `content`."""

    number: str
    ticket: Ticket
    order: Order
    assignment: Assignment
    as_of: datetime
    papers: tuple[Order, ...]
    overdue: tuple[Card, ...]
    findings: tuple[Mapping[str, Any], ...]
    told: tuple[Mapping[str, Any], ...]
    seen: tickets.View
    content: Mapping[str, Any]

    @property
    def sha256(self) -> str:
        """The mark by which a printed copy is held against the archive."""
        text = json.dumps(self.content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()


async def case_file(desk: Desk, ticket_id: int, order: int, actor: Actor) -> CaseFile:
    """Return the case that one paper belongs to; who looked is kept first. Raises Forbidden, NotFound."""
    if actor.role is not Role.SUPERVISOR:
        raise Forbidden(actor.person, "see a case file", "it is for supervisors")
    seen = await tickets.view(desk, ticket_id, actor)
    made = await _made(desk, seen, order, actor)
    facts = {"order": order, "number": made.number, "as_of": made.as_of.isoformat(), "sha256": made.sha256}
    await desk.store.execute(
        "record_audit",
        at=desk.now(),
        person=actor.person,
        what="case_file",
        ticket_id=ticket_id,
        reason=f"order {order}",
        facts=facts,
    )
    return made


async def _made(desk: Desk, seen: tickets.View, number: int, actor: Actor) -> CaseFile:
    ticket, rulebook = seen.file.ticket, await desk.rulebook()
    order = next((one for one in ticket.orders if one.number == number), None)
    if order is None:
        raise NotFound("order", number)
    assignment = ticket.assignments[order.assignment - 1]
    papers = tuple(one for one in ticket.orders if one.assignment == assignment.number)
    findings = await desk.store.fetch("findings_of_ticket", ticket_id=ticket.id)
    units = [assignment.department, *_above(assignment.department, rulebook)]
    told = await desk.store.fetch("told_of_ticket", ticket_id=ticket.id, units=units)
    last = [row["found_at"] for row in findings] + [event["at"] for event in seen.events]
    as_of = min(max(last), desk.now())
    made = await cards.cards(desk, ticket.id, actor, at=as_of)
    mine = [card for card in made if _belongs(card, assignment, ticket)]
    numbers = {card.clock.number for card in mine}
    file = CaseFile(
        number=f"{ticket.id}-{order.number:02}",
        ticket=ticket,
        order=order,
        assignment=assignment,
        as_of=as_of,
        papers=papers,
        overdue=tuple(card for card in mine if card.late),
        findings=tuple(dict(row) for row in findings if row["clock"] in numbers),
        told=tuple(dict(row) for row in told),
        seen=seen,
        content={},
    )
    return _with_content(file, rulebook)


def _above(unit: str, rulebook: Rulebook) -> Iterator[str]:
    known = rulebook.every_department
    parent = known[unit].parent if unit in known else None
    while parent:
        yield parent
        parent = known[parent].parent


def _belongs(card: Card, assignment: Assignment, ticket: Ticket) -> bool:
    """Whether a clock holds this assignment's unit to account."""
    clock = card.clock
    if clock.department != assignment.department:
        return False
    if clock.kind in _OF_ASSIGNMENT:
        return clock.subject == assignment.number
    if clock.kind in _OF_ORDER:
        return ticket.orders[clock.subject - 1].assignment == assignment.number
    return clock.kind in _OF_REQUEST and ticket.requests[clock.subject - 1].assignment == assignment.number


def _with_content(file: CaseFile, rulebook: Rulebook) -> CaseFile:
    ticket, matter, unit = file.ticket, file.seen.file.matter, file.assignment.department
    known = rulebook.every_department.get(unit)
    content = {
        "number": file.number,
        "as_of": file.as_of,
        "ticket": {
            "id": str(ticket.id),
            "title": matter.title,
            "text": matter.text,
            "place": matter.place,
            "channel": matter.channel,
            "callers": [asdict(one) for one in callers(file)],
            **{name: getattr(ticket, name) for name in _FACTS},
        },
        "unit": {"code": unit, "name": known.name if known else unit},
        "assignment": asdict(file.assignment),
        "order": asdict(file.order) | {"state": file.order.state},
        "papers": [asdict(one) | {"state": one.state} for one in file.papers],
        "overdue": [cards.plain(one) for one in file.overdue],
        "findings": list(file.findings),
        "told": list(file.told),
        "events": [_event(event) for event in file.seen.events],
    }
    return replace(file, content=_plain(content))


_FACTS = ("type", "urgency", "category", "area", "state", "outcome", "received_at", "cycle", "returns", "urges")
_STEP = ("number", "at", "person", "role", "department", "action", "data", "state")


def callers(file: CaseFile) -> Sequence[tickets.Person]:
    """The callers, masked; nobody where the ticket hides them from whom it concerns."""
    return () if file.ticket.hides_caller else file.seen.callers


def _event(event: Mapping[str, Any]) -> dict[str, Any]:
    return {name: event[name] for name in _STEP}


def _plain(value: Any) -> Any:  # noqa: ANN401 - any part of the document
    match value:
        case None | bool() | int():
            return value
        case str():
            return str(value)
        case datetime():
            return value.astimezone(ZONE).isoformat()
        case Mapping():
            return {str(name): _plain(part) for name, part in value.items()}
        case _ if isinstance(value, Iterable):
            return [_plain(one) for one in value]
        case _:
            return str(value)
