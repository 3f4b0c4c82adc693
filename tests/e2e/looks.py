"""`make looks`: a picture of every page at every size, light and dark, with no, three and ten thousand tickets.

They go to `var/looks/<tickets>/`, which git ignores, for people to look at before a customer does. What a machine can
say beside it is printed: pages that are wider than the screen, and what pages wrote to the console.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from playwright.async_api import async_playwright

from hotline import auth, config, db, embedded, office
from hotline.config import Key
from hotline.desk import Desk
from hotline.live import Live
from hotline.predictor import Predictor
from hotline.shelf import Folder
from hotline.store import Store
from hotline.vault import Vault
from tests.city import Clock
from tests.e2e import scene as scenes
from tests.e2e.conftest import PASSWORD, PEOPLE, SIZES, chromium_path, served
from tests.e2e.test_pages import overflow

if TYPE_CHECKING:
    from playwright.async_api import Browser

    from tests.e2e.conftest import House, Scheme

LOOKS = Path(__file__).parents[2] / "var" / "looks"
NUMBERS = (0, 3, 10_000)
SCHEMES: tuple[Scheme, ...] = ("light", "dark")
TALLEST = 4000
"""Pixels of a picture: beyond them a long page only repeats itself."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which pictures are taken: of pages whose person and address contain `only`, at these sizes, in these schemes."""

    only: str
    sizes: tuple[str, ...]
    schemes: tuple[Scheme, ...]


async def main(numbers: tuple[int, ...], wanted: Wanted) -> int:
    """Take the pictures and say what a machine can see of them."""
    path = chromium_path()
    if path is None:
        print("no chromium, chromium-browser or google-chrome on PATH", file=sys.stderr)  # noqa: T201 - a command
        return 1
    async with async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path=path, args=["--no-sandbox", "--lang=zh-CN"])
        for number in numbers:
            await _look(browser, number, wanted)
        await browser.close()
    return 0


async def _look(browser: Browser, number: int, wanted: Wanted) -> None:
    with embedded.temporary() as urls, tempfile.TemporaryDirectory() as home:
        clock = Clock()
        pool = await db.open_pool(urls.database)
        async with db.connection(pool) as connection:
            await db.migrate(connection)
        live = await Live.open(None)
        shelf = Folder(Path(home) / "pictures")
        desk = Desk(Store(pool), Vault((Key("k1", b"k" * 32),)), live, Predictor(), clock, shelf)
        await office.found(desk, scenes.long_city(), by="looks")
        for id_, (name, role, department) in PEOPLE.items():
            person = auth.Person(id=id_, name=name, role=role, department=department)
            await auth.create_person(desk, person, PASSWORD, hasher=auth.QUICK)
        (LOOKS / str(number)).mkdir(parents=True, exist_ok=True)
        scene = await scenes.played(desk, clock, number)
        async with served(desk, clock, browser, config.read({"HOTLINE_HOME": home})) as house:
            for who, path in scenes.pages(scene):
                if wanted.only in f"{who}{path}":
                    await _take(house, scene, (who, path), LOOKS / str(number), wanted)
        await pool.close()
        await live.close()


async def _take(house: House, scene: scenes.Scene, page: tuple[str, str], folder: Path, wanted: Wanted) -> None:
    who, path = page
    for scheme in wanted.schemes:
        for size in wanted.sizes:
            seat = await scenes.sit(house, scene, who, size=size, scheme=scheme)
            await seat.go(path)
            await seat.page.wait_for_timeout(150)
            width, height = SIZES[size]
            tall = int(await seat.page.evaluate("document.documentElement.scrollHeight"))
            name = scenes.name_of(who, path, size, scheme)
            clip: Any = {"x": 0, "y": 0, "width": width, "height": max(height, min(tall, TALLEST))}
            await seat.page.screenshot(path=folder / f"{name}.png", full_page=True, clip=clip)
            wide = await overflow(seat.page)
            if wide or seat.said:
                print(f"{folder.name} {name}: {wide} px too wide; {seat.said}", flush=True)  # noqa: T201 - a command
            await house.contexts.pop().close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tickets", type=int, action="append", help="only with so many tickets")
    parser.add_argument("--only", default="", help="only pages whose person and address contain this")
    parser.add_argument("--size", choices=SIZES, action="append", help="only at this size")
    parser.add_argument("--scheme", choices=SCHEMES, action="append", help="only light or only dark")
    given = parser.parse_args()
    chosen = Wanted(given.only, tuple(given.size or SIZES), tuple(given.scheme or SCHEMES))
    raise SystemExit(asyncio.run(main(tuple(given.tickets or NUMBERS), chosen)))
