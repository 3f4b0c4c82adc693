"""What an agent is told while typing: nothing of it is kept, nothing sealed is shown, and it holds without a model."""

import random
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from dispatch import actions as do
from dispatch.model import Actor, Role
from dispatch.routing import Doubt, Ground
from dispatch.rulebook import Closed, Rulebook
from hotline import advice, experience, tickets
from hotline.db import Pool, connection
from hotline.desk import Desk
from hotline.errors import BadInput, Forbidden
from hotline.pairs import grams
from hotline.predictor import Judgement, Predictor
from tests.city import AGENT, DISPATCHER, NOW, Clock, handler, intake, small_desk


class Known(Predictor):
    """A predictor that is sure of one thing and remembers what it was asked."""

    def __init__(self, *categories: tuple[str, float]) -> None:
        super().__init__()
        self.asked: list[str] = []
        levels = (("05", 0.99), ("0509", 0.97), categories[0])
        types = (("complaint", 0.8),)
        self._judgement = Judgement(
            categories, "complaint", "normal", (), ("路灯",), "known-1", levels, types, type_evidence=("没人管",)
        )

    def says(self, **otherwise: Any) -> None:
        self._judgement = replace(self._judgement, **otherwise)

    async def judge(self, texts: Any) -> list[Judgement | None]:
        self.asked += texts
        return [self._judgement for _ in texts]


@pytest.fixture
async def clock() -> Clock:
    return Clock()


@pytest.fixture
async def desk(pool: Pool, clock: Clock) -> AsyncIterator[Desk]:
    async with small_desk(pool, clock=clock) as desk:
        yield desk


def draft(text: str, **values: Any) -> advice.Draft:
    return advice.read({"text": text, **values})


async def test_a_sure_matter_shows_levels_unit_and_the_row_that_says_so(desk: Desk) -> None:
    desk.predictor = Known(("050902", 0.96), ("050901", 0.02))

    found = await advice.suggest(desk, draft("学府路的路灯坏了三天"), AGENT)

    assert [code for code, _ in found.levels] == ["05", "0509", "050902"]
    assert (found.lead, found.area, found.evidence) == ("cgj", "0102", ("路灯",))
    assert found.type_evidence == ("没人管",)
    assert (found.area_probability, found.area_evidence) == (None, ("学府",))
    assert found.trace is not None
    assert (found.trace.row, found.trace.basis, found.trace.model) == ("050902/*/*", "市政照明管理", "known-1")


async def test_where_the_citys_own_names_are_silent_the_model_tells_the_area_and_how_sure_it_is(desk: Desk) -> None:
    told = {"area": "0102", "area_probability": 0.44, "area_evidence": ("大学后门",)}
    desk.predictor = known = Known(("050902", 0.96))
    known.says(**told)

    found = await advice.suggest(desk, draft("大学后门的路灯坏了三天"), AGENT)

    assert {name: getattr(found, name) for name in told} == told


async def test_an_unsure_matter_shows_candidates_and_why_a_person_decides(desk: Desk) -> None:
    desk.predictor = Known(("050902", 0.5), ("050901", 0.3))

    found = await advice.suggest(desk, draft("灯和坑都有"), AGENT)

    assert found.lead is None
    assert found.trace is not None
    assert found.trace.reason == Doubt.UNSURE
    assert [(one.department, one.why) for one in found.candidates][:2] == [
        ("cgj", Ground.CATALOGUE),
        ("jtj", Ground.CATALOGUE),
    ]


async def test_a_kind_that_was_closed_is_shown_and_routed_as_its_successor(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.predictor = Known(("050902", 0.6), ("050901", 0.35))
    today = await desk.rulebook()
    lamps = replace(today.categories["050902"], closed_from=NOW.date(), successor="050901")
    kept = {code: one for code, one in today.categories.items() if code != "050902"}
    later = replace(today, categories=kept, closed=Closed(categories={"050902": lamps}))

    async def rulebook_of_later(_: Desk) -> Rulebook:
        return later

    monkeypatch.setattr(Desk, "rulebook", rulebook_of_later)

    found = await advice.suggest(desk, draft("学府路的路灯坏了三天"), AGENT)

    assert dict(found.categories) == pytest.approx({"050901": 0.95})
    assert found.levels[-1] == found.categories[0]
    assert found.lead == "jtj"  # both thoughts are of one kind now, and that is sure


@pytest.mark.parametrize(
    "judged",
    [
        {"type": "report", "types": (("report", 0.6), ("complaint", 0.4))},
        {"risks": ("secret",), "risk_words": ("图纸",)},
    ],
)
async def test_no_sure_unit_is_shown_where_the_machine_would_leave_a_matter_to_a_person(
    desk: Desk, judged: dict[str, Any]
) -> None:
    desk.predictor = known = Known(("050902", 0.96), ("050901", 0.02))
    known.says(**judged)

    found = await advice.suggest(desk, draft("学府路的路灯坏了三天", type="help"), AGENT)

    assert found.lead is None
    assert found.trace is not None
    assert found.trace.reason == Doubt.GUARDED
    assert found.candidates


async def test_what_the_agent_confirmed_is_shown_as_opening_it_would_send_it(desk: Desk) -> None:
    desk.predictor = known = Known(("050902", 0.96), ("050901", 0.02))
    known.says(type="report", types=(("report", 0.6), ("complaint", 0.4)))
    said = {"text": "学府路的路灯坏了三天", "category": "050902", "type": "help"}

    found = await advice.suggest(desk, advice.read(said), AGENT)

    opened = await tickets.open_ticket(desk, intake(**said), AGENT)
    sent = (await desk.store.file(opened.ticket_id)).ticket
    assert found.lead == "cgj"
    assert sent.assignments[0].department == found.lead


async def test_without_a_model_place_danger_and_what_is_open_are_still_told(desk: Desk) -> None:
    await tickets.open_ticket(desk, intake(text="东门街道菜市场门口污水横流没有人管"), AGENT)

    found = await advice.suggest(desk, draft("东门街道菜市场门口污水横流，有人要跳楼"), AGENT)

    assert (found.area, found.risks, found.risk_words) == ("0101", ("self_harm",), ("跳楼",))
    assert found.levels == ()
    assert found.trace is not None
    assert found.trace.reason == Doubt.NO_CATEGORY
    assert not found.similar  # that one was opened for another street


async def test_open_tickets_that_resemble_the_words_are_found_the_most_alike_first(desk: Desk) -> None:
    near = await tickets.open_ticket(desk, intake(text="学府路28号门口路灯整排不亮，老人摔倒了"), AGENT)
    far = await tickets.open_ticket(desk, intake(text="学府路口路灯不亮，晚上很黑看不见"), AGENT)
    await tickets.open_ticket(desk, intake(text="菜市场卖的肉不新鲜，要求退款"), AGENT)

    found = await advice.suggest(desk, draft("学府路28号门口路灯整排不亮，又有老人摔倒", area="0102"), AGENT)

    assert [one.id for one in found.similar] == [str(near.ticket_id), str(far.ticket_id)]
    assert found.similar[0].likeness > 0.7


async def test_of_many_long_texts_the_most_alike_are_found_as_if_all_were_counted_out(desk: Desk) -> None:
    dice = random.Random(5)  # noqa: S311 - the same texts each time
    words = [
        "".join(dice.choices("路灯坏了晚上看不见小区门口积水垃圾没人管请处理噪声油烟扰民停车占道施工", k=4))
        for _ in range(300)
    ]
    texts = ["".join(dice.sample(words[at : at + 120], 100)) for at in range(0, 180, 6)]
    opened = {str((await tickets.open_ticket(desk, intake(text=text), AGENT)).ticket_id): text for text in texts}
    asked = "".join(dice.sample(words[60:180], 100))

    found = await advice.suggest(desk, draft(asked), AGENT)

    own = set(grams(asked))
    exact = {
        number: len(own & (said := set(grams(text)))) / (len(own) * len(said)) ** 0.5 for number, text in opened.items()
    }
    best = sorted(exact.values(), reverse=True)[: advice.SIMILAR_MOST]
    assert len(own) > advice.LONG_TEXT
    assert [one.likeness for one in found.similar] == pytest.approx(best, abs=0.01)


async def test_closed_and_old_tickets_are_not_similar(desk: Desk, clock: Clock) -> None:
    old = await tickets.open_ticket(desk, intake(text="学府路28号门口路灯整排不亮"), AGENT)
    clock.forward(days=91)
    closed = await tickets.open_ticket(desk, intake(text="学府路28号门口路灯整排不亮"), AGENT)
    await tickets.act(desk, closed.ticket_id, do.Answer(text="已修复"), DISPATCHER)

    found = await advice.suggest(desk, draft("学府路28号门口路灯整排不亮", area="0102"), AGENT)

    assert old.ticket_id
    assert found.similar == ()


@pytest.mark.parametrize("sealing", [{"confidential": True}, {"type": "report"}])
async def test_a_protected_ticket_shows_only_that_it_is_there(desk: Desk, sealing: dict[str, Any]) -> None:
    text = "学府路28号门口有人半夜倒建筑垃圾"
    opened = await tickets.open_ticket(desk, intake(text=text, **sealing), AGENT)

    (one,) = (await advice.suggest(desk, draft(text, area="0102"), AGENT)).similar

    assert (one.id, one.sealed, one.title, one.category, one.area) == (str(opened.ticket_id), True, "", None, None)


async def test_the_model_never_sees_a_number_and_nothing_is_kept_or_logged(
    desk: Desk, pool: Pool, caplog: pytest.LogCaptureFixture
) -> None:
    desk.predictor = model = Known(("050902", 0.96))
    caplog.set_level("DEBUG")

    found = await advice.suggest(desk, draft("路灯坏了，打13812345678找我", title="13812345678"), AGENT)

    assert "13812345678" not in f"{model.asked} {found} {caplog.text}"
    async with connection(pool) as lent:
        assert await lent.fetchval("SELECT count(*) FROM tickets") == 0
        assert await lent.fetchval("SELECT count(*) FROM events") == 0


async def test_a_confirmed_category_is_not_argued_with(desk: Desk) -> None:
    desk.predictor = Known(("050902", 0.96))

    found = await advice.suggest(desk, draft("路灯坏了", category="010203", area="0102"), AGENT)

    assert (found.lead, found.trace and found.trace.model) == ("jyj", "")


async def test_half_typed_codes_are_passed_over(desk: Desk) -> None:
    found = await advice.suggest(desk, draft("路灯坏了", category="0509zz", area="x"), AGENT)

    assert found.trace is not None
    assert found.trace.reason == Doubt.NO_CATEGORY


async def test_a_department_takes_no_matters_in(desk: Desk) -> None:
    with pytest.raises(Forbidden):
        await advice.suggest(desk, draft("路灯"), handler("jtj"))
    with pytest.raises(Forbidden):
        await advice.suggest(desk, draft("路灯"), Actor("analyst", Role.ANALYST, "hotline"))


def test_an_unknown_field_is_refused_by_name() -> None:
    with pytest.raises(BadInput, match="colour"):
        advice.read({"text": "x", "colour": "red"})


async def test_a_very_long_text_costs_no_more_than_its_beginning(desk: Desk) -> None:
    desk.predictor = model = Known(("050902", 0.96))

    await advice.suggest(desk, draft("路灯" * 40_000), AGENT)

    assert len(model.asked[0]) == advice.LONGEST_TEXT


@pytest.mark.parametrize(
    ("text", "area"),
    [
        ("东门街道的路", "0101"),
        ("东门那边", "0101"),  # without its ending
        ("城东区东门街道", "0101"),  # the street inside its county
        ("城东区", "01"),
        ("榕溪市的路", None),  # the whole city says nothing
        ("东门和学府之间", None),  # two streets
        ("没说在哪", None),
    ],
)
async def test_the_place_is_told_by_the_citys_own_names(desk: Desk, text: str, area: str | None) -> None:
    assert (await advice.suggest(desk, draft(text), AGENT)).area == area


async def test_experience_stands_behind_the_catalogue_and_before_the_place(desk: Desk, clock: Clock) -> None:
    for number in range(3):
        opened = await tickets.open_ticket(desk, intake(text=f"噪声{number}", category="051002"), AGENT)
        await tickets.act(desk, opened.ticket_id, do.Dispatch(lead="water"), DISPATCHER)
        await tickets.act(desk, opened.ticket_id, do.Accept(assignment=1), handler("water"))
    await experience.count_anew(desk)
    clock.forward(days=1)

    found = await advice.suggest(desk, draft("夜里很吵", category="051002", area="0102"), AGENT)

    assert [(one.department, one.why) for one in found.candidates] == [
        ("cgj", Ground.CATALOGUE),
        ("water", Ground.EXPERIENCE),
        ("q01", Ground.AREA),
    ]
    assert found.candidates[1].probability == pytest.approx(0.8)
    assert found.candidates[1].category == "051002"


async def test_a_town_is_never_offered_a_departments_duty(desk: Desk) -> None:
    found = await advice.suggest(desk, draft("招生", category="010203", area="0101", confidential=True), AGENT)

    assert "q0101" not in {one.department for one in found.candidates}
    assert found.trace is not None
    assert found.trace.reason == Doubt.PROTECTED
