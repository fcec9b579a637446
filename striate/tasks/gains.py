"""What is won by averaging, in images named right, with its 95 % interval: both named the very same images.

Wilson 1927: the interval of one share. Newcombe 1998, "Improved confidence intervals for the difference between
binomial proportions based on paired data", Statistics in Medicine 17, 2635-2650, method 10: the interval of the
difference of two shares of the same n. It is for small n too: without a single image on which the two differ it still
has a width, where a bootstrap and McNemar's error would have none.

Letters: of n images both name `both` right, the first alone `first`, the second alone `second`, and none `neither`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import hypot, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

_Z = 1.96  # what 95 % of a normal distribution lies within, in deviations


def wilson(right: int, n: int) -> tuple[float, float]:
    """Where a share lies of which `right` of n were seen, with 95 % confidence."""
    share, spread = right / n, 1 + _Z * _Z / n
    middle = (share + _Z * _Z / (2 * n)) / spread
    half = _Z * sqrt(share * (1 - share) / n + _Z * _Z / (4 * n * n)) / spread
    return max(0.0, middle - half), min(1.0, middle + half)


def newcombe(both: int, first: int, second: int, neither: int) -> tuple[float, float]:
    """Where the first share minus the second lies, with 95 % confidence.

    Each end is the root of a² - 2φab + b² away from the difference; a and b are how far Wilson's intervals reach from
    the two shares, φ is how much the two go together.
    """
    n = both + first + second + neither
    ours, others = (both + first) / n, (both + second) / n
    (our_low, our_high), (low, high) = wilson(both + first, n), wilson(both + second, n)
    together = _together(both, first, second, neither)
    below = _far(ours - our_low, high - others, together)
    above = _far(our_high - ours, others - low, together)
    difference = (first - second) / n
    return max(-1.0, difference - below), min(1.0, difference + above)


def _together(both: int, first: int, second: int, neither: int) -> float:
    """φ of the four counts, brought nearer to 0 by half an image; 0 if one of the two was always right or never."""
    margins = (both + first) * (second + neither) * (both + second) * (first + neither)
    product = both * neither - first * second
    corrected = max(product - (both + first + second + neither) / 2, 0) if product > 0 else product
    return corrected / sqrt(margins) if margins else 0.0


def _far(a: float, b: float, together: float) -> float:
    """√(a² - 2φab + b²), as a sum of two squares: no rounding makes it the root of a negative number."""
    return hypot(a - together * b, b * sqrt(max(0.0, 1 - together * together)))


@dataclass(frozen=True)
class Gain:
    """Of n images `right` are named right, where what is compared with names `other`, perhaps a mean of several."""

    over: str
    n: int
    right: int
    other: float
    interval: tuple[float, float]  # of the difference of the two shares

    @property
    def difference(self) -> float:
        return (self.right - self.other) / self.n

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return {
            "over": self.over,
            "n": self.n,
            "right": self.right,
            "other_right": self.other,
            "difference": self.difference,
            "interval_95": self.interval,
        }


def gain(over: str, ours: NDArray[np.bool_], others: Sequence[NDArray[np.bool_]]) -> Gain:
    """The gain of what names the images (N,) right over the mean of some others.

    Over the mean of several, the ends are the means of their ends: the spread of a mean is never more than the mean of
    the spreads, so the interval is wide enough whether or not the others err alike.
    """
    intervals = [newcombe(*_counts(ours, theirs)) for theirs in others]
    low, high = np.mean(intervals, axis=0).tolist()
    return Gain(over, len(ours), int(ours.sum()), float(np.mean([theirs.sum() for theirs in others])), (low, high))


def _counts(ours: NDArray[np.bool_], theirs: NDArray[np.bool_]) -> tuple[int, int, int, int]:
    pairs = ((ours, theirs), (ours, ~theirs), (~ours, theirs), (~ours, ~theirs))
    both, first, second, neither = (int((one & other).sum()) for one, other in pairs)
    return both, first, second, neither
