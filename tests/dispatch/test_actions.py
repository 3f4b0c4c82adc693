"""What comes from outside becomes an action or a refusal that names the field, what is wrong and what is allowed."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatch import actions as do
from dispatch.errors import BadAction
from dispatch.model import Contact, ReturnReason, Satisfaction, TicketType

REPLY = {"assignment": 1, "received": "r", "findings": "f", "handling": "h", "follows": "w"}


@pytest.mark.parametrize(
    ("name", "values", "field", "said"),
    [
        ("fly", {}, "action", "unknown action"),
        ("dispatch", {}, "lead", "is missing"),
        ("dispatch", {"lead": ""}, "lead", "is missing"),  # nothing is as good as missing
        ("dispatch", {"lead": "  "}, "lead", "is missing"),  # so are blanks
        ("dispatch", {"lead": 7}, "lead", "must be text"),
        ("dispatch", {"lead": None}, "lead", "must be text"),
        ("dispatch", {"lead": "jtj", "colour": "red"}, "colour", "unknown field"),
        ("dispatch", {"lead": "jtj", "co": 7}, "co", "must be a list"),
        ("dispatch", {"lead": "jtj", "co": {"a": 1}}, "co", "must be a list"),
        ("dispatch", {"lead": "jtj", "co": ["cgj", 7]}, "co", "must be text"),
        ("dispatch", {"lead": "jtj\x00"}, "lead", "contains a NUL byte"),
        ("answer", {"text": "长" * 20_001}, "text", "has 20001 characters"),
        ("answer", {"text": ["a"]}, "text", "must be text"),
        ("accept", {}, "assignment", "is missing"),
        ("accept", {"assignment": True}, "assignment", "must be a whole number"),  # True is no 1
        ("accept", {"assignment": 1.5}, "assignment", "must be a whole number"),
        ("accept", {"assignment": None}, "assignment", "must be a whole number"),
        ("accept", {"assignment": "one"}, "assignment", "'one' is not a whole number"),
        ("accept", {"assignment": ""}, "assignment", "'' is not a whole number"),
        ("accept", {"assignment": 0}, "assignment", "0 is out of range"),
        ("accept", {"assignment": -1}, "assignment", "-1 is out of range"),
        ("accept", {"assignment": 10**18}, "assignment", f"{10**18} is out of range"),
        ("accept", {"assignment": "9" * 5000}, "assignment", "is out of range"),  # more digits than int() reads
        ("merge", {"into": "1_0", "reason": "r"}, "into", "'1_0' is not a whole number"),  # Python's own spelling
        ("merge", {"into": "１２", "reason": "r"}, "into", "'１２' is not a whole number"),
        ("ask_return", {"assignment": 1, "reason_code": "boring"}, "reason_code", "'boring' is unknown"),
        ("ask_return", {"assignment": 1, "reason_code": ["wrong_duty"]}, "reason_code", "['wrong_duty'] is unknown"),
        ("amend", {"reason": "r", "type": "grumble"}, "type", "'grumble' is unknown"),
        ("amend", {"reason": "r", "confidential": "perhaps"}, "confidential", "is neither true nor false"),
        ("reply", REPLY | {"genuine": 1, "solved": True}, "genuine", "is neither true nor false"),
        ("reply", REPLY | {"genuine": True}, "solved", "is missing"),
        ("ask_promise", {"assignment": 1, "until": "soon", "measures": "m"}, "until", "'soon' is not a moment"),
        ("ask_promise", {"assignment": 1, "until": 20261201, "measures": "m"}, "until", "has no time zone"),
        (
            "ask_promise",
            {"assignment": 1, "until": "2026-12-01T17:00:00", "measures": "m"},
            "until",
            "has no time zone",
        ),
        ("join", {"callers": [{"number": 1}]}, "callers", "cannot be given from outside"),
        ("join", {"callers": "1 2"}, "callers", "cannot be given from outside"),
    ],
)
def test_a_value_that_does_not_fit_names_its_field(name: str, values: dict[str, Any], field: str, said: str) -> None:
    with pytest.raises(BadAction) as bad:
        do.read(name, values)

    assert bad.value.field == field
    assert said in bad.value.problem


def test_a_refusal_says_what_would_be_allowed() -> None:
    with pytest.raises(BadAction, match=r"wrong_area, wrong_duty"):
        do.read("ask_return", {"assignment": 1, "reason_code": "boring"})
    with pytest.raises(BadAction, match=r"allowed: lead, co, why, override"):
        do.read("dispatch", {"leader": "jtj"})


def test_a_refusal_is_short_however_long_the_value() -> None:
    with pytest.raises(BadAction) as bad:
        do.read("amend", {"reason": "r", "type": "x" * 900_000})

    assert len(str(bad.value)) < 1000


@pytest.mark.parametrize(
    ("name", "values", "made"),
    [
        ("dispatch", {"lead": " jtj "}, do.Dispatch(lead="jtj")),  # blanks around a text
        ("dispatch", {"lead": "jtj", "co": "cgj  q01"}, do.Dispatch(lead="jtj", co=("cgj", "q01"))),  # a form's list
        ("dispatch", {"lead": "jtj", "co": []}, do.Dispatch(lead="jtj")),
        ("accept", {"assignment": "2"}, do.Accept(assignment=2)),  # a form's number
        ("amend", {"reason": "r", "type": ""}, do.Amend(reason="r")),  # a form's empty choice
        ("amend", {"reason": "r", "type": "report"}, do.Amend(reason="r", type=TicketType.REPORT)),
        ("amend", {"reason": "r", "confidential": "on"}, do.Amend(reason="r", confidential=True)),  # a tick
        ("decide", {"request": 1, "approve": "no", "answer": "a"}, do.Decide(request=1, approve=False, answer="a")),
        ("visit", {"caller": 1, "contact": "refused"}, do.Visit(caller=1, contact=Contact.REFUSED)),
        ("rate", {"caller": 1, "level": "bad"}, do.Rate(caller=1, level=Satisfaction.BAD)),
        ("pass_review", {"note": ""}, do.PassReview()),  # an optional text may be empty
        (
            "ask_promise",
            {"assignment": 1, "until": "2026-12-01T17:00:00+08:00", "measures": "m"},
            do.AskPromise(assignment=1, until=datetime(2026, 12, 1, 9, tzinfo=UTC), measures="m"),
        ),
        (
            "ask_return",
            {"assignment": 1, "reason_code": "wrong_duty", "reason": "r", "basis": "b", "suggested": ""},
            do.AskReturn(assignment=1, reason_code=ReturnReason.WRONG_DUTY, reason="r", basis="b", suggested=None),
        ),
    ],
)
def test_json_and_forms_make_the_same_actions(name: str, values: dict[str, Any], made: do.Action) -> None:
    assert do.read(name, values) == made


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.datetimes(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=60)
@given(st.sampled_from(sorted(do.ACTIONS)), st.data())
def test_whatever_comes_is_an_action_or_a_refusal_and_never_anything_else(name: str, data: st.DataObject) -> None:
    fields = do.ACTIONS[name].__dataclass_fields__
    values = data.draw(st.fixed_dictionaries(dict.fromkeys(fields, anything)))
    made: do.Action | None = None
    refused: BadAction | None = None
    try:
        made = do.read(name, values)
    except BadAction as bad:
        refused = bad

    assert (made is None) is (refused is not None)
    assert made is None or made.name == name
    assert refused is None or refused.field in values
