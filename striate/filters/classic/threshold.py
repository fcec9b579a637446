"""Thresholding: white where the brightness is above a level, black elsewhere.

Source of the level if none is given: Otsu, "A threshold selection method from gray-level histograms", 1979. It is the
one that makes the two sides as alike within themselves as can be: the variance within both, weighted by their pixels,
is least.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from striate.filters.answer import Answer
from striate.filters.classic.opencv import expect_between, opencv
from striate.filters.grey import brightness
from striate.filters.panels import Panel, glued
from striate.images.reading import ImageSource, Pixels, read_image


@dataclass(frozen=True, eq=False)
class Thresholded(Answer):
    """`white` (H, W) is true where the brightness is above `level`; `found` says that Otsu's method found the level."""

    image: Pixels
    level: float
    found: bool
    white: NDArray[np.bool_]

    @property
    def name(self) -> str:
        return "threshold"

    def sentences(self) -> list[str]:
        """The level, who chose it, and how much is above."""
        chosen = "found by Otsu's method" if self.found else "as given"
        return [f"threshold: white above {self.level:g} ({chosen})", f"white: {self.white.mean():.1%} of the pixels"]

    def findings(self) -> dict[str, Any]:
        """The level, and the share of pixels above it."""
        return {"level": self.level, "found": self.found, "white": float(self.white.mean())}

    def panels(self) -> list[Panel]:
        """Original, and black and white."""
        how = f"white above {self.level:g}, {'found by Otsu' if self.found else 'as given'}"
        return [Panel("original", glued(self.image)), Panel("threshold", self.white * np.uint8(255), how)]


def threshold(source: ImageSource, level: float | None = None) -> Thresholded:
    """White where the brightness is above `level`, from 0 to 255; above Otsu's level if none is given.

    Raises SettingsError for a level out of that range, ImageError if the image cannot be read.

    >>> threshold(np.uint8([[10, 20, 200, 210]])).white
    array([[False, False,  True,  True]])
    """
    if level is not None:
        expect_between("level", level, 0, 255)
    image = read_image(source)
    grey = brightness(image)
    with opencv() as cv2:
        kind = cv2.THRESH_BINARY | (cv2.THRESH_OTSU if level is None else 0)
        chosen, white = cv2.threshold(grey, level or 0, 255, kind)
    return Thresholded(image, float(chosen), level is None, white > 0)
