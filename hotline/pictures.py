"""Pictures of a ticket: checked by their content, cleaned of what cameras write into them, shown to whoever may see it.

A file's name and the type that its sender claims are not believed. Where a photo was taken and with what is cut out;
only which way is up stays. Who uploaded a picture sees it at once; the others when it was sent with something.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dispatch.lifecycle import HOLDERS
from dispatch.model import Actor, Role
from hotline import tickets
from hotline.desk import Desk
from hotline.errors import BadInput, Forbidden, NotFound
from hotline.store import File

LARGEST = 8 * 1024 * 1024
MOST_AT_ONCE = 6
MOST_OF_TICKET = 60
LONGEST_NAME = 80
ADDERS = frozenset({Role.AGENT, Role.DISPATCHER, Role.SUPERVISOR, Role.FOLLOW_UP, Role.CITIZEN}) | HOLDERS


@dataclass(frozen=True, slots=True)
class Picture:
    """A cleaned picture, ready to keep."""

    name: str
    type: str
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A picture as a page shows it; `event` 0 was uploaded and not sent yet."""

    id: int
    name: str
    bytes: int
    event: int
    role: Role
    department: str


# --- what a file is ---------------------------------------------------------------------------------------------------


def checked(files: Sequence[tuple[str, bytes]]) -> list[Picture]:
    """Return the pictures in (name, content) pairs, cleaned; raises BadInput for too many, too large, or no picture."""
    if len(files) > MOST_AT_ONCE:
        raise BadInput("pictures", len(files), f"are {len(files)} files", f"at most {MOST_AT_ONCE}")
    return [_checked(name, content) for name, content in files]


def _checked(name: str, content: bytes) -> Picture:
    if len(content) > LARGEST:
        raise BadInput("pictures", name, f"has {len(content)} bytes", f"at most {LARGEST}")
    plain = "".join(sign for sign in name.replace("\\", "/").rpartition("/")[2] if sign.isprintable())[:LONGEST_NAME]
    try:
        kind, clean = _cleaned(content)
    except (ValueError, struct.error, IndexError):
        kind, clean = "", b""
    if not clean:
        raise BadInput("pictures", plain, "is no picture", "JPEG, PNG or WebP")
    return Picture(plain or "照片", kind, clean)


def _cleaned(content: bytes) -> tuple[str, bytes]:
    if content.startswith(b"\xff\xd8\xff"):
        return "image/jpeg", _clean_jpeg(content)
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png", _clean_png(content)
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp", _clean_webp(content)
    return "", b""


_JPEG_KEPT = {0xE0, 0xEE}  # JFIF, and Adobe's word on colours
_SCAN, _COMMENT, _EXIF = 0xDA, 0xFE, 0xE1


def _clean_jpeg(content: bytes) -> bytes:
    """Copy the segments before the scan but for the application's own; the orientation is written anew."""
    out, at, up = [b"\xff\xd8"], 2, 1
    while True:
        if content[at] != 0xFF:  # noqa: PLR2004 - every segment begins so
            raise ValueError("no segment")
        marker = content[at + 1]
        if marker == 0xFF:  # noqa: PLR2004 - a fill byte
            at += 1
            continue
        (length,) = struct.unpack_from(">H", content, at + 2)
        segment = content[at : at + 2 + length]
        if marker == _EXIF and segment[4:10] == b"Exif\0\0":
            up = _orientation(segment[10:])
        elif marker == _SCAN:
            end = content.rfind(b"\xff\xd9")
            if end < at or len(out) < 3:  # noqa: PLR2004 - a picture has tables and a frame
                raise ValueError("no end")
            return b"".join((out[0], _exif_with(up), *out[1:], content[at : end + 2]))
        elif marker != _COMMENT and not (0xE0 <= marker <= 0xEF and marker not in _JPEG_KEPT):  # noqa: PLR2004 - APPn
            out.append(segment)
        at += 2 + length


def _orientation(tiff: bytes) -> int:
    """Return which way is up, 1 to 8; 1 when the block does not say."""
    order = {b"II": "<", b"MM": ">"}.get(tiff[:2])
    if order is None:
        return 1
    (first,) = struct.unpack_from(f"{order}I", tiff, 4)
    (count,) = struct.unpack_from(f"{order}H", tiff, first)
    for index in range(count):
        tag, kind, _, value = struct.unpack_from(f"{order}HHIH", tiff, first + 2 + 12 * index)
        if (tag, kind) == (0x0112, 3) and 1 <= value <= 8:  # noqa: PLR2004 - the tag of the orientation, a short
            return int(value)
    return 1


def _exif_with(orientation: int) -> bytes:
    if orientation == 1:
        return b""
    body = b"Exif\0\0MM\0*" + struct.pack(">IHHHIHHI", 8, 1, 0x0112, 3, 1, orientation, 0, 0)
    return b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body


_PNG_KEPT = {b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"sBIT", b"pHYs"}


def _clean_png(content: bytes) -> bytes:
    out, at = [content[:8]], 8
    seen: list[bytes] = []
    while not seen or seen[-1] != b"IEND":
        (length,) = struct.unpack_from(">I", content, at)
        chunk = content[at : at + 12 + length]
        if len(chunk) != 12 + length:
            raise ValueError("cut off")
        seen.append(chunk[4:8])
        if seen[-1] in _PNG_KEPT:
            out.append(chunk)
        at += 12 + length
    if seen[0] != b"IHDR" or b"IDAT" not in seen:
        raise ValueError("no picture")
    return b"".join(out)


_WEBP_CUT = {b"EXIF", b"XMP "}
_WEBP_FLAGS = 0b0000_1100  # the header's word that there is EXIF and XMP


def _clean_webp(content: bytes) -> bytes:
    out: list[bytes] = []
    for name, body in _webp_chunks(content):
        if name not in _WEBP_CUT:
            kept = bytes((body[0] & ~_WEBP_FLAGS,)) + body[1:] if name == b"VP8X" else body
            out.append(name + struct.pack("<I", len(kept)) + kept + b"\0" * (len(kept) % 2))
    if not any(chunk.startswith((b"VP8 ", b"VP8L")) for chunk in out):
        raise ValueError("no picture")
    joined = b"WEBP" + b"".join(out)
    return b"RIFF" + struct.pack("<I", len(joined)) + joined


def _webp_chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    (size,) = struct.unpack_from("<I", content, 4)
    at, end = 12, min(8 + size, len(content))
    while at + 8 <= end:
        (length,) = struct.unpack_from("<I", content, at + 4)
        body = content[at + 8 : at + 8 + length]
        if len(body) != length:
            raise ValueError("cut off")
        yield content[at : at + 4], body
        at += 8 + length + length % 2


# --- keeping and showing ----------------------------------------------------------------------------------------------


async def add(
    desk: Desk, ticket_id: int, pictures: Sequence[Picture], actor: Actor, *, event: int | None = None
) -> None:
    """Keep pictures for a ticket; without `event` they wait, seen by `actor` only, until `send` names one.

    Raises NotFound where the ticket is not the actor's to see, BadInput when it has too many.
    """
    if not pictures:
        return
    file = await _file(desk, ticket_id, actor)
    if actor.role not in ADDERS:
        raise Forbidden(actor.person, "add a picture", "only those who work on it may")
    there = await desk.store.fetch_value("attachment_count", ticket_id=file.ticket.id)
    if there + len(pictures) > MOST_OF_TICKET:
        raise BadInput("pictures", there, f"are {there + len(pictures)} files", f"at most {MOST_OF_TICKET}")
    for one in pictures:
        key = hashlib.sha256(desk.vault.secret_for("pictures") + one.content).hexdigest()
        await desk.shelf.put(key, desk.vault.seal_bytes(one.content, about="picture"))
        await desk.store.execute(
            "put_attachment",
            ticket_id=ticket_id,
            event=event,
            name=one.name,
            type=one.type,
            bytes=len(one.content),
            key=key,
            person=actor.person,
            role=actor.role,
            department=actor.department,
            at=desk.now(),
        )


async def send(desk: Desk, ticket_id: int, event: int, actor: Actor) -> None:
    """Let what the actor uploaded belong to an event, and so be seen by whoever may see that."""
    await desk.store.execute("send_attachments", ticket_id=ticket_id, event=event, person=actor.person)


async def drop(desk: Desk, ticket_id: int, actor: Actor) -> None:
    """Forget what the actor uploaded and did not send."""
    await desk.store.execute("drop_attachments", ticket_id=ticket_id, person=actor.person)


async def of(desk: Desk, file: File, actor: Actor) -> list[Shown]:
    """Return the pictures of a ticket that `actor` already may see, as far as they may see each.

    The name of a file, which may tell more than the picture, is for whoever sent it.
    """
    if not file.has_pictures:
        return []
    rows = [dict(row) for row in await desk.store.fetch("attachments", ticket_id=file.ticket.id)]
    return [
        Shown(
            id=row["id"],
            name=row["name"] if _is_own(row, actor) else "",
            bytes=row["bytes"],
            event=row["event"] or 0,
            role=Role.of(row["role"]),
            department=row["department"],
        )
        for row in rows
        if _may_see(row, file, actor)
    ]


def _is_own(row: Mapping[str, Any], actor: Actor) -> bool:
    return bool(row["person"] == actor.person and row["role"] == actor.role)


def _may_see(row: Mapping[str, Any], file: File, actor: Actor) -> bool:
    """What was not sent yet is its sender's; a caller sees the own ones, and those of an approved answer.

    All callers of a ticket send under its number; the first of them is whoever brought it, and the one who asks here.
    """
    if row["event"] is None:
        return _is_own(row, actor)
    if actor.role is not Role.CITIZEN:
        return True
    if row["role"] == Role.CITIZEN:
        return bool(row["caller"] == 1)
    return bool(row["action"] == "reply" and tickets.is_answered(file.ticket))


async def picture(desk: Desk, ticket_id: int, number: int, actor: Actor) -> tuple[str, bytes]:
    """Return the type and the content of one picture; raises NotFound also where it is not the actor's to see."""
    file = await _file(desk, ticket_id, actor)
    rows = await desk.store.fetch("attachments", ticket_id=ticket_id)
    row = next((row for row in rows if row["id"] == number and _may_see(dict(row), file, actor)), None)
    sealed = await desk.shelf.get(row["key"]) if row else None
    if row is None or sealed is None:
        raise NotFound("picture", number)
    return row["type"], desk.vault.open_bytes(sealed, about="picture")


async def _file(desk: Desk, ticket_id: int, actor: Actor) -> File:
    file = await desk.store.file(ticket_id)
    if not tickets.may_see(file.ticket, actor, await desk.rulebook()):
        raise NotFound("ticket", ticket_id)
    return file
