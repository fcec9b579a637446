"""Smoothing: each pixel becomes a mean, or the middle, of those in a square or disc around it.

Sources: Gaussian, in sizes 3 and 5 the binomial kernels of the lectures (see `kernels.py`); median, Tukey 1971;
bilateral, Tomasi and Manduchi, "Bilateral filtering for gray and color images", 1998. Beyond the border the outermost
pixels go on.
"""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from striate.errors import SettingsError
from striate.filters.answer import Answer
from striate.filters.classic.opencv import expect_between, opencv
from striate.filters.panels import Panel, glued
from striate.images.reading import ImageSource, Pixels, read_image

_LARGEST = 255  # pixels of a side
_BINOMIAL = 5  # and smaller


@dataclass(frozen=True, eq=False)
class Smoothed(Answer):
    """The smoothed image (H, W, C), and the side of the square, or across the disc, that was looked at."""

    image: Pixels
    method: Literal["gaussian", "median", "bilateral"]
    size: int
    smooth: Pixels

    @property
    def name(self) -> str:
        return f"smooth_{self.method}"

    @property
    def change(self) -> float:
        """By how much a pixel has changed in the mean, of 255."""
        return float(np.abs(self.smooth.astype(np.int16) - self.image).mean())

    @property
    def window(self) -> str:
        """What was looked at around each pixel."""
        return f"discs {self.size} across" if self.method == "bilateral" else f"squares of {self.size}×{self.size}"

    def sentences(self) -> list[str]:
        """The square or disc, and how much it changed."""
        return [f"{self.name}: over {self.window}", f"pixels have changed by {self.change:.1f} of 255 in the mean"]

    def findings(self) -> dict[str, Any]:
        """The side of the square, or across the disc, and the mean change."""
        return {"window": self.size, "change": self.change}

    def panels(self) -> list[Panel]:
        """Original, and smoothed."""
        return [Panel("original", glued(self.image)), Panel(self.name, glued(self.smooth), self.window)]


def smooth_gaussian(source: ImageSource, size: int = 5) -> Smoothed:
    """A mean in which near pixels count more: of sizes 3 and 5 by the binomial kernels of the lectures.

    In a larger one a pixel d rows and e columns away counts exp(-(d² + e²) / 2s²), with a spread of
    s = 0.3 ((size - 1) / 2 - 1) + 0.8. OpenCV counts in whole numbers and may be off by up to 4 of 255.

    Raises SettingsError for a size that is even or out of 1..255, ImageError if the image cannot be read.
    """
    image = _checked(source, size)
    spread = 0 if size <= _BINOMIAL else 0.3 * ((size - 1) / 2 - 1) + 0.8  # 0: OpenCV's table
    with opencv() as cv2:
        smooth = cv2.GaussianBlur(image, (size, size), spread, borderType=cv2.BORDER_REPLICATE)
    return Smoothed(image, "gaussian", size, smooth.reshape(image.shape))


def smooth_median(source: ImageSource, size: int = 5) -> Smoothed:
    """The middle of the pixels by rank: single outliers vanish and edges stay where they are.

    Raises SettingsError for a size that is even or out of 1..255, ImageError if the image cannot be read.

    >>> smooth_median(np.uint8([[7, 7, 255, 7, 7]]), size=3).smooth.ravel()
    array([7, 7, 7, 7, 7], dtype=uint8)
    """
    image = _checked(source, size)
    with opencv() as cv2:
        smooth = cv2.medianBlur(image, size)
    return Smoothed(image, "median", size, smooth.reshape(image.shape))


def smooth_bilateral(source: ImageSource, size: int = 9, *, unlike: float = 75, far: float = 75) -> Smoothed:
    """A mean over a disc in which pixels count less the further and the more unlike they are, so that edges stay.

    A pixel that is no more than (size - 1) / 2 away counts exp(-d² / 2 far²) · exp(-c² / 2 unlike²): d is its distance
    in pixels, c its difference in brightness, of colours the sum of the three. Raises SettingsError for a size that is
    even or out of 1..255 and for a spread out of 1..1000, ImageError if the image cannot be read.
    """
    expect_between("unlike", unlike, 1, 1000)
    expect_between("far", far, 1, 1000)
    image = _checked(source, size)
    if size == 1:  # OpenCV would take 3
        return Smoothed(image, "bilateral", size, image)
    with opencv() as cv2:
        smooth = cv2.bilateralFilter(image, size, unlike, far, borderType=cv2.BORDER_REPLICATE)
    return Smoothed(image, "bilateral", size, smooth.reshape(image.shape))


def _checked(source: ImageSource, size: int) -> Pixels:
    """The image, once the size is known to have a middle."""
    if not isinstance(size, int) or not 1 <= size <= _LARGEST or size % 2 == 0:
        raise SettingsError(f"size is {size!r}; expected an odd number from 1 to {_LARGEST}, which has a middle")
    return read_image(source)
