"""The board of seven classes: how good, how sure, how fast, how big.

By a file that was kept back, or by cross-validation over what there is.
"""

from __future__ import annotations

import argparse
import io
import re
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from classifier import card, corpus, cues, features, linear, registry, similar, text, train, trust
from classifier.corpus import read_table as read
from classifier.evaluate import base, coldstart
from classifier.linear import Fit, Manner

LEAST_DROPPED, MOSTLY = 3, 3
"""A word is a stop word of a table when its tokens lack it this often, and this many times as often as they have it."""

TRUST_FOLDS = 3
"""Folds that calibration is learned from before a test file is judged: five take a sixth more of training's time."""
CITY_FEWEST = 100
"""Messages that a city must have to be left out and judged."""
_CITY = re.compile(r"(?<![A-Za-z0-9])([A-Z])\d*\s*[市区县州]")
Pair: TypeAlias = tuple[NDArray[np.int64], NDArray[np.int64], base.Beside]
CUES_SHARE = 0.6
"""How much the shipped cues weigh beside what is learned from thousands of labels."""


def labelled(options: argparse.Namespace, say: base.Say) -> dict[str, Any]:
    """Seven classes: by a test file, or by cross-validation with calibration learned on the other folds."""
    known = base.messages(options.train, "label", base.columns(options.text))
    more = unlabelled(options.unlabelled, options.train)
    folds = TRUST_FOLDS if options.test else options.cv
    manner = Manner(folds=folds, contrast=True, dimensions=options.dimensions, seed=options.seed)
    beside = base.Beside(more, cued if options.cues else None)
    if options.test:
        # One core: a second thread of BLAS would be counted while it only waits for work.
        with threadpool_limits(1, user_api="blas"):
            return tried(known, beside, manner, options, say)
    if options.leave_city:
        return left_out_cities(known, beside, manner, options.kept, say)
    return crossed(known, beside, manner, options.kept, say)


def tried(
    known: base.Messages, beside: base.Beside, manner: Manner, options: argparse.Namespace, say: base.Say
) -> dict[str, Any]:
    """Return figures on a file that was kept back, with the processor seconds of learning and of judging."""
    started = time.process_time()
    trained = base.learn(known, base.FINE, manner, options.kept, say, beside)
    seconds = time.process_time() - started
    unseen = base.messages(options.test, "label", base.columns(options.text))
    return {
        **base.judged(trained, unseen),
        "left_out": unseen.left_out,
        "learned_near_duplicates": int(similar.leaked(known.texts, unseen.texts).sum()),
        "training_seconds": seconds,
        **speed(trained, unseen),
        "megabytes": megabytes(trained),
    }


def cued(known: features.Features, labels: Sequence[str]) -> NDArray[np.float32]:
    """What the shipped cues say of labels that the published mapping names, as weights."""
    return np.float32(CUES_SHARE) * cues.shipped().as_weights(known, labels, coldstart.seven_classes().of)


def unlabelled(paths: Sequence[Path], like: Path) -> list[str]:
    """The topics and texts of some tables, without the words that the tokens of the table `like` leave out."""
    dropped = left_out(like)
    texts = (text.clean(f"{row['topic']} {row['text']}") for path in paths if path.is_file() for row in read(path))
    return [" ".join(word for word in text.words(said) if word not in dropped) for said in texts]


def left_out(path: Path) -> set[str]:
    """The words that the tokens of a table nearly always lack where its raw text has them: its stop words."""
    dropped, kept = Counter[str](), Counter[str]()
    for row in read(path):
        if row.get("text") and row.get("tokens"):
            said = Counter(text.words(text.clean(row["text"])))
            told = Counter(text.words(text.clean(row["tokens"])))
            dropped.update(said - told)
            kept.update(said & told)
    return {word for word, count in dropped.items() if count >= LEAST_DROPPED and count > MOSTLY * kept[word]}


def crossed(
    known: base.Messages, beside: base.Beside, manner: Manner, promise: trust.Promise, say: base.Say
) -> dict[str, Any]:
    """Return figures by cross-validation: a fold is judged by weights, calibration and threshold of the others."""
    base.several(known)
    names, truth = _truth(known)
    pairs = [(*pair, beside) for pair in linear.fold_pairs(truth, similar.groups(known.texts), manner)]
    scores = _crossed_scores(known, pairs, manner, say)
    parts = [_fold_figures(names, scores, truth, outside, promise) for _, outside, _ in pairs]
    return _together(parts, scores, truth)


def left_out_cities(
    known: base.Messages, beside: base.Beside, manner: Manner, promise: trust.Promise, say: base.Say
) -> dict[str, Any]:
    """Return figures of cities that were left out: weights, calibration and threshold come from the other ones.

    Nothing that names the city is learned from, and nothing that nearly repeats one of its texts. Messages that name no
    city are learned from and not judged.
    """
    base.several(known)
    names, truth = _truth(known)
    cities, groups = np.array([city(said) for said in known.texts]), similar.groups(known.texts)
    elsewhere = [city(said) for said in beside.unlabelled]
    pairs = []
    for left in sorted(set(cities.tolist()) - {""}):
        outside = np.flatnonzero(cities == left)
        if len(outside) >= CITY_FEWEST:
            inside = np.flatnonzero((cities != left) & ~np.isin(groups, groups[outside]))
            more = [said for said, named in zip(beside.unlabelled, elsewhere, strict=True) if named != left]
            pairs.append((inside, outside, replace(beside, unlabelled=more)))
    if not pairs:
        raise corpus.CorpusError(f"no city is named by {CITY_FEWEST} messages (as in A市, B3区): none can be left out")
    scores = _crossed_scores(known, pairs, manner, say)
    judged = np.concatenate([outside for _, outside, _ in pairs])
    parts = [_fold_figures(names, scores, truth, outside, promise, judged) for _, outside, _ in pairs]
    told = {str(cities[pair[1][0]]): _city_figures(part) for part, pair in zip(parts, pairs, strict=True)}
    return {**_together(parts, scores[judged], truth[judged]), "cities": told}


def city(said: str) -> str:
    """The letter of the anonymised city that a text names most often (A市, A3区); empty if it names none."""
    named = Counter(_CITY.findall(said)).most_common(1)
    return named[0][0] if named else ""


def _city_figures(part: Mapping[str, NDArray[Any]]) -> dict[str, Any]:
    """What the promise came to in one city."""
    sure, right = part["sure"], part["right"]
    return {
        "examples": len(right),
        "accuracy": float(right.mean()),
        "calibration_error": trust.calibration_error(part["confidence"], right),
        **card.delivered(sure, right),
    }


def _truth(known: base.Messages) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    names = tuple(sorted(set(known.labels)))
    return names, np.array([names.index(label) for label in known.labels], dtype=np.int64)


def _crossed_scores(known: base.Messages, pairs: Sequence[Pair], manner: Manner, say: base.Say) -> NDArray[np.float32]:
    """Return scores of what lies outside in each pair, by what is inside and beside it; zeros for the rest."""
    names, _ = _truth(known)
    scores = np.zeros((len(known.labels), len(names)), dtype=np.float32)
    for at, (inside, outside, beside) in enumerate(pairs, 1):
        say(f"fold {at} of {len(pairs)}")
        learned = features.learn(known.at(inside).texts, base.FINE)
        others = learned.rows(beside.unlabelled) if beside.unlabelled else None
        head = linear.head(learned.rows(known.at(inside).texts), known.at(inside).labels, names, manner, others)
        head = base.leaning(head, beside.before(learned, names)) if beside.before else head
        scores[outside] = head.scores(learned.rows(known.at(outside).texts))
    return scores


def _fold_figures(
    names: tuple[str, ...],
    scores: NDArray[np.float32],
    truth: NDArray[np.int64],
    outside: NDArray[np.int64],
    promise: trust.Promise,
    judged: NDArray[np.int64] | None = None,
) -> dict[str, Any]:
    """The judgement of one fold, by what the scores of the others (of all, or of all `judged` ones) teach of trust."""
    others = np.setdiff1d(np.arange(len(truth)) if judged is None else judged, outside)
    empty = linear.Head(names, np.zeros((0, len(names)), np.float32), np.zeros(len(names), np.float32))
    judge = train.judge(Fit(empty, truth[others], scores[others]), (0,), promise)
    plain = trust.softmax(scores[outside], judge.warmth)
    confidence = judge.levels[0].curve(plain)
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
    return {
        **{key: ranks[key] for key in ("examples", "accuracy", "macro_f1", "top_2", "top_3")},
        "calibration_error": trust.calibration_error(joined["confidence"], right),
        **card.delivered(sure, right),
        "set_99_holds": float(joined["holds"].mean()),
        "set_99_size": float(joined["size"].mean()),
    }


def speed(trained: base.Trained, unseen: base.Messages) -> dict[str, float]:
    """Return messages judged a second on this core, from raw text to probabilities, the best of three runs."""
    best = float("inf")
    for _ in range(3):
        started = time.process_time()
        cleaned = [text.clean(said) for said in unseen.texts]
        trained.judge.probabilities(trained.features.rows(cleaned))
        best = min(best, time.process_time() - started)
    return {"messages_per_second": len(unseen.texts) / best}


def megabytes(trained: base.Trained) -> float:
    """The size of the model as the registry would store it."""
    buffer = io.BytesIO()
    whole, scale = registry.quantised(trained.judge.head.weights)
    arrays = {"whole": whole, "scale": scale, "idf": trained.features.weights}
    second = trained.judge.head.second
    if second is not None:
        projection, strength = registry.quantised(second.space.projection)
        arrays |= {"place": second.space.place, "projection": projection, "strength": strength}
        arrays |= {"axes": second.axes, "signs": second.signs}
    np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]  # allow_pickle is no array of ours
    return (len(buffer.getvalue()) + len("\n".join(trained.features.vocabulary).encode())) / 1e6


def add_command(commands: base.Commands, say: base.Say) -> None:
    """Add the command labelled."""
    board = base.command(commands, "labelled", labelled, say)
    board.add_argument("--train", type=Path, default=base.DATA / "teddy2020" / "labelled.csv")
    board.add_argument(
        "--unlabelled",
        type=Path,
        nargs="*",
        default=[base.DATA / "teddy2020" / name for name in ("hot.csv", "replies.csv")],
        help="tables of topic and text to learn directions of meaning from; missing ones are left out",
    )
    board.add_argument("--dimensions", type=int, default=400, help="directions of meaning; 0 for margins alone")
    board.add_argument(
        "--cues", action=argparse.BooleanOptionalAction, default=True, help="lean on the shipped cues, too"
    )
    board.add_argument("--seed", type=int, default=Manner().seed, help="of the folds")
    board.add_argument("--test", type=Path, help="a file that was kept back; without it, cross-validation")
    board.add_argument("--leave-city", action="store_true", help="leave out one anonymised city after the other")
    base.text_option(board)
