"""What is wrong with the watch itself, told to the administrators once an episode and taken back when it is over.

An alarm is a row and, in the same statement, a notice for the administrators, which goes the way of all notices. It is
about the system, never about a ticket.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from dispatch.rulebook import HOTLINE
from hotline.desk import Desk

Kind = Literal["dead", "silent", "behind", "delivery", "look", "calendar"]
"""No worker lives; one is silent; looks come late; a contact is not reached; a clock cannot be judged; a year has no
calendar."""


async def raise_alarm(desk: Desk, kind: Kind, subject: str, facts: Mapping[str, Any]) -> bool:
    """Raise an alarm unless it is raised already; return whether it is new."""
    row = await desk.store.fetch_row(
        "raise_alarm", kind=kind, subject=subject, facts=facts, now=desk.now(), department=HOTLINE
    )
    return row is not None


async def end_alarm(desk: Desk, kind: Kind, subject: str) -> bool:
    """Say that an episode is over; return whether there was one."""
    return await desk.store.fetch_row("end_alarm", kind=kind, subject=subject, now=desk.now()) is not None
