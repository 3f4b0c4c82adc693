"""What people may do to a ticket, as data: one frozen class an action, and their reading from plain values.

Names, fields and bounds live here; whether an action is allowed is the lifecycle's question. The reader turns
what came in as JSON or a form into an action, or says which field is wrong and what is allowed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import MISSING, dataclass, fields
from datetime import datetime
from types import UnionType
from typing import Any, ClassVar, Literal, Union, get_args, get_origin, get_type_hints

from dispatch.errors import BadAction
from dispatch.model import (
    Body,
    Caller,
    Caution,
    Contact,
    ExemptionGround,
    Line,
    PauseReason,
    ReturnReason,
    Rung,
    Satisfaction,
    Term,
    TicketType,
    TransferGround,
    Urgency,
)

LONGEST_TEXT = 20_000
"""Characters; the longest real message that we saw had about 8,000."""

Subject = Literal["", "assignment", "request", "order", "caller"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """Something that somebody does to a ticket; `subject` is the part that it is about, named by its number."""

    name: ClassVar[str]
    chinese: ClassVar[str]
    subject: ClassVar[Subject] = ""

    @property
    def number(self) -> int:
        """The number of the part acted on; 0 for the ticket itself."""
        return int(getattr(self, self.subject)) if self.subject else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class OnAssignment(Action):
    """An action on one assignment."""

    subject: ClassVar[Subject] = "assignment"
    assignment: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispatch(Action):
    """Send the ticket to its lead and co-handlers; `override` is the named reason for breaking a soft rule."""

    name: ClassVar[str] = "dispatch"
    chinese: ClassVar[str] = "派单"
    lead: str
    co: tuple[str, ...] = ()
    why: str = ""
    override: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Analyse(Action):
    """Put a ticket that nobody owns before the joint analysis."""

    name: ClassVar[str] = "analyse"
    chinese: ClassVar[str] = "提交研判"
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Designate(Action):
    """Fix the lead after joint analysis; a designated ticket cannot be returned (Weifang Art. 22)."""

    name: ClassVar[str] = "designate"
    chinese: ClassVar[str] = "指定承办"
    lead: str
    basis: str
    co: tuple[str, ...] = ()
    override: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer(Action):
    """Answer the caller at once and close; `knowledge` names the version of an entry that was used, K0001@2."""

    name: ClassVar[str] = "answer"
    chinese: ClassVar[str] = "直接答复"
    text: str
    knowledge: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refuse(Action):
    """Do not accept the matter, on a ground of the code list, saying what the caller was told."""

    name: ClassVar[str] = "refuse"
    chinese: ClassVar[str] = "不予受理"
    ground: str
    told: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HandOver(Action):
    """Hand the caller over to 110 or another line."""

    name: ClassVar[str] = "hand_over"
    chinese: ClassVar[str] = "转其他热线"
    line: Line
    reference: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdraw(Action):
    """End the ticket because its caller takes the matter back."""

    name: ClassVar[str] = "withdraw"
    chinese: ClassVar[str] = "撤单"
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Merge(Action):
    """Make this ticket part of another one about the same matter; its callers keep their own call-back."""

    name: ClassVar[str] = "merge"
    chinese: ClassVar[str] = "并单"
    into: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unmerge(Action):
    """Take a merge back: the ticket waits for dispatch again."""

    name: ClassVar[str] = "unmerge"
    chinese: ClassVar[str] = "撤销并单"
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Join(Action):
    """Add callers of the same matter; done by the service when tickets are merged or a caller is added."""

    name: ClassVar[str] = "join"
    chinese: ClassVar[str] = "增加诉求人"
    callers: tuple[Caller, ...]
    origin: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Part(Action):
    """Take the callers of an un-merged ticket away again."""

    name: ClassVar[str] = "part"
    chinese: ClassVar[str] = "移出诉求人"
    origin: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Amend(Action):
    """Correct what the ticket is about; running deadlines follow (see `deadlines`)."""

    name: ClassVar[str] = "amend"
    chinese: ClassVar[str] = "更正"
    reason: str
    type: TicketType | None = None
    urgency: Urgency | None = None
    category: str | None = None
    area: str | None = None
    owner: str | None = None
    confidential: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Supplement(Action):
    """Add what the caller said later; `caller` which of them, if it is known."""

    name: ClassVar[str] = "supplement"
    chinese: ClassVar[str] = "补充"
    text: str
    caller: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Accept(OnAssignment):
    """Sign for the assignment."""

    name: ClassVar[str] = "accept"
    chinese: ClassVar[str] = "签收"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach(OnAssignment):
    """Record that the department contacted the caller first 先行联系; `how` is the proof (time, number, person)."""

    name: ClassVar[str] = "contact"
    chinese: ClassVar[str] = "先行联系"
    how: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SubDispatch(OnAssignment):
    """Send the assignment on to lower units of one's own."""

    name: ClassVar[str] = "sub_dispatch"
    chinese: ClassVar[str] = "二级派单"
    departments: tuple[str, ...]
    note: str = ""
    override: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AddCo(OnAssignment):
    """Bring in a co-handler; `assignment` is the lead that it helps."""

    name: ClassVar[str] = "add_co"
    chinese: ClassVar[str] = "加派协办"
    department: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply(OnAssignment):
    """Answer in four parts; the internal note never leaves the offices. `confirmed` doubts were seen and kept."""

    name: ClassVar[str] = "reply"
    chinese: ClassVar[str] = "答复"
    received: str
    findings: str
    handling: str
    follows: str
    genuine: bool
    solved: bool
    note: str = ""
    confirmed: tuple[Caution, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Recall(OnAssignment):
    """Take an assignment back; without a lead the ticket waits for dispatch again."""

    name: ClassVar[str] = "recall"
    chinese: ClassVar[str] = "撤回派单"
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AskReturn(OnAssignment):
    """Ask to give the ticket back: a reason code, the legal basis and whose duty it is instead."""

    name: ClassVar[str] = "ask_return"
    chinese: ClassVar[str] = "申请退单"
    reason_code: ReturnReason
    reason: str
    basis: str
    suggested: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AskExtension(OnAssignment):
    """Ask for more working days."""

    name: ClassVar[str] = "ask_extension"
    chinese: ClassVar[str] = "申请延期"
    working_days: int
    reason: str
    basis: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AskPause(OnAssignment):
    """Ask that the time stands still for some working days, because what is waited for is in other hands."""

    name: ClassVar[str] = "ask_pause"
    chinese: ClassVar[str] = "申请暂停计时"
    pause_code: PauseReason
    working_days: int
    reason: str
    basis: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resume(OnAssignment):
    """Let the time run on before the end of a pause."""

    name: ClassVar[str] = "resume"
    chinese: ClassVar[str] = "恢复计时"
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Inform(OnAssignment):
    """Record that the caller was told why it takes longer (Beijing Art. 15); `how` is the proof (time, number)."""

    name: ClassVar[str] = "inform"
    chinese: ClassVar[str] = "告知诉求人"
    how: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AskPromise(OnAssignment):
    """Name measures and a date for an objective obstacle (Jinan Art. 24); the hotline tracks it to its end."""

    name: ClassVar[str] = "ask_promise"
    chinese: ClassVar[str] = "申请承诺期限"
    until: datetime
    measures: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AskTermination(OnAssignment):
    """Ask to end the handling; the hotline must agree (Weifang Art. 21)."""

    name: ClassVar[str] = "ask_termination"
    chinese: ClassVar[str] = "申请终止办理"
    reason: str
    basis: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Decide(Action):
    """Approve or reject a request."""

    name: ClassVar[str] = "decide"
    chinese: ClassVar[str] = "审批"
    subject: ClassVar[Subject] = "request"
    request: int
    approve: bool
    answer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Urge(OnAssignment):
    """Press a department 催办; at most once in ten minutes."""

    name: ClassVar[str] = "urge"
    chinese: ClassVar[str] = "催办"
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Supervise(OnAssignment):
    """Issue a supervision order 督办单; `joint` names further assignments that must answer it too 联合督办."""

    name: ClassVar[str] = "supervise"
    chinese: ClassVar[str] = "督办"
    rung: Rung
    demand: str
    joint: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer(OnAssignment):
    """Hand the case of a unit over to the body that may punish (Zhangzhou rules Art. 21)."""

    name: ClassVar[str] = "transfer"
    chinese: ClassVar[str] = "移交"
    body: Body
    ground: TransferGround
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerOrder(Action):
    """Answer a supervision order."""

    name: ClassVar[str] = "answer_order"
    chinese: ClassVar[str] = "答复督办单"
    subject: ClassVar[Subject] = "order"
    order: int
    answer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptOrder(Action):
    """Find the answer to a supervision order good enough."""

    name: ClassVar[str] = "accept_order"
    chinese: ClassVar[str] = "督办核查通过"
    subject: ClassVar[Subject] = "order"
    order: int
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnOrder(Action):
    """Return the answer to a supervision order: it must be answered again."""

    name: ClassVar[str] = "return_order"
    chinese: ClassVar[str] = "督办答复退回"
    subject: ClassVar[Subject] = "order"
    order: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimExemption(Action):
    """Claim that the fault which an order holds against the unit is an excusable error (Zhangzhou rules Art. 23)."""

    name: ClassVar[str] = "claim_exemption"
    chinese: ClassVar[str] = "申请容错"
    subject: ClassVar[Subject] = "order"
    order: int
    ground: ExemptionGround
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DecideExemption(Action):
    """Decide whether an error is excused; a person does, never the machine."""

    name: ClassVar[str] = "decide_exemption"
    chinese: ClassVar[str] = "容错认定"
    subject: ClassVar[Subject] = "order"
    order: int
    approve: bool
    answer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Recount(Action):
    """Count the running deadlines anew by a calendar that was published; done by the service only."""

    name: ClassVar[str] = "recount"
    chinese: ClassVar[str] = "重算时限"
    calendar: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PassReview(Action):
    """Find the reply good enough to ask the callers about it."""

    name: ClassVar[str] = "pass_review"
    chinese: ClassVar[str] = "审核通过"
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SendBack(Action):
    """Send a reply back to be done again."""

    name: ClassVar[str] = "send_back"
    chinese: ClassVar[str] = "退回重办"
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit(Action):
    """One attempt to ask one caller the four questions; `redo` when dissatisfied with reason."""

    name: ClassVar[str] = "visit"
    chinese: ClassVar[str] = "回访"
    subject: ClassVar[Subject] = "caller"
    caller: int
    contact: Contact
    contacted: bool | None = None
    genuine: bool | None = None
    solved: bool | None = None
    process: Satisfaction | None = None
    result: Satisfaction | None = None
    redo: bool = False
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate(Action):
    """A caller's 好差评 of a closed matter, once a cycle; a bad one with a name must be verified in two days."""

    name: ClassVar[str] = "rate"
    chinese: ClassVar[str] = "评价"
    subject: ClassVar[Subject] = "caller"
    caller: int
    level: Satisfaction
    comment: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reopen(Action):
    """Take a closed matter up again because of new facts."""

    name: ClassVar[str] = "reopen"
    chinese: ClassVar[str] = "重新办理"
    reason: str


def _every(root: type[Action]) -> list[type[Action]]:
    found = [root] if "name" in root.__dict__ else []
    for heir in root.__subclasses__():
        found += _every(heir)
    return found


ACTIONS: Mapping[str, type[Action]] = {action.name: action for action in _every(Action)}
"""Every action by its name."""

OPTIONAL_TEXTS = frozenset({"why", "override", "note", "reference", "comment", "basis", "knowledge"})
"""Texts that may be empty where their class gives a default; all other texts must say something."""


def read(name: str, values: Mapping[str, object]) -> Action:
    """Return the action `name` made from plain `values` (JSON types, or strings from a form).

    Raises BadAction for an unknown action, an unknown or missing field, or a value that does not fit.
    """
    action = ACTIONS.get(name)
    if action is None:
        raise BadAction(name, "action", "unknown action", tuple(ACTIONS))
    hints = _hints(action)
    unknown = sorted(set(values) - set(hints))
    if unknown:
        raise BadAction(name, unknown[0], "unknown field", tuple(hints))
    made = {field: _value(name, field, hints[field], value) for field, value in values.items()}
    for needed in _needed(action):
        if needed not in made or (made[needed] == "" and needed not in OPTIONAL_TEXTS):
            raise BadAction(name, needed, "is missing")
    return action(**made)


_HINTS: dict[type[Action], dict[str, Any]] = {}


def _hints(action: type[Action]) -> dict[str, Any]:
    if action not in _HINTS:
        hints = get_type_hints(action)
        _HINTS[action] = {field.name: hints[field.name] for field in fields(action)}
    return _HINTS[action]


def _needed(action: type[Action]) -> Iterator[str]:
    return (field.name for field in fields(action) if field.default is MISSING and field.default_factory is MISSING)


def _value(action: str, field: str, hint: Any, value: object) -> object:  # noqa: ANN401 - a type form
    if get_origin(hint) in (Union, UnionType):
        if value is None or value == "":
            return None
        hint = next(choice for choice in get_args(hint) if choice is not type(None))
    if get_origin(hint) is tuple:
        return _many(action, field, get_args(hint)[0], value)
    return _one(action, field, hint, value)


def _many(action: str, field: str, hint: Any, value: object) -> object:  # noqa: ANN401 - a type form
    parts = value.split() if isinstance(value, str) else value
    if not isinstance(parts, list | tuple):
        raise BadAction(action, field, "must be a list")
    return tuple(_one(action, field, hint, part) for part in parts)


def _one(action: str, field: str, hint: Any, value: object) -> object:  # noqa: ANN401 - a type form
    if hint is str:
        return _text(action, field, value)
    if hint is bool:
        return _truth(action, field, value)
    if hint is int:
        return _whole(action, field, value)
    if hint is datetime:
        return _moment(action, field, value)
    if issubclass(hint, Term):
        try:
            return hint(value)
        except ValueError:
            problem = f"{_shown(value)} is unknown"
            raise BadAction(action, field, problem, tuple(term.value for term in hint)) from None
    if isinstance(value, hint):
        return value
    raise BadAction(action, field, "cannot be given from outside")


def _text(action: str, field: str, value: object) -> str:
    if not isinstance(value, str):
        raise BadAction(action, field, "must be text")
    if "\x00" in value:
        raise BadAction(action, field, "contains a NUL byte")
    if len(value) > LONGEST_TEXT:
        raise BadAction(action, field, f"has {len(value)} characters", (f"at most {LONGEST_TEXT}",))
    return value.strip()


def _truth(action: str, field: str, value: object) -> bool:
    truths = {True: True, False: False, "true": True, "false": False, "yes": True, "no": False, "on": True}
    if isinstance(value, bool | str) and value in truths:
        return truths[value]
    raise BadAction(action, field, f"{_shown(value)} is neither true nor false", ("true", "false"))


def _whole(action: str, field: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise BadAction(action, field, "must be a whole number")
    # int() reads '1_0' and '１２' too, and refuses text of more than 4,300 digits with an error of its own.
    digits = value.strip().removeprefix("-") if isinstance(value, str) else ""
    if isinstance(value, str) and not (digits.isascii() and digits.isdigit()):
        raise BadAction(action, field, f"{_shown(value)} is not a whole number")
    number = 0 if len(digits) > _DIGITS_MOST else int(value)
    if not 0 < number < 10**_DIGITS_MOST:
        raise BadAction(action, field, f"{_shown(value)} is out of range", ("1 to 18 digits, not zero",))
    return number


_DIGITS_MOST = 18


def _moment(action: str, field: str, value: object) -> datetime:
    try:
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    except ValueError:
        raise BadAction(action, field, f"{_shown(value)} is not a moment", ("2026-11-23T17:00:00+08:00",)) from None
    if moment.tzinfo is None:
        raise BadAction(action, field, "has no time zone", ("2026-11-23T17:00:00+08:00",))
    return moment


def _shown(value: object) -> str:
    """Return a value as an error shows it: it may be as long as a request."""
    text = repr(value)
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}…"


LONGEST_SHOWN = 80
