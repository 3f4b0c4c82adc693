"""Who else has a ticket open, and who is writing: kept for seconds, told only to those who may know of it.

Nothing here locks: of two who write, the second is told by the ticket's version. Whom a page tells of whom is decided
here (docs/adr/0012-who-is-told-who-is-here.md): the hotline knows of everybody; a unit knows of its own people, of
others only while they are writing, never by name, and of nobody else on a protected matter.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass

import orjson

from dispatch.lifecycle import HOLDERS
from dispatch.model import Actor, Ticket, TicketType
from hotline import tickets
from hotline.desk import Desk
from hotline.errors import BadInput, NotFound
from hotline.stream import Change, announce

GONE_AFTER_SECONDS = 20
"""A page says every eight seconds that it is open: whoever fell silent is gone from all pages within half a minute."""
_TAB = re.compile(r"[0-9A-Za-z]{8,40}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Here:
    """Somebody at a ticket; `name` and `role` are empty where the reader may not know more than the unit."""

    person: str
    name: str
    role: str
    department: str
    writing: bool


async def come(desk: Desk, ticket_id: int, actor: Actor, tab: str, *, writing: bool) -> list[Here]:
    """Keep that a page of the actor shows a ticket and return who else is there; raises NotFound, BadInput."""
    ticket = await _checked(desk, ticket_id, actor, tab)
    mine = Here(person=actor.person, name=actor.name, role=actor.role, department=actor.department, writing=writing)
    key, field = _key(ticket_id), f"{actor.person}/{tab}"
    told = orjson.dumps(asdict(mine))
    before = await desk.live.hold(key, field, told, GONE_AFTER_SECONDS)
    if before.get(field) != told:
        _tell(desk, ticket_id, actor, before)
    return list(_told(before, actor, ticket))


async def leave(desk: Desk, ticket_id: int, actor: Actor, tab: str) -> None:
    """Forget a page that was closed."""
    await _checked(desk, ticket_id, actor, tab)
    before = await desk.live.let_go(_key(ticket_id), f"{actor.person}/{tab}")
    _tell(desk, ticket_id, actor, before)


async def _checked(desk: Desk, ticket_id: int, actor: Actor, tab: str) -> Ticket | None:
    """The ticket, for a unit: whether it may see it, and what of others; the hotline sees all and needs none."""
    if not _TAB.fullmatch(tab):
        raise BadInput("tab", tab, "is no name of a page", "8 to 40 letters and digits")
    if actor.is_hotline:
        return None
    ticket = (await desk.store.file(ticket_id)).ticket
    if actor.role not in HOLDERS or not tickets.may_see(ticket, actor, await desk.rulebook()):
        raise NotFound("ticket", ticket_id)
    return ticket


def _key(ticket_id: int) -> str:
    return f"presence:{ticket_id}"


def _tell(desk: Desk, ticket_id: int, actor: Actor, before: Mapping[str, bytes]) -> None:
    """Let the pages of others ask again at once; nobody is told where nobody else is."""
    if any(not field.startswith(f"{actor.person}/") for field in before):
        units = () if actor.is_hotline else (actor.department,)
        announce(desk.live, [Change(name="presence", id=ticket_id, units=units)])


def _told(kept: Mapping[str, bytes], actor: Actor, ticket: Ticket | None) -> Iterator[Here]:
    """Everybody else once, as the actor may know of them; whoever writes in one page of several writes."""
    people: dict[str, Here] = {}
    for one in (Here(**orjson.loads(value)) for value in kept.values()):
        known = people.get(one.person)
        if one.person != actor.person and (known is None or one.writing):
            people[one.person] = one
    for one in sorted(people.values(), key=lambda one: (not one.writing, one.department, one.person)):
        seen = as_seen(one, actor, ticket)
        if seen:
            yield seen


def as_seen(one: Here, actor: Actor, ticket: Ticket | None) -> Here | None:
    """Return what the actor may know of somebody at a ticket; None for nothing."""
    if ticket is None or one.department == actor.department:
        return one
    protected = ticket.confidential or ticket.sensitive or ticket.type is TicketType.REPORT or bool(ticket.reported)
    if protected or not one.writing:
        return None
    return Here(person="", name="", role="", department=one.department, writing=True)
