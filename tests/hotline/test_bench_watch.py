"""The watcher's bench: its copies are what a look reads, and an idle turn costs the same for any number of clocks."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from hotline import bench_watch, db, tickets
from hotline.bench_watch import FIRST, Trial
from hotline.config import Key
from hotline.desk import Desk
from hotline.live import Live
from hotline.predictor import Predictor
from hotline.store import Store
from hotline.vault import Vault
from tests.city import Clock


@pytest.fixture
async def desk(pool: db.Pool) -> AsyncIterator[Desk]:
    live = await Live.open(None)
    yield Desk(Store(pool), Vault((Key("k1", b"k" * 32),)), live, Predictor(), Clock())
    await live.close()


async def test_an_idle_turn_reads_a_handful_of_pages_however_many_clocks_run(desk: Desk) -> None:
    await bench_watch.prepare(desk, Trial(clocks=3_000, per_second=1, seconds=1), lambda _text: None)
    few = await bench_watch.idle(desk)
    clocks = await desk.store.fetch_value("bench_running_clocks")
    template = (await desk.store.fetch("ticket_ids", after=0, most=1))[0]["id"]
    await bench_watch.copy(desk, template, 7_000, lambda _text: None, first=FIRST + 10_000)
    many = await bench_watch.idle(desk)

    assert await desk.store.fetch_value("bench_running_clocks") > 7 * clocks
    assert few.buffers <= many.buffers <= few.buffers + 2 <= 6


async def test_every_copy_is_found_like_the_control_and_a_missing_one_is_told(desk: Desk) -> None:
    trial = Trial(clocks=0, per_second=10, seconds=3)
    ground = await bench_watch.prepare(desk, trial, lambda _text: None)
    assert ground.findings
    assert ground.notices
    start = desk.now() - timedelta(hours=1)
    await bench_watch.make_due(desk, FIRST, trial.due, ground.clock, start, trial.per_second)
    while await tickets.look(desk):
        pass

    assert not [key for key in (await bench_watch.judge(desk, ground, trial)).wrong if key != "notice not handed out"]
    more = Trial(clocks=0, per_second=10, seconds=4)
    wrong = (await bench_watch.judge(desk, ground, more)).wrong
    # The control is among the next ten; all others of them were never due.
    assert wrong["finding missing"] == 9 * len(ground.findings)
    assert wrong["notice missing"] == 9 * len(ground.notices)
