"""What a person has been told: their notices, how many are new to them, and what they have had before them.

New is what was handed out after the person's mark; a mark is one number a person and never goes back. Who is told what
is decided where notices are written.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dispatch.model import Actor
from hotline import tickets
from hotline.desk import Desk
from hotline.store import Row
from hotline.stream import Change, announce

COUNTED_MOST = 100
"""More than these are not counted: nobody reads the difference."""
FAR = 2**62
"""Above every number of a notice."""


@dataclass(frozen=True, slots=True)
class Unread:
    """How many notices are new, at most COUNTED_MOST, and the newest place among them; 0 without any."""

    unread: int
    newest: int


async def unread(desk: Desk, actor: Actor) -> Unread:
    """Return what is new to `actor`."""
    row = await desk.store.fetch_row(
        "unread_notices", department=actor.department, role=actor.role, person=actor.person, most=COUNTED_MOST
    )
    return Unread(row["unread"], row["newest"] or 0) if row else Unread(0, 0)


async def page(desk: Desk, actor: Actor, *, before: int = FAR, most: int) -> Sequence[Row]:
    """Return notices for `actor` with numbers below `before`, the newest first.

    The title of a ticket whose caller is protected is left out, and so is one that `actor` may not see.
    """
    return await desk.store.fetch(
        "notices_page",
        department=actor.department,
        role=actor.role,
        units=tickets.units_seen(actor, await desk.rulebook()),
        before=before,
        most=most,
    )


async def mark(desk: Desk, actor: Actor, place: int) -> Unread:
    """Remember that `actor` has had everything up to `place` before them, and return what is new still."""
    await desk.store.execute(
        "mark_notices",
        department=actor.department,
        role=actor.role,
        person=actor.person,
        place=place,
        now=desk.now(),
    )
    announce(desk.live, [Change(name="seen", id=place, person=actor.person)])
    return await unread(desk, actor)
