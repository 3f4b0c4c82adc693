"""Phrases that must alarm a person: life in danger, self-harm, violence, a crowd, a secret let out.

Rules, not learning: a city has seen too few of these to learn them, and a missed one cannot be called back. So a phrase
alarms even where a careful reader would not; only plain talk of prevention, of the past, or of a question is passed
over.
"""

from __future__ import annotations

import re
from functools import cache

from classifier import text

_HARMLESS_BEFORE = re.compile(
    r"(?:防止|预防|避免|以防|防范|消除|杜绝|如果|万一|担心|怕|害怕|容易|演练|宣传|当年|去年|前年|以前|曾经)[^,。!?;]{0,8}$"
)
_SERIOUS = ("self_harm",)


def found(cleaned: str) -> tuple[str, ...]:
    """Return the risks that a clean text speaks of, in the order of the table, each once."""
    risks: list[str] = []
    for risk, pattern in _patterns():
        if any(_alarms(risk, cleaned, match) for match in pattern.finditer(cleaned)):
            risks.append(risk)
    return tuple(risks)


def _alarms(risk: str, cleaned: str, match: re.Match[str]) -> bool:
    """A phrase alarms unless plain talk of prevention stands before it; talk of suicide always does."""
    return risk in _SERIOUS or _HARMLESS_BEFORE.search(cleaned[max(0, match.start() - 14) : match.start()]) is None


@cache
def _patterns() -> tuple[tuple[str, re.Pattern[str]], ...]:
    phrases: dict[str, list[str]] = {}
    for line in text.lines("risks.tsv"):
        risk, _, pattern = line.partition("\t")
        phrases.setdefault(risk, []).append(pattern)
    return tuple((risk, re.compile("|".join(patterns))) for risk, patterns in phrases.items())
