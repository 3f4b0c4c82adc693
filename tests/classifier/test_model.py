"""One small model for all: a slice of the shipped corpus, so the whole file takes seconds."""

import hashlib
import io
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from classifier import card, corpus, features, places, registry, risks, speech, train, trust
from classifier.corpus import Example
from classifier.cues import Hints
from classifier.linear import Manner
from classifier.predict import Model
from tests.classifier.dresses import NUMBERS, dresses, survives

SETTING = train.Setting(recipe=features.Recipe(characters=(2,), most=6_000))
QUICK = replace(SETTING, manner=Manner(folds=2))


@pytest.fixture(scope="module")
def examples() -> list[Example]:
    return [example for example in corpus.read(corpus.shipped()) if example.category[:2] in {"01", "05", "08"}]


@pytest.fixture(scope="module")
def model(examples: list[Example]) -> Model:
    return train.train(examples, SETTING)


@pytest.fixture
def folder(tmp_path: Path, model: Model) -> Path:
    registry.save(tmp_path, model, card.pictures(model.card))
    registry.activate(tmp_path, model.version)
    return tmp_path


def test_a_name_that_is_a_word_as_well_is_no_place_where_it_stands_alone() -> None:
    told = [
        ("建设街道的路灯坏了", "0203"),
        ("东门街道的路灯坏了", "0101"),
        ("建设单位欠薪", ""),
        ("东门菜市场的路灯", "0101"),
    ]
    known = [corpus.Example(f"{text}{at}", "030501", area=area) for text, area in told for at in range(3)]

    learned = places.learn(known)

    found = [place.code for said in ("建设街道停水", "东门停水") if (place := learned.found(said))]
    assert found == ["0203", "0101"]
    assert learned.found("建设工地夜里很吵") is None


def test_a_suggestion_says_category_type_urgency_evidence_and_version(model: Model) -> None:
    suggestion = model.suggest(["昨晚打车，出租车司机拒载还绕路，态度很差。我要投诉他，要求严肃处理。"])[0]

    assert suggestion.level_1.label == "05"
    assert suggestion.kind[0].label == "complaint"
    assert suggestion.urgency.label == "normal"
    assert "出租车" in suggestion.evidence
    assert "投诉" in suggestion.kind_evidence
    assert suggestion.model_version == model.version
    assert [guess.probability for guess in suggestion.category] == sorted(
        (guess.probability for guess in suggestion.category), reverse=True
    )


def test_an_urgency_and_an_area_carry_what_was_said_that_tells_them(model: Model) -> None:
    pressing, quiet = model.suggest(["云岭乡煤气泄漏,有人晕倒,快来救人", "想问一下医保怎么办理"])

    assert pressing.urgency.label == "critical"
    assert "煤气泄漏" in pressing.urgency_evidence
    assert pressing.urgency.probability >= max(alarm.probability for alarm in pressing.risks)
    assert pressing.area is not None
    assert "云岭乡" in pressing.area.names
    assert pressing.area.code.startswith("05")
    assert (quiet.urgency.label, quiet.urgency_evidence, quiet.area) == ("normal", (), None)


def test_how_far_names_of_places_are_trusted_is_measured_on_texts_that_taught_none(examples: list[Example]) -> None:
    east = [replace(one, text="东湖镇,路灯不亮", area="0101") for one in examples[:40]]
    wrong = [replace(one, text="东湖镇,路灯不亮", area="0202") for one in examples[40:43]]
    both = [replace(one, text="东湖镇,西山镇,路灯不亮", area="0303") for one in examples[43:47]]
    west = [replace(one, text="西山镇,路灯不亮", area="0303") for one in examples[47:107]]

    learned = places.learn([*east, *wrong, *both, *west], np.arange(107) % 5)

    alone, contested = learned.trust
    assert alone == pytest.approx((1 + 100) / (2 + 103))
    assert contested == pytest.approx(1 / (2 + 4))  # the first of two that are named once each
    assert learned.found("东湖镇的路") == places.Place("0101", alone, ("东湖镇",))
    assert learned.found("一条路") is None


def test_a_hint_teaches_a_word_that_no_ticket_has_said(examples: list[Example]) -> None:
    word, code = "悬浮滑板", "050301"
    hints = Hints(((word, code),) * 8)  # often enough for the small vocabulary of this file
    told = train.train(examples, replace(SETTING, hints=hints))

    assert all(word not in example.text for example in examples)
    assert told.suggest([word])[0].category[0].label == code
    assert told.version != train.train(examples, SETTING).version


def test_hints_of_categories_that_the_examples_lack_change_no_label(examples: list[Example]) -> None:
    told = train.train(examples, replace(SETTING, hints=Hints((("彩票", "090201"),))))

    assert told.judges["category"].head.labels == train.train(examples, SETTING).judges["category"].head.labels


def test_an_empty_text_is_never_sure(model: Model) -> None:
    assert model.suggest(["", "！！！"])[0].sure_category is None
    assert model.suggest([]) == []


def test_a_sure_category_is_one_of_the_hierarchy(model: Model, examples: list[Example]) -> None:
    for suggestion in model.suggest([example.text for example in examples]):
        sure = suggestion.sure_category
        assert sure is None or sure in {
            suggestion.level_1.label,
            suggestion.level_2.label,
            suggestion.category[0].label,
        }


def test_probabilities_of_all_leaves_sum_to_one(model: Model, examples: list[Example]) -> None:
    rows = model.features.rows([example.text for example in examples[:50]])

    assert np.allclose(model.judges["category"].probabilities(rows).sum(axis=1), 1)


def test_a_set_of_candidates_nearly_always_holds_the_right_code(model: Model, examples: list[Example]) -> None:
    sets = model.candidates([example.text for example in examples])

    assert np.mean([example.category in found for example, found in zip(examples, sets, strict=True)]) >= 0.98


def test_several_threads_get_the_same_answers(model: Model, examples: list[Example]) -> None:
    texts = [example.text for example in examples[:40]]
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(model.suggest, [texts] * 8))

    assert all(answer == answers[0] for answer in answers)


def test_the_same_corpus_gives_the_same_model_bit_by_bit(model: Model, examples: list[Example], tmp_path: Path) -> None:
    again = train.train(examples, SETTING)

    first = registry.save(tmp_path / "a", model, {})
    second = registry.save(tmp_path / "b", again, {})

    for name in ("model.json", "arrays.npz", "card.json"):
        assert (first / name).read_bytes() == (second / name).read_bytes()


def test_another_process_with_other_hashes_and_threads_gives_the_same_model_bit_by_bit(
    examples: list[Example], tmp_path: Path
) -> None:
    file = tmp_path / "some.jsonl"
    lines = [{"text": one.text, "category": one.category, "type": one.kind} for one in examples[:60]]
    file.write_text("\n".join(json.dumps(line, ensure_ascii=False) for line in lines), encoding="utf-8")

    for seed in ("1", "2"):
        asked = ["train", "--corpus", str(file), "--models", str(tmp_path / seed), "--no-cues"]
        subprocess.run(
            [sys.executable, "-m", "classifier", *asked],
            env=os.environ | {"PYTHONHASHSEED": seed, "OPENBLAS_NUM_THREADS": seed, "OMP_NUM_THREADS": seed},
            check=True,
            capture_output=True,
        )

    (first,), (second,) = (registry.versions(tmp_path / seed) for seed in ("1", "2"))
    assert first == second
    for name in ("model.json", "arrays.npz", "card.json", "calibration.svg"):
        assert (tmp_path / "1" / first / name).read_bytes() == (tmp_path / "2" / first / name).read_bytes()


def dated(examples: list[Example], newest: int) -> list[Example]:
    """Give the examples dates of a spring, the last of them in its last days."""
    last = len(examples) - newest
    return [replace(one, at=f"2026-0{3 if at < last else 6}-{1 + at % 20:02}") for at, one in enumerate(examples)]


def test_the_newest_weeks_are_judged_by_the_older_ones_alone(examples: list[Example]) -> None:
    odd = dated([*examples[:80], *(replace(one, category="999901") for one in examples[80:190])], newest=110)

    told = train.train(odd, QUICK).card["time"]

    assert (told["newest"], told["older"], told["from"][:7]) == (110, 80, "2026-06")
    levels = told["questions"]["category"]["levels"]
    assert (levels["6"]["unknown_labels"], levels["6"]["accuracy"]) == (110, 0)  # the older weeks never met it
    assert levels["2"]["confusions"][0]["is"] == "unknown"


@pytest.mark.parametrize(("newest", "why"), [(0, "no example has a date"), (50, "hold 50 texts, 100 are needed")])
def test_a_card_says_why_it_has_no_figures_by_time(examples: list[Example], newest: int, why: str) -> None:
    some = dated(examples[:80], newest) if newest else examples[:80]

    assert why in train.train(some, QUICK).card["time"]["why"]


def test_a_corpus_that_shows_its_labels_is_refused_unless_told_otherwise(examples: list[Example]) -> None:
    told = [replace(one, text=f"{one.category} {one.text}") for one in examples[:100]]

    with pytest.raises(corpus.CorpusError, match=r"category_in_text 100\.0%"):
        train.train(told, QUICK)
    assert train.train(told, QUICK, anyway=True).card["leaks"]["category_in_text"] == 1


def test_what_a_card_promises_is_measured_on_texts_that_taught_nothing_of_trust(model: Model) -> None:
    level = model.card["questions"]["urgency"]["levels"]["0"]
    low, high = level["precision_interval"]

    assert level["precision"] is None or low <= level["precision"] <= high
    assert model.card["leaks"]["across_folds"] == 0


def test_an_area_is_doubted_only_where_the_whole_interval_lies_below_the_promise() -> None:
    codes = ["0101"] * 200 + ["0102"] * 200 + ["0201"] * 20
    right = np.ones(420, dtype=bool)
    right[:6], right[200:230], right[400:] = False, False, False  # .97, .85, and too few to tell

    told = card.areas(codes, np.ones(420, dtype=bool), right, trust.Promise())

    assert {code: one["kept"] for code, one in told.items()} == {"0101": True, "0102": False}
    assert told["0102"]["precision"] == pytest.approx(0.85)


def test_nothing_is_sure_in_a_doubted_area_and_a_stored_model_knows_it_too(model: Model, tmp_path: Path) -> None:
    level = trust.Level(trust.Curve(), 0.0, 0.0)  # everything is sure
    judges = {**model.judges, "category": replace(model.judges["category"], levels=(level,) * 3)}
    bold = replace(model, judges=judges, places=places.Places({"江边": "0101"}), doubted_areas=frozenset({"01"}))
    registry.save(tmp_path, bold, {})

    here, elsewhere = registry.load(tmp_path, bold.version).suggest(["江边路灯不亮", "东门路灯不亮"])

    assert here.sure_category is None
    assert here.doubted_areas == {"01"}
    assert elsewhere.sure_category


def test_a_stored_model_judges_as_the_fresh_one_did(folder: Path, model: Model, examples: list[Example]) -> None:
    texts = [example.text for example in examples[:50]]

    assert registry.load(folder).suggest(texts) == model.suggest(texts)


def restored(home: Path, described: dict[str, object]) -> None:
    """Store another description, with the hash that the card must have for it."""
    (home / "model.json").write_text(json.dumps(described), encoding="utf-8")
    told = json.loads((home / "card.json").read_text(encoding="utf-8"))
    told["model_sha256"] = hashlib.sha256((home / "model.json").read_bytes()).hexdigest()
    (home / "card.json").write_text(json.dumps(told), encoding="utf-8")


def test_a_model_of_a_release_without_acts_judges_types_by_words(folder: Path, model: Model) -> None:
    home = folder / model.version
    described = json.loads((home / "model.json").read_text(encoding="utf-8")) | {"type": registry.WITHOUT_ACTS}
    for judge in described["judges"].values():
        del judge["acts"]
    restored(home, described)

    suggestion = registry.load(folder).suggest(["建议增设一个红绿灯"])[0]

    assert suggestion.kind[0].label in corpus.KINDS
    assert suggestion.category == model.suggest(["建议增设一个红绿灯"])[0].category


def test_acts_that_do_not_fit_what_is_measured_here_are_refused(folder: Path, model: Model) -> None:
    home = folder / model.version
    described = json.loads((home / "model.json").read_text(encoding="utf-8"))
    described["judges"]["kind"]["acts"].append(["whisper", ["悄悄"]])
    restored(home, described)

    with pytest.raises(registry.RegistryError, match=r"kind: acts of shape .* train it anew"):
        registry.load(folder)


def test_a_type_that_is_not_trusted_is_refused_though_its_hash_is_right(folder: Path, model: Model) -> None:
    home = folder / model.version
    described = json.loads((home / "model.json").read_text(encoding="utf-8")) | {"type": "builtins.eval"}
    restored(home, described)

    with pytest.raises(registry.RegistryError, match=r"'builtins.eval'.*train it anew"):
        registry.activate(folder, model.version)


def test_an_empty_text_says_nothing_of_its_type(model: Model, examples: list[Example]) -> None:
    share = np.mean([example.kind == "complaint" for example in examples])
    empty = {guess.label: guess.probability for guess in model.suggest([""], most=9)[0].kind}

    assert empty["complaint"] == pytest.approx(share, abs=0.2)


def test_acts_are_left_out_where_a_setting_has_none(examples: list[Example]) -> None:
    plain = train.train(examples[:100], replace(QUICK, acts=speech.Acts()))

    assert plain.judges["kind"].acts is None
    assert plain.suggest(["建议增设一个红绿灯"])[0].kind_evidence


def test_a_changed_file_is_refused(folder: Path, model: Model) -> None:
    path = folder / model.version / "arrays.npz"
    path.write_bytes(path.read_bytes()[:-1] + b"x")

    with pytest.raises(registry.RegistryError, match=r"hash differs.*activate another version"):
        registry.load(folder)


def test_another_minor_version_of_scikit_learn_is_refused(folder: Path, model: Model) -> None:
    path = folder / model.version / "card.json"
    told = json.loads(path.read_text(encoding="utf-8"))
    told["libraries"]["scikit-learn"] = "0.1.0"
    path.write_text(json.dumps(told), encoding="utf-8")

    with pytest.raises(registry.RegistryError, match=r"made with scikit-learn 0\.1\.0.*train it anew"):
        registry.load(folder)


@pytest.mark.parametrize(
    ("idf", "why"),
    [
        (np.array([{"any": "object"}], dtype=object), "not an array of numbers"),
        (np.array(["text"]), "types that are not trusted"),
    ],
)
def test_an_array_of_a_type_that_is_not_trusted_is_refused_even_with_the_right_hash(
    folder: Path, model: Model, idf: NDArray[Any], why: str
) -> None:
    home = folder / model.version
    buffer = io.BytesIO()
    np.savez(buffer, idf=idf)
    (home / "arrays.npz").write_bytes(buffer.getvalue())
    described = json.loads((home / "model.json").read_text(encoding="utf-8"))
    restored(home, described | {"arrays_sha256": hashlib.sha256(buffer.getvalue()).hexdigest()})

    with pytest.raises(registry.RegistryError, match=why):
        registry.load(folder)


def test_a_stored_version_is_never_changed(folder: Path, model: Model) -> None:
    (folder / model.version / "model.json").write_text("{}", encoding="utf-8")

    with pytest.raises(registry.RegistryError, match="immutable"):
        registry.save(folder, model, {})


def test_without_an_active_model_the_message_says_how_to_get_one(tmp_path: Path) -> None:
    assert registry.active_version(tmp_path) is None
    with pytest.raises(registry.RegistryError, match="python -m classifier train"):
        registry.load(tmp_path)


def test_a_version_is_a_name_and_never_a_path(folder: Path) -> None:
    with pytest.raises(registry.RegistryError, match="not the name of a version"):
        registry.load(folder, "../elsewhere")


def test_the_card_tells_data_libraries_figures_and_calibration(folder: Path, model: Model) -> None:
    told = registry.card(folder)

    assert told["data"]["sha256"]
    assert set(told["libraries"]) == {"python", "numpy", "scipy", "scikit-learn"}
    assert set(told["questions"]["category"]["levels"]) == {"2", "4", "6"}
    assert (folder / model.version / "calibration.svg").read_text(encoding="utf-8").startswith("<svg")


PRIVATE = ("13812345678", "110101199003078515", "6222021234567890123", "粤B12345", "王小明")


def test_nothing_private_survives_in_model_files_or_suggestions(examples: list[Example], tmp_path: Path) -> None:
    said = f"我叫{PRIVATE[4]}，电话{PRIVATE[0]}，身份证{PRIVATE[1]}，卡{PRIVATE[2]}，车{PRIVATE[3]}"
    lines = [{"text": f"{example.text} {said}", "category": example.category} for example in examples[:120]]
    file = tmp_path / "private.jsonl"
    file.write_text("\n".join(json.dumps(line, ensure_ascii=False) for line in lines), encoding="utf-8")

    model = train.train(corpus.read(file), SETTING)
    home = registry.save(tmp_path, model, card.pictures(model.card))
    shown = repr(model.suggest([said])) + "".join(
        path.read_text(encoding="utf-8") for path in home.iterdir() if path.suffix != ".npz"
    )

    for secret in PRIVATE:
        assert secret not in shown
        assert secret[2:10] not in shown or len(secret) < 10


def test_no_number_of_a_list_survives_however_it_is_written(
    examples: list[Example], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    said = [f"电话{dress}请回" for number in NUMBERS.values() for dress in dresses(number)]
    lines = [
        {"text": f"{one.text} {' '.join(said[at :: len(examples)])}", "category": one.category}
        for at, one in enumerate(examples)
    ]
    file = tmp_path / "private.jsonl"
    file.write_text("\n".join(json.dumps(line, ensure_ascii=False) for line in lines), encoding="utf-8")
    heard: list[str] = []

    model = train.train(corpus.read(file), SETTING, heard.append)
    home = registry.save(tmp_path / "models", model, card.pictures(model.card))
    vocabulary = json.loads((home / "model.json").read_text(encoding="utf-8"))["vocabulary"]
    told = [*heard, *map(repr, model.suggest(said)), *capfd.readouterr(), *vocabulary]

    for number in NUMBERS.values():
        assert not any(survives(number, one) for one in told)
        assert not any(number.encode() in path.read_bytes() for path in home.iterdir())


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("我不想活了,今晚就跳楼", "self_harm"),
        ("老人掉进河里了快来", "life"),
        ("隔壁拿刀砍我", "violence"),
        ("我们两百多人准备去市政府拉横幅", "group"),
        ("有人把涉密文件发到网上", "secret"),
    ],
)
def test_a_phrase_of_danger_alarms(said: str, expected: str) -> None:
    assert expected in risks.found(said)


@pytest.mark.parametrize("said", ["建议加强防火宣传", "咨询公积金怎么提取", "希望防止有人溺水"])
def test_plain_talk_does_not_alarm(said: str) -> None:
    assert risks.found(said) == ()
