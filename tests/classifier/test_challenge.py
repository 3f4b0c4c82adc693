"""A challenger must win on texts that neither has seen, by more than luck, and without giving up a class."""

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from scipy import sparse

from classifier import challenge, corpus, linear, registry, train
from classifier.corpus import Example
from classifier.linear import Manner
from classifier.predict import Model

NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
WORDS = {
    "050902": ("路灯", "灯杆", "照明", "灯泡"),
    "050901": ("路面", "大坑", "塌陷", "沥青"),
    "010203": ("招生", "报名", "学位", "考试"),
}
FILLER = "东南西北中前后左右上下大小新老高低长短红蓝白黑金木水火土山江河湖海街巷桥店厂校村楼门院亭台园站场"
SETTING = train.Setting(manner=Manner(folds=2))


def told(number: int, seed: int, *, renamed: str = "", days_ago: float = 100.0, code: str = "") -> list[Example]:
    """Return texts of which no two nearly repeat each other; `renamed` is what the city calls the first category."""
    dice = random.Random(seed)  # noqa: S311 - the same texts at every run
    found = []
    for _ in range(number):
        chosen = code or dice.choice(sorted(WORDS))
        text = "".join(dice.choices(FILLER, k=12)) + dice.choice(WORDS[chosen]) + "".join(dice.choices(FILLER, k=12))
        category = renamed if renamed and chosen == "050902" else chosen
        found.append(Example(text, category, at=(NOW - timedelta(days=days_ago)).isoformat()))
    return found


@pytest.fixture(scope="module")
def champion() -> Model:
    return train.train(told(120, 1), SETTING)


@pytest.fixture(scope="module")
def renamed() -> Model:
    """A model of a city that calls lamps something else."""
    return train.train(told(120, 2, renamed="051003"), SETTING)


def test_the_better_wins_and_the_figures_say_by_how_much(champion: Model, renamed: Model) -> None:
    verdict, figures = challenge.compared(champion, renamed, told(120, 3, renamed="051003"))

    assert verdict == "won"
    assert figures["challenger_right"] > figures["champion_right"]
    gained = figures["challenger_right"] - figures["champion_right"]
    assert figures["only_challenger"] - figures["only_champion"] == gained
    assert figures["chance"] < challenge.SURE


def test_the_worse_and_the_same_do_not_win(champion: Model, renamed: Model) -> None:
    assert challenge.compared(champion, renamed, told(120, 3))[0] == "no_better"
    assert challenge.compared(champion, champion, told(120, 3))[0] == "no_better"


def test_what_luck_explains_does_not_win(champion: Model, renamed: Model) -> None:
    few = told(3, 4, renamed="051003", code="050902")

    verdict, figures = challenge.compared(champion, renamed, few)

    assert figures["only_challenger"] == 3
    assert figures["chance"] == pytest.approx(0.125)
    assert verdict == "unsure"


def test_a_class_that_would_be_given_up_keeps_the_challenger_out(champion: Model) -> None:
    """It learned what the city renamed and forgot schools altogether."""
    narrow = [one for one in told(240, 5, renamed="051003") if one.category != "010203"]
    newest = told(120, 6, renamed="051003", code="050902") + told(20, 7, code="010203")

    verdict, figures = challenge.compared(champion, train.train(narrow, SETTING), newest)

    assert verdict == "class_fell"
    assert [one["class"] for one in figures["fallen"]] == ["01"]


def test_a_small_class_is_not_given_up_either(champion: Model) -> None:
    """Most classes of a city have a handful of texts in some weeks."""
    narrow = [one for one in told(240, 5, renamed="051003") if one.category != "010203"]
    newest = told(120, 6, renamed="051003", code="050902") + told(6, 7, code="010203")

    verdict, figures = challenge.compared(champion, train.train(narrow, SETTING), newest)

    assert verdict == "class_fell"
    assert [(one["class"], one["texts"]) for one in figures["fallen"]] == [("01", 6)]


def test_the_newest_weeks_are_kept_back_and_no_text_of_them_is_learned() -> None:
    older = told(50, 8)
    newest = told(110, 9, days_ago=3)
    copies = [replace(example, at=newest[0].at) for example in older[:20]]

    kept, back = corpus.kept_back([*older, *newest, *copies], NOW)

    assert len(kept) == 50
    assert {one.text for one in back} == {one.text for one in newest}


def test_more_weeks_are_kept_back_where_the_newest_hold_too_few() -> None:
    examples = told(60, 10, days_ago=3) + told(60, 11, days_ago=20) + told(60, 12, days_ago=100)

    kept, back = corpus.kept_back(examples, NOW)

    assert (len(kept), len(back)) == (60, 120)


def test_own_examples_take_the_place_of_the_shipped_ones_step_by_step() -> None:
    shipped = told(1, 13, code="050902") + told(1, 13, code="050901")
    weights = []
    for number in (0, 8, 200):
        mixed = challenge.mixed(shipped, told(number, 14, code="050902", days_ago=0), NOW)
        weights.append([one.weight for one in mixed if one.text in {each.text for each in shipped}])

    assert weights[0] == [1.0, 1.0]
    assert weights[1] == pytest.approx([0.5, 1.0])
    assert weights[2] == [1.0]  # too faint to be learned from at all


def test_older_examples_count_less() -> None:
    (new,) = challenge.mixed([], told(1, 15, days_ago=0), NOW)
    (old,) = challenge.mixed([], told(1, 15, days_ago=365), NOW)

    assert [new.weight, old.weight] == pytest.approx([1.0, 0.5])


def test_a_heavier_example_is_believed_where_two_contradict_each_other() -> None:
    rows = np.eye(2, dtype=np.float32)[[0, 0, 1, 1]]
    light = np.array([1, 9, 1, 1], dtype=np.float32)
    fits = linear.fit(
        sparse.csr_matrix(rows),
        {"category": ["a", "b", "a", "b"]},
        np.array([0, 0, 1, 1]),
        Manner(folds=2),
        worth=linear.Worth(light, ("", "", "", "")),
    )
    scores = fits["category"].head.scores(sparse.csr_matrix(rows[:1]))

    assert scores[0, 1] > scores[0, 0]


def test_what_was_sent_back_is_pushed_away_from_what_it_was_taken_for() -> None:
    examples = told(60, 16)
    lamps = [replace(one, refused="050901") if one.category == "050902" else one for one in examples]
    plain, pushed = train.train(examples, SETTING), train.train(lamps, SETTING)
    asked = plain.features.rows([told(1, 17, code="050902")[0].text])

    def score(model: Model) -> float:
        head = model.judges["category"].head
        return float(head.scores(asked)[0, head.position["050901"]])

    assert score(pushed) < score(plain)


def test_examples_that_all_count_the_same_give_the_model_that_they_always_gave() -> None:
    examples = told(60, 18)

    again = [replace(one, weight=1.0, refused="") for one in examples]
    assert train.train(examples, SETTING).version == train.train(again, SETTING).version


# --- drift ------------------------------------------------------------------------------------------------------------


def test_a_city_that_stays_as_it_was_has_not_drifted() -> None:
    assert challenge.drifted(told(400, 19), told(150, 20, days_ago=3)) == {"classes": {}, "words": {}}


def test_a_class_that_grows_is_told_with_its_shares() -> None:
    drift = challenge.drifted(told(400, 21), told(150, 22, days_ago=3, code="010203"))

    assert drift["classes"]["index"] > challenge.SHARE_DRIFT
    assert {one["class"] for one in drift["classes"]["moved"]} == {"01", "05"}


def test_a_new_word_that_many_texts_use_is_told() -> None:
    newest = [replace(one, text=f"{one.text}无人机外卖") for one in told(150, 23, days_ago=3)]

    drift = challenge.drifted(told(400, 24), newest)

    assert "无人机" in dict(drift["words"]["new"])


def test_too_few_texts_tell_no_drift() -> None:
    assert challenge.drifted(told(50, 25), told(20, 26, code="010203")) == {"classes": {}, "words": {}}


# --- what would teach most --------------------------------------------------------------------------------------------


def test_what_was_sent_back_teaches_most_then_what_the_models_differ_on(champion: Model, renamed: Model) -> None:
    pool = [
        {"key": "sure", "text": "招生报名学位考试招生报名学位考试"},
        {"key": "differs", "text": told(1, 28, code="050902")[0].text},
        {"key": "returned", "text": told(1, 29, code="010203")[0].text, "refused": "010203"},
    ]

    found = challenge.worth(champion, renamed, pool)

    assert [(one.key, one.reason) for one in found] == [
        ("returned", "returned"),
        ("differs", "disagreement"),
        ("sure", "uncertain"),
    ]
    assert {label for label, _ in found[1].guesses} >= {"050902", "051003"}


def test_nobody_is_asked_twice_about_the_same_story(champion: Model, renamed: Model) -> None:
    text = told(1, 30, code="050902")[0].text
    pool = [{"key": str(number), "text": text} for number in range(5)]

    assert len(challenge.worth(champion, renamed, pool)) == 1


def test_what_was_sent_back_does_not_crowd_out_what_the_models_differ_on(champion: Model, renamed: Model) -> None:
    """A city sends back more tickets each day than are asked about in a night."""
    back = [{"key": f"r{at:02}", "text": one.text, "refused": "010203"} for at, one in enumerate(told(30, 36))]
    differ = [{"key": f"d{at:02}", "text": one.text} for at, one in enumerate(told(30, 37, code="050902"))]

    reasons = [one.reason for one in challenge.worth(champion, renamed, [*back, *differ])]

    assert (reasons.count("returned"), reasons.count("disagreement")) == (5, 5)
    assert len(challenge.worth(champion, renamed, back)) == challenge.TEACHING_MOST


def test_few_are_asked_about(champion: Model, renamed: Model) -> None:
    pool = [{"key": f"{at:03}", "text": one.text} for at, one in enumerate(told(60, 31))]

    assert len(challenge.worth(champion, renamed, pool)) == challenge.TEACHING_MOST


# --- the whole --------------------------------------------------------------------------------------------------------


def rows(examples: list[Example]) -> list[dict[str, object]]:
    return [{"text": one.text, "category": one.category, "at": one.at} for one in examples]


def test_with_too_few_new_texts_nothing_is_trained(champion: Model, tmp_path: Path) -> None:
    registry.save(tmp_path, champion, {})
    registry.activate(tmp_path, champion.version)

    lesson, _ = challenge.challenge(tmp_path, rows(told(20, 32, days_ago=3)), [], NOW, lambda _: None)

    assert (lesson.verdict, lesson.activated, lesson.facts["newest"]) == ("too_few", False, 20)
    assert registry.active_version(tmp_path) == champion.version


def test_a_winner_is_activated_and_no_number_of_a_text_is_in_its_files(
    champion: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry.save(tmp_path, champion, {})
    registry.activate(tmp_path, champion.version)
    shipped = tmp_path / "shipped.jsonl"
    shipped.write_text('{"text": "路灯不亮", "category": "050902"}\n', encoding="utf-8")
    monkeypatch.setattr(corpus, "shipped", lambda: shipped)
    own = told(200, 33, renamed="051003") + told(120, 34, renamed="051003", days_ago=3)
    own = [replace(one, text=f"{one.text}电话13812345678") for one in own]

    rolled_back = train.train(told(120, 35), SETTING)
    registry.save(tmp_path, rolled_back, {})

    def roll_back(_: str) -> None:
        registry.activate(tmp_path, rolled_back.version)

    meanwhile, _ = challenge.challenge(tmp_path, rows(own), [], NOW, roll_back)
    assert (meanwhile.verdict, meanwhile.activated) == ("overtaken", False)
    assert registry.active_version(tmp_path) == rolled_back.version
    registry.activate(tmp_path, champion.version)

    lesson, _ = challenge.challenge(tmp_path, rows(own), [], NOW, lambda _: None)

    assert (lesson.verdict, lesson.activated, lesson.facts["own"]) == ("won", True, 200)
    assert registry.active_version(tmp_path) == lesson.challenger != champion.version
    assert registry.card(tmp_path)["challenge"]["champion"] == champion.version
    assert registry.roll_back(tmp_path) == champion.version
    assert registry.left(tmp_path) == lesson.challenger

    next_night, _ = challenge.challenge(tmp_path, rows(own), [], NOW, lambda _: None)

    assert (next_night.verdict, registry.active_version(tmp_path)) == ("held", champion.version)
    registry.activate(tmp_path, champion.version)
    assert registry.left(tmp_path) == ""
    files = b"".join(file.read_bytes() for file in (tmp_path / lesson.challenger).iterdir())
    assert b"1381234" not in files
