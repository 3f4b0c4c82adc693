"""What makes a model look better than it is: a text on both sides of a split, a label that stands in its own text.

Counts and refuses; repairs nothing. Texts that stand under two categories are counted too, but they make figures worse
and not better, so they are no leak.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from classifier import similar
from classifier.corpus import CorpusError, Example
from classifier.cues import Hints

BETRAYED_MOST: Final = 0.02
"""The share of texts that may show their own label: people do write a word of it in brackets now and then."""
KIND_NAMES: Final = {
    "consult": "咨询",
    "help": "求助",
    "complaint": "投诉",
    "report": "举报",
    "suggest": "建议",
    "praise": "表扬",
    "invalid": "无效",
}
_SHOWN: Final = 5
# A form's field, not a caller's sentence: 【路灯】, (投诉), 诉求分类: 城市管理/路灯.
_FIELD = re.compile(
    r"[【\[(〔<《「]([^】\])〕>》」]{2,30})[】\])〕>》」]|(?:类别|分类|类型|类目|事项|标签|栏目|归口)\s*[:=]\s*([^,。;\s]{2,30})"
)
_LEVELS = re.compile(r"[/>\-—|·、]+")


def told(
    examples: Sequence[Example], alike: Sequence[tuple[int, int, float]], fold: NDArray[np.int64], hints: Hints
) -> dict[str, Any]:
    """Return the leaks of a corpus as shares of its examples, with the bounds that hold.

    `alike` are its nearly equal pairs, `fold` the number of the fold that each example is judged in, `hints` how
    categories are named.
    """
    names = _names(hints)
    category = [at for at, one in enumerate(examples) if _shows_category(one, names)]
    kind = [at for at, one in enumerate(examples) if KIND_NAMES.get(one.kind) in _fields(one.text)]
    across = {position for i, j, _ in alike if fold[i] != fold[j] for position in (i, j)}
    return {
        "likeness": similar.THRESHOLD,
        "near_duplicates": _share({j for _, j, _ in alike}, examples),
        "across_folds": _share(across, examples),
        "two_categories": _share(_contradicting(examples), examples),
        "category_in_text": _share(category, examples),
        "type_in_text": _share(kind, examples),
        "first_with_label": sorted({*category[:_SHOWN], *kind[:_SHOWN]})[:_SHOWN],
        "bounds": {"across_folds": 0.0, "category_in_text": BETRAYED_MOST, "type_in_text": BETRAYED_MOST},
    }


def refuse(found: Mapping[str, Any]) -> None:
    """Raise CorpusError where a leak is over its bound, with what to do."""
    over = [name for name, most in found["bounds"].items() if found[name] > most]
    if over:
        shares = ", ".join(f"{name} {found[name]:.1%} (at most {found['bounds'][name]:.0%})" for name in over)
        raise CorpusError(
            f"the figures would be too good: {shares}; first examples, counted from 0: {found['first_with_label']}; "
            "take out of the texts what was written after somebody had judged them"
        )


def _share(positions: Iterable[int], examples: Sequence[Example]) -> float:
    return round(len(list(positions)) / len(examples), 4)


def _contradicting(examples: Sequence[Example]) -> list[int]:
    """The examples whose very text stands under another category, too."""
    categories: dict[str, set[str]] = defaultdict(set)
    for example in examples:
        categories[example.text].add(example.category)
    return [at for at, example in enumerate(examples) if len(categories[example.text]) > 1]


def _names(hints: Hints) -> Mapping[str, tuple[str, ...]]:
    """The codes that each word of the hints speaks for."""
    names: dict[str, set[str]] = defaultdict(set)
    for said, code in hints.lines:
        for name in said.split():
            names[name].add(code)
    return {name: tuple(sorted(codes)) for name, codes in names.items()}


def _shows_category(example: Example, names: Mapping[str, tuple[str, ...]]) -> bool:
    """Whether a text holds the code of its own category, or a field with one of its names."""
    code = example.category
    written = rf"(?<!\d){code[:2]}[.\-]?{code[2:4]}[.\-]?{code[4:]}(?!\d)"
    fields = _fields(example.text)
    return re.search(written, example.text) is not None or any(code.startswith(names.get(one, ())) for one in fields)


def _fields(text: str) -> set[str]:
    """What stands in the fields of a form inside a text, level by level."""
    found = (match[1] or match[2] for match in _FIELD.finditer(text))
    return {part.strip() for field in found for part in _LEVELS.split(field)}
