import re

import numpy as np
import pytest

from classifier import corpus, speech, text


@pytest.mark.parametrize(
    ("act", "said"),
    [
        ("ask", "请问公积金怎么提取"),
        ("demand", "强烈要求查处这家工厂"),
        ("suggest", "建议在路口增设一个红绿灯"),
        ("accuse", "举报楼下饭店非法经营"),
        ("blame", "打了几次电话互相推诿,没人管"),
        ("help", "求求你们帮帮我们一家"),
    ],
)
def test_an_act_is_heard_in_what_is_said(act: str, said: str) -> None:
    assert dict(zip(speech.acts(), speech.shipped().counts(said), strict=True))[act] > 0


def test_plain_facts_are_no_act_of_asking_or_blaming() -> None:
    heard = dict(zip(speech.acts(), speech.shipped().counts("昨天下了一场小雨"), strict=True))

    assert not any(heard.values())


def test_what_the_title_does_is_told_from_what_the_text_does() -> None:
    asked_in_title, asked_in_text = speech.rows([("咨询落户", "材料已交"), ("材料已交", "咨询落户")])

    assert not np.array_equal(asked_in_title, asked_in_text)


def test_a_head_names_what_was_said_that_speaks_for_a_label() -> None:
    acts = speech.Acts((("ask", ("请问", "吗")), ("blame", ("推诿",))))
    weights = np.zeros((acts.width, 2), dtype=np.float32)
    weights[[0, 1], [0, 1]] = 1  # how often it is asked speaks for the first label, how often blamed for the second
    head = speech.Head(acts, np.zeros(acts.width, np.float32), np.ones(acts.width, np.float32), weights)

    spoken = head.listen(["", "请问谁来管,不要推诿"])

    assert head.evidence(spoken, 1, 0, 5) == ("请问",)
    assert head.evidence(spoken, 1, 1, 5) == ("推诿",)
    assert head.evidence(spoken, 0, 0, 5) == ()
    assert head.scores(spoken).shape == (2, 2)


def test_of_an_act_the_longest_at_each_place_is_heard_and_none_inside_another_but_acts_do_not_hide_each_other() -> None:
    acts = speech.Acts((("ask", ("怎么", "怎么办", "办理")), ("help", ("怎么办理", "办")), ("none", ())))

    heard = acts.heard("怎么办理,怎么办")

    assert heard == [[(0, "怎么办"), (5, "怎么办")], [(0, "怎么办理"), (7, "办")], []]


def test_acts_are_heard_as_by_searching_for_each_alone() -> None:
    acts = speech.shipped()
    patterns = [re.compile("|".join(map(re.escape, sorted(told, key=len, reverse=True)))) for _, told in acts.lines]

    for example in corpus.read(corpus.shipped())[::10]:
        alone = [[(found.start(), found[0]) for found in pattern.finditer(example.text)] for pattern in patterns]
        assert acts.heard(example.text) == alone


def test_acts_of_the_opening_and_of_the_end_are_told_apart_and_a_question_is_one_by_its_mark() -> None:
    acts = speech.Acts((("ask", ("?",)), ("thank", ("谢谢",))))

    said = "路灯何时修?已经很久了。谢谢"
    row = acts.plain_rows([said], [acts.heard(said)])[0]

    assert row[4:8].tolist() == [1, 0, 0, 1]


def test_every_message_gets_a_row_of_the_same_width_even_an_empty_one() -> None:
    rows = speech.rows([("", ""), ("标题", "一句。又一句?还有一句!")])

    assert rows.shape[0] == 2
    assert np.isfinite(rows).all()
    assert speech.rows([]).shape == (0, rows.shape[1])


@pytest.mark.parametrize("table", ["speech.tsv", "units.tsv", "offices.tsv"])
def test_every_expression_can_stand_in_a_clean_text(table: str) -> None:
    for line in text.lines(table):
        assert [said for said in line.split("\t")[1].split() if text.normalise(said) != said] == []
