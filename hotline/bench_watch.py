"""`hotline bench watch`: how late the watcher is, what an idle turn costs, and whether chaos makes it lose or repeat.

It watches from outside: real workers run as processes of their own, started by their command, on servers of this bench.
The database is filled with copies of one ticket that went through the service, so whatever a look reads is there. When
a finding was made is read off the commit times that PostgreSQL keeps. A control copy, looked at in peace, says what
must be found about every other. Due times are whole seconds, as is the service's clock: what is due at 17:00:00 is
overdue from 17:00:01 on, and lateness is counted from there.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any, Self

from hotline import db, embedded, office, simulation, tickets
from hotline.app import Engines, open_desk
from hotline.config import Config
from hotline.desk import Desk

Say = Callable[[str], None]
SETTINGS = {"track_commit_timestamp": "on"}
"""Lateness is read from the commit times of findings."""
FIRST = 400_000_000_000_000_000
"""The number of the first copy; the service's own numbers begin with the year."""
COPIED_AT_ONCE = 50_000
IDLE_TURNS = 200
SETTLE_SECONDS = 3
PATIENCE_SECONDS = 90
VICTIMS = ("worker", "redis", "postgres")


@dataclass
class Lateness:
    """Seconds from the moment when something could first be found until it was."""

    p50: float
    p99: float
    max: float

    @classmethod
    def of(cls, seconds: Sequence[float]) -> Lateness:
        ordered = sorted(seconds) or [0.0]
        return cls(*(round(ordered[min(len(ordered) - 1, int(len(ordered) * part))], 3) for part in (0.5, 0.99, 1.0)))


@dataclass
class Idle:
    """What a turn costs that finds nothing due: pages of the database, its time there, and as the worker sees it."""

    buffers: int
    server_ms: float
    turn_ms: float


@dataclass
class Verdict:
    """What was found against what must be; `wrong` says what is missing or more than it should be."""

    due: int
    found: int
    lateness: Lateness
    wrong: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What is measured: how many clocks run, how many are due each second, how long, watched by how many workers."""

    clocks: int
    per_second: int
    seconds: int
    workers: int = 1
    kill_every: float = 4.0

    @property
    def due(self) -> int:
        return self.per_second * self.seconds


def scale(config: Config, trial: Trial, *, as_json: bool, say: Say) -> int:
    """Measure lateness and idle cost with many running clocks; 1 when a finding is missing or made twice."""
    quiet: Say = (lambda _text: None) if as_json else say
    with embedded.temporary(quiet, durable=True, settings=SETTINGS) as urls:
        engines = Engines(urls.database, urls.redis, embedded.personal_data_keys(config.home))
        result = asyncio.run(_scale(engines, config, trial, quiet))
    say(json.dumps(result) if as_json else _lines(result))
    return 1 if result["verdict"]["wrong"] else 0


def chaos(config: Config, trial: Trial, *, seed: int, as_json: bool, say: Say) -> int:
    """Kill workers and servers while clocks come due; 1 when a finding or notice is missing or there twice."""
    quiet: Say = (lambda _text: None) if as_json else say
    with embedded.temporary(quiet, durable=True, settings=SETTINGS) as urls:
        engines = Engines(urls.database, urls.redis, embedded.personal_data_keys(config.home))
        result = run_chaos(engines, config, trial, home=embedded.home_of(urls), seed=seed, say=quiet)
    say(json.dumps(result) if as_json else _lines(result))
    return 1 if result["verdict"]["wrong"] else 0


# --- what is there ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Ground:
    """The copies: the clock of each that comes due, and what a look in peace finds about it and tells."""

    clock: int
    control: int
    findings: frozenset[str]
    notices: frozenset[tuple[str, str, str | None]]


async def prepare(desk: Desk, trial: Trial, say: Say) -> Ground:
    """Fill the database with copies and look at one of them in peace."""
    await office.found(desk, office.demonstration_city(), by="bench")
    template = await sent_ticket(desk)
    clocks = await desk.store.fetch("bench_clocks_of", ticket_id=template)
    clock = next(row["number"] for row in clocks if row["kind"] == "reply")
    copies = max(trial.due, trial.clocks // len(clocks)) + 1
    await copy(desk, template, copies, say)
    control = FIRST + copies - 1
    await make_due(desk, control, 1, clock, desk.now() - timedelta(seconds=2), 1)
    while await tickets.look(desk):
        pass
    found = await desk.store.fetch("bench_findings", first=control, number=1, clock=clock)
    told = await desk.store.fetch("bench_notices", first=control, number=1)
    return Ground(
        clock,
        control,
        frozenset(row["finding"] for row in found),
        frozenset((row["kind"], row["department"], row["role"]) for row in told),
    )


async def sent_ticket(desk: Desk) -> int:
    """Open a matter whose way is known, and return its ticket's number."""
    for story in simulation.stories():
        intake = tickets.read_intake(
            {"text": "井盖", "category": story.category, "area": story.area, "type": "complaint"}
        )
        opened = await tickets.open_ticket(desk, intake, simulation.AGENT)
        kinds = {row["kind"] for row in await desk.store.fetch("bench_clocks_of", ticket_id=opened.ticket_id)}
        if "reply" in kinds:
            return opened.ticket_id
    raise RuntimeError("no matter of the corpus is sent by itself")


async def copy(desk: Desk, template: int, number: int, say: Say, *, first: int = FIRST) -> None:
    """Copy a ticket with all its parts, by the thousands; the copies' looks lie days ahead."""
    begin = desk.now() + timedelta(days=2)
    async with desk.store.transaction() as transaction:
        await transaction.execute("bench_without_checks")
        for start in range(0, number, COPIED_AT_ONCE):
            some = {"first": first + start, "number": min(COPIED_AT_ONCE, number - start), "template": template}
            for part in ("tickets", "callers", "assignments", "events"):
                await transaction.execute(f"bench_copy_{part}", **some)
            await transaction.execute("bench_copy_clocks", **some, look_at=begin + timedelta(seconds=start))
            say(f"{start + some['number']} of {number} tickets copied")
    await desk.store.pool.expire_connections()
    async with db.connection(desk.store.pool) as connection:
        await connection.execute("VACUUM ANALYZE tickets, callers, assignments, events, clocks", timeout=1200)


async def make_due(desk: Desk, first: int, number: int, clock: int, due_at: datetime, per_second: int) -> None:
    """Let a clock of each of some copies be due from `due_at` on, so many each second."""
    await desk.store.execute("bench_make_due", first=first, number=number, clock=clock, due_at=due_at, rate=per_second)


# --- scale ------------------------------------------------------------------------------------------------------------


async def _scale(engines: Engines, config: Config, trial: Trial, say: Say) -> dict[str, Any]:
    async with open_desk(engines, config) as desk:
        ground = await prepare(desk, trial, say)
        running = await desk.store.fetch_value("bench_running_clocks")
        before = await idle(desk)
        say(f"{running} clocks run; an idle turn reads {before.buffers} pages and takes {before.turn_ms} ms")
        with ExitStack() as stack:
            workers = [stack.enter_context(_worker(engines, config, n)) for n in range(trial.workers)]
            await _alive(desk, trial.workers)
            start = desk.now() + timedelta(seconds=SETTLE_SECONDS)
            await make_due(desk, FIRST, trial.due, ground.clock, start, trial.per_second)
            spent = [_processor_seconds(worker.pid) for worker in workers]
            await _wait_until_found(desk, ground, trial, say)
            await asyncio.sleep(1)  # for the last notices to be handed out
            spent = [_processor_seconds(worker.pid) - begun for worker, begun in zip(workers, spent, strict=True)]
        verdict = await judge(desk, ground, trial)
        after = await idle(desk)
    return {
        "what": "watch",
        "clocks": running,
        "due_per_second": trial.per_second,
        "seconds": trial.seconds,
        "workers": trial.workers,
        "idle_before": asdict(before),
        "idle_after": asdict(after),
        "worker_processor_seconds": round(sum(spent), 2),
        "verdict": asdict(verdict),
    }


async def idle(desk: Desk) -> Idle:
    """Measure the turn of a worker that finds nothing to do."""
    plan = await _explain(desk, "claim_due_clocks", now=desk.now(), most=1, again=desk.now())
    turns = []
    for _ in range(IDLE_TURNS):
        began = time.perf_counter()
        if await tickets.look(desk):
            raise RuntimeError("something was due in an idle turn")
        turns.append((time.perf_counter() - began) * 1000)
    root = plan["Plan"]
    buffers = root["Shared Hit Blocks"] + root["Shared Read Blocks"]
    return Idle(buffers, round(plan["Execution Time"], 3), round(median(turns), 3))


async def _explain(desk: Desk, query: str, **parameters: Any) -> dict[str, Any]:  # noqa: ANN401 - driver values
    """Return the plan of a query as it ran, with the pages that it touched; run once before, so that all are warm."""
    text, values = desk.store._statement(query, parameters)  # noqa: SLF001 - the very statement, not a copy of it
    async with db.connection(desk.store.pool) as connection:
        await connection.fetch(text, *values)
        rows = await connection.fetch(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {text}", *values)
    plan: dict[str, Any] = rows[0][0][0]
    return plan


async def _alive(desk: Desk, number: int) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while len(await desk.store.fetch("heartbeats")) < number:  # noqa: ASYNC110 - nobody here could set an event
            await asyncio.sleep(0.2)


async def _wait_until_found(desk: Desk, ground: Ground, trial: Trial, say: Say) -> None:
    until = time.monotonic() + SETTLE_SECONDS + trial.seconds + PATIENCE_SECONDS
    found = 0
    while found < trial.due and time.monotonic() < until:
        await asyncio.sleep(1)
        found = await desk.store.fetch_value("bench_found", first=FIRST, number=trial.due, clock=ground.clock)
        say(f"{found} of {trial.due} found")


async def judge(desk: Desk, ground: Ground, trial: Trial) -> Verdict:
    """Compare what was found and told with the control, copy by copy."""
    found: dict[int, Counter[str]] = {}
    late: dict[int, float] = {}
    for row in await desk.store.fetch("bench_findings", first=FIRST, number=trial.due, clock=ground.clock):
        found.setdefault(row["ticket_id"], Counter())[row["finding"]] += 1
        seconds = (row["committed_at"] - row["due_at"]).total_seconds() - 1
        late[row["ticket_id"]] = max(seconds, late.get(row["ticket_id"], seconds))
    wanted = Counter(dict.fromkeys(ground.findings, 1))
    told, waiting = await _told(desk, trial)
    wanted_notices = Counter(dict.fromkeys(ground.notices, 1))
    wrong = +Counter({"notice not handed out": waiting})
    for ticket in range(FIRST, FIRST + trial.due):
        wrong += _differences("finding", wanted, found.get(ticket, Counter()))
        wrong += _differences("notice", wanted_notices, told.get(ticket, Counter()))
    return Verdict(trial.due, len(found), Lateness.of(list(late.values())), dict(wrong))


async def _told(desk: Desk, trial: Trial) -> tuple[dict[int, Counter[tuple[str, str, str | None]]], int]:
    """Return who was told what about each copy, and how many of these notices were not handed out."""
    told: dict[int, Counter[tuple[str, str, str | None]]] = {}
    waiting = 0
    for row in await desk.store.fetch("bench_notices", first=FIRST, number=trial.due):
        told.setdefault(row["ticket_id"], Counter())[row["kind"], row["department"], row["role"]] += row["number"]
        waiting += row["number"] - row["placed"]
    return told, waiting


def _differences(what: str, wanted: Counter[Any], there: Counter[Any]) -> Counter[str]:
    return Counter({f"{what} missing": (wanted - there).total(), f"{what} too many": (there - wanted).total()})


# --- workers as processes ---------------------------------------------------------------------------------------------


@contextmanager
def _worker(engines: Engines, config: Config, number: int) -> Iterator[subprocess.Popen[bytes]]:
    process = start_worker(engines, config, f"bench-{number}")
    try:
        yield process
    finally:
        process.terminate()
        process.wait(30)


def start_worker(engines: Engines, config: Config, name: str) -> subprocess.Popen[bytes]:
    """Start `hotline worker` on these servers; what it says goes beside what the servers say, or nowhere."""
    return subprocess.Popen(  # noqa: S603 - ourselves
        [sys.executable, "-m", "hotline", "worker", "--name", name],
        env=_environment(engines, config),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def _environment(engines: Engines, config: Config) -> Mapping[str, str]:
    ours = {
        "HOTLINE_DATABASE_URL": engines.database,
        "HOTLINE_REDIS_URL": engines.redis or "",
        "HOTLINE_KEYS": ",".join(f"{key.id}:{base64.b64encode(key.secret).decode()}" for key in engines.keys),
        "HOTLINE_HOME": str(config.home),
        "PYTHONPATH": str(Path(__file__).parents[1]),
    }
    return {name: value for name, value in os.environ.items() if not name.startswith("HOTLINE_")} | ours


def _processor_seconds(pid: int) -> float:
    """Return what a process has used of the processors; 0 for one that is gone."""
    try:
        after_name = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(after_name[11]) + int(after_name[12])) / os.sysconf("SC_CLK_TCK")


# --- chaos ------------------------------------------------------------------------------------------------------------


def run_chaos(engines: Engines, config: Config, trial: Trial, *, home: Path, seed: int, say: Say) -> dict[str, Any]:
    """Let clocks come due while one of workers, Redis or PostgreSQL is killed every few seconds; then judge."""
    ground, start = asyncio.run(_make_ready(engines, config, trial, say))
    with _Battlefield(engines, config, trial, home, say) as field_:
        kills = field_.fight(random.Random(seed), until=start + timedelta(seconds=trial.seconds))  # noqa: S311 - dice
        verdict = asyncio.run(_settle(engines, config, ground, trial, say))
    return {
        "what": "watch --chaos",
        "due_per_second": trial.per_second,
        "seconds": trial.seconds,
        "workers": trial.workers,
        "seed": seed,
        "kills": dict(kills),
        "verdict": asdict(verdict),
    }


async def _make_ready(engines: Engines, config: Config, trial: Trial, say: Say) -> tuple[Ground, datetime]:
    async with open_desk(engines, config) as desk:
        ground = await prepare(desk, trial, say)
        start = desk.now() + timedelta(seconds=SETTLE_SECONDS)
        await make_due(desk, FIRST, trial.due, ground.clock, start, trial.per_second)
    return ground, start


async def _settle(engines: Engines, config: Config, ground: Ground, trial: Trial, say: Say) -> Verdict:
    """Wait until everything is found and handed out, or for as long as one may; then say how it is."""
    async with open_desk(engines, config) as desk:
        await _wait_until_found(desk, ground, trial, say)
        until = time.monotonic() + PATIENCE_SECONDS
        while await desk.store.fetch_value("notices_waiting") and time.monotonic() < until:  # noqa: ASYNC110 - not ours
            await asyncio.sleep(0.2)
        return await judge(desk, ground, trial)


class _Battlefield:
    """Workers and servers that are killed without a word and started again, as whatever runs them would."""

    def __init__(self, engines: Engines, config: Config, trial: Trial, home: Path, say: Say) -> None:
        self._every = trial.kill_every
        self._engines, self._config, self._home, self._say = engines, config, home, say
        self._workers = dict[str, subprocess.Popen[bytes]]()
        self._names = [f"bench-{number}" for number in range(trial.workers)]
        self._servers = ExitStack()

    def __enter__(self) -> Self:
        self._revive_workers()
        return self

    def __exit__(self, *_error: object) -> None:
        for worker in self._workers.values():
            worker.terminate()
        for worker in self._workers.values():
            worker.wait(30)
        self._servers.close()

    def fight(self, dice: random.Random, *, until: datetime) -> Counter[str]:
        """Kill one of each kind in an order that the dice choose, again until it is over and each was killed once."""
        kills = Counter[str]()
        kinds = [victim for victim in VICTIMS if victim != "redis" or self._engines.redis]
        victims: list[str] = []
        next_kill = time.monotonic() + self._every
        while datetime.now(UTC) < until or len(kills) < len(kinds):
            time.sleep(0.1)
            self._revive_workers()
            if time.monotonic() >= next_kill:
                victims = victims or dice.sample(kinds, len(kinds))
                victim = victims.pop()
                if self._kill(victim, dice):
                    kills[victim] += 1
                next_kill = time.monotonic() + self._every
        self._revive_workers()
        return kills

    def _kill(self, victim: str, dice: random.Random) -> bool:
        running = embedded.processes(self._home)
        pids = {"worker": dice.choice([one.pid for one in self._workers.values()])}
        pid = {**pids, "redis": running.redis, "postgres": running.postgres}[victim]
        if pid is None:
            return False
        self._say(f"kill -9 {victim} {pid}")
        os.kill(pid, signal.SIGKILL)
        if victim != "worker":
            self._servers.enter_context(embedded.servers(self._home, self._say, settings=SETTINGS))
        return True

    def _revive_workers(self) -> None:
        for name in self._names:
            worker = self._workers.get(name)
            if worker is None or worker.poll() is not None:
                self._workers[name] = start_worker(self._engines, self._config, name)


def _lines(result: Mapping[str, Any]) -> str:
    return "\n".join(f"{name}: {value}" for name, value in result.items())
