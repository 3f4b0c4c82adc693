"""Figures on messages with known labels, each printed by one command of `python -m classifier evaluate`.

Reads files of the columns that are named in `docs/classifier.md`; learns only in order to measure, and stores nothing.
"""

from __future__ import annotations

import argparse
import io
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from classifier import card, corpus, features, linear, registry, similar, text, train, trust
from classifier.linear import Fit, Manner
from classifier.predict import Judge

DATA: Final = Path(os.environ.get("HOTLINE_SHARED_DATA", "../shared/data"))
FINE: Final = features.Recipe(characters=(1, 2, 3, 4), least=3, most=500_000)
"""For labels with hundreds of examples each."""
FEW: Final = features.Recipe(characters=(1, 2, 3), least=2, most=300_000)
"""For some hundreds of examples in all."""

Say = Callable[[str], None]
Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"  # noqa: SLF001 - argparse has no public name for it


@dataclass(frozen=True, slots=True)
class Messages:
    """Clean texts with one label each."""

    texts: tuple[str, ...]
    labels: tuple[str, ...]

    def at(self, positions: Sequence[int] | NDArray[np.int64]) -> Messages:
        """The messages at some positions."""
        return Messages(tuple(self.texts[i] for i in positions), tuple(self.labels[i] for i in positions))

    def __add__(self, other: Messages) -> Messages:
        return Messages(self.texts + other.texts, self.labels + other.labels)


@dataclass(frozen=True, slots=True)
class Trained:
    """Features and a judge of one question."""

    features: features.Features
    judge: Judge

    def scores(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return self.judge.head.scores(self.features.rows(texts))


def messages(path: Path, label: str, columns: Sequence[str]) -> Messages:
    """Return the rows of a table with a label and a text: the first of `columns` (or `a+b`) that is not empty."""
    texts, labels = [], []
    for row in corpus.read_table(path):
        said = next(
            (told for column in columns if (told := " ".join(row[part] for part in column.split("+")).strip())), ""
        )
        if row[label] and said:
            texts.append(text.clean(said))
            labels.append(row[label])
    return Messages(tuple(texts), tuple(labels))


def learn(known: Messages, recipe: features.Recipe, manner: Manner, promise: trust.Promise, say: Say) -> Trained:
    """Return features and a calibrated judge, learned from `known` alone."""
    learned = features.learn(known.texts, recipe)
    groups = similar.groups(known.texts)
    fit = linear.fit(learned.rows(known.texts), {"label": known.labels}, groups, manner, say)["label"]
    return Trained(learned, train.judge(fit, (0,), promise))


def judged(trained: Trained, unseen: Messages) -> dict[str, Any]:
    """Return the figures of a judge on messages it has not seen; a label that it does not know counts as wrong."""
    labels = trained.judge.head.labels
    known = [at for at, label in enumerate(unseen.labels) if label in labels]
    asked = unseen.at(known)
    truth = np.array([labels.index(label) for label in asked.labels], dtype=np.int64)
    plain = trust.softmax(trained.scores(asked.texts), trained.judge.warmth)
    return {"unknown_labels": len(unseen.labels) - len(known), **card.figures(plain, truth, trained.judge.levels[0])}


def labelled(options: argparse.Namespace, say: Say) -> dict[str, Any]:
    """Seven classes: by a test file, or by cross-validation with calibration learned on the other folds."""
    known = messages(options.train, "label", _columns(options.text))
    if options.test:
        started = time.perf_counter()
        trained = learn(known, FINE, Manner(folds=3, contrast=True), options.kept, say)
        seconds = time.perf_counter() - started
        unseen = messages(options.test, "label", _columns(options.text))
        return {
            **judged(trained, unseen),
            "training_seconds": seconds,
            **speed(trained, unseen),
            "megabytes": megabytes(trained),
        }
    return crossed(known, FINE, Manner(folds=options.cv, contrast=True), options.kept, say)


def crossed(
    known: Messages, recipe: features.Recipe, manner: Manner, promise: trust.Promise, say: Say
) -> dict[str, Any]:
    """Return figures by cross-validation: a fold is judged by weights, calibration and threshold of the others."""
    names = tuple(sorted(set(known.labels)))
    truth = np.array([names.index(label) for label in known.labels], dtype=np.int64)
    groups = similar.groups(known.texts)
    scores = np.zeros((len(truth), len(names)), dtype=np.float32)
    pairs = linear.fold_pairs(truth, groups, manner)
    for at, (inside, outside) in enumerate(pairs, 1):
        say(f"fold {at} of {len(pairs)}")
        learned = features.learn(known.at(inside).texts, recipe)
        head = linear.head(learned.rows(known.at(inside).texts), known.at(inside).labels, names, manner)
        scores[outside] = head.scores(learned.rows(known.at(outside).texts))
    parts = [_fold_figures(names, scores, truth, outside, promise) for _, outside in pairs]
    return _together(parts, scores, truth)


def _fold_figures(
    names: tuple[str, ...],
    scores: NDArray[np.float32],
    truth: NDArray[np.int64],
    outside: NDArray[np.int64],
    promise: trust.Promise,
) -> dict[str, Any]:
    """The judgement of one fold, by what the scores of the others teach of trust."""
    others = np.setdiff1d(np.arange(len(truth)), outside)
    empty = linear.Head(names, np.zeros((0, len(names)), np.float32), np.zeros(len(names), np.float32))
    judge = train.judge(Fit(empty, truth[others], scores[others]), (0,), promise)
    plain = trust.softmax(scores[outside], judge.warmth)
    confidence = judge.levels[0].curve(plain.max(axis=1))
    right = plain.argmax(axis=1) == truth[outside]
    inside_set = plain >= judge.levels[0].floor
    return {
        "confidence": confidence,
        "right": right,
        "sure": confidence >= judge.levels[0].threshold,
        "holds": inside_set[np.arange(len(outside)), truth[outside]],
        "size": inside_set.sum(axis=1),
    }


def _together(
    parts: Sequence[Mapping[str, NDArray[Any]]], scores: NDArray[np.float32], truth: NDArray[np.int64]
) -> dict[str, Any]:
    """One set of figures over all folds."""
    joined = {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}
    plain = trust.softmax(scores, 1.0)
    ranks = card.figures(plain, truth, trust.Level(trust.Curve(), trust.NEVER, 0.0))
    sure, right = joined["sure"], joined["right"]
    low, high = trust.interval(int(right[sure].sum()), int(sure.sum()))
    return {
        **{key: ranks[key] for key in ("examples", "accuracy", "macro_f1", "top_2", "top_3")},
        "calibration_error": trust.calibration_error(joined["confidence"], right),
        "coverage": float(sure.mean()),
        "precision": float(right[sure].mean()) if sure.any() else None,
        "precision_interval": [low, high],
        "set_99_holds": float(joined["holds"].mean()),
        "set_99_size": float(joined["size"].mean()),
    }


def coldstart(options: argparse.Namespace, say: Say) -> dict[str, Any]:
    """The shipped corpus under the published mapping, judged on real messages, also with some real labels added."""
    mapping = dict(line.split("\t") for line in text.lines("seven.tsv"))
    mapped = [(example.text, _seven(mapping, example.category)) for example in corpus.read(options.corpus)]
    shipped = Messages(tuple(said for said, seven in mapped if seven), tuple(seven for _, seven in mapped if seven))
    real = messages(options.test, "label", _columns(options.text))
    manner = Manner(ridge=options.ridge, folds=3, contrast=options.contrast, balanced=True)
    if not options.add_labels:
        return {"learned_from": len(shipped.texts), **judged(learn(shipped, FEW, manner, options.kept, say), real)}
    draws = []
    for seed in range(options.draws):
        order = np.random.default_rng(seed).permutation(len(real.texts))
        added, rest = real.at(order[: options.add_labels]), real.at(order[options.add_labels :])
        both = shipped + Messages(added.texts * options.weight, added.labels * options.weight)
        draws.append(judged(learn(both, FEW, manner, options.kept, say), rest))
    mean = {key: float(np.mean([draw[key] for draw in draws])) for key in ("accuracy", "macro_f1", "calibration_error")}
    return {"learned_from": len(shipped.texts), "added": options.add_labels, "draws": options.draws, **mean}


def types(options: argparse.Namespace, say: Say) -> dict[str, Any]:
    """Ticket types by repeated cross-validation on some hundred messages, beside the shipped corpus."""
    known = messages(options.labelled, "type", ("title+text",))
    names = {"consult": "咨询", "help": "求助", "complaint": "投诉", "suggest": "建议"}
    taught = (
        [example for example in corpus.read(options.corpus) if example.kind in names] if options.with_corpus else []
    )
    shipped = Messages(tuple(example.text for example in taught), tuple(names[example.kind] for example in taught))
    return _few(
        known + shipped, options, say, judged_only=np.arange(len(known.texts + shipped.texts)) < len(known.texts)
    )


def departments(options: argparse.Namespace, say: Say) -> dict[str, Any]:
    """The responding department, learned from all weak marks and judged on signatures by cross-validation."""
    rows = [row for row in corpus.read_table(options.replies) if row["department"]]
    texts = tuple(text.clean(f"{row['topic']} {row['text']}") for row in rows)
    signed = np.array([row["department_source"].startswith("signature") for row in rows])
    counts = corpus.shares(row["department"] for row, is_signed in zip(rows, signed, strict=True) if is_signed)
    groups = [name for name in counts if name != "其他"][: options.groups]
    labels = tuple(row["department"] if row["department"] in groups else "其他" for row in rows)
    return _few(
        Messages(texts, labels), options, say, judged_only=signed & np.array([label != "其他" for label in labels])
    )


def _few(
    known: Messages, options: argparse.Namespace, say: Say, judged_only: NDArray[np.bool_] | None = None
) -> dict[str, Any]:
    """Repeated cross-validation by ridge; only the rows of `judged_only` are judged, all are learned from."""
    names = tuple(sorted(set(known.labels)))
    truth = np.array([names.index(label) for label in known.labels], dtype=np.int64)
    asked = np.ones(len(truth), dtype=bool) if judged_only is None else judged_only
    learned = features.learn(known.texts, FEW)
    rows, groups = learned.rows(known.texts), similar.groups(known.texts)
    runs = []
    for seed in range(options.draws):
        say(f"draw {seed + 1} of {options.draws}")
        manner = Manner(options.ridge, options.cv, seed, contrast=options.contrast, balanced=True)
        fit = linear.fit(rows, {"label": known.labels}, groups, manner)["label"]
        judge = train.judge(fit, (0,), options.kept)
        runs.append(card.figures(trust.softmax(fit.out_of_fold[asked], judge.warmth), truth[asked], judge.levels[0]))
    shown = ("accuracy", "macro_f1", "top_2", "top_3", "calibration_error")
    return {
        "examples": int(asked.sum()),
        "labels": names,
        **{key: float(np.mean([run[key] for run in runs])) for key in shown},
    }


def speed(trained: Trained, unseen: Messages) -> dict[str, float]:
    """Return messages judged a second on this core, from raw text to probabilities, the best of three runs."""
    best = float("inf")
    for _ in range(3):
        started = time.process_time()
        cleaned = [text.clean(said) for said in unseen.texts]
        trained.judge.probabilities(trained.features.rows(cleaned))
        best = min(best, time.process_time() - started)
    return {"messages_per_second": len(unseen.texts) / best}


def megabytes(trained: Trained) -> float:
    """The size of the model as the registry would store it."""
    buffer = io.BytesIO()
    whole, scale = registry.quantised(trained.judge.head.weights)
    np.savez_compressed(buffer, whole=whole, scale=scale, idf=trained.features.weights)
    return (len(buffer.getvalue()) + len("\n".join(trained.features.vocabulary).encode())) / 1e6


def _seven(mapping: Mapping[str, str], code: str) -> str:
    """The class of the longest prefix of a code that the mapping names; empty if there is none."""
    found = next((mapping[code[:width]] for width in (6, 4, 2) if code[:width] in mapping), "-")
    return "" if found == "-" else found


def _columns(choice: str) -> tuple[str, ...]:
    return {"tokens": ("tokens", "text"), "text": ("text", "tokens"), "raw": ("text",)}[choice]


def add_commands(parser: argparse.ArgumentParser, say: Say) -> None:
    """Add the commands labelled, coldstart, types and departments to `parser`."""
    commands = parser.add_subparsers(required=True, metavar="labelled | coldstart | types | departments")
    board = _command(commands, "labelled", labelled, say)
    board.add_argument("--train", type=Path, default=DATA / "teddy2020" / "labelled.csv")
    board.add_argument("--test", type=Path, help="a file that was kept back; without it, cross-validation")
    _text_option(board)
    cold = _command(commands, "coldstart", coldstart, say)
    cold.add_argument("--corpus", type=Path, default=corpus.shipped())
    cold.add_argument("--test", type=Path, default=DATA / "teddy2020" / "labelled.csv")
    cold.add_argument("--add-labels", type=int, default=0, help="real labels to learn from too; the others are judged")
    cold.add_argument("--weight", type=int, default=2, help="how often an added label counts")
    _text_option(cold)
    kinds = _command(commands, "types", types, say)
    kinds.add_argument("--corpus", type=Path, default=corpus.shipped())
    kinds.add_argument("--with-corpus", action="store_true", help="learn from the shipped corpus too")
    kinds.add_argument("--labelled", type=Path, default=DATA / "types.csv")
    units = _command(commands, "departments", departments, say)
    units.add_argument("--replies", type=Path, default=DATA / "teddy2020" / "replies.csv")
    units.add_argument("--groups", type=int, default=9)


def _text_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--text", choices=("tokens", "text", "raw"), default="tokens", help="the column to read first")


def _command(
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
        if not DATA.is_dir() and "shared" in str(DATA):
            say(f"{DATA} is missing: set HOTLINE_SHARED_DATA or give the files")
        options.kept = trust.Promise(options.promise, options.assurance)
        return {"command": name, **figures(options, say)}

    parser.set_defaults(run=run)
    return parser
