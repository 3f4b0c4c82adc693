"""A trained model: what texts are about, how sure that is, and which words decided.

Pure reading of arrays: no files, no network, no state that changes, so one model serves many threads. Knows category
codes of two digits a level, and nothing of departments or tickets.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, islice
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from classifier import features, places, risks, speech, text
from classifier.linear import Head
from classifier.trust import NEVER, Curve, Level, highest, softmax

LEVELS: Final = (2, 4, 6)
"""Digits of a code at each level, the widest first."""
EVIDENCE_WORDS: Final = 5


class Guess(NamedTuple):
    """A label with its calibrated probability."""

    label: str
    probability: float


@dataclass(frozen=True, slots=True)
class Suggestion:
    """What a text is about; every tuple of guesses the best first.

    `sure_category` is the deepest code whose probability keeps the promise of precision, or None: then ask a person.
    `evidence` are the words that decided on the category, `kind_evidence` what was said that decided on the type,
    `urgency_evidence` on an urgency that is not normal. `area` carries the names that tell it.
    `doubted_areas`: where the model is not to be believed, should the text belong to one of them without naming it.
    """

    category: tuple[Guess, ...]
    sure_category: str | None
    level_1: Guess
    level_2: Guess
    kind: tuple[Guess, ...]
    urgency: Guess
    risks: tuple[risks.Alarm, ...]
    area: places.Place | None
    evidence: tuple[str, ...]
    kind_evidence: tuple[str, ...]
    urgency_evidence: tuple[str, ...]
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

    def scores(self, rows: sparse.csr_matrix, spoken: speech.Spoken | None = None) -> NDArray[np.float32]:
        """Return scores, shape (rows, labels); `spoken` is what `acts` heard in the texts, where there are acts."""
        plain = self.head.scores(rows)
        return plain + self.acts.scores(spoken) if self.acts and spoken else plain

    def probabilities(self, rows: sparse.csr_matrix, spoken: speech.Spoken | None = None) -> NDArray[np.float64]:
        """Return probabilities of the deepest labels, shape (rows, labels); each row sums to 1."""
        return calibrated(softmax(self.scores(rows, spoken), self.warmth), self.levels[-1].curve)

    def first(self, rows: sparse.csr_matrix) -> list[Guess]:
        """Return the likeliest label of each row."""
        best, _, believed = _believed(softmax(self.scores(rows), self.warmth), self.levels[-1].curve)
        return [
            Guess(self.head.labels[at], likely) for at, likely in zip(best.tolist(), believed.tolist(), strict=True)
        ]


def calibrated(probabilities: NDArray[np.float64], curve: Curve) -> NDArray[np.float64]:
    """Correct the first label of each row by `curve`, scale the others to the rest; the order of labels stays."""
    best, first, believed = _believed(probabilities, curve)
    scaled: NDArray[np.float64] = probabilities * ((1 - believed) / np.maximum(1 - first, 1e-12))[:, None]
    scaled[np.arange(len(best)), best] = believed
    return scaled


def _believed(
    probabilities: NDArray[np.float64], curve: Curve
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """Which label of each row is first, its probability, and the same corrected by `curve`."""
    best, top = probabilities.argmax(axis=1), highest(probabilities)
    first, second = top[:, 0], top[:, 1]
    # The first may not fall behind the second: the correction changes how sure one is, not of what.
    return best, first, np.maximum(curve.believed(top, best), second / np.maximum(1 - first + second, 1e-12))


def rolled_up(
    probabilities: NDArray[np.float64], labels: Sequence[str], width: int
) -> tuple[tuple[str, ...], NDArray[np.float64]]:
    """Return the labels of `width` digits and the sums of what lies below each, shape (rows, wider labels)."""
    names, order, begins = _branches(tuple(labels), width)
    return names, np.add.reduceat(probabilities[:, order], begins, axis=1)


@lru_cache(maxsize=64)
def _branches(
    labels: tuple[str, ...], width: int
) -> tuple[tuple[str, ...], NDArray[np.int64] | slice, NDArray[np.int64]]:
    """The labels of `width` digits, an order that brings together what lies below each, and where each begins."""
    wider = [label[:width] for label in labels]
    order = np.argsort(wider, kind="stable")
    names, begins = np.unique(np.array(wider)[order], return_index=True)
    sorted_already = bool((order == np.arange(len(order))).all())
    return tuple(names.tolist()), slice(None) if sorted_already else order, begins


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
        best = _guesses(category.head.labels, calibrated(plain, category.levels[-1].curve), most)
        urgencies = urgency.first(rows)
        haste = self._haste(rows, urgency.head, urgencies)
        labels = [category.head.position[guesses[0].label] for guesses in best]
        evidence = self._evidence(rows, category.head, labels, range(len(cleaned)))
        kinds, marks = self._kinds(rows, cleaned, most), risks.alarms(cleaned)
        doubted, found = tuple(self.doubted_areas), []
        for at, (level_1, level_2) in enumerate(zip(*self._wider(plain), strict=True)):
            area = self.places.found(cleaned[at])
            believed = rows.indptr[at] < rows.indptr[at + 1] and not (area and area.code.startswith(doubted))
            found.append(
                Suggestion(
                    category=best[at],
                    sure_category=self._sure((level_1, level_2, best[at][0])) if believed else None,
                    level_1=level_1,
                    level_2=level_2,
                    kind=kinds[at][0],
                    urgency=_urgency(urgencies[at], marks[at]),
                    risks=marks[at],
                    area=area,
                    evidence=evidence[at],
                    kind_evidence=kinds[at][1],
                    urgency_evidence=_said_first(marks[at], haste.get(at, ())),
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
        spoken = kind.acts.listen(cleaned) if kind.acts else None
        best = _guesses(kind.head.labels, kind.probabilities(rows, spoken), most)
        labels = [kind.head.position[guesses[0].label] for guesses in best]
        said: list[tuple[str, ...]] = [()] * len(best)
        if kind.acts and spoken:
            said = [kind.acts.evidence(spoken, at, label, EVIDENCE_WORDS) for at, label in enumerate(labels)]
        if silent := [at for at, words in enumerate(said) if not words]:
            for at, words in zip(silent, self._evidence(rows, kind.head, labels, silent), strict=True):
                said[at] = words
        return list(zip(best, said, strict=True))

    def _haste(self, rows: sparse.csr_matrix, head: Head, urgencies: Sequence[Guess]) -> dict[int, tuple[str, ...]]:
        """The words that decided where an urgency is not normal, by the place of the text."""
        pressing = [at for at, guess in enumerate(urgencies) if guess.label != "normal"]
        if not pressing:
            return {}
        labels = [head.position[guess.label] for guess in urgencies]
        return dict(zip(pressing, self._evidence(rows, head, labels, pressing), strict=True))

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

    def _evidence(
        self, rows: sparse.csr_matrix, head: Head, labels: Sequence[int], lines: Sequence[int]
    ) -> list[tuple[str, ...]]:
        """The words in each of `lines` that speak most for its label against the others, the strongest first.

        `labels` are the columns of `head`, one for each row.
        """
        line = np.repeat(np.arange(rows.shape[0]), rows.indptr[1:] - rows.indptr[:-1])
        told = self.features.tellable[rows.indices]
        line, column = line[told], rows.indices[told]
        added = rows.data[told] * (head.weights[column, np.array(labels)[line]] - head.middle[column])
        order = np.lexsort((-added, line))
        order = order[added[order] > 0]
        ends = np.searchsorted(line[order], [[at, at + 1] for at in lines]).tolist()
        return [self._words(column[order[begin:end]]) for begin, end in ends]

    def _words(self, columns: NDArray[np.int32]) -> tuple[str, ...]:
        """The first few different words of some columns; some stand twice, for the opening has columns of its own."""
        words = dict.fromkeys(map(self.features.word, columns[: 2 * EVIDENCE_WORDS].tolist()))
        return tuple(islice(words, EVIDENCE_WORDS))


def _guesses(labels: Sequence[str], table: NDArray[np.float64], most: int) -> list[tuple[Guess, ...]]:
    """The likeliest labels of each row with their probabilities, the best first, of equal ones the first."""
    lines, kept = np.arange(len(table))[:, None], min(most, table.shape[1])
    chosen = np.argpartition(-table, kept - 1, axis=1)[:, :kept]
    chosen.sort(axis=1)
    chosen = chosen[lines, np.argsort(-table[lines, chosen], axis=1, kind="stable")]
    found = zip(chosen.tolist(), table[lines, chosen].tolist(), strict=True)
    return [tuple(Guess(labels[at], likely) for at, likely in zip(*line, strict=True)) for line in found]


def _said_first(marks: Sequence[risks.Alarm], words: Sequence[str]) -> tuple[str, ...]:
    """What decides on an urgency: words of danger before those that merely press."""
    said = dict.fromkeys(chain((word for mark in marks for word in mark.evidence), words))
    return tuple(islice(said, EVIDENCE_WORDS))


def _urgency(guess: Guess, marks: Sequence[risks.Alarm]) -> Guess:
    """A life at risk is critical whatever was learned, and nothing with a risk word is normal.

    It is as likely as the alarm is: a faint one says critical, too, and says how faint it is.
    """
    deadly = max((mark.probability for mark in marks if mark.risk in _DEADLY), default=0.0)
    if deadly:
        return Guess("critical", max(deadly, guess.probability) if guess.label == "critical" else deadly)
    if marks and guess.label == "normal":
        return Guess("urgent", max(mark.probability for mark in marks))
    return guess


_DEADLY: Final = frozenset({"life", "self_harm", "violence"})
