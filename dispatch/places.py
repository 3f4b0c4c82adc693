"""Which area of the city a text speaks of, by the names that the city itself gives its areas.

People leave out what is obvious: 东门 for 东门街道. A name that several areas share counts only beside the name of the
county that it lies in. Names only: no map and no distances.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache

from dispatch.rulebook import Area, Rulebook

_ENDING = re.compile(r"(?:街道|新区|区|县|镇|乡)$")
_SHORTEST = 2
_PAIRS = (
    "建设大桥新桥桥头人民解放和平胜利光明团结友谊幸福健康文化体育教育工业农业商业开发高新经济科技科创劳动青年中心广场公园"
    "车站码头港口市场新城新区新村城区城关路口大街大学学院民主民族自由平安安全服务生态旅游水库"
)
_WORDS = frozenset(_PAIRS[at : at + 2] for at in range(0, len(_PAIRS), 2))
"""Names that are words as well: who says 建设单位 or 大桥上 means no 建设街道. These count with their ending only."""


def area_in(text: str, rulebook: Rulebook) -> tuple[str | None, tuple[str, ...]]:
    """Return the code of the deepest area that `text` names without doubt, and the names that stand for it there.

    None, and no names, if it names none, or several.
    """
    codes_of, pattern = _names(tuple(rulebook.areas.values()))
    named = dict.fromkeys(pattern.findall(text)) if codes_of else {}
    certain = {next(iter(codes_of[name])) for name in named if len(codes_of[name]) == 1}
    for name in named:
        inside = [code for code in codes_of[name] if certain & _around(code, rulebook)]
        if len(codes_of[name]) > 1 and len(inside) == 1:
            certain.add(inside[0])
    deepest = [code for code in certain if not any(code in _around(other, rulebook) for other in certain)]
    if len(deepest) != 1:
        return None, ()
    return deepest[0], tuple(name for name in named if deepest[0] in codes_of[name])


def _around(code: str, rulebook: Rulebook) -> set[str]:
    """The areas that contain an area, but for the whole city: its name says nothing."""
    around = {wider.code for wider in rulebook.wider(code) if wider.parent}
    return around - {code}


@lru_cache(maxsize=4)
def _names(areas: tuple[Area, ...]) -> tuple[Mapping[str, frozenset[str]], re.Pattern[str]]:
    """Which areas each name stands for, and a pattern of all names, the longer first; the city itself has none."""
    codes: dict[str, set[str]] = {}
    for area in areas:
        for name in _called(area) if area.parent else ():
            codes.setdefault(name, set()).add(area.code)
    longest_first = sorted(codes, key=lambda name: (-len(name), name))
    return {name: frozenset(some) for name, some in codes.items()}, re.compile("|".join(map(re.escape, longest_first)))


def _called(area: Area) -> Iterable[str]:
    stem = _ENDING.sub("", area.name)
    return {area.name, stem} if len(stem) >= _SHORTEST and stem not in _WORDS else {area.name}
