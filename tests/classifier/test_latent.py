import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import sparse

from classifier import latent

DICE = np.random.default_rng(3)


@pytest.fixture(scope="module")
def rows() -> sparse.csr_matrix:
    """Texts of two matters; a text is of the class when exactly one of them is spoken of: no line can tell that."""
    matters = DICE.integers(0, 2, (400, 2))
    counts = np.hstack([np.repeat(matters[:, :1], 6, axis=1), np.repeat(matters[:, 1:], 6, axis=1)])
    grams = np.hstack([np.ones((400, 2)), counts * DICE.uniform(0.5, 1, counts.shape)]).astype(np.float32)
    return sparse.csr_matrix(grams)


def either(rows: sparse.csr_matrix) -> NDArray[np.bool_]:
    seen = rows.toarray()
    return np.asarray((seen[:, 2] > 0) != (seen[:, 8] > 0))


def targets(rows: sparse.csr_matrix) -> NDArray[np.float32]:
    return np.asarray(np.eye(2, dtype=np.float32)[either(rows).astype(int)])


def both_of(found: latent.Space, rows: sparse.csr_matrix, seed: int) -> latent.Second:
    return latent.Regression(found, rows, targets(rows), seed).learned(np.arange(rows.shape[0]))


def test_squares_tell_what_no_line_can(rows: sparse.csr_matrix) -> None:
    learn, unseen = rows[:300], rows[300:]
    found = latent.space(learn, None, 8, 1)

    scores = both_of(found, learn, 1).scores(unseen)

    assert ((scores.argmax(axis=1) == 1) == either(unseen)).mean() > 0.9


def test_the_same_rows_give_the_same_squares(rows: sparse.csr_matrix) -> None:
    first, again = (both_of(latent.space(rows, rows, 6, 5), rows, 5) for _ in range(2))

    assert (first.axes == again.axes).all()
    assert (first.scores(rows) == again.scores(rows)).all()


def test_the_scores_of_some_labels_are_those_of_all(rows: sparse.csr_matrix) -> None:
    both = both_of(latent.space(rows, None, 6, 5), rows, 5)

    assert np.allclose(both.of(slice(1, 2)).scores(rows)[:, 0], both.scores(rows)[:, 1], atol=1e-5)


def test_a_text_without_a_known_gram_has_a_score(rows: sparse.csr_matrix) -> None:
    both = both_of(latent.space(rows, None, 6, 5), rows, 5)

    assert np.isfinite(both.scores(sparse.csr_matrix((1, rows.shape[1]), dtype=np.float32))).all()


def test_what_a_part_teaches_knows_nothing_of_the_rest(rows: sparse.csr_matrix) -> None:
    found, learn, unseen = latent.space(rows, None, 6, 5), np.arange(300), np.arange(300, 400)
    right, wrong = targets(rows), targets(rows)
    wrong[unseen] = 1 - wrong[unseen]

    told, lied = (latent.Regression(found, rows, some, 1).scores(learn, unseen) for some in (right, wrong))

    assert (told == lied).all()
    assert np.allclose(told, both_of(found, rows[:300], 1).scores(rows[300:]), atol=1e-4)
