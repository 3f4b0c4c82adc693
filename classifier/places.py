"""Which area a text speaks of, by the names that examples with a known area use.

Learns names from the examples and knows no map: a name that points to two areas points to none. Names only; no
distances.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from ahocorasick_rs import AhoCorasick, MatchKind
from numpy.typing import NDArray

from classifier.corpus import Example

_NAME = re.compile(r"[\u4e00-\u9fff]{2,3}(?:街道|镇|乡|区|县)")
_WHOLE = re.compile(r"[\u4e00-\u9fff]{2}(?:街道|镇|乡|区|县)")
_ENDING = re.compile(r"(?:街道|镇|乡|区|县)$")
_PURITY = 0.8
_LEAST = 3


@dataclass(frozen=True, slots=True)
class Place:
    """The area that a text speaks of, how likely that is, and the names that say so."""

    code: str
    probability: float
    names: tuple[str, ...]


@dataclass(frozen=True)
class Places:
    """Names with the code of the area that each stands for.

    `trust`: how often the area was right on texts whose names were learned from others, where all names that stood in a
    text agreed, and where they did not.
    """

    names: Mapping[str, str]
    trust: tuple[float, float] = (_PURITY, 0.5)

    @cached_property
    def _searched(self) -> AhoCorasick:
        """All names, sought in one pass."""
        return AhoCorasick(self.names, matchkind=MatchKind.LeftmostLongest)

    def found(self, text: str) -> Place | None:
        """Return the area most often named in a clean text, the deepest code on its branch; None if none is."""
        said = self._searched.find_matches_as_strings(text)
        if not said:
            return None
        counts = Counter(map(self.names.__getitem__, said))
        # A street inside a named district is the district said more exactly, not a second place.
        weight = {code: sum(n for other, n in counts.items() if code.startswith(other)) for code in counts}
        best = max(sorted(counts), key=lambda code: (weight[code], len(code)))
        speaking = tuple(dict.fromkeys(name for name in said if best.startswith(self.names[name])))
        return Place(best, self.trust[weight[best] < len(said)], speaking)


def learn(examples: Sequence[Example], fold: NDArray[np.int64] | None = None) -> Places:
    """Return the names that stand in at least three examples and nearly always in those of one area.

    A short name is a word as well (建设, 大桥): it counts wherever it stands, also where no place is meant. With the
    `fold` of each example, shape (examples,), it is measured how far they may be trusted.
    """
    learned = _learned(examples)
    return Places(learned) if fold is None else Places(learned, _trust(examples, fold))


def _trust(examples: Sequence[Example], fold: NDArray[np.int64]) -> tuple[float, float]:
    """How often each fold's area is right by the names of the other folds; one right and one wrong are added."""
    trial = {True: [1, 2], False: [1, 2]}
    for number in np.unique(fold).tolist():
        others = Places(
            _learned([one for one, own in zip(examples, fold == number, strict=True) if not own]), (1.0, 0.0)
        )
        for example in (one for one, own in zip(examples, fold == number, strict=True) if own and one.area):
            if place := others.found(example.text):
                agreed = trial[place.probability > 0]
                agreed[0] += place.code == example.area
                agreed[1] += 1
    return trial[True][0] / trial[True][1], trial[False][0] / trial[False][1]


def _learned(examples: Sequence[Example]) -> dict[str, str]:
    seen: dict[str, Counter[str]] = defaultdict(Counter)
    for example in examples:
        if example.area:
            for name in _names(example.text):
                seen[name][example.area] += 1
    learned = {}
    for name, areas in sorted(seen.items()):
        code, count = areas.most_common(1)[0]
        if count >= _LEAST and count >= _PURITY * areas.total():
            learned[name] = code
    elsewhere = _elsewhere(examples, learned)
    return {name: code for name, code in learned.items() if name not in elsewhere}


def _elsewhere(examples: Iterable[Example], learned: Mapping[str, str]) -> set[str]:
    """The short names that stand, where they are not part of the whole name, too often in texts of other areas."""
    short = {name: code for name, code in learned.items() if not _ENDING.search(name)}
    standing, at_home = Counter[str](), Counter[str]()
    sought = AhoCorasick(short)
    for example in examples:
        found = set(sought.find_matches_as_strings(_WHOLE.sub(" ", example.text), overlapping=True))
        standing.update(found)
        at_home.update(name for name in found if example.area.startswith(short[name]))
    return {name for name, count in standing.items() if at_home[name] < _PURITY * count}


def _names(text: str) -> set[str]:
    """All names in a text; of each also its shorter endings, since what precedes a name is not part of it."""
    found = set()
    for whole in _NAME.findall(text):
        ending = _ENDING.search(whole)
        stem = whole[: ending.start()] if ending else whole
        found |= {whole[start:] for start in range(max(len(stem) - 1, 1))} | {stem[-2:]}
    return found
