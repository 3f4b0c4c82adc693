"""A simulated city: callers, agents, departments and supervisors play against the real service with a clock of its own.

Everybody goes through the same door as real people, `tickets`. Departments behave like real ones: some sign late,
some return what is theirs, some answer with nothing in it. The same seed plays the same lives. It is the demo's
engine and the load test's: afterwards every invariant of the house is checked on what lies in the database.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import json
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from importlib import resources
from time import perf_counter
from typing import Any

from dispatch import actions as do
from dispatch.errors import DispatchError, IllegalAction, RuleBroken
from dispatch.history import replay
from dispatch.lifecycle import must_be_told, work_due
from dispatch.model import (
    Actor,
    Assignment,
    AssignmentState,
    Caution,
    Channel,
    Contact,
    Decision,
    Duty,
    ExemptionGround,
    Level,
    Line,
    Order,
    OrderState,
    Outcome,
    PauseReason,
    Request,
    ReturnReason,
    Role,
    Rung,
    Satisfaction,
    Ticket,
    TicketState,
    TicketType,
    Urgency,
)
from dispatch.routing import matching_row
from dispatch.rulebook import COUNTY, Rulebook
from hotline import cards, embedded, office, reports, serving, tickets
from hotline.app import Engines, open_desk
from hotline.config import Config
from hotline.desk import Desk

Say = Callable[[str], None]
START = datetime(2026, 3, 1, 16, 0, tzinfo=UTC)  # midnight of Monday, 2 March 2026 in Fujian
TOGETHER = timedelta(minutes=5)
"""Steps of different tickets that lie this close are taken at once; each still sees its own moment."""
AT_ONCE = 24
_moment: ContextVar[datetime] = ContextVar("simulated_moment", default=START)


@dataclass(frozen=True, slots=True)
class Story:
    """One text of the corpus with what it truly is."""

    text: str
    category: str
    type: TicketType
    urgency: Urgency
    area: str | None
    department: str


@dataclass
class Report:
    """What happened, and what the checks found."""

    days: int
    tickets_per_day: int
    seed: int
    tickets: int = 0
    seconds: float = 0.0
    actions: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    states: dict[str, int] = field(default_factory=dict)
    outcomes: dict[str, int] = field(default_factory=dict)
    findings: dict[str, int] = field(default_factory=dict)
    invariants: dict[str, int] = field(default_factory=dict)
    cards: int = 0

    @property
    def is_sound(self) -> bool:
        """Whether no invariant is broken."""
        return not any(self.invariants.values())

    def lines(self) -> Iterator[str]:
        """Say it for people."""
        acts = sum(self.actions.values())
        yield f"{self.tickets} tickets over {self.days} days, {acts} actions in {self.seconds:.0f} s"
        yield "states: " + _listed(self.states)
        yield "outcomes: " + _listed(self.outcomes)
        yield "actions: " + _listed(self.actions)
        yield "refused by a rule: " + _listed(self.refused)
        yield "found by the watcher: " + _listed(self.findings)
        yield f"deadline cards kept while it was played: {self.cards}"
        for name, broken in self.invariants.items():
            yield f"{'ok    ' if not broken else 'BROKEN'} {name}: {broken}"


SAME_CARDS = "every card that was kept while it was played comes again from the events"
KEEP_ONE_IN = 20
"""Of so many acts the cards are kept, to be made again at the end."""


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {number}" for name, number in sorted(counts.items(), key=lambda item: -item[1])) or "none"


def run(config: Config, *, days: int, tickets_per_day: int, seed: int, as_json: bool, say: Say) -> int:
    """Play a fresh city on servers of its own, print what happened, and return 1 if an invariant is broken."""
    report = Report(days, tickets_per_day, seed)
    with embedded.temporary(say, durable=True) as urls:
        engines = Engines(urls.database, urls.redis, embedded.personal_data_keys(config.home))
        serving.run_loop(_run(engines, config, report, (lambda _text: None) if as_json else say))
    if as_json:
        shown = dict(vars(report)) | {"is_sound": report.is_sound}
        say(json.dumps(shown, ensure_ascii=False))
    else:
        for line in report.lines():
            say(line)
    return 0 if report.is_sound else 1


async def _run(engines: Engines, config: Config, report: Report, say: Say) -> int:
    async with open_desk(engines, config, clock=_moment.get) as desk:
        await office.found(desk, office.demonstration_city(), by="simulation")
        await play(desk, report, say)
    return 0


async def play(desk: Desk, report: Report, say: Say, *, start: datetime = START) -> None:
    """Let the city live for `report.days` from `start`; the desk's clock must be `simulated_now`."""
    began = perf_counter()
    city = City(desk, await desk.rulebook(), report, stories())
    await city.live(start, say)
    report.seconds = perf_counter() - began
    say(f"checking every invariant on {report.tickets} tickets")
    report.invariants = await reports.invariants(desk, city.acknowledged)
    report.cards = len(city.cards)
    report.invariants[SAME_CARDS] = await city.differing_cards()
    report.states, report.outcomes, report.findings = await reports.tallies(desk)


def simulated_now() -> datetime:
    """Return the moment that the present step of the simulation takes for now."""
    return _moment.get()


def stories() -> tuple[Story, ...]:
    """Return the texts of the shipped corpus."""
    folder = resources.files("classifier") / "data" / "corpus"
    lines = (
        line
        for file in sorted(folder.iterdir(), key=lambda one: one.name)
        if file.name.endswith(".jsonl")
        for line in file.read_text("utf-8").splitlines()
    )
    return tuple(_story(json.loads(line)) for line in lines if line.strip())


def _story(row: Mapping[str, Any]) -> Story:
    return Story(
        text=row["text"],
        category=row["category"],
        type=TicketType.of(row["type"]),
        urgency=Urgency.of(row["urgency"]),
        area=row["area"] or None,
        department=row["department"],
    )


AGENT = Actor("agent1", Role.AGENT, "hotline", "林晓")
DISPATCHER = Actor("dispatch1", Role.DISPATCHER, "hotline", "陈立")
SUPERVISOR = Actor("supervise1", Role.SUPERVISOR, "hotline", "黄敏")
INTERVIEWER = Actor("visit1", Role.FOLLOW_UP, "hotline", "吴芳")

_SURNAMES = "陈林黄张吴李郑王刘蔡杨许郭周曾沈苏叶庄江"
_GIVEN = (
    "志强",
    "丽华",
    "建国",
    "秀英",
    "伟",
    "芳",
    "小明",
    "玉兰",
    "国平",
    "淑珍",
    "海燕",
    "永辉",
    "美玲",
    "文斌",
    "雪梅",
    "金水",
    "阿珠",
    "红霞",
    "俊杰",
    "桂花",
)


def a_name(dice: random.Random) -> str:
    """Return an invented name."""
    return dice.choice(_SURNAMES) + dice.choice(_GIVEN)


def a_phone(dice: random.Random) -> str:
    """Return an invented mobile number."""
    return f"13{dice.randrange(10**9):09}"


class City:
    """Everybody who lives in the simulation, and their diary."""

    def __init__(self, desk: Desk, rulebook: Rulebook, report: Report, texts: Sequence[Story]) -> None:
        self.desk, self.rulebook, self.report = desk, rulebook, report
        self.texts = [story for story in texts if story.department in rulebook.departments]
        self.acknowledged: list[int] = []
        self.open_by_category: dict[str, int] = {}
        self.touched: set[int] = set()
        self.cards: list[tuple[int, int, datetime, str]] = []
        self._diary: list[tuple[datetime, int, Step]] = []
        self._order = itertools.count()
        self._slow = {code: random.Random(f"{report.seed}/{code}").random() for code in rulebook.departments}

    async def keep_cards(self, ticket: Ticket) -> None:
        """Keep what the deadline cards of a ticket say right now, made from the ticket as it stands."""
        at = self.desk.now()
        self.cards.append((ticket.id, ticket.version, at, cards.digest(await cards.cards_of(self.desk, ticket, at=at))))

    async def differing_cards(self) -> int:
        """Return how many of the kept cards are not the same when they are made again from the events alone."""
        differing = 0
        for id_, version, at, kept in self.cards:
            events = await self.desk.store.fetch("events", ticket_id=id_, since=0)
            ticket = replay(event["changes"] for event in events if event["number"] <= version)
            differing += cards.digest(await cards.cards_of(self.desk, ticket, at=at)) != kept
        return differing

    def laxity(self, department: str) -> float:
        """How slowly and carelessly a department works, 0 to 1; it stays so."""
        return self._slow[department]

    async def live(self, start: datetime, say: Say) -> None:
        """Take every step in the order of its moment, those close together at once."""
        end = start + timedelta(days=self.report.days)
        for at, number in self._arrivals(start):
            self._note(at, Life(self, number).begin)
        self._note(start, self._watch)
        day = start
        while self._diary and self._diary[0][0] < end:
            first = self._diary[0][0]
            if first >= day:
                say(f"day {(first - start).days + 1} of {self.report.days}: {self.report.tickets} tickets so far")
                day = start + timedelta(days=(first - start).days + 1)
            batch = self._next_batch(first + TOGETHER)
            await asyncio.gather(*(asyncio.create_task(self._take(at, step)) for at, _, step in batch))
        _moment.set(end)

    def _next_batch(self, until: datetime) -> list[tuple[datetime, int, Step]]:
        """Take the next steps out of the diary; the watcher's is taken alone, so that the same seed sees the same."""
        batch = [heapq.heappop(self._diary)]
        while batch[0][2] != self._watch and self._diary and len(batch) < AT_ONCE:
            if self._diary[0][0] > until or self._diary[0][2] == self._watch:
                break
            batch.append(heapq.heappop(self._diary))
        return batch

    def _note(self, at: datetime, step: Step) -> None:
        heapq.heappush(self._diary, (at, next(self._order), step))

    async def _take(self, at: datetime, step: Step) -> None:
        _moment.set(at)
        following = await step()
        if following is not None:
            self._note(max(following[0], at), following[1])

    def _arrivals(self, start: datetime) -> Iterator[tuple[datetime, int]]:
        """Calls come mostly by day: about one in nine of a day's in its busiest hour."""
        rng = random.Random(f"{self.report.seed}/arrivals")
        hours = [1, 1, 1, 1, 1, 2, 4, 7, 11, 12, 11, 8, 6, 7, 10, 11, 10, 8, 6, 6, 5, 4, 3, 2]
        number = itertools.count(1)
        for day in range(self.report.days):
            moments = sorted(
                rng.choices(range(24), hours)[0] * 3600 + rng.randrange(3600)
                for _ in range(self.report.tickets_per_day)
            )
            for second in moments:
                yield start + timedelta(days=day, seconds=second), next(number)

    async def _watch(self) -> tuple[datetime, Step]:
        """The worker: judge what nobody judged, look at what is due, deliver notices."""
        from hotline import worker

        while await tickets.judge(self.desk) or await tickets.look(self.desk):
            pass
        await worker.deliver(self.desk)
        return self.desk.now() + timedelta(minutes=10), self._watch


_UNSETTLED = {OrderState.OPEN, OrderState.ANSWERED}
Step = Callable[[], Awaitable["tuple[datetime, Step] | None"]]


class Life:
    """One matter from the call to its end, with dice of its own."""

    def __init__(self, city: City, number: int) -> None:
        self.city = city
        self.dice = random.Random(f"{city.report.seed}/{number}")
        self.story = self.dice.choice(city.texts)
        self.number = number
        self.ticket_id = 0
        self.given_up: set[str] = set()
        self._last: Ticket | None = None

    def chance(self, share: float) -> bool:
        return self.dice.random() < share

    # --- the call ---

    async def begin(self) -> tuple[datetime, Step] | None:
        """A caller tells the story, and an agent or the website takes it."""
        opened = await tickets.open_ticket(self.city.desk, self._intake(), AGENT)
        self.ticket_id = opened.ticket_id
        self.city.acknowledged.append(opened.ticket_id)
        self.city.report.tickets += 1
        self.city.report.actions["open"] += 1
        return self._in(minutes=self.dice.randint(1, 25))

    def _intake(self) -> tickets.Intake:
        story, dice = self.story, self.dice
        by_phone = self.chance(0.85)
        anonymous = self.chance(0.05)
        return tickets.Intake(
            text=story.text,
            type=story.type,
            urgency=story.urgency,
            category=story.category if by_phone and self.chance(0.6) else None,
            area=story.area or dice.choice([area for area in self.city.rulebook.areas if len(area) == 4]),
            channel=Channel.PHONE if by_phone else dice.choice((Channel.WEBSITE, Channel.WECHAT, Channel.APP)),
            confidential=self.chance(0.02),
            name="" if anonymous else a_name(dice),
            phone="" if anonymous else a_phone(dice),
            address="" if anonymous else f"幸福路{dice.randint(1, 200)}号{dice.randint(1, 30)}栋",
        )

    # --- what comes next ---

    def _in(self, *, minutes: float) -> tuple[datetime, Step]:
        return self.city.desk.now() + timedelta(minutes=round(minutes)), self.next

    def _office_in(self, hours: float) -> tuple[datetime, Step]:
        calendar = self.city.rulebook.calendar
        return calendar.add(self.city.desk.now(), timedelta(hours=round(hours, 2) + 0.01)), self.next

    async def next(self) -> tuple[datetime, Step] | None:
        """Take the next step of whoever's turn it is; a rule that forbids it is counted, and another way is tried."""
        ticket = await self._known()
        try:
            return await self._turn(ticket)
        except RuleBroken as error:
            self.city.report.refused[error.rule.value] += 1
        except IllegalAction:
            self.city.report.refused["moved_meanwhile"] += 1
        return self._in(minutes=30)

    async def _known(self) -> Ticket:
        """Read the ticket again only when somebody else may have moved it: a merge, a refusal, a rung that came due."""
        if self._last is None or self.ticket_id in self.city.touched or self._is_late(self._last):
            self.city.touched.discard(self.ticket_id)
            self._last = (await self.city.desk.store.file(self.ticket_id)).ticket
        return self._last

    def _is_late(self, ticket: Ticket) -> bool:
        now = self.city.desk.now()
        return any(clock.is_overdue(now) for clock in ticket.running())

    async def _turn(self, ticket: Ticket) -> tuple[datetime, Step] | None:
        turns: Mapping[TicketState, Callable[[Ticket], Awaitable[tuple[datetime, Step] | None]]] = {
            TicketState.RECEIVED: self._received,
            TicketState.ANALYSIS: self._analysis,
            TicketState.HANDLING: self._handling,
            TicketState.REVIEW: self._review,
            TicketState.FOLLOW_UP: self._follow_up,
            TicketState.CLOSED: self._closed,
        }
        return await turns[ticket.state](ticket)

    async def _act(self, action: do.Action, actor: Actor) -> Ticket:
        before, self._last = self._last, None
        try:
            after = await tickets.act(self.city.desk, self.ticket_id, action, actor)
        except DispatchError:
            self.given_up.add(action.name)
            raise
        if isinstance(action, do.Merge):
            self.city.touched.add(action.into)
        if isinstance(action, do.Unmerge) and before and before.merged_into:
            self.city.touched.add(before.merged_into)
        self._last = after
        self.city.report.actions[action.name] += 1
        if (self.number * 7 + after.version) % KEEP_ONE_IN == 0:
            await self.city.keep_cards(after)
        return after

    # --- the hotline ---

    async def _received(self, ticket: Ticket) -> tuple[datetime, Step] | None:
        if not ticket.returns and (ending := self._ending(ticket)):
            await self._act(*ending)
            return self._in(minutes=60)
        other = self.city.open_by_category.get(self.story.category)
        if other and other != self.ticket_id and "merge" not in self.given_up and self.chance(0.04):
            await self._act(do.Merge(into=other, reason="同一地点同一事项"), DISPATCHER)
            return self._in(minutes=300)
        if ticket.category is None:
            await self._act(do.Amend(category=self.story.category, reason="人工确定分类"), DISPATCHER)
        if "dispatch" in self.given_up:
            await self._act(do.Analyse(why="目录单位均已退单"), DISPATCHER)
            return self._in(minutes=120)
        await self._act(self._dispatch(ticket), DISPATCHER)
        self.city.open_by_category[self.story.category] = self.ticket_id
        return self._office_in(self.dice.expovariate(1 / 2))

    def _ending(self, ticket: Ticket) -> tuple[do.Action, Actor] | None:
        """How a matter may end before anybody handles it."""
        if ticket.type in {TicketType.CONSULT, TicketType.PRAISE, TicketType.INVALID} and self.chance(0.5):
            return do.Answer(text="您好，您咨询的事项可在政务服务大厅或网上办理，所需材料已为您说明。"), AGENT
        die = self.dice.random()
        if die < 0.02:
            return do.Refuse(ground=next(iter(self.city.rulebook.refusals)), told="已告知法定途径"), AGENT
        if die < 0.03:
            return do.HandOver(line=Line.POLICE, note="三方通话"), AGENT
        if die < 0.04:
            return do.Withdraw(reason="诉求人自行解决"), AGENT
        return None

    def _dispatch(self, ticket: Ticket) -> do.Dispatch:
        right = self.truth(ticket)
        lead = right
        if self.chance(0.12) or right in ticket.returned_by:
            lead = self.dice.choice([unit for unit in self._units(Level.CITY) if unit not in ticket.returned_by])
        co = [
            unit for unit in self._units(Level.CITY) if self.chance(0.002) and unit not in {lead, *ticket.returned_by}
        ]
        return do.Dispatch(lead=lead, co=tuple(co[:2]), why="按派单目录", override="就近处置更快")

    def truth(self, ticket: Ticket) -> str:
        """Whose duty the matter is by the catalogue; else what the corpus says."""
        rulebook = self.city.rulebook
        row = matching_row(rulebook, self.story.category, ticket.area, ticket.owner)
        county = rulebook.county_of(ticket.area)
        if row and row.lead == COUNTY and county:
            return county.code
        if row and row.lead in rulebook.departments and row.lead != "hotline":
            return row.lead
        return self.story.department if self.story.department != "hotline" else "zsj"

    def _units(self, level: Level) -> list[str]:
        return [unit.code for unit in self.city.rulebook.departments.values() if unit.level is level]

    async def _analysis(self, ticket: Ticket) -> tuple[datetime, Step] | None:
        if ticket.category is None:
            await self._act(do.Amend(category=self.story.category, reason="研判确定分类"), DISPATCHER)
        await self._act(do.Designate(lead=self.truth(ticket), basis="联席研判", override="联席研判决定"), SUPERVISOR)
        return self._office_in(1)

    # --- departments ---

    async def _handling(self, ticket: Ticket) -> tuple[datetime, Step] | None:
        pending = next((request for request in ticket.requests if request.is_pending), None)
        if pending:
            return await self._decide(ticket, pending)
        if ticket.orders and (moved := await self._on_orders(ticket)):
            return moved
        if await self._pressed(ticket):
            return self._office_in(2)
        waiting = [one for one in ticket.assignments if one.is_open]
        # Whoever is nearest to the ground moves first: lower units, then co-handlers, then the lead.
        assignment = max(waiting, key=lambda one: (one.parent is not None, one.duty is Duty.CO, one.number))
        if assignment.state is AssignmentState.SENT:
            return await self._sign(ticket, assignment)
        return await self._work(ticket, assignment)

    async def _decide(self, ticket: Ticket, request: Request) -> tuple[datetime, Step]:
        asker = ticket.assignments[request.assignment - 1]
        rightly = asker.department != self.truth(ticket) if request.kind == "return" else self.chance(0.7)
        parent = ticket.assignments[asker.parent - 1].department if asker.parent else None
        by = self._person(parent, request.approver or Role.HANDLER) if parent else DISPATCHER
        if request.approver is Role.SUPERVISOR:
            by = SUPERVISOR
        await self._act(do.Decide(request=request.number, approve=rightly, answer="经审核，按规定办理"), by)
        return self._office_in(self.dice.expovariate(1 / 2))

    async def _on_orders(self, ticket: Ticket) -> tuple[datetime, Step] | None:
        """Papers of supervision: the unit answers, or claims an excuse; the supervisor checks and decides."""
        for order in ticket.orders:
            unit = ticket.assignments[order.assignment - 1].department
            if order.is_open and self.chance(0.5):
                return await self._answer_order(ticket, order)
            if order.state is OrderState.ANSWERED:
                good = self.chance(0.8)
                check = do.AcceptOrder(order=order.number) if good else None
                await self._act(check or do.ReturnOrder(order=order.number, reason="没有措施和期限"), SUPERVISOR)
                return self._office_in(1)
            if order.exemption is Decision.PENDING:
                decided = do.DecideExemption(order=order.number, approve=self.chance(0.3), answer="经核查")
                await self._act(decided, SUPERVISOR)
                return self._office_in(1)
            if order.exemption is None and self.chance(0.05):
                claim = do.ClaimExemption(order=order.number, ground=ExemptionGround.CIRCUMSTANCE, reason="台风停工")
                await self._act(claim, self._person(unit))
                return self._office_in(2)
        return None

    async def _answer_order(self, ticket: Ticket, order: Order) -> tuple[datetime, Step]:
        unit = ticket.assignments[order.assignment - 1].department
        await self._act(do.AnswerOrder(order=order.number, answer="已安排专人限期办结"), self._person(unit))
        return self._office_in(1)

    async def _pressed(self, ticket: Ticket) -> bool:
        """Supervisors press what is late, and order where pressing did not help."""
        lead = ticket.lead
        due = work_due(ticket, lead.number) if lead else None
        if lead is None or due is None or self.city.desk.now() <= due or not lead.is_open or self.chance(0.7):
            return False
        if ticket.urged_at and not any(order.state in _UNSETTLED for order in ticket.orders):
            await self._act(
                do.Supervise(assignment=lead.number, rung=Rung.ORDER, demand="限期办结并说明原因"), SUPERVISOR
            )
        elif not ticket.urged_at:
            await self._act(do.Urge(assignment=lead.number, note="已超期，请尽快办理"), SUPERVISOR)
        return True

    def _person(self, department: str, role: Role = Role.HANDLER) -> Actor:
        return Actor(f"{department}-{role}", role, department, "承办人")

    async def _sign(self, ticket: Ticket, assignment: Assignment) -> tuple[datetime, Step]:
        department = assignment.department
        wrong = assignment.parent is None and assignment.duty is Duty.LEAD and department != self.truth(ticket)
        if not assignment.designated and "ask_return" not in self.given_up and self.chance(0.85 if wrong else 0.03):
            asked = do.AskReturn(
                assignment=assignment.number,
                reason_code=ReturnReason.WRONG_DUTY,
                reason="该事项不属于我单位职责",
                basis="三定规定",
                suggested=self.truth(ticket) if wrong else None,
            )
            await self._act(asked, self._person(department))
            return self._office_in(self.dice.expovariate(1 / 2))
        if self.chance(self.city.laxity(department) * 0.3):
            return self._office_in(self.dice.expovariate(1 / 6))
        await self._act(do.Accept(assignment=assignment.number), self._person(department))
        return self._office_in(self.dice.expovariate(1 / 3))

    async def _work(self, ticket: Ticket, assignment: Assignment) -> tuple[datetime, Step]:
        number, department = assignment.number, assignment.department
        is_lead = ticket.lead is not None and ticket.lead.number == number
        if is_lead and assignment.contacted_at is None:
            await self._act(do.Reach(assignment=number, how="电话联系诉求人，了解情况"), self._person(department))
            return self._office_in(self.dice.expovariate(1 / 8))
        if is_lead and any(must_be_told(ticket, one) for one in ticket.requests) and self.chance(0.8):
            await self._act(do.Inform(assignment=number, how="电话告知延长的理由和新的期限"), self._person(department))
            return self._office_in(self.dice.expovariate(1 / 4))
        if any(one.is_open_pause and one.assignment == number for one in ticket.requests):
            if self.chance(0.5) and "resume" not in self.given_up:
                await self._act(do.Resume(assignment=number, reason="材料已补齐"), self._person(department))
            return self._office_in(self.dice.expovariate(1 / 8))
        if asked := self._asked(ticket, assignment, is_lead=is_lead):
            self.given_up.add(asked[0].name)
            await self._act(*asked)
            return self._office_in(self.dice.expovariate(1 / 3))
        if self.chance(self.city.laxity(department) * 0.5):
            return self._office_in(self.dice.expovariate(1 / 20))
        await self._act(self._reply(number), self._person(department))
        return self._office_in(self.dice.expovariate(1 / 4))

    def _asked(self, ticket: Ticket, assignment: Assignment, *, is_lead: bool) -> tuple[do.Action, Actor] | None:
        """What a department may ask for, each at most once a matter."""
        number, department = assignment.number, assignment.department
        town = next((unit for unit in self.city.rulebook.departments.values() if unit.area == ticket.area), None)
        below = town and town.parent == department and not any(ticket.children(number))
        departmental = self.city.rulebook.is_departmental(ticket.category)
        if below and town and not departmental and "sub_dispatch" not in self.given_up and self.chance(0.5):
            return do.SubDispatch(assignment=number, departments=(town.code,), note="请现场处置"), self._person(
                department
            )
        die = self.dice.random()
        if die < 0.06 and "ask_extension" not in self.given_up:
            asked = do.AskExtension(assignment=number, working_days=self.dice.randint(2, 10), reason="需要现场施工")
            return asked, self._person(department)
        if 0.06 <= die < 0.07 and "ask_pause" not in self.given_up:
            return self._pause(number), self._person(department)
        if is_lead and die < 0.085 and "ask_promise" not in self.given_up:
            until = self.city.desk.now() + timedelta(days=self.dice.randint(10, 40))
            return do.AskPromise(assignment=number, until=until, measures="分段施工，按期完成"), self._person(
                department
            )
        if is_lead and die < 0.09 and "ask_termination" not in self.given_up:
            asked_end = do.AskTermination(assignment=number, reason="诉求人拒不配合", basis="参照潍坊条例第二十一条")
            return asked_end, self._person(department, Role.HEAD)
        return None

    def _pause(self, number: int) -> do.AskPause:
        code, days = self.dice.choice(list(PauseReason)), self.dice.randint(1, 8)
        return do.AskPause(assignment=number, pause_code=code, working_days=days, reason="等待外部条件")

    def _reply(self, number: int) -> do.Reply:
        empty = self.chance(0.1)
        return do.Reply(
            assignment=number,
            received="您反映的事项已收悉。",
            findings="正在了解。" if empty else "经现场核查，您反映的情况属实。",
            handling="请耐心等待。" if empty else "已责成责任单位整改，现场已恢复。",
            follows="如有疑问请致电 0596-2000000。",
            genuine=True,
            solved=not empty and self.chance(0.8),
            confirmed=tuple(Caution),  # these offices copy what they write, and stand by it
        )

    # --- review, follow-up, rating ---

    async def _review(self, _ticket: Ticket) -> tuple[datetime, Step]:
        if self.chance(0.07):
            await self._act(do.SendBack(reason="答复没有说明处理结果"), INTERVIEWER)
        else:
            await self._act(do.PassReview(), INTERVIEWER)
        return self._office_in(self.dice.expovariate(1 / 5))

    async def _follow_up(self, ticket: Ticket) -> tuple[datetime, Step]:
        caller = next(one for one in ticket.callers if not one.visited)
        if self.chance(0.2):
            await self._act(do.Visit(caller=caller.number, contact=Contact.NO_ANSWER), INTERVIEWER)
            return self._office_in(24)  # in another half of a day, or it does not count
        bad = self.chance(0.12)
        visit = do.Visit(
            caller=caller.number,
            contact=Contact.REACHED,
            contacted=True,
            genuine=True,
            solved=not bad,
            process=Satisfaction.GOOD,
            result=Satisfaction.BAD if bad else Satisfaction.GOOD,
            redo=bad and self.chance(0.7),
        )
        await self._act(visit, INTERVIEWER)
        return self._office_in(self.dice.expovariate(1 / 4))

    async def _closed(self, ticket: Ticket) -> tuple[datetime, Step] | None:
        if self.city.open_by_category.get(self.story.category) == self.ticket_id:
            del self.city.open_by_category[self.story.category]
        if ticket.outcome is Outcome.MERGED and self.chance(0.1):
            await self._act(do.Unmerge(reason="核实后并非同一事项"), DISPATCHER)
            return self._in(minutes=10)
        rated = any(caller.rating for caller in ticket.callers)
        can_rate = ticket.outcome in {Outcome.ANSWERED, Outcome.RESOLVED, Outcome.EXPLAINED} and not rated
        if can_rate and self.chance(0.15):
            level = self.dice.choices(list(Satisfaction), (40, 35, 10, 10, 5))[0]
            await self._act(do.Rate(caller=1, level=level), Actor(str(self.ticket_id), Role.CITIZEN, ""))
            return self._office_in(3)
        return None
