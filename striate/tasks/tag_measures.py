"""How well tags are told: counts, precision, recall, F1, average precision, and the threshold of the highest F1.

Of one tag with probabilities p (N,) and truth y (N,), told where p ≥ t: TP images bear it and are told so, FP do not
and are, FN do and are not. Precision = TP / (TP + FP), recall = TP / (TP + FN), F1 = 2 TP / (2 TP + FP + FN).
Average precision AP = Σ_i (R_i − R_{i−1}) P_i over the distinct probabilities from the highest down, equal ones taken
together: Everingham et al. 2010, "The PASCAL visual object classes challenge", section 4.2, without interpolation.
What has nothing to divide by is NaN, and is left out of means over tags.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Truth = NDArray[np.bool_]
MIDDLE = 0.5  # the threshold where nothing better is known


class Counts(NamedTuple):
    """Images of each tag (K,): told rightly, told wrongly, and missed."""

    right: NDArray[np.int64]
    wrong: NDArray[np.int64]
    missed: NDArray[np.int64]

    @classmethod
    def of(cls, told: Truth, truth: Truth) -> "Counts":
        """Of what is told and what is true (N, K)."""
        return cls((told & truth).sum(axis=0), (told & ~truth).sum(axis=0), (~told & truth).sum(axis=0))

    @property
    def precision(self) -> NDArray[np.float64]:
        return ratio(self.right, self.right + self.wrong)

    @property
    def recall(self) -> NDArray[np.float64]:
        return ratio(self.right, self.right + self.missed)

    @property
    def f1(self) -> NDArray[np.float64]:
        return ratio(2 * self.right, 2 * self.right + self.wrong + self.missed)

    @property
    def f1_micro(self) -> float:
        """F1 of all tags' counts together."""
        return float(Counts(*(np.atleast_1d(own.sum()) for own in self)).f1[0])


class Curve(NamedTuple):
    """Precision and recall (T,) where the threshold is one of the probabilities, from the highest down."""

    thresholds: NDArray[np.floating]
    precision: NDArray[np.float64]
    recall: NDArray[np.float64]

    @classmethod
    def of(cls, probabilities: NDArray[np.floating], truth: Truth) -> "Curve":
        """Of one tag's (N,)."""
        order = np.argsort(-probabilities, kind="stable")
        falling = probabilities[order]
        ends = np.flatnonzero(np.append(falling[1:] != falling[:-1], len(falling) > 0))  # of equal probabilities
        right = np.cumsum(truth[order], dtype=np.int64)[ends]
        return cls(falling[ends], right / (ends + 1), ratio(right, np.full(len(right), truth.sum(), np.int64)))

    @property
    def average_precision(self) -> float:
        return float(np.sum(np.diff(self.recall, prepend=0.0) * self.precision))


def ratio(part: NDArray[np.integer], whole: NDArray[np.integer]) -> NDArray[np.float64]:
    """The one by the other, NaN where there is no whole."""
    shares: NDArray[np.float64] = np.divide(part, whole, out=np.full(np.shape(whole), np.nan), where=whole > 0)
    return shares


def average_precisions(probabilities: NDArray[np.floating], truth: Truth) -> NDArray[np.float64]:
    """AP of each tag (K,), from (N, K)."""
    return np.array([Curve.of(*own).average_precision for own in zip(probabilities.T, truth.T, strict=True)])


def mean_of(values: NDArray[np.float64]) -> float:
    """The mean of those that are numbers; 0 if none is."""
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else 0.0


def best_thresholds(probabilities: NDArray[np.floating], truth: Truth) -> tuple[float, ...]:
    """For each tag (K,) the threshold of the highest F1 on these images (N, K); of several the nearest to one half.

    Tried are one half, the middles between neighbouring probabilities, and one that tells the tag of every image.
    """
    pairs = zip(probabilities.astype(np.float64).T, truth.T, strict=True)
    return tuple(_best_threshold(*own) for own in pairs)


def _best_threshold(probabilities: NDArray[np.float64], truth: Truth) -> float:
    rising = np.unique(probabilities)
    tried = np.concatenate([[MIDDLE], (rising[1:] + rising[:-1]) / 2, rising[:1] / 2])  # (T,)
    told = len(probabilities) - np.searchsorted(np.sort(probabilities), tried)
    right = truth.sum() - np.searchsorted(np.sort(probabilities[truth]), tried)
    f1 = 2 * right / np.maximum(told + truth.sum(), 1)
    best = tried[f1 == f1.max()]
    return float(best[np.abs(best - MIDDLE).argmin()])
