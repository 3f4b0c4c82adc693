"""What can be wrong with a move, as facts in fields; the wording for users belongs to the web.

Each error says what was asked, why not, and what is possible now. They are raised by the pure core only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from dispatch.model import Term, TicketState


class Rule(Term):
    """Rules that a well-formed move by the right person may still break."""

    CO_HANDLERS_STILL_WORKING = "co_handlers_still_working", "协办或下级单位尚未全部答复"
    CONTACT_MISSING = "contact_missing", "尚未先行联系诉求人"
    REQUEST_PENDING = "request_pending", "已有申请等待审批"
    RETURN_WINDOW_CLOSED = "return_window_closed", "已超过退单期限"
    DESIGNATED_CANNOT_RETURN = "designated_cannot_return", "指定承办，不得退回"
    EXTENSIONS_USED_UP = "extensions_used_up", "延期次数已用完"
    EXTENSION_TOO_LONG = "extension_too_long", "申请延期时间过长"
    TOO_LATE_TO_EXTEND = "too_late_to_extend", "须在到期前至少一个工作日申请"
    PAUSES_USED_UP = "pauses_used_up", "暂停计时次数已用完"
    PAUSE_TOO_LONG = "pause_too_long", "申请暂停时间过长"
    PAUSED_ALREADY = "paused_already", "计时已在暂停"
    NOT_PAUSED = "not_paused", "没有正在暂停的计时"
    NOTHING_TO_TELL = "nothing_to_tell", "没有需要告知诉求人的事项"
    RETURNED_BEFORE = "returned_before", "该单位已退过此单，不得再派"
    REPORTED_UNIT = "reported_unit", "不得派给被举报单位"
    DEPARTMENT_MATTER = "department_matter", "职能部门事项不得下派镇街"
    NOT_A_LOWER_UNIT = "not_a_lower_unit", "只能派给本单位的下级单位"
    ALREADY_ASSIGNED = "already_assigned", "该单位已在承办"
    UNKNOWN_DEPARTMENT = "unknown_department", "没有这个承办单位"
    MACHINE_MAY_NOT_DECIDE = "machine_may_not_decide", "敏感或保密事项须由人工派单"
    URGED_LATELY = "urged_lately", "十分钟内已经催办过"
    ORDERED_ALREADY = "ordered_already", "已有同级或更高一级督办尚未了结"
    NOTHING_TO_ANSWER = "nothing_to_answer", "此督办单不需答复"
    NOT_ANSWERED = "not_answered", "督办单尚未答复"
    CLAIMED_ALREADY = "claimed_already", "已经申请过容错"
    NO_CLAIM = "no_claim", "没有待认定的容错申请"
    TRANSFER_HAS_ITS_OWN_FORM = "transfer_has_its_own_form", "移交须写明接收机关和事由"
    INTERVIEWER_IS_HANDLER = "interviewer_is_handler", "回访人不得是承办单位人员"
    ALREADY_VISITED = "already_visited", "该诉求人已完成回访"
    ATTEMPT_TOO_SOON = "attempt_too_soon", "距上次无人接听不足四小时或在同一半天，不能再计一次"
    ALREADY_RATED = "already_rated", "该诉求人已评价过"
    MERGE_INTO_ITSELF = "merge_into_itself", "不能并入自身"
    PROMISE_IN_THE_PAST = "promise_in_the_past", "承诺期限必须晚于现在"
    CATEGORY_NEEDED = "category_needed", "须先确定事项分类"
    ONLY_THE_LEAD = "only_the_lead", "只有主办单位可以"
    ONLY_BEFORE_DISPATCH = "only_before_dispatch", "派单后只能由派单员更正"
    NOTHING_TO_RATE = "nothing_to_rate", "此办理结果不需评价"
    NOT_MERGED = "not_merged", "此工单不是并入工单"
    IS_MERGED = "is_merged", "已并入他单，请在主单上操作"
    NAMED_REASON_NEEDED = "named_reason_needed", "须由具名人员说明理由"


@dataclass(eq=False)
class DispatchError(Exception):
    """Something asked of a ticket cannot be done."""

    code: ClassVar[str] = "refused"
    ticket_id: int


@dataclass(eq=False)
class IllegalAction(DispatchError):
    """The ticket, or the assignment acted on, is in no state for this action."""

    code: ClassVar[str] = "illegal_action"
    state: TicketState
    action: str
    allowed: tuple[str, ...] = ()

    def __str__(self) -> str:
        allowed = ", ".join(self.allowed) or "nothing"
        return f"ticket {self.ticket_id} is {self.state}: cannot {self.action}; allowed now: {allowed}"


@dataclass(eq=False)
class NotYours(DispatchError):
    """The actor's role or department may not do this."""

    code: ClassVar[str] = "not_yours"
    action: str
    role: str
    department: str
    allowed: tuple[str, ...] = ()

    def __str__(self) -> str:
        allowed = ", ".join(self.allowed) or "nothing"
        return f"ticket {self.ticket_id}: a {self.role} of {self.department} may not {self.action}; may: {allowed}"


@dataclass(eq=False)
class NoSuchPart(DispatchError):
    """The action names an assignment, request, order or caller that the ticket does not have."""

    code: ClassVar[str] = "no_such_part"
    part: str
    number: int

    def __str__(self) -> str:
        return f"ticket {self.ticket_id} has no {self.part} {self.number}"


@dataclass(eq=False)
class RuleBroken(DispatchError):
    """The move is well-formed and the actor's own, but a rule of the city forbids it now."""

    code: ClassVar[str] = "rule_broken"
    rule: Rule
    facts: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        facts = "".join(f"; {name} {value}" for name, value in self.facts.items())
        return f"ticket {self.ticket_id}: {self.rule}{facts}"


@dataclass(eq=False)
class BadAction(Exception):
    """The data of an action do not fit: which field, what is wrong, what is allowed."""

    code: ClassVar[str] = "bad_action"
    action: str
    field: str
    problem: str
    allowed: tuple[str, ...] = ()

    def __str__(self) -> str:
        allowed = f"; allowed: {', '.join(self.allowed)}" if self.allowed else ""
        return f"{self.action}.{self.field}: {self.problem}{allowed}"
