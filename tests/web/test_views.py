from datetime import UTC, datetime, timedelta

import orjson
import pytest
from multidict import MultiDict, MultiDictProxy

from dispatch import actions as do
from dispatch.errors import BadAction
from dispatch.model import Level
from dispatch.rulebook import Area, Category, Department, Rulebook
from hotline.calendar_seed import default_calendar
from hotline.web import forms, frame, views, words
from hotline.web.forms import Codes

NOON = datetime(2026, 11, 23, 4, tzinfo=UTC)
RULEBOOK = Rulebook(
    version="test-1",
    calendar=default_calendar(),
    areas={"00": Area("00", "榕溪市", None), "01": Area("01", "城东区", "00"), "0101": Area("0101", "东门街道", "01")},
    departments={
        unit.code: unit
        for unit in (
            Department("hotline", "热线中心", Level.HOTLINE, None, "00"),
            Department("slj", "市水利局", Level.CITY, None, "00"),
            Department("swj", "市商务局", Level.CITY, None, "00"),
            Department("a", "民政局", Level.COUNTY, None, "01"),
            Department("b", "民政局", Level.COUNTY, None, "01"),
        )
    },
    categories={
        "01": Category("01", "城市管理"),
        "0101": Category("0101", "市容"),
        "010101": Category("010101", "其他"),
        "0102": Category("0102", "排水"),
        "010201": Category("010201", "其他"),
    },
)
CODES = Codes.of(RULEBOOK)


@pytest.mark.parametrize(
    ("left", "lamp"),
    [
        (timedelta(seconds=-1), "red"),
        (timedelta(0), "yellow"),  # at the very moment it is not late
        (timedelta(hours=24), "yellow"),
        (timedelta(hours=24, seconds=1), "green"),
    ],
)
def test_the_lamp_of_a_board_turns_yellow_a_day_before_due(left: timedelta, lamp: str) -> None:
    assert views.lamp(NOON + left, NOON) == lamp


def test_what_never_runs_has_no_lamp() -> None:
    assert views.lamp(None, NOON) == "none"


def test_a_number_is_shown_as_day_time_and_serial() -> None:
    assert views.number(261123101808000402) == ("261123", "101808", "000402")


def test_a_full_page_has_a_key_for_the_next_and_the_last_page_has_none() -> None:
    row = {"id": "261123101808000402", "title": "井盖" * 60, "type": "help", "state": "received"}
    row |= {"due_at": "2026-11-23T05:00:00+00:00", "received_at": "2026-11-23T03:00:00+00:00"}
    page = orjson.dumps([row, row]).decode()

    full, last = views.board(page, CODES, NOON, most=2), views.board(page, CODES, NOON, most=3)

    assert full.after == "2026-11-23T05:00:00+00:00,261123101808000402"
    assert last.after == ""
    assert len(full.lines[0].title) == 60  # a list shows the beginning of a long title


@pytest.mark.parametrize(
    ("kind", "typed", "code"),
    [
        ("department", "slj", "slj"),
        ("department", "市水利局", "slj"),
        ("department", "水利", "slj"),  # a part that fits one name only
        ("department", "市", "市"),  # fits two: the service will say that there is no such unit
        ("department", "民政局（b）", "b"),  # two units of one name are told apart by their codes
        ("department", "热线中心", "热线中心"),  # the hotline handles nothing itself
        ("category", "城市管理 / 排水 / 其他", "010201"),
        ("category", "其他", "其他"),  # fits two
        ("area", "城东区 东门街道", "0101"),
    ],
)
def test_what_people_type_becomes_a_code_where_it_is_plain(kind: str, typed: str, code: str) -> None:
    assert CODES.code(kind, typed) == code


def typed(**values: str) -> dict[str, tuple[str, ...]]:
    return forms.typed_of(MultiDictProxy(MultiDict(values)))


def test_a_form_gives_the_action_that_it_says() -> None:
    values = MultiDict([("action", "dispatch"), ("lead", "水利"), ("co", "商务"), ("co", ""), ("why", " 归口 ")])

    action = forms.read_action(forms.typed_of(MultiDictProxy(values)), CODES)

    assert action == do.Dispatch(lead="slj", co=("swj",), why="归口")


def test_a_promised_day_is_kept_until_its_end() -> None:
    action = forms.read_action(
        typed(action="ask_promise", assignment="1", until="2026-12-01", measures="改造管网"), CODES
    )

    assert isinstance(action, do.AskPromise)
    assert action.until == datetime(2026, 12, 1, 15, 59, 59, tzinfo=UTC)


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"action": "ask_promise", "assignment": "1", "until": "明天", "measures": "好"}, "until"),
        ({"action": "sub_dispatch", "assignment": "1"}, "departments"),
        ({"action": "reply", "assignment": "x"}, "assignment"),
        ({"action": "amend", "category": "没有", "reason": "好"}, "category"),
        ({"action": "join"}, "callers"),  # the service's own, with no form
        ({"action": "nothing"}, "action"),
    ],
)
def test_what_does_not_fit_names_its_field(values: dict[str, str], field: str) -> None:
    with pytest.raises(BadAction) as caught:
        forms.read_action(typed(**values), CODES)

    assert caught.value.field == field


def test_the_password_and_the_token_are_never_given_back() -> None:
    assert typed(password="geheim", csrf="token", text="写的内容") == {"text": ("写的内容",)}


def _drawn(lines: tuple[views.Line, ...]) -> str:
    board = '{% import "_macros.html" as m %}{{ m.board(lines) }}'
    return frame.TEMPLATES.from_string(board).render(lines=lines)


def test_a_line_that_was_drawn_before_shows_the_lamp_of_now() -> None:
    row = {"id": "261123101808000402", "title": "井盖", "type": "help", "state": "received"}
    row |= {"due_at": "2026-11-23T05:00:00+00:00", "received_at": "2026-11-23T03:00:00+00:00"}
    page = orjson.dumps([row]).decode()

    def drawn(now: datetime) -> str:
        lines = views.board(page, CODES, now, most=50).lines
        return _drawn(lines)

    before, after = drawn(NOON), drawn(NOON + timedelta(hours=2))

    assert 'class="yellow"' in before
    assert 'class="red"' in after
    assert words.left(NOON + timedelta(hours=1), NOON + timedelta(hours=2)) in after


def test_what_is_printed_of_a_line_that_was_drawn_before_is_escaped() -> None:
    row = {"id": "261123101808000402", "title": "<b>井盖</b>", "type": "help", "state": "received"}
    lines = views.board(orjson.dumps([row]).decode(), CODES, NOON, most=50).lines

    for _ in range(2):
        assert "&lt;b&gt;井盖" in _drawn(lines)


@pytest.mark.parametrize(
    ("kinds", "lists"),
    [
        (("text", "truth"), []),
        (("text", "department"), ["departments"]),
        (("departments", "category"), ["departments", "categories"]),
    ],
)
def test_a_page_has_the_lists_that_its_inputs_choose_from(kinds: tuple[forms.Kind, ...], lists: list[str]) -> None:
    inputs = [forms.Input(name="x", id="x", kind=kind, label="", hint="", needed=False) for kind in kinds]

    assert list(forms.lists(inputs)) == lists
