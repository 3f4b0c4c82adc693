"""What can be read off the whole database: the invariants of the house, and how much of what there is.

Reads only. Every invariant is a query with a sentence; replaying a ticket's events is the last of them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from dispatch.history import replay
from dispatch.model import Ticket
from hotline import cards
from hotline.desk import Desk

INVARIANTS = {
    "no open ticket without a running clock": "invariant_open_without_clock",
    "no closed ticket with a running clock": "invariant_closed_with_clock",
    "every state is what the last event left, events without a gap": "invariant_state_is_not_the_last_event",
    "no ticket past its closing gate with an open assignment": "invariant_open_past_its_gate",
    "no ticket sent back to a department that returned it": "invariant_sent_back_to_a_returner",
}
AT_ONCE = 500


async def invariants(desk: Desk, acknowledged: Sequence[int] = ()) -> dict[str, int]:
    """Return how many tickets break each invariant; `acknowledged` are numbers that callers were given."""
    broken = {}
    for sentence, query in INVARIANTS.items():
        broken[sentence] = len(await desk.store.fetch(query, most=1000))
    missing = 0
    for start in range(0, len(acknowledged), AT_ONCE):
        some = list(acknowledged[start : start + AT_ONCE])
        missing += len(some) - len(await desk.store.fetch("known_tickets", ids=some))
    broken["no acknowledged ticket missing"] = missing
    replayed, explained = await _replay_all(desk)
    broken["every ticket equals what its events replay to"] = replayed
    broken["every deadline is what its card counts, the same from the events alone"] = explained
    return broken


async def _replay_all(desk: Desk) -> tuple[int, int]:
    """Return how many tickets differ from what their events replay to, and how many have cards that do."""
    differing, unexplained, after = 0, 0, 0
    while rows := await desk.store.fetch("ticket_ids", after=after, most=AT_ONCE):
        ids = [row["id"] for row in rows]
        events: dict[int, list[Any]] = defaultdict(list)
        for event in await desk.store.fetch("changes_of_tickets", ids=ids):
            events[event["ticket_id"]].append(event["changes"])
        for ticket in await desk.store.many(ids):
            replayed = replay(events[ticket.id])
            differing += not _same(replayed, ticket)
            unexplained += not await _explained(desk, replayed, ticket)
        after = ids[-1]
    return differing, unexplained


async def _explained(desk: Desk, replayed: Ticket, stored: Ticket) -> bool:
    """Whether the cards are the same from the events alone, and count what is enforced."""
    at = desk.now()
    made = await cards.cards_of(desk, stored, at=at)
    return all(one.agrees for one in made) and made == await cards.cards_of(desk, replayed, at=at)


def _same(replayed: Ticket, stored: Ticket) -> bool:
    """Return windows that lapsed while nothing happened are closed by the watcher, not by an event."""
    lapsed = {clock.number: clock for clock in stored.clocks if not clock.kind.is_duty}
    clocks = tuple(lapsed.get(clock.number, clock) for clock in replayed.clocks)
    return (
        all(getattr(replayed, name) == getattr(stored, name) for name in Ticket.__slots__ if name != "clocks")
        and clocks == stored.clocks
    )


async def tallies(desk: Desk) -> tuple[dict[str, int], dict[str, int], dict[str, int]]:
    """Return how many tickets there are by state and by outcome, and how many findings by name."""
    return (
        await _tally(desk, "tally_states"),
        await _tally(desk, "tally_outcomes"),
        await _tally(desk, "tally_findings"),
    )


async def _tally(desk: Desk, query: str) -> dict[str, int]:
    return {row["name"]: row["number"] for row in await desk.store.fetch(query)}
