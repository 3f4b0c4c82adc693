"""Areas, departments and categories for those who keep them: a tree with search, one entry as a form, closing it.

They are tables of rules like the dispatch catalogue: every change goes into the own draft, files come and go at
`tables_page`, and a second person publishes (see `rules_page`). A code that was published is never taken away.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from aiohttp import web

from dispatch.worktime import ZONE
from hotline import drafts, register
from hotline.edge import actor_of, desk_of, moment_of, status_of, whole
from hotline.errors import BadInput, NotFound
from hotline.store import REGISTERS
from hotline.web import entrance, forms, frame, register_views, rules_views, tables_page, words
from hotline.web.tables_page import PAGE_MOST, PAGES_MOST


def routes() -> list[web.RouteDef]:
    """Return the addresses of these pages, each register by its name."""
    return [
        route
        for part in REGISTERS
        for route in (
            web.get(f"/rules/{part}", listed),
            web.get(f"/rules/{part}/row", row),
            web.post(f"/rules/{part}/row", keep),
        )
    ]


async def listed(request: web.Request) -> web.StreamResponse:
    """Show the tree, or the entries that contain every word of `q`, as the own draft has them if there is one."""
    desk, codes = desk_of(request), await frame.codes_of(request)
    table = await tables_page.table_of(request)
    part, rows = table.part, table.rows
    text = request.query.get("q", "").strip()[: tables_page.LONGEST_WORDS]
    everything, day = bool(request.query.get("all")), desk.now().astimezone(ZONE).date()
    page = whole(request.query.get("page", "1"), "page", PAGES_MOST)
    found = [one for one in register_views.tree(part, rows) if everything or not register_views.is_closed(one[1], day)]
    fitting = register_views.fitting(part, found, text, codes)
    some = fitting[(page - 1) * PAGE_MOST : page * PAGE_MOST]
    asked = {name: value for name, value in (("q", text), ("all", "1" if everything else "")) if value}
    base = f"/rules/{part}?{urlencode(asked)}"
    versions = [dict(one) for one in await drafts.versions(desk, actor_of(request)) if one["part"] == part]
    return frame.show(
        request,
        "register.html",
        codes,
        part=part,
        title=rules_views.name(part),
        columns=register_views.columns(part),
        rows=register_views.lines(part, some, table.ruling, rows, codes, flat=bool(text)),
        q=text,
        everything=everything,
        told=words.RULES.register_counted.format(len(found), len(fitting)),
        more=f"{base}&page={page + 1}" if len(fitting) > page * PAGE_MOST else "",
        first=base,
        paged=page > 1,
        draft=table.draft,
        versions=rules_views.versions(versions, desk.now()),
    )


async def row(request: web.Request) -> web.StreamResponse:
    """Show the form of one entry with what hangs on it, or of a new one."""
    codes = await frame.codes_of(request)
    table = await tables_page.table_of(request)
    code = request.query.get("key", "")
    if not code:
        return await _form(request, table, {}, {}, "")
    found = next((one for one in table.rows if one["code"] == code), None)
    if found is None:
        raise NotFound("rules", code[:60])
    return await _form(request, table, register_views.typed_of(table.part, found, codes), {}, code)


async def _form(
    request: web.Request,
    table: tables_page.Table,
    typed: forms.Typed,
    errors: Mapping[str, str],
    code: str,
    *,
    status: int = 200,
) -> web.Response:
    desk, actor, codes, part = desk_of(request), actor_of(request), await frame.codes_of(request), table.part
    hanging: tuple[register_views.Hanging, ...] = ()
    if code:
        bodies = {**table.bodies, part: table.rows}
        uses = await register.uses(desk.store.fetch, part, [code], bodies)
        hanging = register_views.hanging(part, code, uses[code], actor.role)
    own, closing = register_views.inputs(part, typed, errors, is_new=not code)
    name = next((one["name"] for one in table.rows if one["code"] == code), "")
    return frame.show(
        request,
        "register_row.html",
        codes,
        status=status,
        part=part,
        title=rules_views.name(part),
        code=code,
        name=name,
        inputs=own,
        closing=closing,
        hanging=hanging,
        is_published=any(one["code"] == code for one in table.ruling),
        errors=errors,
        source=forms.first(typed, "source") or table.source,
        effective=forms.first(typed, "effective_at"),
        draft=table.draft,
        codes=codes,
    )


async def keep(request: web.Request) -> web.StreamResponse:
    """Put a changed, new or closed entry into the own draft, or take one out that is only there."""
    typed = await entrance.posted(request)
    desk, actor, codes = desk_of(request), actor_of(request), await frame.codes_of(request)
    table = await tables_page.table_of(request)
    part, code = table.part, forms.first(typed, "key")
    try:
        changed = _typed_row(table, typed, codes, code)
        id_ = await drafts.amend(
            desk,
            part,
            actor,
            was=(code,) if code else None,
            row=changed,
            source=forms.first(typed, "source"),
            effective_at=moment_of(forms.first(typed, "effective_at"), "effective_at"),
        )
    except BadInput as error:
        told = {error.field: f"{words.problem(error.problem)}。"}
        return await _form(request, table, typed, told, code, status=status_of(error))
    raise frame.go(f"/rules/drafts/{id_}?done=amended")


def _typed_row(table: tables_page.Table, typed: forms.Typed, codes: forms.Codes, code: str) -> dict[str, Any] | None:
    if forms.first(typed, "do") == "drop":
        if any(one["code"] == code for one in table.ruling):
            raise BadInput("row", code, "is published", "close it from a day on")
        return None
    return register_views.row_of(table.part, typed, codes, table.rows, code)
