"""The pages of rules: shown to those who keep them, drafted by one, published by another."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest

from dispatch.rulebook import Rulebook
from hotline import db
from hotline.desk import Desk
from hotline.web import rules_views, words
from tests.web.conftest import HASH, Bring, Browser, CountingStore, Open

PARTS = list(rules_views.EDITED)


@pytest.fixture
async def second(pool: db.Pool, desk: Desk, open_browser: Open) -> Browser:
    """Give the browser of a second supervisor, in the city of `desk`."""
    assert desk.store is not None
    row = ("second", "复核员", "supervisor", "hotline", HASH)
    async with db.connection(pool) as connection:
        await connection.execute(
            "INSERT INTO people (id, name, role, department, password_hash) VALUES ($1, $2, $3, $4, $5)", *row
        )
    return await open_browser("second")


def typed(browser: Browser) -> dict[str, str]:
    """Every value of the form of the page, as it is printed."""
    form = browser.html.partition("<main")[2]
    return dict(re.findall(r'<input[^>]*name="([\w-]+)"[^>]*value="([^"]*)"', form))


async def drafted(browser: Browser, part: str, **changed: str) -> str:
    await browser.get(f"/rules/{part}")
    return await browser.post(
        f"/rules/{part}", {**typed(browser), "source": "市政府常务会议纪要", "effective_at": "", **changed}
    )


@pytest.mark.parametrize("part", PARTS)
async def test_every_part_is_shown_in_few_queries(open_browser: Open, part: str) -> None:
    browser = await open_browser("supervisor")
    before = CountingStore.asked

    await browser.get(f"/rules/{part}")

    assert browser.status == 200
    assert CountingStore.asked - before <= 12


@pytest.mark.parametrize("person", ["water", "head", "agent", "caller-back"])
@pytest.mark.parametrize("path", ["/rules", "/rules/ladder", "/rules/calendar", "/rules/drafts/1"])
async def test_rules_are_kept_by_the_leaders_of_the_hotline(open_browser: Open, person: str, path: str) -> None:
    browser = await open_browser(person)

    await browser.get(path)

    assert browser.status == 403


async def test_a_number_is_changed_by_one_and_published_by_another(
    open_browser: Open, second: Browser, desk: Desk
) -> None:
    first = await open_browser("supervisor")

    await drafted(first, "policy", **{"8-value": "5"})

    path = first.path.partition("?")[0]
    assert "重办几次后转研判" in first.html
    assert "<del>2</del>" in first.html
    assert "<ins>5</ins>" in first.html
    assert "草案须由另一人复核发布" in first.html
    await first.post(path, {"csrf": first.csrf, "do": "publish"})
    assert first.status == 403
    assert (await desk.rulebook()).policy.redos_most == 2
    await second.get(path)
    await second.post(path, {"csrf": second.csrf, "do": "publish"})
    assert second.path == "/rules?done=published"
    assert (await desk.rulebook()).policy.redos_most == 5


def first_allowance(book: Rulebook) -> str:
    return str(book.allowances[0].allowance)


def third_rung(book: Rulebook) -> str:
    return str(book.ladder[3].after)


@pytest.mark.parametrize(
    ("part", "field", "read"), [("allowances", "0-allowance", first_allowance), ("ladder", "3-after", third_rung)]
)
async def test_a_row_is_edited(
    second: Browser, desk: Desk, part: str, field: str, read: Callable[[Rulebook], str], open_browser: Open
) -> None:
    first, before = await open_browser("supervisor"), await desk.rulebook()

    await drafted(first, part, **{field: "45min"})
    path = first.path.partition("?")[0]
    await second.get(path)
    await second.post(path, {"csrf": second.csrf, "do": "publish"})

    after = await desk.rulebook()
    assert read(after) == "45min" != read(before)
    assert after.ladder[1] == before.ladder[1]
    assert (len(after.ladder), len(after.allowances)) == (len(before.ladder), len(before.allowances))


@pytest.mark.parametrize(
    ("typed_in", "noted"),
    [
        ("45分钟", "45min"),
        ("3 个工作日", "3wd"),
        ("2工作小时", "2wh"),
        ("60日", "60d"),
        ("5个工作日（次日起算）", "5wd+"),
        ("90min", "90min"),  # as files have it
    ],
)
async def test_an_allowance_is_shown_and_typed_in_words(
    second: Browser, desk: Desk, open_browser: Open, typed_in: str, noted: str
) -> None:
    first = await open_browser("supervisor")

    await drafted(first, "allowances", **{"0-allowance": typed_in})
    path = first.path.partition("?")[0]
    await second.get(path)
    await second.post(path, {"csrf": second.csrf, "do": "publish"})
    await first.get("/rules/allowances")

    assert str((await desk.rulebook()).allowances[0].allowance) == noted
    assert typed(first)["0-allowance"] == words.allowance(noted)


@pytest.mark.parametrize("part", ["allowances", "ladder"])
async def test_no_code_of_an_allowance_or_a_deadline_is_on_the_pages_of_rules(open_browser: Open, part: str) -> None:
    browser = await open_browser("supervisor")
    codes = re.compile(r"\b\d+(min|h|wh|wd|d)\b|co_reply")

    await browser.get(f"/rules/{part}")
    assert not codes.search(browser.html)
    await drafted(browser, part)
    assert not codes.search(browser.html)


async def test_what_is_sent_as_it_was_shown_changes_nothing(open_browser: Open) -> None:
    browser = await open_browser("supervisor")

    await drafted(browser, "allowances")

    assert "没有" in browser.html
    assert not re.search(r"<del>|<ins>", browser.html)


@pytest.mark.parametrize(("part", "field"), [("allowances", "0-allowance"), ("ladder", "3-after")])
@pytest.mark.parametrize("value", ["两天", "3个月", "0分钟"])
async def test_an_allowance_that_is_none_is_refused_in_words(
    open_browser: Open, part: str, field: str, value: str
) -> None:
    browser = await open_browser("supervisor")

    await drafted(browser, part, **{field: value})

    assert browser.status == 422
    assert "时限：应当写作 30分钟、2小时、3个工作日" in browser.html


async def test_what_another_published_meanwhile_is_not_undone(open_browser: Open, second: Browser, desk: Desk) -> None:
    first = await open_browser("supervisor")
    await first.get("/rules/policy")
    old = typed(first)
    await drafted(second, "policy", **{"8-value": "5"})
    path = second.path.partition("?")[0]
    await first.post(path, {"csrf": first.csrf, "do": "publish"})

    await first.post("/rules/policy", {**old, "source": "另一份纪要", "0-value": "3"})

    assert first.status == 422
    assert (await desk.rulebook()).policy.redos_most == 5


@pytest.mark.parametrize("value", ["", "two", "-1", "1e9", "１"])
async def test_a_number_that_is_none_is_refused(open_browser: Open, value: str) -> None:
    browser = await open_browser("supervisor")

    await drafted(browser, "policy", **{"8-value": value})

    assert browser.status == 422


async def test_a_calendar_shows_what_would_move_before_it_is_published(
    open_browser: Open, second: Browser, bring: Bring, desk: Desk
) -> None:
    await bring(category="010102")
    first = await open_browser("supervisor")
    next_days = [(desk.now() + timedelta(days=days)).date() for days in range(1, 7)]
    lines = "\n".join(f"{day.isoformat()},closed," for day in next_days)

    await first.get("/rules/calendar")
    given = {"csrf": first.csrf, "days": f"date,kind,hours\n{lines}", "source": "市政府放假通知", "effective_at": ""}
    await first.post("/rules/calendar", given)
    path = first.path.partition("?")[0]
    await first.get(f"{path}?preview=1")

    assert "另行放假" in first.html
    moved = re.search(r"如现在发布：(\d+) 张在办工单、(\d+) 个到期时间", first.html)
    assert moved
    assert int(moved[1]) == 1
    assert int(moved[2]) >= 1
    await second.get(path)
    await second.post(path, {"csrf": second.csrf, "do": "publish"})
    assert second.status == 200
    assert next_days[0] in (await desk.rulebook()).calendar.overrides


async def test_a_draft_is_taken_back(open_browser: Open) -> None:
    browser = await open_browser("supervisor")
    await drafted(browser, "policy", **{"8-value": "4"})

    await browser.post(browser.path.partition("?")[0], {"csrf": browser.csrf, "do": "take_back"})

    assert browser.path == "/rules?done=draft_back"
    assert "没有待复核的草案" in browser.html


async def test_a_form_without_the_token_changes_nothing(open_browser: Open) -> None:
    browser = await open_browser("supervisor")
    await browser.get("/rules/policy")

    await browser.post("/rules/policy", {**typed(browser), "csrf": "x", "source": "无令牌的修改"})

    assert browser.status == 403
