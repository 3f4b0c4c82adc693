"""The people who may log in, as an administrator keeps them: added, moved, sent away, let in again; each with a reason.

People are no rules: a change holds at once, and who made it stays in the audit with what was before and after. Nobody
changes the own role or goes by themselves, and one administrator always remains: the database holds that, too. A
password that an administrator gives out is shown once and serves for three days; then the person has chosen another.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

import asyncpg
from argon2 import PasswordHasher

from dispatch.lifecycle import HOLDERS
from dispatch.model import Actor, Level, Role
from hotline import auth
from hotline.auth import Person
from hotline.desk import Desk
from hotline.errors import BadInput, Forbidden, NotFound
from hotline.store import Row, Transaction

KEEPERS = frozenset({Role.ADMINISTRATOR})
PAGE_MOST = 50
SHORTEST_REASON = 4
LONGEST_REASON = 500
GIVEN_FOR = timedelta(days=3)
"""How long a password that somebody else chose may be used."""
_SIGNS = "23456789abcdefghjkmnpqrstuvwxyz"
"""Nothing that looks like another sign when it is read from paper."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """Somebody who may log in, or might once; `given` while the password is one that an administrator gave out."""

    person: Person
    active: bool
    given: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which people to show: those whose name or log-in holds `words`, of a unit, in a role; from one log-in on."""

    words: str = ""
    department: str | None = None
    role: Role | None = None
    everybody: bool = False
    after: str = ""


async def some(desk: Desk, wanted: Wanted, actor: Actor) -> list[Row]:
    """Return a page of people by log-in name; those who have left only if `everybody` is wanted."""
    _may(actor)
    return await desk.store.fetch("people_listed", **asdict(wanted), most=PAGE_MOST)


async def one(desk: Desk, id_: str, actor: Actor) -> Known:
    """Return somebody, whether they may log in or not; raises NotFound."""
    _may(actor)
    row = await desk.store.fetch_row("person", id=id_)
    if row is None:
        raise NotFound("person", id_)
    return _known(row)


async def add(desk: Desk, person: Person, actor: Actor, *, reason: str, hasher: PasswordHasher = auth.STRONG) -> str:
    """Add somebody and return the password to hand over, which is kept nowhere.

    Raises BadInput for a value that cannot be taken, also for a log-in name that somebody has or had.
    """
    _may(actor)
    person, reason = auth.checked(person), _reason(reason)
    password = _password()
    hashed = await auth.hashed(password, hasher)
    async with desk.store.transaction() as transaction:
        await _check_unit(desk, person)
        given = {"password_hash": hashed, "password_until": desk.now() + GIVEN_FOR}
        if not await transaction.fetch("add_person", **asdict(person), **given):
            raise BadInput("person", person.id, "is taken", "a log-in name that nobody has or had")
        await _trace(desk, transaction, actor, "person_added", reason, {"person": person.id, "after": _facts(person)})
    return password


async def change(desk: Desk, person: Person, actor: Actor, *, reason: str) -> None:
    """Give somebody another name, role or department; their sessions end, so that the new role holds at once.

    Raises NotFound, BadInput, and Forbidden for the own role and for the last administrator.
    """
    _may(actor)
    person, reason = auth.checked(person), _reason(reason)
    async with _changing(desk, person.id) as (transaction, before):
        if person == before.person:
            raise BadInput("person", person.id, "is not changed", "another name, role or department")
        if person.id == actor.person and person.role is not before.person.role:
            raise Forbidden(actor.person, "change their own role", "another administrator must")
        await _check_unit(desk, person)
        await _write(transaction, person, active=before.active)
        facts = {"person": person.id, "before": _facts(before.person), "after": _facts(person)}
        await _trace(desk, transaction, actor, "person_changed", reason, facts)
    await auth.end_all(desk, person.id)


async def send_away(desk: Desk, id_: str, actor: Actor, *, reason: str) -> None:
    """Let somebody log in no more; whoever is logged in is out at once, a call in their hands can be taken over.

    Raises NotFound, and Forbidden for oneself and for the last administrator.
    """
    _may(actor)
    reason = _reason(reason)
    if id_ == actor.person:
        raise Forbidden(actor.person, "send themselves away", "another administrator must")
    async with _changing(desk, id_) as (transaction, before):
        if not before.active:
            raise BadInput("person", id_, "has left already", "somebody who may log in")
        await _write(transaction, before.person, active=False)
        await _trace(desk, transaction, actor, "person_left", reason, {"person": id_, "before": _facts(before.person)})
    await auth.end_all(desk, id_)


async def let_in(desk: Desk, id_: str, actor: Actor, *, reason: str, hasher: PasswordHasher = auth.STRONG) -> str:
    """Let somebody who had left log in again, and return a new password to hand over; raises NotFound."""
    _may(actor)
    reason = _reason(reason)
    password = _password()
    hashed = await auth.hashed(password, hasher)
    async with _changing(desk, id_) as (transaction, before):
        if before.active:
            raise BadInput("person", id_, "may log in already", "somebody who has left")
        await _check_unit(desk, before.person)
        await _write(transaction, before.person, active=True)
        await _give(desk, transaction, id_, hashed)
        await _trace(desk, transaction, actor, "person_back", reason, {"person": id_, "after": _facts(before.person)})
    return password


async def give_password(
    desk: Desk, id_: str, actor: Actor, *, reason: str, hasher: PasswordHasher = auth.STRONG
) -> str:
    """Return a new password to hand over to somebody who forgot theirs; their sessions end. Raises NotFound."""
    _may(actor)
    reason = _reason(reason)
    password = _password()
    hashed = await auth.hashed(password, hasher)
    async with _changing(desk, id_) as (transaction, before):
        if not before.active:
            raise BadInput("person", id_, "has left already", "somebody who may log in")
        await _give(desk, transaction, id_, hashed)
        await _trace(desk, transaction, actor, "password_given", reason, {"person": id_})
    await auth.end_all(desk, id_)
    return password


# --- within a change --------------------------------------------------------------------------------------------------


@asynccontextmanager
async def _changing(desk: Desk, id_: str) -> AsyncIterator[tuple[Transaction, Known]]:
    """A transaction that has locked a person; the database's own refusal becomes one that can be worded."""
    try:
        async with desk.store.transaction() as transaction:
            rows = await transaction.fetch("lock_person", id=id_)
            if not rows:
                raise NotFound("person", id_)
            yield transaction, _known(rows[0])
    except asyncpg.CheckViolationError as error:
        if error.constraint_name != ALWAYS_ONE:
            raise
        raise Forbidden(id_, "leave", "one administrator must remain") from error


ALWAYS_ONE = "there_is_always_an_administrator"
"""The constraint that keeps a city from locking itself out."""


def _may(actor: Actor) -> None:
    if actor.role not in KEEPERS:
        raise Forbidden(actor.person, "keep people", "people are kept by administrators")


def _reason(text: str) -> str:
    reason = text.strip()
    if len(reason) < SHORTEST_REASON:
        raise BadInput("reason", text, "is too short", "who decided it, and why")
    if len(reason) > LONGEST_REASON:
        raise BadInput("reason", "", f"has {len(reason)} characters", f"at most {LONGEST_REASON}")
    return reason


def _password() -> str:
    """Three groups of four signs out of 31: 59 bits, easily read out."""
    return "-".join("".join(secrets.choice(_SIGNS) for _ in range(4)) for _ in range(3))


async def _check_unit(desk: Desk, person: Person) -> None:
    """Those who hold tickets belong to a unit that handles them, all others to the hotline."""
    unit = (await desk.rulebook()).departments.get(person.department)
    if unit is None:
        raise BadInput("department", person.department, "is unknown", "a department that is in use")
    if (person.role in HOLDERS) == (unit.level is Level.HOTLINE):
        raise BadInput("department", person.department, "does not fit the role", "handlers and heads belong to units")


async def _write(transaction: Transaction, person: Person, *, active: bool) -> None:
    await transaction.execute("change_person", **asdict(person), active=active)


async def _give(desk: Desk, transaction: Transaction, id_: str, hashed: str) -> None:
    until = desk.now() + GIVEN_FOR
    await transaction.execute("give_password", id=id_, password_hash=hashed, password_until=until)


async def _trace(
    desk: Desk, transaction: Transaction, actor: Actor, what: str, reason: str, facts: Mapping[str, Any]
) -> None:
    await transaction.execute(
        "record_audit", at=desk.now(), person=actor.person, what=what, ticket_id=None, reason=reason, facts=facts
    )


def _facts(person: Person) -> dict[str, str]:
    return {"name": person.name, "role": person.role, "department": person.department}


def _known(row: Row) -> Known:
    person = Person(row["id"], row["name"], Role.of(row["role"]), row["department"])
    return Known(person=person, active=row["active"], given=row["password_until"] is not None)
