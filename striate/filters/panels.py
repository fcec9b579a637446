"""What a picture is made of, as plain values: panels side by side, pixels with numbers and strokes over them.

Whoever has something to show gives panels; `picture.py` alone knows how to draw them.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from striate.filters.grey import brightness
from striate.filters.strokes import Strokes
from striate.images.reading import Pixels

_READABLE = 12  # cells a side in which one can still read a number


@dataclass(frozen=True, eq=False)
class Panel:
    """One image of a picture, (H, W) or (H, W, 3): its title, a note below, numbers in its cells, strokes over it.

    `scale` holds the numbers that black and white stand for; a `small` panel is an aid beside the images.
    """

    title: str
    pixels: Pixels
    note: str = ""
    numbers: NDArray[Any] | None = None  # (H, W)
    strokes: Strokes | None = None
    scale: tuple[float, float] | None = None
    small: bool = False


def readable(values: NDArray[Any]) -> NDArray[Any] | None:
    """Numbers (H, W) that can be written into their cells: those of tiny images of one channel."""
    return values if values.ndim == 2 and max(values.shape) <= _READABLE else None


def signed_grey(values: NDArray[Any]) -> Pixels:
    """Any numbers as grey: zero is mid-grey, and the largest of either sign reaches black or white.

    >>> signed_grey(np.array([[-30, 0, 15]]))
    array([[  0, 128, 191]], dtype=uint8)
    """
    largest = reach(values) or 1.0
    grey: Pixels = np.rint((values / largest + 1) * 127.5).astype(np.uint8)
    return grey


def reach(values: NDArray[Any]) -> float:
    """The largest absolute value; 0 where there is none."""
    return float(np.abs(values).max(initial=0))


def glued(pixels: Pixels) -> Pixels:
    """(H, W, 1) to (H, W); colours as they are."""
    return pixels[:, :, 0] if pixels.shape[2] == 1 else pixels


def dimmed(pixels: Pixels) -> Pixels:
    """The image in dark grey (H, W), for strokes to stand out."""
    dark: Pixels = (brightness(pixels) * 0.6).astype(np.uint8)
    return dark
