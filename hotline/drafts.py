"""New rules before they rule: drafted by one person, checked, tried on history, published by another.

Every part of the rulebook goes this way. What a draft would change is shown before anybody agrees to it: what
contradicts itself, which rows are new or gone, and for the dispatch catalogue which tickets of the last weeks would
have gone elsewhere. Older versions stay readable for ever.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain
from typing import Any

import orjson

from dispatch.model import Actor, Role
from dispatch.routing import Matter, owners
from dispatch.rulebook import Rulebook, problems
from dispatch.worktime import ZONE
from hotline import office, register
from hotline.desk import Desk
from hotline.errors import BadInput, Forbidden, NotFound
from hotline.store import REGISTERS, Row, Transaction

PARTS = (*REGISTERS, "catalogue", "allowances", "policy", "refusals", "risk_words", "ladder", "calendar")
DRAFTERS = frozenset({Role.DISPATCHER, Role.SUPERVISOR, Role.ANALYST, Role.ADMINISTRATOR})
PUBLISHERS = frozenset({Role.SUPERVISOR, Role.ADMINISTRATOR})
TRIED_DAYS = 31
SHOWN = 200
"""Groups of tickets that a trial lists; the sums are over all."""
SHORTEST_SOURCE = 4
FIELDS: Mapping[str, tuple[str, ...]] = {
    **{part: tuple(office.DEFAULTS[part]) for part in REGISTERS},
    "catalogue": ("category", "area", "owner", "lead", "co", "basis"),
    "risk_words": ("word", "risk", "level"),
    "refusals": ("code", "name", "tell", "basis"),
}
"""The parts that are long tables, edited row by row or as CSV files, and their columns."""
KEYS: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(REGISTERS, ("code",)),
    "catalogue": ("category", "area", "owner"),
    "risk_words": ("word",),
    "refusals": ("code",),
    "allowances": ("kind", "type", "urgency", "category"),
    "ladder": ("name",),
    "policy": ("name",),
}
"""What tells the rows of a part apart."""
_WORDS_BESIDE = {"co"}
"""Columns that hold several codes, with blanks between them in a file."""
_TRUTHS = {"departmental", "sensitive"}
"""Columns that say yes or no; a file has 1 for yes and nothing for no."""
_YES = {"1", "true", "yes", "是"}


Key = tuple[str, ...]
"""The values that tell a row from the others of its part."""
Pair = tuple[Mapping[str, Any] | None, Mapping[str, Any] | None]
"""A row before and after a change; None where there is none."""


@dataclass(frozen=True, slots=True)
class Moved:
    """Tickets of one kind, place and owner that would have gone elsewhere; `some` are the newest of them."""

    category: str
    area: str
    owner: str
    before: str
    after: str
    rows: tuple[str, str]
    tickets: int
    some: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Trial:
    """What a catalogue would have changed: of `tried` tickets since a moment `moved` would have gone elsewhere.

    Of `helped` the lead would be the same, but others would have helped. An empty department in `flows` (from, to,
    tickets) means that a person would have had to decide.
    """

    since: datetime
    tried: int
    moved: int
    helped: int
    by_category: tuple[tuple[str, int], ...]
    flows: tuple[tuple[str, str, int], ...]
    groups: tuple[Moved, ...]


@dataclass(frozen=True, slots=True)
class Look:
    """A draft with everything that a second person should see before agreeing.

    `overtaken`: the versions of the part that are to rule from a later day on, (version, day): what changes ends then.
    """

    draft: Row
    problems: tuple[str, ...]
    added: tuple[str, ...]
    removed: tuple[str, ...]
    rows: tuple[Pair, ...]
    trial: Trial | None
    overtaken: tuple[tuple[int, datetime], ...]


def read(part: str, text: str) -> Any:  # noqa: ANN401 - the part's JSON
    """Return the body of a part from what was uploaded: JSON, or for a long table a CSV with its columns."""
    if part not in PARTS:
        raise BadInput("part", part, "is unknown", ", ".join(PARTS))
    if part in FIELDS and not text.lstrip().startswith("["):
        return _table(part, text)
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise BadInput("body", text[:40], f"is no JSON: {error}") from None


def _table(part: str, text: str) -> list[dict[str, Any]]:
    names = FIELDS[part]
    rows = csv.DictReader(io.StringIO(text.lstrip("\ufeff")))
    given = tuple(rows.fieldnames or ())
    if missing := [name for name in names if name not in given]:
        raise BadInput("body", ", ".join(given)[:100], f"lacks {', '.join(missing)}", ", ".join(names))
    if len(given) != len(names):
        raise BadInput("body", ", ".join(given)[:100], "has other columns", ", ".join(names))
    return [{name: _told(name, (row[name] or "").strip()) for name in names} for row in rows]


def _told(name: str, text: str) -> Any:  # noqa: ANN401 - a value of JSON
    if name in _TRUTHS:
        return text.lower() in _YES
    return text.split() if name in _WORDS_BESIDE else text


def text_of(content: bytes) -> str:
    """Return the text of a table in UTF-8, or in GB18030 as offices' spreadsheets save it; raises BadInput."""
    for encoding in ("utf-8-sig", "gb18030"):
        with suppress(UnicodeDecodeError):
            return content.decode(encoding)
    raise BadInput("body", "", "is neither UTF-8 nor GB18030", "a CSV file saved as UTF-8")


def written(part: str, rows: Iterable[Mapping[str, Any]]) -> str:
    """Return the rows of a long table as the CSV that `read` takes."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(FIELDS[part])
    for row in rows:
        writer.writerow([_cell(name, row[name]) for name in FIELDS[part]])
    return text.getvalue()


def _cell(name: str, value: Any) -> str:  # noqa: ANN401 - a value of JSON
    if name in _TRUTHS:
        return "1" if value else ""
    return " ".join(value) if name in _WORDS_BESIDE else str(value)


def key_of(part: str, row: Mapping[str, Any]) -> Key:
    """Return what tells a row from the others of its part."""
    return tuple(str(row.get(name) or "") for name in KEYS[part])


def rows_of(body: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - the part's JSON
    """Return the rows of a part; the policy has one for each of its numbers."""
    if isinstance(body, list):
        return [dict(row) for row in body]
    return [{"name": name, "value": value} for name, value in (body or {}).items()]


def compared(part: str, before: Any, after: Any) -> tuple[Pair, ...]:  # noqa: ANN401 - the part's JSON
    """Return the rows that differ as (before, after), None where there is none; nothing for a calendar."""
    if part not in KEYS:
        return ()
    old = {key_of(part, row): row for row in rows_of(before)}
    new = {key_of(part, row): row for row in rows_of(after)}
    gone = [(row, None) for key, row in old.items() if key not in new]
    return (*gone, *((old.get(key), row) for key, row in new.items() if old.get(key) != row))


async def own(desk: Desk, part: str, actor: Actor) -> Row | None:
    """Return the newest draft of a part that `actor` has waiting, if it was made from the newest version."""
    _may(actor, DRAFTERS, "draft rules")
    return await desk.store.fetch_row("own_draft", part=part, by=actor.person)


async def base(desk: Desk, part: str, effective_at: datetime | None = None) -> list[dict[str, Any]]:
    """Return the rows of a part that would rule at a moment without a draft: now, or when one is to come into force."""
    rows = await desk.store.fetch("rulebook_parts", at=max(desk.now(), effective_at or desk.now()))
    return next((rows_of(row["body"]) for row in rows if row["part"] == part), [])


async def amend(  # noqa: PLR0913 - a row, its draft and by whom
    desk: Desk,
    part: str,
    actor: Actor,
    *,
    was: Key | None,
    row: Mapping[str, Any] | None,
    source: str,
    effective_at: datetime | None = None,
) -> int:
    """Change, add or take away one row in the own draft of a long table, or in a new one; return the draft's number.

    `was` is the key of the row as it is now, None for a new one; `row` None takes it away. Source and date are those of
    a new draft. Raises BadInput when the row is not there, when another one has its key, and for what cannot be read.
    """
    mine = await own(desk, part, actor)
    rows = rows_of(mine["body"]) if mine else await base(desk, part, effective_at)
    kept = _settled(part, _amended(part, rows, was, row))
    if mine is None:
        return await draft(desk, part, kept, actor, source=source, effective_at=effective_at)
    await desk.store.rulebook(desk.now(), {part: kept})
    done = await desk.store.fetch_row("amend_draft", id=mine["id"], by=actor.person, body=kept, was=mine["body"])
    if done is None:
        raise BadInput("row", "", "rules no more", "the draft as it is now")
    return int(mine["id"])


def _settled(part: str, body: Any) -> Any:  # noqa: ANN401 - the part's JSON
    """Areas, departments and categories as they are kept; every other part as it is."""
    return office.registered(part, body) if part in REGISTERS else body


def _amended(
    part: str, rows: list[dict[str, Any]], was: Key | None, row: Mapping[str, Any] | None
) -> list[dict[str, Any]]:
    keys = [key_of(part, one) for one in rows]
    if was is not None and was not in keys:
        raise BadInput("row", "/".join(was), "rules no more", "a row that is there")
    if row is not None and (new := key_of(part, row)) != was and new in keys:
        raise BadInput(KEYS[part][0], "/".join(new), "has a row already", "a row of its own for each")
    at = keys.index(was) if was is not None else len(rows)
    return [*rows[:at], *([dict(row)] if row is not None else ()), *rows[at + 1 :]]


async def draft(
    desk: Desk,
    part: str,
    body: Any,  # noqa: ANN401 - the part's JSON
    actor: Actor,
    *,
    source: str,
    effective_at: datetime | None = None,
) -> int:
    """Keep new rules for a second person to look at, and return their number; problems do not hinder a draft.

    Raises BadInput for what cannot be read as that part at all, or without a source.
    """
    _may(actor, DRAFTERS, "draft rules")
    if part not in PARTS:
        raise BadInput("part", part, "is unknown", ", ".join(PARTS))
    if len(source.strip()) < SHORTEST_SOURCE:
        raise BadInput("source", source, "is too short", "by what decision the rules change")
    now = desk.now()
    if effective_at and effective_at < now:
        raise BadInput("effective_at", effective_at.isoformat(), "lies in the past", f"from {now.isoformat()}")
    body = _settled(part, body)
    await desk.store.rulebook(now, {part: body})
    id_: int = await desk.store.fetch_value(
        "draft_rules", part=part, body=body, source=source.strip(), effective_at=effective_at, by=actor.person, at=now
    )
    return id_


async def waiting(desk: Desk, actor: Actor) -> list[Row]:
    """Return the drafts that wait for a second person."""
    _may(actor, DRAFTERS, "see drafts")
    return await desk.store.fetch("rule_drafts")


async def versions(desk: Desk, actor: Actor) -> list[Row]:
    """Return every version of every part, without the rules themselves."""
    _may(actor, DRAFTERS, "see versions of rules")
    return await desk.store.fetch("rulebook_versions")


async def version(desk: Desk, part: str, number: int, actor: Actor) -> Row:
    """Return one version of a part as it was published; raises NotFound."""
    _may(actor, DRAFTERS, "see versions of rules")
    row = await desk.store.fetch_row("rulebook_part", part=part, version=number)
    if row is None:
        raise NotFound("version", f"{part} {number}")
    return row


async def look(desk: Desk, id_: int, actor: Actor, *, days: int = TRIED_DAYS) -> Look:
    """Return a draft with its problems, what it adds and takes away, and its trial on the last `days`."""
    _may(actor, DRAFTERS, "see drafts")
    row = await desk.store.fetch_row("rule_draft", id=id_)
    if row is None:
        raise NotFound("draft", id_)
    return await consider(desk, row, days=days)


async def consider(desk: Desk, row: Any, *, days: int = TRIED_DAYS) -> Look:  # noqa: ANN401 - a row or what is like one
    """Return what a draft's part and body would change, whether it is stored or not."""
    part, body, now = row["part"], _settled(row["part"], row["body"]), desk.now()
    at = max(now, row.get("effective_at") or now)
    ruling = {one["part"]: one["body"] for one in await desk.store.fetch("rulebook_parts", at=at)}
    (before, *_), (after, *later) = [await desk.store.rulebooks(at, changed) for changed in ({}, {part: body})]
    coming = await desk.store.fetch("rulebook_parts_later", at=at)
    hindered = await register.hindrances(desk.store.fetch, part, body, ruling, at)
    removed, added = differences(ruling.get(part), body)
    return Look(
        draft=row,
        problems=tuple(dict.fromkeys([*hindered, *chain.from_iterable(map(problems, (after, *later)))])),
        added=added,
        removed=removed,
        rows=compared(part, ruling.get(part), body),
        trial=await _tried(desk, before, after, days) if part == "catalogue" else None,
        overtaken=tuple((one["version"], one["effective_at"]) for one in coming if one["part"] == part),
    )


def differences(before: Any, after: Any) -> tuple[tuple[str, ...], tuple[str, ...]]:  # noqa: ANN401 - a part's JSON
    """Return the rules of a part that are gone and those that are new, each as one line."""
    old, new = _lines(before), _lines(after)
    return tuple(line for line in old if line not in new), tuple(line for line in new if line not in old)


def _lines(body: Any) -> dict[str, None]:  # noqa: ANN401 - the part's JSON
    """The rules of a part, each as one line of JSON with its fields in one order."""
    rows = body if isinstance(body, list) else [{name: value} for name, value in (body or {}).items()]
    return dict.fromkeys(orjson.dumps(row, option=orjson.OPT_SORT_KEYS).decode() for row in rows)


async def _tried(desk: Desk, before: Rulebook, after: Rulebook, days: int) -> Trial:
    """Hold the tickets of the last days against both catalogues."""
    since = desk.now() - timedelta(days=days)
    first = int(f"{since.astimezone(ZONE):%y%m%d%H%M%S}") * 1_000_000
    rows = await desk.store.fetch("matters_since", first=first)
    matters = ((Matter(row["category"], row["area"] or None, row["owner"]), dict(row)) for row in rows)
    return trial(matters, before, after, since)


def trial(
    matters: Iterable[tuple[Matter, Mapping[str, Any]]], before: Rulebook, after: Rulebook, since: datetime
) -> Trial:
    """Return which of the matters, each with its number of tickets, another catalogue would have sent elsewhere."""
    tried, helped, groups = 0, 0, []
    for matter, row in matters:
        tried += row["tickets"]
        old, new = owners(matter, before), owners(matter, after)
        helped += row["tickets"] if old.lead == new.lead and {*old.co} != {*new.co} else 0
        if old.lead != new.lead:
            some = tuple(str(id_) for id_ in row["some"])
            area = matter.area or ""
            groups.append(
                Moved(matter.category, area, matter.owner, old.lead, new.lead, (old.row, new.row), row["tickets"], some)
            )
    categories: Counter[str] = Counter()
    flows: Counter[tuple[str, str]] = Counter()
    for group in groups:
        categories[group.category] += group.tickets
        flows[group.before, group.after] += group.tickets
    most_first = sorted(groups, key=lambda group: (-group.tickets, group.category, group.area))
    return Trial(
        since=since,
        tried=tried,
        moved=sum(group.tickets for group in groups),
        helped=helped,
        by_category=tuple(categories.most_common()),
        flows=tuple((old, new, number) for (old, new), number in flows.most_common()),
        groups=tuple(most_first[:SHOWN]),
    )


async def publish(desk: Desk, id_: int, actor: Actor) -> int:
    """Publish a draft and return the number of its version; who drafted it may not.

    Raises Forbidden for the drafter, BadInput when the rules would have problems or another version has come since the
    draft was made, which would be undone unseen, and NotFound when somebody was quicker.
    """
    _may(actor, PUBLISHERS, "publish rules")
    at = desk.now()
    async with desk.store.transaction() as transaction:
        await transaction.execute("lock_rules")
        row = _only(await transaction.fetch("lock_draft", id=id_), id_)
        if row["drafted_by"] == actor.person:
            raise Forbidden(actor.person, "publish their own draft", "a second person must agree")
        late = row["effective_at"] if row["effective_at"] and row["effective_at"] > at else None
        await _unhindered(transaction, row, late or at)
        number = await office.publish_version(
            transaction,
            row["part"],
            row["body"],
            source=row["source"],
            by=actor.person,
            at=at,
            drafted_by=row["drafted_by"],
            effective_at=late,
        )
        if number != row["based_on"] + 1:
            raise BadInput("version", str(row["based_on"]), "rules no more", str(number - 1))
        await transaction.execute("end_draft", id=id_, by=actor.person, at=at, version=number)
    desk.forget_rules()
    return number


async def _unhindered(transaction: Transaction, row: Row, at: datetime) -> None:
    """Raise BadInput when something hangs on what would be closed, or a code would go."""
    bodies = {one["part"]: one["body"] for one in await transaction.fetch("rulebook_parts", at=at)}
    told = await register.hindrances(transaction.fetch, row["part"], row["body"], bodies, at)
    if told:
        raise BadInput("rulebook", row["part"], "has problems", "; ".join(told[:20]))


async def take_back(desk: Desk, id_: int, actor: Actor) -> None:
    """End a draft without publishing it: by its drafter, or by who may publish."""
    _may(actor, DRAFTERS, "take a draft back")
    async with desk.store.transaction() as transaction:
        row = _only(await transaction.fetch("lock_draft", id=id_), id_)
        if row["drafted_by"] != actor.person and actor.role not in PUBLISHERS:
            raise Forbidden(actor.person, "take a draft back", "it is somebody else's")
        await transaction.execute("end_draft", id=id_, by=actor.person, at=desk.now(), version=None)


def _only(rows: Sequence[Row], id_: int) -> Row:
    if not rows:
        raise NotFound("draft", id_)
    return rows[0]


def _may(actor: Actor, roles: frozenset[Role], what: str) -> None:
    if actor.role not in roles:
        raise Forbidden(actor.person, what, "rules are kept by the hotline's leaders")
