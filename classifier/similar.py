"""Texts that nearly repeat each other: the guard of corpus and splits against copies and slots.

Likeness is the cosine of counted character 4-grams, as the issue defines it; at .8 two people tell the same story in
the same words. Compares texts with texts and knows no labels.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse import csgraph
from sklearn.feature_extraction.text import HashingVectorizer

THRESHOLD = 0.8
_BLOCK = 1024


def duplicate_share(texts: Sequence[str], threshold: float = THRESHOLD) -> float:
    """Return the share of texts that nearly repeat a text before them; 0 for an empty list."""
    repeated = {max(first, second) for first, second, _ in pairs(texts, threshold)}
    return len(repeated) / len(texts) if texts else 0.0


def pairs(texts: Sequence[str], threshold: float = THRESHOLD) -> list[tuple[int, int, float]]:
    """Return (first, second, cosine) of all pairs of positions at or over `threshold`, first < second."""
    grams = _grams(texts)
    return [(i, j, cosine) for i, j, cosine in _alike(grams, grams, threshold) if i < j]


def groups(texts: Sequence[str], threshold: float = THRESHOLD) -> NDArray[np.int64]:
    """Return a group number a text, shape (len(texts),): near-duplicates share it, also through a third."""
    return joined(pairs(texts, threshold), len(texts))


def joined(found: Sequence[tuple[int, int, float]], number: int) -> NDArray[np.int64]:
    """Return the groups of `number` texts of which these pairs are alike, as `groups` does."""
    first = [i for i, _, _ in found]
    second = [j for _, j, _ in found]
    graph = sparse.coo_matrix((np.ones(len(found)), (first, second)), shape=(number, number))
    _, labels = csgraph.connected_components(graph, directed=False)
    return np.asarray(labels, dtype=np.int64)


def leaked(known: Sequence[str], new: Sequence[str], threshold: float = THRESHOLD) -> NDArray[np.bool_]:
    """Say of each new text whether it nearly repeats a known one, shape (len(new),)."""
    leaks = np.zeros(len(new), dtype=bool)
    if known and new:
        for i, _, _ in _alike(_grams(new), _grams(known), threshold):
            leaks[i] = True
    return leaks


def _grams(texts: Sequence[str]) -> sparse.csr_matrix:
    """Character 4-grams of the texts without blanks, rows of length one, shape (len(texts), 2**20)."""
    hashing = HashingVectorizer(
        analyzer="char", ngram_range=(4, 4), n_features=2**20, alternate_sign=False, lowercase=False
    )
    return sparse.csr_matrix(hashing.transform(["".join(text.split()) for text in texts] or [""]), dtype=np.float32)


def _alike(rows: sparse.csr_matrix, columns: sparse.csr_matrix, threshold: float) -> Iterator[tuple[int, int, float]]:
    """The (row, column, cosine) at or over the threshold; a block of rows at a time, so memory stays small."""
    turned = columns.T.tocsr()
    for start in range(0, rows.shape[0], _BLOCK):
        product = sparse.coo_matrix(rows[start : start + _BLOCK] @ turned)
        near = product.data >= threshold - 1e-6
        for i, j, cosine in zip(product.row[near], product.col[near], product.data[near], strict=True):
            yield start + int(i), int(j), float(cosine)
