"""Tickets in and out of files: .csv, .xlsx and .jsonl, streamed, whatever their size.

A good row is opened through the service like any call; a bad one goes into the rejects file with its line and the
reason, and stops nothing. A row is known again by its source's number, or by its content where it has none, so that
the same file can be imported twice. What leaves in an export has its callers masked.
"""

from __future__ import annotations

import asyncio
import codecs
import csv
import getpass
import hashlib
import json
import os
import socket
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from itertools import zip_longest
from pathlib import Path
from time import monotonic
from typing import IO, Any
from zipfile import BadZipFile

import openpyxl
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.utils.exceptions import InvalidFileException

from dispatch.model import Actor, Channel, Duty, Role, Ticket
from dispatch.rulebook import Rulebook
from dispatch.worktime import ZONE
from hotline import tickets, vault
from hotline.desk import Desk
from hotline.errors import BadInput, Unavailable

Say = Callable[[str], None]
IMPORTER = Actor("import", Role.AGENT, "hotline", "批量导入")
AT_ONCE = 16
SAY_EVERY_SECONDS = 2.0
TRIES = 6
FIRST_PAUSE_SECONDS = 0.5
"""How long a row waits for a database that is away; twice as long before each further try."""
PROBE_BYTES = 1 << 20
PAGE = 500

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "outside_id": ("编号", "工单编号", "留言编号", "案件编号", "id", "number", "row"),
    "title": ("标题", "主题", "留言主题", "topic"),
    "text": ("内容", "主要内容", "诉求内容", "留言详情", "详情", "content"),
    "type": ("类型", "诉求类型", "来电类别"),
    "urgency": ("紧急程度",),
    "category": ("分类", "事项分类", "事项分类编码"),
    "area": ("区域", "行政区划", "区县", "事发地"),
    "place": ("地点", "详细地址", "事发地址"),
    "channel": ("渠道", "受理渠道", "来源渠道"),
    "received_at": ("时间", "受理时间", "留言时间", "来电时间", "written_at"),
    "confidential": ("保密", "是否保密"),
    "name": ("姓名", "来电人", "诉求人", "留言用户", "user"),
    "phone": ("电话", "联系电话", "来电号码", "联系方式"),
    "address": ("住址", "联系地址"),
}
"""Names of columns that are understood without --map, besides the names of the fields themselves."""

_FORMATS = ("%Y/%m/%d %H:%M:%S", "%Y/%m/%d %H:%M", "%Y/%m/%d", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y年%m月%d日")


@dataclass
class Tally:
    """What became of the rows of a file."""

    read: int = 0
    opened: int = 0
    known: int = 0
    rejected: int = 0
    tickets: list[int] = field(default_factory=list)

    def sentence(self) -> str:
        return f"{self.read} rows: {self.opened} opened, {self.known} known already, {self.rejected} rejected"


@dataclass(frozen=True, slots=True)
class Line:
    """One row of a file with the number that an editor shows for it; `fault` when it could not even be read.

    `more` is what stood behind the last column of the header.
    """

    number: int
    values: Mapping[str, Any]
    fault: str = ""
    more: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class Table:
    """An opened file; `header` is None where every line names its own columns."""

    header: tuple[str, ...] | None
    lines: Iterator[Line]


# --- import -------------------------------------------------------------------------------------------------------


async def import_file(  # noqa: PLR0913 - each has a sensible default
    desk: Desk,
    file: Path,
    *,
    source: str,
    mapping: Mapping[str, str] | None = None,
    encoding: str | None = None,
    rejects: Path | None = None,
    say: Say,
) -> Tally:
    """Open a ticket for every good row of `file` and return what became of all.

    Raises BadInput when the file as a whole cannot be read, Unavailable when the database stays away: what was
    opened until then stays, and the next import of the file goes on from there.
    """
    rulebook = await desk.rulebook()
    names = _by_name(rulebook)
    tally, said = Tally(), monotonic()
    rejects = rejects or file.with_name(f"{file.name}.rejects.csv")
    with ExitStack() as stack:
        table = stack.enter_context(_opened(file, encoding, say))
        read = _reader_of(table.header, mapping or {}, source, names)
        write = stack.enter_context(_rejecting(rejects))
        for batch in _batches(table.lines):
            results = await asyncio.gather(*(_open_one(desk, line, read) for line in batch), return_exceptions=True)
            for line, result in zip(batch, results, strict=True):
                if not isinstance(result, BaseException) or isinstance(result, BadInput):
                    _count(tally, line, result, write)
            # Every row of the batch has come to its end before the import gives up.
            for result in results:
                if isinstance(result, BaseException) and not isinstance(result, BadInput):
                    raise result
            if monotonic() - said >= SAY_EVERY_SECONDS:
                said = monotonic()
                say(tally.sentence())
    say(tally.sentence() + (f"; the rejected ones with reasons are in {rejects}" if tally.rejected else ""))
    return tally


Reader = Callable[[Line], tickets.Intake]
Reject = Callable[[Line, str], None]


async def _open_one(desk: Desk, line: Line, read: Reader) -> tickets.Opened:
    """Open one row, trying again while the database is away. Raises BadInput for a fault of the row."""
    for attempt in range(TRIES):
        try:
            return await tickets.open_ticket(desk, read(line), IMPORTER)
        except Unavailable:
            if attempt == TRIES - 1:
                raise
            await asyncio.sleep(FIRST_PAUSE_SECONDS * 2**attempt)
    raise AssertionError


def _count(tally: Tally, line: Line, result: tickets.Opened | BadInput, write: Reject) -> None:
    tally.read += 1
    if isinstance(result, BadInput):
        tally.rejected += 1
        write(line, str(result))
    elif result.is_new:
        tally.opened += 1
        tally.tickets.append(result.ticket_id)
    else:
        tally.known += 1


def _batches(lines: Iterable[Line]) -> Iterator[list[Line]]:
    batch: list[Line] = []
    for line in lines:
        batch.append(line)
        if len(batch) == AT_ONCE:
            yield batch
            batch = []
    if batch:
        yield batch


@contextmanager
def _rejecting(file: Path) -> Iterator[Reject]:
    """Write rejected rows to `file`, which is only there when some were rejected.

    Its columns are those of the first of them; what a later row has besides stands as JSON in the last one.
    """
    file.unlink(missing_ok=True)
    with ExitStack() as stack:
        writers: list[Any] = []
        columns: list[str] = []

        def write(line: Line, reason: str) -> None:
            if not writers:
                # The mark at the beginning lets spreadsheets of any office see that this is UTF-8. A half character
                # of a broken JSON line is written as its code.
                target = file.open("w", encoding="utf-8-sig", errors="backslashreplace", newline="")
                writers.append(csv.writer(stack.enter_context(target)))
                columns.extend(line.values)
                writers[0].writerow(["line", "reason", *map(cell, columns), "others"])
            others: dict[str, Any] = {name: value for name, value in line.values.items() if name not in columns}
            others |= {"": line.more} if line.more else {}
            shown = json.dumps(others, ensure_ascii=False, default=str) if others else ""
            writers[0].writerow([line.number, reason, *(cell(line.values.get(name)) for name in columns), shown])

        yield write


# --- reading files ------------------------------------------------------------------------------------------------


@contextmanager
def _opened(file: Path, encoding: str | None, say: Say) -> Iterator[Table]:
    if not file.is_file():
        raise BadInput("file", str(file), "is not there", "a .csv, .xlsx or .jsonl file")
    readers: Mapping[str, Callable[[IO[str]], Table]] = {".csv": _csv_table, ".jsonl": _json_table}
    suffix = file.suffix.lower()
    if suffix == ".xlsx":
        book = _workbook(file)
        try:
            yield _sheet_table(book.worksheets[0].iter_rows(values_only=True))
        finally:
            book.close()
    elif suffix in readers:
        with file.open(encoding=_known_encoding(encoding, file, say), errors="replace", newline="") as source:
            yield readers[suffix](source)
    else:
        raise BadInput("file", file.name, "is of no kind that can be read", ".csv, .xlsx, .jsonl")


def _workbook(file: Path) -> openpyxl.Workbook:
    try:
        book = openpyxl.load_workbook(file, read_only=True, data_only=True)
    except (BadZipFile, InvalidFileException, KeyError, ValueError, OSError) as error:
        raise BadInput("file", file.name, f"is no workbook: {error}", ".xlsx as spreadsheets save it today") from error
    if not book.worksheets:
        raise BadInput("file", file.name, "has no sheet", "the matters in the first sheet")
    return book


def _known_encoding(encoding: str | None, file: Path, say: Say) -> str:
    if encoding is None:
        return _encoding(file, say)
    try:
        return codecs.lookup(encoding).name
    except LookupError:
        raise BadInput("encoding", encoding, "is unknown", "utf-8, gb18030, utf-16 and others") from None


def _encoding(file: Path, say: Say) -> str:
    """Return UTF-8, or GB18030 where the beginning of the file is only that; says so. Raises BadInput for neither."""
    with file.open("rb") as source:
        probe = source.read(PROBE_BYTES)
    if probe.startswith((b"\xff\xfe", b"\xfe\xff")):
        say(f"{file.name} is UTF-16")
        return "utf-16"
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            probe.decode(encoding)
        except UnicodeDecodeError as error:
            # The probe may end in the middle of a character.
            if error.start < len(probe) - 4 or len(probe) < PROBE_BYTES:
                continue
        if encoding == "gb18030":
            say(f"{file.name} is not UTF-8 but GB18030; it is read as that")
        return encoding
    raise BadInput("file", file.name, "is neither UTF-8 nor GB18030", "--encoding NAME")


LONGEST_CELL = 131_072
"""Characters: a quote that is never closed must not swallow the file."""


def _csv_table(source: IO[str]) -> Table:
    csv.field_size_limit(LONGEST_CELL)  # one for the process: whoever read another file may have moved it
    reader = csv.reader(source)
    header = _header(next(reader, []))
    return Table(header, _csv_lines(reader, header))


def _csv_lines(reader: Any, header: tuple[str, ...]) -> Iterator[Line]:  # noqa: ANN401 - csv's own type has no name
    while True:
        start = reader.line_num + 1
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield Line(start, dict.fromkeys(header), f"cannot be read: {error}")
            continue
        if any(row):
            yield _line(start, header, row)


def _header(names: Iterable[Any]) -> tuple[str, ...]:
    # A mark of UTF-8 that --encoding left in place belongs to no name; empty cells at the end are no columns.
    return tuple(_without_end([str(name or "").strip().removeprefix("\ufeff") for name in names]))


def _without_end(cells: list[Any]) -> list[Any]:
    while cells and cells[-1] in (None, ""):
        cells.pop()
    return cells


def _line(number: int, header: tuple[str, ...], row: Iterable[Any]) -> Line:
    """Return a row with a value for every column, so that a short row is no other table."""
    cells = _without_end(list(row))
    fault = f"has {len(cells)} columns where the header has {len(header)}" if len(cells) > len(header) else ""
    return Line(number, dict(zip_longest(header, cells[: len(header)])), fault, tuple(cells[len(header) :]))


def _sheet_table(rows: Iterator[tuple[Any, ...]]) -> Table:
    header = _header(next(rows, ()))
    return Table(header, _sheet_lines(rows, header))


def _sheet_lines(rows: Iterator[tuple[Any, ...]], header: tuple[str, ...]) -> Iterator[Line]:
    for number, row in enumerate(rows, 2):
        if any(value not in (None, "") for value in row):
            yield _line(number, header, row)


def _json_table(source: IO[str]) -> Table:
    return Table(None, _json_lines(source))


def _json_lines(source: IO[str]) -> Iterator[Line]:
    for number, text in enumerate(source, 1):
        if not text.strip():
            continue
        try:
            values = json.loads(text)
        except (ValueError, RecursionError) as error:
            yield Line(number, {"text": text.strip()}, f"is no JSON: {error}")
            continue
        if isinstance(values, dict):
            yield Line(number, values)
        else:
            yield Line(number, {"text": text.strip()}, "is no JSON object")


# --- from a row to an intake --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Names:
    """Codes by the names that people write."""

    categories: Mapping[str, str]
    areas: Mapping[str, str]


def _by_name(rulebook: Rulebook) -> _Names:
    """Names of leaves that are unique stand for their code; so do names of areas, alone or after their county's."""
    categories = [(category.name, category.code) for category in rulebook.categories.values()]
    areas = [(area.name, area.code) for area in rulebook.areas.values()]
    areas += [
        (f"{rulebook.every_area[area.parent].name}{area.name}", area.code)
        for area in rulebook.areas.values()
        if area.parent
    ]
    return _Names(_unique(categories), _unique(areas))


def _unique(named: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Leave out names that stand for several codes: guessing would send a matter to the wrong place."""
    codes: dict[str, set[str]] = {}
    for name, code in named:
        codes.setdefault(name, set()).add(code)
    return {name: next(iter(found)) for name, found in codes.items() if len(found) == 1}


def _reader_of(header: tuple[str, ...] | None, mapping: Mapping[str, str], source: str, names: _Names) -> Reader:
    """Return what turns a row into an intake; raises BadInput when the header or the mapping cannot be right.

    Where every line names its own columns, one without the text is a fault of that line only.
    """
    for name in mapping:
        if name not in COLUMNS:
            raise BadInput("map", name, "is no field", ", ".join(COLUMNS))
    for name, column in mapping.items():
        if header is not None and column not in header:
            raise BadInput("map", f"{name}={column}", "names no column of the file", ", ".join(header))
    fixed = None if header is None else _chosen_columns(header, mapping)

    def read(line: Line) -> tickets.Intake:
        if line.fault:
            raise BadInput("row", line.number, line.fault)
        chosen = _chosen_columns(line.values, mapping) if fixed is None else fixed
        values = {name: _plain(name, line.values.get(column)) for name, column in chosen.items()}
        return tickets.read_intake(
            _adapted({name: value for name, value in values.items() if value not in (None, "")}, source, names)
        )

    return read


def _chosen_columns(columns: Iterable[str], mapping: Mapping[str, str]) -> dict[str, str]:
    """Return the column of each field; raises BadInput when none holds the text."""
    found = dict(mapping)
    for name, others in COLUMNS.items():
        known = [column for column in columns if column.strip().lower() in (name, *others)]
        if name not in found and known:
            found[name] = known[0]
    if "text" not in found:
        raise BadInput("columns", ", ".join(columns), "hold no text", "--map text=COLUMN")
    return found


def _plain(name: str, value: Any) -> str | bool | datetime | None:  # noqa: ANN401 - a cell of any file
    """Return a cell as an intake takes it: numbers as people wrote them, 12 and not 12.0."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, datetime):
        return value if name == "received_at" else str(value)
    if isinstance(value, float) and abs(value) >= _EXACT_BELOW:
        allowed = "the cell as text"
        raise BadInput(name, value, "is a number of more than 15 digits, which spreadsheets round", allowed)
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, list | dict):
        raise BadInput(name, value, "is not text")
    text = str(value).strip()
    if "\ufffd" in text or not _is_unicode(text):
        raise BadInput(name, text, "has bytes that are no text in the file's encoding")
    # The quote that our own exports and rejects put before what a spreadsheet would run.
    return text[1:] if text[:1] == "'" and text[1:].startswith(_RUN_BY_SPREADSHEETS) else text


_EXACT_BELOW = 1e15


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _adapted(values: dict[str, Any], source: str, names: _Names) -> dict[str, Any]:
    given = dict(values)
    if "received_at" in given:
        given["received_at"] = _moment(given["received_at"])
    if "category" in given:
        given["category"] = names.categories.get(given["category"], given["category"])
    if "area" in given:
        given["area"] = names.areas.get(given["area"], given["area"])
    given.setdefault("outside_id", _print_of(given))
    return given | {"source": source}


def _print_of(values: Mapping[str, Any]) -> str:
    """What a row without a number of its own is known by: its content."""
    text = json.dumps({name: str(value) for name, value in sorted(values.items())}, ensure_ascii=False)
    return f"content-{hashlib.sha256(text.encode()).hexdigest()[:24]}"


def _moment(value: str | datetime) -> datetime:
    moment = _read_moment(value)
    if moment.year < EARLIEST_YEAR:
        # What an empty date becomes in a spreadsheet (1900) or a program (1, 1970).
        raise BadInput("received_at", str(value), "lies before there were hotlines", f"from {EARLIEST_YEAR} on")
    return moment


EARLIEST_YEAR = 1980


def _read_moment(value: str | datetime) -> datetime:
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=ZONE)
    for form in _FORMATS:
        try:
            return datetime.strptime(value.strip(), form).replace(tzinfo=ZONE)
        except ValueError:
            continue
    try:
        moment = datetime.fromisoformat(value.strip())
    except ValueError:
        raise BadInput("received_at", value, "is no moment", "2026-11-23 17:00:00, 2026/11/23 17:00") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=ZONE)


# --- export -------------------------------------------------------------------------------------------------------

HEADINGS = (
    "工单编号",
    "来源",
    "来源编号",
    "标题",
    "内容",
    "类型",
    "紧急程度",
    "事项分类",
    "行政区划",
    "渠道",
    "受理时间",
    "状态",
    "办理结果",
    "主办单位",
    "诉求人",
    "电话",
    "保密",
)


async def export_file(desk: Desk, file: Path, *, say: Say) -> int:
    """Write every ticket to `file`, callers masked or, where they are protected, left out; return how many."""
    rulebook = await desk.rulebook()
    await _trace_export(desk, file)
    number, said = 0, monotonic()
    with _written(file) as write:
        async for row in _rows(desk, rulebook):
            write(row)
            number += 1
            if monotonic() - said >= SAY_EVERY_SECONDS:
                said = monotonic()
                say(f"{number} tickets")
    return number


async def _trace_export(desk: Desk, file: Path) -> None:
    """Keep, before the first row is written, that somebody with a shell takes every ticket, and who."""
    try:
        user = getpass.getuser()
    except (OSError, KeyError):  # a container without a list of its users
        user = f"uid {os.getuid()}"
    person, facts = f"{user}@{socket.gethostname()}", {"file": file.name}
    await desk.store.execute(
        "record_audit", at=desk.now(), person=person, what="export", ticket_id=None, reason="", facts=facts
    )


async def _rows(desk: Desk, rulebook: Rulebook) -> AsyncIterator[list[str]]:
    after = 0
    while ids := [row["id"] for row in await desk.store.fetch("ticket_ids", after=after, most=PAGE)]:
        sealed = {row["ticket_id"]: row for row in await desk.store.fetch("first_callers", ids=ids)}
        for found in await desk.store.files(ids):
            ticket, matter = found.ticket, found.matter
            name, phone = _caller(desk, None if ticket.hides_caller else sealed.get(ticket.id))
            category = rulebook.every_category.get(ticket.category or "")
            area = rulebook.every_area.get(ticket.area or "")
            yield [
                str(ticket.id),
                matter.source,
                matter.outside_id or "",
                matter.title,
                matter.text,
                ticket.type.chinese,
                ticket.urgency.chinese,
                category.name if category else "",
                area.name if area else "",
                Channel.of(matter.channel).chinese,
                ticket.received_at.astimezone(ZONE).strftime("%Y-%m-%d %H:%M:%S"),
                ticket.state.chinese,
                ticket.outcome.chinese if ticket.outcome else "",
                _lead(ticket, rulebook),
                name,
                phone,
                "是" if ticket.confidential else "否",
            ]
        after = ids[-1]


def _lead(ticket: Ticket, rulebook: Rulebook) -> str:
    """Name the newest lead; by its code where the unit is gone."""
    leads = [one.department for one in ticket.assignments if one.parent is None and one.duty is Duty.LEAD]
    unit = rulebook.every_department.get(leads[-1]) if leads else None
    return unit.name if unit else next(reversed(leads), "")


def _caller(desk: Desk, row: Any) -> tuple[str, str]:  # noqa: ANN401 - a row, or none
    if row is None:
        return "", ""
    name = desk.vault.open(row["name_sealed"], about="name") if row["name_sealed"] else ""
    phone = desk.vault.open(row["phone_sealed"], about="phone") if row["phone_sealed"] else ""
    return vault.mask_name(name) if name else "", vault.mask_phone(phone) if phone else ""


@contextmanager
def _written(file: Path) -> Iterator[Callable[[list[str]], None]]:
    """Give a function that writes one row; the file is complete and in its place only at the end."""
    part = file.with_name(f"{file.name}.part")
    suffix = file.suffix.lower()
    if suffix not in {".csv", ".xlsx", ".jsonl"}:
        raise BadInput("file", file.name, "is of no kind that can be written", ".csv, .xlsx, .jsonl")
    try:
        if suffix == ".xlsx":
            book = openpyxl.Workbook(write_only=True)
            sheet = book.create_sheet("工单")
            sheet.append(list(HEADINGS))
            yield lambda row: sheet.append([ILLEGAL_CHARACTERS_RE.sub("", cell(value)) for value in row])
            book.save(part)
        else:
            with part.open("w", encoding="utf-8-sig" if suffix == ".csv" else "utf-8", newline="") as target:
                yield _csv_row(target) if suffix == ".csv" else _json_row(target)
        part.replace(file)
    finally:
        part.unlink(missing_ok=True)


def _csv_row(target: IO[str]) -> Callable[[list[str]], None]:
    writer = csv.writer(target)
    writer.writerow(HEADINGS)
    return lambda row: writer.writerow([cell(value) for value in row])


def _json_row(target: IO[str]) -> Callable[[list[str]], None]:
    def write(row: list[str]) -> None:
        target.write(json.dumps(dict(zip(HEADINGS, row, strict=True)), ensure_ascii=False) + "\n")

    return write


def cell(value: object) -> str:
    """A cell that begins like a formula would be run by a spreadsheet; a quote makes it text."""
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(_RUN_BY_SPREADSHEETS) else text


_RUN_BY_SPREADSHEETS = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")
