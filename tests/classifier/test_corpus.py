import json
from datetime import datetime
from pathlib import Path

import pytest

from classifier import corpus, similar
from classifier.corpus import Example


def test_the_shipped_corpus_can_be_read_and_has_no_problems() -> None:
    assert corpus.problems(corpus.read(corpus.shipped())) == []


def test_all_faults_of_a_file_are_told_at_once(tmp_path: Path) -> None:
    file = tmp_path / "bad.jsonl"
    rows = [
        {"text": "路灯坏了", "category": "3"},
        {"text": "路灯坏了", "category": "030501", "type": "shout"},
        {"text": ""},
    ]
    file.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")

    with pytest.raises(corpus.CorpusError) as refused:
        corpus.read(file)

    assert all(part in str(refused.value) for part in ("bad.jsonl:1", "bad.jsonl:2", "bad.jsonl:3"))


def test_copies_with_another_name_in_them_are_duplicates() -> None:
    told = "小区门口的路灯坏了三个月没有人来修，晚上老人孩子走路都看不清，请尽快派人来处理一下，谢谢。"
    texts = [f"南湖{told}", f"望江{told}", "公积金贷款什么时候能放款"]

    assert similar.duplicate_share(texts) == pytest.approx(1 / 3)
    assert list(similar.groups(texts)) == [0, 0, 1]
    assert list(similar.leaked(texts[:1], texts[1:])) == [True, False]


def test_a_split_by_time_puts_no_text_on_both_sides() -> None:
    told = "自来水发黄有异味，已经一个星期了，打了好几次供水公司的电话都说在处理。"
    examples = [
        Example(told + "谢谢", "030501", at="2026-03-02"),  # repeats the third one: left out
        Example("地铁站口没有电梯", "050804", at="2026-03-01"),
        Example(told, "030501", at="2026-01-01"),
        Example("公交车半小时不来一班", "050203"),  # without a date: older
    ]

    older, newest = corpus.kept_back(examples, datetime(2026, 3, 2))  # noqa: DTZ001 - dates of a file have no zone

    assert [example.at for example in older] == ["2026-01-01", ""]
    assert [example.at for example in newest] == ["2026-03-01"]


def test_a_date_that_is_none_is_a_fault() -> None:
    with pytest.raises(ValueError, match="Invalid isoformat"):
        corpus.example({"text": "路灯坏了", "category": "030501", "at": "last week"})


def test_the_fingerprint_knows_every_field_and_the_order() -> None:
    one, other = Example("路灯坏了", "030501"), Example("路灯坏了", "030501", kind="help")

    assert len({corpus.fingerprint(found) for found in ([one], [other], [one, other], [other, one])}) == 4
