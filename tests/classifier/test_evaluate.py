# The evaluating commands on slices of our own corpus in the place of real messages.
import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from classifier import corpus
from classifier.__main__ import main
from classifier.evaluate import answering, coldstart, kinds, labelled

Rows = Sequence[Mapping[str, str]]


@pytest.fixture(scope="module")
def tickets() -> list[dict[str, str]]:
    files = [corpus.shipped() / f"{name}.jsonl" for name in ("01", "02", "05", "08")]
    told = [json.loads(line) for file in files for line in file.read_text(encoding="utf-8").splitlines()]
    return [{**ticket, "seven": coldstart.seven_classes().first(ticket["category"])} for ticket in told]


def table(path: Path, rows: Rows) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def corpus_of(folder: Path, tickets: Rows) -> Path:
    path = folder / "corpus.jsonl"
    lines = (json.dumps({"text": ticket["text"], "category": ticket["category"]}) for ticket in tickets)
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def figures(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, float]:
    assert main(["evaluate", *arguments, "--json"]) == 0
    told: dict[str, float] = json.loads(capsys.readouterr().out)
    return told


def test_a_cold_start_is_right_on_most_and_own_labels_do_not_make_it_worse(
    tmp_path: Path, tickets: Rows, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = [ticket for ticket in tickets if ticket["seven"]]
    messages = [{"label": ticket["seven"], "text": ticket["text"], "tokens": ""} for ticket in asked[::2]]
    files = ("--corpus", str(corpus_of(tmp_path, asked[1::2])), "--test", str(table(tmp_path / "real.csv", messages)))

    alone = figures(capsys, "coldstart", *files)
    added = figures(capsys, "coldstart", *files, "--add-labels", "100", "--draws", "1")

    assert alone["accuracy"] > 0.75
    assert added["accuracy"] > alone["accuracy"] - 0.05
    assert added["added"] == 100


def test_growth_is_told_as_far_as_there_are_messages_left_to_judge(
    tmp_path: Path, tickets: Rows, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = [ticket for ticket in tickets if ticket["seven"]][::2]
    few = [{"label": ticket["seven"], "text": ticket["text"]} for ticket in asked[::4]]
    files = ("--corpus", str(corpus_of(tmp_path, asked[1::4])), "--test", str(table(tmp_path / "few.csv", few)))

    told: dict[str, Any] = dict(figures(capsys, "curve", *files, "--draws", "1"))

    assert [point["labels"] for point in told["own_labels"]] == [0, 50, 100][: 1 + (len(few) > 50) + (len(few) > 100)]
    assert all(0 < point["accuracy"] <= 1 for point in (*told["corpus"], *told["own_labels"]))


def test_types_of_messages_are_told_apart_better_than_by_the_most_frequent(
    tmp_path: Path, tickets: Rows, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = [ticket for ticket in tickets if ticket["type"] in kinds.NAMES][::2]
    rows = [{"type": kinds.NAMES[ticket["type"]], "title": "", "text": ticket["text"]} for ticket in asked]
    most = max(sum(row["type"] == name for row in rows) for name in kinds.NAMES.values()) / len(rows)

    told = figures(capsys, "types", "--labelled", str(table(tmp_path / "types.csv", rows)), "--draws", "1")

    assert told["accuracy"] > most + 0.05


def test_the_model_that_is_served_judges_types_of_messages_from_which_it_did_not_learn(
    tmp_path: Path, tickets: Rows, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = [ticket for ticket in tickets if ticket["type"] in kinds.NAMES]
    rows = [{"type": kinds.NAMES[one["type"]], "title": one["text"][:10], "text": one["text"]} for one in asked[::6]]
    learned = [{name: one[name] for name in ("text", "category", "type")} for one in asked[1::3]]
    corpus = tmp_path / "corpus.jsonl"
    corpus.write_text("\n".join(map(json.dumps, learned)), encoding="utf-8")
    files = ("--corpus", str(corpus), "--labelled", str(table(tmp_path / "types.csv", rows)))

    told = figures(capsys, "types", "--served", *files)

    most = max(sum(row["type"] == name for row in rows) for name in kinds.NAMES.values()) / len(rows)
    assert most < told["accuracy"] <= told["accuracy_of_these"]


def test_departments_are_learned_from_marks_of_which_some_are_wrong(
    tmp_path: Path, tickets: Rows, capsys: pytest.CaptureFixture[str]
) -> None:
    groups = {"01": "教育", "05": "交通", "08": "人社"}
    asked = [ticket for ticket in tickets if ticket["category"][:2] in groups][::3]
    wrong = {number for number in range(len(asked)) if number % 6 == 1}  # of the mentions only
    rows = [
        {
            "topic": "",
            "text": ticket["text"],
            "department": "交通" if number in wrong else groups[ticket["category"][:2]],
            "department_source": "mention" if number % 2 else "signature+date",
        }
        for number, ticket in enumerate(asked)
    ]

    told = figures(capsys, "departments", "--replies", str(table(tmp_path / "replies.csv", rows)), "--draws", "1")

    assert told["examples"] == sum(number % 2 == 0 for number in range(len(asked)))
    assert told["accuracy"] > 0.8


def test_a_message_without_a_mark_is_learned_from_where_its_reply_speaks_of_itself(
    tmp_path: Path, tickets: Rows, capsys: pytest.CaptureFixture[str]
) -> None:
    groups = {"01": "教育", "05": "交通"}
    asked = [ticket for ticket in tickets if ticket["category"][:2] in groups][::6]
    told = {"教育": "教育局已核实,我局将加强管理。", "交通": "交通局已核实,我局将加强管理。"}
    rows = [
        {
            "topic": "",
            "text": ticket["text"],
            "department": "" if number % 2 else groups[ticket["category"][:2]],
            "department_source": "" if number % 2 else "signature",
            "reply": "" if number % 4 == 1 else told[groups[ticket["category"][:2]]],
        }
        for number, ticket in enumerate(asked)
    ]

    told_of = figures(capsys, "departments", "--replies", str(table(tmp_path / "replies.csv", rows)), "--draws", "1")

    assert told_of["examples"] == sum(row["department"] != "" for row in rows)
    assert told_of["learned_from"] == sum(row["department"] != "" or row["reply"] != "" for row in rows)
    assert told_of["accuracy"] > 0.8


@pytest.mark.parametrize(
    "groups",
    [
        {"01": answering.HALL, "05": "交通", "08": "人社"},
        {"01": answering.HALL, "05": "交通"},  # one department only: nothing to decide in a second step
        {"01": "教育", "05": "交通"},  # no hall: nothing to decide in a first
    ],
)
def test_a_hall_is_told_from_departments_and_these_from_each_other(
    groups: Mapping[str, str], tmp_path: Path, tickets: Rows, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = [ticket for ticket in tickets if ticket["category"][:2] in groups][::6]
    rows = [
        {
            "topic": "",
            "text": ticket["text"],
            "department": groups[ticket["category"][:2]],
            "department_source": "mention" if number % 2 else "signature",
        }
        for number, ticket in enumerate(asked)
    ]

    told = figures(capsys, "departments", "--replies", str(table(tmp_path / "replies.csv", rows)), "--draws", "1")

    assert sorted(told["labels"]) == sorted(groups.values())  # type: ignore[call-overload]  # the one figure that is a list
    assert told["accuracy"] > 0.7


def test_the_replies_of_messages_that_are_judged_are_never_read(
    tmp_path: Path, tickets: Rows, capsys: pytest.CaptureFixture[str]
) -> None:
    groups = {"01": "教育", "05": "交通"}
    asked = [ticket for ticket in tickets if ticket["category"][:2] in groups][::9]
    marks = ("signature", "mention")
    rows = [
        {
            "topic": "",
            "text": ticket["text"],
            "department": groups[ticket["category"][:2]],
            "department_source": marks[number % 2],
            "reply": "",
        }
        for number, ticket in enumerate(asked)
    ]

    silent = figures(capsys, "departments", "--replies", str(table(tmp_path / "silent.csv", rows)), "--draws", "1")
    telling = [{**row, "reply": "感谢您对我镇工作的支持。"} for row in rows]
    read = figures(capsys, "departments", "--replies", str(table(tmp_path / "telling.csv", telling)), "--draws", "1")

    assert read == silent


def test_a_board_is_judged_by_folds_and_city_by_city(
    tmp_path: Path, tickets: Rows, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = [ticket for ticket in tickets if ticket["seven"]]
    rows = [
        {"label": ticket["seven"], "topic": "", "text": "", "tokens": f"{'ABC'[at % 3]} 市 {ticket['text']}"}
        for at, ticket in enumerate(asked)
    ]
    file = str(table(tmp_path / "board.csv", rows))
    options = ("labelled", "--train", file, "--unlabelled", "--dimensions", "30", "--promise", "0.8")

    crossed = figures(capsys, *options, "--cv", "3")
    cities = figures(capsys, *options, "--leave-city")
    told: dict[str, Any] = dict(cities["cities"])  # type: ignore[call-overload]  # the one figure that is a table

    assert crossed["examples"] == cities["examples"] == len(rows)
    most = max(sum(row["label"] == label for row in rows) for label in {row["label"] for row in rows}) / len(rows)
    assert min(crossed["accuracy"], cities["accuracy"]) > most + 0.2
    assert set(told) == set("ABC")
    assert all(city["precision_interval"][0] <= (city["precision"] or 1) for city in told.values())


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["evaluate", *arguments, "--json"]) == 1
    told = capsys.readouterr()
    assert not told.out
    return told.err.splitlines()[-1]


@pytest.fixture
def board(tmp_path: Path, tickets: Rows) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    """Rows to learn from and rows to judge, without the tokens that the files of the issue have."""
    rows = [{"text": one["text"], "label": one["seven"]} for one in tickets if one["seven"]]
    return rows[::2], rows[1::2]


def test_a_file_of_a_stranger_is_judged_by_its_columns_and_every_row_is_accounted_for(
    tmp_path: Path,
    board: tuple[list[dict[str, str]], list[dict[str, str]]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    known, asked = board
    files = ("--train", str(table(tmp_path / "known.csv", known)), "--unlabelled", "--dimensions", "0")

    plain = figures(capsys, "labelled", *files, "--test", str(table(tmp_path / "plain.csv", asked)))
    odd = [*asked, {"text": "路灯不亮", "label": ""}, {"text": " ", "label": "城乡建设"}, known[0]]
    strange = [{**row, "label": "从未见过"} if at < 50 else row for at, row in enumerate(odd)]
    judged = figures(capsys, "labelled", *files, "--test", str(table(tmp_path / "strange.csv", strange)))

    assert (plain["examples"], plain["left_out"], plain["learned_near_duplicates"]) == (len(asked), 0, 0)
    assert (judged["examples"], judged["left_out"], judged["learned_near_duplicates"]) == (len(asked) + 1, 2, 1)
    assert judged["unknown_labels"] == 50
    assert judged["accuracy"] < plain["accuracy"] - 0.7 * 50 / len(asked)  # a label never met counts as wrong


def test_what_cannot_be_measured_is_told_with_the_reason(
    tmp_path: Path,
    board: tuple[list[dict[str, str]], list[dict[str, str]]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    known, asked = board
    few, one, strange, bare = (
        str(table(tmp_path / f"{name}.csv", rows))
        for name, rows in (
            ("few", [known[0], known[-1], known[-2]]),
            ("one", [{**row, "label": "城乡建设"} for row in known[:50]]),
            ("strange", [{**row, "label": "从未见过"} for row in asked[:50]]),
            ("bare", [{"text": row["text"]} for row in asked[:50]]),
        )
    )

    assert "all 50 messages to learn from are 城乡建设" in refused(capsys, "labelled", "--train", one, "--unlabelled")
    assert "too few for 5 folds" in refused(capsys, "labelled", "--train", few, "--unlabelled")
    assert "no column label; there are text" in refused(capsys, "coldstart", "--test", bare)
    assert "needs a column tokens or text" not in refused(capsys, "coldstart", "--test", bare)
    assert "they are 从未见过; learned were" in refused(capsys, "coldstart", "--test", strange)
    assert "leave none to judge" in refused(capsys, "coldstart", "--test", few, "--add-labels", "3")
    assert "there is no file" in refused(capsys, "coldstart", "--test", str(tmp_path / "nowhere.csv"))
    assert "between 0 and 1" in refused(capsys, "coldstart", "--test", bare, "--promise", "98")


def test_a_promise_in_percent_is_refused_before_training(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "--promise", "98"]) == 1
    assert "between 0 and 1" in capsys.readouterr().err


def test_a_text_is_of_the_city_that_it_names_most() -> None:
    assert labelled.city("家住 K3 县 , K 市 与 A 市 之间") == "K"
    assert labelled.city("BK市与G4高速") == ""
