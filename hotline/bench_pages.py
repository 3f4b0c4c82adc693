"""`hotline bench pages`: how long people wait for boards, tickets and suggestions when many tickets are open.

The application is served over HTTP from one process or several, each with its share of the clients, as behind a
balancer. Clients are logged-in people of every seat who ask again the moment they are answered, on the same machine as
the servers. The bare side is an endpoint in the first of these processes that answers with as many bytes and does
nothing else, so the ratio says what a page costs beyond the sending of it. Beside the times by the wall, which a busy
machine spoils, stands what an answer took of the processors: in the web processes, and in PostgreSQL with all it does
meanwhile. Queries are the mean of all timed answers: what is remembered for a second costs few.

Sixteen who never pause keep a server busy, and each of them waits for all the others: the times say how it stands up to
that, and follow from what an answer takes of a processor. What one person alone waits for stands beside them, and what
the asking itself takes of the same processors. `typing` are the suggestions of some, while the others open tickets.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import multiprocessing
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, process_time
from typing import Any
from urllib.parse import quote, urlencode

import orjson
from aiohttp import web
from argon2 import PasswordHasher

from dispatch.model import Role, TicketState
from hotline import auth, bench, bench_city, bench_suggest, embedded, office, predictor, serving
from hotline.app import Engines, make_application, open_desk
from hotline.bench_city import Shown
from hotline.config import Config
from hotline.desk import Desk
from hotline.predictor import Predictor
from hotline.web import forms

Say = Callable[[str], None]
CLIENTS = 16
PEOPLE = 4
"""Of each role of the hotline; of departments there is one handler each, in as many as there are clients."""
SHOWN = 2_000
"""Tickets that are looked at, out of all."""
TEXTS, TYPED = 16, 40
"""Matters that are typed, and after how many characters each the page asks again."""
WARM_UP_SECONDS = 0.5
"""For which the clients ask before anything is timed: connections are made, and statements prepared on each."""
BOUNDS = {"page_p99_ms": 100.0, "suggestion_p99_ms": 80.0}
SUGGESTING = frozenset({"advice", "suggestions", "typing"})
TYPING = 4
"""Of the clients, where the others open tickets meanwhile."""
_QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
"""Their passwords guard nothing."""
_HOTLINE = (Role.AGENT, Role.DISPATCHER, Role.FOLLOW_UP, Role.SUPERVISOR)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What one page cost: by the wall, of the processors, in queries; and beside a bare answer of its size."""

    per_second: float
    p50_ms: float
    p99_ms: float
    max_ms: float
    alone_p50_ms: float
    alone_p99_ms: float
    web_ms: float
    database_ms: float
    client_ms: float
    queries: float
    bytes: int
    bare_per_second: float
    bare_p99_ms: float
    ratio: float


@dataclass(frozen=True, slots=True)
class Login:
    """A person's session: the token, and what proves that a form is of our own page."""

    token: str
    csrf: str


@dataclass(frozen=True, slots=True)
class Spent:
    """What the servers have used so far: seconds of the processors, and queries."""

    web: float
    database: float
    queries: int


@dataclass(frozen=True, slots=True)
class Load:
    """What each answer took that was asked for, the shortest first; how many others came meanwhile; and seconds."""

    taken: Sequence[float]
    others: int
    seconds: float
    client_seconds: float
    """Of a processor, for the asking."""

    @property
    def answers(self) -> int:
        return len(self.taken) + self.others


@dataclass(frozen=True, slots=True)
class Site:
    """Where the pages are, a port a web process, and beside each what is bare; and the folder of the servers behind."""

    ports: tuple[tuple[int, int], ...]
    home: Path

    @property
    def ours(self) -> list[int]:
        return [ours for ours, _beside in self.ports]


def run(  # noqa: PLR0913 - how it is measured, and how it is told
    config: Config, *, number: int, seconds: float, processes: int, with_model: bool, as_json: bool, say: Say
) -> int:
    """Measure on servers of its own with `number` open tickets; print the figures."""
    quiet: Say = (lambda _text: None) if as_json else say
    with embedded.temporary(quiet, durable=True) as urls, TemporaryDirectory() as folder:
        engines = Engines(urls.database, urls.redis, embedded.personal_data_keys(config.home))
        if with_model:
            quiet("training the first model on the shipped corpus")
            predictor.train_first(Path(folder))
        open_, loads = asyncio.run(_prepare(engines, config, number, Path(folder), quiet))
        with _serving(engines, config, Path(folder), processes) as ports:
            site = Site(ports, embedded.home_of(urls))
            pages = serving.run_loop(_measure(loads, site, seconds, quiet))
    told = {
        "what": "pages",
        "open_tickets": open_,
        "clients": CLIENTS,
        "web_processes": processes,
        "processors": os.cpu_count(),
        "seconds": seconds,
        "bounds": BOUNDS,
        "beyond": [name for name, page in pages.items() if page.p99_ms > _bound(name)],
        "pages": {name: asdict(page) for name, page in pages.items()},
    }
    say(json.dumps(told, ensure_ascii=False) if as_json else _table(pages, processes))
    return 0


def _bound(name: str) -> float:
    return BOUNDS["suggestion_p99_ms" if name in SUGGESTING else "page_p99_ms"]


# --- what is there before ---------------------------------------------------------------------------------------------


async def _prepare(
    engines: Engines, config: Config, number: int, models: Path, say: Say
) -> tuple[int, Mapping[str, Sequence[bytes]]]:
    """Fill in open tickets and log people in; return how many are open, and the requests of each page."""
    async with open_desk(engines, config) as desk:
        desk.predictor = Predictor(models)
        await desk.predictor.refresh()
        await office.found(desk, office.demonstration_city(), by="bench")
        await bench_city.fill(engines, config, desk, number, say)
        people = {role: [await _log_in(desk, role, "hotline", n) for n in range(PEOPLE)] for role in _HOTLINE}
        busiest = [row["department"] for row in await desk.store.fetch("bench_units", most=CLIENTS)]
        handlers = {unit: await _log_in(desk, Role.HANDLER, unit, 0) for unit in busiest}
        loads = _pages(people, handlers, await bench_city.shown(desk, SHOWN))
        if desk.predictor.version:
            loads |= _suggestions(people[Role.AGENT])
        counts = await desk.store.fetch("state_counts", states=list(TicketState), most=10 * number)
        return sum(row["tickets"] for row in counts), {name: asked for name, asked in loads.items() if asked}


async def _log_in(desk: Desk, role: Role, unit: str, number: int) -> Login:
    name = f"bench-{role}-{unit}-{number}"
    person = auth.Person(id=name, name="测试", role=role, department=unit)
    await auth.create_person(desk, person, "bench-password", hasher=_QUICK)
    token, session = await auth.log_in(desk, name, "bench-password", address="127.0.0.1")
    return Login(token, session.csrf)


def _pages(
    people: Mapping[Role, Sequence[Login]], handlers: Mapping[str, Login], shown: Sequence[Shown]
) -> dict[str, list[bytes]]:
    dispatchers, supervisors, every_handler = people[Role.DISPATCHER], people[Role.SUPERVISOR], list(handlers.values())
    anybody = [login for role in _HOTLINE for login in people[role]]
    words = [f"/search?q={quote(word)}" for word in bench.WORDS]
    mine = [(handlers[one.lead], one) for one in shown if one.lead and one.lead in handlers]
    long = [one for one in shown if one.events >= bench_city.LONG]
    calls = [f"/follow-up/{one.id}" for one in shown if one.state == TicketState.FOLLOW_UP]
    return {
        "queue": _each(
            dispatchers, [f"/queue?state={state}" for state in ("received", "review", "follow_up", "requests")]
        ),
        "department": _each(every_handler, ["/department"]),
        "follow_up": _each(people[Role.FOLLOW_UP], ["/follow-up"]),
        "visit": _each(people[Role.FOLLOW_UP], calls),
        "supervision": _each(supervisors, ["/supervision", *(f"/supervision?unit={unit}" for unit in handlers)]),
        "duties": _each(supervisors, [f"/supervision/list?{asked}" for asked in LISTS]),
        "search": _each([*dispatchers, *every_handler], words),
        "ticket": _in_turn(anybody, [f"/tickets/{one.id}" for one in shown]),
        "ticket_long": _in_turn(anybody, [f"/tickets/{one.id}" for one in long]),
        "ticket_of_unit": [_get(f"/tickets/{one.id}", login) for login, one in mine],
        "cards": _in_turn(anybody, [f"/tickets/{one.id}/cards" for one in shown]),
        "intake": _each(people[Role.AGENT], ["/intake"]),
        "notices": _each([*every_handler, *supervisors], ["/notices"]),
    }


LISTS = (
    "of=duties",
    "of=duties&lamp=red",
    "of=duties&lamp=yellow",
    "of=soon",
    "of=papers",
    "of=answered",
    "of=requests",
)
"""What supervisors drill down to."""


def _each(people: Iterable[Login], paths: Sequence[str]) -> list[bytes]:
    return [_get(path, login) for login in people for path in paths]


def _in_turn(people: Sequence[Login], paths: Sequence[str]) -> list[bytes]:
    return [_get(path, login) for path, login in zip(paths, itertools.cycle(people), strict=False)]


def _get(path: str, login: Login) -> bytes:
    return _request("GET", path, login.token)


def _suggestions(agents: Sequence[Login]) -> dict[str, list[bytes]]:
    """Ask as the agents' page does while somebody types, the whole form each time, and as other systems do."""
    blank = {one.name: "" for group in forms.INTAKE.values() for one in group}
    texts = itertools.islice(bench_suggest.texts(), TEXTS)
    begun = [text[:end] for text in texts for end in range(TYPED, len(text) + 1, TYPED)]
    typing = list(zip(begun, itertools.cycle(agents), strict=False))
    form = "application/x-www-form-urlencoded"
    return {
        "advice": [
            _request("POST", "/intake/advice", who.token, form, urlencode({**blank, "csrf": who.csrf, "text": text}))
            for text, who in typing
        ],
        "suggestions": [
            _request("POST", "/api/v1/suggestions", who.token, "application/json", json.dumps({"text": text}))
            for text, who in typing
        ],
    }


def _request(method: str, path: str, token: str, kind: str = "", said: str = "") -> bytes:
    """Return the bytes of a request: for JSON with a program's bearer token, for pages with a browser's cookie."""
    body = said.encode()
    who = f"Authorization: Bearer {token}" if path.startswith("/api/") else f"Cookie: hotline={token}"
    head = f"{method} {path} HTTP/1.1\r\nHost: bench\r\n{who}\r\nContent-Length: {len(body)}\r\n"
    return (head + (f"Content-Type: {kind}\r\n" if kind else "") + "\r\n").encode() + body


# --- the servers ------------------------------------------------------------------------------------------------------


@contextmanager
def _serving(engines: Engines, config: Config, models: Path, processes: int) -> Iterator[tuple[tuple[int, int], ...]]:
    with ExitStack() as stack:
        ports = tuple(bench.free_ports() for _ in range(processes))
        for pair in ports:
            stack.enter_context(_server(engines, config, models, pair))
        yield ports


@contextmanager
def _server(engines: Engines, config: Config, models: Path, ports: tuple[int, int]) -> Iterator[None]:
    arguments = (engines, config, models, ports)
    process = multiprocessing.get_context("spawn").Process(target=_serve, args=arguments, daemon=True)
    process.start()
    try:
        yield
    finally:
        process.terminate()
        process.join(10)


def _serve(engines: Engines, config: Config, models: Path, ports: tuple[int, int]) -> None:
    serving.run_loop(_serve_both(engines, config, models, ports))


async def _serve_both(engines: Engines, config: Config, models: Path, ports: tuple[int, int]) -> int:
    async with open_desk(engines, config) as desk:
        desk.predictor = Predictor(models)
        await desk.predictor.refresh()
        serving.calm_collector()
        for application, port in zip((make_application(desk, config), _bare(desk)), ports, strict=True):
            runner = web.AppRunner(application, access_log=None)
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", port).start()
        await asyncio.Event().wait()
    return 0


def _bare(desk: Desk) -> web.Application:
    """Answer with as many bytes as asked for; and say how many queries and seconds the service has used so far."""
    queries = 0
    statement = desk.store._statement  # noqa: SLF001 - every query of the service passes here

    def counted(name: str, parameters: Mapping[str, Any]) -> tuple[str, list[Any]]:
        nonlocal queries
        queries += 1
        return statement(name, parameters)

    desk.store._statement = counted  # type: ignore[method-assign]  # noqa: SLF001 - it counts, and does the same

    async def as_long(request: web.Request) -> web.Response:
        await request.read()
        return web.Response(body=b"x" * int(request.match_info["bytes"]), content_type="text/html")

    async def spent(_request: web.Request) -> web.Response:
        return web.Response(body=orjson.dumps({"queries": queries, "seconds": process_time()}))

    application = web.Application()
    application.add_routes([web.get("/spent", spent), web.get("/{bytes}", as_long)])
    return application


# --- the load ---------------------------------------------------------------------------------------------------------


async def _measure(loads: Mapping[str, Sequence[bytes]], site: Site, seconds: float, say: Say) -> dict[str, Page]:
    for port in itertools.chain(*site.ports):
        await bench.wait_for(port)
    meanwhile = {"typing": loads.get("ticket", ())}
    rounds = dict(loads) | ({"typing": loads["advice"]} if "advice" in loads else {})
    pages = {}
    for name, requests in rounds.items():
        among = meanwhile.get(name, ())
        await _load(site.ours, requests, WARM_UP_SECONDS, among=among)
        pages[name] = page = await _page(requests, site, seconds, among)
        say(f"{name}: {page.per_second}/s, p99 {page.p99_ms} ms, {page.web_ms} ms of a processor")
    return pages


async def _page(requests: Sequence[bytes], site: Site, seconds: float, among: Sequence[bytes]) -> Page:
    answers = [len(await _answer(site.ours[0], request)) for request in requests[:CLIENTS]]
    bytes_ = sum(answers) // len(answers)
    before = await _spent(site)
    all_ = await _load(site.ours, requests, seconds, among=among)
    after = await _spent(site)
    alone = await _load(site.ours[:1], requests, seconds / 4, clients=1)
    _ours, beside = site.ports[0]
    bare = await _load([beside], [_plain(f"/{bytes_}")], seconds / 2)
    return Page(
        per_second=round(len(all_.taken) / all_.seconds, 1),
        p50_ms=_at(all_.taken, 0.5),
        p99_ms=_at(all_.taken, 0.99),
        max_ms=_at(all_.taken, 1),
        alone_p50_ms=_at(alone.taken, 0.5),
        alone_p99_ms=_at(alone.taken, 0.99),
        web_ms=round(1000 * (after.web - before.web) / all_.answers, 2),
        database_ms=round(1000 * (after.database - before.database) / all_.answers, 2),
        client_ms=round(1000 * all_.client_seconds / all_.answers, 2),
        queries=round((after.queries - before.queries) / all_.answers, 2),
        bytes=bytes_,
        bare_per_second=round(len(bare.taken) / bare.seconds, 1),
        bare_p99_ms=_at(bare.taken, 0.99),
        ratio=round(_at(all_.taken, 0.5) / _at(bare.taken, 0.5), 2),
    )


async def _load(
    ports: Sequence[int],
    requests: Sequence[bytes],
    seconds: float,
    *,
    clients: int = CLIENTS,
    among: Sequence[bytes] = (),
) -> Load:
    """Let the clients ask in turn for so long; with `among`, only some of them, while the others ask for that."""
    taken: list[float] = []
    others: list[float] = []
    asking, meanwhile = itertools.cycle(requests), itertools.cycle(among)
    began, used = perf_counter(), process_time()
    shares = list(itertools.islice(itertools.cycle(ports), clients))
    typing, rest = (shares[:TYPING], shares[TYPING:]) if among else (shares, [])
    await asyncio.gather(
        *(bench.client(port, asking, began + seconds, taken) for port in typing),
        *(bench.client(port, meanwhile, began + seconds, others) for port in rest),
    )
    return Load(sorted(taken), len(others), perf_counter() - began, process_time() - used)


def _at(ordered: Sequence[float], part: float) -> float:
    return round(1000 * ordered[min(len(ordered) - 1, int(len(ordered) * part))], 2)


async def _spent(site: Site) -> Spent:
    told = [orjson.loads(await _answer(beside, _plain("/spent"))) for _ours, beside in site.ports]
    return Spent(sum(one["seconds"] for one in told), _database_seconds(site.home), sum(one["queries"] for one in told))


def _database_seconds(home: Path) -> float:
    """Return what PostgreSQL has used of the processors: the first process, those that are and those that were."""
    first = embedded.processes(home).postgres
    ticks = 0
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            _state, parent, *rest = entry.read_text("utf-8").rpartition(")")[2].split()
        except OSError:  # gone meanwhile
            continue
        user, system, *waited = map(int, rest[9:13])
        if int(entry.parent.name) == first:
            ticks += user + system + sum(waited)
        elif int(parent) == first:
            ticks += user + system
    return ticks / os.sysconf("SC_CLK_TCK")


def _plain(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: bench\r\n\r\n".encode()


async def _answer(port: int, request: bytes) -> bytes:
    """Ask once and return the body; anything but a 200 stops the measurement."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
    body = await reader.readexactly(length)
    writer.close()
    await writer.wait_closed()
    if not head.startswith(b"HTTP/1.1 200"):
        message = f"{request.splitlines()[0].decode()}: {head.splitlines()[0].decode()}"
        raise RuntimeError(message)
    return body


HEADS = ("a second", "p50 ms", "p99 ms", "max ms", "alone p99", "web ms", "database", "client", "queries", "bytes")


def _table(pages: Mapping[str, Page], processes: int) -> str:
    rows = [f"{CLIENTS} clients, {processes} web process(es), {os.cpu_count()} processors for them and the servers"]
    rows.append(f"{'page':<15}" + "".join(f"{head:>10}" for head in (*HEADS, "bare p99", "ratio")))
    for name, page in pages.items():
        times = (page.per_second, page.p50_ms, page.p99_ms, page.max_ms, page.alone_p99_ms)
        costs = (page.web_ms, page.database_ms, page.client_ms, page.queries, page.bytes)
        cells = (*times, *costs, page.bare_p99_ms, page.ratio)
        rows.append(f"{name:<15}" + "".join(f"{cell:>10}" for cell in cells))
    return "\n".join(rows)
