"""The long-running commands of a city's own servers: web, worker, migrate, check, and the first log-ins.

With no database URL they use the embedded servers, which the first of them starts and the last one stops.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import getpass
import json
import signal
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import orjson
from aiohttp import web

from dispatch.model import MACHINE, Role
from dispatch.worktime import ZONE, DayKind
from hotline import (
    auth,
    calendars,
    cards,
    contacts,
    drafts,
    exchange,
    guard,
    knowledge,
    learning,
    models,
    office,
    worker,
)
from hotline.app import Engines, engines, make_application, open_desk
from hotline.config import Config
from hotline.desk import Desk
from hotline.edge import moment_of
from hotline.errors import BadInput
from hotline.web import card_views, words
from hotline.web.forms import Codes

Say = Callable[[str], None]
Result = TypeVar("Result")
_WRONG = {
    "dead": "no worker is alive: deadlines are not watched, notices not delivered; start `hotline worker`",
    "behind": "workers are alive but behind: deadlines are looked at late; see their logs, or start another",
}


def serve(config: Config, say: Say) -> int:
    """Serve pages and API until stopped."""
    return _run(config, say, lambda desk: _serve(desk, config, say))


def work(config: Config, name: str, say: Say) -> int:
    """Judge, watch and deliver until stopped."""

    async def go(desk: Desk) -> int:
        await _must_be_founded(desk)
        await load_model(desk, say)
        say(f"worker {name} is at work; Ctrl-C stops it")
        task = asyncio.ensure_future(worker.run(desk, name, config))
        await stopped()
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        return 0

    return _run(config, say, go)


def migrate(config: Config, say: Say) -> int:
    """Bring the database to this release; opening a desk does it."""

    async def go(_desk: Desk) -> int:
        say("the database is at this release")
        return 0

    return _run(config, say, go)


def found(config: Config, say: Say) -> int:
    """Enter the demonstration city, once."""

    async def go(desk: Desk) -> int:
        if await office.is_founded(desk):
            say("this database has a city already; nothing was changed")
            return 1
        rulebook = await office.found(desk, office.demonstration_city(), by="hotline found")
        say(f"founded: {len(rulebook.departments)} units, {len(rulebook.categories)} categories")
        return 0

    return _run(config, say, go)


def explain(config: Config, ticket_id: int, *, clock: int | None, at: str, as_json: bool, say: Say) -> int:
    """Print the deadline cards of a ticket."""

    async def go(desk: Desk) -> int:
        made = await cards.cards(desk, ticket_id, MACHINE, at=moment_of(at, "at"))
        shown = made if clock is None else (cards.of_clock(made, clock),)
        if as_json:
            say(json.dumps([cards.plain(one) for one in shown], ensure_ascii=False))
            return 0
        codes = Codes.of(await desk.rulebook())
        for line in card_views.as_text(card_views.tell(one, codes) for one in shown):
            say(line)
        return 0

    return _run(config, say, go)


def show_calendar(config: Config, year: int | None, say: Say) -> int:
    """Print the days of a year that are not as the week has them."""

    async def go(desk: Desk) -> int:
        rulebook = await desk.rulebook()
        calendar, shown = rulebook.calendar, year or desk.now().astimezone(ZONE).year
        published = "" if shown in calendar.published_years else words.CALENDAR.unpublished
        say(f"{rulebook.calendar_version} {calendar.version} {shown}{published}\n{calendar.source}")
        for day in sorted({*calendar.holidays, *calendar.workdays, *calendar.overrides}):
            if day.year == shown:
                say(f"{day} {words.CARD.weekdays[day.weekday()]} {calendar.kind_of(day).chinese}")
        return 0

    return _run(config, say, go)


def read_calendar(config: Config, file: Path, *, source: str, by: str | None, say: Say) -> int:
    """Say what a calendar file would change, and keep it as the draft of `by` for a second person to publish."""
    if not source.strip():
        raise BadInput("source", "", "is missing", "--source '国办发明电〔2026〕…号'")
    text = file.read_text("utf-8-sig")

    async def go(desk: Desk) -> int:
        before = (await desk.rulebook()).calendar
        after = calendars.read_days(before, text, source=source)
        for day, was, now in calendars.changed_days(before, after):
            say(f"{day} {DayKind.of(was).chinese} → {DayKind.of(now).chinese}")
        tickets, moved = await calendars.preview(desk, after)
        say(words.CALENDAR.preview.format(tickets, moved))
        if by is not None:
            drafter = await auth.actor(desk, by)
            number = await drafts.draft(desk, "calendar", after.to_mapping(), drafter, source=source)
            say(words.CALENDAR.drafted.format(number))
        return 0

    return _run(config, say, go)


def read_knowledge(config: Config, file: Path, *, reason: str, by: str | None, say: Say) -> int:
    """Say what a file of answers would change, and keep it as drafts of `by` for a second person to publish."""
    text = knowledge.text_of(file)

    async def go(desk: Desk) -> int:
        found = await knowledge.compare(desk, text, reason=reason)
        for one in found:
            if one.problem:
                say(words.KNOWLEDGE.rejected.format(one.line, one.code, one.problem))
        counts = Counter(one.what for one in found)
        each = (counts[what] for what in ("new", "changed", "same", "rejected"))
        say(words.KNOWLEDGE.imported.format(len(found), *each))
        if by is not None:
            kept = await knowledge.take_in(desk, found, await auth.actor(desk, by))
            say(words.KNOWLEDGE.kept.format(len(kept)))
        return 1 if counts["rejected"] else 0

    return _run(config, say, go)


def add_person(config: Config, id_: str, name: str, role: str, department: str, say: Say) -> int:
    """Create a log-in; the password is asked for and never shown."""
    roles = [one for one in Role if one not in {Role.MACHINE, Role.CITIZEN}]
    if role not in roles:
        raise BadInput("role", role, "is unknown", ", ".join(roles))
    password = getpass.getpass("password: ")

    async def go(desk: Desk) -> int:
        person = auth.Person(id=id_, name=name, role=Role.of(role), department=department)
        await auth.create_person(desk, person, password)
        say(f"{id_} may log in as {role} of {department}")
        return 0

    return _run(config, say, go)


def add_contact(config: Config, whom: str, channel: str, *, role: str | None, kinds: Sequence[str], say: Say) -> int:
    """Enter where a person or a unit is reached; the address is asked for and never shown, nor kept by the shell."""
    unknown = [kind for kind in kinds if kind not in words.NOTICES]
    if unknown:
        raise BadInput("kinds", ",".join(unknown), "are unknown", ", ".join(words.NOTICES))
    address = getpass.getpass("address: ").strip()

    async def go(desk: Desk) -> int:
        is_unit = whom in (await desk.rulebook()).departments
        contact = contacts.Contact(
            channel=channel,
            address=address,
            person=None if is_unit else whom,
            department=whom if is_unit else None,
            role=role,
            kinds=kinds,
        )
        say(f"contact {await contacts.enter(desk, contact, by='hotline add-contact')} is entered")
        return 0

    return _run(config, say, go)


def list_contacts(config: Config, say: Say) -> int:
    """Say who is reached where."""

    async def go(desk: Desk) -> int:
        for line in await contacts.everybody(desk):
            say(line)
        return 0

    return _run(config, say, go)


def end_contact(config: Config, number: int, say: Say) -> int:
    """Reach nobody there any more."""

    async def go(desk: Desk) -> int:
        await contacts.end(desk, number, by="hotline end-contact")
        say(f"nobody is reached at contact {number} any more")
        return 0

    return _run(config, say, go)


def check(config: Config, say: Say) -> int:
    """Say what is well and what is not; 1 when something is not."""

    async def go(desk: Desk) -> int:
        say("database: reached, at this release")
        say(f"redis: {'reached' if desk.live.connected else 'none; sessions live in PostgreSQL alone'}")
        models_fit = await _say_models(desk, config, say)
        seen = await guard.health(desk, timedelta(seconds=config.silent_seconds))
        for sign in seen.signs:
            say(f"worker {sign.worker}: last alive {sign.at.isoformat()}")
        say(f"deadlines: {seen.due} wait to be looked at, the first since {seen.lag.total_seconds():.0f} s")
        for row in await desk.store.fetch("open_alarms"):
            say(f"alarm since {row['raised_at'].isoformat()}: {row['kind']} {row['subject']} {row['facts']}")
        state = seen.state(timedelta(seconds=config.lag_seconds))
        if state in _WRONG:
            say(_WRONG[state])
        return 0 if models_fit and state not in _WRONG else 1

    return _run(config, say, go)


async def _say_models(desk: Desk, config: Config, say: Say) -> bool:
    """Say which model is active, whether it can be used here, and who uses what; false when something is not well."""
    await desk.predictor.refresh()
    used, fault = await models.in_use(desk), desk.predictor.fault
    if fault:
        say(f"model: the active one is refused: {fault}")
    elif desk.predictor.version:
        say(f"model: {desk.predictor.version} is active")
        for promised in desk.predictor.promised():
            say(f"model: {promised}")
        sends_from = (await desk.rulebook()).policy.auto_dispatch_probability
        for delivered in desk.predictor.delivered(sends_from):
            say(f"model: the machine sends from {sends_from:.0%} on; {delivered}")
    else:
        say(f"model: none in {config.models}; `python -m classifier train --models {config.models} --activate`")
    for row in used:
        refused = f", refused {row['fault']}" if row["fault"] else ""
        say(f"model of {row['process']}: {row['version'] or 'none'} at {row['at'].isoformat()}{refused}")
    return not fault and not any(row["fault"] for row in used)


def import_file(  # noqa: PLR0913 - the options of the command
    config: Config,
    file: Path,
    *,
    source: str,
    mapping: Mapping[str, str],
    encoding: str | None,
    rejects: Path | None,
    say: Say,
) -> int:
    """Import one file; 0 when every row was good, 1 when some were rejected."""

    async def go(desk: Desk) -> int:
        tally = await exchange.import_file(
            desk, file, source=source, mapping=mapping, encoding=encoding, rejects=rejects, say=say
        )
        return 1 if tally.rejected else 0

    return _run(config, say, go)


def export_file(config: Config, file: Path, *, say: Say) -> int:
    """Export every ticket, callers masked."""

    async def go(desk: Desk) -> int:
        say(f"{await exchange.export_file(desk, file, say=say)} tickets written to {file}")
        return 0

    return _run(config, say, go)


def learn(config: Config, *, as_json: bool, say: Say) -> int:
    """Train a challenger and use it if it is better; 1 when it could not be done at all."""
    quiet: Say = (lambda _text: None) if as_json else say

    async def go(desk: Desk) -> int:
        lesson = await learning.learn(desk, config.models, quiet)
        say(orjson.dumps(lesson).decode() if as_json else words.lesson(lesson))
        if lesson["verdict"] == "failed":
            quiet(lesson["facts"]["why"])
            return 1
        return 0

    return _run(config, quiet, go)


def try_rules(config: Config, part: str, file: Path, *, days: int, as_json: bool, say: Say) -> int:
    """Say what new rules would change; 1 when they have problems and could not be published."""
    if not file.is_file():
        raise BadInput("file", str(file), "is not there", "a .json or .csv file")
    body = drafts.read(part, drafts.text_of(file.read_bytes()))

    async def go(desk: Desk) -> int:
        found = await drafts.consider(desk, {"part": part, "body": body}, days=days)
        say(_json_of(found) if as_json else "\n".join(_sentences(found)))
        return 1 if found.problems else 0

    return _run(config, (lambda _text: None) if as_json else say, go)


def _json_of(found: drafts.Look) -> str:
    parts = {name: getattr(found, name) for name in ("problems", "added", "removed", "trial", "overtaken")}
    return orjson.dumps(parts).decode()


def _sentences(found: drafts.Look) -> Iterator[str]:
    yield from (f"problem: {problem}" for problem in found.problems)
    yield f"{len(found.added)} rules are new, {len(found.removed)} are gone"
    for version, at in found.overtaken:
        yield f"version {version} is to rule from {at:%Y-%m-%d} on: what changes here ends then"
    if trial := found.trial:
        yield f"{trial.moved} of {trial.tried} tickets since {trial.since:%Y-%m-%d} would have gone elsewhere"
        for before, after, number in trial.flows:
            yield f"  {number:>6}  from {before or 'a person'} to {after or 'a person'}"
        for category, number in trial.by_category:
            yield f"  {number:>6}  of category {category}"
        yield f"{trial.helped} more would have had the same lead and other co-handlers"


def _run(config: Config, say: Say, go: Callable[[Desk], Awaitable[int]]) -> int:
    with engines(config, say) as found_engines:
        return run_loop(_with_desk(found_engines, config, go))


async def _with_desk(found_engines: Engines, config: Config, go: Callable[[Desk], Awaitable[int]]) -> int:
    async with open_desk(found_engines, config) as desk:
        return await go(desk)


def run_loop(main: Coroutine[Any, Any, Result]) -> Result:
    """Run on uvloop where there is one."""
    try:
        import uvloop
    except ImportError:
        return asyncio.run(main)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(main)


async def _must_be_founded(desk: Desk) -> None:
    if not await office.is_founded(desk):
        raise BadInput("database", "", "has no city yet", "`hotline found` enters one")


async def _serve(desk: Desk, config: Config, say: Say) -> int:
    await _must_be_founded(desk)
    await load_model(desk, say)
    async with listening(desk, config):
        say(f"listening on {address(config)}; Ctrl-C stops it")
        await stopped()
    return 0


def calm_collector() -> None:
    """Let the collector leave alone what is there for good, and look less often at what a page leaves behind.

    Nearly all of that is gone without it; each look holds up everybody who waits.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_CONTAINERS_MORE, *gc.get_threshold()[1:])


_CONTAINERS_MORE = 20_000
"""Than were given back: then the collector looks. Some megabytes."""


@asynccontextmanager
async def listening(desk: Desk, config: Config) -> AsyncIterator[None]:
    """Answer requests while inside."""
    calm_collector()
    runner = web.AppRunner(make_application(desk, config), access_log=None, handle_signals=False)
    await runner.setup()
    try:
        await web.TCPSite(runner, config.host, config.port, reuse_port=False).start()
        async with guarded(desk, config):
            yield
    finally:
        await runner.cleanup()


@asynccontextmanager
async def guarded(desk: Desk, config: Config) -> AsyncIterator[None]:
    """Watch the workers while inside."""
    task = asyncio.create_task(guard.Guard(desk, config).run(), name="guard")
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def address(config: Config) -> str:
    return config.public_url or f"http://{config.host}:{config.port}"


async def stopped() -> None:
    """Wait for Ctrl-C or a friendly signal to end."""
    event = asyncio.Event()
    loop = asyncio.get_running_loop()
    for kind in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(kind, event.set)
    await event.wait()


async def load_model(desk: Desk, say: Say) -> None:
    """Take the active model into use; without one every matter waits for a person, and we say so."""
    await desk.predictor.refresh()
    if desk.predictor.version:
        say(f"model {desk.predictor.version} is loaded")
    else:
        why = desk.predictor.fault or "there is no active model"
        say(f"{why}: every matter without a category waits for a dispatcher")
