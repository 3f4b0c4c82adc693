"""Who changed what: the people, the rules, the contacts and the calendar's recounts, from the audit, the newest first.

Looks behind masks and searches by phone are in the same audit and not shown here: they belong to their tickets.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from dispatch.model import Actor, Role
from hotline.desk import Desk
from hotline.drafts import Pair, compared, differences
from hotline.errors import Forbidden, NotFound
from hotline.store import Row

READERS = frozenset({Role.ADMINISTRATOR, Role.SUPERVISOR})
KINDS = (
    "publish",
    "recount",
    "person_added",
    "person_changed",
    "person_left",
    "person_back",
    "password_given",
    "enter_contact",
    "end_contact",
)
PAGE_MOST = 50
LIST_MOST = 10_000
"""Changes that one file holds."""
_NEVER = datetime(9999, 1, 1, tzinfo=UTC)
_EVER = datetime(2000, 1, 1, tzinfo=UTC)
_AFTER_ALL = 2**63 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which changes to show: of a kind, by or to a person, from a moment on and before another, before a number."""

    kind: str = ""
    person: str = ""
    since: datetime | None = None
    until: datetime | None = None
    before: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """The rows of a part that a version changed; `lines`, gone and new, where its rows cannot be told apart."""

    rows: tuple[Pair, ...]
    lines: tuple[tuple[str, ...], tuple[str, ...]]


async def some(desk: Desk, wanted: Wanted, actor: Actor, *, most: int = PAGE_MOST) -> list[Row]:
    """Return changes; raises Forbidden for whoever may not know of them."""
    if actor.role not in READERS:
        raise Forbidden(actor.person, "see who changed what", "changes are for administrators and supervisors")
    return await desk.store.fetch(
        "changes",
        kinds=[kind for kind in KINDS if wanted.kind in {"", kind}],
        person=wanted.person or None,
        since=wanted.since or _EVER,
        until=wanted.until or _NEVER,
        before=wanted.before or _AFTER_ALL,
        most=most,
    )


async def difference(desk: Desk, part: str, version: int, actor: Actor) -> Difference:
    """Return what a version of a part changed; raises NotFound."""
    if actor.role not in READERS:
        raise Forbidden(actor.person, "see who changed what", "changes are for administrators and supervisors")
    rows = await desk.store.fetch("versions_beside", part=part, version=version)
    if not rows or rows[-1]["version"] != version:
        raise NotFound("version", f"{part} {version}")
    before = rows[0]["body"] if len(rows) > 1 else None
    return Difference(rows=compared(part, before, rows[-1]["body"]), lines=differences(before, rows[-1]["body"]))
