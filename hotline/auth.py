"""Who is who: log-in with argon2id, sessions in PostgreSQL that Redis only caches, and the people who may log in.

A token is known to its browser only; the database holds its hash. Flushing Redis logs nobody out. An unknown person
and a wrong password look and last the same. What a person may do with a ticket is decided in `dispatch`.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import re
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from functools import cache
from typing import ClassVar, TypeVar

import orjson
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from dispatch.model import Actor, Role
from dispatch.rulebook import successor_of
from hotline.desk import Desk
from hotline.errors import BadInput, HotlineError, NotFound

SESSION_LIFE = timedelta(hours=12)
RENEW_AFTER = timedelta(minutes=1)
CACHE_SECONDS = 60
TRIES, TRY_SECONDS = 10, 300
SHORTEST_PASSWORD, LONGEST_PASSWORD = 8, 200
LONGEST_NAME = 60
TOKEN_BYTES = 32

STRONG = PasswordHasher()
"""The library's own choice; one try takes 64 MiB and some 50 ms."""
QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
"""For the people of tests and simulations only."""

STAFF = tuple(role for role in Role if role not in {Role.MACHINE, Role.CITIZEN})
"""The roles that log in."""
_PERSON_ID = re.compile(r"[a-z0-9_.-]{2,40}")
_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")
_ENDED = b"ended"
"""What Redis holds for a session that has just ended: a reader that was underway cannot bring it back."""
# Apart from the threads of the model, and few: whoever tries many passwords may fill neither the cores nor the memory.
_THREADS = ThreadPoolExecutor(2, thread_name_prefix="argon2")
_Result = TypeVar("_Result")


@dataclass(eq=False)
class BadLogin(HotlineError):
    """Unknown person, wrong password, or a person who has left; which, is not said."""

    code: ClassVar[str] = "bad_login"

    def sentence(self) -> str:
        return "the name or the password is wrong"


@dataclass(eq=False)
class TooManyTries(HotlineError):
    """One person was tried too often from one address; `retry_after` are seconds."""

    code: ClassVar[str] = "too_many_tries"
    retry_after: int = TRY_SECONDS

    def sentence(self) -> str:
        return f"too many tries to log in; try again in {self.retry_after} s"


@dataclass(frozen=True, slots=True)
class Person:
    """Who may log in, in which role and for which department."""

    id: str
    name: str
    role: Role
    department: str


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody who is logged in; `csrf` must come back with every change that a browser asks for.

    `expires_at` may be a minute behind: the session of who works goes on living.
    """

    person: str
    name: str
    role: Role
    department: str
    csrf: str
    expires_at: datetime

    @property
    def actor(self) -> Actor:
        return Actor(self.person, self.role, self.department, self.name)


# --- people -----------------------------------------------------------------------------------------------------------


async def create_person(desk: Desk, person: Person, password: str, *, hasher: PasswordHasher = STRONG) -> None:
    """Add somebody, or change their name, role, department and password; sessions of before end.

    Raises BadInput for a value that cannot be taken, also for a unit that is closed: nobody would send it anything.
    """
    person = checked(person)
    closed = (await desk.rulebook()).closed.departments
    if person.department in closed:
        since, heir = closed[person.department].closed_from, successor_of(person.department, closed)
        now = f"{heir}, its successor" if heir != person.department else "a department that is in use"
        raise BadInput("department", person.department, f"is closed since {since}", now)
    row = await desk.store.fetch_row("put_person", **asdict(person), password_hash=await hashed(password, hasher))
    if row is None:
        raise BadInput("department", person.department, "is unknown", "the code of a department")
    await end_all(desk, person.id)


def checked(person: Person) -> Person:
    """Return somebody as they can be kept; raises BadInput for a log-in name, a name or a role that cannot be taken."""
    if not _PERSON_ID.fullmatch(person.id):
        raise BadInput("person", person.id, "is no log-in name", "2 to 40 of a-z, 0-9, '_', '.' and '-'")
    name = person.name.strip()
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise BadInput("name", person.name, "is no name", f"1 to {LONGEST_NAME} characters")
    if person.role not in STAFF:
        raise BadInput("role", person.role, "cannot log in", ", ".join(STAFF))
    return replace(person, name=name, department=person.department if person.department.isprintable() else "")


async def people(desk: Desk) -> list[Person]:
    """Return everybody who may log in."""
    rows = await desk.store.fetch("people")
    return [Person(row["id"], row["name"], Role.of(row["role"]), row["department"]) for row in rows]


async def actor(desk: Desk, id_: str) -> Actor:
    """Return the person of this log-in name as an actor, for commands that act in somebody's name; raises NotFound."""
    for one in await people(desk):
        if one.id == id_:
            return Actor(one.id, one.role, one.department, one.name)
    raise NotFound("person", id_)


async def set_password(desk: Desk, person: str, password: str, *, hasher: PasswordHasher = STRONG) -> None:
    """Change a password and end that person's sessions; raises NotFound, BadInput."""
    kept = await hashed(password, hasher)
    known = _PERSON_ID.fullmatch(person)
    if not known or await desk.store.fetch_row("set_password", id=person, password_hash=kept) is None:
        raise NotFound("person", person)
    await end_all(desk, person)


async def is_given(desk: Desk, person: str) -> bool:
    """Whether somebody's password is one that an administrator gave out."""
    row = await desk.store.fetch_row("person", id=person.strip().lower())
    return row is not None and row["password_until"] is not None


async def choose_password(
    desk: Desk, person: str, current: str, new: str, *, address: str, hasher: PasswordHasher = STRONG
) -> str:
    """Take a person's own new password, end all their sessions, and return the token of a new one.

    Raises BadLogin when the current one is wrong, TooManyTries as a log-in does, BadInput for the new one.
    """
    if new == current:
        raise BadInput("password", "", "is the old one", "another one")
    token, _ = await log_in(desk, person, current, address=address)
    try:
        await set_password(desk, person, new, hasher=hasher)
    except BadInput:
        await log_out(desk, token)
        raise
    token, _ = await log_in(desk, person, new, address=address)
    return token


async def end_all(desk: Desk, person: str) -> None:
    """End every session of a person, here at once and in other processes within two seconds."""
    for row in await desk.store.fetch("end_sessions_of", person=person):
        await desk.live.set(_cached_as(row["token_hash"]), _ENDED, CACHE_SECONDS)


async def hashed(password: str, hasher: PasswordHasher) -> str:
    """Return the hash of a password; raises BadInput for one that is too short or too long."""
    if len(password) < SHORTEST_PASSWORD:
        raise BadInput("password", "", "is too short", f"at least {SHORTEST_PASSWORD} characters")
    if len(password) > LONGEST_PASSWORD:
        raise BadInput("password", "", f"has {len(password)} characters", f"at most {LONGEST_PASSWORD}")
    return await _in_thread(lambda: hasher.hash(_bytes(password)))


# --- log-in -----------------------------------------------------------------------------------------------------------


async def log_in(desk: Desk, person: str, password: str, *, address: str) -> tuple[str, Session]:
    """Return a new token and its session; raises BadLogin, or TooManyTries for a person tried from one address.

    Tries count before they are judged, so that many at once help nobody; a right one begins the count anew.
    """
    person = person.strip().lower()
    tries = f"login:{_hash_of(person).hex()}:{address}"
    if seconds := await desk.live.wait(tries, TRIES, TRY_SECONDS):
        raise TooManyTries(seconds)
    # What can be nobody's name is not looked up: the database would choke on some of it.
    known = _PERSON_ID.fullmatch(person)
    row = await desk.store.fetch_row("person_of_login", id=person, now=desk.now()) if known else None
    kept = row["password_hash"] if row else None
    is_right = await _in_thread(lambda: _verify(kept or _nobodys_hash(), password))
    if row is None or not is_right:
        raise BadLogin
    await desk.live.forgive(tries)
    now = desk.now()
    token, csrf = secrets.token_urlsafe(TOKEN_BYTES), secrets.token_urlsafe(TOKEN_BYTES)
    session = Session(row["id"], row["name"], Role.of(row["role"]), row["department"], csrf, now + SESSION_LIFE)
    await desk.store.execute("sessions_expired", now=now)
    await desk.store.execute(
        "put_session",
        token_hash=_hash_of(token),
        person=session.person,
        csrf=csrf,
        created_at=now,
        expires_at=session.expires_at,
    )
    return token, session


@cache
def _nobodys_hash() -> str:
    """A hash of no password: verifying against it takes as long as against a real one."""
    return STRONG.hash(secrets.token_bytes(TOKEN_BYTES))


def _verify(hashed: str, password: str) -> bool:
    _nobodys_hash()  # made by the first try, whoever it is for
    try:
        return STRONG.verify(hashed, _bytes(password[: LONGEST_PASSWORD + 1]))
    except (VerificationError, InvalidHashError):
        return False


async def _in_thread(work: Callable[[], _Result]) -> _Result:
    return await asyncio.get_running_loop().run_in_executor(_THREADS, work)


# --- sessions ---------------------------------------------------------------------------------------------------------


async def session_of(desk: Desk, token: str) -> Session | None:
    """Return the session of a token, from this process, from Redis or from PostgreSQL; None when there is none.

    Each use lets it live for twelve hours more, which is written down at most once a minute. Somebody's new role, or
    that they have left, shows within a minute.
    """
    if not _TOKEN.fullmatch(token):
        return None
    hash_ = _hash_of(token)
    cached = await desk.live.get(_cached_as(hash_))
    if cached == _ENDED:
        return None
    session = _thawed(cached) if cached else None
    if session is None:
        session = await _stored(desk, hash_)
    return session if session and session.expires_at > desk.now() else None


async def peek(desk: Desk, token: str) -> Session | None:
    """Return the session as PostgreSQL has it now, without letting it live longer: watching is not using."""
    row = await desk.store.fetch_row("session", token_hash=_hash_of(token))
    if row is None or row["expires_at"] <= desk.now():
        return None
    return Session(row["person"], row["name"], Role.of(row["role"]), row["department"], row["csrf"], row["expires_at"])


async def _stored(desk: Desk, hash_: bytes) -> Session | None:
    now = desk.now()
    row = await desk.store.fetch_row("session", token_hash=hash_)
    if row is None or row["expires_at"] <= now:
        return None
    expires_at = now + SESSION_LIFE
    if expires_at - row["expires_at"] >= RENEW_AFTER:
        await desk.store.execute("renew_session", token_hash=hash_, expires_at=expires_at)
    else:
        expires_at = row["expires_at"]
    session = Session(row["person"], row["name"], Role.of(row["role"]), row["department"], row["csrf"], expires_at)
    await desk.live.set(_cached_as(hash_), orjson.dumps(asdict(session)), CACHE_SECONDS, only_new=True)
    return session


def _thawed(cached: bytes) -> Session | None:
    """Return a session as it was cached; None for anything else that somebody left in Redis."""
    try:
        values = orjson.loads(cached)
        expires_at = datetime.fromisoformat(values.pop("expires_at"))
        return Session(role=Role.of(values.pop("role")), expires_at=expires_at, **values)
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


async def log_out(desk: Desk, token: str) -> None:
    """End a session everywhere; another process may know it for two seconds more."""
    hash_ = _hash_of(token)
    await desk.store.execute("end_session", token_hash=hash_)
    await desk.live.set(_cached_as(hash_), _ENDED, CACHE_SECONDS)


def check_csrf(session: Session, given: str) -> bool:
    """Whether a browser sent the session's own token along; takes the same time for every wrong one."""
    return hmac.compare_digest(session.csrf.encode(), _bytes(given))


def _cached_as(hash_: bytes) -> str:
    return f"session:{hash_.hex()}"


def _hash_of(token: str) -> bytes:
    return hashlib.sha256(_bytes(token)).digest()


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
