"""Numbers as brightness: which of them is white, and how they become 8 or 16 bits."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from striate.errors import ImageError

Pixels = NDArray[np.uint8]  # (H, W, C)

WHITE_8, WHITE_16 = 255, 65535


def native(values: NDArray[np.generic]) -> tuple[NDArray[Any], float]:
    """The values as uint8, uint16 or float32, and what is white: nan for integers that do not say it.

    Raises ImageError for what is no real number: true and false are not.
    """
    if values.dtype.kind == "u" and values.dtype.itemsize <= 2:
        return values.astype(values.dtype.newbyteorder("="), copy=False), WHITE_8 if values.itemsize == 1 else WHITE_16
    if values.dtype.kind == "f":
        return values.astype(np.float32, copy=False), 1.0
    if values.dtype.kind in "iu":
        return values.astype(np.float32), float("nan")
    raise ImageError(f"{values.dtype} does not say what is white; expected uint8, uint16 or floats 0..1")


def eight_bits(values: NDArray[Any], white: float) -> Pixels:
    """0..white as 0..255, rounded to the nearest. Raises ImageError for values beyond, and if white is not known."""
    if values.dtype == np.uint8 and white == WHITE_8:
        return values
    if np.isnan(white):
        raise ImageError(
            "its kind of integers does not say what is white: scale them to 8 bits, or give --range low:high"
        )
    low, high = float(values.min()), float(values.max())
    in_range = low >= 0 and high <= white  # false also when a value is not a number
    if not in_range:
        raise ImageError(
            f"its values reach from {low:g} to {high:g}; expected 0 to {white:g}: scale them to that range, "
            "or give theirs with --range low:high"
        )
    return np.rint(values * np.float64(WHITE_8 / white)).astype(np.uint8)


def expect_within(values: NDArray[Any], low: float, high: float) -> None:
    """Raise ImageError if a value lies outside low..high, or is not a number."""
    least, most = float(values.min()), float(values.max())
    if np.isnan(least):
        raise ImageError("some of its values are not numbers; expected numbers only: repair or remove it")
    if not low <= least <= most <= high:
        raise ImageError(f"its values reach from {least:g} to {most:g}; --range says {low:g}:{high:g}")


def sixteen_bits(values: NDArray[Any], low: float, high: float) -> NDArray[np.float64]:
    """low..high as 0..65535, not rounded yet."""
    wide: NDArray[np.float64] = (values.astype(np.float64) - low) * WHITE_16 / (high - low)
    return wide


def on_white(
    colours: NDArray[np.uint16], alpha: NDArray[np.uint16], white: float, *, premultiplied: bool
) -> NDArray[np.uint16]:
    """What is transparent, laid on white: c·a + white·(1 - a); premultiplied colours are c·a already."""
    share = np.minimum(alpha / np.float64(white), 1)  # (H, W, 1)
    shown = colours * (1.0 if premultiplied else share) + white * (1 - share)
    return np.rint(np.minimum(shown, white)).astype(colours.dtype)
