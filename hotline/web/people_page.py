"""People and changes for administrators: who may log in, who changed what; and for everybody the own password."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from urllib.parse import urlencode

from aiohttp import web

from dispatch.model import Role
from hotline import auth, changes, people
from hotline.auth import Person
from hotline.edge import CONFIG, COOKIE, actor_of, address_of, desk_of, moment_of, session_of, status_of, whole
from hotline.errors import BadInput, Forbidden, HotlineError
from hotline.exchange import cell
from hotline.web import entrance, forms, frame, people_views, tables_views, words

P = words.PEOPLE
_NUMBERS_MOST = 2**63 - 1


def routes() -> list[web.RouteDef]:
    """Return the addresses of these pages."""
    return [
        web.get("/people", listed),
        web.post("/people", add),
        web.get("/people/{id}", person),
        web.post("/people/{id}", change),
        web.get("/changes", changed),
        web.get("/changes/file", changes_file),
        web.get("/changes/{part}/{version}", difference),
        web.get("/me", me),
        web.post("/me", own_password),
    ]


# --- people -----------------------------------------------------------------------------------------------------------


async def listed(request: web.Request) -> web.StreamResponse:
    """Show who may log in, by name, unit and role."""
    return await _list_page(request, {}, {})


async def _list_page(
    request: web.Request, typed: forms.Typed, errors: Mapping[str, str], *, status: int = 200
) -> web.Response:
    desk, actor, codes = desk_of(request), actor_of(request), await frame.codes_of(request)
    asked = {name: request.query.get(name, "").strip() for name in ("q", "unit", "role", "all")}
    wanted = people.Wanted(
        words=asked["q"][:100],
        department=people_views.unit_of(asked["unit"], codes) or None,
        role=next((role for role in auth.STAFF if role == asked["role"]), None),
        everybody=bool(asked["all"]),
        after=request.query.get("after", "")[:40],
    )
    rows = await people.some(desk, wanted, actor)
    base = "/people?" + urlencode({name: value for name, value in asked.items() if value})
    return frame.show(
        request,
        "people.html",
        codes,
        status=status,
        lines=people_views.lines(map(dict, rows), codes),
        asked=asked,
        roles=people_views.roles(),
        more=f"{base}&{urlencode({'after': rows[-1]['id']})}" if len(rows) == people.PAGE_MOST else "",
        first=base,
        paged="after" in request.query,
        inputs=people_views.inputs(typed, codes, errors),
        reason=forms.first(typed, "reason"),
        errors=errors,
        codes=codes,
    )


async def add(request: web.Request) -> web.StreamResponse:
    """Add somebody and show the password to hand over, this once."""
    typed = await entrance.posted(request)
    codes = await frame.codes_of(request)
    try:
        one = _read(typed, codes, forms.first(typed, "person").strip().lower())
        password = await people.add(desk_of(request), one, actor_of(request), reason=forms.first(typed, "reason"))
    except BadInput as error:
        told = {error.field: f"{words.problem(error.problem)}。"}
        return await _list_page(request, typed, told, status=status_of(error))
    return await _person_page(request, one.id, password=password)


def _read(typed: forms.Typed, codes: forms.Codes, id_: str) -> Person:
    given = forms.first(typed, "role")
    role = next((role for role in auth.STAFF if role == given), None)
    if role is None:
        raise BadInput("role", given, "is unknown", ", ".join(auth.STAFF))
    unit = people_views.unit_of(forms.first(typed, "department").strip(), codes)
    return Person(id_, forms.first(typed, "name").strip(), role, unit)


async def person(request: web.Request) -> web.StreamResponse:
    """Show somebody, what was changed about them, and the forms to change it."""
    return await _person_page(request, request.match_info["id"])


async def _person_page(
    request: web.Request,
    id_: str,
    *,
    password: str = "",
    typed: forms.Typed | None = None,
    error: HotlineError | None = None,
) -> web.Response:
    desk, actor, codes = desk_of(request), actor_of(request), await frame.codes_of(request)
    known = await people.one(desk, id_, actor)
    errors = {error.field: f"{words.problem(error.problem)}。"} if isinstance(error, BadInput) else {}
    told = words.explain(error) if error and not (errors.keys() & people_views.FIELDS.keys()) else ""
    rows = await changes.some(desk, changes.Wanted(person=id_), actor)
    return frame.show(
        request,
        "person.html",
        codes,
        status=status_of(error) if error else 200,
        id=id_,
        name=known.person.name,
        active=known.active,
        is_self=id_ == actor.person,
        facts=people_views.facts(known, codes),
        inputs=people_views.inputs(
            typed or people_views.typed_of(known), codes, errors, names=("name", "role", "department")
        ),
        changes=people_views.changes(map(dict, rows), codes),
        password=password,
        told=told,
        codes=codes,
    )


async def change(request: web.Request) -> web.StreamResponse:
    """Change somebody, send them away, let them in again, or give them a password."""
    typed = await entrance.posted(request)
    desk, actor, id_ = desk_of(request), actor_of(request), request.match_info["id"]
    reason, what, password = forms.first(typed, "reason"), forms.first(typed, "do"), ""
    try:
        if what == "leave":
            await people.send_away(desk, id_, actor, reason=reason)
        elif what == "back":
            password = await people.let_in(desk, id_, actor, reason=reason)
        elif what == "password":
            password = await people.give_password(desk, id_, actor, reason=reason)
        else:
            one = _read(typed, await frame.codes_of(request), id_)
            await people.change(desk, one, actor, reason=reason)
    except (BadInput, Forbidden) as error:
        if actor.role not in people.KEEPERS:
            raise
        return await _person_page(request, id_, typed=typed if what == "change" else None, error=error)
    if password:
        return await _person_page(request, id_, password=password)
    raise frame.go(f"/people/{id_}?done=person_kept")


# --- changes ----------------------------------------------------------------------------------------------------------


async def changed(request: web.Request) -> web.StreamResponse:
    """Show who changed what, by kind, person and day."""
    desk, actor, codes = desk_of(request), actor_of(request), await frame.codes_of(request)
    rows = await changes.some(desk, _wanted(request), actor)
    asked = {name: request.query.get(name, "").strip() for name in ("kind", "person", "since", "until")}
    base = urlencode({name: value for name, value in asked.items() if value})
    return frame.show(
        request,
        "changes.html",
        codes,
        changes=people_views.changes(map(dict, rows), codes),
        asked=asked,
        kinds=people_views.kinds(),
        more=f"/changes?{base}&before={rows[-1]['id']}" if len(rows) == changes.PAGE_MOST else "",
        first=f"/changes?{base}",
        paged="before" in request.query,
        file=f"/changes/file?{base}",
        may_keep=actor.role in people.KEEPERS,
    )


def _wanted(request: web.Request) -> changes.Wanted:
    """What a query asks for; the last day is asked for with all its hours."""
    before, until = request.query.get("before", ""), moment_of(request.query.get("until", ""), "until")
    return changes.Wanted(
        kind=request.query.get("kind", ""),
        person=request.query.get("person", "").strip()[:100],
        since=moment_of(request.query.get("since", ""), "since"),
        until=until + timedelta(days=1) if until else None,
        before=whole(before, "before", _NUMBERS_MOST) if before else None,
    )


async def changes_file(request: web.Request) -> web.StreamResponse:
    """Give who changed what as a table."""
    desk, actor, codes = desk_of(request), actor_of(request), await frame.codes_of(request)
    wanted = replace(_wanted(request), before=None)
    rows = await changes.some(desk, wanted, actor, most=changes.LIST_MOST)
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(P.columns)
    for one in people_views.changes(map(dict, rows), codes):
        row = (one.at, one.who, one.what, one.about, "；".join(one.facts), one.reason)
        writer.writerow([cell(value) for value in row])
    return web.Response(
        body=text.getvalue().encode("utf-8-sig"),
        content_type="text/csv",
        charset="utf-8",
        headers={"Content-Disposition": 'attachment; filename="changes.csv"', "Cache-Control": "no-store"},
    )


async def difference(request: web.Request) -> web.StreamResponse:
    """Show what a version of a part of the rules changed."""
    part, version = request.match_info["part"][:40], whole(request.match_info["version"], "version", 2**31 - 1)
    found = await changes.difference(desk_of(request), part, version, actor_of(request))
    codes = await frame.codes_of(request)
    return frame.show(
        request,
        "difference.html",
        codes,
        title=f"{words.RULES.parts.get(part, part)} {words.version(version)}",
        changed=tables_views.changes(part, found.rows, codes),
        days=[] if found.rows else found.lines[1],
    )


# --- everybody's own --------------------------------------------------------------------------------------------------


async def me(request: web.Request) -> web.StreamResponse:
    """Show whoever asks who they are here, and the form of a new password."""
    return await _own_page(request, "")


async def _own_page(request: web.Request, told: str, *, status: int = 200) -> web.Response:
    codes, actor = await frame.codes_of(request), actor_of(request)
    given = await auth.is_given(desk_of(request), actor.person)
    facts = (
        (P.labels["person"], actor.person),
        (P.labels["name"], actor.name),
        (P.labels["role"], Role.of(actor.role).chinese),
        (P.labels["department"], codes.department(actor.department)),
    )
    return frame.show(request, "me.html", codes, status=status, facts=facts, given=given, told=told)


async def own_password(request: web.Request) -> web.StreamResponse:
    """Take a new password of one's own; every session ends, and a new one begins here."""
    typed = await entrance.posted(request)
    desk, session, new = desk_of(request), session_of(request), forms.first(typed, "new")
    assert session is not None  # noqa: S101 - `posted` refuses whoever has none
    if new != forms.first(typed, "again"):
        return await _own_page(request, P.not_the_same, status=422)
    try:
        current = forms.first(typed, "current")
        token = await auth.choose_password(desk, session.person, current, new, address=address_of(request))
    except (BadInput, auth.BadLogin, auth.TooManyTries) as error:
        return await _own_page(request, words.explain(error), status=status_of(error))
    response = web.HTTPSeeOther("/me?done=password")
    secure = request.app[CONFIG].cookie_secure
    response.set_cookie(COOKIE, token, httponly=True, samesite="Lax", secure=secure, path="/")
    raise response
