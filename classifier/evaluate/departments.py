"""The department that answered, learned from weak marks and judged on signatures.

A mark that was mined from a mention is wrong one time in three, so it weighs less, and least where the other marks
contradict it. A message without a mark is learned from where its reply speaks of itself (`answering.py`). Which
departments answer at all differs between marks and signatures; one column tells the two apart, so their base rates are
learned apart too. First it is asked whether a town hall answers, then which department. Only signatures are judged, so
only they are spread over folds; their own replies are never read.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, sparse
from sklearn.linear_model import LogisticRegression

from classifier import corpus, cues, features, linear, similar, text
from classifier.evaluate import answering, base
from classifier.linear import Manner

_SIGNED: Final = "signature"
_TRUST_BY_SOURCE: Final = {"mention": 0.5, "via": 0.7, "reply": 0.5}
_WORDS, _LINES = 3.0, 0.7
_FREEDOM: Final = 1.0
_DOUBTING_FOLDS: Final = 4
_LEAST_DEPARTMENTS: Final = 2
_RECIPE: Final = features.Recipe(characters=(1, 2), least=2, most=300_000)
_OPENING, _ADDRESS = 60, 80
# Who is near: a town hall answers those who name their town, a county office those who write to its secretary.
_NEAR: Final = tuple(
    map(
        re.compile,
        (
            "镇",
            "乡",
            "街道|街办|办事处",
            "村(?!里)",
            "[组队]",
            "社区",
            "小区|业主",
            "村民",
            r"[A-Z]\d*[县市区]",
            r"[A-Z]\d+县",
            "书记",
            "[市县]长",
            "局长",
            "领导",
        ),
    )
)
_OPENS_WITH: Final = ("镇", "乡", "街道", "村", "社区", "小区", "县", "咨询", "建议", "投诉", "举报", "请求", "希望")


@dataclass(frozen=True, slots=True)
class Marked:
    """Messages with the group of departments that answered, as far as the mark may be trusted."""

    texts: tuple[str, ...]
    truth: NDArray[np.int64]
    trusted: NDArray[np.float64]
    signed: NDArray[np.bool_]
    labels: tuple[str, ...]


def departments(options: argparse.Namespace, say: base.Say) -> dict[str, Any]:
    """The responding department, learned from all weak marks and judged on signatures by cross-validation."""
    marked = _marked(options)
    rows = _compact(_parts(marked))
    trusted = _doubted(rows, marked)
    groups = similar.groups(marked.texts)[marked.signed]
    runs, truth = [], marked.truth[marked.signed]
    for seed in range(options.draws):
        say(f"draw {seed + 1} of {options.draws}")
        scores = _out_of_fold(rows, marked, trusted, groups, Manner(folds=options.cv, seed=seed))
        runs.append(
            {**base.own_figures(marked.labels, scores, truth, options.kept), "log_loss": _log_loss(scores, truth)}
        )
    return {
        "examples": len(truth),
        "learned_from": len(marked.texts),
        "labels": marked.labels,
        **base.mean(runs),
        "log_loss": float(np.mean([run["log_loss"] for run in runs])),
    }


def _marked(options: argparse.Namespace) -> Marked:
    """The messages that the most frequent groups of the signatures answered; what others answered is not asked.

    A message without a signature that nearly repeats one with it is left out: it would tell its fold.
    """
    told = [(row, *_mark(row)) for row in corpus.read_table(options.replies)]
    signatures = [name for _, name, source in told if source == _SIGNED]
    labels = tuple([name for name in corpus.shares(signatures) if name != "其他"][: options.groups])
    asked = [
        (text.clean(f"{row['topic']} {row['text']}"), name, source) for row, name, source in told if name in labels
    ]
    groups = similar.groups([said for said, _, _ in asked])
    signed = np.array([source == _SIGNED for _, _, source in asked])
    kept = np.flatnonzero(signed | ~np.isin(groups, groups[signed]))
    return Marked(
        tuple(asked[at][0] for at in kept),
        np.array([labels.index(asked[at][1]) for at in kept], dtype=np.int64),
        np.array([_TRUST_BY_SOURCE.get(asked[at][2], 1.0) for at in kept]),
        signed[kept],
        labels,
    )


def _mark(row: Mapping[str, str]) -> tuple[str, str]:
    """The group that answered, empty if unknown, and where that is known from; the reply is read for lack of a mark."""
    if row["department"]:
        source = row["department_source"]
        return row["department"], _SIGNED if source.startswith(_SIGNED) else source
    return answering.group(row.get("reply") or ""), "reply"


def _parts(marked: Marked) -> sparse.csr_matrix:
    """Cues by group and by line, words, who is near or named, and whether the mark is a signature."""
    known, shares = cues.shipped(), _groups()
    by_group = known.scores(marked.texts, marked.labels, lambda code: _of(shares, code))
    near = np.array([_near(said) for said in marked.texts])
    return sparse.hstack(
        [
            sparse.csr_matrix(by_group),
            _LINES * known.groups(marked.texts),
            sparse.csr_matrix(near),
            _WORDS * features.learn(marked.texts, _RECIPE).rows(marked.texts),
            sparse.csr_matrix(marked.signed[:, None].astype(np.float64)),
        ],
        format="csr",
    )


def _near(said: str) -> NDArray[np.float64]:
    """Who is near, and which departments the message names: how often, and whether in its opening."""
    units = _units()
    named = np.log1p([len(pattern.findall(said)) for pattern in (*_NEAR, *units)])
    opening = [sign in said[:_OPENING] for sign in _OPENS_WITH]
    addressed = [pattern.search(said, 0, _ADDRESS) is not None for pattern in units]
    return np.array([*named, *opening, *addressed, np.log(len(said) + 1) / 5], dtype=np.float64)


def _compact(parts: sparse.csr_matrix) -> NDArray[np.float64]:
    """Return dense rows, at most as wide as they are many, with the same products: the same answer, sooner."""
    values, vectors = linalg.eigh((parts @ parts.T).toarray().astype(np.float64))
    kept = values > 1e-6 * values.max()
    return np.asarray(vectors[:, kept] * np.sqrt(values[kept]), dtype=np.float64)


def _out_of_fold(
    rows: NDArray[np.float64],
    marked: Marked,
    trusted: NDArray[np.float64],
    groups: NDArray[np.int64],
    manner: Manner,
) -> NDArray[np.float32]:
    """Log-probabilities of each signed message by the other folds and all weak marks, shape (signed, labels)."""
    signed, weak = np.flatnonzero(marked.signed), np.flatnonzero(~marked.signed)
    scores = np.zeros((len(signed), len(marked.labels)), dtype=np.float32)
    for inside, outside in linear.fold_pairs(marked.truth[signed], groups, manner):
        known = np.concatenate([signed[inside], weak])
        asked = rows[signed[outside]]
        scores[outside] = _hall_or_department(rows[known], marked.truth[known], trusted[known], asked, marked.labels)
    return scores


def _doubted(rows: NDArray[np.float64], marked: Marked) -> NDArray[np.float64]:
    """Trust a weak mark the less, the less the other weak marks would have expected it; no signature has a say."""
    trusted, weak = marked.trusted.copy(), np.flatnonzero(~marked.signed)
    if len(weak) < _DOUBTING_FOLDS:
        return trusted
    truth = marked.truth[weak]
    for inside, outside in linear.fold_pairs(truth, np.arange(len(weak)), Manner(folds=_DOUBTING_FOLDS)):
        known, asked = weak[inside], weak[outside]
        scores = _fitted(rows[known], truth[inside], marked.trusted[known], rows[asked], len(marked.labels))
        expected = np.exp(scores[np.arange(len(asked)), truth[outside]])
        trusted[asked] *= np.minimum(1, 0.2 + 2 * expected)
    return trusted


def _fitted(
    rows: NDArray[np.float64],
    truth: NDArray[np.int64],
    trusted: NDArray[np.float64],
    asked: NDArray[np.float64],
    labels: int,
) -> NDArray[np.float32]:
    model = LogisticRegression(C=_FREEDOM, max_iter=100, tol=1e-3).fit(rows, truth, sample_weight=trusted)
    scores = np.full((len(asked), labels), base.IMPOSSIBLE, dtype=np.float32)
    scores[:, model.classes_] = model.predict_log_proba(asked)
    return scores


def _hall_or_department(
    rows: NDArray[np.float64],
    truth: NDArray[np.int64],
    trusted: NDArray[np.float64],
    asked: NDArray[np.float64],
    labels: Sequence[str],
) -> NDArray[np.float32]:
    """Log-probabilities in two steps: does a hall answer or a department, and then which department.

    A hall answers for every matter of its place, so what tells it apart is who is near, and not the matter. Where no
    hall is known, or one department only, there is one step.
    """
    hall = np.array([name == answering.HALL for name in labels])
    departments = ~hall[truth]
    if departments.all() or len(set(truth[departments])) < _LEAST_DEPARTMENTS:
        return _fitted(rows, truth, trusted, asked, len(labels))
    which = _fitted(rows[departments], truth[departments], trusted[departments], asked, len(labels))
    first = _fitted(rows, departments.astype(np.int64), trusted, asked, 2)
    return np.asarray(np.where(hall, first[:, :1], which + first[:, 1:]), dtype=np.float32)


def _log_loss(scores: NDArray[np.float32], truth: NDArray[np.int64]) -> float:
    """What the probabilities lose as they are, without warmth learned from the same scores."""
    return float(-scores[np.arange(len(truth)), truth].mean())


def _groups() -> Mapping[str, Mapping[str, float]]:
    """Codes with the groups of departments that answer for them, and their shares."""
    shares = {}
    for line in text.lines("groups.tsv"):
        code, _, told = line.partition("\t")
        words: Sequence[str] = told.split()
        shares[code] = dict(zip(words[::2], map(float, words[1::2]), strict=True))
    return shares


@cache
def _units() -> tuple[re.Pattern[str], ...]:
    """The words that name a department, a pattern a group."""
    told = [line.partition("\t")[2].split() for line in text.lines("units.tsv")]
    return tuple(re.compile("|".join(map(re.escape, words))) for words in told)


def _of(shares: Mapping[str, Mapping[str, float]], code: str) -> Mapping[str, float]:
    return next((shares[code[:width]] for width in (6, 4, 2) if code[:width] in shares), {})


def add_command(commands: base.Commands, say: base.Say) -> None:
    """Add the command departments."""
    units = base.command(commands, "departments", departments, say)
    units.add_argument("--replies", type=Path, default=base.DATA / "teddy2020" / "replies.csv")
    units.add_argument("--groups", type=int, default=9)
