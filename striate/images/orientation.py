"""Upright: the eight orientations of EXIF (CIPA DC-008, tag 274)."""

from typing import Any

from numpy.typing import NDArray

TAG = 274
_TRANSPOSED = 4  # from 5 on the first row of the file is a side of the picture


def known(value: object) -> int:
    """The orientation that a file claims, or 1 if it claims none of the eight."""
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def upright(pixels: NDArray[Any], orientation: int) -> NDArray[Any]:
    """Pixels (H, W, C) as they are to be shown; a view.

    1: the first row is the top and the first column the left; 2 top, right; 3 bottom, right; 4 bottom, left;
    5 left, top; 6 right, top; 7 right, bottom; 8 left, bottom.
    """
    if orientation > _TRANSPOSED:
        pixels = pixels.transpose(1, 0, 2)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return pixels
