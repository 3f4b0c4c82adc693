"""How many of the marked texts alarm, by phrases, by the learned head, and by both; and at how many false alarms.

With `--write` the head is learned from all of the corpus and stored beside the phrases.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from classifier import corpus, linear, risks, similar, trust
from classifier.corpus import RISKS, Example
from classifier.evaluate import base
from classifier.linear import Manner

FALSE_ALARMS_ALLOWED: Final = 0.005
"""Of the texts without a risk, by the head and for each risk; out of fold."""
_FREEDOM: Final = 0.01
_THE_SAME: Final = 0.999
"""Correlation of weights that may differ by the last digits of another library, and by nothing else."""

Floats = NDArray[np.float64]


def dangers(options: argparse.Namespace, say: base.Say) -> dict[str, Any]:
    """Recall and false alarms of each risk on the shipped corpus, the head out of fold; --write stores the head."""
    examples = corpus.read(options.corpus)
    say(f"{len(examples)} examples")
    rows = risks.rows([example.text for example in examples])
    marked = np.array([[risk in example.risks for risk in RISKS] for example in examples])
    groups = similar.groups([example.text for example in examples])
    unseen = np.column_stack([_unseen(rows, marked[:, at], groups, options.cv) for at in range(len(RISKS))])
    head, calibrated = learn(rows, marked, unseen)
    if options.write:
        options.write.write_text(json.dumps(risks.to_json(head), indent=1) + "\n", encoding="utf-8")
    said = np.array([[risk in risks.phrases(example.text) for risk in RISKS] for example in examples])
    alarmed = calibrated >= head.threshold
    return {
        risk: {
            "marked": int(marked[:, at].sum()),
            "phrases": _caught(said[:, at], marked[:, at]),
            "head": _caught(alarmed[:, at], marked[:, at]),
            "both": _caught(said[:, at] | alarmed[:, at], marked[:, at]),
            "calibration_error": _error(calibrated[:, at], marked[:, at]),
        }
        for at, risk in enumerate(RISKS)
    }


def learn(rows: Floats, marked: NDArray[np.bool_], unseen: Floats) -> tuple[risks.Head, Floats]:
    """Return the head over all rows, calibrated by out-of-fold log-odds, and these log-odds calibrated."""
    weights, bias, thresholds, calibrated = [], [], [], []
    for at in range(len(RISKS)):
        slope, offset = _line(unseen[:, at], marked[:, at])
        own, own_bias = _fitted(rows, marked[:, at])
        odds = slope * unseen[:, at] + offset
        weights.append(slope * own)
        bias.append(slope * own_bias + offset)
        thresholds.append(_threshold(odds, marked[:, at]))
        calibrated.append(odds)
    head = risks.Head(risks.names(), np.column_stack(weights), np.array(bias), np.array(thresholds))
    return head, np.column_stack(calibrated)


def _unseen(rows: Floats, marked: NDArray[np.bool_], groups: NDArray[np.int64], folds: int) -> Floats:
    """Log-odds of each text by what the texts of other folds teach."""
    odds = np.zeros(len(rows))
    for inside, outside in linear.fold_pairs(marked.astype(np.int64), groups, Manner(folds=folds)):
        weights, bias = _fitted(rows[inside], marked[inside])
        odds[outside] = rows[outside] @ weights + bias
    return odds


def _fitted(rows: Floats, marked: NDArray[np.bool_]) -> tuple[Floats, float]:
    """Weights and bias on the rows as they are: the scaling is folded into them."""
    scaler = StandardScaler().fit(rows)
    model = LogisticRegression(C=_FREEDOM, max_iter=500, class_weight="balanced")
    model.fit(scaler.transform(rows), marked)
    weights = model.coef_[0] / scaler.scale_
    return weights, float(model.intercept_[0] - weights @ scaler.mean_)


def _line(odds: Floats, marked: NDArray[np.bool_]) -> tuple[float, float]:
    """Slope and offset from balanced log-odds to those of the corpus as it is."""
    model = LogisticRegression(C=1e3).fit(odds[:, None], marked)
    return float(model.coef_[0, 0]), float(model.intercept_[0])


def _threshold(odds: Floats, marked: NDArray[np.bool_]) -> float:
    """The lowest log-odds above which no more of the unmarked texts lie than is allowed."""
    unmarked = np.sort(odds[~marked])[::-1]
    return float(unmarked[int(FALSE_ALARMS_ALLOWED * len(unmarked))]) + 1e-6


def _caught(alarmed: NDArray[np.bool_], marked: NDArray[np.bool_]) -> dict[str, float]:
    return {"recall": float(alarmed[marked].mean()), "false_alarms": float(alarmed[~marked].mean())}


def _error(odds: Floats, marked: NDArray[np.bool_]) -> float:
    """The calibration error of the probability of a risk."""
    return trust.calibration_error(1 / (1 + np.exp(-odds)), marked)


def stale(examples: Sequence[Example]) -> bool:
    """Say whether learning from `examples` gives weights other than those that are shipped."""
    rows = risks.rows([example.text for example in examples])
    shipped = risks.head()
    for at, risk in enumerate(RISKS):
        weights, _ = _fitted(rows, np.array([risk in example.risks for example in examples]))
        if np.corrcoef(weights, shipped.weights[:, at])[0, 1] < _THE_SAME:
            return True
    return False


def add_command(commands: base.Commands, say: base.Say) -> None:
    """Add the command risks."""
    parser = base.command(commands, "risks", dangers, say)
    parser.add_argument("--corpus", type=Path, default=corpus.shipped())
    parser.add_argument("--write", type=Path, help="store the head here: classifier/data/risk_head.json")
