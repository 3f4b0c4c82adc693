"""What a model tells of itself: figures out of fold at each level, the worst confusions, the calibration as a picture.

Makes values and SVG text; reads and writes no files.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import f1_score

from classifier import predict, trust
from classifier.predict import Judge

UNKNOWN: Final = "unknown"
"""What a text is shown to be whose label the judge has never met."""
AREA_FEWEST: Final = 30
"""Texts of an area that a model must have been sure of before its promise is looked at there."""
STATED: Final = (0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 0.97, 0.98, 0.99)
"""Probabilities of which a card tells what taking every text from there on would deliver."""
_SIZE = 320
_CONFUSIONS = 20


class Trial(NamedTuple):
    """How sure a judge was of each text of which it had learned nothing, and whether that was sure enough."""

    confidence: NDArray[np.float64]
    sure: NDArray[np.bool_]


def question(
    scores: NDArray[np.float32],
    truth: Sequence[str],
    judge: Judge,
    promise: trust.Promise,
    trials: Sequence[Trial] | None = None,
) -> dict[str, Any]:
    """Return the figures of one question, a level each, all from scores of models that had not seen the text.

    A label that the judge does not know counts as wrong. `trials`: how sure other judges were at each level, where
    `judge` itself has learned from these texts how sure to be.
    """
    plain = trust.softmax(scores, judge.warmth)
    labels, levels = judge.head.labels, {}
    for at, (width, level) in enumerate(zip(judge.widths, judge.levels, strict=True)):
        names, sums = predict.rolled_up(plain, labels, width or max(map(len, labels)))
        number = {name: at for at, name in enumerate(names)}
        numbers = np.array([number.get(label[: width or None], len(names)) for label in truth], dtype=np.int64)
        unknown = int((numbers == len(names)).sum())
        if unknown:
            sums, names = np.hstack([sums, np.zeros((len(sums), 1))]), (*names, UNKNOWN)
        more = {"confusions": _confusions(sums, numbers, names), "classes": _classes(sums, numbers, names, level)}
        told = figures(sums, numbers, level, trials[at] if trials else None)
        levels[str(width)] = told | more | {"unknown_labels": unknown}
    return {"labels": len(labels), "promise": promise.precision, "assurance": promise.assurance, "levels": levels}


def figures(
    plain: NDArray[np.float64], truth: NDArray[np.int64], level: trust.Level, trial: Trial | None = None
) -> dict[str, Any]:
    """Return accuracy, macro-F1, top-k, calibration error, and what the threshold delivers with its interval."""
    order = np.argsort(-plain, axis=1, kind="stable")
    right = order[:, 0] == truth
    confidence, sure = trial or tried(plain, level)
    inside = plain >= level.floor
    return {
        "examples": len(truth),
        "accuracy": float(right.mean()),
        "macro_f1": float(f1_score(truth, order[:, 0], average="macro", zero_division=0)),
        **{f"top_{k}": float((order[:, :k] == truth[:, None]).any(axis=1).mean()) for k in (2, 3, 5)},
        "calibration_error": trust.calibration_error(confidence, right),
        "reliability": trust.reliability(confidence, right),
        "threshold": level.threshold,
        **delivered(sure, right),
        "from": [{"probability": stated, **delivered(confidence >= stated, right)} for stated in STATED],
        "set_99_holds": float(inside[np.arange(len(truth)), truth].mean()),
        "set_99_size": float(inside.sum(axis=1).mean()),
    }


def delivered(taken: NDArray[np.bool_], right: NDArray[np.bool_]) -> dict[str, Any]:
    """Return what taking some of the texts comes to: their share, how many of them are right, and the interval."""
    count, good = int(taken.sum()), int(right[taken].sum())
    return {
        "coverage": float(taken.mean()) if len(taken) else 0.0,
        "precision": good / count if count else None,
        "precision_interval": list(trust.interval(good, count)),
    }


def tried(plain: NDArray[np.float64], level: trust.Level) -> Trial:
    """Return how sure a level is of texts with these probabilities."""
    confidence = level.curve(plain)
    return Trial(confidence, confidence >= level.threshold)


def _classes(
    plain: NDArray[np.float64], truth: NDArray[np.int64], names: tuple[str, ...], level: trust.Level
) -> dict[str, Any]:
    """What the threshold delivers of each class that has an offset of its own."""
    taken, sure = plain.argmax(axis=1), level.curve(plain) >= level.threshold
    told = {}
    for at in np.flatnonzero(level.curve.by_label):
        first = taken == at
        right, count = int((truth[first & sure] == at).sum()), int((first & sure).sum())
        told[names[at]] = {
            "offset": level.curve.by_label[at],
            "first": int(first.sum()),
            "sure": count,
            "precision": right / count if count else None,
            "precision_interval": list(trust.interval(right, count)),
        }
    return told


def areas(
    codes: Sequence[str], sure: NDArray[np.bool_], right: NDArray[np.bool_], promise: trust.Promise
) -> dict[str, Any]:
    """Return what the threshold delivers in each area with enough texts, those of the areas below it counted in.

    The promise is not `kept` where the whole interval lies below it: there the machine is to ask a person.
    """
    told = {}
    for code in sorted(set(codes) - {""}):
        inside = sure & np.array([one.startswith(code) for one in codes])
        count, good = int(inside.sum()), int((inside & right).sum())
        if count >= AREA_FEWEST:
            low, high = trust.interval(good, count)
            kept = high >= promise.precision
            told[code] = {"sure": count, "precision": good / count, "precision_interval": [low, high], "kept": kept}
    return told


def pictures(told: Mapping[str, Any]) -> dict[str, str]:
    """Return the pictures that belong to a card, by file name."""
    return {"calibration.svg": calibration_svg(told["questions"]["category"]["levels"])}


def calibration_svg(levels: Mapping[str, Any]) -> str:
    """Draw stated confidence against the share that was right, a line for each level; on the diagonal it is honest."""
    colours = ("#1b6ca8", "#c8553d", "#5b8c5a")
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="-40 -20 {_SIZE + 60} {_SIZE + 70}" font-size="11">',
        f'<rect width="{_SIZE}" height="{_SIZE}" fill="#fff" stroke="#888"/>',
        f'<line x1="0" y1="{_SIZE}" x2="{_SIZE}" y2="0" stroke="#bbb" stroke-dasharray="4"/>',
    ]
    for at, ((width, told), colour) in enumerate(zip(levels.items(), colours, strict=False)):
        dots = [(stated * _SIZE, (1 - seen) * _SIZE, count) for stated, seen, count in told["reliability"]]
        line = " ".join(f"{x:.1f},{y:.1f}" for x, y, _ in dots)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}"/>')
        parts += [
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{1 + count**0.5 / 8:.1f}" fill="{colour}"/>' for x, y, count in dots
        ]
        name = f"{width} digits, ECE {told['calibration_error']:.3f}"
        parts.append(f'<text x="8" y="{16 + 14 * at}" fill="{colour}">{name}</text>')
    parts.append(f'<text x="{_SIZE / 2 - 50}" y="{_SIZE + 28}">stated confidence</text>')
    parts.append(f'<text transform="translate(-12,{_SIZE / 2 + 40}) rotate(-90)">share that was right</text></svg>')
    return "\n".join(parts) + "\n"


def _confusions(plain: NDArray[np.float64], truth: NDArray[np.int64], names: tuple[str, ...]) -> list[dict[str, Any]]:
    """The most frequent confusions: what it is, what it was taken for, how often."""
    taken = plain.argmax(axis=1)
    counts = Counter((int(is_), int(as_)) for is_, as_ in zip(truth, taken, strict=True) if is_ != as_)
    return [
        {"is": names[is_], "taken_for": names[as_], "count": count}
        for (is_, as_), count in counts.most_common(_CONFUSIONS)
    ]
