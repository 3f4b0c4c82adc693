"""Who may come in, how long they stay, and what happens to them when Redis is lost: nothing."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
import redis.asyncio

from dispatch.model import Actor, Role
from dispatch.worktime import ZONE
from hotline import auth, db, drafts, office
from hotline import live as live_module
from hotline.auth import BadLogin, Person, Session, TooManyTries
from hotline.config import Key
from hotline.desk import Desk
from hotline.errors import BadInput, NotFound, Unavailable
from hotline.live import Live
from hotline.predictor import Predictor
from hotline.store import Store
from hotline.vault import Vault

NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
LIN = Person("lin.xiao", "林晓", Role.AGENT, "hotline")
PASSWORD = "right-password"
HERE = "10.0.0.1"


class CountingStore(Store):
    """A store that remembers which queries it was asked for."""

    def __init__(self, pool: db.Pool) -> None:
        super().__init__(pool)
        self.asked: list[str] = []

    def _statement(self, name: str, parameters: Any) -> tuple[str, list[Any]]:
        self.asked.append(name)
        return super()._statement(name, parameters)


@dataclass
class House:
    """A desk whose clock a test may turn, and what its store was asked for."""

    desk: Desk
    store: CountingStore
    now: datetime = NOW

    async def log_in(self, password: str = PASSWORD, *, person: str = LIN.id, address: str = HERE) -> str:
        return (await auth.log_in(self.desk, person, password, address=address))[0]

    async def session(self, token: str) -> Session | None:
        return await auth.session_of(self.desk, token)

    def forget_what_is_near(self) -> None:
        """Be like another process: nothing remembered here."""
        self.desk.live._near.clear()
        self.desk.live._counts.clear()


async def house_with(pool: db.Pool, live: Live) -> House:
    store = CountingStore(pool)
    house = House(Desk(store, Vault((Key("k1", b"k" * 32),)), live, Predictor()), store)
    house.desk.clock = lambda: house.now
    await office.found(house.desk, office.demonstration_city(), by="test")
    await auth.create_person(house.desk, LIN, PASSWORD, hasher=auth.QUICK)
    return house


@pytest.fixture
async def house(pool: db.Pool, redis_url: str) -> AsyncIterator[House]:
    """Give a house with one agent, on a real Redis."""
    live = await Live.open(redis_url)
    yield await house_with(pool, live)
    await live.close()


@pytest.fixture
async def bare_house(pool: db.Pool) -> AsyncIterator[House]:
    """Give the same without any Redis."""
    live = await Live.open(None)
    yield await house_with(pool, live)
    await live.close()


async def flush(redis_url: str) -> None:
    client = redis.asyncio.from_url(redis_url)
    await client.flushall()
    await client.aclose()


async def fetch(house: House, sql: str, *values: object) -> list[Any]:
    async with db.connection(house.store.pool) as connection:
        return await connection.fetch(sql, *values)


# --- log-in -----------------------------------------------------------------------------------------------------------


async def test_the_right_password_gives_a_session_that_says_who_acts(house: House) -> None:
    token, session = await auth.log_in(house.desk, "lin.xiao", PASSWORD, address=HERE)

    assert session.actor == Actor("lin.xiao", Role.AGENT, "hotline", "林晓")
    assert session.expires_at == NOW + timedelta(hours=12)
    assert await house.session(token) == session
    house.forget_what_is_near()
    assert await house.session(token) == session


async def test_a_log_in_name_has_no_capitals_and_no_blanks(house: House) -> None:
    assert await house.log_in(person=" Lin.Xiao ")


@pytest.mark.parametrize(
    ("person", "password"),
    [
        ("lin.xiao", "wrong-password"),
        ("lin.xiao", ""),
        ("lin.xiao", PASSWORD + " "),
        ("lin.xiao", "p" * 1_000_000),
        ("lin.xiao", "\x00" * 10),
        ("lin.xiao", "\ud83d"),
        ("nobody", PASSWORD),
        ("", PASSWORD),
        ("l", PASSWORD),
        ("林晓", PASSWORD),
        ("lin.xiao\x00", PASSWORD),
        ("\ud83d", PASSWORD),
        ("x" * 1_000_000, PASSWORD),
        ("' OR 1=1 --", PASSWORD),
    ],
)
async def test_whatever_is_wrong_the_refusal_is_the_same(house: House, person: str, password: str) -> None:
    with pytest.raises(BadLogin) as caught:
        await house.log_in(password, person=person)

    assert str(caught.value) == "the name or the password is wrong"


async def test_somebody_who_has_left_cannot_log_in_nor_stay(house: House) -> None:
    token = await house.log_in()
    await fetch(house, "UPDATE people SET active = false")
    house.forget_what_is_near()

    with pytest.raises(BadLogin):
        await house.log_in()
    assert await house.session(token) is None


async def test_an_unknown_person_takes_as_long_as_a_wrong_password(house: House) -> None:
    await auth.create_person(house.desk, replace(LIN, id="strong"), PASSWORD)

    async def seconds(person: str) -> float:
        taken = []
        for _ in range(3):
            began = time.process_time()  # of all threads: other programs on this machine do not count
            with pytest.raises(BadLogin):
                await house.log_in("wrong-password", person=person)
            taken.append(time.process_time() - began)
        return min(taken)

    known, unknown, impossible = await seconds("strong"), await seconds("nobody"), await seconds("no body")
    assert 0.5 < unknown / known < 2
    assert 0.5 < impossible / known < 2


async def test_the_eleventh_try_from_one_address_must_wait(house: House) -> None:
    for _ in range(auth.TRIES):
        with pytest.raises(BadLogin):
            await house.log_in("wrong-password")

    with pytest.raises(TooManyTries) as caught:
        await house.log_in(PASSWORD)  # even the right one: else the throttle would tell
    assert 250 < caught.value.retry_after <= 300
    assert await house.log_in(address="10.0.0.2")


async def test_many_tries_at_once_count_before_they_are_judged(house: House) -> None:
    tries = (house.log_in("wrong-password") for _ in range(30))

    answers = await asyncio.gather(*tries, return_exceptions=True)

    assert [type(answer) for answer in answers].count(BadLogin) == auth.TRIES
    assert [type(answer) for answer in answers].count(TooManyTries) == 20


async def test_tries_count_across_processes_and_names_that_are_the_same(house: House) -> None:
    for number in range(auth.TRIES):
        house.forget_what_is_near()
        with pytest.raises(BadLogin):
            await house.log_in("wrong-password", person="LIN.XIAO" if number % 2 else "lin.xiao")
    house.forget_what_is_near()

    with pytest.raises(TooManyTries):
        await house.log_in()


async def test_a_right_password_begins_the_count_anew(house: House) -> None:
    for _ in range(3 * auth.TRIES):
        await house.log_in()
    with pytest.raises(BadLogin):
        await house.log_in("wrong-password")


# --- sessions ---------------------------------------------------------------------------------------------------------


async def test_the_database_and_redis_know_no_token(house: House, redis_url: str) -> None:
    token, session = await auth.log_in(house.desk, LIN.id, PASSWORD, address=HERE)
    await house.session(token)
    (row,) = await fetch(house, "SELECT * FROM sessions")
    client = redis.asyncio.from_url(redis_url)
    stored = str([(key, await client.get(key)) for key in await client.keys("*")])
    await client.aclose()

    assert len(token) == 43
    assert session.csrf != token
    assert token not in str(dict(row))
    assert "session:" in stored
    assert token not in stored
    assert PASSWORD not in stored


async def test_no_two_tokens_are_alike(house: House) -> None:
    assert len({await house.log_in() for _ in range(10)}) == 10


@pytest.mark.parametrize(
    "token",
    [
        "",
        "x",
        "A" * 43,
        "A" * 42 + "=",
        "A" * 1_000_000,
        "\x00" * 43,
        "\ud83d" * 43,
        "令" * 43,
        "A" * 43 + "\n",
        "ended",
    ],
)
async def test_a_token_that_was_never_given_out_is_nobodys(house: House, token: str) -> None:
    assert await house.session(token) is None
    await auth.log_out(house.desk, token)


async def test_while_it_is_used_a_session_lives_on(house: House) -> None:
    token = await house.log_in()

    for _ in range(10):
        house.now += timedelta(hours=11)
        house.forget_what_is_near()
        await flush_all(house)
        assert await house.session(token)
    house.now += timedelta(hours=12, seconds=1)
    assert await house.session(token) is None


async def flush_all(house: House) -> None:
    assert house.desk.live.client
    await house.desk.live.client.flushall()


async def test_a_cached_session_that_is_over_is_over(house: House) -> None:
    token = await house.log_in()
    assert await house.session(token)

    house.now += timedelta(hours=12)

    assert await house.session(token) is None


async def test_a_session_is_prolonged_at_most_once_a_minute(house: House) -> None:
    token = await house.log_in()

    for _ in range(180):
        house.now += timedelta(seconds=1)
        house.forget_what_is_near()
        await flush_all(house)
        await house.session(token)

    assert house.store.asked.count("renew_session") == 3


async def test_a_hundred_requests_ask_the_database_once(house: House) -> None:
    token = await house.log_in()
    house.store.asked.clear()

    for number in range(100):
        if number % 10 == 0:
            house.forget_what_is_near()
        assert await house.session(token)

    assert house.store.asked == ["session"]


async def test_without_redis_a_burst_of_requests_asks_the_database_once(bare_house: House) -> None:
    token = await bare_house.log_in()
    bare_house.store.asked.clear()

    for _ in range(100):
        assert await bare_house.session(token)

    assert bare_house.store.asked == ["session"]


async def test_flushing_redis_logs_nobody_out(house: House, redis_url: str) -> None:
    tokens = [await house.log_in() for _ in range(3)]

    for token in tokens:
        assert await house.session(token)
        await flush(redis_url)
        house.forget_what_is_near()
        assert await house.session(token)


async def test_redis_going_away_logs_nobody_out(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    token = await house.log_in()
    other = await house.log_in()
    assert house.desk.live.client
    await house.desk.live.client.aclose()
    # As it is after a crash: nobody at the address.
    monkeypatch.setattr(house.desk.live, "client", live_module._client("redis://127.0.0.1:1/0"))
    house.forget_what_is_near()

    assert await house.session(token)
    assert not house.desk.live.connected
    assert await house.session(await house.log_in())
    await auth.log_out(house.desk, token)
    assert await house.session(token) is None
    assert await house.session(other)
    with pytest.raises(BadLogin):
        await house.log_in("wrong-password")


@pytest.mark.parametrize(
    "rubbish",
    [
        b"",
        b"\xff",
        b"[]",
        b"null",
        b"{}",
        b'{"person":"x"}',
        b'{"expires_at":1}',
        b'{"expires_at":"2099-01-01","role":"?"}',
    ],
)
async def test_rubbish_in_redis_is_passed_over(house: House, rubbish: bytes) -> None:
    token = await house.log_in()
    await house.desk.live.set(auth._cached_as(auth._hash_of(token)), rubbish, 60)

    session = await house.session(token)

    assert session
    assert session.person == LIN.id


async def test_a_database_that_is_away_is_no_log_out(house: House, pool: db.Pool) -> None:
    token = await house.log_in()
    gone = await db.open_pool(await _url_of(house))
    house.store.pool = gone
    await gone.close()

    with pytest.raises(Unavailable):
        await house.session(token)
    house.store.pool = pool
    assert await house.session(token)


async def _url_of(house: House) -> str:
    async with db.connection(house.store.pool) as connection:
        folders = await connection.fetchval("SELECT current_setting('unix_socket_directories')")
        return f"postgresql:///{await connection.fetchval('SELECT current_database()')}?host={folders}&user=" + str(
            await connection.fetchval("SELECT current_user")
        )


async def test_who_logged_out_is_out_in_this_process_and_soon_in_every_other(house: House, redis_url: str) -> None:
    token = await house.log_in()
    other = replace(house.desk, live=await Live.open(redis_url))
    assert await auth.session_of(other, token)

    await auth.log_out(house.desk, token)

    assert await house.session(token) is None
    other.live._near.clear()  # two seconds later
    assert await auth.session_of(other, token) is None
    assert not await fetch(house, "SELECT 1 FROM sessions")
    await other.live.close()


async def test_a_request_that_was_underway_does_not_bring_a_session_back(house: House, redis_url: str) -> None:
    token = await house.log_in()
    session = await house.session(token)
    assert session
    await auth.log_out(house.desk, token)

    # Another process had read the row just before it went, and caches it just now.
    late = await Live.open(redis_url)
    await late.set(auth._cached_as(auth._hash_of(token)), orjson.dumps(session), 60, only_new=True)
    await late.close()
    house.forget_what_is_near()

    assert await house.session(token) is None


async def test_logging_out_ends_one_session_and_no_other(house: House) -> None:
    here, there = await house.log_in(), await house.log_in()

    await auth.log_out(house.desk, here)

    assert await house.session(there)


async def test_sessions_that_are_over_are_cleared_away(house: House) -> None:
    await house.log_in()
    house.now += timedelta(hours=13)
    await house.log_in()

    assert len(await fetch(house, "SELECT 1 FROM sessions")) == 1


async def test_a_form_needs_its_own_sessions_token(house: House) -> None:
    _, session = await auth.log_in(house.desk, LIN.id, PASSWORD, address=HERE)
    _, other = await auth.log_in(house.desk, LIN.id, PASSWORD, address=HERE)

    assert auth.check_csrf(session, session.csrf)
    for given in ("", other.csrf, session.csrf[:-1], session.csrf + "A", "\ud83d", "令牌", "\x00"):
        assert not auth.check_csrf(session, given)


# --- people -----------------------------------------------------------------------------------------------------------


async def test_people_are_listed_with_their_role_and_department(house: House) -> None:
    head = Person("head1", "周海", Role.HEAD, "q01")
    await auth.create_person(house.desk, head, PASSWORD, hasher=auth.QUICK)

    assert await auth.people(house.desk) == [head, LIN]


async def test_creating_somebody_again_changes_them_and_ends_their_sessions(house: House) -> None:
    token = await house.log_in()
    moved = replace(LIN, role=Role.DISPATCHER, name=" 林晓晓 ")

    await auth.create_person(house.desk, moved, "another-password", hasher=auth.QUICK)

    assert await auth.people(house.desk) == [replace(moved, name="林晓晓")]
    assert await house.session(token) is None
    assert await house.log_in("another-password")


async def test_a_new_password_ends_every_session_of_its_person(house: House) -> None:
    tokens = [await house.log_in() for _ in range(2)]
    for token in tokens:
        assert await house.session(token)

    await auth.set_password(house.desk, LIN.id, "another-password", hasher=auth.QUICK)

    assert [await house.session(token) for token in tokens] == [None, None]
    with pytest.raises(BadLogin):
        await house.log_in()
    assert await house.log_in("another-password")


@pytest.mark.parametrize("password", ["", "7 signs", "x" * 201, "x" * 1_000_000])
async def test_a_password_has_8_to_200_characters(house: House, password: str) -> None:
    for change in (auth.create_person(house.desk, LIN, password), auth.set_password(house.desk, LIN.id, password)):
        with pytest.raises(BadInput) as caught:
            await change
        assert caught.value.field == "password"
        assert not caught.value.value  # never shown
    assert await house.log_in()


@pytest.mark.parametrize("password", ["密码很长很安全", "p\x00ssword", "password\ud83d"])
async def test_a_password_may_hold_any_sign(house: House, password: str) -> None:
    password = password.ljust(8, "!")
    await auth.set_password(house.desk, LIN.id, password, hasher=auth.QUICK)

    assert await house.log_in(password)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"id": "Lin"}, "person"),
        ({"id": "l"}, "person"),
        ({"id": "lin xiao"}, "person"),
        ({"id": "x" * 41}, "person"),
        ({"id": "lin\n"}, "person"),
        ({"name": " "}, "name"),
        ({"name": "林\x00晓"}, "name"),
        ({"name": "林" * 61}, "name"),
        ({"role": Role.MACHINE}, "role"),
        ({"role": Role.CITIZEN}, "role"),
        ({"department": "nowhere"}, "department"),
        ({"department": "q01\x00"}, "department"),
    ],
)
async def test_what_cannot_be_a_person_is_refused_by_field(house: House, change: dict[str, Any], field: str) -> None:
    with pytest.raises(BadInput) as caught:
        await auth.create_person(house.desk, replace(LIN, **change), PASSWORD, hasher=auth.QUICK)

    assert caught.value.field == field
    assert await auth.people(house.desk) == [LIN]


@pytest.mark.parametrize(
    ("successor", "told"),
    [("jtj", "allowed: jtj, its successor"), ("", "allowed: a department that is in use")],
)
async def test_a_closed_unit_takes_nobody_and_who_stands_in_for_it_is_told(
    house: House, successor: str, told: str
) -> None:
    day = house.now.astimezone(ZONE).date()
    gone = {"closed_from": str(day), "successor": successor}
    rows = [{**row, **(gone if row["code"] == "ycj" else {})} for row in await drafts.base(house.desk, "departments")]
    one, other = (Actor(name, Role.ADMINISTRATOR, "hotline") for name in ("one", "other"))
    id_ = await drafts.draft(house.desk, "departments", rows, one, source="机构改革方案")
    await drafts.publish(house.desk, id_, other)

    with pytest.raises(BadInput, match=f"department 'ycj' is closed since {day}; {told}"):
        await auth.create_person(house.desk, replace(LIN, department="ycj"), PASSWORD, hasher=auth.QUICK)

    assert await auth.people(house.desk) == [LIN]


@pytest.mark.parametrize("person", ["nobody", "", "\x00", "林晓"])
async def test_nobodys_password_cannot_be_set(house: House, person: str) -> None:
    with pytest.raises(NotFound):
        await auth.set_password(house.desk, person, PASSWORD, hasher=auth.QUICK)
