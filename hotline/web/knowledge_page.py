"""The knowledge base: searched and read by all staff, written by those who keep the rules, published by another."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import urlencode

from aiohttp import web

from hotline import knowledge
from hotline.drafts import DRAFTERS
from hotline.edge import actor_of, desk_of, status_of, whole
from hotline.errors import BadInput, HotlineError
from hotline.web import entrance, forms, frame, knowledge_views, words
from hotline.web.forms import Codes

_NUMBERS_MOST = 2**31 - 1
_KEEPERS = "rules are kept by the hotline's leaders"


def routes() -> list[web.RouteDef]:
    """Return the addresses of these pages."""
    return [
        web.get("/knowledge", listed),
        web.post("/knowledge", draft),
        web.get("/knowledge/new", new),
        web.get("/knowledge/drafts", waiting),
        web.post("/knowledge/drafts", publish_some),
        web.get("/knowledge/drafts/{id}", drafted),
        web.post("/knowledge/drafts/{id}", end),
        web.get("/knowledge/{code}", entry),
        web.get("/knowledge/{code}/change", change),
        web.post("/knowledge/{code}/retire", retire),
    ]


async def listed(request: web.Request) -> web.StreamResponse:
    """Show the entries that contain every word of `q`; those in force, or with `all` every one."""
    desk, actor, codes = desk_of(request), actor_of(request), await frame.codes_of(request)
    text, everything = request.query.get("q", "").strip(), "all" in request.query
    problem, rows = "", []
    try:
        found = await knowledge.search(desk, text, actor, everything=everything, after=request.query.get("after", ""))
        rows = [dict(row) for row in found]
    except BadInput as error:
        problem = words.explain(error)
    base = f"/knowledge?{urlencode({'q': text} | ({'all': '1'} if everything else {}))}"
    return frame.show(
        request,
        "knowledge.html",
        codes,
        status=422 if problem else 200,
        lines=knowledge_views.lines(rows, codes, desk.now()),
        q=text,
        tabs=(
            (f"/knowledge?{urlencode({'q': text})}", words.KNOWLEDGE.in_force, not everything),
            (f"/knowledge?{urlencode({'q': text, 'all': '1'})}", words.KNOWLEDGE.everything, everything),
        ),
        is_all=everything,
        problem=problem,
        more=f"{base}&{urlencode({'after': rows[-1]['code']})}" if len(rows) == knowledge.PAGE_MOST else "",
        first=base,
        paged="after" in request.query,
        may_write=actor.role in DRAFTERS,
    )


async def entry(request: web.Request) -> web.StreamResponse:
    """Show one entry with all its versions."""
    return await _entry_page(request, {})


async def _entry_page(request: web.Request, errors: Mapping[str, str], *, status: int = 200) -> web.Response:
    desk, actor, codes = desk_of(request), actor_of(request), await frame.codes_of(request)
    rows = [dict(row) for row in await knowledge.versions(desk, request.match_info["code"], actor)]
    page = knowledge_views.page(rows, actor, codes, desk.now())
    return frame.show(request, "knowledge_entry.html", codes, status=status, page=page, errors=errors)


# --- writing ----------------------------------------------------------------------------------------------------------


async def new(request: web.Request) -> web.StreamResponse:
    """Show the form of a new entry."""
    entrance.only(actor_of(request), DRAFTERS, _KEEPERS)
    return await _form(request, {}, {})


async def change(request: web.Request) -> web.StreamResponse:
    """Show the form of an entry as its newest version has it."""
    entrance.only(actor_of(request), DRAFTERS, _KEEPERS)
    newest = (await knowledge.versions(desk_of(request), request.match_info["code"], actor_of(request)))[0]
    typed = knowledge_views.typed_of(dict(newest))
    based_on = {"code": (newest["code"],), "based_on": (str(newest["version"]),)}
    return await _form(request, {**typed, **based_on}, {})


async def _form(
    request: web.Request, typed: forms.Typed, errors: Mapping[str, str], *, status: int = 200
) -> web.Response:
    codes = await frame.codes_of(request)
    return frame.show(
        request,
        "knowledge_form.html",
        codes,
        status=status,
        code=forms.first(typed, "code"),
        based_on=forms.first(typed, "based_on") or "0",
        inputs=knowledge_views.inputs(typed, codes, errors),
        reason=forms.first(typed, "reason"),
        errors=errors,
        codes=codes,
    )


async def draft(request: web.Request) -> web.StreamResponse:
    """Keep what was typed as a draft for a second person; what cannot be taken comes back with it."""
    typed = await entrance.posted(request)
    codes = await frame.codes_of(request)
    try:
        made = _read(typed, codes)
        id_ = await knowledge.draft(desk_of(request), made, actor_of(request), based_on=_based_on(typed))
    except BadInput as error:
        errors = {error.field: f"{words.problem(error.problem)}。"}
        return await _form(request, typed, errors, status=status_of(error))
    raise frame.go(f"/knowledge/drafts/{id_}?done=drafted")


def _read(typed: forms.Typed, codes: Codes) -> knowledge.Entry:
    def text(name: str) -> str:
        return forms.first(typed, name).strip()

    return knowledge.Entry(
        code=text("code"),
        question=text("question"),
        answer=text("answer"),
        category=codes.code("category", text("category")) or None,
        department=codes.code("department", text("department")),
        basis=text("basis"),
        valid_from=knowledge.day_begins(text("valid_from"), "valid_from"),
        valid_until=knowledge.day_ends(text("valid_until"), "valid_until"),
        reason=text("reason"),
    )


def _based_on(typed: forms.Typed) -> int:
    text = forms.first(typed, "based_on")
    return whole(text, "version", _NUMBERS_MOST) if text != "0" else 0


async def retire(request: web.Request) -> web.StreamResponse:
    """Draft the end of an entry."""
    typed = await entrance.posted(request)
    code, reason = request.match_info["code"], forms.first(typed, "reason").strip()
    ending = knowledge.Entry(code=code, question="", answer="", department="", retired=True, reason=reason)
    try:
        id_ = await knowledge.draft(desk_of(request), ending, actor_of(request), based_on=_based_on(typed))
    except BadInput as error:
        return await _entry_page(request, {error.field: words.explain(error)}, status=status_of(error))
    raise frame.go(f"/knowledge/drafts/{id_}?done=drafted")


# --- drafts -----------------------------------------------------------------------------------------------------------


async def waiting(request: web.Request) -> web.StreamResponse:
    """Show the drafts that wait for a second person."""
    return await _waiting_page(request, [])


async def _waiting_page(request: web.Request, told: list[str]) -> web.Response:
    actor, codes = actor_of(request), await frame.codes_of(request)
    rows = await knowledge.waiting(desk_of(request), actor)
    lines = knowledge_views.waiting(map(dict, rows), actor, codes)
    may_publish = any(line.may_publish for line in lines)
    return frame.show(request, "knowledge_drafts.html", codes, lines=lines, told=told, may_publish=may_publish)


async def publish_some(request: web.Request) -> web.StreamResponse:
    """Publish the drafts that were chosen, and say of each that could not be why not."""
    typed = await entrance.posted(request)
    ids = [int(text) for text in typed.get("id", ()) if re.fullmatch(r"[1-9]\d{0,9}", text, re.ASCII)]
    done = await knowledge.publish_some(desk_of(request), ids, actor_of(request))
    told = [words.KNOWLEDGE.done.format(sum(error is None for _, error in done))]
    told += [words.KNOWLEDGE.not_done.format(id_, words.explain(error)) for id_, error in done if error]
    return await _waiting_page(request, told)


async def drafted(request: web.Request) -> web.StreamResponse:
    """Show one draft beside what it changes."""
    return await _draft_page(request, None)


async def _draft_page(request: web.Request, error: HotlineError | None) -> web.Response:
    actor, codes = actor_of(request), await frame.codes_of(request)
    row, before = await knowledge.drafted(desk_of(request), _id(request), actor)
    return frame.show(
        request,
        "knowledge_draft.html",
        codes,
        status=status_of(error) if error else 200,
        draft=knowledge_views.draft(dict(row), dict(before) if before else None, actor, codes),
        alert=words.explain(error) if error else "",
    )


async def end(request: web.Request) -> web.StreamResponse:
    """Publish a draft of somebody else, or take one back."""
    typed = await entrance.posted(request)
    desk, actor, id_ = desk_of(request), actor_of(request), _id(request)
    if forms.first(typed, "do") != "publish":
        await knowledge.take_back(desk, id_, actor)
        raise frame.go("/knowledge/drafts?done=knowledge_back")
    try:
        await knowledge.publish(desk, id_, actor)
    except BadInput as error:
        return await _draft_page(request, error)
    raise frame.go("/knowledge/drafts?done=published")


def _id(request: web.Request) -> int:
    return whole(request.match_info["id"], "id", _NUMBERS_MOST)
