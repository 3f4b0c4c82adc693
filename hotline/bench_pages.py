"""`hotline bench pages`: how long people wait for boards, tickets and suggestions when many tickets are open.

The application is served over HTTP from a process of its own, and logged-in people ask it from this one. The bare side
is an endpoint in that same process that answers with as many bytes and does nothing else, so the ratio says what a page
costs beyond the sending of it. Queries are the mean of all timed answers: what is remembered for a second costs few.
The list of callbacks is not asked for: the copies are of tickets before their reply.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import multiprocessing
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any
from urllib.parse import urlencode

import orjson
from aiohttp import web

from dispatch.model import Role
from hotline import auth, bench, bench_suggest, bench_watch, embedded, office, predictor, serving, simulation, tickets
from hotline.app import Engines, make_application, open_desk
from hotline.config import Config
from hotline.desk import Desk
from hotline.predictor import Predictor

Say = Callable[[str], None]
CLIENTS = 16
TEXTS = 50
TICKETS_SHOWN = 200
WARM_UP = 2 * CLIENTS
RECEIVED = 500_000_000_000_000_000
"""The number of the first copy of a ticket that nobody has sent yet."""
BOUNDS = {"page_p99_ms": 100.0, "suggestion_p99_ms": 80.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What one page cost: over the wire, in queries, and in time beside an answer of its size that does nothing."""

    per_second: float
    p50_ms: float
    p99_ms: float
    max_ms: float
    queries: float
    bytes: int
    bare_per_second: float
    bare_p99_ms: float
    ratio: float


def run(config: Config, *, number: int, seconds: float, with_model: bool, as_json: bool, say: Say) -> int:
    """Measure on servers of its own with `number` open tickets; print the figures."""
    quiet: Say = (lambda _text: None) if as_json else say
    with embedded.temporary(quiet, durable=True) as urls, TemporaryDirectory() as folder:
        engines = Engines(urls.database, urls.redis, embedded.personal_data_keys(config.home))
        if with_model:
            quiet("training the first model on the shipped corpus")
            predictor.train_first(Path(folder))
        loads = asyncio.run(_prepare(engines, config, number, with_model=with_model, say=quiet))
        ports = bench.free_ports()
        with _serving(engines, config, ports, Path(folder)):
            pages = asyncio.run(_measure(loads, ports, seconds, quiet))
    figures = {"what": "pages", "open_tickets": number, "clients": CLIENTS, "seconds": seconds, "bounds": BOUNDS}
    told = figures | {"pages": {name: asdict(page) for name, page in pages.items()}}
    say(json.dumps(told, ensure_ascii=False) if as_json else _table(pages))
    return 0


# --- what is there before ---------------------------------------------------------------------------------------------


async def _prepare(
    engines: Engines, config: Config, number: int, *, with_model: bool, say: Say
) -> Mapping[str, Sequence[bytes]]:
    """Fill in open tickets, one half sent to a unit and the other not; return the requests of each page."""
    async with open_desk(engines, config) as desk:
        await office.found(desk, office.demonstration_city(), by="bench")
        unsent = tickets.read_intake({"text": "井盖", "type": "complaint"})
        received = (await tickets.open_ticket(desk, unsent, simulation.AGENT)).ticket_id
        sent = await bench_watch.sent_ticket(desk)
        half = max(1, number // 2)
        await bench_watch.copy(desk, sent, half, say)
        await bench_watch.copy(desk, received, half, say, first=RECEIVED)
        lead = (await desk.store.file(sent)).ticket.assignments[0].department
        people = {role: await _log_in(desk, role, "hotline") for role in (Role.AGENT, Role.DISPATCHER, Role.SUPERVISOR)}
        people[Role.HANDLER] = await _log_in(desk, Role.HANDLER, lead)
        shown = [first + at for at in range(min(half, TICKETS_SHOWN)) for first in (bench_watch.FIRST, RECEIVED)]
        loads = _pages(people, shown)
        return loads | (_suggestions(people[Role.AGENT]) if with_model else {})


async def _log_in(desk: Desk, role: Role, unit: str) -> tuple[str, str]:
    """Return the token of a new person's session and what proves that a form is of our own page."""
    name = f"bench-{role}"
    await auth.create_person(desk, auth.Person(id=name, name="测试", role=role, department=unit), "bench-password")
    token, session = await auth.log_in(desk, name, "bench-password", address="127.0.0.1")
    return token, session.csrf


def _pages(people: Mapping[Role, tuple[str, str]], shown: Sequence[int]) -> dict[str, list[bytes]]:
    def get(role: Role, *paths: str) -> list[bytes]:
        return [_request("GET", path, people[role][0]) for path in paths]

    return {
        "queue": get(Role.DISPATCHER, "/queue?state=received"),
        "department": get(Role.HANDLER, "/department"),
        "supervision": get(Role.SUPERVISOR, "/supervision"),
        "ticket": get(Role.DISPATCHER, *(f"/tickets/{id_}" for id_ in shown)),
        "cards": get(Role.DISPATCHER, *(f"/tickets/{id_}/cards" for id_ in shown)),
    }


def _suggestions(agent: tuple[str, str]) -> dict[str, list[bytes]]:
    """Ask as the agents' page does while somebody types, and as other systems do."""
    token, csrf = agent
    texts = list(itertools.islice(bench_suggest.texts(), TEXTS))
    form = "application/x-www-form-urlencoded"
    typed = [urlencode({"csrf": csrf, "text": text}).encode() for text in texts]
    bodies = [orjson.dumps({"text": text}) for text in texts]
    return {
        "advice": [_request("POST", "/intake/advice", token, form, body) for body in typed],
        "suggestions": [_request("POST", "/api/v1/suggestions", token, "application/json", body) for body in bodies],
    }


def _request(method: str, path: str, token: str, kind: str = "", body: bytes = b"") -> bytes:
    """Return the bytes of a request: for JSON with a program's bearer token, for pages with a browser's cookie."""
    who = f"Authorization: Bearer {token}" if path.startswith("/api/") else f"Cookie: hotline={token}"
    head = f"{method} {path} HTTP/1.1\r\nHost: bench\r\n{who}\r\nContent-Length: {len(body)}\r\n"
    return (head + (f"Content-Type: {kind}\r\n" if kind else "") + "\r\n").encode() + body


# --- the server -------------------------------------------------------------------------------------------------------


@contextmanager
def _serving(engines: Engines, config: Config, ports: tuple[int, int], models: Path) -> Iterator[None]:
    arguments = (engines, config, ports, models)
    process = multiprocessing.get_context("spawn").Process(target=_serve, args=arguments, daemon=True)
    process.start()
    try:
        yield
    finally:
        process.terminate()
        process.join(10)


def _serve(engines: Engines, config: Config, ports: tuple[int, int], models: Path) -> None:
    serving.run_loop(_serve_both(engines, config, ports, models))


async def _serve_both(engines: Engines, config: Config, ports: tuple[int, int], models: Path) -> int:
    async with open_desk(engines, config) as desk:
        desk.predictor = Predictor(models)
        await desk.predictor.refresh()
        for application, port in zip((make_application(desk, config), _bare(desk)), ports, strict=True):
            runner = web.AppRunner(application, access_log=None)
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", port).start()
        await asyncio.Event().wait()
    return 0


def _bare(desk: Desk) -> web.Application:
    """Answer with as many bytes as asked for; and say how many queries the service has asked so far."""
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

    async def asked(_request: web.Request) -> web.Response:
        return web.Response(text=str(queries))

    application = web.Application()
    application.add_routes([web.get("/queries", asked), web.get("/{bytes}", as_long)])
    return application


# --- the load ---------------------------------------------------------------------------------------------------------


async def _measure(
    loads: Mapping[str, Sequence[bytes]], ports: tuple[int, int], seconds: float, say: Say
) -> dict[str, Page]:
    for port in ports:
        await bench.wait_for(port)
    pages = {}
    for name, requests in loads.items():
        for request in itertools.islice(itertools.cycle(requests), WARM_UP):
            await _answer(ports[0], request)
        pages[name] = page = await _page(requests, ports, seconds)
        say(f"{name}: {page.per_second}/s, p99 {page.p99_ms} ms, {page.queries} queries")
    return pages


async def _page(requests: Sequence[bytes], ports: tuple[int, int], seconds: float) -> Page:
    ours, beside = ports
    answer = await _answer(ours, requests[0])
    before = await _queries(beside)
    taken, spent = await _load(ours, requests, seconds)
    queries = await _queries(beside) - before
    bare, bare_spent = await _load(beside, [_plain(f"/{len(answer)}")], seconds)
    return Page(
        per_second=round(len(taken) / spent, 1),
        p50_ms=_at(taken, 0.5),
        p99_ms=_at(taken, 0.99),
        max_ms=_at(taken, 1),
        queries=round(queries / len(taken), 2),
        bytes=len(answer),
        bare_per_second=round(len(bare) / bare_spent, 1),
        bare_p99_ms=_at(bare, 0.99),
        ratio=round(_at(taken, 0.5) / _at(bare, 0.5), 2),
    )


async def _load(port: int, requests: Sequence[bytes], seconds: float) -> tuple[list[float], float]:
    """Let the clients ask in turn for so long; return what each answer took, the shortest first, and all together."""
    taken: list[float] = []
    turn = itertools.cycle(requests)
    began = perf_counter()
    until = began + seconds
    await asyncio.gather(*(bench.client(port, turn, until, taken) for _ in range(CLIENTS)))
    spent = perf_counter() - began
    return sorted(taken), spent


def _at(ordered: Sequence[float], part: float) -> float:
    return round(1000 * ordered[min(len(ordered) - 1, int(len(ordered) * part))], 2)


async def _queries(port: int) -> int:
    return int(await _answer(port, _plain("/queries")))


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


def _table(pages: Mapping[str, Page]) -> str:
    heads = ("page", "a second", "p50 ms", "p99 ms", "max ms", "queries", "bytes", "bare p99", "ratio")
    rows = ["".join(f"{head:>12}" for head in heads)]
    for name, page in pages.items():
        figures = (page.per_second, page.p50_ms, page.p99_ms, page.max_ms, page.queries, page.bytes, page.bare_p99_ms)
        rows.append("".join(f"{cell:>12}" for cell in (name, *figures, page.ratio)))
    return "\n".join(rows)
