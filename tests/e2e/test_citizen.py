"""A caller on a telephone: brings a matter with a photo, follows it, adds to it, rates it; also in large type."""

from __future__ import annotations

import re
from pathlib import Path

from dispatch import actions as do
from hotline import tickets
from tests.city import AGENT
from tests.e2e.conftest import House, Look, Seat
from tests.e2e.test_pages import in_follow_up, overflow


async def check(seat: Seat, faults: Look, name: str) -> None:
    await seat.shot(name, whole=True)
    assert await faults(seat) == [], name
    assert await overflow(seat.page) == 0, name
    seat.check_console()


async def bring_matter(seat: Seat, photo: Path, faults: Look) -> tuple[str, str]:
    """Bring a matter as a caller does and return its number and code."""
    await seat.go("/matter")
    await check(seat, faults, f"citizen-home-{seat.who}")
    await seat.page.get_by_role("link", name=re.compile("我要反映")).click()
    await seat.page.locator('label:has(input[value="complaint"])').click()
    await seat.page.locator('[name="text"]').fill("学府路幸福里小区门口井盖破了，晚上没有灯，很危险。")
    await seat.page.locator('[name="place"]').fill("学府路幸福里小区南门")
    await seat.page.locator('[name="phone"]').fill("13800001234")
    await seat.page.locator('[name="pictures"]').set_input_files(photo)
    await check(seat, faults, f"citizen-new-{seat.who}")
    await seat.page.get_by_role("button", name="提交").click()
    await seat.page.wait_for_url("**/matter/mine")
    await check(seat, faults, f"citizen-receipt-{seat.who}")
    number = "".join((await seat.text(".receipt .number")).split())
    return number, await seat.text(".receipt .code")


async def a_photo(seat: Seat, folder: Path) -> Path:
    """Return a real JPEG: a picture of the page itself."""
    photo = folder / "photo.jpg"
    await seat.go("/matter")
    await seat.page.screenshot(path=photo, type="jpeg")
    return photo


async def test_a_caller_brings_a_matter_and_follows_it_on_a_telephone(
    house: House, faults: Look, tmp_path: Path
) -> None:
    seat = await house.sit(size="phone")
    number, code = await bring_matter(seat, await a_photo(seat, tmp_path), faults)
    await seat.page.get_by_role("button", name="退出查询").click()
    await tickets.act(house.desk, int(number), do.Answer(text="已派人更换井盖，感谢您的提醒。"), AGENT)

    await seat.page.get_by_role("link", name=re.compile("查询进度")).click()
    await check(seat, faults, "citizen-find")
    await seat.page.locator("#number").fill(number)
    await seat.page.locator("#code").fill("AAAA AAAA")
    await seat.page.get_by_role("button", name="查询").click()
    assert "单号或查询码不对" in await seat.text(".alert")
    seat.said.clear()  # the browser notes the refusal
    await seat.page.locator("#code").fill(code.lower())
    await seat.page.get_by_role("button", name="查询").click()
    await seat.page.wait_for_url("**/matter/mine")

    assert "已派人更换井盖" in await seat.text()
    assert await seat.page.locator(".thumbs img").evaluate("image => image.naturalWidth > 0 || !image.complete")
    assert number not in seat.page.url
    await check(seat, faults, "citizen-mine")
    await seat.page.locator('label:has(input[value="good"])').click()
    await seat.page.get_by_role("button", name="评价").click()
    assert "谢谢您的评价" in await seat.text(".flash")
    await check(seat, faults, "citizen-rated")


async def test_everything_works_in_large_type_and_without_scripts(house: House, tmp_path: Path) -> None:
    ticket = await in_follow_up(house)
    scripted = await house.sit(size="phone")
    photo = await a_photo(scripted, tmp_path)
    seat = await house.sit(size="phone", script=False)
    await seat.go("/matter")
    await seat.page.get_by_role("link", name="大字版").click()
    await seat.shot("citizen-large", whole=True)
    assert await seat.page.locator("body.large").count() == 1
    size = await seat.page.locator(".doors b").first.evaluate("node => parseFloat(getComputedStyle(node).fontSize)")
    assert size > 26

    await seat.page.get_by_role("link", name=re.compile("我要反映")).click()
    await seat.page.locator('[name="text"]').fill("楼道堆满杂物")
    await seat.page.locator('[name="pictures"]').set_input_files(photo)
    await seat.shot("citizen-large-new", whole=True)
    await seat.page.get_by_role("button", name="提交").click()
    assert await seat.page.locator(".receipt .code").count() == 1
    await seat.page.locator("#text").fill("今天又多了")
    await seat.page.get_by_role("button", name="提交").click()
    assert "已补充" in await seat.text(".flash")
    await seat.page.locator("details summary").click()
    await seat.page.locator("#reason").fill("已经清走了")
    await seat.page.get_by_role("button", name="撤回").click()
    assert "已撤回" in await seat.text(".flash")
    await seat.shot("citizen-large-mine", whole=True)
    assert ticket
