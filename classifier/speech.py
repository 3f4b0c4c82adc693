"""What people do with their words: ask, wish, demand, blame, beg, propose; and where in a message they do it.

A ticket's type is an act, not a matter, so the words of the matter mislead. Expressions are looked up as they stand; a
`Head` weighs the acts for the labels of one question, as `train` learned it. Knows no categories.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import islice
from typing import Final, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from classifier import text as texts_of

_SENTENCE_END = re.compile(r"[。!?;]|(?<=\D)\.(?=\D)")
_LISTED = re.compile(r"[一二三1-3][、.]")
_NUMBER = re.compile(r"\d+")
_YEAR = re.compile(r"\d+年")
_SHORT: Final = (60, 100, 400)
_USUAL_TITLE: Final = 15
_FORM: Final = 13
_PLACES: Final = 4
"""How often an act, how densely, whether in the first and whether in the last sentence."""
_LOUDEST: Final = 3.0
"""Standard deviations at which a measure is cut off: one rare act does not outweigh all others."""

Floats = NDArray[np.float64]
Heard: TypeAlias = Sequence[Sequence[tuple[int, str]]]
"""The expressions of each act with the place where each begins, in their order; those of one act do not overlap."""


@dataclass(frozen=True)
class Acts:
    """Acts with the expressions that do them.

    Show themselves by their hash, since whatever is learned from them belongs to the name of a model.
    """

    lines: tuple[tuple[str, tuple[str, ...]], ...] = ()

    def __repr__(self) -> str:
        told = "\x1e".join("\x1f".join((name, *expressions)) for name, expressions in self.lines)
        return f"Acts({len(self.lines)}, sha256={hashlib.sha256(told.encode()).hexdigest()[:12]})"

    @cached_property
    def _patterns(self) -> tuple[re.Pattern[str], ...]:
        return tuple(re.compile("|".join(map(re.escape, _longest_first(told)))) for _, told in self.lines)

    @property
    def width(self) -> int:
        """How many columns `plain_rows` has."""
        return _PLACES * len(self.lines) + _FORM

    def counts(self, text: str) -> list[int]:
        """Return how often each act is done in a clean text."""
        return [len(pattern.findall(text)) for pattern in self._patterns]

    def heard(self, text: str) -> Heard:
        """Return what is said in a clean text, act by act."""
        return [[(found.start(), found[0]) for found in pattern.finditer(text)] for pattern in self._patterns]

    def plain_row(self, text: str, heard: Heard) -> Floats:
        """Return the measures of a clean text without a title in which `heard` stands, shape (width,).

        Acts in the whole text (how often, and how densely), in its first and its last sentence; then its form.
        """
        sentences = _sentences(text)
        opened = text.index(sentences[0]) + len(sentences[0])
        closes = text.rindex(sentences[-1])
        whole = [len(said) for said in heard]
        # The mark behind the opening is part of it: a question is one by its mark.
        ends = [bool(said) and said[0][0] <= opened for said in heard]
        ends += [bool(said) and said[-1][0] >= closes for said in heard]
        row = [*map(math.log1p, whole), *_densely(whole, text), *ends, *_form(text, sentences)]
        return np.array(row, dtype=np.float64)

    def plain_rows(self, texts: Sequence[str]) -> Floats:
        """Return `plain_row` of each text, shape (texts, width)."""
        return np.vstack([np.zeros((0, self.width)), *(self.plain_row(text, self.heard(text)) for text in texts)])


def _longest_first(expressions: Iterable[str]) -> list[str]:
    return sorted(expressions, key=lambda said: (-len(said), said))


class Spoken(NamedTuple):
    """What is said in a text, and its measures as distances from the usual ones."""

    heard: Heard
    measures: NDArray[np.float32]


@dataclass(frozen=True)
class Head:
    """What acts add to the scores of one question: weights of shape (columns of `plain_rows`, labels).

    A measure counts by how far it lies from `usual`, in parts of `spread`, both of shape (columns,).
    """

    acts: Acts
    usual: NDArray[np.float32]
    spread: NDArray[np.float32]
    weights: NDArray[np.float32]

    @cached_property
    def _speaks_for(self) -> NDArray[np.float32]:
        """The weights of the acts against the mean of all labels, shape (labels, _PLACES, acts)."""
        own = (self.weights - self.weights.mean(axis=1, keepdims=True)).T
        return np.asarray(own[:, : _PLACES * len(self.acts.lines)].reshape(len(own), _PLACES, -1))

    def listen(self, text: str) -> Spoken:
        """Return what is said in a clean text; nothing unusual is in an empty one."""
        heard = self.acts.heard(text)
        row = self.acts.plain_row(text, heard) if text else self.usual
        return Spoken(heard, leveled(row, self.usual, self.spread))

    def scores(self, spoken: Sequence[Spoken]) -> NDArray[np.float32]:
        """Return what the acts add to each score, shape (len(spoken), labels)."""
        return np.asarray(np.vstack([one.measures for one in spoken]) @ self.weights, dtype=np.float32)

    def evidence(self, spoken: Spoken, label: int, most: int) -> tuple[str, ...]:
        """Return the expressions whose acts speak most for a label against the others, the strongest first.

        What an act adds is summed over the places where it is counted; one that speaks against the label says nothing.
        """
        counted = spoken.measures[: _PLACES * len(spoken.heard)].reshape(_PLACES, -1)
        by_act = (counted * self._speaks_for[label]).sum(axis=0).tolist()
        strongest = sorted((-added, act) for act, added in enumerate(by_act) if added > 0)
        words = (expression for _, act in strongest for _, expression in spoken.heard[act])
        return tuple(islice(dict.fromkeys(words), most))


def leveled(rows: NDArray[np.floating], usual: NDArray[np.float32], spread: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return measures as distances from the usual in parts of their spread, cut off where they are extreme."""
    distance = (rows - usual) / spread
    return np.asarray(np.minimum(np.maximum(distance, -_LOUDEST), _LOUDEST), dtype=np.float32)


def rows(messages: Sequence[tuple[str, str]]) -> Floats:
    """Return one row a message, given as clean (title, text), shape (messages, features).

    Acts in the whole text (how often, and how densely), in title, first sentence, last sentence and the last two; then
    title and form.
    """
    width = 6 * len(shipped().lines) + 2 + _FORM
    return np.vstack([np.zeros((0, width)), *(_row(title, said) for title, said in messages)])


def acts() -> tuple[str, ...]:
    """The names of the acts, in the order of the counts."""
    return tuple(name for name, _ in shipped().lines)


@cache
def shipped() -> Acts:
    """The acts that come with this package."""
    split = (line.partition("\t") for line in texts_of.lines("speech.tsv"))
    return Acts(tuple((name, tuple(told.split())) for name, _, told in split))


def _row(title: str, said: str) -> Floats:
    sentences = _sentences(said)
    whole = shipped().counts(said)
    places = (title, sentences[0], sentences[-1], "".join(sentences[-2:]))
    acted = [count > 0 for place in places for count in shipped().counts(place)]
    titled = [len(title) / _USUAL_TITLE, title.endswith(("?", "吗"))]
    row = [*map(math.log1p, whole), *_densely(whole, said), *acted, *titled, *_form(said, sentences)]
    return np.array(row, dtype=np.float64)


def _sentences(said: str) -> list[str]:
    return [part for part in _SENTENCE_END.split(said) if part.strip()] or [""]


def _densely(whole: Sequence[int], said: str) -> list[float]:
    length = math.sqrt(max(len(said), 1))
    return [count / length for count in whole]


def _form(said: str, sentences: Sequence[str]) -> list[float]:
    """Length, marks, questions, lists and figures of a message: `_FORM` numbers."""
    length = max(len(said), 1)
    figures = [len(_YEAR.findall(said)), len(_NUMBER.findall(said)), said.count("?"), said.count("!"), len(sentences)]
    signs = ["?" in said, said.rstrip().endswith("?"), _LISTED.search(said) is not None]
    short = [length < most for most in (*_SHORT, 2 * _SHORT[1])]
    return [math.log(length), *map(math.log1p, figures), *signs, *short]
