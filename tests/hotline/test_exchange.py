"""Files come in whatever offices make of them, and leave without a name; nothing is lost, doubled or run."""

import asyncio
import csv
import json
import os
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from dispatch import actions as do
from dispatch.model import Channel, TicketState, TicketType
from hotline import db, embedded, exchange, reports, tickets
from hotline.db import Pool
from hotline.desk import Desk
from hotline.errors import BadInput
from tests.city import AGENT, DISPATCHER, handler, home_of, intake, kill_postgres, small_desk, until

SHARED = Path(os.environ.get("HOTLINE_SHARED_DATA") or Path(__file__).parents[2].parent / "shared/data")
HEADER = ("工单编号", "主题", "诉求内容", "诉求类型", "区县", "受理时间", "姓名", "联系电话")
GOOD = ("A-1", "路灯", "学府街路灯不亮", "投诉", "学府街道", "2026/11/20 9:05", "陈大海", "138 1234 5678")


@pytest.fixture
async def desk(pool: Pool) -> AsyncIterator[Desk]:
    async with small_desk(pool) as desk:
        yield desk


def rows_text(*rows: Sequence[str], header: Sequence[str] = HEADER) -> str:
    target = StringIO()
    csv.writer(target).writerows([header, *rows])
    return target.getvalue()


def good(number: str, **changed: str) -> list[str]:
    named = dict(zip(HEADER, GOOD, strict=True)) | {"工单编号": number} | changed
    return list(named.values())


class Said(list[str]):
    """What the import told the operator."""

    def __call__(self, sentence: str) -> None:
        self.append(sentence)


async def take(desk: Desk, file: Path, **options: Any) -> exchange.Tally:
    return await exchange.import_file(desk, file, source="board", say=options.pop("say", Said()), **options)


def rejects_of(file: Path) -> list[dict[str, str]]:
    rejects = file.with_name(f"{file.name}.rejects.csv")
    with rejects.open(encoding="utf-8-sig", newline="") as source:
        return list(csv.DictReader(source))


async def files_of(desk: Desk) -> list[Any]:
    ids = [row["id"] for row in await desk.store.fetch("ticket_ids", after=0, most=5000)]
    return sorted(await desk.store.files(ids), key=lambda file: str(file.matter.outside_id))


# --- encodings --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("encoding", "said"),
    [
        ("utf-8", ""),
        ("utf-8-sig", ""),  # as spreadsheets save UTF-8
        ("gb18030", "m.csv is not UTF-8 but GB18030; it is read as that"),  # as most offices save
        ("utf-16", "m.csv is UTF-16"),  # 'Unicode text'
    ],
)
async def test_a_file_is_read_in_the_encoding_that_it_has_and_a_rare_one_is_named(
    desk: Desk, tmp_path: Path, encoding: str, said: str
) -> None:
    file, heard = tmp_path / "m.csv", Said()
    file.write_bytes(rows_text(good("1"), good("2")).encode(encoding))

    tally = await take(desk, file, say=heard)

    assert (tally.read, tally.opened, tally.rejected) == (2, 2, 0)
    assert heard[:-1] == ([said] if said else [])
    one = (await files_of(desk))[0]
    assert (one.matter.title, one.matter.text) == ("路灯", "学府街路灯不亮")
    assert (one.ticket.type, one.ticket.area) == (TicketType.COMPLAINT, "0102")
    assert one.ticket.received_at == datetime(2026, 11, 20, 1, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "content", "options", "said"),
    [
        ("m.csv", b"\xff\xff\x80\x80text\n", {}, "is neither UTF-8 nor GB18030"),
        ("m.csv", b"text\nx\n", {"encoding": "utf-77"}, "encoding 'utf-77' is unknown"),
        ("m.xlsx", b"text\nx\n", {}, "is no workbook"),  # a text with the name of a workbook
        ("m.xls", b"", {}, "is of no kind that can be read; allowed: .csv, .xlsx, .jsonl"),
        ("m.csv", "标题,备注\na,b\n".encode(), {}, "hold no text; allowed: --map text=COLUMN"),
        ("m.csv", b"text\nx\n", {"mapping": {"colour": "text"}}, "map 'colour' is no field; allowed: outside_id"),
        (
            "m.csv",
            b"text\nx\n",
            {"mapping": {"title": "T"}},
            "map 'title=T' names no column of the file; allowed: text",
        ),
        ("m.csv", b"", {}, "hold no text"),  # not even a header
        ("m.csv", b"text\n", {"mapping": {"colour": "text"}}, "is no field"),  # said also where there is no row
    ],
)
async def test_a_file_that_cannot_be_read_as_a_whole_is_refused_with_the_way_out(
    desk: Desk, tmp_path: Path, name: str, content: bytes, options: dict[str, Any], said: str
) -> None:
    (tmp_path / name).write_bytes(content)

    with pytest.raises(BadInput) as bad:
        await take(desk, tmp_path / name, **options)

    assert said in str(bad.value)
    assert await files_of(desk) == []


async def test_a_file_that_is_not_there_is_said(desk: Desk, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="is not there"):
        await take(desk, tmp_path / "none.csv")


async def test_bytes_that_are_no_text_reject_their_row_only(desk: Desk, tmp_path: Path) -> None:
    file = tmp_path / "m.csv"
    lines = rows_text(good("1"), good("2", 诉求内容="HERE"), good("3")).encode().replace(b"HERE", b"\xff\xfe\xfd")
    file.write_bytes(lines)

    tally = await take(desk, file, encoding="utf-8")

    assert (tally.opened, tally.rejected) == (2, 1)
    assert [(row["line"], row["工单编号"]) for row in rejects_of(file)] == [("3", "2")]


# --- kinds of files ---------------------------------------------------------------------------------------------------


async def test_a_workbook_gives_dates_as_moments_and_numbers_as_people_wrote_them(desk: Desk, tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    sheet.append([*HEADER, None])
    moment = datetime(2026, 11, 20, 9, 5)  # noqa: DTZ001 - cells have no zone
    sheet.append([12.0, "路灯", "不亮", "投诉", "学府街道", moment, "陈大海", 13812345678.0])
    sheet.append([])
    sheet.append([13, "路灯", "不亮"])
    sheet.append([1.23456789012345e17, "路灯", "不亮"])  # an id of 18 digits that a spreadsheet has rounded
    sheet.append([14, "路灯", "不亮", "投诉", None, None, None, None, "behind the last column"])
    file = tmp_path / "m.xlsx"
    book.save(file)

    tally = await take(desk, file)

    assert (tally.opened, tally.rejected) == (2, 2)
    first, second = await files_of(desk)
    assert (first.matter.outside_id, second.matter.outside_id) == ("12", "13")
    assert first.ticket.received_at == datetime(2026, 11, 20, 1, 5, tzinfo=UTC)
    assert [row["id"] for row in await tickets.tickets_of_phone(desk, "13812345678", AGENT)] == [first.ticket.id]
    long, wide = rejects_of(file)
    assert (long["line"], wide["line"]) == ("5", "6")
    assert "more than 15 digits" in long["reason"]
    assert "has 9 columns where the header has 8" in wide["reason"]


async def test_a_broken_line_of_json_is_rejected_and_lends_its_columns_to_no_other(desk: Desk, tmp_path: Path) -> None:
    lines = [
        '{"text": "broken',
        '{"内容": "路灯不亮", "电话": "13812345678", "编号": 1}',
        "",
        '["no", "object"]',
        '{"text": "has a half \\ud800 character"}',
        '{"title": "without text"}',
        '{"text": {"nested": 1}}',
        '{"text": "路灯又不亮", "urgency": "紧急", "id": 2.0}',
        "[" * 100_000,
    ]
    file = tmp_path / "m.jsonl"
    file.write_text("\n".join(lines), "utf-8")

    tally = await take(desk, file)

    assert (tally.read, tally.opened, tally.rejected) == (8, 2, 6)
    first, second = await files_of(desk)
    assert (first.matter.text, first.matter.outside_id, len(first.ticket.callers)) == ("路灯不亮", "1", 1)
    assert first.ticket.callers[0].reachable
    assert (second.matter.outside_id, second.ticket.urgency) == ("2", "urgent")
    found = {row["line"]: row for row in rejects_of(file)}
    assert list(found) == ["1", "4", "5", "6", "7", "9"]
    assert "is no JSON" in found["1"]["reason"]
    assert "hold no text" in found["6"]["reason"]
    assert json.loads(found["6"]["others"]) == {"title": "without text"}


async def test_a_row_shorter_than_the_header_takes_no_column_from_the_others(desk: Desk, tmp_path: Path) -> None:
    file = tmp_path / "m.csv"
    file.write_text("编号,内容,电话\n1,短\n2,路灯不亮,13812345678\n", "utf-8")

    await take(desk, file)

    short, whole = await files_of(desk)
    assert (short.ticket.callers[0].reachable, whole.ticket.callers[0].reachable) == (False, True)


async def test_names_of_categories_areas_types_and_channels_are_read_as_their_codes(desk: Desk, tmp_path: Path) -> None:
    file = tmp_path / "m.csv"
    file.write_text(
        "编号,内容,类型,紧急程度,事项分类,行政区划,渠道,保密\n"
        "1,路灯,投诉,紧急,路灯,城东区学府街道,微信,否\n"
        "2,路灯,help,normal,050902,0102,phone,是\n",
        "utf-8",
    )

    await take(desk, file)

    first, second = await files_of(desk)
    assert (first.ticket.category, first.ticket.area, first.matter.channel) == ("050902", "0102", "wechat")
    assert (second.ticket.category, second.ticket.area, second.ticket.confidential) == ("050902", "0102", True)
    assert first.ticket.state is TicketState.HANDLING


# --- bad rows ---------------------------------------------------------------------------------------------------------


async def test_bad_rows_are_rejected_with_line_and_reason_and_good_ones_are_kept(desk: Desk, tmp_path: Path) -> None:
    cases: list[tuple[list[str], str]] = [
        (good("1"), ""),
        (good("2", 诉求内容="坏\x00的"), "contains a NUL byte"),
        (good("3", 诉求内容="第一行\n第二行\n第三行"), ""),  # three lines in an editor
        (good("4", 诉求内容="长" * 20_001), "has 20001 characters; allowed: at most 20000"),
        (good("5", 诉求类型="抱怨"), "type '抱怨' is unknown; allowed: consult 咨询"),
        (good("6", 区县="火星"), "area '火星' is unknown"),
        (good("7", 受理时间="2030-01-01"), "lies in the future"),
        (good("8", 受理时间="昨天"), "received_at '昨天' is no moment"),
        (good("9", 联系电话="+86 138-1234-5678"), ""),
        (good("10", 联系电话="打不通"), "phone '打不通' is no phone number"),
        ([*good("11"), "x", "y"], "has 10 columns where the header has 8"),
        (good("12", 诉求内容=""), "text '' is missing"),
        (good("13", 诉求内容="  "), "text '' is missing"),
        (good("14", 工单编号="9" * 101), "has 101 characters"),
        (good("15", 诉求内容="字" * 140_000), "field larger than field limit"),
        (good("16", 受理时间="0001-01-01 00:00:00"), "lies before there were hotlines"),  # an empty date
        (good("17"), ""),
    ]
    file = tmp_path / "m.csv"
    file.write_text(rows_text(*(row for row, _ in cases)), "utf-8", newline="")

    tally = await take(desk, file)

    wanted = [(number, reason) for number, (_, reason) in enumerate(cases, 2)]
    wanted = [(number + 2 * (number > 4), reason) for number, reason in wanted if reason]
    found = rejects_of(file)
    assert [int(row["line"]) for row in found] == [number for number, _ in wanted]
    for row, (_, reason) in zip(found, wanted, strict=True):
        assert reason in row["reason"]
    assert (tally.opened, tally.rejected) == (4, 13)
    assert [file.matter.outside_id for file in await files_of(desk)] == ["1", "17", "3", "9"]


async def test_rejects_can_be_mended_and_imported_again(desk: Desk, tmp_path: Path) -> None:
    file = tmp_path / "m.csv"
    file.write_text(rows_text(good("1", 诉求类型="抱怨", 联系电话="+86 13812345678")), "utf-8", newline="")
    await take(desk, file)
    rejects = tmp_path / "m.csv.rejects.csv"
    assert "'+86 13812345678" in rejects.read_text("utf-8-sig")  # no spreadsheet may run it
    mended = tmp_path / "mended.csv"
    mended.write_text(rejects.read_text("utf-8-sig").replace("抱怨", "投诉", 2), "utf-8", newline="")

    tally = await take(desk, mended)

    assert tally.opened == 1
    assert len(await tickets.tickets_of_phone(desk, "13812345678", AGENT)) == 1


async def test_rejects_of_an_earlier_run_do_not_outlive_a_clean_one(desk: Desk, tmp_path: Path) -> None:
    file = tmp_path / "m.csv"
    file.write_text(rows_text(good("1", 诉求类型="抱怨")), "utf-8", newline="")
    await take(desk, file)
    assert rejects_of(file)

    file.write_text(rows_text(good("1")), "utf-8", newline="")
    await take(desk, file)

    assert not (tmp_path / "m.csv.rejects.csv").exists()


async def test_formulas_are_defused_in_rejects(desk: Desk, tmp_path: Path) -> None:
    file = tmp_path / "m.csv"
    text = rows_text(["=cmd|' /C calc'!A0", "抱怨"], header=["内容", "类型", "=EVIL()"])
    file.write_text(text, "utf-8", newline="")

    await take(desk, file)

    with (tmp_path / "m.csv.rejects.csv").open(encoding="utf-8-sig", newline="") as source:
        cells = [cell for row in csv.reader(source) for cell in row]
    assert any("calc" in cell for cell in cells)
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))]


# --- again ------------------------------------------------------------------------------------------------------------


async def test_a_file_that_is_imported_twice_opens_nothing_new(desk: Desk, tmp_path: Path) -> None:
    file = tmp_path / "m.csv"
    rows = [*(good(str(number)) for number in range(40)), *(good("", 诉求内容=f"{number}号") for number in range(9))]
    file.write_text(rows_text(*rows, good("", 诉求内容="1号")), "utf-8", newline="")

    first, second = await take(desk, file), await take(desk, file)

    assert (first.opened, first.known) == (49, 1)  # two rows alike without a number are one matter
    assert (second.opened, second.known) == (0, 50)
    assert len(await files_of(desk)) == 49


async def test_an_import_lives_through_a_database_that_is_killed_and_comes_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exchange, "FIRST_PAUSE_SECONDS", 0.05)
    monkeypatch.setattr(exchange, "TRIES", 10)
    file, number = tmp_path / "m.csv", 400
    file.write_text(rows_text(*(good(str(row)) for row in range(number))), "utf-8", newline="")
    with embedded.temporary(with_redis=False) as urls:
        pool = await db.open_pool(urls.database, size=4)
        async with db.connection(pool) as connection:
            # The kernel outlives the server: what is handed to it needs no fsync to survive a kill.
            await connection.execute("ALTER DATABASE hotline SET synchronous_commit = on")
            await db.migrate(connection)
        await pool.expire_connections()
        async with small_desk(pool) as desk:
            importing = asyncio.create_task(take(desk, file))
            await until(lambda: _has_tickets(pool, number // 10))
            await kill_postgres(home_of(urls), pool)
            with await asyncio.to_thread(_started, home_of(urls)):
                tally = await importing
                assert await _number_of_tickets(pool) == tally.opened + tally.known == tally.read == number
                assert (await take(desk, file)).known == number
                assert not any((await reports.invariants(desk, tally.tickets)).values())
                await pool.close()


def _started(home: Path) -> ExitStack:
    stack = ExitStack()
    stack.enter_context(embedded.servers(home, lambda _: None, durable=False, with_redis=False))
    return stack


async def _has_tickets(pool: Pool, least: int) -> bool:
    return await _number_of_tickets(pool) >= least


async def _number_of_tickets(pool: Pool) -> int:
    async with db.connection(pool) as connection:
        return int(await connection.fetchval("SELECT count(*) FROM tickets"))


# --- export -----------------------------------------------------------------------------------------------------------


def read_csv(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8-sig", newline="") as source:
        return list(csv.DictReader(source))


def read_xlsx(file: Path) -> list[dict[str, str]]:
    book = openpyxl.load_workbook(file, read_only=True)
    header, *rows = book.worksheets[0].iter_rows(values_only=True)
    book.close()
    return [{str(name): str(value or "") for name, value in zip(header, row, strict=True)} for row in rows]


def read_jsonl(file: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in file.read_text("utf-8").splitlines()]


READERS: dict[str, Callable[[Path], list[dict[str, str]]]] = {
    ".csv": read_csv,
    ".xlsx": read_xlsx,
    ".jsonl": read_jsonl,
}


async def test_an_export_masks_callers_leaves_out_protected_ones_and_runs_no_formula(
    desk: Desk, tmp_path: Path
) -> None:
    caller = {"name": "欧阳大海", "phone": "13812345678", "address": "幸福路1号"}
    plain = intake(text="=HYPERLINK() 电话13900001111\x0b", title="+1", category="050901", **caller)
    await tickets.open_ticket(desk, plain, AGENT)
    await tickets.open_ticket(desk, intake(text="a secret matter", confidential=True, **caller), AGENT)
    await tickets.open_ticket(desk, intake(text="a report", type="report", **caller), AGENT)

    for suffix, read in READERS.items():
        file = tmp_path / f"out{suffix}"
        assert await exchange.export_file(desk, file, say=Said()) == 3
        rows = read(file)
        shown = "".join(map(str, rows))

        assert tuple(rows[0]) == exchange.HEADINGS
        assert [(row["诉求人"], row["电话"]) for row in rows] == [("欧阳**", "138****5678"), ("", ""), ("", "")]
        assert [row["保密"] for row in rows] == ["否", "是", "否"]
        assert (rows[0]["渠道"], rows[0]["主办单位"]) == (Channel.PHONE.chinese, "市交通运输局")
        assert not [secret for secret in ("大海", "13812345678", "13900001111", "幸福路") if secret in shown]
        if suffix != ".jsonl":
            assert not [cell for row in rows for cell in row.values() if cell.startswith(("=", "+", "-", "@"))]


async def test_an_export_names_the_lead_and_no_co_handler_and_leaves_a_trace(desk: Desk, tmp_path: Path) -> None:
    opened = await tickets.open_ticket(desk, intake(category="050901"), AGENT)
    await tickets.act(desk, opened.ticket_id, do.Accept(assignment=1), handler("jtj"))
    await tickets.act(desk, opened.ticket_id, do.AddCo(assignment=1, department="cgj", why="helps"), DISPATCHER)

    await exchange.export_file(desk, tmp_path / "out.csv", say=Said())
    async with db.connection(desk.store.pool) as connection:
        (trace,) = await connection.fetch("SELECT person, facts FROM audit WHERE what = 'export'")

    assert "@" in trace["person"]
    assert trace["facts"] == {"file": "out.csv"}
    assert [row["主办单位"] for row in read_csv(tmp_path / "out.csv")] == ["市交通运输局"]


async def test_an_export_of_many_pages_has_every_ticket_once(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "in.csv"
    source.write_text(rows_text(*(good(str(number)) for number in range(61))), "utf-8", newline="")
    await take(desk, source)
    monkeypatch.setattr(exchange, "PAGE", 20)

    for suffix, read in READERS.items():
        assert await exchange.export_file(desk, tmp_path / f"out{suffix}", say=Said()) == 61
        numbers = [row["工单编号"] for row in read(tmp_path / f"out{suffix}")]
        assert len(set(numbers)) == 61
        assert all(len(number) == 18 for number in numbers)


async def test_an_export_that_fails_leaves_the_earlier_file_alone(desk: Desk, tmp_path: Path) -> None:
    file = tmp_path / "out.csv"
    file.write_text("of yesterday", "utf-8")
    await tickets.open_ticket(desk, intake(name="陈"), AGENT)
    async with desk.store.pool.acquire() as connection:
        await connection.execute("UPDATE callers SET name_sealed = '\\x026b31'")

    with pytest.raises(Exception, match="cannot be opened"):
        await exchange.export_file(desk, file, say=Said())

    assert file.read_text("utf-8") == "of yesterday"
    assert os.listdir(tmp_path) == ["out.csv"]  # noqa: PTH208 (pathlib's own blocks, says ASYNC240)
    with pytest.raises(BadInput, match="is of no kind that can be written"):
        await exchange.export_file(desk, tmp_path / "out.pdf", say=Said())


async def test_what_was_exported_can_be_imported(desk: Desk, tmp_path: Path) -> None:
    await tickets.open_ticket(desk, intake(text="=1+1 路灯不亮", type="complaint"), AGENT)
    await exchange.export_file(desk, tmp_path / "out.csv", say=Said())

    tally = await take(desk, tmp_path / "out.csv")

    assert (tally.opened, tally.rejected) == (1, 0)
    copy = next(file for file in await files_of(desk) if file.matter.source == "board")
    assert copy.matter.text == "=1+1 路灯不亮"


# --- real messages ----------------------------------------------------------------------------------------------------


async def test_every_row_of_real_messages_is_opened_or_rejected_with_a_reason(desk: Desk, tmp_path: Path) -> None:
    replies = SHARED / "teddy2020/replies.csv"
    if not replies.is_file():
        pytest.skip("the folder of real messages is not here: set HOTLINE_SHARED_DATA")
    mapping = {"title": "topic", "text": "text", "received_at": "written_at"}

    tally = await take(desk, replies, mapping=mapping, rejects=tmp_path / "replies.csv.rejects.csv")

    assert tally.opened + tally.known + tally.rejected == tally.read == 1937
    assert tally.opened > 1900
    assert len(await files_of(desk)) == tally.opened
    assert not any((await reports.invariants(desk, tally.tickets)).values())
    if tally.rejected:
        assert all(row["reason"] for row in rejects_of(tmp_path / "replies.csv"))
