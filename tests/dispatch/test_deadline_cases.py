"""Every row of docs/deadline-cases.md, played on the pure core."""

import pytest

from dispatch.cards import card
from tests.dispatch.deadline_cases import CASES, DOCUMENT, Case, document, play


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_each_case_comes_out_as_the_table_says(case: Case) -> None:
    played = play(case)

    assert [(told, asked(played)) for told, asked, _value in case.then] == [
        (told, value) for told, _asked, value in case.then
    ]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_each_case_has_cards_that_count_what_is_enforced(case: Case) -> None:
    played = play(case)

    for clock in played.file.clocks:
        assert card(played.file, clock, played.rulebook.calendar, at=played.now).agrees


def test_the_document_is_what_the_cases_write() -> None:
    assert DOCUMENT.read_text("utf-8") == document(), "run python -m tests.dispatch.deadline_cases"
