from pathlib import Path

import numpy as np
import pytest

from classifier import corpus, cues, features, text
from classifier.evaluate import coldstart


@pytest.fixture
def few(tmp_path: Path) -> cues.Cues:
    file = tmp_path / "cues.tsv"
    file.write_text("# a remark\n0504\t出租车*2 打车\n0502\t公交车 车\n0301\t公积金\n0801\t公积金\n", encoding="utf-8")
    return cues.read(file)


def of_itself(code: str) -> dict[str, float]:
    return {code: 1.0}


def test_the_longest_cue_at_a_place_is_found_and_none_inside_it(few: cues.Cues) -> None:
    assert few.found("公交车和出 租车都是车") == ["公交车", "出租车", "车"]


def test_cues_are_found_as_by_looking_at_every_place_for_the_longest_word() -> None:
    signs = cues.parsed([*text.lines("signs.tsv"), "alone\t水 火"])
    longest = max(map(len, signs.weights))

    for said in [example.text for example in corpus.read(corpus.shipped())[::5]] + ["", "水", "路水"]:
        run, at, plain = said.replace(" ", ""), 0, []
        while at < len(run):
            word = next((run[at : at + n] for n in range(longest, 0, -1) if run[at : at + n] in signs.weights), "")
            plain += [word] if word else []
            at += max(len(word), 1)
        assert signs.found(said) == plain


def test_a_strong_cue_outweighs_a_plain_one_of_the_same_length(few: cues.Cues) -> None:
    taxi, bus = few.scores(["坐出租车，不坐公交车"], ("0504", "0502"), of_itself)[0]

    assert taxi == pytest.approx(2 * bus)


def test_a_word_of_two_codes_is_shared_between_them(few: cues.Cues) -> None:
    fund, insurance = few.scores(["公积金"], ("0301", "0801"), of_itself)[0]

    assert fund == insurance > 0


def test_saying_it_again_counts_less_than_saying_it_first(few: cues.Cues) -> None:
    once, thrice = few.scores(["打车", "打车，打车，打车"], ("0504",), of_itself)[:, 0]

    assert once < thrice < 3 * once


def test_a_text_without_cues_speaks_for_nothing(few: cues.Cues) -> None:
    assert not few.scores(["你好", ""], ("0504", "0502"), of_itself).any()
    assert few.scores([], ("0504",), of_itself).shape == (0, 1)


def test_what_is_said_of_other_matters_weakens_a_label(few: cues.Cues) -> None:
    alone, beside = few.scores(["打车", "打车，公积金"], ("0504",), of_itself)[:, 0]

    assert 0 < beside < alone


def test_every_shipped_cue_can_stand_in_a_clean_text_and_has_a_category_of_ours() -> None:
    shipped = cues.shipped()
    codes = {example.category for example in corpus.read(corpus.shipped())}

    assert [word for word in shipped.weights if text.clean(word) != word or " " in word] == []
    assert [code for code, _ in shipped.lines if not any(leaf.startswith(code) for leaf in codes)] == []
    assert len({code for code, _ in shipped.lines}) == len(shipped.lines)


def test_cues_alone_tell_the_branch_of_many_tickets_of_ours() -> None:
    examples = corpus.read(corpus.shipped())[::5]
    branches = sorted({example.category[:2] for example in examples})
    told = cues.shipped().scores([example.text for example in examples], branches, lambda code: {code[:2]: 1.0})

    right = [branches[at] == example.category[:2] for at, example in zip(told.argmax(axis=1), examples, strict=True)]

    assert np.mean(right) > 0.4  # sixteen branches; the most frequent one has a seventh of the tickets


def test_the_published_mapping_takes_the_longest_prefix_and_may_file_nowhere() -> None:
    filing = coldstart.seven_classes()

    assert filing.of("050401") == {"交通运输": 1.0}
    assert filing.first("050203") == "城乡建设"  # buses are filed with the city, not with transport
    assert filing.first("051201") == filing.first("990100") == ""


def test_hints_keep_the_code_and_only_a_few_words_together(tmp_path: Path) -> None:
    file = tmp_path / "cues.tsv"
    file.write_text("0504\t一 二 三 四 五 六*2\n", encoding="utf-8")

    assert cues.read(file).hints().lines == (("一 二 三 四 五", "0504"), ("六", "0504"))


def test_a_taxonomy_becomes_hints_and_one_without_names_is_refused(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.csv", tmp_path / "bad.csv"
    good.write_text("code,name,remark\n0504,出租汽车,的士、网约车\n05,交通出行,\n", encoding="utf-8")
    bad.write_text("number,title\n05,交通\n", encoding="utf-8")

    assert cues.described(good).lines == (("出租汽车 的士、网约车", "0504"), ("交通出行", "05"))
    with pytest.raises(ValueError, match="columns code and name"):
        cues.described(bad)


def test_hints_show_themselves_by_what_they_say() -> None:
    assert repr(cues.Hints((("车", "05"),))) != repr(cues.Hints((("车", "06"),)))
    assert repr(cues.Hints()) == repr(cues.Hints(()) + cues.Hints())


def test_cues_as_weights_say_nearly_what_cues_say_and_hear_each_place_once() -> None:
    known = cues.parsed(["01\t水 自来水", "02\t水管"])
    learned = features.learn(["自来水停了", "自来水管破了", "水很脏"] * 2, features.Recipe(characters=(1, 2, 3)))

    rows, labels = learned.rows(["自来水", "水管", "没有"]), ("01", "02")
    told = rows @ known.as_weights(learned, labels, lambda code: {code: 1.0})

    assert told[0, 0] > 0
    assert told[0, 1] == 0
    assert told[1, 1] > told[1, 0] == pytest.approx(0, abs=1e-6)  # the water in 水管 has spoken for the pipe
    assert (told[2] == 0).all()
