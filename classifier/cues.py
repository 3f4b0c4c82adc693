"""What words alone say of a matter: cue words of the categories, written down by people instead of learned.

Weak labels for a city without tickets. A text is searched for the words themselves, the longest first, so a phrase
that a cutter would split still counts. Knows codes and words; what codes mean elsewhere is told by a mapping.
"""

from __future__ import annotations

import csv
import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

import numpy as np
from ahocorasick_rs import AhoCorasick, MatchKind
from numpy.typing import NDArray
from scipy import sparse

from classifier import text as texts_of
from classifier.features import CHARACTERS, Features

# A phrase says more than a short word does: four characters weigh eight times as much as one.
_LENGTH_POWER: Final = 1.5
# Text without any cue stays near zero on every label; this many points of cue halve that caution.
_CAUTION: Final = 5.0
_WORDS_A_HINT: Final = 5


@dataclass(frozen=True)
class Hints:
    """Short texts that stand for a category, each with its code: descriptions, or a few cue words in a row.

    Shows itself by its hash, since whatever is learned from it belongs to the name of a model.
    """

    lines: tuple[tuple[str, str], ...] = ()

    @property
    def texts(self) -> tuple[str, ...]:
        return tuple(said for said, _ in self.lines)

    def __add__(self, other: Hints) -> Hints:
        return Hints(self.lines + other.lines)

    def __repr__(self) -> str:
        told = "\x1e".join("\x1f".join(line) for line in self.lines)
        return f"Hints({len(self.lines)}, sha256={hashlib.sha256(told.encode()).hexdigest()[:12]})"


@dataclass(frozen=True)
class Cues:
    """Words with the codes (of two, four or six digits) that each speaks for, and how strongly."""

    lines: tuple[tuple[str, tuple[tuple[str, float], ...]], ...]

    @cached_property
    def weights(self) -> Mapping[str, Mapping[str, float]]:
        """The codes of each word with their weights; a word of several codes is shared among them."""
        found: dict[str, dict[str, float]] = {}
        for code, words in self.lines:
            for word, weight in words:
                codes = found.setdefault(word, {})
                codes[code] = codes.get(code, 0.0) + weight
        return {word: {code: n / len(codes) for code, n in codes.items()} for word, codes in found.items()}

    @cached_property
    def _searched(self) -> AhoCorasick:
        """All words, sought in one pass."""
        return AhoCorasick(self.weights, matchkind=MatchKind.LeftmostLongest)

    def hints(self) -> Hints:
        """Return the words of each code, a few in a row: examples for a learner that knows nothing better."""
        return Hints(
            tuple(
                (" ".join(word for word, _ in words[start : start + _WORDS_A_HINT]), code)
                for code, words in self.lines
                for start in range(0, len(words), _WORDS_A_HINT)
            )
        )

    def found(self, text: str) -> list[str]:
        """Return the cue words of a clean text in their order, the longest at each place, none inside another."""
        return self._searched.find_matches_as_strings(text.replace(" ", ""))

    def scores(
        self, texts: Iterable[str], labels: Sequence[str], shares: Callable[[str], Mapping[str, float]]
    ) -> NDArray[np.float32]:
        """Return how strongly the cues of each clean text speak for `labels`, shape (texts, labels).

        `shares` gives the labels of a code with their shares; what falls on no label of `labels` only makes the others
        weaker. A row without cues is zero; its length is near one otherwise, the nearer the more cues there are.
        """
        meant = {word: self._meant(word, labels, shares) for word in self.weights}
        none = np.zeros((0, len(labels) + 1))
        points = np.vstack([none, *(self._points(text, meant, len(labels) + 1) for text in texts)])
        total = points.sum(axis=1, keepdims=True)
        return np.asarray(points[:, :-1] / np.sqrt(total + _CAUTION), dtype=np.float32)

    def groups(self, texts: Iterable[str]) -> sparse.csr_matrix:
        """Return the points of each line of cues in each clean text, damped as `scores` are, shape (texts, lines)."""
        codes = [code for code, _ in self.lines]
        return sparse.csr_matrix(self.scores(texts, codes, lambda code: {code: 1.0}))

    def as_weights(
        self,
        known: Features,
        labels: Sequence[str],
        shares: Callable[[str], Mapping[str, float]],
    ) -> NDArray[np.float32]:
        """Return nearly `scores` as weights of the grams of `known`, shape (grams, labels): they cost no time at all.

        A cue is a run of at most four characters, or a word; one that is neither is left out. A cue with others inside
        has what is left when these have spoken, so that a text hears each place once.
        """
        place = {gram: at for at, gram in enumerate(known.vocabulary)}
        weights = np.zeros((len(place), len(labels)), dtype=np.float32)
        for word, points in self._net(labels, shares).items():
            at = place.get(CHARACTERS + word, place.get(word))
            if at is not None:
                weights[at] = points / known.weights[at]
        return weights

    def _net(
        self, labels: Sequence[str], shares: Callable[[str], Mapping[str, float]]
    ) -> Mapping[str, NDArray[np.float64]]:
        """The points of each word less those of the words inside it, the shortest first."""
        net: dict[str, NDArray[np.float64]] = {}
        for word in sorted(self.weights, key=len):
            inside = (word[at : at + size] for size in range(1, len(word)) for at in range(len(word) - size + 1))
            net[word] = self._meant(word, labels, shares)[:-1] - sum(net[part] for part in inside if part in net)
        return net

    def _meant(
        self, word: str, labels: Sequence[str], shares: Callable[[str], Mapping[str, float]]
    ) -> NDArray[np.float64]:
        """The points of one mention of a word for each label, and at the end for none of them."""
        points = np.zeros(len(labels) + 1)
        for code, weight in self.weights[word].items():
            for label, share in shares(code).items() or ((None, 1.0),):
                points[labels.index(label) if label in labels else -1] += share * weight
        return np.asarray(points * len(word) ** _LENGTH_POWER, dtype=np.float64)

    def _points(self, text: str, meant: Mapping[str, NDArray[np.float64]], width: int) -> NDArray[np.float64]:
        """The points of a text for each label: a word said twice counts more than once, and less than twice."""
        points = np.zeros(width)
        for word, count in Counter(self.found(text)).items():
            points += (1 + np.log(count)) * meant[word]
        return points


def shipped() -> Cues:
    """The cues that come with this package."""
    return parsed(texts_of.lines("cues.tsv"))


def read(path: Path) -> Cues:
    """Return the cues of a file: a code, a tab, and words with blanks between; `word*2` speaks twice as loudly."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return parsed([line.strip() for line in lines if line.strip() and not line.startswith("#")])


def described(path: Path) -> Hints:
    """Return the descriptions of a taxonomy: a CSV file with the columns `code`, `name` and, if there is one, `remark`.

    Codes are of two, four or six digits. Raises ValueError when a column is missing.
    """
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    if not rows or not {"code", "name"} <= set(rows[0]):
        raise ValueError(f"{path}: a taxonomy needs the columns code and name")
    told = [(texts_of.clean(f"{row['name']} {row.get('remark') or ''}"), row["code"].strip()) for row in rows]
    return Hints(tuple((said, code) for said, code in told if said and code))


def parsed(lines: Iterable[str]) -> Cues:
    """Return the cues of lines without remarks; see `read`."""
    parsed = []
    for line in lines:
        code, _, told = line.partition("\t")
        words = [word.partition("*") for word in told.split()]
        parsed.append((code, tuple((word, float(weight or 1)) for word, _, weight in words)))
    return Cues(tuple(parsed))
