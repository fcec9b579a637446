"""Resizing as Pillow does it, antialiased: each new pixel is a mean of all the old ones that it covers.

Bilinear in 8 bits goes through torch's kernel: it takes a quarter of the time, runs in the thread that calls it, and
differs from Pillow's by one level. The others are Pillow's own: torch's bicubic one differs by up to 31 levels where
what overshoots is cut off between the two directions, and for floats torch would start threads within each thread.
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
    if pixels.dtype == np.uint8 and interpolation == "bilinear":
        return _by_torch(pixels, size)
    return _by_pillow(pixels, size, _PILLOW[interpolation])


def nearest(pixels: NDArray[Any], size: tuple[int, int]) -> NDArray[Any]:
    """The pixel under the middle of each new one (*size, …), of numbers of any kind: Pillow's choice, where two tie."""
    rows, columns = (_places(old, new) for old, new in zip(pixels.shape, size, strict=False))
    return pixels[rows[:, None], columns]


def _places(old: int, new: int) -> NDArray[np.intp]:
    """The old pixels under the middles of the new ones; the steps are added up, as Pillow does."""
    steps = np.full(new, old / new)
    steps[0] /= 2
    return np.add.accumulate(steps).astype(np.intp)


def _by_torch(pixels: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    planes = np.empty((pixels.shape[2], *size), np.uint8)
    for start in range(0, len(planes), _TOGETHER):
        part = np.require(pixels[:, :, start : start + _TOGETHER], requirements=("C", "W"))
        image = torch.from_numpy(part).permute(2, 0, 1)[None]  # (1, C, H, W), as it lies in memory
        fitted = functional.interpolate(image, size, mode="bilinear", antialias=True, align_corners=False)
        planes[start : start + _TOGETHER] = fitted[0].numpy()
    return planes


def _by_pillow(pixels: NDArray[Any], size: tuple[int, int], resampling: Image.Resampling) -> NDArray[Any]:
    """Each plane by itself: of four channels Pillow would take the last for an alpha."""
    number = np.uint8 if pixels.dtype == np.uint8 else np.float32
    planes = np.empty((pixels.shape[2], *size), number)
    for place in range(len(planes)):
        plane = Image.fromarray(np.ascontiguousarray(pixels[:, :, place], number))
        planes[place] = plane.resize(size[::-1], resampling)
    return planes
