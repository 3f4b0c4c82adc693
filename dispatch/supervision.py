"""What a clock that wants a look means: which rungs of the ladder have come due, whom to tell, and when to look again.

The ladder of 督办 is data of the rulebook. Whether somebody was late is decided by event times, never by when we
looked: a look that comes late finds everything that a punctual one would have found, but for a warning that has lost
its sense. A look changes no ticket; a paper that a rung issues is an action of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from dispatch.deadlines import warns_at
from dispatch.lifecycle import Decided
from dispatch.model import Clock, ClockKind, Role, Rung, Urgency
from dispatch.rulebook import HOTLINE, Audience, LadderRule, Rulebook, Trigger

SHORTEST = timedelta(microseconds=1)
"""A duty is late after its due time, not at it."""


@dataclass(frozen=True, slots=True)
class Watched:
    """A clock that runs, with what the ladder asks of its ticket: the urgency, and the paper that an order is."""

    clock: Clock
    urgency: Urgency = Urgency.NORMAL
    paper: Rung | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """A rung that has come due for a clock, once: its name is unique for the clock and its due time."""

    rule: LadderRule
    at: datetime
    tells: tuple[tuple[str, Role | None], ...]

    @property
    def name(self) -> str:
        """The name of the rung."""
        return self.rule.name

    @property
    def issues(self) -> Rung | None:
        """The paper that the machine issues by itself."""
        return None if self.rule.by_person else self.rule.rung


@dataclass(frozen=True, slots=True)
class Look:
    """What one look gives: the findings so far due, the earliest first, and when to look again (None: never)."""

    findings: tuple[Finding, ...]
    next_at: datetime | None


def first_look(clock: Clock, rulebook: Rulebook) -> datetime | None:
    """When to look at a clock first; None for one that does not run."""
    if not clock.is_running:
        return None
    return warns_at(clock, rulebook) if clock.kind.is_duty else clock.due_at


def assess(watched: Watched, rulebook: Rulebook, *, at: datetime) -> Look:
    """Return everything that is to be found about a running clock at the moment `at`."""
    clock = watched.clock
    if not clock.is_running or not clock.kind.is_duty:
        return Look((), None)
    rungs = sorted(_rungs(watched, rulebook), key=lambda rung: rung[0])
    found = [
        Finding(rule, moment, audience(rule, clock.department, rulebook))
        for moment, rule in rungs
        if moment <= at and (rule.trigger is not Trigger.WARNS or at <= clock.due_at)
    ]
    return Look(tuple(found), next((moment for moment, _rule in rungs if moment > at), None))


def _rungs(watched: Watched, rulebook: Rulebook) -> Iterator[tuple[datetime, LadderRule]]:
    """When each rung comes due if nothing happens."""
    clock = watched.clock
    for rule in rulebook.ladder:
        if _fits(rule, watched):
            match rule.trigger:
                case Trigger.WARNS:
                    yield warns_at(clock, rulebook), rule
                case Trigger.OVERDUE | Trigger.IGNORED:
                    after = rulebook.calendar.due(clock.due_at, rule.after) if rule.after else clock.due_at
                    yield after + SHORTEST, rule


def _fits(rule: LadderRule, watched: Watched) -> bool:
    clock = watched.clock
    if rule.trigger is Trigger.IGNORED:
        return clock.kind is ClockKind.ORDER and rule.ignored is watched.paper
    return (not rule.clocks or clock.kind in rule.clocks) and rule.urgency in (None, watched.urgency)


def audience(rule: LadderRule, department: str, rulebook: Rulebook) -> tuple[tuple[str, Role | None], ...]:
    """Return the departments and roles that a rung against `department` speaks to, each once."""
    told = (_told(one, department, rulebook) for one in rule.tells)
    return tuple(dict.fromkeys(one for one in told if one))


def _told(audience: Audience, department: str, rulebook: Rulebook) -> tuple[str, Role | None] | None:
    """Return the department and role that an audience is; the hotline's own heads are its supervisors."""
    match audience:
        case Audience.OWNER:
            return department, None
        case Audience.HEAD:
            return (department, Role.HEAD) if department != HOTLINE else (HOTLINE, Role.SUPERVISOR)
        case Audience.SUPERVISOR:
            return HOTLINE, Role.SUPERVISOR
        case Audience.SUPERIOR:
            unit = rulebook.every_department.get(department)
            return (unit.parent, None) if unit and unit.parent else None


def provoked(decided: Decided, rulebook: Rulebook) -> LadderRule | None:
    """Return the rung that this very move brought about by its number of redos or repeats, the highest if several."""
    before, after = decided.before, decided.after
    if before is None or after.lead is None or not after.lead.is_open:
        return None
    counts = {Trigger.REDONE: (before.cycle, after.cycle), Trigger.REPEATED: (before.repeats, after.repeats)}
    reached = [
        rule
        for rule in rulebook.ladder
        if rule.trigger in counts and counts[rule.trigger][0] < rule.count <= counts[rule.trigger][1]
    ]
    return max(reached, key=lambda rule: rule.rung.height if rule.rung else -1, default=None)
