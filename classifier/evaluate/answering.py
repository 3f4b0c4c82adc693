"""Who answered, read off an official reply: for replies that carry no mark of a department.

Says something only where the reply speaks of itself: a town hall as 'our town' or 'our street'; whoever thanks for the
support of 'education' or 'the town'; a department as 'our bureau' while it names departments of one group only. What is
merely mentioned says nothing here. Reads replies that messages are learned from, never those of messages asked about.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final

from classifier import text

HALL: Final = "镇街/区县政府"
"""The group of town halls, street offices and governments of counties."""

_HALL_SPEAKS: Final = re.compile(
    "我[镇乡街](?!区)|我办事处|本[镇乡](?![人村干])|本街道|[镇乡](?:党委)?[、和]?政府(?:高度|非常|十分)重视"
    "|[镇乡]党委(?:高度|非常|十分)重视|街道(?:办事处)?(?:高度|非常|十分)重视"
)
_THANKS: Final = re.compile("谢[^。!]{0,12}?对于?([^。!,]{0,16}?)(?:工作|事业|发展|事务|的[关支理监热])")
_HALL_THANKED: Final = re.compile("[一-鿿][镇乡]|街道|社区")
_DEPARTMENT_SPEAKS: Final = re.compile("我(?:局|委|厅|支队|大队|分局|队)(?!会)")


def group(reply: str) -> str:
    """Return the group of departments that speaks in this reply; empty where the reply does not tell."""
    said = text.normalise(reply)
    if _HALL_SPEAKS.search(said):
        return HALL
    if thanked := _thanked(said):
        return thanked
    named = [name for name, office in _offices().items() if office.named.search(said)]
    return named[0] if len(named) == 1 and _DEPARTMENT_SPEAKS.search(said) else ""


def _thanked(said: str) -> str:
    """For whose work the reply thanks: for that of a place, or of one group of departments."""
    works = [thanks[1] for thanks in _THANKS.finditer(said)]
    groups = [name for name, office in _offices().items() if any(map(office.works.search, works))]
    if any(map(_HALL_THANKED.search, works)):
        groups.append(HALL)
    return groups[0] if len(groups) == 1 else ""


@dataclass(frozen=True, slots=True)
class _Office:
    """How replies name departments of a group, and the work that is theirs."""

    named: re.Pattern[str]
    works: re.Pattern[str]


@cache
def _offices() -> Mapping[str, _Office]:
    """The names and the work of departments in replies, by group."""
    told = ([*line.split("\t"), ""] for line in text.lines("offices.tsv"))
    return {name: _Office(_any_of(names), _any_of(works)) for name, names, works, *_ in told}


def _any_of(words: str) -> re.Pattern[str]:
    return re.compile("|".join(map(re.escape, words.split())) or "(?!)")
