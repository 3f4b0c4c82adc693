"""Judgement of second degree: what a text is about as a whole, seen through some hundred directions of meaning.

The directions are the leading ones of labelled and unlabelled texts together (latent semantic analysis); over them a
ridge regression of second degree is solved exactly over the examples and kept as a few squares a label, so a text
costs one projection and one small product. It errs elsewhere than margins over single grams do: together they are
better, and surer, than either. Knows no words and no probabilities.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, sparse

Floats = NDArray[np.float32]

GRAMS: Final = 60_000
"""Features that are looked at, the most frequent ones: size and speed hang on them."""
UNLABELLED_WEIGHT: Final = np.float32(0.5)
ROUNDS: Final = 2
RIDGE: Final = 0.3
SQUARES: Final = 48
"""Squares kept a label."""
MOST_EXAMPLES: Final = 9_000
"""The regression holds a square of this many examples; of more, a seeded draw is learned from."""
_BLOCK: Final = 1024


@dataclass(frozen=True, slots=True)
class Space:
    """Directions of meaning; `place` is the row of a feature in `projection`, shape (grams, dimensions), or -1."""

    place: NDArray[np.int32]
    projection: Floats

    def points(self, rows: sparse.csr_matrix) -> Floats:
        """Return the points of rows, shape (rows, 1 + dimensions): a one, and a direction of length one."""
        place = self.place[rows.indices]
        kept = place >= 0
        ends = np.concatenate(([0], np.cumsum(kept)))[rows.indptr]
        shape = (rows.shape[0], len(self.projection))
        seen = sparse.csr_matrix((rows.data[kept], place[kept], ends), shape=shape) @ self.projection
        length = np.linalg.norm(seen, axis=1, keepdims=True)
        length[length == 0] = 1
        return np.hstack([np.ones_like(length), seen / length]).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Second:
    """Scores of labels as sums of signed squares over a space.

    `axes` has shape (1 + dimensions, labels * squares); `signs` has shape (labels, squares).
    """

    space: Space
    axes: Floats
    signs: Floats

    def scores(self, rows: sparse.csr_matrix) -> Floats:
        """Return scores, shape (rows, labels); higher is likelier."""
        scores = np.empty((rows.shape[0], len(self.signs)), dtype=np.float32)
        for start in range(0, len(scores), _BLOCK):
            scores[start : start + _BLOCK] = self.of_points(self.space.points(rows[start : start + _BLOCK]))
        return scores

    def of_points(self, points: Floats) -> Floats:
        """Return the scores of points of the space, shape (points, labels)."""
        sides = points @ self.axes
        squares = (sides * sides).reshape(len(sides), *self.signs.shape)
        return np.asarray(np.einsum("nls,ls->nl", squares, self.signs), dtype=np.float32)

    def of(self, part: slice) -> Second:
        """The scores of some of the labels only."""
        squares = self.signs.shape[1]
        axes = self.axes[:, part.start * squares : part.stop * squares]
        return replace(self, axes=np.ascontiguousarray(axes), signs=self.signs[part])


def space(rows: sparse.csr_matrix, unlabelled: sparse.csr_matrix | None, dimensions: int, seed: int) -> Space:
    """Return the leading directions of the rows, but for the very first, which all texts share."""
    parts = [rows] if unlabelled is None else [rows, unlabelled * UNLABELLED_WEIGHT]
    both = sparse.vstack(parts, format="csr", dtype=np.float32)
    frequency = np.bincount(both.indices, minlength=both.shape[1])
    chosen = np.sort(np.argsort(-frequency, kind="stable")[:GRAMS])
    place = np.full(both.shape[1], -1, dtype=np.int32)
    place[chosen] = np.arange(len(chosen))
    seen = both[:, chosen]
    turned = seen.T.tocsr()
    count = min(dimensions + 1, *seen.shape)
    basis = np.random.default_rng(seed).normal(size=(seen.shape[0], count)).astype(np.float32)
    for _ in range(ROUNDS):
        basis = np.linalg.qr(seen @ (turned @ basis))[0]
    grams = turned @ basis
    strength, axes = np.linalg.eigh((grams.T @ grams).astype(np.float64))
    order = np.argsort(-strength)[1:]
    projection = grams @ (axes[:, order] / np.sqrt(np.maximum(strength[order], 1e-6))).astype(np.float32)
    return Space(place, projection)


class Regression:
    """Scores of second degree from any part of some examples; holds the square of their likeness.

    Of more than `MOST_EXAMPLES`, a seeded draw is learned from.
    """

    def __init__(self, seen_in: Space, rows: sparse.csr_matrix, targets: Floats, seed: int) -> None:
        self._space, self._targets = seen_in, targets
        self._points = seen_in.points(rows)
        drawn = np.sort(np.random.default_rng(seed).permutation(len(self._points))[:MOST_EXAMPLES])
        self._drawn, self._place = drawn, np.full(len(self._points), -1)
        self._place[drawn] = np.arange(len(drawn))
        self._likeness = self._points[drawn] @ self._points[drawn].T
        np.square(self._likeness, out=self._likeness)

    def learned(self, learn: NDArray[np.int64]) -> Second:
        """Return the scores learned from the examples at `learn`."""
        at = self._place[learn]
        at = at[at >= 0]
        points, targets = self._points[self._drawn[at]], self._targets[self._drawn[at]]
        likeness = self._likeness[np.ix_(at, at)]
        likeness[np.diag_indices_from(likeness)] += RIDGE
        bias = targets.mean(axis=0)
        factor = linalg.cho_factor(likeness, lower=True, overwrite_a=True, check_finite=False)
        shares = linalg.cho_solve(factor, targets - bias, check_finite=False).astype(np.float32)
        forms = [_squares(points, share, float(base)) for share, base in zip(shares.T, bias, strict=True)]
        return Second(self._space, np.hstack([axes for axes, _ in forms]), np.vstack([signs for _, signs in forms]))

    def scores(self, learn: NDArray[np.int64], test: NDArray[np.int64]) -> Floats:
        """Return the scores of the examples at `test` by what is learned from those at `learn`."""
        return self.learned(learn).of_points(self._points[test])


def _squares(points: Floats, share: Floats, bias: float) -> tuple[Floats, Floats]:
    """The squares that tell most of what the examples say together of one label: axes, and a sign each."""
    form = ((points * share[:, None]).T @ points).astype(np.float64)
    form[0, 0] += bias  # the first coordinate of a point is one
    strength, axes = np.linalg.eigh(form)
    order = np.argsort(-np.abs(strength))[:SQUARES]
    order = np.pad(order, (0, SQUARES - len(order)), mode="edge")
    kept = np.arange(SQUARES) < len(strength)
    scale = np.sqrt(np.abs(strength[order])) * kept
    return (axes[:, order] * scale).astype(np.float32), np.sign(strength[order]).astype(np.float32)
