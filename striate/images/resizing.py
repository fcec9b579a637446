"""Resizing as Pillow does it, antialiased: each new pixel is a mean of all the old ones that it covers.

8 bits go through torch's kernel: in a quarter of the time, in the thread that calls it, and to a level what Pillow
makes of first the rows and then the columns. (Pillow itself takes the columns first where that is less work: then what
a bicubic mean overshoots is cut off elsewhere.) Floats are resized by Pillow itself: torch would start threads for them
within each thread.
"""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch.nn import functional

from striate.images.fits import Interpolation

_PILLOW = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}
_TOGETHER = 4  # channels that torch's kernel for 8 bits takes


def resized(pixels: NDArray[Any], size: tuple[int, int], interpolation: Interpolation) -> NDArray[Any]:
    """Pixels (H, W, C) as planes (C, *size) of their own memory; of other numbers than uint8 perhaps in float32.

    Bicubic floats can leave the range of the pixels, for the caller to cut off.
    """
    if pixels.shape[:2] == size:
        return pixels.transpose(2, 0, 1).copy()
    if interpolation == "nearest":
        return np.ascontiguousarray(nearest(pixels, size).transpose(2, 0, 1))
    if pixels.dtype == np.uint8:
        return _eight_bits(pixels, size, interpolation)
    return _floats(pixels, size, interpolation)


def nearest(pixels: NDArray[Any], size: tuple[int, int]) -> NDArray[Any]:
    """The pixel under the middle of each new one (*size, …), of numbers of any kind: Pillow's choice, where two tie."""
    rows, columns = (_places(old, new) for old, new in zip(pixels.shape, size, strict=False))
    return pixels[rows[:, None], columns]


def _places(old: int, new: int) -> NDArray[np.intp]:
    """The old pixels under the middles of the new ones; the steps are added up, as Pillow does."""
    steps = np.full(new, old / new)
    steps[0] /= 2
    return np.add.accumulate(steps).astype(np.intp)


def _eight_bits(pixels: NDArray[np.uint8], size: tuple[int, int], interpolation: Interpolation) -> NDArray[np.uint8]:
    planes = np.empty((pixels.shape[2], *size), np.uint8)
    for start in range(0, len(planes), _TOGETHER):
        part = np.require(pixels[:, :, start : start + _TOGETHER], requirements=("C", "W"))
        image = torch.from_numpy(part).permute(2, 0, 1)[None]  # (1, C, H, W), as it lies in memory
        fitted = functional.interpolate(image, size, mode=interpolation, antialias=True, align_corners=False)
        planes[start : start + _TOGETHER] = fitted[0].numpy()
    return planes


def _floats(pixels: NDArray[Any], size: tuple[int, int], interpolation: Interpolation) -> NDArray[np.float32]:
    planes = np.empty((pixels.shape[2], *size), np.float32)
    for place in range(len(planes)):
        plane = Image.fromarray(np.ascontiguousarray(pixels[:, :, place], np.float32))
        planes[place] = np.asarray(plane.resize(size[::-1], _PILLOW[interpolation]))
    return planes
