"""The analyst's page: the few tickets whose right category would teach most, and what the last nights taught."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import starmap
from typing import Any

from aiohttp import web

from dispatch.routing import Suggested, in_use
from hotline import learning
from hotline.edge import actor_of, desk_of
from hotline.errors import NotFound
from hotline.web import entrance, forms, frame, words
from hotline.web.forms import Codes

LESSONS_SHOWN = 5
_TICKET_DIGITS = 18


@dataclass(frozen=True, slots=True)
class Question:
    """A ticket to be labelled: one button a guess, and a field for any other category."""

    id: str
    reason: str
    title: str
    text: str
    guesses: tuple[tuple[str, str, str], ...]


async def labels(request: web.Request) -> web.StreamResponse:
    """Show the tickets that wait for a label, and what the last nights of learning came to."""
    desk, actor, codes = desk_of(request), actor_of(request), await frame.codes_of(request)
    rows = await learning.waiting(desk, actor)
    nights = await learning.lessons(desk, actor, most=LESSONS_SHOWN)
    newest = dict(nights[0])["facts"].get("drift", {}) if nights else {}
    return frame.show(
        request,
        "labels.html",
        codes,
        questions=[_question(dict(row), codes) for row in rows],
        nights=[(words.moment(row["at"]), words.lesson(dict(row))) for row in nights],
        drift=words.drift(_named(newest, codes)),
        codes=codes,
    )


def _question(row: Mapping[str, Any], codes: Codes) -> Question:
    return Question(
        id=str(row["ticket_id"]),
        reason=words.LABEL_REASONS[row["reason"]],
        title=row["title"],
        text=row["text"],
        guesses=tuple(
            (one.category, codes.category(one.category), f"{one.probability:.0%}")
            for one in in_use(starmap(Suggested, row["guesses"]), codes.rulebook)
        ),
    )


def _named(drift: Mapping[str, Any], codes: Codes) -> dict[str, Any]:
    """Put names in the place of the codes of classes."""
    classes = drift.get("classes") or {}
    moved = [one | {"class": codes.category(one["class"])} for one in classes.get("moved", ())]
    return {**drift, "classes": {**classes, "moved": moved} if classes else {}}


async def label(request: web.Request) -> web.StreamResponse:
    """Keep the category that a button or the field says, and show the page again."""
    typed = await entrance.posted(request)
    text, codes = forms.first(typed, "ticket"), await frame.codes_of(request)
    if not (text.isascii() and text.isdigit() and len(text) == _TICKET_DIGITS):
        raise NotFound("ticket", text[:40])
    category = codes.code("category", (forms.first(typed, "guess") or forms.first(typed, "category")).strip())
    await learning.label(desk_of(request), int(text), category, actor_of(request))
    raise frame.go("/labels?done=labelled")
