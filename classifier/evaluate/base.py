"""What the evaluating commands share: messages with labels, learning from some, figures on others, a command line.

Reads tables by the names of their columns; learns only in order to measure, and stores nothing.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from classifier import card, corpus, features, linear, similar, text, train, trust
from classifier.linear import Manner
from classifier.predict import Judge

DATA: Final = Path(os.environ.get("HOTLINE_SHARED_DATA", "../shared/data"))
FINE: Final = features.Recipe(characters=(1, 2, 3, 4), least=3, most=500_000)
"""For labels with hundreds of examples each."""
FEW: Final = features.Recipe(characters=(1, 2, 3), least=2, most=300_000)
"""For some hundreds of examples in all."""

_LABELS_SHOWN, _LABEL_SHOWN = 10, 20
IMPOSSIBLE: Final = -20.0
"""The log-probability of a label that no example had."""

Say = Callable[[str], None]
Before = Callable[[features.Features, Sequence[str]], NDArray[np.float32]]
"""Weights of features for labels that are known before any label, shape (features, labels)."""
Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"  # noqa: SLF001 - argparse has no public name for it


@dataclass(frozen=True, slots=True)
class Messages:
    """Clean texts with one label each; `left_out`: how many rows of the table had no label or no text."""

    texts: tuple[str, ...]
    labels: tuple[str, ...]
    left_out: int = 0

    def at(self, positions: Sequence[int] | NDArray[np.int64]) -> Messages:
        """The messages at some positions."""
        return Messages(tuple(self.texts[i] for i in positions), tuple(self.labels[i] for i in positions))

    def __add__(self, other: Messages) -> Messages:
        return Messages(self.texts + other.texts, self.labels + other.labels)


@dataclass(frozen=True, slots=True)
class Beside:
    """What is there to learn from beside labelled messages: clean texts without labels, and what is known before."""

    unlabelled: Sequence[str] = ()
    before: Before | None = None


@dataclass(frozen=True, slots=True)
class Trained:
    """Features and a judge of one question."""

    features: features.Features
    judge: Judge

    def scores(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return self.judge.head.scores(self.features.rows(texts))


class Learner(Protocol):
    """A scikit-learn classifier, as far as it is used here."""

    classes_: NDArray[np.int64]

    def fit(self, rows: NDArray[np.float64], truth: Sequence[str] | NDArray[np.int64]) -> object: ...

    def predict_log_proba(self, rows: NDArray[np.float64]) -> NDArray[np.float64]: ...


class Scorer(Protocol):
    """Whatever gives scores of texts, and a judge of them."""

    @property
    def judge(self) -> Judge: ...

    def scores(self, texts: Sequence[str]) -> NDArray[np.float32]: ...


def messages(path: Path, label: str, columns: Sequence[str]) -> Messages:
    """Return the rows of a table with a label and a text: the first of `columns` that is not empty.

    Rows without either are left out. Raises CorpusError where the table has none of the columns, or no whole row.
    """
    texts, labels = [], []
    rows = corpus.read_table(path)
    if not set(columns) & set(rows[0]):
        raise corpus.CorpusError(f"{path}: needs a column {' or '.join(columns)}; there are {', '.join(rows[0])}")
    for row in rows:
        said = text.clean(next((row[column] for column in columns if row.get(column)), ""))
        if row[label] and said:
            texts.append(said)
            labels.append(row[label])
    if not texts:
        raise corpus.CorpusError(f"{path}: no row has both a {label} and a {' or '.join(columns)}")
    return Messages(tuple(texts), tuple(labels), len(rows) - len(texts))


def learn(
    known: Messages,
    recipe: features.Recipe,
    manner: Manner,
    promise: trust.Promise,
    say: Say,
    beside: Beside | None = None,
) -> Trained:
    """Return features and a calibrated judge, learned from `known` and from what is there beside."""
    several(known)
    unlabelled, before = (beside.unlabelled, beside.before) if beside else ((), None)
    learned = features.learn(known.texts, recipe)
    fold = linear.folds(known.labels, similar.groups(known.texts), manner)
    more = learned.rows(unlabelled) if unlabelled else None
    rows = learned.rows(known.texts)
    fit = linear.fit(rows, {"label": known.labels}, fold, manner, say, unlabelled=more)["label"]
    if before:
        weights = before(learned, fit.head.labels)
        fit = replace(fit, head=leaning(fit.head, weights), out_of_fold=fit.out_of_fold + rows @ weights)
    return Trained(learned, train.judge(fit, (0,), promise))


def several(known: Messages) -> None:
    """Raise CorpusError where there is nothing to tell apart."""
    if len(set(known.labels)) == 1:
        told = f"all {len(known.labels)} messages to learn from are {_shown(known.labels)}"
        raise corpus.CorpusError(f"{told}: needs two labels")


def _shown(labels: Sequence[str]) -> str:
    """Some labels for an error; a text in the place of a label is masked and short."""
    return ", ".join(text.clean(label)[:_LABEL_SHOWN] for label in sorted(set(labels))[:_LABELS_SHOWN])


def leaning(head: linear.Head, weights: NDArray[np.float32]) -> linear.Head:
    """Return a head that leans on weights known before any label."""
    return replace(head, weights=head.weights + weights)


def judged(trained: Scorer, unseen: Messages) -> dict[str, Any]:
    """Return the figures of a judge on messages it has not seen; a label that it does not know counts as wrong."""
    labels = trained.judge.head.labels
    number = {label: at for at, label in enumerate(labels)}
    truth = np.array([number.get(label, len(labels)) for label in unseen.labels], dtype=np.int64)
    unknown = int((truth == len(labels)).sum())
    if unknown == len(truth):
        told = f"they are {_shown(unseen.labels)}; learned were {_shown(labels)}"
        raise corpus.CorpusError(f"none of the labels to judge was learned: {told}")
    plain = trust.softmax(trained.scores(unseen.texts), trained.judge.warmth)
    if unknown:
        plain = np.hstack([plain, np.zeros((len(plain), 1))])
    return {"unknown_labels": unknown, **card.figures(plain, truth, trained.judge.levels[0])}


def figures(judge: Judge, scores: NDArray[np.float32], truth: NDArray[np.int64]) -> dict[str, Any]:
    """Return the figures of a judge on scores that it had no part in."""
    return card.figures(trust.softmax(scores, judge.warmth), truth, judge.levels[0])


def out_of_fold(
    learner: Learner, rows: NDArray[np.float64], truth: NDArray[np.int64], groups: NDArray[np.int64], manner: Manner
) -> NDArray[np.float32]:
    """Return log-probabilities of each row by what the rows of other folds teach, shape (rows, labels)."""
    scores = np.full((len(truth), int(truth.max()) + 1), IMPOSSIBLE, dtype=np.float32)
    for inside, outside in linear.fold_pairs(truth, groups, manner):
        learner.fit(rows[inside], truth[inside])
        scores[np.ix_(outside, learner.classes_)] = learner.predict_log_proba(rows[outside])
    return scores


def own_figures(
    labels: tuple[str, ...], scores: NDArray[np.float32], truth: NDArray[np.int64], promise: trust.Promise
) -> dict[str, Any]:
    """Return figures of out-of-fold scores by a judge that learned warmth and curve from the same scores."""
    empty = linear.Head(labels, np.zeros((0, len(labels)), np.float32), np.zeros(len(labels), np.float32))
    return figures(train.judge(linear.Fit(empty, truth, scores), (0,), promise), scores, truth)


def mean(runs: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Return the figures that every run has, averaged."""
    shown = ("accuracy", "macro_f1", "top_2", "top_3", "calibration_error")
    return {key: float(np.mean([run[key] for run in runs])) for key in shown}


def columns(choice: str) -> tuple[str, ...]:
    return {"tokens": ("tokens", "text"), "text": ("text", "tokens"), "raw": ("text",)}[choice]


def text_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--text", choices=("tokens", "text", "raw"), default="tokens", help="the column to read first")


def command(
    commands: Commands,
    name: str,
    figures: Callable[[argparse.Namespace, Say], dict[str, Any]],
    say: Say,
) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(name, help=figures.__doc__, description=figures.__doc__)
    parser.add_argument("--json", action="store_true", help="one line of JSON")
    parser.add_argument("--promise", type=float, default=0.98)
    parser.add_argument("--assurance", type=float, default=trust.Promise().assurance)
    parser.add_argument("--cv", type=int, default=5, help="folds of the cross-validation")
    parser.add_argument("--contrast", action=argparse.BooleanOptionalAction, default=True, help="margins, or ridge")
    parser.add_argument("--ridge", type=float, default=0.3)
    parser.add_argument("--draws", type=int, default=3, help="repetitions with other draws")

    def run(options: argparse.Namespace) -> dict[str, Any]:
        if not (0 < options.promise < 1 and 0 < options.assurance < 1 and options.cv > 1 and options.draws > 0):
            raise ValueError("promise and assurance lie between 0 and 1, of folds there are two or more, of draws one")
        if not DATA.is_dir() and "shared" in str(DATA):
            say(f"{DATA} is missing: set HOTLINE_SHARED_DATA or give the files")
        options.kept = trust.Promise(options.promise, options.assurance)
        return {"command": name, **figures(options, say)}

    parser.set_defaults(run=run)
    return parser
