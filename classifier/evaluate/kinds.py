"""Ticket types on some hundred real messages of four types, by repeated cross-validation.

The type is judged by speech acts; the words of the matter were tried beside them and add nothing at this number.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from classifier import corpus, similar, speech, text, train
from classifier.evaluate import base
from classifier.linear import Manner

NAMES: Final = {"consult": "咨询", "help": "求助", "complaint": "投诉", "suggest": "建议"}
_FREEDOM, _FREEDOM_OF_CORPUS = 0.01, 0.1


def types(options: argparse.Namespace, say: base.Say) -> dict[str, Any]:
    """Ticket types by repeated cross-validation on some hundred messages, beside the shipped corpus."""
    told = [row for row in corpus.read_table(options.labelled) if row["type"]]
    if options.served:
        return _served(options.corpus, told, say)
    messages = [(text.clean(row["title"]), text.clean(row["text"])) for row in told]
    labels = tuple(sorted({row["type"] for row in told}))
    truth = np.array([labels.index(row["type"]) for row in told], dtype=np.int64)
    base.several(base.Messages(tuple(title for title, _ in messages), tuple(row["type"] for row in told)))
    rows = speech.rows(messages)
    if options.with_corpus:
        rows = np.hstack([rows, _opinions(options.corpus, rows)])
    groups = similar.groups([f"{title} {said}" for title, said in messages])
    runs = []
    for seed in range(options.draws):
        say(f"draw {seed + 1} of {options.draws}")
        scores = base.out_of_fold(_logistic(_FREEDOM), rows, truth, groups, Manner(folds=options.cv, seed=seed))
        runs.append(base.own_figures(labels, scores, truth, options.kept))
    return {"examples": len(truth), "labels": labels, **base.mean(runs)}


def _served(path: Path, told: Sequence[Mapping[str, str]], say: base.Say) -> dict[str, Any]:
    """What the model that `train` makes of the corpus thinks of messages none of which it learned from.

    `accuracy` among all types that it knows, `accuracy_of_these` among those that occur.
    """
    model = train.train(corpus.read(path), train.usual(), say)
    judge, cleaned = model.judges["kind"], [text.clean(f"{row['title']}\n{row['text']}") for row in told]
    spoken = judge.acts.listen(cleaned) if judge.acts else None
    probabilities = judge.probabilities(model.features.rows(cleaned), spoken)
    names = np.array([NAMES.get(label, label) for label in judge.head.labels])
    truth = np.array([row["type"] for row in told])
    these = np.isin(names, truth)
    return {
        "examples": len(told),
        "labels": tuple(names.tolist()),
        "accuracy": float((names[probabilities.argmax(axis=1)] == truth).mean()),
        "accuracy_of_these": float((names[these][probabilities[:, these].argmax(axis=1)] == truth).mean()),
    }


def _opinions(path: Path, rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """What the acts of the shipped corpus teach of each row, as log-probabilities of its types."""
    examples = [example for example in corpus.read(path) if example.kind in NAMES]
    model = _logistic(_FREEDOM_OF_CORPUS)
    model.fit(speech.rows([("", example.text) for example in examples]), [example.kind for example in examples])
    return np.asarray(model.predict_log_proba(rows), dtype=np.float64)


def _logistic(freedom: float) -> base.Learner:
    learner: base.Learner = make_pipeline(StandardScaler(), LogisticRegression(C=freedom, max_iter=500))
    return learner


def add_command(commands: base.Commands, say: base.Say) -> None:
    """Add the command types."""
    kinds = base.command(commands, "types", types, say)
    kinds.add_argument("--corpus", type=Path, default=corpus.shipped())
    kinds.add_argument("--with-corpus", action="store_true", help="learn from the shipped corpus too")
    kinds.add_argument("--served", action="store_true", help="judge by the model that `train` makes of the corpus")
    kinds.add_argument("--labelled", type=Path, default=base.DATA / "types.csv")
