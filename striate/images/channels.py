"""Grey as colour and colour as grey: L = 0.299 R + 0.587 G + 0.114 B (ITU-R BT.601), in Pillow's whole numbers."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from striate.errors import ImageError

_LUMA = np.array([19595, 38470, 7471]) / 65536


def expect_channels(held: int, wanted: int | None) -> None:
    """Raise ImageError if the image has neither the number of channels that is wanted nor one that can become it."""
    if wanted not in (None, held) and {held, wanted} != {1, 3}:
        raise ImageError(
            f"it has {held} channel{'s' * (held > 1)}; expected {wanted}: give --channels {held}, or leave it out"
        )


def grey(pixels: NDArray[Any]) -> NDArray[Any]:
    """Red, green, blue (H, W, 3) as grey (H, W, 1); uint8 is rounded as Pillow does, more bits are not."""
    if pixels.dtype == np.uint8:
        return np.asarray(Image.fromarray(pixels).convert("L"))[:, :, None]
    return pixels @ _LUMA[:, None]
