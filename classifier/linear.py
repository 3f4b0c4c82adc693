"""Linear judgement: ridge regression on one-hot labels, with scores for each example from a model that never saw it.

Up to `DENSE_LIMIT` examples the regression is solved exactly over the examples (the dual), a few seconds for
thousands of them whatever the number of labels; beyond, by conjugate gradients over the features. Knows no words and
no probabilities.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, sparse
from sklearn.linear_model import Ridge
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.svm import LinearSVC

from classifier import latent

DENSE_LIMIT: Final = 9_000
SECOND_SHARE: Final = np.float32(2)
_NEAR: Final = 0.01
"""How near to its optimum a margin is taken; a hundred times nearer changes no figure and costs a sixth more time."""
Progress = Callable[[str], None]


@dataclass(frozen=True)
class Head:
    """Scores of rows for each label: weights of shape (features, labels), bias of shape (labels,)."""

    labels: tuple[str, ...]
    weights: NDArray[np.float32]
    bias: NDArray[np.float32]
    second: latent.Second | None = None
    """Scores of second degree that are added, `SECOND_SHARE` times."""

    @cached_property
    def middle(self) -> NDArray[np.float32]:
        """The mean weight of each feature over the labels, shape (features,): what speaks for none of them."""
        return np.asarray(self.weights.mean(axis=1), dtype=np.float32)

    @cached_property
    def position(self) -> Mapping[str, int]:
        """The column of each label."""
        return {label: at for at, label in enumerate(self.labels)}

    def scores(self, rows: sparse.csr_matrix) -> NDArray[np.float32]:
        """Return scores, shape (rows, labels); higher is likelier."""
        return np.asarray(rows @ self.weights, dtype=np.float32) + self.bias + _second_scores(self.second, rows)


@dataclass(frozen=True, slots=True)
class Fit:
    """A head, and the scores of the examples by models trained without them and their near-duplicates."""

    head: Head
    truth: NDArray[np.int64]
    out_of_fold: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Manner:
    """How to fit: the strength of the ridge, the number of folds, the seed of their drawing."""

    ridge: float = 0.3
    folds: int = 5
    seed: int = 12345
    contrast: bool = False
    """Margins over contrasts instead of ridge: better with hundreds of examples a label, slow with many labels."""
    balanced: bool = False
    """Whether rare labels weigh as much as frequent ones; margins only."""
    dimensions: int = 0
    """Directions of meaning over which scores of second degree are learned too; 0 for none."""


@dataclass(frozen=True, slots=True)
class Weak:
    """Rows of which only the possible labels of the first question are known: all learn from them, none is judged."""

    rows: sparse.csr_matrix
    labels: Sequence[Sequence[str]]

    def targets(self, names: Sequence[str], usual: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return targets like `usual` ones, with the labels of each row sharing one between them."""
        shared = np.tile(usual, (len(self.labels), 1))
        shared[:, : len(names)] = 0
        for line, labels in zip(shared, self.labels, strict=True):
            line[_numbers(labels, names)] = 1 / len(labels)
        return shared


@dataclass(frozen=True, slots=True)
class Worth:
    """How much each row counts, shape (rows,), and a label of the first question that it does not have, or ""."""

    weights: NDArray[np.float32]
    refused: tuple[str, ...]


REFUSED: Final = 0.5
"""How far below 'not this one' the score of a label is pulled that was tried and sent back."""


def fit(  # noqa: PLR0913 - all that a fit rests on
    rows: sparse.csr_matrix,
    questions: Mapping[str, Sequence[str]],
    fold: NDArray[np.int64],
    manner: Manner,
    say: Progress = lambda _: None,
    *,
    weak: Weak | None = None,
    worth: Worth | None = None,
    unlabelled: sparse.csr_matrix | None = None,
) -> dict[str, Fit]:
    """Return for each question the head over all rows and out-of-fold scores; each question has one label a row.

    All questions are solved at once; `fold` is what `folds` has drawn. Weak rows are in every fold's learning; the
    ridge alone knows how to use them. `worth` says how much each row counts.
    """
    names = {question: tuple(sorted(set(labels))) for question, labels in questions.items()}
    truths = {question: _numbers(labels, names[question]) for question, labels in questions.items()}
    targets = np.hstack([np.eye(len(names[question]), dtype=np.float32)[truths[question]] for question in questions])
    first = next(iter(questions))
    for at, label in enumerate(worth.refused if worth else ()):
        if label in names[first] and label != questions[first][at]:
            targets[at, names[first].index(label)] = -REFUSED
    weights = worth.weights if worth else np.ones(len(targets), dtype=np.float32)
    unseen = np.zeros_like(targets)
    if weak and not manner.contrast:
        rows = sparse.vstack([rows, weak.rows], format="csr")
        targets = np.vstack([targets, weak.targets(next(iter(names.values())), targets.mean(axis=0))])
        weights = np.concatenate([weights, np.ones(len(targets) - len(weights), dtype=np.float32)])
    always = np.arange(len(unseen), len(targets))
    solver = _solver(rows, targets, manner, weights)
    second = _second(rows[: len(unseen)], targets[: len(unseen)], manner, unlabelled)
    for at in range(manner.folds):
        say(f"fold {at + 1} of {manner.folds}")
        learn, test = np.flatnonzero(fold != at), np.flatnonzero(fold == at)
        unseen[test] = solver.scores(np.concatenate([learn, always]), test)
        if second:
            unseen[test] += SECOND_SHARE * second.scores(learn, test)
    say("all examples")
    learned, bias = solver.weights()
    squares = second.learned(np.arange(len(unseen))) if second else None
    fits, start = {}, 0
    for question, labels in names.items():
        part = slice(start, start + len(labels))
        own = squares.of(part) if squares else None
        head = Head(labels, np.ascontiguousarray(learned[:, part]), bias[part], own)
        fits[question] = Fit(head, truths[question], unseen[:, part])
        start = part.stop
    return fits


def head(
    rows: sparse.csr_matrix,
    labels: Sequence[str],
    names: tuple[str, ...],
    manner: Manner,
    unlabelled: sparse.csr_matrix | None = None,
) -> Head:
    """Return the head over all rows for the labels `names`, without out-of-fold scores: a fifth of the work."""
    targets = np.eye(len(names), dtype=np.float32)[_numbers(labels, names)]
    second = _second(rows, targets, manner, unlabelled)
    return Head(
        names, *_solver(rows, targets, manner).weights(), second.learned(np.arange(len(labels))) if second else None
    )


def _second_scores(second: latent.Second | None, rows: sparse.csr_matrix) -> NDArray[np.float32] | np.float32:
    return np.float32(0) if second is None else SECOND_SHARE * second.scores(rows)


def _second(
    rows: sparse.csr_matrix, targets: NDArray[np.float32], manner: Manner, unlabelled: sparse.csr_matrix | None
) -> latent.Regression | None:
    """A learner of second degree; all folds share its directions, which know the texts of all and no label."""
    if not manner.dimensions:
        return None
    seen_in = latent.space(rows, unlabelled, manner.dimensions, manner.seed)
    return latent.Regression(seen_in, rows, targets, manner.seed)


def _numbers(labels: Sequence[str], names: Sequence[str]) -> NDArray[np.int64]:
    number = {name: at for at, name in enumerate(names)}
    return np.array([number[label] for label in labels], dtype=np.int64)


def folds(labels: Sequence[str], groups: NDArray[np.int64], manner: Manner) -> NDArray[np.int64]:
    """Return the number of the fold in which each row is judged, shape (rows,); takes seconds for hundreds of labels.

    Labels are spread evenly over the folds; rows of one group are never on both sides of one.
    """
    fold = np.zeros(len(labels), dtype=np.int64)
    for number, (_, test) in enumerate(fold_pairs(_numbers(labels, sorted(set(labels))), groups, manner)):
        fold[test] = number
    return fold


def fold_pairs(
    truth: NDArray[np.int64], groups: NDArray[np.int64], manner: Manner
) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Return (learn, test) positions a fold, classes spread evenly, groups kept whole."""
    import warnings

    if (most := int(np.bincount(truth, minlength=1).max())) < manner.folds:
        told = f"{len(truth)} examples, at most {most} of one label"
        raise ValueError(f"{told}: too few for {manner.folds} folds, each of which is judged by what the others teach")
    drawing = StratifiedGroupKFold(manner.folds, shuffle=True, random_state=manner.seed)
    with warnings.catch_warnings():
        # A label with fewer examples than folds is missing in some of them; that is life, not news.
        warnings.simplefilter("ignore", UserWarning)
        return [(learn, test) for learn, test in drawing.split(truth, truth, groups)]


class _Solver(Protocol):
    """Learns weights for all targets from a part of the examples."""

    def scores(self, learn: NDArray[np.int64], test: NDArray[np.int64]) -> NDArray[np.float32]: ...

    def weights(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]: ...


def _solver(
    rows: sparse.csr_matrix, targets: NDArray[np.float32], manner: Manner, weights: NDArray[np.float32] | None = None
) -> _Solver:
    if manner.contrast:
        return _Contrast(rows, targets, manner)
    if weights is None:
        weights = np.ones(rows.shape[0], dtype=np.float32)
    kind = _Dual if rows.shape[0] <= DENSE_LIMIT else _Primal
    return kind(rows, targets, manner.ridge, weights)


def _mean(targets: NDArray[np.float32], weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """The mean target of each label, rows counted by their weights; exactly the plain mean where all weigh the same."""
    if (weights == 1).all():
        return np.asarray(targets.mean(axis=0), dtype=np.float32)
    return np.asarray(np.average(targets, axis=0, weights=weights), dtype=np.float32)


class _Dual:
    """Exact ridge over any subset of the examples; holds the matrix of their likeness, shape (n, n)."""

    def __init__(
        self, rows: sparse.csr_matrix, targets: NDArray[np.float32], ridge: float, weights: NDArray[np.float32]
    ) -> None:
        self._rows, self._targets, self._ridge, self._weights = rows, targets, ridge, weights
        self._likeness = np.asarray((rows @ rows.T).toarray(), dtype=np.float32)

    def scores(self, learn: NDArray[np.int64], test: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the scores of the examples at `test` by what is learned from those at `learn`."""
        shares, bias = self._shares(learn)
        return np.asarray(self._likeness[np.ix_(test, learn)] @ shares + bias, dtype=np.float32)

    def weights(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return (weights, bias) learned from all examples."""
        shares, bias = self._shares(np.arange(len(self._targets)))
        return np.asarray(self._rows.T @ shares, dtype=np.float32), bias

    def _shares(self, learn: NDArray[np.int64]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """How much each example adds to each label, shape (learn, labels), and the bias."""
        bias = _mean(self._targets[learn], self._weights[learn])
        matrix = self._likeness[np.ix_(learn, learn)]
        matrix[np.diag_indices_from(matrix)] += self._ridge / self._weights[learn]
        factor = linalg.cho_factor(matrix, lower=True, overwrite_a=True, check_finite=False)
        return linalg.cho_solve(factor, self._targets[learn] - bias, check_finite=False).astype(np.float32), bias


class _Primal:
    """Ridge by conjugate gradients, for more examples than fit into a square."""

    def __init__(
        self, rows: sparse.csr_matrix, targets: NDArray[np.float32], ridge: float, weights: NDArray[np.float32]
    ) -> None:
        self._rows, self._targets, self._ridge, self._weights = rows, targets, ridge, weights

    def scores(self, learn: NDArray[np.int64], test: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the scores of the examples at `test` by what is learned from those at `learn`."""
        weights, bias = self._solved(learn)
        return np.asarray(self._rows[test] @ weights + bias, dtype=np.float32)

    def weights(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return (weights, bias) learned from all examples."""
        return self._solved(np.arange(len(self._targets)))

    def _solved(self, learn: NDArray[np.int64]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        bias = _mean(self._targets[learn], self._weights[learn])
        ridge = Ridge(alpha=self._ridge, fit_intercept=False, solver="sparse_cg", tol=1e-3, max_iter=60)
        ridge.fit(self._rows[learn], self._targets[learn] - bias, sample_weight=self._weights[learn])
        return np.asarray(ridge.coef_, dtype=np.float32).reshape(len(bias), -1).T, bias


class _Contrast:
    """A margin for each label over features scaled by how differently they occur with it and without it (NB-SVM).

    The scale is the absolute log-ratio of the feature's mass in both sides; it is folded into the weights.
    """

    def __init__(self, rows: sparse.csr_matrix, targets: NDArray[np.float32], manner: Manner) -> None:
        self._rows, self._targets, self._manner = rows, targets, manner

    def scores(self, learn: NDArray[np.int64], test: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the scores of the examples at `test` by what is learned from those at `learn`."""
        weights, bias = self._solved(learn)
        return np.asarray(self._rows[test] @ weights + bias, dtype=np.float32)

    def weights(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return (weights, bias) learned from all examples."""
        return self._solved(np.arange(len(self._targets)))

    def _solved(self, learn: NDArray[np.int64]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        rows, targets = self._rows[learn], self._targets[learn]
        weights = np.zeros((rows.shape[1], targets.shape[1]), dtype=np.float32)
        bias = np.full(targets.shape[1], -1, dtype=np.float32)
        scales = _log_ratios(rows, targets > 0)
        for at in range(targets.shape[1]):
            own, scale = targets[:, at] > 0, scales[:, at]
            if own.any() and not own.all():
                scaled = sparse.csr_matrix((rows.data * scale[rows.indices], rows.indices, rows.indptr), rows.shape)
                weight = "balanced" if self._manner.balanced else None
                margin = LinearSVC(C=1.0, tol=_NEAR, class_weight=weight, random_state=self._manner.seed)
                margin.fit(scaled, own)
                weights[:, at] = margin.coef_[0] * scale
                bias[at] = margin.intercept_[0]
        return weights, bias


def _log_ratios(rows: sparse.csr_matrix, own: NDArray[np.bool_]) -> NDArray[np.float32]:
    """The absolute log-ratio of each feature's mass with a label and without it, shape (features, labels)."""
    mass = np.asarray(rows.T @ own.astype(np.float32))
    inside = 1 + 5 * mass
    outside = 1 + 5 * (np.asarray(rows.sum(axis=0)).reshape(-1, 1) - mass)
    ratio = np.log((inside / inside.sum(axis=0)) / (outside / outside.sum(axis=0)))
    return np.asarray(np.abs(ratio), dtype=np.float32)
