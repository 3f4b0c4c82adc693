import json
from datetime import datetime
from pathlib import Path

import pytest

from classifier import corpus, similar
from classifier.corpus import CorpusError, Example


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


def test_examples_without_a_type_are_told_before_they_teach_that_all_is_a_consultation() -> None:
    some = [Example("路灯不亮,晚上看不见", "030501", "complaint"), Example("公交车为什么改线", "050202")]

    (told,) = corpus.problems(some)

    assert told.startswith("1 of 2 examples have no type, one of consult,")


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


@pytest.mark.parametrize(
    ("encoding", "separator"), [("utf-8", ","), ("utf-8-sig", ";"), ("gb18030", ","), ("utf-16", "\t")]
)
def test_a_table_is_read_in_whatever_a_spreadsheet_makes_of_it(tmp_path: Path, encoding: str, separator: str) -> None:
    table = tmp_path / "table.csv"
    lines = [("label", " text "), ("交通", f'"坑{separator}很深\n没人管"'), ("", ""), ("城建 ", "路灯不亮")]
    table.write_bytes("\r\n".join(separator.join(line) for line in lines).encode(encoding))

    rows = corpus.read_table(table)

    assert rows == [{"label": "交通", "text": f"坑{separator}很深\n没人管"}, {"label": "城建", "text": "路灯不亮"}]
    with pytest.raises(CorpusError, match="no column tokens; there are label, text"):
        _ = rows[0]["tokens"]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "no header and no row"),
        (b"label,text\n", "a header and no row"),
        (b"text,text\na,b\n", "two columns have one name"),
        (b"label,text\na,b,c\n", "row 1 has more cells than the 2 columns"),  # a comma in a text without quotes
        (bytes(range(256)), "no text in UTF-8, GB18030 or UTF-16"),
    ],
)
def test_what_is_no_table_is_refused_with_what_is_wrong(tmp_path: Path, content: bytes, why: str) -> None:
    (tmp_path / "table.csv").write_bytes(content)

    with pytest.raises(CorpusError, match=why):
        corpus.read_table(tmp_path / "table.csv")


def test_a_table_of_tickets_is_a_corpus_too(tmp_path: Path) -> None:
    table = tmp_path / "tickets.csv"
    table.write_text(
        "text,category,risks,type\n路灯不亮,030501,,complaint\n楼上着火,070404,life group,help\n", "gb18030"
    )

    lamps, fire = corpus.read(table)

    assert (lamps.text, lamps.category, lamps.kind, lamps.risks) == ("路灯不亮", "030501", "complaint", ())
    assert fire.risks == ("life", "group")
    assert corpus.read(tmp_path) == [lamps, fire]


def test_a_text_in_the_wrong_column_is_told_without_its_telephone_number(tmp_path: Path) -> None:
    table = tmp_path / "tickets.csv"
    table.write_text(
        "category,text,type\n电话13812345678,030501,complaint\n030501,路灯不亮,我叫张三13812345678\n", "utf-8"
    )

    with pytest.raises(CorpusError, match=r"tickets.csv:2: category .*tickets.csv:3: type") as told:
        corpus.read(table)

    assert "1381234" not in str(told.value)


def test_a_json_text_may_hold_any_end_of_line(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"text": "路灯\u2028不亮", "category": "030501"}\n', "utf-8")

    assert [example.text for example in corpus.read(tmp_path)] == ["路灯 不亮"]
