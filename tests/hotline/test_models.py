"""A model is exchanged under a running service: no request is lost, a bad one changes nothing, and back is one step."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from classifier import registry, train
from classifier.__main__ import main
from classifier.corpus import Example
from classifier.linear import Manner
from dispatch.model import Actor, Role
from hotline import models, serving, tickets
from hotline.app import make_application
from hotline.config import read
from hotline.db import Pool
from hotline.desk import Desk
from hotline.predictor import TOGETHER, Judgement, Predictor, Promised, spoken
from tests.city import House, add_people, intake, small_desk, until

LAMP, HOLE = ("路灯不亮了晚上很黑", "050902"), ("路面有个大坑车掉进去", "050901")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder with two trained versions, none of them active."""
    folder = tmp_path_factory.mktemp("models")
    for seed in (1, 2):
        told = [
            Example(f"{text}{place}{number}号第{seed}次", code)
            for text, code in (LAMP, HOLE)
            for place in ("学府路", "东门街", "江边", "桥头")
            for number in range(3)
        ]
        registry.save(folder, train.train(told, train.Setting(manner=Manner(folds=2))), {})
    return folder


def trained(folder: Path) -> list[str]:
    """Return the versions that are sound."""
    return [version for version in registry.versions(folder) if not version.startswith("broken")]


@pytest.fixture
def first(folder: Path) -> Iterator[str]:
    version = trained(folder)[0]
    registry.activate(folder, version)
    yield version
    (folder / "active").unlink()


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "LOOK_EVERY_SECONDS", 0.02)


@pytest.fixture
async def house(pool: Pool, folder: Path, quick: None) -> AsyncIterator[House]:
    assert quick is None
    async with small_desk(pool) as desk:
        desk.predictor = Predictor(folder)
        await add_people(desk)
        async with TestClient(TestServer(make_application(desk, read({})))) as client:
            house = House(client, desk)
            await house.log_in("agent")
            yield house


async def version_of(house: House) -> str:
    found = await house.ask("agent", "POST", "/suggestions", {"text": LAMP[0]})
    return str(found["model_version"])


async def test_no_request_is_lost_while_models_are_exchanged_and_back_is_one_step(
    house: House, folder: Path, first: str
) -> None:
    second = trained(folder)[1]
    answers: Counter[str] = Counter()
    going = True

    async def asking() -> None:
        while going:
            answers[await version_of(house)] += 1  # raises on anything but 200

    await until(lambda: _uses(house.desk, first))
    tasks = [asyncio.create_task(asking()) for _ in range(4)]
    for version in (second, first, second, first):
        registry.activate(folder, version)
        await until(partial(_uses, house.desk, version))
        await until(partial(_more, answers, version, answers[version]))
    going = False
    await asyncio.gather(*tasks)

    assert set(answers) == {first, second}
    assert await version_of(house) == first


async def _uses(desk: Desk, version: str) -> bool:
    return desk.predictor.version == version


async def _more(answers: Counter[str], version: str, before: int) -> bool:
    return answers[version] > before + 5


@pytest.mark.parametrize("fault", ["arrays.npz", "model.json", "card.json"])
async def test_a_broken_model_leaves_the_old_one_in_place_is_logged_and_shown(
    house: House, folder: Path, first: str, fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    await until(lambda: _uses(house.desk, first))
    broken = folder / f"broken-{fault}"
    broken.mkdir()
    for file in (folder / first).iterdir():
        (broken / file.name).write_bytes(file.read_bytes())
    (broken / fault).write_bytes(b"{}")
    (folder / "active").write_text(broken.name)

    await until(lambda: _refused(house.desk))

    assert await version_of(house) == first
    assert broken.name in caplog.text
    shown: list[str] = []
    assert not await serving._say_models(house.desk, read({"HOTLINE_MODELS": str(folder)}), shown.append)
    assert any("refused" in line and broken.name in line for line in shown)
    (folder / "active").write_text(first)
    await until(lambda: _well(house.desk))


async def _refused(desk: Desk) -> bool:
    return any(row["fault"] for row in await models.in_use(desk))


async def _well(desk: Desk) -> bool:
    rows = await models.in_use(desk)
    return bool(rows) and not any(row["fault"] for row in rows)


async def test_what_the_model_promises_is_shown_with_its_interval(house: House, folder: Path, first: str) -> None:
    await until(lambda: _uses(house.desk, first))
    shown: list[str] = []

    assert await serving._say_models(house.desk, read({"HOTLINE_MODELS": str(folder)}), shown.append)

    told = [line for line in shown if "98% asked" in line]
    assert len(told) == 3
    assert all("sure of none" in line or "]" in line for line in told)


async def test_it_is_shown_what_sending_by_the_probability_of_the_city_comes_to(
    house: House, folder: Path, first: str
) -> None:
    await until(lambda: _uses(house.desk, first))
    shown: list[str] = []

    await serving._say_models(house.desk, read({"HOTLINE_MODELS": str(folder)}), shown.append)

    assert [
        line for line in shown if line.startswith("model: the machine sends from 90% on; from a probability of 90%")
    ]
    from_half, from_all_but = (house.desk.predictor.delivered(probability)[0] for probability in (0.55, 0.999))
    assert (from_half.probability, from_all_but.probability) == (0.5, 0.99)
    assert from_half.coverage >= from_all_but.coverage
    assert house.desk.predictor.delivered(0.2) == []


def test_a_promise_is_told_with_what_was_kept() -> None:
    kept = Promised("6", 0.98, 0.8, 0.983, 0.979, 0.986, "the 312 newest texts")

    assert str(kept) == (
        "categories of 6 digits, 98% asked: 98.3% [97.9%, 98.6%] right of the 80% that it was sure of, "
        "the 312 newest texts"
    )


async def test_a_refused_model_is_logged_once_and_not_loaded_at_every_look(
    folder: Path, first: str, caplog: pytest.LogCaptureFixture
) -> None:
    predictor = Predictor(folder)
    await predictor.refresh()
    (folder / "active").write_text("gone")

    assert await predictor.refresh()
    assert not await predictor.refresh()

    assert predictor.version == first
    assert caplog.text.count("gone is refused") == 1


async def test_a_pointer_that_vanishes_leaves_the_model_in_use(folder: Path, first: str) -> None:
    predictor = Predictor(folder)
    await predictor.refresh()
    (folder / "active").rename(folder / "away")

    assert not await predictor.refresh()
    assert predictor.version == first
    (folder / "away").rename(folder / "active")


async def test_a_batch_is_judged_by_one_model_as_a_whole(folder: Path, first: str) -> None:
    predictor = Predictor(folder)
    await predictor.refresh()
    judging = asyncio.create_task(predictor.judge([LAMP[0]] * 200))
    await asyncio.sleep(0)
    registry.activate(folder, trained(folder)[1])
    await predictor.refresh()

    assert {one.model_version for one in await judging if one} == {first}


async def test_a_worker_follows_too(pool: Pool, folder: Path, first: str, quick: None) -> None:
    assert quick is None
    async with small_desk(pool) as desk:
        desk.predictor = Predictor(folder)
        task = asyncio.create_task(models.keep_up(desk, "worker-1"))
        await until(lambda: _well(desk))
        await tickets.open_ticket(desk, intake(text=LAMP[0]), Actor("agent", Role.AGENT, "hotline"))
        await tickets.judge(desk)
        (id_,) = [row["id"] for row in await desk.store.fetch("ticket_ids", after=0, most=2)]
        task.cancel()

        suggestion: Any = (await desk.store.file(id_)).matter.suggestion

    assert suggestion["trace"]["model"] == first
    assert suggestion["categories"][0][0] == LAMP[1]
    assert "type_evidence" in suggestion


def test_rolling_back_activates_what_was_active_before(
    folder: Path, first: str, capsys: pytest.CaptureFixture[str]
) -> None:

    second = trained(folder)[1]
    assert main(["activate", second, "--models", str(folder)]) == 0
    assert main(["activate", "--back", "--models", str(folder), "--json"]) == 0

    assert registry.active_version(folder) == first
    assert json.loads(capsys.readouterr().out.splitlines()[-1]) == {"active": first, "before": second}


class Slow(Predictor):
    """A predictor that remembers what it was asked together, and is done when told to go on."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[list[str]] = []
        self.go = asyncio.Event()

    async def judge(self, texts: Sequence[str]) -> list[Judgement | None]:
        self.asked.append(list(texts))
        await self.go.wait()
        if "坏" in texts:
            raise ValueError("坏")
        return [Judgement(((text, 1.0),), None, None, (), (), "slow-1") for text in texts]


async def typing(slow: Slow, *texts: str) -> list["asyncio.Task[Judgement | None]"]:
    """Let people type: the first text is being judged when the others come."""
    waiting = []
    for text in texts:
        waiting.append(asyncio.create_task(slow.suggest(text)))
        await asyncio.sleep(0.01)
    return waiting


async def test_texts_that_come_while_one_is_judged_are_judged_together_and_each_gets_its_own() -> None:
    slow = Slow()
    waiting = await typing(slow, "一", *map(str, range(TOGETHER + 1)))

    slow.go.set()
    judged = await asyncio.gather(*waiting)

    assert [one.categories[0][0] for one in judged if one] == ["一", *map(str, range(TOGETHER + 1))]
    assert [len(asked) for asked in slow.asked] == [1, TOGETHER, 1]


async def test_who_stops_waiting_for_a_suggestion_is_not_judged_and_harms_nobody() -> None:
    slow = Slow()
    first, gone, other = await typing(slow, "一", "二", "三")

    gone.cancel()
    slow.go.set()

    assert [(await first) is None, (await other) is None] == [False, False]
    assert slow.asked == [["一"], ["三"]]


async def test_a_judgement_that_fails_fails_for_those_who_asked_and_not_for_the_next() -> None:
    slow = Slow()
    slow.go.set()
    told = await asyncio.gather(*await typing(slow, "坏"), return_exceptions=True)

    assert isinstance(told[0], ValueError)
    assert (await slow.suggest("好")) is not None


@pytest.mark.parametrize(
    ("title", "text", "said"),
    [
        ("学府路路灯不亮", "学府路路灯不亮，三天了", "学府路路灯不亮，三天了"),  # the title was taken from the text
        ("路灯", "\n学府路路灯不亮", "路灯\n\n学府路路灯不亮"),
        ("", "学府路路灯不亮", "学府路路灯不亮"),
        (" 求助 ", "学府路路灯不亮", "求助\n学府路路灯不亮"),
    ],
)
def test_the_model_does_not_read_twice_what_the_title_only_repeats(title: str, text: str, said: str) -> None:
    assert spoken(title, text) == said
