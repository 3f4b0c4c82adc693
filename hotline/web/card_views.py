"""Deadline cards as an official reads them: on the page, on paper and in a terminal, from the same lines.

Words only; what they tell comes from `dispatch.cards`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from dispatch import deadlines
from dispatch.cards import Card, DayLine
from dispatch.model import Request
from dispatch.reckoning import Turn, TurnKind
from dispatch.worktime import ZONE
from hotline.web import words
from hotline.web.forms import Codes

C = words.CARD


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One card in words. `turns` are what happened to the due time, and the due time after it; `days` are the count."""

    number: int
    title: str
    unit: str
    lamp: str
    state: str
    facts: tuple[tuple[str, str], ...]
    turns: tuple[tuple[str, str], ...]
    days: tuple[tuple[str, str, str, bool], ...]
    calendar: tuple[str, str]
    fault: str = ""


def tell(card: Card, codes: Codes) -> Told:
    """Return a card in words."""
    clock = card.clock
    return Told(
        number=clock.number,
        title=clock.kind.chinese,
        unit=codes.department(clock.department),
        lamp=deadlines.lamp(clock, card.at, codes.rulebook).value,
        state=_state(card),
        facts=tuple(_facts(card)),
        turns=tuple((_turn(turn, card), words.exact(turn.due_at)) for turn in card.turns),
        days=tuple(map(_day, card.days)),
        calendar=(words.version(clock.calendar or card.calendar_version), card.calendar_source),
        fault="" if card.agrees else C.fault,
    )


def _state(card: Card) -> str:
    clock = card.clock
    days = f"（{words.working_days(card.late_days)}）" if card.late_days else ""
    late = f"{C.late} {words.span(card.late)}{days}" if card.late else ""
    if clock.stop:
        return " ".join(filter(None, (words.exact(clock.stopped_at), clock.stop.chinese, late)))
    if not clock.kind.is_duty:
        return f"{C.open_until} {words.exact(clock.due_at)}"
    if late:
        return late
    return f"{C.paused if card.paused else C.running}，{C.left} {words.span(card.left)}"


def _facts(card: Card) -> Iterator[tuple[str, str]]:
    clock = card.clock
    yield C.at, words.exact(card.at)
    yield C.started, words.exact(clock.started_at)
    if clock.counted_from and clock.counted_from != clock.started_at:
        yield C.counted_from, words.exact(clock.counted_from)
    yield C.due, words.exact(clock.due_at) + (C.provisional if clock.provisional else "")
    if clock.allowance:
        yield C.allowance, words.allowance(clock.allowance)
    yield C.basis, clock.rule
    yield C.used, words.span(card.used)
    if clock.rules:
        rules = next((part for part in clock.rules.split() if part.startswith("allowances-")), clock.rules)
        yield C.rules, words.version(rules)
    yield C.calendar, words.version(clock.calendar or card.calendar_version)


def _turn(turn: Turn, card: Card) -> str:
    facts: tuple[object, ...] = ()
    if turn.kind is TurnKind.COUNTED:
        facts = (words.exact(card.clock.counts_from), words.allowance(card.clock.allowance))
    elif turn.kind is TurnKind.EXTENSION:
        facts = (turn.request, words.working_days(turn.days or 0))
    elif turn.kind is TurnKind.PAUSE:
        reason = next((_why(one) for one in card.requests if one.number == turn.request), "")
        stretch = f"{words.exact(turn.begins)} — {words.exact(turn.ends)}"
        facts = (turn.request, stretch, reason, words.span(turn.given_back or timedelta(0)))
    return words.TURNS[turn.kind].format(*facts)


def _why(request: Request) -> str:
    return request.pause_code.chinese if request.pause_code else request.reason


def _day(line: DayLine) -> tuple[str, str, str, bool]:
    """The day, what it is, what of it counts, and whether it counts at all."""
    counted = "、".join(f"{_time(begins, line)}–{_time(ends, line)}" for begins, ends in line.counted)
    told = C.nth.format(line.number) if line.number else counted
    return f"{line.day:%m-%d} {C.weekdays[line.day.weekday()]}", line.kind.chinese, told, bool(told)


def _time(at: datetime, line: DayLine) -> str:
    local = at.astimezone(ZONE)
    text = local.strftime("%H:%M:%S") if local.second else local.strftime("%H:%M")
    return text if local.date() == line.day else "24:00"


def as_text(told: Iterable[Told]) -> Iterator[str]:
    """Return the lines of cards for a terminal; the calendars that they name come last."""
    calendars: dict[tuple[str, str], None] = {}
    for one in told:
        calendars[one.calendar] = None
        yield f"【{one.number}】{one.title} · {one.unit} · {one.state}"
        if one.fault:
            yield f"  ！{one.fault}"
        yield from (f"  {name}：{value}" for name, value in one.facts)
        yield from (f"  → {turn}：{due}" for turn, due in one.turns)
        if one.days:
            yield f"  {C.days}："
            yield from (f"    {day} {kind} {counted}".rstrip() for day, kind, counted, _counts in one.days)
        yield ""
    yield from (f"{name}：{source}" for name, source in calendars)
