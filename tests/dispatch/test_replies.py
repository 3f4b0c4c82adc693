"""Doubts about replies: raised where an experienced reviewer would ask, and not where they would not."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from dispatch.actions import Reply
from dispatch.model import Caution, TicketType
from dispatch.replies import Asked, Earlier, Remark, missing, remarks
from dispatch.worktime import Calendar
from hotline.calendar_seed import default_calendar

NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)  # a Monday
CALENDAR: Calendar = default_calendar()
PIT = Asked(TicketType.COMPLAINT, "学府路和解放路口路面塌陷出现大坑，电动车差点掉下去，请尽快修复")
GOOD: dict[str, Any] = {
    "received": "您反映学府路口路面塌陷的问题已收悉。",
    "findings": "经现场查看，塌陷系地下水管渗漏造成。",
    "handling": "已修好水管，路面回填压实。",
    "follows": "如有疑问请致电 0596-2000000。",
}


def doubts(question: Asked = PIT, earlier: tuple[Earlier, ...] = (), **parts: Any) -> dict[Caution, Remark]:
    reply = Reply(assignment=1, genuine=True, solved=True, **{**GOOD, **parts})
    return {one.caution: one for one in remarks(reply, question, earlier, at=NOW, calendar=CALENDAR)}


def test_a_good_reply_raises_no_doubt() -> None:
    assert doubts() == {}


@pytest.mark.parametrize(
    ("question", "findings", "handling"),
    [
        (PIT.text, "我局高度重视，立即组织人员核实。", "感谢您对我们工作的理解和支持。"),
        (PIT.text, "经查，该小区物业收费标准已公示。", "已督促物业公司做好解释。"),
        ("楼上装修队每天早上六点电钻施工，孩子没法睡觉", "经核实，情况属实。", "已转相关部门处理。"),
    ],
)
def test_a_reply_that_speaks_of_something_else_is_doubted(question: str, findings: str, handling: str) -> None:
    found = doubts(Asked(TicketType.HELP, question), findings=findings, handling=handling)

    assert Caution.OFF_TOPIC in found


@pytest.mark.parametrize(
    ("question", "findings", "handling"),
    [
        ("路灯不亮", "电缆被挖断。", "已换新电缆。"),  # too short a matter to doubt anything
        ("楼上装修队每天早上六点电钻施工，孩子没法睡觉", "装修队确有提前开工。", "已约谈，八点前不再施工。"),
        ("小区三号楼电梯停运半个月，老人上下楼困难", "电梯主板损坏。", "配件到货后更换。"),
    ],
)
def test_a_reply_in_other_words_is_not_doubted(question: str, findings: str, handling: str) -> None:
    assert Caution.OFF_TOPIC not in doubts(Asked(TicketType.HELP, question), findings=findings, handling=handling)


SAME = "经现场查看，塌陷系地下水管渗漏造成。\n已修好水管，路面回填压实。"


def test_a_reply_that_was_sent_to_an_unlike_matter_is_doubted() -> None:
    found = doubts(earlier=(Earlier(7, "楼上装修噪声太大，凌晨还在施工，孩子没法睡觉", SAME),))

    assert found[Caution.TEMPLATE].ticket == 7


@pytest.mark.parametrize(
    "earlier",
    [
        Earlier(7, PIT.text + "，第二次反映了", SAME),  # the same matter may get the same answer
        Earlier(7, "楼上装修噪声太大", "已约谈装修负责人，要求在规定时间内施工，并张贴告示。"),
        Earlier(7, "楼上装修噪声太大", ""),
    ],
)
def test_the_same_matter_or_another_answer_is_no_template(earlier: Earlier) -> None:
    assert Caution.TEMPLATE not in doubts(earlier=(earlier,))


def test_short_answers_may_be_the_same() -> None:
    short: dict[str, Any] = {"findings": "属实。", "handling": "路面已修。"}

    assert Caution.TEMPLATE not in doubts(earlier=(Earlier(7, "另外的事情", "属实。\n路面已修。"),), **short)


@pytest.mark.parametrize(
    ("sentence", "until"),
    [
        ("预计11月30日前完成修复", date(2026, 11, 30)),
        ("将于2027年1月5日恢复通行", date(2027, 1, 5)),
        ("计划1月10日开工修复", date(2027, 1, 10)),  # next January
        ("我局将在三个工作日内完成", date(2026, 11, 26)),
        ("将在10天内修复", date(2026, 12, 3)),
        ("两周内会恢复", date(2026, 12, 7)),
        ("争取本月底前完成", date(2026, 11, 30)),
        ("拟于下个月底完成", date(2026, 12, 31)),
        ("确保年底前通车", date(2026, 12, 31)),
        ("本周内安排人员修复", date(2026, 11, 27)),
        ("下周将派人施工", date(2026, 12, 4)),
        ("二十五天内完成", date(2026, 12, 18)),
    ],
)
def test_a_promised_day_is_found(sentence: str, until: date) -> None:
    assert doubts(handling=f"路面回填。{sentence}。")[Caution.PROMISE].until == until


@pytest.mark.parametrize(
    "sentence",
    [
        "11月20日已完成修复",  # told as done
        "2026年10月完成了路面改造",
        "依据2025年5月1日起施行的条例，应由物业承担",
        "三日前已派人查看",
        "13月40日将完成",
        "路面已修好",
    ],
)
def test_what_is_past_or_no_day_is_no_promise(sentence: str) -> None:
    assert Caution.PROMISE not in doubts(handling=f"路面塌陷已回填。{sentence}。")


@pytest.mark.parametrize(
    ("kind", "received", "doubted"),
    [
        (TicketType.COMPLAINT, "您咨询的事项已收悉。", True),
        (TicketType.REPORT, "市民来电咨询塌陷一事。", True),
        (TicketType.CONSULT, "您咨询的事项已收悉。", False),
        (TicketType.COMPLAINT, "您投诉的事项已收悉。", False),
        (TicketType.COMPLAINT, "如需咨询，请致电。", False),
    ],
)
def test_a_complaint_that_is_called_an_enquiry_is_doubted(kind: TicketType, received: str, *, doubted: bool) -> None:
    assert (Caution.DOWNGRADED in doubts(Asked(kind, PIT.text), received=received)) is doubted


def test_the_callers_own_words_count_where_the_type_was_changed() -> None:
    question = Asked(TicketType.CONSULT, f"我要投诉：{PIT.text}")

    assert Caution.DOWNGRADED in doubts(question, received="您咨询的问题已收悉。")


def test_confirmed_doubts_are_out_of_the_way() -> None:
    found = tuple(doubts(received="您咨询的问题已收悉。", handling="将于12月1日修复路面。").values())

    assert missing(found, (Caution.PROMISE, Caution.TEMPLATE)) == tuple(
        one for one in found if one.caution is Caution.DOWNGRADED
    )
    assert missing(found, tuple(Caution)) == ()
