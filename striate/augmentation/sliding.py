"""Whole pixels moved: images mirrored and slid by copies of whole rows and images, without an index for each pixel.

Only few numbers say where what goes; they are reckoned in NumPy, which is quicker with few numbers.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

Chosen = NDArray[np.bool_]  # (N,)


def mirror(images: Tensor, chosen: Chosen, axis: int = -1) -> Tensor:
    """Images (N, ..., H, W), those that are `chosen` mirrored along an axis."""
    if not chosen.any():
        return images
    mirrored, places = _mirrored_last(images, chosen, axis)
    return mirrored.index_select(0, torch.from_numpy(places).to(images.device))


def slide(images: Tensor, steps: NDArray[np.int64], *, padding: str, value: int = 0, mirrored: Chosen) -> Tensor:
    """Images (N, C, H, W), perhaps mirrored from left to right, then each moved by its steps (N, 2), right and down.

    They are padded, and cut out where each one's window lies. A window's rows are runs of W values somewhere in the
    padded memory. Seen as a matrix of all runs, one starting at each value, the rows are picked by number.
    """
    count, channels, height, width = images.shape
    if not images.numel():
        return images
    margin = int(np.abs(steps).max())
    source, places = _mirrored_last(images, mirrored, -1) if mirrored.any() else (images, np.arange(count))
    padded = functional.pad(source, [margin] * 4, padding, value if padding == "constant" else None).contiguous()
    high, wide = padded.shape[2:]
    runs = padded.as_strided((padded.numel() - width + 1, width), (1, 1))
    windows = (places * channels * high + margin - steps[:, 1]) * wide + margin - steps[:, 0]  # (N,) where each begins
    lines = torch.arange(high * channels, device=images.device).view(1, channels, high)[:, :, :height] * wide
    rows = torch.from_numpy(windows).to(images.device)[:, None, None] + lines  # (N, C, H)
    return runs.index_select(0, rows.flatten()).view(images.shape)


def _mirrored_last(images: Tensor, chosen: Chosen, axis: int) -> tuple[Tensor, NDArray[np.int64]]:
    """The images with the mirrored ones last, where one copy mirrors them all, and where each one is now (N,)."""
    order = np.argsort(chosen, kind="stable")  # (N,)
    upright = len(chosen) - int(chosen.sum())
    sorted_images = images.index_select(0, torch.from_numpy(order).to(images.device))
    sorted_images[upright:] = sorted_images[upright:].flip(axis)
    places = np.empty_like(order)
    places[order] = np.arange(len(order))
    return sorted_images, places
