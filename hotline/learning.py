"""Learning from work: each night a challenger from what departments kept, and a few questions to a person.

Tickets that were kept to the end are examples, what was sent back is a counter-example, and what a person labelled
counts most. Training runs in a process of its own with the lowest priority; whether the challenger is better is decided
by `classifier.challenge`. Texts are masked before they are learned; confidential matters are not learned at all.
"""

from __future__ import annotations

import asyncio
import logging
import multiprocessing
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime, timedelta
from math import ceil
from pathlib import Path
from typing import Any

from dispatch.model import Actor, Role
from dispatch.rulebook import HOTLINE, Rulebook, successor_of
from dispatch.worktime import ZONE
from hotline import experience, predictor
from hotline.desk import Desk
from hotline.errors import BadInput, Forbidden, NotFound
from hotline.store import Row

Say = Callable[[str], None]
_log = logging.getLogger(__name__)
LEARNED_MOST = 20_000
TEACHABLE_MOST = 2_000
TEACHABLE_DAYS = 14
ASKED_A_MONTH = 40
"""Labels that are asked for within thirty days: few enough to be given with care."""
MONTH_DAYS, PACED_DAYS = 30, (1, 7, 30)
"""No night and no week is asked about more than its part of the month: what is new in the last week teaches, too."""
LABELLED_WEIGHT, RETURNED_WEIGHT = 4.0, 2.0
NIGHT_HOURS = range(2, 5)
LABELLERS = frozenset({Role.ANALYST, Role.SUPERVISOR})
SHOWN = 100


async def nightly(desk: Desk, folder: Path, worker: str) -> int:
    """Learn if it is night and no worker does yet; return 1 if this one did."""
    local = desk.now().astimezone(ZONE)
    if local.hour not in NIGHT_HOURS:
        return 0
    if not await desk.store.fetch("claim_night", night=local.date(), worker=worker, at=desk.now()):
        return 0
    lesson = await learn(desk, folder, _log.info)
    _log.info("learned: %s, %s against %s", lesson["verdict"], lesson["challenger"], lesson["champion"])
    return 1


async def learn(desk: Desk, folder: Path, say: Say) -> dict[str, Any]:
    """Count experience anew, train and try a challenger, ask for labels; return and keep what came of it."""
    await experience.count_anew(desk)
    at, rulebook = desk.now(), await desk.rulebook()
    own = list(_of_today(map(_example, await desk.store.fetch("learned_tickets", most=LEARNED_MOST)), rulebook))
    rows = await desk.store.fetch("teachable_tickets", first=_first(at), most=TEACHABLE_MOST)
    pool = [_teachable(row) for row in rows]
    say(f"{len(own)} own examples, {len(pool)} open tickets that might teach; training in a process of its own")
    try:
        lesson = await _in_own_process(folder, own, pool, at)
    except Exception as error:  # noqa: BLE001 - whatever ended it, the analysts read in the morning why there is nothing
        _log.exception("learning ended before its time")
        lesson = predictor.failed(error)
    kept = {name: lesson[name] for name in ("champion", "challenger", "verdict", "activated", "facts")}
    await desk.store.execute("record_lesson", at=at, **kept)
    await _ask(desk, lesson["teaching"], at)
    await _tell_drift(desk, lesson["facts"].get("drift", {}), at)
    return kept


async def _in_own_process(
    folder: Path, own: list[dict[str, Any]], pool: list[dict[str, Any]], at: datetime
) -> dict[str, Any]:
    """Training takes the interpreter's lock for minutes: nobody else may wait for that."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context, initializer=predictor.stand_back) as pool_of_one:
        work = asyncio.get_running_loop().run_in_executor(pool_of_one, predictor.challenged, folder, own, pool, at)
        return await work


def _example(row: Row) -> dict[str, Any]:
    refused = row["refused"] if row["refused"] and row["refused"] != row["category"] else ""
    weight = LABELLED_WEIGHT if row["labelled"] else RETURNED_WEIGHT if refused else 1.0
    return {
        "text": predictor.spoken(row["title"], row["text"]),
        "category": row["category"],
        "type": row["type"],
        "urgency": row["urgency"],
        "area": row["area"],
        "at": row["received_at"].astimezone(UTC).isoformat(),
        "refused": refused,
        "weight": weight,
    }


def _of_today(examples: Iterable[dict[str, Any]], rulebook: Rulebook) -> Iterator[dict[str, Any]]:
    """Yield the examples by the kinds that are open: a closed one teaches its successor, one without any nothing."""
    closed = rulebook.closed.categories
    for example in examples:
        category, refused = (successor_of(example[name], closed) for name in ("category", "refused"))
        if category not in closed:
            yield {**example, "category": category, "refused": refused if refused != category else ""}


def _teachable(row: Row) -> dict[str, Any]:
    return {"key": str(row["id"]), "text": predictor.spoken(row["title"], row["text"]), "refused": row["refused"] or ""}


def _first(at: datetime) -> int:
    """The smallest number that a ticket of the last days can have: numbers begin with the moment of opening."""
    return int(f"{(at - timedelta(days=TEACHABLE_DAYS)).astimezone(ZONE):%y%m%d%H%M%S}") * 1_000_000


async def _ask(desk: Desk, teaching: list[dict[str, Any]], at: datetime) -> None:
    left = [await _left(desk, days, at) for days in PACED_DAYS]
    best = teaching[: max(0, min(left))]
    if best:
        await desk.store.execute("ask_labels", asked=best, at=at)


async def _left(desk: Desk, days: int, at: datetime) -> int:
    """How many labels may still be asked for in the part of the month that so many days are."""
    # A night begins within some hours: the one before it is over, though it may have begun later by the clock.
    since = at - timedelta(days=days) + timedelta(hours=len(NIGHT_HOURS))
    asked: int = await desk.store.fetch_value("labels_asked", since=since)
    return ceil(ASKED_A_MONTH * days / MONTH_DAYS) - asked


async def _tell_drift(desk: Desk, drift: Mapping[str, Any], at: datetime) -> None:
    """What has drifted is told once a week: it is a reason to look, not an alarm."""
    if any(drift.values()):
        year, week, _ = at.astimezone(ZONE).isocalendar()
        key = f"drift/{year}-{week:02}"
        await desk.store.execute("tell_analysts", key=key, department=HOTLINE, kind="alarm_drift", facts=drift, at=at)


# --- labels -----------------------------------------------------------------------------------------------------------


async def waiting(desk: Desk, actor: Actor) -> list[Row]:
    """Return the tickets whose label would teach most, the best first."""
    _may(actor)
    return await desk.store.fetch("labels_waiting", most=SHOWN)


async def label(desk: Desk, ticket_id: int, category: str, actor: Actor) -> None:
    """Keep which category a ticket really has; the ticket itself stays as it is. A second label replaces the first.

    Raises BadInput for a category that is unknown or no leaf, NotFound for a ticket that nobody asked about.
    """
    _may(actor)
    rulebook = await desk.rulebook()
    if category not in rulebook.categories or len(category) != 6:  # noqa: PLR2004 - leaf codes
        raise BadInput("category", category, "is no category of the deepest level")
    at = desk.now()
    async with desk.store.transaction() as transaction:
        rows = await transaction.fetch("put_label", ticket_id=ticket_id, category=category, by=actor.person, at=at)
        if not rows:
            raise NotFound("question about ticket", ticket_id)
        await transaction.execute(
            "record_audit",
            at=at,
            person=actor.person,
            what="label",
            ticket_id=ticket_id,
            reason="",
            facts={"category": category},
        )


async def lessons(desk: Desk, actor: Actor, *, most: int = 14) -> list[Row]:
    """Return what the last nights of learning came to, the newest first."""
    _may(actor)
    return await desk.store.fetch("lessons", most=most)


def _may(actor: Actor) -> None:
    if actor.role not in LABELLERS:
        raise Forbidden(actor.person, "teach the model", "only analysts and supervisors may")
