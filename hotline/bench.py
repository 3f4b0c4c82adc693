"""`hotline bench`: how fast the service is, as a ratio against a bare endpoint in the same run on the same server.

Both sides run in a server process of their own and are asked by the same load generator in another. The bare side
does what nobody can avoid: aiohttp, asyncpg and the very same rows. Nothing here is a test: machines are noisy.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import multiprocessing
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from statistics import median
from time import perf_counter
from typing import Any
from urllib.parse import quote

import orjson
from aiohttp import web

from dispatch.model import Role
from hotline import auth, db, embedded, office, serving, simulation, tickets
from hotline.app import Engines, make_application, open_desk
from hotline.config import Config
from hotline.desk import Desk
from hotline.pairs import grams, sample

Say = Callable[[str], None]
CLIENTS = (1, 8, 32)
ROUNDS = 3
PAGE = 50
WAITED = 1_200
"""Tenths of a second for which a server may start: beside other heavy work its libraries and its model take long."""
WORDS = ("噪音", "停车", "漏水", "工资", "井盖")


@dataclass
class Figures:
    """Answers a second and milliseconds of one load at one number of clients; the median of the rounds."""

    per_second: float
    p50_ms: float
    p99_ms: float


@dataclass
class Result:
    """Every load at every number of clients, ours beside the bare one."""

    what: str
    loads: dict[str, dict[int, dict[str, Any]]] = field(default_factory=dict)


def run(config: Config, what: str, *, seconds: float, number: int, as_json: bool, say: Say) -> int:
    """Measure on servers of its own (fsync and synchronous_commit on) and print the figures."""
    quiet: Say = (lambda _text: None) if as_json else say
    with embedded.temporary(quiet, durable=True) as urls:
        engines = Engines(urls.database, urls.redis, embedded.personal_data_keys(config.home))
        token = asyncio.run(_prepare(engines, config, what, number, quiet))
        ports = free_ports()
        with _serving(engines, config, ports):
            result = asyncio.run(_measure(what, ports, token, seconds, quiet))
    say(json.dumps({"what": result.what, "loads": result.loads}, ensure_ascii=False) if as_json else _table(result))
    return 0


# --- what is there before ---------------------------------------------------------------------------------------------


async def _prepare(engines: Engines, config: Config, what: str, tickets: int, say: Say) -> str:
    async with open_desk(engines, config) as desk:
        await office.found(desk, office.demonstration_city(), by="bench")
        role, unit = (Role.HANDLER, "q01") if what == "board" else (Role.AGENT, "hotline")
        person = auth.Person(id="bench", name="测试", role=role, department=unit)
        await auth.create_person(desk, person, "bench-password")
        token, _session = await auth.log_in(desk, "bench", "bench-password", address="127.0.0.1")
        if what == "board":
            await fill(desk, tickets, say)
        return token


async def fill(desk: Desk, number: int, say: Say) -> None:
    """Write `number` open tickets, all sent to one county, their texts from the corpus, by COPY."""
    texts = simulation.stories()
    now, last = desk.now(), perf_counter()
    rows, pairs_of, assignments = [], [], []
    for index in range(number):
        story = texts[index % len(texts)]
        id_ = 261_000_000_000_000_000 + index
        due = now + timedelta(minutes=index * 7919 % 20_000)
        text = f"{story.text}（{index}）"
        rows.append(
            (
                *(id_, 2, "handling", story.type, story.urgency, story.category, "01", now, now, due, "phone", "local"),
                *(story.text[:30], text, "bench", True),
            )
        )
        pairs_of.append((id_, pairs := grams(text), sample(pairs)))
        assignments.append((id_, 1, "q01", "lead", "sent", now, due))
        if perf_counter() - last > 2:  # noqa: PLR2004 - seconds without a word
            last = perf_counter()
            say(f"{index} of {number} tickets made")
    async with db.connection(desk.store.pool) as connection:
        for table, records, columns in (
            ("tickets", rows, _TICKET_COLUMNS),
            ("ticket_grams", pairs_of, _GRAM_COLUMNS),
            ("assignments", assignments, _ASSIGNMENT_COLUMNS),
        ):
            await connection.copy_records_to_table(table, records=records, columns=columns, timeout=600)
        await connection.execute("VACUUM ANALYZE", timeout=600)
    say(f"{number} tickets are there")


_TICKET_COLUMNS = [
    *("id", "version", "state", "type", "urgency", "category", "area", "received_at", "entered_at", "due_at"),
    *("channel", "source", "title", "text", "opened_by", "judged"),
]
_GRAM_COLUMNS = ["ticket_id", "grams", "sample"]
_ASSIGNMENT_COLUMNS = ["ticket_id", "number", "department", "duty", "state", "sent_at", "due_at"]


# --- the servers ------------------------------------------------------------------------------------------------------


@contextmanager
def _serving(engines: Engines, config: Config, ports: tuple[int, int]) -> Iterator[None]:
    """Serve ours and the bare endpoints from one other process, so that both stand on the same ground."""
    process = multiprocessing.get_context("spawn").Process(target=_serve, args=(engines, config, ports), daemon=True)
    process.start()
    try:
        yield
    finally:
        process.terminate()
        process.join(10)


def _serve(engines: Engines, config: Config, ports: tuple[int, int]) -> None:
    serving.run_loop(_serve_both(engines, config, ports))


async def _serve_both(engines: Engines, config: Config, ports: tuple[int, int]) -> int:
    async with open_desk(engines, config) as desk:
        for application, port in zip((make_application(desk, config), await _bare(desk)), ports, strict=True):
            runner = web.AppRunner(application, access_log=None)
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", port).start()
        await asyncio.Event().wait()
    return 0


async def _bare(desk: Desk) -> web.Application:
    """The least that an endpoint can do: the same rows by the same statement, the same pages by the same queries."""
    store = desk.store
    same = await _same_row(desk)
    unit = {"department": "q01", "after_due": datetime(1970, 1, 1, tzinfo=UTC), "after_id": 0, "most": PAGE}

    rulebook = await desk.rulebook()
    below = [code for code in rulebook.departments if rulebook.is_below(code, "q01")]
    units: dict[str, Any] = {"departments": ["q01", *below], "asking": "q01"}

    async def intake(request: web.Request) -> web.Response:
        said = orjson.loads(await request.read())
        id_ = await store.new_ticket_id(datetime.now(UTC))
        await store.fetch_value("open_ticket", **{**same, "id": id_, "text": said["text"]})
        return web.Response(body=orjson.dumps({"id": str(id_)}), status=201, content_type="application/json")

    async def board(_request: web.Request) -> web.Response:
        page = await store.fetch_value("board_of_department", **unit)
        return web.Response(text=page, content_type="application/json")

    async def search(request: web.Request) -> web.Response:
        word = request.query["q"]
        page = await store.fetch_value(
            "search_tickets", grams=grams(word), likes=[f"%{word}%"], **units, before=10**18, most=PAGE
        )
        return web.Response(text=page, content_type="application/json")

    application = web.Application()
    application.add_routes(
        [web.post("/api/v1/tickets", intake), web.get("/api/v1/tickets", board), web.get("/api/v1/search", search)]
    )
    return application


async def _same_row(desk: Desk) -> dict[str, Any]:
    """Return what one real intake writes, taken at the moment when it is written."""
    taken: dict[str, Any] = {}
    fetch_value = desk.store.fetch_value

    async def listening(name: str, /, **parameters: Any) -> Any:  # noqa: ANN401 - driver values
        if name == "open_ticket":
            taken.update(parameters)
        return await fetch_value(name, **parameters)

    desk.store.fetch_value = listening  # type: ignore[method-assign]  # put back two lines on
    await tickets.open_ticket(desk, tickets.read_intake(_intake(simulation.stories()[0])), simulation.AGENT)
    desk.store.fetch_value = fetch_value  # type: ignore[method-assign]
    return taken


def _intake(story: simulation.Story) -> dict[str, Any]:
    return {
        "text": story.text,
        "type": story.type.value,
        "area": story.area,
        "name": "陈志强",
        "phone": "13800000000",
        "address": "幸福路12号3栋",
    }


# --- the load ---------------------------------------------------------------------------------------------------------


def _loads(what: str, token: str) -> dict[str, list[bytes]]:
    """Return the requests of each load as the bytes that go over the wire."""
    if what == "intake":
        bodies = [orjson.dumps(_intake(story)) for story in simulation.stories()]
        return {"intake": [_request("POST", "/api/v1/tickets", token, body) for body in bodies]}
    search = [_request("GET", f"/api/v1/search?q={quote(word)}", token) for word in WORDS]
    return {"board": [_request("GET", f"/api/v1/tickets?most={PAGE}", token)], "search": search}


def _request(method: str, path: str, token: str, body: bytes = b"") -> bytes:
    head = f"{method} {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {token}\r\n"
    return f"{head}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


async def _measure(what: str, ports: tuple[int, int], token: str, seconds: float, say: Say) -> Result:
    for port in ports:
        await wait_for(port)
    result = Result(what)
    for name, requests in _loads(what, token).items():
        for clients in CLIENTS:
            rounds: dict[str, list[Figures]] = {"ours": [], "bare": []}
            for _ in range(ROUNDS):
                for side, port in zip(rounds, ports, strict=True):
                    rounds[side].append(await _round(port, requests, clients, seconds))
            ours, bare = (_median(rounds[side]) for side in ("ours", "bare"))
            ratio = ours.per_second / bare.per_second
            result.loads.setdefault(name, {})[clients] = {"ours": vars(ours), "bare": vars(bare), "ratio": ratio}
            say(f"{name}, {clients} clients: {ours.per_second:.0f}/s, bare {bare.per_second:.0f}/s, ratio {ratio:.2f}")
    return result


def _median(rounds: Sequence[Figures]) -> Figures:
    return Figures(
        *(round(median(getattr(one, name) for one in rounds), 2) for name in ("per_second", "p50_ms", "p99_ms"))
    )


async def _round(port: int, requests: Sequence[bytes], clients: int, seconds: float) -> Figures:
    taken: list[float] = []
    turn = itertools.cycle(requests)
    until = perf_counter() + seconds
    began = perf_counter()
    await asyncio.gather(*(client(port, turn, until, taken) for _ in range(clients)))
    spent = perf_counter() - began
    taken.sort()
    return Figures(len(taken) / spent, taken[len(taken) // 2] * 1000, taken[int(len(taken) * 0.99)] * 1000)


async def client(port: int, turn: Iterator[bytes], until: float, taken: list[float]) -> None:
    """Ask one request after the other on one connection, at least one; anything but a 2xx stops the measurement."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    asked = False
    while (began := perf_counter()) < until or not asked:
        asked = True
        writer.write(next(turn))
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        body = await reader.readexactly(length)
        taken.append(perf_counter() - began)
        if not head.startswith(b"HTTP/1.1 2"):
            message = f"the server answered {head.splitlines()[0].decode()}: {body[:300].decode()}"
            raise RuntimeError(message)
    writer.close()
    await writer.wait_closed()


async def wait_for(port: int) -> None:
    for _ in range(WAITED):
        try:
            _reader, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.1)
            continue
        writer.close()
        return
    message = f"the server on port {port} did not start"
    raise RuntimeError(message)


def free_ports() -> tuple[int, int]:
    with socket.socket() as one, socket.socket() as other:
        one.bind(("127.0.0.1", 0))
        other.bind(("127.0.0.1", 0))
        return one.getsockname()[1], other.getsockname()[1]


def _table(result: Result) -> str:
    rows = [f"{'load':<8}{'clients':>8}{'ours/s':>10}{'p50 ms':>9}{'p99 ms':>9}{'bare/s':>10}{'ratio':>8}"]
    for name, by_clients in result.loads.items():
        for clients, row in by_clients.items():
            ours = row["ours"]
            rows.append(
                f"{name:<8}{clients:>8}{ours['per_second']:>10.0f}{ours['p50_ms']:>9.2f}{ours['p99_ms']:>9.2f}"
                f"{row['bare']['per_second']:>10.0f}{row['ratio']:>8.2f}"
            )
    return "\n".join(rows)
