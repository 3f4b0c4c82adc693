"""The nouns of the house: tickets, assignments, clocks, requests, and the codes that they carry.

Every code has its Chinese term beside it, so that the glossary, the words of the pages and the tables of the
documents come from one place. Values only: nothing here decides anything, knows the time or reads a database.
All moments are aware datetimes; ordinals ("number") count from 1 within one ticket.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Self


class Term(StrEnum):
    """A code with its Chinese term; compares, sorts and serialises as the code."""

    chinese: str

    def __new__(cls, code: str, chinese: str) -> Self:
        term = str.__new__(cls, code)
        term._value_ = code
        term.chinese = chinese
        return term

    @classmethod
    def of(cls, code: str) -> Self:
        """Return the member with this code; raises ValueError when there is none."""
        return cls(code)  # type: ignore[call-arg]  # mypy takes __new__ for the look-up by value


class TicketState(Term):
    """Where a ticket 工单 is on its way."""

    RECEIVED = "received", "待派单"
    ANALYSIS = "analysis", "研判中"
    HANDLING = "handling", "办理中"
    REVIEW = "review", "待审核"
    FOLLOW_UP = "follow_up", "待回访"
    CLOSED = "closed", "已办结"


class Outcome(Term):
    """How a closed ticket ended."""

    ANSWERED = "answered", "直接答复"
    RESOLVED = "resolved", "实际解决"
    EXPLAINED = "explained", "解释说明"
    NOT_ACCEPTED = "not_accepted", "不予受理"
    TERMINATED = "terminated", "终止办理"
    WITHDRAWN = "withdrawn", "诉求人撤单"
    MERGED = "merged", "并入他单"
    HANDED_OVER = "handed_over", "转其他热线"


class AssignmentState(Term):
    """Where one department's duty 承办单 on a ticket is."""

    SENT = "sent", "待签收"
    ACCEPTED = "accepted", "办理中"
    REPLIED = "replied", "已答复"
    RETURNED = "returned", "已退单"
    WITHDRAWN = "withdrawn", "已撤回"


class Duty(Term):
    """What a department is on a ticket."""

    LEAD = "lead", "主办"
    CO = "co", "协办"


class Role(Term):
    """What a person is for. The machine and the caller act too, so they have roles."""

    AGENT = "agent", "话务员"
    DISPATCHER = "dispatcher", "派单员"
    HANDLER = "handler", "承办人"
    HEAD = "head", "承办单位负责人"
    FOLLOW_UP = "follow_up", "回访员"
    SUPERVISOR = "supervisor", "督办员"
    ANALYST = "analyst", "分析员"
    ADMINISTRATOR = "administrator", "系统管理员"
    MACHINE = "machine", "系统"
    CITIZEN = "citizen", "诉求人"


class TicketType(Term):
    """What the caller wants (Beijing regulation Art. 2, with praise and the invalid call of live hotlines)."""

    CONSULT = "consult", "咨询"
    HELP = "help", "求助"
    COMPLAINT = "complaint", "投诉"
    REPORT = "report", "举报"
    SUGGEST = "suggest", "建议"
    PRAISE = "praise", "表扬"
    INVALID = "invalid", "无效"


class Urgency(Term):
    """How soon harm may come."""

    NORMAL = "normal", "一般"
    URGENT = "urgent", "紧急"
    CRITICAL = "critical", "特急"


class Channel(Term):
    """How a matter reached the hotline."""

    PHONE = "phone", "电话"
    WEBSITE = "website", "网站"
    WECHAT = "wechat", "微信"
    APP = "app", "APP"
    MAIL = "mail", "邮箱"
    SMS = "sms", "短信"
    WEIBO = "weibo", "微博"
    PROVINCE = "province", "省平台"
    POLICE_110 = "police_110", "110转办"
    PETITION = "petition", "信访"
    INSPECTION = "inspection", "督查"
    LEADER = "leader", "领导信箱"
    VISIT = "visit", "走访"


class Stage(Term):
    """The five stages whose quality the law asks for (Zhangzhou regulation Art. 18)."""

    INTAKE = "intake", "受理"
    DISPATCH = "dispatch", "转办"
    RESOLUTION = "resolution", "办结"
    ANALYSIS = "analysis", "研判"
    SUPERVISION = "supervision", "督办"


class ClockKind(Term):
    """The deadlines that run; `stage` says which stage each belongs to."""

    DISPATCH = "dispatch", "派单时限"
    SIGN = "sign", "签收时限"
    RETURN_WINDOW = "return_window", "退单期限"
    DECIDE = "decide", "申请审批时限"
    ANALYSIS = "analysis", "研判时限"
    CONTACT = "contact", "先行联系时限"
    REPLY = "reply", "办结时限"
    CO_REPLY = "co_reply", "协办答复时限"
    PROMISE = "promise", "承诺期限"
    REDO = "redo", "重办时限"
    REVIEW = "review", "审核时限"
    FOLLOW_UP = "follow_up", "回访时限"
    INFORM = "inform", "告知诉求人时限"
    ORDER = "order", "督办单答复时限"
    ORDER_REVIEW = "order_review", "督办核查时限"
    EXEMPTION = "exemption", "容错认定时限"
    BAD_RATING = "bad_rating", "实名差评核实时限"

    @property
    def stage(self) -> Stage:
        """The stage that this clock watches."""
        return _STAGES[self]

    @property
    def is_duty(self) -> bool:
        """Whether somebody is late when it runs out; a window merely closes."""
        return self is not ClockKind.RETURN_WINDOW


_STAGES = {
    ClockKind.DISPATCH: Stage.INTAKE,
    ClockKind.SIGN: Stage.DISPATCH,
    ClockKind.RETURN_WINDOW: Stage.DISPATCH,
    ClockKind.DECIDE: Stage.DISPATCH,
    ClockKind.ANALYSIS: Stage.ANALYSIS,
    ClockKind.CONTACT: Stage.RESOLUTION,
    ClockKind.REPLY: Stage.RESOLUTION,
    ClockKind.CO_REPLY: Stage.RESOLUTION,
    ClockKind.PROMISE: Stage.RESOLUTION,
    ClockKind.REDO: Stage.RESOLUTION,
    ClockKind.REVIEW: Stage.RESOLUTION,
    ClockKind.FOLLOW_UP: Stage.RESOLUTION,
    ClockKind.INFORM: Stage.RESOLUTION,
    ClockKind.ORDER: Stage.SUPERVISION,
    ClockKind.ORDER_REVIEW: Stage.SUPERVISION,
    ClockKind.EXEMPTION: Stage.SUPERVISION,
    ClockKind.BAD_RATING: Stage.SUPERVISION,
}


class ClockStop(Term):
    """Why a clock no longer runs."""

    DONE = "done", "已完成"
    VOID = "void", "已失效"
    CUT = "cut", "逾期后中止"


class RequestKind(Term):
    """What a department may ask of whoever sent it the ticket."""

    RETURN = "return", "退单"
    EXTENSION = "extension", "延期"
    PAUSE = "pause", "暂停计时"
    PROMISE = "promise", "承诺期限"
    TERMINATION = "termination", "终止办理"


class Decision(Term):
    """Where a request stands; `moot` when the ticket went another way before anybody decided."""

    PENDING = "pending", "待审批"
    APPROVED = "approved", "同意"
    REJECTED = "rejected", "不同意"
    MOOT = "moot", "不再需要"


class ReturnReason(Term):
    """Why a department says that a ticket is not its own."""

    WRONG_AREA = "wrong_area", "属地不符"
    WRONG_DUTY = "wrong_duty", "职责不符"
    DUPLICATE = "duplicate", "重复诉求"
    NOT_ACCEPTABLE = "not_acceptable", "不应受理"
    NOT_ENOUGH_FACTS = "not_enough_facts", "信息不足"


class PauseReason(Term):
    """Why the time of a department may stand still: what it waits for is not in its own hands."""

    CALLER_FACTS = "caller_facts", "等待诉求人补充材料"
    TESTING = "testing", "检验检测鉴定"
    PROCEEDINGS = "proceedings", "等待司法或行政程序"
    FORCE_MAJEURE = "force_majeure", "不可抗力"


class Line(Term):
    """Other lines that a caller may be handed over to (国办函〔2025〕66号 (二))."""

    POLICE = "110", "110 报警"
    FIRE = "119", "119 火警"
    AMBULANCE = "120", "120 急救"
    TRAFFIC = "122", "122 交通事故"
    PETITION = "petition", "信访渠道"
    COURT = "12368", "12368 诉讼服务"
    OTHER = "other", "其他热线"


class Level(Term):
    """What kind of unit a department is; towns take no department's statutory duty."""

    HOTLINE = "hotline", "热线机构"
    CITY = "city", "市直部门"
    UTILITY = "utility", "公用企业"
    COUNTY = "county", "县区"
    TOWN = "town", "镇街"


class Satisfaction(Term):
    """The five levels of 好差评; the last two are a bad rating."""

    VERY_GOOD = "very_good", "非常满意"
    GOOD = "good", "满意"
    FAIR = "fair", "基本满意"
    BAD = "bad", "不满意"
    VERY_BAD = "very_bad", "非常不满意"

    @property
    def is_bad(self) -> bool:
        """Whether this is a 差评."""
        return self in {Satisfaction.BAD, Satisfaction.VERY_BAD}


class Contact(Term):
    """What came of one attempt to reach a caller."""

    REACHED = "reached", "已接通"
    NO_ANSWER = "no_answer", "无人接听"
    REFUSED = "refused", "拒绝回访"


class Caution(Term):
    """What gives one pause about a reply before it is sent; see `replies`."""

    OFF_TOPIC = "off_topic", "答非所问"
    TEMPLATE = "template", "套用答复"
    PROMISE = "promise", "承诺日期"
    DOWNGRADED = "downgraded", "定性改变"


class Rung(Term):
    """The rungs of supervision 督办 that leave a paper, the mildest first; reminders leave none."""

    ORDER = "order", "督办单"
    LISTED = "listed", "挂牌督办"
    SUMMONED = "summoned", "约谈督办"
    CIRCULATED = "circulated", "通报"
    TRANSFERRED = "transferred", "移交"

    @property
    def height(self) -> int:
        """How high on the ladder it stands."""
        return list(Rung).index(self)

    @property
    def wants_answer(self) -> bool:
        """Whether the unit must answer it; what is circulated or handed over is out of its hands."""
        return self not in {Rung.CIRCULATED, Rung.TRANSFERRED}


class OrderState(Term):
    """Where a supervision order stands."""

    OPEN = "open", "待答复"
    ANSWERED = "answered", "待核查"
    ACCEPTED = "accepted", "核查通过"
    ESCALATED = "escalated", "已升级"
    ISSUED = "issued", "已发出"
    LAPSED = "lapsed", "已失效"


class Body(Term):
    """Who may be handed a case of a unit that does not correct itself (Zhangzhou rules Art. 21)."""

    EFFICIENCY = "efficiency", "效能工作机构"
    PERSONNEL = "personnel", "组织人事部门"
    DISCIPLINE = "discipline", "纪检监察机关"


class TransferGround(Term):
    """Why a case is handed over (Zhangzhou rules Art. 21, Xuchang draft Art. 45)."""

    NOT_CORRECTED = "not_corrected", "责令改正后逾期不改"
    OVERDUE = "overdue", "超时限未办结"
    SHIRKING = "shirking", "推诿扯皮"
    FALSEHOOD = "falsehood", "弄虚作假"
    LEAK = "leak", "泄露个人信息或秘密"
    RETALIATION = "retaliation", "打击报复诉求人"


class ExemptionGround(Term):
    """The five kinds of excusable error 容错情形 (Zhangzhou rules Art. 23)."""

    DUTY = "duty", "履职尽责、积极作为中的过失"
    REFORM = "reform", "改革中先行先试的失误"
    CONVENIENCE = "convenience", "容缺受理审核中的失误或偏差"
    LEGACY = "legacy", "解决历史遗留问题中的失误"
    CIRCUMSTANCE = "circumstance", "客观因素导致的失误或错误"


class Lamp(Term):
    """What a deadline looks like from afar."""

    GREEN = "green", "时限充足"
    YELLOW = "yellow", "快到期"
    RED = "red", "已超时"
    NONE = "none", "不计时"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: a person in one role for one department; the machine and callers included."""

    person: str
    role: Role
    department: str
    name: str = ""

    @property
    def is_hotline(self) -> bool:
        """Whether the actor works for the hotline itself, not for a department that handles."""
        return self.role in HOTLINE_ROLES


HOTLINE_ROLES = frozenset(
    {Role.AGENT, Role.DISPATCHER, Role.FOLLOW_UP, Role.SUPERVISOR, Role.ANALYST, Role.ADMINISTRATOR, Role.MACHINE}
)
MACHINE = Actor(person="machine", role=Role.MACHINE, department="hotline", name="系统")


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """The lifecycle's view of one caller 诉求人: no name, no number; those are sealed elsewhere.

    `attempts` counts visits that reached nobody since the last reply; `visited` is true when this caller
    needs no further call-back in the present cycle; `origin` is the ticket that was merged into this one.
    """

    number: int
    reachable: bool = True
    real_name: bool = True
    wants_visit: bool = True
    attempts: int = 0
    visited: bool = False
    rating: Satisfaction | None = None
    origin: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """One department's duty on a ticket; a child (`parent` set) is a second-level dispatch 二级派单."""

    number: int
    department: str
    duty: Duty
    state: AssignmentState
    sent_at: datetime
    parent: int | None = None
    designated: bool = False
    sent_cycle: int = 0
    accepted_at: datetime | None = None
    contacted_at: datetime | None = None
    replied_at: datetime | None = None
    solved: bool | None = None
    extensions: int = 0
    promised_for: datetime | None = None

    @property
    def is_open(self) -> bool:
        """Whether the department still owes something."""
        return self.state in OPEN_ASSIGNMENTS

    @property
    def is_live(self) -> bool:
        """Whether the assignment counts at all: neither returned nor withdrawn."""
        return self.state in LIVE_ASSIGNMENTS


OPEN_ASSIGNMENTS = frozenset({AssignmentState.SENT, AssignmentState.ACCEPTED})
LIVE_ASSIGNMENTS = OPEN_ASSIGNMENTS | {AssignmentState.REPLIED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """Something a department asked for, and what was decided.

    `approver` is the lowest role that may decide it, where the hotline does. A pause runs from `decided_at` to
    `ended_at`, or to `until` where nobody ended it before. `told_at` is when the caller was told of it.
    """

    number: int
    kind: RequestKind
    assignment: int
    asked_by: str
    asked_at: datetime
    reason: str
    cycle: int = 0
    reason_code: ReturnReason | None = None
    pause_code: PauseReason | None = None
    basis: str = ""
    suggested: str | None = None
    working_days: int | None = None
    until: datetime | None = None
    approver: Role | None = None
    decision: Decision = Decision.PENDING
    decided_at: datetime | None = None
    decided_by: str | None = None
    answer: str = ""
    ended_at: datetime | None = None
    told_at: datetime | None = None

    @property
    def is_pending(self) -> bool:
        """Whether somebody still owes a decision."""
        return self.decision is Decision.PENDING

    @property
    def is_approved(self) -> bool:
        """Whether it was granted."""
        return self.decision is Decision.APPROVED

    @property
    def is_open_pause(self) -> bool:
        """Whether this is a granted pause that nobody has ended; past `until` it has ended by itself."""
        return self.kind is RequestKind.PAUSE and self.is_approved and self.ended_at is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A paper of supervision 督办单 to one assignment; it never changes the ticket's state.

    Papers of one joint order 联合督办 carry the number of its first one in `joint`. An answer that is not good enough
    is returned: `returned` counts that. A higher rung takes the place of a lower one (`escalated`). `body` and
    `ground` say to whom and why a case was handed over. A unit may claim an excusable error 容错; a person decides.
    """

    number: int
    assignment: int
    rung: Rung
    issued_by: str
    issued_at: datetime
    demand: str
    joint: int | None = None
    answered_at: datetime | None = None
    answer: str = ""
    returned: int = 0
    remark: str = ""
    accepted_at: datetime | None = None
    escalated: bool = False
    lapsed: bool = False
    body: Body | None = None
    ground: TransferGround | None = None
    exemption: Decision | None = None
    exemption_ground: ExemptionGround | None = None
    exemption_reason: str = ""
    exemption_answer: str = ""

    @property
    def state(self) -> OrderState:
        """Where the order stands."""
        if self.lapsed:
            return OrderState.LAPSED
        if self.escalated:
            return OrderState.ESCALATED
        if self.accepted_at:
            return OrderState.ACCEPTED
        if not self.rung.wants_answer:
            return OrderState.ISSUED
        return OrderState.ANSWERED if self.answered_at else OrderState.OPEN

    @property
    def is_open(self) -> bool:
        """Whether an answer is still owed."""
        return self.state is OrderState.OPEN


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """A deadline that runs, or ran.

    `subject` is the number of the assignment, request or order that it watches, 0 for the ticket itself.
    `department` owes the act; `rule` is the basis of the allowance and `rules` the versions of the rulebook that it
    came from, `calendar` the version that it was counted by last. A `void` stop is no merit and no fault: the duty
    went away. A `cut` one went away when it was already overdue: that fact stays.

    `due_at` is what `reckoning` makes of: the `allowance` counted from `counted_from` (without one: from the start),
    or the fixed date `until`; the extensions and pauses that were granted; not after `ceiling`, not before `floor`.
    """

    number: int
    kind: ClockKind
    subject: int
    cycle: int
    department: str
    started_at: datetime
    due_at: datetime
    allowance: str
    rule: str
    rules: str = ""
    calendar: str = ""
    counted_from: datetime | None = None
    until: datetime | None = None
    ceiling: datetime | None = None
    floor: datetime | None = None
    provisional: bool = False
    stopped_at: datetime | None = None
    stop: ClockStop | None = None

    @property
    def is_running(self) -> bool:
        """Whether the duty is still open."""
        return self.stopped_at is None

    @property
    def counts_from(self) -> datetime:
        """When the allowance began to count: the start, unless the ticket was amended since."""
        return self.counted_from or self.started_at

    def is_overdue(self, at: datetime) -> bool:
        """Whether the duty is, or was when it stopped, past due at `at`; decided by event times only."""
        if not self.kind.is_duty or self.stop is ClockStop.VOID:
            return False
        return (self.stopped_at or at) > self.due_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """One matter 工单, as its last event left it.

    `id` is the 18-digit number. `version` counts the events. `cycle` counts redos: 0 is the first handling.
    `returned_by` holds every department that gave the ticket back with approval: it never goes there again.
    """

    id: int
    version: int
    state: TicketState
    type: TicketType
    urgency: Urgency
    received_at: datetime
    entered_at: datetime
    category: str | None = None
    area: str | None = None
    owner: str = ""
    confidential: bool = False
    sensitive: bool = False
    reported: str | None = None
    outcome: Outcome | None = None
    cycle: int = 0
    returns: int = 0
    returned_by: tuple[str, ...] = ()
    merged_into: int | None = None
    urged_at: datetime | None = None
    urges: int = 0
    bad_rating_at: datetime | None = None
    callers: tuple[Caller, ...] = ()
    assignments: tuple[Assignment, ...] = ()
    requests: tuple[Request, ...] = ()
    orders: tuple[Order, ...] = ()
    clocks: tuple[Clock, ...] = ()

    @property
    def is_closed(self) -> bool:
        """Whether the ticket has come to its end."""
        return self.state is TicketState.CLOSED

    @property
    def hides_caller(self) -> bool:
        """Whether departments may never see who called (Jinan regulation Art. 32)."""
        return self.confidential or self.type is TicketType.REPORT

    @property
    def lead(self) -> Assignment | None:
        """The live lead assignment, if there is one."""
        for assignment in self.assignments:
            if assignment.duty is Duty.LEAD and assignment.parent is None and assignment.is_live:
                return assignment
        return None

    def children(self, number: int) -> Iterator[Assignment]:
        """The assignments that the assignment `number` sent on to lower units."""
        return (assignment for assignment in self.assignments if assignment.parent == number)

    def pending(self, number: int) -> Iterator[Request]:
        """The undecided requests of the assignment `number`."""
        return (request for request in self.requests if request.assignment == number and request.is_pending)

    @property
    def repeats(self) -> int:
        """How often the matter was raised again: callers who joined, and calls to press it."""
        return len(self.callers) - 1 + self.urges

    def running(self) -> Iterator[Clock]:
        """The clocks that run."""
        return (clock for clock in self.clocks if clock.is_running)
