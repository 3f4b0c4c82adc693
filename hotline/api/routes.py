"""The JSON interface /api/v1: it reads requests, calls the service and writes answers; it decides nothing.

Whoever logs in by cookie must send the session's token with every change (X-CSRF-Token); a bearer token needs none.
The actions that a ticket offers are those that `POST …/actions` accepts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import orjson
from aiohttp import web

from dispatch import actions as do
from dispatch.lifecycle import HOLDERS
from hotline import advice, auth, bulk, calls, cards, casefile, citizens, inbox, tickets
from hotline.edge import (
    BY_COOKIE,
    CONFIG,
    TOKEN,
    actor_of,
    address_of,
    desk_of,
    facts_of,
    json_response,
    moment_of,
    page_key,
    session_of,
    state_of,
    ticket_id,
    whole,
)
from hotline.errors import BadInput, Forbidden
from hotline.store import PAGE_MOST
from hotline.web import words

LONGEST_BODY = 1_000_000


def routes() -> list[web.RouteDef]:
    """Return every route of the interface."""
    return [
        web.post("/api/v1/sessions", log_in),
        web.delete("/api/v1/sessions/current", log_out),
        web.get("/api/v1/me", me),
        web.post("/api/v1/tickets", open_ticket),
        web.get("/api/v1/tickets", board),
        web.post("/api/v1/tickets/bulk", dispatch_many),
        web.get("/api/v1/tickets/{id}", ticket),
        web.get("/api/v1/tickets/{id}/cards", deadline_cards),
        web.get("/api/v1/tickets/{id}/case/{order}", case_of),
        web.post("/api/v1/tickets/{id}/actions", act),
        web.post("/api/v1/tickets/{id}/callers", add_caller),
        web.post("/api/v1/tickets/{id}/callers/{number}/unmask", unmask),
        web.post("/api/v1/tickets/{id}/callers/{number}/code", issue_code),
        web.post("/api/v1/suggestions", suggest),
        web.get("/api/v1/requests", pending_requests),
        web.get("/api/v1/search", search),
        web.post("/api/v1/callers/search", callers),
        web.get("/api/v1/notices", notices),
        web.get("/api/v1/notices/unread", unread_notices),
        web.post("/api/v1/notices/seen", mark_notices),
        web.post("/api/v1/cti", tell_call),
    ]


async def log_in(request: web.Request) -> web.Response:
    """Trade a name and a password for a token."""
    body = await body_of(request)
    token, session = await auth.log_in(
        desk_of(request), text_of(body, "person"), text_of(body, "password"), address=address_of(request)
    )
    return json_response({"token": token, "csrf": session.csrf, "person": _person(session)}, status=201)


async def log_out(request: web.Request) -> web.Response:
    """End the session of the bearer token or the cookie."""
    check_origin(request)
    await auth.log_out(desk_of(request), request[TOKEN])
    return web.Response(status=204)


async def me(request: web.Request) -> web.Response:
    """Say who asks."""
    actor_of(request)
    session = session_of(request)
    return json_response(_person(session) if session else {})


async def open_ticket(request: web.Request) -> web.Response:
    """Open a ticket: 201 with its number, 200 when its source's number was known already."""
    check_origin(request)
    actor = actor_of(request)
    if actor.role not in tickets.OPENERS:
        raise Forbidden(actor.person, "open a ticket", "only the hotline takes matters in")
    opened = await tickets.open_ticket(desk_of(request), tickets.read_intake(await body_of(request)), actor)
    return json_response({"id": str(opened.ticket_id), "is_new": opened.is_new}, status=201 if opened.is_new else 200)


async def board(request: web.Request) -> web.Response:
    """Return one page of what is open: a department's assignments, or the hotline's tickets of one state."""
    actor = actor_of(request)
    after_due, after_id = page_key(request)
    desk = desk_of(request)
    most = whole(request.query.get("most", "50"), "most", PAGE_MOST)
    if actor.role in HOLDERS:
        page = await desk.store.fetch_value(
            "board_of_department", department=actor.department, after_due=after_due, after_id=after_id, most=most
        )
    else:
        page = await desk.store.fetch_value(
            "board_of_state",
            state=state_of(request.query.get("state", "received")),
            after_due=after_due,
            after_id=after_id,
            most=most,
        )
    return web.Response(text=page, content_type="application/json")


async def ticket(request: web.Request) -> web.Response:
    """Return a ticket as the asker may see it, with the actions that it offers them."""
    seen = await tickets.view(desk_of(request), ticket_id(request), actor_of(request))
    return json_response(_view(seen))


async def deadline_cards(request: web.Request) -> web.Response:
    """Return why each deadline of a ticket is what it is, now or at `?at=2026-11-23T17:00:00+08:00`."""
    made = await cards.cards(
        desk_of(request), ticket_id(request), actor_of(request), at=moment_of(request.query.get("at", ""), "at")
    )
    return json_response([cards.plain(one) for one in made])


async def case_of(request: web.Request) -> web.Response:
    """Return the material of the case that a paper belongs to, with the hash that its printed copies carry."""
    order = whole(request.match_info["order"], "order", _VERSIONS_MOST)
    made = await casefile.case_file(desk_of(request), ticket_id(request), order, actor_of(request))
    return json_response({"number": made.number, "sha256": made.sha256, "content": made.content})


async def act(request: web.Request) -> web.Response:
    """Do an action: {"action": …, "expected": version, …its fields}. 409 with what changed when the ticket moved."""
    check_origin(request)
    actor = actor_of(request)
    body = await body_of(request)
    name = text_of(body, "action")
    expected = body.pop("expected", None)
    if expected is not None and (type(expected) is not int or not 0 < expected < _VERSIONS_MOST):
        raise BadInput("expected", expected, "is no version", "the whole number that the ticket showed")
    action = do.read(name, {key: value for key, value in body.items() if key != "action"})
    after = await tickets.act(desk_of(request), ticket_id(request), action, actor, expected=expected)
    return json_response(
        {"id": str(after.id), "state": after.state, "outcome": after.outcome, "version": after.version}
    )


async def dispatch_many(request: web.Request) -> web.Response:
    """Dispatch up to 50 tickets, each by itself: {"key", "tickets": [{"id", "expected"}], "lead", "category", "why"}.

    Without `lead` each goes to the unit that was suggested first. 200 with one result a ticket, done or the error; the
    same key again does nothing twice. Confidential and sensitive matters, reports and words of danger are refused.
    """
    check_origin(request)
    actor, body = actor_of(request), await body_of(request)
    names = {name: body.pop(name, "") for name in ("key", "lead", "category", "why")}
    order = bulk.Order(**{name: text_of(names, name) for name in names}, fixed=words.W.category_fixed)
    chosen = [_chosen(one) for one in _listed(body.pop("tickets", None))]
    if body:
        raise BadInput(next(iter(body)), "", "is unknown", "key, tickets, lead, category, why")
    return json_response(
        {"results": [_told(one) for one in await bulk.dispatch(desk_of(request), chosen, order, actor)]}
    )


def _listed(given: object) -> list[Any]:
    if not isinstance(given, list):
        raise BadInput("tickets", given, "must be a list", '[{"id": "…", "expected": 1}]')
    return given


def _chosen(one: object) -> bulk.Chosen:
    if not isinstance(one, dict):
        raise BadInput("tickets", one, "is unknown", '{"id": "…", "expected": 1}')
    number, expected, lead = text_of(one, "id"), one.get("expected"), one.get("lead", "")
    if type(expected) is not int or not 0 < expected < _VERSIONS_MOST:
        raise BadInput("expected", expected, "is no version", "the whole number that the ticket showed")
    if not isinstance(lead, str):
        raise BadInput("lead", lead, "must be text")
    return bulk.Chosen(whole(number, "id", 10**18), expected, lead)


def _told(one: bulk.Result) -> dict[str, Any]:
    told: dict[str, Any] = {"id": str(one.ticket), "done": one.after is not None}
    if one.after:
        lead = one.after.lead
        return told | {"state": one.after.state, "version": one.after.version, "lead": lead and lead.department}
    return told | {"error": facts_of(one.error) if one.error else None}


_VERSIONS_MOST = 2**31


async def add_caller(request: web.Request) -> web.Response:
    """Add one more caller to an open matter."""
    check_origin(request)
    actor = actor_of(request)
    body = {"text": "-"} | await body_of(request)
    after = await tickets.add_caller(desk_of(request), ticket_id(request), tickets.read_intake(body), actor)
    return json_response({"id": str(after.id), "callers": len(after.callers)}, status=201)


async def unmask(request: web.Request) -> web.Response:
    """Show one caller in clear, for a reason that is kept."""
    check_origin(request)
    actor = actor_of(request)
    number = whole(request.match_info["number"], "number", 10_000)
    reason = text_of(await body_of(request), "reason")
    person = await tickets.unmask(desk_of(request), ticket_id(request), number, actor, reason)
    return json_response(asdict(person))


async def issue_code(request: web.Request) -> web.Response:
    """Give a caller a new query code after a check, by which earlier ones end: {"reason", "checked"}; both are kept."""
    check_origin(request)
    actor, body = actor_of(request), await body_of(request)
    number = whole(request.match_info["number"], "number", 10_000)
    issued = await citizens.issue_code(
        desk_of(request),
        ticket_id(request),
        number,
        actor,
        reason=text_of(body, "reason"),
        checked=text_of(body, "checked"),
    )
    if request.app[CONFIG].gateways.sms_codes:
        await citizens.write_to_caller(desk_of(request), issued.ticket, issued.caller)
    return json_response({"id": str(issued.ticket), "caller": issued.caller, "code": issued.code}, status=201)


async def suggest(request: web.Request) -> web.Response:
    """Say what is known about a matter being typed: {"text", "title", "place", "category", …}; keeps nothing."""
    check_origin(request)
    actor = actor_of(request)
    found = await advice.suggest(desk_of(request), advice.read(await body_of(request)), actor)
    return json_response(found)


async def pending_requests(request: web.Request) -> web.Response:
    """Return what the hotline must decide."""
    actor = actor_of(request)
    if actor.role in HOLDERS:
        raise Forbidden(actor.person, "list requests", "the hotline decides them")
    page = await desk_of(request).store.fetch_value("pending_requests", most=PAGE_MOST)
    return web.Response(text=page, content_type="application/json")


async def search(request: web.Request) -> web.Response:
    """Return the newest tickets that contain every word of `q`."""
    actor = actor_of(request)
    before = request.query.get("before")
    page = await tickets.search(
        desk_of(request),
        _without_nul("q", request.query.get("q", "")),
        actor,
        before=whole(before, "before", 10**18) if before else None,
    )
    return web.Response(text=page, content_type="application/json")


async def callers(request: web.Request) -> web.Response:
    """Return earlier tickets of a caller, by {"phone"}, open ones first, or by {"name"}; who looked for whom stays."""
    check_origin(request)
    desk, actor, body = desk_of(request), actor_of(request), await body_of(request)
    by_name = "name" in body
    look_up = tickets.tickets_of_name if by_name else tickets.tickets_of_phone
    found = await look_up(desk, text_of(body, "name" if by_name else "phone"), actor)
    return json_response([row | {"id": str(row["id"])} for row in found])


async def notices(request: web.Request) -> web.Response:
    """Return the newest notices for the asker, with the ticket's title where no caller is protected."""
    rows = await inbox.page(desk_of(request), actor_of(request), most=50)
    return json_response([dict(row) | {"ticket_id": _number_or_none(row["ticket_id"])} for row in rows])


def _number_or_none(number: int | None) -> str | None:
    return None if number is None else str(number)


async def unread_notices(request: web.Request) -> web.Response:
    """Return how many notices are new to the asker, counted up to 100, and the newest place."""
    return json_response(asdict(await inbox.unread(desk_of(request), actor_of(request))))


async def mark_notices(request: web.Request) -> web.Response:
    """Remember that the asker has had their notices before them: {"place": the newest that was shown}."""
    check_origin(request)
    place = (await body_of(request)).get("place")
    if type(place) is not int or not 0 <= place < 2**62:
        raise BadInput("place", place, "is no place", "the `newest` that /notices/unread gave")
    return json_response(asdict(await inbox.mark(desk_of(request), actor_of(request), place)))


async def tell_call(request: web.Request) -> web.Response:
    """Hear from the telephone system: {"call", "event": ringing|answered|ended, "phone", "extension", "at"}, signed."""
    desk, raw = desk_of(request), await request.read()
    calls.check_signature(
        _cti_secret(request),
        request.headers.get("X-Hotline-Time", ""),
        request.headers.get("X-Hotline-Signature", ""),
        raw,
        desk.now(),
    )
    await calls.tell(desk, calls.read_told(await body_of(request)))
    return web.Response(status=204)


def _cti_secret(request: web.Request) -> bytes:
    return request.app[CONFIG].cti_secret or desk_of(request).vault.secret_for("cti")


# --- reading requests ---------------------------------------------------------------------------------------------


def check_origin(request: web.Request) -> None:
    session = session_of(request)
    if session and request[BY_COOKIE] and not auth.check_csrf(session, request.headers.get("X-CSRF-Token", "")):
        raise Forbidden(session.person, "change anything from another site", "the CSRF token is missing or wrong")


async def body_of(request: web.Request) -> dict[str, Any]:
    raw = await request.read()
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise BadInput("body", raw[:40].decode("utf-8", "replace"), f"is no JSON in UTF-8: {error}") from None
    if not isinstance(body, dict):
        raise BadInput("body", type(body).__name__, "is no object", '{"name": value}')
    for name, value in body.items():
        if isinstance(value, str):
            _without_nul(name, value)
    return body


def _without_nul(name: str, text: str) -> str:
    if "\x00" in text:
        raise BadInput(name, text, "contains a NUL byte", "text without it")
    return text


def text_of(body: Mapping[str, Any], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str):
        raise BadInput(name, value, "must be text")
    return value


def _person(session: auth.Session) -> dict[str, Any]:
    return {
        "person": session.person,
        "name": session.name,
        "role": session.role,
        "department": session.department,
        "csrf": session.csrf,
    }


def _view(seen: tickets.View) -> dict[str, Any]:
    ticket_, matter = seen.file.ticket, seen.file.matter
    plain = {name: getattr(ticket_, name) for name in ticket_.__slots__ if name != "callers"}
    said = {name: getattr(matter, name) for name in matter.__slots__ if name != "suggestion"}
    return {
        **plain,
        "id": str(ticket_.id),
        "merged_into": str(ticket_.merged_into) if ticket_.merged_into else None,
        "matter": said,
        "suggestion": matter.suggestion,
        "callers": [
            asdict(person) | {"visited": caller.visited, "attempts": caller.attempts, "rating": caller.rating}
            for person, caller in zip(seen.callers, ticket_.callers, strict=True)
        ],
        "offers": seen.offers,
        "events": [{name: value for name, value in event.items() if name != "changes"} for event in seen.events],
        "merged": [str(row["id"]) for row in seen.merged],
    }
