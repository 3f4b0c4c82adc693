"""Callers at their own screen: bring a matter, follow it by number and query code, add, take back, rate.

The code is made from the number by a key and stored nowhere. Who tries numbers learns nothing: a number that does not
exist and a wrong code look and last the same, and tries are counted. All changes go through `tickets.act`.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from dispatch import actions as do
from dispatch.lifecycle import Offer, allowed_actions, work_due
from dispatch.model import Actor, Channel, Role, Ticket, TicketState
from hotline import pictures, tickets
from hotline.desk import Desk
from hotline.errors import BadCode, BadInput, NotFound, TooManyRequests
from hotline.store import File
from hotline.vault import SealBroken

ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
"""No 0 and O, no 1, I and L: codes are read aloud and typed by old people."""
CODE_LENGTH = 8
PASS_LIFE = timedelta(minutes=30)
TRIES_OF_ADDRESS, TRIES_OF_NUMBER, TRY_SECONDS = 20, 10, 600
MATTERS_OF_ADDRESS, MATTER_SECONDS = 20, 3600
OWN_ACTIONS = frozenset({"supplement", "withdraw", "rate"})
_NUMBER = re.compile(r"[1-9]\d{17}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Pass:
    """Somebody who showed the code of a ticket; `is_new` right after they brought it."""

    ticket: int
    is_new: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the caller is told: by whom, when, in the parts that are public."""

    department: str
    at: datetime
    parts: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Matter:
    """A ticket as its caller may see it: nothing of who works on it, no note, no clock."""

    number: int
    code: str
    title: str
    text: str
    ticket: Ticket
    department: str
    due_at: datetime | None
    steps: tuple[tuple[str, datetime], ...]
    said_later: tuple[tuple[datetime, str], ...]
    answers: tuple[Answer, ...]
    offers: tuple[Offer, ...]
    pictures: tuple[pictures.Shown, ...]
    is_new: bool
    merged: bool


# --- the code ---------------------------------------------------------------------------------------------------------


def code_of(desk: Desk, ticket_id: int) -> str:
    """Return the query code of a ticket: eight signs that only the key can tell."""
    return _codes(desk, ticket_id)[0]


def _codes(desk: Desk, ticket_id: int) -> list[str]:
    prints = desk.vault.fingerprints(str(ticket_id), about="query code")
    return [_signs(one) for one in prints]


def _signs(fingerprint: bytes) -> str:
    number, signs = int.from_bytes(fingerprint), ""
    for _ in range(CODE_LENGTH):
        number, rest = divmod(number, len(ALPHABET))
        signs += ALPHABET[rest]
    return signs


async def let_in(desk: Desk, number: str, code: str, *, address: str) -> Pass:
    """Return a pass for a number and its code; raises BadCode, TooManyRequests."""
    number = "".join(number.split())
    code = "".join(code.split()).replace("-", "").upper()
    for key, most in ((f"track:from:{address}", TRIES_OF_ADDRESS), (f"track:number:{number[:18]}", TRIES_OF_NUMBER)):
        if seconds := await desk.live.wait(key, most, TRY_SECONDS):
            raise TooManyRequests(seconds)
    # The same work for every number, whether there is such a ticket or not.
    ticket_id = int(number) if _NUMBER.fullmatch(number) else 10**17
    right = [hmac.compare_digest(one.encode(), code.encode("utf-8", "replace")) for one in _codes(desk, ticket_id)]
    there = await desk.store.fetch_value("ticket_is_there", id=ticket_id)
    if not (any(right) and there):
        raise BadCode
    return Pass(ticket_id)


def sealed_pass(desk: Desk, given: Pass) -> str:
    """Return a pass as a cookie holds it, good for half an hour."""
    until = int((desk.now() + PASS_LIFE).timestamp())
    text = f"{given.ticket}/{until}/{int(given.is_new)}"
    return base64.urlsafe_b64encode(desk.vault.seal(text, about="pass")).decode()


def read_pass(desk: Desk, cookie: str) -> Pass | None:
    """Return the pass that a cookie holds; None for none, an old or a forged one."""
    try:
        text = desk.vault.open(base64.urlsafe_b64decode(cookie.encode()), about="pass")
    except (SealBroken, binascii.Error, ValueError):
        return None
    ticket, until, is_new = text.split("/")
    if datetime.fromtimestamp(int(until), UTC) < desk.now():
        return None
    return Pass(int(ticket), is_new == "1")


# --- bringing a matter ------------------------------------------------------------------------------------------------


async def bring(desk: Desk, intake: tickets.Intake, photos: Sequence[pictures.Picture], *, address: str) -> Pass:
    """Open a ticket for a caller without log-in and return a pass for it; raises BadInput, TooManyRequests.

    The outside number lets the same form sent twice be one ticket. It is the browser's word: no ticket that an office
    opened is given out for it.
    """
    if seconds := await desk.live.wait(f"bring:{address}", MATTERS_OF_ADDRESS, MATTER_SECONDS):
        raise TooManyRequests(seconds)
    intake = replace(intake, channel=Channel.WEBSITE, category=None, reported=None, received_at=None)
    opened = await tickets.open_ticket(desk, intake, _GUEST)
    if not opened.is_new and (await desk.store.file(opened.ticket_id)).matter.opened_by != _GUEST.person:
        raise BadInput("outside_id", "", "is no number of a form", "what the page carries")
    await pictures.add(desk, opened.ticket_id, photos, _actor(opened.ticket_id), event=1)
    return Pass(opened.ticket_id, is_new=True)


_GUEST = Actor("web", Role.CITIZEN, "")


def _actor(ticket_id: int) -> Actor:
    """A caller acts under the number of the ticket: that is all we know of them here."""
    return Actor(str(ticket_id), Role.CITIZEN, "")


# --- looking and acting -----------------------------------------------------------------------------------------------


async def _open(desk: Desk, given: Pass) -> tuple[File, int, bool]:
    """Return the ticket that holds the matter now, the caller's number in it, and whether it was merged."""
    file, caller, origin = await desk.store.file(given.ticket), 1, given.ticket
    while file.ticket.merged_into:
        origin = file.ticket.id
        file = await desk.store.file(file.ticket.merged_into)
        caller = next((one.number for one in file.ticket.callers if one.origin == origin), 0)
    return file, caller, origin != given.ticket or file.ticket.id != given.ticket


async def matter(desk: Desk, given: Pass) -> Matter:
    """Return what the holder of a pass may see; raises NotFound when the ticket is gone."""
    file, caller, merged = await _open(desk, given)
    ticket, actor = file.ticket, _actor(file.ticket.id)
    own = file if not merged else await desk.store.file(given.ticket)
    events = [dict(row) for row in await desk.store.fetch("events", ticket_id=ticket.id, since=0)]
    shown = await pictures.of(desk, file, actor) if not merged else []
    return Matter(
        number=given.ticket,
        code=code_of(desk, given.ticket) if given.is_new else "",
        title=own.matter.title,
        text=own.matter.text,
        ticket=ticket,
        department=ticket.lead.department if ticket.lead else "",
        due_at=_due(ticket),
        steps=tuple(_steps(events)),
        said_later=tuple((one["at"], one["data"]["text"]) for one in events if _is_own_word(one, ticket, caller)),
        answers=tuple(_answers(ticket, events)),
        offers=tuple(_offers(ticket, actor, caller, merged=merged)),
        pictures=tuple(shown),
        is_new=given.is_new,
        merged=merged,
    )


def _is_own_word(event: Mapping[str, Any], ticket: Ticket, caller: int) -> bool:
    """Whether this caller said it; what names no caller was said when whoever brought the ticket was the only one."""
    if event["action"] != "supplement" or event["role"] != Role.CITIZEN:
        return False
    alone = caller if len(ticket.callers) == 1 else 0
    return bool((event["data"].get("caller") or alone) == caller)


def _due(ticket: Ticket) -> datetime | None:
    """When an answer is owed by; the hotline's own inner deadlines are nobody else's."""
    if ticket.state is not TicketState.HANDLING or ticket.lead is None:
        return None
    return work_due(ticket, ticket.lead.number)


_STEPS = {
    "receive": "received",
    "dispatch": "sent",
    "designate": "sent",
    "accept": "accepted",
    "reply": "replied",
    "pass_review": "approved",
    "reopen": "again",
    "send_back": "again",
}


def _steps(events: Sequence[Mapping[str, Any]]) -> list[tuple[str, datetime]]:
    """What a caller can make something of, each kind at its newest, in order."""
    newest: dict[str, datetime] = {}
    for event in events:
        step = _STEPS.get(event["action"])
        if event["state"] == TicketState.CLOSED:
            step = "closed"
        if step:
            newest.pop(step, None)
            newest[step] = event["at"]
    return list(newest.items())


PUBLIC_PARTS = ("received", "findings", "handling", "follows")


def _answers(ticket: Ticket, events: Sequence[Mapping[str, Any]]) -> list[Answer]:
    """Return the newest answer that was approved; the lead's, or what the hotline itself said. Never the inner note."""
    if not tickets.is_answered(ticket):
        return []
    for event in reversed(events):
        data = event["data"]
        if event["action"] == "reply" and ticket.lead and data["assignment"] == ticket.lead.number:
            parts = {name: data[name] for name in PUBLIC_PARTS if data.get(name)}
            return [Answer(department=event["department"], at=event["at"], parts=parts)]
        if event["action"] == "answer":
            return [Answer(department=event["department"], at=event["at"], parts={"answer": data["text"]})]
        if event["action"] == "refuse":
            return [Answer(department=event["department"], at=event["at"], parts={"told": data["told"]})]
    return []


def _offers(ticket: Ticket, actor: Actor, caller: int, *, merged: bool) -> list[Offer]:
    """What this caller may do; one of many may add and rate, but not take everybody's matter back."""
    alone = len(ticket.callers) == 1 and not merged
    return [
        offer
        for offer in allowed_actions(ticket, actor)
        if offer.action in OWN_ACTIONS
        and (offer.subject != "caller" or offer.number == caller)
        and (offer.action != "withdraw" or alone)
    ]


async def act(desk: Desk, given: Pass, name: str, values: Mapping[str, str]) -> Ticket:
    """Do one of the caller's own actions; raises NotFound for any other, and what `tickets.act` raises."""
    file, caller, merged = await _open(desk, given)
    actor = _actor(file.ticket.id)
    if name not in OWN_ACTIONS or (name == "withdraw" and (merged or len(file.ticket.callers) > 1)):
        raise NotFound("action", name)
    mine = {} if name == "withdraw" else {"caller": str(caller)}
    return await tickets.act(desk, file.ticket.id, do.read(name, {**values, **mine}), actor)


async def picture(desk: Desk, given: Pass, number: int) -> tuple[str, bytes]:
    """Return one picture that the holder of a pass may see."""
    file, _, merged = await _open(desk, given)
    if merged:
        raise NotFound("picture", number)
    return await pictures.picture(desk, file.ticket.id, number, _actor(file.ticket.id))


async def add_pictures(desk: Desk, given: Pass, photos: Sequence[pictures.Picture], event: int) -> None:
    file, _, _ = await _open(desk, given)
    await pictures.add(desk, file.ticket.id, photos, _actor(file.ticket.id), event=event)
