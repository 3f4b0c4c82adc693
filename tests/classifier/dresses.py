"""Numbers of nobody, in every dress that people give to a number; no test, but what several tests ask with."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

NUMBERS = {
    "mobile": "13812345678",
    "landline": "05962671234",
    "identity": "110101199003078515",
    "identity with X": "11010119900307851X",
    "old identity": "110101900307851",
    "card of 16": "6222021234567890",
    "card of 19": "6222021234567890123",
}
_SCRIPTS = ("零一二三四五六七八九", "〇一二三四五六七八九", "零幺二三四五六七八九", "零壹贰叁肆伍陆柒捌玖")
_VALUES = {letter: str(value) for script in _SCRIPTS for value, letter in enumerate(script)}
_BETWEEN = (" ", "-", "–", "—", ".", "·", "_", ",", "，", "、", "/", "|", "~", "*", "：", "　", "\t", "\n", "  ", " - ")


def dresses(number: str) -> Iterator[str]:
    """Yield the number as people write it: scripts, widths, gaps of every kind and size, codes of the country."""
    yield from (number, "".join(chr(ord(letter) + 0xFEE0) for letter in number))
    for script in _SCRIPTS:
        spoken = "".join(script[int(letter)] if letter.isdigit() else letter for letter in number)
        yield from (spoken, " ".join(spoken), "、".join(_parts(spoken, 3)))
    for between in _BETWEEN:
        for size in (1, 3, 4):
            yield between.join(_parts(number, size))
        yield between.join((number[:3], *_parts(number[3:], 4)))
        yield between.join((number[:6], number[6:14], number[14:])).rstrip(between)
    yield from ("".join(f"({letter})" for letter in number), f"{number[:3]}({number[3:]})")
    yield "\u200b".join(_parts(number, 2))  # what nobody sees stands between
    yield "".join(_SCRIPTS[0][int(x)] if x.isdigit() and at % 2 else x for at, x in enumerate(number))
    if number.startswith("1381"):
        yield from (f"{code}{number}" for code in ("+86", "+86 ", "0086", "0086-", "(+86)", "86-", "+８６ "))
    if number.startswith("0596"):
        yield from ("0596-2671234", "(0596)2671234", "0596 267 1234", "+86 596 2671234")
    if number.endswith("X"):
        yield from (number[:-1] + last for last in ("x", "×", " X", "Ｘ", "叉"))


def survives(number: str, shown: str) -> bool:
    """Say whether six digits of the number in a row can be read in a text, whatever script or gaps they have."""
    plain = unicodedata.normalize("NFKC", shown)
    read = "".join(_VALUES.get(letter, letter) for letter in plain if letter.isdigit() or letter in _VALUES)
    bare = number.rstrip("X")
    return any(bare[at : at + 6] in read for at in range(len(bare) - 5))


def _parts(number: str, size: int) -> list[str]:
    return [number[at : at + size] for at in range(0, len(number), size)]
