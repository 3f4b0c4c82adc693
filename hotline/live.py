"""Redis behind one small class: cached sessions, throttles, messages to open pages. Nothing in it may matter when lost.

Without Redis, or while it is away, everything goes on: reads find nothing, throttles count in this process only,
messages go nowhere and pages poll. It never raises to its callers.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable
from time import monotonic
from typing import Any, TypeVar

import redis.asyncio
from redis.exceptions import RedisError

_log = logging.getLogger(__name__)
_T = TypeVar("_T")
TIMEOUT_SECONDS = 0.3
REST_SECONDS = 3.0
"""How long Redis is left alone after a failure, so that its absence slows no request."""
COUNTERS_MOST = 10_000


class Live:
    """One Redis, or none."""

    def __init__(self, client: Any = None) -> None:  # noqa: ANN401 - redis.asyncio.Redis is generic only in its stubs
        self._client = client
        self._rest_until = 0.0
        self._counters: dict[str, tuple[float, int]] = {}
        self.connected = False

    @classmethod
    async def open(cls, url: str | None) -> Live:
        """Return Redis at `url`; without a URL one that is never connected."""
        if url is None:
            return cls()
        client = redis.asyncio.from_url(
            url, socket_timeout=TIMEOUT_SECONDS, socket_connect_timeout=TIMEOUT_SECONDS, protocol=2
        )
        live = cls(client)
        await live._ask(client.ping(), None)
        return live

    async def close(self) -> None:
        if self._client is not None:
            await self._client.aclose()

    async def get(self, key: str) -> bytes | None:
        value: bytes | None = await self._ask(self._client.get(key), None) if self._may_ask() else None
        return value

    async def set(self, key: str, value: bytes, seconds: int) -> None:
        if self._may_ask():
            await self._ask(self._client.set(key, value, ex=seconds), None)

    async def delete(self, key: str) -> None:
        if self._may_ask():
            await self._ask(self._client.delete(key), None)

    async def publish(self, channel: str, message: bytes) -> None:
        if self._may_ask():
            await self._ask(self._client.publish(channel, message), None)

    async def subscribe(self, channel: str) -> AsyncIterator[bytes]:
        """Give messages until Redis goes away; then the page polls."""
        if not self._may_ask():
            return
        async with self._client.pubsub() as listener:
            try:
                await listener.subscribe(channel)
                async for message in listener.listen():
                    if message["type"] == "message":
                        yield message["data"]
            except (RedisError, OSError) as error:
                self._failed(error)

    async def allow(self, key: str, most: int, seconds: int) -> bool:
        """Whether this is one of the first `most` times within `seconds`; counted here while Redis is away."""
        if self._may_ask():
            count = await self._ask(self._count(key, seconds), None)
            if count is not None:
                return count <= most
        return self._count_here(key, seconds) <= most

    async def _count(self, key: str, seconds: int) -> int:
        async with self._client.pipeline(transaction=True) as batch:
            batch.incr(f"throttle:{key}")
            batch.expire(f"throttle:{key}", seconds, nx=False)
            counted = await batch.execute()
        return int(counted[0])

    def _count_here(self, key: str, seconds: int) -> int:
        now = monotonic()
        until, count = self._counters.get(key, (now + seconds, 0))
        if until <= now:
            until, count = now + seconds, 0
        if len(self._counters) >= COUNTERS_MOST:
            self._counters.clear()
        self._counters[key] = (until, count + 1)
        return count + 1

    def _may_ask(self) -> bool:
        return self._client is not None and monotonic() >= self._rest_until

    async def _ask(self, answer: Awaitable[_T], otherwise: _T) -> _T:
        try:
            found = await answer
        except (TimeoutError, RedisError, OSError) as error:
            self._failed(error)
            return otherwise
        if not self.connected:
            _log.info("Redis is reached")
            self.connected = True
        return found

    def _failed(self, error: Exception) -> None:
        if self.connected or self._rest_until == 0.0:
            _log.warning("Redis is away (%s); the service goes on without it", error)
        self.connected = False
        self._rest_until = monotonic() + REST_SECONDS
