"""Pictures are what their bytes say, and tell nobody where they were taken."""

import struct
import zlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from dispatch import actions as do
from dispatch.model import Actor, Role
from hotline import pictures, tickets
from hotline.db import Pool
from hotline.desk import Desk
from hotline.errors import BadInput, Forbidden, NotFound, Unavailable
from hotline.shelf import Folder, Nowhere
from tests.city import AGENT, DISPATCHER, handler, intake, small_desk

WHERE = b"GPS 25.9N 119.5E"


def jpeg(*, orientation: int = 6, order: str = "<") -> bytes:
    """Return the shape of a photo as a telephone makes it: EXIF with the orientation and a place, a comment, a scan."""
    mark = b"II*\0" if order == "<" else b"MM\0*"
    entries = struct.pack(f"{order}HHHI", 1, 0x0112, 3, 1) + struct.pack(f"{order}HH", orientation, 0)
    exif = b"Exif\0\0" + mark + struct.pack(f"{order}I", 8) + entries + b"\0\0\0\0" + WHERE
    return b"".join(
        (
            b"\xff\xd8",
            _segment(0xE0, b"JFIF\0\x01\x01\0\0\x01\0\x01\0\0"),
            _segment(0xE1, exif),
            _segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + WHERE),
            _segment(0xFE, WHERE),
            _segment(0xDB, bytes(65)),
            _segment(0xC0, b"\x08\0\x01\0\x01\x01\x01\x11\0"),
            _segment(0xDA, b"\x01\x01\0\0\x3f\0") + b"scan\xff\x00data",
            b"\xff\xd9",
            WHERE,  # what stands behind the end
        )
    )


def _segment(marker: int, body: bytes) -> bytes:
    return bytes((0xFF, marker)) + struct.pack(">H", len(body) + 2) + body


def png() -> bytes:
    chunks = ((b"IHDR", b"\0\0\0\x01" * 2 + b"\x08\0\0\0\0"), (b"tEXt", WHERE), (b"IDAT", b"x"), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body)) for name, body in chunks
    )


def webp() -> bytes:
    chunks = ((b"VP8X", bytes((0b0000_1100,)) + bytes(9)), (b"VP8 ", b"picture"), (b"EXIF", WHERE))
    body = b"".join(name + struct.pack("<I", len(text)) + text + b"\0" * (len(text) % 2) for name, text in chunks)
    return b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WEBP" + body


@pytest.mark.parametrize(
    ("content", "kind"),
    [(jpeg(), "image/jpeg"), (png(), "image/png"), (webp(), "image/webp")],
    ids=["jpeg", "png", "webp"],
)
def test_a_picture_loses_what_the_camera_wrote_into_it(content: bytes, kind: str) -> None:
    (made,) = pictures.checked([("C:\\fakepath\\IMG_1.jpg", content)])

    assert (made.type, made.name) == (kind, "IMG_1.jpg")
    assert WHERE in content
    assert WHERE not in made.content
    assert pictures.checked([("again", made.content)])[0].content == made.content


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_photo_keeps_which_way_is_up(orientation: int, order: str) -> None:
    (made,) = pictures.checked([("a", jpeg(orientation=orientation, order=order))])

    at = made.content.find(b"Exif\0\0")
    kept = pictures._orientation(made.content[at + 6 :]) if at > 0 else 1
    assert kept == orientation


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        b"GIF89a",
        b"%PDF-1.7",
        b"\xff\xd8\xff",
        jpeg()[:60],
        png()[:-6],
        webp()[:-6],
        b"\x89PNG\r\n\x1a\n<html>",
        b"RIFF\x10\0\0\0WEBPEXIF\0\0\0\0",
    ],
)
def test_what_is_no_whole_picture_is_refused(content: bytes) -> None:
    with pytest.raises(BadInput, match="is no picture"):
        pictures.checked([("photo.jpg", content)])


def test_no_bytes_make_the_reader_fall_over() -> None:
    for whole in (jpeg(), png(), webp()):
        for end in range(len(whole)):
            broken = whole[:end] + b"\xff\xff\xff\xff" + whole[end + 4 :]
            try:
                pictures.checked([("a", broken)])
            except BadInput:
                continue


def test_too_many_and_too_large_are_refused() -> None:
    with pytest.raises(BadInput, match="files"):
        pictures.checked([("a", png())] * (pictures.MOST_AT_ONCE + 1))
    with pytest.raises(BadInput, match="bytes"):
        pictures.checked([("a", png() + bytes(pictures.LARGEST))])


# --- who sees them ----------------------------------------------------------------------------------------------------


@pytest.fixture
async def desk(pool: Pool, tmp_path: Path) -> AsyncIterator[Desk]:
    async with small_desk(pool) as desk:
        desk.shelf = Folder(tmp_path / "pictures")
        yield desk


ROADS = Actor("jtj-handler", Role.HANDLER, "jtj")
(PICTURE,) = pictures.checked([("现场.png", png())])


async def in_handling(desk: Desk) -> int:
    opened = await tickets.open_ticket(desk, intake(category="050901"), AGENT)
    await tickets.act(desk, opened.ticket_id, do.Accept(assignment=1), ROADS)
    await tickets.act(desk, opened.ticket_id, do.Reach(assignment=1, how="10:20 本人接听"), ROADS)
    return opened.ticket_id


async def seen_by(desk: Desk, ticket: int, actor: Actor) -> int:
    return len(await pictures.of(desk, await desk.store.file(ticket), actor))


async def test_a_picture_is_its_senders_until_it_is_sent_and_the_callers_once_the_answer_is_approved(
    desk: Desk,
) -> None:
    ticket = await in_handling(desk)
    citizen = Actor(str(ticket), Role.CITIZEN, "")

    await pictures.add(desk, ticket, [PICTURE], ROADS)
    assert [await seen_by(desk, ticket, who) for who in (ROADS, AGENT, citizen)] == [1, 0, 0]
    reply = do.Reply(
        assignment=1, received="学府路的坑", findings="属实", handling="已补", follows="无", genuine=True, solved=True
    )
    after = await tickets.act(desk, ticket, reply, ROADS)
    await pictures.send(desk, ticket, after.version, ROADS)
    assert [await seen_by(desk, ticket, who) for who in (ROADS, AGENT, citizen)] == [1, 1, 0]
    await tickets.act(desk, ticket, do.PassReview(), Actor("i", Role.FOLLOW_UP, "hotline"))
    assert await seen_by(desk, ticket, citizen) == 1


async def test_a_picture_comes_back_as_it_was_and_lies_there_sealed(desk: Desk, tmp_path: Path) -> None:
    ticket = await in_handling(desk)
    await pictures.add(desk, ticket, [PICTURE, PICTURE], ROADS, event=3)
    (shown,) = await pictures.of(desk, await desk.store.file(ticket), AGENT)

    assert await pictures.picture(desk, ticket, shown.id, AGENT) == ("image/png", PICTURE.content)
    (file,) = [one for one in (tmp_path / "pictures").rglob("*") if one.is_file()]
    assert b"PNG" not in file.read_bytes()


async def test_whoever_may_not_see_the_ticket_gets_no_picture_of_it(desk: Desk) -> None:
    ticket = await in_handling(desk)
    await pictures.add(desk, ticket, [PICTURE], ROADS, event=3)
    (shown,) = await pictures.of(desk, await desk.store.file(ticket), AGENT)
    other = (await tickets.open_ticket(desk, intake(), AGENT)).ticket_id

    for who in (handler("jyj"), Actor(str(other), Role.CITIZEN, "")):
        with pytest.raises(NotFound):
            await pictures.picture(desk, ticket, shown.id, who)
        with pytest.raises(NotFound):
            await pictures.add(desk, ticket, [PICTURE], who)
    with pytest.raises(NotFound):
        await pictures.picture(desk, other, shown.id, AGENT)  # of another ticket
    with pytest.raises(Forbidden):
        await pictures.add(desk, ticket, [PICTURE], Actor("analyst", Role.ANALYST, "hotline"))


async def test_a_folder_that_is_away_is_said_and_nothing_is_half_done(desk: Desk, tmp_path: Path) -> None:
    ticket = await in_handling(desk)
    (tmp_path / "file").write_text("no folder")

    for shelf in (Folder(tmp_path / "file"), Nowhere()):
        desk.shelf = shelf
        with pytest.raises(Unavailable):
            await pictures.add(desk, ticket, [PICTURE], ROADS)
    assert await seen_by(desk, ticket, ROADS) == 0
    assert DISPATCHER.is_hotline
