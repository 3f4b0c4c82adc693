"""`hotline demo`: everything on one machine, for whoever wants to see it first; the data stay for the next time.

Starts the servers that come with the packages, founds the demonstration city, trains a first classifier, lets a day
of complaints in through the service, and serves pages with a worker beside them. Made for trying, not for a city:
the passwords are printed on the screen.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import secrets
import string
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from time import perf_counter

from dispatch.model import Role
from dispatch.worktime import ZONE
from hotline import auth, exchange, knowledge, office, predictor, serving, simulation, worker
from hotline.app import Engines, engines, open_desk
from hotline.config import Config
from hotline.desk import Desk
from hotline.errors import BadInput

Say = Callable[[str], None]
PASSWORD_FILE = "demo-password"  # noqa: S105 - the name of a file

PEOPLE = (
    auth.Person(id="agent1", name="林晓", role=Role.AGENT, department="hotline"),
    auth.Person(id="dispatch1", name="陈立", role=Role.DISPATCHER, department="hotline"),
    auth.Person(id="visit1", name="吴芳", role=Role.FOLLOW_UP, department="hotline"),
    auth.Person(id="supervise1", name="黄敏", role=Role.SUPERVISOR, department="hotline"),
    auth.Person(id="analyst1", name="苏颖", role=Role.ANALYST, department="hotline"),
    auth.Person(id="admin1", name="郑强", role=Role.ADMINISTRATOR, department="hotline"),
    auth.Person(id="water1", name="江涛", role=Role.HANDLER, department="shu"),
    auth.Person(id="county1", name="许静", role=Role.HANDLER, department="q01"),
    auth.Person(id="head1", name="周海", role=Role.HEAD, department="q01"),
    auth.Person(id="town1", name="曾勇", role=Role.HANDLER, department="q0103"),
)
TRY_FIRST = (
    "agent1      接电话：打开“登记”，在另一个终端运行 hotline call 13800000000，按 F2 接听",
    "            写“身份证丢了怎么补办”，按 F4 取知识库的答复，按 F9 登记办结",
    "群众        打开 /matter：反映、凭单号和查询码查询、评价，不用登录",
    "dispatch1   派单：待派单、批量派单、待审批申请、研判",
    "county1     承办：签收、先行联系、二级派单、答复",
    "visit1      审核与回访：不满意的可以重办",
    "supervise1  督办：催办、督办单、指定承办",
)


async def run(config: Config, say: Say, *, tickets_of_the_day: int) -> int:
    """Serve the demonstration until Ctrl-C; what is there from the last time is kept."""
    if config.database_url:
        raise BadInput("HOTLINE_DATABASE_URL", "set", "is for a city's own data", "`hotline demo` without it")
    began = perf_counter()
    with engines(config, say) as found_engines:
        async with open_desk(found_engines, config) as desk:
            password = await _prepare(desk, found_engines, config, say, tickets_of_the_day)
            async with serving.listening(desk, config):
                task = asyncio.create_task(worker.run(desk, "demo", config))
                _invite(config, password, say, perf_counter() - began)
                await serving.stopped()
                say("stopping")
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task
    say("stopped; the data stay for the next time")
    return 0


async def _prepare(desk: Desk, found: Engines, config: Config, say: Say, number: int) -> str:
    """Do what the first run does; each part is done once and found the next time."""
    password = _password(config.home)
    if not await office.is_founded(desk):
        say("founding the demonstration city 榕溪市")
        await office.found(desk, office.demonstration_city(), by="hotline demo")
    known = {row.id for row in await auth.people(desk)}
    for person in PEOPLE:
        if person.id not in known:
            await auth.create_person(desk, person, password)
    if not await desk.store.fetch_value("knowledge_stamp"):
        await _write_knowledge(desk, say)
    await _train(config, say)
    await serving.load_model(desk, say)
    if not await desk.store.fetch("ticket_ids", after=0, most=1):
        await _first_day(desk, found, config, say, number)
    return password


async def _write_knowledge(desk: Desk, say: Say) -> None:
    """Let one of the demonstration's people write its answers, and another publish them."""
    found = await knowledge.compare(desk, knowledge.demonstration(), reason="演示城市的知识库")
    drafted = await knowledge.take_in(desk, found, await auth.actor(desk, "analyst1"))
    await knowledge.publish_some(desk, drafted, await auth.actor(desk, "supervise1"))
    say(f"wrote {len(drafted)} answers into the knowledge base")


def _password(home: Path) -> str:
    """Return the password of the demonstration, made on the first run and kept beside the data."""
    file = home / PASSWORD_FILE
    if not file.exists():
        alphabet = string.ascii_lowercase + string.digits
        file.touch(mode=0o600)
        file.write_text("".join(secrets.choice(alphabet) for _ in range(10)), "utf-8")
    return file.read_text("utf-8").strip()


async def _train(config: Config, say: Say) -> None:
    """Train the first classifier, in a process of its own so that nothing waits for it."""
    if (config.models / "active").exists():
        return
    say("training the first classifier on the shipped corpus")
    began = perf_counter()
    with ProcessPoolExecutor(1) as processes:
        version = await asyncio.get_running_loop().run_in_executor(processes, predictor.train_first, config.models)
    say(f"trained model {version} in {perf_counter() - began:.0f} s")


async def _first_day(desk: Desk, found: Engines, config: Config, say: Say, number: int) -> None:
    """Let the city live through the last days, then import this morning's complaints from a file."""
    now = desk.now()
    say(f"letting {number} tickets a day live through the last five days")
    simulated = simulation.Report(days=5, tickets_per_day=number, seed=1)
    async with open_desk(found, config, clock=simulation.simulated_now) as past:
        past.predictor = desk.predictor
        await simulation.play(past, simulated, say, start=now - timedelta(days=5))
    file = config.home / "morning.jsonl"
    _write_morning(file, number, now)
    say(f"importing a morning of {number} complaints from {file}")
    await exchange.import_file(desk, file, source="demo-morning", say=say)


def _write_morning(file: Path, number: int, now: datetime) -> None:
    """Write a file of `number` complaints of this morning, as another system would send it."""
    dice = random.Random(12345)
    texts = simulation.stories()
    with file.open("w", encoding="utf-8") as target:
        for index in range(number):
            story = dice.choice(texts)
            at = now - timedelta(minutes=number - index)
            row = {
                "编号": f"M{now:%Y%m%d}{index:05}",
                "内容": story.text,
                "类型": story.type.chinese,
                "紧急程度": story.urgency.value,
                "区域": story.area or "",
                "渠道": dice.choice(("网站", "微信", "APP", "省平台")),
                "时间": at.astimezone(ZONE).strftime("%Y-%m-%d %H:%M:%S"),
                "姓名": simulation.a_name(dice),
                "电话": simulation.a_phone(dice),
            }
            target.write(json.dumps(row, ensure_ascii=False) + "\n")


def _invite(config: Config, password: str, say: Say, seconds: float) -> None:
    say("")
    say(f"ready after {seconds:.0f} s: {serving.address(config)}")
    say(f"the password of every log-in is {password}")
    for person in PEOPLE:
        say(f"  {person.id:<11} {person.role.chinese} {person.name}（{person.department}）")
    say("what to try first:")
    for line in TRY_FIRST:
        say(f"  {line}")
    say("Ctrl-C stops everything")
