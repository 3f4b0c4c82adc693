"""Which pairs of characters two texts share, counted as PostgreSQL sends them."""

import random
from collections.abc import Sequence

import numpy as np

from hotline.pairs import Pairs, grams

LETTERS = [chr(0x4E00 + at) for at in range(40)]


def sent(pairs: Sequence[int]) -> bytes:
    """What `array_send` makes of an array of integers."""
    if not pairs:
        return np.array([0, 0, 23], dtype=">i4").tobytes()
    numbers = np.array([[4, pair] for pair in pairs], dtype=">i4")
    return np.array([1, 0, 23, len(pairs), 1], dtype=">i4").tobytes() + numbers.tobytes()


def test_what_is_shared_is_counted_as_by_sets() -> None:
    dice = random.Random(1)  # noqa: S311 - only a shuffle
    texts = ["".join(dice.choices(LETTERS, k=dice.randrange(60))) for _ in range(50)]
    own = Pairs.of(texts[0] + "学府路😀")

    shared, sizes = own.shared([sent(grams(text)) for text in texts])

    mine = set(grams(texts[0] + "学府路😀"))
    assert shared.tolist() == [len(mine & set(grams(text))) for text in texts]
    assert sizes.tolist() == [len(grams(text)) for text in texts]


def test_a_text_without_pairs_shares_none_and_nothing_to_compare_with_is_no_fault() -> None:
    shared, sizes = Pairs.of("路").shared([sent([]), sent(grams("路灯不亮"))])

    assert (shared.tolist(), sizes.tolist()) == ([0, 0], [0, 3])
    assert Pairs.of("路灯").shared([])[0].tolist() == []
