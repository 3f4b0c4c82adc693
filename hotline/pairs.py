"""Pairs of neighbouring characters of a text, by which texts are found and compared (ADR 0006).

Pure: knows no tickets and runs no queries.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray


def grams(text: str) -> list[int]:
    """Return every pair of neighbouring UTF-16 units as one integer, each once, in no order; blanks are left out.

    Both halves of a pair fit PostgreSQL's integer. Case is folded; what the search finds by pairs it checks by text.
    """
    return list(set(_in_order(text).tolist()))


def _in_order(text: str) -> NDArray[np.int32]:
    units = np.frombuffer("".join(text.lower().split()).encode("utf-16-le", "replace"), dtype=np.uint16)
    return (units.astype(np.uint32)[:-1] << 16 | units[1:]).view(np.int32)


def sample(pairs: Sequence[int]) -> list[int]:
    """Return what `sample_of` in the schema makes of these pairs, for tickets that are copied in."""
    return [pair for pair in pairs if pair % 4 == 0] if len(pairs) > SAMPLED_FROM else list(pairs)


SAMPLED_FROM = 48
"""Pairs of characters from which on only some are kept in the sample."""


_HASHED: Final = 16
"""Bits by which a pair is looked for before it is compared."""
_MIXED: Final = np.int32(-1640531527)


@dataclass(frozen=True, slots=True)
class Pairs:
    """The different pairs of a text, sorted, for counting which of them other texts have."""

    sorted: NDArray[np.int32]
    begins: NDArray[np.bool_]
    """Which of all hashes a pair of the text has."""

    @classmethod
    def of(cls, text: str) -> Pairs:
        """Return the pairs of a text as `grams` finds them."""
        pairs = np.unique(_in_order(text))
        begins = np.zeros(2**_HASHED, dtype=bool)
        begins[_hashed(pairs)] = True
        return cls(pairs, begins)

    @property
    def count(self) -> int:
        return len(self.sorted)

    def shared(self, others: Sequence[bytes]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return how many pairs of each other text are ours, and how many it has; shape (len(others),) each.

        The others as `array_send` gives them: the driver would make an object of every number, for more time than all
        this takes.
        """
        sizes = np.array([max(0, len(sent) - _HEAD) // _SENT for sent in others], dtype=np.int64)
        told = b"".join(sent[_HEAD:] for sent in others)
        pairs = np.frombuffer(told, dtype=">i4")[1::2].astype(np.int32)
        near = np.flatnonzero(self.begins[_hashed(pairs)])
        place = np.minimum(np.searchsorted(self.sorted, pairs[near]), max(self.count - 1, 0))
        ours = near[self.sorted[place] == pairs[near]] if self.count else near[:0]
        line = np.searchsorted(np.cumsum(sizes), ours, side="right")
        return np.bincount(line, minlength=len(others)), sizes


_HEAD, _SENT = 20, 8
"""Bytes before the first number of an array that PostgreSQL sends, and of each number with its length."""


def _hashed(pairs: NDArray[np.int32]) -> NDArray[np.int64]:
    return ((pairs * _MIXED).view(np.uint32) >> np.uint32(32 - _HASHED)).astype(np.int64)
