"""Examples with their labels: read, check, split by time with no text on both sides.

Reads JSON lines as shipped in `classifier/data/corpus`, and CSV files with named columns. Everything is cleaned
(normalised and masked) on the way in, so nothing behind this module ever sees a telephone number. Knows no model.
"""

from __future__ import annotations

import csv
import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib import resources
from pathlib import Path
from typing import Final

from classifier import similar, text

KINDS = ("consult", "help", "complaint", "report", "suggest", "praise", "invalid")  # 咨询 求助 投诉 举报 建议 表扬 无效
URGENCIES = ("normal", "urgent", "critical")  # 一般 紧急 特急
CODE_DIGITS = 6
RISKS = ("life", "self_harm", "violence", "group", "secret")
DUPLICATE_SHARE_ALLOWED = 0.01
WEEKS: Final = (2, 4, 8)
"""How many of the newest weeks are kept back: the fewest that hold enough texts."""
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
    """Return the examples of a .jsonl file, or of all such files of a folder in the order of their names.

    Raises CorpusError with all faults at once.
    """
    files = sorted(path.glob("*.jsonl")) if path.is_dir() else [path]
    examples: list[Example] = []
    faults: list[str] = []
    for file in files:
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
            if not line.strip():
                continue
            try:
                examples.append(example(json.loads(line)))
            except (ValueError, KeyError, TypeError) as error:
                faults.append(f"{file.name}:{number}: {type(error).__name__} {error}")
    if not files or not (examples or faults):
        faults.append(f"{path}: no example (expected .jsonl lines with text and category)")
    if faults:
        raise CorpusError("; ".join(faults[:20]))
    return examples


def read_table(path: Path) -> list[dict[str, str]]:
    """Return the rows of a CSV file with a header; fields of any length."""
    csv.field_size_limit(2**31 - 1)
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def problems(examples: Sequence[Example]) -> list[str]:
    """Say what is wrong with a corpus as a whole: too many near-duplicates, one text under two categories."""
    found = []
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
    if len(category) != CODE_DIGITS or not category.isdigit():
        raise ValueError(f"category {category!r} is not six digits")
    if kind and kind not in KINDS:
        raise ValueError(f"type {kind!r} is none of {', '.join(KINDS)}")
    if urgency and urgency not in URGENCIES:
        raise ValueError(f"urgency {urgency!r} is none of {', '.join(URGENCIES)}")
    if not isinstance(risks, list | tuple) or not set(risks) <= set(RISKS):
        raise ValueError(f"risks {risks!r} are not of {', '.join(RISKS)}")
    cleaned = text.clean(str(row["text"]))
    if not cleaned:
        raise ValueError("the text is empty")
    at, refused = str(row.get("at") or ""), str(row.get("refused") or "")
    if at:
        datetime.fromisoformat(at)
    weight = float(str(row.get("weight") or 1))
    return Example(
        cleaned, category, kind, urgency, str(row.get("area") or ""), tuple(map(str, risks)), at, refused, weight
    )
