"""Clean texts as rows of numbers: words, pairs of words, characters, and the words of the opening once more.

The opening of a letter is its title; what stands there decides more often than the rest. Plain dictionaries look up
what the vocabulary knows; counting is left to scipy. Knows no labels.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from classifier import text as texts_of

OPENING_WORDS = 10
TITLE, CHARACTERS = "^", "\x01"


@dataclass(frozen=True, slots=True)
class Recipe:
    """What becomes a feature. A gram seen in fewer than `least` texts is not learned; at most `most` are kept."""

    characters: tuple[int, ...] = (2, 3)
    least: int = 2
    most: int = 300_000


@dataclass(frozen=True, slots=True)
class Features:
    """A learned vocabulary with the weight of each gram; word grams first, then character grams."""

    recipe: Recipe
    vocabulary: tuple[str, ...]
    weights: NDArray[np.float32]
    positions: dict[str, int] = field(repr=False)

    def rows(self, texts: Sequence[str]) -> sparse.csr_matrix:
        """Return one row a clean text, shape (len(texts), len(vocabulary)); empty if no gram is known."""
        position = self.positions.get
        found: list[int] = []
        ends = [0]
        for text in texts:
            found += [at for at in map(position, grams(text, self.recipe)) if at is not None]
            ends.append(len(found))
        shape = (len(texts), len(self.vocabulary))
        columns = np.fromiter(found, dtype=np.int32, count=len(found))
        counted = sparse.csr_matrix((np.ones(len(found), np.float32), columns, np.array(ends, np.int64)), shape=shape)
        counted.sum_duplicates()
        return _weighted(counted, self.weights)


def learn(texts: Sequence[str], recipe: Recipe) -> Features:
    """Return the features of clean `texts`; the vocabulary has a fixed order, so the same texts give the same bits."""
    frequency: Counter[str] = Counter()
    for text in texts:
        frequency.update(set(grams(text, recipe)))
    kept = [(gram, count) for gram, count in frequency.items() if count >= recipe.least]
    kept = sorted(kept, key=lambda item: (-item[1], item[0]))[: recipe.most]
    kept.sort(key=lambda item: (item[0].startswith(CHARACTERS), item[0]))
    weights = np.array([np.log((1 + len(texts)) / (1 + count)) + 1 for _, count in kept], dtype=np.float32)
    return build(recipe, [gram for gram, _ in kept], weights)


def build(recipe: Recipe, vocabulary: Sequence[str], weights: NDArray[np.float32]) -> Features:
    positions = {gram: at for at, gram in enumerate(vocabulary)}
    return Features(recipe, tuple(vocabulary), weights, positions)


def grams(text: str, recipe: Recipe) -> list[str]:
    """All grams of a clean text with repetition: `w`, `w w`, `^w` in the opening, and marked character grams."""
    words = texts_of.words(text)
    found = words + [f"{first} {second}" for first, second in pairwise(words)]
    opening = words[:OPENING_WORDS]
    found += [TITLE + word for word in opening]
    found += [f"{TITLE}{first} {second}" for first, second in pairwise(opening)]
    run = "".join(words)
    for length in recipe.characters:
        found += [CHARACTERS + run[start : start + length] for start in range(len(run) - length + 1)]
    return found


def _weighted(counted: sparse.csr_matrix, weights: NDArray[np.float32]) -> sparse.csr_matrix:
    """Damp counts, weigh by rarity, and bring word grams and character grams together to rows of length one."""
    counted.data = (1 + np.log(counted.data)) * weights[counted.indices]
    squares = sparse.csr_matrix((counted.data**2, counted.indices, counted.indptr), shape=counted.shape)
    length = np.sqrt(np.asarray(squares.sum(axis=1)).ravel())
    length[length == 0] = 1
    counted.data = counted.data / np.repeat(length, np.diff(counted.indptr)).astype(np.float32)
    return counted
