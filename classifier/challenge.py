"""A new model against the one in use: trained on older examples, both tried on the newest, and in use only if it wins.

Winning means: more of the newest texts right by a sign test over those where the two differ, and no class much worse
than before. What drifts, in words or in classes, is told whoever wins, and so are the few texts whose labels would
teach most. Knows no tickets: an example's `key` is whatever its owner calls it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
from scipy import stats

from classifier import card, corpus, registry, similar, text, train
from classifier.corpus import FEWEST, Example
from classifier.linear import Progress
from classifier.predict import Model

SURE: Final = 0.01
"""The chance of so many more right answers by luck alone that is still too much; it is asked anew every night."""
CLASS_FEWEST, CLASS_FALL = 15, 0.1
"""A class of at least so many of the newest texts may not lose more than this share of them."""
FEW_LOST: Final = 3
"""A class of fewer may not lose so many: most classes of a city have a handful of texts in some weeks."""
HALVES_IN_DAYS: Final = 365.0
LEAST_WEIGHT: Final = 0.1
FADE: Final = 8.0
"""Own examples of a category at which the shipped ones of it count half."""
SHARE_DRIFT, SHARE_CHANCE = 0.2, 0.001
WORD_DRIFT: Final = 0.05
NEW_WORD_TEXTS: Final = 5
TEACHING_MOST: Final = 10
RETURNED_MOST: Final = 5
"""Of these, where there are others: a city sends back more each day than anybody would label in a month."""


@dataclass(frozen=True, slots=True)
class Lesson:
    """What came of it; `facts` are the figures.

    `verdict`: won, no_better, unsure, class_fell, too_few, known, overtaken where somebody activated another version
    meanwhile, or held where somebody rolled back and has not activated a version by name since.
    """

    champion: str
    challenger: str
    verdict: str
    activated: bool
    facts: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Worth:
    """A text whose label would teach: why, how much, and what both models think of it."""

    key: str
    reason: str
    worth: float
    guesses: tuple[tuple[str, float], ...]


def challenge(
    folder: Path,
    own: Sequence[Mapping[str, Any]],
    pool: Sequence[Mapping[str, Any]],
    at: datetime,
    say: Progress,
    setting: train.Setting | None = None,
) -> tuple[Lesson, list[Worth]]:
    """Train a challenger, try both, activate the better; `own` and `pool` are plain rows, the pool's without a label.

    Raises RegistryError when there is no champion to beat, CorpusError when an example cannot be read.
    """
    champion = registry.load(folder)
    examples = [corpus.example(row) for row in own]
    older, newest = corpus.kept_back(examples, at)
    drift = drifted(older, newest)
    if len(newest) < FEWEST:
        facts = {"newest": len(newest), "needed": FEWEST, "own": len(examples), "drift": drift}
        return Lesson(champion.version, "", "too_few", activated=False, facts=facts), worth(champion, champion, pool)
    learned = mixed(corpus.read(corpus.shipped()), older, at)
    challenger = train.train(learned, setting or train.Setting(), say, newest=newest)
    say("champion against challenger")
    verdict, figures = compared(champion, challenger, newest)
    if challenger.version == champion.version:
        verdict = "known"
    if verdict == "won":
        told = {**challenger.card, "challenge": {"champion": champion.version, **figures}}
        challenger = replace(challenger, card=told)
        registry.save(folder, challenger, card.pictures(challenger.card))
        # Whoever rolled back, or chose another one while this was trained, has the last word.
        if registry.active_version(folder) != champion.version:
            verdict = "overtaken"
        elif registry.left(folder):
            verdict = "held"
        else:
            registry.activate(folder, challenger.version)
    facts = {**figures, "shipped": len(learned) - len(older), "own": len(older), "drift": drift}
    lesson = Lesson(champion.version, challenger.version, verdict, verdict == "won", facts)
    return lesson, worth(champion, challenger, pool)


def mixed(shipped: Sequence[Example], own: Sequence[Example], at: datetime) -> list[Example]:
    """Return what to learn from: own examples by age, shipped ones the less the more own ones their category has."""
    aged = [replace(example, weight=example.weight * _by_age(example.at, at)) for example in own]
    mass: Counter[str] = Counter()
    for example in aged:
        mass[example.category] += example.weight  # type: ignore[assignment]  # a Counter of shares
    faded = [replace(example, weight=FADE / (FADE + mass[example.category])) for example in shipped]
    return [example for example in faded if example.weight >= LEAST_WEIGHT] + aged


def _by_age(moment: str, at: datetime) -> float:
    days = (at - datetime.fromisoformat(moment)).total_seconds() / 86400 if moment else HALVES_IN_DAYS
    return float(max(LEAST_WEIGHT, 0.5 ** (max(days, 0.0) / HALVES_IN_DAYS)))


def compared(champion: Model, challenger: Model, newest: Sequence[Example]) -> tuple[str, dict[str, Any]]:
    """Return the verdict on two models over texts that neither has learned from, and the figures it rests on."""
    texts, truth = [example.text for example in newest], [example.category for example in newest]
    before, after = (
        [found.category[0].label == right for found, right in zip(model.suggest(texts), truth, strict=True)]
        for model in (champion, challenger)
    )
    only_before = sum(old and not new for old, new in zip(before, after, strict=True))
    only_after = sum(new and not old for old, new in zip(before, after, strict=True))
    differing = only_before + only_after
    chance = float(stats.binomtest(only_after, differing, alternative="greater").pvalue) if differing else 1.0
    fallen = _fallen(truth, before, after)
    figures = {
        "newest": len(truth),
        "champion_right": sum(before),
        "challenger_right": sum(after),
        "only_champion": only_before,
        "only_challenger": only_after,
        "chance": round(chance, 5),
        "fallen": fallen,
    }
    if only_after <= only_before:
        return "no_better", figures
    if chance >= SURE:
        return "unsure", figures
    return ("class_fell" if fallen else "won"), figures


def _fallen(truth: Sequence[str], before: Sequence[bool], after: Sequence[bool]) -> list[dict[str, Any]]:
    """The classes of the first level that would be judged much worse than before, with their figures."""
    found = []
    for label in sorted({right[:2] for right in truth}):
        at = [position for position, right in enumerate(truth) if right[:2] == label]
        old, new = sum(before[position] for position in at), sum(after[position] for position in at)
        if (old - new) / len(at) > CLASS_FALL if len(at) >= CLASS_FEWEST else old - new >= FEW_LOST:
            found.append({"class": label, "texts": len(at), "champion": old, "challenger": new})
    return found


# --- drift ------------------------------------------------------------------------------------------------------------


def drifted(older: Sequence[Example], newest: Sequence[Example]) -> dict[str, Any]:
    """Return how the newest texts differ from those before: `classes` and `words`, empty where they do not."""
    if len(newest) < FEWEST or len(older) < FEWEST:
        return {"classes": {}, "words": {}}
    return {"classes": _class_drift(older, newest), "words": _word_drift(older, newest)}


def _class_drift(older: Sequence[Example], newest: Sequence[Example]) -> dict[str, Any]:
    """The stability index of the shares of first-level classes, where it is large and no chance explains it."""
    counts = [Counter(example.category[:2] for example in some) for some in (older, newest)]
    labels = sorted({*counts[0], *counts[1]})
    table = np.array([[count[label] for label in labels] for count in counts], dtype=np.float64)
    shares = (table + 0.5) / (table + 0.5).sum(axis=1, keepdims=True)
    index = float(((shares[1] - shares[0]) * np.log(shares[1] / shares[0])).sum())
    chance = float(stats.chi2_contingency(table + 0.5).pvalue) if len(labels) > 1 else 1.0
    if index < SHARE_DRIFT or chance > SHARE_CHANCE:
        return {}
    moved = np.argsort(-np.abs(shares[1] - shares[0]))[:5]
    changes = [
        {"class": labels[at], "before": round(float(shares[0, at]), 3), "now": round(float(shares[1, at]), 3)}
        for at in moved
    ]
    return {"index": round(index, 3), "chance": round(chance, 6), "moved": changes}


def _word_drift(older: Sequence[Example], newest: Sequence[Example]) -> dict[str, Any]:
    """The share of words never met before, where it has grown, and the new words that several texts use.

    What is usual is told by the older texts themselves: how many new words their own newest part brought.
    """
    ordered = sorted(older, key=lambda example: example.at)
    cut = max(len(ordered) - len(newest), len(ordered) // 2)
    usual, _ = _unmet(ordered[:cut], ordered[cut:])
    now, words = _unmet(ordered, newest)
    frequent = [(word, number) for word, number in words.most_common(20) if number >= NEW_WORD_TEXTS]
    if now - usual < WORD_DRIFT and not frequent:
        return {}
    return {"usual": round(usual, 3), "now": round(now, 3), "new": frequent}


def _unmet(known: Sequence[Example], new: Sequence[Example]) -> tuple[float, Counter[str]]:
    """The share of words in `new` that `known` never uses, and in how many texts each of these stands."""
    met = {word for example in known for word in text.words(example.text)}
    found: Counter[str] = Counter()
    total = 0
    for example in new:
        words = {word for word in text.words(example.text) if len(word) > 1 and not word.isascii()}
        total += len(words)
        found.update(words - met)
    return (found.total() / total if total else 0.0), found


# --- what would teach most --------------------------------------------------------------------------------------------


def worth(champion: Model, challenger: Model, pool: Sequence[Mapping[str, Any]]) -> list[Worth]:
    """Return the few texts of the pool whose labels would teach most, the best first, no two nearly the same."""
    if not pool:
        return []
    texts = [str(row["text"]) for row in pool]
    both = zip(pool, champion.suggest(texts), challenger.suggest(texts), strict=True)
    found = [
        _worth_of(row, [(guess.label, guess.probability) for guess in (*old.category[:3], *new.category[:3])])
        for row, old, new in both
    ]
    order = sorted(range(len(found)), key=lambda at: (-found[at].worth, found[at].key))
    crowd = set([at for at in order if found[at].reason == "returned"][RETURNED_MOST:])
    order.sort(key=lambda at: at in crowd)
    groups, taken = similar.groups([text.clean(one) for one in texts]), set[int]()
    chosen: list[Worth] = []
    for at in order:
        if groups[at] not in taken and len(chosen) < TEACHING_MOST:
            taken.add(int(groups[at]))
            chosen.append(found[at])
    return chosen


def _worth_of(row: Mapping[str, Any], guesses: Sequence[tuple[str, float]]) -> Worth:
    """What was sent back teaches most, then what the models differ on, then what both are unsure of."""
    old, new = guesses[0], guesses[len(guesses) // 2]
    doubt = 1 - max(old[1], new[1])
    if row.get("refused"):
        reason, value = "returned", 2 + doubt
    elif old[0] != new[0]:
        reason, value = "disagreement", 1 + min(old[1], new[1])
    else:
        reason, value = "uncertain", doubt
    best: dict[str, float] = {}
    for label, probability in guesses:
        best[label] = max(probability, best.get(label, 0.0))
    ranked = sorted(best.items(), key=lambda item: -item[1])[:3]
    return Worth(str(row["key"]), reason, round(value, 4), tuple((label, round(p, 3)) for label, p in ranked))


def plain(lesson: Lesson, teaching: Sequence[Worth]) -> dict[str, Any]:
    """Return both as plain values, to go from one process to another."""
    return {**asdict(lesson), "teaching": [asdict(one) for one in teaching]}
