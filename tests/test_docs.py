"""The documents say what the code does: generated parts are up to date, and no name that people meet is missing."""

import importlib
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import hotline
from dispatch import actions as do
from dispatch.deadlines import wanted
from dispatch.errors import Rule
from dispatch.model import AssignmentState, ClockKind, Outcome, ReturnReason, Role, TicketState
from dispatch.rulebook import Policy
from hotline import handbook
from hotline.config import SETTINGS

ROOT = Path(__file__).parents[1]
DOCS = sorted((ROOT / "docs").rglob("*.md"))
PAGES = [*DOCS, *(ROOT / name for name in ("README.md", "README.zh-CN.md", "CHANGELOG.md"))]
every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
ALL_TEXT = "\n".join(page.read_text("utf-8") for page in DOCS)


@pytest.mark.parametrize("page", DOCS, ids=lambda page: str(page.relative_to(ROOT)))
def test_generated_parts_are_up_to_date(page: Path) -> None:
    text = page.read_text("utf-8")

    assert handbook.rewrite(text) == text, "run python -m hotline.handbook"


def test_every_part_that_can_be_generated_stands_somewhere_once() -> None:
    found = [name for page in DOCS for name in handbook.blocks_in(page.read_text("utf-8"))]

    assert sorted(found) == sorted(handbook.BLOCKS)


@every_page
def test_marks_of_generated_parts_come_in_pairs(page: Path) -> None:
    text = page.read_text("utf-8")

    assert len(handbook.blocks_in(text)) == text.count("<!-- generated:") == text.count("<!-- end -->")


NAMES: dict[str, list[str]] = {
    "setting": [setting.name for setting in SETTINGS],
    "command": [f"hotline {command.name}" for command in handbook.commands()],
    "ticket state": [term.value for term in TicketState],
    "assignment state": [term.value for term in AssignmentState],
    "outcome": [term.value for term in Outcome],
    "role": [term.value for term in Role],
    "action": list(do.ACTIONS),
    "clock": [term.value for term in ClockKind],
    "rule": [term.value for term in Rule],
    "return reason": [term.value for term in ReturnReason],
    "policy": list(Policy.__dataclass_fields__),
    "error": [handbook.code_of(error) for error in handbook.errors()],
}


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind, names in NAMES.items() for name in names])
def test_every_name_that_people_meet_is_in_the_documents(kind: str, name: str) -> None:
    assert f"`{name}`" in ALL_TEXT, f"{kind} {name} is not documented"


def test_every_error_with_a_code_of_its_own_is_among_the_documented_ones() -> None:
    for module in pkgutil.walk_packages(hotline.__path__, "hotline."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)

    assert {error.__module__ for error in handbook.errors()} <= {
        "dispatch.errors",
        "hotline.auth",
        "hotline.errors",
        "hotline.vault",
    }


@pytest.mark.parametrize("state", list(TicketState))
def test_the_sample_of_each_state_shows_what_runs_in_it(state: TicketState) -> None:
    kinds = [want.kind for want in wanted(handbook.sample(state))]

    assert bool(kinds) is (state is not TicketState.CLOSED)


LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)


def links(page: Path) -> Iterator[str]:
    yield from LINK.findall(FENCE.sub("", page.read_text("utf-8")))


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, made as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", page.read_text("utf-8")), re.MULTILINE)
    words = (re.sub(r"[^\w\s-]", "", heading.lower()) for heading in headings)
    return {re.sub(r"\s", "-", word.strip()) for word in words}


@every_page
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    for link in links(page):
        if link.startswith(("http://", "https://", "mailto:")):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{link} leads nowhere"
        assert target.is_relative_to(ROOT), f"{link} leads out of the repository"
        assert not anchor or anchor in anchors(target), f"{link}: no such heading"


@every_page
def test_no_page_names_a_folder_of_somebody_s_machine(page: Path) -> None:
    text = page.read_text("utf-8")

    assert not re.findall(r"(?<![\w.])/(?:work|tmp|home|root|Users)/", text)


def test_every_decision_is_in_the_list_of_decisions() -> None:
    folder = ROOT / "docs/adr"
    listed = set(links(folder / "README.md"))

    assert listed == {file.name for file in folder.glob("[0-9]*.md")}


@pytest.mark.parametrize("file", sorted((ROOT / "docs/adr").glob("[0-9]*.md")), ids=lambda file: file.stem)
def test_a_decision_has_a_context_a_decision_and_consequences(file: Path) -> None:
    text = file.read_text("utf-8")

    assert text.startswith(f"# {file.name[:4]}: ")
    assert [name for name in ("Context", "Decision", "Consequences") if f"**{name}.**" in text] == [
        "Context",
        "Decision",
        "Consequences",
    ]


@pytest.mark.parametrize("target", ["demo", "test"])
def test_the_commands_of_the_readme_are_in_the_makefile(target: str) -> None:
    assert f"make {target}" in (ROOT / "README.md").read_text("utf-8")
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
