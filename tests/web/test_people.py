"""People and changes on pages: added, moved, sent away; who did it; and the own password."""

import re

import pytest

from dispatch.model import Actor, Role
from hotline import auth, db, people
from hotline.auth import Person
from hotline.desk import Desk
from hotline.errors import BadInput, Forbidden, NotFound
from tests.web.conftest import HASH, PASSWORD, Browser, Open

ADMIN = Actor("admin", Role.ADMINISTRATOR, "hotline")
NEW = {"person": "chen.li", "name": "陈力", "role": "handler", "department": "市水利局", "reason": "人事通知3号"}


@pytest.fixture(autouse=True)
async def administrators(desk: Desk) -> None:
    """Two administrators."""
    async with db.connection(desk.store.pool) as connection:
        for name in ("admin", "second"):
            await connection.execute(
                "INSERT INTO people (id, name, role, department, password_hash)"
                " VALUES ($1, $1 || '员', 'administrator', 'hotline', $2)",
                name,
                HASH,
            )


async def send(browser: Browser, path: str, **values: str) -> str:
    """Send a form of the present page."""
    return await browser.post(path, {"csrf": browser.csrf, **values})


def given(html: str) -> str:
    """Return the password that a page shows."""
    found = re.search(r"<code>([a-z2-9-]{14})</code>", html)
    assert found, html
    return found[1]


async def test_somebody_is_added_logs_in_chooses_a_password_and_is_thrown_out(open_browser: Open) -> None:
    admin, theirs = await open_browser("admin"), await open_browser("")
    await admin.get("/people")
    password = given(await send(admin, "/people", **NEW))

    assert "初始密码未修改" in await admin.get("/people?q=陈")
    await theirs.try_log_in("chen.li", password)
    assert theirs.path == "/me"
    await send(theirs, "/me", current=password, new="mine-12345", again="mine-12345")
    assert "密码已修改" in theirs.html
    await theirs.get("/department")
    assert (theirs.status, theirs.path) == (200, "/department")
    await admin.get("/people/chen.li")
    await send(admin, "/people/chen.li", do="leave", reason="调离本单位")

    assert "已停用" in admin.html
    await theirs.get("/department")
    assert theirs.path.startswith("/login")
    await theirs.try_log_in("chen.li", "mine-12345")
    assert theirs.status == 401
    assert "陈力" not in await admin.get("/people")
    assert "陈力" in await admin.get("/people?all=1")


async def test_a_new_role_holds_at_once_and_every_change_is_listed_with_its_difference(open_browser: Open) -> None:
    admin, supervisor = await open_browser("admin"), await open_browser("supervisor")
    await admin.get("/people/city")
    await send(
        admin, "/people/city", do="change", name="城管员", role="head", department="市城市管理局", reason="任命2号"
    )

    assert admin.path.startswith("/people/city")
    assert "角色：承办人 → 承办单位负责人" in admin.html
    listed = await supervisor.get("/changes?kind=person_changed")
    assert "姓名：city员 → 城管员" in listed
    assert "任命2号" in listed
    assert "任命2号" not in await supervisor.get("/changes?kind=publish")
    table = await supervisor.get("/changes/file")
    assert "任命2号" in table
    assert supervisor.headers["Content-Type"].startswith("text/csv")


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("person", "Chen Li", "应当是二至四十位"),
        ("person", "water", "已有人用过"),
        ("name", " ", "不能为空"),
        ("role", "machine", "没有这个选项"),
        ("department", "市外星局", "没有这个选项"),
        ("department", "12345热线中心", "与角色不符"),
        ("reason", "好", "太短"),
    ],
)
async def test_what_cannot_be_taken_comes_back_with_what_was_typed(
    open_browser: Open, field: str, value: str, told: str
) -> None:
    admin = await open_browser("admin")
    await admin.get("/people")

    html = await send(admin, "/people", **{**NEW, field: value})

    assert admin.status == 422
    assert told in html
    assert NEW["person" if field != "person" else "name"] in html


async def test_only_administrators_keep_people_and_nobody_the_own_role(open_browser: Open, desk: Desk) -> None:
    for person, allowed in (("supervisor", 403), ("agent", 403), ("water", 403), ("admin", 200)):
        browser = await open_browser(person)
        await browser.get("/people")
        assert browser.status == allowed, person
        await send(browser, "/people/water", do="password", reason="忘记密码")
        assert browser.status == allowed, person
    browser = await open_browser("admin")
    await browser.get("/people/admin")
    html = await send(
        browser, "/people/admin", do="change", name="x", role="agent", department="hotline", reason="换岗通知"
    )
    assert browser.status == 403
    assert "须由另一位管理员操作" in html
    with pytest.raises(Forbidden):
        await people.send_away(desk, "admin", ADMIN, reason="自己离开")


async def test_one_administrator_always_remains_whoever_asks(desk: Desk) -> None:
    second = Actor("second", Role.ADMINISTRATOR, "hotline")
    await people.send_away(desk, "admin", second, reason="调离热线")

    with pytest.raises(Forbidden, match="must remain"):
        await people.send_away(desk, "second", ADMIN, reason="调离热线")
    with pytest.raises(Forbidden, match="must remain"):
        await people.change(desk, Person("second", "x", Role.AGENT, "hotline"), ADMIN, reason="换岗通知")
    assert (await people.one(desk, "second", second)).active


async def test_a_given_password_ends_after_three_days_and_a_lost_one_is_replaced(desk: Desk) -> None:
    person = Person("chen.li", "陈力", Role.HANDLER, "slj")
    password = await people.add(desk, person, ADMIN, reason="人事通知", hasher=auth.QUICK)
    token, _ = await auth.log_in(desk, "chen.li", password, address="a")
    again = await people.give_password(desk, "chen.li", ADMIN, reason="忘记密码", hasher=auth.QUICK)

    assert await auth.session_of(desk, token) is None
    with pytest.raises(auth.BadLogin):
        await auth.log_in(desk, "chen.li", password, address="a")
    await auth.log_in(desk, "chen.li", again, address="a")
    async with db.connection(desk.store.pool) as connection:
        await connection.execute("UPDATE people SET password_until = password_until - interval '4 days'")
    with pytest.raises(auth.BadLogin):
        await auth.log_in(desk, "chen.li", again, address="a")


async def test_who_left_comes_back_only_under_the_own_name(desk: Desk) -> None:
    person = Person("chen.li", "陈力", Role.HANDLER, "slj")
    await people.add(desk, person, ADMIN, reason="人事通知", hasher=auth.QUICK)
    await people.send_away(desk, "chen.li", ADMIN, reason="调离本单位")

    with pytest.raises(BadInput, match="taken"):
        await people.add(desk, person, ADMIN, reason="人事通知", hasher=auth.QUICK)
    with pytest.raises(BadInput, match="left"):
        await people.give_password(desk, "chen.li", ADMIN, reason="忘记密码", hasher=auth.QUICK)
    password = await people.let_in(desk, "chen.li", ADMIN, reason="调回本单位", hasher=auth.QUICK)
    await auth.log_in(desk, "chen.li", password, address="a")
    with pytest.raises(NotFound):
        await people.one(desk, "nobody", ADMIN)


async def test_the_own_password_needs_the_old_one_and_ends_all_other_sessions(open_browser: Open) -> None:
    here, there = await open_browser("water"), await open_browser("water")
    await here.get("/me")
    for values in (
        {"current": "wrong-12345", "new": "mine-12345", "again": "mine-12345"},
        {"current": PASSWORD, "new": "mine-12345", "again": "mine-54321"},
        {"current": PASSWORD, "new": "short", "again": "short"},
        {"current": PASSWORD, "new": PASSWORD, "again": PASSWORD},
    ):
        await send(here, "/me", **values)
        assert here.status in {401, 422}, values
    await here.get("/me")
    await send(here, "/me", current=PASSWORD, new="mine-12345", again="mine-12345")

    assert here.status == 200
    await there.get("/department")
    assert there.path.startswith("/login")
    await here.get("/department")
    assert here.path == "/department"
