"""The long tables of rules, row by row: the dispatch catalogue, the words of danger, the grounds of refusal.

Every change goes into the own draft; a second person publishes it like all rules (see `rules_page`). Areas,
departments and categories are such tables, too, as far as files and versions go (see `register_page`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlencode

from aiohttp import web

from hotline import drafts
from hotline.drafts import FIELDS
from hotline.edge import actor_of, desk_of, moment_of, status_of, whole
from hotline.errors import BadInput, NotFound
from hotline.store import REGISTERS
from hotline.web import entrance, forms, frame, rules_views, tables_views, words
from hotline.web.forms import Codes

PAGE_MOST = 50
PAGES_MOST = 100_000
LONGEST_WORDS = 100
Found = TypeVar("Found")


def routes() -> list[web.RouteDef]:
    """Return the addresses of these pages, each table by its name."""
    rows = [
        route
        for part in FIELDS
        if part not in REGISTERS
        for route in (
            web.get(f"/rules/{part}", listed),
            web.get(f"/rules/{part}/row", row),
            web.post(f"/rules/{part}/row", keep),
        )
    ]
    return rows + [
        route
        for part in FIELDS
        for route in (
            web.get(f"/rules/{part}/file", file),
            web.post(f"/rules/{part}/file", take_in),
            web.post(f"/rules/{part}/again", again),
        )
    ]


def _part(request: web.Request) -> str:
    return request.path.split("/")[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table as whoever asks has it: the rows that rule, and those of the own draft with its number and source.

    `bodies` are those of every part that rules. Without a draft the rows are those that rule.
    """

    part: str
    ruling: list[dict[str, Any]]
    rows: list[dict[str, Any]]
    bodies: Mapping[str, Any]
    draft: int | None = None
    source: str = ""


async def table_of(request: web.Request) -> Table:
    """Return the table that an address speaks of."""
    desk, part = desk_of(request), _part(request)
    mine = await drafts.own(desk, part, actor_of(request))
    bodies = {one["part"]: one["body"] for one in await desk.store.fetch("rulebook_parts", at=desk.now())}
    ruling = drafts.rows_of(bodies.get(part, []))
    if mine is None:
        return Table(part=part, ruling=ruling, rows=ruling, bodies=bodies)
    rows = drafts.rows_of(mine["body"])
    return Table(part=part, ruling=ruling, rows=rows, bodies=bodies, draft=mine["id"], source=mine["source"])


def sought(request: web.Request) -> str:
    """Return the words that are looked for in a table."""
    return request.query.get("q", "").strip()[:LONGEST_WORDS]


async def show_found(
    request: web.Request,
    template: str,
    table: Table,
    fitting: Sequence[Found],
    drawn: Callable[[Sequence[Found]], Sequence[object]],
    *,
    asked: Mapping[str, str],
    **more: Any,  # noqa: ANN401 - handed on to the template
) -> web.Response:
    """Show one page of the rows of a table that fit, each page of 50 drawn by itself, and the table's versions.

    `asked` is what the address says beside the page, empty values left out.
    """
    desk, part = desk_of(request), table.part
    page = whole(request.query.get("page", "1"), "page", PAGES_MOST)
    base = f"/rules/{part}?{urlencode({name: value for name, value in asked.items() if value})}"
    versions = [dict(one) for one in await drafts.versions(desk, actor_of(request)) if one["part"] == part]
    return frame.show(
        request,
        template,
        await frame.codes_of(request),
        part=part,
        title=rules_views.name(part),
        rows=drawn(fitting[(page - 1) * PAGE_MOST : page * PAGE_MOST]),
        q=sought(request),
        more=f"{base}&page={page + 1}" if len(fitting) > page * PAGE_MOST else "",
        first=base,
        paged=page > 1,
        draft=table.draft,
        versions=rules_views.versions(versions, desk.now()),
        **more,
    )


async def listed(request: web.Request) -> web.StreamResponse:
    """Show the rows that contain every word of `q`, a page at a time, as the own draft has them if there is one."""
    codes, table, text = await frame.codes_of(request), await table_of(request), sought(request)
    fitting = list(tables_views.fitting(table.part, table.rows, text, codes))
    return await show_found(
        request,
        "rules_table.html",
        table,
        fitting,
        lambda some: tables_views.rows(table.part, some, table.ruling, codes),
        asked={"q": text},
        columns=tables_views.columns(table.part),
        told=words.RULES.counted.format(len(table.rows), len(fitting)),
    )


async def row(request: web.Request) -> web.StreamResponse:
    """Show the form of one row, or of a new one."""
    codes, part = await frame.codes_of(request), _part(request)
    rows = (await table_of(request)).rows
    key = tuple(request.query.getall("key", ()))
    if not key:
        return await _form(request, {}, {}, key)
    found = next((one for one in rows if drafts.key_of(part, one) == key), None)
    if found is None:
        raise NotFound("rules", "/".join(key)[:60])
    return await _form(request, tables_views.typed_of(part, found, codes), {}, key)


async def _form(
    request: web.Request, typed: forms.Typed, errors: Mapping[str, str], key: drafts.Key, *, status: int = 200
) -> web.Response:
    codes, part = await frame.codes_of(request), _part(request)
    mine = await drafts.own(desk_of(request), part, actor_of(request))
    return frame.show(
        request,
        "rules_row.html",
        codes,
        status=status,
        part=part,
        title=rules_views.name(part),
        key=key,
        inputs=tables_views.inputs(part, typed, errors),
        errors=errors,
        source=forms.first(typed, "source") or (mine["source"] if mine else ""),
        draft=mine["id"] if mine else None,
        codes=codes,
    )


async def keep(request: web.Request) -> web.StreamResponse:
    """Put a changed, new or retired row into the own draft."""
    typed = await entrance.posted(request)
    desk, actor, codes, part = desk_of(request), actor_of(request), await frame.codes_of(request), _part(request)
    key = tuple(typed.get("key", ()))
    gone = forms.first(typed, "do") == "retire"
    try:
        changed = None if gone else _checked(part, typed, codes)
        source = forms.first(typed, "source")
        id_ = await drafts.amend(desk, part, actor, was=key or None, row=changed, source=source)
    except BadInput as error:
        told = {error.field: f"{words.problem(error.problem)}。"}
        return await _form(request, typed, told, key, status=status_of(error))
    raise frame.go(f"/rules/drafts/{id_}?done=amended")


def _checked(part: str, typed: forms.Typed, codes: Codes) -> dict[str, Any]:
    """The row that was typed; raises BadInput for a field that is needed, or names nothing that the city has."""
    row, rulebook = tables_views.row_of(part, typed, codes), codes.rulebook
    for name in FIELDS[part]:
        if name in tables_views.NEEDED and not row[name]:
            raise BadInput(name, "", "is empty")
    if part == "catalogue":
        units = {*rulebook.departments, *tables_views.SPECIAL}
        known = {"category": rulebook.categories, "area": {*rulebook.areas, ""}, "lead": units}
        for name, codes_of in known.items():
            if row[name] not in codes_of:
                raise BadInput(name, row[name], "is unknown")
        if unknown := [code for code in row["co"] if code not in units]:
            raise BadInput("co", unknown[0], "is unknown")
    return row


async def file(request: web.Request) -> web.StreamResponse:
    """Give the whole table as a CSV that can be taken in again, as the own draft has it if there is one."""
    part = _part(request)
    rows = (await table_of(request)).rows
    return web.Response(
        body=drafts.written(part, rows).encode("utf-8-sig"),
        content_type="text/csv",
        charset="utf-8",
        headers={"Content-Disposition": f'attachment; filename="{part}.csv"', "Cache-Control": "no-store"},
    )


async def take_in(request: web.Request) -> web.StreamResponse:
    """Make a draft of a whole table from a file."""
    typed, files = await entrance.posted_with_files(request)
    part = _part(request)
    text = files[0][1] if files else b""
    body = drafts.read(part, drafts.text_of(text))
    effective = moment_of(forms.first(typed, "effective_at"), "effective_at")
    id_ = await drafts.draft(
        desk_of(request), part, body, actor_of(request), source=forms.first(typed, "source"), effective_at=effective
    )
    raise frame.go(f"/rules/drafts/{id_}?done=drafted")


async def again(request: web.Request) -> web.StreamResponse:
    """Make a draft of an older version."""
    typed = await entrance.posted(request)
    desk, actor, part = desk_of(request), actor_of(request), _part(request)
    number = whole(forms.first(typed, "version"), "version", 2**31 - 1)
    older = await drafts.version(desk, part, number, actor)
    source = words.RULES.again_source.format(words.version(number), forms.first(typed, "source").strip())
    id_ = await drafts.draft(desk, part, older["body"], actor, source=source)
    raise frame.go(f"/rules/drafts/{id_}?done=drafted")
