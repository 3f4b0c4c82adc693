"""Learning from work: what was kept is learned, what is confidential is not, and few questions go to a person."""

import os
import random
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import pytest

from classifier import registry, train
from classifier.corpus import Example
from classifier.linear import Manner
from dispatch import actions as do
from dispatch.model import Actor, ReturnReason, Role
from dispatch.routing import experience as weighed
from dispatch.rulebook import Closed
from hotline import experience, learning, tickets
from hotline.db import Pool, connection
from hotline.desk import Desk
from hotline.errors import BadInput, Forbidden, NotFound
from hotline.web import words
from tests.city import AGENT, DISPATCHER, NOW, Clock, add_people, handler, intake, small_desk

ANALYST = Actor("analyst", Role.ANALYST, "hotline")
PLACES = "东南西北中前后左右上下大小新老高低长短红蓝白黑金木水火土山"


@pytest.fixture
async def clock() -> Clock:
    return Clock()


@pytest.fixture
async def desk(pool: Pool, clock: Clock) -> AsyncIterator[Desk]:
    async with small_desk(pool, clock=clock) as desk:
        yield desk


async def kept(desk: Desk, text: str, category: str, **values: Any) -> int:
    """Return a ticket that the hotline answered at once, so that its category held."""
    opened = await tickets.open_ticket(desk, intake(text=text, **values), AGENT)
    await tickets.act(desk, opened.ticket_id, do.Amend(category=category, reason="核实"), DISPATCHER)
    await tickets.act(desk, opened.ticket_id, do.Answer(text="已答复"), DISPATCHER)
    return opened.ticket_id


async def learned(desk: Desk) -> dict[int, dict[str, Any]]:
    rows = await desk.store.fetch("learned_tickets", most=100)
    return {row["id"]: learning._example(row) for row in rows}


async def test_what_was_kept_to_the_end_is_an_example(desk: Desk) -> None:
    id_ = await kept(desk, "学府路路灯不亮", "050902")
    still_open = await tickets.open_ticket(desk, intake(category="050901"), AGENT)

    found = await learned(desk)

    assert still_open.ticket_id not in found
    assert (found[id_]["category"], found[id_]["weight"], found[id_]["refused"]) == ("050902", 1.0, "")


async def test_what_is_confidential_is_not_learned(desk: Desk) -> None:
    await kept(desk, "举报邻居", "050902", confidential=True)

    assert await learned(desk) == {}


async def test_what_was_sent_back_and_then_kept_elsewhere_is_a_counter_example_that_counts_double(desk: Desk) -> None:
    id_ = (await tickets.open_ticket(desk, intake(text="灯", category="050901"), AGENT)).ticket_id
    asked = do.AskReturn(
        assignment=1, reason_code=ReturnReason.WRONG_DUTY, reason="不是路面", basis="三定", suggested="cgj"
    )
    await tickets.act(desk, id_, asked, handler("jtj"))
    await tickets.act(desk, id_, do.Decide(request=1, approve=True, answer="同意"), DISPATCHER)
    await tickets.act(desk, id_, do.Amend(category="050902", reason="是路灯"), DISPATCHER)
    await tickets.act(desk, id_, do.Answer(text="已修复"), DISPATCHER)

    example = (await learned(desk))[id_]

    assert (example["category"], example["refused"], example["weight"]) == (
        "050902",
        "050901",
        learning.RETURNED_WEIGHT,
    )


async def test_experience_counts_what_was_kept_returned_and_rerouted(desk: Desk, clock: Clock) -> None:
    returned = (await tickets.open_ticket(desk, intake(category="050901", area="0102"), AGENT)).ticket_id
    asked = do.AskReturn(
        assignment=1, reason_code=ReturnReason.WRONG_DUTY, reason="不是", basis="三定", suggested="cgj"
    )
    await tickets.act(desk, returned, asked, handler("jtj"))
    await tickets.act(desk, returned, do.Decide(request=1, approve=True, answer="同意"), DISPATCHER)
    accepted = (await tickets.open_ticket(desk, intake(category="050901", area="02"), AGENT)).ticket_id
    await tickets.act(desk, accepted, do.Accept(assignment=1), handler("jtj"))
    recalled = (await tickets.open_ticket(desk, intake(category="050901", area="0102"), AGENT)).ticket_id
    await tickets.act(desk, recalled, do.Recall(assignment=1, reason="派错"), DISPATCHER)
    await tickets.act(desk, recalled, do.Dispatch(lead="cgj"), DISPATCHER)

    await experience.count_anew(desk)
    await experience.count_anew(desk)  # counts anew, not once more

    rulebook = await desk.rulebook()
    known = await experience.known(desk, ["050901"])
    here = known.of("050901", "0101", rulebook)["jtj"]
    assert (here.returned, here.rerouted, here.kept) == (1.0, 1.0, 0.25)  # the kept one was in another county
    clock.now += timedelta(days=182)
    later = (await experience.known(desk, ["050901"])).of("050901", "02", rulebook)
    assert later["jtj"].kept == pytest.approx(0.5)
    assert weighed((), "0101", rulebook) == {}


async def test_what_was_kept_as_a_kind_that_is_closed_teaches_its_successor(desk: Desk) -> None:
    rulebook = await desk.rulebook()
    lamps, noise = (
        replace(rulebook.categories[code], closed_from=NOW.date(), successor=successor)
        for code, successor in (("050902", "050901"), ("051002", ""))
    )
    kept = {code: one for code, one in rulebook.categories.items() if code not in {"050902", "051002"}}
    later = replace(rulebook, categories=kept, closed=Closed(categories={"050902": lamps, "051002": noise}))
    told = [
        {"category": "050902", "refused": "050901"},
        {"category": "051002", "refused": ""},
        {"category": "010203", "refused": "050902"},
    ]

    found = list(learning._of_today(told, later))

    assert found == [{"category": "050901", "refused": ""}, {"category": "010203", "refused": "050901"}]


# --- labels -----------------------------------------------------------------------------------------------------------


async def asked_about(desk: Desk, id_: int, reason: str = "uncertain", worth: float = 0.5) -> None:
    asked = [{"key": str(id_), "reason": reason, "worth": worth, "guesses": [["050902", 0.4], ["050901", 0.3]]}]
    await desk.store.execute("ask_labels", asked=asked, at=desk.now())


async def test_a_label_is_kept_with_who_and_when_and_counts_most(desk: Desk) -> None:
    await add_people(desk)
    id_ = (await tickets.open_ticket(desk, intake(text="不知是灯是坑"), AGENT)).ticket_id
    await asked_about(desk, id_)
    assert [row["ticket_id"] for row in await learning.waiting(desk, ANALYST)] == [id_]

    await learning.label(desk, id_, "050901", ANALYST)
    await learning.label(desk, id_, "050902", ANALYST)  # thought better of it

    assert await learning.waiting(desk, ANALYST) == []
    example = (await learned(desk))[id_]
    assert (example["category"], example["weight"]) == ("050902", learning.LABELLED_WEIGHT)
    trail = await desk.store.fetch("audit_of_ticket", ticket_id=id_)
    assert [(row["person"], row["what"], row["facts"]["category"]) for row in trail] == [
        ("analyst", "label", "050902"),
        ("analyst", "label", "050901"),
    ]


async def test_a_label_is_a_leaf_of_a_ticket_that_was_asked_about(desk: Desk) -> None:
    await add_people(desk)
    id_ = (await tickets.open_ticket(desk, intake(), AGENT)).ticket_id

    with pytest.raises(NotFound):
        await learning.label(desk, id_, "050902", ANALYST)
    await asked_about(desk, id_)
    for wrong in ("0509", "999999"):
        with pytest.raises(BadInput, match="category"):
            await learning.label(desk, id_, wrong, ANALYST)
    with pytest.raises(Forbidden):
        await learning.label(desk, id_, "050902", AGENT)


async def test_no_more_are_asked_about_in_a_month_than_can_be_answered_with_care(desk: Desk, clock: Clock) -> None:
    ids = [(await tickets.open_ticket(desk, intake(text=f"第{at}件"), AGENT)).ticket_id for at in range(60)]
    teaching = [{"key": str(id_), "reason": "uncertain", "worth": 0.5, "guesses": []} for id_ in ids]
    asked = [0]

    for night in range(30):
        hour = timedelta(hours=night % 3)  # a night begins at two, three or four
        await learning._ask(desk, teaching[asked[-1] :][:10], clock.now + timedelta(days=night) + hour)
        await learning._ask(desk, teaching[-5:], clock.now + timedelta(days=night) + hour)  # by hand, once more
        asked.append(len(await learning.waiting(desk, ANALYST)))

    assert asked[-1] == learning.ASKED_A_MONTH
    assert max(late - early for early, late in pairwise(asked)) <= 2
    assert [asked[week] for week in (7, 14, 21, 28)] == [10, 20, 30, 40]  # and something is left for the last week


async def test_drift_is_told_to_the_analysts_once_a_week(desk: Desk, clock: Clock, pool: Pool) -> None:
    drift = {"classes": {"index": 0.3, "moved": []}, "words": {}}
    for days in (0, 1, 7):
        await learning._tell_drift(desk, drift, clock.now + timedelta(days=days))
    await learning._tell_drift(desk, {"classes": {}, "words": {}}, clock.now + timedelta(days=14))

    async with connection(pool) as lent:
        found = await lent.fetch("SELECT role, kind FROM notices WHERE kind = 'alarm_drift'")
    assert [tuple(row) for row in found] == [("analyst", "alarm_drift")] * 2


# --- the night --------------------------------------------------------------------------------------------------------


async def test_one_worker_learns_a_night_and_only_at_night(desk: Desk, clock: Clock, tmp_path: Path) -> None:
    assert await learning.nightly(desk, tmp_path, "w1") == 0  # ten in the morning

    clock.now = datetime(2026, 11, 23, 19, 0, tzinfo=UTC)  # three at night in Fujian
    assert await learning.nightly(desk, tmp_path, "w1") == 1
    assert await learning.nightly(desk, tmp_path, "w2") == 0

    (lesson,) = await learning.lessons(desk, ANALYST)
    assert lesson["verdict"] == "failed"  # there is no model to beat in the empty folder
    assert "no active model" in lesson["facts"]["why"]
    assert "没有训练成功" in words.lesson(dict(lesson))


async def test_a_night_that_was_broken_off_says_so(desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine runs short of memory, and the process that learns is killed."""
    monkeypatch.setattr("hotline.predictor.challenged", _killed)

    assert (await learning.learn(desk, tmp_path, lambda _: None))["verdict"] == "failed"

    (lesson,) = await learning.lessons(desk, ANALYST)
    assert "BrokenProcessPool" in lesson["facts"]["why"]


def _killed(*_: object) -> None:
    os._exit(9)


async def test_a_city_that_calls_things_otherwise_teaches_a_better_model_which_is_then_in_use(
    desk: Desk, pool: Pool, tmp_path: Path
) -> None:
    """Here 路灯 belongs to 051002; the champion does not know that, two months of kept tickets do."""
    told = [
        Example(f"{PLACES[at % 29]}边的{word}{PLACES[at * 7 % 29]}坏了{at}", code)
        for word, code in (("路灯", "050902"), ("路面", "050901"))
        for at in range(40)
    ]
    champion = train.train(told, train.Setting(manner=Manner(folds=2)))
    registry.save(tmp_path, champion, {})
    registry.activate(tmp_path, champion.version)
    await _fill(pool, number=400)

    lesson = await learning.learn(desk, tmp_path, lambda _: None)

    assert (lesson["verdict"], lesson["champion"]) == ("won", champion.version)
    assert registry.active_version(tmp_path) == lesson["challenger"]
    assert lesson["facts"]["challenger_right"] > lesson["facts"]["champion_right"]
    assert "已启用" in words.lesson(lesson)
    (kept_lesson,) = await learning.lessons(desk, ANALYST)
    assert kept_lesson["activated"]


async def _fill(pool: Pool, *, number: int) -> None:
    """Write closed tickets of two months, as the service would have left them; no two nearly repeat each other."""
    dice = random.Random(7)  # noqa: S311 - the same city at every run
    rows = []
    for at in range(number):
        received = NOW - timedelta(days=60 * (number - at) / number)
        word, category = (("路灯", "051002"), ("路面", "050901"))[at % 2]
        text = "".join(dice.choices(PLACES, k=10)) + word + "".join(dice.choices(PLACES, k=10))
        rows.append((int(f"{received:%y%m%d%H%M%S}") * 1_000_000 + at, category, received, text))
    async with connection(pool) as lent:
        await lent.executemany(
            "INSERT INTO tickets (id, version, state, type, urgency, category, outcome, received_at, entered_at,"
            " channel, source, title, text, opened_by, judged)"
            " VALUES ($1, 3, 'closed', 'help', 'normal', $2, 'answered', $3, $3, 'phone', 'local', '', $4, 'x', true)",
            rows,
        )


KILLED_AT_NIGHT = """
import multiprocessing, os, time
from concurrent.futures import ProcessPoolExecutor
from hotline import predictor

if __name__ == "__main__":
    pool = ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"), initializer=predictor.stand_back)
    print(pool.submit(os.getpid).result(), flush=True)
    time.sleep(60)
"""


def test_who_learns_at_night_ends_with_the_worker_that_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "killed.py"
    script.write_text(KILLED_AT_NIGHT)
    there = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    with subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True, env=there) as worker:
        assert worker.stdout
        learner = int(worker.stdout.readline())
        worker.kill()

    until = monotonic() + 20
    while is_alive(learner) and monotonic() < until:
        sleep(0.05)

    assert not is_alive(learner)


def is_alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and was not asked for its end yet does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False
