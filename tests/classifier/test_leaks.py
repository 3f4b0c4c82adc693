"""What would flatter a model is counted, and refused where there is too much of it."""

import numpy as np
import pytest

from classifier import leaks, similar
from classifier.corpus import CorpusError, Example
from classifier.cues import Hints

NAMES = Hints((("路灯", "050902"), ("城市管理 市容", "05"), ("公积金", "030501")))
ALONE = np.zeros(1, dtype=np.int64)


@pytest.mark.parametrize(
    ("said", "shows"),
    [
        ("路灯不亮了", False),  # a caller's own word
        ("【路灯】学府路很黑", True),
        ("诉求分类:城市管理/路灯,学府路很黑", True),
        ("050902学府路很黑", True),
        ("编码05-09-02,学府路很黑", True),
        ("工号1050902,学府路很黑", False),
        ("【公积金】学府路很黑", False),  # another category's name
        ("【学府路】很黑", False),
    ],
)
def test_a_text_shows_its_category_where_its_code_or_a_field_with_its_name_stands(said: str, *, shows: bool) -> None:
    found = leaks.told([Example(said, "050902")], [], ALONE, NAMES)

    assert found["category_in_text"] == float(shows)


def test_a_type_in_a_field_is_no_word_of_the_caller() -> None:
    told = [Example("(投诉)路灯不亮", "050902", "complaint"), Example("我要投诉,路灯不亮", "050902", "complaint")]

    assert leaks.told(told, [], np.zeros(2, np.int64), NAMES)["type_in_text"] == 0.5


def test_near_duplicates_in_two_folds_are_a_leak_and_one_text_under_two_categories_is_not() -> None:
    told = [Example("学府路的路灯不亮了", code) for code in ("050902", "050901")]
    alike = similar.pairs([example.text for example in told])

    together = leaks.told(told, alike, np.array([0, 0]), NAMES)
    apart = leaks.told(told, alike, np.array([0, 1]), NAMES)

    assert (together["across_folds"], together["two_categories"], apart["across_folds"]) == (0, 1, 1)
    leaks.refuse(together)
    with pytest.raises(CorpusError, match=r"across_folds 100\.0%"):
        leaks.refuse(apart)


def test_a_refusal_says_where_to_look_and_what_to_do() -> None:
    told = [Example(f"学府路{number}号很黑", "050902") for number in range(9)] + [Example("【路灯】很黑", "050902")]

    with pytest.raises(CorpusError, match=r"category_in_text 10.0% \(at most 2%\).*\[9\].*take out"):
        leaks.refuse(leaks.told(told, [], np.zeros(10, np.int64), NAMES))
