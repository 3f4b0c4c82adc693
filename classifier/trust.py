"""How far a score may be believed: calibration, a threshold that keeps its promise, sets that hold the right label.

All is learned from scores of examples by models that never saw them (out of fold), and is checked on others. Knows no
texts and no categories: numbers in, numbers out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special, stats

NEVER: Final = 2.0
"""A threshold that no probability reaches: the promise cannot be kept at all."""

OWN_LINE: Final = 150
"""Messages, out of fold, that a label must come first of to have an offset of its own."""
_PLANE: Final = 4

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Curve:
    """From stated probabilities to how sure the first label is: a logistic plane.

    Over the log-odds of the first label and the logs of the second and the third: one strong rival is a worse sign than
    several weak ones. A label that came first often enough has an offset of its own: the same probability is worth more
    of a class with an edge than of one that shades into others. So each such class has its own threshold on stated
    probabilities, and all of them together keep one promise, which is tested once.
    """

    slope: float = 1.0
    offset: float = 0.0
    second: float = 0.0
    third: float = 0.0
    by_label: tuple[float, ...] = ()
    """What is added to the log-odds where a label is first, in the order of the labels; empty for nothing."""

    def __call__(self, probabilities: Floats) -> Floats:
        """Return how sure the first label of each row is, shape (rows,); of probabilities of shape (rows, labels)."""
        return self.believed(highest(probabilities), probabilities.argmax(axis=1))

    def believed(self, top: Floats, first: NDArray[np.int64]) -> Floats:
        """Return the same of what is `highest` in each row and where the first label stands."""
        logits = _signs(top) @ np.array([self.slope, self.offset, self.second, self.third])
        if self.by_label:
            logits += np.array([self.by_label[at] for at in first.tolist()])
        return np.asarray(special.expit(logits))


def highest(probabilities: Floats) -> Floats:
    """Return the three highest of each row, the highest first, zeros where there are fewer; shape (rows, 3)."""
    top = np.zeros((len(probabilities), 3))
    count = min(3, probabilities.shape[1])
    kept = np.partition(probabilities, tuple(range(-count, 0)), axis=1)
    top[:, :count] = kept[:, : -count - 1 : -1]
    return top


def _signs(top: Floats) -> Floats:
    """What a curve looks at: log-odds of the first label, a one, logs of the second and the third; shape (rows, 4)."""
    best = np.maximum(np.minimum(top, 1 - 1e-6), 1e-6)
    signs = np.ones((len(best), 4))
    signs[:, 0] = special.logit(best[:, 0])
    signs[:, 2:] = np.log(best[:, 1:])
    return signs


@dataclass(frozen=True, slots=True)
class Level:
    """What is known of one level of the hierarchy: its curve, its thresholds, and what they delivered out of fold."""

    curve: Curve
    threshold: float
    floor: float


@dataclass(frozen=True, slots=True)
class Promise:
    """Precision asked for, and how sure one wants to be that it is kept on messages not seen."""

    precision: float = 0.98
    assurance: float = 0.8


def softmax(scores: NDArray[np.floating], warmth: float) -> Floats:
    """Return probabilities, shape as `scores`; each row sums to 1."""
    warm = scores.astype(np.float64) * warmth
    # As scipy does it, less its choice among libraries, which takes as long as the sums of one row.
    powers = np.exp(warm - warm.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def warmth(scores: NDArray[np.floating], truth: NDArray[np.int64]) -> float:
    """Return the factor that makes softmax of `scores` likeliest; one number, so it cannot overfit."""

    def loss(log_factor: float) -> float:
        logs = special.log_softmax(scores.astype(np.float64) * np.exp(log_factor), axis=1)
        return float(-logs[np.arange(len(truth)), truth].mean())

    return float(np.exp(optimize.minimize_scalar(loss, bounds=(-3, 6), method="bounded").x))


def curve(probabilities: Floats, correct: NDArray[np.bool_]) -> Curve:
    """Return the curve under which it is likeliest which rows were right; the plain one if all or none were."""
    if correct.all() or not correct.any():
        return Curve()
    first = probabilities.argmax(axis=1)
    own = np.flatnonzero(np.bincount(first, minlength=probabilities.shape[1]) >= OWN_LINE)
    signs = np.hstack([_signs(highest(probabilities)), first[:, None] == own])
    plain = np.zeros(signs.shape[1])
    plain[0] = 1

    def loss(plane: Floats) -> tuple[float, Floats]:
        logits = signs @ plane
        missed = special.expit(logits) - correct
        value = np.logaddexp(0, np.where(correct, -logits, logits)).mean() + 1e-3 * ((plane - plain) ** 2).sum()
        return float(value), signs.T @ missed / len(missed) + 2e-3 * (plane - plain)

    plane = optimize.minimize(loss, plain, jac=True, method="L-BFGS-B").x
    by_label = np.zeros(probabilities.shape[1])
    by_label[own] = plane[_PLANE:]
    slope, offset, second, third = plane[:_PLANE].tolist()
    return Curve(slope, offset, second, third, tuple(by_label.tolist()) if len(own) else ())


def threshold(confidence: Floats, correct: NDArray[np.bool_], promise: Promise) -> float:
    """Return the lowest confidence from which on the promise is kept, or NEVER.

    Kept means: with the assurance asked for, the true precision of what lies at or above is at least the promise.
    """
    order = np.argsort(-confidence, kind="stable")
    right = np.cumsum(correct[order])
    count = np.arange(1, len(order) + 1)
    # The exact lower bound (Clopper and Pearson) on the precision of the best `count` examples.
    lower = np.where(right > 0, stats.beta.ppf(1 - promise.assurance, np.maximum(right, 1), count - right + 1), 0.0)
    # Downwards in fixed steps, and never past the first that fails: looking on for luck would break the assurance.
    steps = np.unique(np.linspace(0.1, 1, 91) * len(order)).astype(int) - 1
    steps = steps[steps >= 0]
    kept = np.logical_and.accumulate(lower[steps] >= promise.precision)
    return float(confidence[order[steps[kept][-1]]]) if kept.any() else NEVER


def interval(right: int, count: int, assurance: float = 0.95) -> tuple[float, float]:
    """Return the exact two-sided interval of a share; (0, 1) for nothing counted."""
    tail = (1 - assurance) / 2
    low = float(stats.beta.ppf(tail, right, count - right + 1)) if right else 0.0
    high = float(stats.beta.ppf(1 - tail, right + 1, count - right)) if right < count else 1.0
    return low, high


def calibration_error(confidence: Floats, correct: NDArray[np.bool_], bins: int = 15) -> float:
    """Return the expected calibration error of the first label over bins of equal width."""
    return sum(abs(stated - seen) * count for stated, seen, count in reliability(confidence, correct, bins)) / max(
        len(correct), 1
    )


def reliability(confidence: Floats, correct: NDArray[np.bool_], bins: int = 15) -> list[tuple[float, float, int]]:
    """Return (mean confidence, share right, count) of each bin that holds anything."""
    number = np.minimum((confidence * bins).astype(int), bins - 1)
    return [
        (float(confidence[number == at].mean()), float(correct[number == at].mean()), int((number == at).sum()))
        for at in range(bins)
        if (number == at).any()
    ]


def floor(probabilities: Floats, truth: NDArray[np.int64], coverage: float = 0.99) -> float:
    """Return the probability from which on labels belong into the set that holds the right one (conformal)."""
    own = np.sort(probabilities[np.arange(len(truth)), truth])
    at = int(np.floor((len(own) + 1) * (1 - coverage))) - 1
    return float(own[at]) if at >= 0 else 0.0
