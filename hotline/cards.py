"""Deadline cards 时限卡 of a ticket at any moment, made from its events and from the calendars they were counted by.

Both are immutable: events are append-only and a published calendar never changes. So the card of 3 May shown years
later is the card that was shown on 3 May. Nothing is stored for it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import fields
from datetime import datetime, timedelta
from typing import Any

from dispatch.cards import Card, card
from dispatch.history import replay
from dispatch.model import Actor, Clock, Ticket
from dispatch.rulebook import Rulebook
from dispatch.worktime import ZONE, Calendar
from hotline.desk import Desk
from hotline.errors import BadInput, NotFound
from hotline.tickets import may_see


async def cards(desk: Desk, ticket_id: int, actor: Actor, *, at: datetime | None = None) -> tuple[Card, ...]:
    """Return the card of every clock that the ticket had at the moment `at` (None: now), in order of their numbers.

    Raises NotFound for a ticket that is not there or not the actor's to see, BadInput for a moment before it began or
    after now.
    """
    rulebook, now = await desk.rulebook(), desk.now()
    moment = at or now
    file = await desk.store.file(ticket_id)
    if not may_see(file.ticket, actor, rulebook):
        raise NotFound("ticket", ticket_id)
    events = await desk.store.fetch("events", ticket_id=ticket_id, since=0)
    known = [event["changes"] for event in events if event["at"] <= moment]
    if not known or moment > now:
        first = events[0]["at"].isoformat() if events else "-"
        raise BadInput("at", moment.isoformat(), "is no moment of this ticket", f"from {first} to {now.isoformat()}")
    return await cards_of(desk, replay(known), at=moment)


async def cards_of(desk: Desk, ticket: Ticket, *, at: datetime) -> tuple[Card, ...]:
    """Return the cards of a ticket as it was at `at`."""
    rulebook = await desk.rulebook()
    calendars = {clock.calendar: await _calendar_of(desk, clock, rulebook) for clock in ticket.clocks}
    return tuple(card(ticket, clock, calendars[clock.calendar], at=at) for clock in ticket.clocks)


async def _calendar_of(desk: Desk, clock: Clock, rulebook: Rulebook) -> Calendar:
    """The calendar that a clock was counted by; clocks of before versions were kept go by the present one."""
    name, _, version = clock.calendar.rpartition("-")
    if name != "calendar" or clock.calendar == rulebook.calendar_version:
        return rulebook.calendar
    if clock.calendar not in desk.calendars:
        row = await desk.store.fetch_row("rulebook_part", part=name, version=int(version))
        if row is None:
            raise NotFound("published rulebook part", clock.calendar)
        desk.calendars[clock.calendar] = Calendar.from_mapping(row["body"])
    return desk.calendars[clock.calendar]


def plain(made: Card) -> dict[str, Any]:
    """Return a card as plain values for JSON: moments in ISO form at Shanghai, stretches of time in seconds."""
    shown = {name: _plain(getattr(made, name)) for name in made.__slots__}
    return shown | {"ticket": str(made.ticket), "due_at": _plain(made.due_at), "agrees": made.agrees}


def digest(made: Iterable[Card]) -> str:
    """Return a short text that differs whenever anything on the cards does."""
    text = json.dumps([plain(one) for one in made], ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _plain(value: Any) -> Any:  # noqa: ANN401 - any part of a card
    match value:
        case timedelta():
            return int(value.total_seconds())
        case str() | None | bool() | int():
            return value
        case datetime():
            return value.astimezone(ZONE).isoformat()
        case tuple():
            return [_plain(one) for one in value]
        case _ if hasattr(value, "__dataclass_fields__"):
            return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
        case _:
            return str(value)


def of_clock(made: Iterable[Card], number: int) -> Card:
    """Return the card of the clock `number`; raises NotFound."""
    for one in made:
        if one.clock.number == number:
            return one
    raise NotFound("clock", number)
