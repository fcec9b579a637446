"""Canny's edges: lines one pixel wide along the ridges of the gradient.

Source: Canny, "A computational approach to edge detection", 1986. The gradient is Sobel's, so a step of s between two
flat sides has a length of 4 s. A ridge above `high` is an edge; one above `low` is if it hangs on such a one.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from striate.errors import SettingsError
from striate.filters.answer import Answer
from striate.filters.classic.opencv import expect_between, opencv
from striate.filters.grey import brightness
from striate.filters.panels import Panel, glued
from striate.images.reading import ImageSource, Pixels, read_image

_STEEPEST = 2000  # 4 · 255 · √2 = 1442 is the longest gradient there can be


@dataclass(frozen=True, eq=False)
class Edges(Answer):
    """`edge` (H, W) is true on the edges."""

    image: Pixels
    low: float
    high: float
    edge: NDArray[np.bool_]

    @property
    def name(self) -> str:
        return "canny"

    def sentences(self) -> list[str]:
        """The levels, and how many pixels are edges."""
        return [
            f"canny: edges above {self.high:g}, followed down to {self.low:g}",
            f"edges: {int(self.edge.sum()):,} pixels, {self.edge.mean():.1%} of all",
        ]

    def findings(self) -> dict[str, Any]:
        """The levels, and the pixels that are edges."""
        return {"low": self.low, "high": self.high, "edges": int(self.edge.sum()), "share": float(self.edge.mean())}

    def panels(self) -> list[Panel]:
        """Original, and edges in white."""
        how = f"gradient above {self.high:g}, followed down to {self.low:g}"
        return [Panel("original", glued(self.image)), Panel("canny", self.edge * np.uint8(255), how)]


def canny(source: ImageSource, low: float = 100, high: float = 200) -> Edges:
    """Edges of the brightness; `low` and `high` are lengths of Sobel's gradient, at most 1442.

    Raises SettingsError for levels out of 0..2000 or out of order, ImageError if the image cannot be read.

    >>> canny(np.repeat(np.uint8([[0, 0, 0, 90, 90, 90]]), 6, axis=0)).edge[3]
    array([False, False,  True, False, False, False])
    """
    expect_between("low", low, 0, _STEEPEST)
    expect_between("high", high, 0, _STEEPEST)
    if low > high:
        raise SettingsError(f"low is {low:g} and high {high:g}; expected low to be no more than high: exchange them")
    image = read_image(source)
    with opencv() as cv2:
        edges = cv2.Canny(brightness(image), low, high, L2gradient=True)
    return Edges(image, low, high, edges > 0)
