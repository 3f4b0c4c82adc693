"""From examples to a model: learn features, fit each question, learn what to believe, write the card.

Seeded throughout: the same examples give the same model bit by bit, and so the same version name, which is made of the
hash of the data and of the recipe. Reads no files but the shipped corpus, stores nothing but through `registry`.
"""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import scipy
import sklearn
from numpy.typing import NDArray
from scipy import sparse

from classifier import card, corpus, cues, features, leaks, linear, places, predict, registry, similar, speech, trust
from classifier.corpus import Example
from classifier.cues import Hints
from classifier.linear import Fit, Manner, Progress
from classifier.predict import LEVELS, Judge, Model

# A leaf of the shipped corpus has four examples; what the leaves of one branch share is most of what is known of each.
BRANCH_SHARE, ROOT_SHARE = 0.5, 0.3
SHIPPED = features.Recipe(characters=(2,), most=40_000)
FEWEST_CATEGORIES = 2
LESSON = "2"
"""Counted up where the same data and setting come to teach another model: a version never changes."""
_NO_SPREAD = 1e-6


@dataclass(frozen=True, slots=True)
class Setting:
    """All that changes what is learned from the same examples."""

    recipe: features.Recipe = SHIPPED
    manner: Manner = field(default_factory=Manner)
    promise: trust.Promise = field(default_factory=trust.Promise)
    hints: Hints = field(default_factory=Hints)
    acts: speech.Acts = field(default_factory=speech.shipped)
    """What types are judged by beside words; `Acts()` for words alone."""


def usual(taxonomy: Path | None = None) -> Setting:
    """Return the setting of a city's own models: the shipped cues are learned from, and the names of a taxonomy."""
    return Setting(hints=cues.shipped().hints() + (cues.described(taxonomy) if taxonomy else cues.Hints()))


def first(folder: Path, say: Progress = lambda _: None, *, taxonomy: Path | None = None) -> str:
    """Train on the shipped corpus, activate what comes out, and return its version; takes less than a minute.

    The names in a `taxonomy` are learned from too: with four texts a category they are worth a third more right leaves.
    """
    model = train(corpus.read(corpus.shipped()), usual(taxonomy), say)
    registry.save(folder, model, card.pictures(model.card))
    registry.activate(folder, model.version)
    return model.version


def train(
    examples: Sequence[Example],
    setting: Setting,
    say: Progress = lambda _: None,
    *,
    newest: Sequence[Example] | None = None,
    anyway: bool = False,
) -> Model:
    """Return the model of cleaned `examples`; without a type one is a consultation, without urgency it is normal.

    `newest` are later examples that the caller kept back to be judged; without them, the newest weeks are judged by a
    model of the older ones, where examples have dates. Raises CorpusError when there are too few examples to keep any
    back, and when the corpus leaks unless told to go on `anyway`.
    """
    if len({example.category for example in examples}) < FEWEST_CATEGORIES or len(examples) < 2 * setting.manner.folds:
        raise corpus.CorpusError(
            f"{len(examples)} examples are too few to learn from; give at least two categories and 10 texts"
        )
    texts = [example.text for example in examples]
    say(f"{len(texts)} examples: near-duplicates")
    alike = similar.pairs(texts)
    groups = similar.joined(alike, len(texts))
    say("vocabulary")
    learned = features.learn([*texts, *setting.hints.texts], setting.recipe)
    rows = learned.rows(texts)
    questions = _labels(examples)
    spoken = _Spoken(rows, questions.pop("kind"), texts)
    weak, worth = _weak(learned, setting.hints, questions["category"]), _worth(examples)
    say("folds")
    fold = linear.folds(questions["category"], groups, setting.manner)
    fits = linear.fit(rows, questions, fold, setting.manner, say, weak=weak, worth=worth)
    fits["category"] = _with_branches(fits["category"])
    fits["kind"], acts = _kinds(spoken, fold, setting, say, worth)
    fits = {name: _as_stored(fit) for name, fit in fits.items()}
    judges = {name: judge(fit, LEVELS if name == "category" else (0,), setting.promise) for name, fit in fits.items()}
    judges["kind"] = replace(judges["kind"], acts=acts)
    found = leaks.told(examples, alike, fold, setting.hints)
    if not anyway:
        leaks.refuse(found)
    trials = {name: _trials(fit, fold, judges[name].widths, setting.promise) for name, fit in fits.items()}
    areas = _areas(examples, fits["category"], judges["category"], trials["category"], setting.promise)
    told = _card(examples, setting) | {"leaks": found, "areas": areas}
    told["questions"] = {
        name: card.question(
            fits[name].out_of_fold,
            [fits[name].head.labels[at] for at in fits[name].truth],
            judges[name],
            setting.promise,
            trials[name],
        )
        for name in judges
    }
    doubted = frozenset(code for code, one in areas.items() if not one["kept"])
    model = Model(_version(told), learned, judges, places.learn(examples), told, doubted)
    return replace(model, card={**told, "time": _by_time(examples, setting, model, newest, say)})


def _by_time(
    examples: Sequence[Example], setting: Setting, model: Model, newest: Sequence[Example] | None, say: Progress
) -> dict[str, Any]:
    """What is learned from the older examples, judged on the newest; or why there is no such figure."""
    if newest is not None:
        return _later(model, newest, setting.promise) if newest else {"why": "not asked for"}
    last = max(example.at for example in examples)
    if not last:
        return {"why": "no example has a date: all figures are out of fold"}
    older, newest = corpus.kept_back(examples, datetime.fromisoformat(last))
    if len(newest) < corpus.FEWEST:
        return {"why": f"the newest {corpus.WEEKS[-1]} weeks hold {len(newest)} texts, {corpus.FEWEST} are needed"}
    say(f"{len(newest)} newest texts by {len(older)} older ones")
    try:
        earlier = train(older, setting, say, newest=(), anyway=True)
    except corpus.CorpusError as error:
        return {"why": f"the older part: {error}"}
    repeated = len(examples) - len(older) - len(newest)
    return {**_later(earlier, newest, setting.promise), "older": len(older), "left_out_as_repeated": repeated}


def _later(model: Model, newest: Sequence[Example], promise: trust.Promise) -> dict[str, Any]:
    """The figures of a model on later examples."""
    texts = [example.text for example in newest]
    rows, told = model.features.rows(texts), {}
    for name, judge in model.judges.items():
        spoken = judge.acts.listen(texts) if judge.acts else None
        told[name] = card.question(judge.scores(rows, spoken), _labels(newest)[name], judge, promise)
    moments = [example.at for example in newest]
    return {"newest": len(newest), "from": min(moments), "to": max(moments), "questions": told}


def _labels(examples: Sequence[Example]) -> dict[str, list[str]]:
    """The labels of each question; a ticket without a type is a consultation, one without urgency is normal."""
    return {
        "category": [example.category for example in examples],
        "kind": [example.kind or "consult" for example in examples],
        "urgency": [example.urgency or "normal" for example in examples],
    }


def _trials(fit: Fit, fold: NDArray[np.int64], widths: tuple[int, ...], promise: trust.Promise) -> list[card.Trial]:
    """How sure each example is by what the other folds teach of warmth, curve and threshold, at each width."""
    trials = [card.Trial(np.zeros(len(fold)), np.zeros(len(fold), dtype=bool)) for _ in widths]
    for number in np.unique(fold):
        own, others = fold == number, fold != number
        learned = judge(replace(fit, truth=fit.truth[others], out_of_fold=fit.out_of_fold[others]), widths, promise)
        asked = replace(fit, truth=fit.truth[own], out_of_fold=fit.out_of_fold[own])
        for trial, width, level in zip(trials, widths, learned.levels, strict=True):
            found = card.tried(at_width(asked, learned.warmth, width)[0], level)
            trial.confidence[own], trial.sure[own] = found
    return trials


def _weak(learned: features.Features, hints: Hints, categories: Sequence[str]) -> linear.Weak | None:
    """The hints whose code is above, or is, a category that the examples have."""
    known = sorted(set(categories))
    meant = [(said, [leaf for leaf in known if leaf.startswith(code)]) for said, code in hints.lines]
    kept = [(said, leaves) for said, leaves in meant if leaves]
    return linear.Weak(learned.rows([said for said, _ in kept]), [leaves for _, leaves in kept]) if kept else None


def _worth(examples: Sequence[Example]) -> linear.Worth | None:
    """How much each example counts; nothing where all count the same and none was refused."""
    if all(example.weight == 1 and not example.refused for example in examples):
        return None
    weights = np.array([example.weight for example in examples], dtype=np.float32)
    return linear.Worth(weights, tuple(example.refused for example in examples))


@dataclass(frozen=True, slots=True)
class _Spoken:
    """Rows of words with the type of each, and the texts that they were made of."""

    rows: sparse.csr_matrix
    labels: Sequence[str]
    texts: Sequence[str]


def _kinds(
    spoken: _Spoken, fold: NDArray[np.int64], setting: Setting, say: Progress, worth: linear.Worth | None
) -> tuple[Fit, speech.Head | None]:
    """Learn types from words and acts at once; all acts of a text together count as much as all its words."""
    words, acts = spoken.rows, setting.acts
    worth = replace(worth, refused=("",) * len(spoken.labels)) if worth else None

    def fitted(rows: sparse.csr_matrix) -> Fit:
        asked = {"kind": spoken.labels}
        return linear.fit(rows, asked, fold, setting.manner, lambda step: say(f"types: {step}"), worth=worth)["kind"]

    if not acts.lines:
        return fitted(words), None
    measures = acts.plain_rows(spoken.texts, list(map(acts.heard, spoken.texts)))
    usual, spread = (part.astype(np.float32) for part in (measures.mean(axis=0), measures.std(axis=0)))
    spread[spread < _NO_SPREAD] = 1
    share = np.float32(1 / np.sqrt(acts.width))
    leveled = sparse.csr_matrix(share * speech.leveled(measures, usual, spread))
    fit = fitted(sparse.hstack([words, leveled], format="csr"))
    own = fit.head.weights[: words.shape[1]], share * fit.head.weights[words.shape[1] :]
    return replace(fit, head=replace(fit.head, weights=own[0])), speech.Head(acts, usual, spread, own[1])


def _areas(
    examples: Sequence[Example], fit: Fit, judged: Judge, trials: Sequence[card.Trial], promise: trust.Promise
) -> dict[str, Any]:
    """What the promise comes to in each area, at the deepest level that promises anything; nothing if none does."""
    for width, level, trial in reversed(list(zip(judged.widths, judged.levels, trials, strict=True))):
        if level.threshold < trust.NEVER:
            probabilities, truth = at_width(fit, judged.warmth, width)
            right = probabilities.argmax(axis=1) == truth
            return card.areas([example.area for example in examples], trial.sure, right, promise)
    return {}


def judge(fit: Fit, widths: tuple[int, ...], promise: trust.Promise) -> Judge:
    """Learn from out-of-fold scores how warm, how sure, and from where on to promise, at each width of the labels."""
    warmth = trust.warmth(fit.out_of_fold, fit.truth)
    levels = []
    for width in widths:
        probabilities, truth = at_width(fit, warmth, width)
        right = probabilities.argmax(axis=1) == truth
        curve = trust.curve(probabilities, right)
        threshold = trust.threshold(curve(probabilities), right, promise)
        levels.append(trust.Level(curve, threshold, trust.floor(probabilities, truth)))
    return Judge(fit.head, warmth, widths, tuple(levels))


def at_width(fit: Fit, warmth: float, width: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return out-of-fold probabilities and truth with labels cut to `width` digits; 0 leaves them whole."""
    probabilities = trust.softmax(fit.out_of_fold, warmth)
    if not width:
        return probabilities, fit.truth
    names, sums = predict.rolled_up(probabilities, fit.head.labels, width)
    number = {name: at for at, name in enumerate(names)}
    mapped = np.array([number[label[:width]] for label in fit.head.labels], dtype=np.int64)
    return sums, mapped[fit.truth]


def _as_stored(fit: Fit) -> Fit:
    """Round the weights to what is stored, so a stored model judges as the fresh one did."""
    return replace(fit, head=replace(fit.head, weights=registry.restored(*registry.quantised(fit.head.weights))))


def _with_branches(fit: Fit) -> Fit:
    """Add to each leaf a share of the scores of its level 2 and level 1, which are the sums of their leaves."""
    labels = fit.head.labels
    mix = np.eye(len(labels), dtype=np.float32)
    for width, share in ((LEVELS[1], BRANCH_SHARE), (LEVELS[0], ROOT_SHARE)):
        alike = np.array([[one[:width] == other[:width] for other in labels] for one in labels], dtype=np.float32)
        mix += share * alike
    head = replace(fit.head, weights=fit.head.weights @ mix, bias=fit.head.bias @ mix)
    return replace(fit, head=head, out_of_fold=fit.out_of_fold @ mix)


def _card(examples: Sequence[Example], setting: Setting) -> dict[str, Any]:
    """What the model was made of."""
    versions = {"python": platform.python_version(), "numpy": np.__version__, "scipy": scipy.__version__}
    return {
        "data": {
            "sha256": corpus.fingerprint(examples),
            "examples": len(examples),
            "from": min((example.at for example in examples if example.at), default=""),
            "to": max((example.at for example in examples if example.at), default=""),
        },
        "libraries": {**versions, "scikit-learn": sklearn.__version__},
        "setting": repr(setting),
        "shares": corpus.shares(example.category[: LEVELS[0]] for example in examples),
    }


def _version(told: dict[str, Any]) -> str:
    """A name made of what decides the content: how this release learns, data, setting, libraries."""
    decided = "\x1e".join((LESSON, told["data"]["sha256"], told["setting"], repr(sorted(told["libraries"].items()))))
    return "m" + hashlib.sha256(decided.encode()).hexdigest()[:12]
