"""A simulated city lives soundly, and the same seed lives the same life."""

from collections.abc import AsyncIterator

import pytest

from hotline import office, simulation
from hotline.config import Key
from hotline.db import Pool
from hotline.desk import Desk
from hotline.live import Live
from hotline.predictor import Predictor
from hotline.store import Store
from hotline.vault import Vault


@pytest.fixture
async def desk(pool: Pool) -> AsyncIterator[Desk]:
    live = await Live.open(None)
    desk = Desk(Store(pool), Vault((Key("k1", b"k" * 32),)), live, Predictor(), simulation.simulated_now)
    await office.found(desk, office.demonstration_city(), by="test")
    yield desk
    await live.close()


async def play(desk: Desk, seed: int) -> simulation.Report:
    report = simulation.Report(days=2, tickets_per_day=15, seed=seed)
    await simulation.play(desk, report, lambda _: None)
    return report


async def test_two_days_of_a_city_break_no_invariant_and_the_same_seed_plays_them_again(
    desk: Desk, pool: Pool, request: pytest.FixtureRequest
) -> None:
    first = await play(desk, 1)
    async with pool.acquire() as connection:
        await connection.execute(request.getfixturevalue("_emptying"))
    desk.forget_rules()
    await office.found(desk, office.demonstration_city(), by="test")
    second = await play(desk, 1)

    assert first.is_sound, first.invariants
    assert first.tickets == 30
    assert sum(first.actions.values()) > 60
    assert sum(first.states.values()) == 30
    for name in ("actions", "refused", "states", "outcomes"):
        assert getattr(first, name) == getattr(second, name), name


async def test_another_seed_is_another_life_and_the_report_says_what_happened(desk: Desk) -> None:
    first, other = await play(desk, 2), await play(desk, 3)

    assert first.actions != other.actions
    lines = list(first.lines())
    assert lines[0].startswith("30 tickets over 2 days")
    assert "ok     no open ticket without a running clock: 0" in lines
    assert not [line for line in lines if line.startswith("BROKEN")]
