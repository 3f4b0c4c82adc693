"""`hotline bench suggest`: how long an agent waits for a suggestion, how fast a batch is judged, and who else waits.

Everything runs in one process as in the service: the model in its thread, the event loop beside it, PostgreSQL behind.
A probe sleeps for a millisecond over and over and notes how much later it wakes: `late` by the wall, `busy` by the
processor time that the loop's own thread spent meanwhile, which other programs on the machine cannot spoil. The bare
side is the model alone, called in the loop; idle is the loop with nothing to do. One batch is judged and left to
people, another is also sent by the machine, which is the same work as every other dispatch.
"""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, thread_time
from typing import Any

from hotline import advice, embedded, office, predictor, serving, simulation, tickets
from hotline.app import Engines, open_desk
from hotline.bench import fill
from hotline.config import Config
from hotline.desk import Desk
from hotline.predictor import Predictor

Say = Callable[[str], None]
CHARACTERS = 400
BATCH = 1_000
WARM_UP = 20
TICK_SECONDS = 0.001
BOUNDS = {"suggest_p99_ms": 15.0, "batch_seconds": 1.5, "loop_ms": 20.0}


@dataclass(frozen=True, slots=True)
class Spread:
    """Milliseconds: the middle, one in a hundred, and the worst."""

    p50: float
    p99: float
    worst: float

    @classmethod
    def of(cls, seconds: Sequence[float]) -> Spread:
        ordered = sorted(seconds) or [0.0]
        return cls(*(round(1000 * ordered[min(len(ordered) - 1, int(len(ordered) * at))], 2) for at in (0.5, 0.99, 1)))


@dataclass
class Lag:
    """How late the probe woke, and how long the loop's thread was busy between two of its ticks."""

    late: list[float] = field(default_factory=list)
    busy: list[float] = field(default_factory=list)

    def told(self) -> dict[str, Any]:
        return {"late_ms": asdict(Spread.of(self.late)), "busy_ms": asdict(Spread.of(self.busy))}


def run(config: Config, *, number: int, asked: int, as_json: bool, say: Say) -> int:
    """Measure on servers of its own with `number` open tickets, `asked` suggestions; print the figures."""
    quiet: Say = (lambda _text: None) if as_json else say
    with embedded.temporary(quiet, durable=True) as urls, TemporaryDirectory() as folder:
        engines = Engines(urls.database, urls.redis, embedded.personal_data_keys(config.home))
        figures: dict[str, Any] = {}

        async def go() -> int:
            async with open_desk(engines, config) as desk:
                desk.predictor = await _model(config, Path(folder), quiet)
                figures.update(await _measure(desk, number, asked, quiet))
            return 0

        serving.run_loop(go())
    say(json.dumps(figures, ensure_ascii=False) if as_json else _lines(figures))
    return 0


async def _model(config: Config, folder: Path, say: Say) -> Predictor:
    """The city's active model; where there is none, one trained on the shipped corpus."""
    found = Predictor(config.models)
    await found.refresh()
    if not found.version:
        say("no active model: training on the shipped corpus")
        predictor.train_first(folder)
        found = Predictor(folder)
        await found.refresh()
    return found


async def _measure(desk: Desk, number: int, asked: int, say: Say) -> dict[str, Any]:
    city = office.demonstration_city()
    await office.found(desk, _cautious(city), by="bench")
    await fill(desk, number, say)
    drafts = [advice.read({"text": text}) for text in itertools.islice(texts(), asked + WARM_UP)]
    for draft in drafts[:WARM_UP]:
        await advice.suggest(desk, draft, simulation.AGENT)
    drafts = drafts[WARM_UP:]
    say(f"{len(drafts)} suggestions for texts of {CHARACTERS} characters")
    idle = await _idle()
    bare, ours, lag = await _in_turns(desk, drafts)
    say(f"batches of {BATCH} unrouted tickets")
    batch = await _batch(desk)
    async with desk.store.transaction() as transaction:
        policy, at = city.parts["policy"], desk.now()
        await office.publish_version(
            transaction, "policy", policy, source="bench", by="bench", at=at, drafted_by="another"
        )
    desk.forget_rules()
    sent = await _batch(desk)
    return {
        "what": "suggest",
        "model": desk.predictor.version,
        "open_tickets": number,
        "suggest": {
            "ms": asdict(Spread.of(ours)),
            "bare_ms": asdict(Spread.of(bare)),
            "ratio": round(Spread.of(ours).p50 / Spread.of(bare).p50, 2),
        },
        "loop": {
            "idle": idle.told(),
            "suggest": lag.told(),
            "batch": batch.pop("loop"),
            "batch_sent": sent.pop("loop"),
        },
        "batch": batch,
        "batch_sent": sent,
        "bounds": BOUNDS,
    }


def _cautious(city: office.City) -> office.City:
    """The city with a threshold that no probability reaches: every ticket is judged, and a person sends it."""
    policy = {**city.parts["policy"], "auto_dispatch_probability": 2.0}
    return replace(city, parts={**city.parts, "policy": policy})


def texts() -> Iterator[str]:
    """Texts of just so many characters, no two alike, made of stories one after another."""
    stories = simulation.stories()
    for start in itertools.count():
        text = ""
        for step in itertools.count():
            if len(text) >= CHARACTERS:
                break
            text += stories[(start * 37 + step * 101) % len(stories)].text
        yield text[:CHARACTERS]


async def _idle() -> Lag:
    async with _probe() as lag:
        await asyncio.sleep(2)
    return lag


async def _in_turns(desk: Desk, drafts: Sequence[advice.Draft]) -> tuple[list[float], list[float], Lag]:
    """Ask the model alone and the service in turns, so that both see the same machine; the probe minds the service."""
    bare, ours, whole = [], [], Lag()
    for start in range(0, len(drafts), 25):
        some = drafts[start : start + 25]
        for draft in some:
            began = perf_counter()
            desk.predictor.judge_here([draft.text])
            bare.append(perf_counter() - began)
        async with _probe() as lag:
            ours += [await _timed(advice.suggest(desk, draft, simulation.AGENT)) for draft in some]
        whole.late += lag.late
        whole.busy += lag.busy
    return bare, ours, whole


async def _timed(what: Awaitable[Any]) -> float:
    began = perf_counter()
    await what
    return perf_counter() - began


async def _batch(desk: Desk) -> dict[str, Any]:
    """Judge a batch as the worker does, and the same texts by the model alone."""
    stories = simulation.stories()
    for at in range(0, BATCH, 50):
        said = [tickets.read_intake(_intake(stories[each % len(stories)])) for each in range(at, at + 50)]
        await asyncio.gather(*(tickets.open_ticket(desk, one, simulation.AGENT) for one in said))
    began = perf_counter()
    desk.predictor.judge_here([stories[at % len(stories)].text for at in range(BATCH)])
    bare = perf_counter() - began
    judged, before = 0, len(await desk.store.fetch("machine_sent"))
    async with _probe() as lag:
        began = perf_counter()
        while found := await tickets.judge(desk):
            judged += found
        seconds = perf_counter() - began
    sent = len(await desk.store.fetch("machine_sent")) - before
    figures: dict[str, Any] = {"tickets": judged, "sent_at_once": sent, "seconds": round(seconds, 3)}
    return figures | {"bare_seconds": round(bare, 3), "ratio": round(seconds / bare, 2), "loop": lag.told()}


def _intake(story: simulation.Story) -> dict[str, Any]:
    return {"text": story.text, "type": story.type.value, "area": story.area}


@asynccontextmanager
async def _probe() -> AsyncIterator[Lag]:
    """Note how late a sleep of a millisecond ends, over and over, while inside."""
    lag = Lag()

    async def tick() -> None:
        while True:
            at, spent = perf_counter(), thread_time()
            await asyncio.sleep(TICK_SECONDS)
            lag.late.append(max(0.0, perf_counter() - at - TICK_SECONDS))
            lag.busy.append(thread_time() - spent)

    task = asyncio.create_task(tick())
    await asyncio.sleep(0)
    try:
        yield lag
    finally:
        task.cancel()


def _lines(figures: dict[str, Any]) -> str:
    asked, loop = figures["suggest"], figures["loop"]
    ms, bare = asked["ms"], asked["bare_ms"]
    rows = [
        f"suggestion     p50 {ms['p50']:7.2f} ms   p99 {ms['p99']:7.2f} ms   worst {ms['worst']:7.2f} ms",
        f"model alone    p50 {bare['p50']:7.2f} ms   p99 {bare['p99']:7.2f} ms   ratio {asked['ratio']}",
    ]
    rows += [
        f"batch          {batch['tickets']} judged in {batch['seconds']} s, {batch['sent_at_once']} of them sent; "
        f"model alone {batch['bare_seconds']} s, ratio {batch['ratio']}"
        for batch in (figures["batch"], figures["batch_sent"])
    ]
    for name, told in loop.items():
        late, busy = told["late_ms"], told["busy_ms"]
        rows.append(
            f"loop, {name:<8} late p99 {late['p99']:6.2f} worst {late['worst']:6.2f} ms   "
            f"busy p99 {busy['p99']:6.2f} worst {busy['worst']:6.2f} ms"
        )
    return "\n".join(rows)
