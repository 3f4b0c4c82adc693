"""What people do with their words: ask, wish, demand, blame, beg, propose; and where in a message they do it.

A ticket's type is an act, not a matter, so the words of the matter mislead. Expressions are looked up as they stand;
nothing here is learned.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from classifier import text as texts_of

_SENTENCE_END = re.compile(r"[。!?;]|(?<=\D)\.(?=\D)")
_LISTED = re.compile(r"[一二三1-3][、.]")
_NUMBER = re.compile(r"\d+")
_YEAR = re.compile(r"\d+年")
_SHORT: Final = (60, 100, 400)
_USUAL_TITLE: Final = 15


def rows(messages: Sequence[tuple[str, str]]) -> NDArray[np.float64]:
    """Return one row a message, given as clean (title, text), shape (messages, features).

    Acts in the whole text (how often, and how densely), in title, first sentence, last sentence and the last two; then
    length, marks, questions, lists, figures.
    """
    width = 6 * len(_acts()) + 15
    return np.vstack([np.zeros((0, width)), *(_row(title, said) for title, said in messages)])


def acts() -> tuple[str, ...]:
    """The names of the acts, in the order of the counts."""
    return tuple(name for name, _ in _acts())


def counts(said: str) -> NDArray[np.float64]:
    """Return how often each act is done in a clean text."""
    return np.array([len(pattern.findall(said)) for _, pattern in _acts()], dtype=np.float64)


def _row(title: str, said: str) -> NDArray[np.float64]:
    sentences = [part for part in _SENTENCE_END.split(said) if part.strip()] or [""]
    whole = counts(said)
    places = (title, sentences[0], sentences[-1], "".join(sentences[-2:]))
    acted = [counts(place) > 0 for place in places]
    return np.concatenate([np.log1p(whole), whole / np.sqrt(max(len(said), 1)), *acted, _form(title, said, sentences)])


def _form(title: str, said: str, sentences: Sequence[str]) -> NDArray[np.float64]:
    """Length, marks, questions, lists and figures of a message."""
    length = max(len(said), 1)
    figures = [len(_YEAR.findall(said)), len(_NUMBER.findall(said)), said.count("?"), said.count("!"), len(sentences)]
    signs = [
        "?" in said,
        said.rstrip().endswith("?"),
        title.endswith(("?", "吗")),
        _LISTED.search(said) is not None,
        *(length < most for most in _SHORT),
    ]
    measures = [np.log(length), len(title) / _USUAL_TITLE, length < 2 * _SHORT[1]]
    return np.array([*measures, *np.log1p(figures), *signs], dtype=np.float64)


@cache
def _acts() -> tuple[tuple[str, re.Pattern[str]], ...]:
    found = []
    for line in texts_of.lines("speech.tsv"):
        name, _, told = line.partition("\t")
        longest_first = sorted(told.split(), key=lambda said: (-len(said), said))
        found.append((name, re.compile("|".join(map(re.escape, longest_first)))))
    return tuple(found)
