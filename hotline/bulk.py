"""Many tickets dispatched by one act, where that is safe: each by itself, by the same door and rules as a single one.

So is what a closed unit still has: it is taken back and sent to the successor, for a reason that somebody gives.
A ticket is dispatched whole or not at all, whatever becomes of the others. What must be looked at by itself is refused:
confidential and sensitive matters, reports, words of danger. Knows no HTML.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dispatch import actions as do
from dispatch.errors import BadAction, DispatchError
from dispatch.model import Actor, Assignment, Role, Ticket, TicketType
from dispatch.rulebook import Rulebook, successor_of
from hotline import register, tickets
from hotline.desk import Desk
from hotline.errors import BadInput, Forbidden, HotlineError, NotInBulk, Unavailable
from hotline.store import File

MOST = 50
SHORTEST_REASON = 4
DISPATCHERS = frozenset({Role.DISPATCHER, Role.SUPERVISOR})
_KEY = re.compile(r"[0-9A-Za-z_-]{8,60}")


@dataclass(frozen=True, slots=True)
class Chosen:
    """A ticket as the dispatcher saw it, with the unit that was suggested: what is otherwise by now is refused."""

    ticket: int
    expected: int
    lead: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is to be done with every chosen ticket. No `lead`: each goes to the first unit that was suggested for it.

    `category` is for those that have none yet, and goes with `lead`; `fixed` is the reason that stays beside it. `key`
    is the dispatcher's own: the same order sent again does nothing twice.
    """

    key: str
    lead: str = ""
    category: str = ""
    why: str = ""
    fixed: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HandOver:
    """What a closed unit has goes to its successor; `why` stays with each ticket, `key` is as in an order."""

    key: str
    unit: str
    why: str


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one ticket: as it is afterwards, or what hindered it."""

    ticket: int
    after: Ticket | None = None
    error: HotlineError | DispatchError | BadAction | None = None


def barred(file: File) -> str:
    """Return why a person must look at a ticket by itself, '' if none must."""
    ticket = file.ticket
    if ticket.confidential:
        return "confidential"
    if ticket.reported or ticket.type is TicketType.REPORT:
        return "report"
    if ticket.sensitive:
        return "sensitive"
    return "risk" if (file.matter.suggestion or {}).get("risks") else ""


def suggested(file: File, rulebook: Rulebook) -> Mapping[str, Any] | None:
    """Return the unit that was suggested first for a ticket, with its category and why; None for none."""
    candidates = (file.matter.suggestion or {}).get("candidates") or ()
    return next(register.still_open(candidates, file.ticket, rulebook), None)


async def files(desk: Desk, ids: Sequence[int], actor: Actor) -> dict[int, File]:
    """Return what a dispatcher must see of some tickets to choose among them."""
    _may(actor)
    return {file.ticket.id: file for file in await desk.store.files(ids)}


async def dispatch(desk: Desk, chosen: Sequence[Chosen], order: Order, actor: Actor) -> list[Result]:
    """Dispatch the chosen tickets and return one result for each, in their order; raises BadInput, Forbidden.

    When the database goes away, those not yet done are told so and are not tried.
    """
    _may(actor)
    _check(chosen, order.key)
    if order.category and not order.lead:
        raise BadInput("lead", "", "is missing", "the unit, where a category is given")
    rulebook = await desk.rulebook()
    return await _each(desk, chosen, lambda file, one: _actions(file, one, order, rulebook), order.key, actor)


def successor(unit: str, rulebook: Rulebook) -> str:
    """Return who stands in for a closed unit; '' for one that is in use, or for whom nobody stands in."""
    heir = successor_of(unit, rulebook.closed.departments)
    return heir if heir != unit and heir in rulebook.departments else ""


def kept_back(file: File, unit: str) -> str:
    """Return why a ticket of a closed unit must be handed over by itself, '' if it may go with others."""
    if reason := barred(file):
        return reason
    own = _open_parts(file.ticket, unit)
    if any(one.designated for one in own):
        return "designated"
    if any(one.parent is not None for one in own):
        return "sent_from_above"
    return "sent_on" if any(child.is_live for one in own for child in file.ticket.children(one.number)) else ""


async def hand_over(desk: Desk, chosen: Sequence[Chosen], order: HandOver, actor: Actor) -> list[Result]:
    """Send what a closed unit has of the chosen tickets to its successor and return one result for each.

    The unit's deadlines end where they stand, what was late stays late, and the successor has its own from now on, as
    with any ticket that is taken back and sent again. Raises BadInput, Forbidden.
    """
    _may(actor)
    _check(chosen, order.key)
    why, rulebook = order.why.strip(), await desk.rulebook()
    if len(why) < SHORTEST_REASON:
        raise BadInput("why", why, "is too short", "by what decision, and why")
    heir = successor(order.unit, rulebook)
    if not heir:
        raise BadInput("department", order.unit, "has no successor", "a closed unit for which another stands in")
    return await _each(desk, chosen, lambda file, _one: _moved(file, order.unit, heir, why), order.key, actor)


def _moved(file: File, unit: str, heir: str, why: str) -> list[do.Action]:
    """What hands a unit's part of a ticket over: a lead's is taken back and sent anew, a co-handler's likewise."""
    ticket = file.ticket
    own = _open_parts(ticket, unit)
    if not own:
        raise NotInBulk(ticket.id, "gone")
    if reason := kept_back(file, unit):
        raise NotInBulk(ticket.id, reason)
    back: list[do.Action] = [do.Recall(assignment=one.number, reason=why) for one in own]
    if ticket.lead in own:
        return [*back, do.Dispatch(lead=heir, why=why)]
    has_part = any(one.department == heir and one.is_live for one in ticket.assignments)
    if has_part or ticket.lead is None:
        return back
    return [*back, do.AddCo(assignment=ticket.lead.number, department=heir, why=why)]


def _open_parts(ticket: Ticket, unit: str) -> list[Assignment]:
    return [one for one in ticket.assignments if one.department == unit and one.is_open]


Planned = Callable[[File, Chosen], list[do.Action]]
"""What is to be done with a chosen ticket as it is found; raises NotInBulk."""


async def _each(desk: Desk, chosen: Sequence[Chosen], plan: Planned, key: str, actor: Actor) -> list[Result]:
    results: list[Result] = []
    for one in chosen:
        if results and isinstance(results[-1].error, Unavailable):
            results.append(Result(one.ticket, error=results[-1].error))
        else:
            results.append(await _one(desk, one, plan, key, actor))
    return results


def _may(actor: Actor) -> None:
    if actor.role not in DISPATCHERS:
        raise Forbidden(actor.person, "dispatch many tickets", "only dispatchers may")


def _check(chosen: Sequence[Chosen], key: str) -> None:
    if not chosen:
        raise BadInput("tickets", "", "are missing", f"1 to {MOST}")
    if len(chosen) > MOST:
        raise BadInput("tickets", len(chosen), "are too many", f"at most {MOST}")
    if len({one.ticket for one in chosen}) < len(chosen):
        raise BadInput("tickets", "", "stand there twice", "each ticket once")
    if not _KEY.fullmatch(key):
        raise BadInput("key", key, "is no key", "8 to 60 of A-Z, a-z, 0-9, '_' and '-'")


async def _one(desk: Desk, one: Chosen, plan: Planned, key: str, actor: Actor) -> Result:
    def actions(file: File) -> list[do.Action]:
        return plan(file, one)

    try:
        after = await tickets.act_in_turn(desk, one.ticket, actions, actor, expected=one.expected, key=f"bulk-{key}")
    except (HotlineError, DispatchError, BadAction) as error:
        return Result(one.ticket, error=error)
    return Result(one.ticket, after=after)


def _actions(file: File, one: Chosen, order: Order, rulebook: Rulebook) -> list[do.Action]:
    """The same actions as the form of one ticket brings about; raises NotInBulk."""
    if reason := barred(file):
        raise NotInBulk(one.ticket, reason)
    lead, category = order.lead, order.category
    if not lead:
        first = suggested(file, rulebook)
        if first is None:
            raise NotInBulk(one.ticket, "no_suggestion")
        lead, category = first["department"], first["category"]
        if one.lead and one.lead != lead:
            raise NotInBulk(one.ticket, "other_suggestion")
    # Not for a ticket that has a category: a person, or the model when it was sure, has set it.
    amend = [do.Amend(category=category, reason=order.fixed)] if category and not file.ticket.category else []
    return [*amend, do.Dispatch(lead=lead, why=order.why)]
