"""Redis behind one small class: cached sessions, throttles, messages to open pages. Nothing in it may matter when lost.

Without Redis, or while it is away, everything goes on: values are remembered within this process for two seconds,
throttles count here, and messages go through PostgreSQL's NOTIFY where `open` was told of a database, otherwise to the
pages of this process only. Nothing here raises for Redis' sake; after a failure it is left alone for some seconds, then
one caller tries it again. All keys begin with `hotline:`. A subscription says when it may have missed something.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import logging
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil
from time import monotonic, time
from typing import TypeVar
from weakref import WeakSet

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.client import PubSub
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError

from hotline import db
from hotline.errors import ConfigError, Unavailable

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
    """The messages of one channel from now on; whoever reads too slowly misses the oldest.

    `gaps` counts the times when messages may have been missed: here, or while the line to other processes was lost.
    """

    def __init__(self) -> None:
        self._unread: asyncio.Queue[bytes | None] = asyncio.Queue(UNREAD_MOST)
        self.gaps = 0

    def put(self, message: bytes | None) -> None:
        """Add a message; None ends the subscription."""
        if self._unread.full():
            self._unread.get_nowait()
            self.gaps += 1
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
    line: Line | None = None
    _rest_until: float = 0.0
    _was_missed: bool = False
    _near: dict[str, tuple[float, bytes]] = field(default_factory=dict)
    _counts: dict[str, tuple[float, int]] = field(default_factory=dict)
    _held: dict[str, dict[str, bytes]] = field(default_factory=dict)
    _subscriptions: dict[str, WeakSet[Subscription]] = field(default_factory=dict)
    _listening: list[asyncio.Task[None]] = field(default_factory=list)
    _outgoing: list[tuple[str, bytes]] = field(default_factory=list)
    _sending: asyncio.Task[None] | None = None
    # Our own messages come back from Redis, and our pages have them already.
    _origin: bytes = field(default_factory=lambda: os.urandom(_ORIGIN_BYTES))

    @classmethod
    async def open(cls, url: str | None, *, database: str | None = None) -> Live:
        """Return Redis at `url`, whether it answers or not; without a URL one that is never connected.

        `database` carries messages while Redis does not. Raises ConfigError for an address that no Redis could have.
        """
        live = cls(_client(url) if url else None, line=Line(database) if database else None)
        await live._ask(lambda client: client.ping(), None)
        return live

    async def close(self) -> None:
        """End every subscription and let go of Redis."""
        if self._sending:
            await asyncio.wait((self._sending,))
        for task in self._listening:
            task.cancel()
        if self._listening:
            await asyncio.wait(self._listening)
        self._listening = []
        if self.line:
            await self.line.close()
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

    # --- what is held for seconds, many under one key -----------------------------------------------------------------

    async def hold(self, key: str, name: str, value: bytes, seconds: int) -> dict[str, bytes]:
        """Keep a value under a name of `key` for `seconds`; return all that was held there before, and still is."""
        until = b"%d " % (time() + seconds)
        here = self._held_here(key)
        before = self._fresh(here)
        here[name] = until + value
        there = await self._ask(lambda client: _hold_there(client, key, name, until + value, seconds), None)
        return before if there is None else self._fresh(there)

    async def let_go(self, key: str, name: str) -> dict[str, bytes]:
        """Hold a name of `key` no more; return all the others that are held there."""
        here = self._held_here(key)
        here.pop(name, None)
        there = await self._ask(lambda client: _let_go_there(client, key, name), None)
        return self._fresh(here if there is None else there)

    def _held_here(self, key: str) -> dict[str, bytes]:
        """What this process itself holds, for the time without Redis."""
        here = {name: value for name, value in self._held.get(key, {}).items() if _until(value) > time()}
        _keep(self._held, key, here)
        return here

    def _fresh(self, held: Mapping[str, bytes]) -> dict[str, bytes]:
        now = time()
        return {name: value.partition(b" ")[2] for name, value in held.items() if _until(value) > now}

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

    @property
    def carrier(self) -> str:
        """What takes messages to other processes at the moment: redis, postgresql, or none."""
        if self.connected:
            return "redis"
        return "postgresql" if self.line else "none"

    async def publish(self, channel: str, message: bytes) -> None:
        """Tell everybody who has subscribed to `channel`, here and in other processes."""
        self._deliver(channel, message)
        await self._send([(channel, message)])

    def tell(self, channel: str, message: bytes) -> None:
        """Publish without waiting; what is told in one breath goes out together, in order."""
        self._deliver(channel, message)
        self._outgoing.append((channel, message))
        if self._sending is None or self._sending.done():
            self._sending = asyncio.get_running_loop().create_task(self._send_waiting(), name="live-out")

    async def _send_waiting(self) -> None:
        while self._outgoing:
            waiting, self._outgoing = self._outgoing, []
            await self._send(waiting)

    async def _send(self, messages: Sequence[tuple[str, bytes]]) -> None:
        """Hand messages to Redis, or to PostgreSQL where Redis does not take them."""
        sent = await self._ask(lambda client: _publish(client, self._origin, messages), otherwise=False)
        if not sent and self.line:
            for channel, message in messages:
                await self.line.send(self._origin + channel.encode() + _END_OF_NAME + message)

    def subscribe(self, channel: str) -> Subscription:
        """Return the messages of `channel` from now on. It lasts while somebody holds it, and until `close`."""
        subscription = Subscription()
        self._subscriptions.setdefault(channel, WeakSet()).add(subscription)
        if not self._listening:
            loop = asyncio.get_running_loop()
            if self.client:
                self._listening.append(loop.create_task(self._listen(self.client), name="live"))
            if self.line:
                # Also beside Redis: another process may have lost Redis while we have not.
                self._listening.append(loop.create_task(self.line.listen(self._told, self._missed), name="live-line"))
        return subscription

    def _told(self, payload: bytes) -> None:
        if not payload.startswith(self._origin):
            channel, _, message = payload[_ORIGIN_BYTES:].partition(_END_OF_NAME)
            self._deliver(channel.decode(), message)

    def _missed(self) -> None:
        """Count a gap for everybody and wake them with an empty message."""
        for subscription in [one for some in self._subscriptions.values() for one in some]:
            subscription.gaps += 1
            subscription.put(b"")

    def _deliver(self, channel: str, message: bytes) -> None:
        subscriptions = self._subscriptions.get(channel, ())
        for subscription in tuple(subscriptions):
            subscription.put(message)
        if not subscriptions:
            self._subscriptions.pop(channel, None)

    async def _listen(self, client: Redis) -> None:
        """Hear the messages of other processes, over one connection for all pages; connect again when it is lost."""
        lost = False
        while True:
            try:
                async with client.pubsub() as hearing:
                    await hearing.psubscribe(f"{CHANNELS}*")
                    if lost:
                        self._missed()
                    await self._hear(hearing)
            except _AWAY as error:
                self._failed(error)
                lost = True
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


_NOTIFICATIONS = "hotline_live"
_END_OF_NAME = b"\0"


class Line:
    """One connection to PostgreSQL for messages, made when the first is sent or heard, and again after it was lost."""

    def __init__(self, database: str) -> None:
        self._database = database
        self._connection: db.Connection | None = None
        self._one = asyncio.Lock()
        self._lost = asyncio.Event()
        self._rest_until = 0.0
        self._heard: Callable[[bytes], None] | None = None

    async def send(self, payload: bytes) -> None:
        """Tell every process that listens; while the database is away, nobody."""
        if monotonic() < self._rest_until:
            return
        try:
            async with asyncio.timeout(_LINE_SECONDS), self._one:
                await db.notify(await self._connected(), _NOTIFICATIONS, base64.b64encode(payload).decode())
        except (Unavailable, TimeoutError):
            await self._drop()

    async def listen(self, heard: Callable[[bytes], None], missed: Callable[[], None]) -> None:
        """Hear until cancelled; `missed` is called after a time without a connection."""
        self._heard = heard
        if self._connection:  # it was made for sending and hears nothing
            self._connection.terminate()
            self._connection = None
        was_lost = False
        while True:
            try:
                async with asyncio.timeout(_LINE_SECONDS), self._one:
                    await self._connected()
                if was_lost:
                    missed()
                await self._lost.wait()
            except (Unavailable, TimeoutError):
                await self._drop()
            was_lost = True
            await asyncio.sleep(REST_SECONDS)

    async def close(self) -> None:
        await self._drop()

    async def _connected(self) -> db.Connection:
        if self._connection is None or self._connection.is_closed():
            self._lost.clear()
            made = await db.connect(self._database)
            if self._heard:
                await db.listen(made, _NOTIFICATIONS, self._take, self._lost.set)
            self._connection = made
        return self._connection

    def _take(self, payload: str) -> None:
        if self._heard:
            self._heard(base64.b64decode(payload))

    async def _drop(self) -> None:
        self._rest_until = monotonic() + REST_SECONDS
        if self._connection:
            self._connection.terminate()
        self._connection = None
        self._lost.set()


_LINE_SECONDS = 2.0
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


async def _publish(client: Redis, origin: bytes, messages: Sequence[tuple[str, bytes]]) -> bool:
    async with client.pipeline(transaction=False) as batch:
        for channel, message in messages:
            batch.publish(_key(f"live:{channel}"), origin + message)
        await batch.execute()
    return True


async def _wait_there(client: Redis, key: str, most: int, seconds: int) -> int:
    async with client.pipeline(transaction=True) as batch:
        batch.set(_throttle(key), 0, ex=max(1, seconds), nx=True)
        batch.incr(_throttle(key))
        batch.pttl(_throttle(key))
        _, count, left_ms = await batch.execute()
    return 0 if count <= most else max(1, ceil(left_ms / 1000))


async def _hold_there(client: Redis, key: str, name: str, value: bytes, seconds: int) -> dict[str, bytes]:
    async with client.pipeline(transaction=True) as batch:
        batch.hgetall(_held(key))
        batch.hset(_held(key), name, value)
        batch.expire(_held(key), seconds)
        before, _, _ = await batch.execute()
    return await _without_stale(client, key, before)


async def _let_go_there(client: Redis, key: str, name: str) -> dict[str, bytes]:
    async with client.pipeline(transaction=True) as batch:
        batch.hdel(_held(key), name)
        batch.hgetall(_held(key))
        _, left = await batch.execute()
    return await _without_stale(client, key, left)


async def _without_stale(client: Redis, key: str, held: Mapping[bytes, bytes]) -> dict[str, bytes]:
    """Take away what nobody has said again in time, and return the rest."""
    now = time()
    if stale := [name for name, value in held.items() if _until(value) <= now]:
        await client.hdel(_held(key), *stale)
    return {name.decode("utf-8", "replace"): value for name, value in held.items() if name not in stale}


def _until(value: bytes) -> int:
    until = value.partition(b" ")[0]
    return int(until) if until.isdigit() else 0


def _held(key: str) -> bytes:
    return _key(f"held:{key}")


def _key(key: str) -> bytes:
    return f"{PREFIX}{key}".encode("utf-8", "surrogatepass")


def _throttle(key: str) -> bytes:
    return _key(f"throttle:{key}")
