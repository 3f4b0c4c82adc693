"""What the agent's page prints, made ready: calls, drafts, the day, and what is known beside the words being typed.

Pure: values in, text out; the moment is an argument.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from dispatch.model import Line, TicketState, TicketType, Urgency
from dispatch.routing import Doubt
from dispatch.rulebook import Risk
from hotline import advice
from hotline.calls import Call, Day, Draft
from hotline.knowledge import Offered
from hotline.web import forms, words
from hotline.web.forms import Codes


@dataclass(frozen=True, slots=True, kw_only=True)
class CallLine:
    """A call as it stands above the form; `seconds` since it rang, or since it was taken."""

    id: str
    phone: str
    state: str
    note: str
    seconds: int
    is_mine: bool
    is_urgent: bool
    take: str


@dataclass(frozen=True, slots=True)
class DraftLine:
    """Something begun and not sent."""

    href: str
    text: str
    at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What somebody with a matter of the same kind was told at once."""

    href: str
    title: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Vouched:
    """An entry of the knowledge that fits; `reference` names its version."""

    reference: str
    href: str
    question: str
    answer: str
    facts: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Similar:
    """An open ticket about the like; its caller may be added to it."""

    id: str
    href: str
    title: str
    facts: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Likely:
    """A unit that would be sent the matter, and why."""

    unit: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """What is known about the words typed so far: nothing of it decides anything.

    `fills` are (field, value) that the script enters where the agent has not; `kinds` are categories to choose from.
    """

    risks: tuple[tuple[str, str], ...] = ()
    lines: tuple[tuple[str, str], ...] = ()
    vouched: tuple[Vouched, ...] = ()
    known: tuple[Known, ...] = ()
    fills: tuple[tuple[str, str], ...] = ()
    facts: tuple[str, ...] = ()
    kinds: tuple[tuple[str, str], ...] = ()
    likely: tuple[Likely, ...] = ()
    reason: str = ""
    similar: tuple[Similar, ...] = ()

    @property
    def is_empty(self) -> bool:
        return self == Advice()


LINES_OF: Mapping[Risk, tuple[str, ...]] = {
    Risk.LIFE: ("110", "119", "120"),
    Risk.SELF_HARM: ("110", "120"),
    Risk.VIOLENCE: ("110",),
    Risk.GROUP: ("110",),
}
"""Who helps at once against each danger."""


FILL_FROM = 0.6
"""A guess below this is shown, not filled in."""
HASTE_FROM = 0.5
"""An urgency is filled in from here on: whoever types sees why, and to be too hasty costs less than to be too late."""
KINDS_MOST = 3
REASONS_MOST = 2


def suggested(found: advice.Advice, answers: Sequence[Mapping[str, Any]], codes: Codes) -> Advice:
    """Return what was found about a draft in words, with answers that others with such a matter were given."""
    risks = tuple(Risk.of(risk) for risk in found.risks)
    lines = dict.fromkeys(line for risk in risks for line in LINES_OF.get(risk, ()))
    kinds = [(code, share) for code, share in found.categories if code in codes.rulebook.categories][:KINDS_MOST]
    return Advice(
        risks=tuple(
            (risk.chinese, "、".join(found.risk_words) if not index else "") for index, risk in enumerate(risks)
        ),
        lines=tuple((line, Line.of(line).chinese) for line in lines),
        vouched=tuple(_vouched(one, codes) for one in found.knowledge),
        known=tuple(Known(href=f"/tickets/{row['id']}", title=row["title"], text=row["text"]) for row in answers),
        fills=tuple(_fills(found, kinds, codes)),
        facts=tuple(_facts(found, codes)),
        kinds=tuple((codes.name("category", code), f"{codes.leaf(code)} {share:.0%}") for code, share in kinds),
        likely=tuple(_likely(found, codes)),
        reason=words.doubt({"reason": found.trace.reason, **asdict(found.trace)})
        if found.trace and found.trace.reason and found.candidates
        else "",
        similar=tuple(_similar(one, codes) for one in found.similar),
    )


def _fills(found: advice.Advice, kinds: Sequence[tuple[str, float]], codes: Codes) -> Iterator[tuple[str, str]]:
    # A category that is sent with the form counts as confirmed, and the matter goes out at once: what the machine would
    # leave to a person, it may not enter in their name. The person chooses it with one click.
    guarded = found.trace is not None and found.trace.reason == Doubt.GUARDED
    if found.types and found.types[0][1] >= FILL_FROM:
        yield "type", found.types[0][0]
    if found.urgency and found.urgency != Urgency.NORMAL and (found.urgency_probability or 0) >= HASTE_FROM:
        yield "urgency", found.urgency
    if found.area and (found.area_probability is None or found.area_probability >= FILL_FROM):
        yield "area", found.area
    if kinds and kinds[0][1] >= max(FILL_FROM, codes.rulebook.policy.auto_dispatch_probability) and not guarded:
        yield "category", codes.name("category", kinds[0][0])


def _facts(found: advice.Advice, codes: Codes) -> Iterator[str]:
    if found.types:
        code, share = found.types[0]
        yield f"{TicketType.of(code).chinese} {share:.0%}"
    if found.urgency and found.urgency != Urgency.NORMAL:
        yield _with_reasons(Urgency.of(found.urgency).chinese, found.urgency_probability, found.urgency_evidence)
    if found.area:
        yield _with_reasons(codes.area(found.area), found.area_probability, found.area_evidence)


def _with_reasons(guess: str, probability: float | None, evidence: Sequence[str]) -> str:
    """A guess with how likely it is, where that is known, and what was said first of all that tells it."""
    told = f"{guess} {probability:.0%}" if probability is not None else guess
    return f"{told}（{'、'.join(evidence[:REASONS_MOST])}）" if evidence else told


def _likely(found: advice.Advice, codes: Codes) -> Iterator[Likely]:
    if found.lead and found.trace:
        yield Likely(unit=codes.department(found.lead), why=found.trace.basis)
    for one in found.candidates[:2]:
        why = words.ground(asdict(one), codes.leaf(one.category))
        yield Likely(unit=codes.department(one.department), why=why)


def _vouched(one: Offered, codes: Codes) -> Vouched:
    until = words.KNOWLEDGE.valid_until.format(words.last_day(one.valid_until)) if one.valid_until else ""
    facts = (one.code, codes.department(one.department), one.basis, until)
    return Vouched(
        reference=one.reference,
        href=f"/knowledge/{one.code}",
        question=one.question,
        answer=one.answer,
        facts=" · ".join(fact for fact in facts if fact),
    )


def _similar(one: advice.Similar, codes: Codes) -> Similar:
    facts = (TicketState.of(one.state).chinese, codes.area(one.area), words.short_moment(one.received_at))
    return Similar(
        id=one.id,
        href=f"/tickets/{one.id}",
        title=words.shortened(one.title) or words.W.sealed,
        facts=" · ".join(fact for fact in facts if fact),
    )


def call(one: Call, now: datetime) -> CallLine:
    """Return a call in words: whose it is, and what the button beside it does."""
    since = one.taken_at if one.is_mine and one.taken_at else one.rang_at
    rings = one.agent is None and one.ended_at is None
    if one.is_mine:
        state, take = words.SEAT.call_mine, words.SEAT.go_on
    elif one.agent:
        state, take = words.SEAT.call_silent, words.SEAT.relieve
    elif rings:
        state, take = words.SEAT.call_rings, words.SEAT.take
    else:
        state, take = words.SEAT.call_missed, words.SEAT.call_back
    return CallLine(
        id=one.id,
        phone=one.phone or words.SEAT.withheld,
        state=state,
        note=words.silent(one.holder) if one.is_silent else "",
        seconds=max(0, int((now - since).total_seconds())),
        is_mine=one.is_mine,
        is_urgent=rings,
        take=take,
    )


def calls(found: Iterable[Call], now: datetime) -> tuple[CallLine, ...]:
    return tuple(call(one, now) for one in found)


def drafts(found: Iterable[Draft], but: str) -> tuple[DraftLine, ...]:
    """Return what was begun, but for the form that is open."""
    return tuple(
        DraftLine(
            href=f"/intake?{'call' if one.id.startswith('call-') else 'draft'}={one.id.removeprefix('call-')}",
            text=words.shortened(forms.first(one.typed, "text") or words.SEAT.nothing_typed),
            at=words.short_moment(one.kept_at),
        )
        for one in found
        if one.id != but
    )


def day(found: Day) -> str:
    """Return how the agent's own day went; nothing before the first call."""
    return words.own_day(found.calls, found.seconds) if found.calls else ""
