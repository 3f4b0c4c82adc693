"""Where officials and units are reached outside the pages: entering, listing masked, ending; each leaves a trace.

Addresses are personal data of officials, or hold tokens: stored sealed, shown masked. Sending is `notify`'s.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from dispatch.model import Role
from hotline import vault
from hotline.desk import Desk
from hotline.errors import BadInput, NotFound

CHANNELS = ("webhook", "wecom", "sms", "mail")
Channel = Literal["webhook", "wecom", "sms", "mail"]
SEALED_ABOUT = "contact"
_MAIL = re.compile(r"[0-9A-Za-z._%+-]{1,64}@[0-9A-Za-z.-]{1,190}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """One address of a person or of a unit. `role`: a unit's contact that wants only what is for that role or for all.

    No `kinds` means notices of every kind.
    """

    channel: str
    address: str
    person: str | None = None
    department: str | None = None
    role: str | None = None
    kinds: Sequence[str] = ()


async def enter(desk: Desk, contact: Contact, *, by: str) -> int:
    """Enter a contact, or change it if its address is there; return its number. Raises BadInput, NotFound."""
    address = _checked(contact)
    row = await desk.store.fetch_row(
        "put_contact",
        person=contact.person,
        department=contact.department,
        role=contact.role,
        channel=contact.channel,
        address_sealed=desk.vault.seal(address, about=SEALED_ABOUT),
        address_hash=desk.vault.fingerprint(address, about=SEALED_ABOUT),
        kinds=list(contact.kinds),
    )
    if row is None:
        raise NotFound("person" if contact.person else "department", contact.person or contact.department)
    await _leave_trace(desk, by, "enter_contact", row["id"], contact)
    return int(row["id"])


async def end(desk: Desk, number: int, *, by: str) -> None:
    """Reach nobody there any more; raises NotFound."""
    if await desk.store.fetch_row("end_contact", id=number, now=desk.now()) is None:
        raise NotFound("contact", number)
    await _leave_trace(desk, by, "end_contact", number, None)


async def everybody(desk: Desk) -> list[str]:
    """Return one line for each contact, its address masked."""
    rows = await desk.store.fetch("contacts")
    return [
        f"{row['id']} {row['person'] or row['department']} {row['role'] or '-'} {row['channel']} "
        f"{masked(row['channel'], desk.vault.open(row['address_sealed'], about=SEALED_ABOUT))} "
        f"{','.join(row['kinds']) or 'all'}{'' if row['active'] else ' (ended)'}"
        for row in rows
    ]


def masked(channel: str, address: str) -> str:
    """Return as much of an address as tells it from others without giving it away."""
    if channel == "sms":
        return vault.mask_phone(address)
    if channel == "mail":
        return f"{address[:1]}***@{address.partition('@')[2]}"
    return f"{urlsplit(address).hostname}/***"


def _checked(contact: Contact) -> str:
    if contact.channel not in CHANNELS:
        raise BadInput("channel", contact.channel, "is unknown", ", ".join(CHANNELS))
    if (contact.person is None) == (contact.department is None):
        raise BadInput("person", contact.person, "and department exclude each other", "one of the two")
    if contact.role is not None and (contact.person is not None or contact.role not in list(Role)):
        raise BadInput("role", contact.role, "cannot be taken", f"for a unit, one of {', '.join(Role)}")
    if contact.channel == "sms":
        return vault.phone(contact.address)
    if contact.channel == "mail":
        if not _MAIL.fullmatch(contact.address):
            raise BadInput("address", "", "is no mail address", "name@city.example")
        return contact.address
    parts = urlsplit(contact.address)
    if parts.scheme not in {"http", "https"} or not parts.hostname or not contact.address.isprintable():
        raise BadInput("address", "", "is no address", "https://office.city.example/hook")
    return contact.address


async def _leave_trace(desk: Desk, by: str, what: str, number: int, contact: Contact | None) -> None:
    facts = {"contact": number}
    reason = f"{contact.person or contact.department} {contact.channel}" if contact else ""
    await desk.store.execute(
        "record_audit", at=desk.now(), person=by, what=what, ticket_id=None, reason=reason, facts=facts
    )
