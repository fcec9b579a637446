"""Calibration: of the images that a network is 80 % sure of, are 80 % right?

Guo, Pleiss, Sun and Weinberger 2017, "On calibration of modern neural networks", arXiv:1706.04599, section 2: images
are put into bins by the probability p of the class that was said, each open below and closed above. In bin b with n_b
of N images, conf is the mean of p and acc the share that is right; the expected calibration error is
ECE = Σ_b n_b / N |acc(b) − conf(b)|. There are ten bins here where the paper has fifteen: people read tenths.
"""

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from striate.errors import SizeError, expect_whole

BINS = 10


@dataclass(frozen=True)
class Bin:
    """The images whose class was said with a probability above `low`, at most `high`; an empty bin has no shares."""

    low: float
    high: float
    n: int
    said: float | None  # conf: mean probability of the class that was said
    right: float | None  # acc: share of the images that are of that class


@dataclass(frozen=True)
class Calibration:
    """How well the probabilities of a classifier say how often it is right."""

    bins: tuple[Bin, ...]

    @property
    def n(self) -> int:
        return sum(own.n for own in self.bins)

    @property
    def filled(self) -> tuple[Bin, ...]:
        """The bins that hold an image."""
        return tuple(own for own in self.bins if own.n)

    @property
    def error(self) -> float:
        """ECE = Σ n_b / N |acc(b) − conf(b)|, from 0 to 1."""
        return self._mean(abs(own.right - own.said) for own in self.filled)  # type: ignore[operator]

    @property
    def said(self) -> float:
        """The mean probability of the class that was said."""
        return self._mean(own.said for own in self.filled)

    @property
    def right(self) -> float:
        """The share of the images whose class was said: the accuracy."""
        return self._mean(own.right for own in self.filled)

    @property
    def chance(self) -> float:
        """The ECE to be expected of as many images if every probability were true: it is not 0 where images are few."""
        return self._mean(_expected_gap(own.n, own.said) for own in self.filled)  # type: ignore[arg-type]

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return {"expected_calibration_error": self.error, "n": self.n, "bins": [asdict(own) for own in self.bins]}

    def _mean(self, values: Any) -> float:
        """The mean over the images of what is the same for all of a bin."""
        return float(sum(own.n * value for own, value in zip(self.filled, values, strict=True)) / self.n)


def calibrate(probabilities: NDArray[np.floating], targets: NDArray[np.integer], *, bins: int = BINS) -> Calibration:
    """Compare the probabilities (N, K) of N images with their class numbers (N,), in bins of equal width.

    Raises SizeError without an image or for another number of targets, SettingsError for a number of bins that is none.
    """
    expect_whole("bins", bins, 10_000)
    if len(probabilities) != len(targets) or not len(targets):
        raise SizeError(
            f"{len(probabilities)} rows and {len(targets)} targets; expected one target for each of some rows"
        )
    rows = probabilities.astype(np.float64)
    right, sure = rows.argmax(axis=1) == targets, rows.max(axis=1)  # (N,), (N,)
    edges = np.linspace(0, 1, bins + 1)
    places = np.searchsorted(edges[1:-1], sure, side="left")  # (N,)
    counts = np.bincount(places, minlength=bins).tolist()
    said, hits = (np.bincount(places, own, bins).tolist() for own in (sure, right))
    return Calibration(
        tuple(
            Bin(low, high, n, said[place] / n if n else None, hits[place] / n if n else None)
            for place, (low, high, n) in enumerate(zip(edges[:-1].tolist(), edges[1:].tolist(), counts, strict=True))
        )
    )


def _expected_gap(n: int, p: float) -> float:
    """E|X / n − p| for X right of n images, each with probability p: 2 ν/n C(n, ν) p^ν (1−p)^(n−ν+1), ν = ⌊np⌋ + 1.

    De Moivre's formula: Diaconis and Zabell 1991, "Closed form summation for classical distributions", theorem 1.
    """
    first = math.floor(n * p) + 1
    if not 0 < p < 1 or first > n:
        return 0.0
    ways = math.lgamma(n + 1) - math.lgamma(first + 1) - math.lgamma(n - first + 1)
    return 2 * first / n * math.exp(ways + first * math.log(p) + (n - first + 1) * math.log1p(-p))
