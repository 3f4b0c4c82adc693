"""A case file in words, ready to print; what it tells comes from `hotline.casefile`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from dispatch.model import MACHINE, Channel, Order, Role
from hotline import casefile
from hotline.casefile import CaseFile
from hotline.web import card_views, views, words
from hotline.web.forms import Codes
from hotline.web.views import Pair

K = words.CASE


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """The whole document; each of `papers` is a title, its facts, and what happened to it."""

    id: str
    number: str
    title: str
    as_of: str
    sha256: str
    cover: tuple[Pair, ...]
    matter: tuple[Pair, ...]
    said: str
    callers: tuple[str, ...]
    unit: tuple[Pair, ...]
    papers: tuple[tuple[str, tuple[Pair, ...], tuple[views.Step, ...]], ...]
    cards: tuple[card_views.Told, ...]
    found: tuple[tuple[str, ...], ...]
    notices: tuple[tuple[str, ...], ...]
    path: tuple[views.Step, ...]


def tell(case: CaseFile, codes: Codes) -> Told:
    """Return a case file in words."""
    steps = tuple(views.step(event, case.ticket, codes) for event in case.seen.events)
    return Told(
        id=str(case.ticket.id),
        number=case.number,
        title=case.seen.file.matter.title,
        as_of=words.exact(case.as_of),
        sha256=case.sha256,
        cover=tuple(_cover(case, codes)),
        matter=tuple(_matter(case, codes)),
        said=case.seen.file.matter.text,
        callers=tuple(" ".join(filter(None, (one.name, one.phone, one.address))) for one in casefile.callers(case)),
        unit=tuple(_unit(case, codes)),
        papers=tuple(_paper(one, case, steps) for one in case.papers),
        cards=tuple(card_views.tell(card, codes) for card in case.overdue),
        found=tuple(_found(row, case, codes) for row in case.findings),
        notices=tuple(_notice(row, codes) for row in case.told),
        path=steps,
    )


def _cover(case: CaseFile, codes: Codes) -> Iterator[Pair]:
    order = case.order
    yield K.unit, codes.department(case.assignment.department)
    yield K.paper, f"{order.rung.chinese} {order.number} · {order.state.chinese}"
    if order.body:
        yield K.body, order.body.chinese
    if order.ground:
        yield K.ground, order.ground.chinese
    yield K.demand, order.demand
    yield K.issued, f"{words.exact(order.issued_at)} {_who(order.issued_by, case)}"
    yield K.basis, K.law
    yield K.as_of, words.exact(case.as_of)


def _who(person: str, case: CaseFile) -> str:
    """The name of somebody who did something to the ticket."""
    if person == MACHINE.person:
        return Role.MACHINE.chinese
    names = {event["person"]: event["name"] for event in case.seen.events}
    return names.get(person) or person


def _matter(case: CaseFile, codes: Codes) -> Iterator[Pair]:
    ticket, matter, name = case.ticket, case.seen.file.matter, words.FIELDS
    yield K.ticket, str(ticket.id)
    yield name["type"], ticket.type.chinese
    yield name["category"], codes.category(ticket.category) or words.NOT_YET
    yield name["area"], codes.area(ticket.area) or words.NOT_YET
    if matter.place:
        yield name["place"], matter.place
    yield name["channel"], Channel.of(matter.channel).chinese
    yield name["received_at"], words.exact(ticket.received_at)
    yield K.state, ticket.state.chinese + (f" · {ticket.outcome.chinese}" if ticket.outcome else "")
    yield K.redos, str(ticket.cycle)
    yield K.repeats, str(ticket.repeats)


def _unit(case: CaseFile, codes: Codes) -> Iterator[Pair]:
    one, w = case.assignment, words.W
    yield K.unit, f"{codes.department(one.department)}（{one.duty.chinese}）"
    yield K.state, one.state.chinese
    moments = ((w.sent, one.sent_at), (w.accepted, one.accepted_at), (w.contacted, one.contacted_at))
    for label, at in (*moments, (w.replied, one.replied_at), (w.promised, one.promised_for)):
        yield label, words.exact(at) or K.never


def _paper(
    order: Order, case: CaseFile, steps: tuple[views.Step, ...]
) -> tuple[str, tuple[Pair, ...], tuple[views.Step, ...]]:
    """A paper as it stands, and every move that was about it: an answer that was returned is kept only there."""
    title, facts = views.order(order)
    about = {event["number"] for event in case.seen.events if event["data"].get("order") == order.number}
    return title, facts, tuple(step for step in steps if step.number in about)


def _found(row: Mapping[str, Any], case: CaseFile, codes: Codes) -> tuple[str, ...]:
    clock = next(one for one in case.ticket.clocks if one.number == row["clock"])
    basis = next((rule.basis for rule in codes.rulebook.ladder if rule.name == row["rung"]), "")
    told = words.NOTICES.get(row["rung"], row["rung"])
    return words.exact(row["found_at"]), told, clock.kind.chinese, words.exact(row["due_at"]), basis


def _notice(row: Mapping[str, Any], codes: Codes) -> tuple[str, ...]:
    role = Role.of(row["role"]).chinese if row["role"] else ""
    ways = [f"{K.ways[one['channel']]}{K.delivered[one['state']]}" for one in row["deliveries"]]
    seen = f"{K.seen} {words.exact(row['seen_at'])}" if row["seen_at"] else K.unseen
    told = words.NOTICES.get(row["kind"], words.W.notices)
    whom = f"{codes.department(row['department'])} {role}".strip()
    return words.exact(row["created_at"]), whom, told, "，".join((seen, *ways))


def clock_rows(page: views.Page) -> tuple[tuple[str, ...], ...]:
    """Return every deadline of a ticket as a row for the file."""
    return tuple(
        (one.kind, one.unit, one.started, one.due, one.allowance or one.rule, one.ended or one.left)
        for one in (*page.running, *page.stopped)
    )
