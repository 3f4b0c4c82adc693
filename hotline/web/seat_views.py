"""What the agent's page prints, made ready: calls, drafts, the day, and what is known beside the words being typed.

Pure: values in, text out; the moment is an argument.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dispatch.model import Line
from dispatch.rulebook import Risk, RiskWord
from hotline.calls import Call, Day, Draft
from hotline.web import forms, words


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
class Advice:
    """What is known about the words typed so far: nothing of it decides anything."""

    risks: tuple[tuple[str, str], ...] = ()
    lines: tuple[tuple[str, str], ...] = ()
    known: tuple[Known, ...] = ()


LINES_OF: Mapping[Risk, tuple[str, ...]] = {
    Risk.LIFE: ("110", "119", "120"),
    Risk.SELF_HARM: ("110", "120"),
    Risk.VIOLENCE: ("110",),
    Risk.GROUP: ("110",),
}
"""Who helps at once against each danger."""


def advice(risks: Sequence[RiskWord], answers: Sequence[Mapping[str, Any]]) -> Advice:
    """Return the words of danger with the lines that help, and answers that were given before."""
    lines = dict.fromkeys(line for word in risks for line in LINES_OF.get(word.risk, ()))
    return Advice(
        risks=tuple(dict.fromkeys((word.risk.chinese, word.word) for word in risks)),
        lines=tuple((line, Line.of(line).chinese) for line in lines),
        known=tuple(Known(href=f"/tickets/{row['id']}", title=row["title"], text=row["text"]) for row in answers),
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
