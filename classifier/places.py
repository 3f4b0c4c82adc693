"""Which area a text speaks of, by the names that examples with a known area use.

Learns names from the examples and knows no map: a name that points to two areas points to none. Names only; no
distances.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from ahocorasick_rs import AhoCorasick, MatchKind

from classifier.corpus import Example

_NAME = re.compile(r"[\u4e00-\u9fff]{2,3}(?:街道|镇|乡|区|县)")
_WHOLE = re.compile(r"[\u4e00-\u9fff]{2}(?:街道|镇|乡|区|县)")
_ENDING = re.compile(r"(?:街道|镇|乡|区|县)$")
_PURITY = 0.8
_LEAST = 3


@dataclass(frozen=True)
class Places:
    """Names with the code of the area that each stands for."""

    names: Mapping[str, str]

    @cached_property
    def _searched(self) -> AhoCorasick:
        """All names, sought in one pass."""
        return AhoCorasick(self.names, matchkind=MatchKind.LeftmostLongest)

    def area(self, text: str) -> str | None:
        """Return the area most often named in a clean text, the deepest code on its branch; None if none is."""
        counts = Counter(self.names[name] for name in self._searched.find_matches_as_strings(text))
        if not counts:
            return None
        # A street inside a named district is the district said more exactly, not a second place.
        weight = {code: sum(n for other, n in counts.items() if code.startswith(other)) for code in counts}
        return max(sorted(counts), key=lambda code: (weight[code], len(code)))


def learn(examples: Iterable[Example]) -> Places:
    """Return the names that stand in at least three examples and nearly always in those of one area.

    A short name is a word as well (建设, 大桥): it counts wherever it stands, also where no place is meant.
    """
    examples = list(examples)
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
    return Places({name: code for name, code in learned.items() if name not in elsewhere})


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
