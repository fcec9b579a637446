"""Pairs of pictures worth a closer look, found among N without comparing all N² / 2.

Each of 32 bands is 14 bits of the perceptual hash; pictures that agree in all bits of a band meet (Leskovec, Rajaraman
and Ullman, Mining of Massive Datasets, section 3.4), and stay a pair if they differ in 14 bits of 53 at the most and
the cosine between their lowest frequencies is at least 0.8. Of the partners of a picture only the four nearest are
kept, so that the work after this grows with N, also where all pictures resemble each other, as digits do.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from striate.datasets.checking.hashing import (
    FREQUENCIES,
    Coefficients,
    Hashes,
    differing,
    hashes,
    turned_coefficients,
)

_BANDS, _BITS = 32, 14
_FARTHEST = 14  # differing bits
_ALIKE = 0.8  # cosine
_PARTNERS = 4
_CROWD = 256  # of more pictures that agree in a band each meets only as many, the nearest in the order of their hashes
_CHUNK, _FEWER = 1 << 20, 1 << 16  # pairs at a time: of numbers, of coefficients


class Pairs(NamedTuple):
    """Two pictures each, the earlier one first, and the way in which the second is turned to be like the first."""

    first: NDArray[np.int64]  # (P,)
    second: NDArray[np.int64]  # (P,)
    way: NDArray[np.int64]  # (P,)

    def at(self, places: NDArray[np.int64] | NDArray[np.bool_]) -> "Pairs":
        """Some of them."""
        return Pairs(self.first[places], self.second[places], self.way[places])


def near_pairs(upright: Coefficients) -> Pairs:
    """Pairs of N pictures that are alike in their lowest frequencies (N, 8, 8), for some way to turn the second."""
    own, count = hashes(upright), len(upright)
    found, cosines = [], []
    for way in range(8):
        turned = turned_coefficients(upright, way)
        others = hashes(turned)
        met = [pairs for band in _bands() for pairs in _meetings(own, others, band)]
        first, second = np.divmod(np.unique(np.concatenate([*met, np.zeros(0, np.int64)])), max(count, 1))
        alike = _cosines(upright, turned, first, second)
        kept = alike >= _ALIKE
        found.append((first[kept], second[kept], np.full(kept.sum(), way)))
        cosines.append(alike[kept])
    pairs = Pairs(*(np.concatenate(column) for column in zip(*found, strict=True)))
    return pairs.at(_nearest(pairs, np.concatenate(cosines)))


def _bands() -> NDArray[np.uint64]:
    """The bits (32, 14) of each band: drawn, but the same for ever."""
    generator = np.random.default_rng(0)
    drawn = [generator.permutation(len(FREQUENCIES))[:_BITS] for _ in range(_BANDS)]
    return np.sort(np.array(drawn, np.uint64), axis=1)


def _meetings(own: Hashes, others: Hashes, band: NDArray[np.uint64]) -> Iterator[NDArray[np.int64]]:
    """N first + second (P,) of pairs, the smaller place first, that agree in a band and differ in few bits."""
    keys = _keys(others, band)
    order = np.argsort(keys, kind="stable")
    begin, length = _neighbourhoods(keys[order], _keys(own, band))
    ends = np.cumsum(length)
    start = 0
    while start < len(own):
        done = ends[start - 1] if start else 0
        stop = max(start + 1, int(np.searchsorted(ends, done + _CHUNK, "right")))
        lengths = length[start:stop]
        first = np.repeat(np.arange(start, stop), lengths)
        steps = np.arange(len(first)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        second = order[np.repeat(begin[start:stop], lengths) + steps]
        near = (first < second) & (differing(own[first] ^ others[second]) <= _FARTHEST)
        yield first[near] * len(own) + second[near]
        start = stop


def _keys(own: Hashes, band: NDArray[np.uint64]) -> Hashes:
    """The bits of a band above, and below them as many of the whole hash as there is room for."""
    key = np.zeros(len(own), np.uint64)
    for bit in band:
        key = (key << np.uint64(1)) | ((own >> bit) & np.uint64(1))
    room = 64 - _BITS
    return (key << np.uint64(room)) | (own >> np.uint64(len(FREQUENCIES) - room))


def _neighbourhoods(ordered: Hashes, asked: Hashes) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where in the ordered keys those begin that agree with each asked one in its band, and how many they are."""
    below = np.uint64((1 << (64 - _BITS)) - 1)
    low = np.searchsorted(ordered, asked & ~below, "left")
    high = np.searchsorted(ordered, asked | below, "right")
    middle = np.searchsorted(ordered, asked, "left") - _CROWD // 2
    begin = np.maximum(low, np.minimum(middle, high - _CROWD))
    return begin, np.minimum(high - begin, _CROWD)


def _cosines(
    upright: Coefficients, turned: Coefficients, first: NDArray[np.int64], second: NDArray[np.int64]
) -> NDArray[np.float32]:
    """The cosine (P,) between the coefficients of each pair."""
    found = np.empty(len(first), np.float32)
    for start in range(0, len(first), _FEWER):
        chunk = slice(start, start + _FEWER)
        found[chunk] = np.einsum("puv,puv->p", upright[first[chunk]], turned[second[chunk]])
    return found


def _nearest(pairs: Pairs, cosines: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Which pairs (P,) are among the four nearest of one of their two pictures."""
    kept = np.zeros(len(cosines), bool)
    for own in (pairs.first, pairs.second):
        order = np.lexsort((-cosines, own))
        begins = np.flatnonzero(np.diff(own[order], prepend=-1))
        rank = np.arange(len(own)) - np.repeat(begins, np.diff(begins, append=len(own)))
        kept[order[rank < _PARTNERS]] = True
    return kept
