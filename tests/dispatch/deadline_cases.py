"""The cases that officials quarrel about, as a table that a supervisor can read and a test can run.

`python -m tests.dispatch.deadline_cases` writes docs/deadline-cases.md from them; the test plays every case on the
pure core and holds what the table says. Moments are of Shanghai, in 2026 where no year is named.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

from dispatch import actions as do
from dispatch.cards import card
from dispatch.deadlines import keep_clocks, lamp
from dispatch.errors import RuleBroken
from dispatch.lifecycle import Decided, receive, step
from dispatch.model import (
    MACHINE,
    Actor,
    Caller,
    Clock,
    ClockKind,
    Level,
    PauseReason,
    ReturnReason,
    Role,
    Ticket,
    TicketState,
    TicketType,
    Urgency,
)
from dispatch.rulebook import AllowanceRule, Area, Category, Department, Rulebook
from dispatch.supervision import Watched, assess, provoked
from dispatch.worktime import ZONE, Allowance
from hotline.calendar_seed import default_calendar

DOCUMENT = Path(__file__).parents[2] / "docs/deadline-cases.md"
UNITS = {"water": "水务", "roads": "公路", "county": "县政府", "town": "镇政府"}
RULEBOOK = Rulebook(
    version="allowances-1 calendar-1",
    calendar=replace(default_calendar(), published_years=default_calendar().published_years - {2027}),
    areas={"00": Area("00", "city", None), "01": Area("01", "county", "00")},
    departments={
        unit.code: unit
        for unit in (
            Department("hotline", "hotline", Level.HOTLINE, None, "00"),
            Department("water", "water", Level.UTILITY, None, "00"),
            Department("roads", "roads", Level.CITY, None, "00"),
            Department("county", "county", Level.COUNTY, None, "01"),
            Department("town", "town", Level.TOWN, "county", "01"),
        )
    },
    categories={"030501": Category("030501", "road surface")},
)
AGENT = Actor("agent", Role.AGENT, "hotline")
DISPATCHER = Actor("dispatcher", Role.DISPATCHER, "hotline")
SUPERVISOR = Actor("supervisor", Role.SUPERVISOR, "hotline")
INTERVIEWER = Actor("interviewer", Role.FOLLOW_UP, "hotline")
WATER = Actor("water-handler", Role.HANDLER, "water")
ROADS = Actor("roads-handler", Role.HANDLER, "roads")


def moment(text: str) -> datetime:
    """Return a moment of the table: `11-23 10:00`, with a year and seconds where they matter."""
    day, _, time = text.partition(" ")
    full = day if len(day) > 5 else f"2026-{day}"
    return datetime.fromisoformat(f"{full}T{time}").replace(tzinfo=ZONE)


def shown(at: datetime) -> str:
    """Write a moment as the table does."""
    local = at.astimezone(ZONE)
    day = f"{local:%m-%d}" if local.year == 2026 else f"{local:%Y-%m-%d}"
    return f"{day} {local:%H:%M:%S}" if local.second else f"{day} {local:%H:%M}"


@dataclass
class Play:
    """A case while it is played: the ticket, the rules in force, and what was refused."""

    rulebook: Rulebook = RULEBOOK
    ticket: Ticket | None = None
    now: datetime = field(default_factory=lambda: moment("11-23 10:00"))
    refused: str = ""
    provoked: list[str] = field(default_factory=list)

    @property
    def file(self) -> Ticket:
        assert self.ticket is not None
        return self.ticket

    def keep(self, decided: Decided) -> None:
        kept = keep_clocks(decided, self.rulebook)
        rule = provoked(kept, self.rulebook)
        if rule:
            self.provoked.append(rule.name)
        self.ticket = kept.after

    def clock(self, kind: ClockKind, subject: int = 1) -> Clock:
        """The newest clock of a kind."""
        return [one for one in self.file.clocks if one.kind is kind and one.subject == subject][-1]


Turn = Callable[[Play], None]
Asked = Callable[[Play], str]


@dataclass(frozen=True)
class Case:
    """One row: what it is about, what happens when, what must come out, and whose pain it was."""

    name: str
    happens: tuple[tuple[str, str, Turn], ...]
    then: tuple[tuple[str, Asked, str], ...]
    remark: str


def play(case: Case) -> Play:
    """Play the steps of a case in order."""
    played = Play()
    for at, _told, turn in case.happens:
        played.now = moment(at)
        turn(played)
    return played


# --- what may happen --------------------------------------------------------------------------------------------------


def received(type_: TicketType = TicketType.HELP, urgency: Urgency = Urgency.NORMAL) -> Turn:
    def turn(played: Play) -> None:
        ticket = Ticket(
            id=261123100000000001,
            version=1,
            state=TicketState.RECEIVED,
            type=type_,
            urgency=urgency,
            received_at=played.now,
            entered_at=played.now,
            category="030501",
            area="01",
            callers=(Caller(number=1),),
        )
        played.keep(receive(ticket, AGENT))

    return turn


def both(*turns: Turn) -> Turn:
    """Several things at one moment."""

    def turn(played: Play) -> None:
        for one in turns:
            one(played)

    return turn


def act(action: do.Action, actor: Actor) -> Turn:
    def turn(played: Play) -> None:
        try:
            played.keep(step(played.file, action, actor, at=played.now, rulebook=played.rulebook))
        except RuleBroken as error:
            played.refused = error.rule.chinese

    return turn


def nothing(_played: Play) -> None:
    """Time passes."""


def rules(**changed: Any) -> Turn:
    def turn(played: Play) -> None:
        played.rulebook = replace(played.rulebook, **changed)

    return turn


def published(year: int, *, holidays: tuple[str, ...] = (), workdays: tuple[str, ...] = ()) -> Turn:
    """A calendar comes out, and the ticket is counted anew by it."""

    def turn(played: Play) -> None:
        calendar = replace(
            played.rulebook.calendar,
            version="cn-new",
            holidays=played.rulebook.calendar.holidays | set(map(date.fromisoformat, holidays)),
            workdays=played.rulebook.calendar.workdays | set(map(date.fromisoformat, workdays)),
            published_years=played.rulebook.calendar.published_years | {year},
        )
        played.rulebook = replace(played.rulebook, calendar=calendar, version="allowances-1 calendar-2")
        act(do.Recount(calendar="calendar-2", source="通知"), MACHINE)(played)

    return turn


def dispatched(*co: str) -> Turn:
    return act(do.Dispatch(lead="water", co=co), DISPATCHER)


ACCEPT = act(do.Accept(assignment=1), WATER)
REACH = act(do.Reach(assignment=1, how="电话"), WATER)
REPLY = act(
    do.Reply(assignment=1, received="r", findings="f", handling="h", follows="w", genuine=True, solved=True), WATER
)
SEND_BACK = act(do.SendBack(reason="空话"), INTERVIEWER)
RESUME = act(do.Resume(assignment=1, reason="材料已到"), WATER)
ASK_PAUSE = act(do.AskPause(assignment=1, pause_code=PauseReason.CALLER_FACTS, working_days=5, reason="等材料"), WATER)
ASK_MORE = act(do.AskExtension(assignment=1, working_days=3, reason="需施工"), WATER)
ASK_RETURN = act(
    do.AskReturn(
        assignment=1, reason_code=ReturnReason.WRONG_DUTY, reason="不是我单位", basis="三定", suggested="roads"
    ),
    WATER,
)


def decided(request: int = 1, *, approve: bool = True) -> Turn:
    return act(do.Decide(request=request, approve=approve, answer="审批"), DISPATCHER)


# --- what may be asked of it ------------------------------------------------------------------------------------------


def due(kind: ClockKind = ClockKind.REPLY, subject: int = 1) -> Asked:
    return lambda played: shown(played.clock(kind, subject).due_at)


def stopped(kind: ClockKind = ClockKind.REPLY, subject: int = 1) -> Asked:
    def asked(played: Play) -> str:
        clock = played.clock(kind, subject)
        return (
            f"{clock.stop.chinese if clock.stop else '计时中'}，{'超时' if clock.is_overdue(played.now) else '未超时'}"
        )

    return asked


def lamp_at(at: str, kind: ClockKind = ClockKind.REPLY) -> Asked:
    return lambda played: lamp(played.clock(kind), moment(at), played.rulebook).chinese


def provisional(played: Play) -> str:
    return "暂定" if played.clock(ClockKind.REPLY).provisional else "确定"


def allowance(kind: ClockKind = ClockKind.REPLY) -> Asked:
    return lambda played: played.clock(kind).allowance


def given_back(played: Play) -> str:
    clock = played.clock(ClockKind.REPLY)
    made = card(played.file, clock, played.rulebook.calendar, at=played.now)
    return str(next(turn.given_back for turn in made.turns if turn.given_back is not None))


def found_by(at: str, kind: ClockKind = ClockKind.REPLY) -> Asked:
    """The rungs that have come due by a moment."""

    def asked(played: Play) -> str:
        watched = Watched(played.clock(kind), played.file.urgency)
        return " ".join(one.name for one in assess(watched, played.rulebook, at=moment(at)).findings) or "无"

    return asked


def refused(played: Play) -> str:
    return played.refused or "没有"


def brought_about(played: Play) -> str:
    return " ".join(played.provoked) or "无"


_STRICTER = tuple(
    AllowanceRule(kind=rule.kind, allowance=Allowance.parse("2wd+"), basis="新规", type=rule.type, urgency=rule.urgency)
    if rule.kind is ClockKind.REPLY and rule.type is TicketType.HELP
    else rule
    for rule in RULEBOOK.allowances
)
OPENED = ("11-23 10:00", "求助工单登记并派给水务", both(received(), dispatched()))
SIGNED = ("11-23 11:00", "水务签收、先行联系", both(ACCEPT, REACH))

CASES = (
    Case(
        "签收早晚不影响到期",
        (OPENED, ("11-25 17:00", "水务到第三天才签收", ACCEPT)),
        (("办结到期（五个工作日，次日起算）", due(), "11-30 18:00"),),
        "时限从派单起算；有的单位靠不签收来拖延（领域研究第 6 节）。",
    ),
    Case(
        "到期那一刻不算超时，过一秒就算",
        (OPENED,),
        (
            ("11-30 18:00 的灯", lamp_at("11-30 18:00:00"), "快到期"),
            ("11-30 18:00:01 的灯", lamp_at("11-30 18:00:01"), "已超时"),
        ),
        "精确到秒；由事件时刻判定，不由巡查时刻判定（PEERS C1 规则 d）。",
    ),
    Case(
        "催办、补充不重置时限",
        (
            OPENED,
            SIGNED,
            ("11-24 09:00", "诉求人补充", act(do.Supplement(text="还在漏"), AGENT)),
            ("11-24 10:00", "热线催办", act(do.Urge(assignment=1), SUPERVISOR)),
        ),
        (("办结到期", due(), "11-30 18:00"),),
        "别的系统里任何改动都会让计时从头开始（PEERS C1，CCRS）。",
    ),
    Case(
        "暂停计时，退还的是工作时间",
        (
            OPENED,
            SIGNED,
            ("11-24 10:00", "水务申请暂停（等待诉求人补充材料）", ASK_PAUSE),
            ("11-24 14:30", "派单员同意，从此刻起暂停", decided()),
            ("11-26 14:30", "材料补齐，恢复计时", RESUME),
        ),
        (("扣除的工作时间", given_back, "14:00:00"), ("办结到期", due(), "12-02 18:00")),
        "申请期间照常计时；暂停由申请记录推算，不另存累计数（PEERS B2）。",
    ),
    Case(
        "不到一分钟的暂停也算",
        (
            OPENED,
            SIGNED,
            ("11-24 10:00", "申请暂停", ASK_PAUSE),
            ("11-24 14:30", "同意", decided()),
            ("11-24 14:30:40", "四十秒后恢复", RESUME),
        ),
        (("办结到期", due(), "12-01 08:30:40"),),
        "Zammad 的暂停按时分记，不到一分钟就丢了（PEERS C1）。",
    ),
    Case(
        "跨周末的暂停只退还上班时间",
        (
            OPENED,
            SIGNED,
            ("11-27 10:00", "申请暂停", ASK_PAUSE),
            ("11-27 17:00", "周五同意", decided()),
            ("11-30 09:30", "周一恢复", RESUME),
        ),
        (("扣除的工作时间", given_back, "2:00:00"), ("办结到期", due(), "12-01 10:30")),
        "周末被重复计入或漏计是常见毛病（PEERS B2，GLPI 10594）。",
    ),
    Case(
        "暂停中不亮红灯；没人恢复，到天数自动恢复",
        (
            OPENED,
            SIGNED,
            ("11-26 10:00", "申请暂停五个工作日", ASK_PAUSE),
            ("11-26 11:00", "同意，最长到 12-03 11:00", decided()),
        ),
        (
            ("原到期之后一刻的灯", lamp_at("11-30 18:00:01"), "时限充足"),
            ("办结到期", due(), "12-07 18:00"),
        ),
        "有系统在暂停期间判定超时（PEERS B2，GLPI 24481）。",
    ),
    Case(
        "暂停中不能再申请暂停",
        (
            OPENED,
            SIGNED,
            ("11-24 10:00", "申请暂停", ASK_PAUSE),
            ("11-24 11:00", "同意", decided()),
            ("11-24 15:00", "再次申请", ASK_PAUSE),
        ),
        (("被拒的理由", refused, "计时已在暂停"),),
        "同一段时间不会扣两次（PEERS B2）。",
    ),
    Case(
        "暂停中修改时限规则：在办的按原规则",
        (
            OPENED,
            SIGNED,
            ("11-24 10:00", "申请暂停", ASK_PAUSE),
            ("11-24 14:30", "同意", decided()),
            ("11-25 09:00", "本市把求助改为二个工作日", rules(allowances=_STRICTER, version="allowances-2 calendar-1")),
            ("11-26 14:30", "恢复计时", RESUME),
        ),
        (("时限", allowance(), "5wd+"), ("办结到期", due(), "12-02 18:00")),
        "改了规则暂停就丢（PEERS B2，GLPI 6902、15605）；新规则只管以后派出的单。",
    ),
    Case(
        "暂停中公布日历：按新日历重算",
        (
            OPENED,
            SIGNED,
            ("11-24 10:00", "申请暂停", ASK_PAUSE),
            ("11-24 14:30", "同意", decided()),
            ("11-25 09:00", "公布 11-27 放假", published(2026, holidays=("2026-11-27",))),
            ("11-26 14:30", "恢复计时", RESUME),
        ),
        (("扣除的工作时间", given_back, "14:00:00"), ("办结到期", due(), "12-03 18:00")),
        "重算从头算起：时限、暂停、延期都按新日历。",
    ),
    Case(
        "跨入未公布放假安排的年份：暂定，公布后确定",
        (
            ("12-24 10:00", "求助工单登记并派给水务", OPENED[2]),
            ("12-25 10:00", "看一眼", nothing),
        ),
        (("办结到期", due(), "12-31 18:00"), ("是否确定", provisional, "暂定")),
        "公布下一年的通知可能动到上年最后几天（2018 年 12 月 29 日就上班）。",
    ),
    Case(
        "公布日历使到期提前，但不使人当场超期",
        (
            ("12-28 10:00", "求助工单登记并派给水务", OPENED[2]),
            (
                "2027-01-04 19:00",
                "才公布：1 月 2 日、3 日都上班（本应 1 月 3 日到期）",
                published(2027, holidays=("2027-01-01",), workdays=("2027-01-02", "2027-01-03")),
            ),
        ),
        (
            ("办结到期", due(), "2027-01-04 18:00"),
            ("是否确定", provisional, "确定"),
        ),
        "原到期 2027-01-04 18:00 已过，照旧；更正不使已有的超时更久。",
    ),
    Case(
        "延期：到期前一个工作日申请，从原到期顺延",
        (
            OPENED,
            SIGNED,
            ("11-26 10:00", "申请延期三个工作日", ASK_MORE),
            ("11-27 10:00", "同意", decided()),
        ),
        (
            ("办结到期", due(), "12-03 18:00"),
            ("告知诉求人的期限", due(ClockKind.INFORM), "11-30 10:00"),
        ),
        "北京市接诉即办工作条例第十五条：延长须向诉求人说明。",
    ),
    Case(
        "到期前申请、到期后才批准的延期，仍从原到期顺延",
        (
            OPENED,
            SIGNED,
            ("11-26 10:00", "申请延期", ASK_MORE),
            ("12-01 10:00", "到期后才同意", decided()),
        ),
        (
            ("办结到期", due(), "12-03 18:00"),
            ("12-01 11:00 的灯", lamp_at("12-01 11:00"), "时限充足"),
            ("审批申请的期限", stopped(ClockKind.DECIDE), "已完成，超时"),
        ),
        "审批迟了是热线的超时，不是承办单位的；当时已作出的超期认定留存，时限卡说明缘由。",
    ),
    Case(
        "临近到期才申请延期，不受理",
        (OPENED, SIGNED, ("11-30 10:00", "到期当天申请", ASK_MORE)),
        (("被拒的理由", refused, "须在到期前至少一个工作日申请"), ("办结到期", due(), "11-30 18:00")),
        "舟山、徐州等地的规定。",
    ),
    Case(
        "延期后更正类型：延期不丢",
        (
            OPENED,
            SIGNED,
            ("11-24 10:00", "申请延期三个工作日", ASK_MORE),
            ("11-24 11:00", "同意", decided()),
            (
                "11-25 10:00",
                "更正为投诉（十个工作日）",
                act(do.Amend(reason="听错", type=TicketType.COMPLAINT), DISPATCHER),
            ),
        ),
        (("时限", allowance(), "10wd+"), ("办结到期", due(), "12-10 18:00")),
        "到期时间总是从头算起，不在旧结果上加减。",
    ),
    Case(
        "更正后若已过期，从更正之时起算",
        (
            ("11-23 10:00", "投诉工单登记并派给水务", both(received(TicketType.COMPLAINT), dispatched())),
            SIGNED,
            (
                "12-01 10:00",
                "更正为咨询（二个工作日）",
                act(do.Amend(reason="实为咨询", type=TicketType.CONSULT), DISPATCHER),
            ),
        ),
        (("办结到期", due(), "12-03 18:00"),),
        "更正不得使人一出生就超期（PEERS B3）。",
    ),
    Case(
        "重办是新的期限，原来的超时留存",
        (
            OPENED,
            SIGNED,
            ("12-01 10:00", "超时后才答复", REPLY),
            ("12-01 15:00", "审核退回重办", SEND_BACK),
        ),
        (
            ("原办结时限", stopped(), "已完成，超时"),
            ("重办到期（三个工作日）", due(ClockKind.REDO), "12-04 15:00"),
            ("重办时的灯", lamp_at("12-01 15:00", ClockKind.REDO), "时限充足"),
        ),
        "重开即超期（PEERS B3）；办结即抹掉超期（PEERS B4，osTicket）。",
    ),
    Case(
        "第二次重办，自动发督办单",
        (
            OPENED,
            SIGNED,
            ("11-25 10:00", "答复", REPLY),
            ("11-25 11:00", "退回重办", SEND_BACK),
            ("11-25 14:30", "再次联系", REACH),
            ("11-25 15:00", "再答复", REPLY),
            ("11-25 16:00", "再退回重办", SEND_BACK),
        ),
        (("引起的督办", brought_about, "order_redone"),),
        "督办不等逾期；领域研究第 9 节 supervise.L3。",
    ),
    Case(
        "后加的协办，期限在主办之内",
        (
            OPENED,
            SIGNED,
            ("11-26 15:00", "加派公路协办", act(do.AddCo(assignment=1, department="roads", why="占道"), WATER)),
        ),
        (("协办到期（主办到期前一个工作日）", due(ClockKind.CO_REPLY, 2), "11-27 18:00"),),
        "协办晚来，也要给主办留出汇总的时间。",
    ),
    Case(
        "主办将到期才加的协办，与主办同时到期",
        (
            OPENED,
            SIGNED,
            ("11-30 10:00", "到期当天加派公路协办", act(do.AddCo(assignment=1, department="roads", why="占道"), WATER)),
        ),
        (("协办到期", due(ClockKind.CO_REPLY, 2), "11-30 18:00"),),
        "协办不会一派出就超期（PEERS B3）。",
    ),
    Case(
        "主办已超期才加的协办，有自己的完整期限",
        (
            OPENED,
            SIGNED,
            ("12-01 10:00", "超期后加派公路协办", act(do.AddCo(assignment=1, department="roads", why="占道"), WATER)),
        ),
        (("协办到期（五个工作日，次日起算）", due(ClockKind.CO_REPLY, 2), "12-08 18:00"),),
        "主办的迟延不算在协办头上（PEERS B3）。",
    ),
    Case(
        "窗口内申请、到期后才同意的退单：不算退单单位超时",
        (
            ("11-23 10:00", "咨询工单登记并派给水务", both(received(TicketType.CONSULT), dispatched())),
            ("11-23 16:00", "申请退单", ASK_RETURN),
            ("11-26 10:00", "办结到期之后才同意", decided()),
        ),
        (
            ("水务的办结时限", stopped(), "已失效，未超时"),
            ("审批申请的期限", stopped(ClockKind.DECIDE), "已完成，超时"),
        ),
        "争议期间计时照走；退单成立的，这段时间归热线（领域研究 return.no_stop_clock）。",
    ),
    Case(
        "退单不成立：争议期间算承办单位的时间",
        (
            ("11-23 10:00", "咨询工单登记并派给水务", both(received(TicketType.CONSULT), dispatched())),
            ("11-23 16:00", "申请退单", ASK_RETURN),
            ("11-26 10:00", "不同意", decided(approve=False)),
        ),
        (("水务的办结时限", stopped(), "计时中，超时"), ("办结到期", due(), "11-25 18:00")),
        "同上。",
    ),
    Case(
        "超时后撤回派单，超时的事实不消失",
        (
            OPENED,
            SIGNED,
            ("12-01 10:00", "超时后由派单员撤回", act(do.Recall(assignment=1, reason="另派"), DISPATCHER)),
        ),
        (("水务的办结时限", stopped(), "逾期后中止，超时"),),
        "撤回、改派曾是抹掉超期的后门（PEERS B4）。",
    ),
    Case(
        "撤回改派，后一单位有自己的完整期限",
        (
            OPENED,
            SIGNED,
            ("11-30 10:00", "到期当天撤回", act(do.Recall(assignment=1, reason="派错"), DISPATCHER)),
            ("11-30 10:10", "改派公路", act(do.Dispatch(lead="roads"), DISPATCHER)),
        ),
        (("公路的办结到期", due(subject=2), "12-07 18:00"),),
        "从登记起算会让第二个单位没有时间（PEERS B3，GLPI 1911）。",
    ),
    Case(
        "逾期阶梯：按逾期后的工作时间逐级",
        (OPENED, SIGNED),
        (
            ("11-30 18:00 前一刻", found_by("11-30 17:59"), "due_soon"),
            ("到期后一秒", found_by("11-30 18:00:01"), "overdue"),
            ("次一工作日 08:31", found_by("12-01 08:31:01"), "overdue urge_slip"),
            ("逾期二个工作日", found_by("12-02 18:00:01"), "overdue urge_slip order"),
            ("逾期五个工作日", found_by("12-07 18:00:01"), "overdue urge_slip order listed"),
        ),
        "巡查停了一周再恢复，该有的一级也不少（GLPI 5319：第一级之后的不再触发）。",
    ),
    Case(
        "特急事项逾期即督办",
        (
            (
                "11-23 10:00",
                "特急求助登记并派给水务",
                both(received(urgency=Urgency.CRITICAL), dispatched()),
            ),
        ),
        (
            ("办结到期（二小时，昼夜连续）", due(), "11-23 12:00"),
            ("到期后一秒", found_by("11-23 12:00:01"), "overdue order_critical"),
        ),
        "危及生命财产的不等次日。",
    ),
    Case(
        "延期之后的到期，重新提醒",
        (
            OPENED,
            SIGNED,
            ("11-26 10:00", "申请延期", ASK_MORE),
            ("11-26 11:00", "同意", decided()),
        ),
        (
            ("原提醒时刻之后", found_by("11-30 10:00"), "无"),
            ("新到期前一个工作日", found_by("12-02 18:00:01"), "due_soon"),
        ),
        "“一天只提醒一次”会吞掉另一次提醒（PEERS B5，Zammad 4348）；这里每个到期时间各提醒一次。",
    ),
)


# --- the document -----------------------------------------------------------------------------------------------------

_HEAD = """# 时限判例

督办中容易争议的情形，逐条可以重演：`tests/dispatch/test_deadline_cases.py` 按“经过”做一遍，
核对“结果”里的每一个时刻。
作息为周一至周五 08:30–12:00、14:30–18:00；2026 年 11 月 23 日是星期一。时刻均为北京时间。
“PEERS”指对同类系统的调查，后面是其中的条目或者该系统的问题编号。本页由 `python -m tests.dispatch.deadline_cases` 写成。

| 情形 | 经过 | 结果 | 说明 |
| --- | --- | --- | --- |
"""


def document() -> str:
    """Return the table as a document."""
    return _HEAD + "".join(f"| {' | '.join(_cells(case))} |\n" for case in CASES)


def _cells(case: Case) -> tuple[str, ...]:
    happens = "<br>".join(f"{at} {told}" for at, told, _turn in case.happens)
    then = "<br>".join(f"{told}：**{value}**" for told, _asked, value in case.then)
    return f"**{case.name}**", happens, then, case.remark


if __name__ == "__main__":
    DOCUMENT.write_text(document(), "utf-8")
