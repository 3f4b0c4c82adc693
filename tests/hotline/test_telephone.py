"""`hotline call`: the telephone system in one line rings at the running server, signed as a real one must be."""

import asyncio
import base64
from collections.abc import AsyncIterator

import pytest
from aiohttp.test_utils import TestServer

from hotline import calls, config, telephone
from hotline.app import make_application
from hotline.db import Pool
from hotline.desk import Desk, wall_clock
from hotline.errors import Unavailable
from tests.city import AGENT, PEOPLE, add_people, small_desk

KEY = base64.b64encode(b"k" * 32).decode()  # the key of the small city's vault


@pytest.fixture
async def desk(pool: Pool) -> AsyncIterator[Desk]:
    async with small_desk(pool, clock=wall_clock) as desk:
        await add_people(desk, {"agent": PEOPLE["agent"]})
        yield desk


def settings(port: int, **more: str) -> config.Config:
    base = {"HOTLINE_DATABASE_URL": "postgresql://unused/hotline", "HOTLINE_KEYS": f"k1:{KEY}"}
    return config.read({**base, "HOTLINE_PORT": str(port), **more})


@pytest.mark.parametrize("secret", ["", "a-long-secret-of-the-city"])
async def test_a_call_rings_at_the_running_server_and_ends(desk: Desk, secret: str) -> None:
    more = {"HOTLINE_CTI_SECRET": secret} if secret else {}
    said: list[str] = []
    async with TestServer(make_application(desk, settings(1, **more))) as server:
        known = settings(server.port or 0, **more)

        assert await asyncio.to_thread(telephone.ring, known, "13800000000", "", "ringing", "c1", said.append) == 0
        (ringing,) = await calls.at_hand(desk, AGENT)
        assert await asyncio.to_thread(telephone.ring, known, "13800000000", "", "ended", "c1", said.append) == 0
        (missed,) = await calls.at_hand(desk, AGENT)

    assert (ringing.id, ringing.phone, ringing.ended_at) == ("c1", "13800000000", None)
    assert missed.ended_at is not None
    assert said[0] == "ringing: 13800000000, call c1"


async def test_another_secret_is_refused_and_said(desk: Desk) -> None:
    said: list[str] = []
    async with TestServer(make_application(desk, settings(1, HOTLINE_CTI_SECRET="the secret of the server"))) as server:
        known = settings(server.port or 0, HOTLINE_CTI_SECRET="some other secret")

        assert await asyncio.to_thread(telephone.ring, known, "13800000000", "", "ringing", None, said.append) == 1

    assert "401" in said[0]
    assert await calls.at_hand(desk, AGENT) == []


async def test_no_server_is_said() -> None:
    with pytest.raises(Unavailable):
        await asyncio.to_thread(telephone.ring, settings(1), "13800000000", "", "ringing", None, print)
