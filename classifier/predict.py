"""A trained model: what texts are about, how sure that is, and which words decided.

Pure reading of arrays: no files, no network, no state that changes, so one model serves many threads. Knows category
codes of two digits a level, and nothing of departments or tickets.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from classifier import features, places, risks, speech, text
from classifier.linear import Head
from classifier.trust import NEVER, Curve, Level, softmax

LEVELS: Final = (2, 4, 6)
"""Digits of a code at each level, the widest first."""
EVIDENCE_WORDS: Final = 5


@dataclass(frozen=True, slots=True)
class Guess:
    """A label with its calibrated probability."""

    label: str
    probability: float


@dataclass(frozen=True, slots=True)
class Suggestion:
    """What a text is about; every tuple of guesses the best first.

    `sure_category` is the deepest code whose probability keeps the promise of precision, or None: then ask a person.
    `evidence` are the words that decided on the category, `kind_evidence` what was said that decided on the type.
    `doubted_areas`: where the model is not to be believed, should the text belong to one of them without naming it.
    """

    category: tuple[Guess, ...]
    sure_category: str | None
    level_1: Guess
    level_2: Guess
    kind: tuple[Guess, ...]
    urgency: Guess
    risks: tuple[risks.Alarm, ...]
    area: str | None
    evidence: tuple[str, ...]
    kind_evidence: tuple[str, ...]
    model_version: str
    doubted_areas: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Judge:
    """One question: a head, the warmth of its softmax, and what to believe at each width of the labels.

    `levels` has one entry for each of `widths`: (2, 4, 6) for category codes, (0,) for plain labels.
    """

    head: Head
    warmth: float
    widths: tuple[int, ...]
    levels: tuple[Level, ...]
    acts: speech.Head | None = None
    """What speech acts add to the scores; None where words alone decide."""

    def scores(self, rows: sparse.csr_matrix, spoken: Sequence[speech.Spoken] = ()) -> NDArray[np.float32]:
        """Return scores, shape (rows, labels); `spoken` is what `acts` heard in the texts, where there are acts."""
        return self.head.scores(rows) + self.acts.scores(spoken) if self.acts else self.head.scores(rows)

    def probabilities(self, rows: sparse.csr_matrix, spoken: Sequence[speech.Spoken] = ()) -> NDArray[np.float64]:
        """Return probabilities of the deepest labels, shape (rows, labels); each row sums to 1."""
        return calibrated(softmax(self.scores(rows, spoken), self.warmth), self.levels[-1].curve)


def calibrated(probabilities: NDArray[np.float64], curve: Curve) -> NDArray[np.float64]:
    """Correct the first label of each row by `curve`, scale the others to the rest; the order of labels stays."""
    best = probabilities.argmax(axis=1)
    lines = np.arange(len(best))
    first = probabilities[lines, best]
    second = np.partition(probabilities, -2, axis=1)[:, -2] if probabilities.shape[1] > 1 else np.zeros(len(best))
    believed = curve(probabilities)
    # The first may not fall behind the second: the correction changes how sure one is, not of what.
    believed = np.maximum(believed, second / np.maximum(1 - first + second, 1e-12))
    scaled: NDArray[np.float64] = probabilities * ((1 - believed) / np.maximum(1 - first, 1e-12))[:, None]
    scaled[lines, best] = believed
    return scaled


def rolled_up(
    probabilities: NDArray[np.float64], labels: Sequence[str], width: int
) -> tuple[tuple[str, ...], NDArray[np.float64]]:
    """Return the labels of `width` digits and the sums of what lies below each, shape (rows, wider labels)."""
    names, below = _branches(tuple(labels), width)
    return names, probabilities @ below


@lru_cache(maxsize=64)
def _branches(labels: tuple[str, ...], width: int) -> tuple[tuple[str, ...], NDArray[np.float64]]:
    """The labels of `width` digits, and a one where a label lies below: the same for every text of a model."""
    names = tuple(sorted({label[:width] for label in labels}))
    number = {name: at for at, name in enumerate(names)}
    below = np.zeros((len(labels), len(names)))
    below[np.arange(len(labels)), [number[label[:width]] for label in labels]] = 1
    return names, below


@dataclass(frozen=True, slots=True)
class Model:
    """All questions over one vocabulary; made by `train`, stored and loaded by `registry`."""

    version: str
    features: features.Features
    judges: Mapping[str, Judge]
    places: places.Places
    card: Mapping[str, Any]
    doubted_areas: frozenset[str] = frozenset()
    """Codes of areas where the promise was measured not to be kept: nothing is sure there."""

    def suggest(self, texts: Sequence[str], most: int = 5) -> list[Suggestion]:
        """Return one suggestion a raw text, in their order; an empty text gets the base rates and is never sure."""
        cleaned = [text.clean(raw) for raw in texts]
        if not cleaned:
            return []
        rows = self.features.rows(cleaned)
        category, urgency = self.judges["category"], self.judges["urgency"]
        plain = softmax(category.head.scores(rows), category.warmth)
        leaves = calibrated(plain, category.levels[-1].curve)
        kinds, urgencies = self._kinds(rows, cleaned, most), urgency.probabilities(rows)
        wide = self._wider(plain)
        found = []
        for at, cleaned_text in enumerate(cleaned):
            best = _guesses(category.head.labels, leaves[at], most)
            level_1, level_2 = wide[0][at], wide[1][at]
            marks = risks.alarms(cleaned_text)
            area = self.places.area(cleaned_text)
            found.append(
                Suggestion(
                    category=best,
                    sure_category=self._sure((level_1, level_2, best[0]))
                    if rows.indptr[at] < rows.indptr[at + 1] and not (area or "").startswith(tuple(self.doubted_areas))
                    else None,
                    level_1=level_1,
                    level_2=level_2,
                    kind=kinds[at][0],
                    urgency=_urgency(_guesses(urgency.head.labels, urgencies[at], 1)[0], marks),
                    risks=marks,
                    area=area,
                    evidence=self._evidence(rows, at, category.head, best[0].label),
                    kind_evidence=kinds[at][1],
                    model_version=self.version,
                    doubted_areas=self.doubted_areas,
                )
            )
        return found

    def candidates(self, texts: Sequence[str]) -> list[tuple[str, ...]]:
        """Return for each raw text the set of leaf codes that holds the right one with 99 %, the likeliest first."""
        category = self.judges["category"]
        rows = self.features.rows([text.clean(raw) for raw in texts])
        plain = softmax(category.head.scores(rows), category.warmth)
        floor = category.levels[-1].floor
        return [
            tuple(category.head.labels[at] for at in np.argsort(-line, kind="stable") if line[at] >= floor)
            for line in plain
        ]

    def _kinds(
        self, rows: sparse.csr_matrix, cleaned: Sequence[str], most: int
    ) -> list[tuple[tuple[Guess, ...], tuple[str, ...]]]:
        """The likeliest types of each text, and what was said that decided: acts, or words where no act speaks."""
        kind = self.judges["kind"]
        acts, labels = kind.acts, kind.head.labels
        spoken = [acts.listen(said) for said in cleaned] if acts else []
        found = []
        for at, line in enumerate(kind.probabilities(rows, spoken)):
            best = _guesses(labels, line, most)
            label = kind.head.position[best[0].label]
            said = acts.evidence(spoken[at], label, EVIDENCE_WORDS) if acts else ()
            found.append((best, said or self._evidence(rows, at, kind.head, best[0].label)))
        return found

    def _wider(self, plain: NDArray[np.float64]) -> list[list[Guess]]:
        """The best guess of each row at level 1 and at level 2, from the uncorrected probabilities of the leaves."""
        judge = self.judges["category"]
        found = []
        for width, level in zip(judge.widths[:-1], judge.levels[:-1], strict=True):
            names, sums = rolled_up(plain, judge.head.labels, width)
            best = sums.argmax(axis=1)
            believed = level.curve(sums)
            found.append([Guess(names[at], float(sure)) for at, sure in zip(best, believed, strict=True)])
        return found

    def _sure(self, guesses: Sequence[Guess]) -> str | None:
        """The deepest of the guesses, widest first, that clears its threshold and lies under those above it."""
        sure = None
        for guess, level in zip(guesses, self.judges["category"].levels, strict=True):
            if level.threshold < NEVER and guess.probability >= level.threshold and guess.label.startswith(sure or ""):
                sure = guess.label
        return sure

    def _evidence(self, rows: sparse.csr_matrix, at: int, head: Head, label: str) -> tuple[str, ...]:
        """The words of the row that speak most for `label` against the other labels, the strongest first."""
        whole = slice(rows.indptr[at], rows.indptr[at + 1])
        columns = rows.indices[whole]
        said = columns < self.features.words
        columns, values = columns[said], rows.data[whole][said]
        weight = values * (head.weights[columns, head.position[label]] - head.middle[columns])
        order = np.argsort(-weight, kind="stable")
        words: list[str] = []
        for column, added in zip(columns[order].tolist(), weight[order].tolist(), strict=True):
            gram = self.features.vocabulary[column].lstrip(features.TITLE)
            if added <= 0 or len(words) == EVIDENCE_WORDS:
                break
            if " " not in gram and len(gram) > 1 and gram not in words:
                words.append(gram)
        return tuple(words)


def _guesses(labels: Sequence[str], line: NDArray[np.float64], most: int) -> tuple[Guess, ...]:
    order = [int(line.argmax())] if most == 1 else np.argsort(-line, kind="stable")[:most].tolist()
    return tuple(Guess(labels[at], probability) for at, probability in zip(order, line[order].tolist(), strict=True))


def _urgency(guess: Guess, marks: Sequence[risks.Alarm]) -> Guess:
    """A life at risk is critical whatever was learned, and nothing with a risk word is normal."""
    if {"life", "self_harm", "violence"} & {mark.risk for mark in marks}:
        return Guess("critical", max(guess.probability, 0.9) if guess.label == "critical" else 0.9)
    if marks and guess.label == "normal":
        return Guess("urgent", 0.7)
    return guess
