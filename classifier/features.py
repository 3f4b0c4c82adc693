"""Clean texts as rows of numbers: words, pairs of words, characters, and the words of the opening once more.

The opening of a letter is its title; what stands there decides more often than the rest. A gram is known by one whole
number of 64 bits (`_keys`), so that a batch of texts is counted and looked up by numpy at once and no string is made
for a gram; the vocabulary is kept as text all the same, for evidence and for the file. Knows no labels.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, repeat
from typing import Final, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from classifier import text as texts_of

OPENING_WORDS = 10
TITLE, CHARACTERS = "^", "\x01"

Item = TypeVar("Item")
Words: TypeAlias = Sequence[str]
Keys: TypeAlias = NDArray[np.uint64]
# A key is four bits of kind, then the numbers of its two words or of its up to four characters.
_KIND, _WORD, _CHARACTER = (np.uint64(bits) for bits in (60, 21, 15))
_ALONE, _PAIR, _TITLE_ALONE, _TITLE_PAIR, _RUN = range(5)
_MARKS: Final = ("", "", TITLE, TITLE)
_BETWEEN: Final = ("", " ", "", " ")
"""What stands before and between the words of a gram, by its kind."""
_LONGEST_RUN: Final = 4
_BATCH: Final = 512
"""Texts that are looked up at once: enough to forget numpy's own cost, few enough to stay in the processor's cache."""
_NOTHING: Final = (np.zeros(0, np.uint64), np.zeros(0, np.int64))


@dataclass(frozen=True, slots=True)
class Recipe:
    """What becomes a feature. A gram seen in fewer than `least` texts is not learned; at most `most` are kept.

    `characters` are lengths from 1 to 4.
    """

    characters: tuple[int, ...] = (2, 3)
    least: int = 2
    most: int = 300_000


@dataclass(frozen=True, slots=True)
class Features:
    """A learned vocabulary with the weight of each gram; word grams first, then character grams."""

    recipe: Recipe
    vocabulary: tuple[str, ...]
    weights: NDArray[np.float32]
    letters: _Letters = field(repr=False)
    index: _Index = field(repr=False)
    tellable: NDArray[np.bool_]
    """Which grams are words that can be shown to a person, shape (grams,): no pairs, no single characters."""

    def word(self, column: int) -> str:
        """Return a tellable gram as the word that it is, wherever it stands in a text."""
        return self.vocabulary[column].removeprefix(TITLE)

    def rows(self, texts: Sequence[str]) -> sparse.csr_matrix:
        """Return one row a clean text, shape (len(texts), len(vocabulary)); empty if no gram is known."""
        parts = [self._counted(some) for some in _batches(texts)]
        width = len(self.vocabulary)
        if len(parts) == 1:
            return _weighted(parts[0], self.weights)
        counted = sparse.vstack(parts, format="csr") if parts else sparse.csr_matrix((0, width), dtype=np.float32)
        return _weighted(counted, self.weights)

    def _counted(self, texts: Sequence[str]) -> sparse.csr_matrix:
        keys, lines = _keys([texts_of.words(text) for text in texts], self.letters, self.recipe)
        found = self.index.find(keys)
        known = found >= 0
        starts = np.arange(len(texts) + 1) * max(len(self.vocabulary), 1)
        cells = found[known] + starts[lines[known]]
        cells.sort()
        # Written out, for np.diff and np.divmod take longer than what they do for one text.
        new = np.ones(len(cells), dtype=bool)
        np.not_equal(cells[1:], cells[:-1], out=new[1:])
        first = np.flatnonzero(new)
        counts = np.empty(len(first), dtype=np.float32)
        counts[:-1] = first[1:] - first[:-1]
        counts[-1:] = len(cells) - first[-1:]
        column = cells[first]
        ends = np.searchsorted(column, starts)
        column -= np.repeat(starts[:-1], ends[1:] - ends[:-1])
        shape = (len(texts), len(self.vocabulary))
        return sparse.csr_matrix((counts, column.astype(np.int32), ends.astype(np.int32)), shape=shape)


def learn(texts: Sequence[str], recipe: Recipe) -> Features:
    """Return the features of clean `texts`; the vocabulary has a fixed order, so the same texts give the same bits."""
    cut = [texts_of.words(text) for text in texts]
    letters = _Letters.made(set(chain.from_iterable(cut)), set(chain.from_iterable(map("".join, cut))))
    keys, counts = _frequencies(cut, letters, recipe)
    grams = letters.grams(keys)
    kept = list(range(len(grams)))
    if len(grams) > recipe.most:
        kept = [at for _, _, at in sorted(zip((-counts).tolist(), grams, kept, strict=True))[: recipe.most]]
    spoken = keys >> _KIND < np.uint64(_RUN)
    parts = ([at for at in kept if spoken[at]], [at for at in kept if not spoken[at]])
    order = [at for part in parts for at in sorted(part, key=grams.__getitem__)]
    weights = np.log((1 + len(texts)) / (1 + counts[order])) + 1
    vocabulary = tuple(grams[at] for at in order)
    index = _Index.of(keys[order])
    return Features(recipe, vocabulary, weights.astype(np.float32), letters, index, _tellable(vocabulary))


def build(recipe: Recipe, vocabulary: Sequence[str], weights: NDArray[np.float32]) -> Features:
    """Return the features of a known vocabulary, as `learn` returned it or the registry stored it."""
    letters = _Letters.of_grams(vocabulary)
    index = _Index.of(letters.keys(vocabulary))
    return Features(recipe, tuple(vocabulary), weights, letters, index, _tellable(vocabulary))


def _tellable(vocabulary: Sequence[str]) -> NDArray[np.bool_]:
    told = (
        not gram.startswith(CHARACTERS) and " " not in gram and len(gram.removeprefix(TITLE)) > 1 for gram in vocabulary
    )
    return np.fromiter(told, dtype=bool, count=len(vocabulary))


@dataclass(frozen=True, slots=True)
class _Letters:
    """The numbers of words and characters, from 1 in sorted order; 0 is any other."""

    words: tuple[str, ...]
    characters: tuple[str, ...]
    word: Mapping[str, int]
    character: NDArray[np.uint64]
    """By code point; the last one stands for all beyond."""

    @classmethod
    def of_grams(cls, vocabulary: Sequence[str]) -> _Letters:
        runs = [gram[1:] for gram in vocabulary if gram.startswith(CHARACTERS)]
        spoken = [gram.removeprefix(TITLE).split(" ") for gram in vocabulary if not gram.startswith(CHARACTERS)]
        return cls.made(set(chain.from_iterable(spoken)), set(chain.from_iterable(runs)))

    @classmethod
    def made(cls, words: Iterable[str], characters: Iterable[str]) -> _Letters:
        said, drawn = tuple(sorted(words)), tuple(sorted(characters))[: 2 ** int(_CHARACTER) - 1]
        points = np.zeros(ord(drawn[-1]) + 2 if drawn else 1, dtype=np.uint64)
        points[[ord(letter) for letter in drawn]] = np.arange(1, len(drawn) + 1)
        return cls(said, drawn, {word: at for at, word in enumerate(said, 1)}, points)

    def numbers_of(self, run: str) -> Keys:
        """The numbers of the characters of `run`."""
        points = np.frombuffer(run.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
        return self.character[np.minimum(points, len(self.character) - 1)]

    def keys(self, vocabulary: Sequence[str]) -> Keys:
        """The keys of grams that are made of known words and characters."""
        return np.fromiter(map(self._key, vocabulary), dtype=np.uint64, count=len(vocabulary))

    def grams(self, keys: Keys) -> list[str]:
        """The grams of `keys`: the way back of `keys`."""
        kinds = (keys >> _KIND).astype(np.int64)
        said, drawn = (np.array(["", *known], dtype=object) for known in (self.words, self.characters))
        grams, told = np.full(len(keys), CHARACTERS, dtype=object), kinds < _RUN
        for place in reversed(range(_LONGEST_RUN)):
            grams[~told] += drawn[_number(keys[~told], place, _CHARACTER)]
        mark, between = (np.array(by_kind, dtype=object)[kinds[told]] for by_kind in (_MARKS, _BETWEEN))
        first, last = (said[_number(keys[told], place, _WORD)] for place in (1, 0))
        grams[told] = mark + first + between + last
        return list(grams)

    def _key(self, gram: str) -> int:
        if gram.startswith(CHARACTERS):
            numbers = [int(self.character[ord(letter)]) for letter in gram[1:]]
            return _packed(_RUN + len(numbers) - 1, numbers, int(_CHARACTER))
        words = gram.removeprefix(TITLE).split(" ")
        kind = (_TITLE_ALONE if gram.startswith(TITLE) else _ALONE) + len(words) - 1
        return _packed(kind, [self.word[word] for word in words], int(_WORD))


def _packed(kind: int, numbers: Iterable[int], bits: int) -> int:
    key = 0
    for number in numbers:
        key = key << bits | number
    return kind << int(_KIND) | key


def _number(keys: Keys, place: int, bits: np.uint64) -> NDArray[np.int64]:
    """The numbers at a place in each key, 0 the last one; no word and no character has the number 0."""
    width = int(bits)
    return (keys >> np.uint64(place * width) & np.uint64((1 << width) - 1)).astype(np.int64)


@dataclass(frozen=True, slots=True)
class _Index:
    """Where a key stands in the vocabulary: keys scattered by a multiplication, sorted; where each bucket begins."""

    scattered: Keys
    place: NDArray[np.int64]
    head: NDArray[np.int32]
    shift: np.uint64

    @classmethod
    def of(cls, keys: Keys) -> _Index:
        scattered = _scatter(keys)
        place = np.argsort(scattered, kind="stable")
        bits = max(4, len(keys).bit_length() + 1)
        shift = np.uint64(64 - bits)
        sizes = np.bincount((scattered >> shift).astype(np.int64), minlength=2**bits)
        head = np.concatenate(([0], np.cumsum(sizes)[:-1])).astype(np.int32)
        # One key more, the largest there is, at which every search ends.
        kept = np.concatenate((scattered[place], [np.uint64(2**64 - 1)]))
        return cls(kept, np.concatenate((place, [-1])), head, shift)

    def find(self, keys: Keys) -> NDArray[np.int64]:
        """Return the position of each key, shape as `keys`; -1 for one that is not there."""
        wanted = _scatter(keys)
        at = self.head[(wanted >> self.shift).astype(np.int64)]
        seen = self.scattered[at]
        found = np.where(seen == wanted, self.place[at], -1)
        # What is sorted is passed only while it is smaller; most searches end where they began.
        open_ = np.flatnonzero(seen < wanted)
        while len(open_):
            at[open_] += 1
            there, sought = at[open_], wanted[open_]
            seen = self.scattered[there]
            hit = seen == sought
            found[open_[hit]] = self.place[there[hit]]
            open_ = open_[seen < sought]
        return found


def _scatter(keys: Keys) -> Keys:
    """Each key another number, never two the same: multiplied by an odd number, modulo 2**64."""
    return keys * np.uint64(0x9E3779B97F4A7C15)


def _batches(texts: Sequence[Item]) -> Iterator[Sequence[Item]]:
    return (texts[start : start + _BATCH] for start in range(0, len(texts), _BATCH))


def _keys(cut: Sequence[Words], letters: _Letters, recipe: Recipe) -> tuple[Keys, NDArray[np.int64]]:
    """Return the keys of all grams with repetition and the position of the text of each, in no order to rely on."""
    runs = ["".join(words) for words in cut]
    parts = _word_keys(cut, letters) + _run_keys(runs, letters, recipe.characters)
    return np.concatenate([keys for keys, _ in parts]), np.concatenate([lines for _, lines in parts])


def _word_keys(cut: Sequence[Words], letters: _Letters) -> list[tuple[Keys, NDArray[np.int64]]]:
    sizes = np.fromiter(map(len, cut), dtype=np.int64, count=len(cut))
    lines = np.repeat(np.arange(len(cut)), sizes)
    order = np.arange(len(lines)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    numbers = np.fromiter(map(letters.word.get, chain.from_iterable(cut), repeat(0)), dtype=np.uint64, count=len(lines))
    parts = []
    for first, alone in ((order < len(lines), _ALONE), (order < OPENING_WORDS, _TITLE_ALONE)):
        said = first & (numbers > 0)
        parts.append((_marked(alone, numbers[said]), lines[said]))
        both = said[:-1] & said[1:] & (lines[:-1] == lines[1:])
        pairs = numbers[:-1][both] << _WORD | numbers[1:][both]
        parts.append((_marked(alone + 1, pairs), lines[:-1][both]))
    return parts


def _run_keys(runs: Sequence[str], letters: _Letters, lengths: Sequence[int]) -> list[tuple[Keys, NDArray[np.int64]]]:
    sizes = np.fromiter(map(len, runs), dtype=np.int64, count=len(runs))
    lines = np.repeat(np.arange(len(runs)), sizes)
    single = letters.numbers_of("".join(runs))
    keys, known = single, single > 0
    parts = []
    for length in range(1, max(lengths, default=0) + 1):
        if length > 1:
            # What is one longer begins one character earlier than the single that it ends with.
            keys = keys[:-1] << _CHARACTER | single[length - 1 :]
            known = known[:-1] & (single[length - 1 :] > 0) & (lines[: len(keys)] == lines[length - 1 :])
        if length in lengths:
            parts.append((_marked(_RUN + length - 1, keys[known]), lines[: len(keys)][known]))
    return parts


def _marked(kind: int, keys: Keys) -> Keys:
    return keys | np.uint64(kind << int(_KIND))


def _frequencies(cut: Sequence[Words], letters: _Letters, recipe: Recipe) -> tuple[Keys, NDArray[np.int64]]:
    """Return the keys that at least `recipe.least` texts have, and how many texts have each."""
    parts = [_texts_with(*_keys(some, letters, recipe)) for some in _batches(cut)] or [_NOTHING]
    keys, place = np.unique(np.concatenate([keys for keys, _ in parts]), return_inverse=True)
    counts = np.bincount(place, np.concatenate([count for _, count in parts]), len(keys)).astype(np.int64)
    often = counts >= recipe.least
    return keys[often], counts[often]


def _texts_with(keys: Keys, lines: NDArray[np.int64]) -> tuple[Keys, NDArray[np.int64]]:
    """Return the different keys of one batch, and in how many of its texts each is."""
    order = np.argsort(keys)
    keys, lines = keys[order], lines[order]
    new = np.ones(len(keys), dtype=bool)
    new[1:] = keys[1:] != keys[:-1]
    cells = np.sort(np.cumsum(new) * _BATCH + lines)
    once = cells[np.diff(cells, prepend=-1) > 0]
    return keys[new], np.bincount(once // _BATCH - 1, minlength=int(new.sum()))


def _weighted(counted: sparse.csr_matrix, weights: NDArray[np.float32]) -> sparse.csr_matrix:
    """Damp counts, weigh by rarity, and bring word grams and character grams together to rows of length one."""
    values = (1 + np.log(counted.data)) * weights[counted.indices]
    sizes = counted.indptr[1:] - counted.indptr[:-1]
    said = sizes > 0
    length = np.ones(len(sizes), dtype=np.float32)
    length[said] = np.sqrt(np.add.reduceat(values**2, counted.indptr[:-1][said]))
    length[length == 0] = 1
    counted.data = values / np.repeat(length, sizes)
    return counted
