"""The rules of deadlines and supervision for those who keep them: shown, edited into a draft, published by another.

The way from a draft to a version is that of `hotline.drafts`; these pages only fill it and show what it would change.
"""

from __future__ import annotations

import re
from typing import Any

from aiohttp import web

from dispatch.worktime import ZONE, Calendar
from hotline import calendars, drafts
from hotline.edge import actor_of, desk_of, moment_of, whole
from hotline.errors import BadInput, NotFound
from hotline.store import Row
from hotline.web import entrance, forms, frame, rules_views
from hotline.web.rules_views import EDITED
from hotline.web.tables_views import ALLOWANCES

_NUMBERS_MOST = 2**31 - 1


async def overview(request: web.Request) -> web.StreamResponse:
    """Show which version of each part rules, and the drafts that wait for a second person."""
    desk, actor, codes = desk_of(request), actor_of(request), await frame.codes_of(request)
    versions = await drafts.versions(desk, actor)
    waiting = await drafts.waiting(desk, actor)
    return frame.show(
        request,
        "rules.html",
        codes,
        parts=rules_views.parts(map(dict, versions), desk.now()),
        drafts=rules_views.drafts(map(dict, waiting)),
    )


async def part(request: web.Request) -> web.StreamResponse:
    """Show one part as it rules, with a form that makes a draft of it; the calendar a year at a time."""
    actor, codes = actor_of(request), await frame.codes_of(request)
    name = _part(request)
    await drafts.waiting(desk_of(request), actor)  # refuses whoever may not see rules
    if name == "calendar":
        this_year = desk_of(request).now().astimezone(ZONE).year
        year = whole(request.query.get("year", str(this_year)), "year", 9998)
        shown = rules_views.year(codes.rulebook.calendar, year)
        return frame.show(request, "rules_calendar.html", codes, year=shown, title=rules_views.name(name))
    version, rows = await _ruling(request, name)
    return frame.show(
        request,
        "rules_part.html",
        codes,
        part=name,
        title=rules_views.name(name),
        version=version,
        columns=rules_views.columns(name),
        rows=rules_views.rows(name, rows, codes),
    )


async def edit(request: web.Request) -> web.StreamResponse:
    """Make a draft of a part from what was typed, and show it."""
    typed = await entrance.posted(request)
    desk, name, source = desk_of(request), _part(request), forms.first(typed, "source")
    effective = moment_of(forms.first(typed, "effective_at"), "effective_at")
    if name == "calendar":
        rulebook = await desk.rulebook()
        body: Any = calendars.read_days(rulebook.calendar, forms.first(typed, "days"), source=source).to_mapping()
    else:
        version, rows = await _ruling(request, name)
        if forms.first(typed, "version") != str(version):
            raise BadInput("version", forms.first(typed, "version"), "rules no more", str(version))
        body = rules_views.body(name, [_edited(name, number, row, typed) for number, row in enumerate(rows)])
    id_ = await drafts.draft(desk, name, body, actor_of(request), source=source, effective_at=effective)
    raise frame.go(f"/rules/drafts/{id_}?done=drafted")


def _edited(name: str, number: int, row: dict[str, Any], typed: forms.Typed) -> dict[str, Any]:
    """A row of a part with what was typed over it; a field that the form did not have stays."""
    changed = {
        field: forms.first(typed, f"{number}-{field}").strip() for field in EDITED[name] if f"{number}-{field}" in typed
    }
    changed |= {field: forms.read_allowance("allowance", changed[field]) for field in ALLOWANCES & changed.keys()}
    return {**row, **{field: _value(field, text, row.get(field)) for field, text in changed.items()}}


def _value(field: str, text: str, was: Any) -> Any:  # noqa: ANN401 - a value of JSON
    if not isinstance(was, int | float) or isinstance(was, bool):
        return text or ("" if isinstance(was, str) else None)
    if not re.fullmatch(r"\d{1,6}(\.\d{1,6})?", text, re.ASCII):
        raise BadInput(field, text, "is no number")
    return float(text) if isinstance(was, float) or "." in text else int(text)


async def _ruling(request: web.Request, name: str) -> tuple[int, list[dict[str, Any]]]:
    """The version of a part that rules, 0 for what the program brings, and its rows."""
    desk = desk_of(request)
    rulebook = await desk.rulebook()
    found = [row for row in await desk.store.fetch("rulebook_parts", at=desk.now()) if row["part"] == name]
    published: Row | None = found[0] if found else None
    rows = rules_views.rows_of(name, published["body"] if published else None, rulebook)
    return published["version"] if published else 0, rows


async def draft(request: web.Request) -> web.StreamResponse:
    """Show a draft with its problems and what it would change; for a calendar also how many deadlines would move."""
    desk, actor, codes = desk_of(request), actor_of(request), await frame.codes_of(request)
    found = await drafts.look(desk, _id(request), actor)
    name, moved = found.draft["part"], None
    if name == "calendar":
        planned = Calendar.from_mapping(found.draft["body"])
        days = rules_views.changed(calendars.changed_days(codes.rulebook.calendar, planned))
        moved = await calendars.preview(desk, planned) if "preview" in request.query else None
    else:
        days = ()
    return frame.show(
        request,
        "rules_draft.html",
        codes,
        draft=rules_views.draft(found, actor, codes),
        days=days,
        is_calendar=name == "calendar",
        moved=moved,
    )


async def end(request: web.Request) -> web.StreamResponse:
    """Publish a draft of somebody else, or take one back."""
    typed = await entrance.posted(request)
    desk, actor, id_ = desk_of(request), actor_of(request), _id(request)
    if forms.first(typed, "do") == "publish":
        await drafts.publish(desk, id_, actor)
        raise frame.go("/rules?done=published")
    await drafts.take_back(desk, id_, actor)
    raise frame.go("/rules?done=draft_back")


def _part(request: web.Request) -> str:
    name = request.match_info["part"]
    if name not in EDITED:
        raise NotFound("rules", name[:40])
    return name


def _id(request: web.Request) -> int:
    return whole(request.match_info["id"], "id", _NUMBERS_MOST)
