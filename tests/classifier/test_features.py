from collections import Counter
from itertools import pairwise

import numpy as np
import pytest

from classifier import corpus, features, text

RECIPE = features.Recipe(characters=(1, 2, 3, 4), least=2)


@pytest.fixture(scope="module")
def texts() -> list[str]:
    return [example.text for example in corpus.read(corpus.shipped())[::9]]


def grams(said: str) -> Counter[str]:
    """The grams of a text said plainly: what the numbers must agree with."""
    words = text.words(said)
    opening = words[: features.OPENING_WORDS]
    found = words + [" ".join(pair) for pair in pairwise(words)]
    found += [features.TITLE + word for word in opening]
    found += [features.TITLE + " ".join(pair) for pair in pairwise(opening)]
    run = "".join(words)
    for length in RECIPE.characters:
        found += [features.CHARACTERS + run[at : at + length] for at in range(len(run) - length + 1)]
    return Counter(found)


def test_the_vocabulary_is_what_at_least_two_texts_have(texts: list[str]) -> None:
    frequency = Counter(gram for said in texts for gram in grams(said))

    learned = features.learn(texts, RECIPE)

    assert set(learned.vocabulary) == {gram for gram, count in frequency.items() if count >= RECIPE.least}
    rarity = [np.log((1 + len(texts)) / (1 + frequency[gram])) + 1 for gram in learned.vocabulary]
    assert np.allclose(learned.weights, rarity)


def test_a_row_counts_every_gram_of_its_own_text_and_no_other(texts: list[str]) -> None:
    learned = features.learn(texts, RECIPE)
    said = [*texts[:30], "", "!!", "𠮷野家和街边的小店", *texts[30:33]]

    rows = learned.rows(said)

    for line, one in enumerate(said):
        counts = grams(one)
        expected = np.array([counts[gram] for gram in learned.vocabulary], dtype=float)
        heavy = np.where(expected > 0, 1 + np.log(np.maximum(expected, 1)), 0) * learned.weights
        assert np.allclose(rows[line].toarray()[0], heavy / (np.linalg.norm(heavy) or 1), atol=1e-6)


def test_only_the_most_frequent_grams_are_kept_when_there_are_too_many(texts: list[str]) -> None:
    few = features.learn(texts, features.Recipe(characters=(2,), most=50))

    assert len(few.vocabulary) == 50
    assert few.weights.max() <= np.partition(features.learn(texts, features.Recipe((2,))).weights, 50)[50]


def test_features_built_from_a_stored_vocabulary_give_the_same_rows(texts: list[str]) -> None:
    learned = features.learn(texts, RECIPE)

    again = features.build(RECIPE, list(learned.vocabulary), learned.weights)

    assert (again.rows(texts) != learned.rows(texts)).nnz == 0


def test_many_texts_at_once_give_the_rows_of_each_alone(texts: list[str]) -> None:
    learned = features.learn(texts, RECIPE)
    many = texts * 3

    together = learned.rows(many)

    assert together.shape == (len(many), len(learned.vocabulary))
    assert all((together[at] != learned.rows([many[at]])).nnz == 0 for at in (0, 511, 512, len(many) - 1))


def test_nothing_learned_finds_nothing() -> None:
    assert features.learn([], RECIPE).rows(["停水了"]).shape == (1, 0)
    assert features.learn(["停水了"], RECIPE).rows([]).shape == (0, 0)


def test_a_row_is_the_same_alone_and_among_others_bit_by_bit(texts: list[str]) -> None:
    known = features.learn(texts, RECIPE)
    together = known.rows([*texts, "", "〇〇"])

    for at, said in enumerate([*texts, "", "〇〇"]):
        alone = known.rows([said])
        assert (alone.indices == together[at].indices).all()
        assert (alone.data == together[at].data).all()
