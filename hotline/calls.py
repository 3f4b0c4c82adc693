"""Calls and what agents write while they listen: who rings, who has which call in hand, drafts that outlive a crash.

The telephone system tells of calls by signed messages; told twice, they come to the same. A call is in one agent's
hand at a time, and is never let go silently: a colleague sees who fell silent, and relieves them. Knows no HTML.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson

from dispatch.model import Actor
from dispatch.rulebook import HOTLINE
from dispatch.worktime import ZONE
from hotline import tickets, vault
from hotline.desk import Desk
from hotline.errors import BadInput, BadSignature, CallTaken, Forbidden, NotFound
from hotline.stream import Change, announce

FRESH = timedelta(minutes=5)
"""How old a signed message may be; a repeat within that time does nothing."""
SILENT_AFTER = timedelta(seconds=40)
"""After this the page of whoever has a call is thought gone: it says every ten seconds that it is there."""
SHOWN_FOR = timedelta(hours=12)
KEPT_FOR = timedelta(days=1)
SHOWN_MOST = 12
LONGEST_DRAFT = 100_000
_ID = re.compile(r"[A-Za-z0-9_.:-]{1,80}")
_EXTENSION = re.compile(r"[0-9]{1,10}")
_DRAFT = re.compile(r"(call|web)-[A-Za-z0-9_.:-]{1,80}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One message of the telephone system; `phone` is empty for a number that is withheld."""

    call: str
    event: str
    at: datetime
    phone: str = ""
    extension: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A call as one agent may see it; `is_silent` when whoever has it has not been heard of for a while."""

    id: str
    phone: str
    rang_at: datetime
    answered_at: datetime | None
    ended_at: datetime | None
    agent: str | None
    holder: str
    taken_at: datetime | None
    is_mine: bool
    is_silent: bool
    extension: str = ""


@dataclass(frozen=True, slots=True)
class Draft:
    """What was typed into a form and not sent."""

    id: str
    kept_at: datetime
    typed: Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Day:
    """An agent's own day; `seconds` is the average time from taking a call to the saved ticket."""

    calls: int
    seconds: float


# --- the telephone system ---------------------------------------------------------------------------------------------


def signature(secret: bytes, sent_at: int, body: bytes) -> str:
    """Return what must stand beside a message: HMAC-SHA256 of its time and its body, in hexadecimal digits."""
    return hmac.new(secret, b"%d." % sent_at + body, "sha256").hexdigest()


def check_signature(secret: bytes, sent_at: str, given: str, body: bytes, now: datetime) -> None:
    """Raise BadSignature unless whoever knows the secret sent this body within the last minutes."""
    if not re.fullmatch(r"[0-9]{1,12}", sent_at) or abs(int(sent_at) - now.timestamp()) > FRESH.total_seconds():
        raise BadSignature("its time is missing, or too far from ours")
    if not hmac.compare_digest(signature(secret, int(sent_at), body).encode(), given.encode("utf-8", "replace")):
        raise BadSignature("it does not fit the message")


def read_told(values: Mapping[str, Any]) -> Told:
    """Return a message from plain values; raises BadInput."""
    texts = {name: values.get(name, "") for name in ("call", "event", "phone", "extension", "at")}
    for name, value in texts.items():
        if not isinstance(value, str):
            raise BadInput(name, value, "must be text")
    if not _ID.fullmatch(texts["call"]):
        raise BadInput("call", texts["call"], "is no id of a call", "1 to 80 of A-Z, a-z, 0-9, '_', '.', ':' and '-'")
    if texts["event"] not in _MOMENT_OF:
        raise BadInput("event", texts["event"], "is unknown", ", ".join(_MOMENT_OF))
    if texts["extension"] and not _EXTENSION.fullmatch(texts["extension"]):
        raise BadInput("extension", texts["extension"], "is no extension", "1 to 10 digits")
    at = tickets.read_moment("at", texts["at"])
    return Told(call=texts["call"], event=texts["event"], at=at, phone=texts["phone"], extension=texts["extension"])


_MOMENT_OF = {"ringing": "rang_at", "answered": "answered_at", "ended": "ended_at"}


async def tell(desk: Desk, told: Told) -> None:
    """Keep what the telephone system says, and let the open pages know."""
    phone = _phone(told.phone)
    moments: dict[str, datetime | None] = {"rang_at": told.at, "answered_at": None, "ended_at": None}
    moments[_MOMENT_OF[told.event]] = told.at
    await desk.store.execute(
        "put_call",
        id=told.call,
        phone_sealed=desk.vault.seal(phone, about="phone") if phone else None,
        phone_hash=desk.vault.fingerprint(phone, about="phone") if phone else None,
        extension=told.extension,
        **moments,
    )
    _announce(desk)


def _announce(desk: Desk) -> None:
    """Let the open pages of the hotline know that something about a call has changed; which, they ask themselves."""
    announce(desk.live, [Change(name="call", id=0, units=(HOTLINE,))])


def _phone(text: str) -> str:
    """A number that cannot be read is as good as withheld: the call must ring all the same."""
    try:
        return vault.phone(text) if text else ""
    except BadInput:
        return ""


# --- calls in hand ----------------------------------------------------------------------------------------------------


def _may(actor: Actor) -> None:
    if actor.role not in tickets.OPENERS:
        raise Forbidden(actor.person, "take a call", "only the hotline takes matters in")


async def at_hand(desk: Desk, actor: Actor) -> list[Call]:
    """Return what the agent has in hand or may take, the own first; what rings at another one's extension is not."""
    _may(actor)
    now = desk.now()
    rows = await desk.store.fetch(
        "calls_at_hand", person=actor.person, since=now - SHOWN_FOR, silent=now - SILENT_AFTER, most=SHOWN_MOST
    )
    return [_call(desk, row, actor, now) for row in rows]


def _call(desk: Desk, row: Any, actor: Actor, now: datetime) -> Call:  # noqa: ANN401 - a row
    is_mine = row["agent"] == actor.person
    return Call(
        id=row["id"],
        phone=desk.vault.open(row["phone_sealed"], about="phone") if row["phone_sealed"] else "",
        rang_at=row["rang_at"],
        answered_at=row["answered_at"],
        ended_at=row["ended_at"],
        agent=row["agent"],
        holder=row["holder"] or "",
        taken_at=row["taken_at"],
        is_mine=is_mine,
        is_silent=bool(row["agent"]) and not is_mine and row["alive_at"] < now - SILENT_AFTER,
    )


async def take(desk: Desk, call_id: str, actor: Actor) -> None:
    """Take a call, or relieve a colleague who fell silent, with their draft; twice by the same agent is once.

    Raises CallTaken when another one has it, NotFound when there is none or it is done with.
    """
    _may(actor)
    now = desk.now()
    row = await desk.store.fetch_row(
        "take_call", id=call_id, person=actor.person, at=now, silent=now - SILENT_AFTER, draft=draft_id(call_id)
    )
    if row is None:
        found = await desk.store.fetch_row("call", id=call_id)
        if found is None or found["done_at"]:
            raise NotFound("call", call_id[:80])
        if found["agent"] != actor.person:
            raise CallTaken(call_id, found["holder"] or "")
    _announce(desk)


async def in_hand(desk: Desk, call_id: str, actor: Actor) -> Call:
    """Return a call that the agent has in hand; raises CallTaken, NotFound."""
    _may(actor)
    row = await desk.store.fetch_row("call", id=call_id)
    if row is None or row["done_at"]:
        raise NotFound("call", call_id[:80])
    if row["agent"] != actor.person:
        raise CallTaken(call_id, row["holder"] or "")
    return _call(desk, row, actor, desk.now())


async def finish(desk: Desk, call_id: str, ticket_id: int | None, actor: Actor) -> timedelta | None:
    """Put a call away and return how long it was from taking it until now; None when it was not the agent's own."""
    now = desk.now()
    found = await desk.store.fetch_row("call", id=call_id)
    if found is None or found["agent"] != actor.person:
        return None
    await desk.store.execute("finish_call", id=call_id, ticket_id=ticket_id, at=now, person=actor.person)
    await desk.store.execute("drop_draft", id=draft_id(call_id), person=actor.person)
    _announce(desk)
    taken_at: datetime = found["taken_at"]
    return now - taken_at


async def day_of(desk: Desk, actor: Actor) -> Day:
    """Return how the agent's own day went; nobody else is told."""
    midnight = desk.now().astimezone(ZONE).replace(hour=0, minute=0, second=0, microsecond=0)
    row = await desk.store.fetch_row("calls_of_agent", person=actor.person, since=midnight)
    return Day(row["calls"], row["seconds"] or 0.0) if row else Day(0, 0.0)


# --- extensions -------------------------------------------------------------------------------------------------------


async def sit(desk: Desk, extension: str, actor: Actor) -> None:
    """Let the agent sit at an extension, or at none; raises BadInput."""
    _may(actor)
    extension = extension.strip()
    if extension and not _EXTENSION.fullmatch(extension):
        raise BadInput("extension", extension, "is no extension", "1 to 10 digits")
    async with desk.store.transaction() as transaction:
        await transaction.execute("leave_seat", person=actor.person)
        if extension:
            await transaction.execute("put_seat", extension=extension, person=actor.person, since=desk.now())


async def extension_of(desk: Desk, actor: Actor) -> str:
    return str(await desk.store.fetch_value("seat_of", person=actor.person) or "")


# --- drafts -----------------------------------------------------------------------------------------------------------


def draft_id(call_id: str) -> str:
    """The number under which a call's form is kept, and which its ticket gets as the number from outside."""
    return f"call-{call_id}"


async def keep_draft(desk: Desk, id_: str, typed: Mapping[str, Sequence[str]], actor: Actor) -> None:
    """Keep what is typed, sealed, and say that the call's page is alive; raises CallTaken once a colleague has it."""
    _may(actor)
    body = orjson.dumps(dict(typed)).decode()
    if not _DRAFT.fullmatch(id_):
        raise BadInput("outside_id", id_, "is no number of a draft", "what the page carries")
    if len(body) > LONGEST_DRAFT:
        raise BadInput("text", "", f"has {len(body)} characters", f"at most {LONGEST_DRAFT}")
    now = desk.now()
    if id_.startswith("call-"):
        await in_hand(desk, id_.removeprefix("call-"), actor)
        await desk.store.execute("call_is_alive", id=id_.removeprefix("call-"), person=actor.person, at=now)
    kept = await desk.store.fetch_row(
        "keep_draft",
        id=id_,
        person=actor.person,
        at=now,
        old=now - KEPT_FOR,
        body_sealed=desk.vault.seal(body, about="draft"),
    )
    if kept is None:
        raise CallTaken(id_, "")


async def draft(desk: Desk, id_: str, actor: Actor) -> Draft | None:
    """Return what the agent has typed into this form, if anything."""
    row = await desk.store.fetch_row("draft", id=id_, person=actor.person)
    return _draft(desk, row) if row else None


async def drafts(desk: Desk, actor: Actor) -> list[Draft]:
    """Return what the agent has begun and not sent, the newest first."""
    return [_draft(desk, row) for row in await desk.store.fetch("drafts_of", person=actor.person, most=SHOWN_MOST)]


def _draft(desk: Desk, row: Any) -> Draft:  # noqa: ANN401 - a row
    return Draft(row["id"], row["kept_at"], orjson.loads(desk.vault.open(row["body_sealed"], about="draft")))


async def drop_draft(desk: Desk, id_: str, actor: Actor) -> None:
    await desk.store.execute("drop_draft", id=id_, person=actor.person)
