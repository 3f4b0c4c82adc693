"""What is known about a matter while it is still being typed: kind, place, danger, likely unit, what is open already.

Nothing here is written, logged or decided: whoever types takes what helps. Identity and telephone numbers are masked
before the text goes anywhere.
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import starmap
from operator import itemgetter
from typing import Any

import numpy as np

from dispatch import places
from dispatch.model import Actor, Ticket, TicketState, TicketType, Urgency
from dispatch.routing import AskHuman, Candidate, Experience, Question, Send, Suggested, Trace, in_use, route
from dispatch.rulebook import RiskWord, Rulebook
from hotline import experience, knowledge, tickets, vault
from hotline.desk import Desk
from hotline.errors import BadInput, Forbidden
from hotline.pairs import Pairs
from hotline.predictor import Judgement, spoken
from hotline.store import Row

SIMILAR_MOST = 5
SIMILAR_WITHIN = timedelta(days=90)
SIMILAR_FROM = 0.2
"""Likeness from which a ticket is shown: the share of pairs of characters that both texts have, as a cosine."""
LONG_TEXT = 150
"""Pairs of characters from which on a quarter of them is enough to find which tickets may be alike."""
LONGEST_TEXT = 4_000
_GUESSES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What an agent has typed so far; empty fields are not known yet. `category` chosen means confirmed."""

    text: str
    title: str = ""
    place: str = ""
    category: str | None = None
    area: str | None = None
    owner: str = ""
    type: TicketType | None = None
    confidential: bool = False
    reported: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Similar:
    """An open ticket that resembles the words; a sealed one shows nothing but that it is there."""

    id: str
    title: str
    state: str
    category: str | None
    area: str | None
    received_at: datetime
    likeness: float
    sealed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """Everything that could be said about a draft. Without a model the guesses are empty and the rest still holds.

    `levels`: the likeliest category of each of three levels; `categories`: the likeliest of the deepest level.
    `area_probability` is None where the area is chosen or told by the city's own names; `risk_probabilities` has the
    risks that the model sees, the others are the city's own words. `routed` is what routing would answer: where it is
    sure, `lead` and `co`, else candidates and the reason why not.
    """

    levels: tuple[tuple[str, float], ...] = ()
    categories: tuple[tuple[str, float], ...] = ()
    types: tuple[tuple[str, float], ...] = ()
    urgency: str | None = None
    urgency_probability: float | None = None
    urgency_evidence: tuple[str, ...] = ()
    risks: tuple[str, ...] = ()
    risk_probabilities: Mapping[str, float] = field(default_factory=dict)
    risk_words: tuple[str, ...] = ()
    area: str | None = None
    area_probability: float | None = None
    area_evidence: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()
    type_evidence: tuple[str, ...] = ()
    model_version: str = ""
    lead: str | None = None
    co: tuple[str, ...] = ()
    candidates: tuple[Candidate, ...] = ()
    trace: Trace | None = None
    similar: tuple[Similar, ...] = ()
    knowledge: tuple[knowledge.Offered, ...] = ()


def read(values: Mapping[str, Any]) -> Draft:
    """Return a draft from plain values; raises BadInput naming the field and what is allowed."""
    known = {name: values[name] for name in values if name in Draft.__slots__}
    if strange := sorted(set(values) - set(known)):
        raise BadInput(strange[0], values[strange[0]], "is no field of a draft", ", ".join(Draft.__slots__))
    intake = tickets.read_intake(known | {"text": known.get("text") or "-"})
    draft = Draft(**{name: getattr(intake, name) for name in Draft.__slots__})
    return replace(draft, text=str(known.get("text") or "")[:LONGEST_TEXT])


async def suggest(desk: Desk, draft: Draft, actor: Actor) -> Advice:
    """Return what is known about a draft; raises Forbidden for whoever takes no matters in."""
    if actor.role not in tickets.OPENERS:
        raise Forbidden(actor.person, "ask for a suggestion", "only the hotline takes matters in")
    rulebook = await desk.rulebook()
    draft = _masked(draft, rulebook)
    heard = _heard(draft, await desk.predictor.suggest(spoken(draft.title, draft.text)), rulebook)
    similar, records, offered = await asyncio.gather(
        _similar(desk, heard, rulebook),
        experience.known(desk, heard.categories[:1]),
        knowledge.offer(desk, heard.said, [(draft.category, 1.0)] if draft.category else heard.kinds),
    )
    known = records.of(heard.categories[0], heard.area, rulebook) if heard.categories else {}
    told = replace(_told(heard, rulebook), similar=similar, knowledge=offered)
    return _routed(told, heard, known, rulebook, desk.now())


@dataclass(frozen=True, slots=True, kw_only=True)
class _Heard:
    """A masked draft with what the model and the city's own names, kinds and words make of it.

    `kinds` are the model's thoughts by the city's kinds with their probabilities, a closed one as its successor.
    """

    draft: Draft
    said: str
    judged: Judgement | None
    kinds: tuple[tuple[str, float], ...]
    words: tuple[RiskWord, ...]
    area: str | None
    area_probability: float | None = None
    area_evidence: tuple[str, ...] = ()

    @property
    def categories(self) -> list[str]:
        """The categories that the matter may have, the chosen one alone if there is one."""
        return [self.draft.category] if self.draft.category else [code for code, _ in self.kinds][:_GUESSES]


def _heard(draft: Draft, judged: Judgement | None, rulebook: Rulebook) -> _Heard:
    said = spoken(draft.title, draft.text)
    thoughts = in_use(starmap(Suggested, judged.categories if judged else ()), rulebook)
    return _Heard(
        draft=draft,
        said=said,
        judged=judged,
        kinds=tuple((one.category, one.probability) for one in thoughts),
        words=rulebook.risks_in(said),
        **_named_area(draft, said, judged, rulebook),
    )


def _masked(draft: Draft, rulebook: Rulebook) -> Draft:
    """Hide numbers in what was typed, and leave out codes that the city does not know: they are half typed."""
    return replace(
        draft,
        text=vault.mask_text(draft.text),
        title=vault.mask_text(draft.title),
        place=vault.mask_text(draft.place),
        category=draft.category if draft.category in rulebook.categories else None,
        area=draft.area if draft.area in rulebook.areas else None,
        reported=draft.reported if draft.reported in rulebook.departments else None,
    )


def _named_area(draft: Draft, said: str, judged: Judgement | None, rulebook: Rulebook) -> dict[str, Any]:
    """The area that is chosen, else the one that the city's own names tell, else the one that the model knows."""
    if draft.area:
        return {"area": draft.area}
    area, names = places.area_in(f"{said}\n{draft.place}", rulebook)
    if not area and judged and judged.area in rulebook.areas:
        likely = judged.area_probability
        return {"area": judged.area, "area_probability": likely, "area_evidence": judged.area_evidence}
    return {"area": area, "area_evidence": names}


def _told(heard: _Heard, rulebook: Rulebook) -> Advice:
    """What is said of a draft but for where it goes.

    Of danger the city's own list and the model speak together: neither takes back what the other sees.
    """
    judged = heard.judged
    risks, words = [str(word.risk) for word in heard.words], [word.word for word in heard.words]
    advice = Advice(area=heard.area, area_probability=heard.area_probability, area_evidence=heard.area_evidence)
    if judged:
        risks += judged.risks
        words += judged.risk_words
        advice = replace(
            advice,
            levels=(*(one for one in judged.levels[:-1] if one[0] in rulebook.categories), *heard.kinds[:1]),
            categories=heard.kinds,
            types=judged.types,
            urgency=judged.urgency,
            urgency_probability=judged.urgency_probability,
            urgency_evidence=judged.urgency_evidence,
            risk_probabilities=dict(zip(judged.risks, judged.risk_probabilities, strict=False)),
            evidence=judged.evidence,
            type_evidence=judged.type_evidence,
            model_version=judged.model_version,
        )
    return replace(advice, risks=tuple(dict.fromkeys(risks)), risk_words=tuple(dict.fromkeys(words)))


def _routed(advice: Advice, heard: _Heard, known: Mapping[str, Experience], rulebook: Rulebook, at: datetime) -> Advice:
    draft, judged = heard.draft, heard.judged
    confirmed = draft.category is not None
    asked = Question(
        _as_ticket(replace(draft, area=heard.area), advice, rulebook, at),
        confirmed=confirmed,
        suggestions=tuple(starmap(Suggested, heard.kinds)),
        model_version=advice.model_version,
        experience=known,
        doubted_areas=judged.doubted_areas if judged else frozenset(),
        # Opening a matter whose category is confirmed asks no model, the worker asks it about all others.
        is_guarded=tickets.is_guarded(None if confirmed else judged, {"risks": [word.risk for word in heard.words]}),
    )
    answer = route(asked, rulebook)
    if isinstance(answer, Send):
        return replace(advice, lead=answer.lead, co=answer.co, trace=answer.trace)
    assert isinstance(answer, AskHuman)  # noqa: S101 - the only other answer
    return replace(advice, candidates=answer.candidates, trace=answer.trace)


def _as_ticket(draft: Draft, advice: Advice, rulebook: Rulebook, at: datetime) -> Ticket:
    """The ticket that the draft would become; it has no number yet."""
    return Ticket(
        id=0,
        version=1,
        state=TicketState.RECEIVED,
        type=draft.type or TicketType.of(advice.types[0][0] if advice.types else TicketType.HELP),
        urgency=Urgency.of(advice.urgency or Urgency.NORMAL),
        received_at=at,
        entered_at=at,
        category=draft.category,
        area=draft.area,
        owner=draft.owner,
        confidential=draft.confidential,
        sensitive=rulebook.is_sensitive(draft.category),
        reported=draft.reported,
    )


async def _similar(desk: Desk, heard: _Heard, rulebook: Rulebook) -> tuple[Similar, ...]:
    """Open tickets of the last 90 days about such a matter in this area, the most alike first.

    A part of the pairs guesses which tickets are worth counting out; what is shown is counted over all of them.
    """
    own = Pairs.of(heard.said)
    if not own.count:
        return ()
    newest = await desk.store.fetch(
        "newest_of_matter",
        categories=heard.categories,
        areas=rulebook.around(heard.area) if heard.area else None,
        sampled=own.count > LONG_TEXT,
        since=desk.now() - SIMILAR_WITHIN,
    )
    if not (promising := _promising(own, newest)):
        return ()
    rows = await desk.store.fetch("shown_with_grams", ids=promising)
    shared, sizes = own.shared([row["grams"] for row in rows])
    likeness = (shared / np.sqrt(np.maximum(sizes, 1) * own.count)).tolist()
    alike = [(much, row["id"], row) for much, row in zip(likeness, rows, strict=True) if much >= SIMILAR_FROM]
    best = heapq.nlargest(SIMILAR_MOST, alike, key=itemgetter(0, 1))
    return tuple(_shown(row, likeness) for likeness, _, row in best)


def _promising(own: Pairs, rows: Sequence[Row]) -> list[int]:
    """The numbers of the tickets likeliest to be alike, by what was looked at of each: twice as many as are shown."""
    shared, looked_at = own.shared([row["looked_at"] for row in rows])
    guesses = shared * np.sqrt([row["size"] for row in rows]) / np.maximum(looked_at, 1)
    hopeful = [(guess, row["id"]) for guess, row in zip(guesses.tolist(), rows, strict=True) if guess]
    return [id_ for _, id_ in heapq.nlargest(2 * SIMILAR_MOST, hopeful)]


def _shown(row: Row, likeness: float) -> Similar:
    sealed = row["confidential"] or row["type"] == TicketType.REPORT
    return Similar(
        id=str(row["id"]),
        title="" if sealed else row["title"],
        state=row["state"],
        category=None if sealed else row["category"],
        area=None if sealed else row["area"],
        received_at=row["received_at"],
        likeness=round(likeness, 3),
        sealed=sealed,
    )
