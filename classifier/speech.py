"""What people do with their words: ask, wish, demand, blame, beg, propose; and where in a message they do it.

A ticket's type is an act, not a matter, so the words of the matter mislead. Expressions are looked up as they stand; a
`Head` weighs the acts for the labels of one question, as `train` learned it. Knows no categories.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import islice
from typing import Final, NamedTuple, TypeAlias

import numpy as np
from ahocorasick_rs import AhoCorasick
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
    def _does(self) -> Mapping[str, Sequence[int]]:
        """The acts that each expression does."""
        found: dict[str, list[int]] = {}
        for act, (_, told) in enumerate(self.lines):
            for expression in dict.fromkeys(told):
                found.setdefault(expression, []).append(act)
        return found

    @cached_property
    def _searched(self) -> tuple[AhoCorasick, Sequence[tuple[str, Sequence[int]]]]:
        """All expressions, sought in one pass; and what was found, by its number."""
        return AhoCorasick(self._does), tuple(self._does.items())

    @property
    def width(self) -> int:
        """How many columns `plain_rows` has."""
        return _PLACES * len(self.lines) + _FORM

    def counts(self, text: str) -> list[int]:
        """Return how often each act is done in a clean text."""
        return list(map(len, self.heard(text)))

    def heard(self, text: str) -> Heard:
        """Return what is said in a clean text, act by act: of an act the longest at each place, none inside another."""
        automaton, expressions = self._searched
        heard: list[list[tuple[int, str]]] = [[] for _ in self.lines]
        free_from = [0] * len(heard)
        found = [
            (start, -end, number) for number, start, end in automaton.find_matches_as_indexes(text, overlapping=True)
        ]
        for start, end, number in sorted(found):
            expression, acts = expressions[number]
            for act in acts:
                if start >= free_from[act]:
                    heard[act].append((start, expression))
                    free_from[act] = -end
        return heard

    def plain_rows(self, texts: Sequence[str], heard: Sequence[Heard]) -> Floats:
        """Return the measures of clean texts without a title in which `heard` stands, shape (texts, width).

        Acts in the whole text (how often, and how densely), in its first and its last sentence; then its form.
        """
        rows = [_measures(text, said) for text, said in zip(texts, heard, strict=True)]
        return np.array(rows, dtype=np.float64).reshape(len(rows), self.width)


def _measures(text: str, heard: Heard) -> list[float]:
    sentences = _sentences(text)
    opened = text.index(sentences[0]) + len(sentences[0])
    closes = text.rindex(sentences[-1])
    whole = list(map(len, heard))
    # The mark behind the opening is part of it: a question is one by its mark.
    ends = [bool(said) and said[0][0] <= opened for said in heard]
    ends += [bool(said) and said[-1][0] >= closes for said in heard]
    return [*map(math.log1p, whole), *_densely(whole, text), *ends, *_form(text, sentences)]


class Spoken(NamedTuple):
    """What is said in each of some texts, and its measures as distances from the usual, shape (texts, columns)."""

    heard: Sequence[Heard]
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

    def listen(self, texts: Sequence[str]) -> Spoken:
        """Return what is said in clean texts; nothing unusual is in an empty one."""
        heard = list(map(self.acts.heard, texts))
        rows = self.acts.plain_rows(texts, heard)
        rows[[at for at, text in enumerate(texts) if not text]] = self.usual
        return Spoken(heard, leveled(rows, self.usual, self.spread))

    def scores(self, spoken: Spoken) -> NDArray[np.float32]:
        """Return what the acts add to each score, shape (texts, labels)."""
        return np.asarray(spoken.measures @ self.weights, dtype=np.float32)

    def evidence(self, spoken: Spoken, at: int, label: int, most: int) -> tuple[str, ...]:
        """Return the expressions in text `at` whose acts speak most for a label, the strongest first.

        What an act adds is summed over the places where it is counted; one that speaks against the label says nothing.
        """
        heard = spoken.heard[at]
        counted = spoken.measures[at, : _PLACES * len(heard)].reshape(_PLACES, -1)
        by_act = np.einsum("pa,pa->a", counted, self._speaks_for[label]).tolist()
        strongest = sorted((-by_act[act], act) for act, said in enumerate(heard) if said and by_act[act] > 0)
        words = (expression for _, act in strongest for _, expression in heard[act])
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
    numbers = len(_NUMBER.findall(said))
    figures = [len(_YEAR.findall(said)) if numbers else 0, numbers, said.count("?"), said.count("!"), len(sentences)]
    signs = ["?" in said, said.rstrip().endswith("?"), _LISTED.search(said) is not None]
    short = [length < most for most in (*_SHORT, 2 * _SHORT[1])]
    return [math.log(length), *map(math.log1p, figures), *signs, *short]
