"""The only writer of tickets: every change goes through here in three steps, load, decide, record.

What may be done is decided by `dispatch`, on values; what is stored is written by `store`, in one transaction with
its event, its clocks and its notices. Knows no HTML, no status codes and no Chinese wording.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Callable,
    Collection,
    Container,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import aclosing, asynccontextmanager
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime, timedelta
from itertools import zip_longest
from typing import Any

from dispatch import actions as do
from dispatch import visits
from dispatch.deadlines import keep_clocks
from dispatch.errors import DispatchError, NotYours, Rule, RuleBroken
from dispatch.history import build
from dispatch.lifecycle import HOLDERS, Decided, Offer, allowed_actions, receive, step
from dispatch.model import (
    MACHINE,
    Actor,
    Caller,
    Caution,
    Channel,
    Clock,
    ClockKind,
    Contact,
    Role,
    Rung,
    Ticket,
    TicketState,
    TicketType,
    Urgency,
)
from dispatch.reckoning import WORK_CLOCKS
from dispatch.replies import Asked, Earlier, Remark, missing, remarks
from dispatch.routing import AskHuman, Experience, Question, Send, Suggested, candidates, copies, in_use, route
from dispatch.rulebook import HOTLINE, LadderRule, Risk, RiskWord, Rulebook
from dispatch.supervision import Finding, Look, Watched, assess, audience, provoked
from dispatch.worktime import ZONE
from hotline import experience, vault
from hotline.alarms import raise_alarm
from hotline.desk import Desk
from hotline.errors import BadInput, DoubtfulReply, Forbidden, NotFound, StaleTicket, Unavailable
from hotline.predictor import Judgement, spoken
from hotline.store import File, Matter, Notice, Row, SealedCaller, Store, Transaction
from hotline.stream import Change, announce

_log = logging.getLogger(__name__)
LONGEST = {
    "title": 200,
    "text": do.LONGEST_TEXT,
    "place": 500,
    "name": 100,
    "address": 500,
    "outside_id": 100,
    "owner": 50,
    "source": 50,
}
"""Characters that each text of an intake may have."""
EARLIEST = datetime(2000, 1, 1, tzinfo=ZONE)
"""No hotline has older matters; an earlier date is a mistake in a file."""
LOCAL = "local"


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """What somebody brings before the hotline. `category` given means that a person confirmed it.

    `received_at` is when the matter reached us or whoever sent it on, at the latest now; None means now.
    """

    text: str
    title: str = ""
    type: TicketType | None = None
    urgency: Urgency = Urgency.NORMAL
    category: str | None = None
    area: str | None = None
    place: str = ""
    owner: str = ""
    channel: Channel = Channel.PHONE
    source: str = LOCAL
    outside_id: str | None = None
    received_at: datetime | None = None
    confidential: bool = False
    reported: str | None = None
    name: str = ""
    phone: str = ""
    address: str = ""
    wants_visit: bool = True


@dataclass(frozen=True, slots=True)
class Opened:
    """The ticket that an intake has; `is_new` is false when the same outside number was opened before."""

    ticket_id: int
    is_new: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A caller as shown to one actor: masked, or withheld altogether.

    `original` is what was said before numbers in it were hidden; only in clear, and empty when none was.
    """

    number: int
    name: str
    phone: str
    address: str
    withheld: bool
    original: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """A ticket as one actor may see it."""

    file: File
    offers: tuple[Offer, ...]
    callers: tuple[Person, ...]
    events: tuple[Mapping[str, Any], ...]
    merged: tuple[Mapping[str, Any], ...]


# --- intake -----------------------------------------------------------------------------------------------------------


async def open_ticket(desk: Desk, intake: Intake, actor: Actor) -> Opened:
    """Open a ticket, durable when this returns; the same (source, outside id) twice gives the same ticket.

    Raises BadInput for a value that cannot be taken, Unavailable when the database is away: then nothing is saved.
    """
    rulebook = await desk.rulebook()
    at = desk.now()
    said = intake.text
    intake = _checked(intake, rulebook, at)
    ticket = _new_ticket(intake, await desk.store.new_ticket_id(at.astimezone(ZONE)), rulebook, at)
    history = [keep_clocks(receive(ticket, actor), rulebook)]
    risks = rulebook.risks_in(f"{intake.title}\n{intake.text}")
    trace = _risks(risks)
    if intake.category:
        answer = await _route_confirmed(desk, ticket, rulebook, is_guarded=is_guarded(None, trace))
        trace = trace | _trace(answer, None)
        if isinstance(answer, Send):
            history.append(_send_by_machine(history[-1].after, answer, rulebook, at))
    id_ = await desk.store.open_ticket(
        history,
        _matter(intake, actor, trace or None),
        _seal(desk, intake),
        original=desk.vault.seal(said, about="text") if said != intake.text else None,
        notices=[
            *(notice for decided in history for notice in _notices(decided, rulebook)),
            *_risk_notices(ticket, risks),
        ],
        rulebook=rulebook,
    )
    if id_ is not None:
        tell_pages(desk, [history[-1].after], rulebook)
        return Opened(id_, is_new=True)
    row = await desk.store.fetch_row("ticket_of_outside_id", source=intake.source, outside_id=intake.outside_id)
    if row is None:
        raise NotFound("ticket", f"{intake.source} {intake.outside_id}")
    return Opened(row["id"], is_new=False)


def _risks(words: Sequence[RiskWord]) -> dict[str, Any]:
    if not words:
        return {}
    return {"risks": list(dict.fromkeys(word.risk for word in words)), "risk_words": [word.word for word in words]}


def _risk_notices(ticket: Ticket, words: Sequence[RiskWord]) -> Iterator[Notice]:
    """Words of danger reach the supervisors at once; what is done about them is for people."""
    if words:
        facts = {"risks": list(dict.fromkeys(word.risk for word in words)), "words": [word.word for word in words]}
        yield Notice(key=f"{ticket.id}/risk", department=HOTLINE, kind="risk", role=Role.SUPERVISOR, facts=facts)


def read_intake(values: Mapping[str, Any]) -> Intake:
    """Return an intake from plain values (JSON or a form); raises BadInput naming the field and what is allowed."""
    names = {field.name for field in fields(Intake)}
    for name in values:
        if name not in names:
            raise BadInput(name, values[name], "is no field of an intake", ", ".join(sorted(names)))
    given = {name: value for name, value in values.items() if value not in (None, "")}
    for name, value in given.items():
        given[name] = _read_field(name, value)
    if "text" not in given:
        raise BadInput("text", "", "is missing", "what the caller says")
    return Intake(**given)


_CODES: Mapping[str, Any] = {"type": TicketType, "urgency": Urgency, "channel": Channel}
_TRUTHS = {
    True: True,
    False: False,
    "true": True,
    "false": False,
    "1": True,
    "0": False,
    "on": True,
    "是": True,
    "否": False,
}


def _read_field(name: str, value: Any) -> Any:  # noqa: ANN401 - whatever JSON holds
    if name in _CODES:
        return _code(name, value)
    if name in {"confidential", "wants_visit"}:
        if not isinstance(value, bool | str) or value not in _TRUTHS:
            raise BadInput(name, value, "is neither true nor false", "true, false")
        return _TRUTHS[value]
    if name == "received_at":
        return read_moment(name, value)
    if not isinstance(value, str):
        raise BadInput(name, value, "is not text")
    return value.strip()


def _code(name: str, value: Any) -> Any:  # noqa: ANN401 - whatever JSON holds
    terms = _CODES[name]
    for term in terms:
        if value in (term.value, term.chinese):
            return term
    raise BadInput(name, value, "is unknown", ", ".join(f"{term.value} {term.chinese}" for term in terms))


def read_moment(name: str, value: Any) -> datetime:  # noqa: ANN401 - whatever JSON holds
    """Return a moment from its text, one without a zone as local time; raises BadInput."""
    try:
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    except ValueError:
        raise BadInput(name, value, "is no moment", "2026-11-23T17:00:00+08:00") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=ZONE)


def _check_texts(intake: Intake) -> None:
    for name, most in LONGEST.items():
        value = getattr(intake, name) or ""
        if "\x00" in value:
            raise BadInput(name, value, "contains a NUL byte", "text without it")
        if len(value) > most:
            raise BadInput(name, value, f"has {len(value)} characters", f"at most {most}")


def _checked(intake: Intake, rulebook: Rulebook, at: datetime) -> Intake:
    """Hold an intake against the city's codes and bounds; write its phone in one form and mask numbers in its texts."""
    _check_texts(intake)
    if not intake.text.strip():
        raise BadInput("text", intake.text, "is empty", "what the caller says")
    _known("category", intake.category, rulebook.categories)
    _known("area", intake.area, rulebook.areas)
    _known("reported", intake.reported, rulebook.departments)
    if intake.received_at and intake.received_at > at + timedelta(minutes=5):
        raise BadInput("received_at", intake.received_at.isoformat(), "lies in the future", f"until {at.isoformat()}")
    if intake.received_at and intake.received_at < EARLIEST:
        raise BadInput("received_at", intake.received_at.isoformat(), "is too long ago", f"from {EARLIEST.isoformat()}")
    if intake.source != LOCAL and not intake.outside_id:
        raise BadInput("outside_id", "", "is missing", "the number that the source gave, or source local")
    phone = vault.phone(intake.phone) if intake.phone else ""
    text = vault.mask_text(intake.text)
    title = vault.mask_text(intake.title.strip()) if intake.title.strip() else text.strip().splitlines()[0][:40]
    received_at, place = intake.received_at or at, vault.mask_text(intake.place)
    return replace(intake, text=text, phone=phone, title=title, place=place, received_at=received_at)


def _known(name: str, code: str | None, codes: Collection[str]) -> None:
    if code is not None and code not in codes:
        raise BadInput(name, code, "is unknown", f"one of {len(codes)} codes, for example {next(iter(codes), '-')}")


def _new_ticket(intake: Intake, number: int, rulebook: Rulebook, at: datetime) -> Ticket:
    return Ticket(
        id=number,
        version=1,
        state=TicketState.RECEIVED,
        type=intake.type or TicketType.HELP,
        urgency=intake.urgency,
        received_at=intake.received_at or at,
        entered_at=at,
        category=intake.category,
        area=intake.area,
        owner=intake.owner,
        confidential=intake.confidential,
        sensitive=rulebook.is_sensitive(intake.category),
        reported=intake.reported,
        callers=(_caller(intake),),
    )


def _caller(intake: Intake) -> Caller:
    return Caller(
        number=1,
        reachable=bool(intake.phone),
        real_name=bool(intake.name),
        wants_visit=intake.wants_visit and bool(intake.phone),
    )


def _matter(intake: Intake, actor: Actor, trace: Mapping[str, Any] | None) -> Matter:
    return Matter(
        title=intake.title,
        text=intake.text,
        place=intake.place,
        channel=intake.channel,
        source=intake.source,
        outside_id=intake.outside_id,
        opened_by=actor.person,
        judged=intake.category is not None,
        suggestion=trace,
    )


def _seal(desk: Desk, intake: Intake) -> SealedCaller:
    seal, fingerprint = desk.vault.seal, desk.vault.fingerprint
    return SealedCaller(
        reachable=bool(intake.phone),
        real_name=bool(intake.name),
        wants_visit=intake.wants_visit and bool(intake.phone),
        name=seal(intake.name, about="name") if intake.name else None,
        phone=seal(intake.phone, about="phone") if intake.phone else None,
        address=seal(intake.address, about="address") if intake.address else None,
        phone_hash=fingerprint(intake.phone, about="phone") if intake.phone else None,
        name_hash=fingerprint(intake.name, about="name") if intake.name else None,
    )


# --- routing ----------------------------------------------------------------------------------------------------------


async def _route_confirmed(desk: Desk, ticket: Ticket, rulebook: Rulebook, *, is_guarded: bool) -> Send | AskHuman:
    """Route a ticket whose category a person fixed; experience is asked only where the catalogue leaves a choice."""
    question = Question(ticket, confirmed=True, is_guarded=is_guarded)
    answer = route(question, rulebook)
    if isinstance(answer, Send) or ticket.category is None:
        return answer
    known = await experience.known(desk, [ticket.category])
    return route(replace(question, experience=known.of(ticket.category, ticket.area, rulebook)), rulebook)


def is_guarded(judged: Judgement | None, seen: Mapping[str, Any]) -> bool:
    """Whether what was said is a report by the model, or speaks of a secret by the model or by the city's own words.

    A matter from the web, from upstream or from a file has no type that a person chose: its caller needs the same care.
    """
    risks = {*seen.get("risks", ()), *(judged.risks if judged else ())}
    return Risk.SECRET in risks or (judged is not None and judged.type == TicketType.REPORT)


def _send_by_machine(ticket: Ticket, answer: Send, rulebook: Rulebook, at: datetime) -> Decided:
    action = do.Dispatch(lead=answer.lead, co=answer.co, why=answer.trace.basis)
    return keep_clocks(step(ticket, action, MACHINE, at=at, rulebook=rulebook), rulebook)


def _trace(answer: Send | AskHuman, judged: Judgement | None) -> dict[str, Any]:
    """What stays on the ticket, so that 'why was this sent there' has an answer."""
    found = answer.candidates if isinstance(answer, AskHuman) else ()
    trace = {name: getattr(answer.trace, name) for name in answer.trace.__slots__}
    kept: dict[str, Any] = {"trace": trace, "candidates": found, "sent": isinstance(answer, Send)}
    if judged:
        kept |= {"type": judged.type, "urgency": judged.urgency, "evidence": judged.evidence}
        kept |= {"type_evidence": judged.type_evidence, "urgency_evidence": judged.urgency_evidence}
        kept["urgency_probability"] = judged.urgency_probability
        kept |= {"categories": judged.categories, "risks": judged.risks, "risk_words": judged.risk_words}
    return kept


async def judge(desk: Desk, *, most: int = 200) -> int:
    """Judge the oldest tickets that nobody judged yet, the model asked for many at once; return how many.

    Each is sent where routing is sure, and otherwise waits for a dispatcher with the candidates beside it.
    """
    rulebook = await desk.rulebook()
    moved: list[Ticket] = []
    async with desk.store.transaction() as transaction:
        rows = await transaction.fetch("unjudged_tickets", most=most)
        async with aclosing(_read_ahead(desk, rows)) as judged:
            async for some in judged:
                moved += await _judge_some(desk, transaction, some, rulebook)
    for start in range(0, len(moved), JUDGED_AT_ONCE):
        tell_pages(desk, moved[start : start + JUDGED_AT_ONCE], rulebook)
        await asyncio.sleep(0)
    return len(rows)


async def _read_ahead(desk: Desk, rows: Sequence[Row]) -> AsyncGenerator[dict[int, Judgement | None]]:
    """Judge some tickets after others: while some are routed and kept, the model reads the next ones."""
    parts = [rows[start : start + JUDGED_AT_ONCE] for start in range(0, len(rows), JUDGED_AT_ONCE)]
    coming: asyncio.Task[list[Judgement | None]] | None = None
    try:
        for part, following in zip_longest(parts, parts[1:]):
            judged = await (coming or _read(desk, part))
            coming = _read(desk, following) if following else None
            yield dict(zip((row["id"] for row in part), judged, strict=True))
    finally:
        if coming:
            coming.cancel()


def _read(desk: Desk, rows: Sequence[Row]) -> asyncio.Task[list[Judgement | None]]:
    return asyncio.create_task(desk.predictor.judge([spoken(row["title"], row["text"]) for row in rows]))


JUDGED_AT_ONCE = 50
"""Tickets that are read, routed and kept together; between them other tasks of the process get their turn."""


async def _judge_some(
    desk: Desk, transaction: Transaction, judged: Mapping[int, Judgement | None], rulebook: Rulebook
) -> list[Ticket]:
    """Route some tickets that this transaction has locked, and keep what was said about them."""
    files = await transaction.files(list(judged))
    best = [_best_category(file.ticket, judged[file.ticket.id], rulebook) for file in files]
    known = await experience.known(desk, best, transaction)
    moved, kept, moves, seen = [], [], [], []
    for file, category in zip(files, best, strict=True):
        ticket, said = file.ticket, judged[file.ticket.id]
        before = file.matter.suggestion or {}
        question = _question(ticket, said, known.of(category, ticket.area, rulebook))
        answer = route(replace(question, is_guarded=is_guarded(said, before)), rulebook)
        sent = _moves_of_machine(ticket, answer, rulebook, not_before(ticket, desk.now()))
        moves += [(decided, _notices(decided, rulebook)) for decided in sent]
        trace = _trace(answer, said) | {"sent": bool(sent)}
        seen += _risk_seen(ticket, before, trace)
        for name in ("risks", "risk_words"):
            trace[name] = list(dict.fromkeys([*before.get(name, ()), *trace.get(name, ())]))
        kept.append({"id": ticket.id, "suggestion": {**before, **trace}})
        moved.append(sent[-1].after if sent else ticket)
        await asyncio.sleep(0)  # the pages are not kept waiting while the next ones are routed
    await transaction.record_all(moves, rulebook=rulebook)
    await transaction.tell(seen, at=desk.now())
    await transaction.execute("mark_judged", judged=kept)
    return moved


def _risk_seen(ticket: Ticket, before: Mapping[str, Any], trace: Mapping[str, Any]) -> list[Notice]:
    """A danger that the model sees and the city's words did not name reaches the supervisors, too."""
    new = [risk for risk in trace.get("risks", ()) if risk not in before.get("risks", ())]
    facts = {"risks": new, "words": list(trace.get("risk_words", ()))}
    told = Notice(
        key=f"{ticket.id}/risk/model",
        department=HOTLINE,
        kind="risk_seen",
        role=Role.SUPERVISOR,
        facts=facts,
        ticket_id=ticket.id,
    )
    return [told] if new else []


def _best_category(ticket: Ticket, judged: Judgement | None, rulebook: Rulebook) -> str:
    thoughts = () if ticket.category else in_use(_suggestions(judged), rulebook)
    return ticket.category or (thoughts[0].category if thoughts else "")


def _suggestions(judged: Judgement | None) -> tuple[Suggested, ...]:
    return tuple(Suggested(*one) for one in judged.categories) if judged else ()


def _question(ticket: Ticket, judged: Judgement | None, known: Mapping[str, Experience]) -> Question:
    version = judged.model_version if judged else ""
    doubted = judged.doubted_areas if judged else frozenset()
    return Question(ticket, ticket.category is not None, _suggestions(judged), version, known, doubted)


def _moves_of_machine(ticket: Ticket, answer: Send | AskHuman, rulebook: Rulebook, at: datetime) -> Sequence[Decided]:
    """Return the moves that an answer brings about; none where a person must decide."""
    if not isinstance(answer, Send):
        return ()
    try:
        return _judged_moves(ticket, answer, rulebook, at)
    except DispatchError as error:
        # One ticket that the law does not let the machine send must not hold up all others: a person decides.
        _log.warning("routing would send what the lifecycle refuses: %s", error)
        return ()


def _judged_moves(ticket: Ticket, answer: Send, rulebook: Rulebook, at: datetime) -> list[Decided]:
    """Return the moves by which the machine sends a ticket: first its category, where nobody set one."""
    moves = []
    if ticket.category is None:
        sure = f"模型 {answer.trace.model}，把握 {answer.trace.probability:.0%}"
        amend = do.Amend(category=answer.category, reason=sure)
        moves.append(keep_clocks(step(ticket, amend, MACHINE, at=at, rulebook=rulebook), rulebook))
        ticket = moves[-1].after
    return [*moves, _send_by_machine(ticket, answer, rulebook, at)]


# --- every later move -------------------------------------------------------------------------------------------------


async def act(desk: Desk, ticket_id: int, action: do.Action, actor: Actor, *, expected: int | None = None) -> Ticket:
    """Do `action` and return the ticket after it; durable when this returns.

    `expected` is the version that the actor saw: StaleTicket, with what changed, when the ticket has moved since.
    Raises what `lifecycle.step` raises, NotFound for a ticket that is not there or not the actor's to see.
    """
    return await act_in_turn(desk, ticket_id, (action,), actor, expected=expected)


Plan = Callable[[File], Sequence[do.Action]]
"""What is to be done with a ticket as it is when nobody else can change it any more; may raise to leave it alone."""


async def act_in_turn(
    desk: Desk,
    ticket_id: int,
    actions: Sequence[do.Action] | Plan,
    actor: Actor,
    *,
    expected: int | None = None,
    key: str = "",
) -> Ticket:
    """Do some actions one after another, all or none, each as `act` does it; return the ticket after the last.

    With a `key` of the actor's own the same request is done once: made again, it returns the ticket as it is by now.
    """
    rulebook = await desk.rulebook()
    moved: dict[int, Ticket] = {}
    async with desk.store.transaction() as transaction:
        for action in () if callable(actions) else actions:
            await _lock_in_order(transaction, ticket_id, action)
        if key and (done := await _done_before(transaction, ticket_id, actor, key, rulebook)):
            return done
        if callable(actions):
            actions = actions(await _seen(transaction, ticket_id, actor, rulebook, expected))
        before: File | None = None
        for action in actions:
            file = await _seen(transaction, ticket_id, actor, rulebook, expected)
            before = before or file
            changed = await _act(desk, transaction, file, action, actor)
            moved |= {one.id: one for one in changed}
            expected = changed[0].version
        if before:
            await _think_again(desk, transaction, before, moved[ticket_id])
        if key:
            made = {"ticket_id": ticket_id, "person": actor.person, "key": key, "version": expected}
            await transaction.execute("keep_done", **made, at=desk.now())
    tell_pages(desk, list(moved.values()), rulebook)
    return moved[ticket_id]


async def _think_again(desk: Desk, transaction: Transaction, before: File, after: Ticket) -> None:
    """Find the candidates anew for a ticket that waits again, or that became something else while it waited.

    A person sends it: the machine has had its turn. What routing said before stays beside it, the oldest first.
    """
    old, waits = before.ticket, {TicketState.RECEIVED, TicketState.ANALYSIS}
    looked_at = ("category", "area", "owner", "returned_by")
    is_same = old.state in waits and all(getattr(old, name) == getattr(after, name) for name in looked_at)
    if after.state not in waits or is_same or not before.matter.judged:
        return
    rulebook, said = await desk.rulebook(), before.matter.suggestion or {}
    thoughts = in_use((Suggested(*one) for one in said.get("categories", ())), rulebook)
    category = after.category or (thoughts[0].category if thoughts else "")
    known = await experience.known(desk, [category], transaction)
    record, model = known.of(category, after.area, rulebook), said.get("trace", {}).get("model", "")
    question = Question(after, after.category is not None, thoughts, model, record, is_guarded=is_guarded(None, said))
    fresh = _trace(route(question, rulebook), None) | {"candidates": candidates(question, rulebook), "sent": False}
    earlier = [*said.get("earlier", ()), *([said["trace"]] if "trace" in said else ())]
    kept = {"id": after.id, "suggestion": {**said, **fresh, "earlier": earlier}}
    await transaction.execute("mark_judged", judged=[kept])


async def _done_before(
    transaction: Transaction, ticket_id: int, actor: Actor, key: str, rulebook: Rulebook
) -> Ticket | None:
    file = await transaction.lock(ticket_id)
    found = await transaction.fetch("done_before", ticket_id=ticket_id, person=actor.person, key=key)
    return file.ticket if found and may_see(file.ticket, actor, rulebook) else None


async def _seen(
    transaction: Transaction, ticket_id: int, actor: Actor, rulebook: Rulebook, expected: int | None
) -> File:
    """Lock a ticket that is the actor's to see and that has not moved since they saw it."""
    file = await transaction.lock(ticket_id)
    if not may_see(file.ticket, actor, rulebook):
        raise NotFound("ticket", ticket_id)
    if expected is not None and expected != file.ticket.version:
        raise StaleTicket(ticket_id, expected, file.ticket.version, await _missed(transaction, ticket_id, expected))
    return file


async def _act(desk: Desk, transaction: Transaction, file: File, action: do.Action, actor: Actor) -> list[Ticket]:
    """Decide and record one action; return the ticket after it, then others that moved with it."""
    rulebook, ticket_id = await desk.rulebook(), file.ticket.id
    action = _masked(action)
    _check_codes(action, rulebook)
    if isinstance(action, do.Join | do.Part | do.Recount):
        raise NotYours(ticket_id, action.name, actor.role, actor.department)
    at = not_before(file.ticket, desk.now())
    if isinstance(action, do.Answer) and action.knowledge:
        await check_knowledge(transaction, action.knowledge, at)
    doubts: Sequence[Remark] = ()
    if isinstance(action, do.Reply):
        action, doubts = await _doubted(transaction, file, action, actor, at, rulebook)
    decided = keep_clocks(step(file.ticket, action, actor, at=at, rulebook=rulebook), rulebook)
    if isinstance(action, do.Visit) and action.contact is Contact.NO_ANSWER:
        await _check_attempt(transaction, file.ticket, action.caller, at)
    if doubts:  # told only to whoever may reply at all
        raise DoubtfulReply(ticket_id, [asdict(one) for one in doubts])
    after = await _record(transaction, decided, rulebook)
    return [after, *await _carry_callers(transaction, decided, rulebook)]


_KNOWLEDGE = re.compile(r"([A-Z0-9][A-Z0-9_.-]{0,39})@([1-9][0-9]{0,8})")


async def check_knowledge(reader: Store | Transaction, reference: str, at: datetime) -> None:
    """Raise BadInput unless `reference` names the version of an entry that rules at a moment, as K0001@2."""
    named = _KNOWLEDGE.fullmatch(reference)
    rows = await reader.fetch("knowledge_in_force", codes=[named[1]], now=at) if named else []
    if not named or [row["version"] for row in rows] != [int(named[2])]:
        raise BadInput("knowledge", reference, "is not in force", "an entry and its version, for example K0001@2")


async def _check_attempt(transaction: Transaction, ticket: Ticket, caller: int, at: datetime) -> None:
    """Refuse to count a call that nobody answered so soon after the last that it means nothing."""
    rows = await transaction.fetch("unanswered_calls", ticket_id=ticket.id, caller=caller, since=ticket.entered_at)
    tried = [row["at"] for row in rows]
    if not visits.counts(tried, at):
        facts = {"not_before": visits.next_call(tried, at).isoformat()}
        raise RuleBroken(ticket.id, Rule.ATTEMPT_TOO_SOON, facts)


REPLIES_COMPARED = 100


async def _doubted(
    transaction: Transaction, file: File, reply: do.Reply, actor: Actor, at: datetime, rulebook: Rulebook
) -> tuple[do.Reply, Sequence[Remark]]:
    """Return the reply with the doubts that were rightly confirmed, and all that it raises while one is not."""
    rows = await transaction.fetch(
        "replies_of_department", department=actor.department, but=file.ticket.id, most=REPLIES_COMPARED
    )
    earlier = [Earlier(row["ticket_id"], row["question"], row["answer"]) for row in rows]
    question = Asked(file.ticket.type, f"{file.matter.title}\n{file.matter.text}")
    found = remarks(reply, question, earlier, at=at, calendar=rulebook.calendar)
    lead = file.ticket.lead
    if lead and lead.number == reply.assignment and lead.promised_for:
        found = tuple(one for one in found if one.caution is not Caution.PROMISE)  # it is tracked already
    raised = {one.caution for one in found}
    confirmed = tuple(caution for caution in Caution if caution in raised and caution in reply.confirmed)
    return replace(reply, confirmed=confirmed), found if missing(found, confirmed) else ()


async def _record(transaction: Transaction, decided: Decided, rulebook: Rulebook) -> Ticket:
    """Write one event, and the paper of supervision that it brought about by its number of redos or repeats."""
    await transaction.record(decided, notices=_notices(decided, rulebook), rulebook=rulebook)
    rule, lead = provoked(decided, rulebook), decided.after.lead
    if rule is None or lead is None:
        return decided.after
    told = _rung_notices(decided.after, rule, audience(rule, lead.department, rulebook), str(decided.after.version))
    return await _issue(transaction, decided.after, rule, lead.number, told=told, rulebook=rulebook, at=decided.at)


async def _issue(  # noqa: PLR0913 - a paper: on what, by which rung, to whom, by which rules and when
    transaction: Transaction,
    ticket: Ticket,
    rule: LadderRule,
    assignment: int,
    *,
    told: Sequence[Notice],
    rulebook: Rulebook,
    at: datetime,
) -> Ticket:
    """Issue the paper of a rung by the machine, unless a person must or a paper as high is open already."""
    if rule.rung and not rule.by_person:
        action = do.Supervise(assignment=assignment, rung=rule.rung, demand=rule.demand)
        try:
            decided = keep_clocks(step(ticket, action, MACHINE, at=at, rulebook=rulebook), rulebook)
        except DispatchError as error:
            _log.debug("rung %s issues no paper: %s", rule.name, error)
        else:
            await transaction.record(decided, notices=[*told, *_notices(decided, rulebook)], rulebook=rulebook)
            return decided.after
    await transaction.tell(told, at=at)
    return ticket


def _rung_notices(
    ticket: Ticket, rule: LadderRule, told: Iterable[tuple[str, str | None]], occasion: str
) -> list[Notice]:
    """What a rung says to each of its audience, once an occasion."""
    return [
        Notice(
            key=f"{ticket.id}/ladder/{rule.name}/{occasion}/{unit}/{role or ''}",
            department=unit,
            kind=rule.name,
            role=role,
            facts={"rung": rule.rung},
            ticket_id=ticket.id,
        )
        for unit, role in told
        if unit != ticket.reported or unit == HOTLINE
    ]


def not_before(ticket: Ticket, now: datetime) -> datetime:
    """Return now, or the newest moment that the ticket knows: nodes differ in their clocks, a history may not."""
    known = (max(clock.started_at, clock.stopped_at or clock.started_at) for clock in ticket.clocks)
    return max(now, ticket.entered_at, *known)


def _masked(action: do.Action) -> do.Action:
    """Hide phone and identity numbers in what people write, but for the contact that a reply gives the caller."""
    texts = {
        name: vault.mask_text(value)
        for name in (field.name for field in fields(action))
        if isinstance(value := getattr(action, name), str) and not isinstance(value, Role) and name not in _OPEN_TEXTS
    }
    return replace(action, **{name: text for name, text in texts.items() if text != getattr(action, name)})


_OPEN_TEXTS = frozenset(
    {"follows", "reference", "line", "lead", "department", "suggested", "ground", "category", "area", "knowledge"}
)


def _check_codes(action: do.Action, rulebook: Rulebook) -> None:
    if isinstance(action, do.Refuse):
        _known("ground", action.ground, rulebook.refusals)
    if isinstance(action, do.Amend):
        _known("category", action.category, rulebook.categories)
        _known("area", action.area, rulebook.areas)
        _known("owner", action.owner, rulebook.owners)


async def _lock_in_order(transaction: Transaction, ticket_id: int, action: do.Action) -> None:
    """Lock the tickets of a merge or un-merge in one order for all, so that no two wait for each other."""
    others = [action.into] if isinstance(action, do.Merge) else []
    if isinstance(action, do.Unmerge):
        others = [row["merged_into"] for row in await transaction.fetch("merged_into", id=ticket_id)]
    for each in sorted({ticket_id, *others}) if others else ():
        await transaction.execute("lock_ticket", id=each)


async def _missed(transaction: Transaction, ticket_id: int, since: int) -> list[dict[str, Any]]:
    rows = await transaction.fetch("events", ticket_id=ticket_id, since=since)
    return [{"number": row["number"], "at": row["at"], "role": row["role"], "action": row["action"]} for row in rows]


async def _carry_callers(transaction: Transaction, decided: Decided, rulebook: Rulebook) -> list[Ticket]:
    """Give the callers of a merged ticket to the other one, each with an own call-back; take them back on un-merge.

    Returns the other ticket as it is then, if there is one.
    """
    before, after = decided.before, decided.after
    if isinstance(decided.data, do.Merge):
        other = (await transaction.lock(decided.data.into)).ticket
        if other.is_closed:
            raise RuleBroken(after.id, Rule.IS_MERGED, {"into": str(other.id)})
        joined = await _by_machine(
            transaction, other, do.Join(callers=after.callers, origin=after.id), decided, rulebook
        )
        first = next(caller.number for caller in joined.callers if caller.origin == after.id)
        await transaction.execute("copy_callers", into=other.id, first=first, origin=after.id)
        return [joined]
    if isinstance(decided.data, do.Unmerge) and before and before.merged_into:
        other = (await transaction.lock(before.merged_into)).ticket
        parted = await _by_machine(transaction, other, do.Part(origin=after.id), decided, rulebook)
        await transaction.execute("remove_callers", ticket_id=other.id, origin=after.id)
        return [parted]
    return []


async def _by_machine(
    transaction: Transaction, ticket: Ticket, action: do.Action, cause: Decided, rulebook: Rulebook
) -> Ticket:
    decided = keep_clocks(step(ticket, action, MACHINE, at=not_before(ticket, cause.at), rulebook=rulebook), rulebook)
    await _record(transaction, decided, rulebook)
    return decided.after


async def add_caller(desk: Desk, ticket_id: int, intake: Intake, actor: Actor) -> Ticket:
    """Add one more caller to an open matter: one job, an own call-back. Only name, phone and address are read.

    Raises BadInput without a phone, Forbidden for a department, IllegalAction when the ticket is closed.
    """
    if actor.role not in UNSEALERS - HOLDERS:
        raise Forbidden(actor.person, "add a caller", "only those who talk to callers take calls")
    _check_texts(intake)
    rulebook = await desk.rulebook()
    intake = replace(intake, phone=vault.phone(intake.phone))
    async with desk.store.transaction() as transaction:
        file = await transaction.lock(ticket_id)
        action = do.Join(callers=(_caller(intake),))
        decided = keep_clocks(
            step(file.ticket, action, MACHINE, at=not_before(file.ticket, desk.now()), rulebook=rulebook), rulebook
        )
        decided = replace(decided, actor=actor)
        after = await _record(transaction, decided, rulebook)
        await transaction.add_caller(ticket_id, decided.after.callers[-1].number, _seal(desk, intake))
    tell_pages(desk, [after], rulebook)
    return after


# --- open pages -------------------------------------------------------------------------------------------------------


def tell_pages(desk: Desk, changed: Iterable[Ticket], rulebook: Rulebook) -> None:
    """Let the pages of those who may see a ticket know that it moved."""
    announce(desk.live, (Change(name="ticket", id=one.id, units=seers(one, rulebook)) for one in changed))


def seers(ticket: Ticket, rulebook: Rulebook) -> tuple[str, ...]:
    """Return the departments that `may_see` lets in, beside the hotline."""
    found: dict[str, None] = {}
    for assignment in ticket.assignments:
        unit: str | None = assignment.department
        while unit and unit not in found:
            found[unit] = None
            unit = rulebook.every_department[unit].parent if unit in rulebook.every_department else None
    return tuple(unit for unit in found if unit != ticket.reported)


# --- notices ----------------------------------------------------------------------------------------------------------


def _notices(decided: Decided, rulebook: Rulebook) -> list[Notice]:
    """Whom an event concerns: told once, by a key that names the event; never a unit about a report about itself."""
    ticket, before = decided.after, decided.before
    known = {one.number: one.state for one in before.assignments} if before else {}
    told: list[tuple[str, str, str | None]] = []
    for assignment in ticket.assignments:
        if assignment.number not in known:
            told.append((assignment.department, "assigned", None))
            told += [
                (county, "copied", None) for county in copies(assignment.department, rulebook) if not assignment.parent
            ]
        elif known[assignment.number] != assignment.state and decided.action not in _OWN_MOVES:
            told.append((assignment.department, assignment.state, None))
    told += _told_by_action(decided)
    facts = {"action": decided.action, "state": ticket.state}
    return [
        Notice(
            key=f"{ticket.id}/{ticket.version}/{kind}/{unit}/{role or ''}",
            department=unit,
            kind=kind,
            role=role,
            facts=facts,
        )
        for unit, kind, role in dict.fromkeys(told)
        if unit != ticket.reported or unit == HOTLINE
    ]


_OWN_MOVES = frozenset({"accept", "reply"})


def _told_by_action(decided: Decided) -> Iterable[tuple[str, str, str | None]]:
    ticket, action = decided.after, decided.data
    if isinstance(action, do.Urge | do.Transfer):
        yield ticket.assignments[action.assignment - 1].department, decided.action, None
    elif isinstance(action, do.Supervise):
        for number in dict.fromkeys((action.assignment, *action.joint)):
            yield ticket.assignments[number - 1].department, decided.action, None
    elif isinstance(action, _ON_ORDERS):
        yield from _told_of_order(ticket, action)
    elif isinstance(action, do.Decide):
        request = ticket.requests[action.request - 1]
        yield ticket.assignments[request.assignment - 1].department, f"{request.kind}_{request.decision}", None
    elif isinstance(action, do.AskReturn | do.AskExtension | do.AskPause | do.AskPromise | do.AskTermination):
        parent = ticket.assignments[action.assignment - 1].parent
        sender = ticket.assignments[parent - 1].department if parent else HOTLINE
        yield sender, "request", ticket.requests[-1].approver or (None if parent else Role.DISPATCHER)
    elif isinstance(action, do.Merge):
        yield HOTLINE, "merged", Role.FOLLOW_UP
    if ticket.state is TicketState.ANALYSIS and decided.before and decided.before.state is not TicketState.ANALYSIS:
        yield HOTLINE, "analysis", Role.DISPATCHER


_ON_ORDERS = (do.AnswerOrder, do.AcceptOrder, do.ReturnOrder, do.ClaimExemption, do.DecideExemption)


def _told_of_order(ticket: Ticket, action: do.Action) -> Iterator[tuple[str, str, str | None]]:
    """The unit hears what became of its answer or claim; the supervisors hear that there is one."""
    order = ticket.orders[action.number - 1]
    unit = ticket.assignments[order.assignment - 1].department
    match action:
        case do.AnswerOrder():
            yield HOTLINE, "order_answered", Role.SUPERVISOR
        case do.ClaimExemption():
            yield HOTLINE, "exemption_claimed", Role.SUPERVISOR
        case do.AcceptOrder():
            yield unit, "order_accepted", None
        case do.ReturnOrder():
            yield unit, "order_returned", None
        case _:
            yield unit, f"exemption_{order.exemption}", None


# --- the watcher ------------------------------------------------------------------------------------------------------

CLAIM_FOR = timedelta(seconds=10)
"""How long a claimed clock is put off: a worker that dies loses nothing, another looks again after this.

A turn is done in a second or two, papers and all. One that takes longer is overtaken, which repeats nothing: findings,
notices and papers are each made once.
"""
LOOKED_AT_ONCE = 200
PAPERS_AT_ONCE = 4


async def look(desk: Desk, *, most: int = LOOKED_AT_ONCE) -> int:
    """Look at the clocks that want it, keep what is found, tell whom it concerns; return how many were looked at."""
    rulebook = await desk.rulebook()
    now = desk.now()
    again = now + CLAIM_FOR
    rows = await desk.store.fetch("claim_due_clocks", now=now, most=most, again=again)
    if not rows:
        return 0
    looks, findings, notices, lapsed = [], [], [], []
    papers = []
    for row in rows:
        async with _one_by_one(desk, row["ticket_id"], row["number"]):
            watched = _watched(row)
            if not watched.clock.kind.is_duty:
                lapsed.append([row["ticket_id"], watched.clock.number])
                continue
            seen = assess(watched, rulebook, at=now)
            if any(one.issues for one in seen.findings):
                papers.append((row["ticket_id"], watched.clock, seen))
                continue
            looks.append(_look(row["ticket_id"], watched.clock, seen))
            findings += _findings(row["ticket_id"], watched.clock, seen.findings)
            notices += _notices_of(row["ticket_id"], watched.clock, seen.findings, row["reported"])
    if lapsed:
        await desk.store.execute("lapse_windows", keys=lapsed)
    await desk.store.execute("record_looks", looks=looks, findings=findings, notices=notices, now=now, again=again)
    await _look_with_papers(desk, papers, now, again)
    return len(rows)


async def _look_with_papers(
    desk: Desk, papers: Sequence[tuple[int, Clock, Look]], now: datetime, again: datetime
) -> None:
    """Look at the clocks that want a paper, some at once: each is a transaction, and they share the disk's time."""
    turns = asyncio.Semaphore(PAPERS_AT_ONCE)

    async def one(ticket_id: int, clock: Clock, seen: Look) -> None:
        async with turns, _one_by_one(desk, ticket_id, clock.number):
            await _look_with_paper(desk, ticket_id, clock, seen, now, again)

    ended = await asyncio.gather(*(one(*paper) for paper in papers), return_exceptions=True)
    for error in ended:
        if error is not None:
            raise error


@asynccontextmanager
async def _one_by_one(desk: Desk, ticket_id: int, number: int) -> AsyncIterator[None]:
    """Let one clock that cannot be judged hold up no other: it stays put off, and the administrators are told."""
    try:
        yield
    except Unavailable:
        raise
    except Exception as error:  # noqa: BLE001 - whatever is wrong with this one, the others must be looked at
        _log.exception("clock %s of ticket %s cannot be judged", number, ticket_id)
        await raise_alarm(desk, "look", f"{ticket_id}/{number}", {"problem": type(error).__name__})


async def _look_with_paper(
    desk: Desk, ticket_id: int, clock: Clock, seen: Look, now: datetime, again: datetime
) -> None:
    """Keep what was found and issue the paper of the highest new rung, in one transaction with the ticket locked.

    A clock that moved meanwhile is left to its next look, which the move has set.
    """
    rulebook = await desk.rulebook()
    issued = None
    async with desk.store.transaction() as transaction:
        ticket = (await transaction.lock(ticket_id)).ticket
        if not any(one.number == clock.number and one.due_at == clock.due_at for one in ticket.running()):
            return
        rows = await transaction.fetch("find_once", findings=_findings(ticket_id, clock, seen.findings), now=now)
        new = {row["finding"].partition(" ")[0] for row in rows}
        told = _notices_of(ticket_id, clock, seen.findings, ticket.reported)
        look = [_look(ticket_id, clock, seen)]
        await transaction.execute("record_looks", looks=look, findings=[], notices=told, now=now, again=again)
        issuing = [one.rule for one in seen.findings if one.issues and one.name in new]
        assignment = _assignment_of(ticket, clock)
        if issuing and assignment:
            highest = max(issuing, key=lambda rule: rule.rung.height if rule.rung else -1)
            issued = await _issue(
                transaction, ticket, highest, assignment, told=(), rulebook=rulebook, at=not_before(ticket, now)
            )
    if issued:
        tell_pages(desk, [issued], rulebook)


def _assignment_of(ticket: Ticket, clock: Clock) -> int | None:
    """Whose assignment a clock holds to account; None for a duty of the hotline itself."""
    if clock.kind is ClockKind.ORDER:
        return ticket.orders[clock.subject - 1].assignment
    return clock.subject if clock.kind in WORK_CLOCKS | {ClockKind.SIGN, ClockKind.CONTACT} else None


def _watched(row: Row) -> Watched:
    paper = Rung.of(row["paper"]) if row["paper"] else None
    return Watched(build(Clock, dict(row)), Urgency.of(row["urgency"]), paper)


def _look(ticket_id: int, clock: Clock, seen: Look) -> dict[str, Any]:
    return {"ticket_id": ticket_id, "number": clock.number, "due_at": clock.due_at, "next_at": seen.next_at}


def _findings(ticket_id: int, clock: Clock, found: Iterable[Finding]) -> list[dict[str, Any]]:
    key = {"ticket_id": ticket_id, "number": clock.number, "due_at": clock.due_at}
    return [key | {"finding": f"{one.name} {clock.due_at.isoformat()}"} for one in found]


def _notices_of(ticket_id: int, clock: Clock, found: Iterable[Finding], reported: str | None) -> list[dict[str, Any]]:
    """What the rungs of a clock say; a unit hears nothing of a report about itself."""
    return [
        {
            "key": f"{ticket_id}/clock/{clock.number}/{one.name}/{clock.due_at.isoformat()}/{unit}/{role or ''}",
            "ticket_id": ticket_id,
            "department": unit,
            "role": role,
            "kind": one.name,
            "facts": {"clock": clock.kind, "due_at": clock.due_at, "rung": one.rule.rung},
        }
        for one in found
        for unit, role in one.tells
        if unit != reported or unit == HOTLINE
    ]


# --- reading ----------------------------------------------------------------------------------------------------------

OPENERS = frozenset({Role.AGENT, Role.DISPATCHER, Role.SUPERVISOR, Role.FOLLOW_UP})
UNSEALERS = frozenset({Role.AGENT, Role.DISPATCHER, Role.FOLLOW_UP, Role.SUPERVISOR, Role.HANDLER, Role.HEAD})


def may_see(ticket: Ticket, actor: Actor, rulebook: Rulebook) -> bool:
    """Departments see what they, or units below them, have or had a part in; never a report about themselves.

    A caller is let in by the edge for one ticket, whose number is then the name of the actor.
    """
    if actor.role is Role.CITIZEN:
        return actor.person == str(ticket.id)
    if actor.role not in HOLDERS:
        return actor.is_hotline
    if ticket.reported == actor.department:
        return False
    return any(
        assignment.department == actor.department
        or (
            assignment.department in rulebook.every_department
            and rulebook.is_below(assignment.department, actor.department)
        )
        for assignment in ticket.assignments
    )


def units_seen(actor: Actor, rulebook: Rulebook) -> list[str] | None:
    """Return the units whose parts in tickets `actor` may see, the own one first; None for all."""
    if actor.role not in HOLDERS:
        return None
    below = (unit for unit in rulebook.every_department if rulebook.is_below(unit, actor.department))
    return [actor.department, *below]


def is_answered(ticket: Ticket) -> bool:
    """Whether the answer was found good enough for the caller to see."""
    return ticket.state in {TicketState.FOLLOW_UP, TicketState.CLOSED}


def may_see_caller(ticket: Ticket, actor: Actor) -> bool:
    """The caller of a confidential matter or a report is never shown to a department (Jinan Art. 32)."""
    if actor.role in HOLDERS:
        working = any(one.department == actor.department and one.is_live for one in ticket.assignments)
        return working and not ticket.hides_caller
    return actor.role in UNSEALERS


async def view(desk: Desk, ticket_id: int, actor: Actor) -> View:
    """Return a ticket as `actor` may see it; raises NotFound also where it is not theirs to see."""
    rulebook = await desk.rulebook()
    file = await desk.store.file(ticket_id)
    if not may_see(file.ticket, actor, rulebook):
        raise NotFound("ticket", ticket_id)
    path, sealed = await desk.store.path(ticket_id, with_callers=may_see_caller(file.ticket, actor))
    people = {row["number"]: _masked_person(desk, row) for row in sealed}
    callers = tuple(people.get(one.number) or _withheld(one.number) for one in file.ticket.callers)
    merged = await desk.store.fetch("merged_tickets", id=ticket_id) if file.has_merged else []
    seen = View(
        file=file,
        offers=allowed_actions(file.ticket, actor),
        callers=callers,
        events=tuple(_event_for(event, actor) for event in path),
        merged=tuple(dict(row) for row in merged),
    )
    return await _for_department(desk, seen, actor, rulebook) if actor.role in HOLDERS else seen


async def _for_department(desk: Desk, seen: View, actor: Actor, rulebook: Rulebook) -> View:
    """Leave out of a ticket whom it reports, and of merged ones whatever is not the department's to see."""
    ticket = seen.file.ticket
    others = {row["id"] for row in seen.merged} | ({ticket.merged_into} if ticket.merged_into else set())
    files = await desk.store.files(sorted(others)) if others else []
    known = {one.ticket.id for one in files if may_see(one.ticket, actor, rulebook)}
    callers = tuple(replace(one, origin=one.origin if one.origin in known else None) for one in ticket.callers)
    into = ticket.merged_into if ticket.merged_into in known else None
    return replace(
        seen,
        file=replace(seen.file, ticket=replace(ticket, reported=None, callers=callers, merged_into=into)),
        events=tuple(_without_numbers(event, known) for event in seen.events),
        merged=tuple(row for row in seen.merged if row["id"] in known),
    )


def _without_numbers(event: Mapping[str, Any], known: Container[int]) -> Mapping[str, Any]:
    """An event without the number of a ticket that is not among the known ones."""
    into = event["data"].get("into") if event["action"] == "merge" else None
    return event if into is None or into in known else {**event, "data": {**event["data"], "into": None}}


def _masked_person(desk: Desk, row: Mapping[str, Any]) -> Person:
    name, phone, address = _opened(desk, row)
    return Person(
        number=row["number"],
        name=vault.mask_name(name) if name else "",
        phone=vault.mask_phone(phone) if phone else "",
        address=vault.mask_address(address) if address else "",
        withheld=False,
    )


def _withheld(number: int) -> Person:
    return Person(number=number, name="", phone="", address="", withheld=True)


def _opened(desk: Desk, row: Row | Mapping[str, Any]) -> tuple[str, str, str]:
    name, phone, address = (
        desk.vault.open(row[f"{about}_sealed"], about=about) if row[f"{about}_sealed"] else ""
        for about in ("name", "phone", "address")
    )
    return name, phone, address


def _event_for(event: dict[str, Any], actor: Actor) -> dict[str, Any]:
    """Departments see what was done, not who of the hotline asked the caller what."""
    if actor.role in HOLDERS and event["action"] in {"visit", "rate", "join", "part"}:
        event["data"] = {name: event["data"].get(name) for name in ("redo", "result", "solved", "level")}
    return event


async def unmask(desk: Desk, ticket_id: int, number: int, actor: Actor, reason: str) -> Person:
    """Return a caller's name, phone and address and the text in clear, leaving a trace of who looked and why.

    The trace is durable before anything is shown. Raises Forbidden where no reason opens the seal, BadInput
    without a reason.
    """
    reason = reason.strip()
    if len(reason) < 4:  # noqa: PLR2004 - 'ok' is no reason
        raise BadInput("reason", reason, "is too short", "why the number is needed, at least 4 characters")
    rulebook = await desk.rulebook()
    file = await desk.store.file(ticket_id)
    if not may_see(file.ticket, actor, rulebook):
        raise NotFound("ticket", ticket_id)
    if not may_see_caller(file.ticket, actor):
        raise Forbidden(actor.person, f"see the caller of ticket {ticket_id}", "the caller is protected")
    rows = await desk.store.fetch("sealed_callers", ticket_id=ticket_id)
    found = next((row for row in rows if row["number"] == number), None)
    if found is None:
        raise NotFound("caller", number)
    await desk.store.execute(
        "record_audit",
        at=desk.now(),
        person=actor.person,
        what="unmask",
        ticket_id=ticket_id,
        reason=reason[:500],
        facts={"caller": number, "role": actor.role, "department": actor.department},
    )
    name, phone, address = _opened(desk, found)
    sealed = await desk.store.fetch_value("sealed_original", ticket_id=ticket_id)
    original = desk.vault.open(sealed, about="text") if sealed else ""
    return Person(number=number, name=name, phone=phone, address=address, withheld=False, original=original)


async def search(desk: Desk, words: str, actor: Actor, *, before: int | None = None, most: int = 50) -> str:
    """Return JSON of the newest tickets that contain every word and that `actor` may see; raises BadInput."""
    departments = units_seen(actor, await desk.rulebook())
    return await desk.store.search(words, departments=departments, before=before, most=most)


async def tickets_of_phone(
    desk: Desk, phone: str, actor: Actor, *, most: int = 20, is_traced: bool = True
) -> list[dict[str, Any]]:
    """Return earlier tickets of a phone number, open ones first; only for roles that talk to callers.

    Of a protected matter only that it is there: the number would tell whose it is. Who looked for which number stays,
    masked, unless `is_traced` says that there is a trace already.
    """
    if actor.role not in UNSEALERS - HOLDERS:
        raise Forbidden(actor.person, "search by phone", "only those who talk to callers may")
    number = vault.phone(phone)
    if is_traced:
        await _trace_search(desk, actor, "search_phone", vault.mask_phone(number))
    prints = desk.vault.fingerprints(number, about="phone")
    return [_sealed(row) for row in await desk.store.fetch("tickets_of_phone", phones=prints, most=most)]


def _sealed(row: Row) -> dict[str, Any]:
    """One earlier ticket of a caller; of a protected one no title."""
    hides_caller = row["confidential"] or row["type"] == TicketType.REPORT
    return {**row, "title": "" if hides_caller else row["title"], "sealed": hides_caller}


async def _trace_search(desk: Desk, actor: Actor, what: str, masked: str) -> None:
    facts = {"sought": masked, "role": actor.role}
    await desk.store.execute(
        "record_audit", at=desk.now(), person=actor.person, what=what, ticket_id=None, reason="", facts=facts
    )


async def tickets_of_name(desk: Desk, name: str, actor: Actor, *, most: int = 20) -> list[dict[str, Any]]:
    """Return earlier tickets of callers with exactly this name, as `tickets_of_phone` does."""
    if actor.role not in UNSEALERS - HOLDERS:
        raise Forbidden(actor.person, "search by name", "only those who talk to callers may")
    name = name.strip()[: LONGEST["name"]]
    await _trace_search(desk, actor, "search_name", vault.mask_name(name))
    prints = desk.vault.fingerprints(name, about="name")
    return [_sealed(row) for row in await desk.store.fetch("tickets_of_name", names=prints, most=most)]
