"""What a clock that wants a look means: what is found, whom to tell, and when to look again.

The ladder of 督办 is data: each rung says how long before or after due it comes and whom it speaks to. Whether
somebody was late is decided by event times, never by when we looked. A look changes no ticket.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from dispatch.deadlines import warns_at
from dispatch.model import Clock, Role
from dispatch.rulebook import HOTLINE, Policy


@dataclass(frozen=True, slots=True)
class Finding:
    """Something noticed about a clock, once: `name` is unique for the clock and its due time."""

    name: str
    department: str
    role: Role | None


@dataclass(frozen=True, slots=True)
class Look:
    """What one look gives: the findings so far due, and when to look again (None: never)."""

    findings: tuple[Finding, ...]
    next_at: datetime | None


def first_look(clock: Clock, policy: Policy) -> datetime | None:
    """When to look at a clock first; None for one that does not run."""
    if not clock.is_running:
        return None
    return warns_at(clock, policy.warn_share_left) if clock.kind.is_duty else clock.due_at


def assess(clock: Clock, policy: Policy, *, at: datetime) -> Look:
    """Return everything that is to be found about a running clock at the moment `at`.

    A look that comes late still finds what is overdue; to warn then would be too late, so it does not.
    """
    if not clock.is_running or not clock.kind.is_duty:
        return Look((), None)
    warn = warns_at(clock, policy.warn_share_left)
    found = [Finding("due_soon", clock.department, None)] if warn <= at <= clock.due_at else []
    if at > clock.due_at:
        found += [Finding("overdue", clock.department, None)]
        if clock.department != HOTLINE:
            found += [Finding("overdue_of_department", HOTLINE, Role.SUPERVISOR)]
        return Look(tuple(found), None)
    return Look(tuple(found), clock.due_at + timedelta(microseconds=1) if at >= warn else warn)
