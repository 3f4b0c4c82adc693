"""What the callers' pages print, made ready: the form in its groups, and a matter in plain words.

Pure: values in, text out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from dispatch.errors import BadAction, IllegalAction, NotYours
from dispatch.model import TicketState, TicketType
from hotline import citizens
from hotline.errors import BadInput
from hotline.web import forms, views, words
from hotline.web.forms import Codes, Field, Input, Option

FIELDS: Mapping[str, tuple[str, ...]] = {"supplement": ("text",), "withdraw": ("reason",), "rate": ("level", "comment")}
"""What each of a caller's actions takes from the page."""

FORM: Mapping[str, tuple[Field, ...]] = {
    "said": (Field("type", "radio", choices=TicketType), Field("text")),
    "place_part": (Field("area", "area", needed=False), Field("place", "line", needed=False)),
    "you": (
        Field("name", "line", needed=False),
        Field("phone", "line", needed=False),
        Field("wants_visit", "tick", needed=False),
        Field("confidential", "tick", needed=False),
    ),
}
NAMES = tuple(one.name for fields in FORM.values() for one in fields)


def groups(codes: Codes, typed: forms.Typed, errors: Mapping[str, str]) -> list[tuple[str, str, list[Input]]]:
    """Return the groups of the form with what was typed and what is wrong."""
    return [
        (name, getattr(words.CITIZEN, name), [_input(one, codes, typed, errors) for one in fields])
        for name, fields in FORM.items()
    ]


def _input(one: Field, codes: Codes, typed: forms.Typed, errors: Mapping[str, str]) -> Input:
    options = codes.areas if one.kind == "area" else ()
    if one.choices is TicketType:
        options = tuple(Option(kind.value, kind.chinese) for kind in TicketType if kind is not TicketType.INVALID)
    return Input(
        name=one.name,
        id=f"citizen-{one.name}",
        kind=one.kind,
        label=words.field("citizen", one.name),
        hint=words.HINTS.get(("citizen", one.name), ""),
        needed=one.needed,
        values=tuple(typed.get(one.name, ())) or ("",),
        options=options,
        error=errors.get(one.name, ""),
        example=words.EXAMPLES.get(one.name, ""),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A matter as its caller reads it."""

    number: tuple[str, str, str]
    plain_number: str
    code: str
    title: str
    text: str
    state: str
    department: str
    due: str
    steps: tuple[tuple[str, str], ...]
    later: tuple[tuple[str, str], ...]
    answers: tuple[tuple[str, str, tuple[tuple[str, str], ...]], ...]
    offers: frozenset[str]
    pictures: tuple[tuple[str, str], ...]
    merged: bool
    is_closed: bool


def page(seen: citizens.Matter, codes: Codes) -> Page:
    """Return a matter in plain words."""
    state = words.STATES_FOR_CITIZENS[seen.ticket.state]
    outcome = seen.ticket.outcome
    return Page(
        number=views.number(seen.number),
        plain_number=str(seen.number),
        code=f"{seen.code[:4]} {seen.code[4:]}" if seen.code else "",
        title=seen.title or words.CITIZEN.joined,
        text=seen.text,
        state=f"{state}（{outcome.chinese}）" if outcome and not seen.merged else state,
        department=codes.department(seen.department),
        due=words.moment(seen.due_at),
        steps=tuple((words.STEPS_FOR_CITIZENS[step], words.moment(at)) for step, at in seen.steps),
        later=tuple((words.moment(at), text) for at, text in seen.said_later),
        answers=tuple(
            (
                codes.department(one.department) or words.CITIZEN.title,
                words.moment(one.at),
                tuple((words.field("citizen", name), text) for name, text in one.parts.items()),
            )
            for one in seen.answers
        ),
        offers=frozenset(offer.action for offer in seen.offers),
        pictures=tuple(
            (f"/matter/pictures/{one.id}", one.name or words.picture(number))
            for number, one in enumerate(seen.pictures, start=1)
        ),
        merged=seen.merged,
        is_closed=seen.ticket.state is TicketState.CLOSED,
    )


def sentence(error: Exception) -> str:
    """Say why something cannot be done without the office's terms."""
    if isinstance(error, IllegalAction | NotYours):
        return words.NOT_POSSIBLE_NOW
    if isinstance(error, BadAction | BadInput):
        return f"{words.field('citizen', error.field)}：{words.problem(error.problem)}。"
    return words.explain(error)
