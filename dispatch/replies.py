"""What gives one pause about a reply before it is sent: it misses the matter, is a template, promises, or downgrades.

Doubts, never verdicts: whoever replies may confirm each, and that they did stays with the reply. Pure text work on
values; the moment is an argument. Nothing here knows whether the reply is true.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from dispatch.actions import Reply
from dispatch.model import Caution, TicketType
from dispatch.worktime import ZONE, Calendar


@dataclass(frozen=True, slots=True)
class Asked:
    """What the reply must answer: the kind of matter, and the caller's words."""

    type: TicketType
    text: str


@dataclass(frozen=True, slots=True)
class Earlier:
    """An earlier reply of the same department: to which ticket, to what words, and what it said."""

    ticket: int
    question: str
    answer: str


@dataclass(frozen=True, slots=True)
class Remark:
    """One doubt with what raised it; `until` is the promised day, `ticket` the one with the same reply."""

    caution: Caution
    evidence: str
    until: date | None = None
    ticket: int | None = None


def remarks(
    reply: Reply, question: Asked, earlier: Iterable[Earlier], *, at: datetime, calendar: Calendar
) -> tuple[Remark, ...]:
    """Return the doubts about a reply, each kind once."""
    answer = f"{reply.findings}\n{reply.handling}"
    found = (
        _off_topic(question.text, answer),
        _template(question.text, answer, earlier),
        _promise(f"{reply.handling}\n{reply.follows}", at, calendar),
        _downgraded(question, reply),
    )
    return tuple(one for one in found if one)


# --- does it answer the question --------------------------------------------------------------------------------------

_HAN = re.compile(r"[\u3400-\u9fffA-Za-z0-9]+")
_OFFICE = re.compile(
    "您好|反映|诉求|问题|情况|有关|相关|部门|单位|工作人员|现场|核查|核实|查看|调查|了解|属实|处理|处置|办理|解决|答复|整改|落实|联系|"
    "要求|希望|尽快|及时|目前|已经|进行|我局|我单位|市民|群众|来电|致电|电话|感谢|支持|理解|监督|进一步|下一步|加强|管理|责令|责成|"
    "请|您|的|了|在|和|与|对|为|是|有|我|你|他|已|将|于|并|由|也|就|不|没|很|到|说|给|被|把|这|那|个|多次"
)
"""What every reply and every matter is full of: it says nothing about what they are about."""
SHARE_LEAST = 0.04
"""Of the pairs of characters that a matter is about, at least this share comes back in an answer that is about it."""
PAIRS_LEAST = 4
"""Fewer pairs say too little to doubt anything."""


def pairs(text: str) -> frozenset[str]:
    """Return the neighbouring characters that a text is about, without what every office text is full of."""
    runs = (run for part in _HAN.findall(text.lower()) for run in _OFFICE.split(part))
    return frozenset(run[at : at + 2] for run in runs for at in range(len(run) - 1))


def _off_topic(question: str, answer: str) -> Remark | None:
    asked, said = pairs(question), pairs(answer)
    if len(asked) < PAIRS_LEAST or len(asked & said) >= max(1, round(SHARE_LEAST * len(asked))):
        return None
    return Remark(Caution.OFF_TOPIC, "、".join(sorted(asked, key=question.lower().find)[:5]))


# --- was it used before -----------------------------------------------------------------------------------------------

SAME_ANSWER, SAME_QUESTION = 0.85, 0.3
"""Shares of common pairs: answers from the first on are one text; matters below the second are not alike."""
SHORTEST_TEMPLATE = 12
"""Pairs; a shorter answer may well be the same twice."""


def _template(question: str, answer: str, earlier: Iterable[Earlier]) -> Remark | None:
    asked, said = _grams(question), _grams(answer)
    if len(said) < SHORTEST_TEMPLATE:
        return None
    for one in earlier:
        before = _grams(one.answer)
        if _likeness(said, before) >= SAME_ANSWER and _likeness(asked, _grams(one.question)) < SAME_QUESTION:
            return Remark(Caution.TEMPLATE, str(one.ticket), ticket=one.ticket)
    return None


def _grams(text: str) -> frozenset[str]:
    return frozenset(part[at : at + 2] for part in _HAN.findall(text.lower()) for at in range(len(part) - 1))


def _likeness(one: frozenset[str], other: frozenset[str]) -> float:
    """Return which share of all pairs both texts have; texts of very different length are told apart at once."""
    if not one or not other or min(len(one), len(other)) < SAME_QUESTION * max(len(one), len(other)):
        return 0.0
    common = len(one & other)
    return common / (len(one) + len(other) - common)


# --- does it promise a day --------------------------------------------------------------------------------------------

_WILL = re.compile("将|会|预计|计划|拟|争取|确保|力争|保证|承诺|安排|完成|恢复|整改到位|修复|答复您")
_DIGITS = {sign: value for value, sign in enumerate("零一二三四五六七八九十")} | {"两": 2, "半": 0}
_NUMBER = r"(\d{1,3}|[一二两三四五六七八九十]{1,3})"
_DAY = re.compile(r"(?:(20\d\d)年)?(\d{1,2})月(\d{1,2})[日号]")
_SPAN = re.compile(rf"{_NUMBER}\s*个?(工作日|天|日|周|星期|个月)(?:之内|以内|内)")
_END = re.compile("(本|这|下)?个?(月底|月末|年底|年末|季度末)|(本|这|下)周(?:内|五|末)?")
_SENTENCE = re.compile(r"[^。！？；\n]+")


def _promise(text: str, at: datetime, calendar: Calendar) -> Remark | None:
    """Return the latest day that a sentence about the future names."""
    today = at.astimezone(ZONE).date()
    promised = [
        (until, sentence[0].strip())
        for sentence in _SENTENCE.finditer(text)
        if _WILL.search(sentence[0])
        for until in _days(sentence[0], today, calendar)
        if until >= today
    ]
    if not promised:
        return None
    until, sentence = max(promised)
    return Remark(Caution.PROMISE, sentence, until=until)


def _days(sentence: str, today: date, calendar: Calendar) -> Iterator[date]:
    for found in _DAY.finditer(sentence):
        year, month, day = int(found[1] or today.year), int(found[2]), int(found[3])
        if 1 <= month <= 12 and 1 <= day <= monthrange(year, month)[1]:  # noqa: PLR2004 - months
            named = date(year, month, day)
            # A day long gone without a year is next year's; one just gone is told as done.
            yield named if found[1] or (today - named).days < 90 else named.replace(year=year + 1)  # noqa: PLR2004 - days
    for found in _SPAN.finditer(sentence):
        yield _after(today, _number(found[1]), found[2], calendar)
    for found in _END.finditer(sentence):
        yield _end_of(found, today)


def _number(text: str) -> int:
    if text.isdigit():
        return int(text)
    tens, ten, ones = text.partition("十")
    if not ten:
        return _DIGITS[text[-1]]
    return (_DIGITS[tens] if tens else 1) * 10 + (_DIGITS[ones] if ones else 0)


def _after(today: date, number: int, unit: str, calendar: Calendar) -> date:
    if unit == "工作日":
        noon = datetime(today.year, today.month, today.day, 12, tzinfo=ZONE)
        return calendar.add_days(noon, number).astimezone(ZONE).date()
    return today + timedelta(days=number * {"周": 7, "星期": 7, "个月": 30}.get(unit, 1))


def _end_of(found: re.Match[str], today: date) -> date:
    if found[3]:
        return today + timedelta(days=(4 if found[3] != "下" else 11) - today.weekday())
    if found[2] in {"年底", "年末"}:
        return date(today.year, 12, 31)
    if found[2] == "季度末":
        month = (today.month + 2) // 3 * 3
        return date(today.year, month, monthrange(today.year, month)[1])
    first = (today.replace(day=1) + timedelta(days=32)).replace(day=1) if found[1] == "下" else today
    return first.replace(day=monthrange(first.year, first.month)[1])


# --- is a complaint called an enquiry ---------------------------------------------------------------------------------

_ENQUIRY = re.compile(
    r"咨询(?:的|事项|内容|问题|诉求)|(?:您|市民|诉求人|来电人)(?:所|来电|反映)?咨询|属于?(?:政策)?咨询|答疑|解疑"
)
_GRIEVANCE = re.compile("投诉|举报|查处|违法|违规|乱收费|拒绝|推诿|不作为|扰民|赔偿|追究|欠薪|拖欠|维权")
_GRIEVANCES = frozenset({TicketType.COMPLAINT, TicketType.REPORT})


def _downgraded(question: Asked, reply: Reply) -> Remark | None:
    said = _ENQUIRY.search(f"{reply.received}\n{reply.findings}\n{reply.handling}")
    if said and (question.type in _GRIEVANCES or _GRIEVANCE.search(question.text)):
        return Remark(Caution.DOWNGRADED, said[0])
    return None


def missing(found: Sequence[Remark], confirmed: Sequence[Caution]) -> tuple[Remark, ...]:
    """Return the doubts that nobody has confirmed yet."""
    return tuple(one for one in found if one.caution not in confirmed)
