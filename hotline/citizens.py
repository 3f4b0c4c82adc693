"""Callers at their own screen: bring a matter, follow it by number and query code, add, take back, rate.

The code is made from the number by a key and stored nowhere; whoever rings is read theirs out once, and gets a new one
after a check, with a trace. Who tries numbers learns nothing: a number that does not
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
from dispatch.lifecycle import HOLDERS, Offer, allowed_actions, work_due
from dispatch.model import Actor, Channel, Role, Ticket, TicketState
from hotline import pictures, tickets
from hotline.desk import Desk
from hotline.errors import BadCode, BadInput, Forbidden, NotFound, TooManyRequests
from hotline.store import File
from hotline.vault import SealBroken

ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
"""No 0 and O, no 1, I and L: codes are read aloud and typed by old people."""
CODE_LENGTH = 8
PASS_LIFE = timedelta(minutes=30)
TRIES_OF_ADDRESS, TRIES_OF_NUMBER, TRY_SECONDS = 20, 10, 600
MATTERS_OF_ADDRESS, MATTER_SECONDS = 20, 3600
TALKERS = tickets.UNSEALERS - HOLDERS
OWN_ACTIONS = frozenset({"supplement", "withdraw", "rate"})
_NUMBER = re.compile(r"[1-9]\d{17}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Pass:
    """A caller who showed the code of a ticket; `is_new` right after they brought it."""

    ticket: int
    is_new: bool = False
    caller: int = 1


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


def code_of(desk: Desk, ticket_id: int, caller: int = 1, issue: int = 0) -> str:
    """Return a caller's query code of a ticket: eight signs that only the key can tell; `issue` counts new ones."""
    return _codes(desk, ticket_id, caller, issue)[0]


def _codes(desk: Desk, ticket_id: int, caller: int, issue: int) -> list[str]:
    text = f"{ticket_id}/{caller}/{issue}" if issue or caller > 1 else str(ticket_id)
    return [_signs(one) for one in desk.vault.fingerprints(text, about="query code")]


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
    rows = await desk.store.fetch("query_codes", ticket_id=ticket_id)
    given = code.encode("utf-8", "replace")
    right = [
        caller
        for caller, issue in [(row["number"], row["issue"]) for row in rows] or [(0, 0)]
        for one in _codes(desk, ticket_id, caller, issue)
        if hmac.compare_digest(one.encode(), given) and caller
    ]
    if not right:
        raise BadCode
    return Pass(ticket_id, caller=right[0])


# --- codes for callers on the telephone -------------------------------------------------------------------------------

READ_OUT_LIFE = timedelta(minutes=10)
SHORTEST_REASON = 4
CHECKS = ("number", "facts", "document")
"""How whoever asks for a new code was known: they ring from the number that is kept, tell what only the caller can,
or show a document."""


@dataclass(frozen=True, slots=True)
class Issued:
    """A query code to be read out to a caller, once."""

    ticket: int
    caller: int
    code: str


def to_read_out(desk: Desk, ticket_id: int, caller: int, actor: Actor) -> str:
    """Return a cookie by which the next page of whoever took the call may show the code once, within ten minutes."""
    until = int((desk.now() + READ_OUT_LIFE).timestamp())
    text = f"{ticket_id}/{caller}/{until}/{actor.person}"
    return base64.urlsafe_b64encode(desk.vault.seal(text, about="read out")).decode()


async def read_out(desk: Desk, cookie: str, ticket_id: int, actor: Actor) -> Issued | None:
    """Return the code that a cookie lets be shown, leaving a trace; None for none, an old one or somebody else's."""
    try:
        text = desk.vault.open(base64.urlsafe_b64decode(cookie.encode()), about="read out")
    except (SealBroken, binascii.Error, ValueError):
        return None
    number, caller, until, person = text.split("/", 3)
    if int(number) != ticket_id or person != actor.person or datetime.fromtimestamp(int(until), UTC) < desk.now():
        return None
    rows = {row["number"]: row["issue"] for row in await desk.store.fetch("query_codes", ticket_id=ticket_id)}
    if int(caller) not in rows:
        return None
    facts = {"caller": int(caller), "role": actor.role}
    await desk.store.execute(
        "record_audit",
        at=desk.now(),
        person=actor.person,
        what="show_code",
        ticket_id=ticket_id,
        reason="",
        facts=facts,
    )
    return Issued(ticket_id, int(caller), code_of(desk, ticket_id, int(caller), rows[int(caller)]))


async def issue_code(desk: Desk, ticket_id: int, caller: int, actor: Actor, *, reason: str, checked: str) -> Issued:
    """Give a caller a new code, by which the earlier ones end, with a trace of who gave it, why, and after which check.

    Raises Forbidden for whoever does not talk to callers, NotFound, BadInput for no reason or no check.
    """
    if actor.role not in TALKERS:
        raise Forbidden(actor.person, "give out a query code", "only those who talk to callers take calls")
    reason = reason.strip()
    if len(reason) < SHORTEST_REASON:
        raise BadInput("reason", reason, "is too short", "why a new code is needed, at least 4 characters")
    if checked not in CHECKS:
        raise BadInput("checked", checked, "is missing", ", ".join(CHECKS))
    file = await desk.store.file(ticket_id)
    if not tickets.may_see_caller(file.ticket, actor):
        raise Forbidden(actor.person, "give out a query code", "the caller is protected")
    rows = {row["number"]: row["issue"] for row in await desk.store.fetch("query_codes", ticket_id=ticket_id)}
    if caller not in rows:
        raise NotFound("caller", caller)
    issue, at = rows[caller] + 1, desk.now()
    async with desk.store.transaction() as transaction:
        kept = {"person": actor.person, "checked": checked, "reason": reason[:500], "at": at}
        if not await transaction.fetch("issue_code", ticket_id=ticket_id, caller=caller, issue=issue, **kept):
            raise BadInput("caller", caller, "was given a new code just now")
        facts = {"caller": caller, "issue": issue, "checked": checked, "role": actor.role}
        await transaction.execute(
            "record_audit",
            at=at,
            person=actor.person,
            what="issue_code",
            ticket_id=ticket_id,
            reason=reason,
            facts=facts,
        )
    return Issued(ticket_id, caller, code_of(desk, ticket_id, caller, issue))


async def write_to_caller(desk: Desk, ticket_id: int, caller: int) -> None:
    """Let a caller be sent the present code as a text message; only that it is due is stored.

    A caller without a telephone, or of a protected matter, is sent nothing.
    """
    rows = {row["number"]: row["issue"] for row in await desk.store.fetch("query_codes", ticket_id=ticket_id)}
    if caller in rows:
        facts = {"ticket_id": ticket_id, "caller": caller, "issue": rows[caller]}
        await desk.store.execute("write_letter", **facts, now=desk.now())


# --- passes -----------------------------------------------------------------------------------------------------------


def sealed_pass(desk: Desk, given: Pass) -> str:
    """Return a pass as a cookie holds it, good for half an hour."""
    until = int((desk.now() + PASS_LIFE).timestamp())
    text = f"{given.ticket}/{until}/{int(given.is_new)}/{given.caller}"
    return base64.urlsafe_b64encode(desk.vault.seal(text, about="pass")).decode()


def read_pass(desk: Desk, cookie: str) -> Pass | None:
    """Return the pass that a cookie holds; None for none, an old or a forged one."""
    try:
        text = desk.vault.open(base64.urlsafe_b64decode(cookie.encode()), about="pass")
    except (SealBroken, binascii.Error, ValueError):
        return None
    ticket, until, is_new, *caller = text.split("/")
    if not caller or datetime.fromtimestamp(int(until), UTC) < desk.now():
        return None
    return Pass(int(ticket), is_new == "1", int(caller[0]))


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
    """Return the ticket that holds the matter now, the caller's number in it, and whether others brought it, too.

    With a merge the callers come along in their order, each under a number after those who were there.
    """
    file, caller = await desk.store.file(given.ticket), given.caller
    while file.ticket.merged_into:
        numbers = [one.number for one in file.ticket.callers]
        place = numbers.index(caller) if caller in numbers else len(numbers)
        origin = file.ticket.id
        file = await desk.store.file(file.ticket.merged_into)
        came = [one.number for one in file.ticket.callers if one.origin == origin]
        caller = came[place] if place < len(came) else 0
    return file, caller, given.caller > 1 or file.ticket.id != given.ticket


async def matter(desk: Desk, given: Pass) -> Matter:
    """Return what the holder of a pass may see; raises NotFound when the ticket is gone."""
    file, caller, merged = await _open(desk, given)
    ticket, actor = file.ticket, _actor(file.ticket.id)
    own = (file if not merged else await desk.store.file(given.ticket)).matter
    is_first = given.caller == 1
    events = [dict(row) for row in await desk.store.fetch("events", ticket_id=ticket.id, since=0)]
    shown = await pictures.of(desk, file, actor) if not merged else []
    return Matter(
        number=given.ticket,
        code=await _present_code(desk, given) if given.is_new else "",
        title=own.title if is_first else "",
        text=own.text if is_first else "",
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


async def _present_code(desk: Desk, given: Pass) -> str:
    rows = await desk.store.fetch("query_codes", ticket_id=given.ticket)
    issue = next((row["issue"] for row in rows if row["number"] == given.caller), 0)
    return code_of(desk, given.ticket, given.caller, issue)


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
