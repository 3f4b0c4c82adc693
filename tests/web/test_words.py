import ast
import inspect
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import get_args

import pytest

from dispatch import actions, errors, model, rulebook
from dispatch.actions import ACTIONS
from dispatch.errors import BadAction, IllegalAction, NotYours, Rule, RuleBroken
from dispatch.model import AssignmentState, RequestKind, Term, TicketState
from dispatch.rulebook import DEFAULT_LADDER
from dispatch.worktime import Unit
from hotline import alarms, auth, edge, tickets, vault
from hotline import errors as service_errors
from hotline.errors import BadInput, NotFound, StaleTicket, Unavailable
from hotline.web import forms, pages, words

ROOT = Path(__file__).parents[2]
CHINESE = re.compile(r"[\u3400-\u9fff]")
NOON = datetime(2026, 11, 23, 4, tzinfo=UTC)


def terms() -> Iterator[Term]:
    for module in (model, errors):
        for kind in vars(module).values():
            if inspect.isclass(kind) and issubclass(kind, Term):
                yield from kind


@pytest.mark.parametrize("term", list(terms()), ids=lambda term: f"{type(term).__name__}.{term}")
def test_every_code_has_a_chinese_term(term: Term) -> None:
    assert words.term(term).strip()


@pytest.mark.parametrize("name", ACTIONS)
def test_every_action_and_each_of_its_fields_has_a_word(name: str) -> None:
    assert CHINESE.search(words.action(name))
    for field in inspect.signature(ACTIONS[name]).parameters:
        assert CHINESE.search(words.field(name, field)), field


@pytest.mark.parametrize("rule", Rule)
def test_every_rule_says_what_to_do_next(rule: Rule) -> None:
    assert rule in words.ADVICE
    assert CHINESE.search(words.explain(RuleBroken(1, rule, {})))


SERVICE_FILLS = {"supplement": {"caller"}}  # which caller it is, the service knows of those on their own page


def test_every_action_of_a_person_has_a_form_with_every_field() -> None:
    for name, kind in ACTIONS.items():
        if name in {"join", "part", "recount"}:  # the service's own
            continue
        fields = set(inspect.signature(kind).parameters) - {kind.subject} - SERVICE_FILLS.get(name, set())
        assert {field.name for field in forms.FORMS[name]} == fields, name


def test_every_input_of_the_intake_has_a_word() -> None:
    for group, fields in forms.INTAKE.items():
        assert getattr(words.W, group)
        assert all(CHINESE.search(words.field("intake", field.name)) for field in fields)


def notice_kinds() -> set[str]:
    """The kinds that the service writes down: literal ones from its source, composed ones from their codes."""
    sources = inspect.getsource(tickets._notices) + inspect.getsource(tickets._told_by_action)
    found = set()
    for node in ast.walk(ast.parse(sources)):
        if isinstance(node, ast.Tuple) and len(node.elts) == 3:
            kind = node.elts[1]
            if isinstance(kind, ast.Constant) and isinstance(kind.value, str):
                found.add(kind.value)
    found |= {state.value for state in AssignmentState}
    found |= {f"{kind}_{answer}" for kind in RequestKind for answer in ("approved", "rejected")}
    found |= {"order_answered", "exemption_claimed", "order_accepted", "order_returned", "recount"}
    found |= {"exemption_approved", "exemption_rejected"}
    return found | {"risk", "risk_seen", "urge", "supervise", "transfer"} | {rule.name for rule in DEFAULT_LADDER}


def test_every_kind_of_notice_has_a_sentence() -> None:
    assert {"assigned", "copied", "request", "merged", "analysis"} <= notice_kinds()
    assert {kind for kind in notice_kinds() if kind not in words.NOTICES} == set()


def problems(*modules: ModuleType) -> Iterator[str]:
    """Every problem that these modules tell of a value, with 7 where a figure or a value stands."""
    for module in modules:
        for node in ast.walk(ast.parse(inspect.getsource(module))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in {"BadInput", "BadAction"}:
                text = node.args[2] if len(node.args) > 2 else None
                if isinstance(text, ast.Constant):
                    yield str(text.value)
                elif isinstance(text, ast.JoinedStr):
                    yield "".join(str(part.value) if isinstance(part, ast.Constant) else "7" for part in text.values)


@pytest.mark.parametrize("problem", sorted(set(problems(actions, tickets, vault, edge, pages, forms))))
def test_every_problem_of_a_value_has_a_word(problem: str) -> None:
    assert words.problem(problem) != words.OTHER_PROBLEM


@pytest.mark.parametrize("why", ["RegistryError: no active model in /srv", "KeyError: 'x'", ""])
def test_a_night_that_failed_is_told_in_chinese(why: str) -> None:
    told = words.lesson({"verdict": "failed", "champion": "", "challenger": "", "facts": {"why": why}})

    assert told.startswith("没有训练成功：")
    assert "Error" not in told


def test_the_versions_of_a_rulebook_are_named_in_words() -> None:
    assert words.versions("catalogue-12 policy-1") == "派单目录第12版、办理参数第1版"


def test_every_refusal_of_the_service_says_why() -> None:
    for module in (tickets, pages):
        for node in ast.walk(ast.parse(inspect.getsource(module))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in {"Forbidden", "_only"}:
                why = node.args[-1]
                assert not isinstance(why, ast.Constant) or why.value in words.REFUSALS


ERRORS = [
    kind
    for module in (errors, service_errors, auth)
    for kind in vars(module).values()
    if inspect.isclass(kind) and issubclass(kind, Exception) and kind in edge.STATUS
]


def test_every_error_with_a_status_has_a_sentence_of_its_own() -> None:
    assert len(ERRORS) >= 10
    samples = {
        "ticket_id": 7,
        "state": TicketState.HANDLING,
        "action": "reply",
        "role": "agent",
        "rule": Rule.IS_MERGED,
    }
    for kind in ERRORS:
        given = {name: samples.get(name, "ticket") for name in needed(kind)}
        sentence = words.explain(kind(**given))
        assert CHINESE.search(sentence)
        assert sentence != words.CODES["internal"], kind


def needed(kind: type[Exception]) -> list[str]:
    parameters = inspect.signature(kind).parameters.values()
    return [one.name for one in parameters if one.default is one.empty]


@pytest.mark.parametrize("unit", Unit)
def test_every_unit_of_an_allowance_has_a_word(unit: Unit) -> None:
    assert CHINESE.search(words.allowance(f"3{unit}+"))


def test_an_error_says_what_was_asked_why_not_and_what_now() -> None:
    said = words.explain(IllegalAction(7, TicketState.HANDLING, "pass_review", ("reply",)))

    assert said == "工单 7 现在是“办理中”，不能审核通过。现在可以：答复。"


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (NotYours(7, "dispatch", "agent", "hotline", ()), "话务员不能对工单 7 做“派单”。您现在没有可以做的操作。"),
        (
            RuleBroken(7, Rule.RETURNED_BEFORE, {"department": "市水利局"}),
            "该单位已退过此单，不得再派（单位 市水利局）。",
        ),
        (BadAction("reply", "received", "is missing"), "诉求情况：还没有填。"),
        (BadInput("text", "…", "has 20001 characters", "at most 20000"), "内容：太长，已有20001个字。"),
        (NotFound("ticket", 7), "没有这个工单"),
        (Unavailable("PostgreSQL", 2), "没有保存。请2秒后再试。"),
        (StaleTicket(7, 1, 2), "您的操作没有执行"),
        (RuntimeError("password=hunter2"), "系统出了问题"),  # internals never show
    ],
)
def test_errors_read_as_plain_sentences(error: Exception, said: str) -> None:
    assert said in words.explain(error)
    assert "hunter2" not in words.explain(error)


@pytest.mark.parametrize(
    ("span", "said"),
    [
        (timedelta(seconds=20), "还剩 不到 1 分钟"),
        (timedelta(minutes=59), "还剩 59 分钟"),
        (timedelta(hours=3, minutes=50), "还剩 3 小时"),
        (timedelta(hours=47), "还剩 47 小时"),
        (timedelta(days=2), "还剩 2 天"),
        (timedelta(0), "还剩 不到 1 分钟"),  # at the very moment it is not late
        (-timedelta(days=2, hours=5), "已超 2 天"),
    ],
)
def test_time_left_is_told_in_words(span: timedelta, said: str) -> None:
    assert words.left(NOON + span, NOON) == said


def test_moments_are_shown_in_local_time() -> None:
    assert words.moment(NOON) == "2026-11-23 12:00"


TEMPLATES = sorted((ROOT / "hotline/web/templates").glob("*.html"))


@pytest.mark.parametrize("file", TEMPLATES, ids=lambda file: file.name)
def test_a_template_has_no_wording_of_its_own(file: Path) -> None:
    assert not re.search(r"[\u3000-\u9fff\uff00-\uffef]", file.read_text("utf-8"))


@pytest.mark.parametrize("file", TEMPLATES, ids=lambda file: file.name)
def test_a_template_asks_only_for_words_that_there_are(file: Path) -> None:
    asked = set(re.findall(r"\bw\.(\w+)", file.read_text("utf-8")))

    assert asked <= set(vars(words.W))


@pytest.mark.parametrize("file", TEMPLATES, ids=lambda file: file.name)
def test_a_template_has_no_script_or_style_of_its_own(file: Path) -> None:
    text = file.read_text("utf-8")

    assert not re.search(r"\sstyle=|<style|\son\w+=|javascript:", text)
    assert "<script" not in text.replace("<script src=", "")


def test_every_alarm_has_a_sentence_for_the_administrators() -> None:
    for kind in get_args(alarms.Kind):
        assert CHINESE.search(words.NOTICES[f"alarm_{kind}"])


def rule_problems() -> list[str]:
    """The sentences in which a rulebook is said to contradict itself, with a code where one stands."""
    found = []
    for node in ast.walk(ast.parse(inspect.getsource(rulebook))):
        told = node.value if isinstance(node, ast.Yield) else None
        if isinstance(told, ast.JoinedStr):
            found.append("".join(str(part.value) if isinstance(part, ast.Constant) else "0101" for part in told.values))
        elif isinstance(told, ast.Constant):
            found.append(str(told.value))
    return found


def test_whatever_is_wrong_with_rules_is_said_in_chinese() -> None:
    told = rule_problems()

    assert len(told) > 15
    assert [one for one in told if words.rule_problem(one, str, str) == one] == []
