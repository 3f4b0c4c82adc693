"""What must alarm a person: life in danger, self-harm, violence, a crowd, a secret let out.

Two ways, side by side. Phrases are rules: a phrase alarms even where a careful reader would not, and only plain talk of
prevention, of the past, or of a question is passed over. Beside them, signs (`data/signs.tsv`) are weighed together by
a head that was learned from the shipped corpus, for the dangers that nobody puts into a phrase: a cracked wall, a
rising river, pills on the table. The head is a file of numbers; `evaluate risks --write` makes it anew.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from itertools import accumulate, chain
from typing import Final

import numpy as np
from numpy.typing import NDArray

from classifier import cues, text
from classifier.corpus import RISKS

HEAD_FILE: Final = "risk_head.json"
_HARMLESS_BEFORE = re.compile(
    r"(?:防止|预防|避免|以防|防范|消除|杜绝|如果|万一|担心|怕|害怕|容易|演练|宣传|当年|去年|前年|以前|曾经)[^,。!?;]{0,8}$"
)
_SERIOUS = ("self_harm",)
_EVIDENCE_WORDS: Final = 5
_SAID: Final = 0.5
"""How likely a danger is at least that a phrase names: on the shipped corpus 28 of 59 such alarms are right."""
_BOTH: Final = 2
_GIVEN: Final = frozenset("小大明国建军平海江文春生红华强东林水山金龙")
"""Letters that names are made of, too."""


@dataclass(frozen=True, slots=True)
class Alarm:
    """A risk that a text speaks of, how likely that is, and the words that say so."""

    risk: str
    probability: float
    evidence: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Head:
    """What the signs weigh for each risk: weights of shape (signs, risks), bias and threshold of shape (risks,).

    The scores are log-odds, calibrated out of fold; a score from `threshold` on alarms.
    """

    names: tuple[str, ...]
    weights: NDArray[np.float64]
    bias: NDArray[np.float64]
    threshold: NDArray[np.float64]

    def scores(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return log-odds, shape (rows, risks) or (risks,), in the order of `corpus.RISKS`."""
        return np.asarray(rows @ self.weights + self.bias, dtype=np.float64)


def found(cleaned: str) -> tuple[str, ...]:
    """Return the risks that a clean text speaks of, each once."""
    return tuple(alarm.risk for alarm in alarms([cleaned])[0])


def alarms(texts: Sequence[str]) -> list[tuple[Alarm, ...]]:
    """Return the alarms of each clean text by phrases and by the head, in the order of `corpus.RISKS`."""
    learned, raised = head(), []
    said, heard = list(map(phrases, texts)), list(map(_heard, texts))
    scores = learned.scores(_rows(texts, heard, said))
    over = (scores >= learned.threshold).tolist()
    for at, odds in enumerate(scores.tolist()):
        risks = [number for number, risk in enumerate(RISKS) if risk in said[at] or over[at][number]]
        raised.append(tuple(_alarm(number, odds[number], said[at], heard[at]) for number in risks))
    return raised


def _alarm(number: int, odds: float, said: Mapping[str, Sequence[str]], heard: Mapping[str, set[str]]) -> Alarm:
    spelt = chain.from_iterable(map(_ends, said.get(RISKS[number], ())))
    words = dict.fromkeys((*spelt, *_signs_for(heard, number)))
    likely = max(1 / (1 + math.exp(-odds)), _SAID if RISKS[number] in said else 0.0)
    return Alarm(RISKS[number], likely, tuple(words)[:_EVIDENCE_WORDS])


def _ends(phrase: str) -> tuple[str, ...]:
    """What is said at both ends of a phrase: what stands between, such as whose knife it is, is nobody's business."""
    whole, part = _spoken_letters()
    if whole.fullmatch(phrase):
        return (phrase,)
    parts = part.findall(phrase)
    return tuple(parts) if len(parts) < _BOTH else (parts[0], parts[-1])


@cache
def _spoken_letters() -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Runs of the letters that the patterns themselves write: of all, and of those that few people are called by."""
    written = set("".join(line.partition("\t")[2] for line in text.lines("risks.tsv")))
    letters = {letter for letter in written if not letter.isascii()}
    whole, part = ("".join(sorted(some)) for some in (letters, letters - _GIVEN))
    return re.compile(rf"[\d{whole}]+"), re.compile(rf"[\d{part}]{{2,}}")


def phrases(cleaned: str) -> dict[str, tuple[str, ...]]:
    """Return the risks whose phrases stand in a clean text, with what was said."""
    told = {}
    for risk, pattern in _patterns():
        said = tuple(match.group() for match in pattern.finditer(cleaned) if _alarms(risk, cleaned, match))
        if said:
            told[risk] = said
    return told


def rows(texts: Sequence[str]) -> NDArray[np.float64]:
    """Return what the head weighs, shape (texts, signs): how many words of each sign, how densely, length, phrases."""
    return _rows(texts, list(map(_heard, texts)), list(map(phrases, texts)))


def _rows(
    texts: Sequence[str], heard: Sequence[Mapping[str, set[str]]], said: Sequence[Mapping[str, object]]
) -> NDArray[np.float64]:
    # Lists of numbers, for most signs stand in no text, and every step of numpy takes longer than one text.
    told = list(map(_row, texts, heard, said))
    return np.array(told, dtype=np.float64).reshape(len(told), 2 * len(names()) + 1 + len(RISKS))


def _row(text: str, heard: Mapping[str, set[str]], said: Mapping[str, object]) -> list[float]:
    long = max(len(text), 1)
    counts = [len(heard[name]) if name in heard else 0 for name in names()]
    dense = [count / math.sqrt(long) for count in counts]
    return [*map(math.log1p, counts), *dense, math.log(long), *(risk in said for risk in RISKS)]


@cache
def signs() -> cues.Cues:
    """The words of each sign."""
    return cues.parsed(text.lines("signs.tsv"))


@cache
def head() -> Head:
    """The head that comes with this package."""
    content = (resources.files("classifier") / "data" / HEAD_FILE).read_text(encoding="utf-8")
    return from_json(json.loads(content))


def from_json(told: Mapping[str, Sequence[float]]) -> Head:
    """Return the head of the numbers in a file."""
    weights = np.array([told[f"weights {risk}"] for risk in RISKS], dtype=np.float64).T
    return Head(names(), weights, np.array(told["bias"]), np.array(told["threshold"]))


def to_json(learned: Head) -> dict[str, list[float]]:
    """Return the numbers of a head for a file, with five digits."""
    weights = {f"weights {risk}": learned.weights[:, at] for at, risk in enumerate(RISKS)}
    numbers = {**weights, "bias": learned.bias, "threshold": learned.threshold}
    return {name: [round(float(number), 5) for number in column] for name, column in numbers.items()}


@cache
def names() -> tuple[str, ...]:
    """Return the signs in the order of their weights."""
    return tuple(name for name, _ in signs().lines)


def _heard(cleaned: str) -> dict[str, set[str]]:
    """The different words of each sign that stands in a text."""
    heard: dict[str, set[str]] = {}
    for word in signs().found(cleaned):
        for name in signs().weights[word]:
            heard.setdefault(name, set()).add(word)
    return heard


def _signs_for(heard: Mapping[str, set[str]], risk: int) -> list[str]:
    """The words whose signs speak for a risk, the weightiest sign first."""
    learned = head()
    weight = dict(zip(learned.names, learned.weights[: len(learned.names), risk], strict=True))
    told = sorted(heard.items(), key=lambda item: -weight[item[0]])
    return [word for name, words in told if weight[name] > 0 for word in sorted(words)]


def _alarms(risk: str, cleaned: str, match: re.Match[str]) -> bool:
    """A phrase alarms unless plain talk of prevention stands before it; talk of suicide always does."""
    return risk in _SERIOUS or _HARMLESS_BEFORE.search(cleaned[max(0, match.start() - 14) : match.start()]) is None


@cache
def _patterns() -> tuple[tuple[str, re.Pattern[str]], ...]:
    phrases: dict[str, list[str]] = {}
    for line in text.lines("risks.tsv"):
        risk, _, pattern = line.partition("\t")
        phrases.setdefault(risk, []).append(pattern)
    spelled = {
        risk: [each for pattern in patterns for each in spelled_out(pattern)] for risk, patterns in phrases.items()
    }
    return tuple((risk, re.compile("|".join(patterns))) for risk, patterns in spelled.items())


def spelled_out(pattern: str) -> Iterator[str]:
    """Yield what a pattern may be, in the order in which it tries them, each beginning with a letter where it can.

    Where all begin with a letter, `re` passes over whatever has none of these letters in one look. For patterns as in
    `risks.tsv`: parentheses stand for groups only.
    """
    branches = _branches(pattern)
    group, rest = _opened(pattern) if len(branches) == 1 else ("", "")
    if group:
        may_be_missing = rest.startswith("?")
        firsts = [*_branches(group), *[""] * may_be_missing]
        branches = [first + rest[may_be_missing:] for first in firsts]
    for branch in branches:
        yield from spelled_out(branch) if branch != pattern else (pattern,)


def _branches(pattern: str) -> list[str]:
    """What the bars outside all groups part."""
    bars = [at for at, depth in enumerate(_depths(pattern)) if not depth and pattern[at] == "|"]
    return [pattern[start + 1 : end] for start, end in zip([-1, *bars], [*bars, len(pattern)], strict=True)]


def _opened(pattern: str) -> tuple[str, str]:
    """The group that a pattern begins with, and what follows; nothing where there is none, or one that is repeated."""
    if not pattern.startswith("(?:"):
        return "", ""
    end = _depths(pattern).index(0)
    group, rest = pattern[3:end], pattern[end + 1 :]
    return ("", "") if rest.startswith(("*", "+", "{", "??", "?+")) else (group, rest)


def _depths(pattern: str) -> list[int]:
    """How many groups are open after each mark."""
    return list(accumulate((mark == "(") - (mark == ")") for mark in pattern))
