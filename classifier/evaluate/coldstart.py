"""A city without history: the shipped corpus and cues under the published mapping, judged on real messages.

Also with some real labels added, and with more and more of them. What is known before the first label is one score a
class; real labels then learn how far to follow it, beside words of their own.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.linear_model import LogisticRegression

from classifier import corpus, cues, features, linear, similar, text, train, trust
from classifier.cues import Cues
from classifier.evaluate import base
from classifier.linear import Fit, Manner
from classifier.predict import Judge

# How much words and lines of cues weigh beside the scores of what was known before, and how freely labels are followed.
_WORDS, _LINES, _FREEDOM = 4.0, 0.7, 1.0
_WORTH: Final = 200
_NO_CLASS: Final = "-"
_CURVE: Final = (0, 50, 100, 300, 1000, 3000)
_CURVE_SHARES: Final = (0.1, 0.25, 0.5, 1.0)


@dataclass(frozen=True, slots=True)
class Filing:
    """Codes of two, four or six digits with the shares of the classes that the board would file them under."""

    shares: Mapping[str, Mapping[str, float]]

    def of(self, code: str) -> Mapping[str, float]:
        """The shares of the longest prefix of a code that is mapped; empty if none is."""
        return next((self.shares[code[:width]] for width in (6, 4, 2) if code[:width] in self.shares), {})

    def first(self, code: str) -> str:
        """The class with the greatest share; empty if the code is not mapped."""
        shares = self.of(code)
        return max(shares, key=lambda label: shares[label]) if shares else ""


@dataclass(frozen=True, slots=True)
class Prior:
    """What is known without any real label: margins learned from the corpus, and cue words."""

    trained: base.Trained
    cues: Cues
    mapping: Filing
    judge: Judge

    def scores(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return scores of the classes, shape (texts, classes)."""
        return self.trained.scores(texts) + self.cues.scores(texts, self.judge.head.labels, self.mapping.of)

    def parts(self, texts: Sequence[str]) -> sparse.csr_matrix:
        """Return all that a learner of real labels may lean on: margins, cues by class, cues by line, words."""
        by_class = self.cues.scores(texts, self.judge.head.labels, self.mapping.of)
        return sparse.hstack(
            [
                sparse.csr_matrix(self.trained.scores(texts)),
                sparse.csr_matrix(by_class),
                _LINES * self.cues.groups(texts),
                _WORDS * self.trained.features.rows(texts),
            ],
            format="csr",
        )


@dataclass(frozen=True, slots=True)
class Board:
    """Real messages with the parts that learners lean on, made once for all draws."""

    messages: base.Messages
    parts: sparse.csr_matrix
    options: argparse.Namespace
    before: NDArray[np.float32] | None = None
    """Log-probabilities by what was known before any label, shape (messages, sorted labels)."""


def coldstart(options: argparse.Namespace, say: base.Say) -> dict[str, Any]:
    """The shipped corpus and cues under the published mapping, judged on real messages, also with real labels added."""
    shipped = _mapped(options, seven_classes())
    real = base.messages(options.test, "label", base.columns(options.text))
    if options.add_labels:
        base.several(real)
    if not 0 <= options.add_labels < len(real.texts):
        left = f"{options.add_labels} of {len(real.texts)} messages to learn from leave none to judge"
        raise corpus.CorpusError(f"{options.test}: {left}")
    prior = learn(shipped, options, say)
    told = {"learned_from": len(shipped.texts), "cues": len(prior.cues.weights)}
    if not options.add_labels:
        return {**told, **base.judged(prior, real)}
    board = _board(prior, real, options)
    draws = [_added(board, options.add_labels, seed) for seed in range(options.draws)]
    return {**told, "added": options.add_labels, "draws": options.draws, **base.mean(draws)}


def curve(options: argparse.Namespace, say: base.Say) -> dict[str, Any]:
    """How accuracy grows: with the tickets of the shipped corpus, then with a city's own labels in their place."""
    shipped = _mapped(options, seven_classes())
    real = base.messages(options.test, "label", base.columns(options.text))
    base.several(real)
    growth = []
    for share in _CURVE_SHARES:
        say(f"{share:.0%} of the corpus")
        growth.append(_growth(shipped, real, share, options))
    prior = learn(shipped, options, say)
    board = _board(prior, real, options)
    bare = Board(real, board.parts[:, -len(prior.trained.features.vocabulary) :], options)
    handover = []
    for count in (count for count in _CURVE if count < len(real.texts)):  # with all of them none is left to judge
        say(f"{count} labels of the city")
        handover.append(_handover(board, bare, count) if count else _without(prior, real))
    return {"corpus": growth, "own_labels": handover}


def learn(shipped: base.Messages, options: argparse.Namespace, say: base.Say, *, with_cues: bool = True) -> Prior:
    """Return what corpus and cues know together; calibrated on corpus texts that the margins had not seen."""
    manner = Manner(ridge=options.ridge, folds=3, contrast=options.contrast, balanced=True)
    learned = features.learn(shipped.texts, base.FEW)
    rows, fold = learned.rows(shipped.texts), linear.folds(shipped.labels, similar.groups(shipped.texts), manner)
    fit = linear.fit(rows, {"label": shipped.labels}, fold, manner, say)["label"]
    known, mapping = cues.shipped() if with_cues else Cues(()), seven_classes()
    told = known.scores(shipped.texts, fit.head.labels, mapping.of)
    judge = train.judge(Fit(fit.head, fit.truth, fit.out_of_fold + told), (0,), options.kept)
    return Prior(base.Trained(learned, judge), known, mapping, judge)


def seven_classes() -> Filing:
    """The published mapping: a code, a tab, and a class, or classes with their shares."""
    shares = {}
    for line in text.lines("seven.tsv"):
        code, _, told = line.partition("\t")
        words = told.split()
        pairs = zip(words[::2], map(float, words[1::2] or ["1"]), strict=True)
        shares[code] = {} if told == _NO_CLASS else dict(pairs)
    return Filing(shares)


def _mapped(options: argparse.Namespace, mapping: Filing) -> base.Messages:
    """The texts of the corpus whose code is mapped."""
    mapped = [(example.text, mapping.first(example.category)) for example in corpus.read(options.corpus)]
    return base.Messages(tuple(said for said, seven in mapped if seven), tuple(seven for _, seven in mapped if seven))


def _added(board: Board, count: int, seed: int) -> dict[str, Any]:
    """The figures on all other messages of learning from `count` drawn ones."""
    known, rest = _drawn(board, count, seed)
    labels, truth = _truth(board)
    unseen = _out_of_fold(board.parts[known], truth[known], len(labels), Manner(folds=board.options.cv, seed=seed))
    unseen = _blended(board, known, unseen, count)
    head = linear.Head(labels, np.zeros((0, len(labels)), np.float32), np.zeros(len(labels), np.float32))
    judge = train.judge(Fit(head, truth[known], unseen), (0,), board.options.kept)
    scores = _blended(board, rest, _fitted(board.parts[known], truth[known], board.parts[rest], len(labels)), count)
    return base.figures(judge, scores, truth[rest])


def _board(prior: Prior, real: base.Messages, options: argparse.Namespace) -> Board:
    """Return the messages with their parts and what the prior says of each."""
    labels = tuple(sorted(set(real.labels)))
    scores = np.full((len(real.texts), len(labels)), base.IMPOSSIBLE, dtype=np.float32)
    plain = np.log(np.maximum(trust.softmax(prior.scores(real.texts), prior.judge.warmth), 1e-9))
    for at, label in enumerate(prior.judge.head.labels):
        if label in labels:
            scores[:, labels.index(label)] = plain[:, at]
    return Board(real, prior.parts(real.texts), options, scores)


def _blended(board: Board, asked: NDArray[np.int64], learned: NDArray[np.float32], count: int) -> NDArray[np.float32]:
    """Trust what was known before like `_WORTH` labels: a city's first few dozen labels alone would mislead."""
    if board.before is None:
        return learned
    return np.asarray((_WORTH * board.before[asked] + count * learned) / (_WORTH + count), dtype=np.float32)


def _out_of_fold(
    parts: sparse.csr_matrix, truth: NDArray[np.int64], labels: int, manner: Manner
) -> NDArray[np.float32]:
    """Scores of each known message by what the others teach."""
    scores = np.zeros((len(truth), labels), dtype=np.float32)
    for inside, outside in linear.fold_pairs(truth, np.arange(len(truth)), manner):
        scores[outside] = _fitted(parts[inside], truth[inside], parts[outside], labels)
    return scores


def _fitted(
    known: sparse.csr_matrix, truth: NDArray[np.int64], asked: sparse.csr_matrix, labels: int
) -> NDArray[np.float32]:
    """Log-probabilities of the asked rows; a label that was never seen is nearly impossible."""
    model = LogisticRegression(C=_FREEDOM, max_iter=300).fit(known, truth)
    scores = np.full((asked.shape[0], labels), base.IMPOSSIBLE, dtype=np.float32)
    scores[:, model.classes_] = model.predict_log_proba(asked)
    return scores


def _growth(shipped: base.Messages, real: base.Messages, share: float, options: argparse.Namespace) -> dict[str, Any]:
    """Accuracy with a drawn share of the corpus, with cues and without."""
    order = np.random.default_rng(0).permutation(len(shipped.texts))[: round(share * len(shipped.texts))]
    part = shipped.at(np.sort(order))
    with_cues, without = (learn(part, options, lambda _: None, with_cues=cued) for cued in (True, False))
    return {
        "tickets": len(part.texts),
        "accuracy": base.judged(with_cues, real)["accuracy"],
        "without_cues": base.judged(without, real)["accuracy"],
    }


def _handover(board: Board, bare: Board, count: int) -> dict[str, Any]:
    """Accuracy with `count` labels of the city beside what was known before, and with these labels alone."""
    seeds = range(board.options.draws)
    return {
        "labels": count,
        "accuracy": float(np.mean([_accuracy(board, count, seed) for seed in seeds])),
        "labels_alone": float(np.mean([_accuracy(bare, count, seed) for seed in seeds])),
    }


def _accuracy(board: Board, count: int, seed: int) -> float:
    """Accuracy on all other messages of learning from `count` drawn ones; `_added` without its calibration."""
    known, rest = _drawn(board, count, seed)
    labels, truth = _truth(board)
    scores = _blended(board, rest, _fitted(board.parts[known], truth[known], board.parts[rest], len(labels)), count)
    return float((scores.argmax(axis=1) == truth[rest]).mean())


def _drawn(board: Board, count: int, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Positions of `count` messages, and of all others."""
    order = np.random.default_rng(seed).permutation(len(board.messages.texts))
    return order[:count], order[count:]


def _truth(board: Board) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    labels = tuple(sorted(set(board.messages.labels)))
    return labels, np.array([labels.index(label) for label in board.messages.labels], dtype=np.int64)


def _without(prior: Prior, real: base.Messages) -> dict[str, Any]:
    return {"labels": 0, "accuracy": base.judged(prior, real)["accuracy"], "labels_alone": None}


def add_command(commands: base.Commands, say: base.Say) -> None:
    """Add the commands coldstart and curve."""
    for name, figures in (("coldstart", coldstart), ("curve", curve)):
        cold = base.command(commands, name, figures, say)
        cold.add_argument("--corpus", type=Path, default=corpus.shipped())
        cold.add_argument("--test", type=Path, default=base.DATA / "teddy2020" / "labelled.csv")
        base.text_option(cold)
        if name == "coldstart":
            cold.add_argument(
                "--add-labels", type=int, default=0, help="real labels to learn from too; the others are judged"
            )
