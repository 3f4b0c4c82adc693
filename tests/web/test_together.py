"""What many ask at once is asked once for them, and nobody is told what was so before they came."""

from __future__ import annotations

import asyncio

import pytest

from hotline.desk import Desk


async def test_those_who_ask_at_once_are_told_the_same(desk: Desk) -> None:
    asked: list[int] = []

    async def ask() -> int:
        asked.append(len(asked))
        await asyncio.sleep(0)
        return asked[-1]

    assert await asyncio.gather(*(desk.together("counts", ask) for _ in range(5))) == [0] * 5
    assert await desk.together("counts", ask) == 1


async def test_whoever_comes_while_it_is_being_asked_is_told_what_is_so_since(desk: Desk) -> None:
    truth, read = ["before"], asyncio.Event()
    go_on = asyncio.Event()

    async def ask() -> str:
        found = truth[0]
        read.set()
        await go_on.wait()
        return found

    first = asyncio.create_task(desk.together("counts", ask))
    await read.wait()
    truth[0] = "after"
    later = [asyncio.create_task(desk.together("counts", ask)) for _ in range(2)]
    await asyncio.sleep(0)
    go_on.set()

    assert await first == "before"
    assert await asyncio.gather(*later) == ["after", "after"]


async def test_a_question_that_failed_is_asked_anew(desk: Desk) -> None:
    async def fail() -> int:
        raise LookupError

    async def ask() -> int:
        return 7

    with pytest.raises(LookupError):
        await desk.together("counts", fail)
    assert await desk.together("counts", ask) == 7
