"""Brightness of an image: 0.299 red + 0.587 green + 0.114 blue, rounded, as Pillow has it (ITU-R BT.601)."""

import numpy as np
from PIL import Image

from striate.images.reading import ImageSource, Pixels, read_image


def read_grey(source: ImageSource) -> Pixels:
    """Brightness (H, W) of any image that `read_image` takes. Raises ImageError as it does.

    >>> read_grey(np.array([[[255, 0, 0], [0, 0, 255]]], np.uint8))
    array([[76, 29]], dtype=uint8)
    """
    return brightness(read_image(source))


def brightness(pixels: Pixels) -> Pixels:
    """(H, W, C) to (H, W)."""
    return pixels[:, :, 0] if pixels.shape[2] == 1 else np.asarray(Image.fromarray(pixels).convert("L"))
