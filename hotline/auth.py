"""Who is who: log-in with argon2id, sessions in PostgreSQL that Redis only caches, and the people who may log in.

A token is known to its browser only; the database holds its hash. Flushing Redis logs nobody out. An unknown person
and a wrong password look and last the same.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import secrets
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from time import monotonic
from typing import ClassVar

import orjson
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from dispatch.model import Actor, Role
from hotline.desk import Desk
from hotline.errors import BadInput, HotlineError

SESSION_LIFE = timedelta(hours=12)
RENEW_AFTER = timedelta(minutes=1)
CACHE_SECONDS = 60
TRIES, TRY_SECONDS = 10, 300
SHORTEST_PASSWORD = 8
NEAR_SECONDS = 2.0
NEAR_MOST = 5_000

_hasher = PasswordHasher()
_NOBODY = "$argon2id$v=19$m=65536,t=3,p=4$c2FsdHNhbHRzYWx0$+MvKMMlT6CWDPTGPL7dzGlcNLhNHMf0rYr2DRpVKlys"
"""A hash that no password has: verifying against it takes as long as against a real one."""


@dataclass(eq=False)
class BadLogin(HotlineError):
    """Unknown person or wrong password; which, is not said."""

    code: ClassVar[str] = "bad_login"

    def sentence(self) -> str:
        return "the name or the password is wrong"


@dataclass(eq=False)
class TooManyTries(HotlineError):
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
    """Somebody who is logged in; `csrf` must come back with every change that a browser asks for."""

    person: str
    name: str
    role: Role
    department: str
    csrf: str
    expires_at: datetime

    @property
    def actor(self) -> Actor:
        return Actor(self.person, self.role, self.department, self.name)


_near: dict[bytes, tuple[float, Session]] = {}


async def create_person(desk: Desk, person: Person, password: str) -> None:
    """Add somebody, or change their role, department and password."""
    if person.role in {Role.MACHINE, Role.CITIZEN}:
        raise BadInput("role", person.role, "cannot log in", "a role of people")
    hashed = await _hash(password)
    await desk.store.execute(
        "put_person",
        id=person.id,
        name=person.name,
        role=person.role,
        department=person.department,
        password_hash=hashed,
    )


async def people(desk: Desk) -> list[Person]:
    """Return everybody who may log in."""
    rows = await desk.store.fetch("people")
    return [Person(row["id"], row["name"], Role.of(row["role"]), row["department"]) for row in rows]


async def set_password(desk: Desk, person: str, password: str) -> None:
    """Change a password and end that person's sessions."""
    await desk.store.execute("set_password", id=person, password_hash=await _hash(password))
    for row in await desk.store.fetch("end_sessions_of", person=person):
        await _forget(desk, row["token_hash"])


async def _hash(password: str) -> str:
    if len(password) < SHORTEST_PASSWORD:
        raise BadInput("password", "", "is too short", f"at least {SHORTEST_PASSWORD} characters")
    return await asyncio.to_thread(_hasher.hash, password)


async def log_in(desk: Desk, person: str, password: str, *, address: str) -> tuple[str, Session]:
    """Return a new token and its session; raises BadLogin, or TooManyTries for a name tried from one address."""
    if not await desk.live.allow(f"login:{person[:40]}:{address}", TRIES, TRY_SECONDS):
        raise TooManyTries
    row = await desk.store.fetch_row("person_of_login", id=person[:40])
    is_right = await asyncio.to_thread(_verify, row["password_hash"] if row else _NOBODY, password[:1000])
    if row is None or not is_right:
        raise BadLogin
    token = secrets.token_urlsafe(32)
    now = desk.now()
    session = Session(
        person=row["id"],
        name=row["name"],
        role=Role.of(row["role"]),
        department=row["department"],
        csrf=secrets.token_urlsafe(16),
        expires_at=now + SESSION_LIFE,
    )
    await desk.store.execute(
        "put_session",
        token_hash=_print_of(token),
        person=session.person,
        csrf=session.csrf,
        created_at=now,
        expires_at=session.expires_at,
    )
    return token, session


def _verify(hashed: str, password: str) -> bool:
    try:
        return _hasher.verify(hashed, password)
    except (VerificationError, InvalidHashError):
        return False


async def session_of(desk: Desk, token: str) -> Session | None:
    """Return the session of a token, from this process, from Redis or from PostgreSQL; None when there is none."""
    print_ = _print_of(token)
    near = _near.get(print_)
    now = desk.now()
    if near and near[0] > monotonic():
        return near[1] if near[1].expires_at > now else None
    session = await _far(desk, print_)
    if session is None or session.expires_at <= now:
        return None
    if len(_near) >= NEAR_MOST:
        _near.clear()
    _near[print_] = (monotonic() + NEAR_SECONDS, session)
    return session


async def _far(desk: Desk, print_: bytes) -> Session | None:
    cached = await desk.live.get(f"session:{print_.hex()}")
    if cached:
        values = orjson.loads(cached)
        expires = datetime.fromisoformat(values["expires_at"])
        return Session(**(values | {"role": Role.of(values["role"]), "expires_at": expires}))
    row = await desk.store.fetch_row("session", token_hash=print_)
    if row is None:
        return None
    expires = await _renewed(desk, print_, row["expires_at"])
    session = Session(row["person"], row["name"], Role.of(row["role"]), row["department"], row["csrf"], expires)
    await desk.live.set(f"session:{print_.hex()}", orjson.dumps(asdict(session)), CACHE_SECONDS)
    return session


async def _renewed(desk: Desk, print_: bytes, expires: datetime) -> datetime:
    """A session that is used lives on; at most once a minute that is written down."""
    now = desk.now()
    if expires <= now or expires - now > SESSION_LIFE - RENEW_AFTER:
        return expires
    await desk.store.execute("renew_session", token_hash=print_, expires_at=now + SESSION_LIFE)
    return now + SESSION_LIFE


async def log_out(desk: Desk, token: str) -> None:
    """End a session everywhere; another process may know it for two seconds more."""
    print_ = _print_of(token)
    await desk.store.execute("end_session", token_hash=print_)
    await _forget(desk, print_)


async def _forget(desk: Desk, print_: bytes) -> None:
    _near.pop(print_, None)
    await desk.live.delete(f"session:{print_.hex()}")


def check_csrf(session: Session, given: str) -> bool:
    """Whether a browser sent the session's own token along."""
    return hmac.compare_digest(session.csrf.encode(), given.encode())


def _print_of(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
