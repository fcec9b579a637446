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

    `scale` says what black, mid-grey and white stand for; a `small` panel is an aid beside the images.
    """

    title: str
    pixels: Pixels
    note: str = ""
    numbers: NDArray[Any] | None = None  # (H, W)
    strokes: Strokes | None = None
    scale: tuple[str, str, str] | None = None
    small: bool = False


def readable(values: NDArray[Any]) -> NDArray[Any] | None:
    """Numbers (H, W) that can be written into their cells: those of tiny images of one channel."""
    return values if values.ndim == 2 and max(values.shape) <= _READABLE else None


def told(number: float) -> str:
    """A number to be read off a picture: whole ones in full, others with four digits.

    >>> told(-764745), told(1 / 3)
    ('−764745', '0.3333')
    """
    return (str(int(number)) if number == int(number) else f"{number:.4g}").replace("-", "−")


def signed_grey(values: NDArray[Any], largest: float = 0) -> Pixels:
    """Any numbers as grey: zero is mid-grey, and the largest of either sign, found if not given, is black or white.

    >>> signed_grey(np.array([[-30, 0, 15]]))
    array([[  0, 128, 191]], dtype=uint8)
    """
    shares = np.clip(values / (largest or reach(values) or 1.0), -1, 1)
    grey: Pixels = np.rint((shares + 1) * 127.5).astype(np.uint8)
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
