"""Redis behind one small class: cached sessions, throttles, messages to open pages. Nothing in it may matter when lost.

Without Redis, or while it is away, everything goes on within this process: values are remembered for two seconds,
throttles count here, messages reach the pages that this process serves. Nothing here raises for Redis' sake; after a
failure it is left alone for some seconds, then one caller tries it again. All keys begin with `hotline:`.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from math import ceil
from time import monotonic
from typing import TypeVar
from weakref import WeakSet

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.client import PubSub
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError

from hotline.errors import ConfigError

TIMEOUT_SECONDS = 0.3
"""For an answer, for a connection, and for a free one among those there are."""
ALTOGETHER_SECONDS = 0.5
REST_SECONDS = 3.0
"""How long Redis is left alone after a failure, so that its absence slows no request."""
NEAR_SECONDS = 2.0
"""How long a value is taken from this process before Redis is asked again."""
SILENCE_SECONDS = 5.0
"""How long the messages may pause before we ask whether anybody is there."""
CONNECTIONS_MOST = 20
KEPT_MOST = 10_000
UNREAD_MOST = 100
PREFIX = "hotline:"
CHANNELS = f"{PREFIX}live:"
_ORIGIN_BYTES = 8
_AWAY = (RedisError, OSError, TimeoutError)
_Answer = TypeVar("_Answer")
_log = logging.getLogger(__name__)


class Subscription(AsyncIterator[bytes]):
    """The messages of one channel from now on; whoever reads too slowly misses the oldest."""

    def __init__(self) -> None:
        self._unread: asyncio.Queue[bytes | None] = asyncio.Queue(UNREAD_MOST)

    def put(self, message: bytes | None) -> None:
        """Add a message; None ends the subscription."""
        if self._unread.full():
            self._unread.get_nowait()
        self._unread.put_nowait(message)

    async def __anext__(self) -> bytes:
        message = await self._unread.get()
        if message is None:
            raise StopAsyncIteration
        return message


@dataclass
class Live:
    """One Redis, or none; `connected` says whether it answered when it was last asked."""

    client: Redis | None = None
    connected: bool = False
    _rest_until: float = 0.0
    _was_missed: bool = False
    _near: dict[str, tuple[float, bytes]] = field(default_factory=dict)
    _counts: dict[str, tuple[float, int]] = field(default_factory=dict)
    _subscriptions: dict[str, WeakSet[Subscription]] = field(default_factory=dict)
    _listening: asyncio.Task[None] | None = None
    # Our own messages come back from Redis, and our pages have them already.
    _origin: bytes = field(default_factory=lambda: os.urandom(_ORIGIN_BYTES))

    @classmethod
    async def open(cls, url: str | None) -> Live:
        """Return Redis at `url`, whether it answers or not; without a URL one that is never connected.

        Raises ConfigError for an address that no Redis could have.
        """
        live = cls(_client(url) if url else None)
        await live._ask(lambda client: client.ping(), None)
        return live

    async def close(self) -> None:
        """End every subscription and let go of Redis."""
        if self._listening:
            self._listening.cancel()
            await asyncio.wait((self._listening,))
        for subscriptions in self._subscriptions.values():
            for subscription in subscriptions:
                subscription.put(None)
        if self.client:
            with contextlib.suppress(*_AWAY):
                await self.client.aclose()
        self.client, self.connected = None, False

    # --- values ---------------------------------------------------------------------------------------------------

    async def get(self, key: str) -> bytes | None:
        """Return a value as another process last set it at most two seconds ago, or as this one did."""
        until, near = self._near.get(key, (0.0, b""))
        if monotonic() < until:
            return near
        value = await self._ask(lambda client: client.get(_key(key)), None)
        if isinstance(value, bytes):
            _keep(self._near, key, (monotonic() + NEAR_SECONDS, value))
            return value
        return None

    async def set(self, key: str, value: bytes, seconds: int, *, only_new: bool = False) -> None:
        """Remember a value for `seconds`, at least one; with `only_new` a value that is there already stays."""
        seconds = max(1, seconds)
        if not only_new or self._near.get(key, (0.0, b""))[0] <= monotonic():
            _keep(self._near, key, (monotonic() + min(NEAR_SECONDS, seconds), value))
        await self._ask(lambda client: client.set(_key(key), value, ex=seconds, nx=only_new), None)

    async def delete(self, key: str) -> None:
        """Forget a value; other processes may know it for two seconds more."""
        self._near.pop(key, None)
        await self._ask(lambda client: client.delete(_key(key)), 0)

    # --- throttles ------------------------------------------------------------------------------------------------

    async def allow(self, key: str, most: int, seconds: int) -> bool:
        """Whether this is one of the first `most` times within `seconds` of the first."""
        return not await self.wait(key, most, seconds)

    async def wait(self, key: str, most: int, seconds: int) -> int:
        """Count one more time and return the seconds until it would be allowed, 0 if it is now.

        Counted here as well, so that an attacker gains nothing when Redis is lost.
        """
        here = self._wait_here(key, most, seconds)
        return here or await self._ask(lambda client: _wait_there(client, key, most, seconds), 0)

    async def forgive(self, key: str) -> None:
        """Begin to count anew."""
        self._counts.pop(key, None)
        await self._ask(lambda client: client.delete(_throttle(key)), 0)

    def _wait_here(self, key: str, most: int, seconds: int) -> int:
        now = monotonic()
        until, count = self._counts.get(key, (0.0, 0))
        if until <= now:
            until, count = now + seconds, 0
        _keep(self._counts, key, (until, count + 1))
        return 0 if count < most else max(1, ceil(until - now))

    # --- messages -------------------------------------------------------------------------------------------------

    async def publish(self, channel: str, message: bytes) -> None:
        """Tell everybody who has subscribed to `channel`, here and in other processes."""
        self._deliver(channel, message)
        await self._ask(lambda client: client.publish(_key(f"live:{channel}"), self._origin + message), 0)

    def subscribe(self, channel: str) -> Subscription:
        """Return the messages of `channel` from now on. It lasts while somebody holds it, and until `close`."""
        subscription = Subscription()
        self._subscriptions.setdefault(channel, WeakSet()).add(subscription)
        if self.client and self._listening is None:
            self._listening = asyncio.get_running_loop().create_task(self._listen(self.client), name="live")
        return subscription

    def _deliver(self, channel: str, message: bytes) -> None:
        subscriptions = self._subscriptions.get(channel, ())
        for subscription in tuple(subscriptions):
            subscription.put(message)
        if not subscriptions:
            self._subscriptions.pop(channel, None)

    async def _listen(self, client: Redis) -> None:
        """Hear the messages of other processes, over one connection for all pages; connect again when it is lost."""
        while True:
            try:
                async with client.pubsub() as hearing:
                    await hearing.psubscribe(f"{CHANNELS}*")
                    await self._hear(hearing)
            except _AWAY as error:
                self._failed(error)
            await asyncio.sleep(REST_SECONDS)

    async def _hear(self, hearing: PubSub) -> None:
        asked = False
        while True:
            message = await hearing.get_message(timeout=SILENCE_SECONDS)
            if message is None and asked:
                raise TimeoutError("no answer to a ping")
            asked = message is None
            if message is None:
                await hearing.ping()
            elif message["type"] == "pmessage" and not message["data"].startswith(self._origin):
                self._deliver(message["channel"].decode().removeprefix(CHANNELS), message["data"][_ORIGIN_BYTES:])

    # --- Redis itself -----------------------------------------------------------------------------------------------

    async def _ask(self, question: Callable[[Redis], Awaitable[_Answer]], otherwise: _Answer) -> _Answer:
        """Return the answer of Redis, or `otherwise` at once while it rests and soon when it is away."""
        if not self.client or not self._may_ask():
            return otherwise
        try:
            async with asyncio.timeout(ALTOGETHER_SECONDS):
                answer = await question(self.client)
        except _AWAY as error:
            self._failed(error)
            return otherwise
        if not self.connected:
            (_log.warning if self._was_missed else _log.info)("Redis answers")
        self.connected, self._was_missed = True, False
        return answer

    def _may_ask(self) -> bool:
        now = monotonic()
        if self.connected:
            return True
        if now < self._rest_until:
            return False
        self._rest_until = now + REST_SECONDS  # one tries; until it knows more, the others go on without
        return True

    def _failed(self, error: BaseException) -> None:
        if not self._was_missed:
            _log.warning("Redis is away (%s: %s); the service goes on without it", type(error).__name__, error)
        self.connected, self._was_missed = False, True
        self._rest_until = monotonic() + REST_SECONDS


_Kept = TypeVar("_Kept")


def _keep(kept: dict[str, _Kept], key: str, value: _Kept) -> None:
    """Put a value at the end; when there are too many, the one that was put longest ago goes."""
    kept.pop(key, None)
    kept[key] = value
    if len(kept) > KEPT_MOST:
        del kept[next(iter(kept))]


def _client(url: str) -> Redis:
    retry = Retry(NoBackoff(), 1, supported_errors=(RedisConnectionError,))  # a connection from before a restart
    try:
        pool = BlockingConnectionPool.from_url(
            url,
            max_connections=CONNECTIONS_MOST,
            timeout=TIMEOUT_SECONDS,
            socket_timeout=TIMEOUT_SECONDS,
            socket_connect_timeout=TIMEOUT_SECONDS,
            retry=retry,
            protocol=2,
        )
        pool.make_connection()  # type: ignore[no-untyped-call]  # redis left it without types
    except (ValueError, TypeError) as error:
        # The address is not repeated: it holds a password.
        fault = "HOTLINE_REDIS_URL cannot be used (example: rediss://:secret@redis.city.example:6380/0)"
        raise ConfigError((fault,)) from error
    return Redis.from_pool(pool)


async def _wait_there(client: Redis, key: str, most: int, seconds: int) -> int:
    async with client.pipeline(transaction=True) as batch:
        batch.set(_throttle(key), 0, ex=max(1, seconds), nx=True)
        batch.incr(_throttle(key))
        batch.pttl(_throttle(key))
        _, count, left_ms = await batch.execute()
    return 0 if count <= most else max(1, ceil(left_ms / 1000))


def _key(key: str) -> bytes:
    return f"{PREFIX}{key}".encode("utf-8", "surrogatepass")


def _throttle(key: str) -> bytes:
    return _key(f"throttle:{key}")
