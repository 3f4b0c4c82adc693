"""Areas, departments and categories for those who keep them: a tree with search, one entry as a form, closing it.

They are tables of rules like the dispatch catalogue: every change goes into the own draft, files come and go at
`tables_page`, and a second person publishes (see `rules_page`). A code that was published is never taken away.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from dispatch.worktime import ZONE
from hotline import drafts, register
from hotline.edge import actor_of, desk_of, moment_of, status_of
from hotline.errors import BadInput, NotFound
from hotline.store import REGISTERS
from hotline.web import entrance, forms, frame, register_views, rules_views, tables_page, words


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
    codes, table, text = await frame.codes_of(request), await tables_page.table_of(request), tables_page.sought(request)
    part, rows = table.part, table.rows
    everything, day = bool(request.query.get("all")), desk_of(request).now().astimezone(ZONE).date()
    found = [one for one in register_views.tree(part, rows) if everything or not register_views.is_closed(one[1], day)]
    fitting = register_views.fitting(part, found, text, codes)
    return await tables_page.show_found(
        request,
        "register.html",
        table,
        fitting,
        lambda some: register_views.lines(part, some, table.ruling, rows, codes, flat=bool(text)),
        asked={"q": text, "all": "1" if everything else ""},
        columns=register_views.columns(part),
        everything=everything,
        told=words.RULES.register_counted.format(len(found), len(fitting)),
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
