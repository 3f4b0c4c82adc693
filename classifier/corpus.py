"""Examples with their labels: read, check, split by time with no text on both sides.

Reads JSON lines as shipped in `classifier/data/corpus`, and CSV files with named columns. Everything is cleaned
(normalised and masked) on the way in, so nothing behind this module ever sees a telephone number. Knows no model.
"""

from __future__ import annotations

import codecs
import csv
import hashlib
import io
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from importlib import resources
from itertools import zip_longest
from pathlib import Path
from typing import Any, Final

from classifier import similar, text

KINDS = ("consult", "help", "complaint", "report", "suggest", "praise", "invalid")  # 咨询 求助 投诉 举报 建议 表扬 无效
URGENCIES = ("normal", "urgent", "critical")  # 一般 紧急 特急
CODE_DIGITS = 6
RISKS = ("life", "self_harm", "violence", "group", "secret")
DUPLICATE_SHARE_ALLOWED = 0.01
WEEKS: Final = (2, 4, 8)
"""How many of the newest weeks are kept back: the fewest that hold enough texts."""
_SHOWN: Final = 20
FEWEST: Final = 100


@dataclass(frozen=True, slots=True)
class Example:
    """One cleaned text with what is known about it; an empty field is not known. `at` is an ISO time or empty.

    `refused`: a category that somebody who should know said it is not. `weight`: how much it counts beside others.
    """

    text: str
    category: str
    kind: str = ""
    urgency: str = ""
    area: str = ""
    risks: tuple[str, ...] = ()
    at: str = ""
    refused: str = ""
    weight: float = 1.0


class CorpusError(ValueError):
    """The corpus cannot be used as it is; the message lists file, line and fault, at most twenty of them."""


def shipped() -> Path:
    """The folder of the corpus that comes with this package."""
    return Path(str(resources.files("classifier") / "data" / "corpus"))


def read(path: Path) -> list[Example]:
    """Return the examples of a .jsonl or .csv file, or of all such files of a folder in the order of their names.

    A table has a row an example, under the names of the fields; several risks stand in one cell with blanks between.
    Raises CorpusError with all faults at once.
    """
    files = sorted((*path.glob("*.jsonl"), *path.glob("*.csv"))) if path.is_dir() else [path]
    examples: list[Example] = []
    faults: list[str] = []
    for file in files:
        for number, row in _rows(file):
            try:
                examples.append(example(row() if callable(row) else row))
            except CorpusError:
                raise
            except KeyError as error:
                faults.append(f"{file.name}:{number}: there is no {error.args[0]}")
            except (ValueError, TypeError) as error:
                faults.append(f"{file.name}:{number}: {error}")
    if not files or not (examples or faults):
        faults.append(f"{path}: no example (expected .jsonl lines or a .csv table with text and category)")
    if faults:
        raise CorpusError("; ".join(faults[:20]))
    return examples


def _rows(path: Path) -> Iterator[tuple[int, Mapping[str, object] | Callable[[], Any]]]:
    """Yield the number of each row of a file with its fields, or with what reads them."""
    if path.suffix.lower() == ".csv":
        for number, told in enumerate(read_table(path), 2):
            if any(told.values()):
                yield number, {**told, "category": told["category"], "risks": told.get("risks", "").split()}
        return
    for number, line in enumerate(_content(path).split("\n"), 1):  # a JSON text may hold other ends of lines
        if line.strip():
            yield number, partial(json.loads, line)


class Line(dict[str, str]):
    """A row of a table; whoever asks for a column that is not there is told which ones are."""

    def __init__(self, cells: Mapping[str, str], table: Path) -> None:
        super().__init__(cells)
        self._table = table

    def __missing__(self, column: str) -> str:
        raise CorpusError(f"{self._table}: there is no column {column}; there are {', '.join(self)}")


def read_table(path: Path) -> list[Line]:
    """Return the rows of a table with a header, cells of any length without blanks around them.

    Commas, semicolons or tabs; UTF-8 with or without a mark, UTF-16 with one, else GB18030. Raises CorpusError for what
    is no table: an empty file, a header alone, two columns of one name, a row with more cells than names.
    """
    csv.field_size_limit(2**31 - 1)
    content = _content(path)
    header = content.lstrip().partition("\n")[0]
    marks = csv.reader(io.StringIO(content.lstrip(), newline=""), delimiter=max(",;\t", key=header.count))
    try:
        told = [[cell.strip() for cell in row] for row in marks if any(map(str.strip, row))]
    except csv.Error as error:
        raise CorpusError(f"{path}: no table: {error}") from error
    if len(told) <= 1:
        raise CorpusError(f"{path}: the table has {'a header and no row' if told else 'no header and no row'}")
    names, *rows = told
    if len(set(names)) < len(names):
        raise CorpusError(f"{path}: two columns have one name: {', '.join(names)}")
    if long := next((at for at, row in enumerate(rows, 1) if len(row) > len(names)), 0):
        raise CorpusError(
            f"{path}: row {long} has more cells than the {len(names)} columns: put quotes around its text"
        )
    return [Line(dict(zip_longest(names, row, fillvalue="")), path) for row in rows]


def _content(path: Path) -> str:
    """The text of a file in whichever encoding; raises CorpusError for what is no text."""
    raw = path.read_bytes()
    wide = raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    for encoding in ("utf-16",) if wide else ("utf-8-sig", "gb18030"):
        try:
            content = raw.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in content:
            return content
    raise CorpusError(f"{path}: no text in UTF-8, GB18030 or UTF-16: save the table as CSV UTF-8")


def problems(examples: Sequence[Example]) -> list[str]:
    """Say what is wrong with a whole corpus: types missing, too many near-duplicates, one text of two categories."""
    found = []
    if untyped := sum(not example.kind for example in examples):
        told = f"{untyped} of {len(examples)} examples have no type, one of {', '.join(KINDS)}"
        found.append(f"{told}: they would be learned as consultations, and others taken for such with them")
    share = similar.duplicate_share([example.text for example in examples])
    if share > DUPLICATE_SHARE_ALLOWED:
        found.append(
            f"duplicate share {share:.1%} is over {DUPLICATE_SHARE_ALLOWED:.0%} at 4-gram cosine {similar.THRESHOLD}"
        )
    categories: dict[str, set[str]] = {}
    for example in examples:
        categories.setdefault(example.text, set()).add(example.category)
    found += [f"under {sorted(codes)}: {shown[:20]}" for shown, codes in categories.items() if len(codes) > 1]
    return found


def kept_back(examples: Sequence[Example], at: datetime) -> tuple[list[Example], list[Example]]:
    """Return (older, newest): the fewest weeks before `at` that hold enough texts, without what repeats an older one.

    Examples without a time count as older. The newest are fewer than `FEWEST` where even the most weeks hold too few.
    """
    older: list[Example] = []
    newest: list[Example] = []
    for weeks in WEEKS:
        since = (at - timedelta(weeks=weeks)).isoformat()
        older = [example for example in examples if example.at < since]
        newest = [example for example in examples if example.at >= since]
        if len(newest) >= FEWEST:
            break
    leaks = similar.leaked([example.text for example in older], [example.text for example in newest])
    return older, [example for example, leaked in zip(newest, leaks, strict=True) if not leaked]


def fingerprint(examples: Iterable[Example]) -> str:
    """The SHA-256 over all examples in their order: the card's data hash."""
    digest = hashlib.sha256()
    for example in examples:
        fields = (example.text, example.category, example.kind, example.urgency, example.area, *example.risks)
        if example.refused or example.weight != 1:
            fields += (example.refused, f"{example.weight:.4f}")
        digest.update("\x1f".join(fields).encode() + b"\x1e")
    return digest.hexdigest()


def shares(labels: Iterable[str]) -> dict[str, float]:
    """The share of each label, the most frequent first."""
    counts = Counter(labels)
    return {label: count / counts.total() for label, count in counts.most_common()}


def example(row: Mapping[str, object]) -> Example:
    """Return one row as an example, cleaned and checked; raises ValueError with the fault."""
    category, kind, urgency = str(row["category"]), str(row.get("type") or ""), str(row.get("urgency") or "")
    risks = row.get("risks") or ()
    if len(category) != CODE_DIGITS or not (category.isascii() and category.isdigit()):
        raise ValueError(f"category {_shown(category)} is not six digits")
    if kind and kind not in KINDS:
        raise ValueError(f"type {_shown(kind)} is none of {', '.join(KINDS)}")
    if urgency and urgency not in URGENCIES:
        raise ValueError(f"urgency {_shown(urgency)} is none of {', '.join(URGENCIES)}")
    if not isinstance(risks, list | tuple) or not set(risks) <= set(RISKS):
        raise ValueError(f"risks {_shown(risks)} are not of {', '.join(RISKS)}")
    cleaned = text.clean(str(row["text"]))
    if not cleaned:
        raise ValueError("the text is empty")
    at, refused = str(row.get("at") or ""), str(row.get("refused") or "")
    if at:
        datetime.fromisoformat(at)
    weight = float(str(row.get("weight") or 1))
    if not 0 < weight < float("inf"):
        raise ValueError(f"weight {weight} is not above 0")
    return Example(
        cleaned, category, kind, urgency, str(row.get("area") or ""), tuple(map(str, risks)), at, refused, weight
    )


def _shown(value: object) -> str:
    """What stands in a field, for an error: whole texts get into wrong columns, so it is masked and short."""
    return repr(text.clean(str(value))[:_SHOWN])
