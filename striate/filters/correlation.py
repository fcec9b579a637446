"""A kernel slid over an image: y[i, j] = sum over a, b of w[a, b] · x[i + a, j + b], divided by the kernel's divisor.

This is what the lectures, and all networks, call convolution. A mathematician turns the kernel over first and calls
this one cross-correlation. Each channel is taken by itself; whole numbers stay whole until the one division.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from striate.arithmetic.windows import Padding, both_ends, fit
from striate.errors import ImageError, UnknownNameError
from striate.filters.kernels import Kernel, kernel_of

_BORDERS = ("edge", "zero", "valid")
_EXACT = 2**63


def correlate(image: NDArray[Any], kernel: str | Kernel, *, border: str = "edge") -> NDArray[Any]:
    """The response of a kernel at every place of an image (H, W) or (H, W, C): signed, not clipped.

    The border says what lies around the image. "edge" repeats its outermost pixels: there the scene goes on, as far as
    one can know, and the frame of the picture makes no edge of its own. "zero" is black, as in a padded network. With
    "valid" a response is given only where the whole kernel lies on the image: (H - F + 1, W - F + 1). The other two
    keep (H, W); of an even kernel the larger half hangs over the end.

    Whole numbers give int64 if the divisor is 1 or -1, else float64; floats give float64. Raises SizeError if the
    kernel does not fit, UnknownNameError for another name or border, and ImageError if the array is not an image of
    real numbers or its whole numbers are so large that sums would not be exact.

    >>> board = np.repeat([[10, 10, 10, 0, 0, 0]], 6, axis=0)  # the lectures' upright edge
    >>> correlate(board, "prewitt", border="valid")[0]
    array([ 0, 30, 30,  0])
    """
    if border not in _BORDERS:
        raise UnknownNameError("border", str(border), _BORDERS)
    kernel = kernel_of(kernel)
    values = _numbers(image, kernel)
    padding: Padding = 0 if border == "valid" else "same"
    sides = list(zip(values.shape, kernel.size, strict=False))  # channels lie under no window
    rows, columns = (fit(side, window, padding=padding).places for side, window in sides)
    ends = [both_ends(padding, side, window) for side, window in sides] + [(0, 0)] * (values.ndim - 2)
    around = np.pad(values, ends, mode="edge" if border == "edge" else "constant")
    total = np.zeros((rows, columns, *values.shape[2:]), values.dtype)
    for (down, right), weight in np.ndenumerate(np.array(kernel.weights)):
        if weight:
            total += weight * around[down : down + rows, right : right + columns]
    return total * kernel.divisor if abs(kernel.divisor) == 1 else total / kernel.divisor


def _numbers(image: NDArray[Any], kernel: Kernel) -> NDArray[Any]:
    """The image in int64 or float64."""
    if not isinstance(image, np.ndarray) or image.dtype.kind not in "buif":
        kind = f"an array of {image.dtype}" if isinstance(image, np.ndarray) else f"a {type(image).__name__}"
        raise ImageError(f"{kind} is not an image; expected a NumPy array of whole or real numbers")
    if image.ndim not in (2, 3):
        raise ImageError(f"an array of shape {image.shape} is not an image; expected (H, W) or (H, W, C)")
    if image.dtype.kind == "f":
        return image.astype(np.float64)
    largest = max(int(image.max(initial=0)), -int(image.min(initial=0)))
    if largest * sum(abs(weight) for row in kernel.weights for weight in row) >= _EXACT:
        raise ImageError(f"its values reach {largest:,}, too large for exact sums with {kernel.name}: scale them down")
    return image.astype(np.int64)
